#include "test.h"

#include "base/decimal.h"
#include "base/schema.h"

static struct arena *a;
static struct err e;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    e = (struct err){0};
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

static struct json *parse(const char *text)
{
    struct json *v = NULL;
    if (json_parse(a, str_of(text), &v, &e) < 0)
        print_error("%s: %s\n", text, e.text);
    assert_non_null(v);
    return v;
}

static struct str check(const char *schema)
{
    e.text[0] = 0;
    int r = schema_check(parse(schema), &e);
    assert_int_equal(r == 0, e.text[0] == 0);
    return str_of(e.text);
}

/* "" when the value fits. */
static struct str fits(const char *schema, const char *value)
{
    struct json *s = parse(schema), *v = parse(value);
    if (schema_check_formats(s, &e) < 0)
        print_error("%s: %s\n", schema, e.text);
    assert_int_equal(schema_check_formats(s, &e), 0);
    e.text[0] = 0;
    int r = schema_fits_formats(s, v, &e);
    assert_int_equal(schema_fits_formats(s, v, NULL), r);
    assert_true(r == 0 || r == ERR_INVALID);
    assert_int_equal(r == 0, e.text[0] == 0);
    return str_of(e.text);
}

static const char *const card =
    "{\"type\":\"object\",\"required\":[\"card_id\",\"address\"],\"additionalProperties\":false,\"properties\":{"
    "\"card_id\":{\"type\":\"string\",\"pattern\":\"^card-[0-9]+$\",\"x-source\":\"customer\"},"
    "\"address\":{\"$ref\":\"#/$defs/address\"},\"amount\":{\"type\":\"number\",\"minimum\":0,\"multipleOf\":0.01},"
    "\"by\":{\"format\":\"date\"},\"list\":{\"items\":{\"type\":\"integer\"},\"uniqueItems\":true,\"maxItems\":3}},"
    "\"$defs\":{\"address\":{\"enum\":[\"home\",\"work\"]}}}";

TEST(a_tool_call_that_does_not_fit_is_told_where_and_what_was_expected)
{
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"amount\":12.30,\"list\":[1,2.0,3]}"), "");
    CHECK_STR(fits(card, "[]"), "the value must be of type object, not an array");
    CHECK_STR(fits(card, "{\"address\":\"home\"}"), "the value must have the member \"card_id\"");
    CHECK_STR(fits(card, "{\"card_id\":7,\"address\":\"home\"}"), "at /card_id must be of type string, not a number");
    CHECK_STR(fits(card, "{\"card_id\":\"card-x\",\"address\":\"home\"}"),
              "at /card_id must match the pattern ^card-[0-9]+$");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"moon\"}"),
              "at /address must be one of [\"home\",\"work\"]");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"a/b~\":1}"),
              "the value must not have the member \"a/b~\"");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"amount\":-1}"),
              "at /amount must be at least 0");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"amount\":0.015}"),
              "at /amount must be a multiple of 0.01");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"by\":\"2026-02-30\"}"),
              "at /by must be a date like 2026-11-22");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"list\":[1,1.5]}"),
              "at /list/1 must be of type integer, not a number with a fraction");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"list\":[1,1.0]}"),
              "at /list must not contain the same item twice");
    CHECK_STR(fits(card, "{\"card_id\":\"card-1\",\"address\":\"home\",\"list\":[1,2,3,4]}"),
              "at /list must have at most 3 items, not 4");
}

TEST(alternatives_say_what_the_first_wanted)
{
    static const char *const either = "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}";
    CHECK_STR(fits(either, "null"), "");
    CHECK_STR(fits(either, "1"),
              "fits none of the 2 alternatives; the first says: the value must be of type string, not a number");
    CHECK_STR(fits("{\"oneOf\":[{\"type\":\"number\"},{\"minimum\":2}]}", "3"),
              "the value must fit one alternative only, not 2 of the 2");
    CHECK_STR(fits("{\"properties\":{\"a/b\":{\"not\":{\"type\":\"null\"}}}}", "{\"a/b\":null}"),
              "at /a~1b must not be what the schema forbids");
    CHECK_STR(fits("{\"type\":[\"string\",\"null\"]}", "[]"),
              "the value must be of one of the types [\"string\",\"null\"], not an array");
    CHECK_STR(fits("{\"properties\":{\"x\":false}}", "{\"x\":1}"), "at /x must not be here");
}

