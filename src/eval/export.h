/* export: conversations of a set as lines of JSON for other programs. Pure: one conversation in, one line out.
 *
 *   openai-jsonl  {"id", "messages": [...]}: OpenAI chat messages. Calls carry our ids "c<seq>_<i>", which are unique
 *                 within a conversation where the provider's were not, and every answer stands behind the message
 *                 with its call. Contents and argument texts of imported conversations are byte for byte what was
 *                 imported. Of our own: what the model was shown (docs/PROMPT.md), without the system messages: an action
 *                 that ran after its confirmation is a message with the one call "a<proposal>" and its result. The customer's id is replaced by a pseudonym.
 *   tau-bench     the lines that import read, provider ids and all; for conversations that came so.
 *   candor-jsonl  whole journals (journal_line.h), the customer's id replaced as well. What people said stays as it was. */
#ifndef EVAL_EXPORT_H
#define EVAL_EXPORT_H

#include "store/dataset.h"

enum { EXPORT_LINE_BYTES_MAX = 1 << 28 };

/* Appends the conversation's line and its newline.
 *
 *   secret  of this export, for pseudonyms; any bytes
 *   errors  ERR_NOT_FOUND: no such format. ERR_UNSUPPORTED: tau-bench of another source. ERR_INVALID: the journal.
 *           ERR_LIMIT: longer than `out` may become. */
MUST_USE int export_line(struct arena *a, const char *format, const struct dataset_item *item,
                         const struct event *events, size_t n, struct str secret, struct buf *out, struct err *e);

#endif
