#!/usr/bin/env python3
"""test_check: each rule of `candor check` finds what it is for, there, and nothing else does.

    tests/cli/test_check.py [--build DIR] [WORD ...]

tests/data/check is a workspace without a finding. A case is one edit of it: the rule it breaks, the file, a text in it and what
takes its place ("" for the text: the file is made or overwritten; several edits are a list), and words of the line where
the finding has to be (None: it is about the file as a whole; None, file, words: it is in another file). No other error may
appear, and beside a warning or note nothing at all. Runs the cases that have one of the words, or all. The last line is `N passed, N failed, N skipped`.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
AGENT, ROLE, CANCEL, STATUS = "agents/helper.yaml", "instructions/role.md", "routines/cancel.yaml", "routines/status.yaml"
ORDERS, FIND, ACT, SLOTS = "macros/orders.yaml", "tools/find_order.yaml", "tools/cancel_order.yaml", "scratchpads/order_case.yaml"
HTTP = 'http: {method: GET, url: "${shop}/v1/orders/{order}"}\n'
MANY = "".join(", t%d" % i for i in range(14))


def tools():
    """14 more tools, which are copies of find_order."""
    with open(os.path.join(ROOT, "tests/data/check", FIND)) as f:
        text = f.read()
    return [("tools/t%d.yaml" % i, "", text.replace("tool: find_order", "tool: t%d" % i)) for i in range(14)]


def routine(name, to):
    return ("routines/%s.yaml" % name, "", "routine: %s\nversion: 1.0.0\nsummary: x\nsteps:\n  - {id: a, call_routine: %s}\n  "
            "- {id: b, exit: done}\n" % (name, to))


CASES = [
    ("K01", FIND, "summary: Where", "summary: [Where", "effect:"),
    ("K01", ROLE, "---\nmodule", "module", "module"),
    ("K01", FIND, HTTP, "lua: gone.lua\n", "lua: gone.lua"),
    ("K02", FIND, "timeout_ms:", "timeot_ms:", "timeot_ms"),
    ("K02", CANCEL, "- id: look\n", "- id: look\n    colour: red\n", "colour"),
    ("K03", FIND, "timeout_ms: 5000", "timeout_ms: soon", "timeout_ms"),
    ("K03", FIND, "version: 1.0.0", "version: one", "version"),
    ("K04", FIND, "version: 1.0.0\n", "", "tool:"),
    ("K05", SLOTS, "scratchpad: order_case", "scratchpad: other_case", "scratchpad:"),
    ("K06", "tools/Note.txt", "", "a note\n", None),
    ("K06", "tools/spare.lua", "", "return 1\n", None),
    ("K07", "candor.yaml", "services:", "servces:", "servces"),
    ("K07", "candor.yaml", "locales: [en, pt]", "locales: en", "locales"),
    ("K08", "judges/short.yaml", "reply_length", "reply_lenth", "reply_lenth"),

    ("A01", AGENT, "[cancel, status]", "[cancel, status, gone]", "routines:"),
    ("A02", AGENT, "[role]", "[role@2.0.0]", "instructions:"),
    ("A03", "routines/spare.yaml", "", "routine: spare\nversion: 1.0.0\nsteps:\n  - {id: a, exit: done}\n", None),
    ("A04", "macros/runtime.yaml", "  handoff_model:", "  handoff_mode:", None, AGENT, "compose:"),
    ("A05", [(AGENT, "cancel_order]", "cancel_order" + MANY + "]")] + tools(), "tools:"),
    ("A06", AGENT, "prompt_tokens: 6000", "prompt_tokens: 60", "prompt_tokens"),
    ("A07", "candor.yaml", "agent: helper", "agent: helpr", None),

    ("I01", ROLE, "You help with orders.", "It is {{time}}. You help with orders.", "{{time}}"),
    ("I01", ROLE, "You help", "On {date} you help", "{date}"),
    ("I01", ROLE, "You help", "It is %H:%M. You help", "%H:%M"),
    ("I01", ROLE, "You help", "Greet <customer_name>. You help", "<customer_name>"),
    ("I02", ROLE, "You help", "Today is Monday. You help", "Today is"),
    ("I02", ROLE, "You help", "Since 2026-03-02T10:00Z you help", "10:00Z"),
    ("I02", ROLE, "You help", "This is conversation number 7. You help", "number 7"),
    ("I02", ROLE, "You help", "It is November 28, 2026. You help", "November"),
    ("I02", ROLE, "You help", "It is 10:30 now. You help", "10:30"),
    ("I03", ROLE, "- Answer", "- Offer a coupon when the order was sent.\n- Answer", "- Offer"),
    ("I03", ROLE, "- Promise a refund.", "- Promise a refund.\n- Answer in the customer's language.", "- Answer"),
    ("I04", [(ROLE, "## Must\n", "## Always\n"), (ROLE, "## Must not\n", "## Never\n")], "## Role"),

    ("R01", CANCEL, "to: too_late", "to: to_late", "to: to_late"),
    ("R01", CANCEL, "refused: nothing", "refused: {goto: nobody}", "nobody"),
    ("R02", CANCEL, "act: $proposal", "act: cancel_order", "act:"),
    ("R02", CANCEL, "- {id: bye,", "- {id: bye, note: x}\n  - {id: bye,", "handoff: missing"),
    ("R03", CANCEL, "  - id: nothing\n", "  - {id: lost, handoff: out_of_scope}\n  - id: nothing\n", "id: lost"),
    ("R04", CANCEL, "{else: offer}", "{if: slot.order is set, to: offer}", "decide:"),
    ("R05", CANCEL, "  - {id: bye, handoff: missing_information}\n", "  - {id: bye, note: nothing found}\n", "id: bye"),
    ("R05", CANCEL, "no: {say: orders.kept, exit: declined}", "no: {say: orders.kept}", "orders.kept"),
    ("R06", STATUS, "exit: informed", "exit: ''", "id: none"),
    ("R07", CANCEL, "  - {id: bye, handoff: missing_information}\n",
     "  - {id: bye, say: orders.none}\n  - {id: again, goto: bye}\n", "id: again"),
    ("R08", CANCEL, "say: orders.too_late", "say: orders.too_soon", "orders.too_soon"),
    ("R08", CANCEL, "question: orders.q_order", "question: orders.q_odrer", "q_odrer"),
    ("R09", CANCEL, "slots: [order, reason]", "slots: [order, colour]", "slots:"),
    ("R09", CANCEL, "slot.reason == 'late'", "slot.reson == 'late'", "slot.reson"),
    ("R09", CANCEL, "{slot: reason, question", "{slot: raison, question", "raison"),
    ("R10", CANCEL, "call: {tool: find_order", "call: {tool: find_odrer", "find_odrer"),
    ("R10", CANCEL, "confirm:\n      proposal: {tool: cancel_order", "confirm:\n      proposal: {tool: find_order", "proposal"),
    ("R11", CANCEL, "call_routine: status", "call_routine: statos", "call_routine"),
    ("R12", CANCEL, "{handoff: data_unavailable}", "{handoff: no_data}", "no_data"),
    ("R13", CANCEL, "tool.find_order.state ==", "tool.find_order.sate ==", "sate"),
    ("R13", CANCEL, "tool.find_order.state ==", "order.state ==", "order.state"),
    ("R14", CANCEL, "slot.reason == 'late'", "slot.reason = 'late'", "slot.reason ="),
    ("R15", CANCEL, "slot.reason == 'late'", "slot.reason == 'slow'", "'slow'"),
    ("R15", CANCEL, "slot.reason == 'late'", "slot.reason > 3", "> 3"),
    ("R16", CANCEL, "{tool: find_order, args: {order: slot.order}}", "find_order", "call:"),
    ("R16", CANCEL, "order: slot.order, reason: slot.reason}", "order: slot.order}", "proposal"),
    ("R17", CANCEL, "order: slot.order, reason: slot.reason}", "order: slot.order, reason: slot.reason, why: slot.reason}", "why"),
    ("R18", CANCEL, "order: slot.order, reason: slot.reason}", "order: 7, reason: slot.reason}", "order: 7"),
    ("R18", SLOTS, "      other: {en: [some", "      none: {en: [no reason], pt: [nada]}\n      other: {en: [some", None, CANCEL, "proposal"),
    ("R19", [(SLOTS, "slots:\n", "slots:\n  - {slot: colour, type: text}\n"),
             (CANCEL, "      - {slot: order,", "      - {slot: colour, question: orders.q_order}\n      - {slot: order,")],
     None, CANCEL, "slot: colour"),
    ("R20", [(SLOTS, "slots:\n", "slots:\n  - {slot: colour, type: text}\n"),
             (CANCEL, "slot.reason == 'late'", "slot.colour == 'red'")], None, CANCEL, "slot.colour"),
    ("R21", CANCEL, "call: {tool: find_order, args: {order: slot.order}}",
     "call: {tool: cancel_order, args: {order: slot.order, reason: slot.reason}}", "cancel_order"),
    ("R22", CANCEL, "{else: offer}", "{if: slot.reason == 'wrong', to: do_it}\n      - {else: offer}", "id: do_it"),
    ("R23", CANCEL, "{else: offer}", "{if_text: the customer is angry, to: offer}\n      - {else: too_late}", "angry"),
    ("R24", STATUS, "  - {id: none,", "  - {id: more, call_routine: cancel}\n  - {id: none,", "call_routine: cancel"),
    ("R25", [(AGENT, "[cancel, status]", "[cancel, status, a, b, c]"), (STATUS, "  - {id: none,", "  - {id: more, call_routine: a}\n  - {id: none,"),
             routine("a", "b"), routine("b", "c"), ("routines/c.yaml", "", "routine: c\nversion: 1.0.0\nsteps:\n  - {id: a, exit: done}\n")],
     None, "routines/b.yaml", "call_routine"),

    ("M01", ORDERS, "Cancelled, {field.id}.", "Cancelled, {field.id.", "{field.id."),
    ("M02", ORDERS, "due|date}.\"\n    pt", "due|day}.\"\n    pt", "|day"),
    ("M03", ORDERS, "There is no order {slot.order}.", "There is no order {slot.odrer}.", "odrer"),
    ("M03", ORDERS, "comes on {tool.find_order.due|date}", "comes on {tool.find_order.day|date}", "find_order.day"),
    ("M03", CANCEL, ", fields: {id: result.id}", "", "orders.cancelled"),
    ("M04", ORDERS, "    pt: \"Por quê?\"\n", "", "q_reason"),
    ("M05", ORDERS, "It stays as it is.", "It stays as it is. " * 12, "It stays"),
    ("M06", ORDERS, "  none:\n", "  spare:\n    en: \"x\"\n    pt: \"x\"\n  none:\n", "spare"),

    ("T01", FIND, "http: {method: GET, url: \"${shop}/v1/orders/{order}\"}\n", "", "tool:"),
    ("T01", FIND, HTTP, "command: []\n", "command: []"),
    ("T01", FIND, HTTP, HTTP + "command: [./find.py]\n", "command: ["),
    ("K02", FIND, "errors: {", "errors: {exit_0: refused, ", "errors:"),
    ("K04", ACT, "idempotency: {mode: key}\n", "idempotency: {mode: key}\nreconcile: {method: GET}\n", "reconcile"),
    ("T01", FIND, "input:\n", "reconcile: {url: \"${shop}/x\"}\ninput:\n", "reconcile"),
    ("T02", FIND, "when_not:\n  - the order was looked up in this conversation\n", "", "tool:"),
    ("T03", FIND, "examples:\n  - {args: {order: A-1}, result: {state: open, due: \"2026-03-02\"}}\n", "", "tool:"),
    ("T04", ACT, "reason: late}, result", "reason: lost}, result", "args:"),
    ("T05", FIND, "state: open, due", "state: open, price: 3, due", "price"),
    ("T06", ACT, "idempotency: {mode: key}\n", "", "tool:"),
    ("T07", ACT, "confirm: {by: customer, text: orders.propose, expires_s: 600}\n", "confirm: {text: orders.propose}\n", "tool:"),
    ("T08", ACT, "order: {type: string, x-show: true,", "order: {type: string,", "order:"),
    ("T09", FIND, "project: {state: data.state, due: data.due}\n", "", "tool:"),
    ("T10", ACT, "text: orders.propose", "text: orders.prpose", "prpose"),
    ("T11", FIND, "${shop}", "${shp}", "${shp}"),
    ("T11", ACT, "body: {", "headers: {Authorization: \"Bearer ${secret.shop}\"}, body: {", "secret.shop"),
    ("T12", FIND, "/{order}", "/{ordr}", "{ordr}"),
    ("T12", ACT, "reason: reason}}", "reason: lost}}", "reason: lost"),

    ("S01", SLOTS, "  - {slot: order, type: text, ", "  - {slot: order, type: enum, ", "slot: order"),
    ("S02", SLOTS, "default: other", "default: another", "default"),
    ("S04", SLOTS, "  - {slot: order, type: text, ", "  - {slot: order, type: text, patterns: {en: ['no ([0-9]+']}, ", "slot: order"),
    ("S03", SLOTS, "slots:\n", "slots:\n  - {slot: reason, type: text}\n", "slot: reason\n"),
    ("P01", "policies/limits.yaml", "id: no_date", "id: no_refund", "A date"),
]


def normal(case):
    """(rule, edits, file of the finding, words of its line)"""
    if isinstance(case[1], list):
        rule, edits, rest = case[0], case[1], case[2:]
    else:
        rule, edits, rest = case[0], [case[1:4]], case[4:]
    at, place = (rest[-1], rest[1]) if len(rest) == 3 else (rest[0], edits[0][0])
    return rule, edits, place, at


def edit(folder, file, old, new):
    path = os.path.join(folder, file)
    text = new
    if old:
        with open(path) as f:
            text = f.read()
        assert text.count(old) >= 1, "%s has no %r" % (file, old)
        text = text.replace(old, new, 1)
    with open(path, "w") as f:
        f.write(text)


def candor(build, folder, *more):
    p = subprocess.run([os.path.join(build, "src", "candor"), "check", "--workspace", folder, *more], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def line_at(folder, file, n):
    with open(os.path.join(folder, file)) as f:
        return f.read().splitlines()[n - 1] + "\n"


def wrong_with(build, folder, rule, severity, edits, place, at):
    """What is not as it should be, or None."""
    for e in edits:
        edit(folder, *e)
    status, out, said = candor(build, folder, "--json")
    if said or status != (severity == "error"):
        return "exit status %d: %s%s" % (status, out, said)
    found = json.loads(out)
    rules = {f["rule"] for f in found if f["severity"] == "error" or severity != "error"}
    if rules != {rule}:
        return "it finds %s: %s" % (sorted(rules), out)
    hits = [f for f in found if f["file"] == place and f["rule"] == rule]
    if not hits:
        return "it is found in %s" % sorted({f["file"] for f in found})
    if at is None:
        if len(edits) == 1 and hits[0]["line"] is not None:
            return "it has a line, %s" % hits[0]
    elif not any(f["line"] and at in line_at(folder, place, f["line"]) for f in hits):
        return "its line is another: %s" % hits
    if not all(f["severity"] == severity and f["sentence"] and f["repair"] for f in hits):
        return "it is told incompletely: %s" % found
    status, out, said = candor(build, folder)
    words = ": %s %s %s\n    repair: %s\n" % (severity, rule, hits[0]["sentence"], hits[0]["repair"])
    return None if words in said else "as text it is %s" % said


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("words", nargs="*")
    a = p.parse_args()
    passed = failed = 0

    def count(name, wrong):
        nonlocal passed, failed
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print("failed: %s: %s" % (name, wrong))

    base = os.path.join(ROOT, "tests/data/check")
    rules = {r["rule"]: r for r in json.loads(candor(a.build, base, "--rules", "--json")[1])}
    cases = [normal(c) for c in CASES]
    with tempfile.TemporaryDirectory() as folder:
        for i, (rule, edits, place, at) in enumerate(cases):
            if a.words and not any(w in "%s %s" % (rule, edits) for w in a.words):
                continue
            copy = os.path.join(folder, str(i))
            shutil.copytree(base, copy)
            count("%s %s %r" % (rule, place, edits[0][2][:40]),
                  wrong_with(a.build, copy, rule, rules[rule]["severity"], edits, place, at))
        if not a.words:
            status, out, said = candor(a.build, base)
            count("the workspace without an edit", said or (status and "exit status %d" % status))
            count("every rule has a case", sorted(set(rules) ^ {c[0] for c in cases}))
            listed = [line.split()[0] for line in candor(a.build, base, "--rules")[1].splitlines()]
            count("--rules lists each rule once", sorted(listed) != sorted(rules))
            copy = os.path.join(folder, "strict")
            shutil.copytree(base, copy)
            edit(copy, "tools/Note.txt", "", "x")
            count("a warning is no error, but with --strict",
                  (candor(a.build, copy)[0], candor(a.build, copy, "--strict")[0]) != (0, 1))
            copy = os.path.join(folder, "program")
            shutil.copytree(base, copy)
            edit(copy, ACT, "idempotency: {mode: key}\n", "idempotency: {mode: key}\nreconcile: {command: [./find.py]}\n")
            edit(copy, FIND, HTTP, "command: [./find.py, --fast]\nmemory_mib: 64\n")
            edit(copy, FIND, "errors: {", "errors: {exit_3: refused, ")
            status, out, said = candor(a.build, copy)
            count("a tool may be a command, and so may what asks about a key", said or status)
            edit(copy, FIND, "command: [./find.py, --fast]\nmemory_mib: 64\n", HTTP)
            edit(copy, FIND, HTTP, "lua: find.lua\n")
            edit(copy, "tools/find.lua", "", "return {data = {state = 'open'}}\n")
            status, out, said = candor(a.build, copy)
            count("a program that a tool names is read beside it", said or out.count("find.lua") or status)
            with open(os.path.join(ROOT, "docs/CHECK.md")) as f:
                text = f.read()
            for r in rules.values():
                row = "| %s | %s | %s | %s |" % (r["rule"], r["severity"], r["catches"], r["repair"].replace("|", "\\|"))
                count("docs/CHECK.md has %s as the program tells it" % r["rule"], row not in text and row)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
