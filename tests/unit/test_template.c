#include "test.h"

#include "base/template.h"

static struct arena *a;

/* What the template says over the root, or the error's sentence. */
static struct str filled(const char *text, const char *language, const char *root_json)
{
    struct json *root;
    struct str out;
    struct err e = {0};
    if (json_parse(a, str_of(root_json), &root, &e) < 0)
        return str_f(a, "bad root: %s", e.text);
    if (template_render(a, str_of(text), str_of(language), root, &out, &e) < 0)
        return str_f(a, "%s: %s", err_name(e.code), e.text);
    return out;
}

static const char root[] = "{\"date\":\"2026-11-22\",\"tool\":{\"t\":{\"name\":\"Lia\",\"on\":\"2026-11-25\","
                           "\"next_year\":\"2027-01-01T10:00:00Z\",\"n\":12.50,\"list\":[\"a\",2,true],"
                           "\"none\":null,\"empty\":\"\",\"object\":{},\"braces\":\"{date}\",\"nested\":[[1]]}}}";

TEST(fields_are_filled_and_everything_else_stays_as_it_is)
{
    CHECK_STR(filled("Olá, {tool.t.name}!", "pt", root), "Olá, Lia!");
    CHECK_STR(filled("{tool.t.n} / {tool.t.list|plain}", "en", root), "12.50 / a, 2, true");
    CHECK_STR(filled("", "en", root), "");
    CHECK_STR(filled("{{{tool.t.name}}} {{}}", "en", root), "{Lia} {}");
}

TEST(a_date_has_its_month_spelled_in_the_readers_language)
{
    CHECK_STR(filled("{tool.t.on|date}", "en", root), "November 25");
    CHECK_STR(filled("{tool.t.on|date}", "pt", root), "25 de novembro");
    CHECK_STR(filled("{tool.t.on|date}", "es", root), "25 de noviembre");
    CHECK_STR(filled("{tool.t.on|date}", "de", root), "November 25");
}

TEST(a_date_of_another_year_names_the_year)
{
    CHECK_STR(filled("{tool.t.next_year|date}", "en", root), "January 1, 2027");
    CHECK_STR(filled("{tool.t.next_year|date}", "pt", root), "1º de janeiro de 2027");
    CHECK_STR(filled("{tool.t.next_year|date}", "es", root), "1 de enero de 2027");
}

TEST(an_amount_has_two_decimals_and_its_thousands_apart_in_the_readers_language)
{
    static const char sums[] =
        "{\"a\":1234567.5,\"b\":0,\"c\":-12.05,\"d\":\"999.9\",\"e\":1.005,\"f\":\"ten\",\"g\":true}";
    CHECK_STR(filled("{a|money}", "en", sums), "1,234,567.50");
    CHECK_STR(filled("{a|money}", "pt", sums), "1.234.567,50");
    CHECK_STR(filled("{a|money}", "es", sums), "1,234,567.50");
    CHECK_STR(filled("{b|money} {c|money} {d|money}", "en", sums), "0.00 -12.05 999.90");
    CHECK_STR(filled("{e|money}", "en", sums), "invalid: \"1.005\" is no amount of money with at most two decimals");
    CHECK_STR(filled("{f|money}", "en", sums), "invalid: \"ten\" is no amount of money with at most two decimals");
    CHECK_STR(filled("{g|money}", "en", sums), "invalid: \"\" is no amount of money with at most two decimals");
}

TEST(a_text_with_a_hole_never_leaves_and_the_error_names_the_field)
{
    CHECK_STR(filled("Hi {tool.t.none}", "en", root), "not found: the field \"tool.t.none\" has no value");
    CHECK_STR(filled("Hi {tool.u.name}", "en", root), "not found: the field \"tool.u.name\" has no value");
    CHECK_STR(filled("Hi {tool.t.empty}", "en", root), "not found: the field \"tool.t.empty\" has no value");
}

TEST(a_value_that_looks_like_a_field_stays_a_value)
{
    CHECK_STR(filled("{tool.t.braces}", "en", root), "{date}");
}

TEST(what_is_no_text_and_what_is_no_date_is_refused)
{
    CHECK(str_starts(filled("{tool.t.object}", "en", root), STR("invalid: ")));
    CHECK(str_starts(filled("{tool.t.nested}", "en", root), STR("invalid: ")));
    CHECK(str_starts(filled("{tool.t.name|date}", "en", root), STR("invalid: ")));
    CHECK(str_starts(filled("{tool.t.n|date}", "en", root), STR("invalid: ")));
}

static void collect(void *arg, struct str path)
{
    buf_addf(arg, "[%.*s]", STR_ARG(path));
}

TEST(checking_lists_the_fields_and_refuses_what_does_not_parse)
{
    struct buf seen = buf_new(a, 1000);
    struct err e;
    CHECK_INT(template_check(STR("{a.b|date} {{x}} {c}"), collect, &seen, &e), 0);
    CHECK_STR(buf_str(&seen), "[a.b][c]");
    const char *bad[] = {"{", "}", "{}", "{a", "a}", "{a b}", "{a|}", "{a|upper}", "{.a}", "{a.}", "{a..b}", "{|date}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (template_check(str_of(bad[i]), NULL, NULL, &e) != ERR_INVALID)
            print_error("accepted: %s\n", bad[i]);
        CHECK_INT(template_check(str_of(bad[i]), NULL, NULL, &e), ERR_INVALID);
    }
}

static int setup(void **state)
{
    a = arena_new("test", 0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(a);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_filled_and_everything_else_stays_as_it_is),
        cmocka_unit_test(a_date_has_its_month_spelled_in_the_readers_language),
        cmocka_unit_test(a_date_of_another_year_names_the_year),
        cmocka_unit_test(an_amount_has_two_decimals_and_its_thousands_apart_in_the_readers_language),
        cmocka_unit_test(a_text_with_a_hole_never_leaves_and_the_error_names_the_field),
        cmocka_unit_test(a_value_that_looks_like_a_field_stays_a_value),
        cmocka_unit_test(what_is_no_text_and_what_is_no_date_is_refused),
        cmocka_unit_test(checking_lists_the_fields_and_refuses_what_does_not_parse),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
