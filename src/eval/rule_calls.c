/* rule_calls: which calls were made, how often, in which order. */
#include "eval/rule.h"

#include "base/expr.h"
#include "eval/fields.h"

#include <string.h>

const char *const rule_call_keys[] = {"tools", "args", "where", "outcome", NULL};

static const char *const at_most_keys[] = {"n", "identical", "tools", "args", "where", "outcome", NULL};

/* The keys of `map` that choose calls; others were checked by the caller. */
static int filter_read(struct arena *a, const struct json *map, struct call_filter *f, struct err *e)
{
    const struct json *args = json_get(map, "args"), *where = json_get(map, "where"),
                      *outcome = json_get(map, "outcome");
    int r = fields_texts(a, map, "tools", &f->tools, &f->tools_n, e);
    if (r)
        return r;
    if (args && !json_is(args, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "line %u: args is a map", args->line);
    f->args = args;
    if (where) {
        r = fields_text(map, "where", &f->where, e);
        if (r == 0 && expr_check(f->where, e))
            r = err_in(e, "line %u: where", where->line);
    }
    if (r)
        return r;
    if (str_is(json_str(outcome), "ok"))
        f->outcome = OUTCOME_OK;
    else if (str_is(json_str(outcome), "failed"))
        f->outcome = OUTCOME_FAILED;
    else if (outcome)
        return err_set(e, ERR_INVALID, "line %u: outcome is ok or failed", outcome->line);
    return 0;
}

int rule_calls_read(struct arena *a, const struct json *map, struct call_filter *f, struct err *e)
{
    int r = fields_check(map, rule_call_keys, e);
    return r ? r : filter_read(a, map, f, e);
}

bool rule_tool_listed(const struct str *tools, size_t n, struct str tool)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(tools[i], tool))
            return true;
    return n == 0;
}

bool rule_part_of(const struct json *part, const struct json *whole)
{
    if (!json_is(part, JSON_OBJECT) || !json_is(whole, JSON_OBJECT))
        return whole && json_same(part, whole);
    for (const struct json *v = part->child; v; v = v->next) {
        const struct json *other = whole->child;
        while (other && !str_eq(other->key, v->key))
            other = other->next;
        if (!rule_part_of(v, other))
            return false;
    }
    return true;
}

/* A member that shares its children with `v`. */
static void share(struct arena *a, struct json *object, struct str key, const struct json *v)
{
    struct json *copy = json_new(a, JSON_NULL);
    if (v)
        *copy = *v;
    copy->next = NULL;
    json_set(object, key, copy);
}

/* Recorded tools answer with text; where that is JSON, expressions see inside. */
static const struct json *result_value(struct arena *a, const struct json *result)
{
    const struct json *text = json_get(result, "text");
    struct json *v;
    if (json_is(text, JSON_STRING) && result->n == 1 && json_parse(a, text->text, &v, NULL) == 0)
        return v;
    return result;
}

static int where_holds(const struct call_filter *f, const struct trial *x, const struct transcript_call *c,
                       struct err *e)
{
    const struct transcript_action *action = c->action && c->action->done ? c->action : NULL;
    struct json *root = json_new(x->arena, JSON_OBJECT), *holds;
    share(x->arena, root, STR("args"), c->args);
    share(x->arena, root, STR("result"), result_value(x->arena, action ? action->result : c->result));
    json_set(root, STR("tool"), json_new_str(x->arena, c->name));
    json_set(root, STR("class"), json_new_str(x->arena, action ? action->class : c->class));
    int r = expr_eval(x->arena, f->where, root, &holds, e);
    return r ? r : expr_true(holds);
}

int rule_calls_fit(const struct call_filter *f, const struct trial *x, const struct transcript_call *c, struct err *e)
{
    bool ok = transcript_call_ok(c);
    if (!rule_tool_listed(f->tools, f->tools_n, c->name))
        return 0;
    if ((f->outcome == OUTCOME_OK && !ok) || (f->outcome == OUTCOME_FAILED && ok))
        return 0;
    if (f->args && !rule_part_of(f->args, c->args))
        return 0;
    return f->where.n ? where_holds(f, x, c, e) : 1;
}

static struct str named(const struct rule *r, const struct trial *x)
{
    static const char *const how[] = {"", " (with success)", " (without success)"};
    struct str tools = rule_list(x->arena, r->calls.tools, r->calls.tools_n);
    return str_f(x->arena, "%.*s%s%s", STR_ARG(tools), how[r->calls.outcome],
                 r->calls.args || r->calls.where.n ? " as described" : "");
}

/* The first call that is meant; NULL when there is none or an error in *r. */
static const struct transcript_call *first_call(const struct call_filter *f, const struct trial *x, int *r,
                                                struct err *e)
{
    *r = 0;
    for (size_t i = 0; i < x->t->calls_n; i++) {
        int fits = rule_calls_fit(f, x, &x->t->calls[i], e);
        if (fits < 0)
            *r = fits;
        if (fits)
            return fits > 0 ? &x->t->calls[i] : NULL;
    }
    return NULL;
}

int rule_called_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    return rule_calls_read(a, v, &r->calls, e);
}

int rule_called_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    int bad;
    const struct transcript_call *c = first_call(&r->calls, x, &bad, e);
    struct str what = named(r, x);
    if (bad)
        return bad;
    if (!c)
        return rule_fail(out, x, 0, "%.*s was never called.", STR_ARG(what));
    return rule_pass(out, x, c->seq, "%.*s was called.", STR_ARG(what));
}

