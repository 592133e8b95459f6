#include "skim.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A quote stands for itself when an odd number of backslashes is before it. */
static bool quote_escaped(const char *begin, const char *quote)
{
    const char *p = quote;
    while (p > begin && p[-1] == '\\')
        p--;
    return (quote - p) % 2 == 1;
}

/* p is at an opening quote; gives the place behind the closing one. */
static const char *string_end(const char *p, const char *end)
{
    const char *begin = ++p;
    while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
        if (!quote_escaped(begin, p))
            return p + 1;
        p++;
    }
    return NULL;
}

/* p is behind a closing quote; gives the opening one. */
static const char *string_begin(const char *begin, const char *p)
{
    p--;
    while (p > begin && (p = memrchr(begin, '"', (size_t)(p - begin))))
        if (!quote_escaped(begin, p))
            return p;
    return NULL;
}

static const char *value_end(const char *p, const char *end)
{
    int depth = 0;
    for (; p && p < end; p++) {
        if (*p == '"') {
            p = string_end(p, end);
            if (!p || depth == 0)
                return p;
            p--;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;
            if (--depth == 0)
                return p + 1;
        } else if (depth == 0 && (*p == ',' || is_space(*p))) {
            return p;
        }
    }
    return depth == 0 ? p : NULL;
}

static const char *value_begin(const char *begin, const char *p)
{
    int depth = 0;
    while (p && p > begin) {
        char c = p[-1];
        if (c == '"') {
            p = string_begin(begin, p);
            if (!p || depth == 0)
                return p;
            continue;
        }
        if (c == '}' || c == ']')
            depth++;
        else if ((c == '{' || c == '[') && --depth == 0)
            return p - 1;
        else if (depth <= 0 && (c == ',' || c == ':' || c == '{' || c == '[' || is_space(c)))
            return p;
        p--;
    }
    return depth == 0 ? p : NULL;
}

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

bool skim_key(struct str *inside, struct str *key)
{
    const char *p = inside->p, *end = p + inside->n;
    while (p < end && (is_space(*p) || *p == ','))
        p++;
    const char *key_end = p < end && *p == '"' ? string_end(p, end) : NULL;
    if (!key_end)
        return false;
    *key = between(p + 1, key_end - 1);
    p = key_end;
    while (p < end && is_space(*p))
        p++;
    if (p == end || *p++ != ':')
        return false;
    while (p < end && is_space(*p))
        p++;
    *inside = between(p, end);
    return true;
}

bool skim_value(struct str *inside, struct str *value)
{
    const char *end = inside->p + inside->n, *stop = value_end(inside->p, end);
    if (!stop || stop == inside->p)
        return false;
    *value = between(inside->p, stop);
    *inside = between(stop, end);
    return true;
}

bool skim_member(struct str *inside, struct str *key, struct str *value)
{
    return skim_key(inside, key) && skim_value(inside, value);
}

static const char *back_over(const char *begin, const char *p, char separator)
{
    while (p > begin && (is_space(p[-1]) || p[-1] == separator))
        p--;
    return p;
}

bool skim_last(struct str *inside, struct str *value)
{
    const char *begin = inside->p, *end = back_over(begin, begin + inside->n, ',');
    const char *p = value_begin(begin, end);
    if (!p || p == end)
        return false;
    *value = between(p, end);
    *inside = between(begin, p);
    return true;
}

bool skim_last_member(struct str *inside, struct str *key, struct str *value)
{
    struct str rest = *inside;
    if (!skim_last(&rest, value))
        return false;
    const char *colon = back_over(rest.p, rest.p + rest.n, ' ');
    if (colon == rest.p || colon[-1] != ':')
        return false;
    rest = between(rest.p, colon - 1);
    if (!skim_last(&rest, key) || key->n < 2)
        return false;
    *key = between(key->p + 1, key->p + key->n - 1);
    *inside = rest;
    return true;
}
