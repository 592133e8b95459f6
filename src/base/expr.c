#include "base/expr.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/regex.h"
#include "base/text.h"

#include <string.h>

enum { DEPTH_MAX = 64, DAYS_MAX = 4000000 /* about the span of four-digit years */ };

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_WORD, TOKEN_SIGN };

/* One pass: an expression has no side effects and always gives a value, so each part is evaluated
 * as it is parsed, also the side of an `and` that does not matter. */
struct expr {
    struct arena *arena;
    struct str source;
    const struct json *root;
    struct err *e;
    size_t end; /* of the token */
    unsigned depth;
    enum token_kind kind; /* the token that comes next */
    struct str token;     /* in the source; a text's without its quotes */
    size_t at;
};

static const struct json null_value = {.kind = JSON_NULL};
static const struct json true_value = {.kind = JSON_TRUE};
static const struct json false_value = {.kind = JSON_FALSE};

typedef const struct json *value;

static int parse_or(struct expr *x, value *out);

static int refuse(struct expr *x, size_t at, const char *what)
{
    return err_set(x->e, ERR_INVALID, "expression, byte %zu: %s", at, what);
}

static value truth(bool v)
{
    return v ? &true_value : &false_value;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

/* Reads the token behind the present one. */
static int advance(struct expr *x)
{
    struct str s = x->source;
    size_t at = x->end;
    while (at < s.n && (s.p[at] == ' ' || (s.p[at] >= '\t' && s.p[at] <= '\r')))
        at++;
    x->at = x->end = at;
    x->kind = TOKEN_END;
    x->token = STR_NONE;
    if (at == s.n)
        return 0;
    char c = s.p[at];
    size_t end = at + 1;
    if (c == '\'' || c == '"') {
        const char *quote = memchr(s.p + end, c, s.n - end);
        if (!quote)
            return refuse(x, at, "a text without its closing quote");
        x->kind = TOKEN_TEXT;
        x->token = (struct str){s.p + end, (size_t)(quote - s.p) - end};
        x->end = (size_t)(quote - s.p) + 1;
        return 0;
    }
    if (in_word(c)) {
        x->kind = is_digit(c) || c == '.' ? TOKEN_NUMBER : TOKEN_WORD;
        while (end < s.n && in_word(s.p[end]))
            end++;
    } else {
        static const char *const pairs[] = {"==", "!=", "<=", ">="};
        x->kind = TOKEN_SIGN;
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
            if (str_starts(str_from(s, at), str_of(pairs[i])))
                end = at + 2;
        if (end == at + 1 && !memchr("<>+-*/()[],", c, 11))
            return refuse(x, at, c == '=' ? "compare with ==" : "a character that no expression has");
    }
    x->token = (struct str){s.p + at, end - at};
    x->end = end;
    return 0;
}

/* Is the token this sign or keyword? */
static bool sees(const struct expr *x, const char *word)
{
    return (x->kind == TOKEN_SIGN || x->kind == TOKEN_WORD) && str_is(x->token, word);
}

static int expect(struct expr *x, const char *word, const char *what)
{
    return sees(x, word) ? advance(x) : refuse(x, x->at, what);
}

static int deeper(struct expr *x)
{
    if (++x->depth > DEPTH_MAX)
        return err_set(x->e, ERR_LIMIT, "expression, byte %zu: nested deeper than %d", x->at, DEPTH_MAX);
    return 0;
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

static int parse_list(struct expr *x, value *out)
{
    struct json *list = json_new(x->arena, JSON_ARRAY);
    int r = advance(x);
    while (r == 0 && !sees(x, "]")) {
        value item;
        if (list->n && (r = expect(x, ",", "expected , or ]")) < 0)
            break;
        if ((r = parse_or(x, &item)) < 0)
            break;
        struct json *own = ARENA_NEW(x->arena, struct json); /* the same value may stand elsewhere */
        *own = *item;
        json_push(list, own);
    }
    *out = list;
    return r < 0 ? r : advance(x);
}

static int parse_word(struct expr *x, value *out)
{
    static const char *const reserved[] = {"and",     "or", "not",   "in",          "contains",
                                           "matches", "is", "round", "hours_since", "plus_hours"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (sees(x, reserved[i]))
            return refuse(x, x->at, "expected a value");
    struct str path = x->token;
    if (str_is(path, "true") || str_is(path, "false")) {
        *out = truth(str_is(path, "true"));
    } else if (str_is(path, "null")) {
        *out = &null_value;
    } else {
        if (str_ends(path, STR(".")) || str_has(path, STR("..")))
            return refuse(x, x->at, "a path with an empty part");
        *out = json_path(x->root, path);
        if (!*out)
            *out = &null_value;
    }
    return advance(x);
}

static int parse_primary(struct expr *x, value *out)
{
    int r;
    switch (x->kind) {
    case TOKEN_WORD: return parse_word(x, out);
    case TOKEN_TEXT: *out = json_new_str(x->arena, x->token); return advance(x);
    case TOKEN_NUMBER: {
        if (!json_number_ok(x->token))
            return refuse(x, x->at, "not a number");
        struct json *number = json_new(x->arena, JSON_NUMBER);
        number->text = x->token;
        *out = number;
        return advance(x);
    }
    case TOKEN_END: return refuse(x, x->at, "the text ends where a value is expected");
    case TOKEN_SIGN: break;
    }
    if (!sees(x, "(") && !sees(x, "["))
        return refuse(x, x->at, "expected a value");
    if ((r = deeper(x)) < 0)
        return r;
    if (sees(x, "[")) {
        r = parse_list(x, out);
    } else if ((r = advance(x)) == 0 && (r = parse_or(x, out)) == 0) {
        r = expect(x, ")", "expected )");
    }
    x->depth--;
    return r;
}

static int parse_minus(struct expr *x, value *out)
{
    if (!sees(x, "-"))
        return parse_primary(x, out);
    int r = deeper(x);
    if (r < 0 || (r = advance(x)) < 0 || (r = parse_minus(x, out)) < 0)
        return r;
    x->depth--;
    static const struct json zero = {.kind = JSON_NUMBER, .text = {"0", 1}};
    *out = combine(x->arena, &zero, '-', *out);
    return 0;
}

static int parse_product(struct expr *x, value *out)
{
    int r = parse_minus(x, out);
    while (r == 0 && (sees(x, "*") || sees(x, "/"))) {
        char sign = x->token.p[0];
        value right;
        if ((r = advance(x)) == 0 && (r = parse_minus(x, &right)) == 0)
            *out = combine(x->arena, *out, sign, right);
    }
    return r;
}

static int parse_sum(struct expr *x, value *out)
{
    int r = parse_product(x, out);
    bool since = false;
    while (r == 0 && (sees(x, "+") || sees(x, "-") || (since = sees(x, "hours_since")) || sees(x, "plus_hours"))) {
        char sign = x->token.p[0];
        value right;
        if ((r = advance(x)) < 0 || (r = parse_product(x, &right)) < 0)
            break;
        *out = since         ? hours_since(x->arena, *out, right)
               : sign == 'p' ? plus_hours(x->arena, *out, right)
                             : combine(x->arena, *out, sign, right);
        since = false;
    }
    return r;
}

static int parse_round(struct expr *x, value *out)
{
    int r = parse_sum(x, out);
    while (r == 0 && sees(x, "round")) {
        value places;
        if ((r = advance(x)) == 0 && (r = parse_primary(x, &places)) == 0)
            *out = rounded(x->arena, *out, places);
    }
    return r;
}

/* The token is `is`. */
static int parse_is_set(struct expr *x, value *out)
{
    int r = advance(x);
    bool wanted = true;
    if (r == 0 && sees(x, "not")) {
        wanted = false;
        r = advance(x);
    }
    if (r == 0)
        r = expect(x, "set", "after `is` comes `set` or `not set`");
    *out = truth(((*out)->kind != JSON_NULL) == wanted);
    return r;
}

/* The token is `matches`. A pattern that is written out is checked even if nothing is matched. */
static int parse_matches(struct expr *x, value *out)
{
    int r = advance(x);
    size_t at = x->at;
    struct err why;
    if (r == 0 && x->kind == TOKEN_TEXT && regex_check(x->token, &why) < 0)
        return refuse(x, at, why.text);
    value pattern;
    if (r < 0 || (r = parse_round(x, &pattern)) < 0)
        return r;
    *out =
        truth(json_is(*out, JSON_STRING) && json_is(pattern, JSON_STRING) && regex_match(pattern->text, (*out)->text));
    return 0;
}

enum comparison { NO_COMPARISON, SAME, DIFFERENT, LESS, LESS_OR_SAME, MORE, MORE_OR_SAME, IN, CONTAINS, MATCHES, IS };

static enum comparison comparison(const struct expr *x)
{
    static const char *const words[] = {[SAME] = "==",         [DIFFERENT] = "!=",
                                        [LESS] = "<",          [LESS_OR_SAME] = "<=",
                                        [MORE] = ">",          [MORE_OR_SAME] = ">=",
                                        [IN] = "in",           [CONTAINS] = "contains",
                                        [MATCHES] = "matches", [IS] = "is"};
    for (enum comparison c = SAME; c <= IS; c++)
        if (sees(x, words[c]))
            return c;
    return NO_COMPARISON;
}

static bool compare(value left, enum comparison c, value right)
{
    int o = order(left, right);
    switch (c) {
    case SAME: return json_same(left, right);
    case DIFFERENT: return !json_same(left, right);
    case LESS: return o == -1;
    case LESS_OR_SAME: return o == -1 || o == 0;
    case MORE: return o == 1;
    case MORE_OR_SAME: return o == 1 || o == 0;
    case IN: return contains(right, left);
    default: return contains(left, right);
    }
}

/* Comparisons do not chain: a < b < c is refused, since no reading of it is what was meant. */
static int parse_comparison(struct expr *x, value *out)
{
    int r = parse_round(x, out);
    enum comparison c = r == 0 ? comparison(x) : NO_COMPARISON;
    if (c == NO_COMPARISON)
        return r;
    if (c == IS) {
        r = parse_is_set(x, out);
    } else if (c == MATCHES) {
        r = parse_matches(x, out);
    } else {
        value right;
        if ((r = advance(x)) == 0 && (r = parse_round(x, &right)) == 0)
            *out = truth(compare(*out, c, right));
    }
    if (r == 0 && comparison(x) != NO_COMPARISON)
        return refuse(x, x->at, "comparisons do not chain; use `and`");
    return r;
}

static int parse_not(struct expr *x, value *out)
{
    if (!sees(x, "not"))
        return parse_comparison(x, out);
    int r = deeper(x);
    if (r < 0 || (r = advance(x)) < 0 || (r = parse_not(x, out)) < 0)
        return r;
    x->depth--;
    *out = truth(!expr_true(*out));
    return 0;
}

static int parse_and(struct expr *x, value *out)
{
    int r = parse_not(x, out);
    while (r == 0 && sees(x, "and")) {
        value right;
        if ((r = advance(x)) == 0 && (r = parse_not(x, &right)) == 0)
            *out = truth(expr_true(*out) && expr_true(right));
    }
    return r;
}

static int parse_or(struct expr *x, value *out)
{
    int r = parse_and(x, out);
    while (r == 0 && sees(x, "or")) {
        value right;
        if ((r = advance(x)) == 0 && (r = parse_and(x, &right)) == 0)
            *out = truth(expr_true(*out) || expr_true(right));
    }
    return r;
}

int expr_eval(struct arena *a, struct str source, const struct json *root, struct json **out, struct err *e)
{
    struct expr x = {.arena = a, .source = source, .root = root, .e = e};
    if (source.n > EXPR_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "expression longer than %d bytes", EXPR_BYTES_MAX);
    ptrdiff_t invalid = text_invalid_at(source);
    if (invalid >= 0)
        return refuse(&x, (size_t)invalid, "not valid UTF-8");
    value v;
    int r = advance(&x);
    if (r < 0 || (r = parse_or(&x, &v)) < 0)
        return r;
    if (x.kind != TOKEN_END)
        return refuse(&x, x.at, "something follows the expression");
    *out = json_copy(a, v); /* the root may go before the arena does */
    (*out)->key = STR_NONE;
    return 0;
}

int expr_check(struct str source, struct err *e)
{
    struct arena *a = arena_new("expr", 0);
    struct json *v;
    int r = expr_eval(a, source, NULL, &v, e);
    arena_free(a);
    return r;
}

bool expr_true(const struct json *v)
{
    if (json_is(v, JSON_NUMBER))
        return json_num(v, 0) != 0;
    if (json_is(v, JSON_STRING))
        return v->text.n > 0;
    return v && v->kind != JSON_NULL && v->kind != JSON_FALSE;
}
