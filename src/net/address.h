/* address: which network addresses a request may go to.
 *
 * A URL that a model's words or a backend's answer had a part in must not lead into the house: to this machine, to a private
 * network, to the cloud's metadata service. Whether it does is asked of the address that is really connected to, since a
 * name may mean another address each time it is looked up (DNS rebinding). */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/str.h"

#include <stdbool.h>

/* A range such as 10.1.0.0/16 or fd00::/8; IPv4 is held as ::ffff:a.b.c.d. */
struct address_range {
    unsigned char bytes[16];
    int bits;
};

/* "10.1.0.0/16", "192.168.1.7", "fd00::/8". Errors: ERR_INVALID. */
MUST_USE int address_range_read(struct str text, struct address_range *out, struct err *e);

/* Is the address in the public Internet or in one of the ranges? `text` is numeric: "203.0.113.7", "fe80::1%eth0". What cannot
 * be read is not. Not public are the ranges that RFC 6890 and its registries call special: this host, private, link-local,
 * shared, documentation, benchmarking, multicast, reserved; and what embeds such an IPv4 address. */
bool address_allowed(const char *text, const struct address_range *ranges, size_t n);

#endif
