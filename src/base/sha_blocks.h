/* sha_blocks: the inner loop of SHA-256 by the processor's own instructions, where it has them.
 *
 * Every event is hashed into its chain and every prompt into its event: without them a tenth of what candor computes for
 * a turn. What the instructions do: Intel SDM volume 2, SHA256RNDS2; the algorithm: FIPS 180-4. Compared with libsodium's
 * in tests/unit/test_base.c. Private to hash.c. */
#ifndef BASE_SHA_BLOCKS_H
#define BASE_SHA_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA_BLOCK_BYTES = 64 };

bool sha_blocks_can(void); /* does this processor have them? */
/* Mixes n blocks into the eight words. Only where sha_blocks_can. */
void sha_blocks(uint32_t words[8], const unsigned char *p, size_t n);

#endif
