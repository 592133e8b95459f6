#include "base/json.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLAB_NODES = 64,     /* nodes taken from the arena at once */
    NAMES_COMPARED = 16, /* up to here names are compared one by one, past it they are sorted */
    DIGITS_SAFE = 300    /* so many digits without an exponent are always within a double */
};

struct parser {
    struct arena *arena;
    const char *start, *p, *end;
    struct json *slab;
    size_t slab_n;
    unsigned depth;
    const char *refused; /* where it was not JSON any more */
    struct err *e;
};

static int value(struct parser *s, struct json *out);

static int refuse(struct parser *s, const char *at, const char *what)
{
    s->refused = at;
    return err_set(s->e, ERR_INVALID, "not JSON at byte %zu, depth %u: %s", (size_t)(at - s->start), s->depth, what);
}

static struct json *node(struct parser *s)
{
    if (s->slab_n == 0) {
        size_t likely = (size_t)(s->end - s->p) / 8 + 1;
        s->slab_n = likely < SLAB_NODES ? likely : SLAB_NODES;
        s->slab = ARENA_ARRAY(s->arena, struct json, s->slab_n);
    }
    s->slab_n--;
    return s->slab++;
}

static void blanks(struct parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static char peek(const struct parser *s)
{
    return s->p < s->end ? *s->p : 0;
}

/* Four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20; /* lower case; digits stay */
        int digit = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

static char *utf8_put(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* \uXXXX at *from (on its backslash), with its other half when it is a surrogate. */
static int unicode_escape(struct parser *s, const char **from, const char *end, char **to)
{
    const char *p = *from;
    int c = hex4(p + 2, end);
    if (c < 0)
        return refuse(s, p, "\\u wants four hex digits");
    if (c == 0)
        return refuse(s, p, "a NUL character is not text");
    *from += 6;
    if (c >= 0xd800 && c <= 0xdfff) {
        int low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
        if (c > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return refuse(s, p, "half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        *from += 6;
    }
    *to = utf8_put(*to, (unsigned)c);
    return 0;
}

static int unescape(struct parser *s, struct str raw, struct str *out)
{
    char *text = arena_alloc(s->arena, raw.n), *to = text;
    const char *from = raw.p, *end = raw.p + raw.n;
    while (from < end) {
        const char *slash = memchr(from, '\\', (size_t)(end - from));
        size_t run = (size_t)((slash ? slash : end) - from);
        memcpy(to, from, run);
        to += run;
        from += run;
        if (!slash)
            break;
        if (from[1] == 'u') {
            int r = unicode_escape(s, &from, end, &to);
            if (r < 0)
                return r;
            continue;
        }
        static const char codes[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
        const char *hit = from[1] ? strchr(codes, from[1]) : NULL;
        if (!hit)
            return refuse(s, from, "an unknown escape");
        *to++ = chars[hit - codes];
        from += 2;
    }
    *out = (struct str){text, (size_t)(to - text)};
    return 0;
}

/* Has none of the eight bytes to be escaped: no quote, backslash or control character? */
static bool word_is_plain(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
    return !((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & highs);
}

/* The address of the first byte of p..end that is a quote, a backslash or a control character, or
 * end. Ors all bytes before it into *seen (its top bit says that the text is not only ASCII). */
static const char *plain_run(const char *p, const char *end, unsigned char *seen)
{
    uint64_t word, all = 0;
    for (; end - p >= (ptrdiff_t)sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        if (!word_is_plain(word))
            break;
        all |= word;
    }
    unsigned char high = (all & 0x8080808080808080u) != 0 ? 0x80 : 0;
    for (; p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\'; p++)
        high |= (unsigned char)*p;
    *seen |= high;
    return p;
}

/* Appends c as it stands inside a JSON string to `to`; gives what comes behind it. Up to 6 bytes. */
static char *escape_one(char *to, unsigned char c)
{
    static const char shorts[] = "\b\t\n\f\r\"\\", codes[] = "btnfr\"\\", hex[] = "0123456789abcdef";
    if (c >= 0x20 && c != '"' && c != '\\') {
        *to++ = (char)c;
        return to;
    }
    const char *hit = c ? strchr(shorts, c) : NULL;
    *to++ = '\\';
    if (hit) {
        *to++ = codes[hit - shorts];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex[c >> 4];
    to[4] = hex[c & 15];
    return to + 5;
}

/* Texts that hold JSON have a quote every few bytes: they are put together here and added in pieces. */
static void escape(struct buf *out, const char *p, const char *end)
{
    enum { STEP = sizeof(uint64_t), LONGEST = 6 };
    char piece[256], *to = piece;
    while (p < end) {
        if (to > piece + sizeof piece - STEP * LONGEST) {
            buf_add(out, (struct str){piece, (size_t)(to - piece)});
            to = piece;
        }
        size_t left = (size_t)(end - p), n = left < STEP ? left : STEP;
        uint64_t word;
        if (n == STEP && (memcpy(&word, p, STEP), word_is_plain(word))) {
            memcpy(to, p, STEP);
            to += STEP;
        } else {
            for (size_t i = 0; i < n; i++)
                to = escape_one(to, (unsigned char)p[i]);
        }
        p += n;
    }
    buf_add(out, (struct str){piece, (size_t)(to - piece)});
}

void json_escape(struct buf *out, struct str s)
{
    unsigned char seen = 0;
    const char *end = s.p ? s.p + s.n : s.p, *plain = plain_run(s.p, end, &seen);
    buf_add(out, (struct str){s.p, (size_t)(plain - s.p)}); /* of names and most words this is all */
    if (plain < end)
        escape(out, plain, end);
}

/* s->p is on the opening quote. */
static int string(struct parser *s, struct str *out)
{
    const char *from = ++s->p, *p = from;
    bool escaped = false;
    unsigned char seen = 0;
    for (;;) {
        p = plain_run(p, s->end, &seen);
        if (s->end - p < 1 || (*p == '\\' && s->end - p < 2))
            return refuse(s, s->end, "the text ends inside a string");
        if (*p == '"')
            break;
        if (*p != '\\')
            return refuse(s, p, "a control character inside a string must be escaped");
        escaped = true;
        seen |= (unsigned char)p[1];
        p += 2;
    }
    *out = (struct str){from, (size_t)(p - from)};
    s->p = p + 1;
    ptrdiff_t bad = seen & 0x80 ? text_invalid_at(*out) : -1;
    if (bad >= 0)
        return refuse(s, from + bad, "invalid UTF-8");
    return escaped ? unescape(s, *out, out) : 0;
}

static double to_double(struct str text)
{
    char small[64], *copy = text.n < sizeof small ? small : mem_get(text.n + 1);
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    double v = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return v;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* A non-zero number that a double can only hold as 0 is as far out of range as infinity is. */
static bool within_double(struct str text)
{
    double v = to_double(text);
    if (v != 0)
        return isfinite(v);
    for (size_t i = 0; i < text.n && (text.p[i] | 0x20) != 'e'; i++)
        if (text.p[i] >= '1' && text.p[i] <= '9')
            return false;
    return true;
}

/* The end of the number at p, or NULL with *at and *what saying what is wrong where. */
static const char *number_end(const char *from, const char *end, const char **at, const char **what)
{
    const char *p = from + (from < end && *from == '-'), *part = *at = p;
    p = digits(p, end);
    *what = "expected a digit";
    if (p == part)
        return NULL;
    *what = "a number must not start with 0";
    if (*part == '0' && p - part > 1)
        return NULL;
    bool far = p - part > DIGITS_SAFE;
    if (p < end && *p == '.') {
        part = *at = ++p;
        p = digits(p, end);
        *what = "expected a digit after the point";
        if (p == part)
            return NULL;
        far = far || p - part > DIGITS_SAFE;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        part = *at = p;
        p = digits(p, end);
        *what = "expected a digit in the exponent";
        if (p == part)
            return NULL;
        far = true;
    }
    *at = from;
    *what = "a number beyond a double";
    return far && !within_double((struct str){from, (size_t)(p - from)}) ? NULL : p;
}

static int number(struct parser *s, struct json *out)
{
    const char *at, *what, *p = number_end(s->p, s->end, &at, &what);
    if (!p)
        return refuse(s, at, what);
    out->kind = JSON_NUMBER;
    out->text = (struct str){s->p, (size_t)(p - s->p)};
    s->p = p;
    return 0;
}

bool json_number_ok(struct str text)
{
    const char *at, *what;
    return text.n && number_end(text.p, text.p + text.n, &at, &what) == text.p + text.n;
}

static int literal(struct parser *s, struct json *out)
{
    static const struct {
        struct str word;
        enum json_kind kind;
    } words[] = {{{"null", 4}, JSON_NULL}, {{"true", 4}, JSON_TRUE}, {{"false", 5}, JSON_FALSE}};
    struct str rest = {s->p, (size_t)(s->end - s->p)};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(rest, words[i].word)) {
            out->kind = words[i].kind;
            s->p += words[i].word.n;
            return 0;
        }
    if (rest.n == 0)
        return refuse(s, s->p, "the text ends where a value is expected");
    if (s->p == s->start && str_starts(rest, STR("\xef\xbb\xbf")))
        return refuse(s, s->p, "a byte order mark");
    return refuse(s, s->p, "expected a value");
}

static int duplicate(struct parser *s, const char *at, struct str key)
{
    key = text_head(key, 40);
    s->refused = at;
    return err_set(s->e, ERR_INVALID, "not JSON at byte %zu, depth %u: duplicate key \"%.*s\"", (size_t)(at - s->start),
                   s->depth, STR_ARG(key));
}

/* The second member named `key`: where its name begins, or, when that has escapes and was copied, the object's end. */
static const char *second(const struct parser *s, const struct json *object, struct str key)
{
    const struct json *c = object->child;
    while (!str_eq(c->key, key))
        c = c->next;
    for (c = c->next; !str_eq(c->key, key);)
        c = c->next;
    uintptr_t at = (uintptr_t)c->key.p;
    return at > (uintptr_t)s->start && at < (uintptr_t)s->end ? c->key.p - 1 : s->p;
}

/* Reads `"name" :`. `seen` is a set of 64 weak hashes: most names need no comparison at all. */
static int name(struct parser *s, const struct json *object, struct json *member, uint64_t *seen)
{
    if (peek(s) != '"')
        return refuse(s, s->p, "expected a member's name in quotes");
    const char *at = s->p;
    int r = string(s, &member->key);
    if (r < 0)
        return r;
    struct str key = member->key;
    unsigned weak = (unsigned)key.n * 7;
    if (key.n)
        weak += (unsigned char)key.p[0] * 5u + (unsigned char)key.p[key.n - 1] * 3u + (unsigned char)key.p[key.n / 2];
    uint64_t bit = (uint64_t)1 << (weak & 63);
    if (*seen & bit && object->n < NAMES_COMPARED)
        for (const struct json *c = object->child; c; c = c->next)
            if (str_eq(c->key, key))
                return duplicate(s, at, key);
    *seen |= bit;
    blanks(s);
    if (peek(s) != ':')
        return refuse(s, s->p, "expected a colon after the member's name");
    s->p++;
    blanks(s);
    return 0;
}

/* s->p is on the opening bracket. */
static int children(struct parser *s, struct json *out, enum json_kind kind)
{
    char close = kind == JSON_OBJECT ? '}' : ']';
    uint64_t seen = 0;
    int r = 0;
    if (s->depth == JSON_DEPTH_MAX) {
        s->refused = s->p;
        return err_set(s->e, ERR_LIMIT, "JSON at byte %zu is nested deeper than %d", (size_t)(s->p - s->start),
                       JSON_DEPTH_MAX);
    }
    out->kind = kind;
    s->depth++;
    s->p++;
    blanks(s);
    if (peek(s) == close)
        goto closed;
    for (;;) {
        if (out->n == JSON_MEMBERS_MAX) {
            s->refused = s->p;
            return err_set(s->e, ERR_LIMIT, "JSON at byte %zu: more than %d members in one value",
                           (size_t)(s->p - s->start), JSON_MEMBERS_MAX);
        }
        struct json *c = node(s);
        if (kind == JSON_OBJECT)
            r = name(s, out, c, &seen);
        if (r == 0)
            r = value(s, c);
        if (r < 0)
            return r;
        json_push(out, c);
        blanks(s);
        if (peek(s) == close)
            break;
        if (peek(s) != ',')
            return refuse(s, s->p, kind == JSON_OBJECT ? "expected , or }" : "expected , or ]");
        s->p++;
        blanks(s);
    }
    if (kind == JSON_OBJECT && out->n > NAMES_COMPARED) {
        const struct json *twice = json_twice(out);
        if (twice)
            return duplicate(s, second(s, out, twice->key), twice->key);
    }
closed:
    s->p++;
    s->depth--;
    return r;
}

static int value(struct parser *s, struct json *out)
{
    char c = peek(s);
    if (c == '"') {
        out->kind = JSON_STRING;
        return string(s, &out->text);
    }
    if (c == '{')
        return children(s, out, JSON_OBJECT);
    if (c == '[')
        return children(s, out, JSON_ARRAY);
    if (c == '-' || (c >= '0' && c <= '9'))
        return number(s, out);
    return literal(s, out);
}

int json_parse_at(struct arena *a, struct str text, struct json **out, size_t *offset, struct err *e)
{
    const char *start = text.p ? text.p : "";
    struct parser s = {.arena = a, .start = start, .p = start, .end = start + text.n, .e = e};
    blanks(&s);
    struct json *root = node(&s);
    int r = value(&s, root);
    blanks(&s);
    if (r == 0 && s.p < s.end)
        r = refuse(&s, s.p, "something follows the value");
    if (r == 0)
        *out = root;
    else
        *offset = (size_t)(s.refused - start);
    return r;
}

int json_parse(struct arena *a, struct str text, struct json **out, struct err *e)
{
    size_t offset;
    return json_parse_at(a, text, out, &offset, e);
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    struct str wanted = str_of(key);
    for (const struct json *c = object->child; c; c = c->next)
        if (str_eq(c->key, wanted))
            return c;
    return NULL;
}

const struct json *json_at(const struct json *array, size_t i)
{
    if (!json_is(array, JSON_ARRAY))
        return NULL;
    const struct json *c = array->child;
    while (c && i--)
        c = c->next;
    return c;
}

const struct json *json_path(const struct json *v, struct str path)
{
    struct str part;
    while (v && str_split(&path, '.', &part)) {
        int64_t i;
        if (v->kind == JSON_ARRAY && part.n <= 5 && str_int(part, &i) == 0 && i >= 0) {
            v = json_at(v, (size_t)i);
            continue;
        }
        if (v->kind != JSON_OBJECT)
            return NULL;
        const struct json *c = v->child;
        while (c && !str_eq(c->key, part))
            c = c->next;
        v = c;
    }
    return v;
}

struct str json_str(const struct json *v)
{
    return json_str_or(v, STR(""));
}

struct str json_str_or(const struct json *v, struct str otherwise)
{
    return json_is(v, JSON_STRING) ? v->text : otherwise;
}

double json_num(const struct json *v, double otherwise)
{
    return json_is(v, JSON_NUMBER) ? to_double(v->text) : otherwise;
}

bool json_bool(const struct json *v, bool otherwise)
{
    return json_is(v, JSON_TRUE) ? true : json_is(v, JSON_FALSE) ? false : otherwise;
}

bool json_is(const struct json *v, enum json_kind kind)
{
    return v && v->kind == kind;
}

static int name_order(const void *a, const void *b)
{
    struct str x = (*(const struct json *const *)a)->key, y = (*(const struct json *const *)b)->key;
    if (x.n != y.n)
        return x.n < y.n ? -1 : 1;
    return x.n ? memcmp(x.p, y.p, x.n) : 0;
}

/* Sorting finds equal names without a hash that could be attacked. */
const struct json *json_twice(const struct json *object)
{
    size_t n = 0;
    const struct json **by_name = mem_get(object->n * sizeof *by_name), *twice = NULL;
    for (const struct json *c = object->child; c; c = c->next)
        by_name[n++] = c;
    qsort(by_name, n, sizeof *by_name, name_order);
    for (size_t i = 1; i < n && !twice; i++)
        if (str_eq(by_name[i - 1]->key, by_name[i]->key))
            twice = by_name[i - 1]->line > by_name[i]->line ? by_name[i - 1] : by_name[i];
    free(by_name);
    return twice;
}

struct json *json_new(struct arena *a, enum json_kind kind)
{
    struct json *v = ARENA_NEW(a, struct json);
    v->kind = kind;
    return v;
}

struct json *json_new_str(struct arena *a, struct str text)
{
    struct json *v = json_new(a, JSON_STRING);
    v->text = text;
    return v;
}

struct json *json_new_int(struct arena *a, int64_t number)
{
    struct json *v = json_new(a, JSON_NUMBER);
    char *text = arena_alloc(a, STR_INT_BYTES);
    v->text = (struct str){text, (size_t)(str_put_int(text, number) - text)};
    return v;
}

struct json *json_new_bool(bool v, struct arena *a)
{
    return json_new(a, v ? JSON_TRUE : JSON_FALSE);
}

void json_push(struct json *array, struct json *value)
{
    value->next = NULL;
    if (!array->last) /* empty, or linked by hand */
        for (struct json *c = array->child; c; c = c->next)
            array->last = c;
    if (array->last)
        array->last->next = value;
    else
        array->child = value;
    array->last = value;
    array->n++;
}

void json_set(struct json *object, struct str key, struct json *value)
{
    value->key = key;
    struct json **at = &object->child;
    while (*at && !str_eq((*at)->key, key))
        at = &(*at)->next;
    if (!*at) {
        json_push(object, value);
        return;
    }
    if (object->last == *at)
        object->last = value;
    value->next = (*at)->next;
    *at = value;
}

struct json *json_copy(struct arena *a, const struct json *v)
{
    struct json *copy = json_new(a, v->kind);
    copy->line = v->line;
    copy->key = v->key.p ? str_copy(a, v->key) : v->key;
    if (v->kind == JSON_STRING || v->kind == JSON_NUMBER)
        copy->text = str_copy(a, v->text);
    for (const struct json *c = v->child; c; c = c->next)
        json_push(copy, json_copy(a, c));
    return copy;
}
