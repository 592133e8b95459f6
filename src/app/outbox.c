#include "app/outbox.h"

#include "base/id.h"
#include "base/log.h"
#include "engine/roster.h"

#include <stdlib.h>

/* Those that were refused before hold half of the slots at most: a receiver that is slow to refuse some delays no other. */
enum { UNDER_WAY_MAX = 256, AGAIN_MAX = UNDER_WAY_MAX / 2, READ_MAX = 512 };
enum { DELAY_MS_FIRST = 1000, DELAY_MS_MAX = 300000 };

/* A conversation with messages that wait. It stands in a queue, or its first message is under way (`arena` is there), or it
 * rests after a refusal. */
struct line {
    struct seat seat;
    struct outbox *outbox;
    struct line *behind; /* while in a queue */
    int64_t delay_ms;    /* of its last rest; 0 when the last message was taken */
    struct arena *arena; /* of the message that is under way */
    struct outbox_row row;
    struct client_call *call;
    struct loop_timer *rest;
};

struct queue {
    struct line *first, *last;
    size_t n;
};

struct outbox {
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct runner *runner;
    struct str url;
    struct roster lines;
    struct queue fresh, again; /* again: those that were refused before */
    size_t under_way_n, again_under_way_n;
    int64_t read_pos; /* what waits up to here has its line */
    bool posted;
};

/* --- lines --- */

static void enqueue(struct line *l)
{
    struct queue *q = l->delay_ms ? &l->outbox->again : &l->outbox->fresh;
    l->behind = NULL;
    *(q->n ? &q->last->behind : &q->first) = l;
    q->last = l;
    q->n++;
}

static struct line *dequeue(struct queue *q)
{
    struct line *l = q->first;
    q->first = l->behind;
    q->n--;
    return l;
}

/* Whose turn it is; NULL: nobody's, or there is no slot. */
static struct line *next(struct outbox *o)
{
    if (o->under_way_n == UNDER_WAY_MAX)
        return NULL;
    if (o->again.n && o->again_under_way_n < AGAIN_MAX)
        return dequeue(&o->again);
    return o->fresh.n ? dequeue(&o->fresh) : NULL;
}

static void forget(struct line *l)
{
    roster_remove(&l->outbox->lines, &l->seat);
    arena_free(l->arena);
    free(l);
}

static void take_slot(struct line *l)
{
    l->arena = arena_new("parcel", 0);
    l->outbox->under_way_n++;
    l->outbox->again_under_way_n += l->delay_ms > 0;
}

/* Before delay_ms changes: it says which kind of slot it was. */
static void give_up_slot(struct line *l)
{
    arena_free(l->arena);
    l->arena = NULL;
    l->outbox->under_way_n--;
    l->outbox->again_under_way_n -= l->delay_ms > 0;
    outbox_wake(l->outbox);
}

static void rested(void *arg)
{
    struct line *l = arg;
    l->rest = NULL;
    enqueue(l);
    outbox_wake(l->outbox);
}

/* Not taken, or not noted: tried again after a while, which doubles each time. Nobody waits for it meanwhile but the later
 * messages of the same conversation. */
static void rest(struct line *l)
{
    give_up_slot(l);
    l->delay_ms = l->delay_ms ? 2 * l->delay_ms : DELAY_MS_FIRST;
    if (l->delay_ms > DELAY_MS_MAX)
        l->delay_ms = DELAY_MS_MAX;
    l->rest = loop_after(l->outbox->loop, l->delay_ms, rested, l);
}

/* --- a message --- */

