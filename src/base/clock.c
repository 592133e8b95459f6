#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t frozen_us;

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    int64_t set = atomic_load_explicit(&frozen_us, memory_order_relaxed);
    return set ? set : read_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void clock_set(int64_t now_us)
{
    atomic_store(&frozen_us, now_us);
}

/* Civil date from days since 1970: H. Hinnant, "chrono-compatible low-level date algorithms". */
static void civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

enum { DAYS_OF_YEAR_0 = -719528, DAYS_OF_YEAR_10000 = 2932897 }; /* days since 1970 of their first of January */

/* Writes v with n digits; gives the address behind it. */
static char *put_digits(char *to, int64_t v, int n)
{
    for (int i = n; i-- > 0; v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + n;
}

/* "YYYY-MM-DD" */
static char *put_date(char *to, int64_t days)
{
    int64_t year;
    unsigned month, day;
    civil(days, &year, &month, &day);
    to = put_digits(to, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    return put_digits(to, day, 2);
}

/* Every event that is shown carries one: made without printf. */
struct str clock_iso(struct arena *a, int64_t at_us)
{
    int64_t s = floor_div(at_us, 1000000), days = floor_div(s, 86400), rest = s - days * 86400;
    char *text = arena_alloc(a, 21), *to = put_date(text, days);
    *to++ = 'T';
    to = put_digits(to, rest / 3600, 2);
    *to++ = ':';
    to = put_digits(to, rest / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, rest % 60, 2);
    *to++ = 'Z';
    return (struct str){text, (size_t)(to - text)};
}

struct str clock_date_of_days(struct arena *a, int64_t days)
{
    if (days < DAYS_OF_YEAR_0 || days >= DAYS_OF_YEAR_10000)
        return STR("");
    char *text = arena_alloc(a, 11);
    return (struct str){text, (size_t)(put_date(text, days) - text)};
}

struct str clock_date(struct arena *a, int64_t at_us)
{
    return clock_date_of_days(a, floor_div(at_us, (int64_t)86400 * 1000000));
}

int clock_days(struct str date, int64_t *days)
{
    int64_t y, m, d;
    if (date.n < 10 || date.p[4] != '-' || date.p[7] != '-' || str_int(str_head(date, 4), &y) < 0 ||
        str_int((struct str){date.p + 5, 2}, &m) < 0 || str_int((struct str){date.p + 8, 2}, &d) < 0)
        return ERR_INVALID;
    if (y < 0 || m < 1 || m > 12 || d < 1 || d > 31)
        return ERR_INVALID;
    int64_t got = days_of(y, (unsigned)m, (unsigned)d), back_y;
    unsigned back_m, back_d;
    civil(got, &back_y, &back_m, &back_d); /* refuses 2026-02-30 */
    if (back_m != m || back_d != d)
        return ERR_INVALID;
    *days = got;
    return 0;
}

/* Two digits at `at`, below `limit`. */
static bool two_digits(struct str s, size_t at, int64_t limit, int64_t *out)
{
    if (s.n < at + 2 || s.p[at] < '0' || s.p[at] > '9' || s.p[at + 1] < '0' || s.p[at + 1] > '9')
        return false;
    *out = (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
    return *out < limit;
}

int clock_seconds(struct str time, int64_t *seconds)
{
    int64_t days, hour = 0, minute = 0, second = 0, away_h = 0, away_m = 0;
    if (clock_days(time, &days) < 0)
        return ERR_INVALID;
    struct str rest = str_from(time, 10);
    if (rest.n) {
        if (!memchr("Tt ", rest.p[0], 3) || !two_digits(rest, 1, 24, &hour) || rest.n < 6 || rest.p[3] != ':' ||
            !two_digits(rest, 4, 60, &minute))
            return ERR_INVALID;
        rest = str_from(rest, 6);
    }
    if (rest.n && rest.p[0] == ':') {
        if (!two_digits(rest, 1, 60, &second))
            return ERR_INVALID;
        rest = str_from(rest, 3);
        size_t digits = 1;
        while (rest.n > digits && rest.p[0] == '.' && rest.p[digits] >= '0' && rest.p[digits] <= '9')
            digits++;
        rest = str_from(rest, digits > 1 ? digits : 0);
    }
    bool east = rest.n == 6 && rest.p[0] == '+', west = rest.n == 6 && rest.p[0] == '-';
    if ((east || west) && (rest.p[3] != ':' || !two_digits(rest, 1, 24, &away_h) || !two_digits(rest, 4, 60, &away_m)))
        return ERR_INVALID;
    if (rest.n && !east && !west && !str_is(rest, "Z") && !str_is(rest, "z"))
        return ERR_INVALID;
    int64_t away = (away_h * 60 + away_m) * 60;
    *seconds = days * 86400 + (hour * 60 + minute) * 60 + second - (east ? away : -away);
    return 0;
}
