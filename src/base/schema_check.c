/* The first half of schema.h: is it a schema, and one that can be decided? */
#include "base/schema_words.h"

#include "base/decimal.h"
#include "base/regex.h"

enum { REFS_MAX = 256 }; /* different places that one schema may refer to */

struct check {
    struct refs refs;
    const struct json *resource; /* that the schema being looked at belongs to */
    bool formats;                /* will they be demanded? */
    struct err *e;
    struct target targets[REFS_MAX];
    enum { TARGET_NEW, TARGET_ON_PATH, TARGET_DONE } state[REFS_MAX];
    size_t n;
};

static int check_schema(struct check *c, const struct json *schema, const struct place *at);

void place_pointer(struct buf *out, const struct place *at)
{
    if (!at)
        return;
    place_pointer(out, at->up);
    if (!at->key.p) {
        buf_addf(out, "/%zu", at->index);
        return;
    }
    json_pointer_add(out, at->key);
}

static int refuse(struct check *c, int code, const struct place *at, const char *what)
{
    struct buf pointer = buf_new(NULL, 160);
    place_pointer(&pointer, at);
    int r = err_set(c->e, code, "schema, #%.*s: %s", STR_ARG(buf_str(&pointer)), what);
    buf_free(&pointer);
    return r;
}

static int check_ref(struct check *c, const struct json *arg, const struct place *at)
{
    struct target t;
    enum ref_result found = ref_find(&c->refs, c->resource, json_str(arg), &t);
    if (found == REF_OUTSIDE)
        return refuse(c, ERR_UNSUPPORTED, at, "only references within the document are supported; none is fetched");
    if (found == REF_NOTHING)
        return refuse(c, ERR_INVALID, at, "the reference points to nothing");
    for (size_t i = 0; i < c->n; i++)
        if (c->targets[i].schema == t.schema)
            return 0;
    if (c->n == REFS_MAX)
        return refuse(c, ERR_LIMIT, at, "too many different references");
    c->targets[c->n++] = t;
    return 0;
}

static int check_pattern(struct check *c, struct str pattern, const struct place *at)
{
    struct err why;
    int r = pattern_check(pattern, &why);
    return r < 0 ? refuse(c, r, at, why.text) : 0;
}

static int check_dialect(struct check *c, struct str uri, const struct place *at)
{
    if (str_ends(uri, STR("#")))
        uri = str_head(uri, uri.n - 1);
    return str_is(uri, "https://json-schema.org/draft/2020-12/schema")
               ? 0
               : refuse(c, ERR_UNSUPPORTED, at,
                        "only draft 2020-12 is supported (https://json-schema.org/draft/2020-12/schema)");
}

