#include "eval/recording.h"

#include <stdio.h>

enum { BODY_BYTES_MAX = 1 << 24 };

/* A call of the last assistant message with calls, waiting for its answer. */
struct open_call {
    struct str id, pid, name;
    bool answered;
};

struct reader {
    struct recording *r;
    size_t at; /* index of the message, for errors */
    struct open_call *open;
    size_t open_n;
    struct json *system;
    bool begun;                /* a message that is not from the system was seen */
    bool turn, moved, replied; /* a turn is open; the agent did something in it; it said something in it */
};

static bool is_field(const struct json *field, const char *const *known)
{
    for (; *known; known++)
        if (str_is(field->key, *known))
            return true;
    return false;
}

static int wrong(const struct reader *x, struct err *e, const char *field, const char *why)
{
    return err_set(e, ERR_INVALID, "messages[%zu]%s %s", x->at, field, why);
}

static int64_t seq_next(const struct reader *x)
{
    return (int64_t)x->r->n + 1;
}

/* Starts an event; its body is written with *w and put away by body_end. */
static struct json_writer body_begin(struct reader *x, struct buf *body)
{
    *body = buf_new(x->r->arena, BODY_BYTES_MAX);
    struct json_writer w = {.out = body};
    json_open(&w, '{');
    return w;
}

static int event_add(struct reader *x, enum event_kind kind, const struct buf *body, struct err *e)
{
    if (body->cut)
        return err_set(e, ERR_LIMIT, "messages[%zu] is longer than %d bytes", x->at, BODY_BYTES_MAX);
    int64_t seq = seq_next(x);
    x->r->events[x->r->n++] = (struct event){.seq = seq, .at_us = x->r->at_us, .kind = kind, .body = buf_str(body)};
    return 0;
}

static int body_end(struct reader *x, enum event_kind kind, struct json_writer *w, struct err *e)
{
    json_close(w, '}');
    return event_add(x, kind, w->out, e);
}

static int turn_end(struct reader *x, struct err *e)
{
    struct buf body;
    struct json_writer w = body_begin(x, &body);
    json_pair_str(&w, "outcome", x->replied ? STR("replied") : STR("no_reply"));
    x->turn = x->moved = x->replied = false;
    return body_end(x, EVENT_TURN_ENDED, &w, e);
}

/* The calls that are still open when somebody else speaks have lost their answers. */
static int calls_closed(struct reader *x, struct err *e)
{
    for (size_t i = 0; i < x->open_n; i++)
        if (!x->open[i].answered)
            return err_set(e, ERR_INVALID,
                           "messages[%zu]: the call \"%.*s\" of %.*s was not answered before this message", x->at,
                           STR_ARG(x->open[i].pid), STR_ARG(x->open[i].name));
    x->open_n = 0;
    return 0;
}

static int text_field(const struct reader *x, const struct json *m, struct str *text, struct err *e)
{
    const struct json *content = json_get(m, "content");
    if (!content || json_is(content, JSON_NULL))
        return wrong(x, e, ".content", "is missing");
    if (!json_is(content, JSON_STRING))
        return wrong(x, e, ".content", "is not text; parts other than text cannot be imported");
    *text = content->text;
    return 0;
}

static int read_system(struct reader *x, const struct json *m, struct err *e)
{
    struct str text;
    if (x->begun)
        return wrong(x, e, ".role", "is system after the conversation began; only leading ones are understood");
    int r = text_field(x, m, &text, e);
    if (r)
        return r;
    if (!x->system)
        x->system = json_new(x->r->arena, JSON_ARRAY);
    json_push(x->system, json_new_str(x->r->arena, text));
    return 0;
}

static int read_user(struct reader *x, const struct json *m, struct err *e)
{
    struct str text;
    int r = text_field(x, m, &text, e);
    if (r == 0)
        r = calls_closed(x, e);
    if (r == 0 && x->turn && x->moved)
        r = turn_end(x, e);
    if (r)
        return r;
    struct buf body;
    struct json_writer w = body_begin(x, &body);
    json_pair_str(&w, "text", text);
    x->turn = true;
    return body_end(x, EVENT_MESSAGE_RECEIVED, &w, e);
}

