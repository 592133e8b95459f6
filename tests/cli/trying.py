"""trying: the checks of `candor tool try`. Part of test_cli.py."""
import json, os

from server import ROOT, check  # noqa


def refused(w, status, hint, *arguments):
    got, out, said = w.run("tool", "try", *arguments)
    check(got == status and not out and hint in said and said.startswith("candor tool: "), arguments, got, out, said)


def tool_file(workspace, name, *lines):
    path = os.path.join(workspace, "tools", name + ".yaml")
    with open(path, "w") as f:
        f.write("\n".join(("tool: " + name, "version: 1.0.0", "summary: Is tried.") + lines) + "\n")
    return path


def tried(w, workspace, *arguments, status=0):
    got, out, said = w.run("tool", "try", *arguments, "--json", "--workspace", workspace,
                           "--set", "services.bank=http://127.0.0.1:%d" % w.bank.port)
    check(got == status and not said, arguments, got, out, said)
    return json.loads(out)


def a_call_is_shown_in_its_four_forms(w):
    workspace = w.workspace()
    path = os.path.join(workspace, "tools/get_customer_profile.yaml")
    with open(path, "a") as f:
        f.write("audit: {mask: [address, customer]}\n")
    shown = tried(w, workspace, "get_customer_profile", "--as", "ana")
    raw, result = shown["raw"], shown["projected"]
    check(shown["class"] == "ok" and len(raw) == 1 and raw[0]["status"] == 200 and raw[0]["asked"].startswith("GET http://"), shown)
    check(sorted(result) == ["address", "address_type", "first_name"] and "customer" in raw[0]["answer"]["data"], shown)
    check(shown["masked"] == {"args": {"customer": "[masked]"}, "result": dict(result, address="[masked]")}, shown)
    body = shown["audited"]["body"]
    check(shown["audited"]["kind"] == "tool.answered" and body["tool"] == "get_customer_profile" and body["result"] == result, shown)
    status, out, said = w.run("tool", "try", "get_customer_profile", "--as=ana", "--workspace", workspace,
                              "--set", "services.bank=http://127.0.0.1:%d" % w.bank.port)
    check(status == 0 and not said and all("\n%s\n" % form in out for form in ("raw", "projected", "masked", "audited")), out, said)


def an_action_is_tried_only_with_a_yes_and_under_a_key_of_its_own(w):
    workspace = w.workspace()
    call = ("reissue_card", "--as", "ana", "--args", '{"address":"12 Elm Street, Springfield","reason":"lost"}')
    refused(w, 2, "--yes", *call, "--workspace", workspace)
    shown = [tried(w, workspace, *call, "--yes") for _ in range(2)]
    check(all(s["class"] == "ok" and s["audited"]["kind"] == "action.done" and s["audited"]["body"]["key"] == s["key"] for s in shown), shown)
    check(shown[0]["key"] != shown[1]["key"] and len(shown[0]["key"]) > 20, shown)
    check(shown[0]["projected"]["reissue_id"] != shown[1]["projected"]["reissue_id"], shown)


def what_cannot_be_tried_is_said(w):
    workspace = w.workspace()
    place = ("--workspace", workspace)
    refused(w, 2, "--as", "get_customer_profile", *place)
    refused(w, 2, "--identity", "get_customer_profile", "--as=ana", "--identity=3", *place)
    refused(w, 4, "set by the session", "get_customer_profile", "--as=ana", "--args", '{"customer":"bruno"}', *place)
    refused(w, 4, "not JSON", "get_customer_profile", "--as=ana", "--args", "{", *place)
    refused(w, 4, "there is no tool nothing", "nothing", *place)
    refused(w, 2, "no name of a tool", "../agents/x", *place)
    nobody = tried_nobody(w, workspace)
    check(nobody["class"] == "transient" and not nobody["raw"][-1].get("status") and len(nobody["raw"]) == 3, nobody)
    check(tried(w, workspace, "get_customer_profile", "--as=nobody", status=1)["class"] == "refused")


def tried_nobody(w, workspace):
    """The bank is not there: the world failed, after a read's three tries."""
    status, out, said = w.run("tool", "try", "get_customer_profile", "--as=ana", "--json", "--workspace", workspace,
                              "--set", "services.bank=http://127.0.0.1:9")
    check(status == 3 and not said, status, out, said)
    return json.loads(out)


