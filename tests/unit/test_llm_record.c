#include "base/hash.h"
#include "base/text.h"
#include "llm/llm_record.h"
#include "net/loop.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/candor-test-record-XXXXXX";
static struct loop *loop;

/* What one question came to. Texts are copied, because an answer's texts end with the call. */
struct outcome {
    struct arena *arena;
    struct llm_answer answer;
    int deltas, done;
    struct buf words;
};

static void on_delta(void *arg, struct str text)
{
    struct outcome *o = arg;
    assert_true(text_invalid_at(text) < 0);
    o->deltas++;
    buf_add(&o->words, text);
}

static void on_done(void *arg, const struct llm_answer *answer)
{
    struct outcome *o = arg;
    struct llm_tool_call *calls = ARENA_ARRAY(o->arena, struct llm_tool_call, answer->calls_n);
    o->done++;
    o->answer = *answer;
    o->answer.text = str_copy(o->arena, answer->text);
    o->answer.finish = str_copy(o->arena, answer->finish);
    o->answer.calls = calls;
    for (size_t i = 0; i < answer->calls_n; i++)
        calls[i] = (struct llm_tool_call){.id = str_copy(o->arena, answer->calls[i].id),
                                          .name = str_copy(o->arena, answer->calls[i].name),
                                          .arguments = str_copy(o->arena, answer->calls[i].arguments)};
}

static struct outcome ask(struct arena *a, struct llm *m, const char *label, int call_n, const char *transcript)
{
    struct outcome o = {.arena = a, .words = buf_new(a, 1 << 20)};
    struct llm_question q = {.transcript = str_of(transcript), .label = str_of(label), .call_n = call_n};
    struct llm_hooks hooks = {.on_delta = on_delta, .on_done = on_done};
    llm_ask(m, &q, &hooks, &o);
    assert_int_equal(o.done, 0); /* never from inside llm_ask */
    for (int i = 0; i < 100 && !o.done; i++)
        loop_once(loop, 10);
    assert_int_equal(o.done, 1);
    return o;
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct str file_put(struct arena *a, const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return str_copy(a, str_of(path_of(name)));
}

static struct str file_get(struct arena *a, const char *name)
{
    FILE *f = fopen(path_of(name), "rb");
    struct str s = {arena_alloc(a, 1 << 20), 0};
    assert_non_null(f);
    s.n = fread((char *)s.p, 1, 1 << 20, f);
    fclose(f);
    return s;
}

static int open_recording(struct str path, struct llm **m, struct err *e)
{
    struct llm_config config = {.kind = STR("recorded"), .recording = path};
    return llm_new(loop, NULL, &config, m, e);
}

#define WORDS(label, call, words) \
    "{\"label\":\"" label "\",\"call\":" #call ",\"answer\":{\"text\":\"" words \
    "\",\"calls\":[],\"finish\":\"stop\"}}\n"

TEST(an_answer_is_found_by_label_and_call)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    CHECK_INT(
        open_recording(file_put(a, "r", WORDS("x", 1, "one") WORDS("x", 2, "two") WORDS("y", 1, "three")), &m, &e), 0);
    CHECK_STR(ask(a, m, "x", 2, "[]").answer.text, "two");
    CHECK_STR(ask(a, m, "x", 1, "[]").answer.text, "one");
    CHECK_STR(ask(a, m, "y", 1, "[]").answer.text, "three");
    CHECK_STR(llm_model(m), "recorded");

    struct outcome missing = ask(a, m, "y", 2, "[]");
    CHECK_INT(missing.answer.result, ERR_NOT_FOUND);
    CHECK_STR(str_of(missing.answer.err.text), "the recording has no answer to call 2 of \"y\"");
    CHECK_INT(missing.answer.attempts, 1);
    llm_free(m);
    arena_free(a);
}

#define SAYS(text)      "{\"role\":\"user\",\"content\":\"" text "\"}"
#define TOOL_SAYS(text) "{\"role\":\"tool\",\"tool_call_id\":\"c1_0\",\"content\":\"" text "\"}"

