#include "engine/messages.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 16 << 20, NAME_BYTES_MAX = 64 };

struct messages messages_new(const sha256_state *prefix)
{
    return (struct messages){.text = buf_new(NULL, BYTES_MAX), .sha = *prefix};
}

void messages_free(struct messages *m)
{
    buf_free(&m->text);
    free(m->marks);
}

void messages_rebase(struct messages *m, const sha256_state *prefix)
{
    m->sha = *prefix;
    sha256_add(&m->sha, buf_str(&m->text));
}

static size_t begin(struct messages *m)
{
    size_t from = m->text.n;
    buf_addc(&m->text, ',');
    return from;
}

/* What was written since `from` are the event's words. */
static void mark(struct messages *m, size_t from)
{
    if (!m->marking || from == m->text.n)
        return;
    if (m->marks_n == m->marks_size) {
        size_t size = m->marks_size ? 2 * m->marks_size : 64;
        struct messages_mark *marks = mem_get(size * sizeof *marks);
        if (m->marks_n)
            memcpy(marks, m->marks, m->marks_n * sizeof *marks);
        free(m->marks);
        m->marks = marks;
        m->marks_size = size;
    }
    m->marks[m->marks_n++] = (struct messages_mark){.from = from, .to = m->text.n, .seq = m->seq};
}

static void end(struct messages *m, size_t from)
{
    sha256_add(&m->sha, str_from(buf_str(&m->text), from));
}

void messages_text(struct messages *m, const char *role, const char *before, struct str text)
{
    size_t from = begin(m);
    buf_addf(&m->text, "{\"role\":\"%s\",\"content\":\"%s", role, before);
    size_t words = m->text.n;
    json_escape(&m->text, text);
    mark(m, words);
    buf_adds(&m->text, "\"}");
    end(m, from);
}

static bool is_object(struct str args)
{
    struct arena *a = arena_new("arguments", 1024);
    struct json *v;
    bool object = json_parse(a, args, &v, NULL) == 0 && json_is(v, JSON_OBJECT);
    arena_free(a);
    return object;
}

static struct str sendable_name(struct str name, char plain[NAME_BYTES_MAX])
{
    size_t n = 0;
    for (; n < name.n && n < NAME_BYTES_MAX; n++) {
        char k = name.p[n];
        bool good = (k >= 'a' && k <= 'z') || (k >= 'A' && k <= 'Z') || (k >= '0' && k <= '9') || k == '_' || k == '-';
        plain[n] = good ? k : '_';
    }
    return n ? (struct str){plain, n} : STR("none");
}

static void add_call(struct buf *b, const struct call *k)
{
    char plain[NAME_BYTES_MAX];
    buf_adds(b, "{\"id\":\"");
    json_escape(b, k->id);
    buf_adds(b, "\",\"type\":\"function\",\"function\":{\"name\":\"");
    buf_add(b, sendable_name(k->name, plain));
    buf_adds(b, "\",\"arguments\":\"");
    json_escape(b, is_object(k->args) ? k->args : STR("{}"));
    buf_adds(b, "\"}}");
}

void messages_calls(struct messages *m, const struct str *text, const struct call *calls, size_t n)
{
    size_t from = begin(m);
    struct buf *b = &m->text;
    buf_adds(b, "{\"role\":\"assistant\",\"content\":");
    if (text) {
        buf_addc(b, '"');
        size_t words = b->n;
        json_escape(b, *text);
        mark(m, words);
        buf_addc(b, '"');
    } else {
        buf_adds(b, "null");
    }
    buf_adds(b, ",\"tool_calls\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(b, ',');
        size_t call = b->n;
        add_call(b, &calls[i]);
        mark(m, call);
    }
    buf_adds(b, "]}");
    end(m, from);
}

void messages_result(struct messages *m, struct str id, struct str class, const struct json *result)
{
    size_t from = begin(m);
    struct buf *b = &m->text;
    buf_adds(b, "{\"role\":\"tool\",\"tool_call_id\":\"");
    json_escape(b, id);
    buf_adds(b, "\",\"content\":\"");
    size_t words = b->n;
    const struct json *plain = json_is(result, JSON_OBJECT) && result->n == 1 ? json_get(result, "text") : NULL;
    if (json_is(plain, JSON_STRING)) {
        json_escape(b, plain->text);
    } else {
        struct arena *a = arena_new("tool message", 0);
        buf_adds(b, "{\\\"class\\\":\\\"");
        json_escape(b, class);
        buf_adds(b, "\\\",\\\"result\\\":");
        json_escape(b, result ? json_text(a, result) : STR("null"));
        buf_addc(b, '}');
        arena_free(a);
    }
    mark(m, words);
    buf_adds(b, "\"}");
    end(m, from);
}
