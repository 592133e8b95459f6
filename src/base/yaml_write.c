/* yaml: writing. See base/yaml.h. */
#include "base/yaml.h"

/* Would yaml_parse read the word as this very text, in a block and as a key? When in doubt it is quoted. */
static bool plain(struct str s)
{
    static const char *const words[] = {"null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"};
    if (s.n == 0 || s.n > 200 || json_number_ok(s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool inside = (c >= '0' && c <= '9') || c == '.' || c == '-' || (c == ' ' && i + 1 < s.n);
        if (!letter && (i == 0 || !inside))
            return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(s, words[i]))
            return false;
    return true;
}

/* Bytes of the character at the text's beginning when YAML would not read it back as it stands, and its number. */
static size_t needs_escape(struct str s, unsigned *number)
{
    static const struct {
        struct str bytes;
        unsigned number;
    } breaks[] = {{STR("\xe2\x80\xa8"), 0x2028}, {STR("\xe2\x80\xa9"), 0x2029}, {STR("\xef\xbb\xbf"), 0xfeff},
                  {STR("\xef\xbf\xbe"), 0xfffe}, {STR("\xef\xbf\xbf"), 0xffff}, {STR("\x7f"), 0x7f}};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++)
        if (str_starts(s, breaks[i].bytes)) {
            *number = breaks[i].number;
            return breaks[i].bytes.n;
        }
    if (s.n < 2 || (unsigned char)s.p[0] != 0xc2 || (unsigned char)s.p[1] >= 0xa0)
        return 0;
    *number = (unsigned char)s.p[1];
    return 2;
}

static void put_text(struct buf *out, struct str s)
{
    if (plain(s)) {
        buf_add(out, s);
        return;
    }
    buf_addc(out, '"');
    size_t from = 0;
    for (size_t i = 0, n; i < s.n; i += n ? n : 1) {
        unsigned number = 0;
        n = needs_escape(str_from(s, i), &number);
        if (n == 0)
            continue;
        json_escape(out, (struct str){s.p + from, i - from});
        buf_addf(out, "\\u%04x", number);
        from = i + n;
    }
    json_escape(out, str_from(s, from));
    buf_addc(out, '"');
}

static void indent(struct buf *out, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_adds(out, "  ");
}

static bool inline_value(const struct json *v)
{
    return (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) || v->n == 0;
}

static void put_inline(struct buf *out, const struct json *v)
{
    if (v->kind == JSON_STRING) {
        put_text(out, v->text);
        return;
    }
    struct json_writer w = {.out = out};
    json_put(&w, v);
}

static void put(struct buf *out, const struct json *v, int depth, bool begun);

/* What stands behind "key:" or "-". A list's item begins on the dash's own line. */
static void put_behind(struct buf *out, const struct json *v, int depth, bool item)
{
    if (inline_value(v)) {
        buf_addc(out, ' ');
        put_inline(out, v);
        buf_addc(out, '\n');
        return;
    }
    buf_adds(out, item ? " " : "\n");
    put(out, v, depth + 1, item);
}

/* `begun`: the first line's indentation is there already. */
static void put(struct buf *out, const struct json *v, int depth, bool begun)
{
    for (const struct json *c = v->child; c; c = c->next, begun = false) {
        if (!begun)
            indent(out, depth);
        if (v->kind == JSON_ARRAY) {
            buf_addc(out, '-');
            put_behind(out, c, depth, true);
            continue;
        }
        put_text(out, c->key);
        buf_addc(out, ':');
        put_behind(out, c, depth, false);
    }
}

void yaml_write(struct buf *out, const struct json *v)
{
    if (inline_value(v)) {
        put_inline(out, v);
        buf_addc(out, '\n');
        return;
    }
    put(out, v, 0, false);
}
