#!/usr/bin/env python3
"""A till: one JSON object on stdin, one JSON value on stdout. Its book is the file that args.book names."""
import json, os, sys, time

asked = json.load(sys.stdin)
args = asked["args"]
PRICES = {"tea": 3, "bread": 2}


def refuse(status, code, message):
    print(json.dumps({"error": {"code": code, "message": message}}))
    sys.exit(status)


def book():
    if not os.path.exists(args["book"]):
        return {}
    with open(args["book"]) as f:
        return dict(line.split() for line in f)


if sys.argv[1] == "price":
    if args["thing"] not in PRICES:
        refuse(3, "UNKNOWN_THING", args["thing"] + " is not sold here")
    print(json.dumps({"price": PRICES[args["thing"]], "told": sorted(asked), "date": asked["date"]}))
elif asked.get("reconcile"):
    paid = book().get(asked["key"])
    print(json.dumps(paid and {"receipt": paid}))
elif asked["key"] in book():
    refuse(4, "TWICE", "paid already")
else:
    receipt = "R%d" % (len(book()) + 1)
    with open(args["book"], "a") as f:
        f.write("%s %s\n" % (asked["key"], receipt))
    if args.get("then") == "hang":  # it was paid, and nobody hears of it
        time.sleep(60)
    if args.get("then") == "fall":
        raise SystemError("after it was paid")
    print(json.dumps({"receipt": receipt}))
