/* What a tool's specification means: for the model, for the arguments, for the requests and for their answers. */
#include "test.h"

#include "base/yaml.h"
#include "engine/tool.h"

static struct arena *a;

static int group_start(void **state)
{
    (void)state;
    a = arena_new("test", 0);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

#define ORDER \
    "tool: order\nversion: 1.0.0\nsummary: Orders a thing.\neffect: action\nwhen: it is wanted\nwhen_not: [it is " \
    "there, never]\n" \
    "input:\n  type: object\n  properties:\n" \
    "    customer: {type: string, x-source: session}\n" \
    "    what: {type: string, minLength: 2, x-show: true, x-label: {en: Thing, pt: Coisa}}\n" \
    "    colour: {type: string, enum: [red, blue], x-show: true, x-values: {red: {en: deep red, pt: vermelho}}}\n" \
    "    n: {type: integer}\n  required: [customer, what]\n  additionalProperties: false\n" \
    "http: {method: POST, url: \"${shop}/orders/{what}\", body: {customer: customer, thing: what}}\n" \
    "project: {id: data.id, due: data.due}\n" \
    "errors: {\"409\": refused, 5xx: unknown, timeout: unknown}\nalready_done: [TWICE]\n" \
    "idempotency: {mode: key}\nreconcile: {method: GET, url: \"${shop}/orders/by-key/{key}\"}\n" \
    "confirm: {by: customer, text: shop.ask, expires_s: 60}\nlimits: {per_conversation: 2}\ntimeout_ms: 700\n" \
    "examples:\n  - {args: {what: tea}, result: {id: 1}}\n"

#define LOOK \
    "tool: look\nsummary: Looks.\neffect: read\ninput: {type: object, properties: {id: {type: string}}}\n" \
    "steps:\n  - {id: order, http: {method: GET, url: \"${shop}/o/{id}\"}}\n" \
    "  - {id: parcel, http: {method: GET, url: \"${post}/p/{order.code}\"}}\n" \
    "project: {where: parcel.place, late: date - order.due}\nerrors: {timeout: transient}\nfresh_s: 60\n"

static const struct tool_session ana = {{"ana", 3}, {"pt-BR", 5}, 1};

static struct tool read_yaml(const char *text)
{
    struct json *spec;
    struct tool t;
    struct err e = {0};
    if (yaml_parse(a, str_of(text), "t.yaml", &spec, &e) < 0 || tool_read(a, spec, "t.yaml", &t, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

/* The sentence that refuses the specification with `from` written as `to`. */
static struct str refused(const char *from, const char *to)
{
    struct json *spec;
    struct tool t;
    struct err e = {0};
    struct str text = STR(ORDER);
    ptrdiff_t at = str_find(text, str_of(from));
    assert_true(at >= 0);
    text = str_f(a, "%.*s%s%s", (int)at, text.p, to, text.p + at + strlen(from));
    if (yaml_parse(a, text, "t.yaml", &spec, &e) < 0 || tool_read(a, spec, "t.yaml", &t, &e) == 0)
        return str_f(a, "not refused: %s", e.text);
    return str_f(a, "%s", e.text);
}

static struct str arguments(const struct tool *t, const char *text)
{
    struct json *args;
    struct err e = {0};
    if (tool_arguments(a, t, str_of(text), &ana, &args, &e) < 0)
        return str_f(a, "no: %s", e.text);
    return json_canonical(a, args);
}

TEST(a_specification_is_read_with_its_limits_and_defaults)
{
    struct tool t = read_yaml(ORDER);
    CHECK(t.action && t.gate == TOOL_GATE_CUSTOMER && t.idempotency == TOOL_KEY);
    CHECK_STR(t.confirm_macro, "shop.ask");
    CHECK_INT(t.expires_us, 60000000);
    CHECK_INT(t.timeout_ms, 700);
    CHECK_INT(t.limit_per_conversation, 2);
    CHECK_INT(t.fresh_us, 0);
    t = read_yaml(LOOK);
    CHECK(!t.action && t.fresh_us == 60000000 && t.timeout_ms == 5000 && t.limit_per_conversation == 0);
    CHECK(t.steps && t.steps->n == 2 && !t.best_effort);
}

TEST(a_specification_that_lacks_something_is_refused_with_its_line)
{
    static const char *const cases[][3] = {
        {"tool: order\n", "name: order\n", "a tool needs `tool`"},
        {"summary: Orders a thing.\n", "", "a tool needs `tool` (its name) and `summary`"},
        {"effect: action\n", "effect: magic\n", "needs `effect`: read or action"},
        {"input:\n", "inputs:\n", "needs `input`, a JSON Schema"},
        {"type: string, minLength: 2", "type: text, minLength: 2", "input of order"},
        {"http: {method: POST", "https: {method: POST", "needs `http`, `command`"},
        {"mode: key}", "mode: maybe}", "idempotency.mode is \"maybe\""},
        {"by: customer, text", "by: nobody, text", "confirm.by is \"nobody\""},
        {"text: shop.ask, ", "", "needs confirm.text"},
        {"id: data.id", "id: data..id", "project.id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str why = refused(cases[i][0], cases[i][1]);
        if (!str_has(why, str_of(cases[i][2])) || !str_starts(why, STR("t.yaml:")))
            fail_msg("%s: %.*s", cases[i][1], STR_ARG(why));
    }
}

TEST(the_model_sees_neither_what_the_session_supplies_nor_our_own_keys)
{
    struct tool t = read_yaml(ORDER);
    struct buf b = buf_new(a, 1 << 16);
    struct json_writer w = {.out = &b};
    struct json *seen;
    tool_write_definition(&t, &w);
    CHECK_INT(json_parse(a, buf_str(&b), &seen, NULL), 0);
    const struct json *parameters = json_path(seen, STR("function.parameters"));
    CHECK(!json_path(parameters, STR("properties.customer")) && json_path(parameters, STR("properties.what")));
    CHECK_INT(json_get(parameters, "required")->n, 1);
    CHECK(!str_has(buf_str(&b), STR("x-")) && !str_has(buf_str(&b), STR("http")) && !str_has(buf_str(&b), STR("shop")));
    CHECK_STR(json_str(json_path(seen, STR("function.description"))),
              "Orders a thing.\nCall it: it is wanted.\nDo not call it when: it is there; never.\nAn action: the "
              "runtime shows "
              "the customer these arguments and asks for a yes before it runs.\nReturns: id, due.\nExample: "
              "{\"what\":\"tea\"} "
              "gives {\"id\":1}");
}

TEST(arguments_are_checked_and_the_sessions_values_put_in)
{
    struct tool t = read_yaml(ORDER);
    CHECK_STR(arguments(&t, "{\"what\":\"tea\",\"n\":2.0}"), "{\"customer\":\"ana\",\"n\":2,\"what\":\"tea\"}");
    CHECK(str_has(arguments(&t, "{\"what\":\"tea\",\"customer\":\"bruno\"}"), STR("customer is set by the session")));
    CHECK(str_starts(arguments(&t, "{}"), STR("no: the arguments of order")));
    CHECK(str_has(arguments(&t, ""), STR("what")));
    CHECK(str_starts(arguments(&t, "{\"what\":\"x\"}"), STR("no: the arguments of order")));
    CHECK(str_has(arguments(&t, "{\"what\":\"tea\",\"colour\":\"green\"}"), STR("red")));
    CHECK(str_has(arguments(&t, "{\"what\":\"tea\",\"address\":1}"), STR("address")));
    CHECK_STR(arguments(&t, "[\"tea\"]"), "no: the arguments of order must be one JSON object");
    CHECK(str_has(arguments(&t, "{\"what\":\"tea\""), STR("are not JSON")));
    CHECK(str_has(arguments(&t, "{\"what\":\"tea\",\"what\":\"rum\"}"), STR("are not JSON")));
}

static struct str digest(const struct tool *t, const char *args)
{
    struct json *v;
    assert_int_equal(json_parse(a, str_of(args), &v, NULL), 0);
    struct sha256 d = tool_digest(a, t, v);
    return hash_hex(a, d.b, SHA256_BYTES);
}

TEST(the_session_supplies_what_x_from_names_and_else_the_customer)
{
    struct tool t = read_yaml("tool: look\nsummary: Looks.\neffect: read\ninput:\n  type: object\n  properties:\n"
                              "    who: {type: string, x-source: session}\n"
                              "    same: {type: string, x-source: session, x-from: session.customer}\n"
                              "    level: {type: integer, x-source: session, x-from: session.identity}\n"
                              "    language: {type: string, x-source: session, x-from: session.locale}\n"
                              "http: {url: \"${shop}/x\"}\n");
    CHECK_STR(arguments(&t, "{}"), "{\"language\":\"pt-BR\",\"level\":1,\"same\":\"ana\",\"who\":\"ana\"}");
    CHECK(str_has(arguments(&t, "{\"level\":2}"), STR("level is set by the session")));
    CHECK_INT(t.model_input ? json_get(t.model_input, "properties")->n : 9, 0);
}

TEST(what_a_mask_names_is_hidden_in_lists_and_with_all_below_it)
{
    struct tool t =
        read_yaml("tool: look\nsummary: Looks.\neffect: read\ninput: {type: object}\nhttp: {url: \"${shop}/x\"}\n"
                  "audit: {mask: [address.street, parcels.code, note]}\n");
    struct json *v, *hidden = json_new(a, JSON_ARRAY);
    CHECK_INT(json_parse(a,
                         STR("{\"address\":{\"street\":\"Elm 12\",\"city\":\"Rio\"},\"note\":{\"a\":[12345,\"no\"]},"
                             "\"parcels\":[{\"code\":\"AB12\",\"n\":1},{\"code\":null}],\"street\":\"open\"}"),
                         &v, NULL),
              0);
    CHECK_STR(json_text(a, tool_masked(a, &t, v, hidden)),
              "{\"address\":{\"street\":\"[masked]\",\"city\":\"Rio\"},\"note\":\"[masked]\","
              "\"parcels\":[{\"code\":\"[masked]\",\"n\":1},{\"code\":null}],\"street\":\"open\"}");
    CHECK_STR(json_text(a, hidden), "[\"Elm 12\",\"AB12\",\"12345\"]"); /* in the order of the paths; none of 2 bytes */
    CHECK_STR(json_text(a, json_path(v, STR("address.street"))), "\"Elm 12\"");
}

TEST(a_digest_is_of_what_is_meant_not_of_how_it_is_written)
{
    struct tool t = read_yaml(ORDER), other = t;
    struct str one = digest(&t, "{\"what\":\"caf\\u00e9\",\"n\":1}");
    CHECK(str_eq(one, digest(&t, "{ \"n\" : 1.0, \"what\":\"cafe\\u0301\" }")));
    CHECK(!str_eq(one, digest(&t, "{\"what\":\"cafe\",\"n\":1}")));
    CHECK(!str_eq(one, digest(&t, "{\"what\":\"caf\\u00e9\",\"n\":\"1\"}")));
    other.version = STR("1.0.1");
    CHECK(!str_eq(one, digest(&other, "{\"what\":\"caf\\u00e9\",\"n\":1}")));
    other = t;
    other.name = STR("order2");
    CHECK(!str_eq(one, digest(&other, "{\"what\":\"caf\\u00e9\",\"n\":1}")));
}

TEST(a_key_names_the_proposal_and_not_the_attempt)
{
    struct str key = tool_key(a, 7, 12, 1, false);
    CHECK_INT(key.n, 26);
    CHECK(str_eq(key, tool_key(a, 7, 12, 2, false)));
    CHECK(!str_eq(key, tool_key(a, 7, 13, 1, false)) && !str_eq(key, tool_key(a, 8, 12, 1, false)));
    CHECK(!str_eq(tool_key(a, 7, 12, 1, true), tool_key(a, 7, 12, 2, true))); /* the negative control */
}

TEST(the_customer_is_shown_words_in_the_language_of_the_conversation)
{
    struct tool t = read_yaml(ORDER);
    struct json *args;
    const char *const wanted[][2] = {{"pt", "[{\"name\":\"what\",\"label\":\"Coisa\",\"value\":\"tea\"},"
                                            "{\"name\":\"colour\",\"label\":\"colour\",\"value\":\"vermelho\"}]"},
                                     {"es", "[{\"name\":\"what\",\"label\":\"Thing\",\"value\":\"tea\"},"
                                            "{\"name\":\"colour\",\"label\":\"colour\",\"value\":\"deep red\"}]"}};
    CHECK_INT(tool_arguments(a, &t, STR("{\"what\":\"tea\",\"colour\":\"red\",\"n\":3}"), &ana, &args, NULL), 0);
    for (int i = 0; i < 2; i++) {
        struct buf b = buf_new(a, 4096);
        struct json_writer w = {.out = &b};
        tool_write_shown(a, &t, args, str_of(wanted[i][0]), &w);
        CHECK_STR(buf_str(&b), wanted[i][1]);
    }
}

static struct json *json_of(const char *text)
{
    struct json *v;
    assert_int_equal(json_parse(a, str_of(text), &v, NULL), 0);
    return v;
}

static int request(const struct tool *t, const struct json *services, const struct json *root, struct tool_http *out,
                   struct err *e)
{
    struct tool_world world = {.services = services};
    return tool_http_fill(a, json_get(t->spec, "http"), &world, root, out, e);
}

TEST(a_request_is_filled_from_the_arguments_and_values_are_escaped_in_its_path)
{
    struct tool t = read_yaml(ORDER);
    struct tool_http http;
    struct err e = {0};
    struct json *services = json_of("{\"shop\":\"http://127.0.0.1:1\"}"),
                *root = json_of("{\"customer\":\"ana\",\"what\":\"../a b?c#d/\\u00e9\"}");
    CHECK_INT(request(&t, services, root, &http, &e), 0);
    CHECK_STR(http.url, "http://127.0.0.1:1/orders/..%2Fa%20b%3Fc%23d%2F%C3%A9");
    CHECK_STR(http.method, "POST");
    CHECK_STR(http.body, "{\"customer\":\"ana\",\"thing\":\"../a b?c#d/\u00e9\"}");
    CHECK_INT(request(&t, json_of("{}"), root, &http, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("needs shop, which is missing")));
    CHECK_INT(request(&t, services, json_of("{\"customer\":\"ana\"}"), &http, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("needs what, which is missing")));
}

TEST(a_value_that_would_lead_to_another_place_of_the_backend_is_refused)
{
    struct tool t = read_yaml(ORDER);
    struct tool_http http;
    struct err e = {0};
    struct json *services = json_of("{\"shop\":\"http://127.0.0.1:1\"}"), *root = json_new(a, JSON_OBJECT);
    for (const char *const *what = (const char *const[]){".", "..", NULL}; *what; what++) {
        json_set(root, STR("what"), json_new_str(a, str_of(*what)));
        CHECK_INT(request(&t, services, root, &http, &e), ERR_INVALID);
    }
    char *longest = memset(arena_alloc(a, 5000), 'x', 4999);
    json_set(root, STR("what"), json_new_str(a, str_of(longest)));
    CHECK_INT(request(&t, services, root, &http, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("longer than")));
}

TEST(a_composite_sees_the_answers_of_its_earlier_steps)
{
    struct tool t = read_yaml(LOOK);
    struct tool_http http;
    struct err e = {0};
    struct json *services = json_of("{\"shop\":\"http://s\",\"post\":\"http://p\"}"),
                *root =
                    json_of("{\"id\":\"7\",\"date\":\"2026-03-10\",\"order\":{\"code\":\"BR1\",\"due\":\"2026-03-04\"},"
                            "\"parcel\":{\"place\":\"depot\"}}");
    struct str result;
    CHECK_INT(tool_http_fill(a, json_get(json_at(t.steps, 1), "http"), &(struct tool_world){.services = services}, root,
                             &http, &e),
              0);
    CHECK_STR(http.url, "http://p/p/BR1");
    CHECK_INT(tool_project(a, &t, root, &result, &e), 0);
    CHECK_STR(result, "{\"where\":\"depot\",\"late\":6}");
}

TEST(an_answer_has_the_class_that_the_specification_gives_it)
{
    struct tool order = read_yaml(ORDER), look = read_yaml(LOOK);
    const struct json *twice = json_of("{\"error\":{\"code\":\"TWICE\"}}"), *body = json_of("{}");
    const struct {
        const struct tool *t;
        int status;
        bool sent;
        const struct json *body;
        enum tool_class class;
    } cases[] = {
        {&order, 200, true, body, TOOL_OK},
        {&order, 201, true, body, TOOL_OK},
        {&order, 200, true, NULL, TOOL_UNKNOWN},       /* done, says the status, but not what */
        {&order, 409, true, twice, TOOL_ALREADY_DONE}, /* the code counts, whatever the status */
        {&order, 503, true, twice, TOOL_ALREADY_DONE},
        {&order, 409, true, body, TOOL_REFUSED},
        {&order, 404, true, NULL, TOOL_REFUSED},
        {&order, 301, true, NULL, TOOL_UNKNOWN}, /* a redirect is not followed */
        {&order, 503, true, NULL, TOOL_UNKNOWN}, /* as it says for 5xx */
        {&order, 429, true, NULL, TOOL_TRANSIENT},
        {&order, 0, false, NULL, TOOL_TRANSIENT}, /* nothing left: safe to try again */
        {&order, 0, true, NULL, TOOL_UNKNOWN},
        {&look, 0, true, NULL, TOOL_TRANSIENT}, /* a read may say that a timeout is harmless */
        {&look, 503, true, NULL, TOOL_TRANSIENT},
        {&look, 500, true, NULL, TOOL_UNKNOWN},
        {&look, 404, true, body, TOOL_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum tool_class k = tool_classify(cases[i].t, cases[i].status, cases[i].sent, cases[i].body);
        if (k != cases[i].class)
            fail_msg("case %zu: %s", i, tool_class_name(k));
    }
}

/* A specification cannot say that an action whose answer is lost did not happen. */
TEST(a_lost_answer_to_an_action_is_unknown_whatever_the_file_says)
{
    struct json *spec;
    struct tool t;
    struct str text = STR(ORDER);
    ptrdiff_t at = str_find(text, STR("timeout: unknown"));
    text = str_f(a, "%.*stimeout: refused%s", (int)at, text.p, text.p + at + 16);
    CHECK(yaml_parse(a, text, "t.yaml", &spec, NULL) == 0 && tool_read(a, spec, "t.yaml", &t, NULL) == 0);
    CHECK(tool_classify(&t, 0, true, NULL) == TOOL_UNKNOWN);
}

TEST(class_names_go_there_and_back_and_an_unknown_name_is_unknown)
{
    for (int k = TOOL_OK; k <= TOOL_INVALID; k++)
        CHECK_INT(tool_class_of(str_of(tool_class_name((enum tool_class)k))), k);
    CHECK_INT(tool_class_of(STR("fine")), TOOL_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_specification_is_read_with_its_limits_and_defaults),
        cmocka_unit_test(a_specification_that_lacks_something_is_refused_with_its_line),
        cmocka_unit_test(the_model_sees_neither_what_the_session_supplies_nor_our_own_keys),
        cmocka_unit_test(arguments_are_checked_and_the_sessions_values_put_in),
        cmocka_unit_test(the_session_supplies_what_x_from_names_and_else_the_customer),
        cmocka_unit_test(what_a_mask_names_is_hidden_in_lists_and_with_all_below_it),
        cmocka_unit_test(a_digest_is_of_what_is_meant_not_of_how_it_is_written),
        cmocka_unit_test(a_key_names_the_proposal_and_not_the_attempt),
        cmocka_unit_test(the_customer_is_shown_words_in_the_language_of_the_conversation),
        cmocka_unit_test(a_request_is_filled_from_the_arguments_and_values_are_escaped_in_its_path),
        cmocka_unit_test(a_value_that_would_lead_to_another_place_of_the_backend_is_refused),
        cmocka_unit_test(a_composite_sees_the_answers_of_its_earlier_steps),
        cmocka_unit_test(an_answer_has_the_class_that_the_specification_gives_it),
        cmocka_unit_test(a_lost_answer_to_an_action_is_unknown_whatever_the_file_says),
        cmocka_unit_test(class_names_go_there_and_back_and_an_unknown_name_is_unknown),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
