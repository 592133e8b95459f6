#include "app/outbox.h"

#include "base/id.h"
#include "base/log.h"

#include <stdlib.h>

enum { UNDER_WAY_MAX = 64, ROWS_MAX = 128, RETRY_MS = 1000 };

struct parcel {
    struct outbox *outbox; /* NULL: the slot is free */
    struct arena *arena;
    struct outbox_row row;
};

struct outbox {
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct runner *runner;
    struct str url;
    struct parcel under_way[UNDER_WAY_MAX];
    struct client_call *calls[UNDER_WAY_MAX];
    bool posted;
    struct loop_timer *retry;
};

static void look(void *arg);

static void free_parcel(struct parcel *p)
{
    p->outbox = NULL;
    arena_free(p->arena);
}

static void delivered(void *arg, const struct runner_done *done)
{
    struct parcel *p = arg;
    struct outbox *o = p->outbox;
    if (done->result < 0)
        log_write(LOG_WARN, "outbox.not_noted", LOG_ID("conversation", p->row.conversation),
                  LOG_STR("why", str_of(done->err.text)), LOG_END);
    free_parcel(p);
    outbox_wake(o);
}

static void try_later(void *arg)
{
    struct outbox *o = arg;
    o->retry = NULL;
    outbox_wake(o);
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct parcel *p = arg;
    struct outbox *o = p->outbox;
    o->calls[p - o->under_way] = NULL;
    if (answer->end == CLIENT_DONE && answer->status >= 200 && answer->status < 300) {
        struct str body = str_f(p->arena, "{\"mid\":\"%.*s\"}", STR_ARG(p->row.mid));
        runner_record(o->runner, p->row.conversation, EVENT_MESSAGE_DELIVERED, body, NULL, delivered, p);
        return;
    }
    log_write(LOG_WARN, "outbox.refused", LOG_ID("conversation", p->row.conversation),
              LOG_INT("status", answer->status), LOG_END);
    free_parcel(p);
    if (!o->retry)
        o->retry = loop_after(o->loop, RETRY_MS, try_later, o);
}

static struct parcel *slot_for(struct outbox *o, int64_t conversation)
{
    struct parcel *open = NULL;
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        if (!o->under_way[i].outbox)
            open = &o->under_way[i];
        else if (o->under_way[i].row.conversation == conversation)
            return NULL;
    }
    return open;
}

static void post(struct parcel *p, const struct outbox_row *row)
{
    struct outbox *o = p->outbox;
    struct arena *a = p->arena;
    struct conversation_row conversation = {.label = STR("")};
    if (conversation_find(o->store, a, row->conversation, &conversation, NULL) < 0)
        conversation.label = STR("");
    p->row = *row;
    p->row.mid = str_copy(a, row->mid);
    struct buf b = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "conversation", id_public(a, row->conversation));
    json_pair_str(&w, "label", conversation.label);
    json_pair_str(&w, "mid", row->mid);
    json_pair_str(&w, "text", row->text);
    json_close(&w, '}');
    struct client_request q = {
        .method = "POST",
        .url = str_c(a, o->url),
        .headers = {"Content-Type: application/json", str_f(a, "Idempotency-Key: %.*s", STR_ARG(row->mid)).p},
        .parts = {buf_str(&b)},
        .total_ms = 10000};
    static const struct client_hooks hooks = {.on_done = on_answer};
    o->calls[p - o->under_way] = client_send(o->client, &q, &hooks, p);
}

static void look(void *arg)
{
    struct outbox *o = arg;
    struct arena *a = arena_new("outbox", 0);
    struct outbox_row *rows;
    size_t n = 0;
    o->posted = false;
    if (outbox_list(o->store, a, ROWS_MAX, &rows, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        struct parcel *p = slot_for(o, rows[i].conversation);
        if (!p)
            continue;
        *p = (struct parcel){.outbox = o, .arena = arena_new("parcel", 0)};
        post(p, &rows[i]);
    }
    arena_free(a);
}

struct outbox *outbox_new(struct loop *l, struct client *c, struct store *s, struct runner *r, struct str url)
{
    struct outbox *o = mem_get(sizeof *o);
    *o = (struct outbox){.loop = l, .client = c, .store = s, .runner = r, .url = url};
    return o;
}

void outbox_free(struct outbox *o)
{
    if (!o)
        return;
    if (o->retry)
        loop_cancel(o->retry);
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        if (o->calls[i])
            client_cancel(o->calls[i]);
        if (o->under_way[i].outbox)
            free_parcel(&o->under_way[i]);
    }
    free(o);
}

void outbox_wake(struct outbox *o)
{
    if (o->posted)
        return;
    o->posted = true;
    loop_post(o->loop, look, o);
}
