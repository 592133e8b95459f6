#include "test.h"

#include "base/yaml.h"

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
    if (yaml_parse(a, str_of(text), "t.yaml", &v, &e) < 0)
        print_error("%s\n", e.text);
    assert_non_null(v);
    return v;
}

static struct str as_json(const char *text)
{
    return json_text(a, parse(text));
}

static struct str refusal(struct str text)
{
    struct json *v = NULL;
    int r = yaml_parse(a, text, "t.yaml", &v, &e);
    assert_true(r < 0 && !v);
    return str_of(e.text);
}

TEST(a_workspace_file_reads_as_the_json_it_means)
{
    struct json *v = parse("# a tool\n"
                           "tool: reissue_card\n"
                           "version: 1.10\n"
                           "limits: {calls: 3, seconds: 2.5}\n"
                           "\n"
                           "input:\n"
                           "  - name: address\n"
                           "    enum: [home, work]\n"
                           "text: |\n"
                           "  two\n"
                           "  lines\n"
                           "folded: >-\n"
                           "  one\n"
                           "  line\n");
    CHECK_STR(json_text(a, v), "{\"tool\":\"reissue_card\",\"version\":1.10,\"limits\":{\"calls\":3,\"seconds\":2.5},"
                               "\"input\":[{\"name\":\"address\",\"enum\":[\"home\",\"work\"]}],"
                               "\"text\":\"two\\nlines\\n\",\"folded\":\"one line\"}");
    CHECK_INT(v->line, 2);
    CHECK_INT(json_get(v, "tool")->line, 2);
    CHECK_INT(json_path(v, STR("limits.seconds"))->line, 4);
    CHECK_INT(json_get(v, "input")->line, 6);
    CHECK_INT(json_at(json_get(v, "input"), 0)->line, 7);
    CHECK_INT(json_get(json_at(json_get(v, "input"), 0), "enum")->line, 8);
    CHECK_INT(json_at(json_get(json_at(json_get(v, "input"), 0), "enum"), 1)->line, 8);
    CHECK_INT(json_get(v, "folded")->line, 12);
}

TEST(plain_scalars_read_as_the_core_schema_says_and_the_rest_are_strings)
{
    CHECK_STR(as_json("[null, ~, true, FALSE, True, 1, -2.50, 1e3]"), "[null,null,true,false,true,1,-2.50,1e3]");
    CHECK_STR(as_json("a:\nb: \"\"\n"), "{\"a\":null,\"b\":\"\"}");
    CHECK_STR(as_json("[yes, no, on, off, 2026-11-22, 1_000, 007, +55, 0x1f, .5, 1., .inf, 1e999, 12:30, nUlL]"),
              "[\"yes\",\"no\",\"on\",\"off\",\"2026-11-22\",\"1_000\",\"007\",\"+55\",\"0x1f\",\".5\",\"1.\","
              "\".inf\",\"1e999\",\"12:30\",\"nUlL\"]");
    CHECK_STR(as_json("['true', \"1\", 'null', '~']"), "[\"true\",\"1\",\"null\",\"~\"]");
    CHECK_STR(as_json("|\n  12\n"), "\"12\\n\"");
    CHECK_STR(as_json("\"\\u00e9\\n\\U0001F600\""), "\"\u00e9\\n\U0001F600\"");
    CHECK_STR(as_json("on: x\nyes: y\n"), "{\"on\":\"x\",\"yes\":\"y\"}");
}

TEST(an_empty_document_is_null)
{
    CHECK(json_is(parse(""), JSON_NULL) && json_is(parse("# only this\n"), JSON_NULL));
    CHECK(json_is(parse("---\n"), JSON_NULL) && parse("")->line == 1);
    CHECK_STR(as_json("---\na: 1\n...\n"), "{\"a\":1}");
    CHECK_STR(as_json("\xef\xbb\xbf"
                      "a: 1\nb:\n  - 2\n"),
              "{\"a\":1,\"b\":[2]}");
}