TEST(a_schema_that_cannot_be_decided_is_refused_with_the_keyword_s_place)
{
    CHECK_STR(check(card), "");
    CHECK_STR(check("true"), "");
    CHECK_STR(check("{\"properties\":{\"a\":{\"dependencies\":{}}}}"),
              "schema, #/properties/a/dependencies: this keyword is not supported");
    CHECK_STR(check("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}"),
              "schema, #/$schema: only draft 2020-12 is supported (https://json-schema.org/draft/2020-12/schema)");
    CHECK_STR(check("{\"$anchor\":\"#a\"}"), "schema, #/$anchor: must be a name of letters, digits, '-', '_' and '.'");
    CHECK_STR(check("{\"$id\":\"a#b\"}"), "schema, #/$id: must be a URI without a fragment");
    CHECK_STR(check("{\"allOf\":[{\"$anchor\":\"a\"},{\"$anchor\":\"a\"}]}"), "schema: two parts bear the name \"a\"");
    CHECK_STR(check("{\"$ref\":\"#a\"}"), "schema, #/$ref: the reference points to nothing");
    CHECK_STR(check("{\"dependentRequired\":{\"a\":\"b\"}}"),
              "schema, #/dependentRequired: must be an object of lists of strings");
    CHECK_STR(check("{\"type\":\"strnig\"}"), "schema, #/type: must be a type's name or a list of them");
    CHECK_STR(check("{\"minLength\":-1}"), "schema, #/minLength: must be a whole number from 0");
    CHECK_STR(check("{\"multipleOf\":0}"), "schema, #/multipleOf: must be a number above 0");
    CHECK_STR(check("{\"anyOf\":[]}"), "schema, #/anyOf: must be a list of schemas");
    CHECK_STR(check("{\"anyOf\":[true,1]}"), "schema, #/anyOf/1: a schema is an object, true or false");
    CHECK_STR(check("{\"required\":[1]}"), "schema, #/required: must be a list of strings");
    CHECK_STR(check("{\"pattern\":\"(\"}"),
              "schema, #/pattern: the pattern is wrong at byte 1: missing closing parenthesis");
    CHECK_STR(check("{\"$ref\":\"#/$defs/x\"}"), "schema, #/$ref: the reference points to nothing");
    CHECK_STR(check("{\"$ref\":\"http://example.com/x\"}"),
              "schema, #/$ref: only references within the document are supported; none is fetched");
    CHECK_STR(check("{\"x-new\":{\"$id\":\"y\"},\"$ref\":\"#/x-new\"}"),
              "what a $ref points to: schema, #/$id: is supported only where a keyword expects a schema");
    CHECK_STR(check("{\"x-new\":{\"anything\":[]},\"$ref\":\"#/x-new\"}"),
              "what a $ref points to: schema, #/anything: this keyword is not supported");
}

TEST(a_reference_may_recurse_into_the_value_but_not_in_place)
{
    static const char *const tree =
        "{\"type\":\"object\",\"properties\":{\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},"
        "\"required\":[\"name\"]}";
    CHECK_STR(fits(tree, "{\"name\":1,\"children\":[{\"name\":2,\"children\":[]}]}"), "");
    CHECK_STR(fits(tree, "{\"name\":1,\"children\":[{\"name\":2,\"children\":[{}]}]}"),
              "at /children/0/children/0 must have the member \"name\"");
    static const char *const endless = "schema: a $ref leads back to itself without an end";
    CHECK_STR(check("{\"$ref\":\"#\"}"), endless);
    CHECK_STR(
        check("{\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"}]},\"b\":{\"not\":{\"$ref\":\"#/$defs/a\"}}},"
              "\"items\":{\"$ref\":\"#/$defs/a\"}}"),
        endless);
}

