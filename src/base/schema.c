#include "base/schema.h"

#include "base/schema_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MAX = 1000000, /* schemas tried on values for one answer; nested anyOf can ask for any number */
    DEPTH_MAX = 512      /* of schemas within schemas: JSON's depth times what each level may chain */
};

int run_mismatch(struct run *r, const struct place *at, const char *format, ...)
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

int run_matches(struct run *r, struct str pattern, struct str text)
{
    int code = pattern_try(pattern, text);
    return code >= 0 ? code : err_set(r->e, ERR_LIMIT, "a pattern of the schema asks for too many steps");
}

/* --- what was seen of the value, for unevaluatedItems and unevaluatedProperties --- */

void run_see(struct run *r, size_t i)
{
    if (r->seen)
        r->seen[i] = 1;
}

static unsigned char *seen_new(struct run *r, const struct json *value, const unsigned char *like)
{
    unsigned char *seen = mem_get(value->n + 1);
    if (like)
        memcpy(seen, like, value->n);
    else
        memset(seen, 0, value->n);
    r->steps += value->n / 8;
    return seen;
}

static bool has_parts(const struct json *value)
{
    return value->kind == JSON_ARRAY || value->kind == JSON_OBJECT;
}

int run_part(struct run *r, const struct json *schema, const struct json *part, const struct place *at)
{
    unsigned char *seen = r->seen;
    r->seen = NULL;
    int code = run_fits(r, schema, part, at);
    r->seen = seen;
    return code;
}

int run_try_part(struct run *r, const struct json *schema, const struct json *part, const struct place *at)
{
    bool was = r->quiet;
    r->quiet = true;
    int code = run_part(r, schema, part, at);
    r->quiet = was;
    return code == 0 ? 1 : code == ERR_INVALID ? 0 : code;
}

int run_try(struct run *r, const struct json *schema, const struct json *value, const struct place *at)
{
    bool was = r->quiet;
    unsigned char *before = r->seen ? seen_new(r, value, r->seen) : NULL;
    r->quiet = true;
    int code = run_fits(r, schema, value, at);
    r->quiet = was;
    if (code != 0 && before)
        memcpy(r->seen, before, value->n);
    free(before);
    return code == 0 ? 1 : code == ERR_INVALID ? 0 : code;
}

/* --- keywords that put schemas together --- */

static FITS(all)
{
    int code = 0;
    for (const struct json *s = arg->child; code == 0 && s; s = s->next)
        code = run_fits(r, s, value, at);
    return code;
}

static FITS(any)
{
    int found = 0;
    for (const struct json *s = arg->child; s && (!found || r->seen); s = s->next) {
        int code = run_try(r, s, value, at);
        if (code < 0)
            return code;
        found |= code;
    }
    if (found)
        return 0;
    if (r->quiet || !arg->child)
        return run_mismatch(r, at, "must fit an alternative");
    int code = run_fits(r, arg->child, value, at); /* for its sentence */
    if (code == ERR_INVALID)
        err_in(r->e, "fits none of the %u alternatives; the first says", (unsigned)arg->n);
    return code;
}

static FITS(one)
{
    unsigned hits = 0;
    for (const struct json *s = arg->child; s; s = s->next) {
        int code = run_try(r, s, value, at);
        if (code < 0)
            return code;
        hits += (unsigned)code;
    }
    if (hits > 1)
        return run_mismatch(r, at, "must fit one alternative only, not %u of the %u", hits, (unsigned)arg->n);
    return hits == 1 ? 0 : fits_any(r, arg, schema, value, at);
}

static FITS(not )
{
    int code = run_try_part(r, arg, value, at); /* nothing that it sees counts */
    return code <= 0 ? code : run_mismatch(r, at, "must not be what the schema forbids");
}

static FITS(if)
{
    int code = run_try(r, arg, value, at);
    const struct json *then = code < 0 ? NULL : json_get(schema, code ? "then" : "else");
    if (!then)
        return code < 0 ? code : 0;
    return run_fits(r, then, value, at);
}

static int fits_target(struct run *r, const struct target *t, const struct json *value, const struct place *at)
{
    const struct scope inner = {.up = r->scope, .resource = t->resource}, *outer = r->scope;
    if (outer->resource != t->resource)
        r->scope = &inner;
    int code = run_fits(r, t->schema, value, at);
    r->scope = outer;
    return code;
}

static FITS(ref)
{
    struct target t;
    if (ref_find(&r->refs, r->scope->resource, json_str(arg), &t) != REF_FOUND)
        return err_set(r->e, ERR_UNSUPPORTED, "the schema refers to what it does not have");
    return fits_target(r, &t, value, at);
}

/* A reference that found a $dynamicAnchor means the one of that name in the outermost resource that has one. */
static FITS(dynamic)
{
    struct target t;
    if (ref_find(&r->refs, r->scope->resource, json_str(arg), &t) != REF_FOUND)
        return err_set(r->e, ERR_UNSUPPORTED, "the schema refers to what it does not have");
    for (const struct scope *s = t.dynamic.n ? r->scope : NULL; s; s = s->up) {
        const struct json *outer = ref_dynamic(&r->refs, s->resource, t.dynamic);
        if (outer)
            t = (struct target){.schema = outer, .resource = s->resource, .dynamic = t.dynamic};
    }
    return fits_target(r, &t, value, at);
}

/* --- the table --- */

