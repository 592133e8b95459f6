#include "engine/keys.h"

#include "base/str.h"

static const struct {
    const char *of, *known; /* of: a key of the file, or "" for the file itself */
} levels[] = {
    {"",
     "tool version summary title effect class when when_not input http steps project errors already_done idempotency "
     "reconcile confirm limits timeout_ms fresh_s examples"},
    {"http", "method url body"},
    {"reconcile", "method url body"},
    {"steps", "id http"},
    {"idempotency", "mode"},
    {"confirm", "by text expires_s"},
    {"limits", "per_conversation"},
    {"examples", "args result note"},
};

static bool has_word(struct str words, struct str word)
{
    struct str one;
    while (str_split(&words, ' ', &one))
        if (str_eq(one, word))
            return true;
    return false;
}

static int check(const struct json *object, size_t level, const char *path, struct err *e)
{
    struct str known = str_of(levels[level].known);
    for (const struct json *m = json_is(object, JSON_OBJECT) ? object->child : NULL; m; m = m->next)
        if (!has_word(known, m->key))
            return err_set(e, ERR_INVALID, "%s:%u: %s has no `%.*s`; it has: %s", path, m->line,
                           level ? levels[level].of : "a tool", STR_ARG(m->key), known.p);
    return 0;
}

/* What runs after a customer's yes was shown to the customer, all of it. */
static int check_shown(const struct json *spec, const char *path, struct err *e)
{
    const struct json *properties = json_get(json_get(spec, "input"), "properties");
    if (!str_is(json_str_or(json_get(json_get(spec, "confirm"), "by"), STR("customer")), "customer"))
        return 0;
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next)
        if (!json_bool(json_get(p, "x-show"), false) && !str_is(json_str(json_get(p, "x-source")), "session"))
            return err_set(e, ERR_INVALID, "%s:%u: the customer confirms without seeing `%.*s`; give it x-show: true",
                           path, p->line, STR_ARG(p->key));
    return 0;
}

int keys_check_tool(const struct json *spec, const char *path, struct err *e)
{
    int r = check(spec, 0, path, e);
    for (size_t i = 1; r == 0 && i < sizeof levels / sizeof *levels; i++) {
        const struct json *v = json_get(spec, levels[i].of);
        r = check(v, i, path, e);
        for (const struct json *item = json_is(v, JSON_ARRAY) ? v->child : NULL; r == 0 && item; item = item->next)
            r = check(item, i, path, e);
    }
    if (r < 0 || !str_is(json_str(json_get(spec, "effect")), "action"))
        return r;
    if (!json_get(spec, "idempotency"))
        return err_set(e, ERR_INVALID, "%s:%u: an action says how a repeat is recognised: idempotency: {mode: key}",
                       path, spec->line);
    return check_shown(spec, path, e);
}
