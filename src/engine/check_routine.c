#include "engine/check.h"

#include "base/template.h"
#include "engine/check_parts.h"
#include "engine/handoff.h"
#include "routine/routine_walk.h"

/* A routine among the modules of its agent: what its steps name. */

struct step_check {
    struct check_agent *ag;
    const struct checked *m;
    const struct routine_step *s;
};

static bool hole(const struct step_check *x, enum checked_kind kind)
{
    return x->ag->holes[kind];
}

/* "step offer: if" */
static const char *called(const struct step_check *x, const char *what)
{
    return str_f(x->ag->k->arena, "step %.*s: %s", STR_ARG(x->s->id), what).p;
}

static void check_values(struct step_check *x, const struct json *map)
{
    for (const struct json *v = json_is(map, JSON_OBJECT) ? map->child : NULL; v; v = v->next)
        if (v->kind == JSON_STRING)
            check_expr(x->ag, x->m->file, v, called(x, str_c(x->ag->k->arena, v->key)));
}

/* --- macros --- */

struct fields {
    struct step_check *x;
    const struct json *given, *at;
    struct str macro;
};

static void field_given(void *arg, struct str path)
{
    const struct fields *f = arg;
    struct arena *a = f->x->ag->k->arena;
    if (!str_starts(path, STR("field.")))
        return;
    struct str name = str_from(path, 6);
    if (!json_get(f->given, str_c(a, name)))
        finding_add(f->x->ag->k->found, RULE_FIELD, f->x->m->file, f->at, "%s, which needs the field %.*s",
                    called(f->x, str_f(a, "it says %.*s", STR_ARG(f->macro)).p), STR_ARG(name));
}

static void check_macro(struct step_check *x, const struct json *at, struct str name, const struct json *given,
                        const char *verb)
{
    const struct json *texts = agent_texts(x->ag, name);
    if (!texts && hole(x, CHECKED_MACROS))
        return;
    if (!texts) {
        finding_add(x->ag->k->found, RULE_NO_SUCH_MACRO, x->m->file, at, "%s %.*s, which is no macro of the agent",
                    called(x, verb), STR_ARG(name));
        return;
    }
    struct fields f = {x, given, at, name};
    struct err why;
    for (const struct json *t = json_is(texts, JSON_OBJECT) ? texts->child : NULL; t; t = t->next)
        if (t->kind == JSON_STRING && template_check(t->text, field_given, &f, &why) < 0)
            continue; /* told where it stands */
}

/* --- verbs --- */

static void check_say(struct step_check *x)
{
    const struct json *fields = json_is(x->s->arg, JSON_OBJECT) ? json_get(x->s->arg, "fields") : NULL;
    check_values(x, fields);
    if (x->s->macro.n)
        check_macro(x, x->s->arg, x->s->macro, fields, "it says");
}

static void ask_for(struct check_agent *ag, struct str name, const char *file, const struct json *at)
{
    struct use *u = ARENA_NEW(ag->k->arena, struct use);
    *u = (struct use){name, file, at, ag->asked};
    ag->asked = u;
}

static void no_slot(struct step_check *x, const struct json *slot)
{
    if (!agent_slot(x->ag, json_str(slot)) && !hole(x, CHECKED_SCRATCHPAD))
        finding_add(x->ag->k->found, RULE_NO_SUCH_SLOT, x->m->file, slot, "%s, which is no slot of the agent",
                    called(x, str_f(x->ag->k->arena, "it names %.*s", STR_ARG(json_str(slot))).p));
}

static void check_ask(struct step_check *x)
{
    for (const struct json *q = x->s->arg->child; q; q = q->next) {
        const struct json *when = json_get(q, "when"), *question = json_get(q, "question"), *slot = json_get(q, "slot");
        no_slot(x, slot);
        ask_for(x->ag, json_str(slot), x->m->file, slot);
        check_macro(x, question, json_str(question), NULL, "it asks with");
        if (when)
            check_expr(x->ag, x->m->file, when, called(x, "when"));
    }
}

static const struct json *tool_of(struct step_check *x, const struct routine_call *c)
{
    const struct json *spec = agent_tool_spec(x->ag, c->tool), *name = json_get(c->at, "tool");
    if (!spec && !hole(x, CHECKED_TOOL))
        finding_add(x->ag->k->found, RULE_NO_SUCH_TOOL, x->m->file, name ? name : c->at, "%s, which the agent has not",
                    called(x, str_f(x->ag->k->arena, "it names %.*s", STR_ARG(c->tool)).p));
    return spec;
}

static void check_call(struct step_check *x)
{
    for (size_t i = 0; i < x->s->calls_n; i++) {
        const struct routine_call *c = &x->s->calls[i];
        const struct json *spec = tool_of(x, c);
        if (spec && str_is(json_str(json_get(spec, "effect")), "action"))
            finding_add(x->ag->k->found, RULE_ACTION_CALLED, x->m->file, c->at, "step %.*s calls the action %.*s",
                        STR_ARG(x->s->id), STR_ARG(c->tool));
        if (spec)
            check_arguments(x->ag, x->m->file, c->at, x->s->id, spec, c->args);
    }
}

static void check_confirm(struct step_check *x)
{
    const struct routine_call *c = &x->s->calls[0];
    const struct json *spec = tool_of(x, c);
    if (spec && !str_is(json_str(json_get(spec, "effect")), "action"))
        finding_add(x->ag->k->found, RULE_NO_SUCH_TOOL, x->m->file, json_get(c->at, "tool"),
                    "step %.*s confirms %.*s, which is no action", STR_ARG(x->s->id), STR_ARG(c->tool));
    else if (spec)
        check_arguments(x->ag, x->m->file, c->at, x->s->id, spec, c->args);
    if (x->s->macro.n)
        check_macro(x, json_get(x->s->arg, "text"), x->s->macro, NULL, "it asks with");
}

