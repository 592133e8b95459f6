#include "app/api_customer.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 255, NAME_BYTES_MAX = 128, COMMENT_CHARS_MAX = 2000, WAIT_S_MAX = 30 };

void api_customer_conversations(struct api_call *c)
{
    struct conversation_row *rows;
    size_t n = 0;
    struct err e = {0};
    if (conversation_newest(c->config->store, c->a, c->who.customer, API_LIST_MAX, &rows, &n, &e) < 0) {
        reply_error(c->r, &e);
        return;
    }
    struct buf b = buf_new(c->a, API_LIST_MAX * 256);
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

/* --- opening --- */

/* A repetition is answered with what was opened then, which an older version of the agent may hold. */
static void opened(void *arg, const struct runner_done *done)
{
    struct api_wait *w = arg;
    bool again = done->result == ERR_DUPLICATE;
    struct conversation_row row = {0};
    struct err e = done->err;
    int r = done->result;
    if (w->r && again && !done->duplicate_differs)
        r = conversation_find(w->api->config.store, request_arena(w->r), done->conversation, &row, &e);
    if (!again) {
        row.agent = w->api->config.agent->name;
        row.agent_sha = w->api->config.agent->sha_hex;
    }
    if (w->r && again && done->duplicate_differs) {
        reply_problem(w->r, 422, "key_reused", "this Idempotency-Key was used before with another request");
    } else if (w->r && r < 0) {
        reply_error(w->r, &e);
    } else if (w->r) {
        struct arena *a = request_arena(w->r);
        reply_json(w->r, again ? 200 : 201,
                   str_f(a, "{\"id\":\"%.*s\",\"agent\":\"%.*s\",\"agent_version\":\"%.*s\"}",
                         STR_ARG(id_public(a, done->conversation)), STR_ARG(row.agent), STR_ARG(row.agent_sha)));
    }
    free(w);
}

/* As BCP 47 writes them: letters and digits in parts of 1 to 8, "pt-BR". */
static bool is_locale(struct str s)
{
    struct str rest = s, part;
    while (str_split(&rest, '-', &part)) {
        if (part.n < 1 || part.n > 8 || !session_customer_ok(part) || str_find(part, STR("_")) >= 0)
            return false;
    }
    return s.n >= 2 && s.n <= 16;
}

static bool read_opening(struct api_call *c, struct runner_opening *o)
{
    struct str locale = api_call_text(c, "locale"), channel = api_call_text(c, "channel"),
               label = api_call_text(c, "label");
    if (!o->key.n || !api_call_plain(c, o->key, KEY_BYTES_MAX))
        return api_call_refuse(c, 400, "key_required",
                               "send a header Idempotency-Key of 1 to 255 bytes, new for each conversation");
    if (!session_customer_ok(o->customer))
        return api_call_refuse(c, 422, "invalid", "customer is 1 to 64 letters, digits, _ or -");
    if (locale.n && !is_locale(locale))
        return api_call_refuse(c, 422, "invalid", "locale is a language and a region, such as en or pt-BR");
    if (!api_call_plain(c, label, NAME_BYTES_MAX) || !api_call_plain(c, channel, NAME_BYTES_MAX))
        return api_call_refuse(c, 422, "invalid", "label and channel have at most 128 bytes and no control characters");
    o->locale = locale.n ? locale : STR("en");
    o->channel = channel.n ? channel : STR("web");
    o->label = label;
    return true;
}

void api_customer_open(struct api_call *c)
{
    static const struct api_field service[] = {
        {"locale", JSON_STRING}, {"label", JSON_STRING}, {"customer", JSON_STRING}, {"channel", JSON_STRING}, {0}};
    static const struct api_field customer[] = {{"locale", JSON_STRING}, {"label", JSON_STRING}, {0}};
    struct runner_opening o = {.agent = c->config->agent,
                               .customer = c->who.staff ? api_call_text(c, "customer") : c->who.customer,
                               .key = request_header(c->r, "Idempotency-Key"),
                               .identity = 1};
    struct err e = {0};
    if (!api_call_fields(c, c->who.staff ? service : customer) || !read_opening(c, &o) || !api_call_storable(c) ||
        !api_call_in_time(c))
        return;
    if (access_may_open(c->api->access, &c->who, o.key, &e) < 0) {
        if (e.code == ERR_LIMIT)
            api_call_refuse(c, 429, "too_many_conversations", e.text);
        else
            reply_error(c->r, &e);
        return;
    }
    struct sha256 print = sha256_of(json_canonical(c->a, c->body));
    o.payload_sha = hash_hex(c->a, print.b, 8);
    runner_open(c->config->runner, &o, opened, api_call_wait(c));
}

/* --- writing and reading --- */

void api_customer_message(struct api_call *c)
{
    static const struct api_field fields[] = {{"text", JSON_STRING}, {"client_id", JSON_STRING}, {0}};
    struct str id = api_call_text(c, "client_id"), text;
    if (!id.n)
        id = request_header(c->r, "Idempotency-Key");
    if (!api_call_fields(c, fields) || !api_call_message_id(c, id) || !api_call_message(c, &text) ||
        !api_call_storable(c) || !api_call_in_time(c))
        return;
    text = api_call_masked(c, text);
    runner_message(c->config->runner, c->conversation, text, id, api_call_done, api_call_wait(c));
}

void api_customer_events(struct api_call *c)
{
    struct str accept = request_header(c->r, "Accept"), last = request_header(c->r, "Last-Event-ID"),
               after_text = request_query(c->r, "after"), wait_text = request_query(c->r, "wait");
    int64_t after = 0, wait_s = 0;
    bool head = strcmp(request_method(c->r), "HEAD") == 0;
    if ((after_text.n && str_int(after_text, &after) < 0) || (wait_text.n && str_int(wait_text, &wait_s) < 0) ||
        (last.n && str_int(last, &after) < 0) || after < 0 || wait_s < 0) {
        api_call_refuse(c, 400, "invalid", "after, wait and Last-Event-ID are whole numbers");
        return;
    }
    if (!str_has(accept, STR("text/event-stream")))
        feed_poll(c->config->feed, c->r, c->conversation, after,
                  head                  ? 0
                  : wait_s > WAIT_S_MAX ? WAIT_S_MAX
                                        : (int)wait_s);
    else if (head)
        request_reply(c->r, 200, "text/event-stream; charset=utf-8", STR(""));
    else
        feed_stream(c->config->feed, c->r, c->conversation, after);
}

/* --- deciding and ending --- */

static void decided(void *arg, const struct runner_done *done)
{
    struct api_wait *w = arg;
    if (!w->r || done->result != ERR_CONFLICT) {
        api_call_done(arg, done);
        return;
    }
    reply_problem(w->r, 409, "proposal_void", done->err.text);
    free(w);
}

void api_customer_decision(struct api_call *c)
{
    static const struct api_field fields[] = {{"decision", JSON_STRING}, {"digest", JSON_STRING}, {0}};
    struct str decision = api_call_text(c, "decision"), digest = api_call_text(c, "digest");
    int64_t proposal;
    if (!api_call_fields(c, fields) || !api_call_storable(c))
        return;
    bool yes = str_is(decision, "confirm");
    if (str_int(c->part, &proposal) < 0 || (!yes && !str_is(decision, "cancel")) || !digest.n)
        api_call_refuse(c, 422, "invalid", "decision is confirm or cancel, digest is the proposal's");
    else
        runner_decide(c->config->runner, c->conversation, proposal, digest, yes, decided, api_call_wait(c));
}

void api_customer_handoff(struct api_call *c)
{
    static const struct api_field fields[] = {{0}};
    if (api_call_fields(c, fields) && api_call_storable(c))
        runner_hand_off(c->config->runner, c->conversation, api_call_done, api_call_wait(c));
}

static int not_rated(const struct conversation *c, struct err *e)
{
    return c->rated ? err_set(e, ERR_CONFLICT, "this conversation was rated already") : 0;
}

void api_customer_rating(struct api_call *c)
{
    static const struct api_field fields[] = {{"score", JSON_NUMBER}, {"comment", JSON_STRING}, {0}};
    int64_t score = json_int(json_get(c->body, "score"), -1);
    bool repaired;
    struct str comment = text_repair(c->a, api_call_text(c, "comment"), &repaired);
    if (!api_call_fields(c, fields) || !api_call_storable(c))
        return;
    if (score < 0 || score > 10 || text_length(comment) > COMMENT_CHARS_MAX) {
        api_call_refuse(c, 422, "invalid",
                        "score is a whole number from 0 to 10, comment has at most 2,000 characters");
        return;
    }
    comment = api_call_masked(c, comment);
    struct buf b = buf_new(c->a, 1 << 16);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_int(&w, "score", score);
    if (comment.n)
        json_pair_str(&w, "comment", comment);
    json_close(&w, '}');
    runner_record(c->config->runner, c->conversation, EVENT_RATING_GIVEN, buf_str(&b), not_rated, api_call_done,
                  api_call_wait(c));
}

static int not_closed(const struct conversation *c, struct err *e)
{
    return c->closed ? err_set(e, ERR_CONFLICT, "the conversation is closed already") : 0;
}

void api_customer_close(struct api_call *c)
{
    static const struct api_field fields[] = {{0}};
    struct str body = c->who.staff ? STR("{\"by\":\"operator\"}") : STR("{\"by\":\"customer\"}");
    if (api_call_fields(c, fields) && api_call_storable(c))
        runner_record(c->config->runner, c->conversation, EVENT_CLOSED, body, not_closed, api_call_done,
                      api_call_wait(c));
}
