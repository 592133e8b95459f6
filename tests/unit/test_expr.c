#include "test.h"

#include "base/expr.h"

static struct arena *a;
static struct err e;
static struct json *root;

static const char *const root_text =
    "{\"slot\":{\"address_type\":\"home\",\"amount\":12.30,\"empty\":\"\",\"zero\":0.0,\"nothing\":null,\"list\":["
    "\"a\",1,"
    "{\"b\":2.0}]},"
    "\"tool\":{\"check_card_delivery\":{\"days_late\":3,\"eta\":\"2026-11-20\",\"seen_at\":\"2026-11-22T07:45:00Z\"}},"
    "\"session\":{\"customer\":\"c-1\",\"verified\":true},\"big\":9007199254740993}";

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    e = (struct err){0};
    return json_parse(a, str_of(root_text), &root, &e);
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

static struct json *eval(const char *source)
{
    struct json *v = NULL;
    if (expr_eval(a, str_of(source), root, &v, &e) < 0)
        print_error("%s: %s\n", source, e.text);
    assert_non_null(v);
    return v;
}

static struct str value(const char *source)
{
    return json_text(a, eval(source));
}

static bool yes(const char *source)
{
    struct json *v = eval(source);
    assert_true(json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE));
    return json_bool(v, false);
}

static bool no(const char *source)
{
    return !yes(source);
}

static struct str refusal(const char *source)
{
    struct err check;
    struct json *v = NULL;
    int r = expr_eval(a, str_of(source), root, &v, &e);
    assert_true(r < 0 && !v && expr_check(str_of(source), &check) == r);
    assert_string_equal(e.text, check.text);
    return str_of(e.text);
}

TEST(literals_and_paths_give_their_values)
{
    CHECK_STR(value("'text'"), "\"text\"");
    CHECK_STR(value("\"it's\""), "\"it's\"");
    CHECK_STR(value(" 12 "), "12");
    CHECK_STR(value("3.50"), "3.50");
    CHECK_STR(value("[ 'a', 1, [], [null, true] ]"), "[\"a\",1,[],[null,true]]");
    CHECK_STR(value("slot.amount"), "12.30");
    CHECK_STR(value("slot.list"), "[\"a\",1,{\"b\":2.0}]");
    CHECK_STR(value("[slot.amount, slot.amount, slot.no]"), "[12.30,12.30,null]");
    CHECK_STR(value("slot.missing.deeper"), "null");
    CHECK_STR(value("session.customer.deeper"), "null");
    CHECK_STR(value("'n\u00e3o'"), "\"n\u00e3o\"");
}

TEST(a_value_outlives_the_root_it_was_read_from)
{
    struct arena *other = arena_new("other", 0);
    struct json *v;
    CHECK(expr_eval(other, STR("slot.list"), root, &v, &e) == 0);
    arena_reset(a);
    memset(arena_alloc(a, 3000), 'x', 3000);
    CHECK_STR(json_text(other, v), "[\"a\",1,{\"b\":2.0}]");
    CHECK(v->key.n == 0 && !v->next);
    arena_free(other);
}

TEST(comparisons_go_by_value_and_are_false_on_unlike_kinds)
{
    CHECK(yes("slot.amount == 12.3") && yes("1 == 1.0") && yes("'a' != 'b'") && no("'1' == 1"));
    CHECK(yes("tool.check_card_delivery.days_late >= 3") && no("tool.check_card_delivery.days_late > 3"));
    CHECK(yes("2 < 10") && yes("'2' > '10'") && yes("'2026-11-20' < tool.check_card_delivery.seen_at"));
    CHECK(no("1 < 'a'") && no("1 > 'a'") && no("null < 1") && no("null <= null") && no("true < false"));
    CHECK(yes("big != 9007199254740992") && yes("big > 9007199254740992") && yes("1e3 == 1000"));
    CHECK(yes("slot.list == ['a', 1.0, slot.list]") == false && yes("[1, 'a'] == [1.0, 'a']"));
}

TEST(a_missing_path_equals_only_null)
{
    CHECK(yes("slot.x == null") && no("slot.x != null") && no("slot.x == 0") && no("slot.x == ''"));
    CHECK(no("slot.x < 1") && no("slot.x in ['a']") && yes("slot.x in [null]") && no("slot.x matches '.*'"));
    CHECK(no("slot.x is set") && yes("slot.x is not set") && no("slot.nothing is set") && yes("slot.empty is set"));
    CHECK(yes("slot.address_type is set") && no("slot.address_type is not set"));
}

