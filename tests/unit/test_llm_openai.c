#include "llm_world.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(a_streamed_answer_comes_in_pieces_and_as_a_whole)
{
    BEGIN({STREAM_IN_TWO, .body = hello, .body_n = sizeof HELLO_FIRST - 1});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_INT(o.deltas, 2);
    CHECK_STR(o.answer.text, "Hello, you");
    CHECK_STR(buf_str(&o.words), "Hello, you");
    CHECK_STR(o.answer.finish, "stop");
    CHECK_INT(o.answer.tokens_in, 11);
    CHECK_INT(o.answer.tokens_out, 4);
    CHECK_INT(o.answer.attempts, 1);
    CHECK_STR(llm_model(w.llm), "test-1");
    finish();
}

TEST(words_that_came_together_are_told_together)
{
    BEGIN({STREAM, .body = hello});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.deltas, 1);
    CHECK_STR(buf_str(&o.words), "Hello, you");
    finish();
}

TEST(the_request_is_made_of_the_pieces_as_they_are)
{
    BEGIN({STREAM, .body = hello});
    w.config.temperature = 0.5;
    w.config.tokens_max = 700;
    open_llm();
    ask();
    CHECK_STR(w.last_path, "/v1/chat/completions");
    CHECK_STR(w.last_body,
              "{\"model\":\"test-1\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
              "\"temperature\":0.5,\"max_completion_tokens\":700,"
              "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
              "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"t\"},"
              "{\"role\":\"system\",\"content\":\"u\"}]}");
    CHECK_STR(w.last_authorization, "");
    finish();
}

TEST(what_says_nothing_is_not_sent)
{
    BEGIN({REPLY, 200, .body = whole});
    w.config.stream = false;
    open_llm();
    struct llm_question q = question;
    struct outcome o = {0};
    q.tools = STR_NONE;
    ask_into(&o, &q);
    run_until(&o.done, 1);
    CHECK_STR(w.last_body,
              "{\"model\":\"test-1\",\"stream\":false,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
              "{\"role\":\"user\",\"content\":\"t\"},{\"role\":\"system\",\"content\":\"u\"}]}");
    finish();
}

TEST(an_answer_that_is_not_streamed_is_the_same_answer)
{
    BEGIN({REPLY, 200, .body = whole});
    for (int stream = 0; stream < 2; stream++) { /* asked for or not: some servers cannot stream */
        w.config.stream = stream;
        open_llm();
        struct outcome o = ask();
        CHECK_INT(o.answer.result, 0);
        CHECK_STR(o.answer.text, "Hello");
        CHECK_INT(o.answer.tokens_out, 4);
        llm_free(w.llm);
    }
    w.llm = NULL;
    finish();
}

static struct str key_file(const char *text, int mode)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/candor-test-key-%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
    return str_of(path);
}

TEST(the_key_is_sent_and_never_told)
{
    BEGIN({REPLY, 401, .body = "{\"error\":{\"message\":\"Incorrect API key provided: sk-test-12345.\"}}"});
    w.config.key_file = key_file("sk-test-12345\n", 0600);
    open_llm();
    struct outcome o = ask();
    CHECK_STR(w.last_authorization, "Bearer sk-test-12345");
    CHECK_INT(o.answer.result, ERR_DENIED);
    CHECK(strstr(o.answer.err.text, "Incorrect API key provided: "));
    CHECK(!strstr(o.answer.err.text, "12345"));
    unlink(w.config.key_file.p);
    finish();
}

TEST(a_key_that_others_can_read_is_refused)
{
    BEGIN({HANG});
    struct err e;
    w.config.key_file = key_file("sk-test-12345\n", 0640);
    CHECK_INT(llm_new(w.loop, w.client, &w.config, &w.llm, &e), ERR_DENIED);
    CHECK(strstr(e.text, "chmod 600") && !strstr(e.text, "12345"));
    w.config.key_file = key_file("two words\n", 0600);
    CHECK_INT(llm_new(w.loop, w.client, &w.config, &w.llm, &e), ERR_INVALID);
    w.config.key_file = key_file("\n", 0600);
    CHECK_INT(llm_new(w.loop, w.client, &w.config, &w.llm, &e), ERR_INVALID);
    unlink(w.config.key_file.p);
    CHECK_INT(llm_new(w.loop, w.client, &w.config, &w.llm, &e), ERR_NOT_FOUND);
    w.config.key_file = STR("/tmp");
    CHECK_INT(llm_new(w.loop, w.client, &w.config, &w.llm, &e), ERR_INVALID);
    finish();
}

