#include "llm/llm_openai.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/key_file.h"
#include "base/text.h"
#include "llm/llm_stream.h"
#include "net/client.h"
#include "net/sse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WHOLE_BYTES_MAX = 4 << 20,
    STREAM_BYTES_MAX = 64 << 20, /* a chunk is some 300 bytes around a word of 4 */
    SCRATCH_BYTES = 32 << 10,    /* a chunk's tree, so that most need no memory from the system */
    AFTER_DONE_MS = 100          /* for the end of the answer behind [DONE], so that its connection can be used again */
};

struct openai {
    struct llm_provider provider;
    struct arena *arena, *scratch; /* scratch: for the one event or body that is being read */
    struct loop *loop;
    struct client *client;
    struct llm_config config;
    struct str key; /* "" for none */
    const char *url, *authorization;
    struct str head, head_tools;                   /* the body up to `"messages":[`, and up to `"tools":[` */
    struct llm_attempt *attempts, *next_looked_at; /* all open ones; where look_for_silence goes on */
    struct loop_timer *look;                       /* set while any is open */
};

/* What an attempt needs once the first byte is here; most attempts wait for it most of their time. */
struct reading {
    struct sse sse;
    struct llm_stream stream;
    size_t told_bytes; /* of the stream's text */
    struct buf whole;  /* a body that is one JSON object after all */
    bool is_whole;
};

struct llm_attempt {
    struct openai *p;
    struct llm_attempt *next, **link; /* *link == this */
    struct client_call *call;
    struct loop_timer *timer; /* set after [DONE] */
    struct llm_attempt_hooks hooks;
    void *arg;
    struct reading *reading; /* NULL before the first byte */
    struct llm_end *end;     /* set by whoever found the end while bytes are read */
    int64_t heard_us;        /* when it was asked, or the last chunk came */
    bool chunks, delivered;  /* any came; any words were handed on */
    bool in_feed, cancelled; /* the feeding must unwind before the attempt can go */
};

static void attempt_free(struct llm_attempt *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    if (t->p->next_looked_at == t)
        t->p->next_looked_at = t->next;
    if (t->timer)
        loop_cancel(t->timer);
    if (t->reading) {
        sse_end(&t->reading->sse);
        llm_stream_end(&t->reading->stream);
        buf_free(&t->reading->whole);
        free(t->reading);
    }
    free(t);
}

/* `r` is what filling `end` gave. */
static void attempt_end(struct llm_attempt *t, int r, struct llm_end *end)
{
    assert(r == end->answer.result);
    end->delivered = t->delivered;
    t->hooks.on_end(t->arg, end);
    attempt_free(t); /* after: the answer's texts live in it */
}

static struct llm_end end_begin(void)
{
    return (struct llm_end){.retry_after_ms = -1};
}

/* What the attempt's stream or whole body holds. */
static int reading_close(struct llm_attempt *t, struct llm_end *end)
{
    struct reading *reading = t->reading;
    end->status = 200;
    if (!reading->is_whole)
        return llm_stream_close(&reading->stream, end);
    if (reading->whole.cut)
        return llm_answer_failed(end, ERR_LIMIT, false, "the model's answer is longer than %d bytes", WHOLE_BYTES_MAX);
    return llm_answer_read(t->p->scratch, buf_str(&reading->whole), t->p->key, end);
}

static void done_timer(void *arg)
{
    struct llm_attempt *t = arg;
    t->timer = NULL;
    struct llm_end end = end_begin();
    client_cancel(t->call);
    attempt_end(t, reading_close(t, &end), &end);
}

static int silence_ms_max(const struct llm_attempt *t)
{
    return t->chunks ? t->p->config.idle_ms : t->p->config.first_token_ms;
}

/* How often silence is looked for: a tenth of the shorter clock late is soon enough, and never 200 ms late. */
static int look_ms(const struct llm_config *c)
{
    int ms = (c->idle_ms < c->first_token_ms ? c->idle_ms : c->first_token_ms) / 10;
    return ms < 10 ? 10 : ms > 150 ? 150 : ms;
}

/* One timer for all attempts. Whoever is told may ask and cancel: next_looked_at moves along. */
static void look_for_silence(void *arg)
{
    struct openai *p = arg;
    int64_t now_us = clock_mono_us();
    p->look = loop_after(p->loop, look_ms(&p->config), look_for_silence, p);
    for (struct llm_attempt *t = p->attempts; t; t = p->next_looked_at) {
        struct llm_end end = end_begin();
        p->next_looked_at = t->next;
        if (t->timer || now_us - t->heard_us <= (int64_t)silence_ms_max(t) * 1000)
            continue;
        int r = llm_answer_failed(&end, ERR_TIMEOUT, true, "the model was silent for %d ms %s", silence_ms_max(t),
                                  t->chunks ? "in the middle of its answer" : "before its first word");
        client_cancel(t->call);
        attempt_end(t, r, &end);
    }
    if (!p->attempts) {
        loop_cancel(p->look);
        p->look = NULL;
    }
}

