"""living: how the program starts, refuses to start, fills its disk, talks to operators and ends. T3, T21, T35, T37."""
import http.server, json, os, re, shutil, signal, socket, subprocess, threading, time

import routes
from refusing import is_problem, path_to
from server import Caller, Conversation, Process, Skip, Stream, check, customer, operator, together


def one_sentence(said, *words):
    check(said.count("\n") == 1 and len(said) < 300, "not one sentence:", said)
    for word in words:
        check(word in said, "no", word, "in", said)


def the_end_is_orderly_and_what_was_acknowledged_is_there(w):
    server = w.serve(w.workspace(), "messages_10s=0")
    ana = customer(server, "ana")
    talk = Conversation(ana, "end")
    streams = [Stream(ana, talk.path + "/events") for _ in range(20)]
    acknowledged, polls, refused = [], [], []

    def write(k):
        caller = customer(server, "ana")
        for i in range(10000):
            try:
                answer = caller.post(talk.path + "/messages", {"text": "x", "client_id": "%d-%d" % (k, i)})
            except OSError:
                return
            if answer.status != 202:
                refused.append(answer)
                return
            acknowledged.append("%d-%d" % (k, i))

    def poll():
        try:
            polls.append(customer(server, "bruno").get(quiet.path + "/events?wait=30"))
        except OSError as e:
            polls.append(e)

    quiet = Conversation(customer(server, "bruno"), "quiet")
    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)] + [threading.Thread(target=poll) for _ in range(5)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    seconds = server.stop()
    for t in threads:
        t.join()
    check(seconds < 8, "ended after", seconds)
    for answer in polls:
        check(not isinstance(answer, Exception) and answer.status == 200 and answer.json["events"] == [], answer)
    for answer in refused:
        is_problem(answer, 503, "stopping")
        check(answer.headers["Retry-After"])
    for s in streams:
        events = s.until(lambda events: events and events[-1][1] == "bye")
        check(events[-1][1:] == ("bye", {}), events[-2:])
        s.close()
    check(len(acknowledged) > 20, len(acknowledged))
    again = w.serve(server.workspace, "messages_10s=0")
    there = {e["body"]["client_id"] for e in Conversation.journal(talk, operator(again)) if e["kind"] == "message.received"}
    check(set(acknowledged) <= there, "lost:", set(acknowledged) - there)
    check(customer(again, "ana").get(talk.path + "/events").status == 200)
    again.stop()


def a_second_server_on_the_same_store_does_not_start(w):
    for _ in range(20):  # T21
        p = subprocess.run(w.arguments(w.main.workspace), capture_output=True, text=True, timeout=10)
        check(p.returncode == 3 and not p.stdout, p.returncode, p.stderr)
        one_sentence(p.stderr, "candor serve:", str(w.main.process.pid))
    check(Caller(w.main).get("/readyz").status == 200)


def a_port_in_use_is_said_in_one_sentence(w):
    p = subprocess.run(w.arguments(w.workspace(), port=w.main.port), capture_output=True, text=True, timeout=10)
    check(p.returncode == 3 and not p.stdout, p.returncode, p.stderr)
    one_sentence(p.stderr, str(w.main.port), "in use", "--port")
    for port in ("70000", "-1", "x", ""):
        status, _, said = w.run("serve", "--workspace", w.workspace(), "--port", port)
        check(status == 2, status, said)
        one_sentence(said, "port")


def settings_that_are_wrong_are_named_with_their_line(w):
    cases = [("time_out: 5", "time_out", None), ("provder: {kind: offline}", "provder", "did you mean provider?"),
             ("listen: 8080", "listen", "quotes"), ("listen: here", "listen", "ADDRESS:PORT"), ("messages_10s: many", "messages_10s", "number"),
             ("messages_10s: -1", "messages_10s", "number"), ("provider: {kind: offlien}", "offlien", "offline"),
             ("provider: {knd: offline}", "provider.knd", "did you mean kind?"), ("provider: {api_key: sk-1234}", "key_file", None),
             ("provider: {kind: recorded}", "provider.recording", None),
             ("provider: {base_url: 'https://u:sk-1234@host/v1'}", "key_file", None), ("provider: {base_url: 'https://h/v1?key=sk-1234'}", "key_file", None),
             ("signin: {kind: all}", "signin.kind", "example"), ("signin: {kind: example, ulr: x}", "signin.ulr", "did you mean url?"),
             ("services: {bank: localhost}", "services.bank", "http://"), ("agent: nobody", "nobody", None), ("cache_mib: [1]", "cache_mib", None)]
    for line, name, hint in cases:
        workspace = w.workspace()
        path = os.path.join(workspace, "candor.yaml")
        key = line.split(":")[0]
        with open(path) as f:
            kept = [text for text in f if not text.startswith(key + ":")]
        with open(path, "w") as f:
            f.writelines(kept + [line + "\n"])
        status, out, said = w.run("serve", "--workspace", workspace, "--port", "0")
        check(status == 4 and not out, line, status, said)
        one_sentence(said, name, hint or "")
        check("sk-1234" not in said, said)
        if key not in ("agent",) and "offlien" not in line:
            check("candor.yaml:%d:" % (len(kept) + 1) in said, line, said)
    status, _, said = w.run("serve", "--workspace", os.path.join(w.folder, "nowhere"))
    check(status == 4, status)
    one_sentence(said, "nowhere", "--workspace")


def words_on_the_command_line_are_checked(w):
    for arguments, hint in ((["serv"], "did you mean serve?"), (["frobnicate"], "candor help"), (["help", "reprot"], "did you mean report?"),
                            (["serve", "--prot", "1"], "did you mean --port?"), (["serve", "--worspace", "x"], "did you mean --workspace?"),
                            (["serve", "now"], "usage:"), (["serve", "--port"], "needs a value"), (["judge"], "usage:"), (["chat", "--az", "x"], "--as")):
        status, out, said = w.run(*arguments)
        check(status == 2 and not out and hint in said, arguments, status, said)
    for option in ("--api-key=sk-1234", "--key=sk-1234", "--token=sk-1234", "--password=sk-1234"):
        status, _, said = w.run("serve", option)
        check(status == 2 and "provider.key_file" in said and "sk-1234" not in said, said)
    for arguments in ([], ["help"], ["--help"], ["-h"]):
        status, out, said = w.run(*arguments)
        check(status == 0 and not said, said)
        for name in ("serve", "chat", "check", "import", "judge", "report", "audit", "help"):
            check(re.search(r"^  candor %s " % name, out, re.M), name)
    for arguments in (["help", "serve"], ["serve", "--help"], ["serve", "-h"]):
        status, out, said = w.run(*arguments)
        check(status == 0 and "usage: candor serve" in out and not said, out, said)
    status, out, _ = w.run("version", "--json")
    check(status == 0 and json.loads(out)["version"])


def keys_that_others_can_read_are_refused(w):
    for name in ("session.key", "operator.token"):
        workspace = w.workspace()
        server = w.serve(workspace)
        path = os.path.join(workspace, "data", name)
        check(os.stat(path).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700)
        secret = operator(server).token
        server.stop()
        for mode in (0o640, 0o604, 0o666):
            os.chmod(path, mode)
            status, _, said = w.run("serve", "--workspace", workspace, "--port", "0")
            check(status == 4, status, said)
            one_sentence(said, path, "chmod 600")
        os.chmod(path, 0o600)
        open(path, "w").close()
        status, _, said = w.run("serve", "--workspace", workspace, "--port", "0")
        check(status == 3 and secret not in said, status, said)
        one_sentence(said, path)


def a_disk_that_is_low_takes_no_messages_and_recovers(w):
    workspace = w.workspace()
    data = os.path.join(workspace, "data")
    os.mkdir(data, 0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", data], capture_output=True).returncode != 0:
        raise Skip("needs the right to mount a tmpfs")
    try:
        server = w.serve(workspace, "messages_10s=0")
        ana, filler = customer(server, "ana"), os.path.join(data, "filler")
        talk = Conversation(ana, "disk")
        talk.ask("Where is my card?")
        free = os.statvfs(data).f_bavail * os.statvfs(data).f_frsize
        with open(filler, "wb") as f:
            f.write(b"x" * (free - (8 << 20)))
        ready = Caller(server).get("/readyz")
        check(ready.status == 503 and ready.json["ready"] is False and ready.json["why"], ready)
        for path, body in (("/messages", {"text": "hi", "client_id": "9"}), ("/rating", {"score": 1}), ("/close", {})):
            answer = ana.post(talk.path + path, body)
            is_problem(answer, 507, "disk_full")
            check(answer.headers["Retry-After"] and data not in answer.body.decode(), answer)
        is_problem(ana.post("/v1/conversations", {}, Idempotency_Key="full"), 507, "disk_full")
        check(talk.all() and ana.get("/v1/conversations").status == 200 and Caller(server).get("/livez").status == 200)
        check(data not in ready.body.decode(), ready)
        end = time.time() + 5
        while not any('"api.failed"' in line and data in line for line in server.errors):
            check(time.time() < end, server.errors)
            time.sleep(0.05)
        os.remove(filler)
        end = time.time() + 10
        while Caller(server).get("/readyz").status != 200:
            check(time.time() < end, "it does not recover")
            time.sleep(0.1)
        talk.ask("And now?")
        server.stop()
    finally:
        subprocess.run(["umount", "-l", data], capture_output=True)


def metrics_are_prometheus_text_about_nobody(w):
    Conversation(customer(w.main, "carla"), "metrics").ask("Where is my card?")
    answer = Caller(w.main).get("/metrics")
    check(answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
    helped, typed, values = set(), {}, {}
    for line in answer.body.decode().splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) (candor_\w+) (.+)", line)
        sample = re.fullmatch(r'(candor_\w+)(\{(\w+)="([^"]*)"\})? (-?[0-9.]+|\+Inf)', line)
        check(comment or sample, line)
        if comment and comment[1] == "HELP":
            check(comment[2] not in helped, line)
            helped.add(comment[2])
        elif comment:
            check(comment[3] in ("counter", "gauge", "histogram") and comment[2] in helped, line)
            typed[comment[2]] = comment[3]
        else:
            base = re.sub(r"_(bucket|sum|count)$", "", sample[1])
            check(base in typed or sample[1] in typed, line)
            check(sample[3] in (None, "le", "class"), "a label that could name somebody:", line)
            check((sample[1], sample[4]) not in values, "twice:", line)
            values[sample[1], sample[4]] = float(sample[5])
    check(values["candor_messages_total", None] >= 1 and values["candor_turns_total", None] >= 1)
    buckets = [v for (name, le), v in values.items() if name == "candor_turn_overhead_seconds_bucket"]
    check(buckets == sorted(buckets) and buckets[-1] == values["candor_turn_overhead_seconds_count", None])


def nothing_that_was_said_stands_in_the_log(w):
    """T35: canaries in every place of every request, then every log and the metrics are searched for them."""
    ana, staff, n, canaries = customer(w.main, "ana"), operator(w.main), 0, []

    def canary():
        canaries.append("CANARY%dX" % len(canaries))
        return canaries[-1]

    talk = Conversation(staff, canary(), customer="ana", label=canary())
    for _ in range(25):
        for method, path, needs in routes.table():
            for caller in (ana, staff, Caller(w.main, canary())):
                body = {name: canary() for name in ("text", "client_id", "expert", "comment", "digest", "customer", "label", canary())}
                for sent in (body, {k: body[k] for k in ("text", "client_id")}, ("{%s" % canary()).encode()):
                    if path.endswith("/close") or path.endswith("/handoff") or path.endswith("/takeover"):
                        continue
                    caller.call(method, path_to(path, talk.id) + "?after=%s&x=%s" % (canary(), canary()), sent if method == "POST" else None,
                                {"Idempotency-Key": canary(), "Last-Event-ID": canary(), "X-Other": canary(), "Cookie": "a=" + canary()})
                    n += 1
        if n > 2000:
            break
    ana.get("/" + canary())
    secrets = canaries + [staff.token, ana.token, ana.token.split(".")[2]]
    text = "".join(line for c in w.candors for line in c.errors) + Caller(w.main).get("/metrics").body.decode()
    found = [s for s in secrets if s in text]
    check(not found and len(canaries) > 500, found)
    for line in (line for c in w.candors for line in c.errors):
        check(line.startswith('{"at":') and json.loads(line)["event"], line)


class Receiver(http.server.BaseHTTPRequestHandler):
    """A push channel that refuses every message once, loses some answers, and keeps what it took by its key."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kept, n = self.server.kept, self.server.tries.get(body["mid"], 0)
        self.server.tries[body["mid"]] = n + 1
        check(self.headers["Idempotency-Key"] == body["mid"] and set(body) == {"conversation", "label", "mid", "text"}, body)
        if n > 0 and body["mid"] not in [b["mid"] for b in kept]:
            kept.append(body)
        if n != 1:
            self.send_response(503 if n == 0 else 204)
            self.end_headers()
        else:
            self.connection.close()

    def log_message(self, *_):
        pass


def replies_of_push_channels_are_sent_until_they_are_taken(w):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    receiver.kept, receiver.tries = [], {}
    receiver.handle_error = lambda *_: None
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    server = w.serve(w.workspace(), "channel.push_url=http://127.0.0.1:%d/in" % receiver.server_port)
    try:
        staff = operator(server)
        talks = [Conversation(staff, "push-%d" % i, customer="ana", channel="push:chat", label="l%d" % i) for i in range(3)]
        for talk in talks:
            talk.ask("Where is my card?")
        server.process.kill()  # what was not taken goes out after a restart
        server.process.wait()
        server = w.serve(server.workspace, "channel.push_url=http://127.0.0.1:%d/in" % receiver.server_port)
        for talk in talks:
            talk.caller = operator(server)
            check(talk.caller.post(talk.path + "/takeover", {"expert": "eva"}).status == 202)
            check(talk.caller.post(talk.path + "/reply", {"text": "I am Eva.", "expert": "eva", "client_id": "r1"}).status == 202)
        want = {t.id: [e["text"] for e in t.all() if e["type"] == "message" and e["from"] != "customer"] for t in talks}
        end = time.time() + 15
        while True:
            got = {t.id: [b["text"] for b in receiver.kept if b["conversation"] == t.id] for t in talks}
            noted = [sum(e["kind"] == "message.delivered" for e in t.journal(operator(server))) for t in talks]
            if got == want and noted == [len(texts) for texts in want.values()]:
                break
            check(time.time() < end, got, want, noted)
            time.sleep(0.05)
        check([len(texts) for texts in want.values()] == [2, 2, 2], want)
        check({b["label"] for b in receiver.kept} == {"l0", "l1", "l2"})
        server.stop()
    finally:
        receiver.shutdown()


class Listless(http.server.BaseHTTPRequestHandler):
    """A service that answers everything with 256 KiB of JSON in which no customers are listed."""
    protocol_version = "HTTP/1.1"
    ANSWER = json.dumps({"data": {"text": "x" * (1 << 18)}}).encode()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.ANSWER)))
        self.end_headers()
        self.wfile.write(self.ANSWER)

    def log_message(self, *_):
        pass


def asking_for_customers_that_nobody_lists_takes_no_memory(w):
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listless)
    service.handle_error = lambda *_: None
    threading.Thread(target=service.serve_forever, daemon=True).start()
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"  # a build with ASan else keeps what was freed
    server = Process(w.arguments(w.workspace(), "services.bank=http://127.0.0.1:%d" % service.server_port),
                     env=dict(os.environ, ASAN_OPTIONS=options))
    w.candors.append(server)

    def resident_mb():
        with open("/proc/%d/statm" % server.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    try:
        anybody = Caller(server)
        for i in range(220):
            if i == 20:
                before = resident_mb()
            check(anybody.get("/v1/customers").status == 502)
        check(resident_mb() < before + 20, before, resident_mb())
        server.stop()
    finally:
        service.shutdown()


class Choosy(http.server.BaseHTTPRequestHandler):
    """A push channel that refuses what goes to a label `gone...`, and notes when each message came."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.came.setdefault(body["label"], []).append((time.time(), body["text"]))
        self.send_response(410 if body["label"].startswith(self.server.refused) else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def those_whose_messages_are_refused_hold_up_nobody_else(w):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Choosy)
    receiver.lock, receiver.came, receiver.refused = threading.Lock(), {}, "gone"
    receiver.handle_error = lambda *_: None
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    server = w.serve(w.workspace(), "channel.push_url=http://127.0.0.1:%d/in" % receiver.server_port)
    try:
        staff = operator(server)
        labels = ["gone%d" % i for i in range(300)]
        talks = {}
        for label in labels:
            talks[label] = Conversation(staff, label, customer="ana", channel="push:chat", label=label)
            talks[label].say("Where is my card?")
        end = time.time() + 10
        while not set(labels) <= set(receiver.came):
            check(time.time() < end, len(receiver.came), "of 300 were tried")
            time.sleep(0.02)
        talks["gone0"].say("And now?")
        for i in range(3):
            began = time.time()
            good = Conversation(staff, "good%d" % i, customer="ana", channel="push:chat", label="good%d" % i)
            good.say("Where is my card?")
            while "good%d" % i not in receiver.came:
                check(time.time() < began + 2, "a good one waits for those that are refused")
                time.sleep(0.01)
        time.sleep(4)
        for label in labels:  # each waits 1 s, 2 s, 4 s before it is tried again
            at = [t for t, _ in receiver.came[label]]
            check(len(at) > 1 and all(b - a > 0.95 * 2 ** i for i, (a, b) in enumerate(zip(at, at[1:]))), label, at)
        receiver.refused = "nobody"
        want = [e["text"] for e in talks["gone0"].all() if e["type"] == "message" and e["from"] == "agent"]
        end = time.time() + 12
        while True:  # once it is taken the next one goes at once, in order
            said = [text for _, text in receiver.came["gone0"]]
            if len(want) == 2 and said[-2:] == want:
                break
            check(time.time() < end, said, want)
            time.sleep(0.05)
        server.stop()
    finally:
        receiver.shutdown()


CHECKS = [replies_of_push_channels_are_sent_until_they_are_taken, those_whose_messages_are_refused_hold_up_nobody_else,
          asking_for_customers_that_nobody_lists_takes_no_memory,
          the_end_is_orderly_and_what_was_acknowledged_is_there, a_second_server_on_the_same_store_does_not_start,
          a_port_in_use_is_said_in_one_sentence, settings_that_are_wrong_are_named_with_their_line, words_on_the_command_line_are_checked,
          keys_that_others_can_read_are_refused, a_disk_that_is_low_takes_no_messages_and_recovers, metrics_are_prometheus_text_about_nobody,
          nothing_that_was_said_stands_in_the_log]
