#include "base/clock.h"
#include "base/rng.h"
#include "llm/llm.h"
#include "net/client.h"
#include "net/server.h"
#include "test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* How the pretended provider treats one request. The last row of a script is used for all later requests. */
struct step {
    enum { REPLY, STREAM, STREAM_DROP, STREAM_HANG, STREAM_TRICKLE, DROP, HANG } how;
    int status;                 /* REPLY */
    const char *header, *value; /* REPLY: an extra header */
    const char *body;
    size_t body_n; /* 0: all of it */
};

struct world {
    struct arena *arena;
    struct loop *loop;
    struct client *client;
    struct server *server;
    struct llm *llm;
    struct llm_config config;
    const struct step *script;
    size_t script_n, requests;
    struct str last_body, last_authorization, last_path;
    int64_t asked_at_us[256];
    struct stream *trickling;
};

static struct world w;

/* What one question came to. Texts are copied, because an answer's texts end with the call. */
struct outcome {
    struct llm_answer answer;
    struct buf words;
    int deltas, restarts, done;
    struct llm_call *call;
    int cancel_at; /* 1: in the first delta; 2: in on_restart */
};

static const char hello[] =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\", you\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4}}\n\n"
    "data: [DONE]\n\n";
static const char half[] =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n";
static const char whole[] =
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4}}";

static void on_gone(void *arg)
{
}

static void stream_gone(void *arg)
{
    w.trickling = NULL;
}

static void trickle(void *arg)
{
    if (!w.trickling)
        return;
    stream_raw(w.trickling, STR(":"));
    loop_after(w.loop, 20, trickle, NULL);
}

static void stream_play(struct request *r, const struct step *step)
{
    struct stream *s = request_stream(r, step->how == STREAM_TRICKLE ? stream_gone : on_gone, NULL);
    struct str text = str_of(step->body ? step->body : "");
    stream_raw(s, step->body_n ? str_head(text, step->body_n) : text);
    switch (step->how) {
    case STREAM: stream_close(s); break;
    case STREAM_DROP: stream_cut(s); break;
    case STREAM_TRICKLE:
        w.trickling = s;
        trickle(NULL);
        break;
    default: break;
    }
}

static void handle(struct request *r, void *arg)
{
    const struct step *step = &w.script[w.requests < w.script_n ? w.requests : w.script_n - 1];
    w.asked_at_us[w.requests % 256] = clock_mono_us();
    w.requests++;
    w.last_body = str_copy(w.arena, request_body(r));
    w.last_authorization = str_copy(w.arena, request_header(r, "Authorization"));
    w.last_path = str_copy(w.arena, request_path(r));
    switch (step->how) {
    case REPLY:
        if (step->header)
            request_set(r, step->header, step->value);
        request_reply(r, step->status, "application/json", str_of(step->body ? step->body : "{}"));
        break;
    case DROP: request_drop(r); break;
    case HANG: request_on_gone(r, on_gone, NULL); break;
    default: stream_play(r, step); break;
    }
}

static void begin(const struct step *script, size_t n)
{
    struct err e;
    struct server_config server = {.address = "127.0.0.1"};
    w = (struct world){.arena = arena_new("test", 0), .script = script, .script_n = n};
    assert_int_equal(loop_new(&w.loop, &e), 0);
    assert_int_equal(client_new(w.loop, &w.client, &e), 0);
    assert_int_equal(server_new(w.loop, &server, handle, NULL, &w.server, &e), 0);
    w.config = (struct llm_config){.kind = STR("openai"),
                                   .base_url = str_f(w.arena, "http://127.0.0.1:%d/v1/", server_port(w.server)),
                                   .model = STR("test-1"),
                                   .temperature = -1,
                                   .stream = true,
                                   .retry_ms_base = 1,
                                   .total_ms = 5000};
}

/* Opens the model as w.config says; tests change the configuration before. */
static void open_llm(void)
{
    struct err e = {0};
    if (llm_new(w.loop, w.client, &w.config, &w.llm, &e) < 0)
        fail_msg("%s", e.text);
}

static void finish(void)
{
    llm_free(w.llm);
    client_free(w.client);
    server_free(w.server);
    loop_free(w.loop);
    arena_free(w.arena);
}

static void on_delta(void *arg, struct str text)
{
    struct outcome *o = arg;
    o->deltas++;
    buf_add(&o->words, text);
    if (o->cancel_at == 1)
        llm_cancel(o->call);
}

static void on_restart(void *arg)
{
    struct outcome *o = arg;
    o->restarts++;
    buf_clear(&o->words);
    if (o->cancel_at == 2)
        llm_cancel(o->call);
}

static void on_done(void *arg, const struct llm_answer *answer)
{
    struct outcome *o = arg;
    struct llm_tool_call *calls = ARENA_ARRAY(w.arena, struct llm_tool_call, answer->calls_n);
    o->done++;
    o->answer = *answer;
    o->answer.text = str_copy(w.arena, answer->text);
    o->answer.finish = str_copy(w.arena, answer->finish);
    o->answer.calls = calls;
    for (size_t i = 0; i < answer->calls_n; i++)
        calls[i] = (struct llm_tool_call){.id = str_copy(w.arena, answer->calls[i].id),
                                          .name = str_copy(w.arena, answer->calls[i].name),
                                          .arguments = str_copy(w.arena, answer->calls[i].arguments)};
}

