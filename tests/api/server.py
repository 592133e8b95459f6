"""server: candor and the example bank as processes, and callers who speak HTTP to them. For the tests of the API."""
import hashlib, hmac, http.client, json, os, re, shutil, signal, socket, subprocess, tempfile, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("CANDOR_SHARED", os.path.join(ROOT, "..", "shared"))


class Skip(Exception):
    pass


def check(good, *what):
    if not good:
        raise AssertionError(" ".join(str(w)[:2000] for w in what) or "it is not so")


class Process:
    """A server: its port stands at the end of its first line; what it says on stderr is kept."""

    def __init__(self, command, **options):
        self.errors = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        found = re.search(r":(\d+)\s*$", line)
        check(found, command[0], "did not start:", line, "".join(self.errors))
        self.port = int(found.group(1))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def stop(self):
        """Asks it to end; gives how long that took."""
        began = time.time()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        self.reader.join(5)
        check(status == 0, "ended with", status, "".join(self.errors))
        return time.time() - began


class World:
    """One folder with everything in it: the bank, workspaces, candors."""

    def __init__(self, build):
        self.build, self.folder = build, tempfile.mkdtemp(prefix="candor-api-")
        self.candors, self.workspaces = [], 0
        self.bank = Process([os.path.join(build, "examples/bank/bank"), "--port", "0", "--data",
                             os.path.join(self.folder, "bank"), "--reissues-max", "0"])
        self.binary = os.path.join(build, "src/candor")

    def bank_set(self, **faults):
        check(Caller(self.bank).call("PUT", "/control", faults).status == 200)

    def workspace(self):
        self.workspaces += 1
        path = os.path.join(self.folder, "workspace-%d" % self.workspaces)
        shutil.copytree(os.path.join(ROOT, "examples/card-delivery"), path, ignore=shutil.ignore_patterns("data"))
        return path

    def arguments(self, workspace, *sets, port=0):
        command = [self.binary, "serve", "--workspace", workspace, "--port", str(port)]
        for s in ("services.bank=http://127.0.0.1:%d" % self.bank.port,) + sets:
            command += ["--set", s]
        return command

    def serve(self, workspace, *sets):
        c = Process(self.arguments(workspace, *sets))
        c.workspace = workspace
        self.candors.append(c)
        return c

    def run(self, *arguments, **options):
        """A command that ends: its status, stdout and stderr."""
        p = subprocess.run([self.binary] + list(arguments), capture_output=True, text=True, timeout=20, **options)
        return p.returncode, p.stdout, p.stderr

    def close(self):
        for c in self.candors + [self.bank]:
            if c.process.poll() is None:
                c.process.kill()
                c.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return "%d %s" % (self.status, self.body[:400].decode("utf-8", "replace"))


class Caller:
    """Somebody with a token, on a connection of their own in each thread."""

    def __init__(self, server, token=None):
        self.server, self.token, self.own = server, token, threading.local()

    @property
    def connection(self):
        return getattr(self.own, "connection", None)

    @connection.setter
    def connection(self, connection):
        self.own.connection = connection

    def call(self, method, path, body=None, headers=None, timeout=40):
        h = {"Authorization": "Bearer " + self.token} if self.token else {}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            h["Content-Type"] = "application/json"
        h.update(headers or {})
        h = {k: v for k, v in h.items() if v is not None}
        if not self.connection:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        try:
            self.connection.request(method, path, body, h)
            r = self.connection.getresponse()
            answer = Answer(r.status, r.headers, r.read())
        except Exception:
            self.hang_up()
            raise
        if r.will_close:
            self.hang_up()
        return answer

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def get(self, path, **headers):
        return self.call("GET", path, None, headers)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, {} if body is None else body, {k.replace("_", "-"): v for k, v in headers.items()})


def data_file(server, name):
    with open(os.path.join(server.workspace, "data", name)) as f:
        return f.read()


def token_of(server, customer, expires_s=None, key=None):
    """A customer's token, signed as the server does it (src/app/session.h)."""
    part = "%s.%d" % (customer, expires_s if expires_s is not None else time.time() + 3600)
    mac = hmac.new((key or data_file(server, "session.key")).encode(), part.encode(), hashlib.sha256).hexdigest()
    return part + "." + mac[:40]


