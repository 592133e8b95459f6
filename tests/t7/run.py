#!/usr/bin/env python3
"""Solves tasks of the telecom domain with the routines of a workspace, against a simulated carrier and telephone.

    tests/t7/run.py TASKS.json [--workspace examples/telecom] [--build build] [--only WORD] [--show]

TASKS.json has the form of tau2's telecom tasks; db.toml and user_db.toml stand beside it. The engine is the real one: a candor
process with the workspace, over its API. The carrier's tools answer over HTTP from this process. The customer is a program
without a model: it does what the agent's message names (an action of telecom.user.tools.json, with arguments in brackets), passes on
what the telephone shows, and answers the few other questions from the task's text. A task is solved when all its env_assertions hold
at the end and, where its reward_basis has ACTION, every expected action happened. The last line is `solved N of M`.
"""
import argparse, collections, hashlib, http.server, json, os, re, sys, tempfile, shutil, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "api")]
import carrier, gold
from server import Caller, Process, ROOT

MESSAGES_MAX, WAIT_S = 60, 20


class Books(http.server.ThreadingHTTPServer):
    """The carrier's tools over HTTP: POST /tools/NAME. An action's first answer under a key is its answer for ever."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Desk)
        self.world, self.done, self.lock = None, {}, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def use(self, world):
        with self.lock:
            self.world, self.done = world, {}

    def tool(self, name, arguments, key):
        with self.lock:
            if key and key in self.done:
                return self.done[key]
            try:
                if name == "get_today":
                    out = {"date": carrier.TODAY.isoformat()}
                else:
                    out = self.world.act("assistant", name, arguments)
                out = {"message": out} if isinstance(out, str) else {"list": out} if isinstance(out, list) else out
                answer = 200, out
            except carrier.Refused as e:
                answer = 400, {"error": {"code": "REFUSED", "message": str(e)}}
            except (KeyError, TypeError) as e:
                answer = 404, {"error": {"code": "NO_SUCH_TOOL", "message": str(e)}}
            if key:
                self.done[key] = answer
            return answer


class Desk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send(*self.server.tool(self.path.rsplit("/", 1)[1], json.loads(body or "{}"), self.headers.get("Idempotency-Key")))

    def do_GET(self):
        done = self.server.done.get(self.path.rsplit("/", 1)[1])
        self.send(*(done or (404, {"error": {"code": "NOT_FOUND", "message": "no such action"}})))


class Customer:
    """Does what it is told with the telephone; knows what the task's text says."""

    def __init__(self, task, world):
        said = (task.get("user_scenario") or {}).get("instructions") or {}
        text = said if isinstance(said, str) else " ".join(str(v) for v in said.values() if v)
        self.world, self.reason = world, text if isinstance(said, str) else said.get("reason_for_call", "")
        self.text = text + " " + (task.get("ticket") or "")
        self.phone = re.search(r"\d{3}-\d{3}-\d{4}", self.text).group(0)
        self.abroad = "abroad" in self.text
        refuel = re.search(r"(?<!not )willing to refuel ([\d.]+) ?GB|will refuel ([\d.]+) ?GB", self.text)
        self.refuel = refuel and (refuel[1] or refuel[2])
        self.pays = not re.search(r"(not|n't) (want|willing|agree) to (make|pay)", self.text)
        self.actions = [n for n in dir(world.phone) if n in PHONE_ACTIONS]

    def opening(self):
        for you, i in (("You are", "I am"), ("You want", "I want"), ("You do", "I do"), ("You mobile", "My mobile"), ("You ", "I "),
                       ("Your", "My"), ("your", "my")):
            self.reason = self.reason.replace(you, i)
        return self.reason

    def use(self, name, words):
        arguments = {"set_network_mode_preference": ("mode",), "check_app_permissions": ("app_name",), "check_app_status": ("app_name",),
                     "grant_app_permission": ("app_name", "permission")}.get(name, ())
        if name == "make_payment" and not self.pays:
            return "I do not want to pay."
        return self.world.act("user", name, dict(zip(arguments, words)))

    def answer(self, message, proposed):
        """What the customer writes; None: nothing, it is over."""
        found = re.findall(r"\b(%s)\b(?:\(([^)]*)\))?" % "|".join(PHONE_ACTIONS), message)
        if found:
            return "\n".join(self.use(name, [w.strip() for w in words.split(",") if w.strip()]) for name, words in found)
        if "outside your home network" in message:
            return "Yes, I am abroad." if self.abroad else "No, I am at home."
        if "another plan" in message:
            return "I would like to refuel data." if self.refuel else "Neither of them."
        if "How much data" in message:
            return "%s GB, please." % self.refuel
        if proposed:
            return "yes"
        return "I do not know." if message.rstrip().endswith("?") else None


PHONE_ACTIONS = ("check_status_bar check_network_status check_network_mode_preference set_network_mode_preference run_speed_test "
                 "toggle_airplane_mode check_sim_status reseat_sim_card toggle_data toggle_roaming check_data_restriction_status "
                 "toggle_data_saver_mode check_apn_settings set_apn_settings reset_apn_settings check_wifi_status toggle_wifi "
                 "check_wifi_calling_status toggle_wifi_calling check_vpn_status connect_vpn disconnect_vpn check_installed_apps "
                 "check_app_status check_app_permissions grant_app_permission can_send_mms reboot_device check_payment_request "
                 "make_payment").split()


