/* framing: is this byte stream HTTP/1.1 requests that everybody would cut in the same places?
 *
 * A strict reader that runs over the bytes of a connection before libevent's lenient parser sees them.
 * It decides where one request ends and the next begins, and refuses what two programs could read
 * differently (request smuggling): two Content-Length or one that is not digits alone, Transfer-Encoding
 * other than exactly "chunked" or beside a Content-Length, a chunk size that is not hex digits alone,
 * no Host or two, folded headers, a space before the colon, a bare CR or LF, NUL and other controls.
 * Pure: no I/O, no allocation; the verdict does not depend on where the bytes were cut.
 *
 * Stricter than RFC 9112, on purpose: lines end in CR LF only, no empty line before a request, no chunk
 * extensions, no trailers, a body only with POST, PUT and PATCH, Content-Length once even when equal. */
#ifndef NET_FRAMING_H
#define NET_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMING_TARGET_BYTES_MAX = 8192, FRAMING_HEADERS_MAX = 100 };

/* Where in a message the reader stands. */
enum framing_phase { FRAMING_BETWEEN, FRAMING_HEAD, FRAMING_BODY };

struct framing {
    /* What the reader tells. */
    uint64_t messages; /* whole requests so far */
    int status;        /* 0, or the HTTP status that answers the first wrong byte; then nothing more is read */
    const char *why;   /* one sentence with it; static */
    /* Its limits. */
    size_t head_bytes_max;
    uint64_t body_bytes_max;
    /* Its own. */
    uint64_t left, body_bytes, length;
    uint32_t head_bytes, target_bytes;
    uint8_t state, special, name_n, value_n, headers_n;
    bool value_ended, has_length, is_chunked, has_connection, is_http_1_0, may_have_body;
    uint8_t hosts_n;
    char name[20], value[24];
};

void framing_begin(struct framing *f, size_t head_bytes_max, uint64_t body_bytes_max);
/* Reads the next bytes. False: f->status says why not. */
bool framing_feed(struct framing *f, const char *bytes, size_t n);
enum framing_phase framing_phase(const struct framing *f);
/* Bytes that are still to come of a body whose length was told; 0 outside of one. */
uint64_t framing_body_left(const struct framing *f);

#endif
