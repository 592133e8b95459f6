#!/usr/bin/env python3
"""How much of the finished routines did the import of the written workflow make?

    tests/t7/drafts.py SOP.md [--build build] [--workspace examples/telecom]

The workspace keeps the drafts' step ids where it keeps their steps. Counts, for each routine that came from a draft: steps with the
draft's id and verb (their conditions, words and targets were written by a person), with its id and another verb, new ones, and steps
of the draft that are no longer there."""
import argparse, glob, os, re, subprocess, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FROM = {"no_service": "no_service_no_connection_troubleshooting", "no_mobile_data": "unavailable_mobile_data_troubleshooting",
        "slow_mobile_data": "slow_mobile_data_troubleshooting", "mms": "mms_picture_group_messaging_troubleshooting",
        "data_issue": "unavailable_or_slow_mobile_data_troubleshooting"}
VERBS = "say|ask|call|decide|confirm|act|note|goto|call_routine|handoff|exit"


def steps(path):
    """id -> verb of a routine's file, in either way of writing a step."""
    with open(path) as f:
        found = re.findall(r"^  - \{?id: (\w+)[,\n]\s*(%s):" % VERBS, f.read(), re.M)
    return dict(found)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sop")
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    p.add_argument("--workspace", default=os.path.join(ROOT, "examples/telecom"))
    o = p.parse_args()
    total = [0] * 5
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(o.build, "src/candor"), "routine", "import", o.sop, "-o", os.path.join(folder, "d")], check=True,
                       stdout=subprocess.DEVNULL)
        for path in sorted(glob.glob(os.path.join(o.workspace, "routines/*.yaml"))):
            name = os.path.splitext(os.path.basename(path))[0]
            done = steps(path)
            draft = steps(os.path.join(folder, "d/routines", FROM[name] + ".yaml")) if name in FROM else {}
            both = [i for i in done if i in draft]
            same = [i for i in both if done[i] == draft[i]]
            row = [len(done), len(same), len(both) - len(same), len(done) - len(both), len(draft) - len(both)]
            total = [x + y for x, y in zip(total, row)]
            print("%-18s %3d steps: %2d with the draft's id and verb, %2d with another verb, %2d new; %2d of the draft dropped"
                  % ((name,) + tuple(row)))
    print("%-18s %3d steps: %2d with the draft's id and verb, %2d with another verb, %2d new; %2d of the drafts dropped"
          % (("all",) + tuple(total)))


if __name__ == "__main__":
    main()
