#include "engine/variant.h"

#include "base/hash.h"

#include <string.h>

bool variant_is_of(struct str model, struct str family)
{
    for (size_t i = model.n; i > 0; i--)
        if (model.p[i - 1] == '/') {
            model = str_from(model, i);
            break;
        }
    if (!family.n || !str_starts(model, family))
        return false;
    char next = model.n > family.n ? model.p[family.n] : '-';
    return strchr("-._:@ ", next) != NULL;
}

/* The object without a member. */
static struct json *without(struct arena *a, const struct json *object, const char *key)
{
    struct json *copy = json_new(a, JSON_OBJECT);
    copy->line = object->line;
    for (const struct json *m = object->child; m; m = m->next)
        if (!str_is(m->key, key))
            json_set(copy, m->key, json_copy(a, m));
    return copy;
}

/* "voice@1.0.0" names voice. */
static struct str name_of(struct str reference)
{
    ptrdiff_t at = str_find(reference, STR("@"));
    return at < 0 ? reference : str_head(reference, (size_t)at);
}

/* Does the map of kinds (add, remove) name this module? */
static bool names(const struct arena *a, const struct json *map, struct str kind, struct str name)
{
    for (const struct json *k = map ? map->child : NULL; k; k = k->next)
        for (const struct json *n = !str_eq(k->key, kind)    ? NULL
                                    : k->kind == JSON_STRING ? k
                                                             : k->child;
             n; n = n == k ? NULL : n->next)
            if (str_eq(name_of(n->text), name))
                return true;
    return false;
}

static struct str field(const struct json *m, const char *key)
{
    return json_str(json_get(m, key));
}

static struct json *modules_of(struct arena *a, const struct json *all, const struct json *variant)
{
    const struct json *base = json_get(all, "modules"), *more = json_get(all, "variant_modules"),
                      *remove = json_get(variant, "remove"), *add = json_get(variant, "add");
    struct json *out = json_new(a, JSON_ARRAY);
    for (const struct json *m = base ? base->child : NULL; m; m = m->next)
        if (!names(a, remove, field(m, "kind"), field(m, "name")))
            json_push(out, json_copy(a, m));
    for (const struct json *m = more ? more->child : NULL; m; m = m->next)
        if (names(a, add, field(m, "kind"), field(m, "name")))
            json_push(out, json_copy(a, m));
    return out;
}

/* The map of what it is composed of, as its modules are. */
static struct json *compose_of(struct arena *a, const struct json *compose, const struct json *modules)
{
    struct json *out = json_new(a, JSON_OBJECT);
    out->line = compose ? compose->line : 0;
    for (const struct json *m = modules->child; m; m = m->next) {
        const char *kind = str_c(a, field(m, "kind"));
        struct json *list = (struct json *)json_get(out, kind);
        if (!list)
            json_set(out, field(m, "kind"), list = json_new(a, JSON_ARRAY));
        json_push(list,
                  json_new_str(a, str_f(a, "%.*s@%.*s", STR_ARG(field(m, "name")), STR_ARG(field(m, "version")))));
    }
    return out;
}

/* "budgets.reply_chars": makes the maps on the way. */
static void set_path(struct arena *a, struct json *at, struct str path, const struct json *value)
{
    struct str part;
    while (str_split(&path, '.', &part)) {
        if (!path.p) {
            json_set(at, part, json_copy(a, value));
            return;
        }
        struct json *next = (struct json *)json_get(at, str_c(a, part));
        if (!json_is(next, JSON_OBJECT))
            json_set(at, part, next = json_new(a, JSON_OBJECT));
        at = next;
    }
}

struct json *variant_apply(struct arena *a, const struct json *all, const struct json *variant)
{
    struct json *out = json_new(a, JSON_OBJECT), *agent = without(a, json_get(all, "agent"), "variants"),
                *modules = modules_of(a, all, variant);
    const struct json *set = json_get(variant, "set");
    for (const struct json *m = set ? set->child : NULL; m; m = m->next)
        set_path(a, agent, m->key, m);
    json_set(agent, STR("compose"), compose_of(a, json_get(agent, "compose"), modules));
    if (variant)
        json_set(agent, STR("model_family"), json_new_str(a, field(json_get(variant, "when"), "model_family")));
    json_set(out, STR("agent"), agent);
    json_set(out, STR("modules"), modules);
    return out;
}

int variant_bundle(struct arena *a, struct str bundle, struct str model, struct str *out, struct err *e)
{
    struct json *all;
    *out = bundle;
    if (json_parse(a, bundle, &all, e) < 0)
        return ERR_INVALID;
    const struct json *variants = json_get(json_get(all, "agent"), "variants"), *best = NULL;
    size_t best_n = 0;
    for (const struct json *v = variants ? variants->child : NULL; v; v = v->next) {
        struct str family = field(json_get(v, "when"), "model_family");
        if (!variant_is_of(model, family) || family.n <= best_n)
            continue;
        best = v;
        best_n = family.n;
    }
    if (!best && (!model.n || str_is(model, "offline")))
        return 0;
    struct sha256 base = sha256_of(bundle);
    struct json *one = variant_apply(a, all, best), *agent = (struct json *)json_get(one, "agent");
    if (!best)
        json_set(agent, STR("model_family"), json_new_str(a, STR("any")));
    json_set(agent, STR("variant_of"), json_new_str(a, hash_hex(a, base.b, SHA256_BYTES)));
    *out = json_canonical(a, one);
    return 0;
}
