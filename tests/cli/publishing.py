"""publishing: drafts, versions that never change, and what differs between them. Checks of test_cli.py."""
import json, os, re, subprocess

from server import check, customer


def file_of(workspace, *names):
    return os.path.join(workspace, *names)


def read(path):
    with open(path, newline="") as f:
        return f.read()


def replace(path, old, new):
    text = read(path)
    check(old in text, path, "has no", old)
    with open(path, "w", newline="") as f:
        f.write(text.replace(old, new, 1))


def publish(w, workspace, *more):
    status, out, said = w.run("publish", "--workspace", workspace, "--json", *more)
    check(out, status, said)
    return status, {"%s/%s" % (i["kind"], i["name"]): i for i in json.loads(out)["items"]}


def everything(workspace):
    return {os.path.join(folder, f): read(os.path.join(folder, f)) for folder, _, files in os.walk(workspace)
            for f in files if "data" not in folder}


VOICE, AGENT, ROUTINE = "instructions/voice", "agents/card-delivery", "routines/card_delivery_investigation"


def what_is_published_stays_and_is_not_published_twice(w):
    workspace = w.workspace()
    status, out, _ = w.run("publish", "--dry-run", "--workspace", workspace)
    check(status == 0 and "would be published" in out and not os.path.exists(file_of(workspace, "data")), out)
    status, items = publish(w, workspace, "--by", "ana")
    check(status == 0 and all(i["state"] == "published" for i in items.values()) and len(items) == 11, items)
    status, again = publish(w, workspace)
    check(status == 0 and all(i["state"] == "already published" for i in again.values()), again)
    check(all(again[k]["sha256"] == items[k]["sha256"] for k in items))


def a_version_that_moved_too_little_is_refused_with_what_forces_it(w):
    workspace = w.workspace()
    publish(w, workspace)
    replace(file_of(workspace, "tools/reissue_card.yaml"), "maxLength: 200", "maxLength: 100")
    replace(file_of(workspace, "tools/reissue_card.yaml"), "version: 1.0.0", "version: 1.0.1")
    replace(file_of(workspace, "macros/cards.yaml"), "texts:\n", "texts:\n  new_one: {en: New.}\n")
    before = everything(workspace)
    status, out, said = w.run("publish", "--workspace", workspace)
    check(status == 1 and not said, status, out, said)
    check("tools/reissue_card@1.0.1: refused: the smallest allowed version is 2.0.0; since 1.0.0 this changed (major):\n"
          "    input.properties.address.maxLength changed from 200 to 100\n" in out, out)
    check("macros/cards@1.0.0: refused: the smallest allowed version is 1.1.0" in out and "texts.new_one was added" in out, out)
    check(w.run("show", "module", "tools/reissue_card@1.0.1", "--workspace", workspace)[0] == 4)
    check(everything(workspace) == before)
    replace(file_of(workspace, "tools/reissue_card.yaml"), "version: 1.0.1", "version: 2.0.0")
    replace(file_of(workspace, "macros/cards.yaml"), "version: 1.0.0", "version: 1.1.0")
    replace(file_of(workspace, "agents/card-delivery.yaml"), "version: 1.0.0", "version: 1.1.0")
    status, items = publish(w, workspace)  # the agent moves as far as the tool
    check(status == 1 and items[AGENT]["smallest"] == "2.0.0" and items["tools/reissue_card"]["state"] == "not published", items)
    replace(file_of(workspace, "agents/card-delivery.yaml"), "version: 1.1.0", "version: 2.0.0")
    check(publish(w, workspace)[0] == 0)
    replace(file_of(workspace, "instructions/voice.md"), "version: 1.0.0", "version: 0.9.0")
    status, out, _ = w.run("publish", "--workspace", workspace)
    check(status == 1 and "instructions/voice@0.9.0: refused: nothing changed since 1.0.0, which is published" in out, out)


