#include "base/expr.h"

#include "base/expr_tree.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/regex.h"

/* Evaluating has no side effects and always gives a value. */

enum { DAYS_MAX = 4000000 /* about the span of four-digit years */ };

typedef const struct json *value;

static const struct json null_value = {.kind = JSON_NULL};
static const struct json true_value = {.kind = JSON_TRUE};
static const struct json false_value = {.kind = JSON_FALSE};

static value truth(bool v)
{
    return v ? &true_value : &false_value;
}

static bool exactly(struct decimal *x, char sign, struct decimal y)
{
    switch (sign) {
    case '*': return decimal_multiply(x, y);
    case '/': return decimal_divide(x, y);
    case '+': return decimal_add(x, y);
    default: return decimal_subtract(x, y);
    }
}

static value arithmetic(struct arena *a, value left, char sign, value right)
{
    struct decimal x, y;
    if (decimal_of(left, &x) && decimal_of(right, &y) && exactly(&x, sign, y))
        return decimal_json(a, x);
    double p = json_num(left, 0), q = json_num(right, 0);
    if (sign == '/' && q == 0)
        return &null_value;
    return json_new_num(a, sign == '*'   ? p * q
                           : sign == '/' ? p / q
                           : sign == '+' ? p + q
                                         : p - q); /* null when infinite */
}

/* What does not fit a decimal is beyond rounding: it stays. */
static value rounded(struct arena *a, value number, value places)
{
    struct decimal x;
    int64_t n = json_int(places, -1);
    if (!json_is(number, JSON_NUMBER) || n < 0)
        return &null_value;
    if (!decimal_of(number, &x))
        return number;
    decimal_round(&x, n < UINT16_MAX ? (unsigned)n : UINT16_MAX);
    return decimal_json(a, x);
}

static bool is_time(value v, int64_t *seconds)
{
    return json_is(v, JSON_STRING) && clock_seconds(v->text, seconds) == 0;
}

static value hours_since(struct arena *a, value later, value earlier)
{
    int64_t from, to;
    if (!is_time(later, &to) || !is_time(earlier, &from))
        return &null_value;
    struct decimal hours = {to - from, 0};
    return decimal_divide(&hours, (struct decimal){3600, 0}) ? decimal_json(a, hours) : &null_value;
}

static value plus_hours(struct arena *a, value time, value number)
{
    int64_t from;
    struct decimal n;
    if (!is_time(time, &from) || !decimal_of(number, &n) || !decimal_multiply(&n, (struct decimal){3600, 0}))
        return &null_value;
    decimal_round(&n, 0);
    if (n.n < -DAYS_MAX * INT64_C(86400) || n.n > DAYS_MAX * INT64_C(86400))
        return &null_value;
    int64_t at = from + n.n, days = at / 86400 - (at % 86400 < 0);
    return clock_date_of_days(a, days).n ? json_new_str(a, clock_iso(a, at * 1000000)) : &null_value;
}

static bool is_date(value v, int64_t *days)
{
    return json_is(v, JSON_STRING) && clock_days(v->text, days) == 0;
}

static value days_later(struct arena *a, int64_t days, value number, int direction)
{
    int64_t n = json_int(number, INT64_MAX);
    if (n < -DAYS_MAX || n > DAYS_MAX)
        return &null_value;
    struct str date = clock_date_of_days(a, days + direction * n);
    return clock_days(date, &days) == 0 ? json_new_str(a, date) : &null_value; /* years 0 to 9999 */
}

static value combine(struct arena *a, value left, char sign, value right)
{
    int64_t x, y;
    bool number = json_is(left, JSON_NUMBER), other = json_is(right, JSON_NUMBER);
    if (number && other)
        return arithmetic(a, left, sign, right);
    if (sign == '-' && is_date(left, &x) && is_date(right, &y))
        return json_new_int(a, x - y);
    if ((sign == '+' || sign == '-') && other && is_date(left, &x))
        return days_later(a, x, right, sign == '+' ? 1 : -1);
    if (sign == '+' && number && is_date(right, &y))
        return days_later(a, y, left, 1);
    return &null_value;
}

/* -1, 0, 1; 2 where there is no order. */
static int order(value a, value b)
{
    if (json_is(a, JSON_STRING) && json_is(b, JSON_STRING)) {
        int by_bytes = str_cmp(a->text, b->text);
        return (by_bytes > 0) - (by_bytes < 0);
    }
    if (!json_is(a, JSON_NUMBER) || !json_is(b, JSON_NUMBER))
        return 2;
    return decimal_order(a, b);
}

