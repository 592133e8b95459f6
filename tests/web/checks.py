"""checks: what a page must hold for every visitor, measured in the browser; each gives a list of sentences, empty when well.

WCAG 2.2 AA where a number exists: 1.4.3 (text 4.5:1), 1.4.10 (no sideways scrolling at 320 px), 1.4.11 (edges of fields 3:1),
2.4.7 and 2.4.11 (the focus is seen, and not under a bar), 2.5.8 (targets of 24 px; our main buttons have 44), 3.1.1, 4.1.2
and 4.1.3. FAULTY is a page that breaks them all: what these checks do not find there, they find nowhere."""
from browser import TAB

COMMON = r"""
const seen = e => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && e.checkVisibility({visibilityProperty: true}); };
const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : e.className ? '.' + String(e.className).split(' ').join('.') : '');
const rgba = c => { const m = c.match(/[\d.]+/g).map(Number); return [m[0], m[1], m[2], m[3] === undefined ? 1 : m[3]]; };
const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
function ground(e) {
  const layers = [];
  for (let x = e; x; x = x.parentElement)
    layers.push(rgba(getComputedStyle(x).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
}
const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, k, i) => {
  const v = c[i] / 255;
  return sum + k * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
}, 0);
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const controls = [...document.querySelectorAll('button, input, textarea, select, a[href], summary')].filter(seen);
"""


def sideways(b):
    return b.js(COMMON + r"""
        const page = document.scrollingElement, found = [];
        if (page.scrollWidth > page.clientWidth)
          found.push(`the page is ${page.scrollWidth} px wide in a window of ${page.clientWidth}`);
        for (const e of document.body.querySelectorAll('*'))
          if (seen(e) && e.getBoundingClientRect().right > page.clientWidth + 0.5)
            found.push(name(e) + ' ends outside of the window');
        return found.slice(0, 5);""")


def contrast(b):
    return b.js(COMMON + r"""
        const found = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
          const text = walk.currentNode, e = text.parentElement, style = getComputedStyle(e);
          if (!text.data.trim() || !seen(e) || e.closest('.unseen, noscript, script'))
            continue;
          const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
          const under = ground(e), got = ratio(over(rgba(style.color), under), under);
          if (got < (large ? 3 : 4.5))
            found.add(`${name(e)} "${text.data.trim().slice(0, 20)}" has a contrast of ${got.toFixed(2)}`);
        }
        for (const e of document.querySelectorAll('textarea, input:not([type=radio])'))
          if (seen(e)) {
            const got = ratio(rgba(getComputedStyle(e).borderTopColor), ground(e.parentElement));
            if (got < 3)
              found.add(`the edge of ${name(e)} has a contrast of ${got.toFixed(2)}`);
          }
        return [...found];""")


def targets(b):
    return b.js(COMMON + r"""
        return controls.map(e => {
          const r = e.getBoundingClientRect(), least = e.classList.contains('main') ? 44 : 24;
          return r.width >= 24 && r.height >= least - 0.01 ? '' :
            `${name(e)} is ${r.width.toFixed(0)} by ${r.height.toFixed(0)} px, and should be ${least} high`;
        }).filter(Boolean);""")


def names(b):
    found = []
    for element in b.find_all("button, input, textarea, select, summary, a[href], [role], dialog[open], main, fieldset, form"):
        if not b.js(COMMON + "return seen(arguments[0])", {"element-6066-11e4-a52e-4f735466cecf": element}):
            continue
        role, label = b.accessible(element)
        if not label.strip() and role not in ("main", "status", "alert", "form", "none", "generic"):
            found.append("a %s has no name" % role)
    return found


def structure(b):
    return b.js(COMMON + r"""
        const found = [], ids = [...document.querySelectorAll('[id]')].map(e => e.id);
        if (!document.documentElement.lang)
          found.push('the page does not say its language');
        for (const id of new Set(ids.filter((x, i) => ids.indexOf(x) !== i)))
          found.push(`the id ${id} is given twice`);
        for (const [selector, what] of [['h1', 'heading of the page'], ['main', 'main part']])
          if (document.querySelectorAll(selector).length !== 1)
            found.push('not exactly one ' + what);
        for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]'))
          for (const id of `${e.getAttribute('aria-labelledby') || ''} ${e.getAttribute('aria-describedby') || ''} ${e.htmlFor || ''}`.split(' '))
            if (id && !document.getElementById(id))
              found.push(`${name(e)} points to ${id}, which is not there`);
        let last = 0;
        for (const h of [...document.querySelectorAll('h1, h2, h3, h4')].filter(seen)) {
          const level = Number(h.tagName[1]);
          if (level > last + 1)
            found.push(`${name(h)} skips a level`);
          last = level;
        }
        return found;""")


