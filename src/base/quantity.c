#include "base/quantity.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { DIGITS_MAX = 18, WORDS_AHEAD = 4 };

/* What is being read; `languages` says how. */
struct reader {
    struct arena *a;
    struct str text, language, today;
};

/* --- words --- */

struct word {
    const char *name;
    int n;
};

static const struct word months[] = {{"january", 1},
                                     {"february", 2},
                                     {"march", 3},
                                     {"april", 4},
                                     {"may", 5},
                                     {"june", 6},
                                     {"july", 7},
                                     {"august", 8},
                                     {"september", 9},
                                     {"october", 10},
                                     {"november", 11},
                                     {"december", 12},
                                     {"jan", 1},
                                     {"feb", 2},
                                     {"mar", 3},
                                     {"apr", 4},
                                     {"jun", 6},
                                     {"jul", 7},
                                     {"aug", 8},
                                     {"sep", 9},
                                     {"sept", 9},
                                     {"oct", 10},
                                     {"nov", 11},
                                     {"dec", 12},
                                     {"janeiro", 1},
                                     {"fevereiro", 2},
                                     {"marco", 3},
                                     {"abril", 4},
                                     {"maio", 5},
                                     {"junho", 6},
                                     {"julho", 7},
                                     {"agosto", 8},
                                     {"setembro", 9},
                                     {"outubro", 10},
                                     {"novembro", 11},
                                     {"dezembro", 12},
                                     {"enero", 1},
                                     {"febrero", 2},
                                     {"marzo", 3},
                                     {"mayo", 5},
                                     {"junio", 6},
                                     {"julio", 7},
                                     {"septiembre", 9},
                                     {"octubre", 10},
                                     {"noviembre", 11},
                                     {"diciembre", 12},
                                     {0}};
static const struct word days_ahead[] = {
    {"today", 0},   {"tomorrow", 1},   {"hoje", 0},   {"amanha", 1}, {"hoy", 0}, {"manana", 1},
    {"tonight", 0}, {"yesterday", -1}, {"ontem", -1}, {"ayer", -1},  {0}};
enum { NO_DAY = -100 };
static const struct word weekdays[] = {{"monday", 1},    {"tuesday", 2},  {"wednesday", 3}, {"thursday", 4},
                                       {"friday", 5},    {"saturday", 6}, {"sunday", 0},    {"segunda", 1},
                                       {"terca", 2},     {"quarta", 3},   {"quinta", 4},    {"sexta", 5},
                                       {"sabado", 6},    {"domingo", 0},  {"lunes", 1},     {"martes", 2},
                                       {"miercoles", 3}, {"jueves", 4},   {"viernes", 5},   {0}};
static const struct word currencies[] = {
    {"reais", 1}, {"real", 1},  {"brl", 1},    {"dollars", 1}, {"dollar", 1}, {"dolares", 1}, {"dolar", 1},
    {"usd", 1},   {"pesos", 1}, {"peso", 1},   {"mxn", 1},     {"cop", 1},    {"euros", 1},   {"euro", 1},
    {"eur", 1},   {"bucks", 1}, {"pounds", 1}, {"gbp", 1},     {"conto", 1},  {"contos", 1},  {0}};
static const struct word scales[] = {{"k", 3},  {"mil", 3},    {"thousand", 3}, {"million", 6}, {"millions", 6},
                                     {"mn", 6}, {"milhao", 6}, {"milhoes", 6},  {"millon", 6},  {"millones", 6},
                                     {0}};

static int word_of(const struct word *list, struct str folded, int otherwise)
{
    for (; list->name; list++)
        if (str_is(folded, list->name))
            return list->n;
    return otherwise;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80 || c == '_';
}

/* The word at `at` (letters only), folded; *end behind it. "" when none stands there. */
static struct str word_at(const struct reader *r, size_t at, size_t *end)
{
    size_t n = at;
    while (n < r->text.n && in_word(r->text.p[n]) && !is_digit(r->text.p[n]))
        n++;
    *end = n;
    return n > at ? str_trim(text_fold(r->a, str_head(str_from(r->text, at), n - at))) : STR("");
}

