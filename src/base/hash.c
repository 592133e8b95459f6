#include "base/hash.h"

#include "base/sha_blocks.h"

#include <endian.h>
#include <string.h>

void sha256_begin(sha256_state *s)
{
    crypto_hash_sha256_init(s);
}

/* libsodium's state, filled by the processor's instructions: `count` is in bits, `buf` holds what is no whole block. */
static void add_fast(sha256_state *s, const unsigned char *p, size_t n)
{
    size_t held = s->count / 8 % SHA_BLOCK_BYTES, room = SHA_BLOCK_BYTES - held;
    s->count += (uint64_t)n * 8;
    if (held && n >= room) {
        memcpy(s->buf + held, p, room);
        sha_blocks(s->state, s->buf, 1);
        p += room;
        n -= room;
        held = 0;
    }
    if (!held) {
        sha_blocks(s->state, p, n / SHA_BLOCK_BYTES);
        p += n - n % SHA_BLOCK_BYTES;
        n %= SHA_BLOCK_BYTES;
    }
    if (n)
        memcpy(s->buf + held, p, n);
}

/* The padding of FIPS 180-4, 5.1.1: a one, zeros, and the length in bits. */
static struct sha256 end_fast(sha256_state *s)
{
    unsigned char tail[2 * SHA_BLOCK_BYTES] = {0};
    size_t held = s->count / 8 % SHA_BLOCK_BYTES,
           n = held + 9 <= SHA_BLOCK_BYTES ? SHA_BLOCK_BYTES : 2 * SHA_BLOCK_BYTES;
    memcpy(tail, s->buf, held);
    tail[held] = 0x80;
    uint64_t bits = htobe64(s->count);
    memcpy(tail + n - sizeof bits, &bits, sizeof bits);
    sha_blocks(s->state, tail, n / SHA_BLOCK_BYTES);
    struct sha256 out;
    for (size_t i = 0; i < 8; i++) {
        uint32_t word = htobe32(s->state[i]);
        memcpy(out.b + 4 * i, &word, sizeof word);
    }
    return out;
}

static bool is_fast(void)
{
    static int known; /* 0: not asked yet; what two threads find out at once is the same */
    int now = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!now) {
        now = sha_blocks_can() ? 1 : -1;
        __atomic_store_n(&known, now, __ATOMIC_RELAXED);
    }
    return now > 0;
}

void sha256_add(sha256_state *s, struct str bytes)
{
    if (is_fast())
        add_fast(s, (const unsigned char *)bytes.p, bytes.n);
    else
        crypto_hash_sha256_update(s, (const unsigned char *)bytes.p, bytes.n);
}

struct sha256 sha256_end(sha256_state *s)
{
    if (is_fast())
        return end_fast(s);
    struct sha256 out;
    crypto_hash_sha256_final(s, out.b);
    return out;
}

struct sha256 sha256_of(struct str bytes)
{
    sha256_state s;
    sha256_begin(&s);
    sha256_add(&s, bytes);
    return sha256_end(&s);
}

struct sha256 hmac_of(struct str key, struct str bytes)
{
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, (const unsigned char *)key.p, key.n);
    crypto_auth_hmacsha256_update(&s, (const unsigned char *)bytes.p, bytes.n);
    struct sha256 out;
    crypto_auth_hmacsha256_final(&s, out.b);
    return out;
}

bool sha256_eq(const struct sha256 *a, const struct sha256 *b)
{
    return sodium_memcmp(a->b, b->b, SHA256_BYTES) == 0;
}

struct str hash_hex(struct arena *a, const unsigned char *bytes, size_t n)
{
    char *p = arena_alloc(a, 2 * n + 1);
    sodium_bin2hex(p, 2 * n + 1, bytes, n);
    return (struct str){p, 2 * n};
}

struct str hash_base32(struct arena *a, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    size_t length = (n * 8 + 4) / 5;
    char *p = arena_alloc(a, length + 1);
    unsigned held = 0, bits = 0;
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        held = (held << 8 | bytes[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            p[out++] = digits[held >> (bits - 5) & 31];
    }
    if (bits)
        p[out++] = digits[held << (5 - bits) & 31];
    return (struct str){p, out};
}

int hash_unhex(struct str hex, unsigned char *bytes, size_t n)
{
    size_t got = 0;
    if (hex.n != 2 * n || sodium_hex2bin(bytes, n, hex.p, hex.n, NULL, &got, NULL) != 0 || got != n)
        return ERR_INVALID;
    return 0;
}
