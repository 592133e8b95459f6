#include "app/feed.h"

#include "app/reply.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    READ_MAX = 500,
    BATCH_BYTES_MAX = 1 << 20, /* of a poll's answer; the reader asks for the rest */
    HEARTBEAT_MS = 15000,
    BACKLOG_BYTES_MAX = 128 * 1024, /* of a stream's past in one go: the server closes one that has 256 KiB unread */
};

/* One waiting reader: a stream that stays, or a poll that is answered once. */
struct reader {
    struct reader *next, **from;
    struct feed *feed;
    int64_t conversation, after;
    struct stream *stream; /* one of the two is set */
    struct request *poll;
    struct loop_timer *timer; /* polls only */
};

struct feed {
    struct loop *loop;
    struct store *store;
    struct reader *buckets[BUCKETS];
    size_t open;
    bool draining;
    struct loop_timer *heartbeat;
};

/* --- the view --- */

static void begin(struct json_writer *w, const struct event *ev, struct arena *a)
{
    json_open(w, '{');
    json_pair_int(w, "seq", ev->seq);
    json_pair_str(w, "at", clock_iso(a, ev->at_us));
}

static void pass(struct json_writer *w, const struct json *body, const char *key, const char *as)
{
    const struct json *v = json_get(body, key);
    if (!v)
        return;
    json_key(w, as);
    json_put(w, v);
}

static void view_message(struct json_writer *w, const struct json *b, const char *from)
{
    json_pair_str(w, "from", str_of(from));
    pass(w, b, "text", "text");
    pass(w, b, "expert", "name");
}

bool feed_view(struct arena *a, const struct event *ev, const char **type, struct str *json)
{
    static const char *const types[EVENT_KINDS] = {
        [EVENT_MESSAGE_RECEIVED] = "message",
        [EVENT_REPLY_SENT] = "message",
        [EVENT_HUMAN_MESSAGE] = "message",
        [EVENT_ACTION_PROPOSED] = "proposal",
        [EVENT_ACTION_DONE] = "action",
        [EVENT_OWNER_CHANGED] = "owner",
        [EVENT_CONFIRMATION_GIVEN] = "proposal_closed",
        [EVENT_MODEL_ASKED] = "turn",
        [EVENT_TURN_ENDED] = "turn",
        [EVENT_CLOSED] = "closed",
    };
    struct json *b;
    *type = types[ev->kind];
    if (!*type || json_parse(a, ev->body, &b, NULL) < 0)
        return false;
    struct buf out = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &out};
    begin(&w, ev, a);
    switch (ev->kind) {
    case EVENT_MESSAGE_RECEIVED:
        view_message(&w, b, "customer");
        pass(&w, b, "client_id", "client_id");
        break;
    case EVENT_REPLY_SENT: view_message(&w, b, "agent"); break;
    case EVENT_HUMAN_MESSAGE: view_message(&w, b, "person"); break;
    case EVENT_ACTION_PROPOSED:
        if (!str_is(json_str(json_get(b, "gate")), "customer"))
            return false;
        pass(&w, b, "tool", "tool");
        pass(&w, b, "title", "title");
        pass(&w, b, "shown", "shown");
        pass(&w, b, "digest", "digest");
        json_pair_str(&w, "expires", clock_iso(a, json_int(json_get(b, "expires_us"), 0)));
        break;
    case EVENT_CONFIRMATION_GIVEN:
        pass(&w, b, "proposal", "proposal");
        pass(&w, b, "answer", "outcome");
        break;
    case EVENT_ACTION_DONE:
        pass(&w, b, "proposal", "proposal");
        pass(&w, b, "class", "outcome");
        break;
    case EVENT_OWNER_CHANGED: pass(&w, b, "owner", "owner"); break;
    case EVENT_MODEL_ASKED: json_pair_str(&w, "state", STR("thinking")); break;
    case EVENT_TURN_ENDED: json_pair_str(&w, "state", STR("done")); break;
    default: break;
    }
    json_close(&w, '}');
    *json = buf_str(&out);
    return true;
}

