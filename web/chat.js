/* chat: the customer's page, over the API of docs/API.md. docs/decisions/0004-plain-chat-page.md says why it is plain.
 *
 * The server's events are the truth and the log is drawn from them, each once, by its seq. Only the customer's own
 * messages are shown earlier: each has an id that is kept before it is sent, so that sending it again makes no second
 * one. Whatever others wrote reaches the page as text and never as HTML. */

const language_words = {
  'en': {
    title: 'Support chat',
    signin_title: 'Choose a customer',
    signin_hint: 'This is an example and everyone in it is invented. Sign in as one of them and ask about the card.',
    again: 'Try again',
    person_button: 'Talk to a person',
    end_button: 'End chat',
    leave_button: 'Sign out',
    chat_label: 'Chat',
    log_label: 'Messages',
    greeting: 'Write what you need help with. An AI assistant answers; you can ask for a person at any time.',
    agent: 'Assistant',
    tag_agent: 'AI',
    person: 'Support team',
    tag_person: 'Person',
    you: 'You',
    who_bot: 'An AI assistant is answering',
    who_pending_human: 'Waiting for a person to join',
    who_human: 'A person is answering',
    who_closed: 'This chat is closed',
    note_pending_human: 'A person was asked to join. You can go on writing here.',
    note_human: 'A person has joined the chat.',
    note_bot: 'The AI assistant is answering again.',
    note_closed: 'The chat was closed.',
    sending: 'Sending…',
    sent: 'Sent',
    failed: 'Not sent.',
    retry: 'Retry',
    working: 'Writing…',
    still_working: 'Still working on it…',
    newer: 'New messages',
    composer_label: 'Write a message',
    text_label: 'Your message',
    hint: 'Enter sends, Shift+Enter starts a new line.',
    send: 'Send',
    counter: '{n} of {max} characters',
    by: 'Please answer by {time}.',
    confirm: 'Confirm',
    cancel: 'Cancel',
    card_label: 'Your decision is needed',
    deciding: 'Sending your answer…',
    closed_yes: 'You confirmed. It is being done…',
    closed_no: 'You cancelled. Nothing was done.',
    closed_void: 'This no longer stands. Nothing was done.',
    closed_expired: 'The time to answer is over. Nothing was done.',
    closed_person: 'A person is taking over, so this no longer stands. Nothing was done.',
    action_ok: 'Done.',
    action_refused: 'It could not be done: it was refused.',
    action_already_done: 'Done. It had gone through before and was not done twice.',
    action_unknown: 'It is not certain yet whether it was done. It is being checked and will not be done twice.',
    rating_title: 'Rate this chat',
    rating_question: 'After this chat, how likely are you to recommend us?',
    rating_low: '0: not at all',
    rating_high: '10: very likely',
    rating_send: 'Send rating',
    rated: 'Thank you for your rating.',
    end_question: 'End this chat?',
    end_detail: 'You can start a new one at any time.',
    end_yes: 'End chat',
    end_no: 'Keep chatting',
    closed_note: 'This chat is closed.',
    new_button: 'Start a new chat',
    lost: 'The connection was lost. Trying to connect again…',
    p_offline: 'The server cannot be reached. Check your connection and try again.',
    p_sign_in: 'Your sign-in has ended. Please sign in again.',
    p_not_found: 'That chat is not here any more.',
    p_no_customers: 'The list of customers is not available right now.',
    p_too_many_messages: 'That was a lot of messages in a short time. Please wait a moment.',
    p_too_long: 'A message can have at most 10,000 characters.',
    p_empty_message: 'The message is empty.',
    p_proposal_void: 'This can no longer be decided.',
    p_stopping: 'The server is restarting. Please try again in a moment.',
    p_disk_full: 'Messages cannot be taken right now. Please try again later.',
    p_other: 'That did not work: {detail}',
  },
  'pt-BR': {
    title: 'Atendimento',
    signin_title: 'Escolha um cliente',
    signin_hint: 'Isto é um exemplo e todas as pessoas são inventadas. Entre como uma delas e pergunte pelo cartão.',
    again: 'Tentar de novo',
    person_button: 'Falar com uma pessoa',
    end_button: 'Encerrar',
    leave_button: 'Sair',
    chat_label: 'Conversa',
    log_label: 'Mensagens',
    greeting: 'Escreva como podemos ajudar. Um assistente de IA responde; você pode pedir uma pessoa a qualquer momento.',
    agent: 'Assistente',
    tag_agent: 'IA',
    person: 'Equipe de atendimento',
    tag_person: 'Pessoa',
    you: 'Você',
    who_bot: 'Um assistente de IA está respondendo',
    who_pending_human: 'Aguardando uma pessoa entrar',
    who_human: 'Uma pessoa está respondendo',
    who_closed: 'Esta conversa foi encerrada',
    note_pending_human: 'Uma pessoa foi chamada. Você pode continuar escrevendo aqui.',
    note_human: 'Uma pessoa entrou na conversa.',
    note_bot: 'O assistente de IA voltou a responder.',
    note_closed: 'A conversa foi encerrada.',
    sending: 'Enviando…',
    sent: 'Enviada',
    failed: 'Não enviada.',
    retry: 'Tentar de novo',
    working: 'Escrevendo…',
    still_working: 'Ainda estou trabalhando nisso…',
    newer: 'Novas mensagens',
    composer_label: 'Escrever uma mensagem',
    text_label: 'Sua mensagem',
    hint: 'Enter envia, Shift+Enter quebra a linha.',
    send: 'Enviar',
    counter: '{n} de {max} caracteres',
    by: 'Responda até {time}.',
    confirm: 'Confirmar',
    cancel: 'Cancelar',
    card_label: 'Precisamos da sua decisão',
    deciding: 'Enviando sua resposta…',
    closed_yes: 'Você confirmou. Está sendo feito…',
    closed_no: 'Você cancelou. Nada foi feito.',
    closed_void: 'Isto não vale mais. Nada foi feito.',
    closed_expired: 'O prazo para responder acabou. Nada foi feito.',
    closed_person: 'Uma pessoa vai assumir, então isto não vale mais. Nada foi feito.',
    action_ok: 'Feito.',
    action_refused: 'Não foi possível: o pedido foi recusado.',
    action_already_done: 'Feito. Já tinha sido concluído e não foi feito duas vezes.',
    action_unknown: 'Ainda não é certo se foi feito. Está sendo verificado e não será feito duas vezes.',
    rating_title: 'Avaliar esta conversa',
    rating_question: 'Depois desta conversa, qual a chance de você nos recomendar?',
    rating_low: '0: nenhuma',
    rating_high: '10: muito grande',
    rating_send: 'Enviar nota',
    rated: 'Obrigado pela sua nota.',
    end_question: 'Encerrar esta conversa?',
    end_detail: 'Você pode começar outra a qualquer momento.',
    end_yes: 'Encerrar',
    end_no: 'Continuar conversando',
    closed_note: 'Esta conversa foi encerrada.',
    new_button: 'Começar outra conversa',
    lost: 'A conexão caiu. Tentando conectar de novo…',
    p_offline: 'Não foi possível chegar ao servidor. Verifique sua conexão e tente de novo.',
    p_sign_in: 'Seu acesso terminou. Entre de novo.',
    p_not_found: 'Essa conversa não está mais aqui.',
    p_no_customers: 'A lista de clientes não está disponível agora.',
    p_too_many_messages: 'Foram muitas mensagens em pouco tempo. Espere um momento.',
    p_too_long: 'Uma mensagem pode ter no máximo 10.000 caracteres.',
    p_empty_message: 'A mensagem está vazia.',
    p_proposal_void: 'Isto não pode mais ser decidido.',
    p_stopping: 'O servidor está reiniciando. Tente de novo em um momento.',
    p_disk_full: 'Não é possível receber mensagens agora. Tente de novo mais tarde.',
    p_other: 'Isso não funcionou: {detail}',
  },
  'es-MX': {
    title: 'Atención al cliente',
    signin_title: 'Elige un cliente',
    signin_hint: 'Esto es un ejemplo y todas las personas son inventadas. Entra como una de ellas y pregunta por la tarjeta.',
    again: 'Reintentar',
    person_button: 'Hablar con una persona',
    end_button: 'Terminar',
    leave_button: 'Salir',
    chat_label: 'Chat',
    log_label: 'Mensajes',
    greeting: 'Escribe en qué podemos ayudarte. Responde un asistente de IA; puedes pedir una persona en cualquier momento.',
    agent: 'Asistente',
    tag_agent: 'IA',
    person: 'Equipo de atención',
    tag_person: 'Persona',
    you: 'Tú',
    who_bot: 'Responde un asistente de IA',
    who_pending_human: 'Esperando a que se una una persona',
    who_human: 'Responde una persona',
    who_closed: 'Este chat terminó',
    note_pending_human: 'Se llamó a una persona. Puedes seguir escribiendo aquí.',
    note_human: 'Una persona se unió al chat.',
    note_bot: 'El asistente de IA vuelve a responder.',
    note_closed: 'El chat terminó.',
    sending: 'Enviando…',
    sent: 'Enviado',
    failed: 'No se envió.',
    retry: 'Reintentar',
    working: 'Escribiendo…',
    still_working: 'Sigo trabajando en ello…',
    newer: 'Mensajes nuevos',
    composer_label: 'Escribir un mensaje',
    text_label: 'Tu mensaje',
    hint: 'Enter envía, Shift+Enter cambia de línea.',
    send: 'Enviar',
    counter: '{n} de {max} caracteres',
    by: 'Responde antes de {time}.',
    confirm: 'Confirmar',
    cancel: 'Cancelar',
    card_label: 'Necesitamos tu decisión',
    deciding: 'Enviando tu respuesta…',
    closed_yes: 'Confirmaste. Se está haciendo…',
    closed_no: 'Cancelaste. No se hizo nada.',
    closed_void: 'Esto ya no es válido. No se hizo nada.',
    closed_expired: 'Se acabó el tiempo para responder. No se hizo nada.',
    closed_person: 'Una persona va a atenderte, así que esto ya no es válido. No se hizo nada.',
    action_ok: 'Listo.',
    action_refused: 'No se pudo hacer: la solicitud fue rechazada.',
    action_already_done: 'Listo. Ya se había completado y no se hizo dos veces.',
    action_unknown: 'Todavía no es seguro si se hizo. Se está verificando y no se hará dos veces.',
    rating_title: 'Calificar este chat',
    rating_question: 'Después de este chat, ¿qué tan probable es que nos recomiendes?',
    rating_low: '0: nada probable',
    rating_high: '10: muy probable',
    rating_send: 'Enviar calificación',
    rated: 'Gracias por tu calificación.',
    end_question: '¿Terminar este chat?',
    end_detail: 'Puedes empezar otro en cualquier momento.',
    end_yes: 'Terminar',
    end_no: 'Seguir en el chat',
    closed_note: 'Este chat terminó.',
    new_button: 'Empezar otro chat',
    lost: 'Se perdió la conexión. Intentando conectar de nuevo…',
    p_offline: 'No se pudo llegar al servidor. Revisa tu conexión e inténtalo de nuevo.',
    p_sign_in: 'Tu sesión terminó. Entra de nuevo.',
    p_not_found: 'Ese chat ya no está aquí.',
    p_no_customers: 'La lista de clientes no está disponible en este momento.',
    p_too_many_messages: 'Fueron muchos mensajes en poco tiempo. Espera un momento.',
    p_too_long: 'Un mensaje puede tener como máximo 10,000 caracteres.',
    p_empty_message: 'El mensaje está vacío.',
    p_proposal_void: 'Esto ya no se puede decidir.',
    p_stopping: 'El servidor se está reiniciando. Inténtalo de nuevo en un momento.',
    p_disk_full: 'No se pueden recibir mensajes en este momento. Inténtalo más tarde.',
    p_other: 'Eso no funcionó: {detail}',
  },
};
export { language_words };

