#include "test.h"

#include "base/clock.h"
#include "base/id.h"
#include "eval/export.h"
#include "eval/import.h"
#include "eval/journal_line.h"
#include "eval/transcript.h"
#include "stats/sample.h"

#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 23 };

static const int64_t NOW_US = 1795333500000000; /* 2026-11-22 */

static struct str read_shared(struct arena *a, const char *name)
{
    const char *path = test_shared(name);
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f)
        return STR_NONE;
    char *p = arena_alloc(a, FILE_BYTES_MAX);
    size_t n = fread(p, 1, FILE_BYTES_MAX, f);
    fclose(f);
    return (struct str){p, n};
}

static struct str airline(struct arena *a)
{
    return read_shared(a, "data/airline_trajectories/conversations.jsonl");
}

static int read_text(struct arena *a, const char *format, struct str text, struct import_batch *b, struct err *e)
{
    return import_read(a, format, "file.jsonl", text, "set", NOW_US, b, e);
}

/* The error that a text gives, or "" when it is taken. */
static const char *refusal(struct arena *a, const char *format, const char *text)
{
    struct import_batch b;
    struct err e = {0};
    return read_text(a, format, str_of(text), &b, &e) ? str_f(a, "%s", e.text).p : "";
}

static const char *openai(struct arena *a, const char *messages)
{
    return refusal(a, "openai-jsonl", str_f(a, "{\"messages\":[%s]}", messages).p);
}

static struct json *parsed(struct arena *a, struct str text)
{
    struct json *v;
    struct err e = {0};
    if (json_parse(a, text, &v, &e))
        fail_msg("%s", e.text);
    return v;
}

static struct json *exported(struct arena *a, const char *format, const struct import_conversation *c)
{
    struct buf out = buf_new(a, EXPORT_LINE_BYTES_MAX);
    struct err e = {0};
    if (export_line(a, format, &c->item, c->events, c->events_n, STR("secret"), &out, &e))
        fail_msg("%s", e.text);
    return parsed(a, str_trim(buf_str(&out)));
}

TEST(a_wrong_line_is_named_with_its_field)
{
    struct arena *a = arena_new("test", 0);
    assert_string_equal(
        refusal(a, "openai-jsonl",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n\n"
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{}]}"),
        "file.jsonl:3: messages[1].role is missing; every message needs user, assistant, tool or system");
    assert_string_equal(openai(a, "{\"role\":\"user\"}"), "file.jsonl:1: messages[0].content is missing");
    assert_string_equal(openai(a, "{\"role\":\"user\",\"content\":[]}"),
                        "file.jsonl:1: messages[0].content is missing");
    assert_string_equal(openai(a, "{\"role\":\"user\",\"content\":{}}"),
                        "file.jsonl:1: messages[0].content is not text; parts other than text cannot be imported");
    assert_string_equal(openai(a, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
                                  "{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}"),
                        "file.jsonl:1: messages[0].content[1] is not text; parts other than text cannot be imported");
    assert_string_equal(openai(a, "{\"role\":\"assistant\"}"),
                        "file.jsonl:1: messages[0] from the assistant has neither content nor tool_calls");
    assert_string_equal(openai(a, "{\"role\":\"function\",\"content\":\"\"}"),
                        "file.jsonl:1: messages[0].role is none of user, assistant, tool and system");
    assert_string_equal(
        openai(a, "{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"x\"}"),
        "file.jsonl:1: messages[0].tool_call_id \"x\" answers no open call of the assistant's last message");
    assert_string_equal(
        openai(a, "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"x\",\"name\":\"f\",\"arguments\":\"{}\"}]},"
                  "{\"role\":\"user\",\"content\":\"\"}"),
        "file.jsonl:1: messages[1]: the call \"x\" of f was not answered before this message");
    assert_string_equal(openai(a, "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"x\",\"name\":\"f\"}]}"),
                        "file.jsonl:1: messages[0].tool_calls[0] has no arguments; they are a text that holds JSON");
    assert_string_equal(openai(a, "{\"role\":\"system\",\"content\":\"only\"}"),
                        "file.jsonl:1: messages has nobody but the system speaking");
    assert_string_equal(refusal(a, "openai-jsonl", "\n \n"),
                        "file.jsonl has 0 conversations; 1 to 1000000 can be imported at once");
    assert_string_equal(refusal(a, "csv", "x"),
                        "no format is called csv; there are tau-bench, openai-jsonl and candor-jsonl");
    arena_free(a);
}

