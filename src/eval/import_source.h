/* import_source: what other programs write becomes the one shape that import reads.
 *
 * A file is one JSON object a line, or one list of objects (laid out in any way; each is read for itself, so a long list
 * needs no more memory than lines do). A byte order mark at its beginning is no part of it.
 *
 * Nothing is guessed: what is not named here stays as it was, for the reader to refuse. */
#ifndef EVAL_IMPORT_SOURCE_H
#define EVAL_IMPORT_SOURCE_H

#include "base/json.h"

struct import_source {
    struct str rest;
    size_t line; /* where the text that was given last begins, 1.. */
    size_t n;    /* texts given so far */
    bool list;   /* the file is one list */
    bool ended;  /* the list's ']' was seen */
    size_t next; /* the line where rest begins, in a list */
};

/* What a field that is left out is told to: "info.user_cost". */
struct import_source_ignore {
    void (*fn)(void *arg, struct str field);
    void *arg;
};

/* Borrows the bytes. */
struct import_source import_source_of(struct str bytes);
/* The text of the next conversation; empty at the end. Errors, at s->line: ERR_INVALID (a list with an empty place, without
 * an end, with something behind its end). */
MUST_USE int import_source_next(struct import_source *s, struct str *text, struct err *e);

/* tau-bench's own results {task_id, reward, info, traj, trial}, in place: traj is messages; of info.task, actions are
 * expected_actions, outputs expected_outputs, user_id and instruction are themselves, unless they stand in the object
 * already or look otherwise. Whatever else info holds is left out and told. Errors: ERR_INVALID (traj and messages). */
MUST_USE int import_source_tau(struct arena *a, struct json *v, struct import_source_ignore ignore, struct err *e);

/* Brings what means the same into one form, in place in v.messages:
 *
 *   content, a list of text parts    the parts' texts, a new line between them
 *   content, null or an empty list   "" from a tool, and from an assistant that neither calls nor says it in another field
 *   arguments of a call, an object   its JSON as text
 *
 * Errors: ERR_INVALID (a part that is not text: "messages[3].content[0] ..."). */
MUST_USE int import_source_messages(struct arena *a, struct json *v, struct import_source_ignore ignore, struct err *e);

#endif
