#include "app/tool_http.h"

enum { CONNECT_MS = 2000, SECRET_BYTES_MIN = 6 /* shorter ones would be found by chance */ };

struct request {
    struct arena *arena;
    const struct tool_request *rq;
    const struct tool_http *http;
    void (*done)(void *, const struct plan_outcome *);
    void *done_arg;
};

/* A backend that gives back what it was sent does not carry a secret into the journal. */
static struct str without_secrets(struct request *q, struct str text)
{
    for (size_t i = 0; i < q->http->secrets_n; i++) {
        struct str secret = q->http->secrets[i];
        if (secret.n < SECRET_BYTES_MIN || !str_has(text, secret))
            continue;
        struct buf b = buf_new(q->arena, text.n + (text.n / secret.n + 1) * sizeof "[secret]");
        for (ptrdiff_t at; (at = str_find(text, secret)) >= 0; text = str_from(text, (size_t)at + secret.n))
            buf_addf(&b, "%.*s[secret]", (int)at, text.p);
        buf_add(&b, text);
        text = buf_str(&b);
    }
    return text;
}

/* Scheme, host and port, and a user if it names one. */
static struct str origin(struct str url)
{
    ptrdiff_t host = str_find(url, STR("://"));
    size_t n = host < 0 ? 0 : (size_t)host + 3;
    while (n < url.n && url.p[n] != '/' && url.p[n] != '?' && url.p[n] != '#' && url.p[n] != '\\')
        n++;
    return str_head(url, n);
}

/* Services may be anywhere: the operator named them. */
static bool is_service(const struct tool_world *world, struct str url)
{
    for (const struct json *s = world->services ? world->services->child : NULL; s; s = s->next)
        if (str_eq(origin(json_str(s)), origin(url)))
            return true;
    return false;
}

static const char *why(struct request *q, const struct client_answer *answer)
{
    if (answer->end != CLIENT_DONE)
        return str_c(q->arena, str_of(answer->err.text));
    if (answer->status >= 300 && answer->status < 400)
        return "the backend redirects, which is not followed";
    return answer->status >= 400 ? "the backend refused" : "the answer is no JSON";
}

static void on_answer(void *arg, const struct client_answer *answer)
{
    struct request *q = arg;
    struct json *body = NULL;
    struct str text = without_secrets(q, str_copy(q->arena, answer->body));
    bool whole = answer->end == CLIENT_DONE;
    if (!whole || json_parse(q->arena, text, &body, NULL) < 0)
        body = NULL;
    int status = whole ? answer->status : 0;
    enum tool_class class = tool_classify(q->rq->tool, status, answer->end != CLIENT_NOT_SENT, body);
    if (answer->err.code == ERR_DENIED)
        class = TOOL_REFUSED; /* an address that we do not go to: trying again changes nothing */
    struct plan_outcome outcome = {
        .class = class, .status = status, .value = body, .text = text, .why = why(q, answer)};
    q->done(q->done_arg, &outcome);
}

void tool_http_send(struct tool_port *port, struct arena *a, const struct tool_request *rq,
                    const struct plan_task *task, void (*done)(void *, const struct plan_outcome *), void *arg)
{
    const struct tool_http *http = &task->http;
    struct request *q = ARENA_NEW(a, struct request);
    *q = (struct request){a, rq, http, done, arg};
    struct client_request request = {.method = str_c(a, http->method),
                                     .url = str_c(a, http->url),
                                     .parts = {http->body},
                                     .connect_ms = CONNECT_MS,
                                     .first_byte_ms = rq->tool->timeout_ms,
                                     .idle_ms = rq->tool->timeout_ms,
                                     .total_ms = rq->tool->timeout_ms,
                                     .answer_bytes_max = rq->tool->answer_bytes_max,
                                     .public_only = !is_service(&port->world, http->url)};
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
