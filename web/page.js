/* page: its elements by their ids, new ones, and what is said to those who do not see it. */

export const els = {};
for (const e of document.querySelectorAll('[id]'))
  els[e.id] = e;

/* An element. Children are elements or text; text stays text. */
export function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    e.setAttribute(name, value);
  e.append(...children);
  return e;
}

export function announce(words) {
  els.announce.textContent = '';
  els.announce.textContent = words;
}
