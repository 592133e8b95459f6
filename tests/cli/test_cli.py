#!/usr/bin/env python3
"""test_cli: the commands as people and scripts use them: words, files, exit statuses, Ctrl-C.

    tests/cli/test_cli.py [--build DIR] [WORD ...]

Runs the checks whose name has one of the words, or all. The last line is `N passed, N failed, N skipped`.
"""
import argparse, json, os, signal, stat, subprocess, sys, time, traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from server import ROOT, World, check  # noqa
import publishing, trying  # noqa


def recorded(w, name, n, words="Hi"):
    """A file of n conversations in OpenAI's chat format."""
    path = os.path.join(w.folder, name + ".jsonl")
    with open(path, "w") as f:
        for i in range(n):
            f.write(json.dumps({"id": "%s-%d" % (name, i), "messages": [{"role": "user", "content": words},
                                                                        {"role": "assistant", "content": "Hello."}] * 3}) + "\n")
    return path


def with_set(w, name, n):
    workspace = w.workspace()
    status, _, said = w.run("import", "openai-jsonl", recorded(w, name, n), "--set", name, "--workspace", workspace)
    check(status == 0, said)
    return workspace


def refused(w, status, hint, *arguments, **options):
    """The command ends with this status, nothing on stdout and one sentence that has the hint."""
    got, out, said = w.run(*arguments, **options)
    check(got == status and not out and hint in said and said.startswith("candor " + arguments[0] + ": "), arguments, got, out, said)
    return said


def written(path, *lines):
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return path


def wrong_words_are_usage(w):
    place = ("--workspace", w.workspace())
    with_old = ("--workspace", with_set(w, "old", 1))
    refused(w, 2, "--port abc", "serve", "--port=abc", *place)
    refused(w, 2, "--as", "chat", "card-delivery", *place)
    refused(w, 2, "--locale", "chat", "card-delivery", "--as", "ana", "--locale", 'e"n', *place)
    refused(w, 2, "nonsense", "audit", "nonsense", *place)
    refused(w, 2, "bogus", "export", "old", "--format=bogus", *with_old)
    refused(w, 2, "bogus", "import", "bogus", recorded(w, "one", 1), "--set", "x", *place)
    refused(w, 2, "--set NAME", "import", "tau-bench", "x", *place)
    refused(w, 2, "did you mean agent?", "report", "old", "--set", "agnt=x", *with_old)
    refused(w, 2, "KEY=VALUE", "report", "old", "--set", "agent", *with_old)
    refused(w, 2, "provider.recording", "serve", "--set", "provider.kind=recorded", *place)


def a_procedure_becomes_draft_routines_and_no_file_is_overwritten_unasked(w):
    sop = written(os.path.join(w.folder, "parcels.md"), "## Lost parcels", "- Ask the customer for the order number.",
                  "- Transfer the customer to a human agent.")
    folder = os.path.join(w.folder, "drafts")
    status, out, said = w.run("routine", "import", sop, "-o", folder)
    check(status == 0 and "1 routines, 2 steps" in out, status, out, said)
    with open(os.path.join(folder, "routines", "lost_parcels.yaml")) as f:
        check("handoff: out_of_scope" in f.read())
    check(os.path.exists(os.path.join(folder, "macros", "parcels.yaml")))
    refused(w, 4, "is there already", "routine", "import", sop, "-o", folder)
    status, out, said = w.run("routine", "import", sop, "-o", folder, "--force", "--json")
    check(status == 0 and json.loads(out)["routines"] == [{"routine": "lost_parcels", "steps": 2}], status, out, said)
    refused(w, 4, "no procedure", "routine", "import", written(os.path.join(w.folder, "prose.md"), "We sell boots."))
    refused(w, 2, "import", "routine", "export", sop)
    refused(w, 3, "No such file", "routine", "import", os.path.join(w.folder, "none.md"))