TEST(without_a_known_label_an_answer_is_found_by_the_customers_words_and_the_number_of_the_call)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    struct llm_question q = {.transcript = STR(SAYS("my \\\"card\\\"?") "," TOOL_SAYS("RC-1")), .call_n = 2};
    struct sha256 key = llm_record_key(&q);
    struct str line = str_f(a, "{\"label\":\"x\",\"call\":1,\"key\":\"%.*s\",\"answer\":{\"text\":\"yes\"}}\n",
                            STR_ARG(hash_hex(a, key.b, SHA256_BYTES)));
    CHECK_INT(open_recording(file_put(a, "r", line.p), &m, &e), 0);
    CHECK_STR(ask(a, m, "", 2, SAYS("my \\\"card\\\"?") "," TOOL_SAYS("RC-1")).answer.text, "yes");
    CHECK_STR(ask(a, m, "", 2, SAYS("my \\\"card\\\"?") "," TOOL_SAYS("RC-2")).answer.text, "yes"); /* another number */
    CHECK_STR(ask(a, m, "stranger", 2, SAYS("my \\\"card\\\"?")).answer.text, "yes");
    CHECK_INT(ask(a, m, "x", 2, SAYS("my \\\"card\\\"?")).answer.result, ERR_NOT_FOUND); /* the label is known */
    CHECK_INT(ask(a, m, "", 3, SAYS("my \\\"card\\\"?")).answer.result, ERR_NOT_FOUND);
    CHECK_INT(ask(a, m, "", 2, SAYS("my card?")).answer.result, ERR_NOT_FOUND);
    CHECK_INT(ask(a, m, "", 2, SAYS("my \\\"card\\\"?") "," SAYS("hello?")).answer.result, ERR_NOT_FOUND);
    llm_free(m);
    arena_free(a);
}

TEST(the_later_of_two_answers_counts_and_an_unfinished_line_is_none)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    CHECK_INT(open_recording(file_put(a, "r", WORDS("x", 1, "old") "\n" WORDS("x", 1, "new") "{\"label\":\"x\",\"ca"),
                             &m, &e),
              0);
    CHECK_STR(ask(a, m, "x", 1, "[]").answer.text, "new");
    llm_free(m);
    arena_free(a);
}

TEST(a_bad_line_is_named)
{
    static const char *const lines[] = {
        "nonsense\n",
        "[]\n",
        "{\"label\":\"x\",\"call\":0,\"answer\":{\"text\":\"a\"}}\n",
        "{\"key\":\"123\",\"answer\":{\"text\":\"a\"}}\n",
        "{\"label\":\"x\",\"call\":1}\n",
        "{\"label\":\"x\",\"call\":1,\"answer\":{\"text\":null,\"calls\":[{\"id\":\"1\"}]}}\n",
    };
    struct arena *a = arena_new("test", 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct llm *m;
        struct err e;
        CHECK_INT(open_recording(file_put(a, "r", str_f(a, "%s%s", WORDS("x", 1, "a"), lines[i]).p), &m, &e),
                  ERR_INVALID);
        CHECK(strstr(e.text, "/r:2: "));
    }
    arena_free(a);
}

TEST(a_recording_that_is_not_there_is_not_found)
{
    struct llm *m;
    struct err e;
    CHECK_INT(open_recording(str_of(path_of("none")), &m, &e), ERR_NOT_FOUND);
    CHECK_INT(open_recording(str_of(folder), &m, &e), ERR_INVALID);
}

TEST(words_come_in_a_few_pieces_cut_between_characters)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    CHECK_INT(open_recording(file_put(a, "r", WORDS("x", 1, "ééééé") WORDS("x", 2, "a")), &m, &e), 0);
    struct outcome o = ask(a, m, "x", 1, "[]");
    CHECK_INT(o.deltas, 3);
    CHECK_STR(buf_str(&o.words), "ééééé");
    CHECK_INT(ask(a, m, "x", 2, "[]").deltas, 1);
    llm_free(m);
    arena_free(a);
}

