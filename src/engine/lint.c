#include "engine/lint.h"

#include "base/expr.h"
#include "engine/handoff.h"

static int lint_budgets(const struct json *budgets, struct err *e)
{
    static const char *const names[] = {"model_calls", "tool_calls", "identical_calls",
                                        "turn_ms",     "resumes",    "reply_chars"};
    for (const struct json *b = budgets ? budgets->child : NULL; b; b = b->next) {
        size_t i = 0;
        while (i < sizeof names / sizeof *names && !str_is(b->key, names[i]))
            i++;
        if (i == sizeof names / sizeof *names)
            return err_set(e, ERR_INVALID, "there is no budget %.*s", STR_ARG(b->key));
        int64_t v = json_int(b, 0);
        if (v < 1 || v > INT32_MAX)
            return err_set(e, ERR_INVALID, "budgets.%.*s is a whole number from 1 on", STR_ARG(b->key));
    }
    return 0;
}

/* --- routines --- */

static bool step_exists(const struct json *routine, struct str id)
{
    const struct json *steps = json_get(routine, "steps");
    for (const struct json *s = steps ? steps->child : NULL; s; s = s->next)
        if (str_eq(json_str(json_get(s, "id")), id))
            return true;
    return false;
}

static bool macro_exists(const struct agent *ag, const struct json *name)
{
    return json_is(name, JSON_STRING) && json_get(ag->macros, str_c(ag->arena, name->text));
}

static bool slot_exists(const struct agent *ag, struct str name)
{
    for (const struct json *s = ag->slots->child; s; s = s->next)
        if (str_eq(json_str(json_get(s, "slot")), name))
            return true;
    return false;
}

static int lint_targets(const struct json *routine, const struct json *s, struct err *e)
{
    static const char *const targets[] = {"next",    "ok",      "already_done", "no",
                                          "unclear", "refused", "unknown",      "on_max"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const struct json *to = json_get(s, targets[i]);
        if (to && !step_exists(routine, json_str(to)))
            return err_set(e, ERR_INVALID, "%s names %.*s, which is no step", targets[i], STR_ARG(json_str(to)));
    }
    const struct json *on_error = json_get(s, "on_error");
    for (const struct json *o = on_error ? on_error->child : NULL; o; o = o->next)
        if (!step_exists(routine, json_str(o)))
            return err_set(e, ERR_INVALID, "on_error names %.*s, which is no step", STR_ARG(json_str(o)));
    return 0;
}

static int lint_say(const struct agent *ag, const struct json *routine, const struct json *say, struct err *e)
{
    return macro_exists(ag, say) ? 0
                                 : err_set(e, ERR_INVALID, "it says %.*s, which is no macro", STR_ARG(json_str(say)));
}

static int lint_call(const struct agent *ag, const struct json *routine, const struct json *call, struct err *e)
{
    for (const struct json *c = call->child; c; c = c->next)
        if (!agent_tool(ag, json_str(c)))
            return err_set(e, ERR_INVALID, "it calls %.*s, which the agent has not", STR_ARG(json_str(c)));
    return 0;
}

static int lint_ask(const struct agent *ag, const struct json *routine, const struct json *ask, struct err *e)
{
    for (const struct json *q = ask->child; q; q = q->next) {
        const struct json *when = json_get(q, "when"), *question = json_get(q, "question");
        struct str slot = json_str(json_get(q, "slot"));
        if (!slot_exists(ag, slot))
            return err_set(e, ERR_INVALID, "it asks for %.*s, which is no slot", STR_ARG(slot));
        if (!macro_exists(ag, question))
            return err_set(e, ERR_INVALID, "it asks with %.*s, which is no macro", STR_ARG(json_str(question)));
        if (when && expr_check(json_str(when), e) < 0)
            return ERR_INVALID;
    }
    return 0;
}

static int lint_decide(const struct agent *ag, const struct json *routine, const struct json *decide, struct err *e)
{
    for (const struct json *d = decide->child; d; d = d->next) {
        const struct json *condition = json_get(d, "if"), *to = json_get(d, condition ? "to" : "else");
        if (condition && expr_check(json_str(condition), e) < 0)
            return ERR_INVALID;
        if (!to || !step_exists(routine, json_str(to)))
            return err_set(e, ERR_INVALID, "it decides for a step that is not there");
    }
    return 0;
}

