#include "base/rng.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static _Thread_local uint64_t seeded_state;
static _Thread_local bool seeded;

void rng_seed(uint64_t seed)
{
    seeded = seed != 0;
    seeded_state = seed;
}

/* S. Vigna, splitmix64 (public domain reference). */
uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void rng_bytes(void *out, size_t n)
{
    if (!seeded) {
        randombytes_buf(out, n);
        return;
    }
    for (unsigned char *p = out; n;) {
        uint64_t word = rng_next(&seeded_state);
        size_t take = n < sizeof word ? n : sizeof word;
        memcpy(p, &word, take);
        p += take;
        n -= take;
    }
}

uint64_t rng_u64(void)
{
    uint64_t word;
    rng_bytes(&word, sizeof word);
    return word;
}

double rng_unit(void)
{
    return (double)(rng_u64() >> 11) * 0x1p-53;
}

int64_t rng_id(int64_t now_us)
{
    static _Atomic int64_t last;
    int64_t before = atomic_load(&last), id;
    do {
        id = (int64_t)((uint64_t)(now_us / 1000) << 22 | (rng_u64() & 0x3fffff));
        if (id >> 22 == before >> 22 && id <= before) /* ids of one millisecond only grow: none comes twice */
            id = before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, id));
    return id;
}