TEST(tau_bench_names_its_tasks_and_trials_and_labels_are_unique)
{
    struct arena *a = arena_new("test", 0);
    const char *tail = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    const char *good = str_f(a, "{\"id\":\"a\",\"task_id\":0,\"trial\":0,\"reward\":1,%s", tail).p;
    assert_string_equal(refusal(a, "tau-bench", good), "");
    assert_string_equal(refusal(a, "tau-bench", str_f(a, "{\"task_id\":0,%s", tail).p),
                        "file.jsonl:1: trial is missing");
    assert_string_equal(refusal(a, "tau-bench", str_f(a, "{\"id\":\"a\",\"task_id\":null,\"trial\":0,%s", tail).p),
                        "file.jsonl:1: task_id is missing");
    assert_string_equal(refusal(a, "tau-bench", str_f(a, "{\"task_id\":0,\"trial\":0,\"reward\":2,%s", tail).p),
                        "file.jsonl:1: reward is not a number from 0 to 1");
    assert_string_equal(refusal(a, "tau-bench", str_f(a, "{\"task_id\":0,\"trial\":0,\"traj\":[],%s", tail).p),
                        "file.jsonl:1: traj and messages are both there; one of them holds the conversation");
    assert_string_equal(refusal(a, "tau-bench", "{\"task_id\":0,\"trial\":0}"), "file.jsonl:1: messages is missing");
    assert_string_equal(refusal(a, "tau-bench", str_f(a, "%s\n%s", good, good).p),
                        "file.jsonl:2: id \"a\" stands in line 1 already");
    arena_free(a);
}

/* --- what other programs write --- */

static const char HI[] = "{\"role\":\"user\",\"content\":\"hi\"}";

TEST(the_results_of_tau_bench_are_taken_as_it_writes_them)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct err e = {0};
    struct str text =
        str_f(a,
              "\xef\xbb\xbf[\n  {\n    \"task_id\": 3, \"reward\": 1.0,\n    \"info\": {\"task\": {"
              "\"user_id\": \"mia\", \"instruction\": \"Be mia.\", \"actions\": [{\"name\": \"f\", "
              "\"kwargs\": {\"a\": [1, \"],{\"]}}], \"outputs\": [\"1,000\"]}, \"source\": \"user\", "
              "\"user_cost\": null},\n    \"traj\": [%s], \"trial\": 1\n  },\n  {\n    \"task_id\": 3, "
              "\"reward\": 0.0, \"info\": {\"error\": \"time-out\"}, \"traj\": [], \"trial\": 2\n  }\n]\n",
              HI);
    if (read_text(a, "tau-bench", text, &b, &e))
        fail_msg("%s", e.text);
    CHECK(b.n == 2 && b.messages == 1 && b.conversations[0].line == 2 && b.conversations[1].line == 7);
    CHECK_STR(
        json_text(a, exported(a, "tau-bench", &b.conversations[0])),
        str_f(a,
              "{\"id\":\"task-3-trial-1\",\"trial\":1,\"task_id\":3,\"reward\":1.0,\"user_id\":\"mia\","
              "\"instruction\":\"Be mia.\",\"expected_actions\":[{\"name\":\"f\",\"kwargs\":{\"a\":[1,\"],{\"]}}],"
              "\"expected_outputs\":[\"1,000\"],\"messages\":[%s]}",
              HI)
            .p);
    CHECK(b.ignored_n == 2 && b.ignored[0].n == 1 && b.ignored[1].n == 1);
    CHECK_STR(b.ignored[0].field, "info.source");
    CHECK_STR(b.ignored[1].field, "info.error");
    const struct import_conversation *broken = &b.conversations[1]; /* nobody spoke, and it counts as a failure */
    CHECK(broken->events_n == 2 && broken->item.has_reward && broken->item.reward == 0);
    CHECK_STR(json_text(a, exported(a, "tau-bench", broken)),
              "{\"id\":\"task-3-trial-2\",\"trial\":2,\"task_id\":3,\"reward\":0.0,\"messages\":[]}");
    arena_free(a);
}

TEST(what_was_expected_stands_in_the_conversation_before_it_is_taken_from_info)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct str text = str_f(a,
                            "{\"task_id\":0,\"trial\":0,\"expected_outputs\":[\"own\"],\"info\":{\"task\":{"
                            "\"outputs\":[\"other\"],\"actions\":[{\"name\":\"f\"}],\"user_id\":null}},\"traj\":[%s]}",
                            HI);
    CHECK_INT(read_text(a, "tau-bench", text, &b, NULL), 0);
    CHECK_STR(b.conversations[0].item.expected, "{\"outputs\":[\"own\"]}");
    CHECK_INT(b.ignored_n, 2);
    CHECK_STR(b.ignored[0].field, "info.task.outputs");
    CHECK_STR(b.ignored[1].field, "info.task.actions"); /* without arguments it is no action */
    arena_free(a);
}

