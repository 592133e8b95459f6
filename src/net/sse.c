#include "net/sse.h"

#include "base/text.h"

#include <string.h>

void sse_begin(struct sse *s)
{
    *s = (struct sse){.line = buf_new(NULL, SSE_EVENT_BYTES_MAX),
                      .data = buf_new(NULL, SSE_EVENT_BYTES_MAX),
                      .type = buf_new(NULL, SSE_EVENT_BYTES_MAX),
                      .id = buf_new(NULL, SSE_EVENT_BYTES_MAX),
                      .retry_ms = -1};
}

void sse_end(struct sse *s)
{
    buf_free(&s->line);
    buf_free(&s->data);
    buf_free(&s->type);
    buf_free(&s->id);
}

/* An empty line ends the event. Without data there is none. */
static bool dispatch(struct sse *s, bool (*on_event)(void *arg, const struct sse_event *event), void *arg)
{
    bool go_on = true;
    if (s->data.n) {
        struct sse_event event = {
            .type = s->type.n ? buf_str(&s->type) : STR("message"),
            .data = str_head(buf_str(&s->data), s->data.n - 1), /* without the last line end */
            .id = buf_str(&s->id),
        };
        go_on = on_event(arg, &event);
    }
    buf_clear(&s->data);
    buf_clear(&s->type);
    return go_on;
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* How many bytes one U+FFFD stands for: as many as could still have begun a character (Unicode's
 * "maximal subpart", which is what the standard's decoder replaces). */
static size_t broken_bytes(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t want = p[0] >= 0xf0 && p[0] <= 0xf4  ? 4
                  : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                  : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                                : 1;
    unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    size_t n = 1;
    for (; n < want && n < s.n && p[n] >= low && p[n] <= high; n++)
        low = 0x80, high = 0xbf;
    return n;
}

/* The stream is UTF-8; what is not becomes U+FFFD. NUL is a character here. */
static void decoded_add(struct buf *out, struct str s)
{
    for (ptrdiff_t at; (at = text_invalid_at(s)) >= 0;) {
        bool nul = s.p[at] == 0;
        size_t bad = nul ? 1 : broken_bytes(str_from(s, (size_t)at));
        buf_add(out, str_head(s, (size_t)at));
        buf_add(out, nul ? (struct str){"\0", 1} : STR("\xef\xbf\xbd"));
        s = str_from(s, (size_t)at + bad);
    }
    buf_add(out, s);
}

static void field(struct sse *s, struct str name, struct str value)
{
    if (str_is(name, "data")) {
        decoded_add(&s->data, value);
        buf_addc(&s->data, '\n');
    } else if (str_is(name, "event")) {
        buf_clear(&s->type);
        decoded_add(&s->type, value);
    } else if (str_is(name, "id") && !memchr(value.n ? value.p : "x", '\0', value.n)) {
        buf_clear(&s->id);
        decoded_add(&s->id, value);
    } else if (str_is(name, "retry") && is_digits(value)) {
        int64_t ms;
        if (str_int(value, &ms) == 0)
            s->retry_ms = ms;
    }
}

static void line_read(struct sse *s, struct str line)
{
    struct str rest = line, name;
    str_split(&rest, ':', &name);
    if (name.n == 0)
        return; /* a comment */
    field(s, name, rest.n && rest.p[0] == ' ' ? str_from(rest, 1) : rest);
}

static bool line_end(struct sse *s, struct str line, bool (*on_event)(void *arg, const struct sse_event *event),
                     void *arg)
{
    if (!s->started && str_starts(line, STR("\xef\xbb\xbf")))
        line = str_from(line, 3);
    s->started = true;
    if (line.n == 0)
        return dispatch(s, on_event, arg);
    line_read(s, line);
    return true;
}

static size_t line_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
        n++;
    return n;
}

int sse_feed(struct sse *s, struct str bytes, bool (*on_event)(void *arg, const struct sse_event *event), void *arg,
             struct err *e)
{
    while (bytes.n) {
        if (s->after_cr && bytes.p[0] == '\n')
            bytes = str_from(bytes, 1);
        s->after_cr = false;

        size_t n = line_length(bytes);
        bool whole = n < bytes.n;
        struct str line = str_head(bytes, n);
        if (s->line.n || !whole) {
            buf_add(&s->line, line);
            line = buf_str(&s->line);
        }
        if (s->line.cut)
            return err_set(e, ERR_LIMIT, "a line of the event stream is longer than %d bytes", SSE_EVENT_BYTES_MAX);
        if (!whole)
            return 0;

        s->after_cr = bytes.p[n] == '\r';
        bytes = str_from(bytes, n + 1);
        bool go_on = line_end(s, line, on_event, arg);
        buf_clear(&s->line);
        if (s->data.cut || s->type.cut || s->id.cut)
            return err_set(e, ERR_LIMIT, "an event of the stream is larger than %d bytes", SSE_EVENT_BYTES_MAX);
        if (!go_on)
            return 0;
    }
    return 0;
}
