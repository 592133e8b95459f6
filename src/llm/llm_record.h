/* llm_record: answers kept in a file, played back or written down.
 *
 * A recording holds customers' words and what the model said to them. It is as sensitive as the store: it is
 * created with mode 0600 and must be erased with the conversations it came from.
 *
 * JSON Lines, UTF-8. One line is one answered question:
 *   {"label":"conversation's outside name","call":1,"key":"<sha256 hex, see llm_record_key>",
 *    "answer":{"text":"..." or null,"calls":[{"id":"...","name":"...","arguments":"..."}],
 *              "finish":"stop","in":812,"out":40}}
 * label may be ""; in and out may be missing (then they are estimated); other members are ignored. An answer
 * needs words or a call. Where two lines answer the same question the later one counts. An unfinished last line,
 * as a crash leaves it, is dropped. */
#ifndef LLM_LLM_RECORD_H
#define LLM_LLM_RECORD_H

#include "base/hash.h"
#include "llm/llm_provider.h"

enum { LLM_RECORDING_BYTES_MAX = 256 << 20 };

/* Plays config->recording back: found by label and call when the question has a label that the file knows, else
 * by its key. The words come in a few deltas, as from a stream. A question without an answer ends with
 * ERR_NOT_FOUND. Errors: ERR_NOT_FOUND (no such file), ERR_INVALID (names the line), ERR_LIMIT (too large). */
MUST_USE int llm_record_new(struct loop *l, const struct llm_config *config, struct llm_provider **out, struct err *e);

/* What a question without a label is found by: the number of the call and the customer's words so far. Not the tools'
 * results, so that a recording can be played beside a backend that gives new numbers. */
struct sha256 llm_record_key(const struct llm_question *q);

/* Writing down. Each line is one write to a file opened for appending, so that processes may share it. */
struct llm_recorder;
MUST_USE int llm_recorder_new(struct str path, struct llm_recorder **out, struct err *e);
void llm_recorder_free(struct llm_recorder *r); /* NULL is allowed */
/* Errors: ERR_FULL, ERR_IO; nothing more is written after one, so that no line is glued to half a line. */
MUST_USE int llm_recorder_add(struct llm_recorder *r, const struct llm_question *q, const struct llm_answer *answer,
                              struct err *e);

#endif
