#include "routine/routine.h"

#include "base/yaml.h"

#include <string.h>

enum { STEPS_MAX = 1000, BRANCHES_OF_A_VERB = 6, ASKS = 2 };

static const char *const verb_names[ROUTINE_VERBS] = {"say",  "ask",  "call",         "decide",  "confirm", "act",
                                                      "note", "goto", "call_routine", "handoff", "exit"};
static const char *const mode_names[] = {"guide", "gate", "script", NULL};
static const char *const digress_names[] = {"allow", "hold", "forbid", NULL};

const char *routine_verb_name(enum routine_verb v)
{
    return verb_names[v];
}

const char *routine_mode_name(enum routine_mode m)
{
    return mode_names[m];
}

/* A routine that is being read. Steps move while the list grows, so they are named by number. */
struct reader {
    struct arena *a;
    const char *file;
    struct routine *r;
    size_t size;
    struct err *e;
};

static int word_of(struct reader *x, const struct json *v, const char *key, const char *const *words, int otherwise)
{
    if (!v)
        return otherwise;
    for (int i = 0; words[i]; i++)
        if (str_is(json_str(v), words[i]))
            return i;
    return yaml_refuse(x->e, x->file, v, "%s is \"%.*s\"; write %s, %s or %s", key, STR_ARG(json_str(v)), words[0],
                       words[1], words[2]);
}

static int refuse_step(struct reader *x, const struct routine_step *s, const struct json *at, const char *what)
{
    return yaml_refuse(x->e, x->file, at, "step %.*s: %s", STR_ARG(s->id), what);
}

/* The member of a step that is its verb. A say may also have an exit. */
static int find_verb(struct reader *x, struct routine_step *s)
{
    int found = -1;
    for (const struct json *m = s->body->child; m; m = m->next)
        for (int v = 0; v < ROUTINE_VERBS; v++) {
            if (!str_is(m->key, verb_names[v]))
                continue;
            bool end_of_say =
                (v == ROUTINE_EXIT && found == ROUTINE_SAY) || (v == ROUTINE_SAY && found == ROUTINE_EXIT);
            if (found >= 0 && !end_of_say)
                return yaml_refuse(x->e, x->file, m, "step %.*s has two verbs, %s and %s; make two steps of it",
                                   STR_ARG(s->id), verb_names[found], verb_names[v]);
            if (found < 0 || v == ROUTINE_SAY)
                found = v;
        }
    if (found < 0)
        return refuse_step(x, s, s->body,
                           "it has no verb: say, ask, call, decide, confirm, act, note, goto, "
                           "call_routine, handoff or exit");
    s->verb = (enum routine_verb)found;
    s->arg = json_get(s->body, verb_names[found]);
    return 0;
}

static int add_step(struct reader *x, struct str id, const struct json *body, int *number)
{
    struct routine *r = x->r;
    if (r->steps_n == STEPS_MAX)
        return yaml_refuse(x->e, x->file, body, "a routine has at most %d steps", STEPS_MAX);
    if (!json_is(body, JSON_OBJECT))
        return yaml_refuse(x->e, x->file, body, "a step is a map with an id and a verb");
    for (size_t i = 0; i < r->steps_n; i++)
        if (str_eq(r->steps[i].id, id))
            return yaml_refuse(x->e, x->file, body, "two steps have the id %.*s", STR_ARG(id));
    if (r->steps_n == x->size) {
        size_t size = x->size ? 2 * x->size : 32;
        struct routine_step *steps = ARENA_ARRAY(x->a, struct routine_step, size);
        if (r->steps_n)
            memcpy(steps, r->steps, r->steps_n * sizeof *steps);
        r->steps = steps;
        x->size = size;
    }
    struct routine_step s = {.id = id, .body = body, .max_asks = ASKS};
    const struct json *requires = json_get(body, "requires");
    int mode = word_of(x, json_get(body, "mode"), "mode", mode_names, r->mode);
    if (mode < 0 || find_verb(x, &s) < 0)
        return ERR_INVALID;
    s.mode = (enum routine_mode)mode;
    s.identity = (int)json_int(json_get(requires, "identity"), 0);
    s.requires_slots = json_get(requires, "slots");
    s.requires_if = routine_expr(x->a, json_str(json_get(requires, "if")));
    const struct json *rows = json_is(s.arg, JSON_ARRAY) ? s.arg : json_get(body, "on");
    s.branches_size = BRANCHES_OF_A_VERB + (rows ? rows->n : 0);
    s.branches = ARENA_ARRAY(x->a, struct routine_branch, s.branches_size);
    *number = (int)r->steps_n;
    r->steps[r->steps_n++] = s;
    return 0;
}