const MESSAGE_CHARS_MAX = 10000, COUNTER_FROM_CHARS = 9000;
const STILL_WORKING_MS = 3000, DRAFT_KEPT_MS = 400, LOST_SHOWN_MS = 1000, CALL_MS = 20000, MISSED_MS = 5000;
const BACKOFF_MS = [300, 600, 1200, 2500, 5000]; /* the last one again and again */
const SENDS_MAX = 4;

const els = {};
for (const e of document.querySelectorAll('[id]'))
  els[e.id] = e;

/* --- words, dates, elements --- */

let lang, locale;

function use_locale(wanted) {
  const two = String(wanted).slice(0, 2).toLowerCase();
  lang = Object.keys(language_words).find(l => l.startsWith(two)) || 'en';
  locale = lang.startsWith(two) ? wanted : lang;
  document.documentElement.lang = locale;
  for (const e of document.querySelectorAll('[data-say]'))
    e.textContent = say(e.dataset.say);
  for (const e of document.querySelectorAll('[data-label]'))
    e.ariaLabel = say(e.dataset.label);
  document.title = say('title');
}

function say(key, values = {}) {
  return language_words[lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/* The hour; with the day when it is another day. The month is spelt, as 02/03 is two days. */
function time_text(iso) {
  const at = new Date(iso), hour = {hour: '2-digit', minute: '2-digit'};
  const other_day = at.toDateString() !== new Date().toDateString();
  return at.toLocaleString(locale, other_day ? {day: 'numeric', month: 'short', ...hour} : hour);
}

/* An element. Children are elements or text; text stays text. */
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    e.setAttribute(name, value);
  e.append(...children);
  return e;
}

function announce(words) {
  els.announce.textContent = '';
  els.announce.textContent = words;
}

/* --- calls --- */

let server_ahead_ms = 0; /* the server's clock decides what has expired */

class Problem extends Error {
  constructor(status, title, detail, retry_after_s) {
    super(title);
    Object.assign(this, {status, title, detail, retry_after_s});
  }
  /* Worth sending again: it did not arrive, or the server cannot take it just now. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
  sentence() {
    const known = language_words[lang]['p_' + this.title];
    return known || say('p_other', {detail: this.detail || this.title});
  }
}

async function call(method, path, body, key) {
  const headers = {'Accept': 'application/json'};
  if (body)
    headers['Content-Type'] = 'application/json';
  if (key)
    headers['Idempotency-Key'] = key;
  let answer, json;
  try {
    answer = await fetch(path, {method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(CALL_MS)});
    json = await answer.json();
  } catch {
    throw new Problem(answer && !answer.ok ? answer.status : 0, 'offline');
  }
  const date = Date.parse(answer.headers.get('Date'));
  if (date)
    server_ahead_ms = date - Date.now();
  if (!answer.ok)
    throw new Problem(answer.status, json.title, json.detail, Number(answer.headers.get('Retry-After')));
  return json;
}

const path_of = rest => '/v1/conversations/' + encodeURIComponent(saved.conversation) + rest;

function show_problem(problem) {
  if (!(problem instanceof Problem))
    throw problem;
  els.problem.textContent = problem.sentence();
  if (problem.status === 401)
    show_signin();
}

/* One call of a button: its problem becomes a sentence on the page. Says whether it went well. */
async function press(path, body) {
  els.problem.textContent = '';
  try {
    expect((await call('POST', path_of(path), body)).seq);
    return true;
  } catch (problem) {
    show_problem(problem);
    return false;
  }
}

const sleep = ms => new Promise(done => setTimeout(done, ms));

/* A call that may be sent again without harm, sent again while its problem may pass. */
async function call_until(path, body, wanted) {
  for (let tries = 1;; tries++) {
    try {
      return await call('POST', path, body);
    } catch (problem) {
      if (!problem.passing || tries === SENDS_MAX || !wanted())
        throw problem;
      await sleep(problem.retry_after_s * 1000 || BACKOFF_MS[tries]);
    }
  }
}

/* Not crypto.randomUUID: that exists on https and localhost only. */
const random_id = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');

/* --- what survives a reload of this tab: who, which conversation, and what is not sent yet --- */

const nobody = () => ({customer: null, conversation: null, key: null, rated: false, text: '', outbox: []});
let saved = nobody();

function save() {
  try {
    sessionStorage.setItem('candor', JSON.stringify(saved));
  } catch { /* storage is off: the page works, a reload starts over */ }
}

function load() {
  try {
    saved = {...nobody(), ...JSON.parse(sessionStorage.getItem('candor'))};
  } catch { /* as above */ }
}

/* --- sign-in --- */

async function show_signin() {
  disconnect();
  saved = {...saved, customer: null};
  save();
  use_locale(navigator.language);
  els.chat.hidden = els.account.hidden = els.actions.hidden = els.who.hidden = els.again.hidden = true;
  els.signin.hidden = false;
  els.customers.replaceChildren();
  try {
    const names = new Intl.DisplayNames([locale], {type: 'language'});
    for (const customer of (await call('GET', '/v1/customers')).customers) {
      const button = el('button', {type: 'button'}, el('b', {lang: customer.locale}, customer.name),
                        el('span', {class: 'tag'}, names.of(customer.locale)),
                        el('span', {class: 'story', lang: 'en'}, customer.story));
      button.onclick = () => sign_in(customer);
      els.customers.append(el('li', {}, button));
    }
  } catch (problem) {
    els.again.hidden = false;
    show_problem(problem);
  }
}

async function sign_in(customer) {
  els.problem.textContent = '';
  try {
    await call('POST', '/v1/session', {customer: customer.id});
  } catch (problem) {
    return show_problem(problem);
  }
  /* Back after the sign-in ended: the same customer goes on where they were. */
  saved = {...(saved.last === customer.id ? saved : nobody()), customer, last: customer.id};
  save();
  show_chat();
  els.text.focus();
}

els.again.onclick = () => {
  els.problem.textContent = '';
  show_signin();
};

/* --- the log: what was said, in the order of the journal --- */

let shown; /* what is on the page of this conversation */

function new_log() {
  shown = {seq: 0, owner: 'bot', closed: false, own: new Map(), cards: new Map(), held: null, filled: false};
  els.list.replaceChildren();
  els.greeting.hidden = false;
  els.newer.hidden = true;
  els.rating.open = false;
  els.rate.reset();
  els.rated.textContent = '';
  els.text.value = saved.text;
  forget_draft();
  working(false);
  for (const item of saved.outbox)
    show_own(item);
}

/* Changes the page and keeps its end in view, unless the reader has scrolled back. */
function keeping_end(change) {
  const page = document.scrollingElement;
  const at_end = page.scrollHeight - page.scrollTop - innerHeight < 80;
  change();
  if (at_end || !shown.filled)
    page.scrollTop = page.scrollHeight;
  return at_end;
}

/* Puts an entry after what the journal holds and before what is still on its way. */
function place(li) {
  els.greeting.hidden = true;
  const first_pending = [...els.list.children].find(x => x !== li && x.classList.contains('pending')) || null;
  if (li.parentNode !== els.list || li.nextSibling !== first_pending)
    els.list.insertBefore(li, first_pending);
}

function message_entry(from, name, text) {
  const author = el('p', {class: 'author'}, el('b', {}, name));
  if (from !== 'customer')
    author.append(' ', el('span', {class: 'tag'}, say(from === 'agent' ? 'tag_agent' : 'tag_person')));
  author.append(' ', el('time'));
  return el('li', {class: 'message from-' + from}, author, el('p', {class: 'text', dir: 'auto'}, text));
}

function set_time(li, iso) {
  const time = li.querySelector('time');
  time.dateTime = iso;
  time.title = new Date(iso).toLocaleString(locale, {dateStyle: 'full', timeStyle: 'long'});
  time.textContent = time_text(iso);
}

function note(words) {
  place(el('li', {class: 'note'}, words));
}

/* --- own messages: shown at once, sent until they arrived, made once by their client_id --- */

function show_own(item) {
  const li = message_entry('customer', say('you'), item.text);
  li.classList.add('pending');
  li.append(el('p', {class: 'state', 'aria-live': 'off'}));
  shown.own.set(item.client_id, li);
  els.greeting.hidden = true;
  els.list.append(li);
  if (item.failed)
    set_state(item, 'failed');
  else
    deliver(item);
}

function set_state(item, state) {
  const li = shown.own.get(item.client_id), line = li.querySelector('.state');
  li.classList.toggle('failed', state === 'failed');
  line.replaceChildren(say(state));
  if (state === 'failed' && !shown.closed) {
    const again = el('button', {type: 'button'}, say('retry'));
    again.onclick = () => {
      els.problem.textContent = '';
      els.text.focus();
      deliver(item);
    };
    line.append(' ', again);
    announce(say('failed'));
  }
}

function keep(item, failed) {
  item.failed = failed;
  save();
}

function drop(item) {
  saved.outbox = saved.outbox.filter(x => x.client_id !== item.client_id);
  save();
}

let delivering = Promise.resolve(); /* one after the other, so that they arrive in the order they were written */

function deliver(item) {
  keep(item, false);
  set_state(item, 'sending');
  try_now();
  const mine = shown;
  delivering = delivering.then(() => mine === shown && send(item)).catch(problem => {
    if (mine !== shown)
      return;
    keep(item, true);
    set_state(item, 'failed');
    if (problem.status !== 0) /* that there is no connection is told already */
      show_problem(problem);
  });
}

async function send(item) {
  const mine = shown, wanted = () => mine === shown && saved.outbox.includes(item);
  while (wanted() && !saved.conversation) /* it is being opened; see connect() */
    await sleep(BACKOFF_MS[0]);
  if (!wanted())
    return;
  const {seq} = await call_until(path_of('/messages'), {text: item.text, client_id: item.client_id}, wanted);
  if (mine !== shown)
    return;
  drop(item);
  if (shown.own.get(item.client_id).classList.contains('pending'))
    set_state(item, 'sent');
  expect(seq);
}

function arrived_own(ev) {
  let li = shown.own.get(ev.client_id);
  drop(ev);
  if (!li) {
    li = message_entry('customer', say('you'), ev.text);
    li.append(el('p', {class: 'state', 'aria-live': 'off'}));
    shown.own.set(ev.client_id, li);
  }
  li.classList.remove('pending');
  set_state(ev, 'sent');
  return li;
}

/* --- the words being written, and the sign that somebody is at work --- */

let draft_timer, working_timer;

function draft(words) {
  if (draft_timer || els.draft.hidden)
    els['draft-text'].textContent = '';
  clearTimeout(draft_timer);
  draft_timer = 0;
  els['draft-text'].textContent += words;
  els.draft.hidden = false;
  els.working.hidden = true;
}

function forget_draft() {
  clearTimeout(draft_timer);
  draft_timer = 0;
  els.draft.hidden = true;
  els['draft-text'].textContent = '';
}

/* The reset comes just before the message that replaces the draft: taken away at once, the page would jump. */
function reset_draft() {
  draft_timer ||= setTimeout(forget_draft, DRAFT_KEPT_MS);
}

function working(yes) {
  if (yes && working_timer) {
    els.working.hidden = !els.draft.hidden;
    return;
  }
  clearTimeout(working_timer);
  working_timer = 0;
  els.working.hidden = !yes;
  els['working-text'].textContent = say('working');
  if (yes)
    working_timer = setTimeout(() => {
      els['working-text'].textContent = say('still_working');
      announce(say('still_working'));
    }, STILL_WORKING_MS);
}

/* --- the confirmation card --- */

function show_held() {
  if (!shown.held)
    return;
  clearTimeout(shown.held.timer);
  place(shown.held.li);
  shown.held = null;
}

function new_card(ev) {
  const id = 'card-' + ev.seq;
  const confirm = el('button', {type: 'button', class: 'main', 'aria-describedby': id}, say('confirm'));
  const cancel = el('button', {type: 'button', class: 'main', 'aria-describedby': id}, say('cancel'));
  const facts = el('dl', {}, ...ev.shown.flatMap(x => [el('dt', {}, x.label), el('dd', {dir: 'auto'}, String(x.value))]));
  const li = el('li', {class: 'card'},
                el('section', {role: 'group', 'aria-labelledby': id + ' ' + id + '-ask'},
                   el('p', {class: 'author', id: id + '-ask'}, say('card_label')), el('h2', {id}, ev.title), facts,
                   el('p', {class: 'small expiry'}, say('by', {time: time_text(ev.expires)})),
                   el('div', {class: 'choices'}, cancel, confirm), el('p', {class: 'outcome'})));
  const card = {seq: ev.seq, digest: ev.digest, li, open: true, timer: 0};
  confirm.onclick = () => decide(card, 'confirm');
  cancel.onclick = () => decide(card, 'cancel');
  const left_ms = Date.parse(ev.expires) + 1000 - Date.now() - server_ahead_ms; /* its seconds are cut off */
  card.timer = setTimeout(settle, Math.min(Math.max(left_ms, 0), 2 ** 31 - 1), card, 'closed_expired');
  return card;
}

function settle(card, outcome) {
  if (!card || (!card.open && !outcome.startsWith('action_')))
    return;
  clearTimeout(card.timer);
  card.open = false;
  const had_focus = card.li.contains(document.activeElement);
  card.li.classList.add('settled');
  card.li.querySelectorAll('.author, .choices, .expiry').forEach(e => e.remove());
  card.li.firstElementChild.setAttribute('aria-labelledby', 'card-' + card.seq);
  card.li.querySelector('.outcome').textContent = say(outcome);
  if (had_focus)
    els.text.focus();
}

function set_buttons(card, off, words) {
  card.li.querySelectorAll('button').forEach(b => { b.disabled = off; });
  card.li.querySelector('.outcome').textContent = words;
}

async function decide(card, decision) {
  els.problem.textContent = '';
  els.text.focus(); /* before its button goes */
  set_buttons(card, true, say('deciding'));
  try {
    const path = path_of('/proposals/' + card.seq + '/decision');
    expect((await call_until(path, {decision, digest: card.digest}, () => card.open)).seq);
  } catch (problem) {
    if (!card.open)
      return; /* an earlier try arrived, and the stream has told */
    if (problem.title === 'proposal_void') {
      set_buttons(card, true, problem.sentence());
    } else {
      set_buttons(card, false, '');
      show_problem(problem);
    }
  }
}

/* --- who answers, and the end --- */

function show_state() {
  const {owner, closed} = shown;
  els.who.textContent = say(closed ? 'who_closed' : 'who_' + owner);
  els.person.disabled = closed || owner !== 'bot';
  els.end.disabled = closed;
  els.composer.hidden = closed;
  els.over.hidden = !closed;
  els.rating.hidden = saved.rated || (!closed && owner === 'bot');
}

/* --- events: one function for each type --- */

const on = {
  message(ev) {
    const name = ev.from === 'agent' ? say('agent') : ev.name || say('person');
    const li = ev.from === 'customer' ? arrived_own(ev) : message_entry(ev.from, name, ev.text);
    set_time(li, ev.at);
    if (ev.from === 'customer')
      show_held();
    else
      forget_draft();
    place(li);
    show_held();
  },
  /* The words that ask come right after it and belong above the card. */
  proposal(ev) {
    show_held();
    const card = new_card(ev);
    shown.cards.set(ev.seq, card);
    shown.held = {li: card.li, timer: setTimeout(show_held, 1000)};
  },
  proposal_closed(ev) {
    show_held();
    settle(shown.cards.get(ev.proposal), 'closed_' + ev.outcome);
  },
  action(ev) {
    settle(shown.cards.get(ev.proposal), 'action_' + ev.outcome);
  },
  owner(ev) {
    show_held();
    if (ev.owner === shown.owner)
      return;
    shown.owner = ev.owner;
    note(say('note_' + ev.owner));
    if (ev.owner !== 'bot') {
      forget_draft();
      working(false);
      for (const card of shown.cards.values())
        settle(card, 'closed_person');
    }
  },
  turn(ev) {
    working(ev.state === 'thinking' && shown.owner === 'bot');
    if (ev.state === 'done')
      forget_draft();
  },
  closed() {
    show_held();
    const writing = els.composer.contains(document.activeElement);
    shown.closed = true;
    working(false);
    note(say('note_closed'));
    for (const card of shown.cards.values())
      settle(card, 'closed_void');
    for (const item of saved.outbox)
      set_state(item, 'failed');
    els.rating.open = true;
    show_state();
    if (writing)
      els.new.focus();
  },
};

function happened(type, ev) {
  if (ev.seq <= shown.seq)
    return; /* a stream that was taken up again may begin with what we have */
  shown.seq = ev.seq;
  const was_at_end = keeping_end(() => {
    on[type]?.(ev);
    show_state();
  });
  if (type === 'message' && !was_at_end && shown.filled)
    els.newer.hidden = false;
}

/* --- the connection: what was missed, then a stream; from the start again whenever it breaks --- */

let source, retry_timer, lost_timer, missed_timer, tries = 0;

function disconnect() {
  for (const timer of [retry_timer, lost_timer, missed_timer])
    clearTimeout(timer);
  retry_timer = lost_timer = missed_timer = tries = 0;
  source?.close();
  source = null;
  els.lost.textContent = '';
}

async function open_conversation() {
  saved.key ||= random_id();
  save();
  const mine = shown, {id} = await call('POST', '/v1/conversations', {locale: saved.customer.locale}, saved.key);
  if (mine === shown) {
    saved.conversation = id;
    save();
  }
}

async function read_missed(mine) {
  for (let next = -1; mine === shown && next !== shown.seq;) {
    next = shown.seq;
    const batch = await call('GET', path_of('/events?after=' + next));
    if (mine !== shown)
      return;
    for (const ev of batch.events)
      happened(ev.type, ev);
    shown.seq = Math.max(shown.seq, batch.next);
  }
}

async function connect() {
  const mine = shown;
  source?.close();
  source = null;
  clearTimeout(retry_timer);
  retry_timer = 0;
  try {
    if (!saved.conversation)
      await open_conversation();
    await read_missed(mine);
  } catch (problem) {
    if (mine === shown)
      lost(problem);
    return;
  }
  if (mine !== shown)
    return;
  if (!shown.filled) { /* what was said before is not read out; what comes now is */
    shown.filled = true;
    setTimeout(() => { els.log.ariaLive = 'polite'; }, els.list.children.length ? 100 : 0);
  }
  source?.close();
  source = new EventSource(path_of('/events?after=' + shown.seq));
  source.onopen = () => {
    tries = 0;
    clearTimeout(lost_timer);
    lost_timer = 0;
    els.lost.textContent = '';
  };
  source.onerror = () => lost();
  source.addEventListener('bye', () => lost());
  source.addEventListener('delta', e => keeping_end(() => draft(JSON.parse(e.data).text)));
  source.addEventListener('draft_reset', reset_draft);
  for (const type of Object.keys(on))
    source.addEventListener(type, e => happened(type, JSON.parse(e.data)));
}

function lost(problem) {
  source?.close();
  source = null;
  forget_draft();
  if (problem && !(problem instanceof Problem))
    throw problem;
  if (problem?.status === 401)
    return show_problem(problem);
  if (problem?.status === 404) { /* not ours, or gone with the data: begin another */
    saved = {...nobody(), customer: saved.customer, last: saved.last};
    save();
    show_chat();
    return show_problem(problem);
  }
  clearTimeout(retry_timer);
  const wait_ms = BACKOFF_MS[Math.min(tries++, BACKOFF_MS.length - 1)];
  retry_timer = setTimeout(connect, wait_ms * (0.75 + Math.random() / 2));
  lost_timer ||= setTimeout(() => { els.lost.textContent = say('lost'); }, LOST_SHOWN_MS);
}

/* The server took something up as seq: a stream that does not bring it within seconds is dead and does not know it. */
function expect(seq) {
  clearTimeout(missed_timer);
  const mine = shown;
  missed_timer = setTimeout(() => {
    if (mine === shown && shown.seq < seq && source)
      lost();
  }, MISSED_MS);
}

function try_now() {
  if (retry_timer && !document.hidden)
    connect();
}
addEventListener('online', try_now);
document.addEventListener('visibilitychange', try_now);

/* --- the chat's controls --- */

function show_chat() {
  disconnect();
  use_locale(saved.customer.locale);
  els.signin.hidden = true;
  els.chat.hidden = els.account.hidden = els.actions.hidden = els.who.hidden = false;
  els.name.textContent = saved.customer.name;
  els.log.ariaLive = 'off';
  new_log();
  show_state();
  count();
  connect();
}

function count() {
  const n = els.text.value.length < COUNTER_FROM_CHARS ? 0 : [...els.text.value].length;
  const over = n > MESSAGE_CHARS_MAX, was_over = els.text.ariaInvalid === 'true';
  els.counter.textContent =
    n < COUNTER_FROM_CHARS ? '' : say('counter', {n: n.toLocaleString(locale), max: MESSAGE_CHARS_MAX.toLocaleString(locale)});
  els.text.ariaInvalid = over;
  if (over && !was_over)
    announce(say('p_too_long'));
  return !over;
}

els.text.oninput = () => {
  count();
  saved.text = els.text.value;
  save();
};

els.text.onkeydown = e => {
  if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
    e.preventDefault();
    els.composer.requestSubmit();
  }
};

els.composer.onsubmit = e => {
  e.preventDefault();
  els.problem.textContent = '';
  els.text.focus();
  const text = els.text.value;
  if (!text.trim())
    return;
  if (!count()) {
    els.problem.textContent = say('p_too_long');
    return;
  }
  const item = {client_id: random_id(), text, failed: false};
  saved.outbox.push(item);
  els.text.value = saved.text = '';
  count();
  show_own(item);
  document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
};

els.newer.onclick = () => {
  document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
  els.text.focus();
};
addEventListener('scroll', () => {
  const page = document.scrollingElement;
  els.newer.hidden ||= page.scrollHeight - page.scrollTop - innerHeight < 80;
}, {passive: true});

els.person.onclick = async () => {
  els.text.focus();
  els.person.disabled = true;
  if (!await press('/handoff', {}))
    show_state();
};

els.end.onclick = () => els.ask.showModal();
els.ask.onclose = () => {
  if (els.ask.returnValue === 'end')
    press('/close', {}).then(well => well && els.new.focus());
  els.ask.returnValue = '';
};

els.new.onclick = () => {
  saved = {...nobody(), customer: saved.customer, last: saved.last};
  save();
  show_chat();
  els.text.focus();
};

els.leave.onclick = () => {
  saved = nobody();
  els.problem.textContent = '';
  show_signin();
  els.title.focus();
};

for (let score = 0; score <= 10; score++)
  els.scores.append(el('label', {}, el('input', {type: 'radio', name: 'score', value: score, required: ''}), String(score)));

els.rating.ontoggle = () => els.rating.open && els.rating.scrollIntoView({block: 'nearest'});

els.rate.onsubmit = async e => {
  e.preventDefault();
  const score = Number(new FormData(els.rate).get('score'));
  if (!await press('/rating', {score}))
    return;
  saved.rated = true;
  save();
  els.rated.textContent = say('rated');
  (shown.closed ? els.new : els.text).focus();
  show_state();
};

load();
if (saved.customer)
  show_chat();
else
  show_signin();