static size_t skip_space(const struct reader *r, size_t at)
{
    while (at < r->text.n && (r->text.p[at] == ' ' || r->text.p[at] == '\t'))
        at++;
    return at;
}

/* --- numbers --- */

/* Where the separator of decimals stands in "1.200,50"; n when it has none. */
static size_t decimal_point(const struct reader *r, struct str s)
{
    size_t dots = 0, commas = 0, last_dot = s.n, last_comma = s.n;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.')
            dots++, last_dot = i;
        if (s.p[i] == ',')
            commas++, last_comma = i;
    }
    if (dots && commas)
        return last_dot > last_comma ? last_dot : last_comma;
    if (dots + commas != 1)
        return s.n; /* none, or thousands apart */
    size_t at = dots ? last_dot : last_comma;
    /* Spanish is written both ways, "1.500" in Spain and "1,500" in Mexico; nobody means a tenth of a cent. */
    bool apart = dots ? !str_is(r->language, "en") : !str_is(r->language, "pt");
    return s.n - at - 1 == 3 && apart ? s.n : at;
}

/* "1.200.300" is a number, "1,2,3" and "10.0.0.1" are none: several separators stand three digits apart. */
static bool well_grouped(const struct reader *r, struct str s)
{
    size_t point = decimal_point(r, s), group = 0, separators = 0;
    bool all = true;
    for (size_t i = 0; i <= point && i <= s.n; i++) {
        bool ends = i == point || i == s.n;
        if (!ends && is_digit(s.p[i])) {
            group++;
            continue;
        }
        all &= !separators || group == 3;
        separators += !ends;
        group = 0;
    }
    return all;
}

/* The plain decimal of digits and separators, times 10^shift. */
static struct str plain(const struct reader *r, struct str s, int shift)
{
    size_t point = decimal_point(r, s), n = 0, whole = 0;
    char digits[64];
    for (size_t i = 0; i < s.n && n < sizeof digits - 8; i++) {
        if (is_digit(s.p[i]))
            digits[n++] = s.p[i];
        if (i + 1 == point || (point == s.n && i + 1 == s.n))
            whole = n;
    }
    for (; shift > 0; shift--, whole++)
        if (whole >= n)
            digits[n++] = '0';
    while (n > whole && digits[n - 1] == '0')
        n--;
    size_t from = 0;
    while (from + 1 < whole && digits[from] == '0')
        from++;
    struct str before = {digits + from, whole - from}, behind = {digits + whole, n - whole};
    return n > whole ? str_f(r->a, "%.*s.%.*s", STR_ARG(before), STR_ARG(behind))
                     : str_f(r->a, "%.*s", STR_ARG(before));
}

/* Digits with single separators between them, from `at` on; behind their end. */
static size_t number_end(const struct reader *r, size_t at, size_t *digits)
{
    size_t n = at;
    *digits = 0;
    for (; n < r->text.n; n++) {
        char c = r->text.p[n];
        bool between = (c == '.' || c == ',') && n + 1 < r->text.n && is_digit(r->text.p[n + 1]);
        if (!is_digit(c) && !between)
            break;
        *digits += is_digit(c);
    }
    return n;
}

/* Does a sign of a currency stand right before: "$", "R$", "US$ ", "€"? *from where it begins. */
static bool money_before(const struct reader *r, size_t at, size_t *from)
{
    size_t i = at;
    while (i > 0 && r->text.p[i - 1] == ' ')
        i--;
    static const char *const signs[] = {"R$",       "US$", "MX$", "$",   "\xe2\x82\xac",
                                        "\xc2\xa3", "BRL", "USD", "MXN", "EUR"};
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
        size_t n = strlen(signs[k]);
        if (i >= n && memcmp(r->text.p + i - n, signs[k], n) == 0) {
            *from = i - n;
            return true;
        }
    }
    return false;
}

