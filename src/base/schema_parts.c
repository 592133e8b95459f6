/* Keywords about the members of an object and the items of a list. */
#include "base/schema_words.h"

#include "base/text.h"

#include <stdlib.h>

enum { SORTED_FROM = 16 }; /* items from which uniqueItems sorts instead of comparing pairs */

static const struct json *member(const struct json *object, struct str key)
{
    const struct json *c = json_is(object, JSON_OBJECT) ? object->child : NULL;
    while (c && !str_eq(c->key, key))
        c = c->next;
    return c;
}

static struct place step(const struct place *at, const struct json *value, const struct json *part, size_t i)
{
    return (struct place){.up = at, .key = value->kind == JSON_OBJECT ? part->key : STR_NONE, .index = i};
}

/* --- items --- */

FITS(prefix)
{
    if (value->kind != JSON_ARRAY)
        return 0;
    const struct json *s = arg->child, *item = value->child;
    int code = 0;
    for (size_t i = 0; code == 0 && s && item; i++, s = s->next, item = item->next) {
        code = run_part(r, s, item, &(struct place){.up = at, .index = i});
        run_see(r, i);
    }
    return code;
}

/* Items behind those that prefixItems has described. */
FITS(items)
{
    const struct json *prefix = json_get(schema, "prefixItems");
    size_t i = 0, from = json_is(prefix, JSON_ARRAY) ? prefix->n : 0;
    int code = 0;
    for (const struct json *item = value->child; code == 0 && item && value->kind == JSON_ARRAY; item = item->next, i++)
        if (i >= from) {
            code = run_part(r, arg, item, &(struct place){.up = at, .index = i});
            run_see(r, i);
        }
    return code;
}

/* With minContains and maxContains beside it. Counts no further than it must. */
FITS(contains)
{
    int64_t least = json_int(json_get(schema, "minContains"), json_get(schema, "minContains") ? INT64_MAX : 1), n = 0;
    const struct json *limit = json_get(schema, "maxContains");
    size_t i = 0;
    if (value->kind != JSON_ARRAY)
        return 0;
    for (const struct json *item = value->child; item && (n < least || limit || r->seen); item = item->next, i++) {
        int code = run_try_part(r, arg, item, at);
        if (code < 0)
            return code;
        if (code)
            run_see(r, i);
        n += code;
    }
    if (n < least && least == 1)
        return run_mismatch(r, at, "must contain an item of the kind that the schema asks for");
    if (n < least)
        return run_mismatch(r, at, "must contain at least %lld items of the kind that the schema asks for, not %lld",
                            (long long)least, (long long)n);
    if (n > json_int(limit, INT64_MAX))
        return run_mismatch(r, at, "must contain at most %lld items of the kind that the schema counts, not %lld",
                            (long long)json_int(limit, 0), (long long)n);
    return 0;
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

FITS(unique)
{
    if (value->kind != JSON_ARRAY || arg->kind != JSON_TRUE || all_differ(value))
        return 0;
    return run_mismatch(r, at, "must not contain the same item twice");
}

/* --- members --- */

/* Has the object every member that the list names? */
static int has_all(struct run *r, const struct json *names, const struct json *value, const struct place *at)
{
    for (const struct json *name = names->child; name; name = name->next)
        if (!member(value, json_str(name))) {
            struct str missing = text_head(json_str(name), 80);
            return run_mismatch(r, at, "must have the member \"%.*s\"", STR_ARG(missing));
        }
    return 0;
}

FITS(required)
{
    return value->kind == JSON_OBJECT ? has_all(r, arg, value, at) : 0;
}

FITS(dependent_required)
{
    int code = 0;
    for (const struct json *names = arg->child; names && code == 0 && value->kind == JSON_OBJECT; names = names->next)
        if (member(value, names->key))
            code = has_all(r, names, value, at);
    return code;
}

FITS(dependent_schemas)
{
    int code = 0;
    for (const struct json *s = arg->child; s && code == 0 && value->kind == JSON_OBJECT; s = s->next)
        if (member(value, s->key))
            code = run_fits(r, s, value, at);
    return code;
}

FITS(properties)
{
    int code = 0;
    size_t i = 0;
    for (const struct json *v = value->child; code == 0 && v && value->kind == JSON_OBJECT; v = v->next, i++) {
        const struct json *s = member(arg, v->key);
        if (!s)
            continue;
        code = run_part(r, s, v, &(struct place){.up = at, .key = v->key});
        run_see(r, i);
    }
    return code;
}

FITS(patterns)
{
    size_t i = 0;
    for (const struct json *v = value->child; v && value->kind == JSON_OBJECT; v = v->next, i++)
        for (const struct json *s = arg->child; s; s = s->next) {
            int code = run_matches(r, s->key, v->key);
            if (code == 0)
                continue;
            if (code > 0)
                code = run_part(r, s, v, &(struct place){.up = at, .key = v->key});
            if (code < 0)
                return code;
            run_see(r, i);
        }
    return 0;
}

/* 1 when properties or patternProperties beside it speak of the member, else 0 or negative. */
static int spoken_of(struct run *r, const struct json *schema, struct str key)
{
    const struct json *patterns = json_get(schema, "patternProperties");
    int code = member(json_get(schema, "properties"), key) ? 1 : 0;
    for (const struct json *s = json_is(patterns, JSON_OBJECT) ? patterns->child : NULL; s && code == 0; s = s->next)
        code = run_matches(r, s->key, key);
    return code;
}

/* A part that no other keyword speaks of. */
static int fits_rest(struct run *r, const struct json *arg, const struct json *value, const struct json *part,
                     const struct place *below)
{
    if (arg->kind == JSON_FALSE && value->kind == JSON_OBJECT) {
        struct str name = text_head(part->key, 80);
        return run_mismatch(r, below->up, "must not have the member \"%.*s\"", STR_ARG(name));
    }
    return run_part(r, arg, part, below);
}

FITS(additional)
{
    size_t i = 0;
    for (const struct json *v = value->child; v && value->kind == JSON_OBJECT; v = v->next, i++) {
        int code = spoken_of(r, schema, v->key);
        if (code > 0)
            continue;
        struct place below = step(at, value, v, i);
        if (code == 0)
            code = fits_rest(r, arg, value, v, &below);
        if (code < 0)
            return code;
        run_see(r, i);
    }
    return 0;
}

FITS(names)
{
    for (const struct json *v = value->child; v && value->kind == JSON_OBJECT; v = v->next) {
        struct json name = {.kind = JSON_STRING, .text = v->key};
        int code = run_try_part(r, arg, &name, at);
        struct str shown = text_head(v->key, 80);
        if (code == 0)
            return run_mismatch(r, at, "must not have a member with such a name: \"%.*s\"", STR_ARG(shown));
        if (code < 0)
            return code;
    }
    return 0;
}

/* unevaluatedItems and unevaluatedProperties, tried after all other keywords of their schema. */
FITS(unevaluated)
{
    size_t i = 0;
    for (const struct json *v = value->child; v; v = v->next, i++) {
        struct place below = step(at, value, v, i);
        int code = r->seen[i] ? 0 : fits_rest(r, arg, value, v, &below);
        if (code < 0)
            return code;
        run_see(r, i);
    }
    return 0;
}
