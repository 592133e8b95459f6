/* What a call does step by step, and what its failures come to: the plan played against a backend of a few lines. */
#include "test.h"

#include "base/yaml.h"
#include "engine/plan.h"

#include <stdlib.h>

static struct arena *a;

static int group_start(void **state)
{
    a = arena_new("test", 0);
    return 0;
}

static int group_end(void **state)
{
    arena_free(a);
    return 0;
}

#define HEAD(name, effect) "tool: " name "\nsummary: Does.\neffect: " effect "\ninput: {type: object, properties: {"
#define ORDER \
    HEAD("order", "read") \
    "customer: {type: string, x-source: session}, id: {type: string}}, required: [customer]}\n" \
    "http: {url: \"${shop}/o/{id}\"}\nproject: {code: data.code, due: data.due}\n"
#define PAY \
    HEAD("pay", "action") \
    "amount: {type: number, x-show: true}}}\nhttp: {method: POST, url: \"${shop}/pay\", body: {amount: amount}}\n" \
    "project: {receipt: data.receipt}\nidempotency: {mode: key}\nreconcile: {url: \"${shop}/key/{key}\"}\n" \
    "already_done: [TWICE]\nconfirm: {by: none}\n"
#define LOOK(more) HEAD("look", "read") "ids: {type: array}, id: {type: string}}}\n" more
#define ACT(more) \
    HEAD("act", "action") "id: {type: string}}}\nidempotency: {mode: key}\nconfirm: {by: none}\nsteps:\n" more

enum { TOOLS_MAX = 4 };

static struct tool *tools_of(const char *const *texts, size_t n, struct err *e)
{
    struct tool *tools = ARENA_ARRAY(a, struct tool, TOOLS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct json *spec;
        if (yaml_parse(a, str_of(texts[i]), "t.yaml", &spec, e) < 0 || tool_read(a, spec, "t.yaml", &tools[i], e) < 0)
            return NULL;
    }
    return tool_link(a, tools, n, "", e) < 0 ? NULL : tools;
}

static struct tool *tools_are(const char *look)
{
    struct err e = {0};
    struct tool *tools = tools_of((const char *const[]){look, ORDER, PAY}, 3, &e);
    if (!tools)
        fail_msg("%s", e.text);
    return tools;
}

/* What the backend says, in order: "200 {...}", "404 {...}", "0" for no answer. */
static struct backend {
    const char *const *script;
    size_t asked;
    struct buf log; /* the requests: "GET http://s/o/1;" */
} backend;

static struct tool_answer play(const struct tool *t, const char *args, int attempt, bool acts);

static struct plan_outcome ask(const struct tool *t, const struct plan_task *task)
{
    struct json *body = NULL;
    const char *line = backend.script[backend.asked++];
    assert_non_null(line);
    int status = atoi(line);
    buf_addf(&backend.log, "%.*s %.*s%.*s;", STR_ARG(task->http.method), STR_ARG(task->http.url),
             STR_ARG(task->http.body));
    if (status)
        assert_int_equal(json_parse(a, str_of(line + 4), &body, NULL), 0);
    return (struct plan_outcome){
        .class = tool_classify(t, status, true, body), .status = status, .value = body, .why = "it failed"};
}

static struct tool_answer play(const struct tool *t, const char *args, int attempt, bool acts)
{
    static const struct tool_session ana = {{"ana", 3}, {"pt-BR", 5}, 2};
    struct json *services;
    assert_int_equal(json_parse(a, STR("{\"shop\":\"http://s\"}"), &services, NULL), 0);
    struct tool_world *world = ARENA_NEW(a, struct tool_world);
    struct tool_request *rq = ARENA_NEW(a, struct tool_request);
    *world = (struct tool_world){.services = services};
    *rq = (struct tool_request){.tool = t,
                                .args = str_of(args),
                                .key = acts ? STR("k1") : STR(""),
                                .attempt = attempt,
                                .date = STR("2026-03-02"),
                                .now = STR("2026-03-02T10:00:00Z"),
                                .session = ana};
    struct plan p;
    struct plan_task task;
    assert_int_equal(plan_begin(&p, a, rq, world, NULL), 0);
    for (plan_next(&p, &task); task.what != PLAN_END; plan_next(&p, &task)) {
        struct plan_outcome o = {0};
        if (task.what == PLAN_CALL) {
            struct tool_answer within = play(task.tool, str_c(a, task.args), task.acts ? attempt : 1, task.acts);
            struct json *value;
            assert_int_equal(json_parse(a, within.result, &value, NULL), 0);
            o = (struct plan_outcome){.class = within.class, .value = value, .why = "it failed"};
        } else {
            o = ask(t, &task);
        }
        plan_done(&p, &o);
    }
    return task.answer;
}