TEST(lists_texts_and_objects_contain)
{
    CHECK(yes("slot.address_type in ['work', 'home']") && no("slot.address_type in ['work']"));
    CHECK(yes("slot.list contains 1.0") && no("slot.list contains 'b'") && yes("'card' in 'my card'"));
    CHECK(yes("'my card' contains 'card'") && no("'my card' contains 'Card'") && no("12 contains 1"));
    CHECK(yes("session contains 'verified'") && no("session contains 'x'") && yes("'slot' in session") == false);
}

TEST(a_pattern_searches_in_a_text)
{
    CHECK(yes("session.customer matches '^c-\\d+$'") && no("session.customer matches '^\\d'"));
    CHECK(yes("'N\u00c3O' matches '(?i)n\u00e3o'") && no("12 matches '1'"));
    CHECK(no("'x' matches slot.amount"));
    CHECK(no("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches '^(a+)+$'")); /* ends at its limit */
}

TEST(logic_binds_or_loosest_then_and_then_not)
{
    CHECK(yes("true or false and false") && no("(true or false) and false"));
    CHECK(yes("not false and true") && no("not (false or true)") && yes("not not true"));
    CHECK(yes("not 1 == 2") && yes("1 + 1 == 2 and 2 * 3 == 6 or false"));
    CHECK(no("slot.empty or slot.zero or slot.nothing or slot.x or false") && yes("slot.list and 'x' and 0.1"));
}

TEST(arithmetic_is_exact_on_money)
{
    CHECK_STR(value("0.1 + 0.2"), "0.3");
    CHECK_STR(value("slot.amount * 3 - 36.9"), "0");
    CHECK_STR(value("1 - 2 - 3"), "-4");
    CHECK_STR(value("2 + 3 * -4"), "-10");
    CHECK_STR(value("--5 - -0.50"), "5.5");
    CHECK_STR(value("-0.05 * 1"), "-0.05");
    CHECK_STR(value("9223372036854775807 + 1"), "9.223372036854776e+18");
    CHECK_STR(value("1e308 * 10"), "null");
    CHECK_STR(value("1.5e2 + 1"), "151");
    CHECK_STR(value("-(3)"), "-3");
    CHECK_STR(value("[-'a', 1 + 'a', 'a' + 'b', null + 1, true * 2, 1 - null]"), "[null,null,null,null,null,null]");
}

TEST(dates_differ_in_days_and_move_by_days)
{
    CHECK_STR(value("'2026-03-01' - '2026-02-01'"), "28");
    CHECK_STR(value("tool.check_card_delivery.seen_at - tool.check_card_delivery.eta"), "2");
    CHECK_STR(value("'2028-02-28' + 2"), "\"2028-03-01\"");
    CHECK_STR(value("2 + '2028-02-28'"), "\"2028-03-01\"");
    CHECK_STR(value("'2026-01-01' - 1"), "\"2025-12-31\"");
    CHECK_STR(value("'2026-01-01' + tool.check_card_delivery.days_late"), "\"2026-01-04\"");
    CHECK(yes("tool.check_card_delivery.eta + 2 <= tool.check_card_delivery.seen_at"));
    CHECK_STR(value("['2026-02-30' + 1, '2026-01-01' + 1.5, '2026-01-01' * 2, '2026-01-01' + 'x', 1 - '2026-01-01', "
                    "'9999-12-31' + 1, '2026-01-01' + 99999999999, '0000-01-01' - 1]"),
              "[null,null,null,null,null,null,null,null]");
}

