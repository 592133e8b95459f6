/* llm_openai: a question to any server that speaks OpenAI's chat completions over HTTP.
 *
 * POST <base_url>/chat/completions with
 *   {"model":M,"stream":true,"stream_options":{"include_usage":true},"temperature":T,
 *    "max_completion_tokens":N,"tools":[...],"messages":[...]}
 * where stream_options, temperature, max_completion_tokens and tools are left out when they say nothing. The
 * prompt's pieces are sent from where they lie. An event stream and a whole JSON answer are both understood,
 * whichever was asked for.
 *
 * Clocks: connecting; the first event of the stream that is a chunk; the time between two such events (comments
 * and single bytes do not count: a server that trickles is a server that hangs); the whole. Without streaming
 * the first byte only comes when the answer is written, so only connecting and the whole are measured. */
#ifndef LLM_LLM_OPENAI_H
#define LLM_LLM_OPENAI_H

#include "llm/llm_provider.h"

struct client;

/* Errors: ERR_INVALID (base_url, model, key file's content), ERR_NOT_FOUND (key file), ERR_DENIED (others may
 * read the key file). */
MUST_USE int llm_openai_new(struct loop *l, struct client *c, const struct llm_config *config,
                            struct llm_provider **out, struct err *e);

#endif
