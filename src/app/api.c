#include "app/api.h"

#include "app/assets.h"
#include "app/metrics.h"
#include "app/reply.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 64 * 1024, MESSAGE_CHARS_MAX = 10000, OPEN_CONVERSATIONS_MAX = 200, RATES = 4096, OWNERS = 16384 };

/* A token bucket of one customer: refilled at messages_10s per 10 s. Direct-mapped: two customers that share a slot take it
 * from each other, which only makes the limit milder. */
struct rate {
    uint64_t who;
    double left;
    int64_t at_us;
};

/* Whose conversation: spares a look into the store for each call. Never changes, so it may be kept for ever. */
struct owned {
    int64_t conversation;
    uint64_t customer;
};

struct api {
    struct api_config config;
    struct str customers; /* JSON of the example's customers, once fetched */
    struct arena *arena;
    struct rate rates[RATES];
    struct owned owners[OWNERS];
    bool stopping;
};

/* One call of the API. */
struct call_in {
    struct api *api;
    struct request *r;
    struct arena *a;
    struct who who;
    int64_t conversation;      /* from the path; 0 where it names none */
    struct str part;           /* the path's other variable part */
    const struct json *body;   /* an object; NULL for GET */
    bool gone;
};

static uint64_t mark(struct str s)
{
    struct sha256 h = sha256_of(s);
    uint64_t v;
    memcpy(&v, h.b, sizeof v);
    return v;
}

/* --- answers that come later --- */

/* A request that waits for the store. When its client leaves first, nobody is answered. */
struct waiting {
    struct request *r; /* NULL: gone */
    struct api *api;
    struct str customer; /* who signs in once the customers are known; "" when only the list is wanted */
};

static void left(void *arg)
{
    ((struct waiting *)arg)->r = NULL;
}

static struct waiting *await(struct call_in *c)
{
    struct waiting *w = mem_get(sizeof *w);
    *w = (struct waiting){.r = c->r, .api = c->api};
    request_on_gone(c->r, left, w);
    return w;
}

static void answered(void *arg, const struct runner_done *done)
{
    struct waiting *w = arg;
    if (w->r && done->result == ERR_DUPLICATE && done->duplicate_differs)
        reply_problem(w->r, 422, "key_reused", "this client_id was used before with other words");
    else if (w->r && (done->result == 0 || done->result == ERR_DUPLICATE))
        reply_seq(w->r, done->seq);
    else if (w->r)
        reply_error(w->r, &done->err);
    free(w);
}

static void decided(void *arg, const struct runner_done *done)
{
    struct waiting *w = arg;
    if (!w->r || done->result != ERR_CONFLICT) {
        answered(arg, done);
        return;
    }
    reply_problem(w->r, 409, "proposal_void", done->err.text);
    free(w);
}

static void opened(void *arg, const struct runner_done *done)
{
    struct waiting *w = arg;
    if (w->r && done->result == ERR_DUPLICATE && done->duplicate_differs) {
        reply_problem(w->r, 422, "key_reused", "this Idempotency-Key was used before with another request");
    } else if (w->r && (done->result == 0 || done->result == ERR_DUPLICATE)) {
        struct arena *a = request_arena(w->r);
        const struct agent *ag = w->api->config.agent;
        reply_json(w->r, done->result == 0 ? 201 : 200,
                   str_f(a, "{\"id\":\"%.*s\",\"agent\":\"%.*s\",\"agent_version\":\"%.*s\"}",
                         STR_ARG(id_public(a, done->conversation)), STR_ARG(ag->name), STR_ARG(ag->sha_hex)));
    } else if (w->r) {
        reply_error(w->r, &done->err);
    }
    free(w);
}

/* --- what calls share --- */

static bool problem(struct call_in *c, int status, const char *title, const char *detail)
{
    reply_problem(c->r, status, title, detail);
    return false;
}

