#include "app/tool_http.h"

enum { CONNECT_MS = 2000 };

struct request {
    struct arena *arena;
    const struct tool_request *rq;
    void (*done)(void *, const struct plan_outcome *);
    void *done_arg;
};

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct request *q = arg;
    struct json *body = NULL;
    struct str text = str_copy(q->arena, answer->body);
    bool whole = answer->end == CLIENT_DONE;
    if (!whole || json_parse(q->arena, text, &body, NULL) < 0)
        body = NULL;
    int status = whole ? answer->status : 0;
    struct plan_outcome outcome = {.class = tool_classify(q->rq->tool, status, answer->end != CLIENT_NOT_SENT, body),
                                   .status = status,
                                   .value = body,
                                   .why = !whole ? str_c(q->arena, str_of(answer->err.text))
                                          : status >= 300 && status < 400
                                              ? "the backend redirects, which is not followed"
                                          : status >= 400 ? "the backend refused"
                                                          : "the answer is no JSON"};
    q->done(q->done_arg, &outcome);
}

void tool_http_send(struct tool_port *port, struct arena *a, const struct tool_request *rq,
                    const struct plan_task *task, void (*done)(void *, const struct plan_outcome *), void *arg)
{
    const struct tool_http *http = &task->http;
    struct request *q = ARENA_NEW(a, struct request);
    *q = (struct request){a, rq, done, arg};
    struct client_request request = {.method = str_c(a, http->method),
                                     .url = str_c(a, http->url),
                                     .parts = {http->body},
                                     .connect_ms = CONNECT_MS,
                                     .first_byte_ms = rq->tool->timeout_ms,
                                     .idle_ms = rq->tool->timeout_ms,
                                     .total_ms = rq->tool->timeout_ms,
                                     .answer_bytes_max = rq->tool->answer_bytes_max};
    size_t n = 0;
    if (http->body.n)
        request.headers[n++] = "Content-Type: application/json";
    if (rq->key.n && task->acts)
        request.headers[n++] = str_f(a, "Idempotency-Key: %.*s", STR_ARG(rq->key)).p;
    for (size_t i = 0; i < http->headers_n; i++)
        request.headers[n++] = str_c(a, http->headers[i]);
    static const struct client_hooks hooks = {.on_done = on_answer};
    client_send(port->client, &request, &hooks, q);
}
