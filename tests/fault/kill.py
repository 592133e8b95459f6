#!/usr/bin/env python3
"""kill: candor dies by SIGKILL again and again while customers write to it; nothing is lost and nothing is done twice.

  kill.py --world card-delivery   the card-delivery agent, the offline provider, the example bank in its own process
  kill.py --world money-transfer  the money-transfer agent: what the runtime walks, with a correction on the way
  kill.py --world airline         recorded conversations that change bookings, the recorded model, and the recorded
                                  tools and the outgoing channel in their own process

An undisturbed run is the yardstick. Then rounds with the same customers, in which candor dies at its fault points (before
and after each commit, before each request, before each answer is used) with probability --p, until --kills kills happened.
Each round must end with the same effects and the same words to each customer. With --control the run must FAIL:
  fresh-key    a new idempotency key for each attempt, as naive clients do
  ignore-key   the backend does not honour the key
Exit status 0: what should hold held (for a control: it was seen to break). Prints one line of JSON with --json.
"""
import argparse, glob, json, os, re, shutil, subprocess, sys, tempfile, time

from running import ROOT, SHARED, Candor, call, run_all, start_peer, words_of

AIRLINE = os.path.join(SHARED, "data/airline_trajectories/conversations.jsonl")
WRITES = {"book_reservation", "cancel_reservation", "send_certificate", "update_reservation_baggages",
          "update_reservation_flights", "update_reservation_passengers"}


class CardDelivery:
    """The example bank is the backend; each conversation ends with one new card."""

    def __init__(self, options):
        arguments = [options.bank, "--port", "0", "--data", os.path.join(options.folder, "bank"), "--reissues-max", "0"]
        if options.control == "ignore-key":
            arguments.append("--ignore-key")
        self.peer, self.port = start_peer(arguments)
        self.sets = ["services.bank=http://127.0.0.1:%d" % self.port, "messages_10s=0"]
        self.example = "examples/card-delivery"
        late = [("ana", "pt-BR", ["Cadê meu cartão?", "sim, pode pedir"]), ("joao", "pt-BR", ["onde está meu cartão", "sim"]),
                ("ines", "es-MX", ["¿Dónde está mi tarjeta?", "sí"]),
                ("emma", "en", ["Where is my card?", "I asked, it is not there", "yes please"]),
                ("bruno", "pt-BR", ["cadê meu cartão", "já perguntei, não está lá", "sim"]),
                ("grace", "en", ["my card never came", "I looked and it was not there", "go ahead"])]
        self.scripts = [{"label": "%s-%d" % (c, i), "customer": c, "locale": l, "channel": "web", "words": w}
                        for i in range(options.repeat) for c, l, w in late]

    def reset(self):
        call(self.port, "POST", "/control/reset", {})

    def effects(self):
        counts = {}
        for customer in sorted({s["customer"] for s in self.scripts}):
            status, answer = call(self.port, "GET", "/v1/reissues?customer=" + customer)
            rows = answer.get("reissues", answer.get("data", {}).get("reissues") if isinstance(answer.get("data"), dict) else None)
            counts[customer] = len(rows)
        return counts

    def normal(self, text):
        return re.sub(r"RC-\d+", "RC-#", text)  # numbers follow the order in which customers came

    def repeated(self, effects, expected):
        return sum(max(0, effects[c] - expected[c]) for c in expected)


class MoneyTransfer:
    """The runtime walks the routine (mode script); each conversation ends with one transfer."""

    def __init__(self, options):
        self.peer, self.port = start_peer([options.bank, "--port", "0", "--data", os.path.join(options.folder, "bank")])
        self.sets = ["services.bank=http://127.0.0.1:%d" % self.port, "messages_10s=0"]
        self.example = "examples/money-transfer"
        sends = [("emma", "en", ["Send 1 to Tom", "314159", "yes"]),
                 ("emma", "en", ["Send 3 to Tom", "sorry, 2", "314159", "yes"]),
                 ("ana", "pt-BR", ["quero fazer um pix", "1 reais para Pedro", "204060", "sim"]),
                 ("carla", "es-MX", ["envía 1 a José", "el 1", "908070", "sí"])]
        self.scripts = [{"label": "%s-%d-%d" % (c, k, i), "customer": c, "locale": l, "channel": "web", "words": w}
                        for i in range(options.repeat) for k, (c, l, w) in enumerate(sends)]

    def reset(self):
        call(self.port, "POST", "/control/reset", {})

    def effects(self):
        effects = {}
        for customer in sorted({s["customer"] for s in self.scripts}):
            status, answer = call(self.port, "GET", "/v1/customers/%s/transfers" % customer)
            effects[customer] = sorted(t["amount"] for t in answer["data"]["transfers"])
        return effects

    def normal(self, text):
        return re.sub(r"TR-\d+|[\d.,]+\.?$", "#", text)  # numbers and balances follow the order in which they came

    def repeated(self, effects, expected):
        return sum(max(0, len(effects[c]) - len(expected[c])) for c in expected)


