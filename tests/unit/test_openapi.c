#include "test.h"

#include "base/yaml.h"
#include "engine/keys.h"
#include "engine/openapi.h"
#include "engine/tool.h"
#include "routine/draft.h"

static struct arena *a;
static struct err e;
static struct openapi_draft *drafts;
static size_t n;

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

static int import(const char *text, const char *operation)
{
    struct openapi_wish wish = {.operations = &operation, .operations_n = operation ? 1 : 0, .service = STR("api")};
    struct json *document;
    if (json_parse(a, str_of(text), &document, &e) < 0)
        print_error("%s\n", e.text);
    assert_int_equal(e.code, 0);
    return openapi_drafts(a, document, &wish, &drafts, &n, &e);
}

/* The one draft of a document with this path item, as the file that it would be. */
static const struct json *one_file(const char *path, const char *item)
{
    struct json *file;
    const char *text = str_f(a, "{\"openapi\":\"3.1.0\",\"paths\":{\"%s\":%s}}", path, item).p;
    if (import(text, NULL) < 0)
        print_error("%s\n", e.text);
    assert_int_equal(e.code, 0);
    assert_int_equal(n, 1);
    assert_int_equal(yaml_parse(a, drafts[0].text, "tool.yaml", &file, &e), 0);
    return file;
}

static const struct json *one(const char *operation)
{
    return one_file("/a", str_f(a, "{\"get\":%s}", operation).p);
}

static bool says(const char *words)
{
    return str_has(drafts[0].text, str_of(words));
}

static struct str at(const struct json *v, const char *path)
{
    const struct json *found = json_path(v, str_of(path));
    return found ? json_text(a, found) : STR("");
}