TEST(a_list_that_is_broken_says_where)
{
    struct arena *a = arena_new("test", 0);
    const char *one = str_f(a, "{\"id\":\"a\",\"messages\":[%s]}", HI).p;
    const char *two = str_f(a, "{\"id\":\"b\",\"messages\":[%s]}", HI).p;
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, " [ %s\n,%s ] ", one, two).p), "");
    assert_string_equal(refusal(a, "openai-jsonl", "[]"),
                        "file.jsonl has 0 conversations; 1 to 1000000 can be imported at once");
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, "[%s,\n%s", one, two).p),
                        "file.jsonl:2: the list of conversations has no end; conversation 2 begins here");
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, "[%s,\n]", one).p),
                        "file.jsonl:2: conversation 2 of the list is empty: there is a comma too many");
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, "[%s]\n%s", one, two).p),
                        "file.jsonl:2: the list of conversations has ended, and more stands behind it");
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, "[%s,\n3]", one).p),
                        "file.jsonl:2: conversation 2: a conversation is one JSON object");
    assert_string_equal(refusal(a, "openai-jsonl", str_f(a, "[%s,\n\n%s]", one, one).p),
                        "file.jsonl:3: conversation 2: id \"a\" stands in line 1 already");
    const char *garbage = refusal(a, "openai-jsonl", str_f(a, "[%s,\n%s}]", one, two).p);
    CHECK(str_starts(str_of(garbage), STR("file.jsonl:2: conversation 2: not JSON at byte")));
    garbage = refusal(a, "openai-jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}");
    CHECK(str_starts(str_of(garbage), STR("file.jsonl:1: not JSON at byte")));
    arena_free(a);
}

TEST(a_byte_order_mark_begins_a_file_and_stands_nowhere_else)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch with, without;
    struct str line = str_f(a, "{\"id\":\"a\",\"messages\":[%s]}\n", HI);
    CHECK_INT(read_text(a, "openai-jsonl", str_f(a, "\xef\xbb\xbf%.*s", STR_ARG(line)), &with, NULL), 0);
    CHECK_INT(read_text(a, "openai-jsonl", line, &without, NULL), 0);
    CHECK(str_eq(with.conversations[0].source_sha, without.conversations[0].source_sha));
    const char *late = str_f(a, "%.*s\xef\xbb\xbf%.*s", STR_ARG(line), STR_ARG(line)).p;
    CHECK(str_starts(str_of(refusal(a, "openai-jsonl", late)), STR("file.jsonl:2: not JSON at byte 0")));
    arena_free(a);
}

TEST(without_a_reward_a_conversation_is_taken_and_has_none)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct err e = {0};
    struct str text = str_f(a,
                            "{\"task_id\":0,\"trial\":0,\"reward\":null,\"r_actions\":null,\"messages\":[%s]}\n"
                            "{\"task_id\":0,\"trial\":1,\"messages\":[%s],\"user_id\":null}",
                            HI, HI);
    if (read_text(a, "tau-bench", text, &b, &e))
        fail_msg("%s", e.text);
    CHECK(b.n == 2 && !b.conversations[0].item.has_reward && !b.conversations[1].item.has_reward && b.ignored_n == 0);
    CHECK_STR(
        json_text(a, exported(a, "tau-bench", &b.conversations[0])),
        str_f(a, "{\"id\":\"task-0-trial-0\",\"trial\":0,\"task_id\":0,\"r_actions\":null,\"messages\":[%s]}", HI).p);
    arena_free(a);
}

