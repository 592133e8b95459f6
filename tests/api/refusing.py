"""refusing: what the API does not take, and in which words it says so. Table (b) of bad inputs, T17, T24, T25, T26, T31."""
import base64, json, os, random, string, time

import routes
from server import SHARED, Caller, Conversation, Skip, check, customer, operator, token_of, together

PROBLEM = {"type", "title", "status", "detail"}


def is_problem(answer, status, title=None, pointer=None, offset=None):
    check(answer.status == status, "wanted", status, title, "got", answer)
    check(answer.headers["Content-Type"] == "application/problem+json", answer.headers["Content-Type"], answer)
    said = answer.json
    check(PROBLEM <= set(said) and said["status"] == status and said["detail"], said)
    check(title is None or said["title"] == title, "wanted", title, "got", said)
    check(pointer is None or said["pointer"] == pointer, "wanted", pointer, "got", said)
    check(offset is None or said["offset"] == offset, "wanted", offset, "got", said)
    return said["detail"]


def path_to(route, conversation):
    return route.replace("{id}", conversation).replace("{n}", "2")


def the_document_tells_the_table_of_routes(w):
    table = {(m, p, "STAFF" in needs) for m, p, needs in routes.table()}
    check(len(table) > 15, "the table was not found")
    check(table == routes.documented(), "only in one of the two:", table ^ routes.documented())
    check(routes.titles_in_code() == routes.titles_in_document(), "only in one of the two:",
          routes.titles_in_code() ^ routes.titles_in_document())


def nobody_is_let_in_without_a_good_token(w):
    good = token_of(w.main, "ana")
    name, expiry, signature = good.split(".")
    bad = [None, "", "x", "..", "ana", good[:-1], good + "0", good + ".", "." + good, good.upper(), "bruno." + expiry + "." + signature,
           "%s.%d.%s" % (name, int(expiry) + 1, signature), "ana.." + signature, "ana.%s." % expiry,
           token_of(w.main, "ana", time.time() - 1), token_of(w.main, "ana", 0), token_of(w.main, "ana", key="0" * 64),
           token_of(w.main, "a b"), token_of(w.main, ""), operator(w.main).token[:-1], operator(w.main).token + "0", "a" * 8000]
    for token in bad:
        for method, path, needs in routes.table():
            if "OPEN" in needs:
                continue
            answer = Caller(w.main, token).call(method, path_to(path, w.ana.id), {} if method == "POST" else None)
            is_problem(answer, 401, "sign_in")
            check(answer.headers["WWW-Authenticate"] == "Bearer")
    caller = Caller(w.main)
    for scheme in ("Bearer ", "bearer ", "BEARER   "):
        check(caller.get("/v1/conversations", Authorization=scheme + good).status == 200, scheme)
    check(caller.get("/v1/conversations", Cookie="a=b; candor_session=%s; c=d" % good).status == 200)
    is_problem(caller.get("/v1/conversations", Cookie="xcandor_session=" + good), 401)
    is_problem(caller.get("/v1/conversations", Cookie="candor_session=" + good, Authorization="Bearer x"), 401)


def staff_calls_are_for_staff(w):
    for method, path, needs in routes.table():
        if "STAFF" in needs:
            is_problem(customer(w.main, "ana").call(method, path_to(path, w.ana.id), {} if method == "POST" else None), 403, "staff_only")


def conversations_of_others_are_as_if_they_never_were(w):
    dice, alphabet = random.Random(31), "0123456789abcdefghjkmnpqrstvwxyz"
    near = w.ana.id[:-1] + ("0" if w.ana.id[-1] != "0" else "1")
    ids = [w.ana.id, near, "c0000000000000", "x", "1", w.ana.id.upper(), w.ana.id + "0", w.ana.id[:-1], "c" + "z" * 13, "%c3%a9", "-1"]
    ids += ["c" + "".join(dice.choice(alphabet) for _ in range(13)) for _ in range(40)]
    bruno, bodies, tried = customer(w.main, "bruno"), set(), 0
    for method, path, needs in routes.table():
        if "CONVERSATION" not in needs or "STAFF" in needs:
            continue
        for i in ids:
            answer = bruno.call(method, path_to(path, i), {"text": "?", "client_id": "1"} if method == "POST" else None)
            is_problem(answer, 404, "not_found")
            bodies.add((answer.body, tuple(sorted((k, v) for k, v in answer.headers.items() if k != "Date"))))
            tried += 1
    check(len(bodies) == 1 and tried > 300, tried, bodies)
    is_problem(operator(w.main).get("/v1/conversations/%s/journal" % near), 404, "not_found")


