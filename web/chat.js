/* chat: the customer's page, over the API of docs/API.md. docs/decisions/0004-plain-chat-page.md says why it is plain.
 *
 * The server's events are the truth and the log is drawn from them, each once, by its seq. Only the customer's own
 * messages are shown earlier: each has an id that is kept before it is sent, so that sending it again makes no second
 * one. Whatever others wrote reaches the page as text and never as HTML. */

import { call, call_until, random_id, sleep, BACKOFF_MS, Problem } from './call.js';
import { new_card, set_buttons, settle } from './card.js';
import { announce, el, els } from './page.js';
import { lang, language_words, locale, say, time_text, use_locale } from './words.js';

const MESSAGE_CHARS_MAX = 10000, COUNTER_FROM_CHARS = 9000;
const STILL_WORKING_MS = 3000, DRAFT_KEPT_MS = 400, LOST_SHOWN_MS = 1000, MISSED_MS = 5000;

/* --- a call of a button --- */

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

/* --- what survives a reload of this tab: who, which conversation, and what is not sent yet --- */

const nobody = () => ({customer: null, conversation: null, key: null, rated: false, text: '', outbox: [], masked: {}});
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

/* What the server hid before it kept the message: said kindly, below the words as they are kept. */
function show_masked(client_id) {
  const li = shown.own.get(client_id), kinds = saved.masked[client_id];
  if (!li || !kinds || li.querySelector('.masked'))
    return;
  const known = kinds.map(kind => 'masked_' + kind).filter(key => language_words[lang][key]);
  li.querySelector('.text').after(el('p', {class: 'masked'}, known.map(key => say(key)).join(' ')));
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
  const {seq, masked} = await call_until(path_of('/messages'), {text: item.text, client_id: item.client_id}, wanted);
  if (mine !== shown)
    return;
  if (masked)
    saved.masked[item.client_id] = masked;
  drop(item);
  keeping_end(() => show_masked(item.client_id));
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
  const text = li.querySelector('.text');
  if (text.textContent !== ev.text)
    text.textContent = ev.text; /* as it is kept */
  show_masked(ev.client_id);
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
    const card = new_card(ev, decide);
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
