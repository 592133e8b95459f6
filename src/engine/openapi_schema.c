/* Schemas of an OpenAPI document as JSON Schema that src/base/schema.h decides. */
#include "engine/openapi_parts.h"

#include "base/schema.h"

enum { REFS_MAX = 12, DEPTH_MAX = 24, NODES_MAX = 2000 };

struct conversion {
    struct tool_draft *d;
    struct str what;
    const struct json *refs[REFS_MAX]; /* on the way here */
    unsigned refs_n, depth, nodes;
    bool cut;
};

enum how { DROP, PLAIN, SCHEMA, SCHEMAS, MEMBERS };

/* What becomes of a keyword. DROP: it says nothing about which values fit, or all references are in place. */
static const struct {
    const char *name;
    enum how how;
} keywords[] = {
    {"properties", MEMBERS},
    {"patternProperties", MEMBERS},
    {"dependentSchemas", MEMBERS},
    {"allOf", SCHEMAS},
    {"anyOf", SCHEMAS},
    {"oneOf", SCHEMAS},
    {"prefixItems", SCHEMAS},
    {"items", SCHEMA},
    {"contains", SCHEMA},
    {"additionalProperties", SCHEMA},
    {"unevaluatedProperties", SCHEMA},
    {"unevaluatedItems", SCHEMA},
    {"propertyNames", SCHEMA},
    {"not", SCHEMA},
    {"if", SCHEMA},
    {"then", SCHEMA},
    {"else", SCHEMA},
    {"example", DROP},
    {"examples", DROP},
    {"title", DROP},
    {"nullable", DROP}, /* see put_null */
    {"readOnly", DROP},
    {"writeOnly", DROP},
    {"deprecated", DROP},
    {"discriminator", DROP},
    {"xml", DROP},
    {"externalDocs", DROP},
    {"$comment", DROP},
    {"$schema", DROP},
    {"$id", DROP},
    {"$anchor", DROP},
    {"$dynamicAnchor", DROP},
    {"$defs", DROP},
};

static enum how how_of(struct str keyword)
{
    if (str_starts(keyword, STR("x-")))
        return DROP;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (str_is(keyword, keywords[i].name))
            return keywords[i].how;
    return PLAIN;
}

static struct json *convert(struct conversion *c, const struct json *schema);

static bool read_only(struct conversion *c, const struct json *schema)
{
    return json_bool(json_get(openapi_follow(c->d, schema), "readOnly"), false);
}

static struct json *convert_each(struct conversion *c, const struct json *all, enum json_kind kind)
{
    struct json *out = json_new(c->d->arena, kind);
    for (const struct json *s = all->child; s; s = s->next)
        if (kind == JSON_ARRAY)
            json_push(out, convert(c, s));
        else if (!read_only(c, s)) /* the backend fills it in */
            json_set(out, s->key, convert(c, s));
    return out;
}

/* A keyword that has no schemas in it, when it is one by itself. */
static void put_plain(struct conversion *c, struct json *out, const struct json *schema, const struct json *arg)
{
    struct arena *a = c->d->arena;
    struct json *alone = json_new(a, JSON_OBJECT), *value = json_copy(a, arg);
    bool exclusive = json_is(arg, JSON_TRUE) || json_is(arg, JSON_FALSE);
    struct err why;
    const struct json *limit = NULL;
    if (exclusive && str_is(arg->key, "exclusiveMinimum"))
        limit = json_get(schema, "minimum");
    if (exclusive && str_is(arg->key, "exclusiveMaximum"))
        limit = json_get(schema, "maximum");
    if (limit && json_is(arg, JSON_FALSE))
        return;
    if (limit)
        value = json_copy(a, limit);
    if (str_is(arg->key, "description"))
        value = json_new_str(a, openapi_line(a, json_str(arg), OPENAPI_WORDS_MAX));
    if (str_is(arg->key, "required") && json_is(arg, JSON_ARRAY)) {
        const struct json *properties = json_get(schema, "properties");
        value = json_new(a, JSON_ARRAY);
        for (const struct json *name = arg->child; name; name = name->next)
            if (!read_only(c, json_get(properties, str_c(a, json_str(name)))))
                json_push(value, json_copy(a, name));
    }
    json_set(alone, arg->key, value);
    if (schema_check_formats(alone, &why) < 0)
        tool_draft_todo(c->d, "input", "%.*s: %.*s is left out (%s)", STR_ARG(c->what), STR_ARG(arg->key), why.text);
    else
        json_set(out, arg->key, value);
}