static void delivered(void *arg, const struct runner_done *done)
{
    struct line *l = arg;
    if (done->result < 0) {
        log_write(LOG_WARN, "outbox.not_noted", LOG_ID("conversation", l->seat.id),
                  LOG_STR("why", str_of(done->err.text)), LOG_END);
        rest(l);
        return;
    }
    give_up_slot(l);
    l->delay_ms = 0;
    enqueue(l); /* behind the others; it is forgotten when nothing more waits in it */
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct line *l = arg;
    l->call = NULL;
    if (answer->end == CLIENT_DONE && answer->status >= 200 && answer->status < 300) {
        struct buf body = buf_new(l->arena, 1024);
        struct json_writer w = {.out = &body};
        json_open(&w, '{');
        json_pair_str(&w, "mid", l->row.mid);
        json_pair_int(&w, "of", l->row.seq);
        json_close(&w, '}');
        runner_record(l->outbox->runner, l->seat.id, EVENT_MESSAGE_DELIVERED, buf_str(&body), NULL, delivered, l);
        return;
    }
    log_write(LOG_WARN, "outbox.refused", LOG_ID("conversation", l->seat.id), LOG_INT("status", answer->status),
              LOG_END);
    rest(l);
}

static void post(struct line *l)
{
    struct outbox *o = l->outbox;
    struct arena *a = l->arena;
    struct conversation_row conversation = {.label = STR("")};
    if (conversation_find(o->store, a, l->seat.id, &conversation, NULL) < 0)
        conversation.label = STR("");
    struct buf b = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "conversation", id_public(a, l->seat.id));
    json_pair_str(&w, "label", conversation.label);
    json_pair_str(&w, "mid", l->row.mid);
    json_pair_str(&w, "text", l->row.text);
    json_close(&w, '}');
    struct client_request q = {
        .method = "POST",
        .url = str_c(a, o->url),
        .headers = {"Content-Type: application/json", str_f(a, "Idempotency-Key: %.*s", STR_ARG(l->row.mid)).p},
        .parts = {buf_str(&b)},
        .total_ms = 10000};
    static const struct client_hooks hooks = {.on_done = on_answer};
    l->call = client_send(o->client, &q, &hooks, l);
}

static void send_first(struct line *l)
{
    struct err e = {0};
    take_slot(l);
    int r = outbox_first(l->outbox->store, l->arena, l->seat.id, &l->row, &e);
    if (r == 0) {
        post(l);
    } else if (r == ERR_NOT_FOUND) {
        give_up_slot(l);
        forget(l);
    } else {
        log_write(LOG_WARN, "outbox.not_read", LOG_ID("conversation", l->seat.id), LOG_STR("why", str_of(e.text)),
                  LOG_END);
        rest(l);
    }
}

/* --- what waits --- */

/* Gives a line to conversations that have none, in the order of their messages. Positions only grow and are all read, so
 * each is read once, however many conversations are stuck. */
static void read_on(struct outbox *o)
{
    struct arena *a = arena_new("outbox", 0);
    struct outbox_place *places;
    size_t n = 0;
    if (outbox_list(o->store, a, o->read_pos, READ_MAX, &places, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        o->read_pos = places[i].pos;
        if (roster_find(&o->lines, places[i].conversation))
            continue;
        struct line *l = mem_get(sizeof *l);
        *l = (struct line){.seat = {.id = places[i].conversation}, .outbox = o};
        roster_add(&o->lines, &l->seat);
        enqueue(l);
    }
    arena_free(a);
    if (n)
        outbox_wake(o);
}

static void look(void *arg)
{
    struct outbox *o = arg;
    o->posted = false;
    for (struct line *l = next(o); l; l = next(o))
        send_first(l);
    if (o->fresh.n < READ_MAX) /* else all slots are taken, and the first that ends wakes us */
        read_on(o);
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
    for (struct line *l; (l = (struct line *)roster_any(&o->lines));) { /* the seat is a line's first member */
        if (l->call)
            client_cancel(l->call);
        if (l->rest)
            loop_cancel(l->rest);
        forget(l);
    }
    roster_free(&o->lines);
    free(o);
}

void outbox_wake(struct outbox *o)
{
    if (o->posted)
        return;
    o->posted = true;
    loop_post(o->loop, look, o);
}
