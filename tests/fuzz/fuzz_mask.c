/* What is masked stays UTF-8, is not masked again, and holds no run of digits that is a card's; a text with nothing in it is
 * given as it is. */
#include "base/mask.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Luhn's sum from the left; 18 digits may be a CLABE. */
static bool is_card(struct str d)
{
    int sum = 0;
    for (size_t i = 0; i < d.n; i++) {
        int v = (d.p[i] - '0') * ((d.n - i) % 2 ? 1 : 2);
        sum += v / 10 + v % 10;
    }
    return d.n >= 16 && d.n <= 19 && d.n != 18 && d.p[0] >= '2' && d.p[0] <= '6' && sum % 10 == 0;
}

static bool capital(struct str s, size_t i)
{
    return s.p[i] >= 'A' && s.p[i] <= 'Z';
}

static void no_cards_in(struct str s)
{
    for (size_t i = 0, from; i < s.n; i++) {
        for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
            i++;
        bool account = from >= 2 && capital(s, from - 1) && capital(s, from - 2);
        must(account || !is_card((struct str){s.p + from, i - from}));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    bool changed;
    unsigned found, again;
    struct str s = text_repair(a, (struct str){(const char *)data, n}, &changed), once = mask_text(a, s, &found);
    must(text_invalid_at(once) < 0);
    must(found ? !str_eq(once, s) : once.p == s.p);
    struct str twice = mask_text(a, once, &again);
    must(again == 0 && twice.p == once.p);
    no_cards_in(once);
    arena_free(a);
    return 0;
}