static struct llm_call *to_cancel;
static int deltas_seen;

static void cancel_on_delta(void *arg, struct str text)
{
    deltas_seen++;
    llm_cancel(to_cancel);
}

static void never(void *arg, const struct llm_answer *answer)
{
    fail_msg("a cancelled call must not end");
}

TEST(nothing_comes_after_a_cancel)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    struct llm_question q = {.label = STR("x"), .call_n = 1};
    struct llm_hooks hooks = {.on_delta = cancel_on_delta, .on_done = never};
    struct llm_stats stats;
    CHECK_INT(open_recording(file_put(a, "r", WORDS("x", 1, "three words here")), &m, &e), 0);
    llm_cancel(llm_ask(m, &q, &hooks, NULL));
    to_cancel = llm_ask(m, &q, &hooks, NULL);
    for (int i = 0; i < 5; i++)
        loop_once(loop, 5);
    CHECK_INT(deltas_seen, 1);
    llm_ask(m, &q, &hooks, NULL); /* open when everything ends */
    llm_stats(m, &stats);
    CHECK_INT(stats.cancelled, 2);
    CHECK_INT(stats.open, 1);
    llm_free(m);
    for (int i = 0; i < 5; i++)
        loop_once(loop, 5);
    arena_free(a);
}

TEST(what_is_recorded_plays_back_the_same)
{
    struct arena *a = arena_new("test", 0);
    struct llm *m;
    struct err e;
    struct stat st;
    struct str from = file_put(
        a, "from",
        "{\"label\":\"x\",\"call\":1,\"answer\":{\"text\":null,\"calls\":[{\"id\":\"c1\",\"name\":\"f\",\"arguments\":"
        "\"{\\\"a\\\": \\\"\\u00e9\\\"}\"},{\"id\":\"c1\",\"name\":\"g\",\"arguments\":\"not "
        "JSON\"}],\"finish\":\"tool_calls\","
        "\"in\":5,\"out\":6}}\n" WORDS("x", 2, "line\\nbreak \\\"quoted\\\""));
    struct str to = str_copy(a, str_of(path_of("to")));
    struct llm_config config = {.kind = STR("recorded"), .recording = from, .record_to = to};
    for (int round = 0; round < 2; round++) {
        CHECK_INT(llm_new(loop, NULL, &config, &m, &e), 0);
        struct outcome calls = ask(a, m, "x", 1, "T1"), words = ask(a, m, "x", 2, "T2");
        CHECK(!calls.answer.has_text && words.answer.has_text);
        CHECK_INT(calls.answer.calls_n, 2);
        CHECK_STR(calls.answer.calls[0].arguments, "{\"a\": \"é\"}");
        CHECK_STR(calls.answer.calls[1].arguments, "not JSON");
        CHECK_STR(calls.answer.finish, "tool_calls");
        CHECK_INT(calls.answer.tokens_in, 5);
        CHECK_INT(calls.answer.tokens_out, 6);
        CHECK_STR(words.answer.text, "line\nbreak \"quoted\"");
        llm_free(m);
        config.recording = to;
        config.record_to = str_copy(a, str_of(path_of("again")));
    }
    CHECK(str_eq(file_get(a, "to"), file_get(a, "again")));
    CHECK_INT(stat(path_of("to"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    arena_free(a);
}

TEST(a_recorder_cuts_off_what_a_crash_left_unfinished)
{
    struct arena *a = arena_new("test", 0);
    struct llm_recorder *r;
    struct err e;
    struct str path = file_put(a, "r", WORDS("x", 1, "a") "{\"label\":\"x\"");
    struct llm_question q = {.transcript = STR("T"), .label = STR("x"), .call_n = 2};
    struct llm_answer answer = {.text = STR("b"), .has_text = true, .finish = STR("stop")};
    CHECK_INT(llm_recorder_new(path, &r, &e), 0);
    CHECK_INT(llm_recorder_add(r, &q, &answer, &e), 0);
    llm_recorder_free(r);
    struct str text = file_get(a, "r");
    CHECK(str_starts(text, STR(WORDS("x", 1, "a") "{\"label\":\"x\",\"call\":2,\"key\":\"")));
    CHECK(str_ends(text, STR("\"finish\":\"stop\",\"in\":0,\"out\":0}}\n")));

    CHECK_INT(llm_recorder_new(file_put(a, "r", "all of it unfinished"), &r, &e), 0);
    llm_recorder_free(r);
    CHECK_INT(file_get(a, "r").n, 0);
    arena_free(a);
}

TEST(a_full_disk_ends_the_recording_and_no_answer)
{
    struct arena *a = arena_new("test", 0);
    struct llm_recorder *r;
    struct err e;
    struct llm_question q = {.label = STR("x"), .call_n = 1};
    struct llm_answer answer = {.text = STR("b"), .has_text = true, .finish = STR("stop")};
    CHECK_INT(llm_recorder_new(STR("/dev/full"), &r, &e), 0);
    CHECK_INT(llm_recorder_add(r, &q, &answer, &e), ERR_FULL);
    CHECK(llm_recorder_add(r, &q, &answer, &e) < 0);
    llm_recorder_free(r);

    struct llm *m;
    struct llm_config config = {.kind = STR("recorded"),
                                .recording = file_put(a, "r", WORDS("x", 1, "a") WORDS("x", 2, "b")),
                                .record_to = STR("/dev/full")};
    CHECK_INT(llm_new(loop, NULL, &config, &m, &e), 0);
    CHECK_STR(ask(a, m, "x", 1, "T").answer.text, "a");
    CHECK_STR(ask(a, m, "x", 2, "T").answer.text, "b");
    llm_free(m);
    config.record_to = STR("/nowhere/at/all");
    CHECK_INT(llm_new(loop, NULL, &config, &m, &e), ERR_IO);
    arena_free(a);
}

TEST(a_hundred_conversations_of_twenty_calls_are_all_found)
{
    struct arena *a = arena_new("test", 0);
    struct buf all = buf_new(a, 1 << 20);
    struct llm *m;
    struct err e;
    for (int c = 0; c < 100; c++)
        for (int n = 1; n <= 20; n++)
            buf_addf(&all, "{\"label\":\"airline/%d\",\"call\":%d,\"answer\":{\"text\":\"%d-%d\"}}\n", c, n, c, n);
    CHECK_INT(open_recording(file_put(a, "r", buf_str(&all).p), &m, &e), 0);
    for (int c = 0; c < 100; c++)
        for (int n = 1; n <= 20; n++)
            CHECK_STR(ask(a, m, str_f(a, "airline/%d", c).p, n, "").answer.text, str_f(a, "%d-%d", c, n).p);
    llm_free(m);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_found_by_label_and_call),
        cmocka_unit_test(without_a_known_label_an_answer_is_found_by_the_customers_words_and_the_number_of_the_call),
        cmocka_unit_test(the_later_of_two_answers_counts_and_an_unfinished_line_is_none),
        cmocka_unit_test(a_bad_line_is_named),
        cmocka_unit_test(a_recording_that_is_not_there_is_not_found),
        cmocka_unit_test(words_come_in_a_few_pieces_cut_between_characters),
        cmocka_unit_test(nothing_comes_after_a_cancel),
        cmocka_unit_test(what_is_recorded_plays_back_the_same),
        cmocka_unit_test(a_recorder_cuts_off_what_a_crash_left_unfinished),
        cmocka_unit_test(a_full_disk_ends_the_recording_and_no_answer),
        cmocka_unit_test(a_hundred_conversations_of_twenty_calls_are_all_found),
    };
    struct err e;
    if (!mkdtemp(folder) || loop_new(&loop, &e) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(loop);
    static const char *const names[] = {"r", "from", "to", "again"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    rmdir(folder);
    return failed;
}
