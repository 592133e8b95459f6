#include "llm/llm_openai.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "llm/llm_stream.h"
#include "net/client.h"
#include "net/sse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_BYTES_MAX = 4096,
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
    struct str head, head_tools; /* the body up to `"messages":[`, and up to `"tools":[` */
};

/* What an attempt needs once the first byte is here; most attempts wait for it most of their time. */
struct reading {
    struct sse sse;
    struct llm_stream stream;
    struct buf whole; /* a body that is one JSON object after all */
    bool is_whole;
};

struct llm_attempt {
    struct openai *p;
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

static void attempt_end(struct llm_attempt *t, struct llm_end *end)
{
    end->delivered = t->delivered;
    if (end->answer.result == 0)
        end->retryable = false;
    t->hooks.on_end(t->arg, end);
    attempt_free(t); /* after: the answer's texts live in it */
}

static struct llm_end end_begin(void)
{
    return (struct llm_end){.retry_after_ms = -1};
}

/* Ends the attempt with what its stream or whole body holds. */
static void attempt_close(struct llm_attempt *t)
{
    struct llm_end end = end_begin();
    struct reading *reading = t->reading;
    end.status = 200;
    int r = 0;
    if (!reading->is_whole)
        r = llm_stream_close(&reading->stream, &end);
    else if (reading->whole.cut)
        r = llm_answer_failed(&end, ERR_LIMIT, false, "the model's answer is longer than %d bytes", WHOLE_BYTES_MAX);
    else
        r = llm_answer_read(t->p->scratch, buf_str(&reading->whole), t->p->key, &end);
    (void)r; /* in `end` as well */
    attempt_end(t, &end);
}

static void done_timer(void *arg)
{
    struct llm_attempt *t = arg;
    t->timer = NULL;
    client_cancel(t->call);
    attempt_close(t);
}

static bool too_slow(struct llm_attempt *t, struct llm_end *end)
{
    const struct llm_config *c = &t->p->config;
    int limit_ms = t->chunks ? c->idle_ms : c->first_token_ms;
    if (clock_mono_us() - t->heard_us <= (int64_t)limit_ms * 1000)
        return false;
    llm_answer_failed(end, ERR_TIMEOUT, true, "the model was silent for %d ms %s", limit_ms,
                      t->chunks ? "in the middle of its answer" : "before its first word");
    return true;
}

static bool on_event(void *arg, const struct sse_event *event)
{
    struct llm_attempt *t = arg;
    struct str delta;
    if (llm_stream_feed(&t->reading->stream, event->data, &delta, t->end) < 0)
        return false;
    t->chunks = true;
    t->heard_us = clock_mono_us();
    if (delta.n && t->hooks.on_delta) {
        t->delivered = true;
        t->hooks.on_delta(t->arg, delta);
    }
    return !t->cancelled;
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
        buf_add(&t->reading->whole, bytes);
        return;
    }

    t->end = &end;
    t->in_feed = true;
    int r = sse_feed(&t->reading->sse, bytes, on_event, t, &e);
    t->in_feed = false;
    t->end = NULL;
    if (t->cancelled) {
        attempt_free(t);
        return;
    }
    if (r < 0)
        llm_answer_failed(&end, ERR_INVALID, true, "the model's stream is unreadable: %.200s", e.text);
    bool failed = end.answer.result != 0 || (!t->reading->stream.done && too_slow(t, &end));
    if (failed) {
        client_cancel(t->call);
        attempt_end(t, &end);
    } else if (t->reading->stream.done && !t->timer) {
        t->timer = loop_after(t->p->loop, AFTER_DONE_MS, done_timer, t);
    }
}

/* What the client says of an answer that did not come. */
static void lost(struct llm_end *end, const struct client_answer *answer)
{
    bool timeout = answer->end == CLIENT_TIMEOUT || answer->err.code == ERR_TIMEOUT;
    int code = answer->end == CLIENT_TOO_LARGE ? ERR_LIMIT : timeout ? ERR_TIMEOUT : ERR_IO;
    llm_answer_failed(end, code, answer->end != CLIENT_TOO_LARGE, "the model's server: %.300s", answer->err.text);
}