def a_file_that_no_agent_has_is_tried_with_what_it_calls(w):
    workspace = w.workspace()
    tool_file(workspace, "inner", "effect: read", "input: {type: object, properties: {n: {type: integer}}}", "recorded: answers.jsonl",
              "project: {twice: doubled}")
    with open(os.path.join(workspace, "answers.jsonl"), "w") as f:
        f.write('{"tool":"inner","args":{"n":4},"answer":{"doubled":8,"more":1}}\n{"tool":"inner","args":{"n":5},"class":"refused"}\n')
    tool_file(workspace, "outer", "effect: read", "input: {type: object, properties: {n: {type: integer}}, required: [n]}", "steps:",
              "  - {id: first, tool: inner, args: {n: n}}", "  - {id: sum, let: {all: first.twice + 1}}", "project: {all: sum.all}")
    shown = tried(w, workspace, "outer", "--args", '{"n":4}')
    check(shown["projected"] == {"all": 9} and shown["raw"] == [
        {"tool": "inner", "asked": "answers.jsonl", "class": "ok", "answer": {"doubled": 8, "more": 1}}], shown)
    check(tried(w, workspace, "outer", "--args", '{"n":5}', status=1)["class"] == "refused")
    check(tried(w, workspace, "outer", "--args", '{"n":6}', status=1)["class"] == "invalid")
    refused(w, 4, "the arguments of outer", "outer", "--workspace", workspace)
    tool_file(workspace, "final", "effect: action", "class: irrevocable", "input: {type: object}", "http: {method: POST, url: \"${bank}/v1/x\"}",
              "idempotency: {mode: key}", "confirm: {by: none}")
    for identity, reason in (("0", "approval_needed"), ("2", "approval_needed")):
        shown = tried(w, workspace, "final", "--yes", "--identity", identity, status=1)
        check(shown["raw"] == [] and shown["projected"]["reason"] == reason, shown)


def a_program_in_a_file_of_its_own_is_part_of_the_tool(w):
    workspace = w.workspace()
    path = tool_file(workspace, "plans", "effect: read", "input: {type: object, properties: {months: {type: integer}}, required: [months]}",
                     "lua: plans.lua", "project: {total: total, files: files}")
    with open(os.path.join(workspace, "tools/plans.lua"), "w") as f:
        f.write("return {total = fixed(100 / input.months, 2), files = tostring(io)}\n")
    shown = tried(w, workspace, "plans", "--args", '{"months":3}')
    check(shown["raw"] == [] and shown["projected"] == {"total": "33.33", "files": "nil"}, shown)
    with open(os.path.join(workspace, "tools/plans.lua"), "w") as f:
        f.write("while true do end\n")
    check(tried(w, workspace, "plans", "--args", '{"months":3}', status=1)["class"] == "invalid")
    os.unlink(os.path.join(workspace, "tools/plans.lua"))
    refused(w, 4, path + ":6", "plans", "--args", '{"months":3}', "--workspace", workspace)


def a_secret_stands_in_no_form(w):
    workspace = w.workspace()
    key = os.path.join(workspace, "bank.key")
    with open(key, "w") as f:
        f.write("hunter2-hunter2")
    os.chmod(key, 0o600)
    tool_file(workspace, "guarded", "effect: read", "input: {type: object}",
              'http: {url: "${bank}/v1/customers", headers: {X-Key: "${secret.bank}"}}', "project: {all: data}")
    with open(os.path.join(workspace, "candor.yaml"), "a") as f:
        f.write("secrets: {bank: bank.key}\n")
    status, out, said = w.run("tool", "try", "guarded", "--workspace", workspace,
                              "--set", "services.bank=http://127.0.0.1:%d" % w.bank.port)
    check(status == 0 and "hunter2" not in out + said, status, out, said)
    os.unlink(key)
    refused(w, 4, "bank.key", "guarded", "--workspace", workspace)


def a_program_is_a_tool(w):
    place = os.path.join(ROOT, "tests/data/programs")
    shown = tried(w, place, "price", "--args", '{"thing":"tea"}')
    check(shown["version"] == "1.0.0" and shown["projected"]["price"] == 3 and shown["raw"][0]["asked"] == '["./till.py","price"]', shown)
    shown = tried(w, place, "price", "--args", '{"thing":"car"}', status=1)
    check(shown["class"] == "refused" and shown["raw"][0]["status"] == 3, shown)
    book = os.path.join(w.folder, "book")
    shown = tried(w, place, "pay", "--args", json.dumps({"book": book}), "--yes")
    check(shown["projected"] == {"receipt": "R1"} and open(book).read() == shown["key"] + " R1\n", shown)
    got, out, said = w.run("tool", "try", "pay", "--args", json.dumps({"book": book, "then": "fall"}), "--yes", "--workspace", place)
    check(got == 1 and ": unknown" in out and "after it was paid" in said, got, out, said)


CHECKS = [a_program_in_a_file_of_its_own_is_part_of_the_tool, a_program_is_a_tool, a_call_is_shown_in_its_four_forms, an_action_is_tried_only_with_a_yes_and_under_a_key_of_its_own, what_cannot_be_tried_is_said,
          a_file_that_no_agent_has_is_tried_with_what_it_calls, a_secret_stands_in_no_form]
