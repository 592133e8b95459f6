/* library: the collections of documents that this process has open, by name.
 *
 * A collection is read when it is first asked for, and read again when its files have changed; whether they have is looked
 * at once a second at most. Reading takes some 60 ms for 700 documents and holds the loop up for so long, so `serve` opens
 * what its agent uses before it listens. */
#ifndef APP_LIBRARY_H
#define APP_LIBRARY_H

#include "engine/agent.h"
#include "engine/knowledge.h"

struct library;

struct library *library_new(const char *workspace); /* borrowed */
void library_free(struct library *l);               /* NULL is allowed */

/* Borrowed until the next call. When changed files cannot be read any more (and says so in the log), what was read before
 * goes on being used. Errors: as knowledge_open, knowledge_index. */
MUST_USE int library_find(struct library *l, struct str collection, struct knowledge **out, struct err *e);

/* Opens every collection that the agent's tools name; says in the log where one is no longer what the agent version was
 * made with. Errors: as library_find. */
MUST_USE int library_prepare(struct library *l, const struct agent *agent, struct err *e);

/* What a tool with `knowledge` answers: {"results": [{"id", "title", "passage", "score"}], "collection", "documents_sha256"}.
 * `how` is that part of its specification. `l` may be NULL: then there are no documents. */
MUST_USE int library_answer(struct library *l, struct arena *a, const struct json *how, struct str query,
                            struct str locale, struct str date, struct json **out, struct err *e);

#endif