static const struct word words[] = {
    {"$ref", SHAPE_REF, true, fits_ref},
    {"$dynamicRef", SHAPE_DYNAMIC, true, fits_dynamic},
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
    {"format", SHAPE_FORMAT, false, fits_format},
    {"prefixItems", SHAPE_SCHEMAS, false, fits_prefix},
    {"items", SHAPE_SCHEMA, false, fits_items},
    {"contains", SHAPE_SCHEMA, false, fits_contains},
    {"minContains", SHAPE_COUNT, false, NULL},
    {"maxContains", SHAPE_COUNT, false, NULL},
    {"minItems", SHAPE_COUNT, false, fits_count},
    {"maxItems", SHAPE_COUNT, false, fits_count},
    {"uniqueItems", SHAPE_BOOL, false, fits_unique},
    {"required", SHAPE_NAMES, false, fits_required},
    {"dependentRequired", SHAPE_DEPENDENT, false, fits_dependent_required},
    {"properties", SHAPE_MEMBERS, false, fits_properties},
    {"patternProperties", SHAPE_PATTERNS, false, fits_patterns},
    {"additionalProperties", SHAPE_SCHEMA, false, fits_additional},
    {"propertyNames", SHAPE_SCHEMA, false, fits_names},
    {"minProperties", SHAPE_COUNT, false, fits_count},
    {"maxProperties", SHAPE_COUNT, false, fits_count},
    {"dependentSchemas", SHAPE_MEMBERS, true, fits_dependent_schemas},
    {"allOf", SHAPE_SCHEMAS, true, fits_all},
    {"anyOf", SHAPE_SCHEMAS, true, fits_any},
    {"oneOf", SHAPE_SCHEMAS, true, fits_one},
    {"not", SHAPE_SCHEMA, true, fits_not},
    {"if", SHAPE_SCHEMA, true, fits_if},
    {"then", SHAPE_SCHEMA, true, NULL},
    {"else", SHAPE_SCHEMA, true, NULL},
    {"unevaluatedItems", SHAPE_SCHEMA, false, NULL},      /* run_fits tries them last */
    {"unevaluatedProperties", SHAPE_SCHEMA, false, NULL}, /* the same */
    {"$defs", SHAPE_MEMBERS, false, NULL},
    {"$id", SHAPE_ID, false, NULL},
    {"$anchor", SHAPE_ANCHOR, false, NULL},
    {"$dynamicAnchor", SHAPE_ANCHOR, false, NULL},
    {"$schema", SHAPE_DIALECT, false, NULL},
    {"$comment", SHAPE_STRING, false, NULL},
    {"title", SHAPE_STRING, false, NULL},
    {"description", SHAPE_STRING, false, NULL},
    {"default", SHAPE_ANY, false, NULL},
    {"examples", SHAPE_LIST, false, NULL},
    {"deprecated", SHAPE_BOOL, false, NULL},
    {"readOnly", SHAPE_BOOL, false, NULL},
    {"writeOnly", SHAPE_BOOL, false, NULL},
    {"contentEncoding", SHAPE_STRING, false, NULL},
    {"contentMediaType", SHAPE_STRING, false, NULL},
    {"contentSchema", SHAPE_SCHEMA, false, NULL},
};

const struct word *word_find(struct str name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(name, words[i].name))
            return &words[i];
    return NULL;
}

/* --- the run --- */

static int fits_words(struct run *r, const struct json *schema, const struct json *value, const struct place *at)
{
    int code = 0;
    for (const struct json *arg = schema->child; code == 0 && arg; arg = arg->next) {
        const struct word *word = word_find(arg->key);
        if (word && word->fits)
            code = word->fits(r, arg, schema, value, at);
        else if (!word && !str_starts(arg->key, STR("x-")))
            code = err_set(r->e, ERR_UNSUPPORTED, "the schema has a keyword that is not supported");
    }
    return code;
}

/* `rest` sees what its own schema's keywords left over, and no others'; what they saw counts for the schema around too. */
static int fits_with_rest(struct run *r, const struct json *rest, const struct json *schema, const struct json *value,
                          const struct place *at)
{
    unsigned char *outer = r->seen;
    r->seen = seen_new(r, value, NULL);
    int code = fits_words(r, schema, value, at);
    if (code == 0)
        code = fits_unevaluated(r, rest, schema, value, at);
    for (size_t i = 0; outer && code == 0 && i < value->n; i++)
        outer[i] |= r->seen[i];
    free(r->seen);
    r->seen = outer;
    return code;
}

int run_fits(struct run *r, const struct json *schema, const struct json *value, const struct place *at)
{
    if (schema->kind == JSON_TRUE)
        return 0;
    if (schema->kind == JSON_FALSE)
        return run_mismatch(r, at, "must not be here");
    if (schema->kind != JSON_OBJECT)
        return err_set(r->e, ERR_UNSUPPORTED, "what should be a schema is none");
    if (++r->steps > STEPS_MAX || r->depth == DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, "the schema asks for too many comparisons");
    const struct scope inner = {.up = r->scope, .resource = schema}, *outer = r->scope;
    if (outer->resource != schema && json_get(schema, "$id") && refs_has(&r->refs, schema))
        r->scope = &inner;
    r->depth++;
    const char *last = value->kind == JSON_OBJECT ? "unevaluatedProperties" : "unevaluatedItems";
    const struct json *rest = has_parts(value) ? json_get(schema, last) : NULL;
    int code = rest ? fits_with_rest(r, rest, schema, value, at) : fits_words(r, schema, value, at);
    r->depth--;
    r->scope = outer;
    return code;
}

static int run(const struct json *schema, const struct json *value, bool formats, struct err *e)
{
    const struct scope top = {.resource = schema};
    struct run r = {.refs = {.root = schema}, .scope = &top, .formats = formats, .e = e};
    int code = run_fits(&r, schema, value, NULL);
    refs_free(&r.refs);
    return code;
}

int schema_fits(const struct json *schema, const struct json *value, struct err *e)
{
    return run(schema, value, false, e);
}

int schema_fits_formats(const struct json *schema, const struct json *value, struct err *e)
{
    return run(schema, value, true, e);
}
