/* The world of recorded tools, without a network. */
#include "../unit/test.h"

#include "recorded.h"

#include <fcntl.h>
#include <unistd.h>

/* A read before and after a write, the write twice, one that fails, and ids that repeat. */
static const char recording[] = "{\"id\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
                                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":\"get_"
                                "user\",\"arguments\":\"{\\\"a\\\":1.0}\"}]},"
                                "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"before\"},"
                                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":"
                                "\"cancel_reservation\",\"arguments\":\"{\\\"r\\\": 1}\"}]},"
                                "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"first\"},"
                                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":\"get_"
                                "user\",\"arguments\":\"{\\\"a\\\":1}\"}]},"
                                "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"after\"},"
                                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":"
                                "\"cancel_reservation\",\"arguments\":\"{\\\"r\\\":1}\"}]},"
                                "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"Error: gone\"}]}\n\n"
                                "{\"id\":\"a\",\"messages\":[]}\n";

static struct recorded *world(bool ignore_key)
{
    struct recorded *w;
    struct err e = {0};
    if (recorded_new(str_of(recording), ignore_key, &w, &e) < 0)
        fail_msg("%s", e.text);
    return w;
}

static struct str said(struct recorded *w, const char *tool, const char *args, const char *key)
{
    struct str out;
    struct err e = {0};
    if (recorded_call(w, STR("b"), str_of(tool), str_of(args), str_of(key), &out, &e) < 0)
        fail_msg("%s", e.text);
    return out;
}

static struct str state_of(struct arena *a, struct recorded *w)
{
    struct buf out = buf_new(a, 1 << 16);
    struct json_writer writer = {.out = &out};
    recorded_states(w, &writer);
    return buf_str(&out);
}

TEST(a_key_gets_its_first_answer_again_and_the_next_key_the_next_occurrence)
{
    struct arena *a = arena_new("test", 0);
    struct recorded *w = world(false);
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k1"), "first");
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k1"), "first");
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k2"), "Error: gone");
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k3"), "Error: gone");
    CHECK_STR(state_of(a, w),
              "{\"b\":{\"effects\":[{\"tool\":\"cancel_reservation\",\"args\":{\"r\":1}}],\"messages\":[],"
              "\"executions\":3,\"replays\":1,\"duplicates\":0}}");
    recorded_reset(w);
    CHECK_STR(state_of(a, w), "{}");
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k9"), "first");
    recorded_free(w);
    arena_free(a);
}

TEST(a_tool_that_ignores_keys_does_it_again)
{
    struct arena *a = arena_new("test", 0);
    struct recorded *w = world(true);
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k1"), "first");
    CHECK_STR(said(w, "cancel_reservation", "{\"r\":1}", "k1"), "Error: gone");
    CHECK(str_has(state_of(a, w), STR("\"executions\":2,\"replays\":0")));
    recorded_free(w);
    arena_free(a);
}

TEST(a_read_tells_the_world_as_it_is_however_often_it_is_asked)
{
    struct recorded *w = world(false);
    CHECK_STR(said(w, "get_user", "{\"a\":1}", ""), "before");
    CHECK_STR(said(w, "get_user", "{\"a\":1e0}", ""), "before");
    said(w, "cancel_reservation", "{\"r\":1}", "k1");
    CHECK_STR(said(w, "get_user", "{\"a\":1}", ""), "after");
    CHECK_STR(said(w, "get_user", "{\"a\":1}", ""), "after");
    recorded_free(w);
}