FOCUS = COMMON + r"""
    const e = document.activeElement;
    if (!e || e === document.body)
      return null;
    const box = e.matches('[type=radio]') ? e.parentElement : e, style = getComputedStyle(box), r = box.getBoundingClientRect();
    const found = [], under = ground(box.parentElement);
    if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2 || ratio(rgba(style.outlineColor), under) < 3)
      found.push(`the focus on ${name(e)} is not seen`);
    const at = document.elementFromPoint(r.left + r.width / 2, Math.min(r.top + r.height / 2, innerHeight - 1));
    if (at !== e && !box.contains(at) && !at?.contains(e))
      found.push(`the focus on ${name(e)} is under ${at ? name(at) : 'the edge'}`);
    window.stops = (window.stops || new Map());
    const again = window.stops.get(e);
    window.stops.set(e, true);
    return {id: name(e), again: !!again, found};
"""


def focus(b, stops_max=60):
    """Walks with the tab key once around. Gives what is wrong, and every control that the walk did not reach."""
    found = []
    b.js("window.stops = new Map(); document.activeElement.blur()")
    for _ in range(stops_max):
        b.press(TAB)
        stop = b.js(FOCUS)
        if stop is None:
            continue
        if stop["again"]:
            break
        found += stop["found"]
    return found + b.js(COMMON + r"""
        return controls.filter(e => !e.disabled && !window.stops.has(e) &&
                               !(e.type === 'radio' && [...window.stops.keys()].some(x => x.name === e.name)))
          .map(e => name(e) + ' is not reached with the tab key');""")


WATCH = r"""
    window.heard = [];
    const hears = e => { const r = e.closest('[aria-live], [role=log], [role=status], [role=alert]');
                         return r && r.ariaLive !== 'off' && !e.closest('[aria-hidden=true]') ? r : null; };
    new MutationObserver(changes => {
      for (const c of changes) {
        const added = [...c.addedNodes].map(n => n.textContent).join(' ').trim() || (c.type === 'characterData' && c.target.data);
        const e = c.target.nodeType === 1 ? c.target : c.target.parentElement;
        if (added && e && hears(e))
          window.heard.push(added);
      }
    }).observe(document.body, {subtree: true, childList: true, characterData: true});
"""


def watch_announcements(b):
    b.js(WATCH)


def heard(b):
    """What a screen reader was given to say since watch_announcements."""
    return b.js("return window.heard")


def chatter(said):
    """Pieces of a text that also came as a whole: words read out while they were still being written."""
    return ["%r is read out again and again" % x for x in said if any(x != y and y.startswith(x) for y in said)]


ALL = {"sideways": sideways, "contrast": contrast, "targets": targets, "names": names, "structure": structure, "focus": focus}

FAULTY = """<!doctype html><html><head><style>
    .wide { width: 900px } .pale { color: #999; background: #fff } .tiny { width: 12px; height: 12px; padding: 0 }
    .none:focus { outline: none } .bar { position: fixed; inset: 0 0 auto 0; height: 120px; background: #fff }
    textarea { border: 1px solid #ddd }
    </style></head><body><main>
    <button class="none" id="twice">under the bar</button><button class="tiny" id="twice">x</button>
    <button id="nameless" style="width:60px;height:60px"></button><p class="pale">pale</p><p class="wide">wide</p>
    <label for="nobody">lost</label><textarea aria-label="field"></textarea><h3>a skipped level</h3>
    <button tabindex="-1" id="unreached">mouse only</button>
    <div role="log" id="log"></div></main><div class="bar">a bar</div></body></html>"""
FAULTS = {"sideways": ["908 px wide", "p.wide"], "contrast": ["pale", "the edge of textarea"], "targets": ["button#twice is 12"],
          "names": ["a button has no name"], "focus": ["is not seen", "is under", "unreached"],
          "structure": ["does not say its language", "twice", "heading of the page", "nobody", "skips a level"]}