static void on_done(void *arg, const struct client_answer *answer)
{
    struct llm_attempt *t = arg;
    struct llm_end end = end_begin();
    bool success = answer->status >= 200 && answer->status <= 299;
    end.status = answer->status;
    end.retry_after_ms = answer->retry_after_ms;
    arena_reset(t->p->scratch);
    if (t->reading && !t->reading->is_whole && (t->reading->stream.finish[0] || t->reading->stream.done)) {
        attempt_close(t); /* the answer is whole, however the connection ended */
    } else if (answer->end != CLIENT_DONE) {
        lost(&end, answer);
        attempt_end(t, &end);
    } else if (!success) {
        struct json *body = NULL;
        if (json_parse(t->p->scratch, answer->body, &body, NULL) < 0)
            body = NULL;
        llm_answer_refused(&end, answer->status, body, answer->body, t->p->key);
        attempt_end(t, &end);
    } else if (t->reading) {
        attempt_close(t);
    } else {
        int r = llm_answer_read(t->p->scratch, answer->body, t->p->key, &end);
        (void)r; /* in `end` as well */
        attempt_end(t, &end);
    }
}

static struct llm_attempt *openai_ask(struct llm_provider *provider, const struct llm_question *q, int total_ms,
                                      const struct llm_attempt_hooks *hooks, void *arg)
{
    struct openai *p = (struct openai *)provider;
    const struct llm_config *c = &p->config;
    struct llm_attempt *t = mem_get(sizeof *t);
    *t = (struct llm_attempt){.p = p, .hooks = *hooks, .arg = arg, .heard_us = clock_mono_us()};
    struct client_request request = {
        .method = "POST",
        .url = p->url,
        .headers = {"Content-Type: application/json",
                    c->stream ? "Accept: text/event-stream" : "Accept: application/json", p->authorization},
        .parts = {q->tools.n ? p->head_tools : p->head, q->tools, q->tools.n ? STR("],\"messages\":[") : STR_NONE,
                  q->shared, q->transcript, q->state, STR("]}")},
        .connect_ms = c->connect_ms < total_ms ? c->connect_ms : total_ms,
        .first_byte_ms = c->stream && c->first_token_ms < total_ms ? c->first_token_ms : total_ms,
        .idle_ms = c->idle_ms < total_ms ? c->idle_ms : total_ms,
        .total_ms = total_ms,
        .answer_bytes_max = c->stream ? STREAM_BYTES_MAX : WHOLE_BYTES_MAX,
    };
    struct client_hooks client_hooks = {.on_data = c->stream ? on_data : NULL, .on_done = on_done};
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
    if (p->authorization) {
        sodium_memzero((char *)p->key.p, p->key.n);
        sodium_memzero((char *)p->authorization, strlen(p->authorization));
    }
    arena_free(p->scratch);
    arena_free(p->arena);
}

/* Reads the key. The file is refused when others may read it: the key would be theirs too. */
static int key_read(struct arena *a, struct str path, struct str *key, struct err *e)
{
    char text[KEY_BYTES_MAX + 1];
    struct stat st;
    int fd = open(str_c(a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, errno == EACCES ? ERR_DENIED : ERR_NOT_FOUND, "the key file %.*s cannot be read: %s",
                       STR_ARG(path), strerror(errno));
    int r = fstat(fd, &st);
    ssize_t n = r == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (n < 0)
        return err_set(e, ERR_INVALID, "the key file %.*s is no plain file", STR_ARG(path));
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        r = err_set(e, ERR_DENIED, "the key file %.*s can be read by others (mode %04o): run chmod 600 on it",
                    STR_ARG(path), (unsigned)st.st_mode & 07777);
    struct str trimmed = str_trim((struct str){text, (size_t)n});
    for (size_t i = 0; r == 0 && i < trimmed.n; i++)
        if (trimmed.p[i] <= ' ' || trimmed.p[i] > '~')
            r = err_set(e, ERR_INVALID, "the key file %.*s holds more than one word", STR_ARG(path));
    if (r == 0 && (trimmed.n == 0 || n > KEY_BYTES_MAX))
        r = err_set(e, ERR_INVALID, "the key file %.*s is %s", STR_ARG(path), trimmed.n ? "too long" : "empty");
    if (r == 0)
        *key = str_copy(a, trimmed);
    sodium_memzero(text, sizeof text);
    return r;
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
    int r = config->key_file.n ? key_read(a, config->key_file, &key, e) : 0;
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
