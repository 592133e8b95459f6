#include "base/decimal.h"

enum { QUOTIENT_PLACES = 12, DIGITS_MAX = 18 };

bool decimal_of(const struct json *number, struct decimal *out)
{
    if (!json_is(number, JSON_NUMBER))
        return false;
    struct str text = number->text;
    char digits[24];
    size_t n = 0;
    bool point = false;
    *out = (struct decimal){0};
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.') {
            point = true;
            continue;
        }
        if ((c != '-' && (c < '0' || c > '9')) || n == sizeof digits)
            return false; /* an exponent, or too long */
        digits[n++] = c;
        out->scale += point;
    }
    return str_int((struct str){digits, n}, &out->n) == 0;
}

bool decimal_align(struct decimal *a, struct decimal *b)
{
    struct decimal *low = a->scale < b->scale ? a : b, *high = low == a ? b : a;
    for (; low->scale < high->scale; low->scale++)
        if (__builtin_mul_overflow(low->n, 10, &low->n))
            return false;
    return true;
}

bool decimal_add(struct decimal *a, struct decimal b)
{
    return decimal_align(a, &b) && !__builtin_add_overflow(a->n, b.n, &a->n);
}

bool decimal_subtract(struct decimal *a, struct decimal b)
{
    return decimal_align(a, &b) && !__builtin_sub_overflow(a->n, b.n, &a->n);
}

bool decimal_multiply(struct decimal *a, struct decimal b)
{
    a->scale += b.scale;
    return !__builtin_mul_overflow(a->n, b.n, &a->n);
}

/* n / by, a half away from zero; by > 0. */
static __int128 halves_away(__int128 n, __int128 by)
{
    __int128 whole = n / by, rest = n % by;
    if (2 * rest >= by)
        return whole + 1;
    return 2 * rest <= -by ? whole - 1 : whole;
}

bool decimal_divide(struct decimal *a, struct decimal b)
{
    if (b.n == 0 || b.scale > DIGITS_MAX || a->scale > QUOTIENT_PLACES + b.scale)
        return false;
    __int128 top = a->n, by = b.n;
    for (unsigned i = a->scale; i < QUOTIENT_PLACES + b.scale; i++)
        if (__builtin_mul_overflow(top, 10, &top))
            return false;
    if (by < 0) {
        top = -top;
        by = -by;
    }
    __int128 quotient = halves_away(top, by);
    unsigned scale = QUOTIENT_PLACES;
    for (; scale && quotient % 10 == 0; scale--)
        quotient /= 10;
    if (quotient < INT64_MIN || quotient > INT64_MAX)
        return false;
    *a = (struct decimal){(int64_t)quotient, scale};
    return true;
}

void decimal_round(struct decimal *d, unsigned places)
{
    __int128 by = 1;
    for (; d->scale > places; d->scale--)
        by *= by < (__int128)1 << 100 ? 10 : 1; /* beyond that nothing is left of 64 bits */
    d->n = (int64_t)halves_away(d->n, by);
}

struct json *decimal_json(struct arena *a, struct decimal d)
{
    for (; d.scale && d.n % 10 == 0; d.scale--)
        d.n /= 10;
    if (d.scale == 0)
        return json_new_int(a, d.n);
    struct str digits = str_f(a, "%0*lld", (int)d.scale + 1 + (d.n < 0), (long long)d.n);
    size_t whole = digits.n - d.scale;
    struct json *v = json_new(a, JSON_NUMBER);
    v->text = str_f(a, "%.*s.%.*s", (int)whole, digits.p, (int)d.scale, digits.p + whole);
    return v;
}

static struct json_digits digits_of(const struct json *number)
{
    return json_digits(json_is(number, JSON_NUMBER) ? number->text : STR("0"));
}

int decimal_order(const struct json *a, const struct json *b)
{
    struct json_digits x = digits_of(a), y = digits_of(b);
    int p = x.minus ? -1 : x.n > 0, q = y.minus ? -1 : y.n > 0;
    if (p != q || p == 0)
        return (p > q) - (p < q);
    if (x.point != y.point)
        return x.point < y.point ? -p : p;
    for (size_t i = 0; i < x.n || i < y.n; i++) {
        char c = i < x.n ? json_digit(&x, i) : '0', d = i < y.n ? json_digit(&y, i) : '0';
        if (c != d)
            return c < d ? -p : p;
    }
    return 0;
}

bool decimal_step_ok(const struct json *step)
{
    struct json_digits d = digits_of(step);
    return d.n > 0 && d.n <= DECIMAL_STEP_DIGITS_MAX;
}

bool decimal_divides(const struct json *step, const struct json *number)
{
    struct json_digits by = digits_of(step), x = digits_of(number);
    uint64_t divisor = 0, rest = 0;
    if (!decimal_step_ok(step))
        return false;
    for (size_t i = 0; i < by.n; i++)
        divisor = divisor * 10 + (uint64_t)(json_digit(&by, i) - '0');
    if (divisor == 0) /* decimal_step_ok says that it is not */
        return false;
    /* The divisor is whole when both are counted in its last place; the number must be so too. */
    int64_t last = by.point - (int64_t)by.n;
    if (x.n && x.point - (int64_t)x.n < last)
        return false;
    for (size_t i = 0; i < x.n; i++)
        rest = (rest * 10 + (uint64_t)(json_digit(&x, i) - '0')) % divisor;
    for (int64_t zeros = x.point - (int64_t)x.n - last; zeros > 0 && rest; zeros--)
        rest = rest * 10 % divisor;
    return rest == 0;
}
