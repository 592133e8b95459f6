/* Keywords about a value as a whole: what it is, how large, how long. */
#include "base/schema_words.h"

#include "base/decimal.h"
#include "base/text.h"

static const char *kind_name(const struct json *value)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "false",    [JSON_TRUE] = "true",       [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};
    return names[value->kind];
}

static const struct {
    const char *name;
    enum json_kind kind, or_kind;
} types[] = {
    {"null", JSON_NULL, JSON_NULL},        {"boolean", JSON_TRUE, JSON_FALSE},   {"number", JSON_NUMBER, JSON_NUMBER},
    {"integer", JSON_NUMBER, JSON_NUMBER}, {"string", JSON_STRING, JSON_STRING}, {"array", JSON_ARRAY, JSON_ARRAY},
    {"object", JSON_OBJECT, JSON_OBJECT},
};

bool type_known(struct str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_is(name, types[i].name))
            return true;
    return false;
}

static bool type_is(struct str name, const struct json *value)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_is(name, types[i].name))
            return (value->kind == types[i].kind || value->kind == types[i].or_kind) &&
                   (!str_is(name, "integer") || json_whole(value));
    return false;
}

FITS(type)
{
    if (arg->kind == JSON_STRING) {
        if (type_is(arg->text, value))
            return 0;
        bool fraction = value->kind == JSON_NUMBER && str_is(arg->text, "integer");
        return run_mismatch(r, at, "must be of type %.*s, not %s", STR_ARG(arg->text),
                            fraction ? "a number with a fraction" : kind_name(value));
    }
    for (const struct json *name = arg->child; name; name = name->next)
        if (type_is(json_str(name), value))
            return 0;
    struct buf names = buf_new(NULL, 100);
    json_put(&(struct json_writer){.out = &names}, arg);
    int code =
        run_mismatch(r, at, "must be of one of the types %.*s, not %s", STR_ARG(buf_str(&names)), kind_name(value));
    buf_free(&names);
    return code;
}

FITS(enum)
{
    for (const struct json *c = arg->child; c; c = c->next)
        if (json_same(c, value))
            return 0;
    if (r->quiet)
        return ERR_INVALID;
    struct buf all = buf_new(NULL, 240);
    json_put(&(struct json_writer){.out = &all}, arg);
    int code = run_mismatch(r, at, "must be one of %.*s%s", STR_ARG(buf_str(&all)), all.cut ? "..." : "");
    buf_free(&all);
    return code;
}

FITS(const)
{
    if (json_same(arg, value))
        return 0;
    struct buf text = buf_new(NULL, 200);
    json_put(&(struct json_writer){.out = &text}, arg);
    int code = run_mismatch(r, at, "must be %.*s", STR_ARG(buf_str(&text)));
    buf_free(&text);
    return code;
}

FITS(bound)
{
    if (value->kind != JSON_NUMBER)
        return 0;
    int order = decimal_order(value, arg);
    struct str limit = str_head(arg->text, 40);
    if (str_is(arg->key, "minimum") && order < 0)
        return run_mismatch(r, at, "must be at least %.*s", STR_ARG(limit));
    if (str_is(arg->key, "maximum") && order > 0)
        return run_mismatch(r, at, "must be at most %.*s", STR_ARG(limit));
    if (str_is(arg->key, "exclusiveMinimum") && order <= 0)
        return run_mismatch(r, at, "must be more than %.*s", STR_ARG(limit));
    if (str_is(arg->key, "exclusiveMaximum") && order >= 0)
        return run_mismatch(r, at, "must be less than %.*s", STR_ARG(limit));
    return 0;
}

FITS(multiple)
{
    if (value->kind != JSON_NUMBER || decimal_divides(arg, value))
        return 0;
    struct str step = str_head(arg->text, 40);
    return run_mismatch(r, at, "must be a multiple of %.*s", STR_ARG(step));
}

/* Lengths, items and members: the kind of value, what is counted and which way the limit cuts. */
static const struct {
    const char *name;
    enum json_kind kind;
    bool most;
    const char *unit;
} counts[] = {
    {"minLength", JSON_STRING, false, "characters"},  {"maxLength", JSON_STRING, true, "characters"},
    {"minItems", JSON_ARRAY, false, "items"},         {"maxItems", JSON_ARRAY, true, "items"},
    {"minProperties", JSON_OBJECT, false, "members"}, {"maxProperties", JSON_OBJECT, true, "members"},
};

FITS(count)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (value->kind != counts[i].kind || !str_is(arg->key, counts[i].name))
            continue;
        int64_t limit = json_int(arg, INT64_MAX);
        int64_t n = value->kind == JSON_STRING ? (int64_t)text_length(value->text) : (int64_t)value->n;
        if (counts[i].most ? n > limit : n < limit)
            return run_mismatch(r, at, "must have at %s %lld %s, not %lld", counts[i].most ? "most" : "least",
                                (long long)limit, counts[i].unit, (long long)n);
    }
    return 0;
}

FITS(pattern)
{
    if (value->kind != JSON_STRING)
        return 0;
    int code = run_matches(r, arg->text, value->text);
    if (code != 0)
        return code < 0 ? code : 0;
    struct str pattern = text_head(arg->text, 120);
    return run_mismatch(r, at, "must match the pattern %.*s", STR_ARG(pattern));
}

FITS(format)
{
    if (!r->formats || value->kind != JSON_STRING)
        return 0;
    const char *must = format_wrong(arg->text, value->text);
    return must ? run_mismatch(r, at, "must be %s", must) : 0;
}