class Airline:
    """Recorded conversations that change bookings."""

    def __init__(self, options):
        arguments = [options.tools, "--port", "0", "--conversations", AIRLINE]
        if options.control == "ignore-key":
            arguments.append("--ignore-key")
        self.peer, self.port = start_peer(arguments)
        self.example = "examples/airline"
        self.recording = os.path.join(options.folder, "recording.jsonl")
        self.sets = ["services.tools=http://127.0.0.1:%d" % self.port, "provider.kind=recorded",
                     "provider.recording=" + self.recording, "channel.push_url=http://127.0.0.1:%d/send" % self.port,
                     "messages_10s=0"]
        scripts, lines = [], []
        for line in open(AIRLINE, encoding="utf-8"):
            d = json.loads(line)
            messages = d["messages"]
            if not any(c["name"] in WRITES for m in messages for c in m.get("tool_calls") or []):
                continue
            words, n = [], 0
            for i, m in enumerate(messages):
                if m["role"] == "user" and i + 1 < len(messages):
                    words.append(m["content"])
                if m["role"] == "assistant":
                    n += 1
                    lines.append({"label": d["id"], "call": n, "key": "", "answer": {
                        "text": m["content"], "finish": "stop", "calls": m.get("tool_calls") or []}})
            scripts.append({"label": d["id"], "customer": "c" + d["id"], "channel": "push:kill", "words": words})
        self.scripts = scripts
        with open(self.recording, "w", encoding="utf-8") as f:
            for l in lines:
                f.write(json.dumps(l, ensure_ascii=False) + "\n")

    def reset(self):
        call(self.port, "POST", "/reset", {})

    def effects(self):
        """Each conversation's effects, and the messages that the channel showed, as the other process has them."""
        status, state = call(self.port, "GET", "/state", timeout=60)
        mine = {s["label"] for s in self.scripts}
        return {k: {"effects": v["effects"], "messages": v["messages"]} for k, v in state.items() if k in mine}

    def normal(self, text):
        return text

    def repeated(self, effects, expected):
        return sum(max(0, len(effects[c]["effects"]) - len(expected[c]["effects"])) for c in expected)


def settle(world, expected, patience_s):
    """The outgoing channel may still be delivering; what is durable arrives."""
    until = time.time() + patience_s
    while time.time() < until:
        effects = world.effects()
        if effects == expected:
            break
        time.sleep(0.1)
    return effects