static bool read_number(const struct reader *r, size_t *at, struct quantity *out)
{
    size_t from = *at, digits, end = number_end(r, from, &digits), word_end;
    bool code = (from > 0 && (in_word(r->text.p[from - 1]) || r->text.p[from - 1] == '-')) || digits > DIGITS_MAX;
    if (!well_grouped(r, str_head(str_from(r->text, from), end - from))) {
        *at = end;
        return false;
    }
    size_t before = from;
    bool money = money_before(r, from, &before);
    if (money)
        code = digits > DIGITS_MAX;
    size_t behind = end;
    struct str next = word_at(r, skip_space(r, end), &word_end);
    int shift = money && str_is(next, "m") ? 6 : word_of(scales, next, 0); /* "5m" alone may be metres */
    if (shift) {
        behind = word_end;
        size_t more;
        struct str unit = word_at(r, skip_space(r, behind), &more);
        if (str_is(unit, "de")) /* "2 mil de reais" is rare, "mil de" is not money by itself */
            unit = word_at(r, skip_space(r, more), &more);
        if (word_of(currencies, unit, 0))
            money = true, behind = more;
    } else if (word_of(currencies, next, 0)) {
        money = true;
        behind = word_end;
    } else if (end < r->text.n && in_word(r->text.p[end])) {
        code = true; /* "3D", "12a" */
    }
    bool percent = !money && behind == end && skip_space(r, end) < r->text.n && r->text.p[skip_space(r, end)] == '%';
    *at = behind;
    if (code)
        return false;
    *out = (struct quantity){.kind = money     ? QUANTITY_MONEY
                                     : percent ? QUANTITY_PERCENT
                                               : QUANTITY_NUMBER,
                             .value = plain(r, str_head(str_from(r->text, from), end - from), shift),
                             .text = str_head(str_from(r->text, before), behind - before)};
    return true;
}

/* --- dates --- */

static struct str date_of(const struct reader *r, int64_t days)
{
    return clock_date_of_days(r->a, days);
}

/* The day of that month: of `year`, or when it is 0 the next one from today on. false: no such day. */
static bool make_date(const struct reader *r, int64_t year, int64_t month, int64_t day, struct str *out)
{
    int64_t today, this_year = 0, days;
    if (month < 1 || month > 12 || day < 1 || day > 31 || clock_days(r->today, &today) < 0 ||
        str_int(str_head(r->today, 4), &this_year) < 0)
        return false;
    if (year && year < 100)
        year += 2000;
    struct str text =
        str_f(r->a, "%04lld-%02lld-%02lld", (long long)(year ? year : this_year), (long long)month, (long long)day);
    if (clock_days(text, &days) < 0)
        return false;
    if (!year && days < today)
        text = str_f(r->a, "%04lld-%02lld-%02lld", (long long)this_year + 1, (long long)month, (long long)day);
    if (clock_days(text, &days) < 0)
        return false;
    *out = text;
    return true;
}

static size_t short_number(const struct reader *r, size_t at, int64_t *n)
{
    size_t end = at;
    while (end < r->text.n && is_digit(r->text.p[end]) && end - at < 4)
        end++;
    if (end == at || (end < r->text.n && is_digit(r->text.p[end])) ||
        str_int(str_head(str_from(r->text, at), end - at), n) < 0)
        return at;
    return end;
}

/* "2026-03-15", "15/03", "3/15/2026": at a digit. */
static bool read_numeric_date(const struct reader *r, size_t *at, struct quantity *out)
{
    int64_t n[3] = {0};
    size_t ends[3] = {0}, end = *at;
    int parts = 0;
    char sign = 0;
    for (; parts < 3; parts++) {
        size_t next = short_number(r, end, &n[parts]);
        if (next == end)
            break;
        end = ends[parts] = next;
        char c = end < r->text.n ? r->text.p[end] : 0;
        if ((c != '/' && c != '-') || (sign && c != sign)) {
            parts++;
            break;
        }
        sign = c;
        end++;
    }
    if (parts < 2 || (sign == '-' && parts < 3) || !sign)
        return false;
    end = ends[parts - 1];
    bool ok;
    if (n[0] > 31)
        ok = parts == 3 && make_date(r, n[0], n[1], n[2], &out->value);
    else if (str_is(r->language, "en") && n[0] <= 12)
        ok = make_date(r, parts == 3 ? n[2] : 0, n[0], n[1], &out->value);
    else
        ok = make_date(r, parts == 3 ? n[2] : 0, n[1], n[0], &out->value);
    if (!ok)
        return false;
    out->kind = QUANTITY_DATE;
    out->text = str_head(str_from(r->text, *at), end - *at);
    *at = end;
    return true;
}