TEST(what_means_the_same_goes_out_in_one_form)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct err e = {0};
    struct str text =
        STR("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"one\"},"
            "{\"type\":\"text\",\"text\":\"\",\"cache_control\":{}},{\"text\":\"t\\u0077o\"}]},"
            "{\"role\":\"assistant\",\"content\":null,\"refusal\":null},{\"role\":\"user\",\"content\":\"hm\"},"
            "{\"role\":\"assistant\",\"content\":[],\"tool_calls\":["
            "{\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"b\": 1.50, \"a\": []}}},"
            "{\"id\":\"y\",\"name\":\"f\",\"arguments\":{}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"y\",\"content\":null},"
            "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":[{\"type\":\"text\",\"text\":\"Error\"}]}]}");
    if (read_text(a, "openai-jsonl", text, &b, &e))
        fail_msg("%s", e.text);
    CHECK_STR(json_text(a, exported(a, "openai-jsonl", &b.conversations[0])),
              "{\"id\":\"file.jsonl-1\",\"messages\":[{\"role\":\"user\",\"content\":\"one\\n\\ntwo\"},"
              "{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"hm\"},"
              "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
              "{\"id\":\"c7_0\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"b\\\":1.50,"
              "\\\"a\\\":[]}\"}},"
              "{\"id\":\"c7_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
              "{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"c7_1\",\"name\":\"f\"},"
              "{\"role\":\"tool\",\"content\":\"Error\",\"tool_call_id\":\"c7_0\",\"name\":\"f\"}]}");
    CHECK_INT(b.ignored_n, 1);
    CHECK_STR(b.ignored[0].field, "message.content.cache_control");
    arena_free(a);
}

TEST(an_assistant_who_says_it_in_another_field_is_not_taken_for_silent)
{
    struct arena *a = arena_new("test", 0);
    static const char *const others[] = {"\"refusal\":\"I cannot.\"", "\"function_call\":{\"name\":\"f\"}",
                                         "\"audio\":{\"id\":\"x\"}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_string_equal(openai(a, str_f(a, "{\"role\":\"assistant\",\"content\":null,%s}", others[i]).p),
                            "file.jsonl:1: messages[0] from the assistant has neither content nor tool_calls");
    arena_free(a);
}

TEST(what_is_left_out_is_counted)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct str text = STR("{\"tools\":[],\"messages\":[{\"role\":\"user\",\"content\":\"hi\",\"name\":\"Ann\"},"
                          "{\"role\":\"assistant\",\"content\":\"ho\",\"refusal\":null,\"name\":\"Bob\"}]}");
    CHECK_INT(read_text(a, "openai-jsonl", text, &b, NULL), 0);
    CHECK_INT(b.ignored_n, 2);
    CHECK_STR(b.ignored[0].field, "tools");
    CHECK_STR(b.ignored[1].field, "message.name");
    CHECK(b.ignored[0].n == 1 && b.ignored[1].n == 2);
    CHECK_STR(b.conversations[0].item.label, "file.jsonl-1");
    arena_free(a);
}

TEST(answers_find_their_calls_although_ids_repeat)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct err e = {0};
    struct str text = STR(
        "{\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},{\"role\":\"user\",\"content\":\"\\u00e9\\n\"},"
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\" {\\\"a\\\": 1.0}\"}},"
        "{\"id\":\"x\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"not json\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"one\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"x\",\"content\":\"Error: two\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"x\",\"name\":\"f\",\"arguments\":\"\"}]}]"
        "}");
    CHECK_INT(read_text(a, "openai-jsonl", text, &b, &e), 0);
    CHECK_INT(b.calls, 3);
    CHECK_INT(b.calls_unanswered, 1);
    struct str out = json_text(a, exported(a, "openai-jsonl", &b.conversations[0]));
    CHECK_STR(
        out,
        "{\"id\":\"file.jsonl-1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
        "{\"role\":\"user\",\"content\":\"\xc3\xa9\\n\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"c3_0\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\" {\\\"a\\\": 1.0}\"}},"
        "{\"id\":\"c3_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"not json\"}}]},"
        "{\"role\":\"tool\",\"content\":\"one\",\"tool_call_id\":\"c3_0\",\"name\":\"f\"},"
        "{\"role\":\"tool\",\"content\":\"Error: two\",\"tool_call_id\":\"c3_1\",\"name\":\"f\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
        "{\"id\":\"c6_0\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}]}");
    struct transcript t;
    const struct import_conversation *c = &b.conversations[0];
    CHECK_INT(transcript_read(a, c->events, c->events_n, &t, NULL), 0);
    CHECK(t.recorded && t.calls_n == 3 && t.calls[0].args && !t.calls[1].args);
    CHECK(transcript_call_ok(&t.calls[0]) && !transcript_call_ok(&t.calls[1]) && !transcript_call_ok(&t.calls[2]));
    arena_free(a);
}