/* --- targets: a step's id, {goto: id}, or a step in its place --- */

static int add_branch(struct reader *x, int number, struct str on, const struct json *target)
{
    struct routine_step *s = &x->r->steps[number];
    const struct json *go = json_is(target, JSON_OBJECT) && target->n == 1 ? json_get(target, "goto") : NULL;
    if (!target)
        return 0;
    if (s->branches_n == s->branches_size)
        return refuse_step(x, s, target, "it goes on in too many ways");
    struct routine_branch *b = &s->branches[s->branches_n++];
    *b = (struct routine_branch){.on = on, .at = go ? go : target, .to = ROUTINE_NOWHERE};
    if (b->at->kind == JSON_STRING)
        return 0; /* resolved when all steps are known */
    size_t at = s->branches_n - 1;
    int inner;
    struct str id = str_f(x->a, "%.*s.%.*s", STR_ARG(s->id), STR_ARG(on));
    if (add_step(x, id, target, &inner) < 0)
        return ERR_INVALID;
    x->r->steps[number].branches[at].to = inner;
    return 0;
}

static int add_branches(struct reader *x, int number, const struct json *map)
{
    for (const struct json *m = map ? map->child : NULL; m; m = m->next)
        if (add_branch(x, number, m->key, m) < 0)
            return ERR_INVALID;
    return 0;
}

static int resolve(struct reader *x, struct routine_step *s, struct routine_branch *b)
{
    if (b->to != ROUTINE_NOWHERE)
        return 0;
    if (str_is(b->at->text, "retry") && s->verb == ROUTINE_CALL) {
        b->to = ROUTINE_RETRY;
        return 0;
    }
    const struct routine_step *to = routine_step(x->r, b->at->text);
    if (!to)
        return yaml_refuse(x->e, x->file, b->at, "step %.*s: %.*s names %.*s, which is no step", STR_ARG(s->id),
                           STR_ARG(str_starts(b->on, STR("row")) ? STR("to") : b->on), STR_ARG(b->at->text));
    b->to = (int)(to - x->r->steps);
    return 0;
}

/* --- verbs --- */

/* A name, or a map that holds it under `key`. */
static struct str name_in(const struct json *v, const char *key)
{
    return json_is(v, JSON_OBJECT) ? json_str(json_get(v, key)) : json_str(v);
}

static int read_say(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    const struct json *end = json_get(s->body, "exit");
    s->macro = name_in(s->arg, "macro");
    s->text = json_is(s->arg, JSON_OBJECT) ? json_str(json_get(s->arg, "text")) : STR("");
    if (!s->macro.n && !s->text.n)
        return refuse_step(x, s, s->arg, "say names a macro, or has a text that tells the model what to say");
    s->ends = end != NULL;
    s->name = name_in(end, "outcome");
    return add_branch(x, number, STR("next"), json_get(s->body, "next"));
}

static int read_ask(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    const struct json *body = s->body;
    if (!json_is(s->arg, JSON_ARRAY) || !s->arg->n)
        return refuse_step(x, s, s->arg, "ask is a list of questions, each with `slot` and `question`");
    for (const struct json *q = s->arg->child; q; q = q->next)
        if (!json_str(json_get(q, "slot")).n || !json_str(json_get(q, "question")).n)
            return refuse_step(x, s, q, "a question has `slot` and `question`");
    s->max_asks = (int)json_int(json_get(body, "max_asks"), ASKS);
    if (add_branch(x, number, STR("on_max"), json_get(body, "on_max")) < 0)
        return ERR_INVALID;
    return add_branch(x, number, STR("next"), json_get(body, "next"));
}

static int read_calls(struct reader *x, struct routine_step *s)
{
    const struct json *list = json_is(s->arg, JSON_ARRAY) ? s->arg->child : s->arg;
    s->calls = ARENA_ARRAY(x->a, struct routine_call, json_is(s->arg, JSON_ARRAY) ? s->arg->n : 1);
    for (const struct json *c = list; c; c = list == s->arg ? NULL : c->next) {
        struct routine_call call = {.tool = name_in(c, "tool"), .at = c};
        if (json_is(c, JSON_OBJECT))
            call.args = json_get(c, "args");
        if (!call.tool.n)
            return refuse_step(x, s, c, "call names a tool, or has `tool` and `args`, or is a list of these");
        s->calls[s->calls_n++] = call;
    }
    return s->calls_n ? 0 : refuse_step(x, s, s->arg, "call names no tool");
}

