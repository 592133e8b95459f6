"""reading: events by polling and by streams, again and again from where a reader stopped. T43."""
import json, os, random, socket, threading, time

from refusing import is_problem
from server import SHARED, Caller, Conversation, Skip, Stream, check, customer, operator, together


def a_poll_waits_for_what_comes(w):
    frank = customer(w.main, "frank")
    talk = Conversation(frank, "poll")
    for query in ("after=x", "after=-1", "wait=-1", "wait=1.5", "after=" + "9" * 30, "wait="[:5] + "abc"):
        is_problem(frank.get(talk.path + "/events?" + query), 400, "invalid")
    is_problem(frank.get(talk.path + "/events", **{"Last-Event-ID": "x"}), 400, "invalid")
    began = time.time()
    events, after = talk.events(wait=1)
    check(not events and 0.9 < time.time() - began < 6, "an empty poll took", time.time() - began)
    began, seen = time.time(), []

    def listen(i):
        answer = customer(w.main, "frank").get(talk.path + "/events?after=%d&wait=20" % after)
        seen.append(time.time())
        return answer

    def speak(i):
        time.sleep(0.3)
        return talk.say("hello")

    answers = together(6, lambda i: speak(i) if i == 5 else listen(i))
    for a in answers[:5]:
        check(a.status == 200 and a.json["events"][0]["seq"] == answers[5] and a.json["next"] >= answers[5], a)
    check(max(seen) - began < 6, "a waiting poll was answered after", max(seen) - began)
    last = talk.ask("again")[-1]["seq"]
    check(talk.events(after=last)[0] == [] and talk.events(after=10 ** 15)[0] == [])
    for start in range(last):
        check(talk.events(after=start)[0] == [e for e in talk.all() if e["seq"] > start])


def head_is_get_without_a_body(w):
    ana = customer(w.main, "ana")
    for path in ("/", "/livez", "/readyz", "/metrics", "/v1/conversations", w.ana.path + "/events", "/nothing"):
        head, get = ana.call("HEAD", path), ana.get(path)
        check(head.status == get.status and head.body == b"" and head.headers["Content-Type"] == get.headers["Content-Type"], path)
        check(path == "/metrics" or head.headers["Content-Length"] == get.headers["Content-Length"], path)
    began = time.time()
    stream = ana.call("HEAD", w.ana.path + "/events?wait=20&after=999", None, {"Accept": "text/event-stream"})
    check(stream.status == 200 and stream.headers["Content-Type"].startswith("text/event-stream"))
    check(ana.call("HEAD", w.ana.path + "/events?wait=20&after=999").status == 200 and time.time() - began < 6)


def a_stream_that_is_cut_anywhere_goes_on_where_it_was(w):
    """T43: readers who lose the connection after a few bytes, again and again, while the conversation goes on."""
    ana = customer(w.main, "ana")
    talk = Conversation(ana, "cut")
    stop, cuts = threading.Event(), []

    def speak():
        while not stop.is_set():
            talk.say("word \u20ac\n" * 3)
            time.sleep(0.02)

    def listen(i):
        dice, last, seen, lost = random.Random(43 + i), 0, [], 0
        while lost < 60 or talk.events(after=last)[0]:
            stream = Stream(customer(w.main, "ana"), talk.path + "/events", last)
            left = dice.choice((0, 1, 40, 300, 301, 700, 2000, 10000))
            end = time.time() + 0.05
            while left > 0 and not stream.over and time.time() < end:
                size = dice.randint(1, left)
                left -= size
                for id_, kind, data in stream.read(size):
                    if id_:
                        seen.append(dict(data, type=kind))
                        last = id_
            stream.close()
            lost += 1
            if lost >= 60:
                stop.set()
        cuts.append(lost)
        return seen

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        seen = together(5, listen)
    finally:
        stop.set()
        speaker.join()
    whole = talk.all()
    for events in seen:
        check(events == whole[:len(events)] and len(events) > 20, len(events), len(whole))
    check(sum(cuts) >= 200, sum(cuts))


