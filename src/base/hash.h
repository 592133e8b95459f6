/* hash: SHA-256, HMAC-SHA-256 and the texts made of them. libsodium underneath. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#include <sodium.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

struct sha256 {
    unsigned char b[SHA256_BYTES];
};

/* Incremental; a state may be copied by value to branch off a common prefix. */
typedef crypto_hash_sha256_state sha256_state;
void sha256_begin(sha256_state *s);
void sha256_add(sha256_state *s, struct str bytes);
struct sha256 sha256_end(sha256_state *s);

struct sha256 sha256_of(struct str bytes);
struct sha256 hmac_of(struct str key, struct str bytes);
bool sha256_eq(const struct sha256 *a, const struct sha256 *b); /* constant time */

struct str hash_hex(struct arena *a, const unsigned char *bytes, size_t n);
/* Crockford's base32 in lower case, without padding. */
struct str hash_base32(struct arena *a, const unsigned char *bytes, size_t n);
/* Errors: ERR_INVALID unless `hex` is 2n digits. */
MUST_USE int hash_unhex(struct str hex, unsigned char *bytes, size_t n);

#endif