/* --- readers --- */

static struct reader **bucket(struct feed *f, int64_t conversation)
{
    uint64_t mixed = (uint64_t)conversation * 0x9e3779b97f4a7c15u;
    return &f->buckets[mixed >> 52];
}

static void unlink_reader(struct reader *rd)
{
    *rd->from = rd->next;
    if (rd->next)
        rd->next->from = rd->from;
    if (rd->timer)
        loop_cancel(rd->timer);
    rd->feed->open--;
    free(rd);
}

static void gone(void *arg)
{
    unlink_reader(arg);
}

static struct reader *link_reader(struct feed *f, int64_t conversation, int64_t after)
{
    struct reader *rd = mem_get(sizeof *rd), **at = bucket(f, conversation);
    *rd = (struct reader){.next = *at, .from = at, .feed = f, .conversation = conversation, .after = after};
    if (*at)
        (*at)->from = &rd->next;
    *at = rd;
    f->open++;
    return rd;
}

/* Writes {"events":[...],"next":SEQ}, up to BATCH_BYTES_MAX and at least one; false when there is nothing the customer
 * sees. *next is the seq up to which everything was told. */
static bool batch(struct arena *a, const struct event *events, size_t n, int64_t *next, struct str *json)
{
    struct buf out = buf_new(a, 4 * BATCH_BYTES_MAX);
    struct json_writer w = {.out = &out};
    bool any = false;
    json_open(&w, '{');
    json_key(&w, "events");
    json_open(&w, '[');
    for (size_t i = 0; i < n && out.n < BATCH_BYTES_MAX; i++) {
        const char *type;
        struct str one;
        if (events[i].seq <= *next)
            continue;
        *next = events[i].seq;
        if (!feed_view(a, &events[i], &type, &one))
            continue;
        json_put_raw(&w, str_f(a, "{\"type\":\"%s\",%.*s", type, (int)one.n - 1, one.p + 1));
        any = true;
    }
    json_close(&w, ']');
    json_pair_int(&w, "next", *next);
    json_close(&w, '}');
    *json = buf_str(&out);
    return any;
}

static void answer_poll(struct reader *rd, const struct event *events, size_t n)
{
    struct arena *a = arena_new("poll", 0);
    struct str json;
    if (batch(a, events, n, &rd->after, &json) || !n) {
        struct request *r = rd->poll;
        unlink_reader(rd);
        request_reply(r, 200, "application/json", json);
    }
    arena_free(a);
}

static void poll_over(void *arg)
{
    struct reader *rd = arg;
    rd->timer = NULL;
    answer_poll(rd, NULL, 0);
}

/* Gives how many bytes it sent. The reader is there all the while: stream_send only marks the connection of one that is too
 * far behind, and the loop closes it afterwards (tests/unit/test_server.c, "a burst past the limit"). */
static size_t send_events(struct reader *rd, const struct event *events, size_t n)
{
    struct arena *a = arena_new("stream", 0);
    size_t sent = 0;
    for (size_t i = 0; i < n; i++) {
        const char *type;
        struct str json;
        if (events[i].seq <= rd->after)
            continue;
        rd->after = events[i].seq;
        if (!feed_view(a, &events[i], &type, &json))
            continue;
        stream_send(rd->stream, events[i].seq, type, json);
        sent += json.n;
    }
    arena_free(a);
    return sent;
}