static void check_decide(struct step_check *x)
{
    for (const struct json *row = x->s->arg->child; row; row = row->next)
        if (json_get(row, "if"))
            check_expr(x->ag, x->m->file, json_get(row, "if"), called(x, "if"));
}

static void note_reads(void *arg, struct str path)
{
    struct step_check *x = arg;
    struct expr_type type;
    struct str wrong = check_path(x->ag, x->m->file, x->s->arg, path, &type);
    if (wrong.n)
        finding_add(x->ag->k->found, RULE_FIELD, x->m->file, x->s->arg, "%s: %.*s", called(x, "note"), STR_ARG(wrong));
}

static void check_note(struct step_check *x)
{
    struct err why;
    if (template_check(x->s->text, note_reads, x, &why) < 0)
        finding_add(x->ag->k->found, RULE_TEMPLATE, x->m->file, x->s->arg, "%s: %s", called(x, "note"), why.text);
}

static void check_call_routine(struct step_check *x)
{
    if (!agent_module(x->ag, CHECKED_ROUTINE, x->s->name) && !hole(x, CHECKED_ROUTINE))
        finding_add(x->ag->k->found, RULE_NO_SUCH_ROUTINE, x->m->file, x->s->arg,
                    "step %.*s calls the routine %.*s, which the agent has not", STR_ARG(x->s->id),
                    STR_ARG(x->s->name));
}

static void check_handoff(struct step_check *x)
{
    if (!handoff_reason_known(x->s->name))
        finding_add(x->ag->k->found, RULE_NO_SUCH_REASON, x->m->file, x->s->arg,
                    "step %.*s hands over because of %.*s, which is no reason", STR_ARG(x->s->id), STR_ARG(x->s->name));
}

static void (*const verbs[ROUTINE_VERBS])(struct step_check *) = {
    [ROUTINE_SAY] = check_say,         [ROUTINE_ASK] = check_ask,
    [ROUTINE_CALL] = check_call,       [ROUTINE_DECIDE] = check_decide,
    [ROUTINE_CONFIRM] = check_confirm, [ROUTINE_NOTE] = check_note,
    [ROUTINE_HANDOFF] = check_handoff, [ROUTINE_CALL_ROUTINE] = check_call_routine,
};

static void check_requires(struct step_check *x)
{
    const struct json *requires = json_get(x->s->body, "requires"), *condition = json_get(requires, "if");
    if (condition)
        check_expr(x->ag, x->m->file, condition, called(x, "requires.if"));
    for (const struct json *s = x->s->requires_slots ? x->s->requires_slots->child : NULL; s; s = s->next) {
        no_slot(x, s);
        agent_reads_slot(x->ag, json_str(s), x->m->file, s);
    }
}

void check_routine_in(struct check_agent *ag, struct checked *m)
{
    const struct json *slots = json_get(m->body, "slots");
    for (const struct json *s = json_is(slots, JSON_ARRAY) ? slots->child : NULL; s; s = s->next)
        if (!agent_slot(ag, json_str(s)) && !ag->holes[CHECKED_SCRATCHPAD])
            finding_add(ag->k->found, RULE_NO_SUCH_SLOT, m->file, s, "slots names %.*s, which is no slot of the agent",
                        STR_ARG(json_str(s)));
    for (size_t i = 0; i < m->routine.steps_n; i++) {
        struct step_check x = {ag, m, &m->routine.steps[i]};
        check_requires(&x);
        if (verbs[x.s->verb])
            verbs[x.s->verb](&x);
    }
}

/* --- routines that call routines --- */

enum { CALLS_DEEP = ROUTINE_FRAMES - ROUTINE_OPEN_MAX };

/* The routines between the first one and this, the first one included. */
struct chain {
    const struct checked *m;
    const struct chain *before;
};

static void follow_calls(struct check_agent *ag, const struct checked *m, const struct chain *before, int depth)
{
    struct chain here = {m, before};
    for (size_t i = 0; i < m->routine.steps_n; i++) {
        const struct routine_step *s = &m->routine.steps[i];
        const struct checked *to = s->verb == ROUTINE_CALL_ROUTINE ? agent_module(ag, CHECKED_ROUTINE, s->name) : NULL;
        const struct chain *c = &here;
        if (!to || !to->walkable)
            continue;
        while (c && c->m != to)
            c = c->before;
        if (c)
            finding_add(ag->k->found, RULE_RECURSION, m->file, s->arg, "step %.*s calls %.*s, which is under way",
                        STR_ARG(s->id), STR_ARG(to->name));
        else if (depth == CALLS_DEEP)
            finding_add(ag->k->found, RULE_DEEP_CALLS, m->file, s->arg,
                        "step %.*s calls %.*s with %d routines waiting already", STR_ARG(s->id), STR_ARG(to->name),
                        depth);
        else
            follow_calls(ag, to, &here, depth + 1);
    }
}

void check_calls(struct check_agent *ag)
{
    for (size_t i = 0; i < ag->n; i++)
        if (ag->modules[i]->kind == CHECKED_ROUTINE && ag->modules[i]->walkable)
            follow_calls(ag, ag->modules[i], NULL, 0);
}
