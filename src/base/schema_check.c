/* The first half of schema.h: schema_check, and where references point. */
#include "base/schema_words.h"

#include "base/regex.h"

#include <string.h>

enum { REFS_MAX = 256 }; /* different places that one schema may refer to */

struct check {
    const struct json *root;
    struct err *e;
    const struct json *targets[REFS_MAX];
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
    buf_addc(out, '/');
    for (size_t i = 0; i < at->key.n; i++) {
        char c = at->key.p[i];
        if (c == '~' || c == '/')
            buf_adds(out, c == '~' ? "~0" : "~1");
        else
            buf_addc(out, c);
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *hit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

/* Takes one byte off a segment of a pointer in a URI: %7E is ~, then ~0 is ~ and ~1 is /. */
static char segment_byte(struct str *s)
{
    char c = s->p[0];
    size_t n = 1;
    if (c == '%' && s->n >= 3 && hex_digit(s->p[1]) >= 0 && hex_digit(s->p[2]) >= 0) {
        c = (char)(hex_digit(s->p[1]) << 4 | hex_digit(s->p[2]));
        n = 3;
    }
    *s = str_from(*s, n);
    if (c == '~' && s->n && (s->p[0] == '0' || s->p[0] == '1')) {
        c = s->p[0] == '0' ? '~' : '/';
        *s = str_from(*s, 1);
    }
    return c;
}

static bool segment_is(struct str segment, struct str key)
{
    size_t i = 0;
    while (segment.n)
        if (i == key.n || segment_byte(&segment) != key.p[i++])
            return false;
    return i == key.n;
}

const struct json *ref_find(const struct json *root, struct str ref)
{
    if (str_is(ref, "#"))
        return root;
    if (!str_starts(ref, STR("#/")))
        return NULL;
    struct str rest = str_from(ref, 2), segment;
    const struct json *v = root;
    while (v && str_split(&rest, '/', &segment)) {
        const struct json *c = NULL;
        int64_t index;
        if (v->kind == JSON_OBJECT)
            for (c = v->child; c && !segment_is(segment, c->key);)
                c = c->next;
        else if (v->kind == JSON_ARRAY && str_int(segment, &index) == 0 && index >= 0)
            c = json_at(v, (size_t)index);
        v = c;
    }
    return v;
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
    struct str ref = json_str(arg);
    if (!str_is(ref, "#") && !str_starts(ref, STR("#/")))
        return refuse(c, ERR_UNSUPPORTED, at, "only references within the schema (#/...) are supported");
    const struct json *target = ref_find(c->root, ref);
    if (!target)
        return refuse(c, ERR_INVALID, at, "the reference points to nothing");
    for (size_t i = 0; i < c->n; i++)
        if (c->targets[i] == target)
            return 0;
    if (c->n == REFS_MAX)
        return refuse(c, ERR_LIMIT, at, "too many different references");
    c->targets[c->n++] = target;
    return 0;
}

static int check_children(struct check *c, const struct json *arg, enum shape shape, const struct place *at)
{
    size_t i = 0;
    for (const struct json *s = arg->child; s; s = s->next) {
        struct place below = {.up = at, .key = s->key, .index = i++};
        struct err why;
        if (shape == SHAPE_PATTERNS && regex_check(s->key, &why) < 0)
            return refuse(c, ERR_INVALID, &below, why.text);
        int r = check_schema(c, s, &below);
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
    case SHAPE_NUMBER: return json_is(arg, JSON_NUMBER) ? NULL : "must be a number";
    case SHAPE_STEP: return json_num(arg, 0) > 0 ? NULL : "must be a number above 0";
    case SHAPE_COUNT: return json_int(arg, -1) >= 0 ? NULL : "must be a whole number from 0";
    case SHAPE_BOOL: return json_is(arg, JSON_TRUE) || json_is(arg, JSON_FALSE) ? NULL : "must be true or false";
    case SHAPE_STRING:
    case SHAPE_PATTERN:
    case SHAPE_REF:
    case SHAPE_ID: return json_is(arg, JSON_STRING) ? NULL : "must be a string";
    }
    return NULL;
}

static int check_word(struct check *c, const struct json *arg, const struct json *schema, const struct place *at)
{
    const struct word *word = word_find(arg->key);
    struct err why;
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
    case SHAPE_PATTERN: return regex_check(arg->text, &why) < 0 ? refuse(c, ERR_INVALID, at, why.text) : 0;
    case SHAPE_REF: return check_ref(c, arg, at);
    case SHAPE_ID: return schema == c->root ? 0 : refuse(c, ERR_UNSUPPORTED, at, "is supported at the top only");
    default: return 0;
    }
}

static int check_schema(struct check *c, const struct json *schema, const struct place *at)
{
    if (json_is(schema, JSON_TRUE) || json_is(schema, JSON_FALSE))
        return 0;
    if (!json_is(schema, JSON_OBJECT))
        return refuse(c, ERR_INVALID, at, "a schema is an object, true or false");
    for (const struct json *arg = schema->child; arg; arg = arg->next) {
        struct place below = {.up = at, .key = arg->key};
        int r = str_starts(arg->key, STR("x-")) ? 0 : check_word(c, arg, schema, &below);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool endless(struct check *c, const struct json *schema);

static bool endless_target(struct check *c, const struct json *target)
{
    size_t i = 0;
    while (i < c->n && c->targets[i] != target)
        i++;
    if (i == c->n || c->state[i] == TARGET_DONE)
        return false;
    if (c->state[i] == TARGET_ON_PATH)
        return true;
    c->state[i] = TARGET_ON_PATH;
    bool found = endless(c, target);
    c->state[i] = TARGET_DONE;
    return found;
}

/* Does the schema come back to itself without stepping into the value? Every such circle leads
 * through the target of a reference. */
static bool endless(struct check *c, const struct json *schema)
{
    for (const struct json *arg = schema->child; arg && schema->kind == JSON_OBJECT; arg = arg->next) {
        const struct word *word = word_find(arg->key);
        if (!word || !word->in_place)
            continue;
        if (word->shape == SHAPE_REF && endless_target(c, ref_find(c->root, arg->text)))
            return true;
        if (word->shape == SHAPE_SCHEMA && endless(c, arg))
            return true;
        for (const struct json *s = arg->child; s && word->shape == SHAPE_SCHEMAS; s = s->next)
            if (endless(c, s))
                return true;
    }
    return false;
}

int schema_check(const struct json *schema, struct err *e)
{
    struct check c = {.root = schema, .e = e};
    int r = check_schema(&c, schema, NULL);
    for (size_t i = 0; r == 0 && i < c.n; i++) { /* a target may stand where no keyword leads to */
        r = check_schema(&c, c.targets[i], NULL);
        if (r < 0)
            err_in(e, "what a $ref points to");
    }
    for (size_t i = 0; r == 0 && i < c.n; i++)
        if (endless_target(&c, c.targets[i]))
            r = err_set(e, ERR_INVALID, "schema: a $ref leads back to itself without an end");
    return r;
}
