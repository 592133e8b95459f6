#include "eval/fields.h"

enum { NEAR_LETTERS = 2, WORD_MAX = 40 };

/* Letters to change, add or drop to make b of a (Levenshtein 1966); WORD_MAX for long words. */
static size_t distance(struct str a, struct str b)
{
    size_t row[WORD_MAX + 1];
    if (a.n > WORD_MAX || b.n > WORD_MAX)
        return WORD_MAX;
    for (size_t k = 0; k <= b.n; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.n; k++) {
            size_t change = diagonal + (a.p[i - 1] != b.p[k - 1]), least = row[k] < row[k - 1] ? row[k] : row[k - 1];
            diagonal = row[k];
            row[k] = change < least + 1 ? change : least + 1;
        }
    }
    return row[b.n];
}

const char *fields_nearest(struct str word, const char *const *known)
{
    const char *best = NULL;
    size_t least = NEAR_LETTERS + 1;
    for (; *known; known++) {
        size_t d = distance(word, str_of(*known));
        if (d < least && d < word.n) { /* a word of which nothing is left is no misspelling */
            least = d;
            best = *known;
        }
    }
    return best;
}

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
        const char *near = fields_nearest(v->key, known);
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
