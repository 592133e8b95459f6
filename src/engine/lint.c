#include "engine/lint.h"

#include "base/expr.h"
#include "base/template.h"
#include "base/yaml.h"
#include "engine/handoff.h"

#include <stdio.h>

/* What is being looked at. */
struct lint {
    const struct agent *ag;
    const char *file;
    const struct json *routine;
    struct str step; /* the id of the one in the routine */
    struct err *e;
};

static int PRINTF_LIKE(3, 4) refuse(const struct lint *l, const struct json *at, const char *format, ...)
{
    char sentence[sizeof l->e->text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    return yaml_refuse(l->e, l->file, at, "%s%.*s%s%s", l->step.n ? "step " : "", STR_ARG(l->step),
                       l->step.n ? ": " : "", sentence);
}

static bool macro_exists(const struct lint *l, struct str name)
{
    return name.n && json_get(l->ag->macros, str_c(l->ag->arena, name));
}

/* Of a condition or another expression. */
static int lint_expr(const struct lint *l, const struct json *v, const char *what)
{
    struct err why;
    return expr_check(json_str(v), &why) < 0 ? refuse(l, v, "%s: %s", what, why.text) : 0;
}

/* --- routines --- */

static int lint_target(const struct lint *l, const struct json *to)
{
    const struct json *steps = json_get(l->routine, "steps");
    for (const struct json *s = steps ? steps->child : NULL; s; s = s->next)
        if (str_eq(json_str(json_get(s, "id")), json_str(to)))
            return 0;
    return refuse(l, to, "%.*s names %.*s, which is no step", STR_ARG(to->key), STR_ARG(json_str(to)));
}

static int lint_targets(const struct lint *l, const struct json *step)
{
    static const char *const targets[] = {"next",    "ok",      "already_done", "no",
                                          "unclear", "refused", "unknown",      "on_max"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const struct json *to = json_get(step, targets[i]);
        if (to && lint_target(l, to) < 0)
            return ERR_INVALID;
    }
    const struct json *on_error = json_get(step, "on_error");
    for (const struct json *to = on_error ? on_error->child : NULL; to; to = to->next)
        if (lint_target(l, to) < 0)
            return ERR_INVALID;
    return 0;
}

static int lint_say(const struct lint *l, const struct json *say)
{
    return macro_exists(l, json_str(say)) ? 0
                                          : refuse(l, say, "it says %.*s, which is no macro", STR_ARG(json_str(say)));
}

static int lint_call(const struct lint *l, const struct json *call)
{
    for (const struct json *c = call->child; c; c = c->next)
        if (!agent_tool(l->ag, json_str(c)))
            return refuse(l, c, "it calls %.*s, which the agent has not", STR_ARG(json_str(c)));
    return 0;
}

static bool slot_exists(const struct lint *l, struct str name)
{
    for (const struct json *s = l->ag->slots->child; s; s = s->next)
        if (str_eq(json_str(json_get(s, "slot")), name))
            return true;
    return false;
}

static int lint_ask(const struct lint *l, const struct json *ask)
{
    for (const struct json *q = ask->child; q; q = q->next) {
        const struct json *when = json_get(q, "when"), *question = json_get(q, "question"), *slot = json_get(q, "slot");
        if (!slot_exists(l, json_str(slot)))
            return refuse(l, slot, "it asks for %.*s, which is no slot", STR_ARG(json_str(slot)));
        if (!macro_exists(l, json_str(question)))
            return refuse(l, question, "it asks with %.*s, which is no macro", STR_ARG(json_str(question)));
        if (when && lint_expr(l, when, "when") < 0)
            return ERR_INVALID;
    }
    return 0;
}

static int lint_decide(const struct lint *l, const struct json *decide)
{
    for (const struct json *d = decide->child; d; d = d->next) {
        const struct json *condition = json_get(d, "if");
        if (condition && lint_expr(l, condition, "if") < 0)
            return ERR_INVALID;
        if (lint_target(l, json_get(d, condition ? "to" : "else")) < 0)
            return ERR_INVALID;
    }
    return 0;
}

static int lint_confirm(const struct lint *l, const struct json *confirm)
{
    const struct json *tool = json_get(confirm, "tool"), *args = json_get(confirm, "args");
    const struct tool *t = agent_tool(l->ag, json_str(tool));
    const struct json *properties = t ? json_get(t->model_input, "properties") : NULL;
    if (!t || !t->action)
        return refuse(l, tool, "it confirms %.*s, which is no action of the agent", STR_ARG(json_str(tool)));
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next) {
        const char *name = str_c(l->ag->arena, arg->key);
        if (!json_get(properties, name))
            return refuse(l, arg, "%.*s takes no argument %s", STR_ARG(t->name), name);
        if (lint_expr(l, arg, name) < 0)
            return ERR_INVALID;
    }
    return 0;
}

