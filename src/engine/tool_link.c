#include "engine/tool_parts.h"

#include "base/yaml.h"

/* What is being linked. */
struct link {
    struct tool *tools;
    size_t n;
    const char *file;
    struct err *e;
};

static const struct tool *find(const struct tool *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].name, name))
            return &list[i];
    return NULL;
}

/* The last step that does more than compute: in an action it is the one that acts. */
static const struct json *last_effect(const struct json *steps)
{
    const struct json *last = NULL;
    for (const struct json *s = steps->child; s; s = s->next) {
        struct str verb = str_of(tool_verb(s));
        if (!str_is(verb, "let") && !str_is(verb, "lua"))
            last = s;
    }
    return last;
}

/* How many tools deep its steps go; TOOL_DEPTH_MAX + 1 for more, as in a circle. */
static int depth(const struct link *l, const struct tool *t, int so_far)
{
    int deepest = so_far;
    if (so_far > TOOL_DEPTH_MAX)
        return so_far;
    for (const struct json *s = t->steps ? t->steps->child : NULL; s; s = s->next) {
        const struct tool *called = find(l->tools, l->n, json_str(json_get(s, "tool")));
        int below = called ? depth(l, called, so_far + 1) : so_far;
        deepest = below > deepest ? below : deepest;
    }
    return deepest;
}

static int link_call(const struct link *l, struct tool *t, const struct json *step, bool acts)
{
    const struct json *name = json_get(step, "tool"), *args = json_get(step, "args");
    const struct tool *called = find(l->tools, l->n, json_str(name));
    struct str id = json_str(json_get(step, "id"));
    if (!called)
        return yaml_refuse(l->e, l->file, name, "the step %.*s calls %.*s, which is no tool of the agent", STR_ARG(id),
                           STR_ARG(json_str(name)));
    if (called->action && !t->action)
        return yaml_refuse(l->e, l->file, name, "%.*s is an action, so this tool is one too: effect: action",
                           STR_ARG(called->name));
    if (called->action != acts)
        return yaml_refuse(
            l->e, l->file, name,
            acts ? "%.*s is a read; the last step of an action that calls or asks anything is what it does"
                 : "%.*s is an action; of those there is one, and nothing is called or asked after it",
            STR_ARG(called->name));
    for (const struct json *v = args ? args->child : NULL; v; v = v->next) {
        unsigned sources = tool_argument_sources(called, v->key);
        if (!sources || sources & TOOL_SESSION)
            return yaml_refuse(l->e, l->file, v,
                               sources ? "%.*s of %.*s is set by the session; leave it out"
                                       : "there is no argument %.*s of %.*s",
                               STR_ARG(v->key), STR_ARG(called->name));
    }
    if (!acts)
        return 0;
    if (called->steps)
        return yaml_refuse(l->e, l->file, name,
                           "%.*s is a composite itself; an action calls the one that has the request",
                           STR_ARG(called->name));
    if (called->idempotency != t->idempotency)
        return yaml_refuse(l->e, l->file, json_get(t->spec, "idempotency") ? json_get(t->spec, "idempotency") : name,
                           "idempotency.mode must be that of %.*s, which this action calls", STR_ARG(called->name));
    if (json_get(t->spec, "reconcile"))
        return yaml_refuse(l->e, l->file, json_get(t->spec, "reconcile"),
                           "how an outcome is learnt is said by %.*s, which this action calls", STR_ARG(called->name));
    t->does = called;
    t->identity_min = called->identity_min > t->identity_min ? called->identity_min : t->identity_min;
    t->irrevocable = t->irrevocable || called->irrevocable;
    return 0;
}

static int link_one(const struct link *l, struct tool *t)
{
    const struct json *last = t->action ? last_effect(t->steps) : NULL;
    if (t->action && (!last || json_get(last, "each") || json_get(last, "when")))
        return yaml_refuse(l->e, l->file, last ? last : t->steps,
                           "the last step of an action that calls or asks anything is done once and always: no `each`, "
                           "no `when`");
    for (const struct json *s = t->steps->child; s; s = s->next) {
        struct str method = json_str_or(json_get(json_get(s, "http"), "method"), STR("GET"));
        if (json_get(s, "tool") && link_call(l, t, s, s == last) < 0)
            return ERR_INVALID;
        if (t->action && s != last && (!str_is(method, "GET") || json_get(s, "command")))
            return yaml_refuse(l->e, l->file, s, "before what an action does its steps only look: GET, or a read");
    }
    if (depth(l, t, 0) > TOOL_DEPTH_MAX)
        return yaml_refuse(l->e, l->file, t->steps, "tools call tools more than %d deep, or in a circle",
                           TOOL_DEPTH_MAX);
    return 0;
}

int tool_link(struct arena *a, struct tool *tools, size_t n, const char *dir, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct link l = {tools, n, NULL, e};
        tools[i].others = tools;
        tools[i].others_n = n;
        if (!tools[i].steps)
            continue;
        l.file = str_f(a, "%s%stools/%.*s.yaml", dir, *dir ? "/" : "", STR_ARG(tools[i].name)).p;
        if (link_one(&l, &tools[i]) < 0)
            return ERR_INVALID;
    }
    return 0;
}
