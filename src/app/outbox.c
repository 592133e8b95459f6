#include "app/outbox.h"

#include "base/id.h"
#include "base/log.h"

#include <stdlib.h>

enum { UNDER_WAY_MAX = 256, ROWS_MAX = 512, RETRY_MS = 1000 };

struct parcel {
    struct outbox *outbox; /* NULL: the slot is free */
    struct arena *arena;
    struct outbox_row row;
    struct client_call *call;
    struct loop_timer *rest;
};

struct outbox {
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct runner *runner;
    struct str url;
    struct parcel under_way[UNDER_WAY_MAX];
    bool posted;
};

static void look(void *arg);

static void free_parcel(struct parcel *p)
{
    arena_free(p->arena);
    *p = (struct parcel){0};
}

static void rested(void *arg)
{
    struct parcel *p = arg;
    struct outbox *o = p->outbox;
    p->rest = NULL;
    free_parcel(p);
    outbox_wake(o);
}

/* Not taken, or not noted: the conversation keeps its place for a while and is then tried again. */
static void rest(struct parcel *p)
{
    p->rest = loop_after(p->outbox->loop, RETRY_MS, rested, p);
}

static void delivered(void *arg, const struct runner_done *done)
{
    struct parcel *p = arg;
    struct outbox *o = p->outbox;
    if (done->result < 0) {
        log_write(LOG_WARN, "outbox.not_noted", LOG_ID("conversation", p->row.conversation),
                  LOG_STR("why", str_of(done->err.text)), LOG_END);
        rest(p);
        return;
    }
    free_parcel(p);
    outbox_wake(o);
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct parcel *p = arg;
    struct outbox *o = p->outbox;
    p->call = NULL;
    if (answer->end == CLIENT_DONE && answer->status >= 200 && answer->status < 300) {
        struct buf body = buf_new(p->arena, 1024);
        struct json_writer w = {.out = &body};
        json_open(&w, '{');
        json_pair_str(&w, "mid", p->row.mid);
        json_pair_int(&w, "of", p->row.seq);
        json_close(&w, '}');
        runner_record(o->runner, p->row.conversation, EVENT_MESSAGE_DELIVERED, buf_str(&body), NULL, delivered, p);
        return;
    }
    log_write(LOG_WARN, "outbox.refused", LOG_ID("conversation", p->row.conversation),
              LOG_INT("status", answer->status), LOG_END);
    rest(p);
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
    p->call = client_send(o->client, &q, &hooks, p);
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
    for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
        struct parcel *p = &o->under_way[i];
        if (p->call)
            client_cancel(p->call);
        if (p->rest)
            loop_cancel(p->rest);
        if (p->outbox)
            free_parcel(p);
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
