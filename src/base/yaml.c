#include "base/yaml.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being read; empty before the first */
    struct arena *arena;
    struct str source;
    const char *name;
    unsigned depth;
    struct err *e;
};

static int value(struct reader *r, struct json **out);

static int refuse(struct reader *r, size_t line, const char *what)
{
    return err_set(r->e, ERR_INVALID, "%s:%zu: %s", r->name, line, what);
}

static size_t line_of_byte(struct str text, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++)
        line += text.p[i] == '\n';
    return line;
}

/* What libyaml did not like; its reader knows only the byte, its scanner and parser the line. */
static int refuse_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    size_t line = p->error == YAML_READER_ERROR ? line_of_byte(r->source, p->problem_offset) : p->problem_mark.line + 1;
    return refuse(r, line, p->problem ? p->problem : "not YAML");
}

static size_t event_line(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

/* Reads the next event. Refuses here, in one place, what no event of ours may carry. */
static int next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return refuse_syntax(r);
    const yaml_event_t *ev = &r->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (ev->type == YAML_ALIAS_EVENT)
        return refuse(r, event_line(r), "aliases (*name) are not allowed");
    if (ev->type == YAML_SCALAR_EVENT) {
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
    } else if (ev->type == YAML_MAPPING_START_EVENT) {
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
    } else if (ev->type == YAML_SEQUENCE_START_EVENT) {
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
    }
    if (anchor)
        return refuse(r, event_line(r), "anchors (&name) are not allowed");
    if (tag)
        return refuse(r, event_line(r), "tags (!name) are not allowed");
    return 0;
}

static bool one_of(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_is(s, *words))
            return true;
    return false;
}

static enum json_kind plain_kind(struct str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (one_of(s, nulls))
        return JSON_NULL;
    if (one_of(s, trues))
        return JSON_TRUE;
    if (one_of(s, falses))
        return JSON_FALSE;
    return json_number_ok(s) ? JSON_NUMBER : JSON_STRING;
}

/* The kind and, for strings and numbers, the text of the scalar event. */
static int scalar(struct reader *r, enum json_kind *kind, struct str *text)
{
    struct str s = {(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    if (s.n && memchr(s.p, 0, s.n))
        return refuse(r, event_line(r), "a NUL character is not text");
    *kind = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_kind(s) : JSON_STRING;
    *text = *kind == JSON_STRING || *kind == JSON_NUMBER ? str_copy(r->arena, s) : STR_NONE;
    return 0;
}

/* The event is on a map's key. */
static int map_key(struct reader *r, struct str *key)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return refuse(r, event_line(r), "a key must be a string");
    enum json_kind kind;
    int rc = scalar(r, &kind, key);
    if (rc < 0)
        return rc;
    if (kind != JSON_STRING)
        return refuse(r, event_line(r),
                      str_f(r->arena, "the key %.*s must be quoted, as it reads as a number, true, false or null",
                            (int)r->event.data.scalar.length, (const char *)r->event.data.scalar.value)
                          .p);
    if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && str_is(*key, "<<"))
        return refuse(r, event_line(r), "merge keys (<<) are not allowed");
    return 0;
}

/* From the start event of a map or list to its end event. */
static int children(struct reader *r, struct json *out, yaml_event_type_t end)
{
    if (r->depth == JSON_DEPTH_MAX)
        return err_set(r->e, ERR_LIMIT, "%s:%zu: nested deeper than %d", r->name, event_line(r), JSON_DEPTH_MAX);
    r->depth++;
    for (;;) {
        int rc = next(r);
        if (rc == 0 && r->event.type == end)
            break;
        if (rc == 0 && out->n == JSON_MEMBERS_MAX)
            return err_set(r->e, ERR_LIMIT, "%s:%zu: more than %d members in one value", r->name, event_line(r),
                           JSON_MEMBERS_MAX);
        struct str key = STR_NONE;
        struct json *child;
        size_t line = event_line(r);
        if (rc == 0 && out->kind == JSON_OBJECT && (rc = map_key(r, &key)) == 0)
            rc = next(r);
        if (rc == 0)
            rc = value(r, &child);
        if (rc < 0)
            return rc;
        if (out->kind == JSON_OBJECT)
            child->line = (uint32_t)line;
        child->key = key;
        json_push(out, child);
    }
    r->depth--;
    const struct json *twice = out->kind == JSON_OBJECT ? json_twice(out) : NULL;
    if (twice) {
        struct str key = text_head(twice->key, 40);
        return err_set(r->e, ERR_INVALID, "%s:%u: duplicate key \"%.*s\"", r->name, (unsigned)twice->line,
                       STR_ARG(key));
    }
    return 0;
}

/* The event is the first of a value; afterwards it is the value's last. */
static int value(struct reader *r, struct json **out)
{
    struct json *v = ARENA_NEW(r->arena, struct json);
    v->line = (uint32_t)event_line(r);
    *out = v;
    switch (r->event.type) {
    case YAML_SCALAR_EVENT: return scalar(r, &v->kind, &v->text);
    case YAML_MAPPING_START_EVENT: v->kind = JSON_OBJECT; return children(r, v, YAML_MAPPING_END_EVENT);
    case YAML_SEQUENCE_START_EVENT: v->kind = JSON_ARRAY; return children(r, v, YAML_SEQUENCE_END_EVENT);
    default: return refuse(r, event_line(r), "expected a value");
    }
}

static int document(struct reader *r, struct json **out)
{
    int rc = next(r); /* the stream starts */
    if (rc == 0)
        rc = next(r);
    if (rc < 0)
        return rc;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        *out = json_new(r->arena, JSON_NULL);
        (*out)->line = 1;
        return 0;
    }
    struct json *root;
    if ((rc = next(r)) < 0 || (rc = value(r, &root)) < 0 || (rc = next(r)) < 0 || (rc = next(r)) < 0)
        return rc;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return refuse(r, event_line(r), "more than one document");
    *out = root;
    return 0;
}

int yaml_parse(struct arena *a, struct str text, const char *name, struct json **out, struct err *e)
{
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* libyaml would count the mark as a column */
        text = str_from(text, 3);
    struct reader r = {.arena = a, .source = text, .name = name, .e = e};
    ptrdiff_t bad = text_invalid_at(text);
    if (bad >= 0)
        return refuse(&r, line_of_byte(text, (size_t)bad), "not valid UTF-8 text");
    if (!yaml_parser_initialize(&r.parser))
        return err_set(e, ERR_LIMIT, "%s: no memory for a YAML parser", name);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING); /* else it would guess UTF-16 */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    int rc = document(&r, out);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return rc;
}

int yaml_refuse(struct err *e, const char *name, const struct json *at, const char *format, ...)
{
    char sentence[sizeof e->text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    return at && at->line ? err_set(e, ERR_INVALID, "%s:%u: %s", name, at->line, sentence)
                          : err_set(e, ERR_INVALID, "%s: %s", name, sentence);
}
