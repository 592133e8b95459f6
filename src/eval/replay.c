#include "eval/replay.h"

#include "engine/versions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 100000, ANSWER_BYTES_MAX = 128 << 10 /* fits a recording's line, however it is escaped */ };

/* One recorded conversation and how far its replay is. */
struct part {
    struct replay *replay;
    struct str label;
    struct transcript recorded;
    const char *unfit;       /* why the engine cannot hold this conversation at all; NULL: it can */
    const struct str *words; /* what the customer says; only messages that got an answer */
    size_t words_n, said;
    size_t calls_done;
    int64_t conversation; /* the new one; 0 until open */
    bool finished;
};

struct replay {
    struct arena *arena;
    struct part *parts;
    size_t parts_n, open;
    uint64_t steps;
    struct runner *runner;
    void (*post)(void *arg, void (*fn)(void *x), void *x);
    void *post_arg;
};

static int read_transcript(struct store *s, struct arena *a, int64_t conversation, struct transcript *out,
                           struct event **events, size_t *n, struct err *e)
{
    if (journal_read(s, a, conversation, 0, EVENTS_MAX, events, n, e) < 0)
        return ERR_IO;
    return transcript_read(a, *events, *n, out, e);
}

static const char *unfit_answer(const struct json *answer)
{
    const struct json *calls = json_get(answer, "calls");
    size_t bytes = json_str(json_get(answer, "text")).n;
    if (str_trim(json_str(json_get(answer, "text"))).n == 0 && !(calls && calls->child))
        return "an answer is empty";
    for (const struct json *k = calls ? calls->child : NULL; k; k = k->next)
        bytes += json_str(json_get(k, "name")).n + json_str(json_get(k, "args")).n;
    return bytes > ANSWER_BYTES_MAX ? "an answer is longer than 128 KiB" : NULL;
}

/* Finds the messages of the customer that the recorded agent answered. Here a customer's message opens a turn and words end
 * it: what was recorded in another order is not this engine's. */
static void read_part(struct arena *a, struct part *p)
{
    const struct transcript *t = &p->recorded;
    struct str *words = ARENA_ARRAY(a, struct str, t->events_n + 1);
    struct str waiting = STR_NONE;
    bool in_turn = false;
    const char *out_of_turn = NULL;
    for (size_t i = 0; !p->unfit && i < t->events_n; i++) {
        const struct json *body = t->events[i].body;
        if (t->events[i].kind == EVENT_MESSAGE_RECEIVED) {
            if (waiting.p || in_turn)
                out_of_turn = in_turn ? "the customer speaks while calls run" : "the customer speaks twice in a row";
            waiting = json_str(json_get(body, "text"));
        }
        if (t->events[i].kind != EVENT_MODEL_ANSWERED)
            continue;
        const struct json *calls = json_get(body, "calls");
        p->unfit = out_of_turn              ? out_of_turn
                   : !waiting.p && !in_turn ? "the agent speaks without being spoken to"
                                            : unfit_answer(body);
        if (waiting.p)
            words[p->words_n++] = waiting;
        waiting = STR_NONE;
        in_turn = calls && calls->child;
    }
    if (!p->unfit && p->words_n == 0)
        p->unfit = "nobody is answered";
    p->words = words;
}

int replay_new(struct store *source, const char *set, struct replay **out, struct err *e)
{
    struct arena *a = arena_new("replay", 1 << 16);
    struct replay *p = ARENA_NEW(a, struct replay);
    struct dataset_item *items;
    size_t n = 0;
    p->arena = a;
    int r = dataset_items(source, a, set, &items, &n, e);
    p->parts = ARENA_ARRAY(a, struct part, n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct event *events;
        size_t events_n;
        struct part *part = &p->parts[p->parts_n++];
        part->replay = p;
        part->label = str_copy(a, items[i].label);
        r = read_transcript(source, a, items[i].conversation, &part->recorded, &events, &events_n, e);
        if (r == 0)
            read_part(a, part);
    }
    if (r < 0) {
        arena_free(a);
        return r;
    }
    *out = p;
    return 0;
}

void replay_free(struct replay *p)
{
    if (p)
        arena_free(p->arena);
}

static void put_answer(struct json_writer *w, const struct transcript_event *ev)
{
    const struct json *text = json_get(ev->body, "text"), *calls = json_get(ev->body, "calls");
    json_key(w, "answer");
    json_open(w, '{');
    json_key(w, "text");
    if (text)
        json_put_str(w, text->text);
    else
        json_put_null(w);
    json_key(w, "calls");
    json_open(w, '[');
    for (const struct json *k = calls ? calls->child : NULL; k; k = k->next) {
        json_open(w, '{');
        json_pair_str(w, "id", json_str(json_get(k, "pid")));
        json_pair_str(w, "name", json_str(json_get(k, "name")));
        json_pair_str(w, "arguments", json_str(json_get(k, "args")));
        json_close(w, '}');
    }
    json_close(w, ']');
    json_pair_str(w, "finish", json_str(json_get(ev->body, "finish")));
    json_close(w, '}');
}