/* Every member of the body must be in `names` (a NULL-terminated list). */
static bool only(struct call_in *c, const char *const *names)
{
    for (const struct json *m = c->body->child; m; m = m->next) {
        size_t i = 0;
        while (names[i] && !str_is(m->key, names[i]))
            i++;
        if (!names[i])
            return problem(c, 422, "unknown_field",
                           str_f(c->a, "there is no field \"%.*s\" here", STR_ARG(str_head(m->key, 60))).p);
    }
    return true;
}

/* Takes a token from the customer's bucket. */
static bool within_rate(struct call_in *c)
{
    double per_10s = c->api->config.settings->messages_10s;
    if (per_10s <= 0 || c->who.operator)
        return true;
    uint64_t who = mark(c->who.customer);
    struct rate *b = &c->api->rates[who % RATES];
    int64_t now = clock_mono_us();
    if (b->who != who)
        *b = (struct rate){.who = who, .left = per_10s, .at_us = now};
    b->left += (double)(now - b->at_us) / 1e7 * per_10s;
    b->left = b->left > per_10s ? per_10s : b->left;
    b->at_us = now;
    if (b->left < 1) {
        request_set(c->r, "Retry-After", "2");
        return problem(c, 429, "too_many_messages", "too many messages in a short time; wait a moment");
    }
    b->left -= 1;
    return true;
}

/* May this caller see the conversation? Whatever the reason it may not, the answer is the same. */
static bool allowed(struct call_in *c)
{
    struct owned *o = &c->api->owners[(uint64_t)c->conversation % OWNERS];
    uint64_t who = mark(c->who.customer);
    if (o->conversation == c->conversation && (c->who.operator || o->customer == who))
        return true;
    struct conversation_row row;
    if (conversation_find(c->api->config.store, c->a, c->conversation, &row, NULL) < 0 ||
        (!c->who.operator && !str_eq(row.customer, c->who.customer)))
        return problem(c, 404, "not_found", "there is no such conversation");
    *o = (struct owned){.conversation = c->conversation, .customer = mark(row.customer)};
    return true;
}

static bool storable(struct call_in *c)
{
    struct err e = {0};
    if (c->api->stopping) {
        request_set(c->r, "Retry-After", "2");
        return problem(c, 503, "stopping", "the server is restarting; send it again in a moment");
    }
    if (store_healthy(c->api->config.store, &e) < 0) {
        reply_error(c->r, &e);
        return false;
    }
    return true;
}

/* --- the calls --- */

/* Keeps the services' list as {"customers":[...]}: it comes as that, or inside "data". */
static void keep_customers(struct api *api, struct str body)
{
    struct json *v;
    if (json_parse(api->arena, str_copy(api->arena, body), &v, NULL) < 0)
        return;
    const struct json *data = json_get(v, "data"), *list = json_get(data ? data : v, "customers");
    if (json_is(list, JSON_ARRAY))
        api->customers = str_f(api->arena, "{\"customers\":%.*s}", STR_ARG(json_text(api->arena, list)));
}

static bool is_customer(struct api *api, struct arena *a, struct str customer)
{
    struct json *all;
    if (!session_customer_ok(customer) || json_parse(a, api->customers, &all, NULL) < 0)
        return false;
    const struct json *k = json_get(all, "customers")->child;
    while (k && !str_eq(json_str(json_get(k, "id")), customer))
        k = k->next;
    return k != NULL;
}

static void sign_in(struct api *api, struct request *r, struct str customer)
{
    struct arena *a = request_arena(r);
    if (!is_customer(api, a, customer)) {
        reply_problem(r, 404, "no_such_customer", "choose one of the customers that GET /v1/customers lists");
        return;
    }
    int64_t expires_s = clock_now_us() / 1000000 + SESSION_SECONDS;
    struct str token = session_token(a, &api->config.sessions, customer, expires_s);
    request_set(r, "Set-Cookie",
                str_f(a, "candor_session=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d", STR_ARG(token), SESSION_SECONDS).p);
    reply_json(r, 201,
               str_f(a, "{\"token\":\"%.*s\",\"customer\":\"%.*s\",\"expires\":\"%.*s\"}", STR_ARG(token), STR_ARG(customer),
                     STR_ARG(clock_iso(a, expires_s * 1000000))));
}