void feed_poll(struct feed *f, struct request *r, int64_t conversation, int64_t after, int wait_s)
{
    struct event *events;
    struct str json;
    struct err e = {0};
    struct arena *a = request_arena(r);
    bool any = false;
    for (size_t n = READ_MAX; !any && n == READ_MAX;) {
        if (journal_read(f->store, a, conversation, after, READ_MAX, &events, &n, &e) < 0) {
            reply_error(r, &e);
            return;
        }
        any = batch(a, events, n, &after, &json);
    }
    if (any || wait_s <= 0 || f->draining) {
        request_reply(r, 200, "application/json", json);
        return;
    }
    struct reader *rd = link_reader(f, conversation, after);
    rd->poll = r;
    rd->timer = loop_after(f->loop, (int64_t)wait_s * 1000, poll_over, rd);
    request_on_gone(r, gone, rd);
}

/* What happened before the stream. False when it must end here: the reader goes on from its last event in a new one. */
static bool send_past(struct reader *rd)
{
    struct arena *a = arena_new("stream start", 0);
    size_t sent = 0, n = READ_MAX;
    bool good = true;
    while (good && n == READ_MAX) {
        struct event *events;
        good = journal_read(rd->feed->store, a, rd->conversation, rd->after, READ_MAX, &events, &n, NULL) == 0;
        for (size_t i = 0; good && i < n; i++) {
            sent += send_events(rd, &events[i], 1);
            good = sent < BACKLOG_BYTES_MAX;
        }
    }
    arena_free(a);
    return good;
}

void feed_stream(struct feed *f, struct request *r, int64_t conversation, int64_t after)
{
    if (f->draining) {
        reply_problem(r, 503, "stopping", "the server is restarting; connect again in a moment");
        return;
    }
    struct reader *rd = link_reader(f, conversation, after);
    rd->stream = request_stream(r, gone, rd);
    if (!send_past(rd)) {
        stream_close(rd->stream);
        unlink_reader(rd);
    }
}

void feed_notify(struct feed *f, int64_t conversation, const struct event *events, size_t n)
{
    for (struct reader *rd = *bucket(f, conversation), *next; rd; rd = next) {
        next = rd->next;
        if (rd->conversation != conversation)
            continue;
        if (rd->stream)
            send_events(rd, events, n);
        else
            answer_poll(rd, events, n);
    }
}

void feed_draft(struct feed *f, int64_t conversation, struct str words)
{
    for (struct reader *rd = *bucket(f, conversation), *next; rd; rd = next) {
        next = rd->next;
        if (rd->conversation != conversation || !rd->stream)
            continue;
        struct arena *a = arena_new("draft", 1024);
        struct buf b = buf_new(a, 1 << 16);
        struct json_writer w = {.out = &b};
        json_open(&w, '{');
        if (words.p)
            json_pair_str(&w, "text", words);
        json_close(&w, '}');
        stream_send(rd->stream, 0, words.p ? "delta" : "draft_reset", buf_str(&b));
        arena_free(a);
    }
}

static void beat(void *arg)
{
    struct feed *f = arg;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct reader *rd = f->buckets[i], *next; rd; rd = next) {
            next = rd->next;
            if (rd->stream)
                stream_comment(rd->stream, "still here");
        }
    f->heartbeat = loop_after(f->loop, HEARTBEAT_MS, beat, f);
}

void feed_drain(struct feed *f)
{
    f->draining = true;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct reader *rd = f->buckets[i], *next; rd; rd = next) {
            next = rd->next;
            if (rd->poll)
                answer_poll(rd, NULL, 0);
        }
}

struct feed *feed_new(struct loop *l, struct store *s)
{
    struct feed *f = mem_get(sizeof *f);
    memset(f, 0, sizeof *f);
    f->loop = l;
    f->store = s;
    f->heartbeat = loop_after(l, HEARTBEAT_MS, beat, f);
    return f;
}

void feed_free(struct feed *f)
{
    loop_cancel(f->heartbeat);
    for (size_t i = 0; i < BUCKETS; i++)
        while (f->buckets[i]) {
            struct reader *rd = f->buckets[i];
            if (rd->stream)
                stream_close(rd->stream);
            unlink_reader(rd);
        }
    free(f);
}

size_t feed_open(const struct feed *f)
{
    return f->open;
}
