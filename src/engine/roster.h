/* roster: the conversations that are in memory, found by id, and of them the idle ones in the order in which they came to
 * rest. Intrusive: whoever is on it has a struct seat as its first member and owns the memory. */
#ifndef ENGINE_ROSTER_H
#define ENGINE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seat {
    struct seat *bucket_next, *older, *newer;
    int64_t id;
    size_t bytes; /* while idle: what it counts for */
    bool idle;
};

struct roster { /* starts zeroed */
    struct seat **buckets;
    size_t buckets_n, n;
    struct seat *oldest, *newest; /* of the idle ones */
    size_t idle_n, idle_bytes;
};

void roster_free(struct roster *r);                           /* the table only */
struct seat *roster_find(const struct roster *r, int64_t id); /* NULL when absent */
void roster_add(struct roster *r, struct seat *s);            /* its id is not on the roster */
void roster_remove(struct roster *r, struct seat *s);
/* Puts a seat at the end of the idle list, counting for `bytes`; takes it off (nothing happens when it is not on it). */
void roster_idle(struct roster *r, struct seat *s, size_t bytes);
void roster_busy(struct roster *r, struct seat *s);
/* Any seat, NULL when the roster is empty: for taking everything down. */
struct seat *roster_any(const struct roster *r);

#endif
