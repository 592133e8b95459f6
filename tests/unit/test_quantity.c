#include "test.h"

#include "base/quantity.h"

static struct arena *a;

/* All quantities of the text, as "kind value" with commas between. Today is Tuesday, 10 March 2026. */
static struct str read_all(const char *text, const char *language)
{
    static const char *const kinds[] = {"number", "money", "percent", "date"};
    struct buf b = buf_new(a, 4096);
    struct quantity q;
    for (size_t at = 0; quantity_next(a, str_of(text), &at, str_of(language), STR("2026-03-10"), &q);)
        buf_addf(&b, "%s%s %.*s", b.n ? ", " : "", kinds[q.kind], STR_ARG(q.value));
    return buf_str(&b);
}

TEST(amounts_are_read_however_their_thousands_and_cents_are_set_apart)
{
    CHECK_STR(read_all("R$ 1.200,50", "pt"), "money 1200.5");
    CHECK_STR(read_all("$1,200.50 please", "en"), "money 1200.5");
    CHECK_STR(read_all("1.200 reais", "pt"), "money 1200");
    CHECK_STR(read_all("1,200 dollars", "en"), "money 1200");
    CHECK_STR(read_all("US$ 0,99", "es"), "money 0.99");
    CHECK_STR(read_all("1,500 pesos", "es"), "money 1500"); /* Mexico */
    CHECK_STR(read_all("1.500 euros", "es"), "money 1500"); /* Spain */
    CHECK_STR(read_all("150,00", "pt"), "number 150");
    CHECK_STR(read_all("1.200.300,00 pesos", "es"), "money 1200300");
    CHECK_STR(read_all("1.234 (en: a decimal)", "en"), "number 1.234");
    CHECK_STR(read_all("manda 50 pra Maria", "pt"), "number 50");
    CHECK_STR(read_all("2 mil reais", "pt"), "money 2000");
    CHECK_STR(read_all("2,5k", "pt"), "number 2500");
    CHECK_STR(read_all("2 million", "en"), "number 2000000");
    CHECK_STR(read_all("$1.5m, or 3 million dollars", "en"), "money 1500000, money 3000000");
    CHECK_STR(read_all("1,2 milhões de reais", "pt"), "money 1200000");
    CHECK_STR(read_all("4 millones de pesos", "es"), "money 4000000");
    CHECK_STR(read_all("5m away", "en"), "");
    CHECK_STR(read_all("007", "en"), "number 7");
    CHECK_STR(read_all("0.00", "en"), "number 0");
}

TEST(several_quantities_are_read_in_their_order)
{
    CHECK_STR(read_all("12% of 300 euros, by 15/04", "es"), "percent 12, money 300, date 2026-04-15");
    CHECK_STR(read_all("100... no, 150", "en"), "number 100, number 150");
    CHECK_STR(read_all("nothing here", "en"), "");
    CHECK_STR(read_all("", "en"), "");
}

TEST(digits_of_codes_and_words_are_no_numbers)
{
    CHECK_STR(read_all("order RC-20991, card A12, room 12b", "en"), "");
    CHECK_STR(read_all("1234567890123456789012", "en"), "");
    CHECK_STR(read_all("options 1,2,3 at 10.0.0.1", "en"), "");
}

TEST(dates_are_read_in_numbers_and_in_words)
{
    CHECK_STR(read_all("2026-03-31", "en"), "date 2026-03-31");
    CHECK_STR(read_all("3/15", "en"), "date 2026-03-15");
    CHECK_STR(read_all("15/3/2027", "pt"), "date 2027-03-15");
    CHECK_STR(read_all("15 de março", "pt"), "date 2026-03-15");
    CHECK_STR(read_all("el 3 de enero de 2027", "es"), "date 2027-01-03");
    CHECK_STR(read_all("March 15th, 2026", "en"), "date 2026-03-15");
    CHECK_STR(read_all("the 15th of April", "en"), "date 2026-04-15");
    CHECK_STR(read_all("on 5 Jan", "en"), "date 2027-01-05");  /* the next one */
    CHECK_STR(read_all("31/02", "pt"), "number 31, number 2"); /* no such day */
}

TEST(days_are_counted_from_today)
{
    CHECK_STR(read_all("amanhã", "pt"), "date 2026-03-11");
    CHECK_STR(read_all("mañana por la mañana", "es"), "date 2026-03-11");
    CHECK_STR(read_all("today", "en"), "date 2026-03-10");
    CHECK_STR(read_all("Yesterday.", "en"), "date 2026-03-09");
    CHECK_STR(read_all("foi ontem", "pt"), "date 2026-03-09");
    CHECK_STR(read_all("ayer", "es"), "date 2026-03-09");
    CHECK_STR(read_all("friday", "en"), "date 2026-03-13");
    CHECK_STR(read_all("sexta-feira", "pt"), "date 2026-03-13");
    CHECK_STR(read_all("tuesday", "en"), "date 2026-03-17"); /* not today */
}

static int begin(void **state)
{
    a = arena_new("quantity test", 0);
    return 0;
}

static int end(void **state)
{
    arena_free(a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_read_however_their_thousands_and_cents_are_set_apart),
        cmocka_unit_test(several_quantities_are_read_in_their_order),
        cmocka_unit_test(digits_of_codes_and_words_are_no_numbers),
        cmocka_unit_test(dates_are_read_in_numbers_and_in_words),
        cmocka_unit_test(days_are_counted_from_today),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
