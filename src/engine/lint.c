#include "engine/lint.h"

#include "base/expr.h"
#include "base/template.h"
#include "base/yaml.h"
#include "engine/handoff.h"
#include "engine/keys.h"

#include <stdio.h>

/* What is being looked at. */
struct lint {
    const struct agent *ag;
    const char *file;
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
    return expr_check(routine_expr(l->ag->arena, json_str(v)), &why) < 0 ? refuse(l, v, "%s: %s", what, why.text) : 0;
}

static int lint_values(const struct lint *l, const struct json *map)
{
    for (const struct json *v = map ? map->child : NULL; v; v = v->next)
        if (v->kind == JSON_STRING && lint_expr(l, v, str_c(l->ag->arena, v->key)) < 0)
            return ERR_INVALID;
    return 0;
}

static int lint_arguments(const struct lint *l, const struct tool *t, const struct json *args)
{
    const struct json *properties = json_get(t->model_input, "properties");
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next)
        if (!json_get(properties, str_c(l->ag->arena, arg->key)))
            return refuse(l, arg, "%.*s takes no argument %.*s", STR_ARG(t->name), STR_ARG(arg->key));
    return lint_values(l, args);
}

/* --- routines --- */

static int lint_say(const struct lint *l, const struct routine_step *s)
{
    const struct json *fields = json_is(s->arg, JSON_OBJECT) ? json_get(s->arg, "fields") : NULL;
    if (s->macro.n && !macro_exists(l, s->macro))
        return refuse(l, s->arg, "it says %.*s, which is no macro", STR_ARG(s->macro));
    return lint_values(l, fields);
}

static int lint_call(const struct lint *l, const struct routine_step *s)
{
    for (size_t i = 0; i < s->calls_n; i++) {
        const struct tool *t = agent_tool(l->ag, s->calls[i].tool);
        if (!t)
            return refuse(l, s->calls[i].at, "it calls %.*s, which the agent has not", STR_ARG(s->calls[i].tool));
        if (t->action)
            return refuse(l, s->calls[i].at, "it calls %.*s, an action; actions stand in confirm", STR_ARG(t->name));
        if (lint_arguments(l, t, s->calls[i].args) < 0)
            return ERR_INVALID;
    }
    return 0;
}

static bool slot_exists(const struct lint *l, struct str name)
{
    for (const struct json *s = l->ag->slots->child; s; s = s->next)
        if (str_eq(json_str(json_get(s, "slot")), name))
            return true;
    return false;
}

static int lint_ask(const struct lint *l, const struct routine_step *s)
{
    for (const struct json *q = s->arg->child; q; q = q->next) {
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

static int lint_decide(const struct lint *l, const struct routine_step *s)
{
    for (const struct json *d = s->arg->child; d; d = d->next)
        if (json_get(d, "if") && lint_expr(l, json_get(d, "if"), "if") < 0)
            return ERR_INVALID;
    return 0;
}

static int lint_confirm(const struct lint *l, const struct routine_step *s)
{
    const struct routine_call *c = &s->calls[0];
    const struct tool *t = agent_tool(l->ag, c->tool);
    if (!t || !t->action)
        return refuse(l, json_get(c->at, "tool"), "it confirms %.*s, which is no action of the agent",
                      STR_ARG(c->tool));
    if (s->macro.n && !macro_exists(l, s->macro))
        return refuse(l, s->arg, "it asks with %.*s, which is no macro", STR_ARG(s->macro));
    return lint_arguments(l, t, c->args);
}

static int lint_call_routine(const struct lint *l, const struct routine_step *s)
{
    return routine_find(&l->ag->book, s->name)
               ? 0
               : refuse(l, s->arg, "it calls the routine %.*s, which the agent has not", STR_ARG(s->name));
}

static int lint_handoff(const struct lint *l, const struct routine_step *s)
{
    return handoff_reason_known(s->name)
               ? 0
               : refuse(l, s->arg, "it hands over because of %.*s, which is no reason", STR_ARG(s->name));
}

static int (*const verbs[ROUTINE_VERBS])(const struct lint *, const struct routine_step *) = {
    [ROUTINE_SAY] = lint_say,         [ROUTINE_CALL] = lint_call,       [ROUTINE_ASK] = lint_ask,
    [ROUTINE_DECIDE] = lint_decide,   [ROUTINE_CONFIRM] = lint_confirm, [ROUTINE_CALL_ROUTINE] = lint_call_routine,
    [ROUTINE_HANDOFF] = lint_handoff,
};

static int lint_routine(struct lint *l, const struct json *spec)
{
    const struct routine *r = routine_find(&l->ag->book, json_str(json_get(spec, "routine")));
    for (size_t i = 0; i < r->steps_n; i++) {
        const struct routine_step *s = &r->steps[i];
        l->step = s->id;
        if (keys_check_step(s->body, l->file, l->e) < 0 || (verbs[s->verb] && verbs[s->verb](l, s) < 0))
            return ERR_INVALID;
        if (s->requires_if.n && lint_expr(l, json_get(json_get(s->body, "requires"), "if"), "requires.if") < 0)
            return ERR_INVALID;
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