TEST(a_schema_that_doubles_its_work_at_every_step_is_stopped)
{
    struct buf text = buf_new(a, 100000);
    buf_adds(&text, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (int i = 0; i < 40; i++)
        buf_addf(&text, "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]},", i, i + 1,
                 i + 1);
    buf_adds(&text, "\"d40\":true}}");
    struct json *schema = parse(buf_str(&text).p);
    CHECK(schema_check(schema, &e) == 0);
    CHECK(schema_fits(schema, parse("1"), &e) == ERR_LIMIT);
}

TEST(ten_thousand_items_are_compared_quickly)
{
    struct json *list = json_new(a, JSON_ARRAY), *schema = parse("{\"uniqueItems\":true}");
    for (int i = 0; i < 10000; i++)
        json_push(list, json_new_str(a, str_f(a, "item %d", i)));
    CHECK(schema_fits(schema, list, &e) == 0);
    json_push(list, json_new_str(a, STR("item 77")));
    CHECK(schema_fits(schema, list, &e) == ERR_INVALID);
    struct json *accents = parse("[\"\u00e9\",\"e\u0301\"]"); /* alike after normalisation, yet two texts */
    for (int i = 0; i < 20; i++)
        json_push(accents, json_new_int(a, i));
    CHECK(schema_fits(schema, accents, &e) == 0);
}

TEST(a_format_is_a_note_unless_it_is_demanded)
{
    struct json *schema = parse("{\"format\":\"uuid\"}"), *value = parse("\"no\"");
    CHECK_INT(schema_fits(schema, value, &e), 0);
    CHECK_INT(schema_fits_formats(schema, value, &e), ERR_INVALID);
    CHECK_STR(str_of(e.text), "the value must be a UUID");
    static const char *const right[][2] = {{"ipv6", "\"1:2:3:4:5:6:7::\""},
                                           {"ipv6", "\"::ffff:192.0.2.1\""},
                                           {"uri", "\"ldap://[2001:db8::7]/c=GB?objectClass?one\""},
                                           {"uri", "\"urn:oasis:names:specification:docbook:dtd:xml:4.1.2\""},
                                           {"uri-reference", "\"abc#d\""},
                                           {"json-pointer", "\"/foo//a~0b\""},
                                           {"int32", "\"anything\""},
                                           {"date", "20260230"}};
    static const char *const wrong[][2] = {{"ipv6", "\"12345::\""},
                                           {"ipv6", "\"1:2:3:4:5:6:7:8:9\""},
                                           {"ipv6", "\"fe80::a%eth1\""},
                                           {"ipv6", "\"::1::\""},
                                           {"ipv6", "\"::192.168.256.1\""},
                                           {"uri", "\"//foo.bar\""},
                                           {"uri", "\"bar,baz:foo\""},
                                           {"uri", "\"https://[@example.org/a\""},
                                           {"uri", "\"http:// no.com\""},
                                           {"uri", "\"http://a/%zz\""},
                                           {"uri-reference", "\"\\\\\\\\WINDOWS\""},
                                           {"uri-reference", "\"1:a\""},
                                           {"json-pointer", "\"/foo/~2\""},
                                           {"json-pointer", "\"a\""},
                                           {"date", "\"2026-02-30\""}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_INT(schema_fits_formats(parse(str_f(a, "{\"format\":\"%s\"}", right[i][0]).p), parse(right[i][1]), &e),
                  0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_INT(schema_fits_formats(parse(str_f(a, "{\"format\":\"%s\"}", wrong[i][0]).p), parse(wrong[i][1]), &e),
                  ERR_INVALID);
    CHECK_INT(schema_check(parse("{\"format\":\"iri\"}"), &e), 0);
    CHECK_INT(schema_check_formats(parse("{\"format\":\"iri\"}"), &e), ERR_UNSUPPORTED);
    CHECK_STR(str_of(e.text), "schema, #/format: this format is not checked");
}

TEST(a_pattern_means_what_ecma_262_says_or_is_refused)
{
    static const char *const right[][2] = {{"^\\\\p{Letter}+$", "\"ação\""},
                                           {"^\\\\s$", "\"\\u00a0\""},
                                           {"^[^]$", "\"\\n\""},
                                           {"^[[]$", "\"[\""},
                                           {"^\\\\u{1F600}$", "\"\\ud83d\\ude00\""},
                                           {"^\\\\ud83d\\\\ude00$", "\"\\ud83d\\ude00\""},
                                           {"^\\\\v$", "\"\\u000b\""},
                                           {"^a{,2}$", "\"a{,2}\""},
                                           {"^.$", "\"\\ud83d\\ude00\""}};
    static const char *const wrong[][2] = {
        {"^.$", "\"\\u2028\""}, {"[]", "\"a\""}, {"^\\\\d$", "\"\u09ea\""}, {"^\\\\w$", "\"é\""}, {"^a$", "\"a\\n\""}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_STR(fits(str_f(a, "{\"pattern\":\"%s\"}", right[i][0]).p, right[i][1]), "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(fits(str_f(a, "{\"pattern\":\"%s\"}", wrong[i][0]).p, wrong[i][1]).n > 0);
    CHECK_STR(check("{\"pattern\":\"(?i)a\"}"),
              "schema, #/pattern: the pattern has (?i, which JSON Schema's patterns (ECMA-262) do not know");
    CHECK_STR(check("{\"pattern\":\"(a)\\\\1\"}"),
              "schema, #/pattern: the pattern has \\1, a reference to a group, which is not supported");
    static const char *const refused[] = {"\\\\a",  "\\\\Z",   "a++",        "(?P<n>a)", "(?>a)",      "(*FAIL)",
                                          "\\\\x1", "\\\\u12", "\\\\p{^Lu}", "(?#x)a",   "\\\\Qa\\\\E"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(schema_check(parse(str_f(a, "{\"pattern\":\"%s\"}", refused[i]).p), &e), ERR_INVALID);
}

TEST(a_pattern_that_cannot_be_decided_is_no_mismatch)
{
    struct buf text = buf_new(a, 200);
    for (int i = 0; i < 60; i++)
        buf_addc(&text, 'a');
    struct json *value = json_new_str(a, str_f(a, "%.*sb", STR_ARG(buf_str(&text))));
    CHECK_INT(schema_fits(parse("{\"pattern\":\"^(a+)+$\"}"), value, &e), ERR_LIMIT);
    CHECK_INT(schema_fits(parse("{\"not\":{\"pattern\":\"^(a+)+$\"}}"), value, &e), ERR_LIMIT);
    CHECK_STR(str_of(e.text), "a pattern of the schema asks for too many steps");
}

TEST(numbers_of_any_length_are_compared_by_their_digits)
{
    CHECK_STR(fits("{\"const\":12345678901234567890123}", "12345678901234567890123.0"), "");
    CHECK(fits("{\"const\":12345678901234567890123}", "12345678901234567890124").n > 0);
    CHECK_STR(fits("{\"maximum\":12345678901234567890123}", "1.2345678901234567890123e22"), "");
    CHECK(fits("{\"maximum\":12345678901234567890123}", "12345678901234567890123.1").n > 0);
    CHECK(fits("{\"exclusiveMinimum\":-1e-30}", "-1.0e-30").n > 0);
    CHECK_STR(fits("{\"exclusiveMinimum\":-1e-30}", "-0.9e-30"), "");
    CHECK_STR(fits("{\"multipleOf\":0.01}", "123456789012345678901234567.89"), "");
    CHECK(fits("{\"multipleOf\":0.01}", "123456789012345678901234567.891").n > 0);
    CHECK_STR(fits("{\"multipleOf\":1e-8}", "12391239123"), "");
    CHECK(fits("{\"multipleOf\":0.123456789}", "1e308").n > 0);
    CHECK_STR(fits("{\"multipleOf\":0.5}", "1e308"), "");
    CHECK_STR(fits("{\"multipleOf\":3}", "0"), "");
    CHECK_STR(check("{\"multipleOf\":1.2345678901234567891}"),
              "schema, #/multipleOf: more than 18 digits are not supported");
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(a_tool_call_that_does_not_fit_is_told_where_and_what_was_expected), ROW(alternatives_say_what_the_first_wanted),
    ROW(a_schema_that_cannot_be_decided_is_refused_with_the_keyword_s_place),
    ROW(a_reference_may_recurse_into_the_value_but_not_in_place),
    ROW(a_schema_that_doubles_its_work_at_every_step_is_stopped), ROW(ten_thousand_items_are_compared_quickly),
    ROW(a_format_is_a_note_unless_it_is_demanded), ROW(a_pattern_means_what_ecma_262_says_or_is_refused),
    ROW(a_pattern_that_cannot_be_decided_is_no_mismatch), ROW(numbers_of_any_length_are_compared_by_their_digits))
