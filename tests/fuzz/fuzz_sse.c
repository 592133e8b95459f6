/* The same events come out of a stream wherever its bytes are cut, and all texts are UTF-8. The first byte
 * says how large the pieces are. */
#include "base/text.h"
#include "net/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct sum {
    int events_n;
    uint64_t hash;
};

static void mix(struct sum *sum, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        sum->hash = (sum->hash ^ (unsigned char)s.p[i]) * 1099511628211u;
    sum->hash = (sum->hash ^ 256) * 1099511628211u;
}

/* NUL is a character of a stream; text_invalid_at knows none. */
static bool is_text(struct str s)
{
    for (ptrdiff_t at; (at = text_invalid_at(s)) >= 0; s = str_from(s, (size_t)at + 1))
        if (s.p[at] != 0)
            return false;
    return true;
}

static bool on_event(void *arg, const struct sse_event *event)
{
    struct sum *sum = arg;
    sum->events_n++;
    mix(sum, event->type);
    mix(sum, event->data);
    mix(sum, event->id);
    if (!is_text(event->type) || !is_text(event->data) || !is_text(event->id) || event->type.n == 0)
        abort();
    return true;
}

static struct sum read_in_pieces(struct str bytes, size_t piece, int64_t *retry_ms)
{
    struct sum sum = {0};
    struct sse s;
    struct err e;
    sse_begin(&s);
    for (size_t i = 0; i < bytes.n; i += piece)
        if (sse_feed(&s, str_head(str_from(bytes, i), piece), on_event, &sum, &e) < 0)
            break;
    *retry_ms = s.retry_ms;
    sse_end(&s);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, n - 1};
    int64_t retry_whole, retry_cut;
    struct sum whole = read_in_pieces(bytes, bytes.n + 1, &retry_whole);
    struct sum cut = read_in_pieces(bytes, data[0] % 16 + 1u, &retry_cut);
    if (whole.events_n != cut.events_n || whole.hash != cut.hash || retry_whole != retry_cut)
        abort();
    return 0;
}
