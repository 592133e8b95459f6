"""speaking: messages, decisions, people and endings: each counts once and in its order. T15, T16, T17."""
import hashlib, os, random, threading, time

from refusing import is_problem
from server import Caller, Conversation, check, customer, operator, together


def kinds(events, *wanted):
    return [e for e in events if e["type"] in wanted]


def said_by(events, who):
    return [e["text"] for e in events if e["type"] == "message" and e["from"] == who]


def a_message_sent_five_times_at_once_is_one_message_and_one_turn(w):
    """T16: 10 conversations, 20 messages each, every one on five connections at the same moment."""
    def converse(i):
        talk = Conversation(customer(w.main, "diego"), "five-%d" % i)
        callers = [customer(w.main, "diego") for _ in range(5)]
        for n in range(20):
            body = {"text": "hello number %d" % n, "client_id": "five-%d" % n}
            answers = together(5, lambda k: callers[k].post(talk.path + "/messages", body))
            seqs = {a.json["seq"] for a in answers}
            check([a.status for a in answers] == [202] * 5 and len(seqs) == 1, [str(a) for a in answers])
            seq = seqs.pop()
            talk.until(lambda events: any(e["type"] == "turn" and e["state"] == "done" and e["seq"] > seq for e in events)
                       or any(e["type"] == "owner" for e in events))
            is_problem(callers[0].post(talk.path + "/messages", dict(body, text="other words")), 422, "key_reused")
        journal = talk.journal(operator(w.main))
        ids = [e["body"]["client_id"] for e in journal if e["kind"] == "message.received"]
        check(ids == ["five-%d" % n for n in range(20)], ids)
        ended = [e for e in journal if e["kind"] == "turn.ended"]
        handed = [e for e in journal if e["kind"] == "handoff.requested"]
        check(len(ended) == 20 or (handed and len(ended) < 20), len(ended))
        return len(ids)

    check(sum(together(10, converse)) == 200)


def a_person_who_takes_over_is_not_talked_over(w):
    """T15: 200 takeovers at any moment of a turn. No word of the agent stands behind one."""
    staff, dice, ended, cut = operator(w.main), random.Random(15), 0, 0
    w.bank_set(slow_ms=4)

    def race(i):
        dice, mine = random.Random(i), operator(w.main)
        talk = Conversation(customer(w.main, "emma"), "race-%d" % i)
        wait_s = dice.uniform(0, 0.012)
        person = threading.Thread(target=lambda: (time.sleep(wait_s), answers.append(mine.post(talk.path + "/takeover", {"expert": "eva"}))))
        answers = []
        person.start()
        talk.say("My card says delivered, but I never got it.")
        person.join()
        check(answers[0].status == 202, answers[0])
        return talk, answers[0].json["seq"]

    talks = []
    for batch in range(25):
        talks += together(8, lambda k: race(8 * batch + k))
    w.bank_set(slow_ms=0)
    time.sleep(0.1)
    for talk, seq in talks:
        journal = talk.journal(staff)
        check(journal[seq - 1]["kind"] == "owner.changed" and journal[seq - 1]["body"]["owner"] == "human", journal[seq - 1])
        later = [e["kind"] for e in journal[seq:]]
        check(not {"reply.sent", "action.proposed", "action.started", "model.asked"} & set(later), later)
        before = [e["kind"] for e in journal[:seq]]
        ended += "reply.sent" in before
        cut += "model.asked" in before and "reply.sent" not in before
        check(sum(k == "message.received" for k in before + later) == 1)
    check(len(talks) == 200 and cut >= 20, "too few met a turn in the middle:", cut, "and after it:", ended)