static int check_children(struct check *c, const struct json *arg, enum shape shape, const struct place *at)
{
    size_t i = 0;
    for (const struct json *s = arg->child; s; s = s->next) {
        struct place below = {.up = at, .key = s->key, .index = i++};
        int r = shape == SHAPE_PATTERNS ? check_pattern(c, s->key, &below) : 0;
        if (r == 0)
            r = check_schema(c, s, &below);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool all_strings(const struct json *list)
{
    if (!json_is(list, JSON_ARRAY))
        return false;
    for (const struct json *v = list->child; v; v = v->next)
        if (v->kind != JSON_STRING)
            return false;
    return true;
}

static bool all_lists_of_strings(const struct json *object)
{
    if (!json_is(object, JSON_OBJECT))
        return false;
    for (const struct json *v = object->child; v; v = v->next)
        if (!all_strings(v))
            return false;
    return true;
}

static bool count_fine(const struct json *arg)
{
    return json_whole(arg) && json_num(arg, -1) >= 0;
}

static bool matches(const struct json *arg, const char *pattern)
{
    return json_is(arg, JSON_STRING) && regex_match(str_of(pattern), arg->text);
}

static bool type_fine(const struct json *arg)
{
    if (json_is(arg, JSON_STRING))
        return type_known(arg->text);
    if (!all_strings(arg) || arg->n == 0)
        return false;
    for (const struct json *v = arg->child; v; v = v->next)
        if (!type_known(v->text))
            return false;
    return true;
}

/* What is wrong with a keyword's value, or NULL. */
static const char *misshapen(enum shape shape, const struct json *arg)
{
    switch (shape) {
    case SHAPE_ANY:
    case SHAPE_SCHEMA: return NULL; /* check_schema looks */
    case SHAPE_SCHEMAS: return json_is(arg, JSON_ARRAY) && arg->n ? NULL : "must be a list of schemas";
    case SHAPE_MEMBERS:
    case SHAPE_PATTERNS: return json_is(arg, JSON_OBJECT) ? NULL : "must be an object of schemas";
    case SHAPE_TYPE: return type_fine(arg) ? NULL : "must be a type's name or a list of them";
    case SHAPE_LIST: return json_is(arg, JSON_ARRAY) ? NULL : "must be a list";
    case SHAPE_NAMES: return all_strings(arg) ? NULL : "must be a list of strings";
    case SHAPE_DEPENDENT: return all_lists_of_strings(arg) ? NULL : "must be an object of lists of strings";
    case SHAPE_NUMBER: return json_is(arg, JSON_NUMBER) ? NULL : "must be a number";
    case SHAPE_STEP: return json_num(arg, 0) > 0 ? NULL : "must be a number above 0";
    case SHAPE_COUNT: return count_fine(arg) ? NULL : "must be a whole number from 0";
    case SHAPE_BOOL: return json_is(arg, JSON_TRUE) || json_is(arg, JSON_FALSE) ? NULL : "must be true or false";
    case SHAPE_STRING:
    case SHAPE_FORMAT:
    case SHAPE_PATTERN:
    case SHAPE_REF:
    case SHAPE_DYNAMIC:
    case SHAPE_DIALECT: return json_is(arg, JSON_STRING) ? NULL : "must be a string";
    case SHAPE_ID: return matches(arg, "^[^#]+#?$") ? NULL : "must be a URI without a fragment";
    case SHAPE_ANCHOR:
        return matches(arg, "^[A-Za-z_][A-Za-z0-9._-]*$") ? NULL
                                                          : "must be a name of letters, digits, '-', '_' and '.'";
    }
    return NULL;
}

static int check_word(struct check *c, const struct json *arg, const struct json *schema, const struct place *at)
{
    const struct word *word = word_find(arg->key);
    if (!word)
        return refuse(c, ERR_UNSUPPORTED, at, "this keyword is not supported");
    const char *wrong = misshapen(word->shape, arg);
    if (wrong)
        return refuse(c, ERR_INVALID, at, wrong);
    switch (word->shape) {
    case SHAPE_SCHEMA: return check_schema(c, arg, at);
    case SHAPE_SCHEMAS:
    case SHAPE_MEMBERS:
    case SHAPE_PATTERNS: return check_children(c, arg, word->shape, at);
    case SHAPE_PATTERN: return check_pattern(c, arg->text, at);
    case SHAPE_REF:
    case SHAPE_DYNAMIC: return check_ref(c, arg, at);
    case SHAPE_FORMAT:
        return c->formats && format_missing(arg->text) ? refuse(c, ERR_UNSUPPORTED, at, "this format is not checked")
                                                       : 0;
    case SHAPE_DIALECT: return check_dialect(c, arg->text, at);
    case SHAPE_STEP:
        return decimal_step_ok(arg) ? 0 : refuse(c, ERR_UNSUPPORTED, at, "more than 18 digits are not supported");
    case SHAPE_ID:
    case SHAPE_ANCHOR:
        return refs_names(&c->refs, schema)
                   ? 0
                   : refuse(c, ERR_UNSUPPORTED, at, "is supported only where a keyword expects a schema");
    default: return 0;
    }
}

static int check_schema(struct check *c, const struct json *schema, const struct place *at)
{
    if (json_is(schema, JSON_TRUE) || json_is(schema, JSON_FALSE))
        return 0;
    if (!json_is(schema, JSON_OBJECT))
        return refuse(c, ERR_INVALID, at, "a schema is an object, true or false");
    const struct json *outer = c->resource;
    if (json_get(schema, "$id") && refs_has(&c->refs, schema))
        c->resource = schema;
    int r = 0;
    for (const struct json *arg = schema->child; arg && r == 0; arg = arg->next) {
        struct place below = {.up = at, .key = arg->key};
        r = str_starts(arg->key, STR("x-")) ? 0 : check_word(c, arg, schema, &below);
    }
    c->resource = outer;
    return r;
}

static bool endless(struct check *c, const struct json *schema);

static bool endless_target(struct check *c, const struct target *t)
{
    const struct json *outer = c->resource;
    size_t i = 0;
    while (i < c->n && c->targets[i].schema != t->schema)
        i++;
    if (i == c->n || c->state[i] == TARGET_DONE)
        return false;
    if (c->state[i] == TARGET_ON_PATH)
        return true;
    c->state[i] = TARGET_ON_PATH;
    c->resource = t->resource;
    bool found = endless(c, t->schema);
    c->resource = outer;
    c->state[i] = TARGET_DONE;
    return found;
}

static bool endless_ref(struct check *c, struct str ref)
{
    struct target t;
    return ref_find(&c->refs, c->resource, ref, &t) == REF_FOUND && endless_target(c, &t);
}

/* Does the schema come back to itself without stepping into the value? Every such circle leads
 * through the target of a reference. Where a $dynamicRef leads is known only when a value is tried: there the depth of a
 * run is its end. */
static bool endless(struct check *c, const struct json *schema)
{
    const struct json *outer = c->resource;
    bool found = false;
    if (json_get(schema, "$id") && refs_has(&c->refs, schema))
        c->resource = schema;
    for (const struct json *arg = json_is(schema, JSON_OBJECT) ? schema->child : NULL; arg && !found; arg = arg->next) {
        const struct word *word = word_find(arg->key);
        if (!word || !word->in_place)
            continue;
        if (word->shape == SHAPE_REF)
            found = endless_ref(c, arg->text);
        else if (word->shape == SHAPE_SCHEMA)
            found = endless(c, arg);
        else if (word->shape != SHAPE_DYNAMIC)
            for (const struct json *s = arg->child; s && !found; s = s->next)
                found = endless(c, s);
    }
    c->resource = outer;
    return found;
}

static int check_names(struct check *c)
{
    const struct named *twice = refs_twice(&c->refs);
    if (!twice)
        return 0;
    struct str name = twice->anchor.n ? twice->anchor : twice->uri;
    return err_set(c->e, ERR_INVALID, "schema: two parts bear the name \"%.*s\"", STR_ARG(name));
}

static int check(struct check *c)
{
    int r = check_schema(c, c->refs.root, NULL);
    if (r == 0)
        r = check_names(c);
    for (size_t i = 0; r == 0 && i < c->n; i++) { /* a target may stand where no keyword leads to */
        c->resource = c->targets[i].resource;
        r = check_schema(c, c->targets[i].schema, NULL);
        if (r < 0)
            err_in(c->e, "what a $ref points to");
    }
    for (size_t i = 0; r == 0 && i < c->n; i++)
        if (endless_target(c, &c->targets[i]))
            r = err_set(c->e, ERR_INVALID, "schema: a $ref leads back to itself without an end");
    return r;
}

static int check_top(const struct json *schema, bool formats, struct err *e)
{
    struct check c = {.refs = {.root = schema}, .resource = schema, .formats = formats, .e = e};
    int r = check(&c);
    refs_free(&c.refs);
    return r;
}

int schema_check(const struct json *schema, struct err *e)
{
    return check_top(schema, false, e);
}

int schema_check_formats(const struct json *schema, struct err *e)
{
    return check_top(schema, true, e);
}