static int read_call(struct reader *x, int number)
{
    const struct json *body = x->r->steps[number].body;
    if (read_calls(x, &x->r->steps[number]) < 0 || add_branches(x, number, json_get(body, "on_error")) < 0)
        return ERR_INVALID;
    return add_branch(x, number, STR("next"), json_get(body, "next"));
}

static int read_decide(struct reader *x, int number)
{
    const struct json *rows = x->r->steps[number].arg;
    if (!json_is(rows, JSON_ARRAY) || !rows->n)
        return refuse_step(x, &x->r->steps[number], rows,
                           "decide is a list of rows, each with `if` and `to`, or `else`");
    int i = 0;
    for (const struct json *row = rows->child; row; row = row->next, i++) {
        const struct json *otherwise = json_get(row, "else");
        if (!otherwise && !(json_str(json_get(row, "if")).n || json_str(json_get(row, "if_text")).n))
            return refuse_step(x, &x->r->steps[number], row, "a row of decide has `if` and `to`, or `else`");
        if (!otherwise && !json_get(row, "to"))
            return refuse_step(x, &x->r->steps[number], row, "a row of decide needs `to`");
        struct str on = otherwise ? STR("else") : str_f(x->a, "row%d", i);
        if (add_branch(x, number, on, otherwise ? otherwise : json_get(row, "to")) < 0)
            return ERR_INVALID;
    }
    return 0;
}

static int read_confirm(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    const struct json *body = s->body, *proposal = json_get(s->arg, "proposal"), *unclear = json_get(body, "unclear");
    const struct json *then = json_get(unclear, "then");
    s->calls = ARENA_NEW(x->a, struct routine_call);
    s->calls[0] = (struct routine_call){
        .tool = json_str(json_get(proposal, "tool")), .args = json_get(proposal, "args"), .at = proposal};
    s->calls_n = 1;
    if (!s->calls[0].tool.n)
        return refuse_step(x, s, s->arg, "confirm has `proposal: {tool: ..., args: ...}`");
    s->macro = json_str(json_get(s->arg, "text"));
    s->repeat = (int)json_int(json_get(unclear, "repeat"), 1);
    if (add_branch(x, number, STR("yes"), json_get(body, "yes")) < 0 ||
        add_branch(x, number, STR("no"), json_get(body, "no")) < 0)
        return ERR_INVALID;
    return add_branch(x, number, STR("unclear"), then ? then : unclear);
}

static int read_act(struct reader *x, int number)
{
    static const char *const outcomes[] = {"ok", "already_done", "refused", "unknown"};
    struct routine_step *s = &x->r->steps[number];
    const struct json *body = s->body;
    if (!str_is(json_str(s->arg), "$proposal"))
        return refuse_step(x, s, s->arg, "act is always `act: $proposal`: what the step before it confirmed");
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (add_branch(x, number, str_of(outcomes[i]), json_get(body, outcomes[i])) < 0)
            return ERR_INVALID;
    return 0;
}

static int read_note(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    s->text = json_str(s->arg);
    return s->text.n ? add_branch(x, number, STR("next"), json_get(s->body, "next"))
                     : refuse_step(x, s, s->arg, "note is a text for colleagues");
}

static int read_goto(struct reader *x, int number)
{
    return add_branch(x, number, STR("next"), x->r->steps[number].arg);
}

static int read_call_routine(struct reader *x, int number)
{
    const struct json *body = x->r->steps[number].body;
    x->r->steps[number].name = json_str(x->r->steps[number].arg);
    if (!x->r->steps[number].name.n)
        return refuse_step(x, &x->r->steps[number], x->r->steps[number].arg, "call_routine names a routine");
    if (add_branches(x, number, json_get(body, "on")) < 0)
        return ERR_INVALID;
    return add_branch(x, number, STR("next"), json_get(body, "next"));
}

static int read_handoff(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    s->name = name_in(s->arg, "reason");
    s->text = json_is(s->arg, JSON_OBJECT) ? json_str(json_get(s->arg, "note")) : STR("");
    return s->name.n ? 0 : refuse_step(x, s, s->arg, "handoff has a reason");
}

static int read_exit(struct reader *x, int number)
{
    struct routine_step *s = &x->r->steps[number];
    s->name = name_in(s->arg, "outcome");
    return s->name.n ? 0 : refuse_step(x, s, s->arg, "exit has an outcome");
}

