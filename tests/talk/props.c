#include "props.h"

enum prop_kind { PROP_ANSWERS, PROP_FAILS, PROP_TIMES_OUT, PROP_TIMES_OUT_AFTER, PROP_NOT_REACHED, PROP_WAITS };

struct prop {
    struct prop *next;
    enum prop_kind kind;
    bool always; /* stays */
    struct str tool, result, code;
    int64_t status;
};

/* A request that left. Kept to the end: what a dead program had under way is answered to nobody. */
struct leaving {
    struct leaving *next;
    struct props *p;
    const struct tool_request *rq;
    struct str tool, call_id;
    int64_t conversation;
    void (*done)(void *, const struct tool_answer *);
    void *done_arg;
    bool waits;
    struct tool_answer answer;
};

struct props {
    struct arena *arena;
    struct loop *loop;
    struct tool_port http;
    struct library *documents; /* NULL: no agent yet */
    struct prop *first;
    struct leaving *all;
    int under_way;
};

struct props *props_new(void)
{
    struct arena *a = arena_new("props", 0);
    struct props *p = ARENA_NEW(a, struct props);
    p->arena = a;
    return p;
}

void props_free(struct props *p)
{
    library_free(p->documents);
    arena_free(p->arena);
}

void props_connect(struct props *p, struct loop *l, const struct tool_port *http)
{
    p->loop = l;
    p->http = *http;
    p->http.documents = p->documents;
    p->under_way = 0;
    for (struct leaving *q = p->all; q; q = q->next)
        q->waits = false;
}

void props_documents(struct props *p, const char *workspace)
{
    library_free(p->documents);
    p->documents = p->http.documents = library_new(workspace);
}

static struct prop *take(struct props *p, struct str tool)
{
    for (struct prop **at = &p->first; *at; at = &(*at)->next) {
        struct prop *q = *at;
        if (!str_eq(q->tool, tool))
            continue;
        if (!q->always)
            *at = q->next;
        return q;
    }
    return NULL;
}

static void deliver(void *x)
{
    struct leaving *q = x;
    q->p->under_way--;
    q->done(q->done_arg, &q->answer);
}

static void truly_answered(void *x, const struct tool_answer *answer)
{
    struct leaving *q = x;
    q->answer = *answer;
    deliver(q);
}

static void lost(void *x, const struct tool_answer *answer)
{
    struct leaving *q = x;
    q->answer = (struct tool_answer){.class = tool_classify(q->rq->tool, 0, true, NULL), .result = STR("{}")};
    deliver(q);
}

static struct tool_answer failure(struct props *p, const struct tool *t, const struct prop *prop)
{
    struct str text =
        str_f(p->arena, "{\"error\":{\"code\":\"%.*s\",\"message\":\"the script says so\"}}", STR_ARG(prop->code));
    struct json *body = NULL;
    if (json_parse(p->arena, text, &body, NULL) < 0)
        body = NULL;
    return (struct tool_answer){.class = tool_classify(t, (int)prop->status, true, body), .result = text};
}

static void perform(struct leaving *q)
{
    struct props *p = q->p;
    struct prop *prop = take(p, q->tool);
    if (!prop || prop->kind == PROP_TIMES_OUT_AFTER) {
        tool_run(&p->http, q->rq, prop ? lost : truly_answered, q);
        return;
    }
    if (prop->kind == PROP_WAITS) {
        q->waits = true;
        return;
    }
    struct tool_answer none = {.class = tool_classify(q->rq->tool, 0, prop->kind == PROP_TIMES_OUT, NULL),
                               .result = STR("{}")};
    q->answer = prop->kind == PROP_ANSWERS ? (struct tool_answer){.class = TOOL_OK, .result = prop->result}
                : prop->kind == PROP_FAILS ? failure(p, q->rq->tool, prop)
                                           : none;
    loop_post(p->loop, deliver, q);
}

void props_call(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                void *done_arg)
{
    struct props *p = arg;
    struct leaving *q = ARENA_NEW(p->arena, struct leaving);
    *q = (struct leaving){.next = p->all,
                          .p = p,
                          .rq = rq,
                          .tool = str_copy(p->arena, rq->tool->name),
                          .call_id = str_copy(p->arena, rq->call_id),
                          .conversation = rq->conversation,
                          .done = done,
                          .done_arg = done_arg};
    p->all = q;
    p->under_way++;
    perform(q);
}

int props_under_way(const struct props *p)
{
    return p->under_way;
}

int props_waiting(const struct props *p)
{
    int n = 0;
    for (const struct leaving *q = p->all; q; q = q->next)
        n += q->waits;
    return n;
}

size_t props_left(const struct props *p)
{
    size_t n = 0;
    for (const struct prop *q = p->first; q; q = q->next)
        n += !q->always;
    return n;
}

int props_requests(const struct props *p, struct str tool, bool distinct)
{
    int n = 0;
    for (const struct leaving *q = p->all; q; q = q->next) {
        const struct leaving *before = distinct ? q->next : NULL;
        while (before && !(before->conversation == q->conversation && str_eq(before->call_id, q->call_id)))
            before = before->next;
        n += str_eq(q->tool, tool) && !before;
    }
    return n;
}

static int goes_on(struct props *p, struct str tool, struct err *e)
{
    for (struct leaving *q = p->all; q; q = q->next)
        if (q->waits && str_eq(q->tool, tool)) {
            q->waits = false;
            perform(q);
            return 0;
        }
    return err_set(e, ERR_NOT_FOUND, "no request of %.*s waits", STR_ARG(tool));
}

int props_line(struct props *p, struct str line, struct err *e)
{
    ptrdiff_t space = str_find(line, STR(" "));
    struct str tool = str_head(line, space < 0 ? line.n : (size_t)space), how = str_trim(str_from(line, tool.n));
    struct prop *q = ARENA_NEW(p->arena, struct prop);
    q->tool = str_copy(p->arena, tool);
    if (str_is(how, "goes on"))
        return goes_on(p, tool, e);
    if (str_starts(how, STR("always "))) {
        q->always = true;
        how = str_from(how, 7);
    }
    if (str_starts(how, STR("answers "))) {
        q->kind = PROP_ANSWERS;
        q->result = str_copy(p->arena, str_trim(str_from(how, 8)));
    } else if (str_starts(how, STR("fails "))) {
        q->kind = PROP_FAILS;
        how = str_trim(str_from(how, 6));
        q->code = str_copy(p->arena, str_trim(str_from(how, 3)));
        if (str_int(str_head(how, 3), &q->status) < 0)
            return err_set(e, ERR_INVALID, "fails wants an HTTP status");
    } else if (str_is(how, "times out")) {
        q->kind = PROP_TIMES_OUT;
    } else if (str_is(how, "times out after the effect")) {
        q->kind = PROP_TIMES_OUT_AFTER;
    } else if (str_is(how, "is not reached")) {
        q->kind = PROP_NOT_REACHED;
    } else if (str_is(how, "waits")) {
        q->kind = PROP_WAITS;
    } else {
        return err_set(e, ERR_INVALID, "\"%.*s\" says nothing of a tool", STR_ARG(how));
    }
    struct prop **last = &p->first;
    while (*last)
        last = &(*last)->next;
    *last = q;
    return 0;
}
