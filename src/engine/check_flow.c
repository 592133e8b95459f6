#include "engine/check.h"

#include "engine/check_parts.h"
#include "engine/keys.h"

/* A routine by itself: its steps as a graph. What its words mean among an agent's modules is check_routine.c. */

/* --- the form of steps, as the file has them --- */

/* Steps by id, also those in the place of targets, for names that lead nowhere: all are told, not the first alone. */
struct names {
    struct check *k;
    const struct checked *m;
    const struct json *steps;
    bool wrong;
};

static const char *const target_keys[] = {"next", "on_max",       "yes",     "no",     "unclear",
                                          "ok",   "already_done", "refused", "unknown"};

static void check_step_names(struct names *x, const struct json *step, struct str id);

static bool step_there(const struct names *x, struct str id)
{
    for (const struct json *s = x->steps->child; s; s = s->next)
        if (str_eq(json_str(json_get(s, "id")), id))
            return true;
    return false;
}

/* A target: an id, {goto: id}, or a step. */
static void check_target(struct names *x, const struct json *to, struct str from, struct str on)
{
    const struct json *go = json_is(to, JSON_OBJECT) && to->n == 1 ? json_get(to, "goto") : NULL;
    const struct json *id = go ? go : to;
    if (json_is(id, JSON_OBJECT)) {
        check_step_names(x, id, from);
    } else if (!step_there(x, json_str(id)) && !str_is(json_str(id), "retry") &&
               !str_has(json_str(id), STR("."))) { /* an inner step has a dotted id */
        finding_add(x->k->found, RULE_NO_STEP, x->m->file, id, "step %.*s: %.*s names %.*s, which is no step",
                    STR_ARG(from), STR_ARG(on), STR_ARG(json_str(id)));
        x->wrong = true;
    }
}

static void check_targets_of(struct names *x, const struct json *map, struct str from)
{
    for (const struct json *to = json_is(map, JSON_OBJECT) ? map->child : NULL; to; to = to->next)
        check_target(x, to, from, to->key);
}

static void check_exit(struct names *x, const struct json *step, struct str id)
{
    const struct json *end = json_get(step, "exit"),
                      *outcome = json_is(end, JSON_OBJECT) ? json_get(end, "outcome") : end;
    if (end && !json_str(outcome).n) {
        finding_add(x->k->found, RULE_NO_OUTCOME, x->m->file, end, "step %.*s: the exit has no outcome", STR_ARG(id));
        x->wrong = true;
    }
}

static void check_step_names(struct names *x, const struct json *step, struct str id)
{
    const struct json *rows = json_get(step, "decide"), *unclear = json_get(step, "unclear");
    size_t before = x->k->found->n;
    keys_find_step(step, x->m->file, x->k->found);
    x->wrong |= x->k->found->n > before;
    check_exit(x, step, id);
    for (size_t i = 0; i < sizeof target_keys / sizeof *target_keys; i++) {
        const struct json *to = json_get(step, target_keys[i]);
        if (to == unclear && json_get(to, "then"))
            to = json_get(to, "then");
        if (to && !(to == unclear && json_get(to, "repeat")))
            check_target(x, to, id, str_of(target_keys[i]));
    }
    if (json_get(step, "goto"))
        check_target(x, json_get(step, "goto"), id, STR("goto"));
    check_targets_of(x, json_get(step, "on_error"), id);
    check_targets_of(x, json_get(step, "on"), id);
    bool otherwise = false;
    for (const struct json *row = json_is(rows, JSON_ARRAY) ? rows->child : NULL; row; row = row->next) {
        const struct json *last = json_get(row, "else"), *to = last ? last : json_get(row, "to");
        otherwise |= last != NULL;
        if (to)
            check_target(x, to, id, last ? STR("else") : STR("to"));
    }
    if (json_is(rows, JSON_ARRAY) && !otherwise)
        finding_add(x->k->found, RULE_NO_ELSE, x->m->file, rows, "step %.*s decides nothing when no row holds",
                    STR_ARG(id));
}

/* --- the graph --- */

struct graph {
    struct check *k;
    const struct checked *m;
    const struct routine *r;
    unsigned char *reached, *state; /* by step */
};

enum { END = -1, STEPS_OUT_MAX = 300 };

/* Where step i can go on; gives how many. `open` says that a way leads behind the last step. */
static size_t ways(const struct routine *r, size_t i, int *out, bool *open)
{
    const struct routine_step *s = &r->steps[i];
    static const char *const onwards[ROUTINE_VERBS] = {
        [ROUTINE_SAY] = "next", [ROUTINE_ASK] = "next",  [ROUTINE_CALL] = "next",        [ROUTINE_CONFIRM] = "yes",
        [ROUTINE_ACT] = "ok",   [ROUTINE_NOTE] = "next", [ROUTINE_CALL_ROUTINE] = "next"};
    size_t n = 0;
    *open = false;
    for (size_t b = 0; b < s->branches_n && n < STEPS_OUT_MAX - 1; b++)
        if (s->branches[b].to >= 0)
            out[n++] = s->branches[b].to;
    if (!onwards[s->verb] || s->ends || routine_branch(s, onwards[s->verb]) != ROUTINE_NOWHERE)
        return n;
    if (i + 1 < r->top_n)
        out[n++] = (int)i + 1;
    else
        *open = true;
    return n;
}

static void reach(struct graph *g, size_t from)
{
    int *stack = ARENA_ARRAY(g->k->arena, int, g->r->steps_n + 1), out[STEPS_OUT_MAX];
    size_t depth = 0;
    bool open;
    g->reached[from] = 1;
    stack[depth++] = (int)from;
    while (depth) {
        size_t n = ways(g->r, (size_t)stack[--depth], out, &open);
        for (size_t i = 0; i < n; i++)
            if (!g->reached[out[i]]) {
                g->reached[out[i]] = 1;
                stack[depth++] = out[i];
            }
    }
}