TEST(shares_and_cents_are_exact)
{
    CHECK_STR(value("100 / 8"), "12.5");
    CHECK_STR(value("100 / 3 round 2"), "33.33");
    CHECK_STR(value("200 / 3 round 2"), "66.67");
    CHECK_STR(value("1000 * 0.0199 / 12 round 2"), "1.66");
    CHECK_STR(value("2.345 round 2"), "2.35"); /* a double would be 2.34 */
    CHECK_STR(value("-2.345 round 2"), "-2.35");
    CHECK_STR(value("2.5 round 0"), "3");
    CHECK_STR(value("1 + 1 / 3 round 2"), "1.33"); /* round binds looser than + */
    CHECK_STR(value("2.5 round 9"), "2.5");
    CHECK_STR(value("[1 / 0, 1 / 'a', 'a' round 2, 1 round 'a', 1 round (0 - 1), '2026-01-01' / 2]"),
              "[null,null,null,null,null,null]");
    CHECK_STR(value("9223372036854775807 / 0.000001"), "9.223372036854776e+24");
    CHECK_STR(value("-9223372036854775808 / 1"), "-9.223372036854776e+18"); /* 19 digits: no decimal */
    CHECK_STR(refusal("1 round"), "expression, byte 7: the text ends where a value is expected");
}

TEST(times_differ_in_hours_and_move_by_hours)
{
    CHECK_STR(value("'2026-11-22T07:45:00Z' hours_since '2026-11-21T06:15:00Z'"), "25.5");
    CHECK_STR(value("'2026-11-22T07:45:00-03:00' hours_since '2026-11-22T07:45:00Z'"), "3");
    CHECK_STR(value("'2026-11-22T07:45:00.250+05:30' hours_since '2026-11-22'"), "2.25");
    CHECK_STR(value("'2026-11-22 07:45' hours_since '2026-11-22 08:45'"), "-1");
    CHECK_STR(value("'2026-12-31T23:30:00Z' plus_hours 1.5"), "\"2027-01-01T01:00:00Z\"");
    CHECK_STR(value("'2026-01-01' plus_hours -24"), "\"2025-12-31T00:00:00Z\"");
    CHECK(yes("tool.check_card_delivery.seen_at hours_since tool.check_card_delivery.eta < 24 * 3"));
    CHECK_STR(value("['2026-11-22T24:00Z' hours_since '2026-11-22', '2026-11-22T07:45:00+3' hours_since '2026-11-22', "
                    "'x' hours_since '2026-11-22', '9999-12-31T23:00Z' plus_hours 1, '2026-01-01' plus_hours 'x', "
                    "'2026-01-01' plus_hours 99999999999]"),
              "[null,null,null,null,null,null]");
}

TEST(a_malformed_expression_is_refused_with_its_offset)
{
    CHECK_STR(refusal(""), "expression, byte 0: the text ends where a value is expected");
    CHECK_STR(refusal("a =="), "expression, byte 4: the text ends where a value is expected");
    CHECK_STR(refusal("a = 1"), "expression, byte 2: compare with ==");
    CHECK_STR(refusal("a & b"), "expression, byte 2: a character that no expression has");
    CHECK_STR(refusal("a b"), "expression, byte 2: something follows the expression");
    CHECK_STR(refusal("(a"), "expression, byte 2: expected )");
    CHECK_STR(refusal("[a b]"), "expression, byte 3: expected , or ]");
    CHECK_STR(refusal("[a,]"), "expression, byte 3: expected a value");
    CHECK_STR(refusal("'abc"), "expression, byte 0: a text without its closing quote");
    CHECK_STR(refusal("1 < 2 < 3"), "expression, byte 6: comparisons do not chain; use `and`");
    CHECK_STR(refusal("a is set is set"), "expression, byte 9: comparisons do not chain; use `and`");
    CHECK_STR(refusal("a is 1"), "expression, byte 5: after `is` comes `set` or `not set`");
    CHECK_STR(refusal("and"), "expression, byte 0: expected a value");
    CHECK_STR(refusal("a..b"), "expression, byte 0: a path with an empty part");
    CHECK_STR(refusal("a."), "expression, byte 0: a path with an empty part");
    CHECK_STR(refusal(".5"), "expression, byte 0: not a number");
    CHECK_STR(refusal("012"), "expression, byte 0: not a number");
    CHECK_STR(refusal("1 + 2 matches '('"),
              "expression, byte 14: the pattern is wrong at byte 1: missing closing parenthesis");
    CHECK_STR(refusal("'\xf1'"), "expression, byte 1: not valid UTF-8");
    CHECK_STR(refusal("a\001"), "expression, byte 1: a character that no expression has");
}

