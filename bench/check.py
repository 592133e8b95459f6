#!/usr/bin/env python3
"""bench/check.py: how long `candor check` takes on a workspace of 1,000 modules over 20 agents.

    bench/check.py [--build DIR] [--keep DIR] [--runs N]

Makes the workspace (250 routines, 250 tools, 250 packs of macros, 200 instructions, 50 scratchpads) out of the modules of
tests/data/check, grown to the size of the examples', and times whole runs of the program on it. What `check`
finds there is told: nothing.
"""
import argparse, json, os, re, statistics, subprocess, tempfile, time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
AGENTS, ROUTINES, TOOLS, PACKS, INSTRUCTIONS, SCRATCHPADS = 20, 250, 250, 250, 200, 50


def read(path):
    with open(os.path.join(ROOT, "tests/data/check", path)) as f:
        return f.read()


def write(folder, path, text):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def pack(i):
    """Eight texts more in each pack, as long as the examples' are."""
    text = read("macros/orders.yaml").replace("macros: orders", "macros: orders%d" % i)
    for n in range(8):
        text += "  more%d:\n" % n
        for language in ("en", "pt"):
            text += "    %s: \"%s {tool.find_order%d.state}: %s {slot.order%d}.\"\n" % (language, "What we found out about it is" * 3, i,
                                                                                  "this is how it goes on from here, step by step" * 2, i % SCRATCHPADS)
    return re.sub(r"tool\.find_order\.", "tool.find_order%d." % i, text).replace("slot.order}", "slot.order%d}" % (i % SCRATCHPADS))


def routine(i):
    """The cancel routine with six questions more on the way, which say the pack's further texts."""
    slot = i % SCRATCHPADS
    text = read("routines/cancel.yaml").replace("routine: cancel\n", "routine: cancel%d\n" % i)
    text = text.replace("orders.", "orders%d." % i).replace("find_order", "find_order%d" % i).replace("call_routine: status", "say: orders%d.none" % i)
    text = text.replace("slot.order", "slot.order%d" % slot).replace("slot.reason", "slot.reason%d" % slot).replace("slot: order,", "slot: order%d," % slot)
    text = text.replace("slot: reason,", "slot: reason%d," % slot).replace("slots: [order, reason]", "slots: [order%d, reason%d]" % (slot, slot))
    text = text.replace("cancel_order", "cancel_order%d" % (i // 2))
    phrases = ", ".join("phrase number %d of the customer" % n for n in range(20))
    text = text.replace("en: [cancel]", "en: [%s]" % phrases)
    more = "".join("  - {id: more%d, say: orders%d.more%d}\n" % (n, i, n) for n in range(8))
    return text.replace("  - id: sort\n", more + "  - id: sort\n")


def spread(n, agent):
    """Which of n modules the agent composes: each is composed by one."""
    return range(agent * n // AGENTS, (agent + 1) * n // AGENTS)


def whole(folder):
    """Routine i goes with pack i, look-up i and scratchpad i of its agent, so that everything means something."""
    write(folder, "candor.yaml", read("candor.yaml").replace("agent: helper", "agent: helper0"))
    write(folder, "macros/runtime.yaml", read("macros/runtime.yaml"))
    for agent in range(AGENTS):
        routines, tools, pads = list(spread(ROUTINES, agent)), list(spread(TOOLS, agent)), list(spread(SCRATCHPADS, agent))
        packs = [i for i in routines if i < PACKS - 1]  # the one left is `runtime`
        finds, acts = tools[:len(tools) * 2 // 3], tools[len(tools) * 2 // 3:]
        for n, i in enumerate(routines):
            text = routine(i)
            text = text.replace("orders%d." % i, "orders%d." % packs[n % len(packs)])
            text = text.replace("find_order%d" % i, "find_order%d" % finds[n % len(finds)])
            text = text.replace("cancel_order%d" % (i // 2), "cancel_order%d" % acts[n % len(acts)])
            for word in ("order", "reason"):
                text = re.sub(r"\b%s%d\b" % (word, i % SCRATCHPADS), "%s%d" % (word, pads[n % len(pads)]), text)
            write(folder, "routines/cancel%d.yaml" % i, text)
        for n, i in enumerate(packs):
            text = pack(i).replace("find_order%d." % i, "find_order%d." % finds[n % len(finds)])
            text = re.sub(r"slot\.order\d+", "slot.order%d" % pads[n % len(pads)], text)
            write(folder, "macros/orders%d.yaml" % i, text)
        for i in finds:
            write(folder, "tools/find_order%d.yaml" % i, read("tools/find_order.yaml").replace("tool: find_order", "tool: find_order%d" % i))
        for i in acts:
            write(folder, "tools/cancel_order%d.yaml" % i, read("tools/cancel_order.yaml").replace("tool: cancel_order", "tool: cancel_order%d" % i)
                  .replace("orders.propose", "orders%d.propose" % packs[i % len(packs)]))
        for i in pads:
            write(folder, "scratchpads/order_case%d.yaml" % i, read("scratchpads/order_case.yaml").replace("order_case", "order_case%d" % i)
                  .replace("slot: order,", "slot: order%d," % i).replace("slot: reason\n", "slot: reason%d\n" % i))
        for i in spread(INSTRUCTIONS, agent):
            lines = "".join("- In case %d of module %d say what was found out, and who goes on from there.\n" % (n, i) for n in range(20))
            mentions = "".join("- orders%d.propose asks before the order goes.\n" % p for p in packs) if i % 10 == 0 else ""
            write(folder, "instructions/role%d.md" % i, read("instructions/role.md").replace("module: role", "module: role%d" % i)
                  .replace("- Answer", lines + mentions + "- Answer"))
        names = lambda prefix, ids: ", ".join("%s%d" % (prefix, i) for i in ids)
        write(folder, "agents/helper%d.yaml" % agent, """agent: helper%d
version: 1.0.0
summary: One of many.
compose:
  instructions: [%s]
  routines: [%s]
  macros: [runtime, %s]
  tools: [%s, %s]
  scratchpad: [%s]
""" % (agent, names("role", spread(INSTRUCTIONS, agent)), names("cancel", routines), names("orders", packs), names("find_order", finds),
       names("cancel_order", acts), names("order_case", pads)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--keep")
    p.add_argument("--runs", type=int, default=9)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = a.keep or temporary
        whole(folder)
        files = [os.path.join(d, f) for d, _, names in os.walk(folder) for f in names if "/agents" not in d and f != "candor.yaml"]
        size = sum(os.path.getsize(f) for f in files)
        command = [os.path.join(a.build, "src", "candor"), "check", "--workspace", folder]
        found = json.loads(subprocess.run(command + ["--json"], stdout=subprocess.PIPE, text=True).stdout)
        counts = {}
        for f in found:
            counts[f["rule"]] = counts.get(f["rule"], 0) + 1
        times, worked = [], []
        for _ in range(a.runs):
            began, before = time.perf_counter(), os.times()
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after = os.times()
            times.append(time.perf_counter() - began)
            worked.append(after.children_user + after.children_system - before.children_user - before.children_system)
        print("%d modules, %d agents, %.2f MB; findings %s" % (len(files), AGENTS, size / 1e6, counts or "none"))
        print("candor check: median %.0f ms, fastest %.0f ms of %d runs; processor time median %.0f ms" %
              (statistics.median(times) * 1e3, min(times) * 1e3, a.runs, statistics.median(worked) * 1e3))


if __name__ == "__main__":
    main()