def people_write_once_and_only_after_they_took_over(w):
    ana, staff = customer(w.main, "ana"), operator(w.main)
    talk = Conversation(ana, "person")
    words = {"text": "Hello, this is Eva.", "expert": "eva", "client_id": "e1"}
    is_problem(staff.post(talk.path + "/reply", words), 409, "conflict")
    for body in ({}, {"expert": ""}, {"expert": "a b"}, {"expert": "x" * 65}):
        is_problem(staff.post(talk.path + "/takeover", body), 422, "invalid")
    is_problem(staff.post(talk.path + "/giveback"), 409, "conflict")
    check(staff.post(talk.path + "/takeover", {"expert": "eva"}).status == 202)
    is_problem(staff.post(talk.path + "/takeover", {"expert": "max"}), 409, "conflict")
    answers = together(5, lambda _: operator(w.main).post(talk.path + "/reply", words))
    check([a.status for a in answers] == [202] * 5 and len({a.body for a in answers}) == 1, [str(a) for a in answers])
    is_problem(staff.post(talk.path + "/reply", dict(words, text="Other words.")), 422, "key_reused")
    for field, value, status in (("text", " ", 422), ("text", "x" * 10001, 413), ("expert", "", 422), ("client_id", "", 400)):
        is_problem(staff.post(talk.path + "/reply", dict(words, **{field: value})), status)
    talk.say("Hi Eva", client_id="e1")  # the same id, but the customer's own
    events = talk.all()
    check(said_by(events, "person") == [words["text"]] and said_by(events, "customer") == ["Hi Eva"] and not said_by(events, "agent"), events)
    person = [e for e in events if e.get("from") == "person"][0]
    check(person["name"] == "eva" and "client_id" not in person, person)
    check(staff.post(talk.path + "/giveback").status == 202)
    is_problem(staff.post(talk.path + "/reply", dict(words, client_id="e2")), 409, "conflict")
    check(said_by(talk.ask("Where is my card?"), "agent"))
    check([e["owner"] for e in kinds(talk.all(), "owner")] == ["human", "bot"])


def what_nobody_should_keep_is_masked_before_it_is_stored(w):
    server = w.serve(w.workspace(), "messages_10s=0")
    ana, staff = customer(server, "ana"), operator(server)
    talk = Conversation(ana, "masked")
    cases = [("my card 4111 1111 1111 1111 is lost", "my card [card number ending 1111] is lost", ["card_number"]),
             ("meu cpf \u00e9 529.982.247-25", "meu cpf \u00e9 [CPF]", ["cpf"]), ("mi contrase\u00f1a es Lola2019", "mi contrase\u00f1a es [hidden]", ["password"]),
             ("PIN: 4821, cpf 52998224725, 5555-5555-5555-4444", "PIN: [hidden], cpf [CPF], [card number ending 4444]",
              ["card_number", "cpf", "password"]),
             ("my PIN is not working, RC-20991, +55 11 98765-4321, card ending 4417", None, None)]
    for i, (text, kept, kinds) in enumerate(cases):
        body = {"text": text, "client_id": "m-%d" % i}
        first, again = ana.post(talk.path + "/messages", body), ana.post(talk.path + "/messages", body)
        check(first.status == 202 and first.json.get("masked") == kinds, first)
        check(again.status == 202 and again.body == first.body, "the same again:", again, first)
        same = ana.post(talk.path + "/messages", dict(body, text=kept or text))
        check(same.status == 202 and same.json == {"seq": first.json["seq"]}, same)
        is_problem(ana.post(talk.path + "/messages", dict(body, text="other words")), 422, "key_reused")
    answer = staff.post(talk.path + "/messages", {"text": "from a service: 4222222222222", "client_id": "service"})
    check(answer.json["masked"] == ["card_number"], answer)
    rating = ana.post(talk.path + "/rating", {"score": 1, "comment": "I said 378282246310005!"})
    check(rating.status == 202 and rating.json["masked"] == ["card_number"], rating)
    want = [kept or text for text, kept, _ in cases] + ["from a service: [card number ending 2222]"]
    check(said_by(talk.all(), "customer") == want, said_by(talk.all(), "customer"))
    journal = talk.journal(staff)
    check([e["body"]["text"] for e in journal if e["kind"] == "message.received"] == want)
    check([e["body"]["comment"] for e in journal if e["kind"] == "rating.given"] == ["I said [card number ending 0005]!"])
    status, out, _ = w.run("chat", "card-delivery", "--as", "ana", "--workspace", server.workspace, input="PIN: 4821 and 4111 1111 1111 1111\nhello\n")
    check(status == 0 and out.count("for your safety") == 2 and "a card number" in out and "a PIN" in out, status, out)
    server.stop()
    stored = b""
    for folder, _, names in os.walk(server.workspace):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                stored += f.read()
    secrets = ["4111 1111 1111 1111", "4111111111111111", "529.982.247-25", "52998224725", "Lola2019", "PIN: 4821", "5555-5555", "4222222222222", "378282246310005"]
    secrets += [hashlib.sha256(text.encode()).hexdigest()[:16] for text, kept, _ in cases if kept]
    secrets += [hashlib.sha256(s.encode()).hexdigest()[:8] for s in secrets]
    found = [s for s in secrets if s.encode() in stored or s in "".join(server.errors)]
    check(b"[card number ending 1111]" in stored and not found, found)


