#include "test.h"

#include "base/arena.h"
#include "base/json.h"
#include "net/sse.h"

struct seen {
    struct arena *arena;
    const struct json *expected; /* the next one */
    int events_n, stop_after;
    bool same;
};

static bool on_event(void *arg, const struct sse_event *event)
{
    struct seen *seen = arg;
    seen->events_n++;
    if (seen->expected) {
        seen->same &= str_eq(event->type, json_str(json_get(seen->expected, "type"))) &&
                      str_eq(event->data, json_str(json_get(seen->expected, "data"))) &&
                      str_eq(event->id, json_str(json_get(seen->expected, "lastEventId")));
        seen->expected = seen->expected->next;
    }
    return seen->events_n != seen->stop_after;
}

static struct str unbase64(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bits = bits << 6 | (unsigned)(strchr(digits, text.p[i]) - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    return (struct str){out, n};
}

static struct str file_read(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = arena_alloc(a, 1 << 20);
    size_t n = f ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (f)
        fclose(f);
    return (struct str){text, n};
}

/* Feeds the bytes in pieces of `step` and compares with what is expected. */
static bool reads_as_expected(struct arena *a, const struct json *vector, size_t step)
{
    struct str bytes = unbase64(a, json_str(json_get(vector, "bytes_base64")));
    const struct json *events = json_get(vector, "events");
    struct seen seen = {.arena = a, .expected = events->child, .same = true};
    struct sse s;
    struct err e;
    sse_begin(&s);
    int r = 0;
    for (size_t i = 0; i < bytes.n && r == 0; i += step)
        r = sse_feed(&s, str_head(str_from(bytes, i), step), on_event, &seen, &e);
    bool retry = !json_get(vector, "retry") || json_int(json_get(vector, "retry"), -1) == s.retry_ms;
    sse_end(&s);
    return r == 0 && seen.same && seen.events_n == (int)events->n && retry;
}

TEST(streams_read_as_the_standard_says_wherever_they_are_cut)
{
    const char *path = test_shared("data/sse_vectors/vectors.json");
    if (!path)
        skip();
    struct arena *a = arena_new("test", 0);
    struct json *vectors;
    struct err e;
    int r = json_parse(a, file_read(a, path), &vectors, &e);
    CHECK(r == 0);
    for (const struct json *v = vectors->child; v; v = v->next) {
        for (size_t step = 1; step < 8; step++)
            if (!reads_as_expected(a, v, step))
                fail_msg("%.*s, %zu bytes at a time", STR_ARG(json_str(json_get(v, "name"))), step);
        if (!reads_as_expected(a, v, 1 << 20))
            fail_msg("%.*s, whole", STR_ARG(json_str(json_get(v, "name"))));
    }
    CHECK(vectors->n > 10);
    arena_free(a);
}

TEST(a_byte_order_mark_is_skipped_also_when_it_comes_in_pieces)
{
    struct str bytes = STR("\xef\xbb\xbf"
                           "data: x\n\n");
    for (size_t cut = 0; cut <= bytes.n; cut++) {
        struct seen seen = {0};
        struct sse s;
        struct err e;
        sse_begin(&s);
        CHECK(sse_feed(&s, str_head(bytes, cut), on_event, &seen, &e) == 0);
        CHECK(sse_feed(&s, str_from(bytes, cut), on_event, &seen, &e) == 0);
        CHECK_INT(seen.events_n, 1);
        sse_end(&s);
    }
}

static bool on_data_kept(void *arg, const struct sse_event *event)
{
    struct str *data = arg;
    static char copy[64];
    memcpy(copy, event->data.p, event->data.n);
    *data = (struct str){copy, event->data.n};
    return true;
}

/* The expected counts are those of the WHATWG encoding standard's decoder. */
TEST(one_replacement_stands_for_as_much_as_could_have_begun_a_character)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"data: \xf0\x9f\x8f|\n\n", "\xef\xbf\xbd|"},
        {"data: \xf0\x9f\x8f\n\n", "\xef\xbf\xbd"},
        {"data: \xe0\x80|\n\n", "\xef\xbf\xbd\xef\xbf\xbd|"},
        {"data: \xed\xa0\x80|\n\n", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"},
        {"data: \xc0\xaf|\n\n", "\xef\xbf\xbd\xef\xbf\xbd|"},
        {"data: \xc3\xc3\xa9|\n\n", "\xef\xbf\xbd\xc3\xa9|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str data = STR_NONE;
        struct sse s;
        struct err e;
        sse_begin(&s);
        CHECK(sse_feed(&s, str_of(rows[i].bytes), on_data_kept, &data, &e) == 0);
        CHECK_STR(data, rows[i].text);
        sse_end(&s);
    }
}

TEST(a_line_or_an_event_past_the_limit_is_refused)
{
    size_t n = SSE_EVENT_BYTES_MAX + 10;
    char *long_line = malloc(n);
    memset(long_line, 'x', n);
    struct sse s;
    struct seen seen = {0};
    struct err e;
    sse_begin(&s);
    CHECK_INT(sse_feed(&s, (struct str){long_line, n}, on_event, &seen, &e), ERR_LIMIT);
    sse_end(&s);

    sse_begin(&s);
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++) {
        memcpy(long_line, "data:", 5);
        long_line[n / 2] = '\n';
        r = sse_feed(&s, (struct str){long_line, n / 2 + 1}, on_event, &seen, &e);
    }
    CHECK_INT(r, ERR_LIMIT);
    CHECK_INT(seen.events_n, 0);
    sse_end(&s);
    free(long_line);
}

TEST(reading_stops_where_the_reader_says_so)
{
    struct sse s;
    struct seen seen = {.stop_after = 1};
    struct err e;
    sse_begin(&s);
    CHECK(sse_feed(&s, STR("data: 1\n\ndata: 2\n\n"), on_event, &seen, &e) == 0);
    CHECK_INT(seen.events_n, 1);
    sse_end(&s);
}

RUN(cmocka_unit_test(streams_read_as_the_standard_says_wherever_they_are_cut),
    cmocka_unit_test(a_byte_order_mark_is_skipped_also_when_it_comes_in_pieces),
    cmocka_unit_test(one_replacement_stands_for_as_much_as_could_have_begun_a_character),
    cmocka_unit_test(a_line_or_an_event_past_the_limit_is_refused),
    cmocka_unit_test(reading_stops_where_the_reader_says_so))
