/* The other half of json.h: JSON out, and what numbers and values mean (equality, canonical form). */
#include "base/json.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char json_digit(const struct json_digits *d, size_t i)
{
    i += d->first;
    return d->text[i < d->whole ? i : i + 1];
}

struct json_digits json_digits(struct str number)
{
    const int64_t far = 1000000000000; /* an exponent past any length of text: only 0 can have it */
    struct json_digits d = {.minus = number.n && number.p[0] == '-'};
    d.text = number.p + d.minus;
    const char *end = number.p + number.n, *p = d.text;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    d.whole = (size_t)(p - d.text);
    size_t all = d.whole;
    if (p < end && *p == '.')
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            all++;
    if (p < end) { /* at the e */
        bool minus = *++p == '-';
        p += *p == '-' || *p == '+';
        for (; p < end && d.point < far; p++)
            d.point = d.point * 10 + (*p - '0');
        d.point = minus ? -d.point : d.point;
    }
    d.point += (int64_t)d.whole;
    d.n = all;
    while (d.n && json_digit(&d, 0) == '0') {
        d.first++;
        d.n--;
        d.point--;
    }
    while (d.n && json_digit(&d, d.n - 1) == '0')
        d.n--;
    if (d.n == 0)
        d.minus = false;
    return d;
}

static bool spelling_same(struct str x, struct str y)
{
    struct json_digits a = json_digits(x), b = json_digits(y);
    if (a.n != b.n || a.minus != b.minus || (a.n && a.point != b.point))
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (json_digit(&a, i) != json_digit(&b, i))
            return false;
    return true;
}

bool json_whole(const struct json *v)
{
    if (!json_is(v, JSON_NUMBER))
        return false;
    struct json_digits d = json_digits(v->text);
    return d.n == 0 || d.point >= (int64_t)d.n;
}

int64_t json_int(const struct json *v, int64_t otherwise)
{
    int64_t out;
    if (!json_is(v, JSON_NUMBER))
        return otherwise;
    if (str_int(v->text, &out) == 0)
        return out;
    struct json_digits d = json_digits(v->text); /* 3.0 and 1e2 are whole numbers too */
    if (d.n == 0)
        return 0;
    if (d.point < (int64_t)d.n || d.point > 19)
        return otherwise;
    char plain[24] = "-";
    size_t n = d.minus;
    for (int64_t i = 0; i < d.point; i++)
        plain[n++] = (size_t)i < d.n ? json_digit(&d, (size_t)i) : '0';
    return str_int((struct str){plain, n}, &out) == 0 ? out : otherwise;
}

/* The shortest decimal, laid out as ECMAScript does (Number::toString), but whole numbers never
 * take an exponent: 1E2 is 100, 0.10 is 0.1, 1e-7 is 1e-7. */
static void put_shortest(struct buf *out, struct str number)
{
    struct json_digits d = json_digits(number);
    if (d.minus)
        buf_addc(out, '-');
    if (d.n == 0) {
        buf_addc(out, '0');
        return;
    }
    bool tiny = d.point <= -6;
    int64_t point = tiny ? 1 : d.point;
    if (point <= 0)
        buf_adds(out, "0.");
    for (int64_t i = point; i < 0; i++)
        buf_addc(out, '0');
    for (size_t i = 0; i < d.n; i++) {
        if (i > 0 && (int64_t)i == point)
            buf_addc(out, '.');
        buf_addc(out, json_digit(&d, i));
    }
    for (int64_t i = (int64_t)d.n; i < point; i++)
        buf_addc(out, '0');
    if (tiny)
        buf_addf(out, "e%lld", (long long)d.point - 1);
}

static int key_order(const void *a, const void *b)
{
    return str_cmp((*(const struct json *const *)a)->key, (*(const struct json *const *)b)->key);
}

static const struct json **sorted(const struct json *object)
{
    const struct json **by_key = mem_get(object->n * sizeof *by_key);
    size_t n = 0;
    for (const struct json *c = object->child; c; c = c->next)
        by_key[n++] = c;
    qsort(by_key, n, sizeof *by_key, key_order);
    return by_key;
}

static bool same_members(const struct json *a, const struct json *b)
{
    const struct json **x = sorted(a), **y = sorted(b);
    bool same = true;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(x[i]->key, y[i]->key) && json_same(x[i], y[i]);
    free(x);
    free(y);
    return same;
}

bool json_same(const struct json *a, const struct json *b)
{
    if (!a || !b || a->kind != b->kind || a->n != b->n)
        return a == b;
    if (a->kind == JSON_STRING)
        return str_eq(a->text, b->text);
    if (a->kind == JSON_NUMBER)
        return str_eq(a->text, b->text) || spelling_same(a->text, b->text);
    if (a->kind == JSON_OBJECT)
        return same_members(a, b);
    const struct json *x = a->child, *y = b->child;
    while (x && y && json_same(x, y)) {
        x = x->next;
        y = y->next;
    }
    return !x && !y;
}

struct json *json_new_num(struct arena *a, double v)
{
    struct buf text = buf_new(a, 64);
    json_put_num(&(struct json_writer){.out = &text}, v);
    struct json *number = json_new(a, isfinite(v) ? JSON_NUMBER : JSON_NULL);
    if (isfinite(v))
        number->text = buf_str(&text);
    return number;
}

