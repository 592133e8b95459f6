#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define BYTES_HIGH 0x8080808080808080u

/* Length of the ASCII run at the start, eight bytes a step; NUL is not in it. */
static size_t ascii_run(struct str s)
{
    size_t i = 0;
    for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        if ((word | (word - 0x0101010101010101u)) & BYTES_HIGH) /* a high byte, or a NUL */
            break;
    }
    while (i < s.n && s.p[i] > 0)
        i++;
    return i;
}

/* Bytes of the well-formed sequence at p, 0 when there is none: table 3-7 of The Unicode Standard. */
static size_t sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return p[0] != 0;
    unsigned char low = 0x80, high = 0xbf;
    size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    switch (p[0]) {
    case 0xe0: low = 0xa0; break;  /* overlong */
    case 0xed: high = 0x9f; break; /* surrogates */
    case 0xf0: low = 0x90; break;  /* overlong */
    case 0xf4: high = 0x8f; break; /* past U+10FFFF */
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

ptrdiff_t text_invalid_at(struct str s)
{
    size_t i = 0;
    for (;;) {
        i += ascii_run(str_from(s, i));
        if (i == s.n)
            return -1;
        size_t length = sequence((const unsigned char *)s.p + i, s.n - i);
        if (length == 0)
            return (ptrdiff_t)i;
        i += length;
    }
}

struct str text_nfc(struct arena *a, struct str s)
{
    if (ascii_run(s) == s.n)
        return s;
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &mapped,
                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n < 0)
        return s; /* not UTF-8: the caller's mistake, but no reason to lose the text */
    struct str out = str_copy(a, (struct str){(const char *)mapped, (size_t)n});
    free(mapped);
    return out;
}