static void on_customers(void *arg, const struct client_answer *answer)
{
    struct waiting *w = arg;
    struct api *api = w->api;
    if (answer->end == CLIENT_DONE && answer->status == 200 && !api->customers.n)
        keep_customers(api, answer->body);
    if (w->r && !api->customers.n)
        reply_problem(w->r, 502, "no_customers", "the example bank does not answer; is it running?");
    else if (w->r && w->customer.n)
        sign_in(api, w->r, w->customer);
    else if (w->r)
        reply_json(w->r, 200, api->customers);
    free(w);
}

/* The list is fetched by the first who needs it, which after a restart may be someone who signs in. */
static void fetch_customers(struct call_in *c, struct str customer)
{
    const struct settings *s = c->api->config.settings;
    struct client_request q = {.method = "GET", .url = str_c(c->a, s->signin_url), .connect_ms = 2000, .total_ms = 5000};
    static const struct client_hooks hooks = {.on_done = on_customers};
    struct waiting *w = await(c);
    w->customer = customer;
    client_send(c->api->config.client, &q, &hooks, w);
}

static void get_customers(struct call_in *c)
{
    if (!c->api->config.settings->signin_url.n)
        problem(c, 404, "not_found", "this workspace has no example sign-in");
    else if (c->api->customers.n)
        reply_json(c->r, 200, c->api->customers);
    else
        fetch_customers(c, STR(""));
}

static void post_session(struct call_in *c)
{
    static const char *const fields[] = {"customer", NULL};
    struct str customer = json_str(json_get(c->body, "customer"));
    if (!only(c, fields))
        return;
    if (c->api->config.settings->signin_url.n && !c->api->customers.n && customer.n)
        fetch_customers(c, customer);
    else
        sign_in(c->api, c->r, customer);
}

static void get_conversations(struct call_in *c)
{
    struct conversation_row *rows;
    size_t n = 0;
    struct err e = {0};
    const char *whose = c->who.operator ? NULL : str_c(c->a, c->who.customer);
    if (conversation_list(c->api->config.store, c->a, NULL, NULL, whose, &rows, &n, &e) < 0) {
        reply_error(c->r, &e);
        return;
    }
    struct buf b = buf_new(c->a, 8 << 20);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_key(&w, "conversations");
    json_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        json_open(&w, '{');
        json_pair_str(&w, "id", id_public(c->a, rows[i].id));
        json_pair_str(&w, "status", rows[i].status);
        json_pair_str(&w, "owner", rows[i].owner);
        json_pair_str(&w, "opened", clock_iso(c->a, rows[i].opened_us));
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    reply_json(c->r, 200, buf_str(&b));
}

static void post_conversation(struct call_in *c)
{
    static const char *const customer_fields[] = {"locale", "label", NULL};
    static const char *const service_fields[] = {"locale", "label", "customer", "channel", NULL};
    struct str key = request_header(c->r, "Idempotency-Key");
    struct str customer = c->who.operator ? json_str(json_get(c->body, "customer")) : c->who.customer;
    if (!only(c, c->who.operator ? service_fields : customer_fields) || !storable(c) || !within_rate(c))
        return;
    if (!key.n || key.n > 255) {
        problem(c, 400, "key_required", "send a header Idempotency-Key of 1 to 255 bytes, new for each conversation");
        return;
    }
    if (!session_customer_ok(customer)) {
        problem(c, 422, "no_such_customer", "customer is 1 to 64 letters, digits, _ or -");
        return;
    }
    struct str locale = str_head(json_str(json_get(c->body, "locale")), 16);
    struct sha256 print = sha256_of(json_canonical(c->a, c->body));
    struct runner_opening o = {.agent = c->api->config.agent,
                               .customer = customer,
                               .channel = json_str_or(json_get(c->body, "channel"), STR("web")),
                               .locale = locale.n ? locale : STR("en"),
                               .label = str_head(json_str(json_get(c->body, "label")), 128),
                               .key = key,
                               .payload_sha = hash_hex(c->a, print.b, 8),
                               .identity = 1};
    runner_open(c->api->config.runner, &o, opened, await(c));
}