def bump_moves_the_numbers_and_no_other_byte(w):
    workspace = w.workspace()
    publish(w, workspace)
    replace(file_of(workspace, "instructions/voice.md"), "Mention tools", "Talk of tools")
    replace(file_of(workspace, "instructions/voice.md"), "version: 1.0.0", "version:   \"1.0.0\"  # ours\r")
    before = everything(workspace)
    status, items = publish(w, workspace, "--bump", "--dry-run")
    check(status == 0 and items[VOICE]["state"] == "would be moved on" and items[VOICE]["smallest"] == "1.0.1", items)
    check(everything(workspace) == before)
    status, items = publish(w, workspace, "--bump")
    check(status == 0 and items[VOICE]["version"] == "1.0.1" and items[AGENT]["version"] == "1.0.1", items)
    changed = {name for name, text in everything(workspace).items() if before[name] != text}
    check(changed == {file_of(workspace, "instructions/voice.md"), file_of(workspace, "agents/card-delivery.yaml")}, changed)
    for name in changed:
        check(read(name) == before[name].replace("1.0.0", "1.0.1", 1), read(name))
    check(publish(w, workspace, "--bump")[1][VOICE]["state"] == "already published")


def a_published_module_is_a_file_again_and_the_same(w):
    workspace = w.workspace()
    _, items = publish(w, workspace)
    for name in items:
        path = file_of(workspace, name + (".md" if name.startswith("instructions") else ".yaml"))
        status, _, said = w.run("show", "module", name + "@1.0.0", "--workspace", workspace, "-o", path)
        check(status == 0, said)
    status, again = publish(w, workspace)
    check(status == 0 and all(again[k]["state"] == "already published" for k in items), again)
    check(w.run("check", "--workspace", workspace)[0] == 0)


def a_published_version_runs_whatever_became_of_the_files(w):
    workspace = w.workspace()
    sha = publish(w, workspace)[1][AGENT]["sha256"]
    replace(file_of(workspace, "agents/card-delivery.yaml"), "voice", "voice@^1.0")
    replace(file_of(workspace, "instructions/voice.md"), "Mention tools", "Talk of tools")
    shas = {}
    for agent in ("card-delivery", "card-delivery@1.0.0", "card-delivery@^1"):
        server = w.serve(workspace, "agent=" + agent)
        answer = customer(server, "ana").post("/v1/conversations", {"locale": "en"}, Idempotency_Key="k-" + agent)
        check(answer.status == 201, answer)
        shas[agent] = answer.json["agent_version"]
        status, _, said = w.run("publish", "--workspace", workspace)
        check(status == 3 and "in use" in said, status, said)
        check(w.run("diff", AGENT + "@1.0.0", "--workspace", workspace)[0] == 1)
        status, _, said = w.run("chat", "card-delivery@1.0.0", "--as", "ana", "--workspace", workspace, input="")
        check(status == (4 if agent == "card-delivery" else 0), agent, status, said)  # the draft is another one
        server.stop()
    check(shas["card-delivery@1.0.0"] == shas["card-delivery@^1"] == sha != shas["card-delivery"], shas)
    replace(file_of(workspace, "instructions/voice.md"), "version: 1.0.0", "version: 2.0.0")  # out of the agent's range
    server = w.serve(workspace)
    answer = customer(server, "ana").post("/v1/conversations", {"locale": "en"}, Idempotency_Key="last")
    check(answer.json["agent_version"] == sha, answer)
    chat = lambda agent: w.run("chat", agent, "--as", "ana", "--workspace", workspace, input="")
    check(chat("card-delivery")[0] == chat("card-delivery@1.0.0")[0] == 0)
    status, _, said = chat("debt-management")  # a server has one agent
    check(status == 4 and "runs card-delivery (sha256 %s); stop it" % sha[:12] in said, status, said)
    status, _, said = chat("card-delivery@3.0.0")
    check(status == 4 and "published are: 1.0.0" in said, status, said)
    server.stop()
    p = subprocess.run([w.binary, "chat", "card-delivery@1.0.0", "--as", "ana", "--workspace", workspace], input="", text=True,
                       capture_output=True, timeout=20)
    check(p.returncode == 0, p.stderr)
    status, _, said = w.run("chat", "card-delivery@3.0.0", "--as", "ana", "--workspace", workspace)
    check(status == 4 and "published are: 1.0.0" in said, status, said)


