#include "base/hash.h"

void sha256_begin(sha256_state *s)
{
    crypto_hash_sha256_init(s);
}

void sha256_add(sha256_state *s, struct str bytes)
{
    crypto_hash_sha256_update(s, (const unsigned char *)bytes.p, bytes.n);
}

struct sha256 sha256_end(sha256_state *s)
{
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
