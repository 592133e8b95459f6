/* simulated_provider: a model behind an OpenAI-compatible API that says what a script says, and fails on
 * demand. Tests and benchmarks talk to it instead of to a model.
 *
 *   POST /v1/chat/completions   streaming and not
 *   GET  /v1/models
 *   GET, PUT /control           settings that may change while it runs; how often each fault happened
 *   POST /control/reset         counters, request numbers and the rules' repeats start anew */
#include "reply.h"
#include "serve.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_BYTES_MAX = 16 << 20, ANSWER_BYTES_MAX = 1 << 20, SCRIPT_BYTES_MAX = 4 << 20 };

struct provider {
    struct loop *loop;
    const struct serve_program *program;
    struct script *script;
    const char *script_name, *model;
    int port, seed, latency_ms, token_ms, slow_ms;
    bool check, unique_ids;
    struct faults faults;
    int64_t requests, happened[FAULTS];
    struct buf out; /* the answer being written; used again and again */
};

/* An answer on its way: it waits for its first token, then goes piece by piece. */
struct talk {
    struct provider *provider;
    struct request *request; /* until the first token */
    struct stream *stream;   /* after it */
    struct loop_timer *timer;
    bool streaming, drop; /* drop: hang up behind the last byte */
    size_t sent, bytes_n;
    char bytes[];
};

static void talk_gone(void *arg)
{
    struct talk *t = arg;
    if (t->timer)
        loop_cancel(t->timer);
    free(t);
}

static void stream_gone(void *arg)
{
    (void)arg; /* the whole answer was handed over already */
}

static void stream_finish(struct stream *s, bool drop)
{
    if (drop)
        stream_cut(s);
    else
        stream_close(s);
}

/* One event, then a pause. */
static void talk_token(void *arg)
{
    struct talk *t = arg;
    struct str rest = {t->bytes + t->sent, t->bytes_n - t->sent};
    ptrdiff_t blank = str_find(rest, STR("\n\n"));
    struct str event = blank < 0 ? rest : str_head(rest, (size_t)blank + 2);
    t->timer = NULL;
    t->sent += event.n;
    if (t->sent < t->bytes_n)
        t->timer = loop_after(t->provider->loop, t->provider->token_ms, talk_token, t);
    bool last = !t->timer, drop = t->drop;
    struct stream *stream = t->stream;
    stream_raw(stream, event);
    if (last) {
        stream_finish(stream, drop);
        free(t);
    }
}

static void talk_first(void *arg)
{
    struct talk *t = arg;
    t->timer = NULL;
    struct request *r = t->request;
    if (t->streaming) {
        t->stream = request_stream(r, talk_gone, t);
        talk_token(t);
        return;
    }
    if (t->drop)
        request_drop(r);
    else
        serve_json(r, 200, (struct str){t->bytes, t->bytes_n});
    free(t);
}

/* Sends what stands in provider->out, now or little by little. */
static void send_out(struct provider *p, struct request *r, bool streaming, bool drop, int wait_ms)
{
    struct str bytes = buf_str(&p->out);
    if (streaming && drop)
        bytes.n /= 2;
    if (wait_ms || (streaming && p->token_ms)) {
        struct talk *t = mem_get(sizeof *t + bytes.n);
        *t = (struct talk){.provider = p, .request = r, .streaming = streaming, .drop = drop, .bytes_n = bytes.n};
        memcpy(t->bytes, bytes.p, bytes.n);
        request_on_gone(r, talk_gone, t);
        t->timer = loop_after(p->loop, wait_ms, talk_first, t);
    } else if (streaming && drop) {
        struct stream *s = request_stream(r, stream_gone, NULL);
        stream_raw(s, bytes);
        stream_cut(s);
    } else if (streaming) { /* all of it at once; and unlike a real stream, the connection can be used again */
        request_reply(r, 200, "text/event-stream", bytes);
    } else if (drop) {
        request_drop(r);
    } else {
        serve_json(r, 200, bytes);
    }
}