int rule_not_called_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    return rule_calls_read(a, v, &r->calls, e);
}

int rule_not_called_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    int bad;
    const struct transcript_call *c = first_call(&r->calls, x, &bad, e);
    if (bad)
        return bad;
    if (!c) {
        struct str what = named(r, x);
        return rule_pass(out, x, 0, "%.*s was not called.", STR_ARG(what));
    }
    return rule_fail(out, x, c->seq, "%.*s was called with %.*s.", STR_ARG(c->name),
                     STR_ARG(rule_quote(x->arena, c->arguments)));
}

int rule_at_most_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    int bad = fields_check(v, at_most_keys, e);
    if (bad == 0)
        bad = fields_int(v, "n", 0, -1, &r->n, e);
    if (bad == 0 && r->n < 0)
        bad = err_set(e, ERR_INVALID, "line %u: at_most needs n", v->line);
    if (bad == 0)
        bad = fields_bool(v, "identical", &r->identical, e);
    return bad ? bad : filter_read(a, v, &r->calls, e);
}

static bool same_call(const struct transcript_call *a, const struct transcript_call *b)
{
    if (!str_eq(a->name, b->name))
        return false;
    return a->args && b->args ? json_same(a->args, b->args) : str_eq(a->arguments, b->arguments);
}

int rule_at_most_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    const struct transcript_call **meant = ARENA_ARRAY(x->arena, const struct transcript_call *, x->t->calls_n);
    size_t n = 0, most = 0;
    for (size_t i = 0; i < x->t->calls_n; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        int fits = rule_calls_fit(&r->calls, x, c, e);
        if (fits < 0)
            return fits;
        if (!fits)
            continue;
        meant[n++] = c;
        size_t alike = 0;
        for (size_t k = 0; k < n; k++)
            alike += !r->identical || same_call(meant[k], c);
        most = alike > most ? alike : most;
        if ((int64_t)alike > r->n)
            return rule_fail(out, x, c->seq, "%.*s was called %zu times%s; %lld are allowed.", STR_ARG(c->name), alike,
                             r->identical ? " with the same arguments" : "", (long long)r->n);
    }
    struct str what = named(r, x);
    return rule_pass(out, x, 0, "%.*s was called %zu times%s; %lld are allowed.", STR_ARG(what), most,
                     r->identical ? " with the same arguments" : "", (long long)r->n);
}

/* --- order --- */

int rule_order_read(struct arena *a, const struct json *v, struct rule *r, struct err *e)
{
    static const char *const known[] = {"first", "before", "before_reply", "unless", NULL};
    int bad = fields_check(v, known, e);
    if (bad)
        return bad;
    const struct json *first = json_get(v, "first"), *before = json_get(v, "before");
    r->by_reply = json_get(v, "before_reply");
    if (!first || !before == !r->by_reply)
        return err_set(e, ERR_INVALID, "line %u: order needs first, and one of before and before_reply", v->line);
    bad = rule_calls_read(a, first, &r->calls, e);
    if (bad == 0 && before)
        bad = rule_calls_read(a, before, &r->then, e);
    if (bad == 0)
        bad = rule_patterns(a, v, "before_reply", &r->must, e);
    return bad ? bad : rule_patterns(a, v, "unless", &r->unless, e);
}

/* The seq of what must not come first; 0 when it never comes. */
static int later_seq(const struct rule *r, const struct trial *x, int64_t *seq, struct str *what, struct err *e)
{
    int bad;
    *seq = 0;
    if (!r->by_reply) {
        const struct transcript_call *c = first_call(&r->then, x, &bad, e);
        if (c) {
            *seq = c->seq;
            *what = c->name;
        }
        return bad;
    }
    for (size_t i = 0; i < x->t->messages_n; i++) {
        const struct transcript_message *m = &x->t->messages[i];
        struct str rest = m->text, sentence;
        while (m->from == SPEAKER_AGENT && pattern_sentence(&rest, &sentence)) {
            int found = pattern_find(&r->must, sentence, NULL, e);
            int excused = found > 0 ? pattern_find(&r->unless, sentence, NULL, e) : 0;
            if (found < 0 || excused < 0)
                return ERR_LIMIT;
            if (!found || excused)
                continue;
            *seq = m->seq;
            *what = str_f(x->arena, "the reply \"%.*s\"", STR_ARG(rule_quote(x->arena, sentence)));
            return 0;
        }
    }
    return 0;
}

int rule_order_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
{
    int64_t later;
    struct str what, first = named(r, x);
    int bad = later_seq(r, x, &later, &what, e);
    if (bad)
        return bad;
    if (later == 0)
        return rule_pass(out, x, 0, "Nothing was done or said that needs %.*s before it.", STR_ARG(first));
    for (size_t i = 0; i < x->t->calls_n; i++) {
        const struct transcript_call *c = &x->t->calls[i];
        int64_t end = transcript_call_end(c);
        if (end == 0 || end >= later)
            continue;
        int fits = rule_calls_fit(&r->calls, x, c, e);
        if (fits < 0)
            return fits;
        if (fits)
            return rule_pass(out, x, end, "%.*s was answered before %.*s.", STR_ARG(c->name), STR_ARG(what));
    }
    return rule_fail(out, x, later, "%.*s came without %.*s before it.", STR_ARG(what), STR_ARG(first));
}
