"""running: candor and its peers as processes, and customers who write to them. For the tests that kill and break things."""
import http.client, json, os, re, signal, subprocess, sys, threading, time, uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("CANDOR_SHARED", os.path.join(ROOT, "..", "shared"))
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
    conversation, seen, person = answer["id"], 0, False
    for i, text in enumerate(script["words"]):
        status, answer = candor.call("POST", "/v1/conversations/%s/messages" % conversation,
                                     {"text": text, "client_id": "%s-%d" % (run_id, i)})
        if status != 202:
            raise RuntimeError("message: %d %r" % (status, answer))
        acknowledged, done = answer["seq"], False
        until = time.time() + 120
        while not done and not person:  # a person answers in their own time
            if time.time() > until:
                raise RuntimeError("%s: no reply to message %d (seq %d)" % (script["label"], i, acknowledged))
            answer = events_of(candor, conversation, seen, 5)
            for ev in answer["events"]:
                if ev["type"] == "turn" and ev["state"] == "done" and ev["seq"] > acknowledged:
                    done = True
                if ev["type"] == "owner":
                    person = ev["owner"] != "bot"
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
