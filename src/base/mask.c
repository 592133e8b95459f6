#include "base/mask.h"

#include "base/mask_parts.h"
#include "base/text.h"

#include <string.h>

enum { CARD_DIGITS_MAX = 19, CPF_DIGITS = 11 };

/* --- numbers: groups of digits with one separator between two of them --- */

struct group {
    size_t at, n;  /* its digits */
    char before;   /* what separates it from the group before: '.', '-' or ' ' */
    unsigned kind; /* what it belongs to; 0: nothing */
    size_t last;   /* of the first group of what was found: its last group */
};

struct row {
    struct group *groups;
    size_t n;
    bool plus;    /* a + before the first digit */
    bool account; /* two capitals before it */
};

static bool luhn(const char *d, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        int v = d[n - 1 - i] - '0';
        v <<= i & 1;
        sum += v > 9 ? v - 9 : v;
    }
    return sum % 10 == 0;
}

/* A Mexican account: 18 digits, the last one by the weights 3, 7, 1 (Banco de México). */
static bool is_clabe(const char *d, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i + 1 < n; i++)
        sum += (d[i] - '0') * "\3\7\1"[i % 3] % 10;
    return n == 18 && (sum + d[17] - '0') % 10 == 0;
}

static bool is_card(const char *d, size_t n)
{
    bool issued = (n == 13 && d[0] == '4') || (n == 14 && d[0] == '3' && strchr("0689", d[1])) ||
                  (n == 15 && d[0] == '3' && strchr("47", d[1])) ||
                  (n >= 16 && n <= CARD_DIGITS_MAX && d[0] >= '2' && d[0] <= '6');
    return issued && luhn(d, n) && !is_clabe(d, n);
}

/* The check digits as Receita Federal computes them: weights 10..2 and 11..2, modulo 11. */
static bool is_cpf(const char *d, size_t n)
{
    if (n != CPF_DIGITS || strspn(d, (char[]){d[0], 0}) == n)
        return false;
    for (int length = 9; length <= 10; length++) {
        int sum = 0;
        for (int i = 0; i < length; i++)
            sum += (d[i] - '0') * (length + 1 - i);
        if (sum * 10 % 11 % 10 != d[length] - '0')
            return false;
    }
    return true;
}

/* Do the groups from..to have these numbers of digits? */
static bool has_shape(const struct row *r, size_t from, size_t to, const char *shape)
{
    if (strlen(shape) != to - from + 1)
        return false;
    for (size_t i = from; i <= to; i++)
        if (r->groups[i].n != (size_t)(shape[i - from] - '0'))
            return false;
    return true;
}

static bool has_some_shape(const struct row *r, size_t from, size_t to, const char *const *shapes)
{
    while (*shapes && !has_shape(r, from, to, *shapes))
        shapes++;
    return *shapes;
}

/* Digits next to each other are a card's wherever they stand. Groups are a card's when they are grouped as cards are and
 * begin or end the row: a longer number in groups of four would else hold one by chance. A row that is nothing else may be
 * grouped anyhow. */
static bool card_groups(const struct row *r, size_t from, size_t to, size_t n)
{
    static const char *const shapes[] = {"4444", "4443", "4442", "4441", "44443", "465", "464", "4333", NULL};
    bool begins = from == 0 || r->groups[from - 1].kind, ends = to + 1 == r->n || r->groups[to + 1].kind;
    for (size_t i = from + 1; i <= to; i++)
        if (r->groups[i].before == '.')
            return false;
    if (r->plus && from == 0 && n <= 15)
        return false;
    return from == to || (begins && ends && n >= 16) || ((begins || ends) && has_some_shape(r, from, to, shapes));
}

/* `d` holds the n digits of the groups from..to. */
static unsigned kind_of(const struct row *r, size_t from, size_t to, const char *d, size_t n)
{
    if (r->account && (from == 0 || from != to))
        return 0;
    if (n >= 13 && is_card(d, n) && card_groups(r, from, to, n))
        return MASK_CARD_NUMBER;
    bool cpf =
        is_cpf(d, n) && !(r->plus && from == 0) &&
        (from == to || has_shape(r, from, to, "3332") || (has_shape(r, from, to, "92") && r->groups[to].before == '-'));
    return cpf ? MASK_CPF : 0;
}

/* The longest card or CPF that begins at a group; 0 when none does. */
static unsigned longest(struct str s, const struct row *r, size_t from, size_t *last)
{
    char d[CARD_DIGITS_MAX + 1];
    unsigned best = 0;
    size_t n = 0;
    for (size_t to = from; to < r->n; to++) {
        const struct group *g = &r->groups[to];
        if (g->kind || n + g->n > CARD_DIGITS_MAX)
            break;
        memcpy(d + n, s.p + g->at, g->n);
        n += g->n;
        d[n] = 0;
        unsigned kind = kind_of(r, from, to, d, n);
        if (kind) {
            best = kind;
            *last = to;
        }
    }
    return best;
}