static int (*const read_verb[ROUTINE_VERBS])(struct reader *x, int number) = {
    [ROUTINE_SAY] = read_say,         [ROUTINE_ASK] = read_ask,         [ROUTINE_CALL] = read_call,
    [ROUTINE_DECIDE] = read_decide,   [ROUTINE_CONFIRM] = read_confirm, [ROUTINE_ACT] = read_act,
    [ROUTINE_NOTE] = read_note,       [ROUTINE_GOTO] = read_goto,       [ROUTINE_CALL_ROUTINE] = read_call_routine,
    [ROUTINE_HANDOFF] = read_handoff, [ROUTINE_EXIT] = read_exit,
};

/* --- the whole --- */

static int read_steps(struct reader *x, const struct json *steps)
{
    struct routine *r = x->r;
    int number;
    for (const struct json *s = steps->child; s; s = s->next) {
        struct str id = json_str(json_get(s, "id"));
        if (!id.n)
            return yaml_refuse(x->e, x->file, s, "a step needs an `id`");
        if (add_step(x, id, s, &number) < 0)
            return ERR_INVALID;
    }
    r->top_n = r->steps_n;
    for (size_t i = 0; i < r->steps_n; i++) /* reading adds the steps that stand in targets */
        if (read_verb[r->steps[i].verb](x, (int)i) < 0)
            return ERR_INVALID;
    for (size_t i = 0; i < r->steps_n; i++) {
        struct routine_step *s = &r->steps[i];
        for (size_t b = 0; b < s->branches_n; b++)
            if (resolve(x, s, &s->branches[b]) < 0)
                return ERR_INVALID;
    }
    return 0;
}

int routine_read(struct arena *a, const struct json *spec, const char *file, struct routine *out, struct err *e)
{
    struct routine r = {.name = json_str(json_get(spec, "routine")), .spec = spec};
    struct reader x = {.a = a, .file = file, .r = &r, .e = e};
    const struct json *steps = json_get(spec, "steps");
    int mode = word_of(&x, json_get(spec, "mode"), "mode", mode_names, ROUTINE_GATE);
    int digress = mode < 0 ? mode : word_of(&x, json_get(spec, "digress"), "digress", digress_names, ROUTINE_ALLOW);
    if (mode < 0 || digress < 0)
        return ERR_INVALID;
    r.mode = (enum routine_mode)mode;
    r.digress = (enum routine_digress)digress;
    r.identity = (int)json_int(json_get(json_get(spec, "requires"), "identity"), 0);
    if (!json_is(steps, JSON_ARRAY) || !steps->n)
        return yaml_refuse(e, file, steps ? steps : spec, "a routine needs `steps`, a list");
    if (read_steps(&x, steps) < 0)
        return ERR_INVALID;
    *out = r;
    return 0;
}

const struct routine_step *routine_step(const struct routine *r, struct str id)
{
    for (size_t i = 0; i < r->steps_n; i++)
        if (str_eq(r->steps[i].id, id))
            return &r->steps[i];
    return NULL;
}

int routine_branch(const struct routine_step *s, const char *on)
{
    for (size_t i = 0; i < s->branches_n; i++)
        if (str_is(s->branches[i].on, on))
            return s->branches[i].to;
    return ROUTINE_NOWHERE;
}

struct str routine_expr(struct arena *a, struct str source)
{
    char quote = 0;
    size_t n = 0;
    if (!str_has(source, STR("$")))
        return source;
    char *plain = arena_alloc(a, source.n + 1);
    for (size_t i = 0; i < source.n; i++) {
        char c = source.p[i];
        if (quote ? c == quote : c == '\'' || c == '"')
            quote = quote ? 0 : c;
        if (c != '$' || quote)
            plain[n++] = c;
    }
    return (struct str){plain, n};
}

bool routine_asks(const struct routine *r, struct str slot)
{
    for (size_t i = 0; i < r->steps_n; i++)
        for (const struct json *q = r->steps[i].verb == ROUTINE_ASK ? r->steps[i].arg->child : NULL; q; q = q->next)
            if (str_eq(json_str(json_get(q, "slot")), slot))
                return true;
    return false;
}

const struct routine *routine_find(const struct routine_book *b, struct str name)
{
    for (size_t i = 0; i < b->n; i++)
        if (str_eq(b->routines[i].name, name))
            return &b->routines[i];
    return NULL;
}
