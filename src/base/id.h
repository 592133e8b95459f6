/* id: the ids of conversations as people and addresses see them: "c" and 13 digits of Crockford's base32
 * ("c00c7n8dse80r0"), in lower case. They sort like the numbers behind them. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/str.h"

enum { ID_PUBLIC_BYTES = 14 };

/* The 8 big-endian bytes of `id` in base32. */
struct str id_public(struct arena *a, int64_t id);

/* Errors: ERR_INVALID unless `text` is what id_public makes of a positive number. */
MUST_USE int id_parse(struct str text, int64_t *id);

#endif
