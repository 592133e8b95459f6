/* json: reading and writing JSON (RFC 8259), the data model of events, digests and tool arguments.
 *
 * Strict: duplicate keys, NUL (\u0000), lone surrogates, invalid UTF-8, a byte order mark, trailing
 * commas, NaN and numbers beyond a double (1e999, 1e-999) are refused. A number keeps its source
 * text, so money and ids never pass through a double. Parsed values live in the arena; strings
 * without escapes point into the source text, which must live as long as the values. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64, JSON_MEMBERS_MAX = 10000 }; /* per value; more is refused */

struct json {
    enum json_kind kind;
    uint32_t line;  /* 1.. where it stood in a YAML file; 0 from JSON */
    uint32_t n;     /* children of an array or object */
    struct str key; /* the member's name when the parent is an object */
    union {
        struct str text;   /* a string's decoded UTF-8; a number's source text */
        struct json *last; /* the last child of an array or object: appending needs no walk */
    };
    struct json *child; /* first child, in source order */
    struct json *next;  /* next sibling */
};

/* Reads one value that fills the whole text. Errors: ERR_INVALID with the byte offset and the JSON
 * Pointer's depth, ERR_LIMIT for depth and member counts. `out` is written on success only. */
MUST_USE int json_parse(struct arena *a, struct str text, struct json **out, struct err *e);
/* The same; *offset is the byte where it stopped, written on errors only. */
MUST_USE int json_parse_at(struct arena *a, struct str text, struct json **out, size_t *offset, struct err *e);
/* Where in a text that json_parse_at refused that byte lies: the JSON Pointer (RFC 6901) of the innermost member or item
 * that reading had come to; "" for the text as a whole. One that would be longer than 1,000 bytes is an outer one's. */
enum { JSON_PLACE_BYTES_MAX = 1000 };
struct str json_place(struct arena *a, struct str text, size_t offset);
/* Appends one step of a JSON Pointer: "a/b" as "/a~1b". */
void json_pointer_add(struct buf *out, struct str name);
/* The member or item that one step of a JSON Pointer leads to, as it stands behind a URI's # ("a%20b~1c"), or NULL. */
const struct json *json_pointer_step(const struct json *v, struct str step);

/* Reading. Every function takes NULL for a value that is not there, so look-ups can be chained. */
const struct json *json_get(const struct json *object, const char *key); /* NULL when missing */
const struct json *json_at(const struct json *array, size_t i);
/* Dotted look-up through objects and lists: "shipping.eta", "orders.0.id" (the first). */
const struct json *json_path(const struct json *v, struct str path);
struct str json_str(const struct json *v); /* "" unless a string */
struct str json_str_or(const struct json *v, struct str otherwise);
int64_t json_int(const struct json *v, int64_t otherwise); /* otherwise unless a whole number in range */
double json_num(const struct json *v, double otherwise);
bool json_bool(const struct json *v, bool otherwise);
bool json_is(const struct json *v, enum json_kind kind);
bool json_whole(const struct json *v); /* a number without a fraction, of any size: 3, 3.0, 1e30 */
/* Same kind and content; numbers by value, object members in any order. */
bool json_same(const struct json *a, const struct json *b);

/* A number without its spelling: 0.D x 10^point, where D are n digits from the first to the last one that is not 0, read
 * by json_digit with i < n from the source text, which is borrowed. n is 0 for zero. */
struct json_digits {
    const char *text; /* the first digit of the source */
    size_t whole;     /* digits before its decimal point */
    size_t first, n;
    int64_t point;
    bool minus;
};
struct json_digits json_digits(struct str number);
char json_digit(const struct json_digits *d, size_t i);

/* A member whose name an earlier one has too, or NULL: for readers of other formats. */
const struct json *json_twice(const struct json *object);
/* Is it a number as JSON spells it, within a double? For readers of other formats. */
bool json_number_ok(struct str text);

/* Making values by hand. The children are linked, not copied. */
struct json *json_new(struct arena *a, enum json_kind kind);
struct json *json_new_str(struct arena *a, struct str text);
struct json *json_new_int(struct arena *a, int64_t v);
struct json *json_new_num(struct arena *a, double v); /* null unless finite */
struct json *json_new_bool(bool v, struct arena *a);
void json_push(struct json *array, struct json *value);
void json_set(struct json *object, struct str key, struct json *value); /* key borrowed; replaces */
struct json *json_copy(struct arena *a, const struct json *v);

/* Writing without building a tree first:
 *     struct json_writer w = {.out = &buf};
 *     json_open(&w, '{'); json_key(&w, "n"); json_put_int(&w, 3); json_close(&w, '}');
 * Commas are put by the writer. Text must be UTF-8. */
struct json_writer {
    struct buf *out;
    bool comma; /* a value was just written at this level */
};
void json_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_key(struct json_writer *w, const char *key);
void json_key_str(struct json_writer *w, struct str key);
void json_put_str(struct json_writer *w, struct str s);
void json_put_int(struct json_writer *w, int64_t v);
void json_put_num(struct json_writer *w, double v); /* shortest text that reads back; null unless finite */
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
void json_put(struct json_writer *w, const struct json *v); /* a tree, members in their order */
void json_put_raw(struct json_writer *w, struct str text);  /* text that is JSON already */
/* Shorthands for the commonest member kinds. */
void json_pair_str(struct json_writer *w, const char *key, struct str s);
void json_pair_int(struct json_writer *w, const char *key, int64_t v);
void json_pair_bool(struct json_writer *w, const char *key, bool v);

/* Appends s as the inside of a JSON string (escaped, without the quotes). */
void json_escape(struct buf *out, struct str s);

/* One text for one value, for digests: members sorted bytewise by key, no white space, strings in
 * NFC with the shortest escapes, numbers as the shortest decimal (1.0 and 1e0 are both 1). */
struct str json_canonical(struct arena *a, const struct json *v);
/* Compact text of a tree with members in their order. */
struct str json_text(struct arena *a, const struct json *v);

#endif