/* "class result" of the first tool. */
static struct str run_with(const struct tool *tools, const char *args, int attempt, const char *const *script, size_t n)
{
    backend = (struct backend){.script = script, .log = buf_new(a, 1 << 16)};
    struct tool_answer answer = play(&tools[0], args, attempt, tools[0].action);
    assert_int_equal(backend.asked, n);
    return str_f(a, "%s %.*s", tool_class_name(answer.class), STR_ARG(answer.result));
}

#define PLAY(tools, args, attempt, ...) \
    run_with(tools, args, attempt, (const char *const[]){__VA_ARGS__, NULL}, \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

TEST(steps_see_what_came_before_them)
{
    struct tool *t = tools_are(LOOK("steps:\n"
                                    "  - {id: order, tool: order, args: {id: id}}\n"
                                    "  - {id: parcel, http: {url: \"${shop}/p/{order.code}\", query: {day: date}}}\n"
                                    "  - {id: sums, let: {late: date - order.due, fee: sums.late * 1.005 round 2}}\n"
                                    "project: {place: parcel.place, late: sums.late, fee: sums.fee}\n"));
    CHECK_STR(PLAY(t, "{\"id\":\"a b\"}", 1, "200 {\"data\":{\"code\":\"X1\",\"due\":\"2026-02-28\",\"more\":1}}",
                   "200 {\"place\":\"hub\"}"),
              "ok {\"place\":\"hub\",\"late\":2,\"fee\":2.01}");
    CHECK_STR(buf_str(&backend.log), "GET http://s/o/a%20b;GET http://s/p/X1?day=2026-03-02;");
}

TEST(a_step_can_be_left_out_or_done_for_each_item)
{
    struct tool *t = tools_are(LOOK("steps:\n"
                                    "  - {id: none, when: \"id is set\", http: {url: \"${shop}/x\"}}\n"
                                    "  - {id: orders, each: ids, tool: order, args: {id: item}}\n"
                                    "  - {id: codes, each: orders, let: {n: index, code: item.code}}\n"
                                    "project: {none: none, codes: codes, second: orders.1.code}\n"));
    CHECK_STR(
        PLAY(t, "{\"ids\":[\"a\",\"b\"]}", 1, "200 {\"data\":{\"code\":\"A\"}}", "200 {\"data\":{\"code\":\"B\"}}"),
        "ok {\"none\":null,\"codes\":[{\"n\":0,\"code\":\"A\"},{\"n\":1,\"code\":\"B\"}],\"second\":\"B\"}");
    CHECK_STR(run_with(t, "{}", 1, (const char *const[]){NULL}, 0), "ok {\"none\":null,\"codes\":[],\"second\":null}");
    struct str wrong = run_with(t, "{\"ids\":\"a\"}", 1, (const char *const[]){NULL}, 0);
    CHECK(str_starts(wrong, STR("invalid")) && str_has(wrong, STR("\"step\":\"orders\"")));
    struct buf many = buf_new(a, 4096);
    for (int i = 0; i <= TOOL_EACH_MAX; i++)
        buf_addf(&many, "%s\"x\"", i ? "," : "");
    wrong = run_with(t, str_f(a, "{\"ids\":[%.*s]}", STR_ARG(buf_str(&many))).p, 1, (const char *const[]){NULL}, 0);
    CHECK(str_starts(wrong, STR("invalid")));
}

#define TWO \
    "steps:\n  - {id: one, http: {url: \"${shop}/1\"}}\n  - {id: two, each: ids, http: {url: \"${shop}/2/{item}\"}}\n" \
    "project: {one: one.v, two: two}\nerrors: {5xx: transient}\n"

TEST(one_failed_step_fails_the_whole_with_its_class)
{
    struct tool *t = tools_are(LOOK(TWO));
    CHECK_STR(PLAY(t, "{\"ids\":[\"a\"]}", 1, "503 {\"error\":{\"code\":\"DOWN\",\"message\":\"not now\"}}"),
              "transient {\"error\":{\"code\":\"DOWN\",\"message\":\"not now\",\"step\":\"one\"}}");
    CHECK_STR(PLAY(t, "{\"ids\":[\"a\",\"b\"]}", 1, "200 {\"v\":1}", "200 {\"v\":2}", "404 {}"),
              "refused {\"error\":{\"code\":\"\",\"message\":\"it failed\",\"step\":\"two.1\"}}");
}

TEST(best_effort_leaves_holes_and_says_where)
{
    struct tool *t = tools_are(LOOK(TWO "on_partial: best_effort\n"));
    CHECK_STR(PLAY(t, "{\"ids\":[\"a\",\"b\"]}", 1, "503 {}", "404 {}", "200 {\"v\":2}"),
              "ok {\"one\":null,\"two\":[null,{\"v\":2}],\"failed\":[\"one\",\"two.0\"]}");
    CHECK_STR(PLAY(t, "{\"ids\":[]}", 1, "200 {\"v\":1}"), "ok {\"one\":1,\"two\":[]}");
}

TEST(a_program_computes_from_what_came_before)
{
    struct tool *t = tools_are(LOOK("steps:\n  - {id: o, tool: order, args: {id: id}}\n"
                                    "  - {id: l, lua: \"return list{input.o.code .. '!', input.date}\"}\n"
                                    "project: {l: l, second: l.1}\n"));
    CHECK_STR(PLAY(t, "{\"id\":\"a\"}", 1, "200 {\"data\":{\"code\":\"A\"}}"),
              "ok {\"l\":[\"A!\",\"2026-03-02\"],\"second\":\"2026-03-02\"}");
    t = tools_are(LOOK("lua: \"return {n = #input.ids}\"\nproject: {n: n}\n"));
    CHECK_STR(run_with(t, "{\"ids\":[1,2]}", 1, (const char *const[]){NULL}, 0), "ok {\"n\":2}");
    t = tools_are(LOOK("lua: \"while true do end\"\n"));
    struct str endless = run_with(t, "{}", 1, (const char *const[]){NULL}, 0);
    CHECK(str_starts(endless, STR("invalid ")) && str_has(endless, STR("reached its limit")));
}

TEST(a_called_tool_gets_the_session_and_nothing_that_is_unknown)
{
    struct tool *t = tools_are(LOOK("steps: [{id: o, tool: order, args: {id: id}}]\nproject: {code: o.code}\n"));
    struct str no_id = run_with(t, "{}", 1, (const char *const[]){NULL}, 0);
    CHECK(str_starts(no_id, STR("invalid")) && str_has(no_id, STR("needs id, which is missing")));
    struct tool ours = t[1];
    CHECK(tool_argument_sources(&ours, STR("customer")) == TOOL_SESSION);
    CHECK(tool_argument_sources(&ours, STR("id")) == TOOL_ANY_SOURCE && !tool_argument_sources(&ours, STR("x")));
}

#define PAYING \
    ACT("  - {id: bill, http: {url: \"${shop}/bill/{id}\"}}\n  - {id: paid, tool: pay, args: {amount: bill.due}}\n" \
        "  - {id: words, let: {text: paid.receipt}}\nproject: {receipt: words.text}\n")

TEST(an_action_of_steps_looks_first_and_acts_last)
{
    struct tool *t = tools_are(PAYING);
    CHECK(t[0].does == &t[2] && tool_reconciles(&t[0]));
    CHECK_STR(PLAY(t, "{\"id\":\"7\"}", 1, "200 {\"due\":12.30}", "200 {\"data\":{\"receipt\":\"R1\"}}"),
              "ok {\"receipt\":\"R1\"}");
    CHECK_STR(buf_str(&backend.log), "GET http://s/bill/7;POST http://s/pay{\"amount\":12.3};");
    CHECK_STR(PLAY(t, "{\"id\":\"7\"}", 1, "404 {}"),
              "refused {\"error\":{\"code\":\"\",\"message\":\"it failed\",\"step\":\"bill\"}}");
}

TEST(a_second_attempt_of_an_action_of_steps_asks_what_became_of_the_first)
{
    struct tool *t = tools_are(PAYING);
    CHECK_STR(PLAY(t, "{\"id\":\"7\"}", 2, "200 {\"due\":12.30}", "200 {\"data\":{\"receipt\":\"R1\"}}"),
              "already_done {\"receipt\":\"R1\"}");
    CHECK_STR(buf_str(&backend.log), "GET http://s/bill/7;GET http://s/key/k1;");
    /* what was paid may be off the bill now; that says nothing about the payment */
    CHECK(str_starts(PLAY(t, "{\"id\":\"7\"}", 2, "404 {}"), STR("unknown ")));
    CHECK(str_starts(PLAY(t, "{\"id\":\"7\"}", 1, "200 {\"due\":1}", "0"), STR("unknown ")));
}

static struct str refused(const char *first, const char *second)
{
    struct err e = {0};
    assert_null(tools_of((const char *const[]){first, ORDER, PAY, second}, second ? 4 : 3, &e));
    return str_f(a, "%s", e.text);
}

TEST(what_cannot_be_a_composite_is_refused_with_its_line)
{
    static const char *const cases[][2] = {
        {LOOK("steps: [{id: x, tool: nobody}]\n"), "calls nobody, which is no tool of the agent"},
        {LOOK("steps: [{id: x, tool: look}]\n"), "in a circle"},
        {LOOK("steps: [{id: x, tool: pay}]\n"), "pay is an action, so this tool is one too"},
        {LOOK("steps: [{id: x, tool: order, args: {nothing: id}}]\n"), "there is no argument nothing of order"},
        {LOOK("steps: [{id: x, tool: order, args: {customer: \"'bo'\"}}]\n"),
         "customer of order is set by the session"},
        {LOOK("steps: [{id: x, let: {y: 1 +}}]\n"), "let: expression, byte 3"},
        {LOOK("steps: [{id: x, when: \"=\", let: {y: \"1\"}}]\n"), "when: expression"},
        {LOOK("steps: [{id: date, let: {y: \"1\"}}]\n"), "`date` is taken"},
        {LOOK("steps: [{id: x, let: {y: \"1\"}}, {id: x, let: {y: \"1\"}}]\n"), "`x` is taken"},
        {LOOK("steps: [{id: x}]\n"), "the step x needs one of"},
        {LOOK("lua: \"return = 1\"\n"), "the program: lua:1: unexpected symbol"},
        {LOOK("steps: []\n"), "has 1 to 16 steps"},
        {ACT("  - {id: x, tool: pay}\n  - {id: y, tool: pay}\n"), "pay is an action; of those there is one"},
        {ACT("  - {id: x, tool: pay}\n  - {id: y, tool: order}\n"), "pay is an action; of those there is one"},
        {ACT("  - {id: y, tool: order}\n"), "order is a read"},
        {ACT("  - {id: x, when: id, tool: pay}\n"), "done once and always"},
        {ACT("  - {id: x, let: {y: \"1\"}}\n"), "done once and always"},
        {ACT("  - {id: x, http: {method: POST, url: \"${shop}/1\"}}\n  - {id: y, tool: pay}\n"), "its steps only look"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str why = refused(cases[i][0], NULL);
        if (!str_has(why, str_of(cases[i][1])) || !str_has(why, STR(".yaml:")))
            fail_msg("%s: %.*s", cases[i][0], STR_ARG(why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_see_what_came_before_them),
        cmocka_unit_test(a_step_can_be_left_out_or_done_for_each_item),
        cmocka_unit_test(one_failed_step_fails_the_whole_with_its_class),
        cmocka_unit_test(best_effort_leaves_holes_and_says_where),
        cmocka_unit_test(a_program_computes_from_what_came_before),
        cmocka_unit_test(a_called_tool_gets_the_session_and_nothing_that_is_unknown),
        cmocka_unit_test(an_action_of_steps_looks_first_and_acts_last),
        cmocka_unit_test(a_second_attempt_of_an_action_of_steps_asks_what_became_of_the_first),
        cmocka_unit_test(what_cannot_be_a_composite_is_refused_with_its_line)};
    return cmocka_run_group_tests(tests, group_start, group_end);
}
