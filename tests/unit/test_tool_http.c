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
    bool done;
    enum tool_class class;
} w;

static void handle(struct request *r, void *arg)
{
    struct str line = str_of(w.script[w.asked++]), method, status;
    int64_t code = 0;
    str_split(&line, ' ', &method);
    str_split(&line, ' ', &status);
    assert_true(str_is(method, request_method(r)));
    assert_int_equal(str_int(status, &code), 0);
    request_reply(r, (int)code, "application/json", line);
}

static void on_done(void *arg, const struct tool_answer *answer)
{
    w.done = true;
    w.class = answer->class;
}

static const char order[] = "tool: order\nsummary: Orders.\neffect: action\nwhen: it is wanted\n"
                            "input: {type: object, properties: {what: {type: string}}}\n"
                            "http: {method: POST, url: \"${shop}/orders\", body: {thing: what}}\n"
                            "project: {id: data.id}\nerrors: {\"409\": refused, 5xx: unknown, timeout: unknown}\n"
                            "already_done: [TWICE]\nidempotency: {mode: key}\n"
                            "reconcile: {method: GET, url: \"${shop}/orders/by-key/{key}\"}\n"
                            "confirm: {by: customer, text: shop.ask}\n";

/* Runs the order's `attempt` against the script; all of the script must have been used. */
static enum tool_class run(const char *const *script, size_t n, int attempt)
{
    struct err e = {0};
    struct json *spec;
    struct tool tool;
    w = (struct world){.arena = arena_new("test", 0), .script = script};
    if (yaml_parse(w.arena, str_of(order), "order.yaml", &spec, &e) < 0 ||
        tool_read(w.arena, spec, "order.yaml", &tool, &e) < 0 || loop_new(&w.loop, &e) < 0 ||
        client_new(w.loop, &w.client, &e) < 0 ||
        server_new(w.loop, &(struct server_config){0}, handle, NULL, &w.server, &e) < 0)
        fail_msg("%s", e.text);
    struct json *services = json_new(w.arena, JSON_OBJECT);
    json_set(services, STR("shop"),
             json_new_str(w.arena, str_f(w.arena, "http://127.0.0.1:%d", server_port(w.server))));
    struct tool_port port = {.loop = w.loop, .client = w.client, .world = {.services = services}};
    struct tool_request rq = {.tool = &tool, .args = STR("{\"what\":\"tea\"}"), .key = STR("k1"), .attempt = attempt};
    tool_run(&port, &rq, on_done, NULL);
    for (int i = 0; i < 200 && !w.done; i++)
        loop_once(w.loop, 50);
    assert_true(w.done);
    assert_int_equal(w.asked, n);
    client_free(w.client);
    server_free(w.server);
    loop_free(w.loop);
    arena_free(w.arena);
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

RUN(cmocka_unit_test(a_second_attempt_asks_what_became_of_the_first),
    cmocka_unit_test(done_before_is_believed_when_the_backend_can_say_what_was_done),
    cmocka_unit_test(a_backend_that_contradicts_itself_is_no_success))