static int lint_handoff(const struct lint *l, const struct json *reason)
{
    struct str name = json_str(reason);
    return handoff_reason_known(name)
               ? 0
               : refuse(l, reason, "it hands over because of %.*s, which is no reason", STR_ARG(name));
}

static const struct verb {
    const char *key;
    int (*lint)(const struct lint *l, const struct json *v);
} verbs[] = {
    {"say", lint_say},       {"call", lint_call},       {"ask", lint_ask},
    {"decide", lint_decide}, {"confirm", lint_confirm}, {"handoff", lint_handoff},
};

static int lint_routine(struct lint *l, const struct json *routine)
{
    l->routine = routine;
    for (const struct json *s = json_get(routine, "steps")->child; s; s = s->next) {
        l->step = json_str(json_get(s, "id"));
        if (lint_targets(l, s) < 0)
            return ERR_INVALID;
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
            const struct json *v = json_get(s, verbs[i].key);
            if (v && verbs[i].lint(l, v) < 0)
                return ERR_INVALID;
        }
    }
    l->step = STR_NONE;
    return 0;
}

/* --- the other kinds --- */

static int lint_macros(struct lint *l, const struct json *macros)
{
    struct err why;
    for (const struct json *t = json_get(macros, "texts")->child; t; t = t->next)
        for (const struct json *language = t->child; language; language = language->next)
            if (template_check(language->text, NULL, NULL, &why) < 0)
                return refuse(l, language, "%.*s.%.*s: %s", STR_ARG(t->key), STR_ARG(language->key), why.text);
    return 0;
}

static int lint_tool(struct lint *l, const struct json *spec)
{
    const struct tool *t = agent_tool(l->ag, json_str(json_get(spec, "tool")));
    if (t->action && t->gate == TOOL_GATE_CUSTOMER && !macro_exists(l, t->confirm_macro))
        return refuse(l, json_path(spec, STR("confirm.text")),
                      "confirm.text names %.*s, which is no macro of the agent", STR_ARG(t->confirm_macro));
    return 0;
}

static int lint_slots(struct lint *l, const struct json *scratchpad)
{
    for (const struct json *s = json_get(scratchpad, "slots")->child; s; s = s->next) {
        const struct json *values = json_get(s, "values"), *otherwise = json_get(s, "default");
        struct str name = json_str(json_get(s, "slot"));
        if (!str_is(json_str(json_get(s, "type")), "enum"))
            continue;
        if (!values)
            return refuse(l, s, "slot %.*s: an enum needs `values`", STR_ARG(name));
        if (otherwise && !json_get(values, str_c(l->ag->arena, json_str(otherwise))))
            return refuse(l, otherwise, "slot %.*s: default is %.*s, which is none of its values", STR_ARG(name),
                          STR_ARG(json_str(otherwise)));
    }
    return 0;
}

static const struct kind {
    const char *name, *folder;
    int (*lint)(struct lint *l, const struct json *body);
} kinds[] = {
    {"routines", "routines", lint_routine},
    {"macros", "macros", lint_macros},
    {"tools", "tools", lint_tool},
    {"scratchpad", "scratchpads", lint_slots},
};

static int lint_self(struct lint *l, const struct json *self)
{
    static const char *const needed[] = {"runtime.handoff", "runtime.handoff_unknown", "runtime.handoff_model"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!macro_exists(l, str_of(needed[i])))
            return refuse(l, json_get(self, "compose"), "the macro %s is missing: what the runtime says by itself",
                          needed[i]);
    return 0;
}

int lint_agent(const struct agent *ag, const struct json *all, const char *dir, struct err *e)
{
    struct lint l = {.ag = ag, .e = e};
    l.file = str_f(ag->arena, "%s/agents/%.*s.yaml", dir, STR_ARG(ag->name)).p;
    if (lint_self(&l, json_get(all, "agent")) < 0)
        return ERR_INVALID;
    for (const struct json *m = json_get(all, "modules")->child; m; m = m->next)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            if (!str_is(json_str(json_get(m, "kind")), kinds[i].name))
                continue;
            l.file =
                str_f(ag->arena, "%s/%s/%.*s.yaml", dir, kinds[i].folder, STR_ARG(json_str(json_get(m, "name")))).p;
            if (kinds[i].lint(&l, json_get(m, "body")) < 0)
                return ERR_INVALID;
        }
    return 0;
}