static int lint_confirm(const struct agent *ag, const struct json *routine, const struct json *confirm, struct err *e)
{
    struct str name = json_str(json_get(confirm, "tool"));
    const struct tool *t = agent_tool(ag, name);
    const struct json *args = json_get(confirm, "args"),
                      *properties = t ? json_get(t->model_input, "properties") : NULL;
    if (!t || !t->action)
        return err_set(e, ERR_INVALID, "it confirms %.*s, which is no action of the agent", STR_ARG(name));
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next) {
        if (!json_get(properties, str_c(ag->arena, arg->key)))
            return err_set(e, ERR_INVALID, "%.*s takes no argument %.*s", STR_ARG(name), STR_ARG(arg->key));
        if (expr_check(json_str(arg), e) < 0)
            return err_in(e, "the argument %.*s", STR_ARG(arg->key));
    }
    return 0;
}

static int lint_handoff(const struct agent *ag, const struct json *routine, const struct json *reason, struct err *e)
{
    return handoff_reason_known(json_str(reason))
               ? 0
               : err_set(e, ERR_INVALID, "it hands over because of %.*s, which is no reason",
                         STR_ARG(json_str(reason)));
}

static const struct step_kind {
    const char *key;
    int (*lint)(const struct agent *ag, const struct json *routine, const struct json *v, struct err *e);
} step_kinds[] = {
    {"say", lint_say},       {"call", lint_call},       {"ask", lint_ask},
    {"decide", lint_decide}, {"confirm", lint_confirm}, {"handoff", lint_handoff},
};

static int lint_step(const struct agent *ag, const struct json *routine, const struct json *s, struct err *e)
{
    size_t kinds = 0;
    if (lint_targets(routine, s, e) < 0)
        return ERR_INVALID;
    for (size_t i = 0; i < sizeof step_kinds / sizeof *step_kinds; i++) {
        const struct json *v = json_get(s, step_kinds[i].key);
        kinds += v != NULL;
        if (v && step_kinds[i].lint(ag, routine, v, e) < 0)
            return ERR_INVALID;
    }
    return kinds == 1 ? 0 : err_set(e, ERR_INVALID, "a step does one of say, call, ask, decide, confirm and handoff");
}

static int lint_routine(const struct agent *ag, const struct json *routine, struct err *e)
{
    const struct json *steps = json_get(routine, "steps");
    for (const struct json *s = steps ? steps->child : NULL; s; s = s->next) {
        struct str id = json_str(json_get(s, "id"));
        if (!id.n)
            return err_set(e, ERR_INVALID, "a step has no id");
        if (lint_step(ag, routine, s, e) < 0)
            return err_in(e, "step %.*s", STR_ARG(id));
    }
    return 0;
}

/* --- slots --- */

static int lint_slots(const struct agent *ag, const struct json *slots, struct err *e)
{
    for (const struct json *s = slots ? slots->child : NULL; s; s = s->next) {
        struct str name = json_str(json_get(s, "slot")), type = json_str_or(json_get(s, "type"), STR("text"));
        struct str otherwise = json_str(json_get(s, "default"));
        const struct json *values = json_get(s, "values");
        bool is_enum = str_is(type, "enum");
        if (!name.n)
            return err_set(e, ERR_INVALID, "a slot has no name; write `slot: NAME`");
        if (!is_enum && !str_is(type, "text") && !str_is(type, "integer"))
            return err_set(e, ERR_INVALID, "slot %.*s: type is %.*s; write enum, text or integer", STR_ARG(name),
                           STR_ARG(type));
        if (is_enum && !json_is(values, JSON_OBJECT))
            return err_set(e, ERR_INVALID, "slot %.*s: an enum needs `values`", STR_ARG(name));
        if (is_enum && otherwise.n && !json_get(values, str_c(ag->arena, otherwise)))
            return err_set(e, ERR_INVALID, "slot %.*s: default is %.*s, which is none of its values", STR_ARG(name),
                           STR_ARG(otherwise));
    }
    return 0;
}

int lint_agent(const struct agent *ag, const struct json *bundle, struct err *e)
{
    const struct json *modules = json_get(bundle, "modules");
    if (lint_budgets(json_path(bundle, STR("agent.budgets")), e) < 0)
        return err_in(e, "agents/%.*s.yaml", STR_ARG(ag->name));
    for (const struct json *m = modules->child; m; m = m->next) {
        struct str kind = json_str(json_get(m, "kind")), name = json_str(json_get(m, "name"));
        const struct json *body = json_get(m, "body");
        if (str_is(kind, "routines") && lint_routine(ag, body, e) < 0)
            return err_in(e, "routines/%.*s.yaml", STR_ARG(name));
        if (str_is(kind, "scratchpad") && lint_slots(ag, json_get(body, "slots"), e) < 0)
            return err_in(e, "scratchpads/%.*s.yaml", STR_ARG(name));
    }
    return 0;
}
