#include "base/schema.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/regex.h"
#include "base/schema_words.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 1000000, /* schemas tried on values for one answer; nested anyOf can ask for any number */
    DEPTH_MAX = 512,     /* of schemas within schemas: JSON's depth times what each level may chain */
    SORTED_FROM = 16     /* items from which uniqueItems sorts instead of comparing pairs */
};

struct run {
    const struct json *root;
    struct err *e;
    unsigned steps, depth;
    bool quiet; /* only trying: a mismatch needs no sentence */
};

static int fits(struct run *r, const struct json *schema, const struct json *value, const struct place *at);

static int PRINTF_LIKE(3, 4) mismatch(struct run *r, const struct place *at, const char *format, ...)
{
    if (r->quiet)
        return ERR_INVALID;
    char what[320];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    struct buf pointer = buf_new(NULL, 120);
    place_pointer(&pointer, at);
    int code = err_set(r->e, ERR_INVALID, "%s%s%.*s %s", at ? "" : "the value", at ? "at " : "",
                       STR_ARG(buf_str(&pointer)), what);
    buf_free(&pointer);
    return code;
}

/* 1: fits, 0: does not, negative: cannot be decided. */
static int try(struct run *r, const struct json *schema, const struct json *value, const struct place *at)
{
    bool was = r->quiet;
    r->quiet = true;
    int code = fits(r, schema, value, at);
    r->quiet = was;
    return code == 0 ? 1 : code == ERR_INVALID ? 0 : code;
}

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

static int fits_type(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                     const struct place *at)
{
    if (arg->kind == JSON_STRING) {
        if (type_is(arg->text, value))
            return 0;
        bool fraction = value->kind == JSON_NUMBER && str_is(arg->text, "integer");
        return mismatch(r, at, "must be of type %.*s, not %s", STR_ARG(arg->text),
                        fraction ? "a number with a fraction" : kind_name(value));
    }
    for (const struct json *name = arg->child; name; name = name->next)
        if (type_is(json_str(name), value))
            return 0;
    struct buf names = buf_new(NULL, 100);
    json_put(&(struct json_writer){.out = &names}, arg);
    int code = mismatch(r, at, "must be of one of the types %.*s, not %s", STR_ARG(buf_str(&names)), kind_name(value));
    buf_free(&names);
    return code;
}

static int fits_enum(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                     const struct place *at)
{
    for (const struct json *c = arg->child; c; c = c->next)
        if (json_same(c, value))
            return 0;
    if (r->quiet)
        return ERR_INVALID;
    struct buf all = buf_new(NULL, 240);
    json_put(&(struct json_writer){.out = &all}, arg);
    int code = mismatch(r, at, "must be one of %.*s%s", STR_ARG(buf_str(&all)), all.cut ? "..." : "");
    buf_free(&all);
    return code;
}

static int fits_const(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                      const struct place *at)
{
    if (json_same(arg, value))
        return 0;
    struct buf text = buf_new(NULL, 200);
    json_put(&(struct json_writer){.out = &text}, arg);
    int code = mismatch(r, at, "must be %.*s", STR_ARG(buf_str(&text)));
    buf_free(&text);
    return code;
}

static int fits_bound(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                      const struct place *at)
{
    if (value->kind != JSON_NUMBER)
        return 0;
    int order = decimal_order(value, arg);
    struct str limit = str_head(arg->text, 40);
    if (str_is(arg->key, "minimum") && order < 0)
        return mismatch(r, at, "must be at least %.*s", STR_ARG(limit));
    if (str_is(arg->key, "maximum") && order > 0)
        return mismatch(r, at, "must be at most %.*s", STR_ARG(limit));
    if (str_is(arg->key, "exclusiveMinimum") && order <= 0)
        return mismatch(r, at, "must be more than %.*s", STR_ARG(limit));
    if (str_is(arg->key, "exclusiveMaximum") && order >= 0)
        return mismatch(r, at, "must be less than %.*s", STR_ARG(limit));
    return 0;
}

static int fits_multiple(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                         const struct place *at)
{
    if (value->kind != JSON_NUMBER || decimal_divides(arg, value))
        return 0;
    struct str step = str_head(arg->text, 40);
    return mismatch(r, at, "must be a multiple of %.*s", STR_ARG(step));
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

static int fits_count(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                      const struct place *at)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (value->kind != counts[i].kind || !str_is(arg->key, counts[i].name))
            continue;
        int64_t limit = json_int(arg, 0);
        int64_t n = value->kind == JSON_STRING ? (int64_t)text_length(value->text) : (int64_t)value->n;
        if (counts[i].most ? n > limit : n < limit)
            return mismatch(r, at, "must have at %s %lld %s, not %lld", counts[i].most ? "most" : "least",
                            (long long)limit, counts[i].unit, (long long)n);
    }
    return 0;
}

