#include "reply.h"

#include <stdio.h>

enum { ARGUMENT_PIECE_BYTES = 12 };

static int64_t tokens_of(size_t bytes)
{
    return (int64_t)(bytes + 3) / 4;
}

static void usage_write(const struct reply *r, struct json_writer *w)
{
    size_t said = r->answer->text.n;
    for (size_t i = 0; i < r->answer->calls_n; i++)
        said += r->answer->calls[i].name.n + r->answer->calls[i].arguments.n;
    json_key(w, "usage");
    json_open(w, '{');
    json_pair_int(w, "prompt_tokens", tokens_of(r->prompt_bytes));
    json_pair_int(w, "completion_tokens", tokens_of(said));
    json_pair_int(w, "total_tokens", tokens_of(r->prompt_bytes) + tokens_of(said));
    json_close(w, '}');
}

static void head_write(const struct reply *r, const char *object, struct json_writer *w)
{
    struct buf id = buf_new(NULL, 64);
    buf_addf(&id, "chatcmpl-sim-%lld", (long long)r->number);
    json_open(w, '{');
    json_pair_str(w, "id", buf_str(&id));
    json_pair_str(w, "object", str_of(object));
    json_pair_int(w, "created", r->created_s);
    json_pair_str(w, "model", str_of(r->model));
    json_pair_str(w, "system_fingerprint", STR("fp_simulated"));
    buf_free(&id);
}

static struct str finish_of(const struct script_answer *a)
{
    return a->calls_n ? STR("tool_calls") : STR("stop");
}

/* Ids start anew with every answer, unless asked otherwise: real ones repeat too, and nobody may rely on them. */
static void call_open(const struct reply *r, struct json_writer *w, size_t i, struct str name)
{
    char id[64];
    if (r->unique_ids)
        snprintf(id, sizeof id, "call_%lld_%zu", (long long)r->number, i + 1);
    else
        snprintf(id, sizeof id, "call_%zu", i + 1);
    json_pair_str(w, "id", str_of(id));
    json_pair_str(w, "type", STR("function"));
    json_key(w, "function");
    json_open(w, '{');
    json_pair_str(w, "name", name);
}

static void message_write(const struct reply *r, struct json_writer *w)
{
    const struct script_answer *a = r->answer;
    json_key(w, "message");
    json_open(w, '{');
    json_pair_str(w, "role", STR("assistant"));
    json_key(w, "content");
    if (a->has_text)
        json_put_str(w, a->text);
    else
        json_put_null(w);
    if (a->calls_n) {
        json_key(w, "tool_calls");
        json_open(w, '[');
        for (size_t i = 0; i < a->calls_n; i++) {
            json_open(w, '{');
            call_open(r, w, i, a->calls[i].name);
            json_pair_str(w, "arguments", a->calls[i].arguments);
            json_close(w, '}');
            json_close(w, '}');
        }
        json_close(w, ']');
    }
    json_close(w, '}');
}

void reply_whole(const struct reply *r, struct buf *out)
{
    if (r->fault == FAULT_BADSSE) {
        buf_adds(out, "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>");
        return;
    }
    struct json_writer w = {.out = out};
    size_t begin = out->n;
    head_write(r, "chat.completion", &w);
    json_key(&w, "choices");
    json_open(&w, '[');
    json_open(&w, '{');
    json_pair_int(&w, "index", 0);
    message_write(r, &w);
    json_key(&w, "logprobs");
    json_put_null(&w);
    json_pair_str(&w, "finish_reason", finish_of(r->answer));
    json_close(&w, '}');
    json_close(&w, ']');
    usage_write(r, &w);
    json_close(&w, '}');
    if (r->fault == FAULT_BADJSON)
        out->n = begin + (out->n - begin) / 2;
}

/* --- streams ----------------------------------------------------------------------------------- */

struct streaming {
    const struct reply *reply;
    struct buf *out;
    struct buf head; /* what every chunk begins with */
    int chunks;
};

