#include "shop.h"

#include "base/clock.h"
#include "net/loop.h"
#include "test.h"

#include <unistd.h>

enum { REST_MS_MAX = 20000 };

/* One request under way. */
struct shop_request {
    struct shop_request *next;
    struct shop *s;
    const struct tool_request *rq;
    void (*done)(void *, const struct tool_answer *);
    void *done_arg;
    struct tool_answer answer;
};

static void at_place(struct shop *s, enum shop_place place)
{
    if (s->place)
        s->place(s, place);
}

static void deliver(void *x)
{
    struct shop_request *q = x;
    q->s->tools_open--;
    q->s->activity++;
    q->done(q->done_arg, &q->answer);
}

static void perform(struct shop_request *q)
{
    at_place(q->s, SHOP_REQUEST_LEAVES);
    q->answer = bank_answer(q->s->bank, q->s->arena, q->rq);
    at_place(q->s, SHOP_REQUEST_WAS_MADE);
    loop_post(q->s->loop, deliver, q);
}

static void call_tool(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                      void *done_arg)
{
    struct shop *s = arg;
    struct shop_request *q = ARENA_NEW(s->arena, struct shop_request);
    *q = (struct shop_request){.next = s->held, .s = s, .rq = rq, .done = done, .done_arg = done_arg};
    s->tools_open++;
    if (s->holds_tools)
        s->held = q;
    else
        perform(q);
}

static void after(void *arg, int64_t delay_ms, void (*fn)(void *), void *x)
{
    struct shop *s = arg;
    assert_true(s->timers_n < sizeof s->timers / sizeof *s->timers);
    s->timers[s->timers_n++] = (struct shop_timer){clock_now_us() + delay_ms * 1000, fn, x};
}

static void replace_draft(struct shop *s, const struct event *reply)
{
    struct json *body;
    if (s->draft.n && json_parse(s->arena, reply->body, &body, NULL) == 0)
        s->draft_differs |= !str_eq(buf_str(&s->draft), json_str(json_get(body, "text")));
    buf_clear(&s->draft);
}

static void notify(void *arg, const struct conversation *c, const struct event *events, size_t n)
{
    struct shop *s = arg;
    s->activity++;
    if (c->id == s->conversation)
        for (size_t i = 0; i < n; i++) {
            s->out_of_order |= events[i].seq != s->seq_seen + 1;
            s->seq_seen = events[i].seq;
            if (events[i].kind == EVENT_REPLY_SENT)
                replace_draft(s, &events[i]);
        }
    at_place(s, SHOP_APPENDED);
}

static void draft(void *arg, int64_t conversation, struct str words)
{
    struct shop *s = arg;
    s->activity++;
    if (conversation != s->conversation)
        return;
    if (words.p)
        buf_add(&s->draft, words);
    else
        buf_clear(&s->draft);
}

static void post_to_loop(void *loop, void (*fn)(void *), void *arg)
{
    loop_post(loop, fn, arg);
}

/* --- life --- */

void shop_lives(struct shop *s, const char *path, size_t cache_bytes)
{
    struct err e = {0};
    struct llm_provider *provider;
    struct llm_config model = {.kind = STR("script"), .model = STR("script")};
    struct agent *agent = world_agent(NULL, NULL);
    s->path = path;
    if (!s->bank) {
        s->bank = &s->own;
        s->own.days_late = 9;
    }
    if (!s->cues)
        s->cues = cues_new();
    if (loop_new(&s->loop, &e) < 0)
        fail_msg("%s", e.text);
    struct store_config store = {.path = path, .post = post_to_loop, .post_arg = s->loop};
    if (store_open(&store, &s->store, &e) < 0 || cues_provider(s->cues, s->loop, &provider, &e) < 0 ||
        llm_new_with(s->loop, provider, &model, &s->llm, &e) < 0)
        fail_msg("%s", e.text);
    struct runner_config config = {
        .store = s->store,
        .llm = s->llm,
        .ports = {.arg = s, .tool = call_tool, .after = after, .notify = notify, .draft = draft},
        .cache_bytes = cache_bytes,
        .leased = true};
    if (runner_new(&config, &s->runner, &e) < 0 || runner_agent(s->runner, agent, &e) < 0)
        fail_msg("%s", e.text);
    s->agent = agent;
}

void shop_dies(struct shop *s)
{
    store_close(s->store);
    runner_free(s->runner);
    llm_free(s->llm);
    loop_free(s->loop);
    s->timers_n = 0;
    s->inputs_open = s->tools_open = 0;
    s->held = NULL;
}

