/* Tools that are programs of the operator: what they are told, and what their endings mean. */
#include "test.h"

#include "app/tool_run.h"
#include "base/yaml.h"
#include "engine/composition.h"

#include <unistd.h>

#define PLACE "tests/data/programs"

static struct arena *a;
static struct loop *loop;
static struct children *children;
static char book[] = "/tmp/candor-book-XXXXXX";

static struct {
    bool done;
    enum tool_class class;
    char result[2000];
} got;

static int begin(void **state)
{
    (void)state;
    a = arena_new("test", 0);
    assert_int_equal(loop_new(&loop, NULL), 0);
    children = children_new(loop);
    assert_true(mkdtemp(book) != NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(str_f(a, "%s/book", book).p);
    rmdir(book);
    children_free(children);
    loop_free(loop);
    arena_free(a);
    return 0;
}

static void on_done(void *arg, const struct tool_answer *answer)
{
    got.done = true;
    got.class = answer->class;
    snprintf(got.result, sizeof got.result, "%.*s", STR_ARG(answer->result));
}

static struct tool of_file(const char *name)
{
    struct module m;
    struct tool t;
    struct err e = {0};
    if (module_draft(a, PLACE, module_kind_of_folder(STR("tools")), str_of(name), &m, NULL, &e) < 0 ||
        tool_read(a, m.data, name, &t, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

static struct tool of_text(const char *text)
{
    struct json *spec;
    struct tool t;
    struct err e = {0};
    if (yaml_parse(a, str_of(text), "t.yaml", &spec, &e) < 0 || tool_read(a, spec, "t.yaml", &t, &e) < 0 ||
        tool_link(a, &t, 1, "", &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

static enum tool_class call(const struct tool *t, struct str args, const char *key, int attempt)
{
    struct tool_port port = {.loop = loop, .children = children, .world = {.dir = STR(PLACE)}};
    struct tool_request rq = {.tool = t,
                              .args = args,
                              .key = str_of(key),
                              .attempt = attempt,
                              .label = STR("case-7"),
                              .date = STR("2026-11-28")};
    got.done = false;
    tool_run(&port, &rq, on_done, NULL);
    for (int i = 0; i < 400 && !got.done; i++)
        loop_once(loop, 50);
    assert_true(got.done);
    return got.class;
}

#define SH(script) \
    "tool: t\nsummary: T.\neffect: read\ninput: {type: object}\nretry: {max: 0}\ntimeout_ms: 1000\ncommand: [sh, -c, " \
    "'" script "']\n"

static enum tool_class shell(const char *spec)
{
    struct tool t = of_text(spec);
    return call(&t, STR("{}"), "", 1);
}

TEST(a_read_is_told_its_arguments_the_date_and_no_key)
{
    struct tool t = of_file("price");
    CHECK_INT(call(&t, STR("{\"thing\":\"tea\"}"), "", 1), TOOL_OK);
    CHECK_STR(str_of(got.result),
              "{\"price\":3,\"told\":[\"args\",\"date\",\"label\",\"tool\"],\"date\":\"2026-11-28\"}");
    CHECK_INT(call(&t, STR("{\"thing\":\"car\"}"), "", 1), TOOL_REFUSED);
    CHECK_STR(str_of(got.result), "{\"error\":{\"code\":\"UNKNOWN_THING\",\"message\":\"car is not sold here\"}}");
}

TEST(what_an_ending_means_is_said_by_the_tool_else_by_its_effect)
{
    CHECK_INT(shell(SH("echo 1; exit 9")), TOOL_TRANSIENT);
    CHECK(strstr(got.result, "ended with status 9"));
    CHECK_INT(shell(SH("exit 9") "errors: {exit_9: invalid}\n"), TOOL_INVALID);
    CHECK_INT(
        shell(SH("echo \"{\\\"error\\\":{\\\"code\\\":\\\"NOT_NOW\\\"}}\"; exit 9") "errors: {NOT_NOW: unknown}\n"),
        TOOL_UNKNOWN);
    CHECK_INT(shell(SH("kill -9 $$")), TOOL_UNKNOWN);
    CHECK_INT(shell("tool: t\nsummary: T.\neffect: read\ninput: {type: object}\nretry: {max: 0}\ncommand: [no-such]\n"),
              TOOL_INVALID);
    CHECK(strstr(got.result, "there is no program no-such"));
}

TEST(what_is_no_json_or_too_long_or_too_late_is_no_answer)
{
    CHECK_INT(shell(SH("echo {")), TOOL_UNKNOWN);
    CHECK(strstr(got.result, "no JSON"));
    CHECK_INT(shell(SH("")), TOOL_UNKNOWN);
    CHECK_INT(shell(SH("yes") "answer_bytes_max: 1000\n"), TOOL_UNKNOWN);
    CHECK(strstr(got.result, "too long"));
    CHECK_INT(shell(SH("while :; do :; done")), TOOL_UNKNOWN);
    CHECK(strstr(got.result, "in its time"));
    CHECK_INT(shell(SH("sleep 9") "errors: {timeout: transient}\n"), TOOL_TRANSIENT);
    CHECK_INT(shell(SH("x=a; while :; do x=$x$x; done") "memory_mib: 16\n") == TOOL_OK, 0);
}

TEST(a_step_may_be_a_program_with_arguments_of_its_own)
{
    struct tool t = of_text("tool: t\nsummary: T.\neffect: read\ninput: {type: object}\nsteps:\n"
                            "  - {id: one, let: {thing: \"'bread'\"}}\n"
                            "  - {id: two, command: [./till.py, price], args: {thing: one.thing, none: missing}}\n"
                            "project: {all: two.price + 1}\n");
    CHECK_INT(call(&t, STR("{}"), "", 1), TOOL_OK);
    CHECK_STR(str_of(got.result), "{\"all\":3}");
}

static struct str paying(const char *more)
{
    return str_f(a, "{\"book\":\"%s/book\"%s}", book, more);
}

TEST(an_action_is_sent_under_its_key_and_asked_about_when_nobody_knows)
{
    struct tool t = of_file("pay");
    CHECK_INT(call(&t, paying(""), "k1", 1), TOOL_OK);
    CHECK_STR(str_of(got.result), "{\"receipt\":\"R1\"}");
    CHECK_INT(call(&t, paying(",\"then\":\"hang\""), "k2", 1), TOOL_UNKNOWN); /* paid, and killed */
    CHECK_INT(call(&t, paying(",\"then\":\"hang\""), "k2", 2), TOOL_ALREADY_DONE);
    CHECK_STR(str_of(got.result), "{\"receipt\":\"R2\"}");
    CHECK_INT(call(&t, paying(",\"then\":\"fall\""), "k3", 1), TOOL_UNKNOWN);
    CHECK_INT(call(&t, paying(""), "k4", 2), TOOL_OK); /* the first attempt never came: null, so it is sent */
    CHECK_STR(str_of(got.result), "{\"receipt\":\"R4\"}");
    CHECK_INT(call(&t, paying(""), "k1", 1), TOOL_ALREADY_DONE); /* TWICE: it is asked what was done then */
    CHECK_STR(str_of(got.result), "{\"receipt\":\"R1\"}");
}

TEST(a_command_that_is_none_is_refused_with_its_line)
{
    static const char *const cases[] = {"command: []\n", "command: ['']\n", "command: [sh, 3]\n"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *spec;
        struct tool t;
        struct err e = {0};
        struct str text = str_f(a, "tool: t\nsummary: T.\neffect: read\ninput: {type: object}\n%s", cases[i]);
        CHECK_INT(yaml_parse(a, text, "t.yaml", &spec, &e), 0);
        CHECK(tool_read(a, spec, "t.yaml", &t, &e) < 0 && strstr(e.text, "t.yaml:5: command is a list"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_told_its_arguments_the_date_and_no_key),
        cmocka_unit_test(what_an_ending_means_is_said_by_the_tool_else_by_its_effect),
        cmocka_unit_test(what_is_no_json_or_too_long_or_too_late_is_no_answer),
        cmocka_unit_test(a_step_may_be_a_program_with_arguments_of_its_own),
        cmocka_unit_test(an_action_is_sent_under_its_key_and_asked_about_when_nobody_knows),
        cmocka_unit_test(a_command_that_is_none_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