static void check_reached(struct graph *g)
{
    int out[STEPS_OUT_MAX];
    bool open;
    reach(g, 0);
    for (size_t i = 0; i < g->r->steps_n; i++) {
        const struct routine_step *s = &g->r->steps[i];
        ways(g->r, i, out, &open);
        if (!g->reached[i] && i < g->r->top_n)
            finding_add(g->k->found, RULE_UNREACHABLE, g->m->file, s->body, "no way leads to the step %.*s",
                        STR_ARG(s->id));
        else if (g->reached[i] && open)
            finding_add(g->k->found, RULE_OPEN_END, g->m->file, s->body,
                        "step %.*s goes on behind the last step, with neither exit nor handoff", STR_ARG(s->id));
    }
}

/* A step that waits for somebody, so that a loop over it makes progress. */
static bool progresses(const struct routine_step *s)
{
    return s->verb == ROUTINE_ASK || s->verb == ROUTINE_CALL || s->verb == ROUTINE_CONFIRM;
}

/* Depth first among the steps that wait for nobody: a way back to one that is under way is a loop. */
static void look_for_loops(struct graph *g, size_t i)
{
    enum { NEW, UNDER_WAY, DONE };
    int out[STEPS_OUT_MAX];
    bool open;
    g->state[i] = UNDER_WAY;
    size_t n = ways(g->r, i, out, &open);
    for (size_t w = 0; w < n; w++) {
        const struct routine_step *to = &g->r->steps[out[w]];
        if (progresses(to))
            continue;
        if (g->state[out[w]] == UNDER_WAY)
            finding_add(g->k->found, RULE_IDLE_LOOP, g->m->file, g->r->steps[i].body,
                        "from step %.*s back to %.*s nobody is asked and nothing is looked up",
                        STR_ARG(g->r->steps[i].id), STR_ARG(to->id));
        else if (g->state[out[w]] == NEW)
            look_for_loops(g, (size_t)out[w]);
    }
    g->state[i] = DONE;
}

/* Steps that can be come to without a confirm step on the way; calling another routine may confirm nothing either. */
static void check_confirmed(struct graph *g)
{
    int *stack = ARENA_ARRAY(g->k->arena, int, g->r->steps_n + 1), out[STEPS_OUT_MAX];
    unsigned char *bare = ARENA_ARRAY(g->k->arena, unsigned char, g->r->steps_n);
    size_t depth = 0;
    bool open;
    bare[0] = 1;
    stack[depth++] = 0;
    while (depth) {
        size_t i = (size_t)stack[--depth];
        const struct routine_step *s = &g->r->steps[i];
        if (s->verb == ROUTINE_ACT)
            finding_add(g->k->found, RULE_ACT_UNCONFIRMED, g->m->file, s->body,
                        "a way leads to step %.*s on which nothing was confirmed", STR_ARG(s->id));
        size_t n = ways(g->r, i, out, &open);
        for (size_t w = 0; w < n; w++) {
            /* Behind a confirm only its yes has confirmed something. */
            bool yes = s->verb == ROUTINE_CONFIRM && out[w] != routine_branch(s, "no") &&
                       out[w] != routine_branch(s, "unclear");
            if (!yes && !bare[out[w]]) {
                bare[out[w]] = 1;
                stack[depth++] = out[w];
            }
        }
    }
}

static void check_judged(struct graph *g)
{
    for (size_t i = 0; i < g->r->steps_n; i++) {
        const struct routine_step *s = &g->r->steps[i];
        if (s->verb != ROUTINE_DECIDE)
            continue;
        size_t at = 0;
        for (const struct json *row = s->arg->child; row && at < s->branches_n; row = row->next, at++) {
            const struct json *judged = json_get(row, "if_text");
            if (!judged || s->branches[at].to < 0)
                continue;
            unsigned char *before = g->reached;
            g->reached = ARENA_ARRAY(g->k->arena, unsigned char, g->r->steps_n);
            reach(g, (size_t)s->branches[at].to);
            bool acts = false;
            for (size_t t = 0; t < g->r->steps_n; t++)
                acts |= g->reached[t] && g->r->steps[t].verb == ROUTINE_ACT;
            g->reached = before;
            if (acts)
                finding_add(g->k->found, RULE_IF_TEXT_ACTS, g->m->file, judged,
                            "step %.*s: the model alone judges \"%.*s\" on the way to an action", STR_ARG(s->id),
                            STR_ARG(json_str(judged)));
        }
    }
}

void check_routine(struct check *k, struct checked *m)
{
    const struct json *steps = json_get(m->body, "steps");
    struct names x = {.k = k, .m = m, .steps = steps};
    struct err why;
    if (!json_is(steps, JSON_ARRAY))
        return; /* the keys told it */
    for (const struct json *s = steps->child; s; s = s->next)
        if (json_is(s, JSON_OBJECT))
            check_step_names(&x, s, json_str(json_get(s, "id")));
    if (routine_read(k->arena, m->body, m->file, &m->routine, &why) < 0) {
        if (!x.wrong)
            finding_add_err(k->found, RULE_STEP_FORM, m->file, &why);
        return;
    }
    m->walkable = true;
    size_t n = m->routine.steps_n;
    struct graph g = {k, m, &m->routine, ARENA_ARRAY(k->arena, unsigned char, n),
                      ARENA_ARRAY(k->arena, unsigned char, n)};
    check_reached(&g);
    for (size_t i = 0; i < n; i++)
        if (!progresses(&g.r->steps[i]) && !g.state[i])
            look_for_loops(&g, i);
    check_confirmed(&g);
    check_judged(&g);
}
