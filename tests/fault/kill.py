#!/usr/bin/env python3
"""kill: candor dies by SIGKILL again and again while customers write to it; nothing is lost and nothing is done twice.

  kill.py --world card-delivery   the card-delivery agent, the offline provider, the example bank in its own process
  kill.py --world airline         recorded conversations that change bookings, the recorded model, and the recorded
                                  tools and the outgoing channel in their own process

An undisturbed run is the yardstick. Then rounds with the same customers, in which candor dies at its fault points (before
and after each commit, before each request, before each answer is used) with probability --p, until --kills kills happened.
Each round must end with the same effects and the same words to each customer. With --control the run must FAIL:
  fresh-key    a new idempotency key for each attempt, as naive clients do
  ignore-key   the backend does not honour the key
Exit status 0: what should hold held (for a control: it was seen to break). Prints one line of JSON with --json.
"""
import argparse, glob, http.client, json, os, re, shutil, signal, subprocess, sys, tempfile, threading, time, uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AIRLINE = os.path.join(os.environ.get("CANDOR_SHARED", os.path.join(ROOT, "..", "shared")),
                       "data/airline_trajectories/conversations.jsonl")
WRITES = {"book_reservation", "cancel_reservation", "send_certificate", "update_reservation_baggages",
          "update_reservation_flights", "update_reservation_passengers"}
TIME_LIMIT_S = 600


def call(port, method, path, body=None, headers=None, timeout=10):
    """One request; raises OSError when the other side dies."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        h = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body)
            h["Content-Type"] = "application/json"
        c.request(method, path, data, h)
        r = c.getresponse()
        text = r.read()
        return r.status, json.loads(text) if text else None
    except (http.client.HTTPException, ValueError) as e:
        raise OSError(str(e))
    finally:
        c.close()


def start_peer(arguments):
    p = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = p.stdout.readline()
    found = re.search(r":(\d+)\s*$", line)
    if not found:
        sys.exit("kill: %s did not start: %r" % (arguments[0], line))
    return p, int(found.group(1))


class Candor:
    """The process under test: started again whenever it dies, until told to stop."""

    def __init__(self, binary, workspace, sets):
        self.command = [binary, "serve", "--workspace", workspace, "--port", "0"]
        for s in sets:
            self.command += ["--set", s]
        self.workspace, self.kills, self.points, self.fault = workspace, 0, {}, None
        self.port, self.stopping, self.process, self.log = None, False, None, []
        self.lock = threading.Lock()

    def run(self):
        seed = 0
        while not self.stopping:
            seed += 1
            env = dict(os.environ)
            env.pop("CANDOR_FAULT", None)
            if self.fault:
                env["CANDOR_FAULT"] = "kill:p=%g:seed=%d" % (self.fault[0], self.fault[1] * 1000003 + seed)
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
            threading.Thread(target=self.read_errors, args=(self.process,), daemon=True).start()
            line = self.process.stdout.readline()
            found = re.search(r":(\d+)\s*$", line)
            self.port = int(found.group(1)) if found else None
            code = self.process.wait()
            self.port = None
            if code == -signal.SIGKILL:
                self.kills += 1
            elif not self.stopping:
                self.log.append("candor ended by itself with status %d" % code)
                time.sleep(0.2)
                if len([x for x in self.log if "by itself" in x]) > 20:
                    sys.stderr.write("\n".join(self.log[-30:]) + "\n")
                    os._exit(1)

    def read_errors(self, process):
        for line in process.stderr:
            point = re.search(r"dying at fault point \d+ \(([^)]*)\)", line)
            if point:
                self.points[point.group(1)] = self.points.get(point.group(1), 0) + 1
            elif '"error"' in line:
                self.log.append(line.strip()[:300])

    def start(self, fault=None):
        self.stopping, self.fault = False, fault
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def stop(self):
        self.stopping = True
        while self.thread.is_alive():
            try:
                self.process.terminate()
            except OSError:
                pass
            self.thread.join(0.2)

    def token(self):
        with open(os.path.join(self.workspace, "data/operator.token")) as f:
            return f.read()

    def call(self, method, path, body=None, headers=None, timeout=10):
        """Until it answers: a customer's program that knows how to retry."""
        until = time.time() + TIME_LIMIT_S
        while time.time() < until:
            port = self.port
            if port is None:
                time.sleep(0.005)
                continue
            try:
                h = {"Authorization": "Bearer " + self.token()}
                h.update(headers or {})
                status, answer = call(port, method, path, body, h, timeout)
                if status < 500:
                    return status, answer
            except OSError:
                pass
            time.sleep(0.005)
        raise RuntimeError("no answer to %s %s" % (method, path))


def events_of(candor, conversation, after, wait):
    status, answer = candor.call("GET", "/v1/conversations/%s/events?after=%d&wait=%d" % (conversation, after, wait), timeout=40)
    if status != 200:
        raise RuntimeError("events: %d %r" % (status, answer))
    return answer


def converse(candor, script, run_id):
    """Says each line after the reply to the one before; gives the conversation's id."""
    status, answer = candor.call("POST", "/v1/conversations",
                                 {"customer": script["customer"], "label": script["label"], "channel": script["channel"],
                                  "locale": script.get("locale", "en")},
                                 {"Idempotency-Key": "%s-%s" % (run_id, script["label"])})
    if status not in (200, 201):
        raise RuntimeError("open: %d %r" % (status, answer))
    conversation, seen = answer["id"], 0
    for i, text in enumerate(script["words"]):
        status, answer = candor.call("POST", "/v1/conversations/%s/messages" % conversation,
                                     {"text": text, "client_id": "%s-%d" % (run_id, i)})
        if status != 202:
            raise RuntimeError("message: %d %r" % (status, answer))
        acknowledged, done = answer["seq"], False
        until = time.time() + 120
        while not done:
            if time.time() > until:
                raise RuntimeError("%s: no reply to message %d (seq %d)" % (script["label"], i, acknowledged))
            answer = events_of(candor, conversation, seen, 5)
            for ev in answer["events"]:
                if ev["type"] == "turn" and ev["state"] == "done" and ev["seq"] > acknowledged:
                    done = True
            seen = answer["next"]
    return conversation


def words_of(candor, conversation):
    """What the customer said and saw, in order."""
    lines, after = [], 0
    while True:
        answer = events_of(candor, conversation, after, 0)
        lines += [(e["from"], e["text"]) for e in answer["events"] if e["type"] == "message"]
        if answer["next"] == after:
            return lines
        after = answer["next"]


def run_all(candor, scripts, workers):
    run_id, results, errors = uuid.uuid4().hex[:12], {}, []
    waiting, lock = list(scripts), threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting or errors:
                    return
                script = waiting.pop(0)
            try:
                conversation = converse(candor, script, run_id)
                results[script["label"]] = conversation
            except Exception as e:  # noqa: any failure of a customer fails the run
                errors.append("%s: %s" % (script["label"], e))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise RuntimeError("; ".join(errors[:3]))
    return results


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


def settle(world, expected):
    """The outgoing channel may still be delivering; what is durable arrives."""
    until = time.time() + 15
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
        effects = settle(world, expected) if expected is not None else world.effects()
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
    a.add_argument("--world", choices=["card-delivery", "airline"], default="card-delivery")
    a.add_argument("--kills", type=int, default=100)
    a.add_argument("--p", type=float, default=0.03)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--workers", type=int, default=8)
    a.add_argument("--repeat", type=int, default=4, help="card-delivery: conversations of each customer in a round")
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
    world = Airline(options) if options.world == "airline" else CardDelivery(options)
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