static void post_message(struct call_in *c)
{
    static const char *const fields[] = {"text", "client_id", NULL};
    struct str id = json_str(json_get(c->body, "client_id")), header = request_header(c->r, "Idempotency-Key"),
               raw = json_str(json_get(c->body, "text"));
    if (!only(c, fields) || !storable(c) || !within_rate(c))
        return;
    id = id.n ? id : header;
    if (!id.n || id.n > 64) {
        problem(c, 400, "client_id_required", "send a client_id of 1 to 64 bytes, new for each message");
        return;
    }
    bool repaired;
    struct str text = text_repair(c->a, raw, &repaired);
    if (!str_trim(text).n) {
        problem(c, 422, "empty_message", "the message is empty");
        return;
    }
    if (text_length(text) > MESSAGE_CHARS_MAX) {
        problem(c, 413, "too_long", "a message has at most 10,000 characters");
        return;
    }
    runner_message(c->api->config.runner, c->conversation, text, id, answered, await(c));
}

static void get_events(struct call_in *c)
{
    struct str accept = request_header(c->r, "Accept"), last = request_header(c->r, "Last-Event-ID"),
               after_text = request_query(c->r, "after"), wait_text = request_query(c->r, "wait");
    int64_t after = 0, wait_s = 0;
    bool stream = str_has(accept, STR("text/event-stream"));
    if ((after_text.n && str_int(after_text, &after) < 0) || (wait_text.n && str_int(wait_text, &wait_s) < 0) || after < 0 ||
        wait_s < 0) {
        problem(c, 400, "invalid", "after and wait are whole numbers");
        return;
    }
    if (last.n && str_int(last, &after) < 0) {
        problem(c, 400, "invalid", "Last-Event-ID is the seq of an event");
        return;
    }
    if (stream)
        feed_stream(c->api->config.feed, c->r, c->conversation, after);
    else
        feed_poll(c->api->config.feed, c->r, c->conversation, after, wait_s > 30 ? 30 : (int)wait_s);
}

static void post_decision(struct call_in *c)
{
    static const char *const fields[] = {"decision", "digest", NULL};
    struct str decision = json_str(json_get(c->body, "decision")), digest = json_str(json_get(c->body, "digest"));
    int64_t proposal;
    if (!only(c, fields) || !storable(c))
        return;
    if (str_int(c->part, &proposal) < 0 || (!str_is(decision, "confirm") && !str_is(decision, "cancel")) || !digest.n) {
        problem(c, 422, "invalid", "decision is confirm or cancel, digest is the proposal's");
        return;
    }
    runner_decide(c->api->config.runner, c->conversation, proposal, digest, str_is(decision, "confirm"), decided, await(c));
}

static void post_handoff(struct call_in *c)
{
    static const char *const fields[] = {NULL};
    if (only(c, fields) && storable(c))
        runner_hand_off(c->api->config.runner, c->conversation, answered, await(c));
}

static void get_handoff(struct call_in *c)
{
    struct event *events;
    size_t n = 0;
    struct json *body = NULL;
    if (journal_read(c->api->config.store, c->a, c->conversation, 0, 100000, &events, &n, NULL) == 0)
        for (size_t i = n; i-- > 0 && !body;)
            if (events[i].kind == EVENT_HANDOFF_REQUESTED && json_parse(c->a, events[i].body, &body, NULL) < 0)
                body = NULL;
    if (body)
        reply_json(c->r, 200, json_text(c->a, body));
    else
        problem(c, 404, "no_handoff", "this conversation was not handed over");
}

