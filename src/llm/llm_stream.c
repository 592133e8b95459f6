#include "llm/llm_stream.h"

#include <stdio.h>
#include <stdlib.h>

void llm_stream_begin(struct llm_stream *s, struct arena *scratch, struct str key)
{
    *s = (struct llm_stream){.scratch = scratch, .key = key, .text = buf_new(NULL, LLM_ANSWER_BYTES_MAX)};
}

void llm_stream_end(struct llm_stream *s)
{
    for (size_t i = 0; i < s->calls_n; i++) {
        buf_free(&s->calls[i].id);
        buf_free(&s->calls[i].name);
        buf_free(&s->calls[i].arguments);
    }
    free(s->calls);
    buf_free(&s->text);
    *s = (struct llm_stream){0};
}

static int too_long(struct llm_end *end)
{
    return llm_answer_failed(end, ERR_LIMIT, false, "the model's answer is longer than %d bytes or %d calls",
                             LLM_ANSWER_BYTES_MAX, LLM_ANSWER_CALLS_MAX);
}

/* Every byte that is kept goes through here, so that one bound holds for all of them together. */
static int keep(struct llm_stream *s, struct buf *to, struct str piece, struct llm_end *end)
{
    if (piece.n == 0)
        return 0;
    s->bytes += piece.n;
    if (s->bytes > LLM_ANSWER_BYTES_MAX)
        return too_long(end);
    buf_add(to, piece);
    return 0;
}

static struct llm_stream_call *call_new(struct llm_stream *s, int64_t index)
{
    if (s->calls_n == LLM_ANSWER_CALLS_MAX)
        return NULL;
    if (s->calls_n == s->calls_room) {
        s->calls_room = s->calls_room ? s->calls_room * 2 : 2;
        s->calls = mem_resize(s->calls, s->calls_room * sizeof *s->calls);
    }
    struct llm_stream_call *call = &s->calls[s->calls_n++];
    *call = (struct llm_stream_call){.index = index,
                                     .id = buf_new(NULL, LLM_ANSWER_BYTES_MAX),
                                     .name = buf_new(NULL, LLM_ANSWER_BYTES_MAX),
                                     .arguments = buf_new(NULL, LLM_ANSWER_BYTES_MAX)};
    return call;
}

static bool is_other(const struct llm_stream_call *call, struct str id, struct str name)
{
    return id.n && name.n && call->id.n && call->name.n && !str_eq(buf_str(&call->id), id);
}

/* The call that a piece continues, or a new one; NULL when there are too many. The newest is tried first: it
 * is nearly always the one. */
static struct llm_stream_call *call_of(struct llm_stream *s, int64_t index, struct str id, struct str name)
{
    if (index < 0) {
        struct llm_stream_call *last = s->calls_n ? &s->calls[s->calls_n - 1] : NULL;
        if (last && (id.n == 0 || str_eq(buf_str(&last->id), id)))
            return last;
        return call_new(s, -1);
    }
    for (size_t i = s->calls_n; i-- > 0;)
        if (s->calls[i].index == index)
            return is_other(&s->calls[i], id, name) ? call_new(s, index) : &s->calls[i];
    return call_new(s, index);
}

static int take_call(struct llm_stream *s, const struct json *piece, struct llm_end *end)
{
    const struct json *function = json_get(piece, "function"), *arguments = json_get(function, "arguments");
    struct str id = json_str(json_get(piece, "id")), name = json_str(json_get(function, "name"));
    int64_t index = json_int(json_get(piece, "index"), -1);
    struct llm_stream_call *call = call_of(s, index, id, name);
    if (!call)
        return too_long(end);

    int r = call->id.n == 0 ? keep(s, &call->id, id, end) : 0;
    if (r == 0 && !str_eq(buf_str(&call->name), name))
        r = keep(s, &call->name, name, end);
    if (r == 0)
        r = keep(s, &call->arguments,
                 json_is(arguments, JSON_OBJECT) ? json_text(s->scratch, arguments) : json_str(arguments), end);
    return r;
}

static int take_choice(struct llm_stream *s, const struct json *choice, struct llm_end *end)
{
    const struct json *piece = json_get(choice, "delta"), *calls = json_get(piece, "tool_calls");
    struct str words = llm_answer_content(s->scratch, json_get(piece, "content"));
    struct str refusal = json_str(json_get(piece, "refusal"));
    if (refusal.n) {
        s->refused = true;
        words = refusal;
    }
    int r = keep(s, &s->text, words, end);
    if (r < 0)
        return r;

    if (json_is(calls, JSON_ARRAY))
        for (const struct json *c = calls->child; c; c = c->next) {
            r = take_call(s, c, end);
            if (r < 0)
                return r;
        }
    struct str finish = json_str(json_get(choice, "finish_reason"));
    if (finish.n)
        snprintf(s->finish, sizeof s->finish, "%.*s", STR_ARG(str_head(finish, sizeof s->finish - 1)));
    return 0;
}

int llm_stream_feed(struct llm_stream *s, struct str data, struct llm_end *end)
{
    if (s->done)
        return 0;
    if (str_is(str_trim(data), "[DONE]")) {
        s->done = true;
        return 0;
    }
    struct json *chunk;
    struct err e = {0};
    arena_reset(s->scratch);
    if (json_parse(s->scratch, data, &chunk, &e) < 0)
        return llm_answer_failed(end, ERR_INVALID, true, "the model's stream is unreadable: %.200s", e.text);
    if (!json_is(chunk, JSON_OBJECT))
        return llm_answer_failed(end, ERR_INVALID, true, "the model's stream holds something that is no object");
    const struct json *error = json_get(chunk, "error");
    if (error && !json_is(error, JSON_NULL))
        return llm_answer_refused(end, 0, chunk, STR_NONE, s->key);

    const struct json *choice = json_at(json_get(chunk, "choices"), 0), *usage = json_get(chunk, "usage");
    if (usage && llm_answer_usage(usage, &s->tokens_in, &s->tokens_out))
        s->has_usage = true;
    if (!choice || json_int(json_get(choice, "index"), 0) != 0)
        return 0;
    return take_choice(s, choice, end);
}

int llm_stream_close(struct llm_stream *s, struct llm_end *end)
{
    if (!s->finish[0] && (!s->done || s->calls_n))
        return llm_answer_failed(end, ERR_IO, true, "the model's stream broke off in the middle");

    arena_reset(s->scratch);
    struct llm_tool_call *calls = s->calls_n ? ARENA_ARRAY(s->scratch, struct llm_tool_call, s->calls_n) : NULL;
    for (size_t i = 0; i < s->calls_n; i++)
        calls[i] = (struct llm_tool_call){.id = buf_str(&s->calls[i].id),
                                          .name = buf_str(&s->calls[i].name),
                                          .arguments = buf_str(&s->calls[i].arguments)};
    struct llm_answer *answer = &end->answer;
    answer->text = buf_str(&s->text);
    answer->has_text = s->text.n > 0;
    answer->calls_n = s->calls_n;
    answer->finish = s->refused ? STR("refusal") : str_of(s->finish);
    answer->tokens_in = s->tokens_in;
    answer->tokens_out = s->tokens_out;
    answer->tokens_estimated = !s->has_usage;
    return llm_answer_settle(end, calls);
}
