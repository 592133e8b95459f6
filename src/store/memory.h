/* memory: what is remembered of a customer beyond one conversation.
 *
 * Derived from memory.written events, one value a key, the newest wins; at most MEMORY_KEYS_MAX keys a customer, the oldest go.
 * Erasing leaves a mark of its own that no refolding of the journals gets around. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

enum { MEMORY_KEYS_MAX = 32, MEMORY_VALUE_BYTES_MAX = 200 };

struct memory_row {
    struct str key, value;
    int64_t conversation, at_us, expires_us;
};

/* What has not expired, by key. The rows live in `a`. */
MUST_USE int memory_read(struct store *s, struct arena *a, struct str customer, int64_t now_us,
                         struct memory_row **rows, size_t *n, struct err *e);
/* Everything of the customer, also what is still in journals. *n: how many values there were. */
MUST_USE int memory_erase(struct store *s, struct str customer, int64_t now_us, size_t *n, struct err *e);

#endif
