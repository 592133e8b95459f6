/* rng: randomness. From the kernel, or from a seed where a test or a run must repeat. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The process's randomness: ids, keys, retry jitter. Seeded by tests; 0 gives the kernel back. */
void rng_seed(uint64_t seed);
void rng_bytes(void *out, size_t n);
uint64_t rng_u64(void);
double rng_unit(void); /* 0 <= x < 1 */

/* An own, repeatable stream (splitmix64): the same seed gives the same numbers everywhere. */
uint64_t rng_next(uint64_t *state);

/* A new id: positive, ordered by the millisecond it was made in, 22 bits below that begin at random and only grow within
 * the millisecond, so that a process never makes the same one twice. */
int64_t rng_id(int64_t now_us);

#endif