TEST(a_wrong_configuration_is_refused)
{
    BEGIN({HANG});
    struct err e;
    struct llm_config c = w.config;
    c.kind = STR("oracle");
    CHECK_INT(llm_new(w.loop, w.client, &c, &w.llm, &e), ERR_INVALID);
    c = w.config;
    c.base_url = STR("ftp://x");
    CHECK_INT(llm_new(w.loop, w.client, &c, &w.llm, &e), ERR_INVALID);
    c = w.config;
    c.model = STR("");
    CHECK_INT(llm_new(w.loop, w.client, &c, &w.llm, &e), ERR_INVALID);
    finish();
}

TEST(a_stream_that_stays_open_behind_its_end_holds_nobody_up)
{
    BEGIN({STREAM_HANG, .body = hello});
    open_llm();
    int64_t from_us = clock_mono_us();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_STR(o.answer.text, "Hello, you");
    CHECK(clock_mono_us() - from_us < 1000000);
    finish();
}

/* Asks once and gives the milliseconds it took. */
static int ask_ms(struct outcome *o)
{
    int64_t from_us = clock_mono_us();
    w.config.attempts = 1;
    open_llm();
    *o = ask();
    return (int)((clock_mono_us() - from_us) / 1000);
}

TEST(a_provider_that_never_answers_meets_the_first_clock)
{
    BEGIN({HANG});
    struct outcome o;
    w.config.first_token_ms = 150;
    int ms = ask_ms(&o);
    CHECK_INT(o.answer.result, ERR_TIMEOUT);
    CHECK(ms >= 150 && ms < 700);
    finish();
}

TEST(a_provider_that_stops_in_the_middle_meets_the_second_clock)
{
    BEGIN({STREAM_HANG, .body = half});
    struct outcome o;
    w.config.idle_ms = 150;
    int ms = ask_ms(&o);
    CHECK_INT(o.answer.result, ERR_TIMEOUT);
    CHECK_STR(o.answer.text, "");
    CHECK(ms >= 150 && ms < 700);
    finish();
}

TEST(a_provider_that_only_trickles_hangs_all_the_same)
{
    BEGIN({STREAM_TRICKLE, .body = half});
    struct outcome o;
    w.config.idle_ms = 150;
    int ms = ask_ms(&o);
    CHECK_INT(o.answer.result, ERR_TIMEOUT);
    CHECK(strstr(o.answer.err.text, "in the middle"));
    CHECK(ms >= 150 && ms < 700);
    finish();

    static const struct step nothing[] = {{STREAM_TRICKLE}};
    begin(nothing, 1);
    w.config.first_token_ms = 150;
    ms = ask_ms(&o);
    CHECK_INT(o.answer.result, ERR_TIMEOUT);
    CHECK(strstr(o.answer.err.text, "before its first word"));
    CHECK(ms >= 150 && ms < 700);
    finish();
}

TEST(all_attempts_together_meet_the_last_clock)
{
    BEGIN({HANG});
    w.config.first_token_ms = 200;
    w.config.total_ms = 500;
    w.config.attempts = 10;
    open_llm();
    int64_t from_us = clock_mono_us();
    struct outcome o = ask();
    int64_t ms = (clock_mono_us() - from_us) / 1000;
    CHECK_INT(o.answer.result, ERR_TIMEOUT);
    CHECK(o.answer.attempts >= 2 && o.answer.attempts <= 3);
    CHECK(ms >= 400 && ms < 700);
    finish();
}

TEST(a_provider_that_does_not_pick_up_meets_the_connection_clock)
{
    /* A full backlog: the kernel drops further SYNs, so connecting hangs. */
    BEGIN({HANG});
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
    CHECK_INT(bind(listener, (struct sockaddr *)&address, n), 0);
    CHECK_INT(listen(listener, 0), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    for (size_t i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK(connect(fill[i], (struct sockaddr *)&address, n) <= 0);
    }
    struct outcome o;
    w.config.base_url = str_f(w.arena, "http://127.0.0.1:%d", ntohs(address.sin_port));
    w.config.connect_ms = 200;
    int ms = ask_ms(&o);
    CHECK(o.answer.result == ERR_IO || o.answer.result == ERR_TIMEOUT);
    CHECK(ms >= 200 && ms < 1500);
    for (size_t i = 0; i < 4; i++)
        close(fill[i]);
    close(listener);
    finish();
}

TEST(a_provider_that_is_not_there_is_a_failure_after_all_attempts)
{
    BEGIN({HANG});
    w.config.base_url = STR("http://127.0.0.1:1/v1");
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, ERR_IO);
    CHECK_INT(o.answer.attempts, 3);
    finish();
}