static void refuse(struct request *r, int status, const char *type, const char *message)
{
    struct buf out = buf_new(request_arena(r), 4096);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_key(&w, "error");
    json_open(&w, '{');
    json_pair_str(&w, "message", str_of(message));
    json_pair_str(&w, "type", str_of(type));
    json_key(&w, "code");
    json_put_null(&w);
    json_close(&w, '}');
    json_close(&w, '}');
    serve_json(r, status, buf_str(&out));
}

/* Faults in what the model says, instead of in how it is sent. */
static void answer_spoil(struct script_answer *a, enum fault fault)
{
    if (fault != FAULT_EMPTY && fault != FAULT_BADTOOL && fault != FAULT_BADARGS && fault != FAULT_LOOP)
        return;
    *a = (struct script_answer){.has_text = fault == FAULT_EMPTY, .calls_n = fault != FAULT_EMPTY};
    if (fault == FAULT_BADTOOL) {
        a->calls[0].name = STR("open_the_vault");
        a->calls[0].arguments = STR("{\"now\":true}");
    } else if (fault == FAULT_BADARGS) {
        a->calls[0].name = STR("reissue_card");
        a->calls[0].arguments = STR("{\"address\":\"12 Elm");
    } else if (fault == FAULT_LOOP) {
        a->calls[0].name = STR("get_customer_profile");
        a->calls[0].arguments = STR("{}");
    }
}

static void answer(struct provider *p, struct request *r, const struct prompt *prompt, enum fault fault)
{
    struct script_answer said;
    script_run(p->script, prompt, request_arena(r), &said);
    answer_spoil(&said, fault);
    struct reply reply = {.answer = &said,
                          .model = p->model,
                          .number = p->requests,
                          .created_s = clock_now_us() / 1000000,
                          .prompt_bytes = request_body(r).n,
                          .usage = prompt->usage,
                          .unique_ids = p->unique_ids,
                          .fault = fault};
    buf_clear(&p->out);
    if (prompt->stream)
        reply_stream(&reply, &p->out);
    else
        reply_whole(&reply, &p->out);
    send_out(p, r, prompt->stream, fault == FAULT_CUT, fault == FAULT_SLOW ? p->slow_ms : p->latency_ms);
}

static void post_completions(void *arg, struct request *r, const struct str *parts)
{
    struct provider *p = arg;
    struct prompt prompt;
    struct err e = {0};
    uint64_t dice;
    (void)parts;
    enum fault fault = faults_draw(&p->faults, (uint64_t)p->seed, ++p->requests, &dice);
    p->happened[fault]++;
    if (p->check && prompt_check(request_arena(r), request_body(r), &e) < 0) {
        refuse(r, 400, "invalid_request_error", e.text);
    } else if (prompt_read(request_body(r), &prompt, &e) < 0) {
        refuse(r, 400, "invalid_request_error", e.text);
    } else if (fault == FAULT_429) {
        request_set(r, "Retry-After", dice % 2 ? "1" : "0");
        refuse(r, 429, "rate_limit_exceeded", "too many requests");
    } else if (fault == FAULT_500) {
        refuse(r, 500, "server_error", "the server had an error while processing your request");
    } else if (fault != FAULT_HANG) {
        answer(p, r, &prompt, fault);
    }
}

static void get_models(void *arg, struct request *r, const struct str *parts)
{
    struct provider *p = arg;
    (void)parts;
    struct buf out = buf_new(request_arena(r), 4096);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_pair_str(&w, "object", STR("list"));
    json_key(&w, "data");
    json_open(&w, '[');
    json_open(&w, '{');
    json_pair_str(&w, "id", str_of(p->model));
    json_pair_str(&w, "object", STR("model"));
    json_pair_str(&w, "owned_by", STR("tests"));
    json_close(&w, '}');
    json_close(&w, ']');
    json_close(&w, '}');
    serve_json(r, 200, buf_str(&out));
}

static void get_control(void *arg, struct request *r, const struct str *parts)
{
    struct provider *p = arg;
    (void)parts;
    struct buf out = buf_new(request_arena(r), 1 << 16);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    serve_control_write(p->program, &w);
    json_pair_int(&w, "requests", p->requests);
    json_key(&w, "happened");
    json_open(&w, '{');
    for (int i = 0; i < FAULTS; i++)
        json_pair_int(&w, fault_name((enum fault)i), p->happened[i]);
    json_close(&w, '}');
    json_close(&w, '}');
    serve_json(r, 200, buf_str(&out));
}