/* The document beside the tests, made by hand for them. */
static void import_lockers(const char *operation)
{
    struct buf text = buf_new(a, 1 << 20);
    FILE *f = fopen("tests/data/openapi_lockers.json", "r");
    char chunk[4096];
    assert_non_null(f);
    for (size_t k; (k = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&text, (struct str){chunk, k});
    fclose(f);
    assert_int_equal(import(str_c(a, buf_str(&text)), operation), 0);
}

TEST(each_operation_becomes_a_tool_that_can_be_read)
{
    import_lockers(NULL);
    CHECK_INT(n, 3);
    CHECK_STR(drafts[0].name, "get_parcel");
    CHECK_STR(drafts[1].name, "extend_keeping");
    CHECK_STR(drafts[1].operation, "POST /parcels/{parcelId}/extensions");
    for (size_t i = 0; i < n; i++) {
        struct json *file;
        struct tool tool;
        CHECK_INT(yaml_parse(a, drafts[i].text, "t.yaml", &file, &e), 0);
        CHECK_INT(keys_check(file, "tool", "t.yaml", &e), 0);
        CHECK_INT(tool_read(a, file, "t.yaml", &tool, &e), 0);
        unsigned todos = 0;
        for (struct str rest = drafts[i].text; str_has(rest, STR("# " DRAFT_MARK ": ")); todos++)
            rest = str_from(rest, (size_t)str_find(rest, STR("# " DRAFT_MARK ": ")) + 1);
        CHECK_INT(drafts[i].todos, todos);
    }
}

TEST(an_action_says_what_a_person_has_to_decide)
{
    struct json *file;
    import_lockers("extendKeeping");
    CHECK_INT(n, 1);
    CHECK_INT(yaml_parse(a, drafts[0].text, "t.yaml", &file, &e), 0);
    CHECK_STR(at(file, "effect"), "\"action\"");
    CHECK_STR(at(file, "http"), "{\"method\":\"POST\",\"url\":\"${api}/parcels/{parcelId}/extensions\","
                                "\"body\":{\"days\":\"days\",\"reason\":\"reason\"}}");
    CHECK_STR(at(file, "input.required"), "[\"parcelId\",\"days\"]"); /* requested_at is the backend's own */
    CHECK_STR(at(file, "input.properties.days"),
              "{\"type\":\"integer\",\"minimum\":0,\"exclusiveMinimum\":0,\"maximum\":5,"
              "\"x-show\":true,\"x-label\":{\"en\":\"Days\"}}");
    CHECK_STR(at(file, "input.properties.reason.type"), "[\"string\",\"null\"]");
    CHECK_STR(at(file, "project"), "{\"number\":\"receipt.number\",\"kept_until\":\"kept_until\"}");
    CHECK_STR(at(file, "errors"),
              "{\"409\":\"refused\",\"422\":\"refused\",\"5xx\":\"unknown\",\"timeout\":\"unknown\"}");
    CHECK_STR(at(file, "idempotency"), "{\"mode\":\"key\"}"); /* it takes the header Idempotency-Key */
    CHECK_STR(at(file, "examples"), "[{\"args\":{\"parcelId\":\"P-1001\",\"days\":3,\"reason\":\"travelling\"},"
                                    "\"result\":{\"number\":\"R-55\",\"kept_until\":\"2026-12-04\"}}]");
    CHECK(says("# " DRAFT_MARK ": the service asks for gateway: the header X-Api-Key\n"));
    CHECK(says("# " DRAFT_MARK ": `reconcile`: the request that asks what became of a {key}\n"));
    CHECK(says("the document says https://lockers.example.com/v2\n"));
}

TEST(what_refers_to_itself_is_cut_and_says_so)
{
    static const char *const tree =
        "{\"openapi\":\"3.1.0\",\"paths\":{\"/t\":{\"post\":{\"requestBody\":{\"content\":{\"application/"
        "json\":{\"schema\":"
        "{\"$ref\":\"#/components/schemas/"
        "T\"}}}},\"responses\":{}}}},\"components\":{\"schemas\":{\"T\":{\"type\":\"object\","
        "\"properties\":{\"name\":{\"type\":\"string\"},\"below\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/"
        "components/"
        "schemas/T\"}}}}}}}";
    struct json *file;
    CHECK_INT(import(tree, NULL), 0);
    CHECK_INT(yaml_parse(a, drafts[0].text, "t.yaml", &file, &e), 0);
    CHECK_STR(at(file, "input.properties.below.items"), "{}");
    CHECK(says("# " DRAFT_MARK ": the body: it contains itself and is cut; anything fits there now\n"));
    CHECK_STR(at(file, "tool"), "\"post_t\"");
}

TEST(what_the_document_says_cannot_become_a_line_of_the_file)
{
    const struct json *file =
        one("{\"operationId\":\"x\",\"summary\":\"a\\nhttp: {}\\u2028b\",\"parameters\":[{\"in\":\"cookie\","
            "\"name\":\"c\\nversion: 9\\u0085tool: evil\"}],\"responses\":{}}");
    CHECK_STR(at(file, "summary"), "\"a http: {} b\"");
    CHECK_STR(at(file, "version"), "\"0.1.0\"");
    CHECK_STR(at(file, "tool"), "\"x\"");
    CHECK(says("# " DRAFT_MARK ": the cookie parameter c version: 9 tool: evil is not sent\n"));
}

TEST(names_are_those_that_a_path_and_an_expression_can_hold)
{
    const struct json *file =
        one_file("/a/{in}/{no one}/$x",
                 "{\"get\":{\"operationId\":\"HTTPServerGet-2ndThing\",\"parameters\":[{\"in\":\"path\","
                 "\"name\":\"in\",\"schema\":{}},{\"in\":\"query\",\"required\":true,\"name\":\"in\",\"schema\":{}},"
                 "{\"in\":\"query\",\"required\":true,\"name\":\"filter[a]\",\"schema\":{}}],\"responses\":{}}}");
    CHECK_STR(at(file, "tool"), "\"http_server_get_2nd_thing\"");
    CHECK_STR(at(file, "http.url"), "\"${api}/a/{in_value}/{no_one}/%24x\"");
    CHECK_STR(at(file, "http.query"), "{\"in\":\"in_value_2\",\"filter[a]\":\"filter_a_\"}");
    CHECK(says("# " DRAFT_MARK ": the document does not describe {no one}, a part of the path\n"));
}

TEST(what_is_no_object_is_sent_and_read_as_a_whole)
{
    const struct json *file = one_file(
        "/a", "{\"put\":{\"parameters\":[{\"in\":\"query\",\"name\":\"dry\",\"schema\":{\"type\":\"boolean\"}}],"
              "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"type\":\"array\","
              "\"items\":{\"type\":\"integer\"}},\"example\":[1]}}},\"responses\":{\"200\":{\"content\":{"
              "\"application/json\":{\"schema\":{\"type\":\"array\"},\"example\":[2]}}}}}}");
    CHECK_STR(at(file, "http"),
              "{\"method\":\"PUT\",\"url\":\"${api}/a\",\"query\":{\"dry\":\"dry\"},\"body\":\"body\"}");
    CHECK_STR(at(file, "input.required"), "[\"body\"]"); /* what is missing is left out of the query */
    CHECK_STR(at(file, "project"), "{\"items\":\"answer\"}");
    CHECK_STR(at(file, "examples"), "[{\"args\":{\"body\":[1]},\"result\":{\"items\":[2]}}]");
}

TEST(a_look_up_keeps_no_promise_of_an_action)
{
    const struct json *file =
        one("{\"parameters\":[{\"in\":\"header\",\"name\":\"Idempotency-Key\"}],\"responses\":{}}");
    CHECK_STR(at(file, "effect"), "\"read\"");
    CHECK_STR(at(file, "idempotency"), "");
    CHECK(says("the header Idempotency-Key is not sent\n"));
}

TEST(two_fields_of_one_name_are_told_apart_by_their_paths)
{
    const struct json *file =
        one("{\"responses\":{\"200\":{\"content\":{\"application/json; charset=utf-8\":{\"schema\":{"
            "\"properties\":{\"id\":{\"type\":\"string\"},\"card\":{\"properties\":{\"id\":{\"type\":[\"null\","
            "\"string\"]}}},\"not\":{\"type\":\"string\"}}}}}}}}");
    CHECK_STR(at(file, "project"), "{\"id\":\"id\",\"card_id\":\"card.id\"}");
    CHECK(says("# " DRAFT_MARK ": not cannot stand in an expression and is left out\n"));
    CHECK(says("# " DRAFT_MARK ": the document gives this operation no name\n"));
}

TEST(a_document_that_is_none_is_refused_with_the_reason)
{
    CHECK_INT(import("[]", NULL), ERR_INVALID);
    CHECK_STR(str_of(e.text), "this is no OpenAPI document: it has no `openapi: 3.0.x` or `3.1.x`");
    e.code = 0;
    CHECK_INT(import("{\"swagger\":\"2.0\",\"paths\":{}}", NULL), ERR_UNSUPPORTED);
    e.code = 0;
    CHECK_INT(import("{\"openapi\":\"4.0.0\",\"paths\":{}}", NULL), ERR_UNSUPPORTED);
    e.code = 0;
    CHECK_INT(import("{\"openapi\":\"3.0.0\"}", NULL), ERR_INVALID);
    e.code = 0;
    CHECK_INT(import("{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"get\":{}}}}", "b"), ERR_NOT_FOUND);
    CHECK_STR(str_of(e.text), "the document has no operation b");
    e.code = 0;
    CHECK_INT(
        import("{\"openapi\":\"3.0.0\",\"paths\":{\"/a\":{\"get\":{\"operationId\":\"x-y\"},\"put\":{\"operationId\":"
               "\"xY\"}}}}",
               NULL),
        ERR_INVALID);
    CHECK_STR(str_of(e.text), "GET /a and PUT /a would both be the tool x_y; give one another operationId");
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(each_operation_becomes_a_tool_that_can_be_read), ROW(an_action_says_what_a_person_has_to_decide),
    ROW(what_refers_to_itself_is_cut_and_says_so), ROW(what_the_document_says_cannot_become_a_line_of_the_file),
    ROW(names_are_those_that_a_path_and_an_expression_can_hold), ROW(what_is_no_object_is_sent_and_read_as_a_whole),
    ROW(a_look_up_keeps_no_promise_of_an_action), ROW(two_fields_of_one_name_are_told_apart_by_their_paths),
    ROW(a_document_that_is_none_is_refused_with_the_reason))
