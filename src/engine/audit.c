#include "engine/audit.h"

struct masking {
    struct arena *arena;
    const struct agent *agent; /* the version that answers; NULL: it is not known */
    struct json *hidden;       /* the values that were masked so far */
};

struct str audit_mask_text(struct arena *a, const struct agent *ag, struct str tool, struct str text,
                           struct json *hidden)
{
    const struct tool *t = ag ? agent_tool(ag, tool) : NULL;
    struct json *v;
    if (!t || !json_get(t->spec, "audit") || json_parse(a, text, &v, NULL) < 0)
        return text;
    return json_text(a, tool_masked(a, t, v, hidden));
}

struct str audit_mask_value(const struct json *hidden, struct str value)
{
    for (const struct json *h = hidden->child; h; h = h->next)
        if (str_eq(h->text, value))
            return STR("[masked]");
    return value;
}

/* The member `key` of an event or a call, by the mask of the tool that `name` names. */
static void mask_member(struct masking *m, struct json *of, const char *name, const char *key)
{
    const struct tool *t = m->agent ? agent_tool(m->agent, json_str(json_get(of, name))) : NULL;
    const struct json *v = json_get(of, key);
    if (!t || !v)
        return;
    if (json_is(v, JSON_STRING)) /* a model's argument text */
        json_set(of, str_of(key),
                 json_new_str(m->arena, audit_mask_text(m->arena, m->agent, t->name, v->text, m->hidden)));
    else
        json_set(of, str_of(key), tool_masked(m->arena, t, v, m->hidden));
}

static void mask_calls(struct masking *m, struct json *body)
{
    const struct json *calls = json_get(body, "calls");
    struct json *copy = json_new(m->arena, JSON_ARRAY);
    for (const struct json *c = calls ? calls->child : NULL; c; c = c->next) {
        struct json *call = json_copy(m->arena, c);
        mask_member(m, call, "name", "args");
        json_push(copy, call);
    }
    if (calls)
        json_set(body, STR("calls"), copy);
}

/* Members `value` of a list's items that hold something that was hidden: slots, what was shown. */
static void mask_values(struct masking *m, struct json *body, const char *list)
{
    const struct json *items = json_get(body, list);
    struct json *copy = json_new(m->arena, JSON_ARRAY);
    for (const struct json *i = items ? items->child : NULL; i; i = i->next) {
        struct json *item = json_copy(m->arena, i);
        const struct json *value = json_get(item, "value");
        if (value && (json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER)) &&
            str_is(audit_mask_value(m->hidden, value->text), "[masked]"))
            json_set(item, STR("value"), json_new_str(m->arena, STR("[masked]")));
        json_push(copy, item);
    }
    if (items)
        json_set(body, str_of(list), copy);
}

static void mask_body(struct masking *m, enum event_kind kind, struct json *body)
{
    switch (kind) {
    case EVENT_MODEL_ANSWERED:
    case EVENT_ROUTINE_WALKED: mask_calls(m, body); break;
    case EVENT_ACTION_PROPOSED:
        mask_member(m, body, "tool", "args");
        mask_values(m, body, "shown");
        break;
    case EVENT_TOOL_ANSWERED:
        mask_member(m, body, "tool", "args");
        mask_member(m, body, "tool", "result");
        break;
    case EVENT_ACTION_DONE: mask_member(m, body, "tool", "result"); break;
    case EVENT_SCRATCHPAD_UPDATED: mask_values(m, body, "set"); break;
    default: break;
    }
}

/* Whoever answers from this event on. */
static void follow(struct masking *m, struct versions *v, enum event_kind kind, const struct json *body)
{
    const struct json *sha = json_get(body, kind == EVENT_OPENED ? "agent_sha" : "to");
    if ((kind == EVENT_OPENED || kind == EVENT_AGENT_SWITCHED) && !str_is(json_str(sha), "human") &&
        versions_recall(v, json_str(sha), &m->agent, NULL) < 0)
        m->agent = NULL;
}

static struct str mask_event(struct masking *m, struct versions *v, const struct event *ev)
{
    struct json *body;
    if (json_parse(m->arena, ev->body, &body, NULL) < 0)
        return ev->body;
    follow(m, v, ev->kind, body);
    mask_body(m, ev->kind, body);
    return json_text(m->arena, body);
}

void audit_mask(struct arena *a, struct versions *v, struct event *events, size_t n)
{
    struct masking m = {.arena = a, .hidden = json_new(a, JSON_ARRAY)};
    for (size_t i = 0; i < n; i++) /* a slot may have held the value before a tool was told it */
        mask_event(&m, v, &events[i]);
    for (size_t i = 0; i < n && m.hidden->n; i++)
        events[i].body = mask_event(&m, v, &events[i]);
}