/* A list holds an equal value, a text holds the text, an object has a member of that name. */
static bool contains(value whole, value part)
{
    if (json_is(whole, JSON_STRING))
        return json_is(part, JSON_STRING) && str_has(whole->text, part->text);
    if (json_is(whole, JSON_ARRAY))
        for (value c = whole->child; c; c = c->next)
            if (json_same(c, part))
                return true;
    if (json_is(whole, JSON_OBJECT) && json_is(part, JSON_STRING))
        for (value c = whole->child; c; c = c->next)
            if (str_eq(c->key, part->text))
                return true;
    return false;
}

static bool compare(value left, enum expr_compare c, value right)
{
    int o = order(left, right);
    switch (c) {
    case EXPR_SAME: return json_same(left, right);
    case EXPR_DIFFERENT: return !json_same(left, right);
    case EXPR_LESS: return o == -1;
    case EXPR_LESS_OR_SAME: return o == -1 || o == 0;
    case EXPR_MORE: return o == 1;
    case EXPR_MORE_OR_SAME: return o == 1 || o == 0;
    case EXPR_IN: return contains(right, left);
    case EXPR_CONTAINS: return contains(left, right);
    case EXPR_MATCHES:
        return json_is(left, JSON_STRING) && json_is(right, JSON_STRING) && regex_match(right->text, left->text);
    case EXPR_IS:
    case EXPR_NO_COMPARISON: break;
    }
    return false;
}

static value run(struct arena *a, const struct expr *x, value root);

static value run_list(struct arena *a, const struct expr *x, value root)
{
    struct json *list = json_new(a, JSON_ARRAY);
    for (const struct expr *c = x->child; c; c = c->next) {
        struct json *own = ARENA_NEW(a, struct json); /* the same value may stand elsewhere */
        *own = *run(a, c, root);
        json_push(list, own);
    }
    return list;
}

static value join(struct arena *a, value left, enum expr_op op, value right)
{
    switch (op) {
    case EXPR_ADD: return combine(a, left, '+', right);
    case EXPR_SUBTRACT: return combine(a, left, '-', right);
    case EXPR_MULTIPLY: return combine(a, left, '*', right);
    case EXPR_DIVIDE: return combine(a, left, '/', right);
    case EXPR_ROUND: return rounded(a, left, right);
    case EXPR_HOURS_SINCE: return hours_since(a, left, right);
    case EXPR_PLUS_HOURS: return plus_hours(a, left, right);
    case EXPR_FIRST: break;
    }
    return &null_value;
}

static value run_chain(struct arena *a, const struct expr *x, value root)
{
    value left = run(a, x->child, root);
    for (const struct expr *c = x->child->next; c; c = c->next)
        left = join(a, left, c->op, run(a, c, root));
    return left;
}

/* Is it true of any child? */
static bool run_any(struct arena *a, const struct expr *x, value root, bool wanted)
{
    for (const struct expr *c = x->child; c; c = c->next)
        if (expr_true(run(a, c, root)) == wanted)
            return true;
    return false;
}

static value run(struct arena *a, const struct expr *x, value root)
{
    static const struct json zero = {.kind = JSON_NUMBER, .text = {"0", 1}};
    switch (x->node) {
    case EXPR_LITERAL: return x->value;
    case EXPR_PATH: {
        value v = json_path(root, x->text);
        return v ? v : &null_value;
    }
    case EXPR_ITEMS: return run_list(a, x, root);
    case EXPR_CHAIN: return run_chain(a, x, root);
    case EXPR_MINUS: return combine(a, &zero, '-', run(a, x->child, root));
    case EXPR_COMPARE: {
        value left = run(a, x->child, root);
        return truth(compare(left, x->compare, run(a, x->child->next, root)));
    }
    case EXPR_IS_SET: return truth((run(a, x->child, root)->kind != JSON_NULL) == !x->text.n);
    case EXPR_NOT: return truth(!expr_true(run(a, x->child, root)));
    case EXPR_AND: return truth(!run_any(a, x, root, false));
    case EXPR_OR: return truth(run_any(a, x, root, true));
    }
    return &null_value;
}

struct json *expr_run(struct arena *a, const struct expr *x, const struct json *root)
{
    struct json *v = json_copy(a, run(a, x, root)); /* the root may go before the arena does */
    v->key = STR_NONE;
    return v;
}

bool expr_true(const struct json *v)
{
    if (json_is(v, JSON_NUMBER))
        return json_num(v, 0) != 0;
    if (json_is(v, JSON_STRING))
        return v->text.n > 0;
    return v && v->kind != JSON_NULL && v->kind != JSON_FALSE;
}
