"""world: the example bank, candor and a browser, started for the tests; and what a customer does in it."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from browser import ENTER, Failed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def check(holds, why):
    if not holds:
        raise Failed(why)


def same(got, wanted):
    check(got == wanted, "got %r, wanted %r" % (got, wanted))


def call(port, method, path, body=None, **headers):
    """One request, JSON both ways (or text back)."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        c.request(method, path, None if body is None else json.dumps(body),
                  {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}})
        answer = c.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if "json" in answer.getheader("Content-Type", "") else text
    finally:
        c.close()


def start(command):
    """Starts a server and gives it with the port that its first line names."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = re.search(r":(\d+)\s*$", process.stdout.readline())
    if not found:
        sys.exit("test_chat: %s did not start" % command[0])
    return process, int(found[1])


class World:
    """The bank, candor and a browser; each test begins with new() as a customer nobody has talked to."""

    def __init__(self, build, browser):
        self.b = browser
        self.folder = tempfile.mkdtemp(prefix="candor-chat-")
        self.workspace = os.path.join(self.folder, "workspace")
        shutil.copytree(os.path.join(ROOT, "examples/card-delivery"), self.workspace, ignore=shutil.ignore_patterns("data"))
        self.program = os.path.join(build, "src/candor")
        self.bank, self.bank_port = start([os.path.join(build, "examples/bank/bank"), "--port", "0",
                                           "--data", os.path.join(self.folder, "bank")])
        self.port = 0
        self.start()

    def start(self):
        self.candor, self.port = start([self.program, "serve", "--workspace", self.workspace, "--port", str(self.port),
                                        "--set", "services.bank=http://127.0.0.1:%d" % self.bank_port])

    def kill(self):
        self.candor.send_signal(signal.SIGKILL)
        self.candor.wait()

    def close(self):
        for process in (self.candor, self.bank):
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def bank_does(self, **faults):
        call(self.bank_port, "PUT", "/control", faults)

    def reissues(self, customer):
        return call(self.bank_port, "GET", "/v1/reissues?customer=" + customer)[1]["data"]["reissues"]

    def staff(self, method, rest, body=None):
        with open(os.path.join(self.workspace, "data/operator.token"), encoding="utf-8") as f:
            token = f.read().strip()
        path = "/v1/conversations/%s%s" % (urllib.parse.quote(self.conversation()), rest)
        status, answer = call(self.port, method, path, body, Authorization="Bearer " + token)
        check(status < 300, "%s %s: %d %r" % (method, rest, status, answer))
        return answer

    def conversation(self):
        return self.b.wait("JSON.parse(sessionStorage.getItem('candor')).conversation")

    def journal(self):
        """Who said what, as the server has it."""
        return [(e["from"], e["text"]) for e in self.staff("GET", "/events?after=0")["events"] if e["type"] == "message"]

    def listening(self):
        """Waits until the page has its stream open."""
        until = time.monotonic() + 5
        while not re.search(r"readers_open [1-9]", call(self.port, "GET", "/metrics")[1]):
            check(time.monotonic() < until, "the page opens no stream")
            time.sleep(0.02)

    # --- what a customer does ---

    def front(self):
        self.b.open("http://127.0.0.1:%d/" % self.port)
        self.b.forget()
        self.b.reload()
        self.b.wait("document.querySelectorAll('#customers button').length")

    def sign_in(self, customer):
        call(self.bank_port, "POST", "/control/reset", {})
        self.front()
        number = [c["id"] for c in call(self.port, "GET", "/v1/customers")[1]["customers"]].index(customer)
        self.b.click("#customers li:nth-child(%d) button" % (number + 1))
        self.b.wait("document.activeElement.id === 'text'")
        self.conversation()

    def say(self, text):
        self.b.type("#text", text)
        self.b.press(ENTER)

    def replies(self, n, seconds=10):
        self.b.wait("document.querySelectorAll('#list .from-agent').length >= %d" % n, seconds, "%d replies" % n)

    def ask_for_card(self):
        self.say("cadê meu cartão?")
        self.b.wait("document.querySelector('.card .choices')", what="the confirmation card")

    def lines(self):
        """The log as it stands: (class, text) of each entry."""
        return self.b.js("return [...document.querySelectorAll('#list > li')].map(li => [li.className.split(' ').pop(), "
                         "(li.querySelector('.text, .outcome') || li).textContent])")
