/* llm_stream: puts a streamed answer together again. No I/O: it is fed the data of one event after the other.
 *
 * Each event is a "chat completion chunk" or the text [DONE]. Of the first choice are read delta.content,
 * delta.refusal, delta.tool_calls and finish_reason; of the chunk, usage (it may come alone, with no choices)
 * and error. Unknown fields are ignored.
 *
 * Which call a piece belongs to, in this order:
 *   1. its `index`, unless it brings an own name and another id than the call with that index: then it is a
 *      new call (servers that give index 0 to every parallel call);
 *   2. without an index: a new id begins a new call, no id continues the last one.
 * Names and arguments are joined; a name that comes again as a whole is the same name.
 *
 * An answer is whole when a finish_reason came, or [DONE] and no calls. Everything else was cut, and nothing of
 * it is handed out: half a call must never run. */
#ifndef LLM_LLM_STREAM_H
#define LLM_LLM_STREAM_H

#include "llm/llm_answer.h"

struct llm_stream_call {
    int64_t index; /* -1: the server gave none */
    struct buf id, name, arguments;
};

struct llm_stream {
    struct arena *scratch; /* borrowed; may be shared by all streams of a thread */
    struct str key;        /* borrowed; masked in complaints */
    struct buf text;
    struct llm_stream_call *calls;
    size_t calls_n, calls_room, bytes;
    char finish[32];
    int64_t tokens_in, tokens_out;
    bool has_usage, refused, done;
};

void llm_stream_begin(struct llm_stream *s, struct arena *scratch, struct str key);
void llm_stream_end(struct llm_stream *s); /* gives memory back */

/* Reads one event's data; the words it brought are added to `text`. The scratch arena is reset. After [DONE] everything
 * is ignored. Errors are described in `end`: ERR_INVALID (no JSON, not an object; retryable), ERR_LIMIT, or what an
 * error in the stream says. */
MUST_USE int llm_stream_feed(struct llm_stream *s, struct str data, struct llm_end *end);

/* No more events: fills end->answer; its texts live until llm_stream_end and the scratch arena's next reset.
 * Errors: ERR_IO (cut; retryable), and those of llm_answer_settle. */
MUST_USE int llm_stream_close(struct llm_stream *s, struct llm_end *end);

#endif
