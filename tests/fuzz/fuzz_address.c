/* Whatever stands in net.allow or comes from a name server: reading ends, and no private IPv4 address is ever public. The first
 * line is a range, the second an address. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The ranges of RFC 1918, this machine and link-local, by another way than the module's table. */
static bool private_v4(const char *text)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    uint32_t a = ntohl(in.s_addr);
    return a >> 24 == 127 || a >> 24 == 10 || a >> 24 == 0 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
           a >> 16 == 0xa9fe;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct str address = {(const char *)data, n > 500 ? 500 : n}, first;
    struct address_range range;
    if (!str_split(&address, '\n', &first))
        first = STR_NONE;
    const char *text = str_c(a, address);
    must(!private_v4(text) || !address_allowed(text, NULL, 0));
    must(!address_allowed(str_f(a, "::ffff:%s", text).p, NULL, 0) || !private_v4(text));
    if (address_range_read(first, &range, NULL) == 0) {
        must(range.bits >= 0 && range.bits <= 128);
        bool alone = address_allowed(text, NULL, 0), with = address_allowed(text, &range, 1);
        must(with || !alone); /* a range only adds */
        if (!memchr(first.p, '/', first.n))
            must(address_allowed(str_c(a, first), &range, 1)); /* an address is in its own range */
    }
    arena_free(a);
    return 0;
}
