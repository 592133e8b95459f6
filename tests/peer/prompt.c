#include "prompt.h"

#include "skim.h"

static void member_note(struct prompt *p, struct str key, struct str value)
{
    if (str_is(key, "stream"))
        p->stream = str_is(value, "true");
    else if (str_is(key, "stream_options"))
        p->usage = str_has(value, STR("include_usage")) && str_has(value, STR("true"));
}

static struct str member_find(struct str object, const char *name)
{
    struct str inside = str_from(object, 1), key, value;
    while (skim_member(&inside, &key, &value))
        if (str_is(key, name))
            return value;
    return STR_NONE;
}

static struct str unquoted(struct str value)
{
    return value.n >= 2 && value.p[0] == '"' ? (struct str){value.p + 1, value.n - 2} : STR_NONE;
}

static bool message_of(struct str raw, struct message *m)
{
    m->raw = raw;
    m->role = raw.n && raw.p[0] == '{' ? unquoted(member_find(raw, "role")) : STR_NONE;
    return m->role.n > 0;
}

/* Where "messages" begins, seen from the front; what comes before it is noted on the way. */
static const char *messages_begin(struct str body, struct prompt *p)
{
    struct str inside = str_from(body, 1), key, value;
    while (skim_key(&inside, &key)) {
        if (str_is(key, "messages") && str_starts(inside, STR("[")))
            return inside.p + 1;
        if (!skim_value(&inside, &value))
            return NULL;
        member_note(p, key, value);
    }
    return NULL;
}

/* Members behind the messages are taken off the end until the last value is the messages. */
static bool messages_end(struct str rest, struct prompt *p)
{
    struct str key, value;
    struct message m;
    for (;;) {
        rest = str_trim(rest);
        struct str inside = str_head(rest, rest.n ? rest.n - 1 : 0);
        if (rest.n && rest.p[rest.n - 1] == ']') {
            p->messages = inside;
            if (skim_last(&inside, &value) && message_of(value, &m))
                return true;
        }
        if (!skim_last_member(&rest, &key, &value))
            return false;
        member_note(p, key, value);
        if (str_ends(str_trim(rest), STR(",")))
            rest = str_head(str_trim(rest), str_trim(rest).n - 1);
    }
}

int prompt_read(struct str body, struct prompt *out, struct err *e)
{
    *out = (struct prompt){0};
    body = str_trim(body);
    if (body.n < 2 || body.p[0] != '{' || body.p[body.n - 1] != '}')
        return err_set(e, ERR_INVALID, "the body is no JSON object");
    const char *begin = messages_begin(body, out);
    if (!begin || !messages_end((struct str){begin, (size_t)(body.p + body.n - 1 - begin)}, out))
        return err_set(e, ERR_INVALID, "the body has no list of messages");

    struct str rest = out->messages, raw;
    struct message m;
    out->before = rest;
    if (!skim_last(&rest, &raw) || !message_of(raw, &m))
        return err_set(e, ERR_INVALID, "the list of messages is empty or broken");
    if (str_is(m.role, "system") || str_is(m.role, "developer")) {
        out->state = m;
        out->before = rest;
    }
    rest = out->before;
    if (prompt_back(&rest, &m))
        out->last = m;
    return 0;
}

bool prompt_back(struct str *rest, struct message *m)
{
    struct str raw;
    if (!skim_last(rest, &raw) || !message_of(raw, m))
        return false;
    return !str_is(m->role, "system") && !str_is(m->role, "developer");
}

static struct json *message_tree(struct arena *a, const struct message *m)
{
    struct json *tree;
    return json_parse(a, m->raw, &tree, NULL) == 0 ? tree : NULL;
}

static struct str content_text(struct arena *a, const struct json *content)
{
    if (!json_is(content, JSON_ARRAY))
        return json_str(content);
    struct buf text = buf_new(a, 1 << 20);
    for (const struct json *part = content->child; part; part = part->next)
        buf_add(&text, json_str(json_get(part, "text")));
    return buf_str(&text);
}

struct str message_text(struct arena *a, const struct message *m)
{
    return content_text(a, json_get(message_tree(a, m), "content"));
}

/* A model's answer with calls, and the results that follow it; results from the last to the first. */
struct exchange {
    const struct json *calls;
    const struct json *results[PROMPT_CALLS_MAX];
    size_t results_n;
};

static bool exchange_back(struct str *rest, struct arena *a, struct exchange *x)
{
    struct message m;
    x->results_n = 0;
    while (prompt_back(rest, &m)) {
        if (str_is(m.role, "tool")) {
            if (x->results_n < PROMPT_CALLS_MAX)
                x->results[x->results_n++] = message_tree(a, &m);
            continue;
        }
        x->calls = NULL;
        if (str_is(m.role, "assistant") && str_has(m.raw, STR("\"tool_calls\"")))
            x->calls = json_get(message_tree(a, &m), "tool_calls");
        if (x->calls)
            return true;
        x->results_n = 0;
    }
    return false;
}

static struct str call_name(const struct exchange *x, const struct json *result)
{
    struct str id = json_str(json_get(result, "tool_call_id"));
    for (const struct json *call = x->calls->child; call; call = call->next)
        if (str_eq(json_str(json_get(call, "id")), id))
            return json_str(json_get(json_get(call, "function"), "name"));
    return json_str(json_get(result, "name"));
}

bool prompt_result(const struct prompt *p, struct arena *a, const char *tool, struct str *name, struct str *text)
{
    struct str rest = p->before;
    struct exchange x;
    while (exchange_back(&rest, a, &x)) {
        for (size_t i = 0; i < x.results_n; i++) {
            *name = call_name(&x, x.results[i]);
            *text = content_text(a, json_get(x.results[i], "content"));
            if (!tool || str_is(*name, tool))
                return true;
        }
        if (!tool)
            return false;
    }
    return false;
}

bool prompt_called(const struct prompt *p, struct arena *a, struct str tool)
{
    struct str rest = p->before;
    struct exchange x;
    while (exchange_back(&rest, a, &x))
        for (const struct json *call = x.calls->child; call; call = call->next)
            if (str_eq(json_str(json_get(json_get(call, "function"), "name")), tool))
                return true;
    return false;
}

int prompt_user_turns(const struct prompt *p)
{
    struct str rest = p->before;
    struct message m;
    int n = 0;
    while (prompt_back(&rest, &m))
        n += str_is(m.role, "user");
    return n;
}

int prompt_calls_since_user(const struct prompt *p)
{
    struct str rest = p->before;
    struct message m;
    int n = 0;
    while (prompt_back(&rest, &m) && !str_is(m.role, "user"))
        n += str_is(m.role, "tool");
    return n;
}
