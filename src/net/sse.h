/* sse: reads an event stream as the WHATWG HTML standard says (section 9.2.6), piece by piece.
 *
 * LF, CR and CR LF end lines, a byte order mark at the start is skipped, comments are dropped, an event
 * without data is none. Bytes that are not UTF-8 become U+FFFD. The same events come out wherever the bytes are cut. */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "base/str.h"

enum { SSE_EVENT_BYTES_MAX = 1 << 20 };

struct sse {
    struct buf line, data, type, id; /* heap bufs */
    bool started, after_cr;
    int64_t retry_ms; /* -1 until a retry field came */
};

struct sse_event {
    struct str type; /* "message" when none was given */
    struct str data;
    struct str id; /* the last id seen, also by earlier events */
};

void sse_begin(struct sse *s);
void sse_end(struct sse *s); /* gives memory back; an unfinished event is dropped, as the standard says */
/* Errors: ERR_LIMIT when one line or event is larger than SSE_EVENT_BYTES_MAX. on_event may stop the
 * reading by returning false: sse_feed then returns 0 without reading on. */
MUST_USE int sse_feed(struct sse *s, struct str bytes, bool (*on_event)(void *arg, const struct sse_event *event),
                      void *arg, struct err *e);

#endif
