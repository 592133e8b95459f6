#include "eval/fields.h"

#include "base/nearest.h"

int fields_check(const struct json *map, const char *const *known, struct err *e)
{
    if (!json_is(map, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "line %u: a map is expected here", map ? map->line : 1);
    for (const struct json *v = map->child; v; v = v->next) {
        const char *const *k = known;
        while (*k && !str_is(v->key, *k))
            k++;
        if (*k)
            continue;
        const char *near = nearest_word(v->key, known);
        if (near)
            return err_set(e, ERR_INVALID, "line %u: unknown key \"%.*s\"; did you mean \"%s\"?", v->line,
                           STR_ARG(v->key), near);
        return err_set(e, ERR_INVALID, "line %u: unknown key \"%.*s\"", v->line, STR_ARG(v->key));
    }
    return 0;
}

int fields_text(const struct json *map, const char *key, struct str *out, struct err *e)
{
    const struct json *v = json_get(map, key);
    if (!v)
        return err_set(e, ERR_INVALID, "line %u: %s is missing", map->line, key);
    if (!json_is(v, JSON_STRING) || str_trim(v->text).n == 0)
        return err_set(e, ERR_INVALID, "line %u: %s is not a text", v->line, key);
    *out = v->text;
    return 0;
}

int fields_texts(struct arena *a, const struct json *map, const char *key, struct str **out, size_t *n, struct err *e)
{
    const struct json *list = json_get(map, key);
    bool many = json_is(list, JSON_ARRAY);
    *out = ARENA_ARRAY(a, struct str, many ? list->n : 1);
    *n = 0;
    for (const struct json *v = many ? list->child : list; v; v = many ? v->next : NULL) {
        if (!json_is(v, JSON_STRING) || v->text.n == 0)
            return err_set(e, ERR_INVALID, "line %u: %s holds texts only", v->line, key);
        (*out)[(*n)++] = v->text;
    }
    return 0;
}

int fields_int(const struct json *map, const char *key, int64_t least, int64_t otherwise, int64_t *out, struct err *e)
{
    const struct json *v = json_get(map, key);
    *out = v ? json_int(v, least - 1) : otherwise;
    if (v && *out < least)
        return err_set(e, ERR_INVALID, "line %u: %s is not a whole number from %lld", v->line, key, (long long)least);
    return 0;
}

int fields_bool(const struct json *map, const char *key, bool *out, struct err *e)
{
    const struct json *v = json_get(map, key);
    if (v && !json_is(v, JSON_TRUE) && !json_is(v, JSON_FALSE))
        return err_set(e, ERR_INVALID, "line %u: %s is neither true nor false", v->line, key);
    *out = json_bool(v, false);
    return 0;
}