#define TEXT(literal) \
    { \
        "" literal, sizeof(literal) - 1 \
    }

static const struct llm_question question = {.tools = TEXT("{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"),
                                             .shared = TEXT("{\"role\":\"system\",\"content\":\"s\"}"),
                                             .transcript = TEXT(",{\"role\":\"user\",\"content\":\"t\"}"),
                                             .state = TEXT(",{\"role\":\"system\",\"content\":\"u\"}"),
                                             .label = TEXT("c1"),
                                             .call_n = 1};

static void ask_into(struct outcome *o, const struct llm_question *q)
{
    struct llm_hooks hooks = {.on_delta = on_delta, .on_restart = on_restart, .on_done = on_done};
    o->words = buf_new(w.arena, 1 << 20);
    o->call = llm_ask(w.llm, q, &hooks, o);
    assert_int_equal(o->done + o->deltas, 0); /* never from inside llm_ask */
}

static void run_until(const int *done, int n)
{
    int64_t end_us = clock_mono_us() + 20000000;
    while (*done < n && clock_mono_us() < end_us)
        loop_once(w.loop, 10);
    assert_int_equal(*done, n);
}

static void run_for(int ms)
{
    int64_t end_us = clock_mono_us() + ms * 1000;
    while (clock_mono_us() < end_us)
        loop_once(w.loop, 1);
}

static struct outcome ask(void)
{
    struct outcome o = {0};
    ask_into(&o, &question);
    run_until(&o.done, 1);
    return o;
}

#define BEGIN(...) \
    static const struct step script[] = {__VA_ARGS__}; \
    begin(script, sizeof script / sizeof *script)

TEST(a_streamed_answer_comes_in_pieces_and_as_a_whole)
{
    BEGIN({STREAM, .body = hello});
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

/* A stream of about 4 KB: words, then two calls whose arguments come in pieces. */
static const char *long_stream(void)
{
    struct buf all = buf_new(w.arena, 1 << 20);
    for (int i = 0; i < 24; i++)
        buf_addf(&all,
                 "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word%d "
                 "\"},\"finish_reason\":null}]}\n\n",
                 i);
    for (int i = 0; i < 2; i++) {
        buf_addf(
            &all,
            "data: "
            "{\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"call_%d\","
            "\"type\":"
            "\"function\",\"function\":{\"name\":\"reissue_card\",\"arguments\":\"\"}}]},\"finish_reason\":null}]}\n\n",
            i, i);
        static const char *const pieces[] = {"{\\\"add", "ress\\\"", ":", "\\\"ho", "me\\\"", "}"};
        for (size_t k = 0; k < 6; k++)
            buf_addf(
                &all,
                "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":"
                "{\"arguments\":\"%s\"}}]},\"finish_reason\":null}]}\n\n",
                i, pieces[k]);
    }
    buf_adds(&all,
             "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":40}}\n\ndata: [DONE]\n\n");
    return buf_str(&all).p;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_answer_comes_in_pieces_and_as_a_whole),
        cmocka_unit_test(the_request_is_made_of_the_pieces_as_they_are),
        cmocka_unit_test(what_says_nothing_is_not_sent),
        cmocka_unit_test(an_answer_that_is_not_streamed_is_the_same_answer),
        cmocka_unit_test(the_key_is_sent_and_never_told),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_wrong_configuration_is_refused),
        cmocka_unit_test(a_busy_provider_is_asked_again_and_not_earlier_than_it_wishes),
        cmocka_unit_test(a_wish_beyond_the_time_left_ends_the_question_at_once),
        cmocka_unit_test(a_broken_provider_is_asked_as_often_as_the_setting_says),
        cmocka_unit_test(a_question_that_is_refused_is_not_repeated),
        cmocka_unit_test(an_unreadable_answer_is_asked_for_once_more),
        cmocka_unit_test(an_answer_that_breaks_after_its_first_words_starts_over_once),
        cmocka_unit_test(an_error_inside_the_stream_is_a_failure_like_any_other),
        cmocka_unit_test(a_stream_that_stays_open_behind_its_end_holds_nobody_up),
        cmocka_unit_test(a_provider_that_never_answers_meets_the_first_clock),
        cmocka_unit_test(a_provider_that_stops_in_the_middle_meets_the_second_clock),
        cmocka_unit_test(a_provider_that_only_trickles_hangs_all_the_same),
        cmocka_unit_test(all_attempts_together_meet_the_last_clock),
        cmocka_unit_test(a_provider_that_does_not_pick_up_meets_the_connection_clock),
        cmocka_unit_test(a_provider_that_is_not_there_is_a_failure_after_all_attempts),
        cmocka_unit_test(no_half_call_comes_out_of_a_stream_cut_at_any_byte),
        cmocka_unit_test(nothing_comes_after_a_cancel),
        cmocka_unit_test(the_next_question_may_be_asked_when_one_is_done),
        cmocka_unit_test(a_provider_that_is_down_for_all_is_not_asked_three_times_by_each),
        cmocka_unit_test(what_was_asked_is_counted),
        cmocka_unit_test(tokens_that_nobody_counted_are_estimated),
        cmocka_unit_test(many_questions_at_once_all_end),
        cmocka_unit_test(an_answer_can_be_recorded_and_played_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