/* The whole journal, for staff. */
static void get_journal(struct call_in *c)
{
    struct event *events;
    size_t n = 0;
    struct err e = {0};
    if (journal_read(c->api->config.store, c->a, c->conversation, 0, 100000, &events, &n, &e) < 0) {
        reply_error(c->r, &e);
        return;
    }
    struct buf b = buf_new(c->a, 64 << 20);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_key(&w, "events");
    json_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        json_open(&w, '{');
        json_pair_int(&w, "seq", events[i].seq);
        json_pair_str(&w, "at", clock_iso(c->a, events[i].at_us));
        json_pair_str(&w, "kind", str_of(event_name(events[i].kind)));
        json_key(&w, "body");
        json_put_raw(&w, events[i].body);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    reply_json(c->r, 200, buf_str(&b));
}

static void post_takeover(struct call_in *c)
{
    static const char *const fields[] = {"expert", NULL};
    struct str expert = json_str(json_get(c->body, "expert"));
    if (!only(c, fields) || !storable(c))
        return;
    if (!session_customer_ok(expert))
        problem(c, 422, "invalid", "expert is 1 to 64 letters, digits, _ or -");
    else
        runner_take_over(c->api->config.runner, c->conversation, "human", expert, answered, await(c));
}

static void post_giveback(struct call_in *c)
{
    static const char *const fields[] = {NULL};
    if (only(c, fields) && storable(c))
        runner_take_over(c->api->config.runner, c->conversation, "bot", STR("operator"), answered, await(c));
}

static int with_human(const struct conversation *c, struct err *e)
{
    return c->owner == OWNER_HUMAN ? 0 : err_set(e, ERR_CONFLICT, "take the conversation over before you write in it");
}

static void post_reply(struct call_in *c)
{
    static const char *const fields[] = {"text", "expert", "client_id", NULL};
    bool repaired;
    struct str text = text_repair(c->a, json_str(json_get(c->body, "text")), &repaired),
               mid = json_str(json_get(c->body, "client_id"));
    if (!only(c, fields) || !storable(c))
        return;
    if (!str_trim(text).n || text_length(text) > MESSAGE_CHARS_MAX || !mid.n || mid.n > 64) {
        problem(c, 422, "invalid", "text has 1 to 10,000 characters, client_id 1 to 64 bytes");
        return;
    }
    struct buf b = buf_new(c->a, 1 << 18);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "mid", mid);
    json_pair_str(&w, "text", text);
    json_pair_str(&w, "expert", str_head(json_str(json_get(c->body, "expert")), 64));
    json_close(&w, '}');
    runner_record(c->api->config.runner, c->conversation, EVENT_HUMAN_MESSAGE, buf_str(&b), with_human, answered, await(c));
}

static int not_rated(const struct conversation *c, struct err *e)
{
    return c->rated ? err_set(e, ERR_CONFLICT, "this conversation was rated already") : 0;
}

static void post_rating(struct call_in *c)
{
    static const char *const fields[] = {"score", "comment", NULL};
    int64_t score = json_int(json_get(c->body, "score"), -1);
    bool repaired;
    struct str comment = text_repair(c->a, json_str(json_get(c->body, "comment")), &repaired);
    if (!only(c, fields) || !storable(c))
        return;
    if (score < 0 || score > 10 || text_length(comment) > 2000) {
        problem(c, 422, "invalid", "score is 0 to 10, comment has at most 2,000 characters");
        return;
    }
    struct buf b = buf_new(c->a, 1 << 16);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_int(&w, "score", score);
    if (comment.n)
        json_pair_str(&w, "comment", comment);
    json_close(&w, '}');
    runner_record(c->api->config.runner, c->conversation, EVENT_RATING_GIVEN, buf_str(&b), not_rated, answered, await(c));
}