TEST(a_recorded_conversation_leaves_no_turn_open)
{
    struct arena *a = arena_new("test", 0);
    struct import_batch b;
    struct str text = STR("{\"messages\":[{\"role\":\"user\",\"content\":\"1\"},{\"role\":\"user\",\"content\":\"2\"},"
                          "{\"role\":\"assistant\",\"content\":\"3\"},{\"role\":\"user\",\"content\":\"4\"}]}");
    CHECK_INT(read_text(a, "openai-jsonl", text, &b, NULL), 0);
    struct buf kinds = buf_new(a, 1000);
    for (size_t i = 0; i < b.conversations[0].events_n; i++)
        buf_addf(&kinds, "%s ", event_name(b.conversations[0].events[i].kind));
    CHECK_STR(buf_str(&kinds), "conversation.opened message.received message.received model.answered reply.sent "
                               "turn.ended message.received turn.ended conversation.closed ");
    arena_free(a);
}

/* --- the 100 recorded conversations --- */

/* Contents byte for byte, calls in their order under ids of ours, answers behind their calls. */
static void same_messages(const struct json *source, const struct json *out)
{
    struct str open[16];
    size_t open_n = 0, ids_n = 0;
    struct str ids[200];
    const struct json *m = source->child, *o = out->child;
    for (; m && o; m = m->next, o = o->next) {
        assert_true(str_eq(json_str(json_get(m, "role")), json_str(json_get(o, "role"))));
        const struct json *was = json_get(m, "content"), *is = json_get(o, "content");
        assert_true(was->kind == is->kind && str_eq(was->text, is->text));
        const struct json *call = json_get(m, "tool_calls"), *ours = json_get(o, "tool_calls");
        assert_true(!call == !ours);
        call = call ? call->child : NULL;
        ours = ours ? ours->child : NULL;
        for (; call && ours; call = call->next, ours = ours->next) {
            const struct json *function = json_get(ours, "function");
            assert_true(str_eq(json_str(json_get(call, "name")), json_str(json_get(function, "name"))));
            assert_true(str_eq(json_str(json_get(call, "arguments")), json_str(json_get(function, "arguments"))));
            struct str id = json_str(json_get(ours, "id"));
            for (size_t i = 0; i < ids_n; i++)
                assert_false(str_eq(ids[i], id));
            ids[ids_n++] = open[open_n++] = id;
        }
        assert_true(!call && !ours);
        if (str_is(json_str(json_get(m, "role")), "tool"))
            assert_true(open_n > 0 && str_eq(json_str(json_get(o, "tool_call_id")), open[--open_n]));
    }
    assert_true(!m && !o && open_n == 0);
}

TEST(the_recorded_conversations_go_out_as_they_came_in)
{
    struct arena *a = arena_new("test", 1 << 20);
    struct str text = airline(a), rest = text, line;
    struct import_batch b;
    struct err e = {0};
    if (text.n == 0) {
        arena_free(a);
        return;
    }
    if (import_read(a, "tau-bench", "conversations.jsonl", text, "airline", NOW_US, &b, &e))
        fail_msg("%s", e.text);
    CHECK(b.n == 100 && b.messages == 2862 && b.calls == 621 && b.calls_unanswered == 0 && b.ignored_n == 0);
    for (size_t i = 0; str_split(&rest, '\n', &line) && line.n; i++) {
        struct json *source = parsed(a, line);
        same_messages(json_get(source, "messages"),
                      json_get(exported(a, "openai-jsonl", &b.conversations[i]), "messages"));
        CHECK(json_same(source, exported(a, "tau-bench", &b.conversations[i])));
        CHECK(i == 0 || b.conversations[i].item.conversation > b.conversations[i - 1].item.conversation);
    }
    arena_free(a);
}

TEST(pass_k_of_the_recorded_conversations_is_what_their_authors_say)
{
    struct arena *a = arena_new("test", 1 << 20);
    struct str text = airline(a), expected = read_shared(a, "data/airline_trajectories/expected.json");
    struct import_batch b;
    if (text.n == 0 || expected.n == 0) {
        arena_free(a);
        return;
    }
    CHECK_INT(import_read(a, "tau-bench", "c", text, "airline", NOW_US, &b, NULL), 0);
    const struct json *want = json_get(parsed(a, expected), "pass_hat_k");
    for (size_t k = 1; k <= 4; k++) {
        double sum = 0;
        size_t tasks = 0;
        for (size_t i = 0; i < b.n; i += 4, tasks++) { /* four trials of a task stand together */
            size_t wins = 0;
            double p;
            for (size_t trial = 0; trial < 4; trial++) {
                CHECK(str_eq(b.conversations[i].item.task, b.conversations[i + trial].item.task));
                wins += b.conversations[i + trial].item.reward == 1;
            }
            CHECK_INT(sample_pass_k(wins, 4, k, &p, NULL), 0);
            sum += p;
        }
        struct str got = str_f(a, "%.4f", sum / (double)tasks);
        struct str said = str_f(a, "%.4f", json_num(json_get(want, str_f(a, "%zu", k).p), -1));
        CHECK_STR(got, said.p);
    }
    arena_free(a);
}

