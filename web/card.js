/* card: what the customer is asked to confirm: the exact action, each of its arguments, and until when.
 *
 * A card is open until it is settled, by the customer, by time, by other words or by a person; only what came of the action
 * is told after that. */

import { server_ahead_ms } from './call.js';
import { el, els } from './page.js';
import { say, time_text } from './words.js';

/* decide(card, 'confirm' or 'cancel') is called by its buttons. */
export function new_card(ev, decide) {
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

export function settle(card, outcome) {
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

export function set_buttons(card, off, words) {
  card.li.querySelectorAll('button').forEach(b => { b.disabled = off; });
  card.li.querySelector('.outcome').textContent = words;
}
