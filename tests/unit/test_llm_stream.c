#include "base/rng.h"
#include "llm/llm_stream.h"
#include "net/sse.h"
#include "test.h"

/* What one stream came to. */
struct result {
    struct llm_stream stream;
    struct llm_end end;
    struct buf words; /* what each event added, joined */
    int r;
};

static struct arena *scratch;

static bool feed_event(void *arg, const struct sse_event *event)
{
    struct result *result = arg;
    size_t told = result->stream.text.n;
    result->r = llm_stream_feed(&result->stream, event->data, &result->end);
    buf_add(&result->words, str_from(buf_str(&result->stream.text), told));
    return result->r == 0;
}

/* Feeds the bytes in pieces of 1..step_max bytes (0: in one), then closes. */
static struct result assemble(struct str bytes, size_t step_max)
{
    struct result result = {.words = buf_new(NULL, LLM_ANSWER_BYTES_MAX)};
    struct sse sse;
    struct err e = {0};
    sse_begin(&sse);
    llm_stream_begin(&result.stream, scratch, STR("secret-key-1"));
    while (bytes.n && result.r == 0) {
        size_t n = step_max ? 1 + rng_u64() % step_max : bytes.n;
        if (sse_feed(&sse, str_head(bytes, n), feed_event, &result, &e) < 0)
            result.r = e.code;
        bytes = str_from(bytes, n);
    }
    sse_end(&sse);
    if (result.r == 0)
        result.r = llm_stream_close(&result.stream, &result.end);
    return result;
}

static void drop(struct result *result)
{
    llm_stream_end(&result->stream);
    buf_free(&result->words);
}

/* A stream of chunks whose first choice has these deltas, ended by [DONE]. */
#define STREAM_OF(finish, ...) stream_of(finish, (const char *const[]){__VA_ARGS__, NULL})
static struct result stream_of(const char *finish, const char *const *deltas)
{
    struct buf all = buf_new(NULL, 1 << 20);
    for (; *deltas; deltas++)
        buf_addf(&all, "data: {\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":null}]}\n\n", *deltas);
    if (finish)
        buf_addf(&all, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n", finish);
    buf_adds(&all, "data: [DONE]\n\n");
    struct result result = assemble(buf_str(&all), 0);
    buf_free(&all);
    return result;
}

static struct str file_of(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct str s = {arena_alloc(a, 1 << 20), 0};
    if (!f)
        fail_msg("%s cannot be read", path);
    s.n = fread((char *)s.p, 1, 1 << 20, f);
    fclose(f);
    return s;
}

static void check_answer(struct arena *a, const struct result *result, const struct json *expected)
{
    const struct llm_answer *answer = &result->end.answer;
    const struct json *calls = json_get(expected, "tool_calls");
    struct err e;
    assert_int_equal(result->r, 0);
    assert_true(str_eq(answer->text, json_str(json_get(expected, "text"))));
    assert_true(str_eq(buf_str(&result->words), answer->text));
    assert_true(str_eq(answer->finish, json_str(json_get(expected, "finish_reason"))));
    assert_int_equal(answer->tokens_in, json_int(json_get(expected, "input_tokens"), -1));
    assert_int_equal(answer->tokens_out, json_int(json_get(expected, "output_tokens"), -1));
    assert_false(answer->tokens_estimated);
    assert_int_equal(answer->calls_n, calls->n);
    for (size_t i = 0; i < answer->calls_n; i++) {
        const struct json *call = json_at(calls, i);
        struct json *arguments;
        assert_true(str_eq(answer->calls[i].id, json_str(json_get(call, "id"))));
        assert_true(str_eq(answer->calls[i].name, json_str(json_get(call, "name"))));
        assert_int_equal(json_parse(a, answer->calls[i].arguments, &arguments, &e), 0);
        assert_true(json_same(arguments, json_get(call, "arguments")));
    }
}

TEST(recorded_streams_come_together_wherever_they_are_cut)
{
    const char *path = test_shared("data/provider_streams/expected.json");
    if (!path)
        return;
    struct arena *a = arena_new("test", 0);
    struct json *files;
    struct err e;
    int tried = 0;
    CHECK_INT(json_parse(a, file_of(a, path), &files, &e), 0);
    for (const struct json *file = files->child; file; file = file->next) {
        struct str name = json_str(json_get(file, "file"));
        if (!str_starts(name, STR("openai/")))
            continue;
        struct str bytes = file_of(a, test_shared(str_f(a, "data/provider_streams/%.*s", STR_ARG(name)).p));
        for (int round = 0; round < 12; round++) {
            struct result result = assemble(bytes, round == 0 ? 0 : round == 1 ? 1 : (size_t)1 << round);
            check_answer(a, &result, json_get(file, "expected"));
            drop(&result);
        }
        tried++;
    }
    CHECK_INT(tried, 5);
    arena_free(a);
}