int replay_write_recording(struct store *source, const char *set, const char *path, struct err *e)
{
    struct replay *p;
    if (replay_new(source, set, &p, e) < 0)
        return e->code;
    FILE *f = fopen(path, "w");
    int r = f ? 0 : err_set(e, ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    for (size_t i = 0; r == 0 && i < p->parts_n; i++) {
        int call = 0;
        for (size_t k = 0; !p->parts[i].unfit && k < p->parts[i].recorded.events_n; k++) {
            const struct transcript_event *ev = &p->parts[i].recorded.events[k];
            if (ev->kind != EVENT_MODEL_ANSWERED)
                continue;
            struct buf b = buf_new(p->arena, 8 * ANSWER_BYTES_MAX);
            struct json_writer w = {.out = &b};
            json_open(&w, '{');
            json_pair_str(&w, "label", p->parts[i].label);
            json_pair_int(&w, "call", ++call);
            json_pair_str(&w, "key", STR(""));
            put_answer(&w, ev);
            json_close(&w, '}');
            buf_addc(&b, '\n');
            if (b.cut)
                r = err_set(e, ERR_LIMIT, "%.*s: an answer is too long for a recording", STR_ARG(p->parts[i].label));
            fwrite(b.p, 1, b.n, f);
        }
    }
    bool failed = f && ferror(f);
    if (f && (fclose(f) != 0 || failed) && r == 0)
        r = err_set(e, ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    replay_free(p);
    return r;
}

/* --- the world, played --- */

static struct part *part_of(struct replay *p, struct str label)
{
    for (size_t i = 0; i < p->parts_n; i++)
        if (str_eq(p->parts[i].label, label))
            return &p->parts[i];
    return NULL;
}

struct pending {
    void (*done)(void *, const struct tool_answer *);
    void *done_arg;
    struct tool_answer answer;
};

static void give(void *x)
{
    struct pending *g = x;
    g->done(g->done_arg, &g->answer);
    free(g);
}

/* The recorded call that this one is. Those before it never come: the engine refused them. */
static const struct transcript_call *call_find(struct part *part, const struct tool_request *rq)
{
    const struct transcript_call *found = NULL;
    struct arena *a = arena_new("play tool", 0);
    for (size_t i = part->calls_done; !found && i < part->recorded.calls_n; i++) {
        const struct transcript_call *k = &part->recorded.calls[i];
        if (!str_eq(k->name, rq->tool->name) || !k->args || !str_eq(json_canonical(a, k->args), rq->args))
            continue;
        found = k;
        part->calls_done = i + 1;
    }
    arena_free(a);
    return found;
}

/* The recorded answer, when the call was recorded; otherwise a refusal that the recording never had. */
static void play_tool(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                      void *done_arg)
{
    struct replay *p = arg;
    struct part *part = part_of(p, rq->label);
    struct pending *g = mem_get(sizeof *g);
    *g = (struct pending){.done = done,
                          .done_arg = done_arg,
                          .answer = {.class = TOOL_INVALID, .result = STR("{\"error\":\"not recorded\"}")}};
    const struct transcript_call *k = part ? call_find(part, rq) : NULL;
    if (k)
        g->answer = (struct tool_answer){.class = TOOL_OK, .result = json_text(p->arena, k->result)};
    p->post(p->post_arg, give, g);
}

static void finish(void *x)
{
    struct part *part = x;
    if (!part->finished)
        part->replay->open--;
    part->finished = true;
}

static void on_said(void *arg, const struct runner_done *done)
{
    if (done->result < 0)
        finish(arg); /* not taken: the comparison finds what is missing */
}

static void say_next(void *x)
{
    struct part *part = x;
    if (part->finished)
        return;
    if (part->said == part->words_n) {
        finish(part);
        return;
    }
    struct str words = part->words[part->said++];
    runner_message(part->replay->runner, part->conversation, words, STR(""), on_said, part);
}

static void on_open(void *arg, const struct runner_done *done)
{
    struct part *part = arg;
    part->conversation = done->conversation;
    if (done->result < 0)
        part->said = part->words_n;
    part->replay->post(part->replay->post_arg, say_next, part);
}

/* With a person the agent says nothing more: there the replay of a conversation ends, whatever the recording did. */
static void on_events(void *arg, const struct conversation *c, const struct event *events, size_t n)
{
    struct replay *p = arg;
    struct part *part = part_of(p, c->label);
    p->steps++;
    for (size_t i = 0; part && i < n; i++)
        if (events[i].kind == EVENT_TURN_ENDED)
            p->post(p->post_arg, c->owner == OWNER_BOT ? say_next : finish, part);
}

struct runner_ports replay_ports(struct replay *p, void (*post)(void *arg, void (*fn)(void *x), void *x),
                                 void *post_arg)
{
    p->post = post;
    p->post_arg = post_arg;
    return (struct runner_ports){.arg = p, .tool = play_tool, .notify = on_events};
}

void replay_start(struct replay *p, struct runner *r, const struct agent *agent)
{
    p->runner = r;
    for (size_t i = 0; i < p->parts_n; i++)
        p->open += !p->parts[i].unfit;
    for (size_t i = 0; i < p->parts_n; i++) {
        if (p->parts[i].unfit)
            continue;
        struct runner_opening o = {.agent = agent,
                                   .customer = STR("recorded"),
                                   .channel = STR("replay"),
                                   .locale = STR("en"),
                                   .label = p->parts[i].label};
        runner_open(r, &o, on_open, &p->parts[i]);
    }
}

bool replay_finished(const struct replay *p)
{
    return p->open == 0;
}

uint64_t replay_steps(const struct replay *p)
{
    return p->steps;
}

/* --- the comparison --- */

static void differ(struct replay_result *out, struct arena *a, const struct part *part, const char *what, size_t i)
{
    if (!out->first_difference.n)
        out->first_difference = str_f(a, "%.*s: %s %zu is not the recorded one", STR_ARG(part->label), what, i + 1);
}

/* What the agent said in the model's words; what the runtime said when the recording ended does not count. */
static size_t replies(struct arena *a, const struct transcript *t, struct str **texts)
{
    size_t n = 0;
    *texts = ARENA_ARRAY(a, struct str, t->events_n + 1);
    for (size_t i = 0; i < t->events_n; i++)
        if (t->events[i].kind == EVENT_REPLY_SENT && !json_get(t->events[i].body, "macro"))
            (*texts)[n++] = json_str(json_get(t->events[i].body, "text"));
    return n;
}

/* "" is how some models write no arguments; a provider hands that on as {}. */
static struct str arguments(const struct transcript_call *k)
{
    return k->arguments.n ? k->arguments : STR("{}");
}

static void compare(const struct part *part, const struct transcript *now, struct arena *a, struct replay_result *out)
{
    const struct transcript *then = &part->recorded;
    struct str *said_then, *said_now;
    size_t then_n = replies(a, then, &said_then), now_n = replies(a, now, &said_now), same_calls = 0, same_replies = 0;
    for (size_t i = 0; i < then->calls_n; i++) {
        bool same = i < now->calls_n && str_eq(now->calls[i].name, then->calls[i].name) &&
                    str_eq(now->calls[i].arguments, arguments(&then->calls[i]));
        same_calls += same;
        if (!same)
            differ(out, a, part, "call", i);
    }
    for (size_t i = 0; i < then_n; i++) {
        bool same = i < now_n && str_eq(said_then[i], said_now[i]);
        same_replies += same;
        if (!same)
            differ(out, a, part, "reply", i);
    }
    if (now->calls_n > then->calls_n)
        differ(out, a, part, "call", then->calls_n);
    if (now_n > then_n)
        differ(out, a, part, "reply", then_n);
    out->calls += then->calls_n;
    out->calls_equal += same_calls;
    out->replies += then_n;
    out->replies_equal += same_replies;
    out->equal +=
        same_calls == then->calls_n && same_replies == then_n && now->calls_n == then->calls_n && now_n == then_n;
}

static int compare_all(struct replay *p, struct store *target, struct agent_source agents, struct arena *a,
                       struct replay_result *out, struct err *e)
{
    *out = (struct replay_result){.first_difference = STR(""), .first_left_out = STR("")};
    for (size_t i = 0; i < p->parts_n; i++) {
        struct event *events;
        size_t n;
        struct transcript now;
        if (p->parts[i].unfit) {
            if (!out->left_out++)
                out->first_left_out = str_f(a, "%.*s: %s", STR_ARG(p->parts[i].label), p->parts[i].unfit);
            continue;
        }
        out->conversations++;
        int r = read_transcript(target, a, p->parts[i].conversation, &now, &events, &n, e);
        if (r == 0)
            r = context_verify(agents, events, n, &out->prompts, e);
        if (r < 0)
            return err_in(e, "%.*s", STR_ARG(p->parts[i].label));
        compare(&p->parts[i], &now, a, out);
    }
    return 0;
}

int replay_compare(struct replay *p, struct store *target, struct arena *a, struct replay_result *out, struct err *e)
{
    struct versions known = {.store = target};
    int r = compare_all(p, target, versions_source(&known), a, out, e);
    versions_free(&known);
    return r;
}