def a_long_past_comes_in_pieces_and_is_whole(w):
    ana = customer(w.main, "ana")
    staff = operator(w.main)
    talk = Conversation(ana, "past")
    check(staff.post(talk.path + "/takeover", {"expert": "eva"}).status == 202)
    words = "\u20ac" * 10000
    for i in range(30):  # 900 KB
        talk.say(words[:-3] + "%03d" % i)
    whole, last, seen, streams = talk.all(), 0, [], 0
    while len(seen) < len(whole):
        stream = Stream(ana, talk.path + "/events", last)
        for id_, kind, data in stream.until(lambda events: events and events[-1][0] == whole[-1]["seq"]):
            seen.append(dict(data, type=kind))
            last = id_
        streams += 1
        stream.close()
    check(seen == whole and streams > 3, len(seen), len(whole), streams)
    check(len(talk.journal(staff)) >= 32)


def a_conversation_that_is_too_long_says_so_and_can_be_read(w):
    talk = Conversation(operator(w.main), "very long", customer="ana")
    check(talk.caller.post(talk.path + "/takeover", {"expert": "eva"}).status == 202)
    words, answer = [], None
    while len(words) < 200:
        text = "%04d%s" % (len(words), "\u20ac" * 9990)
        answer = talk.caller.post(talk.path + "/messages", {"text": text, "client_id": text[:4]})
        if answer.status != 202:
            break
        words.append(text)
    check("open a new one" in is_problem(answer, 413, "limit") and len(words) > 40, len(words))
    is_problem(talk.caller.post(talk.path + "/reply", {"text": "hi", "expert": "eva", "client_id": "1"}), 413, "limit")
    answer = talk.caller.get(talk.path + "/events")
    check(len(answer.body) < 2 << 20 and answer.json["next"] < len(words), len(answer.body))  # in pieces, too
    check([e["text"] for e in talk.all() if e["type"] == "message"] == words)
    check(talk.caller.post(talk.path + "/rating", {"score": 1}).status == 202 and talk.caller.post(talk.path + "/close").status == 202)


def a_stream_shows_drafts_that_are_not_kept(w):
    ana = customer(w.main, "ana")
    talk = Conversation(ana, "draft")
    stream = Stream(ana, talk.path + "/events")
    talk.say("Where is my card?")
    events = stream.until(lambda events: any(k == "turn" and d["state"] == "done" for _, k, d in events))
    stream.close()
    head = stream.head.decode().lower()
    check("text/event-stream" in head and "x-accel-buffering: no" in head and "cache-control: no-store" in head, head)
    drafts = [(i, d) for i, k, d in events if k == "delta"]
    check(drafts and all(i == 0 for i, _ in drafts), events)
    kept = [dict(d, type=k) for i, k, d in events if i]
    check(kept == talk.all(), kept)


def naughty_strings_come_back_as_they_went_in(w):
    path = os.path.join(SHARED, "data/naughty_strings/blns.json")
    if not os.path.exists(path):
        raise Skip("needs the shared data")
    staff, sent, blank = operator(w.main), [], 0
    talk = Conversation(staff, "naughty", customer="ana")
    for i, text in enumerate(json.load(open(path))):
        answer = staff.post(talk.path + "/messages", {"text": text, "client_id": "n%d" % i})
        if answer.status == 422:
            is_problem(answer, 422, "empty_message")
            blank += 1
            continue
        check(answer.status == 202, text, answer)
        sent.append(repaired(text))
    events = [e["text"] for e in talk.all() if e["type"] == "message" and e["from"] == "customer"]
    journal = [e["body"]["text"] for e in talk.journal(staff) if e["kind"] == "message.received"]
    check(len(sent) > 480 and blank < 12, len(sent), blank)
    for was, seen, kept in zip(sent, events, journal):
        check(was == seen == kept, [was], [seen], [kept])
    check(len(sent) == len(events) == len(journal))