TEST(a_recorded_stream_cut_anywhere_gives_all_of_its_calls_or_none)
{
    static const char *const files[] = {"deepseek--deepseek-tool-call", "groq--groq-tool-call",
                                        "mistral--mistral-tool-call"};
    struct arena *a = arena_new("test", 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = test_shared(str_f(a, "data/provider_streams/openai/%s.sse", files[i]).p);
        if (!path)
            break;
        struct str bytes = file_of(a, path);
        struct result all = assemble(bytes, 0);
        struct str arguments = str_copy(a, all.end.answer.calls[0].arguments);
        drop(&all);
        size_t wholes = 0, from = bytes.n > 6000 ? bytes.n - 6000 : 0; /* the calls are in the end */
        for (size_t n = from; n < bytes.n; n++) {
            struct result cut = assemble(str_head(bytes, n), 0);
            CHECK_INT(cut.end.answer.calls_n, cut.r == 0);
            CHECK(cut.r == 0 || cut.r == ERR_IO);
            CHECK(cut.r < 0 || str_eq(cut.end.answer.calls[0].arguments, arguments));
            wholes += cut.r == 0;
            drop(&cut);
        }
        CHECK(wholes > 0 && wholes < 400);
    }
    arena_free(a);
}

TEST(recorded_whole_answers_are_read)
{
    static const struct {
        const char *file, *call, *arguments, *finish;
        int in, out;
    } rows[] = {
        {"deepseek--deepseek-tool-call", "weather", "{\"location\": \"San Francisco\"}", "tool_calls", 339, 92},
        {"groq--groq-tool-call", "weather", "{}", "tool_calls", 218, 15},
        {"mistral--mistral-text", NULL, NULL, "stop", 13, 434},
        {"mistral--mistral-tool-call", "weather", "{\"location\": \"San Francisco\"}", "tool_calls", 124, 22},
        {"openai--openai-text", NULL, NULL, "stop", 16, 363},
    };
    struct arena *a = arena_new("test", 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = test_shared(str_f(a, "data/provider_streams/openai/%s.response.json", rows[i].file).p);
        if (!path)
            break;
        struct llm_end end = {0};
        CHECK_INT(llm_answer_read(a, file_of(a, path), STR(""), &end), 0);
        CHECK_STR(end.answer.finish, rows[i].finish);
        CHECK_INT(end.answer.tokens_in, rows[i].in);
        CHECK_INT(end.answer.tokens_out, rows[i].out);
        CHECK_INT(end.answer.calls_n, rows[i].call != NULL);
        CHECK((end.answer.text.n > 0) == !rows[i].call);
        if (rows[i].call) {
            CHECK_STR(end.answer.calls[0].name, rows[i].call);
            CHECK_STR(end.answer.calls[0].arguments, rows[i].arguments);
        }
    }
    arena_free(a);
}

TEST(parallel_calls_are_told_apart_by_their_index)
{
    struct result r = STREAM_OF(
        "tool_calls", "{\"role\":\"assistant\",\"content\":null}",
        "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"get_\","
        "\"arguments\":\"\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"profile\"}}]}",
        "{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"check\",\"arguments\":\"{\\\"n\\\"\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\":2}\"}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}");
    CHECK_INT(r.r, 0);
    CHECK_INT(r.end.answer.calls_n, 2);
    CHECK(!r.end.answer.has_text);
    CHECK_STR(r.end.answer.calls[0].id, "a");
    CHECK_STR(r.end.answer.calls[0].name, "get_profile");
    CHECK_STR(r.end.answer.calls[0].arguments, "{\"x\":1}");
    CHECK_STR(r.end.answer.calls[1].name, "check");
    CHECK_STR(r.end.answer.calls[1].arguments, "{\"n\":2}");
    drop(&r);
}

