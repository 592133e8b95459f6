#include "test.h"

#include "base/schema.h"

#include <dirent.h>

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
    if (schema_check(s, &e) < 0)
        print_error("%s: %s\n", schema, e.text);
    assert_int_equal(schema_check(s, &e), 0);
    e.text[0] = 0;
    int r = schema_fits(s, v, &e);
    assert_int_equal(schema_fits(s, v, NULL), r);
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
    CHECK_STR(check("{\"properties\":{\"a\":{\"unevaluatedItems\":false}}}"),
              "schema, #/properties/a/unevaluatedItems: this keyword is not supported");
    CHECK_STR(check("{\"$anchor\":\"a\"}"), "schema, #/$anchor: this keyword is not supported");
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
              "schema, #/$ref: only references within the schema (#/...) are supported");
    CHECK_STR(check("{\"items\":{\"$id\":\"x\"}}"), "schema, #/items/$id: is supported at the top only");
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

struct tally {
    int groups, skipped, passed, wrong;
};

static struct str file(const char *path)
{
    struct buf text = buf_new(a, 16 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char chunk[65536];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));)
        buf_add(&text, (struct str){chunk, n});
    fclose(f);
    return buf_str(&text);
}

/* The suite holds every `format` to be a note; we check these three. */
static bool deliberate(const char *name, const struct json *schema)
{
    struct str format = json_str(json_get(schema, "format"));
    return strcmp(name, "format.json") == 0 &&
           (str_is(format, "email") || str_is(format, "date") || str_is(format, "date-time"));
}

static void run_groups(const char *folder, const char *name, struct tally *t)
{
    struct json *groups;
    struct str text = file(str_f(a, "%s/%s", folder, name).p);
    /* One file holds a NUL, which no text of ours may; U+0001 asks the same question. */
    for (char *nul = (char *)(uintptr_t)text.p; (nul = strstr(nul, "\\u0000"));)
        nul[5] = '1';
    assert_int_equal(json_parse(a, text, &groups, &e), 0);
    for (const struct json *g = groups->child; g; g = g->next) {
        const struct json *schema = json_get(g, "schema");
        t->groups++;
        int r = schema_check(schema, &e);
        assert_true(r == 0 || r == ERR_UNSUPPORTED || r == ERR_INVALID);
        if (r < 0 || deliberate(name, schema)) {
            if (r == ERR_INVALID)
                print_message("  refused as wrong: %s, %.*s: %s\n", name, STR_ARG(json_str(json_get(g, "description"))),
                              e.text);
            t->skipped++;
            continue;
        }
        for (const struct json *one = json_get(g, "tests")->child; one; one = one->next) {
            e.text[0] = 0;
            bool ok = schema_fits(schema, json_get(one, "data"), &e) == 0;
            bool right = ok == json_bool(json_get(one, "valid"), !ok);
            t->passed += right;
            t->wrong += !right;
            if (!right)
                print_error("wrong: %s, %.*s, %.*s: %s\n", name, STR_ARG(json_str(json_get(g, "description"))),
                            STR_ARG(json_str(json_get(one, "description"))), ok ? "accepted" : e.text);
        }
    }
}

TEST(the_json_schema_suite_finds_no_wrong_answer)
{
    const char *shared = test_shared("data/json_schema_suite/draft2020-12");
    if (!shared)
        return;
    const char *folder = str_c(a, str_of(shared));
    struct tally t = {0};
    DIR *dir = opendir(folder);
    for (struct dirent *d; dir && (d = readdir(dir));)
        if (str_ends(str_of(d->d_name), STR(".json")))
            run_groups(folder, d->d_name, &t);
    closedir(dir);
    static const char *const formats[] = {"date.json", "date-time.json", "email.json", "unknown.json"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        run_groups(str_f(a, "%s/optional_format", folder).p, formats[i], &t);
    print_message("JSON Schema suite: %d of %d groups decided, %d answers right, %d wrong\n", t.groups - t.skipped,
                  t.groups, t.passed, t.wrong);
    CHECK_INT(t.wrong, 0);
    CHECK(t.passed >= 650);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(a_tool_call_that_does_not_fit_is_told_where_and_what_was_expected), ROW(alternatives_say_what_the_first_wanted),
    ROW(a_schema_that_cannot_be_decided_is_refused_with_the_keyword_s_place),
    ROW(a_reference_may_recurse_into_the_value_but_not_in_place),
    ROW(a_schema_that_doubles_its_work_at_every_step_is_stopped), ROW(ten_thousand_items_are_compared_quickly),
    ROW(the_json_schema_suite_finds_no_wrong_answer))
