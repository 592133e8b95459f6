#include "base/id.h"

#include "base/hash.h"

#include <string.h>

struct str id_public(struct arena *a, int64_t id)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)id >> (56 - 8 * i));
    return str_f(a, "c%.*s", STR_ARG(hash_base32(a, bytes, sizeof bytes)));
}

int id_parse(struct str text, int64_t *id)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's: no i, l, o, u */
    if (text.n != ID_PUBLIC_BYTES || text.p[0] != 'c')
        return ERR_INVALID;
    uint64_t v = 0;
    for (size_t i = 1; i < text.n; i++) {
        const char *digit = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (!digit)
            return ERR_INVALID;
        uint64_t five = (uint64_t)(digit - digits);
        if (i + 1 < text.n) {
            v = v << 5 | five;
        } else if (five & 1) { /* 13 digits hold 65 bits: the last one is padding */
            return ERR_INVALID;
        } else {
            v = v << 4 | five >> 1;
        }
    }
    if (v == 0 || v > INT64_MAX)
        return ERR_INVALID;
    *id = (int64_t)v;
    return 0;
}
