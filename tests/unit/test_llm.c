#include "llm_world.h"

#include <unistd.h>

TEST(a_busy_provider_is_asked_again_and_not_earlier_than_it_wishes)
{
    BEGIN({REPLY, 429, "Retry-After", "1"}, {STREAM, .body = hello});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_INT(o.answer.attempts, 2);
    CHECK_INT(o.restarts, 0);
    CHECK(w.asked_at_us[1] - w.asked_at_us[0] >= 1000000);
    finish();
}

TEST(a_wish_beyond_the_time_left_ends_the_question_at_once)
{
    BEGIN({REPLY, 429, "Retry-After", "30", "{\"error\":{\"message\":\"slow down\"}}"});
    open_llm();
    int64_t from_us = clock_mono_us();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, ERR_BUSY);
    CHECK_INT(o.answer.attempts, 1);
    CHECK(strstr(o.answer.err.text, "429: slow down"));
    CHECK(clock_mono_us() - from_us < 1000000);
    finish();
}

TEST(a_broken_provider_is_asked_as_often_as_the_setting_says)
{
    BEGIN({REPLY, 500}, {DROP}, {STREAM, .body = hello});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_INT(o.answer.attempts, 3);
    llm_free(w.llm);
    w.requests = 0;
    w.config.attempts = 2;
    open_llm();
    o = ask();
    CHECK_INT(o.answer.result, ERR_IO);
    CHECK_INT(o.answer.attempts, 2);
    finish();
}

