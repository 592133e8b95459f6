/* llm_world: a loop with a client, a model and a provider that misbehaves as a script says, for tests. */
#ifndef TESTS_UNIT_LLM_WORLD_H
#define TESTS_UNIT_LLM_WORLD_H

#include "base/clock.h"
#include "llm/llm.h"
#include "net/client.h"
#include "net/server.h"
#include "test.h"

/* How the pretended provider treats one request. The last row of a script is used for all later requests. */
struct step {
    enum { REPLY, STREAM, STREAM_IN_TWO, STREAM_DROP, STREAM_HANG, STREAM_TRICKLE, DROP, HANG } how;
    int status;                 /* REPLY */
    const char *header, *value; /* REPLY: an extra header */
    const char *body;
    size_t body_n; /* 0: all of it; STREAM_IN_TWO: of the first part, the rest comes later */
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

#define HELLO_FIRST "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"}}]}\n\n"
static const char hello[] =
    HELLO_FIRST "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\", you\"}}]}\n\n"
                "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4}}\n\n"
                "data: [DONE]\n\n";
static const char half[] =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n";
static const char whole[] =
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":4}}";

static inline void on_gone(void *arg)
{
}

static inline void stream_gone(void *arg)
{
    w.trickling = NULL;
}

static inline void trickle(void *arg)
{
    if (!w.trickling)
        return;
    stream_raw(w.trickling, STR(":"));
    loop_after(w.loop, 20, trickle, NULL);
}

static inline void second_part(void *arg)
{
    const struct step *step = arg;
    stream_raw(w.trickling, str_of(step->body + step->body_n));
    stream_close(w.trickling);
}

static inline void stream_play(struct request *r, const struct step *step)
{
    struct stream *s = request_stream(r, step->how == STREAM_TRICKLE ? stream_gone : on_gone, NULL);
    struct str text = str_of(step->body ? step->body : "");
    stream_raw(s, step->body_n ? str_head(text, step->body_n) : text);
    switch (step->how) {
    case STREAM: stream_close(s); break;
    case STREAM_IN_TWO:
        w.trickling = s;
        loop_after(w.loop, 20, second_part, (void *)step);
        break;
    case STREAM_DROP: stream_cut(s); break;
    case STREAM_TRICKLE:
        w.trickling = s;
        trickle(NULL);
        break;
    default: break;
    }
}

static inline void handle(struct request *r, void *arg)
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

static inline void begin(const struct step *script, size_t n)
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
static inline void open_llm(void)
{
    struct err e = {0};
    if (llm_new(w.loop, w.client, &w.config, &w.llm, &e) < 0)
        fail_msg("%s", e.text);
}

static inline void finish(void)
{
    llm_free(w.llm);
    client_free(w.client);
    server_free(w.server);
    loop_free(w.loop);
    arena_free(w.arena);
}

static inline void on_delta(void *arg, struct str text)
{
    struct outcome *o = arg;
    o->deltas++;
    buf_add(&o->words, text);
    if (o->cancel_at == 1)
        llm_cancel(o->call);
}

static inline void on_restart(void *arg)
{
    struct outcome *o = arg;
    o->restarts++;
    buf_clear(&o->words);
    if (o->cancel_at == 2)
        llm_cancel(o->call);
}

static inline void on_done(void *arg, const struct llm_answer *answer)
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

static inline void ask_into(struct outcome *o, const struct llm_question *q)
{
    struct llm_hooks hooks = {.on_delta = on_delta, .on_restart = on_restart, .on_done = on_done};
    o->words = buf_new(w.arena, 1 << 20);
    o->call = llm_ask(w.llm, q, &hooks, o);
    assert_int_equal(o->done + o->deltas, 0); /* never from inside llm_ask */
}

static inline void run_until(const int *done, int n)
{
    int64_t end_us = clock_mono_us() + 20000000;
    while (*done < n && clock_mono_us() < end_us)
        loop_once(w.loop, 10);
    assert_int_equal(*done, n);
}

static inline void run_for(int ms)
{
    int64_t end_us = clock_mono_us() + ms * 1000;
    while (clock_mono_us() < end_us)
        loop_once(w.loop, 1);
}

static inline struct outcome ask(void)
{
    struct outcome o = {0};
    ask_into(&o, &question);
    run_until(&o.done, 1);
    return o;
}

#define BEGIN(...) \
    static const struct step script[] = {__VA_ARGS__}; \
    begin(script, sizeof script / sizeof *script)

/* A stream of about 4 KB: words, then two calls whose arguments come in pieces. */
static inline const char *long_stream(void)
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

#endif
