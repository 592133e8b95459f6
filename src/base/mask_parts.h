/* mask_parts: the two halves of base/mask.h and the bytes that both look at. Private to the mask files. */
#ifndef BASE_MASK_PARTS_H
#define BASE_MASK_PARTS_H

#include "base/mask.h"

/* The text without card numbers and CPFs (mask.c), without passwords and PINs (mask_words.c); the same text when there are
 * none. Each ors the kinds into *found. */
struct str mask_numbers(struct arena *a, struct str s, unsigned *found);
struct str mask_secrets(struct arena *a, struct str s, unsigned *found);

/* The byte at i, 0 past the end. */
static inline unsigned char mask_byte(struct str s, size_t i)
{
    return i < s.n ? (unsigned char)s.p[i] : 0;
}

/* Is it an ASCII digit? */
static inline bool mask_digit(struct str s, size_t i)
{
    return mask_byte(s, i) >= '0' && mask_byte(s, i) <= '9';
}

/* Is it an ASCII capital? */
static inline bool mask_capital(struct str s, size_t i)
{
    return mask_byte(s, i) >= 'A' && mask_byte(s, i) <= 'Z';
}

/* The bytes of the space at i: also those that do not break and those of other widths. 0: there is none. */
static inline size_t mask_space(struct str s, size_t i)
{
    if (mask_byte(s, i) == ' ' || mask_byte(s, i) == '\t')
        return 1;
    if (mask_byte(s, i) == 0xc2)
        return mask_byte(s, i + 1) == 0xa0 ? 2 : 0;
    bool wide = mask_byte(s, i) == 0xe2 && mask_byte(s, i + 1) == 0x80 &&
                (mask_byte(s, i + 2) <= 0x8a || mask_byte(s, i + 2) == 0xaf);
    return wide && mask_byte(s, i + 2) ? 3 : 0;
}

/* Hyphens, dashes, the minus sign. */
static inline size_t mask_dash(struct str s, size_t i)
{
    if (mask_byte(s, i) == '-')
        return 1;
    if (mask_byte(s, i) != 0xe2)
        return 0;
    bool dash = mask_byte(s, i + 1) == 0x80 && mask_byte(s, i + 2) >= 0x90 && mask_byte(s, i + 2) <= 0x95;
    return dash || (mask_byte(s, i + 1) == 0x88 && mask_byte(s, i + 2) == 0x92) ? 3 : 0;
}

/* What comes behind the spaces at i. */
static inline size_t mask_skip_spaces(struct str s, size_t i)
{
    for (size_t n; (n = mask_space(s, i));)
        i += n;
    return i;
}

#endif
