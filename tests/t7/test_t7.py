#!/usr/bin/env python3
"""test_t7: the telecom routines against a simulated carrier and telephone.

    tests/t7/test_t7.py [--build DIR] [WORD ...]

Runs the checks whose name has one of the words, or all. The last line is `N passed, N failed, N skipped`.
"""
import argparse, json, os, subprocess, sys, tempfile, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "api")]
import combine, gold
from server import ROOT, SHARED, Skip, check

OWN = os.path.join(ROOT, "tests/data/telecom")
OPEN = os.path.join(SHARED, "data/tau_domains/telecom")
GOLD = os.path.join(SHARED, "fixtures/runtime/gold_telecom_small.jsonl")
COMBINED, SEED = 60, 7


def shared(path):
    if not os.path.exists(path):
        raise Skip("%s is not here" % path)
    return path


def program(name, *arguments):
    p = subprocess.run([sys.executable, os.path.join(HERE, name)] + list(arguments), capture_output=True, text=True, timeout=240)
    return p.returncode, p.stdout.strip().split("\n") if p.stdout.strip() else [p.stderr]


def solved_all(build, tasks, n):
    status, lines = program("run.py", tasks, "--build", build)
    check(status == 0 and lines[-1] == "solved %d of %d" % (n, n), "\n".join(lines))


def the_telephone_and_the_carrier_answer_as_published(build):
    status, lines = program("gold.py", shared(os.path.join(OPEN, "tasks_small.json")), shared(GOLD))
    check(status == 0 and lines[-1].startswith("20 of 20"), "\n".join(lines))


def tasks_of_our_own_are_solved(build):
    solved_all(build, os.path.join(OWN, "tasks.json"), 11)


def a_task_that_is_not_solved_is_told(build):
    with open(os.path.join(OWN, "tasks.json")) as f:
        task = next(t for t in json.load(f) if t["id"] == "a locked SIM card is for a person")
    task["evaluation_criteria"]["env_assertions"][0]["arguments"]["expected_status"] = "connected"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("db.toml", "user_db.toml"):
            os.symlink(os.path.join(OWN, name), os.path.join(folder, name))
        path = os.path.join(folder, "tasks.json")
        with open(path, "w") as f:
            json.dump([task], f)
        status, lines = program("run.py", path, "--build", build)
    check(status == 1 and lines[-1] == "solved 0 of 1" and "assert_service_status" in lines[0], "\n".join(lines))


def the_20_open_tasks_are_solved(build):
    solved_all(build, shared(os.path.join(OPEN, "tasks_small.json")), 20)


def several_faults_at_once_are_solved(build):
    shared(os.path.join(OPEN, "tasks_small.json"))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("db.toml", "user_db.toml"):
            os.symlink(os.path.abspath(os.path.join(OPEN, name)), os.path.join(folder, name))
        path = os.path.join(folder, "tasks.json")
        with open(path, "w") as f:
            json.dump(combine.combined(os.path.join(OPEN, "tasks_small.json"), COMBINED, SEED)[0], f)
        solved_all(build, path, COMBINED)


def the_workspace_is_right(build):
    p = subprocess.run([os.path.join(build, "src/candor"), "check", "--workspace", os.path.join(ROOT, "examples/telecom")],
                       capture_output=True, text=True, timeout=20)
    check(p.returncode == 0, p.stdout, p.stderr)


CHECKS = [the_workspace_is_right, the_telephone_and_the_carrier_answer_as_published, tasks_of_our_own_are_solved,
          a_task_that_is_not_solved_is_told, the_20_open_tasks_are_solved, several_faults_at_once_are_solved]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("words", nargs="*")
    options = a.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for one in CHECKS:
        if options.words and not any(word in one.__name__ for word in options.words):
            continue
        result, why = "passed", ""
        try:
            one(os.path.abspath(options.build))
        except Skip as s:
            result, why = "skipped", ": %s" % s
        except Exception:
            result = "failed"
            traceback.print_exc(file=sys.stdout)
        counts[result] += 1
        print("%s: %s%s" % (result, one.__name__.replace("_", " "), why), flush=True)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
