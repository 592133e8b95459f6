/* What a tool's request comes to when the backend is odd: a server that answers as a script says. */
#include "test.h"

#include "app/tool_run.h"
#include "base/yaml.h"
#include "net/server.h"

static struct world {
    struct arena *arena;
    struct loop *loop;
    struct client *client;
    struct server *server;
    const char *const *script; /* "METHOD STATUS BODY" in order */
    size_t asked;
    const char *header; /* the Authorization that came last; "" for none */
    bool done;
    enum tool_class class;
    char result[1000];
} w;

/* What differs from one test to the next. */
static struct given {
    const char *spec;
    bool no_service, allow; /* allow: net.allow has this machine */
    const char *secret;
} given;

static void handle(struct request *r, void *arg)
{
    struct str line = str_of(w.script[w.asked++]), method, status;
    int64_t code = 0;
    str_split(&line, ' ', &method);
    str_split(&line, ' ', &status);
    assert_true(str_is(method, request_method(r)));
    assert_int_equal(str_int(status, &code), 0);
    w.header = str_c(w.arena, request_header(r, "Authorization"));
    request_reply(r, (int)code, "application/json", line);
}

static void on_done(void *arg, const struct tool_answer *answer)
{
    w.done = true;
    w.class = answer->class;
    snprintf(w.result, sizeof w.result, "%.*s", STR_ARG(answer->result));
}

static const char order[] = "tool: order\nsummary: Orders.\neffect: action\nwhen: it is wanted\n"
                            "input: {type: object, properties: {what: {type: string}}}\n"
                            "http: {method: POST, url: \"${shop}/orders\", body: {thing: what}}\n"
                            "project: {id: data.id}\nerrors: {\"409\": refused, 5xx: unknown, timeout: unknown}\n"
                            "already_done: [TWICE]\nidempotency: {mode: key}\n"
                            "reconcile: {method: GET, url: \"${shop}/orders/by-key/{key}\"}\n"
                            "confirm: {by: customer, text: shop.ask}\n";

static char header[200];

/* Runs the order's `attempt` against the script; all of the script must have been used. */
static enum tool_class run(const char *const *script, size_t n, int attempt)
{
    struct err e = {0};
    struct json *spec;
    struct tool tool;
    w = (struct world){.arena = arena_new("test", 0), .script = script, .header = ""};
    if (loop_new(&w.loop, &e) < 0 || client_new(w.loop, &w.client, &e) < 0 ||
        server_new(w.loop, &(struct server_config){0}, handle, NULL, &w.server, &e) < 0)
        fail_msg("%s", e.text);
    struct str text = str_of(given.spec ? given.spec : order), port_text = str_f(w.arena, "%d", server_port(w.server));
    ptrdiff_t at = str_find(text, STR("PORT"));
    if (at >= 0)
        text = str_f(w.arena, "%.*s%.*s%s", (int)at, text.p, STR_ARG(port_text), text.p + at + 4);
    if (yaml_parse(w.arena, text, "order.yaml", &spec, &e) < 0 || tool_read(w.arena, spec, "order.yaml", &tool, &e) < 0)
        fail_msg("%s", e.text);
    struct address_range here;
    assert_int_equal(address_range_read(STR("127.0.0.0/8"), &here, NULL), 0);
    client_allow(w.client, &here, given.allow ? 1 : 0);
    struct json *services = json_new(w.arena, JSON_OBJECT);
    struct json *secrets = json_new(w.arena, JSON_OBJECT);
    if (!given.no_service)
        json_set(services, STR("shop"),
                 json_new_str(w.arena, str_f(w.arena, "http://127.0.0.1:%d", server_port(w.server))));
    if (given.secret)
        json_set(secrets, STR("shop"), json_new_str(w.arena, str_of(given.secret)));
    struct tool_port port = {.loop = w.loop, .client = w.client, .world = {.services = services, .secrets = secrets}};
    struct tool_request rq = {.tool = &tool, .args = STR("{\"what\":\"tea\"}"), .key = STR("k1"), .attempt = attempt};
    tool_run(&port, &rq, on_done, NULL);
    for (int i = 0; i < 200 && !w.done; i++)
        loop_once(w.loop, 50);
    assert_true(w.done);
    assert_int_equal(w.asked, n);
    snprintf(header, sizeof header, "%s", w.header);
    client_free(w.client);
    server_free(w.server);
    loop_free(w.loop);
    arena_free(w.arena);
    given = (struct given){0};
    return w.class;
}

#define RUN_SCRIPT(attempt, ...) \
    run((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), attempt)
#define TWICE   "{\"error\":{\"code\":\"TWICE\",\"message\":\"done already\"}}"
#define UNKNOWN "{\"error\":{\"code\":\"KEY_UNKNOWN\",\"message\":\"nothing under this key\"}}"

TEST(a_second_attempt_asks_what_became_of_the_first)
{
    CHECK_INT(RUN_SCRIPT(2, "GET 200 {\"data\":{\"id\":7}}"), TOOL_ALREADY_DONE);
    CHECK_INT(RUN_SCRIPT(2, "GET 404 " UNKNOWN, "POST 200 {\"data\":{\"id\":7}}"), TOOL_OK);
    CHECK_INT(RUN_SCRIPT(2, "GET 500 {}"), TOOL_UNKNOWN);
}