/* Until there is none left: what is marked is an end for what stands beside it. */
static unsigned mark(struct str s, struct row *r)
{
    unsigned all = 0, found;
    do {
        found = 0;
        for (size_t from = 0; from < r->n; from++) {
            size_t last = from;
            unsigned kind = longest(s, r, from, &last);
            if (!kind)
                continue;
            r->groups[from].last = last;
            for (size_t i = from; i <= last; i++)
                r->groups[i].kind = kind;
            found |= kind;
            from = last;
        }
        all |= found;
    } while (found);
    return all;
}

/* The bytes of the separator at i, when a digit stands behind it: a dot, or a dash, or a space, or a dash in spaces. */
static size_t separator(struct str s, size_t i, char *kind)
{
    bool dot = mask_byte(s, i) == '.';
    size_t space = dot ? 1 : mask_space(s, i), dash = dot ? 0 : mask_dash(s, i + space), end = i + space + dash;
    end += dash ? mask_space(s, end) : 0;
    *kind = dot ? '.' : dash ? '-' : ' ';
    return mask_digit(s, end) ? end - i : 0;
}

/* "DE89 3704 ...", "RM123456785GB" */
static bool is_behind_two_capitals(struct str s, size_t i)
{
    return i >= 2 && mask_capital(s, i - 1) && mask_capital(s, i - 2) && !(i >= 3 && mask_capital(s, i - 3));
}

/* Reads the row of groups that begins at i; gives its end. */
static size_t read_row(struct arena *a, struct str s, size_t i, struct row *r)
{
    size_t room = 0;
    *r = (struct row){.plus = i && s.p[i - 1] == '+', .account = is_behind_two_capitals(s, i)};
    for (char before = 0;;) {
        if (r->n == room) {
            struct group *grown = ARENA_ARRAY(a, struct group, room ? 2 * room : 8);
            if (room)
                memcpy(grown, r->groups, room * sizeof *grown);
            room = room ? 2 * room : 8;
            r->groups = grown;
        }
        struct group *g = &r->groups[r->n++];
        *g = (struct group){.at = i, .before = before};
        while (mask_digit(s, i))
            i++;
        g->n = i - g->at;
        size_t n = separator(s, i, &before);
        if (n == 0)
            return i;
        i += n;
    }
}

/* In the place of a number that ends before `end`. */
static void add_mask(struct buf *out, struct str s, unsigned kind, size_t end)
{
    char four[4]; /* may stand in more than one group */
    for (size_t n = 4; n;)
        if (mask_digit(s, --end))
            four[--n] = s.p[end];
    if (kind == MASK_CPF)
        buf_adds(out, "[CPF]");
    else
        buf_addf(out, "[card number ending %.4s]", four);
}

struct str mask_numbers(struct arena *a, struct str s, unsigned *found)
{
    struct buf out = buf_new(a, 4 * s.n + 64);
    size_t copied = 0;
    unsigned all = 0;
    for (size_t i = 0; i < s.n;) {
        struct row r;
        if (!mask_digit(s, i)) {
            i++;
            continue;
        }
        i = read_row(a, s, i, &r);
        all |= mark(s, &r);
        for (size_t k = 0; k < r.n; k++) {
            const struct group *g = &r.groups[k];
            if (!g->kind)
                continue;
            buf_add(&out, (struct str){s.p + copied, g->at - copied});
            k = g->last;
            copied = r.groups[k].at + r.groups[k].n;
            add_mask(&out, s, g->kind, copied);
        }
    }
    *found |= all;
    if (!all)
        return s;
    buf_add(&out, str_from(s, copied));
    return buf_str(&out);
}

/* --- all of them --- */

/* Until nothing more is found: what is hidden may have stood between two others. */
static struct str mask_all(struct arena *a, struct str s, size_t digits, unsigned *found)
{
    for (unsigned more = 1; more;) {
        more = 0;
        if (digits >= CPF_DIGITS)
            s = mask_numbers(a, s, &more);
        s = mask_secrets(a, s, &more);
        *found |= more;
    }
    return s;
}

struct str mask_text(struct arena *a, struct str text, unsigned *found)
{
    size_t digits = 0;
    unsigned char high = 0;
    for (size_t i = 0; i < text.n; i++) {
        digits += mask_digit(text, i);
        high |= (unsigned char)text.p[i];
    }
    *found = 0;
    text = mask_all(a, text, digits, found);
    for (bool hidden = high & 0x80; hidden;) {
        unsigned more = 0;
        struct str seen = text_visible(a, text, &hidden), masked = hidden ? mask_all(a, seen, digits, &more) : seen;
        hidden = more != 0;
        *found |= more;
        if (more)
            text = masked;
    }
    return text;
}

const char *mask_name(enum mask_kind kind)
{
    return kind == MASK_CARD_NUMBER ? "card_number" : kind == MASK_CPF ? "cpf" : "password";
}
