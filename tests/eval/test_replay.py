#!/usr/bin/env python3
"""Recorded conversations through the commands: imported, replayed, and what replay says of those it cannot hold.

The recordings are made here; with the airline's trajectories beside the checkout all of those are replayed too. The last line
is `N passed, N failed, N skipped`.
"""
import argparse, copy, json, os, shutil, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRAJECTORIES = os.path.join(ROOT, "../shared/data/airline_trajectories/conversations.jsonl")


def user(text):
    return {"role": "user", "content": text}


def says(text):
    return {"role": "assistant", "content": text}


def calls(*calls_made):
    return {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c%d" % i, "name": name, "arguments": arguments} for i, (name, arguments) in enumerate(calls_made)]}


def result(i, name, text):
    return {"role": "tool", "tool_call_id": "c%d" % i, "name": name, "content": text}


USER, FLIGHT = ("get_user_details", '{"user_id":"ana_1"}'), ("get_flight_status", '{"flight_number":"HAT001","date":"2024-05-20"}')


def conversation(*messages):
    return {"id": "made-0", "task_id": 0, "trial": 0, "reward": 1, "messages": list(messages)}


def talk(call, answer="{}"):
    """A conversation whose first call is `call`, with a good one behind it."""
    return conversation(user("Hello"), says("Your id?"), user("ana_1"), calls(call), result(0, call[0], answer), calls(USER, FLIGHT),
                        result(0, USER[0], '{"name":"Ana"}'), result(1, FLIGHT[0], "on time"), says("It is on time."),
                        user("Thanks"), says("Welcome."))


class World:
    def __init__(self, build):
        self.candor = os.path.join(build, "src/candor")
        self.folder = tempfile.mkdtemp(prefix="candor-replay-")
        self.workspace = os.path.join(self.folder, "airline")
        self.sets = 0

    def run(self, *words):
        return subprocess.run([self.candor, *words, "--workspace", self.workspace], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)

    def replay(self, *conversations):
        """What `candor replay --json` says of these conversations, and its exit code."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, "examples/airline"), self.workspace, ignore=shutil.ignore_patterns("data"))
        path = os.path.join(self.folder, "made.jsonl")
        with open(path, "w") as f:
            for i, c in enumerate(conversations):
                f.write(json.dumps(dict(c, id="made-%d" % i, task_id=i)) + "\n")
        return self.replay_file(path)

    def replay_file(self, path):
        done = self.run("import", "tau-bench", path, "--set", "made")
        if done.returncode:
            raise AssertionError("import: %s" % done.stderr)
        done = self.run("replay", "made", "--json")
        return json.loads(done.stdout), done.returncode


def everything_equal(seen, code, n):
    return code == 0 and seen["conversations"] == seen["equal"] == n and seen["calls"] == seen["calls_equal"] and \
        seen["replies"] == seen["replies_equal"] and seen["prompts"] == seen["prompts_reproduced"] > 0


def a_recorded_conversation_is_the_same_again(w):
    return everything_equal(*w.replay(talk(USER), talk(FLIGHT)), 2)


def a_call_that_the_engine_refuses_disturbs_none_of_those_behind_it(w):
    refused = [("no_such_tool", "{}"), (USER[0], '{"user_id":5}'), (USER[0], "{bad"), (USER[0], "[1]"), (USER[0], ""),
               (USER[0], '{"user_id":"a","user_id":"b"}')]
    return everything_equal(*w.replay(*[talk(k, "Error") for k in refused]), len(refused))


def a_turn_that_ends_with_a_person_ends_the_replay(w):
    seen, code = w.replay(conversation(user("Hello"), *[m for _ in range(20) for m in (
        calls(("no_such_tool", "{}")), result(0, "no_such_tool", "Error"))], says("Sorry."), user("Still there?"), says("Yes.")),
        talk(USER))
    return code == 1 and (seen["conversations"], seen["equal"]) == (2, 1)


def a_message_that_is_not_taken_ends_the_replay(w):
    long = talk(USER)
    long["messages"][2]["content"] = "x" * 300000
    seen, code = w.replay(long, talk(USER))
    return code == 1 and (seen["conversations"], seen["equal"]) == (2, 1)


def conversations_held_by_other_rules_are_left_out(w):
    others = []
    for at, more in [(0, says("Hello, I am here.")), (1, user("and more")), (2, says("Well?"))]:
        c = copy.deepcopy(talk(USER))
        c["messages"].insert(at, more)
        others.append(c)
    long, empty = copy.deepcopy(talk(USER)), copy.deepcopy(talk(USER))
    long["messages"][1]["content"] = "x" * 200000
    empty["messages"][1]["content"] = "  "
    seen, code = w.replay(*others, long, empty, conversation(), conversation(user("Hello?")), talk(USER))
    return seen["left_out"] == 7 and everything_equal(seen, code, 1)


def the_airlines_trajectories_are_the_same_again(w):
    if not os.path.exists(TRAJECTORIES):
        print("skipped: the airline's trajectories are not beside this checkout")
        return None
    w.replay(talk(USER))
    seen, code = w.replay_file(TRAJECTORIES)
    return seen["conversations"] >= 100 and everything_equal(seen, code, seen["conversations"]) and seen["prefix_reuse_percent"] >= 88


TESTS = [a_recorded_conversation_is_the_same_again, a_call_that_the_engine_refuses_disturbs_none_of_those_behind_it,
         a_turn_that_ends_with_a_person_ends_the_replay, a_message_that_is_not_taken_ends_the_replay,
         conversations_held_by_other_rules_are_left_out, the_airlines_trajectories_are_the_same_again]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    w = World(a.parse_args().build)
    counts = {True: 0, False: 0, None: 0}
    try:
        for t in TESTS:
            try:
                good = t(w)
            except (AssertionError, ValueError, subprocess.TimeoutExpired) as e:
                print(e)
                good = False
            counts[good] += 1
            print("%s %s" % ({True: "ok", False: "not ok", None: "skipped"}[good], t.__name__.replace("_", " ")))
    finally:
        shutil.rmtree(w.folder, ignore_errors=True)
    print("%d passed, %d failed, %d skipped" % (counts[True], counts[False], counts[None]))
    sys.exit(1 if counts[False] else 0)


main()