TEST(an_expression_too_deep_or_too_long_is_refused)
{
    struct buf deep = buf_new(a, 100000);
    struct json *v;
    for (int i = 0; i < 5000; i++)
        buf_adds(&deep, "(");
    CHECK(expr_check(buf_str(&deep), &e) == ERR_LIMIT);
    buf_clear(&deep);
    for (int i = 0; i < 2000; i++)
        buf_adds(&deep, "not ");
    CHECK(expr_check(buf_str(&deep), &e) == ERR_LIMIT);
    buf_clear(&deep);
    for (int i = 0; i < 8000; i++)
        buf_adds(&deep, "-");
    CHECK(expr_check(buf_str(&deep), &e) == ERR_LIMIT);
    buf_clear(&deep);
    for (int i = 0; i < 4000; i++)
        buf_adds(&deep, "1+");
    buf_adds(&deep, "1"); /* long, but not deep */
    CHECK(expr_eval(a, buf_str(&deep), NULL, &v, &e) == 0 && json_int(v, 0) == 4001);
    buf_adds(&deep, str_f(a, "%0400d", 0).p);
    CHECK(expr_check(buf_str(&deep), &e) == ERR_LIMIT);
}

/* --- what is known before it runs --- */

static struct buf told;

static void tell(void *with, size_t at, const char *sentence)
{
    buf_addf(&told, "%zu %s\n", at, sentence);
}

static bool known_path(void *with, struct str path, struct expr_type *out, struct err *why)
{
    static const char *const kinds = "{\"n\":4,\"t\":24,\"d\":16,\"l\":32,\"b\":2,\"maybe\":5,\"any\":127,\"kind\":9}";
    struct json *all, *words;
    struct err none;
    assert_int_equal(json_parse(a, str_of(kinds), &all, &none), 0);
    assert_int_equal(json_parse(a, STR("[\"house\",\"po_box\"]"), &words, &none), 0);
    int64_t k = json_int(json_path(all, path), 0);
    if (!k) {
        err_set(why, ERR_NOT_FOUND, "there is no %.*s", STR_ARG(path));
        return false;
    }
    *out = (struct expr_type){(unsigned)k, str_is(path, "kind") ? words : NULL};
    return true;
}

/* The problems of an expression, and its kinds. */
static struct str problems(const char *source)
{
    static const struct expr_scope scope = {.path = known_path, .problem = tell};
    const struct expr *x;
    told = buf_new(a, 4000);
    assert_int_equal(expr_compile(a, str_of(source), &x, &e), 0);
    struct expr_type t = expr_type(a, x, &scope);
    buf_addf(&told, "%.*s", STR_ARG(expr_kinds_in_words(a, t.kinds)));
    return buf_str(&told);
}

TEST(a_word_that_a_value_never_has_is_found)
{
    CHECK_STR(problems("kind == 'house'"), "true or false");
    CHECK_STR(problems("kind == null and kind != 'po_box' and 'house' == kind"), "true or false");
    CHECK_STR(problems("kind == 'hous'"), "8 kind is never \"hous\"; did you mean 'house'?\ntrue or false");
    CHECK_STR(problems("kind != 'flat'"), "8 kind is never \"flat\"; it can be: house, po_box\ntrue or false");
    CHECK_STR(problems("kind == 3"), "8 kind is never 3; it can be: house, po_box\ntrue or false");
    CHECK_STR(problems("kind in ['house', 'flat']"),
              "8 kind is never \"flat\"; it can be: house, po_box\ntrue or false");
    CHECK_STR(problems("n == 'x'"), "5 n is never \"x\": it is a number\ntrue or false");
    CHECK_STR(problems("d == 'soon'"), "5 d is never \"soon\": it is a date\ntrue or false");
    CHECK_STR(problems("n == null"), "2 n and null are never the same\ntrue or false");
    CHECK_STR(problems("maybe == null or any == 'x' or t == '2026-01-01'"), "true or false");
}

