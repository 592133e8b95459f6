#include "base/template.h"

#include "base/clock.h"
#include "base/decimal.h"

#include <stdio.h>

enum { TEXT_BYTES_MAX = 1 << 16, DATE_BYTES = 10 };

/* Either words that stay as they are, or a field. */
struct piece {
    bool is_field;
    struct str words;
    struct str path, filter;
};

static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && (c != '.' || i == 0 || i + 1 == s.n || s.p[i - 1] == '.'))
            return false;
    }
    return s.n > 0;
}

/* rest starts behind "{"; takes the field and its "}". */
static int take_field(struct str *rest, struct piece *p, struct err *e)
{
    ptrdiff_t end = str_find(*rest, STR("}"));
    if (end < 0)
        return err_set(e, ERR_INVALID, "a \"{\" without its \"}\" before \"%.*s\"", STR_ARG(str_head(*rest, 40)));
    struct str inside = str_head(*rest, (size_t)end);
    *rest = str_from(*rest, (size_t)end + 1);

    *p = (struct piece){.is_field = true, .filter = STR("plain")};
    if (!str_split(&inside, '|', &p->path) || !is_path(p->path))
        return err_set(e, ERR_INVALID, "\"{%.*s}\" is no field: a path of names and dots is wanted", STR_ARG(p->path));
    if (inside.p)
        p->filter = inside;
    if (!str_is(p->filter, "plain") && !str_is(p->filter, "date") && !str_is(p->filter, "money"))
        return err_set(e, ERR_INVALID, "no filter is called \"%.*s\"; there are date, money and plain",
                       STR_ARG(p->filter));
    return 0;
}

/* Takes the next piece off rest. 1: there was one; 0: the end. */
static int take_piece(struct str *rest, struct piece *p, struct err *e)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '{' && rest->p[n] != '}')
        n++;
    if (n == 0 && rest->n == 0)
        return 0;
    if (n > 0) {
        *p = (struct piece){.words = str_head(*rest, n)};
        *rest = str_from(*rest, n);
        return 1;
    }
    char bracket = rest->p[0];
    if (rest->n > 1 && rest->p[1] == bracket) {
        *p = (struct piece){.words = str_head(*rest, 1)};
        *rest = str_from(*rest, 2);
        return 1;
    }
    if (bracket == '}')
        return err_set(e, ERR_INVALID, "a \"}\" without its \"{\" (a brace is written twice)");
    *rest = str_from(*rest, 1);
    int r = take_field(rest, p, e);
    return r < 0 ? r : 1;
}

static const char *const months[][12] = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"},
    {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
     "dezembro"},
    {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
     "diciembre"},
};

static int digits(struct str s, size_t from, size_t n)
{
    int v = 0;
    for (size_t i = from; i < from + n; i++)
        v = v * 10 + (s.p[i] - '0');
    return v;
}

static int add_date(struct buf *out, struct str date, struct str language, struct str today, struct err *e)
{
    int64_t days;
    if (clock_days(date, &days) < 0)
        return err_set(e, ERR_INVALID, "\"%.*s\" is no date", STR_ARG(str_head(date, 40)));
    bool pt = str_is(language, "pt"), es = str_is(language, "es");
    int day = digits(date, 8, 2);
    const char *month = months[pt ? 1 : es ? 2 : 0][digits(date, 5, 2) - 1];
    bool with_year = !str_eq(str_head(date, 4), str_head(today, 4));

    if (pt || es) /* the first of a month is an ordinal in Portuguese */
        buf_addf(out, "%d%s de %s", day, pt && day == 1 ? "º" : "", month);
    else
        buf_addf(out, "%s %d", month, day);
    if (with_year)
        buf_addf(out, pt || es ? " de %.4s" : ", %.4s", date.p);
    return 0;
}

/* A number, or a text that is one; 1234.5 as "1,234.50". */
static int add_money(struct buf *out, const struct json *v, struct str language, struct err *e)
{
    struct json number = *v;
    struct decimal amount, cents = {.scale = 2};
    if (v->kind == JSON_STRING && json_number_ok(v->text))
        number.kind = JSON_NUMBER;
    if (!decimal_of(&number, &amount) || !decimal_align(&amount, &cents) || amount.scale != 2 || amount.n == INT64_MIN)
        return err_set(e, ERR_INVALID, "\"%.*s\" is no amount of money with at most two decimals",
                       STR_ARG(v->kind == JSON_STRING || v->kind == JSON_NUMBER ? str_head(v->text, 40) : STR("")));
    bool pt = str_is(language, "pt");
    long long n = amount.n < 0 ? -amount.n : amount.n;
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", n / 100);
    if (amount.n < 0)
        buf_addc(out, '-');
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_addc(out, pt ? '.' : ',');
        buf_addc(out, digits[i]);
    }
    buf_addf(out, "%c%02lld", pt ? ',' : '.', n % 100);
    return 0;
}

/* Nothing that a reader could see: a sentence with this in it would have a hole. */
static bool is_hole(const struct json *v)
{
    return !v || v->kind == JSON_NULL || (v->kind == JSON_STRING && v->text.n == 0) ||
           (v->kind == JSON_ARRAY && v->n == 0);
}

static int add_plain(struct buf *out, const struct json *v, struct str path, struct err *e)
{
    switch (v->kind) {
    case JSON_STRING:
    case JSON_NUMBER: buf_add(out, v->text); return 0;
    case JSON_TRUE: buf_adds(out, "true"); return 0;
    case JSON_FALSE: buf_adds(out, "false"); return 0;
    case JSON_ARRAY: break;
    default: return err_set(e, ERR_INVALID, "the field \"%.*s\" is an object, not a text", STR_ARG(path));
    }
    for (const struct json *item = v->child; item; item = item->next) {
        if (item->kind == JSON_ARRAY || is_hole(item))
            return err_set(e, ERR_INVALID, "the list \"%.*s\" does not hold texts alone", STR_ARG(path));
        if (item != v->child)
            buf_adds(out, ", ");
        int r = add_plain(out, item, path, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_filtered(struct buf *out, const struct json *v, const struct piece *p, struct str language,
                        struct str today, struct err *e)
{
    if (str_is(p->filter, "date"))
        return add_date(out, json_str(v), language, today, e);
    if (str_is(p->filter, "money"))
        return add_money(out, v, language, e);
    return add_plain(out, v, p->path, e);
}

int template_render(struct arena *a, struct str text, struct str language, const struct json *root, struct str *out,
                    struct err *e)
{
    struct buf b = buf_new(a, TEXT_BYTES_MAX);
    struct str today = json_str(json_get(root, "date"));
    struct piece p;
    int r;
    while ((r = take_piece(&text, &p, e)) > 0) {
        if (!p.is_field) {
            buf_add(&b, p.words);
            continue;
        }
        const struct json *v = json_path(root, p.path);
        if (is_hole(v))
            return err_set(e, ERR_NOT_FOUND, "the field \"%.*s\" has no value", STR_ARG(p.path));
        r = add_filtered(&b, v, &p, language, today, e);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    if (b.cut)
        return err_set(e, ERR_LIMIT, "the text is longer than %d bytes", TEXT_BYTES_MAX);
    *out = buf_str(&b);
    return 0;
}

int template_check(struct str text, void (*field)(void *arg, struct str path), void *arg, struct err *e)
{
    struct piece p;
    int r;
    while ((r = take_piece(&text, &p, e)) > 0)
        if (p.is_field && field)
            field(arg, p.path);
    return r;
}