TEST(calls_without_an_index_are_told_apart_by_their_id)
{
    struct result r = STREAM_OF("tool_calls",
                                "{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"{\"}},"
                                "{\"id\":\"b\",\"function\":{\"name\":\"two\",\"arguments\":\"{\\\"b\\\":\"}}]}",
                                "{\"tool_calls\":[{\"function\":{\"arguments\":\"2}\"}}]}");
    CHECK_INT(r.end.answer.calls_n, 2);
    CHECK_STR(r.end.answer.calls[0].arguments, "{");
    CHECK_STR(r.end.answer.calls[1].name, "two");
    CHECK_STR(r.end.answer.calls[1].arguments, "{\"b\":2}");
    drop(&r);
}

TEST(two_calls_that_share_index_0_stay_two)
{
    struct result r =
        STREAM_OF("tool_calls",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"{}\"}}]}",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"two\",\"arguments\":\"{}\"}}]}");
    CHECK_INT(r.end.answer.calls_n, 2);
    CHECK_STR(r.end.answer.calls[1].name, "two");
    drop(&r);
}

TEST(a_new_id_in_every_piece_does_not_split_a_call)
{
    struct result r =
        STREAM_OF("tool_calls",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"\"}}]}",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"z\",\"function\":{\"name\":null,\"arguments\":\"{}\"}}]}");
    CHECK_INT(r.end.answer.calls_n, 1);
    CHECK_STR(r.end.answer.calls[0].id, "a");
    CHECK_STR(r.end.answer.calls[0].arguments, "{}");
    drop(&r);
}

TEST(a_name_that_is_repeated_with_every_piece_is_one_name)
{
    struct result r =
        STREAM_OF("tool_calls",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"{\"}}]}",
                  "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"}\"}}]}");
    CHECK_STR(r.end.answer.calls[0].name, "one");
    CHECK_STR(r.end.answer.calls[0].arguments, "{}");
    drop(&r);
}

TEST(no_arguments_are_an_empty_object_unless_the_answer_was_cut_short)
{
    const char *call = "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\"}}]}";
    struct result r = STREAM_OF("tool_calls", call);
    CHECK_STR(r.end.answer.calls[0].arguments, "{}");
    drop(&r);
    r = STREAM_OF("length", call);
    CHECK_STR(r.end.answer.calls[0].arguments, "");
    drop(&r);
}

TEST(usage_may_come_alone_behind_the_answer)
{
    struct result r =
        assemble(STR("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],"
                     "\"usage\":null,\"obfuscation\":\"xx\"}\n\n"
                     ": still here\n\n"
                     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n"
                     "data: [DONE]\n\n"
                     "data: this is never read\n\n"),
                 0);
    CHECK_INT(r.r, 0);
    CHECK_STR(r.end.answer.text, "Hi");
    CHECK_INT(r.end.answer.tokens_in, 7);
    CHECK_INT(r.end.answer.tokens_out, 3);
    drop(&r);
}

TEST(a_refusal_is_told_apart_from_an_answer)
{
    struct result r = STREAM_OF("stop", "{\"refusal\":\"I can\"}", "{\"refusal\":\"not.\"}");
    CHECK_STR(r.end.answer.text, "I cannot.");
    CHECK_STR(r.end.answer.finish, "refusal");
    drop(&r);
}

TEST(content_may_be_a_list_of_parts)
{
    struct result r =
        STREAM_OF("stop",
                  "{\"content\":[{\"type\":\"thinking\",\"thinking\":[]},{\"type\":\"text\",\"text\":\"a\"},"
                  "{\"type\":\"text\",\"text\":\"b\"}]}",
                  "{\"content\":\"c\"}");
    CHECK_STR(r.end.answer.text, "abc");
    drop(&r);
}

TEST(an_answer_with_neither_words_nor_calls_is_a_failure)
{
    struct result r = STREAM_OF("stop", "{\"role\":\"assistant\",\"content\":\"\"}");
    CHECK_INT(r.r, ERR_INVALID);
    CHECK(r.end.retryable);
    drop(&r);
}

TEST(calls_without_a_finish_reason_were_cut)
{
    struct result words = STREAM_OF(NULL, "{\"content\":\"Hello\"}");
    struct result call = STREAM_OF(
        NULL, "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"one\",\"arguments\":\"{}\"}}]}");
    CHECK_INT(words.r, 0);
    CHECK_INT(call.r, ERR_IO);
    CHECK(call.end.retryable);
    drop(&words);
    drop(&call);
}

TEST(a_stream_without_any_end_was_cut)
{
    struct result r = assemble(STR("data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"), 0);
    CHECK_INT(r.r, ERR_IO);
    CHECK(r.end.retryable);
    drop(&r);
    r = assemble(STR(""), 0);
    CHECK_INT(r.r, ERR_IO);
    drop(&r);
}

