"""switching: a running conversation and its agent's versions, over deploys and by an operator's hand."""
import hashlib, json, os

from refusing import is_problem
from server import Conversation, check, customer, operator


def version_of(talk, staff):
    return talk.journal(staff)[0]["body"]["agent_sha"]


def replies(events):
    return [e["text"] for e in events if e["type"] == "message" and e["from"] == "agent"]


def deployed(w, workspace, old, new):
    """The workspace's macros say it in other words; a server that starts now has another version in force."""
    path = os.path.join(workspace, "macros", "runtime.yaml")
    text = open(path, encoding="utf-8").read()
    check(old in text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    return w.serve(workspace, "messages_10s=0")


def a_conversation_keeps_its_version_over_a_deploy_until_an_operator_moves_it(w):
    server = w.serve(w.workspace(), "messages_10s=0")
    ana = Conversation(customer(server, "ana"), "kept", label="outside-7")
    check(any("I can help" in text for text in replies(ana.ask("hello"))))
    server.stop()
    server = deployed(w, server.workspace, "I can help", "We can help")
    staff = operator(server)
    ana.caller = customer(server, "ana")
    check("I can help" in replies(ana.ask("hello"))[-1])
    new = Conversation(customer(server, "bruno"), "new")
    check("We can help" in replies(new.ask("hello"))[-1])
    old_sha, new_sha = version_of(ana, staff), version_of(new, staff)
    check(old_sha != new_sha)
    is_problem(staff.post(ana.path + "/switch", {"to": "9.9.9", "reason": "x"}), 422, "invalid")
    is_problem(staff.post(ana.path + "/switch", {"to": new_sha}), 422, "invalid")
    is_problem(staff.post(ana.path + "/switch", {"to": old_sha, "reason": "x"}), 409, "conflict")
    is_problem(ana.caller.post(ana.path + "/switch", {"to": new_sha, "reason": "x"}), 403, "staff_only")
    status, out, said = w.run("switch", "card-delivery", "--from", old_sha, "--to", new_sha, "--reason", "wrong words",
                              "--json", "--workspace", server.workspace)
    check(status == 0 and json.loads(out) == {"moved": 1, "refused": 0}, status, out, said)
    check("We can help" in replies(ana.ask("hello"))[-1])
    switched = [e["body"] for e in ana.journal(staff) if e["kind"] == "agent.switched"]
    check(switched == [{"from": old_sha, "to": new_sha, "agent": "card-delivery", "by": "operator", "reason": "wrong words"}], switched)
    answer = staff.post("/v1/agents/card-delivery/switch", {"from": old_sha, "to": "human", "reason": "x"})
    check(answer.status == 200 and answer.json == {"moved": 0, "refused": 0}, answer)
    server.stop()
    place = ("--workspace", server.workspace)
    status, out, said = w.run("switch", "card-delivery", "--conversation", "outside-7", "--to", "human", "--reason", "gone", *place)
    check(status == 0 and out == "moved 1, refused 0\n", status, out, said)
    status, out, said = w.run("audit", "verify", *place)
    check(status == 0, out, said)
    for call, words in ((1, "I can help"), (2, "I can help"), (3, "We can help")):
        status, out, said = w.run("show", "prompt", "outside-7", "--call", str(call), "--raw", *place)
        check(status == 0 and not said and words in out, call, said)
        status, told, said = w.run("show", "prompt", ana.id, "--call", str(call), "--json", *place)
        told = json.loads(told)
        check(told["same"] and told["sha256"] == told["recorded"] == hashlib.sha256(out.encode()).hexdigest(), told)
        spans = told["spans"]
        check([s["from"] for s in spans] == [0] + [s["to"] for s in spans[:-1]] and spans[-1]["to"] == len(out.encode()))
        check(any(s["name"] == "voice" and s["anchor"] == "M1" and len(s["sha256"]) == 64 for s in spans))
    status, out, said = w.run("show", "prompt", ana.id, "--call", "1", *place)
    check(status == 0 and "voice@1.0.0 M1 (" in out and "\n- Answer in the customer's language.\n" in out, out[:3000])
    status, out, said = w.run("show", "prompt", ana.id, "--call", "9", *place)
    check(status == 4 and "no call 9" in said, status, said)
    server = w.serve(server.workspace, "messages_10s=0")
    ana.caller = customer(server, "ana")
    check([e["owner"] for e in ana.all() if e["type"] == "owner"] == ["pending_human"])
    server.stop()


CHECKS = [a_conversation_keeps_its_version_over_a_deploy_until_an_operator_moves_it]