/* The name and arguments stand in the call itself or in its "function". */
static int read_call(struct reader *x, const struct json *call, size_t i, struct open_call *out, struct str *arguments,
                     struct err *e)
{
    char field[48];
    snprintf(field, sizeof field, ".tool_calls[%zu]", i);
    const struct json *function = json_get(call, "function"), *named = function ? function : call;
    const struct json *id = json_get(call, "id"), *name = json_get(named, "name"), *args = json_get(named, "arguments");
    if (!json_is(call, JSON_OBJECT) || (function && !json_is(function, JSON_OBJECT)))
        return wrong(x, e, field, "is not a call of a function");
    if (!json_is(id, JSON_STRING))
        return wrong(x, e, field, "has no id");
    if (!json_is(name, JSON_STRING) || name->text.n == 0)
        return wrong(x, e, field, "has no name");
    if (!json_is(args, JSON_STRING))
        return wrong(x, e, field, "has no arguments; they are a text that holds JSON");
    *out = (struct open_call){.pid = id->text, .name = name->text};
    out->id = str_f(x->r->arena, "c%lld_%zu", (long long)seq_next(x), i);
    *arguments = args->text;
    return 0;
}

static int write_calls(struct reader *x, const struct json *calls, struct json_writer *w, struct err *e)
{
    size_t n = calls ? calls->n : 0;
    x->open = ARENA_ARRAY(x->r->arena, struct open_call, n);
    x->open_n = n;
    json_key(w, "calls");
    json_open(w, '[');
    const struct json *call = n ? calls->child : NULL;
    for (size_t i = 0; call; call = call->next, i++) {
        struct open_call *o = &x->open[i];
        struct str arguments;
        int r = read_call(x, call, i, o, &arguments, e);
        if (r)
            return r;
        json_open(w, '{');
        json_pair_str(w, "id", o->id);
        json_pair_str(w, "pid", o->pid);
        json_pair_str(w, "name", o->name);
        json_pair_str(w, "args", arguments);
        json_close(w, '}');
        x->r->calls++;
    }
    json_close(w, ']');
    return 0;
}

static int reply_add(struct reader *x, struct str text, struct err *e)
{
    struct buf body;
    int64_t answered = seq_next(x) - 1;
    struct json_writer w = body_begin(x, &body);
    json_pair_str(&w, "mid", str_f(x->r->arena, "%.*s-%lld", STR_ARG(x->r->mid), (long long)seq_next(x)));
    json_pair_str(&w, "text", text);
    json_pair_int(&w, "of", answered);
    x->replied = true;
    return body_end(x, EVENT_REPLY_SENT, &w, e);
}

static int read_assistant(struct reader *x, const struct json *m, struct err *e)
{
    const struct json *content = json_get(m, "content"), *calls = json_get(m, "tool_calls");
    bool words = content && !json_is(content, JSON_NULL), calling = json_is(calls, JSON_ARRAY) && calls->n > 0;
    if (words && !json_is(content, JSON_STRING))
        return wrong(x, e, ".content", "is not text; parts other than text cannot be imported");
    if (calls && !json_is(calls, JSON_NULL) && !json_is(calls, JSON_ARRAY))
        return wrong(x, e, ".tool_calls", "is not a list");
    if (!words && !calling)
        return wrong(x, e, "", "from the assistant has neither content nor tool_calls");
    int r = calls_closed(x, e);
    if (r)
        return r;
    struct buf body;
    struct json_writer w = body_begin(x, &body);
    if (words)
        json_pair_str(&w, "text", content->text);
    r = write_calls(x, calling ? calls : NULL, &w, e);
    if (r)
        return r;
    json_pair_str(&w, "finish", calling ? STR("tool_calls") : STR("stop"));
    x->turn = x->moved = true;
    r = body_end(x, EVENT_MODEL_ANSWERED, &w, e);
    return r || calling ? r : reply_add(x, content->text, e);
}

