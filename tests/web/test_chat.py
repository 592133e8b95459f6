#!/usr/bin/env python3
"""The chat page in a real browser against a real server: what a customer does, and what must hold for every customer.

    tests/web/test_chat.py [--build FOLDER] [--screenshots FOLDER] [WORD ...]

Starts the example bank and candor on free ports with a copy of the card-delivery workspace. A word picks the tests
whose name has it. Prints a line for each test and `N passed, N failed, N skipped`; without Chromium and its driver it
says so and ends with 77, which Meson counts as skipped."""
import argparse
import http.client
import os
import sys
import time
import traceback
import urllib.parse

sys.dont_write_bytecode = True
import checks
from browser import ENTER, RIGHT, SHIFT, SPACE, TAB, Browser, Failed, programs
from world import ROOT, World, call, check, same

HOSTILE = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=2</script>\n![x](http://x.example/y.png) <b>&amp;</b>"
TESTS = []


def test(f):
    TESTS.append(f)
    return f


# --- the main road ---

@test
def a_customer_asks_confirms_and_gets_one_card(w):
    w.sign_in("ana")
    same(w.b.js("return document.documentElement.lang"), "pt-BR")
    w.ask_for_card()
    kinds = [kind for kind, _ in w.lines()]
    same(kinds, ["from-customer", "from-agent", "card"])
    facts = w.b.js("return [...document.querySelectorAll('.card dl > *')].map(x => x.textContent)")
    check("Endereço" in facts and any("Laranjeiras 120" in x for x in facts), "the card shows %r" % facts)
    check(w.b.js("return document.activeElement.id") == "text", "the card took the focus")
    w.b.click(".card .choices button:nth-child(2)")
    w.replies(2)
    number = w.reissues("ana")[0]["id"]
    check(number in w.lines()[-1][1], "the reply does not name %s: %r" % (number, w.lines()[-1]))
    w.b.wait("document.querySelector('.card.settled .outcome')?.textContent === 'Feito.'")
    check(w.b.js("return document.activeElement.id") == "text", "the focus was lost with the card's buttons")
    same(len(w.reissues("ana")), 1)
    before = w.lines()
    w.b.reload()
    w.b.wait("document.querySelectorAll('#list > li').length === %d" % len(before))
    same(w.lines(), before)
    w.say("obrigada")
    w.replies(3)
    same([x for x in w.journal() if x[0] == "customer"], [("customer", "cadê meu cartão?"), ("customer", "obrigada")])


@test
def the_server_dies_in_a_turn_and_nothing_is_lost_or_shown_twice(w):
    w.sign_in("ana")
    w.bank_does(slow_ms=2500)
    w.say("cadê meu cartão?")
    w.b.wait("!document.querySelector('#working').hidden", what="the sign that somebody is at work")
    w.b.wait("document.querySelector('#working').textContent.includes('Ainda')", 5, "still working, after 3 s")
    w.kill()
    w.b.wait("document.querySelector('#lost').textContent", what="the banner of a lost connection")
    w.say("olá?")  # while nobody listens
    w.b.wait("document.querySelector('#list .pending')")
    w.bank_does(slow_ms=0)
    w.start()
    w.b.wait("!document.querySelector('#lost').textContent && !document.querySelector('#list .pending')", 12, "reconnected")
    w.b.wait("document.querySelector('#list .card')", 12, "the answer after the restart")
    w.b.wait("document.querySelector('#working').hidden")
    time.sleep(0.3)
    shown = [(k, t) for k, t in w.lines() if k in ("from-customer", "from-agent")]
    same(shown, [("from-" + who, text) for who, text in w.journal()])
    same([t for k, t in shown if k == "from-customer"], ["cadê meu cartão?", "olá?"])


@test
def the_server_dies_between_confirm_and_card_and_there_is_one_card(w):
    w.sign_in("joao")
    w.ask_for_card()
    w.bank_does(slow_ms=700)
    w.b.click(".card:last-child .choices button:nth-child(2)")
    w.b.wait("document.querySelector('.card.settled .outcome')?.textContent.startsWith('Você confirmou')")
    w.kill()
    w.bank_does(slow_ms=0)
    w.start()
    w.b.wait("document.querySelector('.card .outcome')?.textContent.startsWith('Feito')", 15, "the outcome after the restart")
    w.replies(2)
    same(len(w.reissues("joao")), 1)
    same([t for k, t in w.lines() if k.startswith("from-")], [text for _, text in w.journal()])


@test
def a_person_is_asked_for_takes_over_and_is_told_apart(w):
    w.sign_in("emma")
    w.say("where is my card?")
    w.replies(1)
    w.b.click("#person")
    w.b.wait("document.querySelector('#who').textContent === 'Waiting for a person to join'")
    check(w.b.js("return document.querySelector('#person').disabled"), "a person can be asked for twice")
    w.staff("POST", "/takeover", {"expert": "marta"})
    w.staff("POST", "/reply", {"text": "Hello, Marta here. " + HOSTILE, "expert": "marta", "client_id": "r1"})
    w.b.wait("document.querySelector('.from-person')")
    author = w.b.js("return document.querySelector('.from-person .author').textContent")
    check("marta" in author and "Person" in author and "AI" not in author, "a person's message is signed %r" % author)
    same(w.b.js("return document.querySelector('.from-person .text').textContent"), "Hello, Marta here. " + HOSTILE)
    same(w.b.js("return document.querySelector('#who').textContent"), "A person is answering")
    w.b.click("#rating summary")
    w.b.click("#scores label:nth-child(10)")
    w.b.click("#rating button")
    w.b.wait("document.querySelector('#rated').textContent && document.querySelector('#rating').hidden")
    w.b.click("#end")
    w.b.click("#ask button[value=end]")
    w.b.wait("!document.querySelector('#over').hidden && document.activeElement.id === 'new'")
    check(w.b.js("return document.querySelector('#composer').hidden"), "one can write into a closed chat")
    w.b.reload()
    w.b.wait("!document.querySelector('#over').hidden && document.querySelectorAll('.from-person').length === 1")
    check(w.b.js("return document.querySelector('#rating').hidden"), "the rating is asked for twice")
    first = w.conversation()
    w.b.click("#new")
    w.b.wait("document.activeElement.id === 'text'")
    check(w.conversation() != first, "the new chat is the old one")


@test
def an_open_card_is_settled_by_cancel_by_other_words_and_by_a_person(w):
    w.sign_in("ana")
    w.ask_for_card()
    w.b.click(".card .choices button:nth-child(1)")
    w.b.wait("document.querySelector('.card .outcome')?.textContent === 'Você cancelou. Nada foi feito.'")
    w.replies(2)
    w.sign_in("joao")
    w.ask_for_card()
    w.say("não tenho certeza")
    w.b.wait("document.querySelector('.card.settled .outcome')?.textContent === 'Isto não vale mais. Nada foi feito.'")
    w.b.wait("document.querySelectorAll('.card').length === 2")
    w.staff("POST", "/takeover", {"expert": "marta"})
    w.b.wait("document.querySelectorAll('.card.settled').length === 2")
    same(w.reissues("joao"), [])


@test
def an_offer_that_ran_out_can_not_be_confirmed(w):
    tool = os.path.join(w.workspace, "tools/reissue_card.yaml")
    with open(tool, encoding="utf-8") as f:
        text = f.read()

    def restart_with(words):
        w.kill()
        with open(tool, "w", encoding="utf-8") as f:
            f.write(words)
        w.start()

    restart_with(text.replace("expires_s: 900", "expires_s: 2"))
    try:
        w.sign_in("ana")
        w.ask_for_card()
        w.b.js("window.late = document.querySelector('.card .choices button:nth-child(2)')")
        w.b.wait("document.querySelector('.card.settled .outcome')?.textContent.startsWith('O prazo')", 5)
        w.b.js("window.late.click()")  # as if the page had not noticed
        time.sleep(0.3)
        same(w.reissues("ana"), [])
    finally:
        restart_with(text)


# --- messages that are hard to send ---

@test
def a_message_that_cannot_be_sent_is_kept_and_sent_once_by_retry(w):
    w.sign_in("grace")
    w.say("hello")
    w.replies(1)
    w.kill()
    w.say("is anybody there?")
    w.b.wait("document.querySelector('#list .failed')", 15, "the message failed")
    check("Retry" in w.b.js("return document.querySelector('.failed .state').textContent"), "no way to retry")
    w.start()
    w.b.click(".failed .state button")  # which also looks at once whether the server is back
    w.b.wait("!document.querySelector('#list .failed, #list .pending')")
    w.replies(2)
    same([t for who, t in w.journal() if who == "customer"], ["hello", "is anybody there?"])
    same([t for k, t in w.lines() if k == "from-customer"], ["hello", "is anybody there?"])


@test
def an_unsent_message_survives_a_reload(w):
    w.sign_in("grace")
    w.b.js("window.fetch = () => Promise.reject(new TypeError('no network'))")
    w.say("kept for later")
    w.b.wait("document.querySelector('#list .pending')")
    w.b.reload()
    w.b.wait("document.querySelectorAll('#list .from-customer').length === 1 && !document.querySelector('#list .pending')")
    w.replies(1)
    same([t for who, t in w.journal() if who == "customer"], ["kept for later"])


@test
def a_stream_that_is_dead_and_does_not_know_it_is_replaced(w):
    w.sign_in("grace")
    w.b.js("window.living = EventSource; window.EventSource = class { addEventListener() {} close() {} }")
    w.b.js("document.querySelector('#new').click()")  # a new chat, over the dead stream
    w.say("hello")
    w.b.wait("!document.querySelector('#list .pending')")
    w.b.js("window.EventSource = window.living")
    w.replies(1, 10)


@test
def what_was_written_stays_text_keeps_its_lines_and_has_a_limit(w):
    w.sign_in("frank")
    w.b.js("const t = document.querySelector('#text'); t.value = arguments[0]; t.dispatchEvent(new Event('input'))", HOSTILE)
    w.b.press(ENTER)
    w.replies(1)
    same(w.b.js("return document.querySelector('.from-customer .text').textContent"), HOSTILE)
    check(w.b.js("return !window.pwned && !document.querySelector('#list img, #list script, #list b:not(.author b)')"),
          "a message became HTML")
    check(w.b.js("const r = document.createRange(); r.selectNodeContents(document.querySelector('.from-customer .text'));"
                 "return r.getBoundingClientRect().height") > 40, "the line break is gone")
    w.b.write("one")
    w.b.press((SHIFT, ENTER))
    w.b.write("two")
    same(w.b.js("return document.querySelector('#text').value"), "one\ntwo")
    w.b.js("const t = document.querySelector('#text'); t.value = 'é'.repeat(10001); t.dispatchEvent(new Event('input'))")
    same(w.b.js("return document.querySelector('#counter').textContent"), "10,001 of 10,000 characters")
    w.b.press(ENTER)
    check("10,000" in w.b.js("return document.querySelector('#problem').textContent"), "the limit is not told")
    same(w.b.js("return document.querySelector('#text').value.length"), 10001)
    w.b.js("const t = document.querySelector('#text'); t.value = 'é'.repeat(10000); t.dispatchEvent(new Event('input'))")
    w.b.press(ENTER)
    w.b.wait("document.querySelectorAll('#list .from-customer:not(.pending)').length === 2")
    same(len(w.journal()[2][1]), 10000)


@test
def what_was_hidden_in_a_message_is_told_kindly_and_not_shown_again(w):
    for customer, text, kept, words in (
            ("ana", "meu cartão 4111 1111 1111 1111, senha: gira1", "meu cartão [card number ending 1111], senha: [hidden]",
             ("Para sua segurança, ocultamos o número do seu cartão", "uma senha")),
            ("ines", "mi NIP es 4821", "mi NIP es [hidden]", ("Por tu seguridad ocultamos", "un NIP")),
            ("emma", "my card is 5555555555554444", "my card is [card number ending 4444]", ("For your safety we hid your card number",))):
        w.sign_in(customer)
        w.say(text)
        w.b.wait("document.querySelector('.from-customer .masked') && !document.querySelector('#list .pending')")
        w.replies(1)
        for _ in range(2):
            same([t for k, t in w.lines() if k == "from-customer"], [kept])
            said = w.b.js("return document.querySelector('.from-customer .masked').textContent")
            check(all(x in said for x in words), "the note says %r" % said)
            check(text not in w.b.js("return JSON.stringify(sessionStorage) + document.body.textContent"), "the page keeps it")
            same(checks.contrast(w.b) + checks.sideways(w.b), [])
            w.b.reload()
            w.b.wait("document.querySelector('.from-customer .masked')")
        same(w.journal()[0], ("customer", kept))


@test
def a_session_that_ended_leads_back_to_the_same_chat(w):
    w.sign_in("grace")
    w.say("hello")
    w.replies(1)
    before = w.lines()
    w.b.ask("DELETE", "/cookie")
    w.say("and now?")
    w.b.wait("!document.querySelector('#signin').hidden && document.querySelectorAll('#customers button').length")
    check("sign in again" in w.b.js("return document.querySelector('#problem').textContent"), "the reason is not told")
    w.b.js("[...document.querySelectorAll('#customers button')].find(x => x.textContent.includes('Grace')).click()")
    w.b.wait("document.querySelector('#signin').hidden")
    until = time.time() + 5
    while w.lines()[:2] != before[:2] and time.time() < until:  # the list is cleared and read again
        time.sleep(0.05)
    same(w.lines()[:2], before[:2])
    w.b.wait("document.querySelectorAll('#list .from-customer').length === 2")


# --- for every customer ---

@test
def the_words_are_there_in_all_languages(w):
    w.front()
    wrong = w.b.js_later(r"""
        const done = arguments[0];
        import('/words.js').then(({language_words: all}) => {
          const found = [], holes = s => (s.match(/\{\w+\}/g) || []).sort().join();
          for (const [lang, words] of Object.entries(all)) {
            for (const key of new Set([...Object.keys(words), ...Object.keys(all.en)]))
              if (!words[key] || !all.en[key] || holes(words[key]) !== holes(all.en[key]))
                found.push(lang + ': ' + key);
            for (const e of document.querySelectorAll('[data-say], [data-label]'))
              if (!words[e.dataset.say || e.dataset.label])
                found.push(lang + ': ' + (e.dataset.say || e.dataset.label));
          }
          done(found);
        })""")
    same(wrong, [])


@test
def the_whole_road_works_with_the_keyboard_alone(w):
    call(w.bank_port, "POST", "/control/reset", {})
    w.front()

    def walk_to(condition, key=TAB):
        for _ in range(40):
            if w.b.js("const e = document.activeElement; return " + condition):
                return
            w.b.press(key)
        raise Failed("the keyboard does not reach " + condition)

    walk_to("e.tagName === 'BUTTON' && e.textContent.includes('Inés')")
    w.b.press(ENTER)
    w.b.wait("document.activeElement.id === 'text'")
    w.b.write("no ha llegado mi tarjeta")
    w.b.press(ENTER)
    w.b.wait("document.querySelector('.card .choices')")
    check(w.b.js("return document.activeElement.id") == "text", "the focus left the composer")
    walk_to("e.closest('.card') && e.textContent === 'Confirmar'", (SHIFT, TAB))
    w.b.press(SPACE)
    w.b.wait("document.querySelector('.card .outcome')?.textContent === 'Listo.'")
    same(len(w.reissues("ines")), 1)
    walk_to("e.id === 'person'", (SHIFT, TAB))
    w.b.press(ENTER)
    w.b.wait("!document.querySelector('#rating').hidden")
    walk_to("e.tagName === 'SUMMARY'", (SHIFT, TAB))
    w.b.press(ENTER)
    walk_to("e.type === 'radio'")
    w.b.press(SPACE, RIGHT, RIGHT)
    same(w.b.js("return document.querySelector('#rating :checked').value"), w.b.js("return document.activeElement.value"))
    walk_to("e.closest('#rating') && e.type === 'submit'")
    w.b.press(ENTER)
    w.b.wait("document.querySelector('#rated').textContent")


@test
def only_what_is_finished_is_read_out(w):
    w.sign_in("ana")
    w.b.js(r"""window.drafts = 0;
        new MutationObserver(() => { window.drafts++; }).observe(document.querySelector('#draft-text'), {childList: true, characterData: true, subtree: true})""")
    checks.watch_announcements(w.b)
    w.listening()
    w.ask_for_card()
    w.b.wait("document.querySelector('#working').hidden")
    check(w.b.js("return window.drafts") > 5, "the reply was not seen growing")
    said = checks.heard(w.b)
    same(checks.chatter(said), [])
    reply = w.journal()[1][1]
    same(sum(reply in x for x in said), 1)
    at = [i for i, x in enumerate(said) if reply in x][0]
    check(any("Confirmar" in x for x in said[at + 1:]), "the card is not read out after the words that ask: %r" % said)
    w.b.reload()
    checks.watch_announcements(w.b)
    w.b.wait("document.querySelectorAll('#list > li').length === 3")
    same([x for x in checks.heard(w.b) if reply in x], [])
    w.b.wait("document.querySelector('#log').ariaLive === 'polite'")


@test
def every_screen_holds_for_every_visitor(w):
    for customer, card in (("ana", True), ("ines", True), ("emma", False)):
        w.sign_in(customer)
        w.say({"ana": "cadê meu cartão?", "ines": "no ha llegado mi tarjeta", "emma": "where is my card?"}[customer])
        w.replies(1)
        if card:
            w.b.wait("document.querySelector('.card')")
        else:
            w.b.click("#person")
            w.b.wait("!document.querySelector('#rating').hidden")
            w.b.click("#rating summary")
        for width, height in ((1280, 800), (320, 640), (320, 256)):
            w.b.size(width, height)
            for scheme in ("light", "dark"):
                w.b.media(prefers_color_scheme=scheme)
                for name in ("sideways", "contrast", "targets") if scheme == "light" else ("contrast",):
                    wrong = checks.ALL[name](w.b)
                    check(not wrong, "%s, %d px, %s: %s" % (customer, width, scheme, "; ".join(wrong)))
            wrong = checks.focus(w.b)
            check(not wrong, "%s, %d by %d: %s" % (customer, width, height, "; ".join(wrong)))
        for name in ("names", "structure"):
            wrong = checks.ALL[name](w.b)
            check(not wrong, "%s: %s" % (customer, "; ".join(wrong)))
        w.b.media()
        w.b.size(1280, 800)


@test
def the_sign_in_and_the_question_before_the_end_hold_too(w):
    w.front()
    for width, height in ((1280, 800), (320, 640)):
        w.b.size(width, height)
        for name, one in checks.ALL.items():
            wrong = one(w.b)
            check(not wrong, "sign-in, %d px: %s: %s" % (width, name, "; ".join(wrong)))
    w.b.size(320, 640)
    w.sign_in("henry")
    w.b.click("#end")
    for name in ("sideways", "contrast", "targets", "names"):
        wrong = checks.ALL[name](w.b)
        check(not wrong, "dialog: %s: %s" % (name, "; ".join(wrong)))
    w.b.click("#stay")
    check(w.b.js("return !document.querySelector('#ask').open && !document.querySelector('#composer').hidden"), "not kept")
    w.b.size(1280, 800)


@test
def motion_stops_for_those_who_ask(w):
    w.b.media(prefers_reduced_motion="reduce")
    w.front()
    same(w.b.js("return [...document.querySelectorAll('*')].filter(e => getComputedStyle(e).animationName !== 'none').length"), 0)
    w.b.media()
    check(w.b.js("return [...document.querySelectorAll('*')].some(e => getComputedStyle(e).animationName !== 'none')"), "no dots")


@test
def the_checks_find_every_planted_fault(w):
    w.b.open("data:text/html," + urllib.parse.quote(checks.FAULTY))
    w.b.size(320, 640)
    for name, faults in checks.FAULTS.items():
        said = " | ".join(checks.ALL[name](w.b))
        for fault in faults:
            check(fault in said, "%s did not find %r, it says: %s" % (name, fault, said))
    checks.watch_announcements(w.b)
    w.b.js("for (const x of ['Your ', 'Your card ', 'Your card is late.']) document.querySelector('#log').textContent = x")
    w.b.wait("window.heard.length === 3")
    check(checks.chatter(checks.heard(w.b)), "words read out while they are written were not noticed")
    w.b.size(1280, 800)


@test
def the_page_is_small_and_the_console_is_silent(w):
    packed = 0
    for path in ("/", "/chat.css", "/chat.js", "/call.js", "/card.js", "/page.js", "/words.js"):
        c = http.client.HTTPConnection("127.0.0.1", w.port)
        c.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = c.getresponse()
        packed += len(answer.read())
        check("default-src 'none'" in answer.getheader("Content-Security-Policy"), "%s comes without its policy" % path)
        c.close()
    check(packed < 30000, "the page has %d bytes" % packed)
    w.b.complaints()
    w.sign_in("ana")
    w.ask_for_card()
    same(w.b.complaints(), [])


def take_screenshots(w, folder):
    os.makedirs(folder, exist_ok=True)

    def take(name):
        for width, height in ((1280, 800), (320, 640)):
            w.b.size(width, height)
            for scheme in ("light", "dark"):
                w.b.media(prefers_color_scheme=scheme)
                w.b.js("document.activeElement.blur(); scrollTo(0, document.body.scrollHeight)")
                w.b.screenshot(os.path.join(folder, "%s_%d_%s.png" % (name, width, scheme)))
        w.b.media(forced_colors="active")
        w.b.size(1280, 800)
        w.b.screenshot(os.path.join(folder, "%s_forced.png" % name))
        w.b.media()

    w.front()
    take("signin")
    w.sign_in("ana")
    take("empty")
    w.ask_for_card()
    take("card")
    w.b.click(".card .choices button:nth-child(2)")
    w.replies(2)
    w.b.click("#person")
    w.b.wait("!document.querySelector('#rating').hidden")
    w.staff("POST", "/takeover", {"expert": "marta"})
    w.staff("POST", "/reply", {"text": "Oi, Ana! Aqui é a Marta. Já estou vendo o seu caso.", "expert": "marta", "client_id": "r1"})
    w.b.wait("document.querySelector('.from-person')")
    take("person")
    w.kill()
    w.say("ainda está aí?")
    w.b.wait("document.querySelector('.failed')", 15)
    take("lost")
    w.start()
    w.b.wait("!document.querySelector('#lost').textContent", 15)
    w.b.click("#end")
    take("ending")
    w.b.click("#ask button[value=end]")
    w.b.wait("!document.querySelector('#over').hidden")
    take("closed")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", default=os.path.join(ROOT, "build"))
    arguments.add_argument("--screenshots")
    arguments.add_argument("words", nargs="*")
    given = arguments.parse_args()
    if not programs():
        print("skipped: Chromium or its driver is not installed")
        return 77
    chosen = [t for t in TESTS if not given.words or any(x in t.__name__ for x in given.words)]
    failed = 0
    with Browser() as b:
        b.size(1280, 800)
        w = World(given.build, b)
        try:
            for t in chosen:
                began = time.monotonic()
                try:
                    t(w)
                    print("ok      %s (%.1f s)" % (t.__name__, time.monotonic() - began), flush=True)
                except Exception as e:  # whatever a test stumbles over is its failure, and the others go on
                    failed += 1
                    print("FAILED  %s: %s" % (t.__name__, e), flush=True)
                    if not isinstance(e, Failed):
                        traceback.print_exc(file=sys.stdout)
                    b.media()
                    b.size(1280, 800)
                    if w.candor.poll() is not None:
                        w.start()
            if given.screenshots:
                take_screenshots(w, given.screenshots)
        finally:
            w.close()
    print("%d passed, %d failed, 0 skipped" % (len(chosen) - failed, failed))
    return 1 if failed else 0


sys.exit(main())