static void put_control(void *arg, struct request *r, const struct str *parts)
{
    struct provider *p = arg;
    struct err e = {0};
    if (serve_control_read(p->program, r, &e) < 0)
        serve_error(r, 422, "SETTING_INVALID", e.text);
    else
        get_control(arg, r, parts);
}

static void post_reset(void *arg, struct request *r, const struct str *parts)
{
    struct provider *p = arg;
    p->requests = 0;
    memset(p->happened, 0, sizeof p->happened);
    script_again(p->script);
    get_control(arg, r, parts);
}

static const struct serve_route routes[] = {
    {"POST", "/v1/chat/completions", post_completions},
    {"GET", "/v1/models", get_models},
    {"GET", "/control", get_control},
    {"PUT", "/control", put_control},
    {"POST", "/control/reset", post_reset},
};

static void handle(struct request *r, void *arg)
{
    serve_route(routes, sizeof routes / sizeof *routes, r, arg);
}

static int faults_accept(void *to, struct str value, struct err *e)
{
    return faults_read(to, value, e);
}

static void faults_write(const void *to, struct json_writer *w)
{
    json_put_str(w, str_of(((const struct faults *)to)->text));
}

static int script_open(struct provider *p, struct arena *program, struct err *e)
{
    struct str source;
    if (strcmp(p->script_name, "card-delivery") == 0)
        source = str_of(script_card_delivery);
    else if (serve_file(program, p->script_name, SCRIPT_BYTES_MAX, &source, e) < 0)
        return e->code;
    return script_read(program, source, &p->script, e);
}

static int provider_serve(struct provider *p)
{
    struct err e = {0};
    struct arena *program = arena_new("program", 0);
    int status = 3;
    p->out = buf_new(NULL, ANSWER_BYTES_MAX);
    if (script_open(p, program, &e) == 0 && loop_new(&p->loop, &e) == 0) {
        status = serve_run(p->program, p->loop, p->port, BODY_BYTES_MAX, handle, p);
        loop_free(p->loop);
    } else {
        fprintf(stderr, "simulated_provider: %s\n", e.text);
    }
    buf_free(&p->out);
    arena_free(program);
    return status;
}

int main(int argc, char **argv)
{
    struct provider p = {.script_name = "card-delivery", .model = "simulated-1", .slow_ms = 5000};
    const struct serve_option options[] = {
        {"port", SERVE_INT, &p.port, false, "N", "where to listen; 0: any free port (default)"},
        {"script", SERVE_TEXT, &p.script_name, false, "FILE",
         "what it says: a file of rules, or card-delivery (default)"},
        {"model", SERVE_TEXT, &p.model, false, "NAME", "the model's name in answers (default simulated-1)"},
        {"seed", SERVE_INT, &p.seed, true, "N", "which dice the faults are drawn with"},
        {"latency_ms", SERVE_INT, &p.latency_ms, true, "N", "time before the first token"},
        {"token_ms", SERVE_INT, &p.token_ms, true, "N", "time between tokens; 0: all in one write"},
        {"slow_ms", SERVE_INT, &p.slow_ms, true, "N", "time before the first token of a slow answer (default 5000)"},
        {"check", SERVE_BOOL, &p.check, true, NULL, "refuse with 400 what the OpenAI API would refuse"},
        {"unique_ids", SERVE_BOOL, &p.unique_ids, true, NULL, "tool calls have ids that never come again"},
        {"faults", SERVE_PARSED, &p.faults, true, "LIST",
         "429=0.1,500=0.1,hang=0.02,cut=0.05,badsse=0.02,badjson=0.02,badtool=0.02,badargs=0.02,loop=0.02,slow=0.01,"
         "empty=0.01 (probabilities), 500@3 (the third request)",
         faults_accept, faults_write},
    };
    const struct serve_program program = {"simulated_provider",
                                          "A model behind an OpenAI-compatible API that says what a script says.",
                                          options, sizeof options / sizeof *options};
    int status = serve_flags(&program, argc, argv);
    if (status >= 0)
        return status;
    p.program = &program;
    return provider_serve(&p);
}
