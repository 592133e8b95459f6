#include "base/expr.h"

#include "base/expr_tree.h"

#include "base/clock.h"
#include "base/nearest.h"

#include <stdio.h>

enum { VALUES_SHOWN_MAX = 12, SENTENCE_BYTES_MAX = 400 };

struct checker {
    struct arena *arena;
    const struct expr_scope *scope;
};

static void PRINTF_LIKE(3, 4) problem(const struct checker *k, size_t at, const char *format, ...)
{
    char sentence[SENTENCE_BYTES_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    k->scope->problem(k->scope->with, at, sentence);
}

static unsigned kind_of(const struct json *v)
{
    int64_t days;
    switch (v->kind) {
    case JSON_NULL: return EXPR_NULL;
    case JSON_FALSE:
    case JSON_TRUE: return EXPR_BOOLEAN;
    case JSON_NUMBER: return EXPR_NUMBER;
    case JSON_STRING: return clock_days(v->text, &days) == 0 ? EXPR_DATE : EXPR_TEXT;
    case JSON_ARRAY: return EXPR_LIST;
    case JSON_OBJECT: return EXPR_OBJECT;
    }
    return EXPR_ANY;
}

struct expr_type expr_type_of(struct arena *a, const struct json *value)
{
    struct json *values = json_new(a, JSON_ARRAY);
    if (value->kind != JSON_NULL)
        json_push(values, json_copy(a, value));
    return (struct expr_type){kind_of(value), values};
}

struct str expr_kinds_in_words(struct arena *a, unsigned kinds)
{
    static const struct {
        unsigned kind;
        const char *words;
    } all[] = {
        {EXPR_STRING, "a text"},         {EXPR_TEXT, "a text"}, {EXPR_DATE, "a date"},      {EXPR_NUMBER, "a number"},
        {EXPR_BOOLEAN, "true or false"}, {EXPR_LIST, "a list"}, {EXPR_OBJECT, "an object"}, {EXPR_NULL, "null"}};
    if (kinds != EXPR_NULL)
        kinds &= ~(unsigned)EXPR_NULL; /* that a value may be missing goes without saying */
    struct buf b = buf_new(a, 100);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((kinds & all[i].kind) == all[i].kind) {
            buf_addf(&b, "%s%s", b.n ? " or " : "", all[i].words);
            kinds &= ~all[i].kind;
        }
    return buf_str(&b);
}

/* How a message calls an operand. */
static struct str called(const struct checker *k, const struct expr *x, struct expr_type t)
{
    if (x->node == EXPR_PATH)
        return x->text;
    if (x->node == EXPR_LITERAL)
        return json_text(k->arena, x->value);
    return expr_kinds_in_words(k->arena, t.kinds);
}

static bool holds_value(const struct json *values, const struct json *v)
{
    for (const struct json *i = values->child; i; i = i->next)
        if (json_same(i, v))
            return true;
    return false;
}

/* Can two values of these types be the same? */
static bool may_be_same(struct expr_type x, struct expr_type y)
{
    unsigned both = x.kinds & y.kinds;
    if (both & EXPR_NULL)
        return true;
    if (x.values && y.values) {
        for (const struct json *v = x.values->child; v; v = v->next)
            if (holds_value(y.values, v))
                return true;
        return false;
    }
    return both != 0;
}

/* "; it can be: a, b" with the nearest one first said. */
static struct str choice(const struct checker *k, const struct json *values, struct str wrong)
{
    const char *names[VALUES_SHOWN_MAX + 1] = {0};
    struct buf b = buf_new(k->arena, 200);
    size_t n = 0;
    for (const struct json *v = values->child; v && n < VALUES_SHOWN_MAX; v = v->next)
        if (v->kind == JSON_STRING)
            names[n++] = str_c(k->arena, v->text);
    const char *nearest = wrong.n ? nearest_word(wrong, names) : NULL;
    if (nearest)
        buf_addf(&b, "; did you mean '%s'?", nearest);
    else
        for (size_t i = 0; i < n; i++)
            buf_addf(&b, "%s%s", i ? ", " : "; it can be: ", names[i]);
    return buf_str(&b);
}

/* `path` never has the value. */
static void never(const struct checker *k, size_t at, struct str path, struct expr_type of, const struct json *value)
{
    struct str wrong = json_str(value), written = json_text(k->arena, value);
    if (of.values)
        problem(k, at, "%.*s is never %.*s%.*s", STR_ARG(path), STR_ARG(written), STR_ARG(choice(k, of.values, wrong)));
    else
        problem(k, at, "%.*s is never %.*s: it is %.*s", STR_ARG(path), STR_ARG(written),
                STR_ARG(expr_kinds_in_words(k->arena, of.kinds)));
}

static void check_same(const struct checker *k, const struct expr *x, struct expr_type left, struct expr_type right)
{
    const struct expr *l = x->child, *r = l->next;
    if (may_be_same(left, right))
        return;
    if (r->node == EXPR_LITERAL && r->value->kind != JSON_NULL)
        never(k, r->at, called(k, l, left), left, r->value);
    else if (l->node == EXPR_LITERAL && l->value->kind != JSON_NULL)
        never(k, l->at, called(k, r, right), right, l->value);
    else
        problem(k, x->at, "%.*s and %.*s are never the same", STR_ARG(called(k, l, left)),
                STR_ARG(called(k, r, right)));
}

static void check_order(const struct checker *k, const struct expr *x, struct expr_type left, struct expr_type right)
{
    unsigned both = left.kinds & right.kinds & (EXPR_NUMBER | EXPR_STRING);
    if (!both)
        problem(k, x->at, "%.*s (%.*s) and %.*s (%.*s) have no order: `%s` is never true",
                STR_ARG(called(k, x->child, left)), STR_ARG(expr_kinds_in_words(k->arena, left.kinds)),
                STR_ARG(called(k, x->child->next, right)), STR_ARG(expr_kinds_in_words(k->arena, right.kinds)),
                expr_compare_word(x->compare));
}

/* `part` in what `whole` is. */
static void check_contains(const struct checker *k, const struct expr *x, const struct expr *whole,
                           struct expr_type of_whole, const struct expr *part, struct expr_type of_part)
{
    if (!(of_whole.kinds & (EXPR_STRING | EXPR_LIST | EXPR_OBJECT))) {
        problem(k, x->at, "%.*s is %.*s, which contains nothing", STR_ARG(called(k, whole, of_whole)),
                STR_ARG(expr_kinds_in_words(k->arena, of_whole.kinds)));
    } else if (!(of_whole.kinds & EXPR_LIST) && !(of_part.kinds & EXPR_STRING)) {
        problem(k, x->at, "%.*s contains texts only, and %.*s is %.*s", STR_ARG(called(k, whole, of_whole)),
                STR_ARG(called(k, part, of_part)), STR_ARG(expr_kinds_in_words(k->arena, of_part.kinds)));
    } else if (whole->node == EXPR_LITERAL && whole->value->kind == JSON_ARRAY && part->node == EXPR_PATH) {
        for (const struct json *v = whole->value->child; v; v = v->next)
            if (!may_be_same(of_part, expr_type_of(k->arena, v)))
                never(k, whole->at, part->text, of_part, v);
    }
}

static void check_compare(const struct checker *k, const struct expr *x, struct expr_type left, struct expr_type right)
{
    const struct expr *l = x->child, *r = l->next;
    switch (x->compare) {
    case EXPR_SAME:
    case EXPR_DIFFERENT: check_same(k, x, left, right); break;
    case EXPR_LESS:
    case EXPR_LESS_OR_SAME:
    case EXPR_MORE:
    case EXPR_MORE_OR_SAME: check_order(k, x, left, right); break;
    case EXPR_IN: check_contains(k, x, r, right, l, left); break;
    case EXPR_CONTAINS: check_contains(k, x, l, left, r, right); break;
    case EXPR_MATCHES:
        if (!(left.kinds & EXPR_STRING) || !(right.kinds & EXPR_STRING))
            problem(k, x->at, "`matches` compares texts, and %.*s is %.*s",
                    STR_ARG(called(k, left.kinds & EXPR_STRING ? r : l, left.kinds & EXPR_STRING ? right : left)),
                    STR_ARG(expr_kinds_in_words(k->arena, left.kinds & EXPR_STRING ? right.kinds : left.kinds)));
        break;
    case EXPR_IS:
    case EXPR_NO_COMPARISON: break;
    }
}

/* What `left op right` can be; 0 when it is always null. */
static unsigned joined(unsigned left, enum expr_op op, unsigned right)
{
    bool numbers = left & right & EXPR_NUMBER, dates = left & right & EXPR_DATE;
    bool date_number = left & EXPR_DATE && right & EXPR_NUMBER, number_date = left & EXPR_NUMBER && right & EXPR_DATE;
    switch (op) {
    case EXPR_ADD: return (numbers ? EXPR_NUMBER : 0u) | (date_number || number_date ? EXPR_DATE : 0u);
    case EXPR_SUBTRACT: return (numbers || dates ? EXPR_NUMBER : 0u) | (date_number ? EXPR_DATE : 0u);
    case EXPR_MULTIPLY:
    case EXPR_DIVIDE:
    case EXPR_ROUND: return numbers ? EXPR_NUMBER : 0u;
    case EXPR_HOURS_SINCE: return dates ? EXPR_NUMBER : 0u;
    case EXPR_PLUS_HOURS: return date_number ? EXPR_DATE : 0u;
    case EXPR_FIRST: break;
    }
    return 0;
}

static struct expr_type type(const struct checker *k, const struct expr *x);

static struct expr_type type_of_chain(const struct checker *k, const struct expr *x)
{
    struct expr_type left = type(k, x->child);
    for (const struct expr *c = x->child->next; c; c = c->next) {
        struct expr_type right = type(k, c);
        unsigned kinds = joined(left.kinds, c->op, right.kinds);
        if (!kinds)
            problem(k, c->at, "%.*s %s %.*s is always null", STR_ARG(expr_kinds_in_words(k->arena, left.kinds)),
                    expr_op_word(c->op), STR_ARG(expr_kinds_in_words(k->arena, right.kinds)));
        left = (struct expr_type){kinds ? kinds | EXPR_NULL : EXPR_ANY, NULL};
    }
    return left;
}

static struct expr_type type_of_path(const struct checker *k, const struct expr *x)
{
    struct expr_type t = {EXPR_ANY, NULL};
    struct err why = {0};
    if (!k->scope->path(k->scope->with, x->text, &t, &why)) {
        problem(k, x->at, "%s", why.text);
        return (struct expr_type){EXPR_ANY, NULL};
    }
    return t;
}

static struct expr_type type(const struct checker *k, const struct expr *x)
{
    static const struct expr_type yes_or_no = {EXPR_BOOLEAN, NULL};
    struct expr_type left;
    switch (x->node) {
    case EXPR_LITERAL: return expr_type_of(k->arena, x->value);
    case EXPR_PATH: return type_of_path(k, x);
    case EXPR_CHAIN: return type_of_chain(k, x);
    case EXPR_MINUS:
        if (!(type(k, x->child).kinds & EXPR_NUMBER))
            problem(k, x->at, "- stands before what is no number: always null");
        return (struct expr_type){EXPR_NUMBER | EXPR_NULL, NULL};
    case EXPR_COMPARE:
        left = type(k, x->child);
        check_compare(k, x, left, type(k, x->child->next));
        return yes_or_no;
    case EXPR_ITEMS:
    case EXPR_IS_SET:
    case EXPR_NOT:
    case EXPR_AND:
    case EXPR_OR:
        for (const struct expr *c = x->child; c; c = c->next)
            type(k, c);
        break;
    }
    return x->node == EXPR_ITEMS ? (struct expr_type){EXPR_LIST, NULL} : yes_or_no;
}

struct expr_type expr_type(struct arena *a, const struct expr *x, const struct expr_scope *scope)
{
    struct checker k = {a, scope};
    return type(&k, x);
}
