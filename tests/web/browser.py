"""browser: drives Chromium through chromedriver (W3C WebDriver), with nothing but the standard library.

    with Browser() as b:
        b.open("http://127.0.0.1:8080/")
        b.click("#customers button")

Elements are named by CSS selectors. A condition is JavaScript; `wait` asks until it holds. What the driver refuses (a
click on something that is covered, say) raises Failed with the driver's sentence."""
import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the standard's name of an element in JSON
TAB, ENTER, ESCAPE, SHIFT, SPACE, RIGHT = "\ue004", "\ue007", "\ue00c", "\ue008", "\ue00d", "\ue014"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en"]


class Failed(Exception):
    pass


def programs():
    """The browser and its driver, or None when either is missing."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    def __enter__(self):
        binary, driver = programs()
        self.folder = tempfile.mkdtemp(prefix="candor-web-")
        port = None
        for _ in range(5):  # it takes a free IPv4 port and gives up when the same IPv6 port is taken
            self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            found = (re.search(r"started successfully on port (\d+)", line) for line in self.driver.stdout)
            port = next((int(x[1]) for x in found if x), None)
            if port:
                break
            self.driver.wait()
        if not port:
            raise Failed("chromedriver did not start")
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        options = {"binary": binary, "args": ARGUMENTS + ["--user-data-dir=" + self.folder]}
        self.path = ""
        got = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.path = "/session/" + got["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", "")
        except (Failed, OSError):
            pass
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}) if method == "POST" else None
        self.connection.request(method, self.path + path, data, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        value = json.loads(answer.read())["value"]
        if answer.status >= 400:
            raise Failed("%s: %s" % (value["error"], value["message"].split("\n")[0]))
        return value

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def reload(self):
        self.ask("POST", "/refresh")

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        listed = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.devtools("Emulation.setEmulatedMedia", features=listed)

    def js(self, body, *arguments):
        return self.ask("POST", "/execute/sync", {"script": body, "args": list(arguments)})

    def js_later(self, body, *arguments):
        """For scripts that wait: the last of their arguments is the function that takes the result."""
        return self.ask("POST", "/execute/async", {"script": body, "args": list(arguments)})

    def wait(self, condition, seconds=10, what=None):
        until = time.monotonic() + seconds
        while True:
            got = self.js("return " + condition)
            if got:
                return got
            if time.monotonic() > until:
                raise Failed("waited %g s for: %s" % (seconds, what or condition))
            time.sleep(0.03)

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def find_all(self, selector):
        return [e[ELEMENT] for e in self.ask("POST", "/elements", {"using": "css selector", "value": selector})]

    def accessible(self, element):
        """Role and name as the browser tells them to assistive technology."""
        return (self.ask("GET", "/element/%s/computedrole" % element), self.ask("GET", "/element/%s/computedlabel" % element))

    def click(self, selector):
        self.ask("POST", "/element/%s/click" % self.find(selector))

    def type(self, selector, text):
        self.ask("POST", "/element/%s/value" % self.find(selector), {"text": text})

    def press(self, *keys):
        """Presses keys for whatever has the focus; a tuple is a chord: (SHIFT, TAB)."""
        actions = []
        for chord in keys:
            for kind, order in (("keyDown", 1), ("keyUp", -1)):
                actions += [{"type": kind, "value": k} for k in (chord if isinstance(chord, tuple) else (chord,))[::order]]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def write(self, text):
        self.press(*text)

    def forget(self):
        """A new visitor: no cookie, nothing kept in the tab."""
        self.js("sessionStorage.clear()")
        self.ask("DELETE", "/cookie")

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def complaints(self):
        """What the page's console says of errors, since it was last asked."""
        return [x["message"] for x in self.ask("POST", "/se/log", {"type": "browser"}) if x["level"] == "SEVERE"]
