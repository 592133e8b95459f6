#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V4_PREFIX_BITS = 96, ALL_BITS = 128 };

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Numeric text as 16 bytes; a zone ("%eth0") is dropped. */
static bool parse(struct str text, unsigned char out[16], bool *v4)
{
    char copy[INET6_ADDRSTRLEN];
    ptrdiff_t zone = str_find(text, STR("%"));
    if (zone >= 0)
        text = str_head(text, (size_t)zone);
    if (text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    memcpy(out, v4_prefix, sizeof v4_prefix);
    *v4 = inet_pton(AF_INET, copy, out + 12) == 1;
    return *v4 || inet_pton(AF_INET6, copy, out) == 1;
}

int address_range_read(struct str text, struct address_range *out, struct err *e)
{
    struct str rest = text, address;
    bool v4;
    int64_t bits;
    if (!str_split(&rest, '/', &address) || !parse(address, out->bytes, &v4))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no range of addresses, such as 10.1.0.0/16", STR_ARG(text));
    int most = v4 ? 32 : ALL_BITS;
    if (!rest.p)
        bits = most;
    else if (str_int(rest, &bits) < 0 || bits < 0 || bits > most)
        return err_set(e, ERR_INVALID, "\"%.*s\" has a wrong length behind the /", STR_ARG(text));
    out->bits = (int)bits + (v4 ? V4_PREFIX_BITS : 0);
    return 0;
}

static bool within(const unsigned char a[16], const unsigned char range[16], int bits)
{
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(a, range, (size_t)whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ range[whole]) >> (8 - rest) == 0;
}

/* Of the IANA special-purpose registries (RFC 6890). */
static const struct {
    unsigned char first[4];
    int bits;
} special_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};
static const struct {
    unsigned char first[16];
    int bits;
} special_v6[] = {
    {{0}, 96}, /* this host, unspecified, and the old embedding of IPv4 */
    {{0x64, 0xff, 0x9b, 0, 1}, 48},
    {{0x01}, 64},
    {{0x20, 0x01}, 23}, /* Teredo, ORCHID and others */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
    {{0x3f, 0xff}, 20},
    {{0x5f}, 16},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{0xfe, 0xc0}, 10},
    {{0xff}, 8},
};

static bool public_v4(const unsigned char *v4)
{
    unsigned char whole[16] = {0};
    memcpy(whole, v4, 4);
    for (size_t i = 0; i < sizeof special_v4 / sizeof *special_v4; i++) {
        unsigned char range[16] = {0};
        memcpy(range, special_v4[i].first, 4);
        if (within(whole, range, special_v4[i].bits))
            return false;
    }
    return true;
}

static bool is_public(const unsigned char a[16])
{
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const unsigned char sixtofour[2] = {0x20, 0x02};
    if (memcmp(a, v4_prefix, sizeof v4_prefix) == 0 || memcmp(a, nat64, sizeof nat64) == 0)
        return public_v4(a + 12);
    if (memcmp(a, sixtofour, sizeof sixtofour) == 0)
        return public_v4(a + 2);
    for (size_t i = 0; i < sizeof special_v6 / sizeof *special_v6; i++)
        if (within(a, special_v6[i].first, special_v6[i].bits))
            return false;
    return true;
}

bool address_allowed(const char *text, const struct address_range *ranges, size_t n)
{
    unsigned char a[16];
    bool v4;
    if (!text || !parse(str_of(text), a, &v4))
        return false;
    for (size_t i = 0; i < n; i++)
        if (within(a, ranges[i].bytes, ranges[i].bits))
            return true;
    return is_public(a);
}
