#include "app/tool_http.h"

#include "base/clock.h"
#include "base/rng.h"

#include <string.h>

enum { READ_ATTEMPTS = 3, ANSWER_BYTES_MAX = 1 << 20, RETRY_MS = 150 };

/* A call under way: step after step, then the projection. */
struct work {
    struct tool_http_port *port;
    const struct tool_request *rq;
    void (*done)(void *, const struct tool_answer *);
    void *done_arg;
    struct arena *arena;
    struct json *root; /* what URLs, bodies and the projection are filled from */
    size_t step;
    int attempt; /* of this step */
    bool reconciling;
    bool done_before; /* an answer said that this was done already */
    int64_t began_us;
    struct tool_answer answer;
};

static void next(struct work *w);

static void deliver(void *x)
{
    struct work *w = x;
    w->answer.ms = (clock_mono_us() - w->began_us) / 1000;
    w->done(w->done_arg, &w->answer);
    arena_free(w->arena);
}

static void end(struct work *w, enum tool_class class, struct str result)
{
    w->answer = (struct tool_answer){.class = class, .result = result};
    loop_post(w->port->loop, deliver, w);
}

/* {"error":{"code":...,"message":...}}, the backend's own words where it has some. */
static struct str error_text(struct work *w, const struct json *body, const char *sentence)
{
    struct buf b = buf_new(w->arena, 4096);
    struct json_writer out = {.out = &b};
    const struct json *error = json_get(body, "error");
    json_open(&out, '{');
    json_key(&out, "error");
    json_open(&out, '{');
    json_pair_str(&out, "code", str_whole(json_str(json_get(error, "code")), 100));
    json_pair_str(&out, "message", str_whole(json_str_or(json_get(error, "message"), str_of(sentence)), 500));
    json_close(&out, '}');
    json_close(&out, '}');
    return buf_str(&b);
}

static void finish(struct work *w, enum tool_class class)
{
    struct str result;
    struct err e = {0};
    if (tool_project(w->arena, w->rq->tool, w->root, &result, &e) < 0)
        end(w, w->rq->tool->action ? TOOL_UNKNOWN : TOOL_INVALID, error_text(w, NULL, e.text));
    else
        end(w, class, result);
}

/* Makes an answer's members visible to later steps and the projection. */
static void take_in(struct work *w, const struct json *body)
{
    struct str id = tool_step_id(w->rq->tool, w->step);
    if (id.n) {
        json_set(w->root, id, json_copy(w->arena, body));
        return;
    }
    for (const struct json *m = json_is(body, JSON_OBJECT) ? body->child : NULL; m; m = m->next)
        json_set(w->root, str_copy(w->arena, m->key), json_copy(w->arena, m));
}

static void again(void *x)
{
    next(x);
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct work *w = arg;
    const struct tool *t = w->rq->tool;
    struct json *body = NULL;
    struct str text = str_copy(w->arena, answer->body);
    if (answer->end != CLIENT_DONE || json_parse(w->arena, text, &body, NULL) < 0)
        body = NULL;
    int status = answer->end == CLIENT_DONE ? answer->status : 0;
    enum tool_class class = tool_classify(t, status, answer->end != CLIENT_NOT_SENT, body);
    if (w->reconciling) {
        w->reconciling = false;
        if (class == TOOL_OK) { /* the first request went through */
            take_in(w, body);
            finish(w, TOOL_ALREADY_DONE);
        } else if (status == 404 && w->done_before) { /* done before, it said, and now that it never was */
            end(w, TOOL_UNKNOWN, error_text(w, NULL, "the backend contradicts itself about whether it was done"));
        } else if (status == 404 && t->idempotency != TOOL_NO_KEY) { /* it did not: send it under the same key */
            next(w);
        } else {
            end(w, TOOL_UNKNOWN, error_text(w, body, "the outcome could not be learnt"));
        }
        return;
    }
    bool try_again = class == TOOL_TRANSIENT && !t->action && ++w->attempt < READ_ATTEMPTS;
    if (try_again) {
        loop_after(w->port->loop, (int64_t)(RETRY_MS * w->attempt * (0.5 + rng_unit())), again, w);
    } else if (class == TOOL_OK) {
        take_in(w, body);
        w->attempt = 0;
        if (++w->step < tool_steps(t))
            next(w);
        else
            finish(w, TOOL_OK);
    } else if (class == TOOL_ALREADY_DONE && json_get(t->spec, "reconcile")) {
        w->reconciling = w->done_before = true; /* the backend remembers the action but not what it answered */
        next(w);
    } else {
        end(w, class, error_text(w, body, status ? "the backend refused" : answer->err.text));
    }
}

static void send(struct work *w, const struct tool_http *http)
{
    struct client_request q = {.method = str_c(w->arena, http->method),
                               .url = str_c(w->arena, http->url),
                               .parts = {http->body},
                               .connect_ms = 2000,
                               .first_byte_ms = w->rq->tool->timeout_ms,
                               .idle_ms = w->rq->tool->timeout_ms,
                               .total_ms = w->rq->tool->timeout_ms,
                               .answer_bytes_max = ANSWER_BYTES_MAX};
    size_t n = 0;
    if (http->body.n)
        q.headers[n++] = "Content-Type: application/json";
    if (w->rq->key.n)
        q.headers[n++] = str_f(w->arena, "Idempotency-Key: %.*s", STR_ARG(w->rq->key)).p;
    static const struct client_hooks hooks = {.on_done = on_answer};
    client_send(w->port->client, &q, &hooks, w);
}

static void next(struct work *w)
{
    struct tool_http http;
    struct err e = {0};
    int r = w->reconciling
                ? tool_http_reconcile(w->arena, w->rq->tool, w->port->services, w->rq->key, w->root, &http, &e)
                : tool_http_step(w->arena, w->rq->tool, w->step, w->port->services, w->root, &http, &e);
    if (r < 0)
        end(w, TOOL_INVALID, error_text(w, NULL, e.text));
    else
        send(w, &http);
}

void tool_http_call(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                    void *done_arg)
{
    struct arena *a = arena_new("tool call", 8192);
    struct work *w = ARENA_NEW(a, struct work);
    *w = (struct work){
        .port = arg, .rq = rq, .done = done, .done_arg = done_arg, .arena = a, .began_us = clock_mono_us()};
    struct json *args;
    if (json_parse(a, rq->args, &args, NULL) < 0) {
        end(w, TOOL_INVALID, STR("{}"));
        return;
    }
    w->root = json_new(a, JSON_OBJECT);
    for (const struct json *m = args->child; m; m = m->next)
        json_set(w->root, m->key, json_copy(a, m));
    json_set(w->root, STR("args"), args);
    json_set(w->root, STR("date"), json_new_str(a, rq->date));
    json_set(w->root, STR("label"), json_new_str(a, rq->label));
    w->reconciling = rq->tool->action && rq->attempt > 1 && json_get(rq->tool->spec, "reconcile");
    next(w);
}
