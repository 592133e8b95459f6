#!/usr/bin/env python3
"""test_api: the HTTP API of docs/API.md as its callers meet it, against a real candor and the example bank.

    tests/api/test_api.py [--build DIR] [WORD ...]

Runs the checks whose name has one of the words, or all. Each is a sentence; what fails is said below it.
"""
import argparse, json, os, sys, time, traceback

import refusing, speaking, reading, living, switching
from server import ROOT, Conversation, Skip, World, check, customer, operator


def set_up(w):
    recorded = os.path.join(w.folder, "recorded.jsonl")
    with open(recorded, "w") as f:
        f.write(json.dumps({"id": "old-1", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}) + "\n")
    main = w.workspace()
    status, _, said = w.run("import", "openai-jsonl", recorded, "--set", "old", "--workspace", main)
    check(status == 0, said)
    w.main = w.serve(main, "messages_10s=0")
    w.imported = operator(w.main).get("/v1/conversations").json["conversations"][0]["id"]
    w.strict = w.serve(w.workspace(), "services.bank=http://127.0.0.1:9")
    closed = w.workspace()
    with open(os.path.join(closed, "candor.yaml")) as f:
        lines = [line for line in f if not line.startswith("signin:")]
    with open(os.path.join(closed, "candor.yaml"), "w") as f:
        f.writelines(lines)
    w.closed = w.serve(closed)
    w.ana = Conversation(customer(w.main, "ana"), "the first")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("words", nargs="*")
    options = a.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    w = World(os.path.abspath(options.build))
    try:
        set_up(w)
        for one in refusing.CHECKS + speaking.CHECKS + reading.CHECKS + living.CHECKS + switching.CHECKS:
            name = one.__name__.replace("_", " ")
            if options.words and not any(word in one.__name__ for word in options.words):
                continue
            began = time.time()
            try:
                one(w)
                result = "passed"
            except Skip as e:
                result, name = "skipped", "%s (%s)" % (name, e)
            except Exception:
                result = "failed"
                traceback.print_exc(file=sys.stdout)
            counts[result] += 1
            print("%s: %s (%.1f s)" % (result, name, time.time() - began), flush=True)
    finally:
        w.close()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    sys.exit(1 if counts["failed"] else 0)


main()