TEST(a_question_that_is_refused_is_not_repeated)
{
    static const struct {
        int status, code;
    } rows[] = {{400, ERR_INVALID}, {401, ERR_DENIED}, {403, ERR_DENIED}, {404, ERR_INVALID}, {422, ERR_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct step script[] = {{REPLY, rows[i].status, .body = "{\"error\":{\"message\":\"no such model\"}}"}};
        begin(script, 1);
        open_llm();
        struct outcome o = ask();
        CHECK_INT(o.answer.result, rows[i].code);
        CHECK_INT(o.answer.attempts, 1);
        CHECK(strstr(o.answer.err.text, "no such model"));
        finish();
    }
}

TEST(an_unreadable_answer_is_asked_for_once_more)
{
    static const struct step garbage[] = {
        {STREAM, .body = "data: {\"choices\":[\n\n"},
        {STREAM, .body = "data: nonsense\n\n"},
        {REPLY, 200, .body = "<html>"},
        {STREAM, .body = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"},
        {REPLY, 200, .body = ""}};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        begin(&garbage[i], 1);
        open_llm();
        struct outcome o = ask();
        CHECK_INT(o.answer.result, ERR_INVALID);
        CHECK_INT(o.answer.attempts, 2);
        CHECK_INT(o.answer.calls_n, 0);
        finish();
    }
}

TEST(an_answer_that_breaks_after_its_first_words_starts_over_once)
{
    BEGIN({STREAM_DROP, .body = half}, {STREAM, .body = hello});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_INT(o.restarts, 1);
    CHECK_INT(o.answer.attempts, 2);
    CHECK_STR(buf_str(&o.words), "Hello, you");
    finish();

    static const struct step always[] = {{STREAM_DROP, .body = half}};
    begin(always, 1);
    open_llm();
    o = ask();
    CHECK_INT(o.answer.result, ERR_IO);
    CHECK_INT(o.restarts, 1);
    CHECK_INT(o.answer.attempts, 2);
    finish();
}

TEST(an_error_inside_the_stream_is_a_failure_like_any_other)
{
    BEGIN({STREAM, .body = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"}, {STREAM, .body = hello});
    open_llm();
    struct outcome o = ask();
    CHECK_INT(o.answer.result, 0);
    CHECK_INT(o.answer.attempts, 2);
    finish();
}

TEST(nothing_comes_after_a_cancel)
{
    BEGIN({STREAM_HANG, .body = half});
    open_llm();
    struct outcome waiting = {0}, in_delta = {.cancel_at = 1}, in_restart = {.cancel_at = 2}, in_pause = {0};
    struct llm_stats stats;
    ask_into(&waiting, &question);
    llm_cancel(waiting.call);
    ask_into(&in_delta, &question);
    run_until(&in_delta.deltas, 1);
    llm_free(w.llm);

    static const struct step drop[] = {{STREAM_DROP, .body = half}};
    w.script = drop;
    open_llm();
    ask_into(&in_restart, &question);
    run_until(&in_restart.restarts, 1);
    llm_free(w.llm);

    static const struct step busy[] = {{REPLY, 429, "Retry-After", "2"}};
    w.script = busy;
    w.requests = 0;
    open_llm();
    ask_into(&in_pause, &question);
    run_for(100);
    CHECK_INT(w.requests, 1);
    llm_cancel(in_pause.call);
    ask_into(&in_pause, &question); /* open when everything ends */
    llm_stats(w.llm, &stats);
    CHECK_INT(stats.open, 1);
    CHECK_INT(stats.cancelled, 1);
    run_for(100);
    CHECK_INT(waiting.done + in_delta.done + in_restart.done + in_pause.done, 0);
    CHECK_INT(in_delta.deltas, 1);
    finish();
}

static void ask_next(void *arg, const struct llm_answer *answer)
{
    struct outcome *next = arg;
    ask_into(next, &question);
}

TEST(the_next_question_may_be_asked_when_one_is_done)
{
    BEGIN({STREAM, .body = hello});
    open_llm();
    struct outcome next = {0};
    struct llm_hooks hooks = {.on_done = ask_next};
    llm_ask(w.llm, &question, &hooks, &next);
    run_until(&next.done, 1);
    CHECK_STR(next.answer.text, "Hello, you");
    finish();
}

TEST(a_provider_that_is_down_for_all_is_not_asked_three_times_by_each)
{
    BEGIN({REPLY, 503});
    open_llm();
    enum { N = 80 };
    struct outcome o[N] = {0};
    struct llm_stats stats;
    for (int i = 0; i < N; i++)
        ask_into(&o[i], &question);
    for (int i = 0; i < N; i++)
        run_until(&o[i].done, 1);
    llm_stats(w.llm, &stats);
    CHECK_INT(stats.retries, LLM_RETRIES_MAX);
    CHECK_INT(stats.attempts, N + LLM_RETRIES_MAX);
    CHECK_INT(w.requests, N + LLM_RETRIES_MAX);
    CHECK_INT(stats.failed[-ERR_IO], N);
    finish();
}

TEST(what_was_asked_is_counted)
{
    BEGIN({STREAM, .body = hello}, {STREAM_DROP, .body = half}, {STREAM, .body = hello}, {REPLY, 400});
    open_llm();
    struct llm_stats stats;
    ask();
    ask();
    ask();
    llm_stats(w.llm, &stats);
    CHECK_INT(stats.questions, 3);
    CHECK_INT(stats.answers, 2);
    CHECK_INT(stats.attempts, 4);
    CHECK_INT(stats.retries, 1);
    CHECK_INT(stats.restarts, 1);
    CHECK_INT(stats.failed[-ERR_INVALID], 1);
    CHECK_INT(stats.tokens_in, 22);
    CHECK_INT(stats.tokens_out, 8);
    CHECK_INT(stats.open, 0);
    finish();
}

TEST(many_questions_at_once_all_end)
{
    BEGIN({STREAM, .body = hello}, {REPLY, 429}, {STREAM_DROP, .body = half}, {STREAM, .body = hello});
    w.config.attempts = 6;
    open_llm();
    enum { N = 200 };
    struct outcome *o = ARENA_ARRAY(w.arena, struct outcome, N);
    for (int i = 0; i < N; i++)
        ask_into(&o[i], &question);
    for (int i = 0; i < N; i++) {
        run_until(&o[i].done, 1);
        CHECK_INT(o[i].answer.result, 0);
        CHECK_STR(buf_str(&o[i].words), "Hello, you");
    }
    finish();
}

TEST(an_answer_can_be_recorded_and_played_back)
{
    struct step script[] = {{STREAM}};
    begin(script, 1);
    script[0].body = long_stream();
    struct str path = str_f(w.arena, "/tmp/candor-test-record-%d", (int)getpid());
    w.config.record_to = path;
    open_llm();
    struct outcome live = ask();
    llm_free(w.llm);
    w.config = (struct llm_config){.kind = STR("recorded"), .recording = path};
    open_llm();
    struct outcome played = ask();
    CHECK(str_eq(live.answer.text, played.answer.text));
    CHECK_INT(played.answer.calls_n, 2);
    CHECK_STR(played.answer.calls[1].arguments, "{\"address\":\"home\"}");
    CHECK_INT(played.answer.tokens_in, 9);
    CHECK_STR(played.answer.finish, "tool_calls");
    unlink(path.p);
    finish();
}

RUN(cmocka_unit_test(a_busy_provider_is_asked_again_and_not_earlier_than_it_wishes),
    cmocka_unit_test(a_wish_beyond_the_time_left_ends_the_question_at_once),
    cmocka_unit_test(a_broken_provider_is_asked_as_often_as_the_setting_says),
    cmocka_unit_test(a_question_that_is_refused_is_not_repeated),
    cmocka_unit_test(an_unreadable_answer_is_asked_for_once_more),
    cmocka_unit_test(an_answer_that_breaks_after_its_first_words_starts_over_once),
    cmocka_unit_test(an_error_inside_the_stream_is_a_failure_like_any_other),
    cmocka_unit_test(nothing_comes_after_a_cancel), cmocka_unit_test(the_next_question_may_be_asked_when_one_is_done),
    cmocka_unit_test(a_provider_that_is_down_for_all_is_not_asked_three_times_by_each),
    cmocka_unit_test(what_was_asked_is_counted), cmocka_unit_test(many_questions_at_once_all_end),
    cmocka_unit_test(an_answer_can_be_recorded_and_played_back))