static int read_tool(struct reader *x, const struct json *m, struct err *e)
{
    const struct json *id = json_get(m, "tool_call_id"), *name = json_get(m, "name");
    struct str text;
    int r = text_field(x, m, &text, e);
    if (r)
        return r;
    if (!json_is(id, JSON_STRING))
        return wrong(x, e, ".tool_call_id", "is missing; a tool's answer names the call");
    size_t i = 0;
    while (i < x->open_n && (x->open[i].answered || !str_eq(x->open[i].pid, id->text)))
        i++;
    if (i == x->open_n)
        return err_set(e, ERR_INVALID,
                       "messages[%zu].tool_call_id \"%.*s\" answers no open call of the assistant's last message",
                       x->at, STR_ARG(id->text));
    struct open_call *o = &x->open[i];
    if (name && !json_is(name, JSON_NULL) && !str_eq(json_str(name), o->name))
        return err_set(e, ERR_INVALID, "messages[%zu].name differs from the call it answers, %.*s", x->at,
                       STR_ARG(o->name));
    o->answered = true;
    struct buf body;
    struct json_writer w = body_begin(x, &body);
    json_pair_str(&w, "call", o->id);
    json_pair_str(&w, "tool", o->name);
    json_pair_str(&w, "class", str_starts(text, STR("Error")) ? STR("refused") : STR("ok"));
    json_key(&w, "result");
    json_open(&w, '{');
    json_pair_str(&w, "text", text);
    json_close(&w, '}');
    return body_end(x, EVENT_TOOL_ANSWERED, &w, e);
}

static const char *const talk_fields[] = {"role", "content", NULL};
static const char *const assistant_fields[] = {"role", "content", "tool_calls", NULL};
static const char *const tool_fields[] = {"role", "content", "tool_call_id", "name", NULL};

static const struct role {
    const char *name;
    const char *const *fields; /* read here; others are left out and counted */
    int (*read)(struct reader *x, const struct json *m, struct err *e);
} roles[] = {
    {"user", talk_fields, read_user},        {"assistant", assistant_fields, read_assistant},
    {"tool", tool_fields, read_tool},        {"system", talk_fields, read_system},
    {"developer", talk_fields, read_system},
};

static int read_message(struct reader *x, const struct json *m, struct err *e)
{
    const struct json *role = json_get(m, "role");
    if (!json_is(m, JSON_OBJECT))
        return wrong(x, e, "", "is not an object");
    if (!role)
        return wrong(x, e, ".role", "is missing; every message needs user, assistant, tool or system");
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (!json_is(role, JSON_STRING) || !str_is(role->text, roles[i].name))
            continue;
        for (const struct json *field = m->child; field; field = field->next)
            if (!is_field(field, roles[i].fields) && !json_is(field, JSON_NULL))
                x->r->ignore(x->r->ignore_arg, str_f(x->r->arena, "message.%.*s", STR_ARG(field->key)));
        int r = roles[i].read(x, m, e);
        x->begun = x->begun || roles[i].read != read_system;
        return r;
    }
    return wrong(x, e, ".role", "is none of user, assistant, tool and system");
}

/* Nobody may take up a recorded conversation: its last turn ends and it closes. */
static int finish(struct reader *x, struct err *e)
{
    for (size_t i = 0; i < x->open_n; i++)
        x->r->calls_unanswered += !x->open[i].answered;
    int r = x->turn ? turn_end(x, e) : 0;
    if (r)
        return r;
    struct buf body;
    struct json_writer w = body_begin(x, &body);
    json_pair_str(&w, "by", STR("import"));
    return body_end(x, EVENT_CLOSED, &w, e);
}

int recording_read(struct recording *r, const struct json *messages, struct err *e)
{
    struct reader x = {.r = r};
    if (!json_is(messages, JSON_ARRAY) || messages->n == 0)
        return err_set(e, ERR_INVALID, "messages is missing or empty");
    /* A message makes two events at most; opening, the last turn's end and closing come on top. */
    r->events = ARENA_ARRAY(r->arena, struct event, 2 * (size_t)messages->n + 3);
    r->events[0] = (struct event){.seq = 1, .kind = EVENT_OPENED, .at_us = r->at_us, .body = r->opened};
    r->n = 1;
    for (const struct json *m = messages->child; m; m = m->next, x.at++) {
        int bad = read_message(&x, m, e);
        if (bad)
            return bad;
    }
    if (!x.begun)
        return err_set(e, ERR_INVALID, "messages has nobody but the system speaking");
    r->messages = messages->n;
    r->system = x.system;
    return finish(&x, e);
}

struct str recording_first_words(const struct json *messages)
{
    const struct json *m = json_is(messages, JSON_ARRAY) ? messages->child : NULL;
    for (; m; m = m->next)
        if (str_is(json_str(json_get(m, "role")), "user"))
            return json_str(json_get(m, "content"));
    return STR("");
}