def repaired(text):
    """What docs/API.md says under "Text"."""
    for line_end in ("\r\n", "\r", "\u2028", "\u2029"):
        text = text.replace(line_end, "\n")
    return "".join("\ufffd" if (c < " " and c not in "\t\n") or "\x7f" <= c <= "\x9f" else c for c in text)


def lists_are_bounded_and_newest_first(w):
    staff, henry = operator(w.main), customer(w.main, "henry")
    mine = [Conversation(henry, "list-%d" % i).id for i in range(3)]
    got = [c["id"] for c in henry.get("/v1/conversations").json["conversations"]]
    check(got[:3] == mine[::-1], got[:5], mine)
    all_ = staff.get("/v1/conversations").json["conversations"]
    check(len(all_) <= 1000 and [c["id"] for c in all_[:3]] == mine[::-1] and {"id", "status", "owner", "opened"} == set(all_[0]))


def what_tools_mask_is_masked_for_staff_and_in_exports_but_not_for_the_work(w):
    workspace = w.workspace()
    for tool, paths in (("get_customer_profile", "address"), ("reissue_card", "address, reason")):
        with open(os.path.join(workspace, "tools", tool + ".yaml"), "a") as f:
            f.write("audit: {mask: [%s]}\n" % paths)
    server = w.serve(workspace)
    staff, talk = operator(server), Conversation(customer(server, "ana"), "masked")
    talk.ask("my card never came")
    events = talk.ask("yes please")
    shown = [e for e in talk.all() if e["type"] == "proposal"][0]["shown"]
    address = [s["value"] for s in shown if s["name"] == "address"][0]
    check(len(address) > 5 and [e["outcome"] for e in events if e["type"] == "action"] == ["ok"], shown, events)
    check(staff.post(talk.path + "/handoff").status == 202)
    talk.until(lambda events: any(e["type"] == "owner" for e in events))
    bodies = [(e["kind"], e["body"]) for e in talk.journal(staff)]
    of = {kind: [b for k, b in bodies if k == kind] for kind, _ in bodies}
    profile = [b for b in of["tool.answered"] if b["tool"] == "get_customer_profile"][0]
    check(profile["result"]["address"] == "[masked]" and profile["result"]["first_name"] == "Ana", profile)
    proposed = of["action.proposed"][0]
    check(proposed["args"]["address"] == proposed["args"]["reason"] == "[masked]" and proposed["args"]["customer"] == "ana", proposed)
    check([s["value"] for s in proposed["shown"] if s["name"] == "address"] == ["[masked]"], proposed)
    package = staff.get(talk.path + "/handoff").json["package"]
    check(package["proposal"]["args"]["address"] == "[masked]" and package["proposal"]["state"] == "ok", package)
    hidden = {k: v for k, v in package.items() if k not in ("summary", "last_words")}
    check(address not in json.dumps(hidden, ensure_ascii=False), package)
    words = ("message.received", "reply.sent", "model.answered")
    check(not [b for k, b in bodies if k not in words and address in json.dumps(b, ensure_ascii=False)], bodies)
    server.stop()
    for form in ("openai-jsonl", "candor-jsonl"):
        status, out, said = w.run("export", "card-delivery", "--format", form, "--workspace", workspace)
        check(status == 0 and "[masked]" in out and '"address":"' + address not in out.replace("\\", ""), form, out, said)
    status, out, said = w.run("audit", "verify", "--workspace", workspace)
    check(status == 0, out, said)


CHECKS = [what_tools_mask_is_masked_for_staff_and_in_exports_but_not_for_the_work, a_poll_waits_for_what_comes, head_is_get_without_a_body, a_stream_that_is_cut_anywhere_goes_on_where_it_was,
          a_long_past_comes_in_pieces_and_is_whole, a_conversation_that_is_too_long_says_so_and_can_be_read,
          a_stream_shows_drafts_that_are_not_kept, naughty_strings_come_back_as_they_went_in,
          lists_are_bounded_and_newest_first]