class Talk:
    """One conversation over the API."""

    def __init__(self, caller, phone, label):
        self.caller, self.after, self.sent = caller, 0, 0
        a = caller.call("POST", "/v1/conversations", {"customer": phone, "locale": "en"}, {"Idempotency-Key": label})
        self.id = a.json["id"]

    def say(self, text):
        """Sends a message; gives what came back until the turn was over: (words, is something proposed, who owns it now)."""
        self.sent += 1
        a = self.caller.call("POST", "/v1/conversations/%s/messages" % self.id, {"text": text, "client_id": "m%d" % self.sent})
        if a.status != 202:
            raise AssertionError(a)
        words, proposed, owner, done, until = [], False, "bot", False, time.time() + WAIT_S
        mine = a.json["seq"]
        while not done and time.time() < until:
            got = self.caller.call("GET", "/v1/conversations/%s/events?after=%d&wait=5" % (self.id, self.after)).json
            for e in got["events"]:
                if e["type"] == "message" and e["from"] == "agent":
                    words.append(e["text"])
                proposed = e["type"] == "proposal" or (proposed and e["type"] != "proposal_closed")
                owner = e["owner"] if e["type"] == "owner" else owner
                done = done or (e["type"] == "turn" and e["state"] == "done" and e["seq"] > mine)
            self.after = got["next"]
        if not done:
            raise AssertionError("no answer within %d s to: %s" % (WAIT_S, text))
        return "\n".join(words), proposed, owner


def expected_actions_missing(task, world):
    missing = []
    if "ACTION" not in (task["evaluation_criteria"].get("reward_basis") or []):
        return missing
    for a in task["evaluation_criteria"].get("actions") or []:
        keys = a.get("compare_args")
        keys = list(a["arguments"]) if keys is None else keys
        if not any(who == a["requestor"] and name == a["name"] and all(args.get(k) == a["arguments"].get(k) for k in keys)
                   for who, name, args in world.calls):
            missing.append("no %s by the %s" % (a["name"], a["requestor"]))
    return missing


def solve(task, dbs, books, caller, number, show):
    """Why the task is not solved (an empty list: it is), and how many messages it took."""
    world = gold.world_of(task, dbs)
    books.use(world)
    customer = Customer(task, world)
    talk = Talk(caller, customer.phone, "%d-%s" % (number, hashlib.sha256(task["id"].encode()).hexdigest()[:16]))
    text, handed = customer.opening(), False
    while text is not None and talk.sent < MESSAGES_MAX:
        if show:
            print("  customer: " + text.replace("\n", "\n            "))
        words, proposed, owner = talk.say(text)
        if show:
            print("  agent:    " + words)
        handed = owner != "bot"
        with books.lock:
            text = None if handed else customer.answer(words, proposed)
    if handed:
        world.calls.append(("assistant", "transfer_to_human_agents", {"summary": words}))
    wrong = gold.failed_assertions(task, world) + expected_actions_missing(task, world)
    if handed and wrong:
        package = caller.call("GET", "/v1/conversations/%s/handoff" % talk.id).json
        wrong.append("handed over: %s; %s" % (package["reason"], str(package["package"].get("summary"))[:300]))
    if show and wrong:
        print("  " + "\n  ".join(json.dumps(e)[:600] for e in caller.call("GET", "/v1/conversations/%s/journal" % talk.id).json["events"]))
    if text is not None:
        wrong.append("not over after %d messages" % talk.sent)
    return wrong, talk.sent


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("tasks")
    p.add_argument("--workspace", default=os.path.join(ROOT, "examples/telecom"))
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    p.add_argument("--only", default="", help="tasks whose id has this word")
    p.add_argument("--show", action="store_true", help="print the conversations")
    o = p.parse_args()
    with open(o.tasks) as f:
        tasks = [t for t in json.load(f) if o.only in t["id"]]
    dbs = gold.load(os.path.dirname(os.path.abspath(o.tasks)))
    folder = tempfile.mkdtemp(prefix="candor-t7-")
    workspace = os.path.join(folder, "workspace")
    shutil.copytree(o.workspace, workspace, ignore=shutil.ignore_patterns("data"))
    books = Books()
    candor = Process([os.path.join(o.build, "src/candor"), "serve", "--workspace", workspace, "--port", "0",
                      "--set", "services.carrier=http://127.0.0.1:%d" % books.server_port])
    solved, messages, began = collections.Counter(), 0, time.time()
    try:
        with open(os.path.join(workspace, "data/operator.token")) as f:
            caller = Caller(candor, f.read().strip())
        for number, task in enumerate(tasks):
            if o.show:
                print(task["id"])
            try:
                wrong, sent = solve(task, dbs, books, caller, number, o.show)
            except (AssertionError, KeyError, TypeError) as e:  # no answer, or a function that the world does not know
                wrong, sent = [str(e)], 0
            messages += sent
            solved["solved" if not wrong else "failed"] += 1
            if wrong:
                print("%s: %s" % (task["id"], "; ".join(wrong)), flush=True)
    finally:
        candor.process.terminate()
        candor.process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
    seconds = time.time() - began
    print("%d messages of customers in %.1f s" % (messages, seconds))
    print("solved %d of %d" % (solved["solved"], len(tasks)))
    return 0 if solved["solved"] == len(tasks) else 1


if __name__ == "__main__":
    sys.exit(main())