static void quoted(struct buf *out, struct str s)
{
    buf_addc(out, '"');
    json_escape(out, s);
    buf_addc(out, '"');
}

/* Before a value or a key: the comma, when something stands before it on this level. */
static void comma(struct json_writer *w)
{
    if (w->comma)
        buf_addc(w->out, ',');
    w->comma = true;
}

void json_open(struct json_writer *w, char bracket)
{
    comma(w);
    buf_addc(w->out, bracket);
    w->comma = false;
}

void json_close(struct json_writer *w, char bracket)
{
    buf_addc(w->out, bracket);
    w->comma = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_str(w, str_of(key));
}

void json_key_str(struct json_writer *w, struct str key)
{
    comma(w);
    quoted(w->out, key);
    buf_addc(w->out, ':');
    w->comma = false; /* its value follows */
}

void json_put_str(struct json_writer *w, struct str s)
{
    comma(w);
    quoted(w->out, s);
}

void json_put_int(struct json_writer *w, int64_t v)
{
    char text[STR_INT_BYTES];
    json_put_raw(w, (struct str){text, (size_t)(str_put_int(text, v) - text)});
}

void json_put_num(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    char text[40];
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_put_raw(w, (struct str){text, (size_t)n});
}

void json_put_bool(struct json_writer *w, bool v)
{
    json_put_raw(w, v ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, STR("null"));
}

void json_put_raw(struct json_writer *w, struct str text)
{
    comma(w);
    buf_add(w->out, text);
}

void json_put(struct json_writer *w, const struct json *v)
{
    switch (v ? v->kind : JSON_NULL) {
    case JSON_NULL: json_put_null(w); return;
    case JSON_FALSE: json_put_bool(w, false); return;
    case JSON_TRUE: json_put_bool(w, true); return;
    case JSON_NUMBER: json_put_raw(w, v->text); return;
    case JSON_STRING: json_put_str(w, v->text); return;
    case JSON_ARRAY:
        json_open(w, '[');
        for (const struct json *c = v->child; c; c = c->next)
            json_put(w, c);
        json_close(w, ']');
        return;
    case JSON_OBJECT:
        json_open(w, '{');
        for (const struct json *c = v->child; c; c = c->next) {
            json_key_str(w, c->key);
            json_put(w, c);
        }
        json_close(w, '}');
        return;
    }
}

void json_pair_str(struct json_writer *w, const char *key, struct str s)
{
    json_key(w, key);
    json_put_str(w, s);
}

void json_pair_int(struct json_writer *w, const char *key, int64_t v)
{
    json_key(w, key);
    json_put_int(w, v);
}

void json_pair_bool(struct json_writer *w, const char *key, bool v)
{
    json_key(w, key);
    json_put_bool(w, v);
}

/* Near the size of a value's text, so that a buf for it seldom grows. */
static size_t size_likely(const struct json *v)
{
    size_t n = v->key.n + 8;
    if (v->kind == JSON_STRING || v->kind == JSON_NUMBER)
        return n + v->text.n + v->text.n / 16;
    for (const struct json *c = v->child; c; c = c->next)
        n += size_likely(c);
    return n;
}

static struct buf buf_for(struct arena *a, const struct json *v)
{
    struct buf out = buf_new(a, SIZE_MAX / 4); /* what is in memory already is bound enough */
    if (v) {
        out.size = size_likely(v);
        out.p = arena_alloc(a, out.size);
    }
    return out;
}

struct str json_text(struct arena *a, const struct json *v)
{
    struct buf out = buf_for(a, v);
    json_put(&(struct json_writer){.out = &out}, v);
    return buf_str(&out);
}

struct member {
    struct str key; /* in NFC */
    const struct json *value;
};

/* Names that are equal only after normalisation keep a fixed order by their own bytes. */
static int member_order(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = str_cmp(x->key, y->key);
    return order ? order : str_cmp(x->value->key, y->value->key);
}

static void canonical(struct arena *a, struct buf *out, const struct json *v)
{
    if (!v || v->kind < JSON_NUMBER) {
        json_put(&(struct json_writer){.out = out}, v);
    } else if (v->kind == JSON_NUMBER) {
        put_shortest(out, v->text);
    } else if (v->kind == JSON_STRING) {
        quoted(out, text_nfc(a, v->text));
    } else if (v->kind == JSON_ARRAY) {
        buf_addc(out, '[');
        for (const struct json *c = v->child; c; c = c->next) {
            canonical(a, out, c);
            if (c->next)
                buf_addc(out, ',');
        }
        buf_addc(out, ']');
    } else {
        struct member *members = ARENA_ARRAY(a, struct member, v->n);
        size_t n = 0;
        for (const struct json *c = v->child; c; c = c->next)
            members[n++] = (struct member){text_nfc(a, c->key), c};
        qsort(members, n, sizeof *members, member_order);
        buf_addc(out, '{');
        for (size_t i = 0; i < n; i++) {
            if (i)
                buf_addc(out, ',');
            quoted(out, members[i].key);
            buf_addc(out, ':');
            canonical(a, out, members[i].value);
        }
        buf_addc(out, '}');
    }
}

struct str json_canonical(struct arena *a, const struct json *v)
{
    struct buf out = buf_for(a, v);
    canonical(a, &out, v);
    return buf_str(&out);
}
