#!/usr/bin/env python3
"""Plays the expected actions of each task in the world of this folder: does it behave as published?

    tests/t7/gold.py TASKS.json [GOLD.jsonl]     TELECOM (db.toml, user_db.toml) stands beside the tasks"""
import json, os, sys, tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import carrier, phone


def load(folder):
    with open(os.path.join(folder, "db.toml"), "rb") as f, open(os.path.join(folder, "user_db.toml"), "rb") as g:
        return tomllib.load(f), tomllib.load(g)


def world_of(task, dbs):
    w = carrier.World(carrier.Carrier(dbs[0]), phone.Phone(dbs[1]))
    for a in (task.get("initial_state") or {}).get("initialization_actions") or []:
        w.call(a["env_type"], a["func_name"], a["arguments"])
    return w


def failed_assertions(task, w):
    wrong = []
    for a in task["evaluation_criteria"].get("env_assertions") or []:
        if w.call(a["env_type"], a["func_name"], a["arguments"]) != a.get("assert_value", True):
            wrong.append("%s(%s)" % (a["func_name"], a["arguments"]))
    return wrong


def same_answer(got, wanted):
    try:
        return json.loads(got) == json.loads(wanted)
    except ValueError:
        return got == wanted


def main():
    tasks = json.load(open(sys.argv[1]))
    dbs = load(os.path.dirname(os.path.abspath(sys.argv[1])))
    gold = {}
    for line in open(sys.argv[2]) if len(sys.argv) > 2 else []:
        g = json.loads(line)
        gold[g["task"]] = g
    passed = answers = same = 0
    for t in tasks:
        w = world_of(t, dbs)
        expected = gold.get(t["id"], {}).get("calls", [])
        for i, a in enumerate(t["evaluation_criteria"].get("actions") or []):
            got = carrier.answer(w.act(a["requestor"], a["name"], a["arguments"]))
            if i < len(expected):
                answers += 1
                same += same_answer(got, expected[i]["out"])
                if not same_answer(got, expected[i]["out"]):
                    print("%s: %s answers %r, published %r" % (t["id"], a["name"], got, expected[i]["out"]))
        wrong = failed_assertions(t, w)
        passed += not wrong
        if wrong:
            print("%s: %s" % (t["id"], "; ".join(wrong)))
    print("%d of %d tasks pass with the expected actions; %d of %d answers as published" % (passed, len(tasks), same, answers))
    return passed != len(tasks) or same != answers


if __name__ == "__main__":
    sys.exit(main())