/* --- storing --- */

static struct store *open_store(struct arena *a, char *folder)
{
    struct store *s;
    struct err e = {0};
    if (!mkdtemp(folder))
        fail_msg("no folder for the test");
    struct store_config config = {.path = str_f(a, "%s/c.db", folder).p};
    if (store_open(&config, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void drop_store(struct arena *a, struct store *s, const char *folder)
{
    store_close(s);
    if (system(str_f(a, "rm -rf %s", folder).p))
        print_message("%s is left behind\n", folder);
}

static const char TWO[] = "{\"id\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}\n"
                          "{\"id\":\"b\",\"reward\":0.5,\"messages\":[{\"role\":\"user\",\"content\":\"ho\"}]}\n";

TEST(a_set_is_stored_whole_and_once)
{
    struct arena *a = arena_new("test", 0);
    char folder[] = "/tmp/candor-test-XXXXXX";
    struct store *s = open_store(a, folder);
    struct import_batch b;
    struct err e = {0};
    CHECK_INT(read_text(a, "openai-jsonl", str_of(TWO), &b, &e), 0);
    CHECK_INT(import_store(s, a, &b, &e), 0);
    struct dataset_item *items;
    size_t n;
    CHECK_INT(dataset_items(s, a, "set", &items, &n, &e), 0);
    CHECK(n == 2 && str_is(items[0].label, "a") && !items[0].has_reward && items[1].reward == 0.5);
    int64_t *unfinished;
    CHECK_INT(conversation_unfinished(s, a, &unfinished, &n, &e), 0);
    CHECK_INT(n, 0);
    CHECK_INT(read_text(a, "openai-jsonl", str_of(TWO), &b, &e), 0);
    CHECK_INT(import_store(s, a, &b, &e), ERR_CONFLICT);
    CHECK_STR(str_of(e.text), "the set set has a already; nothing was added");
    drop_store(a, s, folder);
    arena_free(a);
}

TEST(an_import_that_was_killed_goes_on_when_it_runs_again)
{
    struct arena *a = arena_new("test", 0);
    char folder[] = "/tmp/candor-test-XXXXXX";
    struct store *s = open_store(a, folder);
    struct import_batch b;
    struct err e = {0};
    struct appended done;
    CHECK_INT(read_text(a, "openai-jsonl", str_of(TWO), &b, &e), 0);
    struct append first = {.conversation = b.conversations[0].item.conversation, .seq = 1};
    first.events = b.conversations[0].events, first.n = b.conversations[0].events_n;
    CHECK_INT(store_append_wait(s, &first, &done), 0); /* and here it died */
    CHECK_INT(read_text(a, "openai-jsonl", str_of(TWO), &b, &e), 0);
    CHECK_INT(import_store(s, a, &b, &e), 0);
    CHECK_INT(b.already, 1);
    struct conversation_row *rows;
    size_t n;
    CHECK_INT(conversation_list(s, a, NULL, "set", NULL, &rows, &n, &e), 0);
    CHECK_INT(n, 2);
    drop_store(a, s, folder);
    arena_free(a);
}

TEST(a_journal_moves_to_another_installation_as_a_record)
{
    struct arena *a = arena_new("test", 0);
    static const char *const bodies[] = {
        "{\"agent\":\"cards\",\"customer\":\"lia\",\"channel\":\"push:mail\"}",
        "{\"text\":\"lia here\"}",
        "{\"tool\":\"reissue\",\"args\":{\"customer\":\"lia\"},\"digest\":\"d\",\"call\":\"c1_0\"}",
        "{\"proposal\":3,\"key\":\"k\",\"attempt\":1}",
        "{\"due_us\":5,\"what\":\"call back\"}",
    };
    static const enum event_kind kinds[] = {EVENT_OPENED, EVENT_MESSAGE_RECEIVED, EVENT_ACTION_PROPOSED,
                                            EVENT_ACTION_STARTED, EVENT_TIMER_SET};
    struct event events[5];
    for (size_t i = 0; i < 5; i++)
        events[i] = (struct event){.seq = (int64_t)i + 1, .at_us = 7, .kind = kinds[i], .body = str_of(bodies[i])};
    struct import_conversation own = {.events = events, .events_n = 5, .item = {.label = STR("c0001")}};
    struct str line = json_text(a, exported(a, "candor-jsonl", &own));
    CHECK(!str_has(line, STR("\"lia\"")) && str_has(line, STR("lia here")));
    CHECK(!str_has(json_text(a, exported(a, "openai-jsonl", &own)), STR("\"lia\"")));
    struct import_batch b;
    struct err e = {0};
    if (read_text(a, "candor-jsonl", line, &b, &e))
        fail_msg("%s", e.text);
    const struct import_conversation *c = &b.conversations[0];
    CHECK_INT(c->events_n, 7);
    const struct json *opened = parsed(a, c->events[0].body), *started = parsed(a, c->events[3].body);
    CHECK_STR(json_str(json_get(opened, "agent")), "cards");
    CHECK_STR(json_str(json_get(opened, "channel")), "import");
    CHECK(str_starts(json_str(json_get(opened, "customer")), STR("p")));
    CHECK_STR(json_str(json_get(started, "key")),
              str_f(a, "import:%.*s:k", STR_ARG(id_public(a, c->item.conversation))).p);
    CHECK_STR(c->events[5].body, "{\"timer\":5}");
    CHECK_INT(c->events[6].kind, EVENT_CLOSED);
    struct transcript t;
    CHECK_INT(transcript_read(a, c->events, c->events_n, &t, NULL), 0);
    CHECK(!t.recorded && t.actions_n == 1 && t.actions[0].started == 4);
    arena_free(a);
}

TEST(an_own_conversation_goes_out_with_each_call_beside_its_answer)
{
    struct arena *a = arena_new("test", 0);
    static const struct {
        enum event_kind kind;
        const char *body;
    } journal[] = {
        {EVENT_OPENED, "{\"agent\":\"cards\",\"customer\":\"lia\",\"channel\":\"web\"}"},
        {EVENT_MESSAGE_RECEIVED, "{\"text\":\"where?\"}"},
        {EVENT_MODEL_ANSWERED,
         "{\"text\":\"Late.\",\"calls\":[{\"id\":\"c3_0\",\"pid\":\"p\",\"name\":\"note\",\"args\":\"{}\"},"
         "{\"id\":\"c3_1\",\"pid\":\"p\",\"name\":\"reissue\",\"args\":\"{}\"}]}"},
        {EVENT_ACTION_PROPOSED,
         "{\"call\":\"c3_1\",\"tool\":\"reissue\",\"args\":{\"customer\":\"lia\"},\"digest\":\"d\","
         "\"gate\":\"customer\"}"},
        {EVENT_TOOL_ANSWERED, "{\"call\":\"c3_1\",\"tool\":\"reissue\",\"class\":\"refused\",\"result\":{}}"},
        {EVENT_SCRATCHPAD_UPDATED, "{\"call\":\"c3_0\"}"},
        {EVENT_REPLY_SENT, "{\"mid\":\"1\",\"text\":\"Late. Shall I?\",\"of\":3,\"proposal\":4}"},
        {EVENT_CONFIRMATION_GIVEN, "{\"proposal\":4,\"digest\":\"d\",\"answer\":\"yes\",\"by\":\"button\"}"},
        {EVENT_ACTION_STARTED, "{\"proposal\":4,\"key\":\"k\"}"},
        {EVENT_ACTION_DONE, "{\"proposal\":4,\"key\":\"k\",\"class\":\"ok\",\"result\":{\"for\":\"lia\"}}"},
        {EVENT_MODEL_ANSWERED,
         "{\"text\":\"Done.\",\"calls\":[{\"id\":\"c11_0\",\"pid\":\"p\",\"name\":\"note\",\"args\":\"{}\"}]}"},
        {EVENT_SCRATCHPAD_UPDATED, "{\"call\":\"c11_0\"}"},
        {EVENT_REPLY_SENT, "{\"mid\":\"2\",\"text\":\"Done.\",\"of\":11}"},
        {EVENT_HUMAN_MESSAGE, "{\"mid\":\"3\",\"text\":\"Hello.\"}"},
    };
    enum { N = sizeof journal / sizeof *journal };
    struct event events[N];
    for (size_t i = 0; i < N; i++)
        events[i] = (struct event){.seq = (int64_t)i + 1, .kind = journal[i].kind, .body = str_of(journal[i].body)};
    struct import_conversation own = {.events = events, .events_n = N, .item = {.label = STR("c0001")}};
    const struct json *m = json_get(exported(a, "openai-jsonl", &own), "messages")->child;
    struct buf talk = buf_new(a, 4096);
    for (; m; m = m->next) { /* role, who is answered, what is called, content */
        const struct json *calls = json_get(m, "tool_calls");
        buf_addf(&talk, "%.*s", STR_ARG(json_str(json_get(m, "role"))));
        for (const struct json *call = calls ? calls->child : NULL; call; call = call->next)
            buf_addf(&talk, " %.*s", STR_ARG(json_str(json_get(call, "id"))));
        buf_addf(&talk, " %.*s %.*s|", STR_ARG(json_str(json_get(m, "tool_call_id"))),
                 STR_ARG(json_str(json_get(m, "content"))));
    }
    struct str hidden = journal_pseudonym(a, STR("lia"), STR("secret"));
    CHECK_STR(buf_str(&talk),
              str_f(a,
                    "user  where?|assistant c3_0 c3_1  Late.|tool c3_1 {\"class\":\"refused\",\"result\":{}}|"
                    "tool c3_0 {\"class\":\"ok\",\"result\":{}}|assistant  Late. Shall I?|"
                    "user  [The customer pressed Confirm.]|assistant a4  |"
                    "tool a4 {\"class\":\"ok\",\"result\":{\"for\":\"%.*s\"}}|assistant c11_0  Done.|"
                    "tool c11_0 {\"class\":\"ok\",\"result\":{}}|assistant  [A person wrote:] Hello.|",
                    STR_ARG(hidden))
                  .p);
    arena_free(a);
}

TEST(a_public_id_names_one_conversation)
{
    struct arena *a = arena_new("test", 0);
    static const int64_t ids[] = {1, 2, INT64_MAX, NOW_US, 0x0123456789abcdef};
    struct str last = STR("");
    for (size_t i = 0; i < 3; i++) {
        struct str text = id_public(a, ids[i]);
        int64_t back = 0;
        CHECK(text.n == ID_PUBLIC_BYTES && id_parse(text, &back) == 0 && back == ids[i]);
        CHECK(str_cmp(last, text) < 0);
        last = text;
    }
    int64_t id;
    CHECK_INT(id_parse(STR("c0000000000000"), &id), ERR_INVALID); /* 0 */
    CHECK_INT(id_parse(STR("c0000000000003"), &id),
              ERR_INVALID); /* a set padding bit: another text for the same number */
    CHECK_INT(id_parse(STR("czzzzzzzzzzzzz"), &id), ERR_INVALID); /* negative */
    CHECK_INT(id_parse(STR("c000000000000u"), &id), ERR_INVALID);
    CHECK_INT(id_parse(STR("c1"), &id), ERR_INVALID);
    arena_free(a);
}

RUN(cmocka_unit_test(a_wrong_line_is_named_with_its_field),
    cmocka_unit_test(tau_bench_names_its_tasks_and_trials_and_labels_are_unique),
    cmocka_unit_test(the_results_of_tau_bench_are_taken_as_it_writes_them),
    cmocka_unit_test(what_was_expected_stands_in_the_conversation_before_it_is_taken_from_info),
    cmocka_unit_test(a_list_that_is_broken_says_where),
    cmocka_unit_test(a_byte_order_mark_begins_a_file_and_stands_nowhere_else),
    cmocka_unit_test(without_a_reward_a_conversation_is_taken_and_has_none),
    cmocka_unit_test(what_means_the_same_goes_out_in_one_form),
    cmocka_unit_test(an_assistant_who_says_it_in_another_field_is_not_taken_for_silent),
    cmocka_unit_test(what_is_left_out_is_counted), cmocka_unit_test(answers_find_their_calls_although_ids_repeat),
    cmocka_unit_test(a_recorded_conversation_leaves_no_turn_open),
    cmocka_unit_test(the_recorded_conversations_go_out_as_they_came_in),
    cmocka_unit_test(pass_k_of_the_recorded_conversations_is_what_their_authors_say),
    cmocka_unit_test(a_set_is_stored_whole_and_once),
    cmocka_unit_test(an_import_that_was_killed_goes_on_when_it_runs_again),
    cmocka_unit_test(a_journal_moves_to_another_installation_as_a_record),
    cmocka_unit_test(an_own_conversation_goes_out_with_each_call_beside_its_answer),
    cmocka_unit_test(a_public_id_names_one_conversation))