TEST(an_error_in_the_stream_says_what_kind_it_is)
{
    static const struct {
        const char *event;
        int code;
        bool again;
    } rows[] = {
        {"{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\"}}", ERR_BUSY, true},
        {"{\"error\":{\"message\":\"no money\",\"code\":\"insufficient_quota\"}}", ERR_BUSY, false},
        {"{\"error\":{\"message\":\"broken\",\"type\":\"server_error\"}}", ERR_IO, true},
        {"{\"error\":{\"message\":\"upstream\",\"code\":502},\"choices\":[]}", ERR_IO, true},
        {"{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}", ERR_INVALID, false},
        {"{\"error\":\"something\"}", ERR_IO, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text, "data: %s\n\n", rows[i].event);
        struct result r = assemble(str_of(text), 0);
        CHECK_INT(r.r, rows[i].code);
        CHECK_INT(r.end.retryable, rows[i].again);
        drop(&r);
    }
}

TEST(what_is_no_chunk_is_a_failure)
{
    static const char *const events[] = {"data: {\"choices\":[\n\n", "data: 7\n\n", "data: <html>\n\n"};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct result r = assemble(str_of(events[i]), 0);
        CHECK_INT(r.r, ERR_INVALID);
        CHECK(r.end.retryable);
        drop(&r);
    }
}

TEST(kinds_that_do_not_belong_are_passed_over)
{
    struct result r =
        STREAM_OF("stop", "null", "7", "{\"content\":{\"a\":1},\"tool_calls\":{}}", "{\"content\":\"x\"}");
    CHECK_INT(r.r, 0);
    CHECK_STR(r.end.answer.text, "x");
    drop(&r);
}

TEST(an_answer_has_a_bound)
{
    struct result r = {.words = buf_new(NULL, 1)};
    struct buf chunk = buf_new(NULL, 1 << 20);
    buf_adds(&chunk, "{\"choices\":[{\"delta\":{\"content\":\"");
    for (int i = 0; i < 65536; i++)
        buf_addc(&chunk, 'a');
    buf_adds(&chunk, "\"}}]}");
    llm_stream_begin(&r.stream, scratch, STR(""));
    int events = 0;
    while (r.r == 0 && events++ < 100)
        r.r = llm_stream_feed(&r.stream, buf_str(&chunk), &r.end);
    CHECK_INT(events, LLM_ANSWER_BYTES_MAX / 65536 + 1);
    CHECK_INT(r.r, ERR_LIMIT);
    CHECK(!r.end.retryable);
    drop(&r);
    buf_free(&chunk);
}

TEST(more_calls_than_an_answer_may_hold_are_refused)
{
    struct result r = {.words = buf_new(NULL, 1)};
    llm_stream_begin(&r.stream, scratch, STR(""));
    for (int i = 0; i <= LLM_ANSWER_CALLS_MAX; i++) {
        char chunk[160];
        snprintf(chunk, sizeof chunk,
                 "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{\"name\":\"f\"}}]}}]}", i);
        r.r = llm_stream_feed(&r.stream, str_of(chunk), &r.end);
        CHECK_INT(r.r, i < LLM_ANSWER_CALLS_MAX ? 0 : ERR_LIMIT);
    }
    drop(&r);
}