TEST(done_before_is_believed_when_the_backend_can_say_what_was_done)
{
    CHECK_INT(RUN_SCRIPT(1, "POST 409 " TWICE, "GET 200 {\"data\":{\"id\":7}}"), TOOL_ALREADY_DONE);
}

TEST(a_backend_that_contradicts_itself_is_no_success)
{
    CHECK_INT(RUN_SCRIPT(1, "POST 409 " TWICE, "GET 404 " UNKNOWN), TOOL_UNKNOWN);
    CHECK_INT(RUN_SCRIPT(2, "GET 404 " UNKNOWN, "POST 409 " TWICE, "GET 404 " UNKNOWN), TOOL_UNKNOWN);
}

#define LOOK(url, more) \
    "tool: look\nsummary: Looks.\neffect: read\ninput: {type: object}\nretry: {max: 0}\nhttp: {url: \"" url "\"" more

TEST(a_redirect_is_not_followed_and_its_outcome_is_unknown)
{
    CHECK_INT(RUN_SCRIPT(1, "POST 302 {\"data\":{\"id\":7}}"), TOOL_UNKNOWN);
    given.spec = LOOK("${shop}/x", "}\n");
    CHECK_INT(RUN_SCRIPT(1, "GET 301 {}"), TOOL_UNKNOWN);
    CHECK(strstr(w.result, "redirects"));
}

TEST(an_answer_beyond_its_bound_is_no_answer)
{
    given.spec = LOOK("${shop}/x", "}\nanswer_bytes_max: 20\n");
    CHECK_INT(RUN_SCRIPT(1, "GET 200 {\"a\":\"0123456789abcdef\"}"), TOOL_UNKNOWN);
    given.spec = LOOK("${shop}/x", "}\nanswer_bytes_max: 30\n");
    CHECK_INT(RUN_SCRIPT(1, "GET 200 {\"a\":\"0123456789abcdef\"}"), TOOL_OK);
}

TEST(a_read_is_tried_again_as_often_as_it_says)
{
    given.spec = "tool: look\nsummary: Looks.\neffect: read\ninput: {type: object}\nhttp: {url: \"${shop}/x\"}\n"
                 "retry: {on: [unknown], max: 1, backoff_ms: [1]}\n";
    CHECK_INT(RUN_SCRIPT(1, "GET 500 {}", "GET 500 {}"), TOOL_UNKNOWN);
    given.spec = "tool: look\nsummary: Looks.\neffect: read\ninput: {type: object}\nhttp: {url: \"${shop}/x\"}\n"
                 "retry: {on: [unknown], max: 1, backoff_ms: [1]}\n";
    CHECK_INT(RUN_SCRIPT(1, "GET 503 {}"), TOOL_TRANSIENT);
}

/* The service is this machine too, but that is the operator's word; a URL of another kind does not come in. */
TEST(a_url_that_is_no_service_does_not_lead_into_the_house)
{
    static const char *const urls[] = {LOOK("http://127.0.0.1:PORT/x", "}\n"), LOOK("http://localhost:PORT/x", "}\n"),
                                       LOOK("http://[::ffff:127.0.0.1]:PORT/x", "}\n"),
                                       LOOK("http://2130706433:PORT/x", "}\n")};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        given = (struct given){.spec = urls[i], .no_service = true};
        CHECK_INT(run(NULL, 0, 1), TOOL_REFUSED);
        CHECK(strstr(w.result, "not public"));
    }
    given = (struct given){.spec = urls[0], .no_service = true, .allow = true};
    CHECK_INT(RUN_SCRIPT(1, "GET 200 {}"), TOOL_OK);
    given = (struct given){.spec = urls[0]}; /* written out, it is the service all the same */
    CHECK_INT(RUN_SCRIPT(1, "GET 200 {}"), TOOL_OK);
}

TEST(a_secret_goes_into_a_header_and_comes_back_in_nothing)
{
    given = (struct given){.spec = LOOK("${shop}/x", ", headers: {Authorization: \"Bearer ${secret.shop}\"}}\n"),
                           .secret = "s3cr3t-value"};
    CHECK_INT(RUN_SCRIPT(1, "GET 403 {\"error\":{\"code\":\"NO\",\"message\":\"s3cr3t-value is not known\"}}"),
              TOOL_REFUSED);
    CHECK_STR(str_of(header), "Bearer s3cr3t-value");
    CHECK(strstr(w.result, "[secret] is not known") && !strstr(w.result, "s3cr3t"));
    given.spec = LOOK("${shop}/x", ", headers: {Authorization: \"Bearer ${secret.shop}\"}}\n");
    CHECK_INT(run(NULL, 0, 1), TOOL_INVALID); /* there is none */
}

RUN(cmocka_unit_test(a_second_attempt_asks_what_became_of_the_first),
    cmocka_unit_test(done_before_is_believed_when_the_backend_can_say_what_was_done),
    cmocka_unit_test(a_backend_that_contradicts_itself_is_no_success),
    cmocka_unit_test(a_redirect_is_not_followed_and_its_outcome_is_unknown),
    cmocka_unit_test(an_answer_beyond_its_bound_is_no_answer),
    cmocka_unit_test(a_read_is_tried_again_as_often_as_it_says),
    cmocka_unit_test(a_url_that_is_no_service_does_not_lead_into_the_house),
    cmocka_unit_test(a_secret_goes_into_a_header_and_comes_back_in_nothing))
