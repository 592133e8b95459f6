#include "app/tool_run.h"

#include "app/tool_command.h"
#include "app/tool_http.h"
#include "app/tool_recorded.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

/* A call under way. */
struct work {
    struct tool_port *port;
    const struct tool_request *rq;
    void (*done)(void *, const struct tool_answer *);
    void *done_arg;
    struct arena *arena;
    struct plan plan;
    struct plan_task task;      /* the one under way */
    struct tool_request within; /* PLAN_CALL: the other tool's call */
    int tries;                  /* of the task, after the first */
    int64_t began_us;
    struct tool_answer answer;
};

static void next(struct work *w);
static void perform(void *x);

static void deliver(void *x)
{
    struct work *w = x;
    w->answer.ms = (clock_mono_us() - w->began_us) / 1000;
    w->done(w->done_arg, &w->answer);
    arena_free(w->arena);
}

static void see(const struct work *w, const struct plan_outcome *outcome)
{
    if (w->port->saw && w->task.what != PLAN_CALL) /* what a called tool did was seen already */
        w->port->saw(w->port->saw_arg, w->rq, &w->task, outcome);
}

static int backoff_ms(const struct tool_retry *retry, int tries)
{
    int i = tries <= retry->backoffs ? tries - 1 : retry->backoffs - 1;
    return (int)(retry->backoff_ms[i] * (0.5 + rng_unit()));
}

static void on_outcome(void *arg, const struct plan_outcome *outcome)
{
    struct work *w = arg;
    const struct tool_retry *retry = &w->rq->tool->retry;
    see(w, outcome);
    bool fit = w->task.what != PLAN_CALL && !w->task.acts; /* a called tool has a `retry` of its own */
    if (fit && retry->on & 1U << outcome->class && w->tries < retry->max) {
        loop_after(w->port->loop, backoff_ms(retry, ++w->tries), perform, w);
        return;
    }
    plan_done(&w->plan, outcome);
    next(w);
}

static void on_call(void *arg, const struct tool_answer *answer)
{
    struct work *w = arg;
    struct json *value = NULL;
    struct plan_outcome outcome = {.class = answer->class, .why = "the tool it calls failed"};
    if (json_parse(w->arena, str_copy(w->arena, answer->result), &value, NULL) == 0)
        outcome.value = value;
    on_outcome(w, &outcome);
}

static void call(struct work *w)
{
    w->within = *w->rq;
    w->within.tool = w->task.tool;
    w->within.args = w->task.args;
    w->within.key = w->task.acts ? w->rq->key : STR("");
    w->within.attempt = w->task.acts ? w->rq->attempt : 1;
    tool_run(w->port, &w->within, on_call, w);
}

/* A look-up in documents takes a few milliseconds at most (docs/BENCHMARKS.md), so the loop can wait for it. */
static void look_up(struct work *w)
{
    struct json *value = NULL;
    struct err e = {0};
    struct plan_outcome outcome = {.class = TOOL_OK};
    if (library_answer(w->port->documents, w->arena, w->task.knowledge, w->task.query, w->rq->session.locale,
                       w->rq->date, &value, &e) < 0) {
        log_write(LOG_WARN, "tool.knowledge_failed", LOG_STR("tool", w->rq->tool->name), LOG_STR("why", str_of(e.text)),
                  LOG_END);
        outcome.class = TOOL_INVALID;
        outcome.why = "the documents cannot be searched now";
    }
    outcome.value = value;
    on_outcome(w, &outcome);
}

static void perform(void *x)
{
    struct work *w = x;
    switch (w->task.what) {
    case PLAN_HTTP: tool_http_send(w->port, w->arena, w->rq, &w->task, on_outcome, w); break;
    case PLAN_COMMAND: tool_command_run(w->port, w->arena, w->rq, &w->task, on_outcome, w); break;
    case PLAN_CALL: call(w); break;
    case PLAN_KNOWLEDGE: look_up(w); break;
    case PLAN_RECORDED: {
        struct plan_outcome outcome = tool_recorded(w->arena, w->port, w->rq, &w->task);
        see(w, &outcome);
        plan_done(&w->plan, &outcome);
        next(w);
        break;
    }
    case PLAN_END: break;
    }
}

static void next(struct work *w)
{
    w->tries = 0;
    plan_next(&w->plan, &w->task);
    if (w->task.what != PLAN_END) {
        perform(w);
        return;
    }
    w->answer = w->task.answer;
    loop_post(w->port->loop, deliver, w);
}

void tool_run(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
              void *done_arg)
{
    struct arena *a = arena_new("tool call", 8192);
    struct work *w = ARENA_NEW(a, struct work);
    *w = (struct work){
        .port = arg, .rq = rq, .done = done, .done_arg = done_arg, .arena = a, .began_us = clock_mono_us()};
    if (plan_begin(&w->plan, a, rq, &w->port->world, NULL) == 0) {
        next(w);
        return;
    }
    w->answer = (struct tool_answer){.class = TOOL_INVALID, .result = STR("{}")};
    loop_post(w->port->loop, deliver, w);
}