TEST(a_comparison_that_never_holds_is_found)
{
    CHECK_STR(problems("n < t"), "2 n (a number) and t (a text) have no order: `<` is never true\ntrue or false");
    CHECK_STR(problems("b >= true"),
              "2 b (true or false) and true (true or false) have no order: `>=` is never true\ntrue or false");
    CHECK_STR(problems("n contains 1"), "2 n is a number, which contains nothing\ntrue or false");
    CHECK_STR(problems("t contains 1"), "2 t contains texts only, and 1 is a number\ntrue or false");
    CHECK_STR(problems("l contains 1 and t contains 'x' and any contains n and any < 'x'"), "true or false");
    CHECK_STR(problems("n matches '1'"), "2 `matches` compares texts, and n is a number\ntrue or false");
    CHECK_STR(problems("not (n < 3 and nobody is set)"), "15 there is no nobody\ntrue or false");
    CHECK_STR(problems("d < '2026-01-01' and t < 'x' and d - d < 3"), "true or false");
}

TEST(arithmetic_has_a_type)
{
    CHECK_STR(problems("n + n * maybe"), "a number");
    CHECK_STR(problems("d - d"), "a number");
    CHECK_STR(problems("d + n"), "a date");
    CHECK_STR(problems("t - 3"), "a date");
    CHECK_STR(problems("n + b"), "4 a number + true or false is always null\na text or a number or true or "
                                 "false or a list or an object");
    CHECK_STR(problems("d * 2 is set"), "4 a date * a number is always null\ntrue or false");
    CHECK_STR(problems("n / 3 round 2"), "a number");
    CHECK_STR(problems("d hours_since t"), "a number");
    CHECK_STR(problems("d plus_hours n"), "a date");
    CHECK_STR(problems("d round 2 is set"), "8 a date round a number is always null\ntrue or false");
    CHECK_STR(problems("n hours_since d is set"), "14 a number hours_since a date is always null\ntrue or false");
    CHECK_STR(problems("-l"), "0 - stands before what is no number: always null\na number");
    CHECK_STR(problems("['a', n]"), "a list");
    CHECK_STR(problems("'a'"), "a text");
    CHECK_STR(problems("'2026-01-01'"), "a date");
}

static void name_path(void *with, struct str path)
{
    buf_addf(with, "%.*s ", STR_ARG(path));
}

TEST(the_paths_that_it_reads_are_told)
{
    const struct expr *x;
    struct buf b = buf_new(a, 200);
    CHECK(expr_compile(a, STR("slot.a is set or not (b in [c.d, 1] and $slot.a - -e > 2)"), &x, &e) == 0);
    expr_paths(x, name_path, &b);
    CHECK_STR(buf_str(&b), "slot.a b c.d slot.a e ");
}

TEST(a_compiled_expression_is_evaluated_over_many_roots)
{
    const struct expr *x;
    struct json *other;
    struct buf source = buf_new(a, 100);
    buf_adds(&source, "$slot.amount + 1");
    CHECK(expr_compile(a, buf_str(&source), &x, &e) == 0);
    buf_clear(&source); /* nothing of it is needed any more */
    buf_adds(&source, "xxxxxxxxxxxxxxxx");
    CHECK(json_parse(a, STR("{\"slot\":{\"amount\":1}}"), &other, &e) == 0);
    CHECK_STR(json_text(a, expr_run(a, x, root)), "13.3");
    CHECK_STR(json_text(a, expr_run(a, x, other)), "2");
    CHECK_STR(json_text(a, expr_run(a, x, NULL)), "null");
    CHECK_STR(refusal("$"), "expression, byte 0: a character that no expression has");
    CHECK_STR(refusal("$1"), "expression, byte 0: a character that no expression has");
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(literals_and_paths_give_their_values), ROW(a_value_outlives_the_root_it_was_read_from),
    ROW(comparisons_go_by_value_and_are_false_on_unlike_kinds), ROW(a_missing_path_equals_only_null),
    ROW(lists_texts_and_objects_contain), ROW(a_pattern_searches_in_a_text),
    ROW(logic_binds_or_loosest_then_and_then_not), ROW(arithmetic_is_exact_on_money),
    ROW(dates_differ_in_days_and_move_by_days), ROW(shares_and_cents_are_exact),
    ROW(times_differ_in_hours_and_move_by_hours), ROW(a_malformed_expression_is_refused_with_its_offset),
    ROW(an_expression_too_deep_or_too_long_is_refused), ROW(a_word_that_a_value_never_has_is_found),
    ROW(a_comparison_that_never_holds_is_found), ROW(arithmetic_has_a_type), ROW(the_paths_that_it_reads_are_told),
    ROW(a_compiled_expression_is_evaluated_over_many_roots))
