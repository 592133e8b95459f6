/* str: borrowed text with a length, and buf: text being built, with a bound.
 *
 * A str need not end in NUL and may hold any bytes; whether they are UTF-8 is decided at the
 * boundary (base/text.h). A buf grows up to its bound; past it the text is cut and `cut` says so. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((struct str){0})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_of(const char *text);                /* borrows; NULL gives an empty str */
struct str str_copy(struct arena *a, struct str s); /* copied, with a NUL behind it */
const char *str_c(struct arena *a, struct str s);   /* the same as a C string */
struct str str_f(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);
int str_cmp(struct str a, struct str b); /* bytewise, like memcmp; shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first `what` in s, or -1. */
ptrdiff_t str_find(struct str s, struct str what);
bool str_has(struct str s, struct str what);
struct str str_from(struct str s, size_t offset); /* the rest; empty past the end */
struct str str_head(struct str s, size_t n);      /* the first n bytes or fewer */
/* The first n bytes or fewer, without the beginning of a UTF-8 character that is cut in two. */
struct str str_whole(struct str s, size_t n);
struct str str_trim(struct str s); /* without ASCII space at both ends */
/* Cuts the part before the first `sep` off `rest` into `part`; false when rest.p is NULL
 * (all parts were given). "a,,b" has three parts, "" has one. */
bool str_split(struct str *rest, char sep, struct str *part);
/* The whole of s as a decimal number. Errors: ERR_INVALID (not a number, out of range). */
MUST_USE int str_int(struct str s, int64_t *out);
/* Writes v in decimal, up to 20 bytes and no NUL; gives the address behind it. */
enum { STR_INT_BYTES = 20 };
char *str_put_int(char *to, int64_t v);

struct buf {
    struct arena *arena; /* NULL: the heap, and buf_free gives it back */
    char *p;
    size_t n, size, max;
    bool cut; /* something did not fit within max */
};

struct buf buf_new(struct arena *a, size_t bytes_max);
void buf_free(struct buf *b); /* heap bufs only; the buf can be used again */
void buf_add(struct buf *b, struct str s);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_clear(struct buf *b);
void buf_fit(struct buf *b); /* heap bufs only: gives back what it reserved to grow */
/* What was built so far; valid until the buf grows. NUL-terminated behind its end. */
struct str buf_str(const struct buf *b);

#endif