def one_run(options, world, expected, fault):
    """One round in a fresh workspace. Gives kills, effects, words, points."""
    workspace = tempfile.mkdtemp(prefix="round-", dir=options.folder)
    shutil.copytree(os.path.join(ROOT, world.example), workspace, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("data"))
    for path in glob.glob(os.path.join(workspace, "agents/*.yaml")):  # in life a turn that kills its process five times goes to a
        text = open(path).read()                                     # person; here the killer is to blame, not the turn
        open(path, "w").write(re.sub(r"resumes: \d+", "resumes: 1000000", text))
    if options.control == "fresh-key":
        for folder, _, files in os.walk(os.path.join(workspace, "tools")):
            for name in files:
                path = os.path.join(folder, name)
                text = open(path).read()
                open(path, "w").write(text.replace("mode: key}", "mode: key_per_attempt}").replace("\nreconcile:", "\n# reconcile:"))
    if options.control == "ignore-key":
        path = os.path.join(workspace, "tools/reissue_card.yaml")
        if os.path.exists(path):  # asking what became of the key would find out in time
            text = open(path).read()
            open(path, "w").write(text.replace("\nreconcile:", "\n# reconcile:"))
    world.reset()
    candor = Candor(options.candor, workspace, world.sets)
    candor.start(fault)
    try:
        conversations = run_all(candor, world.scripts, options.workers)
        kills, points = candor.kills, dict(candor.points)
        candor.stop()
        candor.start(None)  # the last look is at a calm process
        effects = settle(world, expected, 1 if options.control else 15) if expected is not None else world.effects()
        if expected is None:
            time.sleep(1)
            effects = world.effects()
        words = {label: [(who, world.normal(t)) for who, t in words_of(candor, c)] for label, c in conversations.items()}
    finally:
        candor.stop()
    audit = subprocess.run([options.candor, "audit", "verify", "--workspace", workspace], capture_output=True, text=True)
    if audit.returncode != 0:
        raise RuntimeError("audit: %s%s" % (audit.stdout, audit.stderr))
    shutil.rmtree(workspace)
    return kills, effects, words, points, candor.log


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--world", choices=["card-delivery", "money-transfer", "airline"], default="card-delivery")
    a.add_argument("--kills", type=int, default=100)
    a.add_argument("--p", type=float, default=0.03)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--workers", type=int, default=8)
    a.add_argument("--repeat", type=int, default=4, help="of the examples: conversations of each customer in a round")
    a.add_argument("--control", choices=["fresh-key", "ignore-key"])
    a.add_argument("--build", default=os.path.join(ROOT, "build"))
    a.add_argument("--json", action="store_true")
    options = a.parse_args()
    options.candor = os.path.join(options.build, "src/candor")
    options.bank = os.path.join(options.build, "examples/bank/bank")
    options.tools = os.path.join(options.build, "tests/peer/recorded_tools")
    if options.world == "airline" and not os.path.exists(AIRLINE):
        print("skipped: %s is not here" % os.path.relpath(AIRLINE, ROOT))
        sys.exit(77)
    options.folder = tempfile.mkdtemp(prefix="candor-kill-")
    world = {"airline": Airline, "money-transfer": MoneyTransfer, "card-delivery": CardDelivery}[options.world](options)
    began, kills, rounds, lost, repeated, different, points = time.time(), 0, 0, 0, 0, 0, {}
    try:
        control, options.control = options.control, None if options.control == "fresh-key" else options.control
        _, expected, words, _, log = one_run(options, world, None, None)
        options.control = control
        if log:
            print("\n".join(log[:5]))
        while kills < options.kills:
            rounds += 1
            k, effects, said, at, log = one_run(options, world, expected, (options.p, options.seed + rounds))
            kills += k
            for name, n in at.items():
                points[name] = points.get(name, 0) + n
            repeated += world.repeated(effects, expected)
            different += effects != expected
            for label in words:
                mine = [t for who, t in said[label] if who == "customer"]
                lost += sum(1 for t in [t for who, t in words[label] if who == "customer"] if t not in mine)
                if said[label] != words[label]:
                    different += 1
                    if not options.json and not control and different < 4:
                        print("%s:\n  undisturbed %r\n  killed      %r" % (label, words[label], said[label]))
            if log and not control:
                print("\n".join(log[:5]))
            if control and different + repeated and kills >= options.kills:
                break
    finally:
        world.peer.terminate()
        world.peer.wait()
        shutil.rmtree(options.folder, ignore_errors=True)
    messages = rounds * sum(len(s["words"]) for s in world.scripts)
    holds = lost == 0 and repeated == 0 and different == 0
    good = not holds if control else holds
    result = {"world": options.world, "control": control, "kills": kills, "rounds": rounds,
              "conversations": rounds * len(world.scripts), "messages": messages, "messages_lost": lost,
              "actions_repeated": repeated, "differences": different, "points": points,
              "seconds": round(time.time() - began, 1)}
    if options.json:
        print(json.dumps(result))
    else:
        print("%s%s: %d kills over %d conversations with %d messages: %d messages lost, %d actions repeated, %d differences "
              "from the undisturbed run (%.0f s)" % (options.world, ", control " + control if control else "", kills,
                                                      result["conversations"], messages, lost, repeated, different,
                                                      result["seconds"]))
        print("died at: " + ", ".join("%s %d" % kv for kv in sorted(points.items())))
    sys.exit(0 if good else 1)


main()
