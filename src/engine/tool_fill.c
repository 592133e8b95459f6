#include "engine/tool.h"

#include "base/expr.h"

#include <string.h>

enum { URL_BYTES_MAX = 4096, HEADER_BYTES_MAX = 4096, BODY_BYTES_MAX = 1 << 20 };

/* What a request is filled from. */
struct fill {
    struct arena *arena;
    const struct tool_world *world;
    const struct json *root;
    struct tool_http *out;
    struct err *e;
};

static void escape(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t k = 0; k < text.n; k++) {
        unsigned char c = (unsigned char)text.p[k];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        if (plain && c) {
            buf_addc(out, (char)c);
        } else {
            buf_addc(out, '%');
            buf_addc(out, hex[c >> 4]);
            buf_addc(out, hex[c & 15]);
        }
    }
}

/* The text of a value that can stand in a URL or a header; "" for others. */
static struct str plain_text(const struct json *v)
{
    if (json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER))
        return v->text;
    return json_is(v, JSON_TRUE) ? STR("true") : json_is(v, JSON_FALSE) ? STR("false") : STR_NONE;
}

/* One part of a pattern: words that stay, or what stands in braces, "${...}" (dollar) or "{...}". False at the end. */
struct piece {
    struct str words, name;
    bool dollar;
};

static int take_piece(const struct fill *f, struct str pattern, size_t *at, struct piece *out)
{
    size_t i = *at;
    while (i < pattern.n && pattern.p[i] != '{' &&
           !(pattern.p[i] == '$' && i + 1 < pattern.n && pattern.p[i + 1] == '{'))
        i++;
    *out = (struct piece){.words = {pattern.p + *at, i - *at}};
    if (i < pattern.n) {
        out->dollar = pattern.p[i] == '$';
        size_t from = i + (out->dollar ? 2 : 1);
        ptrdiff_t end = str_find(str_from(pattern, from), STR("}"));
        if (end < 0)
            return err_set(f->e, ERR_INVALID, "%.*s has a { without a }", STR_ARG(pattern));
        out->name = (struct str){pattern.p + from, (size_t)end};
        i = from + (size_t)end + 1;
    }
    *at = i;
    return 0;
}

static int missing(const struct fill *f, const char *what, struct str pattern, struct str name)
{
    return err_set(f->e, ERR_INVALID, "%s %.*s needs %.*s, which is missing", what, STR_ARG(pattern), STR_ARG(name));
}

/* Base URLs for ${name} and percent-encoded values for {path}. */
static int fill_url(const struct fill *f, struct str pattern, struct buf *b)
{
    struct piece p;
    for (size_t at = 0; at < pattern.n;) {
        if (take_piece(f, pattern, &at, &p) < 0)
            return ERR_INVALID;
        buf_add(b, p.words);
        if (!p.name.p)
            continue;
        struct str text = plain_text(json_path(p.dollar ? f->world->services : f->root, p.name));
        if (!text.n)
            return missing(f, "the URL", pattern, p.name);
        if (str_is(text, ".") || str_is(text, "..")) /* would be another place of the backend */
            return err_set(f->e, ERR_INVALID, "%.*s may not be %.*s", STR_ARG(p.name), STR_ARG(text));
        if (p.dollar)
            buf_add(b, text);
        else
            escape(b, text);
    }
    return 0;
}

/* name: expression; what is null is left out. */
static int fill_query(const struct fill *f, const struct json *query, struct buf *url)
{
    bool first = !str_has(buf_str(url), STR("?"));
    for (const struct json *m = query ? query->child : NULL; m; m = m->next) {
        struct json *v;
        if (expr_eval(f->arena, json_str(m), f->root, &v, f->e) < 0)
            return ERR_INVALID;
        if (v->kind == JSON_NULL)
            continue;
        if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
            return err_set(f->e, ERR_INVALID, "query.%.*s is no text or number", STR_ARG(m->key));
        buf_addc(url, first ? '?' : '&');
        first = false;
        escape(url, m->key);
        buf_addc(url, '=');
        escape(url, plain_text(v));
    }
    return 0;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return true;
    return false;
}