def two_who_publish_at_once_do_not_mix(w):
    workspace = w.workspace()
    at_once = [subprocess.Popen([w.binary, "publish", "--workspace", workspace, "--json", "--by", "p%d" % i],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for i in range(6)]
    new = 0
    for p in at_once:
        out, said = p.communicate(timeout=20)
        check(p.returncode == 0 or (p.returncode == 3 and "in use by process" in said), p.returncode, out, said)
        if p.returncode == 0:
            states = {i["state"] for i in json.loads(out)["items"]}
            check(len(states) == 1, states)
            new += states == {"published"}
    check(new == 1, new)
    check(all(i["state"] == "already published" for i in publish(w, workspace)[1].values()))


def killed_in_the_middle_leaves_all_or_nothing(w):
    killed, n = {True: 0, False: 0}, 1
    while True:
        workspace = w.workspace()
        p = subprocess.run([w.binary, "publish", "--workspace", workspace], env=dict(os.environ, CANDOR_FAULT="kill:%d" % n),
                           capture_output=True, text=True, timeout=20)
        if p.returncode == 0:
            break
        check(p.returncode == -9, p.returncode, p.stderr)
        status, items = publish(w, workspace)
        states = {i["state"] for i in items.values()}
        check(status == 0 and len(states) == 1, n, items)
        killed[states == {"published"}] += 1
        n += 1
    check(killed[True] >= 10 and killed[False] >= 1, killed)


def diff_says_what_changed_and_what_the_model_sees_of_it(w):
    workspace = w.workspace()
    place = ("--workspace", workspace)
    status, _, said = w.run("diff", AGENT, *place)
    check(status == 4 and "candor publish" in said, status, said)
    publish(w, workspace)
    status, out, _ = w.run("diff", AGENT, *place)
    check(status == 0 and out.endswith(": the same\n"), out)
    replace(file_of(workspace, "instructions/voice.md"), "- Mention tools", "- Speak ill of anybody.\n- Mention tools")
    replace(file_of(workspace, "macros/cards.yaml"), "Let me look into your card delivery.", "I will look for your card.")
    status, out, _ = w.run("diff", AGENT, *place)
    check(status == 1 and "text.Must not says: - Speak ill of anybody." in out and "    + - Speak ill of anybody.\n" in out, out)
    check("-   en: Let me look into your card delivery.\n" in out.replace('"', "") and re.search(r"tokens \(\+\d+; an estimate", out), out)
    publish(w, workspace, "--bump")
    status, out, _ = w.run("diff", AGENT + "@1.0.0", "1.1.0", *place, "--json")
    found = json.loads(out)
    check(status == 1 and not found["same"] and found["needed"] == "minor" and found["tokens_b"] > found["tokens_a"], found)
    check([(m["kind"], m["name"], m["a"], m["b"]) for m in found["modules"]] ==
          [("agents", "card-delivery", "1.0.0", "1.1.0"), ("instructions", "voice", "1.0.0", "1.1.0"),
           ("macros", "cards", "1.0.0", "1.0.1")], found["modules"])
    check(w.run("diff", "macros/cards@1.0.0", "macros/cards@1.0.0", *place)[0] == 0)
    for wrong in (("cards",), ("macro/cards",), ("macros/cards@one",), ("macros/cards", "tools/reissue_card")):
        status, out, said = w.run("diff", *wrong, *place)
        check(status == 2 and not out, wrong, status, said)
    check(w.run("diff", "macros/cards@7.0.0", *place)[0] == 4)


def all_agents_go_together_or_not_at_all(w):
    workspace = w.workspace()
    text = read(file_of(workspace, "agents/card-delivery.yaml"))
    with open(file_of(workspace, "agents/second.yaml"), "w") as f:
        f.write(text.replace("agent: card-delivery", "agent: second").replace("scratchpad: card_case", "scratchpad: gone"))
    status, _, said = w.run("publish", "--all", "--workspace", workspace)
    check(status == 4 and "scratchpads/gone.yaml" in said, status, said)
    check(w.run("show", "module", AGENT, "--workspace", workspace)[0] == 4)
    replace(file_of(workspace, "agents/second.yaml"), "scratchpad: gone", "scratchpad: card_case")
    status, items = publish(w, workspace, "--all")
    check(status == 0 and "agents/second" in items and len(items) == 12, items)
    check(w.run("publish", "--all", "second", "--workspace", workspace)[0] == 2)
    check(w.run("publish", "second@1.0.0", "--workspace", workspace)[0] == 2)


CHECKS = [what_is_published_stays_and_is_not_published_twice, a_version_that_moved_too_little_is_refused_with_what_forces_it,
          bump_moves_the_numbers_and_no_other_byte, a_published_module_is_a_file_again_and_the_same,
          a_published_version_runs_whatever_became_of_the_files, two_who_publish_at_once_do_not_mix,
          killed_in_the_middle_leaves_all_or_nothing, diff_says_what_changed_and_what_the_model_sees_of_it,
          all_agents_go_together_or_not_at_all]