def customer(server, name):
    return Caller(server, token_of(server, name))


def operator(server):
    return Caller(server, data_file(server, "operator.token"))


class Stream:
    """An event stream, read from the socket byte by byte if need be: only whole events count."""

    def __init__(self, caller, path, last=None):
        self.socket = socket.create_connection(("127.0.0.1", caller.server.port), timeout=0.05)
        lines = ["GET %s HTTP/1.1" % path, "Host: test", "Accept: text/event-stream", "Authorization: Bearer " + caller.token]
        if last:
            lines.append("Last-Event-ID: %d" % last)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.head, self.raw, self.text, self.over = None, b"", b"", False

    def read(self, size=65536):
        """Reads once, for a moment, and gives the whole events that came: (id, type, data)."""
        try:
            piece = self.socket.recv(size)
        except TimeoutError:
            return []
        self.over |= not piece
        self.raw += piece
        if self.head is None:
            if b"\r\n\r\n" not in self.raw:
                return []
            self.head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        while b"\r\n" in self.raw and not self.over:  # chunks
            size, rest = self.raw.split(b"\r\n", 1)
            n = int(size, 16)
            if len(rest) < n + 2:
                break
            self.text, self.raw = self.text + rest[:n], rest[n + 2:]
            self.over |= n == 0
        *events, self.text = self.text.split(b"\n\n")
        return [e for e in map(self.parse, events) if e]

    @staticmethod
    def parse(text):
        fields, data = {}, []
        for line in text.decode().split("\n"):
            name, _, value = line.partition(": ")
            if name == "data":
                data.append(value)
            else:
                fields[name] = value
        if not data:
            return None
        return int(fields["id"]) if "id" in fields else 0, fields.get("event"), json.loads("\n".join(data))

    def until(self, enough, seconds=10):
        """Reads on until enough(events) says so."""
        events, end = [], time.time() + seconds
        while not self.over and not enough(events):
            check(time.time() < end, "the stream says no more than", events[-3:])
            events += self.read()
        return events

    def close(self):
        self.socket.close()


class Conversation:
    """A conversation as its customer (or the operator for them) holds it."""

    def __init__(self, caller, key, locale="en", **body):
        answer = caller.post("/v1/conversations", dict(body, locale=locale), Idempotency_Key=key)
        check(answer.status == 201, answer)
        self.caller, self.id, self.n = caller, answer.json["id"], 0
        self.path = "/v1/conversations/" + self.id

    def say(self, text, client_id=None):
        self.n += 1
        answer = self.caller.post(self.path + "/messages", {"text": text, "client_id": client_id or "m%d" % self.n})
        check(answer.status == 202, answer)
        return answer.json["seq"]

    def events(self, after=0, wait=0):
        answer = self.caller.get(self.path + "/events?after=%d&wait=%d" % (after, wait))
        check(answer.status == 200, answer)
        return answer.json["events"], answer.json["next"]

    def all(self):
        events, after = [], 0
        while True:
            more, after_now = self.events(after)
            events += more
            if after_now == after:
                return events
            after = after_now

    def until(self, enough, seconds=10):
        """All events, as soon as enough(events) says so."""
        end, events, after = time.time() + seconds, [], 0
        while not enough(events):
            check(time.time() < end, "no more happens than", events[-3:])
            more, after = self.events(after, 2)
            events += more
        return events

    def ask(self, text):
        """Says it and waits for the end of the turn; gives all events."""
        seq = self.say(text)
        return self.until(lambda events: any(e["type"] == "turn" and e["state"] == "done" and e["seq"] > seq for e in events))

    def journal(self, operator):
        answer = operator.get(self.path + "/journal")
        check(answer.status == 200, answer)
        return answer.json["events"]


def together(n, work):
    """work(i) for 0..n-1, begun at the same moment on threads of their own; gives the results."""
    results, errors, gate = [None] * n, [], threading.Barrier(n)

    def run(i):
        try:
            gate.wait()
            results[i] = work(i)
        except Exception as e:  # noqa: whatever it was, the test says it
            errors.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return results
