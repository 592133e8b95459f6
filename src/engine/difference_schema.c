/* difference: arguments. See engine/difference_walk.h. */
#include "engine/difference_walk.h"

/* How a keyword of a JSON Schema binds. */
enum binds {
    NOTE,    /* says something to people */
    UPPER,   /* a smaller number is narrower */
    LOWER,   /* a larger number is narrower */
    VALUES,  /* a list of what is allowed: fewer are narrower */
    NEEDS,   /* a list of what must be there: more are narrower */
    SCHEMAS, /* a map of schemas by name */
    ONE,     /* a schema, or a boolean that stands for one */
    EXACT    /* anything else: another value may refuse what was right */
};

static const struct keyword {
    const char *name;
    enum binds binds;
} keywords[] = {
    {"title", NOTE},
    {"description", NOTE},
    {"examples", NOTE},
    {"$comment", NOTE},
    {"x-label", NOTE},
    {"x-values", NOTE},
    {"maximum", UPPER},
    {"exclusiveMaximum", UPPER},
    {"maxLength", UPPER},
    {"maxItems", UPPER},
    {"maxProperties", UPPER},
    {"minimum", LOWER},
    {"exclusiveMinimum", LOWER},
    {"minLength", LOWER},
    {"minItems", LOWER},
    {"minProperties", LOWER},
    {"type", VALUES},
    {"enum", VALUES},
    {"required", NEEDS},
    {"properties", SCHEMAS},
    {"$defs", SCHEMAS},
    {"items", ONE},
    {"additionalProperties", ONE},
};

static enum binds binds_of(struct str name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (str_is(name, keywords[i].name))
            return keywords[i].binds;
    return EXACT;
}

/* "string" and ["string"] are one; a number may be whole. */
static struct json *as_list(struct arena *a, const struct json *v)
{
    struct json *list = json_new(a, JSON_ARRAY);
    if (json_is(v, JSON_ARRAY))
        for (const struct json *c = v->child; c; c = c->next)
            json_push(list, json_copy(a, c));
    else if (v)
        json_push(list, json_copy(a, v));
    struct json *integer = json_new_str(a, STR("integer"));
    if (walk_has(list, json_new_str(a, STR("number"))) && !walk_has(list, integer))
        json_push(list, integer);
    return list;
}

/* Properties: one that is gone is major, though the model could still send it where others are allowed. */
static void schemas(struct walk *w, const struct json *old, const struct json *now)
{
    for (const struct json *m = old->child; m; m = m->next)
        if (!json_get(now, str_c(w->a, m->key)) && walk_in(w, m->key)) {
            walk_found(w, DIFFERENCE_REMOVED, SEMVER_MAJOR, "was removed");
            walk_out(w);
        }
    for (const struct json *m = now->child; m; m = m->next) {
        const struct json *before = json_get(old, str_c(w->a, m->key));
        if (!walk_in(w, m->key))
            return;
        if (before)
            walk_schema(w, before, m);
        else
            walk_found(w, DIFFERENCE_ADDED, SEMVER_MINOR, "was added");
        walk_out(w);
    }
}

/* What a missing keyword means: nothing is refused. */
static void one_missing(struct walk *w, enum binds binds, const struct json *old, const struct json *now)
{
    bool allows = json_is(now ? now : old, JSON_TRUE);
    enum semver_step tighter = SEMVER_MAJOR, wider = SEMVER_MINOR;
    if (binds == NOTE || (binds == ONE && allows))
        tighter = wider = SEMVER_PATCH;
    if (binds == SCHEMAS)
        tighter = SEMVER_MINOR, wider = SEMVER_MAJOR;
    if (now)
        walk_found(w, DIFFERENCE_ADDED, tighter, "was added");
    else
        walk_found(w, DIFFERENCE_REMOVED, wider, "was removed");
}

/* From a schema to false, or from true to a schema. */
static void ones(struct walk *w, const struct json *old, const struct json *now)
{
    if (json_is(old, JSON_OBJECT) && json_is(now, JSON_OBJECT))
        walk_schema(w, old, now);
    else
        walk_changed(w, json_is(now, JSON_TRUE) || json_is(old, JSON_FALSE) ? SEMVER_MINOR : SEMVER_MAJOR, old, now);
}

static void keyword(struct walk *w, struct str name, const struct json *old, const struct json *now)
{
    enum binds binds = binds_of(name);
    bool numbers = json_is(old, JSON_NUMBER) && json_is(now, JSON_NUMBER);
    if (str_is(name, "x-show")) { /* shown is safer */
        enum semver_step step = json_bool(old, false) && !json_bool(now, false) ? SEMVER_MAJOR : SEMVER_MINOR;
        walk_found(w, DIFFERENCE_CHANGED, step, "is now %s", json_bool(now, false) ? "true" : "false");
        return;
    }
    if (str_is(name, "x-source")) { /* who may supply it: not the model any more, or now the model too */
        walk_found(w, now ? DIFFERENCE_CHANGED : DIFFERENCE_REMOVED, SEMVER_MAJOR, "changed");
        return;
    }
    if (!old || !now) {
        one_missing(w, binds, old, now);
        return;
    }
    switch (binds) {
    case NOTE: walk_changed(w, SEMVER_PATCH, old, now); return;
    case UPPER:
    case LOWER: {
        bool less = json_num(now, 0) < json_num(old, 0);
        walk_changed(w, numbers && less == (binds == LOWER) ? SEMVER_MINOR : SEMVER_MAJOR, old, now);
        return;
    }
    case VALUES: walk_set(w, as_list(w->a, old), as_list(w->a, now), SEMVER_MINOR, SEMVER_MAJOR); return;
    case NEEDS: walk_set(w, old, now, SEMVER_MAJOR, SEMVER_MINOR); return;
    case SCHEMAS: schemas(w, old, now); return;
    case ONE: ones(w, old, now); return;
    case EXACT: walk_changed(w, SEMVER_MAJOR, old, now); return;
    }
}

static void at_keyword(struct walk *w, struct str name, const struct json *old, const struct json *now)
{
    if ((old && now && json_same(old, now)) || !walk_in(w, name))
        return;
    keyword(w, name, old, now);
    walk_out(w);
}

void walk_schema(struct walk *w, const struct json *old, const struct json *now)
{
    if (!json_is(old, JSON_OBJECT) || !json_is(now, JSON_OBJECT)) {
        if (!json_same(old, now))
            ones(w, old, now);
        return;
    }
    for (const struct json *m = old->child; m; m = m->next)
        if (!json_get(now, str_c(w->a, m->key)))
            at_keyword(w, m->key, m, NULL);
    for (const struct json *m = now->child; m; m = m->next)
        at_keyword(w, m->key, json_get(old, str_c(w->a, m->key)), m);
}