def options_that_a_command_would_not_heed_are_refused_and_not_shown(w):
    place = ("--workspace", w.workspace())
    for command, option in ((("chat", "card-delivery", "--as", "ana"), "--json"), (("chat", "card-delivery", "--as", "ana"), "-o"),
                            (("serve",), "--json"), (("serve",), "-o"), (("export", "old"), "--json"), (("help",), "--json")):
        status, out, said = w.run(*command, option, *(["x"] if option == "-o" else []), *(place if command != ("help",) else ()))
        check(status == 2 and not out and "it takes no %s\n" % option in said, command, status, said)
        status, out, _ = w.run("help", command[0])
        check(status == 0 and "[%s" % option not in out, out)
    for command in ("check", "import", "judge", "report", "replay", "audit"):
        check(all(o in w.run("help", command)[1] for o in ("[--workspace=...]", "[--json]", "[-o=...]")), command)


def what_is_missing_is_said_with_the_way_on(w):
    place = ("--workspace", w.workspace())
    for command in ("judge", "report", "export", "replay"):
        refused(w, 4, "there is no set airline here", command, "airline", *place)
        check("candor import" in w.run(command, "airline", *place)[2])
        nowhere = os.path.join(w.folder, "nowhere")
        refused(w, 4, nowhere + "/candor.yaml", command, "airline", "--workspace", nowhere)
    refused(w, 4, "nothing to verify", "audit", "verify", *place)
    check(not os.path.exists(os.path.join(place[1], "data")), "looking made a store")
    refused(w, 4, "import one first", "judge", "airline", "--workspace", with_set(w, "old", 1))


def a_bad_key_file_is_bad_data_whatever_is_bad_about_it(w):
    workspace = w.workspace()
    key = os.path.join(workspace, "my.key")
    sets = ["--workspace", workspace, "--port", "0"]
    for s in ("kind=openai", "base_url=http://127.0.0.1:9/v1", "model=m", "key_file=my.key"):
        sets += ["--set", "provider." + s]
    refused(w, 4, key, "serve", *sets)
    for text, mode in (("", 0o600), ("two words", 0o600), ("sk-1234", 0o644)):
        written(key, text)
        os.chmod(key, mode)
        check("sk-1234" not in refused(w, 4, key, "serve", *sets))


def every_result_goes_to_the_file_and_through_links(w):
    workspace = with_set(w, "old", 2)
    folder = os.path.join(w.folder, "results")
    os.mkdir(folder)
    real, link = os.path.join(folder, "real"), os.path.join(folder, "link")
    for command in (("check",), ("judge", "old"), ("report", "old"), ("export", "old"), ("audit", "verify"), ("replay", "old")):
        for more in ((), ("--json",)) if command[0] != "export" else ((),):
            written(real, "before")
            os.chmod(real, 0o640)
            if not os.path.islink(link):
                os.symlink("real", link)
            status, out, said = w.run(*command, *more, "-o", link, "--workspace", workspace)
            with open(real) as f:
                text = f.read()
            check(status in (0, 1) and not out and text != "before\n" and text, command, more, status, out, said)
            check(not more or json.loads(text) is not None)
            check(os.path.islink(link) and stat.S_IMODE(os.stat(real).st_mode) == 0o640)
            check(sorted(os.listdir(folder)) == ["link", "real"], os.listdir(folder))
    refused(w, 3, folder + "/no/file", "report", "old", "-o", folder + "/no/file", "--workspace", workspace)


def check_tells_findings_as_json(w):
    workspace = w.workspace()
    status, out, _ = w.run("check", "--json", "--workspace", workspace)
    check(status == 0 and json.loads(out) == [], out)
    written(os.path.join(workspace, "judges", "bad.yaml"), "judge: bad", "version: 1.0.0", "catches: Nothing.", "rool: {}")
    written(os.path.join(workspace, "tools", "reissue_card.yaml"), "tool: reissue_card", "summary: [x")
    status, out, said = w.run("check", "--json", "--workspace", workspace)
    found = json.loads(out)
    check(status == 1 and not said and len(found) == 2, status, out, said)
    for f, name in zip(found, ("judges/bad.yaml", "tools/reissue_card.yaml")):
        check(set(f) == {"file", "line", "rule", "severity", "sentence", "repair"} and f["file"] == name and all(f.values()), f)
    check(found[0]["line"] == 4, found)
    status, out, said = w.run("check", "--workspace", workspace)
    check(status == 1 and len(said.splitlines()) == 5 and all(f["sentence"] in said for f in found), out, said)
    with open(os.path.join(workspace, "candor.yaml"), "a") as f:
        f.write("time_out: 5\n")
    status, out, _ = w.run("check", "--json", "--workspace", workspace)
    check(status == 1 and json.loads(out)[0]["file"] == "candor.yaml" and "time_out" in json.loads(out)[0]["sentence"], out)