static char logged[4096];

static void keep_line(void *arg, struct str line)
{
    snprintf(logged, sizeof logged, "%.*s", STR_ARG(line));
}

TEST(a_failure_is_in_the_log_without_what_the_server_said)
{
    BEGIN({REPLY, .status = 400, .body = "{\"error\":{\"message\":\"bad words: my name is Ana\"}}"});
    open_llm();
    log_sink_set(keep_line, NULL);
    struct outcome o = ask();
    log_sink_set(NULL, NULL);
    CHECK(str_has(str_of(o.answer.err.text), STR("Ana"))); /* the journal tells */
    CHECK(str_has(str_of(logged), STR("\"llm.failed\"")) && str_has(str_of(logged), STR("\"status\":400")));
    CHECK(!str_has(str_of(logged), STR("Ana")));
    finish();
}

TEST(a_failure_of_our_own_is_in_the_log_with_its_reason)
{
    BEGIN({HANG});
    w.config.base_url = STR("http://127.0.0.1:1/v1");
    open_llm();
    log_sink_set(keep_line, NULL);
    ask();
    log_sink_set(NULL, NULL);
    CHECK(str_has(str_of(logged), STR("127.0.0.1:1: ")));
    finish();
}

TEST(no_half_call_comes_out_of_a_stream_cut_at_any_byte)
{
    struct step script[] = {{STREAM_DROP}};
    begin(script, 1);
    script[0].body = long_stream();
    w.config.attempts = 1;
    open_llm();
    size_t n = strlen(script[0].body), wholes = 0;
    size_t finish_at = (size_t)(strstr(script[0].body, "\"finish_reason\":\"tool_calls\"") - script[0].body);
    CHECK(n > 4096);
    for (script[0].body_n = 1; script[0].body_n <= n; script[0].body_n++) {
        struct outcome o = ask();
        if (o.answer.result == 0) {
            CHECK(script[0].body_n > finish_at);
            CHECK_INT(o.answer.calls_n, 2);
            CHECK_STR(o.answer.calls[0].arguments, "{\"address\":\"home\"}");
            CHECK_STR(o.answer.calls[1].arguments, "{\"address\":\"home\"}");
            wholes++;
        } else {
            CHECK_INT(o.answer.calls_n, 0);
            CHECK_INT(o.answer.text.n, 0);
        }
    }
    CHECK(wholes > 0 && wholes < 200);
    CHECK_INT(w.requests, n);
    finish();
}

TEST(tokens_that_nobody_counted_are_estimated)
{
    BEGIN({STREAM_DROP,
           .body = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello there\"},\"finish_reason\":\"stop\"}]}\n\n"});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK(o.answer.tokens_estimated);
    CHECK(o.answer.tokens_in > 10 && o.answer.tokens_in < 100);
    CHECK(o.answer.tokens_out >= 2 && o.answer.tokens_out < 10);
    finish();
}

RUN(cmocka_unit_test(a_streamed_answer_comes_in_pieces_and_as_a_whole),
    cmocka_unit_test(words_that_came_together_are_told_together),
    cmocka_unit_test(the_request_is_made_of_the_pieces_as_they_are), cmocka_unit_test(what_says_nothing_is_not_sent),
    cmocka_unit_test(an_answer_that_is_not_streamed_is_the_same_answer),
    cmocka_unit_test(the_key_is_sent_and_never_told), cmocka_unit_test(a_key_that_others_can_read_is_refused),
    cmocka_unit_test(a_wrong_configuration_is_refused),
    cmocka_unit_test(a_stream_that_stays_open_behind_its_end_holds_nobody_up),
    cmocka_unit_test(a_provider_that_never_answers_meets_the_first_clock),
    cmocka_unit_test(a_provider_that_stops_in_the_middle_meets_the_second_clock),
    cmocka_unit_test(a_provider_that_only_trickles_hangs_all_the_same),
    cmocka_unit_test(all_attempts_together_meet_the_last_clock),
    cmocka_unit_test(a_provider_that_does_not_pick_up_meets_the_connection_clock),
    cmocka_unit_test(a_provider_that_is_not_there_is_a_failure_after_all_attempts),
    cmocka_unit_test(a_failure_is_in_the_log_without_what_the_server_said),
    cmocka_unit_test(a_failure_of_our_own_is_in_the_log_with_its_reason),
    cmocka_unit_test(no_half_call_comes_out_of_a_stream_cut_at_any_byte),
    cmocka_unit_test(tokens_that_nobody_counted_are_estimated))