static int fits_pattern(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                        const struct place *at)
{
    if (value->kind != JSON_STRING || regex_match(arg->text, value->text))
        return 0;
    struct str pattern = text_head(arg->text, 120);
    return mismatch(r, at, "must match the pattern %.*s", STR_ARG(pattern));
}

static int two_digits(struct str s, size_t at)
{
    return (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
}

static bool is_date(struct str s)
{
    int64_t days;
    return regex_match(STR("^\\d{4}-\\d\\d-\\d\\d$"), s) && clock_days(s, &days) == 0;
}

/* RFC 3339. A leap second exists only at the end of a day in UTC. */
static bool is_date_time(struct str s)
{
    if (!regex_match(STR("^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)$"), s) ||
        !is_date(str_head(s, 10)))
        return false;
    int hour = two_digits(s, 11), minute = two_digits(s, 14), second = two_digits(s, 17), offset = 0;
    if ((s.p[s.n - 1] | 0x20) != 'z') {
        int hours = two_digits(s, s.n - 5), minutes = two_digits(s, s.n - 2);
        if (hours > 23 || minutes > 59)
            return false;
        offset = (hours * 60 + minutes) * (s.p[s.n - 6] == '-' ? -1 : 1);
    }
    bool last_minute = (hour * 60 + minute - offset + 2 * 1440) % 1440 == 1439;
    return hour < 24 && minute < 60 && (second < 60 || (second == 60 && last_minute));
}

/* RFC 5321's mailbox, without comments and with a loose look at addresses in brackets. */
static bool is_email(struct str s)
{
    return s.n <= 320 &&
           regex_match(
               STR("^([\\w!#$%&'*+/=?^`{|}~-]+(\\.[\\w!#$%&'*+/=?^`{|}~-]+)*|"
                   "\"([ !#-\\[\\]-~]|\\\\[ -~])*\")@"
                   "([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*|"
                   "\\[((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}|"
                   "IPv6:[0-9A-Fa-f:.]+)\\])$"),
               s);
}

static int fits_format(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                       const struct place *at)
{
    if (value->kind != JSON_STRING)
        return 0;
    if (str_is(arg->text, "date") && !is_date(value->text))
        return mismatch(r, at, "must be a date like 2026-11-22");
    if (str_is(arg->text, "date-time") && !is_date_time(value->text))
        return mismatch(r, at, "must be a time like 2026-11-22T07:45:00Z");
    if (str_is(arg->text, "email") && !is_email(value->text))
        return mismatch(r, at, "must be an e-mail address");
    return 0;
}

static int fits_prefix(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                       const struct place *at)
{
    if (value->kind != JSON_ARRAY)
        return 0;
    const struct json *s = arg->child, *item = value->child;
    int code = 0;
    for (size_t i = 0; code == 0 && s && item; i++, s = s->next, item = item->next)
        code = fits(r, s, item, &(struct place){.up = at, .index = i});
    return code;
}

/* Items behind those that prefixItems has described. */
static int fits_items(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                      const struct place *at)
{
    const struct json *prefix = json_get(schema, "prefixItems");
    size_t i = 0, from = json_is(prefix, JSON_ARRAY) ? prefix->n : 0;
    int code = 0;
    for (const struct json *item = value->child; code == 0 && item && value->kind == JSON_ARRAY; item = item->next, i++)
        if (i >= from)
            code = fits(r, arg, item, &(struct place){.up = at, .index = i});
    return code;
}

static int fits_contains(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                         const struct place *at)
{
    if (value->kind != JSON_ARRAY)
        return 0;
    for (const struct json *item = value->child; item; item = item->next) {
        int code = try(r, arg, item, at);
        if (code != 0)
            return code < 0 ? code : 0;
    }
    return mismatch(r, at, "must contain an item of the kind that the schema asks for");
}

struct item {
    struct str text;
    const struct json *value;
};

static int item_order(const void *a, const void *b)
{
    return str_cmp(((const struct item *)a)->text, ((const struct item *)b)->text);
}

/* Equal values have equal canonical texts, so only neighbours in that order need comparing. */
static bool all_differ(const struct json *list)
{
    struct arena *a = arena_new("items", 0);
    struct item *items = ARENA_ARRAY(a, struct item, list->n);
    size_t n = 0;
    bool differ = true;
    for (const struct json *v = list->child; v; v = v->next)
        items[n++] = (struct item){list->n > SORTED_FROM ? json_canonical(a, v) : STR(""), v};
    qsort(items, n, sizeof *items, item_order);
    for (size_t i = 0; differ && i < n; i++)
        for (size_t j = i + 1; differ && j < n && str_eq(items[i].text, items[j].text); j++)
            differ = !json_same(items[i].value, items[j].value);
    arena_free(a);
    return differ;
}

static int fits_unique(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                       const struct place *at)
{
    if (value->kind != JSON_ARRAY || arg->kind != JSON_TRUE || all_differ(value))
        return 0;
    return mismatch(r, at, "must not contain the same item twice");
}

static const struct json *member(const struct json *object, struct str key)
{
    const struct json *c = json_is(object, JSON_OBJECT) ? object->child : NULL;
    while (c && !str_eq(c->key, key))
        c = c->next;
    return c;
}

static int fits_required(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                         const struct place *at)
{
    for (const struct json *name = arg->child; name && value->kind == JSON_OBJECT; name = name->next)
        if (!member(value, json_str(name))) {
            struct str missing = text_head(json_str(name), 80);
            return mismatch(r, at, "must have the member \"%.*s\"", STR_ARG(missing));
        }
    return 0;
}

static int fits_properties(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                           const struct place *at)
{
    int code = 0;
    for (const struct json *v = value->child; code == 0 && v && value->kind == JSON_OBJECT; v = v->next) {
        const struct json *s = member(arg, v->key);
        if (s)
            code = fits(r, s, v, &(struct place){.up = at, .key = v->key});
    }
    return code;
}

static int fits_patterns(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                         const struct place *at)
{
    int code = 0;
    for (const struct json *v = value->child; code == 0 && v && value->kind == JSON_OBJECT; v = v->next)
        for (const struct json *s = arg->child; code == 0 && s; s = s->next)
            if (regex_match(s->key, v->key))
                code = fits(r, s, v, &(struct place){.up = at, .key = v->key});
    return code;
}

/* Members that neither properties nor patternProperties speak of. */
static int fits_additional(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                           const struct place *at)
{
    const struct json *named = json_get(schema, "properties"), *patterns = json_get(schema, "patternProperties");
    for (const struct json *v = value->child; v && value->kind == JSON_OBJECT; v = v->next) {
        bool known = member(named, v->key);
        for (const struct json *s = json_is(patterns, JSON_OBJECT) ? patterns->child : NULL; s && !known; s = s->next)
            known = regex_match(s->key, v->key);
        if (known)
            continue;
        struct str name = text_head(v->key, 80);
        if (arg->kind == JSON_FALSE)
            return mismatch(r, at, "must not have the member \"%.*s\"", STR_ARG(name));
        int code = fits(r, arg, v, &(struct place){.up = at, .key = v->key});
        if (code < 0)
            return code;
    }
    return 0;
}

static int fits_names(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                      const struct place *at)
{
    for (const struct json *v = value->child; v && value->kind == JSON_OBJECT; v = v->next) {
        struct json name = {.kind = JSON_STRING, .text = v->key};
        int code = try(r, arg, &name, at);
        struct str shown = text_head(v->key, 80);
        if (code == 0)
            return mismatch(r, at, "must not have a member with such a name: \"%.*s\"", STR_ARG(shown));
        if (code < 0)
            return code;
    }
    return 0;
}

static int fits_all(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                    const struct place *at)
{
    int code = 0;
    for (const struct json *s = arg->child; code == 0 && s; s = s->next)
        code = fits(r, s, value, at);
    return code;
}

static int fits_any(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                    const struct place *at)
{
    for (const struct json *s = arg->child; s; s = s->next) {
        int code = try(r, s, value, at);
        if (code != 0)
            return code < 0 ? code : 0;
    }
    if (r->quiet || !arg->child)
        return mismatch(r, at, "must fit an alternative");
    int code = fits(r, arg->child, value, at); /* for its sentence */
    if (code == ERR_INVALID)
        err_in(r->e, "fits none of the %u alternatives; the first says", (unsigned)arg->n);
    return code;
}

static int fits_one(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                    const struct place *at)
{
    unsigned hits = 0;
    for (const struct json *s = arg->child; s; s = s->next) {
        int code = try(r, s, value, at);
        if (code < 0)
            return code;
        hits += (unsigned)code;
    }
    if (hits > 1)
        return mismatch(r, at, "must fit one alternative only, not %u of the %u", hits, (unsigned)arg->n);
    return hits == 1 ? 0 : fits_any(r, arg, schema, value, at);
}

static int fits_not(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                    const struct place *at)
{
    int code = try(r, arg, value, at);
    return code <= 0 ? code : mismatch(r, at, "must not be what the schema forbids");
}

static int fits_if(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                   const struct place *at)
{
    int code = try(r, arg, value, at);
    const struct json *then = code < 0 ? NULL : json_get(schema, code ? "then" : "else");
    if (!then)
        return code < 0 ? code : 0;
    return fits(r, then, value, at);
}

static int fits_ref(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                    const struct place *at)
{
    const struct json *target = ref_find(r->root, json_str(arg));
    if (!target)
        return err_set(r->e, ERR_UNSUPPORTED, "the schema refers to what it does not have");
    return fits(r, target, value, at);
}

static const struct word words[] = {
    {"$ref", SHAPE_REF, true, fits_ref},
    {"type", SHAPE_TYPE, false, fits_type},
    {"enum", SHAPE_LIST, false, fits_enum},
    {"const", SHAPE_ANY, false, fits_const},
    {"minimum", SHAPE_NUMBER, false, fits_bound},
    {"maximum", SHAPE_NUMBER, false, fits_bound},
    {"exclusiveMinimum", SHAPE_NUMBER, false, fits_bound},
    {"exclusiveMaximum", SHAPE_NUMBER, false, fits_bound},
    {"multipleOf", SHAPE_STEP, false, fits_multiple},
    {"minLength", SHAPE_COUNT, false, fits_count},
    {"maxLength", SHAPE_COUNT, false, fits_count},
    {"pattern", SHAPE_PATTERN, false, fits_pattern},
    {"format", SHAPE_STRING, false, fits_format},
    {"prefixItems", SHAPE_SCHEMAS, false, fits_prefix},
    {"items", SHAPE_SCHEMA, false, fits_items},
    {"contains", SHAPE_SCHEMA, false, fits_contains},
    {"minItems", SHAPE_COUNT, false, fits_count},
    {"maxItems", SHAPE_COUNT, false, fits_count},
    {"uniqueItems", SHAPE_BOOL, false, fits_unique},
    {"required", SHAPE_NAMES, false, fits_required},
    {"properties", SHAPE_MEMBERS, false, fits_properties},
    {"patternProperties", SHAPE_PATTERNS, false, fits_patterns},
    {"additionalProperties", SHAPE_SCHEMA, false, fits_additional},
    {"propertyNames", SHAPE_SCHEMA, false, fits_names},
    {"minProperties", SHAPE_COUNT, false, fits_count},
    {"maxProperties", SHAPE_COUNT, false, fits_count},
    {"allOf", SHAPE_SCHEMAS, true, fits_all},
    {"anyOf", SHAPE_SCHEMAS, true, fits_any},
    {"oneOf", SHAPE_SCHEMAS, true, fits_one},
    {"not", SHAPE_SCHEMA, true, fits_not},
    {"if", SHAPE_SCHEMA, true, fits_if},
    {"then", SHAPE_SCHEMA, true, NULL},
    {"else", SHAPE_SCHEMA, true, NULL},
    {"$defs", SHAPE_MEMBERS, false, NULL},
    {"title", SHAPE_STRING, false, NULL},
    {"description", SHAPE_STRING, false, NULL},
    {"default", SHAPE_ANY, false, NULL},
    {"examples", SHAPE_LIST, false, NULL},
    {"$comment", SHAPE_STRING, false, NULL},
    {"$schema", SHAPE_STRING, false, NULL},
    {"$id", SHAPE_ID, false, NULL},
};

const struct word *word_find(struct str name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(name, words[i].name))
            return &words[i];
    return NULL;
}

static int fits(struct run *r, const struct json *schema, const struct json *value, const struct place *at)
{
    if (schema->kind == JSON_TRUE)
        return 0;
    if (schema->kind == JSON_FALSE)
        return mismatch(r, at, "must not be here");
    if (++r->steps > STEPS_MAX || r->depth == DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, "the schema asks for too many comparisons");
    r->depth++;
    int code = 0;
    for (const struct json *arg = schema->child; code == 0 && arg && schema->kind == JSON_OBJECT; arg = arg->next) {
        const struct word *word = word_find(arg->key);
        if (word && word->fits)
            code = word->fits(r, arg, schema, value, at);
        else if (!word && !str_starts(arg->key, STR("x-")))
            code = err_set(r->e, ERR_UNSUPPORTED, "the schema has a keyword that is not supported");
    }
    r->depth--;
    return code;
}

int schema_fits(const struct json *schema, const struct json *value, struct err *e)
{
    struct run r = {.root = schema, .e = e};
    return fits(&r, schema, value, NULL);
}