def methods_types_and_addresses_are_checked(w):
    ana = customer(w.main, "ana")
    allow = {}
    for method, path, needs in routes.table():
        allow.setdefault(path, set()).update({"GET", "HEAD"} if method == "GET" else {method})
    for path, methods in allow.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = ana.call(method, path_to(path, w.ana.id), {} if method in ("POST", "PUT", "PATCH") else None)
            is_problem(answer, 405, "method")
            check(set(answer.headers["Allow"].split(", ")) == methods, path, answer.headers["Allow"])
    check(ana.post("/").headers["Allow"] == "GET, HEAD")
    for path in ("/v1", "/v1/", "/v1/conversations/", "/v2/conversations", "/v1/conversations/%s" % w.ana.id, "/conversations/",
                 "/v1/conversations/%s/nothing" % w.ana.id, "/conversations/x", "/conversations/%s/" % w.ana.id, "/index.htm"):
        is_problem(ana.get(path), 404, "not_found")
    for method, path, needs in routes.table():
        if method != "POST":
            continue
        caller = operator(w.main) if "STAFF" in needs else ana
        for kind in (None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data; boundary=json"):
            is_problem(caller.call(method, path_to(path, w.ana.id), b"{}", {"Content-Type": kind}), 415, "json_required")
        detail = is_problem(caller.post(path_to(path, w.ana.id), {"surprise\u00e9/": 1}), 422, "unknown_field", "/surprise\u00e9~1")
        check('"surprise\u00e9/"' in detail, detail)
        is_problem(caller.post(path_to(path, w.ana.id), {"\u0001" * 1001: 1}), 422, "unknown_field", "")
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"):
        is_problem(ana.call("POST", w.ana.path + "/messages", b"{}", {"Content-Type": kind}), 400, "client_id_required")


def what_is_not_json_is_refused_where_it_goes_wrong(w):
    ana = customer(w.main, "ana")
    cases = [(b'{"text":"\xff"}', 9, "/text"), (b'{"text":"\xc0\xaf"}', 9, "/text"), (b'{"text":"\xed\xa0\x80"}', 9, "/text"),
             (b'{"text":"\\ud800"}', 9, "/text"), (b'{"text":"\\udc00\\ud800"}', 9, "/text"), (b'{"text":"a\\u0000"}', 10, "/text"),
             (b'{"text":NaN}', 8, "/text"), (b'{"text":1e999}', 8, "/text"), (b'{"text":-Infinity}', 9, "/text"),
             (b'{"text":"a","text":"b"}', 12, "/text"), (b'{"text":"a",}', 12, ""), (b'\xef\xbb\xbf{}', 0, ""), (b"", 0, ""),
             (b'{"text":"a"} x', 13, ""), (b"{'text':'a'}", 1, ""), (b'{"text":"a\nb"}', 10, "/text"), (b'{"text":01}', 8, "/text"),
             (b"{", 1, ""), (b"\xfe\xff\x00{", 0, ""), (b'{"a":[{"b":[0,{"c/d":"\\ud800"}]}]}', 22, "/a/0/b/1/c~1d"),
             (b'{"a":[1,2,]}', 10, "/a/2")]
    for body, byte, pointer in cases:
        detail = is_problem(ana.call("POST", w.ana.path + "/messages", body), 400, "invalid_json", pointer, byte)
        check("byte %d," % byte in detail, body, detail)
    for body in (b"[]", b"5", b'"text"', b"null"):
        is_problem(ana.call("POST", w.ana.path + "/messages", body), 400, "invalid_json", "", 0)
    for body in (b"[" * 65000, b'{"a":' * 10000, b'{"text":' + b"[" * 60000 + b"]" * 5000):
        began = time.time()
        answer = ana.call("POST", w.ana.path + "/messages", body)
        is_problem(answer, 400, "invalid_json")
        check(0 < answer.json["offset"] < 1000 and answer.json["pointer"][0] == "/", answer)
        check(time.time() - began < 0.5, "deep JSON took", time.time() - began)
    # The two numbers that a double cannot hold, in the words of a field that is one.
    is_problem(ana.call("POST", w.ana.path + "/rating", b'{"score":9007199254740993}'), 422, "invalid")


def published_json_cases_give_no_surprise(w):
    path = os.path.join(SHARED, "data/json_parsing/cases.jsonl")
    if not os.path.exists(path):
        raise Skip("needs the shared data")
    ana, tried = customer(w.main, "ana"), 0
    for line in open(path):
        case = json.loads(line)
        body = base64.b64decode(case["bytes_base64"])
        if len(body) > 160 * 1024:
            continue
        answer = ana.call("POST", w.ana.path + "/rating", body)
        check(answer.status in (400, 422), case["name"], answer)
        if case["name"].startswith("n_"):
            is_problem(answer, 400, "invalid_json")
        tried += 1
    check(tried > 200, tried)


def bodies_have_a_size(w):
    ana = customer(w.main, "ana")
    for size in (160 * 1024 + 1, 200000, 2000000):
        answer = Caller(w.main, ana.token).call("POST", w.ana.path + "/messages", b"[" * size)
        check("163840" in is_problem(answer, 413), answer)
    fits = json.dumps({"text": "a" * 9999, "client_id": "fits", "x": ""}).encode()
    is_problem(ana.call("POST", w.ana.path + "/messages", fits[:-2] + b"b" * (163840 - len(fits)) + fits[-2:]), 422, "unknown_field")
    is_problem(Caller(w.main, ana.token).get("/v1/conversations", X="y" * 17000), 431)
    is_problem(Caller(w.main, ana.token).get("/" + "y" * 9000), 414)


def messages_have_words_and_a_length(w):
    ana = customer(w.main, "ana")
    talk = Conversation(ana, "words")
    for text in ("", " ", "\n\t ", "\u00a0\u2003\u3000", "\u200b\u2060", None):
        is_problem(ana.post(talk.path + "/messages", {"text": text, "client_id": "1"}), 422, "empty_message")
    is_problem(ana.post(talk.path + "/messages", {"client_id": "1"}), 422, "empty_message")
    for text in (5, True, ["a"], {"a": 1}):
        check('"text" is a string' in is_problem(ana.post(talk.path + "/messages", {"text": text, "client_id": "1"}), 422, "invalid"))
    for text in ("x" * 10001, "\u20ac" * 10001, "\U0001f600" * 10001):
        check("10,000" in is_problem(ana.post(talk.path + "/messages", {"text": text, "client_id": "1"}), 413, "too_long"))
    for id_ in (None, "", "x" * 65, "a\nb", "\u0001", "\u2028"):
        is_problem(ana.post(talk.path + "/messages", {"text": "hi", "client_id": id_}), 400, "client_id_required")
    is_problem(ana.call("POST", talk.path + "/messages", {"text": "hi"}, {"Idempotency-Key": "\xff".encode("latin-1")}), 400, "client_id_required")
    check([e["type"] for e in talk.all()] == [], talk.all())
    longest = "\U0001f600" * 10000  # 12 bytes each where they are escaped, as json.dumps does it
    check(len(json.dumps(longest)) == 120002)
    for i, text in enumerate(("\u20ac" * 10000, "?", "\U0001f44d", "a" * 10000, longest)):
        check(talk.say(text, "ok-%d" % i) > 0)
    check(ana.post(talk.path + "/messages", {"text": "by header"}, Idempotency_Key="h1").status == 202)
    said = [e["text"] for e in talk.all() if e["type"] == "message" and e["from"] == "customer"]
    check(said == ["\u20ac" * 10000, "?", "\U0001f44d", "a" * 10000, longest, "by header"], [s[:20] for s in said])


def openings_need_a_key_and_plain_names(w):
    ana, staff = customer(w.main, "ana"), operator(w.main)
    for i in range(100):  # T17
        is_problem(ana.post("/v1/conversations", {}), 400, "key_required")
        first = ana.post("/v1/conversations", {"label": "l%d" % i}, Idempotency_Key="t17-%d" % i)
        again = ana.post("/v1/conversations", {"label": "l%d" % i}, Idempotency_Key="t17-%d" % i)
        check(first.status == 201 and again.status == 200 and first.body == again.body, first, again)
        is_problem(ana.post("/v1/conversations", {"label": "other"}, Idempotency_Key="t17-%d" % i), 422, "key_reused")
        if i % 10 == 0:
            answers = together(5, lambda _: customer(w.main, "ana").post("/v1/conversations", {}, Idempotency_Key="at-once-%d" % i))
            check(sorted(a.status for a in answers) == [200] * 4 + [201] and len({a.json["id"] for a in answers}) == 1,
                  [str(a) for a in answers])
            check(ana.post("/v1/conversations/%s/close" % answers[0].json["id"]).status == 202)
        check(ana.post("/v1/conversations/%s/close" % first.json["id"]).status == 202)
    check(customer(w.main, "bruno").post("/v1/conversations", {"label": "l0"}, Idempotency_Key="t17-0").status == 201,
          "another customer's key is another key")
    for key in ("", "k" * 256):
        is_problem(ana.post("/v1/conversations", {}, Idempotency_Key=key), 400, "key_required")
    is_problem(ana.call("POST", "/v1/conversations", {}, {"Idempotency-Key": b"\xc3\x28"}), 400, "key_required")
    for field, value in (("locale", "x"), ("locale", "en_US"), ("locale", "en-"), ("locale", "e" * 17), ("locale", "en\u0000"[:2] + "\n"),
                         ("label", "a\nb"), ("label", "x" * 129), ("label", "\u20ac" * 43), ("label", "\u0007")):
        is_problem(ana.post("/v1/conversations", {field: value}, Idempotency_Key="bad"), 422, "invalid")
    for field in ("customer", "channel"):
        check('"%s"' % field in is_problem(ana.post("/v1/conversations", {field: "bruno"}, Idempotency_Key="bad"), 422, "unknown_field"))
    for body in ({}, {"customer": ""}, {"customer": "a b"}, {"customer": "x" * 65}, {"customer": "ana", "channel": "a\tb"}):
        is_problem(staff.post("/v1/conversations", body, Idempotency_Key="bad"), 422, "invalid")
    is_problem(staff.post("/v1/conversations", {"customer": 5}, Idempotency_Key="bad"), 422, "invalid")
    label = "\u20ac" * 42
    talk = Conversation(staff, "plain", "pt-BR", customer="ana", label=label, channel="desk")
    check(talk.journal(staff)[0]["body"]["label"] == label)
    check(ana.get(talk.path + "/events").status == 200, "what a service opened is the customer's")


def a_customer_has_two_hundred_open_conversations(w):
    grace = customer(w.main, "grace")
    for i in range(200):
        check(grace.post("/v1/conversations", {}, Idempotency_Key="g%d" % i).status == 201, i)
    check("200" in is_problem(grace.post("/v1/conversations", {}, Idempotency_Key="one more"), 429, "too_many_conversations"))
    again = grace.post("/v1/conversations", {}, Idempotency_Key="g0")
    check(again.status == 200, "a repetition is no other conversation", again)
    check(operator(w.main).post("/v1/conversations", {"customer": "grace"}, Idempotency_Key="s").status == 201)
    for i in (0, 1):
        id_ = grace.post("/v1/conversations", {}, Idempotency_Key="g%d" % i).json["id"]
        check(grace.post("/v1/conversations/%s/close" % id_).status == 202)
    check(grace.post("/v1/conversations", {}, Idempotency_Key="one more").status == 201)
    mine = grace.get("/v1/conversations").json["conversations"]
    check(len(mine) == 202 and mine == sorted(mine, key=lambda c: c["id"], reverse=True), len(mine))


def a_hundred_messages_in_a_moment_are_too_many(w):
    ana, began = customer(w.strict, "ana"), time.time()
    talk = Conversation(ana, "fast")
    answers = [ana.post(talk.path + "/messages", {"text": "hello %d" % i, "client_id": str(i)}) for i in range(100)]
    most = 19 + int(2 * (time.time() - began)) + 1
    taken = [a for a in answers if a.status == 202]
    check(19 <= len(taken) <= most, len(taken), most)
    for a in answers:
        if a.status != 202:
            is_problem(a, 429, "too_many_messages")
            check(int(a.headers["Retry-After"]) >= 1, a.headers["Retry-After"])
    check(customer(w.strict, "bruno").post("/v1/conversations", {}, Idempotency_Key="b").status == 201, "others are not held up")
    staff = operator(w.strict)
    for i in range(30):
        check(staff.post(talk.path + "/messages", {"text": "hi", "client_id": "staff-%d" % i}).status == 202)
    is_problem(ana.post(talk.path + "/messages", {"text": " ", "client_id": "e"}), 422, "empty_message")
    time.sleep(int(answers[-1].headers["Retry-After"]) if answers[-1].status == 429 else 0)
    check(ana.post(talk.path + "/messages", {"text": "again", "client_id": "later"}).status == 202)


def sign_in_gives_a_token_and_a_cookie(w):
    caller = Caller(w.main)
    people = caller.get("/v1/customers")
    check(people.status == 200 and {"id", "name", "locale", "story"} <= set(people.json["customers"][0]), people)
    answer = caller.post("/v1/session", {"customer": "ana"})
    check(answer.status == 201 and answer.json["customer"] == "ana", answer)
    cookie = answer.headers["Set-Cookie"]
    check("HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and answer.json["token"] in cookie, cookie)
    check(Caller(w.main, answer.json["token"]).get("/v1/conversations").status == 200)
    for name in ("nobody", "", None, "ana ", "../ana", "x" * 65, "\u00e1na"):
        is_problem(caller.post("/v1/session", {"customer": name}), 404, "no_such_customer")
    is_problem(caller.post("/v1/session", {"customer": 1}), 422, "invalid")
    lonely = Caller(w.strict)  # its bank does not answer
    for answer in (lonely.get("/v1/customers"), lonely.post("/v1/session", {"customer": "ana"})):
        is_problem(answer, 502, "no_customers")
        check(answer.headers["Retry-After"])
    is_problem(Caller(w.closed).get("/v1/customers"), 404, "not_found")
    is_problem(Caller(w.closed).post("/v1/session", {"customer": "ana"}), 404, "no_such_customer")


def whatever_is_sent_there_is_an_answer(w):
    """Bodies of the right names and any values, to every route: never a failure, never a hang-up."""
    dice, callers = random.Random(7), [customer(w.main, "frank"), operator(w.main)]
    talk = Conversation(callers[0], "whatever")
    names = ["text", "client_id", "decision", "digest", "expert", "score", "comment", "customer", "locale", "label", "channel", "\u00e9", ""]
    values = ["", " ", "a", "frank", "confirm", "cancel", "en", "\U0001f600" * 50, "x" * 300, "\u0001\u2028", "../..", "%s%n", "' OR 1=1 --",
              None, True, False, 0, 5, -1, 0.5, 1e308, 10 ** 30, [], {}, [[]], {"a": {"b": [1, "2"]}}]
    posts = [path for method, path, _ in routes.table() if method == "POST" and not path.endswith(("/session", "/close"))]
    statuses = {}
    for i in range(2500):
        caller, path = dice.choice(callers), dice.choice(posts)
        body = {dice.choice(names): dice.choice(values) for _ in range(dice.randint(0, 4))}
        if dice.random() < 0.5:
            known = [n for n in names if n in ("text", "client_id", "expert", "digest", "decision", "score")]
            body = {n: dice.choice(values) for n in known if dice.random() < 0.4}
        answer = caller.post(path_to(path, talk.id), body, Idempotency_Key=dice.choice(["k", "", "\t", "x" * 300, "%d" % i]))
        check(answer.status < 500, path, body, answer)
        if answer.status >= 400:
            is_problem(answer, answer.status)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    check({200, 202, 403, 422} <= set(statuses) and statuses[202] > 10, statuses)
    check(talk.all() is not None and Caller(w.main).get("/readyz").status == 200)


def an_imported_conversation_is_only_read(w):
    staff = operator(w.main)
    path = "/v1/conversations/" + w.imported
    check(staff.get(path + "/events").status == 200 and staff.get(path + "/journal").status == 200)
    for method, route, needs in routes.table():
        if method == "POST" and "CONVERSATION" in needs:
            is_problem(staff.post(path_to(route, w.imported)), 409, "recorded")


def answers_carry_their_security_headers(w):
    ana = customer(w.main, "ana")
    for answer in (ana.get("/v1/conversations"), ana.get("/x"), ana.get("/livez"), Caller(w.main).get("/v1/conversations")):
        check(answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store", answer)
    for path in ("/", "/index.html", "/conversations/" + w.ana.id):
        page = ana.get(path)
        policy = page.headers["Content-Security-Policy"]
        check(page.status == 200 and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, path)
        check(page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Referrer-Policy"] == "no-referrer")
        check(ana.get(path, If_None_Match=None, **{"If-None-Match": page.headers["ETag"]}).status == 304)
        check(ana.get(path, **{"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip")
    check(not any(h.lower().startswith("access-control") for h in ana.get("/v1/conversations", Origin="http://evil.example").headers))


CHECKS = [the_document_tells_the_table_of_routes, nobody_is_let_in_without_a_good_token, staff_calls_are_for_staff,
          conversations_of_others_are_as_if_they_never_were, methods_types_and_addresses_are_checked,
          what_is_not_json_is_refused_where_it_goes_wrong, published_json_cases_give_no_surprise, bodies_have_a_size,
          messages_have_words_and_a_length, openings_need_a_key_and_plain_names, a_customer_has_two_hundred_open_conversations,
          a_hundred_messages_in_a_moment_are_too_many, sign_in_gives_a_token_and_a_cookie, whatever_is_sent_there_is_an_answer,
          an_imported_conversation_is_only_read,
          answers_carry_their_security_headers]
