#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str str_of(const char *text)
{
    return text ? (struct str){text, strlen(text)} : STR_NONE;
}

struct str str_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

const char *str_c(struct arena *a, struct str s)
{
    return str_copy(a, s).p;
}

struct str str_f(struct arena *a, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_of(b));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

ptrdiff_t str_find(struct str s, struct str what)
{
    if (what.n == 0)
        return 0;
    if (s.n < what.n)
        return -1;
    const char *hit = memmem(s.p, s.n, what.p, what.n);
    return hit ? hit - s.p : -1;
}

bool str_has(struct str s, struct str what)
{
    return str_find(s, what) >= 0;
}

struct str str_from(struct str s, size_t offset)
{
    if (offset >= s.n)
        return (struct str){s.p ? s.p + s.n : NULL, 0};
    return (struct str){s.p + offset, s.n - offset};
}

struct str str_head(struct str s, size_t n)
{
    return (struct str){s.p, n < s.n ? n : s.n};
}

struct str str_whole(struct str s, size_t n)
{
    if (n >= s.n)
        return s;
    while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80) /* the byte behind the cut goes on with a character */
        n--;
    return str_head(s, n);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_split(struct str *rest, char sep, struct str *part)
{
    if (!rest->p)
        return false;
    const char *hit = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
    if (!hit) {
        *part = *rest;
        *rest = STR_NONE;
        return true;
    }
    *part = (struct str){rest->p, (size_t)(hit - rest->p)};
    *rest = str_from(*rest, part->n + 1);
    return true;
}

int str_int(struct str s, int64_t *out)
{
    bool minus = s.n && s.p[0] == '-';
    size_t i = minus;
    if (i == s.n)
        return ERR_INVALID;
    uint64_t v = 0, limit = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return ERR_INVALID;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (limit - digit) / 10)
            return ERR_INVALID;
        v = v * 10 + digit;
    }
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

char *str_put_int(char *to, int64_t v)
{
    char digits[STR_INT_BYTES], *p = digits + sizeof digits;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *to++ = '-';
    size_t n = (size_t)(digits + sizeof digits - p);
    memcpy(to, p, n);
    return to + n;
}

struct buf buf_new(struct arena *a, size_t bytes_max)
{
    return (struct buf){.arena = a, .max = bytes_max};
}

void buf_free(struct buf *b)
{
    if (!b->arena)
        free(b->p);
    *b = buf_new(b->arena, b->max);
}

/* Makes room for n more bytes and a NUL; says how many of the n fit within the bound. */
static size_t buf_room(struct buf *b, size_t n)
{
    if (n > b->max - b->n) {
        b->cut = true;
        n = b->max - b->n;
    }
    if (b->n + n + 1 <= b->size)
        return n;
    size_t size = b->size ? b->size : 64;
    while (size < b->n + n + 1)
        size *= 2;
    if (b->arena) {
        char *p = arena_alloc(b->arena, size);
        if (b->n)
            memcpy(p, b->p, b->n);
        b->p = p;
    } else {
        b->p = mem_resize(b->p, size);
    }
    b->size = size;
    return n;
}

void buf_add(struct buf *b, struct str s)
{
    size_t n = buf_room(b, s.n);
    if (n < s.n)
        n = str_whole(s, n).n;
    if (n)
        memcpy(b->p + b->n, s.p, n);
    b->n += n;
    b->p[b->n] = 0;
}

void buf_adds(struct buf *b, const char *text)
{
    buf_add(b, str_of(text));
}

void buf_addc(struct buf *b, char c)
{
    if (b->n < b->max && b->n + 1 < b->size) { /* the writer of JSON lives on this line */
        b->p[b->n++] = c;
        b->p[b->n] = 0;
        return;
    }
    buf_add(b, (struct str){&c, 1});
}

void buf_addf(struct buf *b, const char *format, ...)
{
    char small[256];
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    if ((size_t)n < sizeof small) {
        buf_add(b, (struct str){small, (size_t)n});
    } else {
        char *big = mem_get((size_t)n + 1);
        vsnprintf(big, (size_t)n + 1, format, again);
        buf_add(b, (struct str){big, (size_t)n});
        free(big);
    }
    va_end(again);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->cut = false;
    if (b->p)
        b->p[0] = 0;
}

void buf_fit(struct buf *b)
{
    if (!b->p || b->arena || b->size == b->n + 1)
        return;
    b->size = b->n + 1;
    b->p = mem_resize(b->p, b->size);
}

struct str buf_str(const struct buf *b)
{
    return b->p ? (struct str){b->p, b->n} : STR("");
}