def a_customer_asks_for_a_person_once(w):
    ana, staff = customer(w.main, "ana"), operator(w.main)
    talk = Conversation(ana, "ask")
    is_problem(staff.get(talk.path + "/handoff"), 404, "no_handoff")
    talk.ask("Where is my card?")
    check(ana.post(talk.path + "/handoff").status == 202)
    is_problem(ana.post(talk.path + "/handoff"), 409, "conflict")
    package = staff.get(talk.path + "/handoff")
    check(package.status == 200 and package.json["reason"] == "asked_human"
          and package.json["package"]["last_words"] == ["Where is my card?"], package)
    check(kinds(talk.all(), "owner")[-1]["owner"] == "pending_human")


def proposal_of(talk):
    events = talk.ask("My card never came. Where is it?")
    return kinds(events, "proposal")[-1]


def decide(talk, proposal, decision="confirm", digest=None, seq=None):
    path = "%s/proposals/%s/decision" % (talk.path, seq if seq is not None else proposal["seq"])
    return talk.caller.post(path, {"decision": decision, "digest": digest if digest is not None else proposal["digest"]})


def a_decision_counts_once_for_the_very_proposal(w):
    ines = customer(w.main, "ines")
    talk = Conversation(ines, "decide")
    proposal = proposal_of(talk)
    for bad in (decide(talk, proposal, digest="0" * 64), decide(talk, proposal, seq=1), decide(talk, proposal, seq=proposal["seq"] + 1),
                decide(talk, proposal, seq=10 ** 17), decide(talk, proposal, seq=-1)):
        is_problem(bad, 409, "proposal_void")
    for bad in (decide(talk, proposal, "yes"), decide(talk, proposal, ""), decide(talk, proposal, None), decide(talk, proposal, digest=""),
                decide(talk, proposal, seq="x"), decide(talk, proposal, seq="9" * 30)):
        is_problem(bad, 422, "invalid")
    answers = together(5, lambda _: customer(w.main, "ines").post(
        "%s/proposals/%d/decision" % (talk.path, proposal["seq"]), {"decision": "confirm", "digest": proposal["digest"]}))
    check(sorted(a.status for a in answers) == [202] + [409] * 4, [str(a) for a in answers])
    is_problem(decide(talk, proposal), 409, "proposal_void")
    is_problem(decide(talk, proposal, "cancel"), 409, "proposal_void")
    events = talk.until(lambda events: kinds(events, "action") and events[-1].get("state") == "done")
    check([e["outcome"] for e in kinds(events, "proposal_closed", "action")] == ["yes", "ok"], events)
    started = [e for e in talk.journal(operator(w.main)) if e["kind"] == "action.started"]
    check(len(started) == 1, started)


def a_cancelled_or_void_proposal_does_nothing(w):
    joao = customer(w.main, "joao")
    cancelled = Conversation(joao, "cancel")
    proposal = proposal_of(cancelled)
    check(decide(cancelled, proposal, "cancel").status == 202)
    is_problem(decide(cancelled, proposal), 409, "proposal_void")
    declined = Conversation(joao, "declined")
    proposal = proposal_of(declined)
    declined.ask("no, thank you")
    is_problem(decide(declined, proposal), 409, "proposal_void")
    taken = Conversation(joao, "taken")
    proposal = proposal_of(taken)
    check(operator(w.main).post(taken.path + "/takeover", {"expert": "eva"}).status == 202)
    is_problem(decide(taken, proposal), 409, "proposal_void")
    for talk, outcome in ((cancelled, "no"), (declined, "no"), (taken, None)):
        events = talk.all()
        check([e["outcome"] for e in kinds(events, "proposal_closed")] == ([outcome] if outcome else []) and not kinds(events, "action"), events)


