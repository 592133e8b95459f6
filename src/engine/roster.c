#include "engine/roster.h"

#include "base/arena.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 1024 };

static struct seat **bucket(const struct roster *r, int64_t id)
{
    uint64_t state = (uint64_t)id;
    return &r->buckets[rng_next(&state) & (r->buckets_n - 1)];
}

static void grow(struct roster *r)
{
    struct seat **old = r->buckets;
    size_t n = r->buckets_n;
    r->buckets_n = n ? 2 * n : BUCKETS_FIRST;
    r->buckets = mem_get(r->buckets_n * sizeof *r->buckets);
    memset(r->buckets, 0, r->buckets_n * sizeof *r->buckets);
    for (size_t i = 0; i < n; i++)
        for (struct seat *s = old[i], *next; s; s = next) {
            next = s->bucket_next;
            struct seat **to = bucket(r, s->id);
            s->bucket_next = *to;
            *to = s;
        }
    free(old);
}

void roster_free(struct roster *r)
{
    free(r->buckets);
    *r = (struct roster){0};
}

struct seat *roster_find(const struct roster *r, int64_t id)
{
    struct seat *s = r->buckets_n ? *bucket(r, id) : NULL;
    while (s && s->id != id)
        s = s->bucket_next;
    return s;
}

void roster_add(struct roster *r, struct seat *s)
{
    if (r->n >= r->buckets_n)
        grow(r);
    struct seat **to = bucket(r, s->id);
    s->bucket_next = *to;
    *to = s;
    r->n++;
}

void roster_remove(struct roster *r, struct seat *s)
{
    roster_busy(r, s);
    struct seat **at = bucket(r, s->id);
    while (*at != s)
        at = &(*at)->bucket_next;
    *at = s->bucket_next;
    r->n--;
}

void roster_idle(struct roster *r, struct seat *s, size_t bytes)
{
    s->idle = true;
    s->bytes = bytes;
    s->older = r->newest;
    *(s->older ? &s->older->newer : &r->oldest) = s;
    r->newest = s;
    r->idle_n++;
    r->idle_bytes += bytes;
}

void roster_busy(struct roster *r, struct seat *s)
{
    if (!s->idle)
        return;
    *(s->older ? &s->older->newer : &r->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &r->newest) = s->older;
    s->older = s->newer = NULL;
    s->idle = false;
    r->idle_n--;
    r->idle_bytes -= s->bytes;
}

struct seat *roster_any(const struct roster *r)
{
    for (size_t i = 0; r->n && i < r->buckets_n; i++)
        if (r->buckets[i])
            return r->buckets[i];
    return NULL;
}