/* Opens a chunk up to and with the '{' of its delta. The second chunk is the one that is spoilt. */
static struct json_writer chunk_open(struct streaming *s)
{
    s->chunks++;
    bool spoilt = s->reply->fault == FAULT_BADSSE && s->chunks > 1;
    buf_adds(s->out, spoilt ? "dat{" : "data: ");
    buf_add(s->out, buf_str(&s->head));
    buf_adds(s->out, ",\"choices\":[{\"index\":0,\"delta\":");
    struct json_writer w = {.out = s->out};
    json_open(&w, '{');
    return w;
}

static void chunk_close(struct streaming *s, struct json_writer *w, const char *finish)
{
    json_close(w, '}');
    if (finish)
        buf_addf(s->out, ",\"finish_reason\":\"%s\"}]}\n\n", finish);
    else if (s->reply->fault == FAULT_BADJSON && s->chunks == 2)
        buf_adds(s->out, ",\"finish_rea\n\n");
    else
        buf_adds(s->out, ",\"finish_reason\":null}]}\n\n");
}

/* About a token: a word with the space before it. */
static struct str word_next(struct str *rest)
{
    size_t n = 1;
    while (n < rest->n && rest->p[n] != ' ')
        n++;
    struct str word = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return word;
}

static void stream_text(struct streaming *s, struct str text)
{
    while (text.n) {
        struct json_writer w = chunk_open(s);
        json_pair_str(&w, "content", word_next(&text));
        chunk_close(s, &w, NULL);
    }
}

/* The next piece of the arguments; characters stay whole. */
static struct str piece_next(struct str *rest)
{
    size_t n = rest->n < ARGUMENT_PIECE_BYTES ? rest->n : ARGUMENT_PIECE_BYTES;
    while (n < rest->n && ((unsigned char)rest->p[n] & 0xc0) == 0x80)
        n++;
    struct str piece = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return piece;
}

static void call_chunk(struct streaming *s, size_t i, struct str name, struct str arguments)
{
    struct json_writer w = chunk_open(s);
    json_key(&w, "tool_calls");
    json_open(&w, '[');
    json_open(&w, '{');
    json_pair_int(&w, "index", (int64_t)i);
    if (name.n) {
        call_open(s->reply, &w, i, name);
    } else {
        json_key(&w, "function");
        json_open(&w, '{');
    }
    json_pair_str(&w, "arguments", arguments);
    json_close(&w, '}');
    json_close(&w, '}');
    json_close(&w, ']');
    chunk_close(s, &w, NULL);
}

static void stream_calls(struct streaming *s, const struct script_answer *a)
{
    for (size_t i = 0; i < a->calls_n; i++) {
        struct str rest = a->calls[i].arguments;
        call_chunk(s, i, a->calls[i].name, STR(""));
        while (rest.n)
            call_chunk(s, i, STR_NONE, piece_next(&rest));
    }
}

static void stream_usage(struct streaming *s)
{
    struct json_writer w = {.out = s->out, .comma = true};
    buf_adds(s->out, "data: ");
    buf_add(s->out, buf_str(&s->head));
    buf_adds(s->out, ",\"choices\":[]");
    usage_write(s->reply, &w);
    buf_adds(s->out, "}\n\n");
}

void reply_stream(const struct reply *r, struct buf *out)
{
    struct streaming s = {.reply = r, .out = out, .head = buf_new(NULL, 4096)};
    struct json_writer head = {.out = &s.head};
    head_write(r, "chat.completion.chunk", &head);

    struct json_writer w = chunk_open(&s);
    json_pair_str(&w, "role", STR("assistant"));
    json_key(&w, "content");
    if (r->answer->has_text)
        json_put_str(&w, STR(""));
    else
        json_put_null(&w);
    chunk_close(&s, &w, NULL);

    if (r->answer->has_text)
        stream_text(&s, r->answer->text);
    stream_calls(&s, r->answer);
    w = chunk_open(&s);
    chunk_close(&s, &w, finish_of(r->answer).p);
    if (r->usage && r->fault != FAULT_BADSSE)
        stream_usage(&s);
    if (r->fault != FAULT_BADSSE)
        buf_adds(out, "data: [DONE]\n\n");
    buf_free(&s.head);
}
