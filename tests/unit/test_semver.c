/* Versions and ranges: what is in a range follows the rules that npm and Cargo have for ^ and ~. */
#include "test.h"

#include "base/semver.h"

static struct semver v(const char *text)
{
    struct semver out = {0};
    struct err e;
    if (semver_parse(str_of(text), &out, &e) < 0)
        fail_msg("%s", e.text);
    return out;
}

TEST(a_version_is_three_numbers_and_nothing_else)
{
    static const char *const refused[] = {"",       "1",      "1.2",           "1.2.3.4", "v1.2.3",
                                          "1.2.x",  "01.2.3", "1.2.3-beta",    "1..3",    " 1.2.3",
                                          "1.2.3 ", "-1.2.3", "1.2.9999999999"};
    struct semver out;
    struct err e;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(semver_parse(str_of(refused[i]), &out, &e), ERR_INVALID);
    CHECK_INT(semver_parse(STR_NONE, &out, &e), ERR_INVALID);
    CHECK_INT(v("10.0.203").patch, 203);
}

TEST(numbers_are_compared_as_numbers)
{
    CHECK(semver_cmp(v("1.9.0"), v("1.10.0")) < 0);
    CHECK(semver_cmp(v("2.0.0"), v("1.99.99")) > 0);
    CHECK_INT(semver_cmp(v("1.2.3"), v("1.2.3")), 0);
}

TEST(a_range_holds_what_its_sign_promises)
{
    static const struct {
        const char *range, *version;
        bool in;
    } cases[] = {
        {"1.2.3", "1.2.3", true},   {"1.2.3", "1.2.4", false},  {"^1.4", "1.4.0", true},    {"^1.4", "1.99.0", true},
        {"^1.4", "2.0.0", false},   {"^1.4", "1.3.9", false},   {"^1.4.2", "1.4.1", false}, {"~1.4.2", "1.4.9", true},
        {"~1.4.2", "1.5.0", false}, {"~1.4", "1.4.0", true},    {"~1.4", "1.5.0", false},   {"~1", "1.9.0", true},
        {"~1", "2.0.0", false},     {"^1", "1.0.0", true},      {"^0.4.1", "0.4.9", true},  {"^0.4.1", "0.5.0", false},
        {"^0.0.3", "0.0.3", true},  {"^0.0.3", "0.0.4", false}, {"^0", "0.9.0", true},      {"^0.0", "0.0.7", true},
        {"^0.0", "0.1.0", false},
    };
    struct semver_range range;
    struct err e;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(semver_range_parse(str_of(cases[i].range), &range, &e), 0);
        if (semver_in(v(cases[i].version), range) != cases[i].in)
            fail_msg("%s in %s", cases[i].version, cases[i].range);
    }
    static const char *const refused[] = {"", "^", "~", "1.4", "*", "latest", ">=1", "^1.x", "^^1", "1.2.3 - 2.0.0"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(semver_range_parse(str_of(refused[i]), &range, &e), ERR_INVALID);
}

TEST(the_next_version_is_the_smallest_one_that_steps_so_far)
{
    struct arena *a = arena_new("test", 0);
    CHECK_STR(semver_text(a, semver_next(v("1.4.2"), SEMVER_PATCH)), "1.4.3");
    CHECK_STR(semver_text(a, semver_next(v("1.4.2"), SEMVER_MINOR)), "1.5.0");
    CHECK_STR(semver_text(a, semver_next(v("1.4.2"), SEMVER_MAJOR)), "2.0.0");
    CHECK_STR(semver_text(a, semver_next(v("1.4.2"), SEMVER_NONE)), "1.4.2");
    CHECK_STR(semver_text(a, semver_next(v("0.4.2"), SEMVER_MAJOR)), "0.5.0");
    CHECK_STR(semver_text(a, semver_next(v("0.4.2"), SEMVER_MINOR)), "0.4.3");
    CHECK_INT(semver_between(v("1.4.2"), v("1.4.9")), SEMVER_PATCH);
    CHECK_INT(semver_between(v("1.4.2"), v("1.6.0")), SEMVER_MINOR);
    CHECK_INT(semver_between(v("1.4.2"), v("3.0.0")), SEMVER_MAJOR);
    CHECK_INT(semver_between(v("0.4.2"), v("0.5.0")), SEMVER_MAJOR);
    CHECK_INT(semver_between(v("0.9.0"), v("1.0.0")), SEMVER_MAJOR);
    CHECK_INT(semver_between(v("0.4.2"), v("0.4.3")), SEMVER_MINOR);
    CHECK_INT(semver_between(v("1.4.2"), v("1.4.2")), SEMVER_NONE);
    arena_free(a);
}

RUN(cmocka_unit_test(a_version_is_three_numbers_and_nothing_else), cmocka_unit_test(numbers_are_compared_as_numbers),
    cmocka_unit_test(a_range_holds_what_its_sign_promises),
    cmocka_unit_test(the_next_version_is_the_smallest_one_that_steps_so_far))