void shop_begin(struct shop *s, size_t cache_bytes)
{
    static char dir[256];
    *s = (struct shop){.arena = arena_new("shop", 0)};
    s->draft = buf_new(s->arena, 1 << 16);
    snprintf(dir, sizeof dir, "%s/candor-shop-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    if (!mkdtemp(dir))
        fail_msg("no folder %s", dir);
    clock_set(1773133200000000);
    shop_lives(s, str_f(s->arena, "%s/store.db", dir).p, cache_bytes);
}

void shop_end(struct shop *s)
{
    shop_dies(s);
    struct str dir = str_head(str_of(s->path), strlen(s->path) - strlen("/store.db"));
    assert_int_equal(system(str_f(s->arena, "rm -r '%.*s'", STR_ARG(dir)).p), 0);
    cues_free(s->cues);
    arena_free(s->arena);
    clock_set(0);
}

/* --- rest --- */

static bool working(struct shop *s)
{
    struct llm_stats stats;
    llm_stats(s->llm, &stats);
    bool held = s->held != NULL;
    return s->inputs_open || stats.open > cues_waiting(s->cues) || (s->tools_open && !held);
}

static int nothing(void *arg, struct sqlite3 *db, struct err *e)
{
    return 0;
}

static bool fire(struct shop *s)
{
    size_t first = 0;
    for (size_t i = 1; i < s->timers_n; i++)
        if (s->timers[i].at_us < s->timers[first].at_us)
            first = i;
    if (!s->timers_n)
        return false;
    struct shop_timer t = s->timers[first];
    s->timers[first] = s->timers[--s->timers_n];
    if (t.at_us > clock_now_us())
        clock_set(t.at_us);
    t.fn(t.x);
    return true;
}

void shop_rest(struct shop *s)
{
    struct err e = {0};
    int64_t until_us = clock_mono_us() + REST_MS_MAX * 1000LL;
    while (clock_mono_us() < until_us) {
        if (!s->holds_tools && s->held) {
            struct shop_request *q = s->held;
            s->held = q->next;
            perform(q);
        }
        loop_once(s->loop, working(s) ? 5 : 0);
        unsigned before = s->activity;
        if (working(s) || store_write(s->store, nothing, NULL, &e) < 0)
            continue;
        loop_once(s->loop, 0);
        loop_once(s->loop, 0);
        if (working(s) || s->activity != before || (s->held && !s->holds_tools))
            continue;
        if (!fire(s))
            return;
    }
    fail_msg("it does not come to rest: %d inputs and %d requests are open. %s", s->inputs_open, s->tools_open, e.text);
}

void shop_input(struct shop *s)
{
    s->inputs_open++;
}

void shop_done(void *arg, const struct runner_done *done)
{
    struct shop *s = arg;
    s->inputs_open--;
    s->activity++;
    s->last = *done;
}

int64_t shop_open(struct shop *s)
{
    struct runner_opening o = {
        .agent = s->agent, .customer = STR("ana"), .channel = STR("web"), .locale = STR("en"), .identity = 1};
    shop_input(s);
    runner_open(s->runner, &o, shop_done, s);
    shop_rest(s);
    if (s->last.result < 0)
        return s->last.result;
    s->conversation = s->last.conversation;
    s->seq_seen = 1;
    return s->conversation;
}

int shop_say(struct shop *s, const char *text, const char *client_id)
{
    shop_input(s);
    runner_message(s->runner, s->conversation, str_of(text), str_of(client_id), shop_done, s);
    shop_rest(s);
    return s->last.result;
}

/* --- what is on disk --- */

size_t shop_events(struct shop *s, struct event **events)
{
    size_t n = 0;
    struct err e = {0};
    if (journal_read(s->store, s->arena, s->conversation, 0, 10000, events, &n, &e) < 0)
        fail_msg("%s", e.text);
    return n;
}

int shop_count(struct shop *s, enum event_kind kind)
{
    struct event *events;
    size_t n = shop_events(s, &events);
    int found = 0;
    for (size_t i = 0; i < n; i++)
        found += events[i].kind == kind;
    return found;
}

struct str shop_replies(struct shop *s)
{
    struct event *events;
    struct json *body;
    struct buf b = buf_new(s->arena, 1 << 18);
    size_t n = shop_events(s, &events);
    for (size_t i = 0; i < n; i++)
        if (events[i].kind == EVENT_REPLY_SENT && json_parse(s->arena, events[i].body, &body, NULL) == 0)
            buf_addf(&b, "%.*s\n", STR_ARG(json_str(json_get(body, "text"))));
    return buf_str(&b);
}
