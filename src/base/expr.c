#include "base/expr.h"

#include "base/expr_tree.h"

#include "base/regex.h"
#include "base/text.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_WORD, TOKEN_SIGN };

struct parser {
    struct arena *arena;
    struct str source;
    struct err *e;
    size_t end; /* of the token */
    unsigned depth;
    enum token_kind kind; /* the token that comes next */
    struct str token;     /* in the source; a text's without its quotes */
    size_t at;
};

typedef int parse_fn(struct parser *x, struct expr **out);

static parse_fn parse_or;

static int refuse(struct parser *x, size_t at, const char *what)
{
    return err_set(x->e, ERR_INVALID, "expression, byte %zu: %s", at, what);
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
static int advance(struct parser *x)
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
    if (s.p[at] == '$' && at + 1 < s.n && in_word(s.p[at + 1]) && !is_digit(s.p[at + 1])) /* `$slot.x` is slot.x */
        at++;
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
static bool sees(const struct parser *x, const char *word)
{
    return (x->kind == TOKEN_SIGN || x->kind == TOKEN_WORD) && str_is(x->token, word);
}

static int expect(struct parser *x, const char *word, const char *what)
{
    return sees(x, word) ? advance(x) : refuse(x, x->at, what);
}

static int deeper(struct parser *x)
{
    if (++x->depth > DEPTH_MAX)
        return err_set(x->e, ERR_LIMIT, "expression, byte %zu: nested deeper than %d", x->at, DEPTH_MAX);
    return 0;
}

static struct expr *node(struct parser *x, enum expr_node kind)
{
    struct expr *n = ARENA_NEW(x->arena, struct expr);
    n->node = kind;
    n->at = x->at;
    return n;
}

static void add(struct expr *parent, struct expr *child)
{
    if (parent->last)
        parent->last->next = child;
    else {
        parent->child = child;
        parent->at = child->at;
    }
    parent->last = child;
    parent->n++;
}

static struct expr *literal(struct parser *x, struct json *value)
{
    struct expr *n = node(x, EXPR_LITERAL);
    n->value = value;
    return n;
}

/* A list of literals is one itself: it is made once and its values are known. */
static void fold_list(struct parser *x, struct expr *list)
{
    for (const struct expr *c = list->child; c; c = c->next)
        if (c->node != EXPR_LITERAL)
            return;
    list->value = json_new(x->arena, JSON_ARRAY);
    for (const struct expr *c = list->child; c; c = c->next)
        json_push(list->value, c->value);
    list->node = EXPR_LITERAL;
    list->child = list->last = NULL;
    list->n = 0;
}

static int parse_list(struct parser *x, struct expr **out)
{
    struct expr *list = node(x, EXPR_ITEMS);
    size_t at = x->at;
    int r = advance(x);
    while (r == 0 && !sees(x, "]")) {
        struct expr *item;
        if (list->n && (r = expect(x, ",", "expected , or ]")) < 0)
            break;
        if ((r = parse_or(x, &item)) == 0)
            add(list, item);
    }
    list->at = at;
    *out = list;
    if (r < 0)
        return r;
    fold_list(x, list);
    return advance(x);
}

static int parse_word(struct parser *x, struct expr **out)
{
    static const char *const reserved[] = {"and",     "or", "not",   "in",          "contains",
                                           "matches", "is", "round", "hours_since", "plus_hours"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (sees(x, reserved[i]))
            return refuse(x, x->at, "expected a value");
    struct str path = x->token;
    if (str_is(path, "true") || str_is(path, "false")) {
        *out = literal(x, json_new_bool(str_is(path, "true"), x->arena));
    } else if (str_is(path, "null")) {
        *out = literal(x, json_new(x->arena, JSON_NULL));
    } else {
        if (str_ends(path, STR(".")) || str_has(path, STR("..")))
            return refuse(x, x->at, "a path with an empty part");
        *out = node(x, EXPR_PATH);
        (*out)->text = path;
    }
    return advance(x);
}

static int parse_primary(struct parser *x, struct expr **out)
{
    int r;
    switch (x->kind) {
    case TOKEN_WORD: return parse_word(x, out);
    case TOKEN_TEXT: *out = literal(x, json_new_str(x->arena, x->token)); return advance(x);
    case TOKEN_NUMBER: {
        if (!json_number_ok(x->token))
            return refuse(x, x->at, "not a number");
        struct json *number = json_new(x->arena, JSON_NUMBER);
        number->text = x->token;
        *out = literal(x, number);
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

/* What stands before its only operand. */
static int parse_prefix(struct parser *x, enum expr_node kind, parse_fn *operand, struct expr **out)
{
    struct expr *of, *n = node(x, kind);
    size_t at = x->at;
    int r = deeper(x);
    if (r < 0 || (r = advance(x)) < 0 || (r = operand(x, &of)) < 0)
        return r;
    x->depth--;
    add(n, of);
    n->at = at;
    *out = n;
    return 0;
}

static int parse_minus(struct parser *x, struct expr **out)
{
    return sees(x, "-") ? parse_prefix(x, EXPR_MINUS, parse_minus, out) : parse_primary(x, out);
}

static const char *const op_words[] = {[EXPR_FIRST] = "",
                                       [EXPR_ADD] = "+",
                                       [EXPR_SUBTRACT] = "-",
                                       [EXPR_MULTIPLY] = "*",
                                       [EXPR_DIVIDE] = "/",
                                       [EXPR_ROUND] = "round",
                                       [EXPR_HOURS_SINCE] = "hours_since",
                                       [EXPR_PLUS_HOURS] = "plus_hours"};

const char *expr_op_word(enum expr_op op)
{
    return op_words[op];
}

/* Which of `ops` (up to EXPR_FIRST) comes next; EXPR_FIRST when none. */
static enum expr_op joint(const struct parser *x, const enum expr_op *ops)
{
    while (*ops != EXPR_FIRST && !sees(x, op_words[*ops]))
        ops++;
    return *ops;
}

static int parse_chain(struct parser *x, const enum expr_op *ops, parse_fn *operand, struct expr **out)
{
    int r = operand(x, out);
    enum expr_op op = r == 0 ? joint(x, ops) : EXPR_FIRST;
    if (op == EXPR_FIRST)
        return r;
    struct expr *one, *chain = node(x, EXPR_CHAIN);
    add(chain, *out);
    for (; op != EXPR_FIRST; op = joint(x, ops)) {
        if ((r = advance(x)) < 0 ||
            (r = op == EXPR_ROUND /* the places are one value */ ? parse_primary(x, &one) : operand(x, &one)) < 0)
            return r;
        one->op = op;
        add(chain, one);
    }
    *out = chain;
    return 0;
}

static int parse_product(struct parser *x, struct expr **out)
{
    static const enum expr_op ops[] = {EXPR_MULTIPLY, EXPR_DIVIDE, EXPR_FIRST};
    return parse_chain(x, ops, parse_minus, out);
}

static int parse_sum(struct parser *x, struct expr **out)
{
    static const enum expr_op ops[] = {EXPR_ADD, EXPR_SUBTRACT, EXPR_HOURS_SINCE, EXPR_PLUS_HOURS, EXPR_FIRST};
    return parse_chain(x, ops, parse_product, out);
}

static int parse_round(struct parser *x, struct expr **out)
{
    static const enum expr_op ops[] = {EXPR_ROUND, EXPR_FIRST};
    return parse_chain(x, ops, parse_sum, out);
}

/* The token is `is`. */
static int parse_is_set(struct parser *x, struct expr *left, struct expr **out)
{
    struct expr *n = node(x, EXPR_IS_SET);
    add(n, left);
    int r = advance(x);
    if (r == 0 && sees(x, "not")) {
        n->text = x->token;
        r = advance(x);
    }
    if (r == 0)
        r = expect(x, "set", "after `is` comes `set` or `not set`");
    *out = n;
    return r;
}

static const char *const compare_words[] = {[EXPR_NO_COMPARISON] = "",
                                            [EXPR_SAME] = "==",
                                            [EXPR_DIFFERENT] = "!=",
                                            [EXPR_LESS] = "<",
                                            [EXPR_LESS_OR_SAME] = "<=",
                                            [EXPR_MORE] = ">",
                                            [EXPR_MORE_OR_SAME] = ">=",
                                            [EXPR_IN] = "in",
                                            [EXPR_CONTAINS] = "contains",
                                            [EXPR_MATCHES] = "matches",
                                            [EXPR_IS] = "is"};

const char *expr_compare_word(enum expr_compare c)
{
    return compare_words[c];
}

static enum expr_compare comparison(const struct parser *x)
{
    for (enum expr_compare c = EXPR_SAME; c <= EXPR_IS; c++)
        if (sees(x, compare_words[c]))
            return c;
    return EXPR_NO_COMPARISON;
}

/* A pattern that is written out is checked now. */
static int parse_right_side(struct parser *x, enum expr_compare c, struct expr *left, struct expr **out)
{
    struct expr *n = node(x, EXPR_COMPARE), *right;
    size_t sign_at = x->at;
    struct err why;
    int r = advance(x);
    if (r == 0 && c == EXPR_MATCHES && x->kind == TOKEN_TEXT && regex_check(x->token, &why) < 0)
        return refuse(x, x->at, why.text);
    if (r < 0 || (r = parse_round(x, &right)) < 0)
        return r;
    n->compare = c;
    add(n, left);
    add(n, right);
    n->at = sign_at;
    *out = n;
    return 0;
}

/* Comparisons do not chain: a < b < c is refused, since no reading of it is what was meant. */
static int parse_comparison(struct parser *x, struct expr **out)
{
    int r = parse_round(x, out);
    enum expr_compare c = r == 0 ? comparison(x) : EXPR_NO_COMPARISON;
    if (c == EXPR_NO_COMPARISON)
        return r;
    r = c == EXPR_IS ? parse_is_set(x, *out, out) : parse_right_side(x, c, *out, out);
    if (r == 0 && comparison(x) != EXPR_NO_COMPARISON)
        return refuse(x, x->at, "comparisons do not chain; use `and`");
    return r;
}

static int parse_not(struct parser *x, struct expr **out)
{
    return sees(x, "not") ? parse_prefix(x, EXPR_NOT, parse_not, out) : parse_comparison(x, out);
}

static int parse_all(struct parser *x, const char *word, enum expr_node kind, parse_fn *operand, struct expr **out)
{
    int r = operand(x, out);
    if (r < 0 || !sees(x, word))
        return r;
    struct expr *n = node(x, kind), *one;
    add(n, *out);
    while (sees(x, word)) {
        if ((r = advance(x)) < 0 || (r = operand(x, &one)) < 0)
            return r;
        add(n, one);
    }
    *out = n;
    return 0;
}

static int parse_and(struct parser *x, struct expr **out)
{
    return parse_all(x, "and", EXPR_AND, parse_not, out);
}

static int parse_or(struct parser *x, struct expr **out)
{
    return parse_all(x, "or", EXPR_OR, parse_and, out);
}

int expr_compile(struct arena *a, struct str source, const struct expr **out, struct err *e)
{
    struct parser x = {.arena = a, .e = e};
    if (source.n > EXPR_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "expression longer than %d bytes", EXPR_BYTES_MAX);
    ptrdiff_t invalid = text_invalid_at(source);
    if (invalid >= 0)
        return refuse(&x, (size_t)invalid, "not valid UTF-8");
    x.source = str_copy(a, source);
    struct expr *tree;
    int r = advance(&x);
    if (r < 0 || (r = parse_or(&x, &tree)) < 0)
        return r;
    if (x.kind != TOKEN_END)
        return refuse(&x, x.at, "something follows the expression");
    *out = tree;
    return 0;
}

int expr_check(struct str source, struct err *e)
{
    struct arena *a = arena_new("expr", 0);
    const struct expr *x;
    int r = expr_compile(a, source, &x, e);
    arena_free(a);
    return r;
}

int expr_eval(struct arena *a, struct str source, const struct json *root, struct json **out, struct err *e)
{
    const struct expr *x;
    int r = expr_compile(a, source, &x, e);
    if (r == 0)
        *out = expr_run(a, x, root);
    return r;
}

void expr_paths(const struct expr *x, void (*found)(void *with, struct str path), void *with)
{
    if (x->node == EXPR_PATH)
        found(with, x->text);
    for (const struct expr *c = x->child; c; c = c->next)
        expr_paths(c, found, with);
}