/* 3.0 says null by a keyword of its own. */
static void put_null(struct conversion *c, struct json *out)
{
    struct arena *a = c->d->arena;
    const struct json *type = json_get(out, "type"), *words = json_get(out, "enum");
    if (json_is(type, JSON_STRING)) {
        struct json *both = json_new(a, JSON_ARRAY);
        json_push(both, json_copy(a, type));
        json_push(both, json_new_str(a, STR("null")));
        json_set(out, STR("type"), both);
    }
    if (words) {
        struct json *more = json_copy(a, words);
        json_push(more, json_new(a, JSON_NULL));
        json_set(out, STR("enum"), more);
    }
}

static struct json *anything(struct conversion *c, const char *why)
{
    if (!c->cut)
        tool_draft_todo(c->d, "input", "%.*s: %s; anything fits there now", STR_ARG(c->what), why);
    c->cut = true;
    return json_new(c->d->arena, JSON_OBJECT);
}

/* What stands beside a reference holds too, but in 3.0 only its description is heard. */
static struct json *beside(struct conversion *c, const struct json *schema, struct json *target)
{
    struct json *own = json_new(c->d->arena, JSON_OBJECT);
    for (const struct json *m = schema->child; m; m = m->next)
        if (!str_is(m->key, "$ref") && (!c->d->old || str_is(m->key, "description")))
            json_set(own, m->key, json_copy(c->d->arena, m));
    struct json *out = convert(c, own);
    if (out->n == 0)
        return target;
    if (json_is(target, JSON_OBJECT) && out->n == 1 && json_get(out, "description")) {
        json_set(target, STR("description"), json_copy(c->d->arena, json_get(out, "description")));
        return target;
    }
    struct json *both = json_new(c->d->arena, JSON_ARRAY);
    json_push(both, target);
    json_push(both, out);
    out = json_new(c->d->arena, JSON_OBJECT);
    json_set(out, STR("allOf"), both);
    return out;
}

static struct json *convert_ref(struct conversion *c, const struct json *schema)
{
    const struct json *target = openapi_follow(c->d, schema);
    if (!target)
        return anything(c, "it refers to what the document does not have");
    for (unsigned i = 0; i < c->refs_n; i++)
        if (c->refs[i] == target)
            return anything(c, "it contains itself and is cut");
    if (c->refs_n == REFS_MAX)
        return anything(c, "it refers on too often and is cut");
    c->refs[c->refs_n++] = target;
    struct json *out = convert(c, target);
    c->refs_n--;
    return beside(c, schema, out);
}

static struct json *convert(struct conversion *c, const struct json *schema)
{
    struct arena *a = c->d->arena;
    if (json_is(schema, JSON_TRUE) || json_is(schema, JSON_FALSE))
        return json_copy(a, schema);
    if (!json_is(schema, JSON_OBJECT))
        return anything(c, "it has no schema");
    if (c->depth == DEPTH_MAX || ++c->nodes > NODES_MAX)
        return anything(c, "its schema is too large and is cut");
    c->depth++;
    struct json *out = json_new(a, JSON_OBJECT);
    if (json_is(json_get(schema, "$ref"), JSON_STRING)) {
        out = convert_ref(c, schema);
        c->depth--;
        return out;
    }
    for (const struct json *arg = schema->child; arg; arg = arg->next) {
        enum how how = how_of(arg->key);
        if (how == SCHEMA)
            json_set(out, arg->key, convert(c, arg));
        else if ((how == SCHEMAS && json_is(arg, JSON_ARRAY) && arg->n) ||
                 (how == MEMBERS && json_is(arg, JSON_OBJECT)))
            json_set(out, arg->key, convert_each(c, arg, arg->kind));
        else if (how == PLAIN)
            put_plain(c, out, schema, arg);
    }
    if (json_bool(json_get(schema, "nullable"), false))
        put_null(c, out);
    c->depth--;
    return out;
}

struct json *openapi_schema(struct tool_draft *d, const struct json *schema, struct str what)
{
    struct conversion c = {.d = d, .what = what};
    struct json *out = convert(&c, schema);
    struct err why;
    if (schema_check_formats(out, &why) == 0)
        return out;
    tool_draft_todo(d, "input", "%.*s: its schema is left out (%s)", STR_ARG(what), why.text);
    return json_new(d->arena, JSON_OBJECT);
}