static bool on_event(void *arg, const struct sse_event *event)
{
    struct llm_attempt *t = arg;
    if (llm_stream_feed(&t->reading->stream, event->data, t->end) < 0)
        return false;
    t->chunks = true;
    t->heard_us = clock_mono_us();
    return true;
}

/* The words of all chunks that were read together go on together: they came in one packet, and whoever listens would
 * write a packet for each. */
static void words_tell(struct llm_attempt *t)
{
    struct str words = str_from(buf_str(&t->reading->stream.text), t->reading->told_bytes);
    if (words.n == 0 || !t->hooks.on_delta)
        return;
    t->reading->told_bytes += words.n;
    t->delivered = true;
    t->hooks.on_delta(t->arg, words);
}

/* The first bytes say what comes: an object, or events. */
static struct reading *reading_new(struct llm_attempt *t, struct str bytes)
{
    struct reading *reading = mem_get(sizeof *reading);
    *reading = (struct reading){.whole = buf_new(NULL, WHOLE_BYTES_MAX)};
    sse_begin(&reading->sse);
    llm_stream_begin(&reading->stream, t->p->scratch, t->p->key);
    reading->is_whole = str_starts(str_trim(bytes), STR("{"));
    return reading;
}

static void on_data(void *arg, struct str bytes)
{
    struct llm_attempt *t = arg;
    struct llm_end end = end_begin();
    struct err e = {0};
    if (!t->reading) {
        if (str_trim(bytes).n == 0)
            return;
        t->reading = reading_new(t, bytes);
    }
    if (t->reading->is_whole) {
        t->chunks = true;
        t->heard_us = clock_mono_us();
        buf_add(&t->reading->whole, bytes);
        return;
    }

    t->end = &end;
    t->in_feed = true;
    int r = sse_feed(&t->reading->sse, bytes, on_event, t, &e);
    if (r == 0 && end.answer.result == 0)
        words_tell(t);
    t->in_feed = false;
    t->end = NULL;
    if (t->cancelled) {
        attempt_free(t);
        return;
    }
    if (r < 0)
        llm_answer_failed(&end, ERR_INVALID, true, "the model's stream is unreadable: %.200s", e.text);
    if (end.answer.result != 0) {
        client_cancel(t->call);
        attempt_end(t, end.answer.result, &end);
    } else if (t->reading->stream.done && !t->timer) {
        t->timer = loop_after(t->p->loop, AFTER_DONE_MS, done_timer, t);
    }
}

/* What the client says of an answer that did not come. */
static int lost(const struct client_answer *answer, struct llm_end *end)
{
    bool timeout = answer->end == CLIENT_TIMEOUT || answer->err.code == ERR_TIMEOUT;
    int code = answer->end == CLIENT_TOO_LARGE ? ERR_LIMIT : timeout ? ERR_TIMEOUT : ERR_IO;
    return llm_answer_failed(end, code, answer->end != CLIENT_TOO_LARGE, "the model's server: %.300s",
                             answer->err.text);
}

static int refused(struct arena *scratch, const struct client_answer *answer, struct str key, struct llm_end *end)
{
    struct json *body = NULL;
    if (json_parse(scratch, answer->body, &body, NULL) < 0)
        body = NULL;
    return llm_answer_refused(end, answer->status, body, answer->body, key);
}

static int answer_take(struct llm_attempt *t, const struct client_answer *answer, struct llm_end *end)
{
    struct reading *reading = t->reading;
    bool events = reading && !reading->is_whole;
    if (events && (reading->stream.finish[0] || reading->stream.done))
        return reading_close(t, end); /* the answer is whole, however the connection ended */
    if (answer->end != CLIENT_DONE)
        return lost(answer, end);
    if (answer->status < 200 || answer->status > 299)
        return refused(t->p->scratch, answer, t->p->key, end);
    if (events && !t->chunks)
        return llm_answer_failed(end, ERR_INVALID, true, "the model's server sent neither a stream nor an answer");
    if (reading)
        return reading_close(t, end);
    return llm_answer_read(t->p->scratch, answer->body, t->p->key, end);
}

static void on_done(void *arg, const struct client_answer *answer)
{
    struct llm_attempt *t = arg;
    struct llm_end end = end_begin();
    end.status = answer->status;
    end.retry_after_ms = answer->retry_after_ms;
    arena_reset(t->p->scratch);
    attempt_end(t, answer_take(t, answer, &end), &end);
}