TEST(what_was_never_recorded_is_not_found_and_a_key_belongs_to_one_call)
{
    struct recorded *w = world(false);
    struct str out;
    CHECK(recorded_call(w, STR("z"), STR("get_user"), STR("{}"), STR(""), &out, NULL) == ERR_NOT_FOUND);
    CHECK(recorded_call(w, STR("b"), STR("get_user"), STR("{}"), STR(""), &out, NULL) == ERR_NOT_FOUND);
    CHECK(recorded_call(w, STR("b"), STR("get_user"), STR("{"), STR(""), &out, &(struct err){0}) == ERR_INVALID);
    said(w, "cancel_reservation", "{\"r\":1}", "k1");
    CHECK(recorded_call(w, STR("b"), STR("get_user"), STR("{\"a\":1}"), STR("k1"), &out, NULL) == ERR_CONFLICT);
    recorded_free(w);
}

TEST(a_message_is_taken_once)
{
    struct arena *a = arena_new("test", 0);
    struct recorded *w = world(false);
    bool duplicate;
    CHECK(recorded_send(w, STR("b"), STR("m1"), STR("hello"), &duplicate) == 0 && !duplicate);
    CHECK(recorded_send(w, STR("b"), STR("m1"), STR("hello"), &duplicate) == 0 && duplicate);
    CHECK(recorded_send(w, STR("nobody"), STR("m1"), STR("x"), &duplicate) == ERR_NOT_FOUND);
    CHECK_STR(state_of(a, w),
              "{\"b\":{\"effects\":[],\"messages\":[\"hello\"],\"executions\":0,\"replays\":0,\"duplicates\":1}}");
    recorded_free(w);
    arena_free(a);
}

/* The real recording: asking in the recorded order gives the recorded answers. */
static void replay(struct recorded *w, const struct json *conversation, int *answers)
{
    struct str label = json_str(json_get(conversation, "id")), out;
    const struct json *call = NULL;
    struct err e = {0};
    char key[32];
    for (const struct json *m = json_get(conversation, "messages")->child; m; m = m->next) {
        if (json_get(m, "tool_calls"))
            call = json_at(json_get(m, "tool_calls"), 0);
        if (!str_is(json_str(json_get(m, "role")), "tool"))
            continue;
        struct str tool = json_str(json_get(call, "name"));
        bool read = str_starts(tool, STR("get_")) || str_starts(tool, STR("search_")) || str_starts(tool, STR("list_"));
        snprintf(key, sizeof key, "%s%.*s-%d", read ? "" : "k", STR_ARG(label), ++*answers);
        if (recorded_call(w, label, tool, json_str(json_get(call, "arguments")), read ? STR_NONE : str_of(key), &out,
                          &e) < 0)
            fail_msg("%s", e.text);
        assert_true(str_eq(out, json_str(json_get(m, "content"))));
    }
}

TEST(the_recorded_airline_answers_as_recorded)
{
    const char *path = test_shared("data/airline_trajectories/conversations.jsonl");
    if (!path)
        return;
    struct arena *a = arena_new("test", 1 << 20);
    struct buf text = buf_new(a, 64 << 20);
    char piece[65536];
    int fd = open(path, O_RDONLY), answers = 0;
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buf_add(&text, (struct str){piece, (size_t)n});
    close(fd);
    struct recorded *w;
    struct err e = {0};
    if (recorded_new(buf_str(&text), false, &w, &e) < 0)
        fail_msg("%s", e.text);
    struct str rest = buf_str(&text), line;
    struct json *conversation;
    while (str_split(&rest, '\n', &line))
        if (line.n && json_parse(a, line, &conversation, &e) == 0)
            replay(w, conversation, &answers);
    CHECK_INT(answers, 621);
    recorded_free(w);
    arena_free(a);
}

RUN(cmocka_unit_test(a_key_gets_its_first_answer_again_and_the_next_key_the_next_occurrence),
    cmocka_unit_test(a_tool_that_ignores_keys_does_it_again),
    cmocka_unit_test(a_read_tells_the_world_as_it_is_however_often_it_is_asked),
    cmocka_unit_test(what_was_never_recorded_is_not_found_and_a_key_belongs_to_one_call),
    cmocka_unit_test(a_message_is_taken_once), cmocka_unit_test(the_recorded_airline_answers_as_recorded))