TEST(what_is_outside_the_subset_is_refused_with_its_line)
{
    CHECK_STR(refusal(STR("a: 1\nb: 2\na: 3\n")), "t.yaml:3: duplicate key \"a\"");
    CHECK_STR(refusal(STR("x:\n  a: &n 1\n")), "t.yaml:2: anchors (&name) are not allowed");
    CHECK_STR(refusal(STR("x: &n [1]\n")), "t.yaml:1: anchors (&name) are not allowed");
    CHECK_STR(refusal(STR("x: *n\n")), "t.yaml:1: aliases (*name) are not allowed");
    CHECK_STR(refusal(STR("x: !!str 1\n")), "t.yaml:1: tags (!name) are not allowed");
    CHECK_STR(refusal(STR("--- !t\nx: 1\n")), "t.yaml:1: tags (!name) are not allowed");
    CHECK_STR(refusal(STR("x: 1\n<<: {y: 2}\n")), "t.yaml:2: merge keys (<<) are not allowed");
    CHECK_STR(refusal(STR("a: 1\n---\nb: 2\n")), "t.yaml:2: more than one document");
    CHECK_STR(refusal(STR("? [a]\n: 1\n")), "t.yaml:1: a key must be a string");
    CHECK_STR(refusal(STR("a: 1\n200: x\n")),
              "t.yaml:2: the key 200 must be quoted, as it reads as a number, true, false or null");
    CHECK_STR(refusal(STR("a: \"x\\0y\"\n")), "t.yaml:1: a NUL character is not text");
    CHECK_STR(refusal(STR("a: 1\nb: \xff\n")), "t.yaml:2: not valid UTF-8 text");
    CHECK_STR(refusal(STR("a: 1\nb: \x02\n")), "t.yaml:2: control characters are not allowed");
    CHECK_STR(refusal(STR("a:\n\tb: 1\n")), "t.yaml:2: found character that cannot start any token");
    CHECK(str_starts(refusal(STR("a:\n  - 1\n - 2\n")), STR("t.yaml:3: ")));
    CHECK(str_starts(refusal(STR("a: [1,\n")), STR("t.yaml:2: ")));
}

TEST(a_document_nested_too_deeply_is_refused_before_the_stack_ends)
{
    struct buf deep = buf_new(a, 1 << 20);
    struct json *v;
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_addc(&deep, '[');
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_addc(&deep, ']');
    CHECK(yaml_parse(a, buf_str(&deep), "t.yaml", &v, &e) == 0);
    buf_clear(&deep);
    for (int i = 0; i < 100000; i++)
        buf_addc(&deep, '[');
    CHECK(yaml_parse(a, buf_str(&deep), "t.yaml", &v, &e) == ERR_LIMIT);
    buf_clear(&deep);
    for (int i = 0; i < 100000; i++)
        buf_adds(&deep, "- ");
    CHECK(yaml_parse(a, buf_str(&deep), "t.yaml", &v, &e) == ERR_LIMIT);
}

TEST(json_is_yaml_and_reads_the_same)
{
    static const char *const texts[] = {
        "{\"a\": [1, 2.5, -3e2, true, null], \"b\": {\"c\": \"x\\ny \\u00e9\"}, \"\": []}",
        "[[], {}, \"\", \"~\", 0]",
        "\"plain\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *v;
        CHECK(json_parse(a, str_of(texts[i]), &v, &e) == 0);
        CHECK(json_same(v, parse(texts[i])));
    }
}

TEST(what_is_refused_later_still_has_the_line_it_came_from)
{
    struct json *v;
    CHECK(yaml_parse(a, STR("# a\nb:\n  - c\n  - d: 1\n"), "t.yaml", &v, &e) == 0);
    CHECK_INT(yaml_refuse(&e, "t.yaml", json_get(json_at(json_get(v, "b"), 1), "d"), "%d is odd", 1), ERR_INVALID);
    CHECK_STR(str_of(e.text), "t.yaml:4: 1 is odd");
    CHECK(json_parse(a, STR("{}"), &v, &e) == 0);
    CHECK_INT(yaml_refuse(&e, "t.yaml", v, "empty"), ERR_INVALID);
    CHECK_STR(str_of(e.text), "t.yaml: empty");
    CHECK_INT(yaml_refuse(NULL, "t.yaml", NULL, "empty"), ERR_INVALID);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(a_workspace_file_reads_as_the_json_it_means),
    ROW(plain_scalars_read_as_the_core_schema_says_and_the_rest_are_strings), ROW(an_empty_document_is_null),
    ROW(what_is_outside_the_subset_is_refused_with_its_line),
    ROW(a_document_nested_too_deeply_is_refused_before_the_stack_ends), ROW(json_is_yaml_and_reads_the_same),
    ROW(what_is_refused_later_still_has_the_line_it_came_from))
