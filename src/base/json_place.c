#include "base/json.h"

#include <string.h>

/* The text before the offset was read without complaint, so a walk over it needs no second parser: brackets, strings and
 * commas tell where one is. */
struct level {
    bool object, inside; /* inside: of the member or item that `key` or `index` says; false before and after it */
    bool value;          /* objects: past the colon */
    struct str key;      /* with its quotes, as it stands in the text */
    size_t index;
};

/* The address behind the string that begins at p, or NULL when it does not end before `end`. */
static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p + 1 : NULL;
}

static void value_over(struct level *l)
{
    l->inside = l->value = false;
}

/* What one character between strings does to the levels. */
static size_t step(struct level *levels, size_t depth, char c)
{
    struct level *l = &levels[depth];
    switch (c) {
    case '{':
    case '[':
        if (depth == JSON_DEPTH_MAX)
            return depth;
        l[1] = (struct level){.object = c == '{', .inside = c == '['};
        return depth + 1;
    case '}':
    case ']':
        if (depth == 0)
            return 0;
        value_over(&l[-1]);
        return depth - 1;
    case ',':
        value_over(l);
        l->inside = !l->object;
        l->index++;
        return depth;
    case ':': l->value = true; return depth;
    default: return depth;
    }
}

/* The levels around `at`; gives how many there are. The first one is the text itself and has no name. */
static size_t levels_at(struct str text, size_t offset, struct level *levels)
{
    const char *p = text.p, *at = p + offset, *end = p + text.n;
    size_t depth = 0;
    levels[0] = (struct level){0};
    while (p < at) {
        struct level *l = &levels[depth];
        if (*p == '"') {
            const char *from = p;
            p = string_end(p, at);
            if (!p)
                break; /* it stopped within this string */
            if (l->object && !l->value) {
                l->key = (struct str){from, (size_t)(p - from)};
                l->inside = true;
            } else {
                value_over(l);
            }
        } else if (strchr("{}[],: \t\r\n", *p)) {
            depth = step(levels, depth, *p++);
        } else {
            while (p < at && !strchr("{}[],: \t\r\n\"", *p))
                p++;
            if (p < at)
                value_over(l);
        }
    }
    /* A name that came before is refused where it begins: the place is the member. */
    struct level *last = &levels[depth];
    const char *name = p == at && p < end && *p == '"' && last->object && !last->inside ? string_end(p, end) : NULL;
    if (name) {
        last->key = (struct str){p, (size_t)(name - p)};
        last->inside = true;
    }
    return depth + 1;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *hit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

/* Takes one byte off a part of a URI: %7E is ~. */
static char uri_byte(struct str *s)
{
    char c = s->p[0];
    size_t n = 1;
    if (c == '%' && s->n >= 3 && hex_digit(s->p[1]) >= 0 && hex_digit(s->p[2]) >= 0) {
        c = (char)(hex_digit(s->p[1]) << 4 | hex_digit(s->p[2]));
        n = 3;
    }
    *s = str_from(*s, n);
    return c;
}

/* Is the segment of a pointer in a URI that key? Behind the URI's own escapes, ~0 is ~ and ~1 is /. */
static bool segment_is(struct str segment, struct str key)
{
    size_t i = 0;
    while (segment.n) {
        char c = uri_byte(&segment);
        struct str after = segment;
        char next = after.n && c == '~' ? uri_byte(&after) : 0;
        if (next == '0' || next == '1') {
            c = next == '0' ? '~' : '/';
            segment = after;
        }
        if (i == key.n || c != key.p[i++])
            return false;
    }
    return i == key.n;
}

const struct json *json_pointer_step(const struct json *v, struct str segment)
{
    int64_t index;
    if (v->kind == JSON_OBJECT) {
        const struct json *c = v->child;
        while (c && !segment_is(segment, c->key))
            c = c->next;
        return c;
    }
    bool number = v->kind == JSON_ARRAY && str_int(segment, &index) == 0 && index >= 0;
    return number ? json_at(v, (size_t)index) : NULL;
}

void json_pointer_add(struct buf *out, struct str name)
{
    buf_addc(out, '/');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~' || name.p[i] == '/')
            buf_adds(out, name.p[i] == '~' ? "~0" : "~1");
        else
            buf_addc(out, name.p[i]);
    }
}

struct str json_place(struct arena *a, struct str text, size_t offset)
{
    struct level levels[JSON_DEPTH_MAX + 1];
    size_t n = levels_at(text, offset < text.n ? offset : text.n, levels), whole_n = 0;
    struct buf out = buf_new(a, JSON_PLACE_BYTES_MAX);
    for (size_t i = 1; i < n && levels[i].inside; i++) {
        struct json *name;
        if (!levels[i].object)
            buf_addf(&out, "/%zu", levels[i].index);
        else if (json_parse(a, levels[i].key, &name, NULL) == 0)
            json_pointer_add(&out, json_str(name));
        else
            break;
        if (out.cut)
            break;
        whole_n = out.n;
    }
    return str_head(buf_str(&out), whole_n);
}