/* Behind "15" or "march 15": a year? */
static size_t year_at(const struct reader *r, size_t at, int64_t *year)
{
    size_t end, i = skip_space(r, at);
    if (i < r->text.n && r->text.p[i] == ',')
        i = skip_space(r, i + 1);
    struct str of = word_at(r, i, &end);
    if (str_is(of, "de") || str_is(of, "del") || str_is(of, "of"))
        i = skip_space(r, end);
    int64_t n;
    end = short_number(r, i, &n);
    if (end == i || n < 1900 || n > 2200)
        return at;
    *year = n;
    return end;
}

/* "15 de março de 2026", "15th of March", "15 mar": at a digit. */
static bool read_day_month(const struct reader *r, size_t *at, struct quantity *out)
{
    int64_t day, year = 0;
    size_t end = short_number(r, *at, &day), i;
    if (end == *at)
        return false;
    struct str word = word_at(r, end, &i); /* 15th */
    if (str_is(word, "st") || str_is(word, "nd") || str_is(word, "rd") || str_is(word, "th"))
        end = i;
    word = word_at(r, skip_space(r, end), &i);
    if (str_is(word, "de") || str_is(word, "of"))
        word = word_at(r, skip_space(r, i), &i);
    int month = word_of(months, word, 0);
    if (!month)
        return false;
    end = year_at(r, i, &year);
    if (!make_date(r, year, month, day, &out->value))
        return false;
    out->kind = QUANTITY_DATE;
    out->text = str_head(str_from(r->text, *at), end - *at);
    *at = end;
    return true;
}

/* "March 15", "tomorrow", "on friday": at a letter. *at moves behind the word also when it is none. */
static bool read_word(const struct reader *r, size_t *at, struct quantity *out)
{
    size_t from = *at, end, i;
    struct str word = word_at(r, from, &end);
    int64_t today, day = 0, year = 0;
    *at = end > from ? end : from + 1;
    out->kind = QUANTITY_DATE;
    int month = word_of(months, word, 0), ahead = word_of(days_ahead, word, NO_DAY),
        weekday = word_of(weekdays, word, -1);
    if (clock_days(r->today, &today) < 0)
        return false;
    if (ahead != NO_DAY &&
        !(str_is(word, "manana") && from >= 3 && str_is(str_head(str_from(r->text, from - 3), 3), "la ")))
        out->value = date_of(r, today + ahead);
    else if (weekday >= 0)
        out->value = date_of(r, today + 1 + (weekday - (today + 5) % 7 + 7) % 7);
    else if (month && (i = short_number(r, skip_space(r, end), &day)) > end && day <= 31) {
        size_t more;
        struct str th = word_at(r, i, &more);
        if (str_is(th, "st") || str_is(th, "nd") || str_is(th, "rd") || str_is(th, "th"))
            i = more;
        *at = year_at(r, i, &year);
        if (!make_date(r, year, month, day, &out->value))
            return false;
    } else {
        return false;
    }
    out->text = str_head(str_from(r->text, from), *at - from);
    return true;
}

bool quantity_next(struct arena *a, struct str text, size_t *at, struct str language, struct str today,
                   struct quantity *out)
{
    struct reader r = {.a = a, .text = text, .language = language, .today = today};
    while (*at < text.n) {
        char c = text.p[*at];
        bool inside = *at > 0 && in_word(text.p[*at - 1]);
        if (is_digit(c)) {
            if ((!inside && (read_numeric_date(&r, at, out) || read_day_month(&r, at, out))) ||
                read_number(&r, at, out))
                return true;
        } else if (in_word(c)) {
            if (read_word(&r, at, out))
                return true;
        } else {
            ++*at;
        }
    }
    return false;
}