static int fill_header(const struct fill *f, const struct json *header)
{
    struct tool_http *out = f->out;
    struct str pattern = json_str(header);
    struct buf b = buf_new(f->arena, HEADER_BYTES_MAX);
    struct piece p;
    buf_addf(&b, "%.*s: ", STR_ARG(header->key));
    for (size_t at = 0; at < pattern.n;) {
        if (take_piece(f, pattern, &at, &p) < 0)
            return ERR_INVALID;
        buf_add(&b, p.words);
        if (!p.name.p)
            continue;
        bool secret = p.dollar && str_starts(p.name, STR("secret."));
        struct str text = secret     ? json_str(json_path(f->world->secrets, str_from(p.name, 7)))
                          : p.dollar ? STR_NONE
                                     : plain_text(json_path(f->root, p.name));
        if (!text.n)
            return missing(f, "the header", header->key, p.name);
        buf_add(&b, text);
        if (secret && out->secrets_n < TOOL_HEADERS_MAX)
            out->secrets[out->secrets_n++] = text;
    }
    if (b.cut || out->headers_n == TOOL_HEADERS_MAX || has_control(buf_str(&b)))
        return err_set(f->e, ERR_INVALID, "the header %.*s is too long, one too many, or holds a control character",
                       STR_ARG(header->key));
    out->headers[out->headers_n++] = buf_str(&b);
    return 0;
}

/* A text is an expression, a map or list is one of such values, anything else is itself. */
static int fill_body(const struct fill *f, const struct json *body, struct json_writer *w)
{
    if (json_is(body, JSON_OBJECT) || json_is(body, JSON_ARRAY)) {
        char bracket = body->kind == JSON_OBJECT ? '{' : '[';
        json_open(w, bracket);
        for (const struct json *m = body->child; m; m = m->next) {
            if (bracket == '{')
                json_key_str(w, m->key);
            if (fill_body(f, m, w) < 0)
                return ERR_INVALID;
        }
        json_close(w, bracket == '{' ? '}' : ']');
        return 0;
    }
    struct json *v;
    if (!json_is(body, JSON_STRING)) {
        json_put(w, body);
        return 0;
    }
    if (expr_eval(f->arena, body->text, f->root, &v, f->e) < 0)
        return ERR_INVALID;
    json_put(w, v);
    return 0;
}

int tool_http_fill(struct arena *a, const struct json *http, const struct tool_world *world, const struct json *root,
                   struct tool_http *out, struct err *e)
{
    const struct fill f = {a, world, root, out, e};
    const struct json *body = json_get(http, "body"), *headers = json_get(http, "headers");
    struct buf url = buf_new(a, URL_BYTES_MAX), text = buf_new(a, BODY_BYTES_MAX);
    struct json_writer w = {.out = &text};
    *out = (struct tool_http){.method = json_str_or(json_get(http, "method"), STR("GET"))};
    if (fill_url(&f, json_str(json_get(http, "url")), &url) < 0 || fill_query(&f, json_get(http, "query"), &url) < 0)
        return ERR_INVALID;
    for (const struct json *h = headers ? headers->child : NULL; h; h = h->next)
        if (fill_header(&f, h) < 0)
            return ERR_INVALID;
    if (body && fill_body(&f, body, &w) < 0)
        return ERR_INVALID;
    if (url.cut || text.cut)
        return err_set(e, ERR_INVALID, "the URL %.*s becomes longer than %d bytes, or its body longer than 1 MiB",
                       STR_ARG(json_str(json_get(http, "url"))), URL_BYTES_MAX);
    out->url = buf_str(&url);
    out->body = buf_str(&text);
    return 0;
}