static int not_closed(const struct conversation *c, struct err *e)
{
    return c->closed ? err_set(e, ERR_CONFLICT, "the conversation is closed already") : 0;
}

static void post_close(struct call_in *c)
{
    static const char *const fields[] = {NULL};
    if (!only(c, fields) || !storable(c))
        return;
    struct str body = c->who.operator ? STR("{\"by\":\"operator\"}") : STR("{\"by\":\"customer\"}");
    runner_record(c->api->config.runner, c->conversation, EVENT_CLOSED, body, not_closed, answered, await(c));
}

static void get_livez(struct call_in *c)
{
    reply_json(c->r, 200, STR("{\"live\":true}"));
}

static void get_readyz(struct call_in *c)
{
    struct err e = {0};
    bool ready = !c->api->stopping && store_healthy(c->api->config.store, &e) == 0;
    struct buf b = buf_new(c->a, 2048);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_bool(&w, "ready", ready);
    if (!ready)
        json_pair_str(&w, "why", c->api->stopping ? STR("stopping") : str_of(e.text));
    json_close(&w, '}');
    reply_json(c->r, ready ? 200 : 503, buf_str(&b));
}

static void get_metrics(struct call_in *c)
{
    struct str text = metrics_text(c->a, c->api->config.runner, c->api->config.llm, feed_open(c->api->config.feed));
    request_reply(c->r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

enum { OPEN = 1, STAFF = 2, CONVERSATION = 4 };

/* The table. {id} is a conversation, {n} any other part. */
static const struct route {
    const char *method, *path;
    int needs;
    void (*run)(struct call_in *c);
} routes[] = {
    {"GET", "/v1/customers", OPEN, get_customers},
    {"POST", "/v1/session", OPEN, post_session},
    {"GET", "/v1/conversations", 0, get_conversations},
    {"POST", "/v1/conversations", 0, post_conversation},
    {"POST", "/v1/conversations/{id}/messages", CONVERSATION, post_message},
    {"GET", "/v1/conversations/{id}/events", CONVERSATION, get_events},
    {"POST", "/v1/conversations/{id}/proposals/{n}/decision", CONVERSATION, post_decision},
    {"POST", "/v1/conversations/{id}/handoff", CONVERSATION, post_handoff},
    {"GET", "/v1/conversations/{id}/handoff", CONVERSATION | STAFF, get_handoff},
    {"GET", "/v1/conversations/{id}/journal", CONVERSATION | STAFF, get_journal},
    {"POST", "/v1/conversations/{id}/takeover", CONVERSATION | STAFF, post_takeover},
    {"POST", "/v1/conversations/{id}/giveback", CONVERSATION | STAFF, post_giveback},
    {"POST", "/v1/conversations/{id}/reply", CONVERSATION | STAFF, post_reply},
    {"POST", "/v1/conversations/{id}/rating", CONVERSATION, post_rating},
    {"POST", "/v1/conversations/{id}/close", CONVERSATION, post_close},
    {"GET", "/livez", OPEN, get_livez},
    {"GET", "/readyz", OPEN, get_readyz},
    {"GET", "/metrics", OPEN, get_metrics},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool matches(const struct route *route, struct str path, struct str *id, struct str *part)
{
    struct str pattern = str_of(route->path), want, have;
    for (;;) {
        bool more = str_split(&pattern, '/', &want), also = str_split(&path, '/', &have);
        if (!more || !also)
            return more == also;
        if (str_is(want, "{id}"))
            *id = have;
        else if (str_is(want, "{n}"))
            *part = have;
        else if (!str_eq(want, have))
            return false;
    }
}

static struct str bearer(const struct request *r)
{
    struct str header = request_header(r, "Authorization"), rest = request_header(r, "Cookie"), part;
    if (str_starts(header, STR("Bearer ")))
        return str_trim(str_from(header, 7));
    while (str_split(&rest, ';', &part)) {
        part = str_trim(part);
        if (str_starts(part, STR("candor_session=")))
            return str_from(part, 15);
    }
    return STR("");
}

static bool read_body(struct call_in *c)
{
    struct str text = request_body(c->r);
    struct json *v;
    struct err e = {0};
    if (text.n > BODY_BYTES_MAX)
        return problem(c, 413, "too_long", "a request's body has at most 64 KiB");
    struct str type = request_header(c->r, "Content-Type");
    if (!str_starts(type, STR("application/json"))) /* also keeps other sites' forms out */
        return problem(c, 415, "json_required", "send the body as application/json");
    if (json_parse(c->a, text, &v, &e) < 0)
        return problem(c, 400, "invalid_json", e.text);
    if (!json_is(v, JSON_OBJECT))
        return problem(c, 400, "invalid_json", "the body must be a JSON object");
    c->body = v;
    return true;
}

static void run(struct call_in *c, const struct route *route, struct str id)
{
    int64_t now_s = clock_now_us() / 1000000;
    if (!(route->needs & OPEN) && session_check(&c->api->config.sessions, bearer(c->r), now_s, &c->who) < 0) {
        request_set(c->r, "WWW-Authenticate", "Bearer");
        problem(c, 401, "sign_in", "sign in first: POST /v1/session");
        return;
    }
    if ((route->needs & STAFF) && !c->who.operator) {
        problem(c, 403, "staff_only", "this call needs the operator's token");
        return;
    }
    if ((route->needs & CONVERSATION) && id_parse(id, &c->conversation) < 0) {
        problem(c, 404, "not_found", "there is no such conversation");
        return;
    }
    if ((route->needs & CONVERSATION) && !allowed(c))
        return;
    if (strcmp(route->method, "POST") == 0 && !read_body(c))
        return;
    route->run(c);
}

static void page(struct call_in *c, const struct asset *asset)
{
    request_set(c->r, "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    request_set(c->r, "Referrer-Policy", "no-referrer");
    request_set(c->r, "Cache-Control", "no-cache");
    request_set(c->r, "ETag", asset->etag);
    request_set(c->r, "Vary", "Accept-Encoding");
    if (str_has(request_header(c->r, "If-None-Match"), str_of(asset->etag))) {
        request_reply(c->r, 304, asset->type, STR(""));
        return;
    }
    bool gz = asset->gz && str_has(request_header(c->r, "Accept-Encoding"), STR("gzip"));
    if (gz)
        request_set(c->r, "Content-Encoding", "gzip");
    struct str bytes = {(const char *)(gz ? asset->gz : asset->bytes), gz ? asset->gz_n : asset->n};
    request_reply(c->r, 200, asset->type, bytes);
}

void api_handle(struct request *r, void *arg)
{
    struct call_in c = {.api = arg, .r = r, .a = request_arena(r)};
    struct str path = request_path(r), id = STR(""), other = STR("");
    const char *method = request_method(r);
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, there = false;
    for (size_t i = 0; i < ROUTES; i++) {
        if (!matches(&routes[i], path, &id, &other))
            continue;
        there = true;
        if (strcmp(routes[i].method, reads ? "GET" : method) != 0)
            continue;
        c.part = other;
        run(&c, &routes[i], id);
        return;
    }
    const struct asset *asset = asset_find(str_starts(path, STR("/conversations/")) ? STR("/conversation.html") : path);
    if (there)
        problem(&c, 405, "method", "this address does not take that method");
    else if (asset && reads)
        page(&c, asset);
    else
        problem(&c, 404, "not_found", "there is nothing at this address");
}

struct api *api_new(const struct api_config *config)
{
    struct api *api = mem_get(sizeof *api);
    memset(api, 0, sizeof *api);
    api->config = *config;
    api->arena = arena_new("api", 0);
    return api;
}

void api_free(struct api *api)
{
    arena_free(api->arena);
    free(api);
}

void api_stopping(struct api *api)
{
    api->stopping = true;
}