static struct llm_attempt *openai_ask(struct llm_provider *provider, const struct llm_question *q, int total_ms,
                                      const struct llm_attempt_hooks *hooks, void *arg)
{
    struct openai *p = (struct openai *)provider;
    const struct llm_config *c = &p->config;
    struct llm_attempt *t = mem_get(sizeof *t);
    *t = (struct llm_attempt){
        .p = p, .next = p->attempts, .link = &p->attempts, .hooks = *hooks, .arg = arg, .heard_us = clock_mono_us()};
    struct client_request request = {
        .method = "POST",
        .url = p->url,
        .headers = {"Content-Type: application/json",
                    c->stream ? "Accept: text/event-stream" : "Accept: application/json", p->authorization},
        .parts = {q->tools.n ? p->head_tools : p->head, q->tools, q->tools.n ? STR("],\"messages\":[") : STR_NONE,
                  q->shared, q->transcript, q->state, STR("]}")},
        .connect_ms = c->connect_ms < total_ms ? c->connect_ms : total_ms,
        .first_byte_ms = total_ms, /* look_for_silence is stricter: bytes are not words */
        .idle_ms = total_ms,
        .total_ms = total_ms,
        .answer_bytes_max = c->stream ? STREAM_BYTES_MAX : WHOLE_BYTES_MAX,
    };
    struct client_hooks client_hooks = {.on_data = c->stream ? on_data : NULL, .on_done = on_done};
    if (t->next)
        t->next->link = &t->next;
    p->attempts = t;
    if (c->stream && !p->look) /* without streaming the only word is the last one */
        p->look = loop_after(p->loop, look_ms(c), look_for_silence, p);
    t->call = client_send(p->client, &request, &client_hooks, t);
    return t;
}

static void openai_cancel(struct llm_provider *provider, struct llm_attempt *t)
{
    client_cancel(t->call);
    if (t->in_feed)
        t->cancelled = true; /* on_data is below us on the stack and frees it */
    else
        attempt_free(t);
}

static void openai_free(struct llm_provider *provider)
{
    struct openai *p = (struct openai *)provider;
    if (p->look)
        loop_cancel(p->look);
    if (p->authorization) {
        sodium_memzero((char *)p->key.p, p->key.n);
        sodium_memzero((char *)p->authorization, strlen(p->authorization));
    }
    arena_free(p->scratch);
    arena_free(p->arena);
}

/* Everything in front of the prompt is the same for all questions, so it is written once. */
static void heads_write(struct openai *p)
{
    const struct llm_config *c = &p->config;
    struct buf head = buf_new(p->arena, 4096 + 6 * c->model.n), head_tools = buf_new(p->arena, 8192 + 6 * c->model.n);
    struct json_writer w = {.out = &head};
    json_open(&w, '{');
    json_pair_str(&w, "model", c->model);
    json_pair_bool(&w, "stream", c->stream);
    if (c->stream) {
        json_key(&w, "stream_options");
        json_put_raw(&w, STR("{\"include_usage\":true}"));
    }
    if (c->temperature >= 0) {
        json_key(&w, "temperature");
        json_put_num(&w, c->temperature);
    }
    if (c->tokens_max > 0)
        json_pair_int(&w, "max_completion_tokens", c->tokens_max);
    buf_add(&head_tools, buf_str(&head));
    buf_adds(&head_tools, ",\"tools\":[");
    buf_adds(&head, ",\"messages\":[");
    p->head = buf_str(&head);
    p->head_tools = buf_str(&head_tools);
}

int llm_openai_new(struct loop *l, struct client *c, const struct llm_config *config, struct llm_provider **out,
                   struct err *e)
{
    struct str base = config->base_url, key = STR("");
    if (!str_starts(base, STR("http://")) && !str_starts(base, STR("https://")))
        return err_set(e, ERR_INVALID, "the model's base_url must begin with http:// or https://, got \"%.*s\"",
                       STR_ARG(base));
    if (config->model.n == 0 || text_invalid_at(config->model) >= 0)
        return err_set(e, ERR_INVALID, "the model's name is missing");
    while (str_ends(base, STR("/")))
        base = str_head(base, base.n - 1);

    struct arena *a = arena_new("llm_openai", 0);
    int r = config->key_file.n ? key_file_read(a, config->key_file, &key, e) : 0;
    if (r < 0) {
        arena_free(a);
        return r;
    }
    struct openai *p = ARENA_NEW(a, struct openai);
    *p = (struct openai){.provider = {.ask = openai_ask, .cancel = openai_cancel, .free = openai_free},
                         .arena = a,
                         .scratch = arena_new("llm_openai scratch", SCRATCH_BYTES),
                         .loop = l,
                         .client = c,
                         .config = *config,
                         .key = key};
    p->config.model = str_copy(a, config->model);
    p->url = str_f(a, "%.*s/chat/completions", STR_ARG(base)).p;
    p->authorization = key.n ? str_f(a, "Authorization: Bearer %.*s", STR_ARG(key)).p : NULL;
    heads_write(p);
    *out = &p->provider;
    return 0;
}