def init_makes_a_workspace_that_runs_at_once(w):
    place = os.path.join(w.folder, "new", "desk")
    status, out, said = w.run("init", place)
    check(status == 0 and "files of the example start" in out and not said, status, out, said)
    status, out, said = w.run("check", "--json", "--workspace", place)
    check(status == 0 and json.loads(out) == [], status, out, said)
    for one in ("agents", "instructions", "routines", "macros", "tools", "scratchpads", "policies", "tests", ".gitignore", "README.md"):
        check(os.path.exists(os.path.join(place, one)), one)
    p = subprocess.run([w.binary, "chat", "start", "--as", "ana", "--workspace", place], input="I want to send it back\n2020-01-02\n",
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    check(p.returncode == 0 and "On which day was it delivered?" in p.stdout and "the 30 days ended" in p.stdout, p.stdout, p.stderr)
    refused(w, 4, "has files already", "init", place)
    refused(w, 2, "card-delivery", "init", os.path.join(w.folder, "other"), "--example", "nonsense")
    check(not os.path.exists(os.path.join(w.folder, "other")))
    for example in sorted(os.listdir(os.path.join(ROOT, "examples"))):
        if not os.path.exists(os.path.join(ROOT, "examples", example, "candor.yaml")):
            continue
        copy = os.path.join(w.folder, "copy-" + example)
        check(w.run("init", copy, "--example", example)[0] == 0, example)
        status, out, said = w.run("check", "--workspace", copy)
        check(status == 0, example, out, said)


def a_refused_line_does_not_end_the_chat(w):
    workspace = w.workspace()
    bank = "services.bank=http://127.0.0.1:%d" % w.bank.port
    lines = [b"hello", b"caf\xe9", b"x" * 20000, b"y" * 1000000, b"where is my card?"]
    p = subprocess.run([w.binary, "chat", "card-delivery", "--as", "ana", "--workspace", workspace, "--set", bank],
                       input=b"\n".join(lines) + b"\n", capture_output=True, timeout=60)
    said = p.stderr.decode()
    check(p.returncode == 4, p.returncode, said)
    check(said.count("The message was not taken: ") == 3 and "byte 4 is not UTF-8" in said and "10,000 characters" in said
          and "too long" in said, said)
    answers = [line for line in p.stdout.split(b"\n") if line.startswith(b"agent> ")]
    check(len(answers) == 2, p.stdout[-2000:])
    status, out, said = w.run("chat", "card-delivery", "--as", "ana", "--workspace", workspace, "--set", bank, input="hello\n")
    check(status == 0 and "agent> " in out and not said, status, out, said)


def who_is_no_customer_of_the_chat_page_is_none_in_the_terminal(w):
    workspace = w.workspace()
    bank = "services.bank=http://127.0.0.1:%d" % w.bank.port
    chat = ("chat", "card-delivery", "--workspace", workspace, "--as", "nobody", "--set")
    said = refused(w, 4, "there is no customer nobody", *chat, bank, input="hello\n")
    check("ana" in said and "emma" in said, said)
    server = w.serve(workspace)
    refused(w, 4, "there is no customer nobody", *chat, bank, input="hello\n")
    server.stop()
    status, out, _ = w.run(*chat, "services.bank=http://127.0.0.1:9", input="hello\n")  # nobody can say who is one
    check(status == 0 and "agent> " in out, status, out)


def stopped(w, *arguments, after):
    """Ctrl-C while it works; what it ends with."""
    p = subprocess.Popen([w.binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(after)
    p.send_signal(signal.SIGINT)
    out, said = p.communicate(timeout=30)
    return p.returncode, out, said


def in_the_middle(w, *arguments):
    """The same with ever later signals, until one comes in the middle."""
    after = 0.01
    while after < 20:
        status, out, said = stopped(w, *arguments, after=after)
        check(status != 0, "it was done within", after)
        if status != -signal.SIGINT:  # not before the signal was heard
            return status, out, said
        after *= 1.15
    check(False, "no signal came in the middle")


N = 6000


def ctrl_c_ends_long_work_in_order(w):
    workspace, path = w.workspace(), recorded(w, "many", N)
    place = ("--workspace", workspace)
    status, out, said = in_the_middle(w, "import", "openai-jsonl", path, "--set", "many", *place)
    check(status == 130 and not out and said.startswith("candor import: stopped;") and "same command again" in said and said.count("\n") == 1,
          status, out, said)
    refused(w, 4, "there is no set many", "judge", "many", *place)
    status, out, said = w.run("import", "openai-jsonl", path, "--set", "many", *place)
    check(status == 0 and "many: %d conversations" % N in out, status, out, said)
    for command in ("judge", "report", "export", "replay"):
        target = os.path.join(w.folder, "half")
        status, out, said = in_the_middle(w, command, "many", "-o", target, *place)
        check(status == 130 and not out and "candor %s: stopped " % command in said and "same command" in said, command, status, out, said)
        check(not [f for f in os.listdir(w.folder) if f.startswith("half")], "half a file")
    status, out, said = w.run("report", "many", *place)
    check(status == 0 and "Judged just now" in out, "verdicts of half a set were kept:", out)
    status, out, said = w.run("judge", "many", *place)
    check(status == 0 and "%d conversations judged" % N in out, out, said)
    check(w.run("audit", "verify", *place)[0] == 0)


def a_second_ctrl_c_ends_at_once(w):
    workspace, statuses = with_set(w, "slow", N), []
    for i in range(40):  # the first is heard everywhere and heeded between two steps, of which the reading at the beginning is one
        p = subprocess.Popen([w.binary, "replay", "slow", "--workspace", workspace], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.02 + 0.005 * i)
        p.send_signal(signal.SIGINT)
        time.sleep(0.003)
        p.send_signal(signal.SIGINT)
        said = p.communicate(timeout=30)[1]
        statuses.append(p.returncode)
        if p.returncode == -signal.SIGINT and i > 4:
            check(not said, said)
            return
    check(False, "it never ended by the signal, but with", statuses)


MARK = "TO" + "DO"  # what tools/check-words looks for in finished work
LOCKERS = os.path.join(ROOT, "tests/data/openapi_lockers.json")


def edited(path, *changes):
    """The file with each (old, new) changed; old must be there."""
    with open(path) as f:
        text = f.read()
    for old, new in changes:
        check(old in text, path, "has no", old)
        text = text.replace(old, new)
    with open(path, "w") as f:
        f.write(text)


def operations_become_tools_that_an_agent_can_have(w):
    workspace = w.workspace()
    place = ("--workspace", workspace)
    tools = os.path.join(workspace, "tools")
    status, out, said = w.run("tool", "import", LOCKERS, "--service=lockers", "--json", *place)
    drafts = json.loads(out)
    check(status == 0 and not said and [d["operation"] for d in drafts] == [
        "GET /parcels/{parcelId}", "POST /parcels/{parcelId}/extensions", "GET /lockers"], status, out, said)
    for d in drafts:
        with open(d["file"]) as f:
            check(f.read().count("# " + MARK + ": ") == d["todos"] > 0, d)
    edited(os.path.join(workspace, "agents/card-delivery.yaml"), ("tools: [", "tools: [get_parcel, extend_keeping, list_lockers, "),
           ("macros: [", "macros: [confirm, "))
    status, _, said = w.run("check", *place)
    check(status == 1 and "confirm" in said, "the drafts ask for a macro that is not there yet:", status, said)
    # the answers to what is marked
    written(os.path.join(workspace, "macros/confirm.yaml"), "macros: confirm", "version: 1.0.0", "summary: Questions before an action.",
            "texts:", "  extend_keeping: {en: Shall I keep it longer?, pt: Guardo por mais tempo?, es: ¿La guardo más tiempo?}")
    edited(os.path.join(workspace, "candor.yaml"), ("services: {", 'services: {lockers: "http://127.0.0.1:8099/v2", '))
    when = "when: the customer asks for it\nwhen_not: [it was done in this conversation]\n"
    for name in ("get_parcel", "extend_keeping", "list_lockers"):
        edited(os.path.join(tools, name + ".yaml"), ("# " + MARK + ": `when`: in which case the model calls it\n", when))
    edited(os.path.join(tools, "extend_keeping.yaml"), ("# " + MARK + ": `class`: reversible, costly or irrevocable\n", "class: reversible\n"),
           ("# " + MARK + ": `limits`: {per_conversation: N}\n", "limits: {per_conversation: 1}\n"))
    with open(os.path.join(tools, "list_lockers.yaml"), "a") as f:
        f.write("examples:\n  - {args: {near: Springfield}, result: {lockers: []}}\n")
    status, out, said = w.run("check", *place)
    check(status == 0 and "6 tools" in out, status, out, said)


def what_is_there_already_is_not_replaced_unasked(w):
    folder = os.path.join(w.folder, "drafts")
    tools = os.path.join(folder, "tools")
    theirs = os.path.join(tools, "extend_keeping.yaml")
    check(w.run("tool", "import", LOCKERS, "--operation=extendKeeping", "-o", folder)[0] == 0)
    check(os.listdir(tools) == ["extend_keeping.yaml"], os.listdir(tools))
    written(theirs, "# mine")
    refused(w, 4, "nothing was written", "tool", "import", LOCKERS, "-o", folder)
    check(os.listdir(tools) == ["extend_keeping.yaml"] and open(theirs).read() == "# mine\n", "something was written")
    check(w.run("tool", "import", LOCKERS, "--force", "-o", folder)[0] == 0)
    check(len(os.listdir(tools)) == 3 and "# mine" not in open(theirs).read(), os.listdir(tools))
    refused(w, 4, "no operation nothing", "tool", "import", LOCKERS, "--operation=nothing", "-o", folder)
    refused(w, 2, "did you mean import?", "tool", "imprt", LOCKERS)
    refused(w, 2, "--service", "tool", "import", LOCKERS, "--service=a b", "-o", folder)
    refused(w, 4, "no OpenAPI document", "tool", "import", written(os.path.join(w.folder, "x.json"), "{}"), "-o", folder)
    refused(w, 4, "no workspace", "tool", "import", LOCKERS, "--workspace", os.path.join(w.folder, "nowhere"))
    yaml = written(os.path.join(w.folder, "small.yaml"), "openapi: 3.1.0", "paths:", "  /hours:", "    get: {operationId: hours, responses: {}}")
    check(w.run("tool", "import", yaml, "-o", folder)[0] == 0 and "hours.yaml" in os.listdir(tools))


CHECKS = [wrong_words_are_usage, a_procedure_becomes_draft_routines_and_no_file_is_overwritten_unasked,
          options_that_a_command_would_not_heed_are_refused_and_not_shown, what_is_missing_is_said_with_the_way_on,
          a_bad_key_file_is_bad_data_whatever_is_bad_about_it, every_result_goes_to_the_file_and_through_links,
          check_tells_findings_as_json, init_makes_a_workspace_that_runs_at_once, a_refused_line_does_not_end_the_chat,
          who_is_no_customer_of_the_chat_page_is_none_in_the_terminal, ctrl_c_ends_long_work_in_order, a_second_ctrl_c_ends_at_once,
          operations_become_tools_that_an_agent_can_have, what_is_there_already_is_not_replaced_unasked]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("words", nargs="*")
    options = a.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    w = World(os.path.abspath(options.build))
    try:
        for one in CHECKS + publishing.CHECKS + trying.CHECKS:
            if options.words and not any(word in one.__name__ for word in options.words):
                continue
            began = time.time()
            try:
                one(w)
                result = "passed"
            except Exception:
                result = "failed"
                traceback.print_exc(file=sys.stdout)
            counts[result] += 1
            print("%s: %s (%.1f s)" % (result, one.__name__.replace("_", " "), time.time() - began), flush=True)
    finally:
        w.close()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    sys.exit(1 if counts["failed"] else 0)


main()