def a_closed_conversation_takes_a_rating_and_nothing_else(w):
    ana, staff = customer(w.main, "ana"), operator(w.main)
    talk = Conversation(ana, "closed")
    proposal = proposal_of(talk)
    check(ana.post(talk.path + "/close").status == 202)
    for who, path, body in ((ana, "/messages", {"text": "hi", "client_id": "9"}), (ana, "/handoff", {}), (ana, "/close", {}),
                            (staff, "/takeover", {"expert": "eva"}), (staff, "/giveback", {}),
                            (staff, "/reply", {"text": "hi", "expert": "eva", "client_id": "9"})):
        is_problem(who.post(talk.path + path, body), 409, "conflict")
    is_problem(decide(talk, proposal), 409, "proposal_void")
    n = len(talk.all())
    check(ana.post(talk.path + "/rating", {"score": 9}).status == 202)
    check(len(talk.all()) == n and talk.all()[-1]["type"] == "closed" and ana.get(talk.path + "/events").status == 200)
    check([c["status"] for c in ana.get("/v1/conversations").json["conversations"] if c["id"] == talk.id] == ["closed"])
    w.bank_set(slow_ms=30)
    for i in range(10):  # in the middle of a turn
        talk = Conversation(ana, "closed-%d" % i)
        talk.say("Where is my card?")
        time.sleep(0.004 * i)
        check(ana.post(talk.path + "/close").status == 202)
    w.bank_set(slow_ms=0)
    time.sleep(0.1)
    check([e["type"] for e in talk.all()][-1] == "closed", talk.all())


def a_rating_is_given_once(w):
    ana = customer(w.main, "ana")
    talk = Conversation(ana, "rating")
    for body in ({}, {"score": -1}, {"score": 11}, {"score": 5.5}, {"score": 1e300}, {"score": None}, {"score": 5, "comment": "x" * 2001}):
        is_problem(ana.post(talk.path + "/rating", body), 422, "invalid")
    for body in ({"score": "5"}, {"score": True}, {"score": 5, "comment": 1}):
        is_problem(ana.post(talk.path + "/rating", body), 422, "invalid")
    answers = together(5, lambda k: customer(w.main, "ana").post(talk.path + "/rating", {"score": k, "comment": "good \u20ac"}))
    check(sorted(a.status for a in answers) == [202] + [409] * 4, [str(a) for a in answers])
    is_problem(ana.post(talk.path + "/rating", {"score": 5}), 409, "conflict")


def who_hangs_up_before_the_answer_harms_nobody(w):
    carla = customer(w.main, "carla")
    talk = Conversation(carla, "hang up")
    for i in range(100):
        caller = Caller(w.main, carla.token)
        caller.call("GET", "/livez")
        caller.connection.putrequest("POST", talk.path + "/messages")
        body = b'{"text":"%d","client_id":"%d"}' % (i, i)
        for name, value in (("Authorization", "Bearer " + carla.token), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))):
            caller.connection.putheader(name, value)
        caller.connection.endheaders(body)
        caller.hang_up()
    for i in range(100):
        check(carla.post(talk.path + "/messages", {"text": str(i), "client_id": str(i)}).status == 202)
    check(sorted(int(t) for t in said_by(talk.all(), "customer")) == list(range(100)))


CHECKS = [a_message_sent_five_times_at_once_is_one_message_and_one_turn, a_person_who_takes_over_is_not_talked_over,
          people_write_once_and_only_after_they_took_over,
          what_nobody_should_keep_is_masked_before_it_is_stored, a_customer_asks_for_a_person_once,
          a_decision_counts_once_for_the_very_proposal, a_cancelled_or_void_proposal_does_nothing,
          a_closed_conversation_takes_a_rating_and_nothing_else, a_rating_is_given_once, who_hangs_up_before_the_answer_harms_nobody]
