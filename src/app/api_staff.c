#include "app/api_staff.h"

#include "base/clock.h"
#include "base/hash.h"

enum { JOURNAL_BYTES_MAX = 64 << 20, REPLY_BYTES_MAX = 1 << 18 };

static bool read_journal(struct api_call *c, struct event **events, size_t *n)
{
    struct err e = {0};
    if (journal_read(c->config->store, c->a, c->conversation, 0, API_EVENTS_MAX, events, n, &e) == 0)
        return true;
    reply_error(c->r, &e);
    return false;
}

void api_staff_handoff(struct api_call *c)
{
    struct event *events;
    size_t n = 0;
    if (!read_journal(c, &events, &n))
        return;
    while (n > 0 && events[n - 1].kind != EVENT_HANDOFF_REQUESTED)
        n--;
    if (n)
        reply_json(c->r, 200, events[n - 1].body);
    else
        api_call_refuse(c, 404, "no_handoff", "this conversation was not handed over");
}

void api_staff_journal(struct api_call *c)
{
    struct event *events;
    size_t n = 0;
    if (!read_journal(c, &events, &n))
        return;
    runner_mask(c->config->runner, c->a, events, n);
    struct buf b = buf_new(c->a, JOURNAL_BYTES_MAX);
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
    if (b.cut)
        api_call_refuse(c, 413, "limit", "this journal has more than 64 MiB; export it with candor export");
    else
        reply_json(c->r, 200, buf_str(&b));
}

static bool read_expert(struct api_call *c, struct str *expert)
{
    *expert = api_call_text(c, "expert");
    return session_customer_ok(*expert) ||
           api_call_refuse(c, 422, "invalid", "expert is 1 to 64 letters, digits, _ or -");
}

void api_staff_takeover(struct api_call *c)
{
    static const struct api_field fields[] = {{"expert", JSON_STRING}, {0}};
    struct str expert;
    if (api_call_fields(c, fields) && read_expert(c, &expert) && api_call_storable(c))
        runner_take_over(c->config->runner, c->conversation, "human", expert, api_call_done, api_call_wait(c));
}

void api_staff_giveback(struct api_call *c)
{
    static const struct api_field fields[] = {{0}};
    if (api_call_fields(c, fields) && api_call_storable(c))
        runner_take_over(c->config->runner, c->conversation, "bot", STR("operator"), api_call_done, api_call_wait(c));
}

static int with_human(const struct conversation *c, struct err *e)
{
    if (c->closed)
        return err_set(e, ERR_CONFLICT, "the conversation is closed");
    return c->owner == OWNER_HUMAN ? 0 : err_set(e, ERR_CONFLICT, "take the conversation over before you write in it");
}

void api_staff_reply(struct api_call *c)
{
    static const struct api_field fields[] = {
        {"text", JSON_STRING}, {"expert", JSON_STRING}, {"client_id", JSON_STRING}, {0}};
    struct str expert, text, mid = api_call_text(c, "client_id");
    if (!api_call_fields(c, fields) || !read_expert(c, &expert) || !api_call_message_id(c, mid) ||
        !api_call_message(c, &text) || !api_call_storable(c))
        return;
    struct sha256 name = sha256_of(mid), print = sha256_of(text);
    struct buf b = buf_new(c->a, REPLY_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "mid", mid);
    json_pair_str(&w, "text", text);
    json_pair_str(&w, "expert", expert);
    /* Longer than a customer's id may be: the two never meet. */
    json_pair_str(&w, "client_id", str_f(c->a, "person:%.*s", STR_ARG(hash_hex(c->a, name.b, SHA256_BYTES))));
    json_pair_str(&w, "payload_sha", hash_hex(c->a, print.b, 8));
    json_close(&w, '}');
    runner_record(c->config->runner, c->conversation, EVENT_HUMAN_MESSAGE, buf_str(&b), with_human, api_call_done,
                  api_call_wait(c));
}
