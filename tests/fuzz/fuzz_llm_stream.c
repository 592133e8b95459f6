/* Any bytes as an event stream: they come together to the same answer, or to the same refusal, however they are
 * cut; a whole answer has an end that was told, words or calls, names for all calls, and is within its bound. */
#include "llm/llm_stream.h"
#include "net/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct result {
    struct llm_stream stream;
    struct llm_end end;
    int r;
    struct buf words;
};

static bool on_event(void *arg, const struct sse_event *event)
{
    struct result *result = arg;
    size_t told = result->stream.text.n;
    result->r = llm_stream_feed(&result->stream, event->data, &result->end);
    if (result->r == 0)
        buf_add(&result->words, str_from(buf_str(&result->stream.text), told));
    return result->r == 0;
}

static void run(struct result *result, struct arena *scratch, struct str bytes, size_t step)
{
    struct sse sse;
    struct err e;
    *result = (struct result){.words = buf_new(NULL, LLM_ANSWER_BYTES_MAX)};
    llm_stream_begin(&result->stream, scratch, STR("secret"));
    sse_begin(&sse);
    for (; bytes.n && result->r == 0; bytes = str_from(bytes, step))
        if (sse_feed(&sse, str_head(bytes, step), on_event, result, &e) < 0)
            result->r = ERR_LIMIT;
    sse_end(&sse);
    if (result->r == 0)
        result->r = llm_stream_close(&result->stream, &result->end);
}

static void check(const struct result *result)
{
    const struct llm_answer *answer = &result->end.answer;
    size_t bytes = answer->text.n;
    if (!result->stream.finish[0] && (!result->stream.done || answer->calls_n))
        abort();
    if (answer->text.n == 0 && answer->calls_n == 0)
        abort();
    if (!str_eq(buf_str(&result->words), answer->text) || answer->has_text != (answer->text.n > 0))
        abort();
    for (size_t i = 0; i < answer->calls_n; i++) {
        bytes += answer->calls[i].name.n + answer->calls[i].arguments.n;
        if (answer->calls[i].name.n == 0)
            abort();
    }
    if (bytes > LLM_ANSWER_BYTES_MAX + 2 * LLM_ANSWER_CALLS_MAX || answer->tokens_in < 0 || answer->tokens_out < 0)
        abort();
}

static void drop(struct result *result)
{
    llm_stream_end(&result->stream);
    buf_free(&result->words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str bytes = {(const char *)data, n};
    struct arena *one = arena_new("fuzz", 0), *two = arena_new("fuzz", 0);
    struct result whole, pieces;
    run(&whole, one, bytes, n ? n : 1);
    run(&pieces, two, bytes, n % 7 + 1);
    if (whole.r != pieces.r || whole.r != whole.end.answer.result || whole.end.retryable != pieces.end.retryable)
        abort();
    if (whole.r == 0) {
        check(&whole);
        if (!str_eq(whole.end.answer.text, pieces.end.answer.text) ||
            whole.end.answer.calls_n != pieces.end.answer.calls_n)
            abort();
    }
    drop(&whole);
    drop(&pieces);
    arena_free(one);
    arena_free(two);
    return 0;
}
