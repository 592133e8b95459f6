#include "routine/routine_walk.h"

#include "base/expr.h"

#include <string.h>

/* A dry walk: what is known is passed, what is not is what is missing. Nothing is said or called. */
struct gate {
    struct arena *a;
    const struct routine *r;
    const struct json *state;
    struct str tool;
    bool *seen;         /* steps that the walk came to */
    const char *became; /* the outcome of the action before this step */
    struct routine_verdict verdict;
};

bool routine_mentions(const struct routine *r, struct str tool)
{
    for (size_t i = 0; i < r->steps_n; i++)
        for (size_t k = 0; k < r->steps[i].calls_n; k++)
            if (str_eq(r->steps[i].calls[k].tool, tool))
                return true;
    return false;
}

static const struct json *member(const struct json *object, struct str key)
{
    for (const struct json *m = json_is(object, JSON_OBJECT) ? object->child : NULL; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

/* NULL: no value, or one that does not evaluate. */
static const struct json *value_of(struct gate *g, const struct json *v)
{
    struct json *value;
    if (!json_is(v, JSON_STRING))
        return v;
    if (expr_eval(g->a, routine_expr(g->a, v->text), g->state, &value, NULL) < 0 || value->kind == JSON_NULL)
        return NULL;
    return value;
}

static bool holds(struct gate *g, struct str condition)
{
    struct json *value;
    return expr_eval(g->a, routine_expr(g->a, condition), g->state, &value, NULL) == 0 && expr_true(value);
}

static void missing(struct gate *g, struct str what, const char *what_to_do)
{
    if (!g->verdict.missing)
        g->verdict.missing = json_new(g->a, JSON_ARRAY);
    json_push(g->verdict.missing, json_new_str(g->a, what));
    g->verdict.what_to_do = what_to_do;
}

static struct routine_verdict refused(struct gate *g, const char *reason, const struct routine_step *s)
{
    g->verdict.allowed = false;
    g->verdict.reason = reason;
    g->verdict.step = s ? s->id : STR("");
    if (!g->verdict.missing)
        g->verdict.missing = json_new(g->a, JSON_ARRAY);
    if (!g->verdict.what_to_do)
        g->verdict.what_to_do = "follow the routine from its beginning";
    return g->verdict;
}

static const struct routine_call *call_in(const struct routine_step *s, struct str tool)
{
    for (size_t i = 0; i < s->calls_n; i++)
        if (str_eq(s->calls[i].tool, tool))
            return &s->calls[i];
    return NULL;
}

/* What the routine's own expressions read must be known before a read may use it. */
static bool arguments_known(struct gate *g, const struct routine_call *c)
{
    bool known = true;
    for (const struct json *arg = c->args ? c->args->child : NULL; arg; arg = arg->next)
        if (!value_of(g, arg)) {
            missing(g, arg->kind == JSON_STRING ? routine_expr(g->a, arg->text) : arg->key, "ask");
            known = false;
        }
    return known;
}

/* What the step says an argument is, it is: the model has no choice there. */
static bool arguments_same(struct gate *g, const struct routine_call *c, const struct json *args)
{
    bool same = true;
    for (const struct json *arg = c->args ? c->args->child : NULL; arg; arg = arg->next) {
        const struct json *wanted = value_of(g, arg), *given = member(args, arg->key);
        if (wanted && given && json_same(wanted, given))
            continue;
        missing(g, arg->key, "use the values that the routine's step names");
        same = false;
    }
    return same;
}

static bool requirements(struct gate *g, const struct routine_step *s)
{
    bool met = true;
    for (const struct json *slot = s->requires_slots ? s->requires_slots->child : NULL; slot; slot = slot->next) {
        const struct json *v = member(json_get(g->state, "slot"), slot->text);
        if (!v || v->kind == JSON_NULL) {
            missing(g, str_f(g->a, "slot.%.*s", STR_ARG(slot->text)), "ask");
            met = false;
        }
    }
    if (s->requires_if.n && !holds(g, s->requires_if)) {
        missing(g, s->requires_if, "this must be so first");
        met = false;
    }
    return met;
}

static int go(const struct gate *g, const struct routine_step *s, const char *on)
{
    int to = routine_branch(s, on), number = (int)(s - g->r->steps);
    return to != ROUTINE_NOWHERE ? to : number + 1 < (int)g->r->top_n ? number + 1 : ROUTINE_NOWHERE;
}

/* The slots that the step would ask for now; false: there are some. */
static bool answered(struct gate *g, const struct routine_step *s)
{
    bool known = true;
    for (const struct json *q = s->arg->child; q; q = q->next) {
        struct str slot = json_str(json_get(q, "slot")), when = json_str(json_get(q, "when"));
        const struct json *status = member(json_get(g->state, "slot_status"), slot);
        if (str_is(json_str(status), "stated") || (when.n && !holds(g, when)))
            continue;
        if (!g->verdict.missing || !known) {
            missing(g, str_f(g->a, "slot.%.*s", STR_ARG(slot)), "ask");
            known = false;
        }
    }
    return known;
}

static int after_call(struct gate *g, const struct routine_step *s)
{
    const char *on = "next";
    for (size_t i = 0; i < s->calls_n; i++) {
        struct str class = json_str(member(json_get(g->state, "tool_class"), s->calls[i].tool));
        if (!class.n)
            missing(g, str_f(g->a, "tool.%.*s", STR_ARG(s->calls[i].tool)), "call");
        else if (!str_is(class, "ok"))
            on = str_c(g->a, class);
    }
    if (g->verdict.missing)
        return ROUTINE_NOWHERE;
    return str_is(str_of(on), "next") ? go(g, s, on) : routine_branch(s, on);
}

/* The row that holds. A condition that only a model can judge is the model's to say: *either is a row where it may hold, after
 * `from`; the walk goes both ways. */
static int after_decide(struct gate *g, const struct routine_step *s, int from, int *either)
{
    int i = 0;
    for (const struct json *row = s->arg->child; row; row = row->next, i++) {
        const char *on = str_f(g->a, "row%d", i).p;
        if (json_get(row, "else"))
            return routine_branch(s, "else");
        if (json_get(row, "if_text") && i >= from) {
            *either = i;
            return routine_branch(s, on);
        }
        if (!json_get(row, "if_text") && holds(g, json_str(json_get(row, "if"))))
            return routine_branch(s, on);
    }
    return go(g, s, "next");
}

/* Another action of the routine stands before this one: what became of it? */
static int after_confirm(struct gate *g, const struct routine_step *s)
{
    static const char *const final[] = {"ok", "already_done", "refused", "unknown"};
    const struct json *proposal = json_get(g->state, "proposal");
    bool this_one = str_eq(json_str(json_get(proposal, "tool")), s->calls[0].tool);
    struct str state =
        json_str(this_one ? json_get(proposal, "state") : member(json_get(g->state, "became"), s->calls[0].tool));
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (str_is(state, final[i])) {
            g->became = final[i];
            return go(g, s, "yes");
        }
    if (str_is(state, "declined"))
        return routine_branch(s, "no");
    missing(g, str_f(g->a, "tool.%.*s", STR_ARG(s->calls[0].tool)), "propose that action first");
    return ROUTINE_NOWHERE;
}

static int after_act(const struct gate *g, const struct routine_step *s)
{
    int to = g->became ? routine_branch(s, g->became) : ROUTINE_NOWHERE;
    bool good = !g->became || str_is(str_of(g->became), "ok") || str_is(str_of(g->became), "already_done");
    return to == ROUTINE_NOWHERE && good ? go(g, s, "ok") : to;
}

static int after(struct gate *g, const struct routine_step *s)
{
    switch (s->verb) {
    case ROUTINE_ASK: return answered(g, s) ? go(g, s, "next") : ROUTINE_NOWHERE;
    case ROUTINE_CALL: return after_call(g, s);
    case ROUTINE_CONFIRM: return after_confirm(g, s);
    case ROUTINE_ACT: return after_act(g, s);
    case ROUTINE_HANDOFF:
    case ROUTINE_EXIT: return ROUTINE_NOWHERE;
    case ROUTINE_SAY: return s->ends ? ROUTINE_NOWHERE : go(g, s, "next");
    default: return go(g, s, "next");
    }
}

/* The step where the walk from `s` on comes to a confirm of the tool, or NULL; *stopped: where it ended. */
static const struct routine_step *come_to(struct gate *g, const struct routine_step *s,
                                          const struct routine_step **stopped)
{
    while (!g->seen[s - g->r->steps]) {
        int to, either = -1, from = 0;
        g->seen[s - g->r->steps] = true;
        *stopped = s;
        if (s->verb == ROUTINE_CONFIRM && call_in(s, g->tool))
            return s;
        if (s->verb == ROUTINE_DECIDE)
            for (; to = after_decide(g, s, from, &either), either >= 0; from = either + 1, either = -1) {
                const struct routine_step *found = to < 0 ? NULL : come_to(g, &g->r->steps[to], stopped);
                if (found)
                    return found;
                g->verdict.missing = NULL; /* the other way */
            }
        else
            to = after(g, s);
        if (to < 0)
            return NULL;
        s = &g->r->steps[to];
    }
    return NULL;
}

static struct routine_verdict judge_action(struct gate *g, const struct json *args, int64_t identity)
{
    const struct routine_step *stopped = NULL;
    g->seen = ARENA_ARRAY(g->a, bool, g->r->steps_n);
    const struct routine_step *s = come_to(g, g->r->steps, &stopped);
    if (!s)
        return refused(g, "step_not_reached", stopped);
    if (identity < s->identity)
        return refused(g, "identity_too_low", s);
    if (!requirements(g, s))
        return refused(g, "step_not_reached", s);
    if (!arguments_known(g, call_in(s, g->tool)))
        return refused(g, "step_not_reached", s);
    if (!arguments_same(g, call_in(s, g->tool), args))
        return refused(g, "arguments_differ", s);
    return g->verdict;
}

static struct routine_verdict judge_read(struct gate *g, int64_t identity)
{
    const struct routine_step *last = NULL;
    for (size_t i = 0; i < g->r->steps_n; i++) {
        const struct routine_step *s = &g->r->steps[i];
        const struct routine_call *c = call_in(s, g->tool);
        if (!c)
            continue;
        last = s;
        g->verdict.missing = NULL;
        if (identity >= s->identity && requirements(g, s) && arguments_known(g, c))
            return g->verdict;
    }
    return refused(g, last && last->identity > identity ? "identity_too_low" : "step_not_reached", last);
}

struct routine_verdict routine_gate(struct arena *a, const struct routine *r, const struct json *state, struct str tool,
                                    const struct json *args, bool action)
{
    struct gate g = {.a = a, .r = r, .state = state, .tool = tool, .verdict = {.allowed = true}};
    int64_t identity = json_int(json_path(state, STR("session.identity")), 0);
    if (!routine_mentions(r, tool))
        return g.verdict;
    if (identity < r->identity)
        return refused(&g, "identity_too_low", NULL);
    return action ? judge_action(&g, args, identity) : judge_read(&g, identity);
}
