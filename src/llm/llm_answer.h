/* llm_answer: what an OpenAI-compatible server answers, read from JSON: a whole answer, or a complaint.
 *
 * No I/O. Results go into struct llm_end; texts live in the arena or point into the body. Read from "chat
 * completion object" of the OpenAI API, plus what compatible servers do differently: content as a list of
 * parts, arguments as an object, a missing finish_reason or usage, an error inside a 200.
 *
 * A whole answer is an object with `choices`; the first choice counts:
 *   message.content        text, null, or [{"type":"text","text":...}, ...] (other types are skipped)
 *   message.refusal        the model's words why it will not; becomes the text, with finish "refusal"
 *   message.tool_calls     [{"id","function":{"name","arguments"}}]; no arguments are "{}"
 *   finish_reason          "stop", "tool_calls", "length", "content_filter", ...
 *   usage                  prompt_tokens, completion_tokens
 * Everything else is ignored. An answer without words and without calls is none. */
#ifndef LLM_LLM_ANSWER_H
#define LLM_LLM_ANSWER_H

#include "llm/llm_provider.h"

enum { LLM_ANSWER_BYTES_MAX = 1 << 20, LLM_ANSWER_CALLS_MAX = 128 }; /* all texts of one answer together */

/* Reads a whole answer into end->answer. `key` is the secret that no sentence may repeat.
 * Errors: ERR_INVALID (unreadable or empty; retryable), ERR_LIMIT, or what the complaint in it says. */
MUST_USE int llm_answer_read(struct arena *a, struct str body, struct str key, struct llm_end *end);

/* Fills `end` from an HTTP status that is no success and whatever body came with it; gives the code. Status 0:
 * taken from the complaint itself. Retryable: 408, 409, 429 (unless the quota is used up) and 5xx.
 *   408 ERR_TIMEOUT   409, 429 ERR_BUSY   401, 403 ERR_DENIED   5xx ERR_IO   others ERR_INVALID */
int llm_answer_refused(struct llm_end *end, int status, const struct json *body, struct str raw, struct str key);

/* Fills `end` with a failure of our own finding; gives the code. */
int llm_answer_failed(struct llm_end *end, int code, bool retryable, const char *format, ...) PRINTF_LIKE(4, 5);

/* Pieces that the stream assembler shares. */
MUST_USE int llm_answer_settle(struct llm_end *end, struct llm_tool_call *calls); /* the rules for a whole answer */
struct str llm_answer_content(struct arena *a, const struct json *content);
bool llm_answer_usage(const struct json *usage, int64_t *in, int64_t *out);

#endif