TEST(a_status_says_whether_asking_again_helps)
{
    static const struct {
        int status, code;
        bool again;
    } rows[] = {{400, ERR_INVALID, false}, {401, ERR_DENIED, false}, {403, ERR_DENIED, false},
                {404, ERR_INVALID, false}, {408, ERR_TIMEOUT, true}, {409, ERR_BUSY, true},
                {422, ERR_INVALID, false}, {429, ERR_BUSY, true},    {500, ERR_IO, true},
                {502, ERR_IO, true},       {503, ERR_IO, true},      {529, ERR_IO, true},
                {302, ERR_INVALID, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct llm_end end = {0};
        CHECK_INT(llm_answer_refused(&end, rows[i].status, NULL, STR("why"), STR("")), rows[i].code);
        CHECK_INT(end.retryable, rows[i].again);
        CHECK_INT(end.status, rows[i].status);
        CHECK(strstr(end.answer.err.text, "why"));
    }
}

TEST(a_complaint_is_cut_and_shows_no_key)
{
    struct arena *a = arena_new("test", 0);
    struct buf said = buf_new(a, 4096);
    struct llm_end end = {0};
    buf_adds(&said, "Wrong key secret-key-1 or sk-proj-abc***xyz.\nNext line ");
    for (int i = 0; i < 140; i++)
        buf_adds(&said, "é");
    llm_answer_refused(&end, 401, NULL, buf_str(&said), STR("secret-key-1"));
    CHECK(!strstr(end.answer.err.text, "secret") && !strstr(end.answer.err.text, "sk-") &&
          !strstr(end.answer.err.text, "xyz"));
    CHECK(strstr(end.answer.err.text, "Wrong key ************ or "));
    CHECK(!strchr(end.answer.err.text, '\n'));
    CHECK(strlen(end.answer.err.text) < 260);

    /* A key that lies across the cut goes as a whole. */
    buf_clear(&said);
    for (int i = 0; i < 195; i++)
        buf_addc(&said, 'x');
    buf_adds(&said, "secret-key-1");
    llm_answer_refused(&end, 401, NULL, buf_str(&said), STR("secret-key-1"));
    CHECK(!strstr(end.answer.err.text, "secr"));
    arena_free(a);
}

TEST(a_whole_answer_without_a_message_is_unreadable)
{
    static const char *const bodies[] = {"",
                                         "{}",
                                         "[]",
                                         "null",
                                         "{\"choices\":[]}",
                                         "{\"choices\":[{\"message\":null}]}",
                                         "{\"choices\":[{\"message\":{}}]}",
                                         "<html>bad gateway</html>",
                                         "{\"choices\":[{\"message\":{\"tool_calls\":[{}]}}]}"};
    struct arena *a = arena_new("test", 0);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct llm_end end = {0};
        CHECK_INT(llm_answer_read(a, str_of(bodies[i]), STR(""), &end), ERR_INVALID);
        CHECK(end.retryable);
    }
    arena_free(a);
}

TEST(arguments_given_as_an_object_become_text)
{
    struct arena *a = arena_new("test", 0);
    struct llm_end end = {0};
    CHECK_INT(llm_answer_read(a,
                              STR("{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":"
                                  "{\"name\":\"f\",\"arguments\":{\"a\": 1}}}]}}]}"),
                              STR(""), &end),
              0);
    CHECK_STR(end.answer.calls[0].arguments, "{\"a\":1}");
    CHECK_STR(end.answer.finish, "tool_calls");
    CHECK(end.answer.tokens_estimated && !end.answer.has_text);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_streams_come_together_wherever_they_are_cut),
        cmocka_unit_test(a_recorded_stream_cut_anywhere_gives_all_of_its_calls_or_none),
        cmocka_unit_test(recorded_whole_answers_are_read),
        cmocka_unit_test(parallel_calls_are_told_apart_by_their_index),
        cmocka_unit_test(calls_without_an_index_are_told_apart_by_their_id),
        cmocka_unit_test(two_calls_that_share_index_0_stay_two),
        cmocka_unit_test(a_new_id_in_every_piece_does_not_split_a_call),
        cmocka_unit_test(a_name_that_is_repeated_with_every_piece_is_one_name),
        cmocka_unit_test(no_arguments_are_an_empty_object_unless_the_answer_was_cut_short),
        cmocka_unit_test(usage_may_come_alone_behind_the_answer),
        cmocka_unit_test(a_refusal_is_told_apart_from_an_answer),
        cmocka_unit_test(content_may_be_a_list_of_parts),
        cmocka_unit_test(an_answer_with_neither_words_nor_calls_is_a_failure),
        cmocka_unit_test(calls_without_a_finish_reason_were_cut),
        cmocka_unit_test(a_stream_without_any_end_was_cut),
        cmocka_unit_test(an_error_in_the_stream_says_what_kind_it_is),
        cmocka_unit_test(what_is_no_chunk_is_a_failure),
        cmocka_unit_test(kinds_that_do_not_belong_are_passed_over),
        cmocka_unit_test(an_answer_has_a_bound),
        cmocka_unit_test(more_calls_than_an_answer_may_hold_are_refused),
        cmocka_unit_test(a_status_says_whether_asking_again_helps),
        cmocka_unit_test(a_complaint_is_cut_and_shows_no_key),
        cmocka_unit_test(a_whole_answer_without_a_message_is_unreadable),
        cmocka_unit_test(arguments_given_as_an_object_become_text),
    };
    scratch = arena_new("test scratch", 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(scratch);
    return failed;
}
