/* journal_line: a whole journal as one line of JSON, to move conversations between installations.
 *
 *   {"candor": 1, "id": "airline-00-0", "task": "0", "trial": 0, "reward": 1, "expected": {}, "note": {},
 *    "events": [{"kind": "conversation.opened", "at_us": 1795333500000000, "body": {...}}, ...]}
 *
 * id is the item's label; reward is null where there is none. Bodies are those of docs/JOURNAL.md.
 *
 * Reading makes a record of it that nobody will act on: conversation.opened gets the channel "import" and the new
 * set's name and key; the keys of actions are put behind the conversation's new id, so that they meet no key of this
 * installation's own ledger; timers that are still set count as fired; the conversation is closed. */
#ifndef EVAL_JOURNAL_LINE_H
#define EVAL_JOURNAL_LINE_H

#include "store/dataset.h"

struct journal_line {
    struct arena *arena;
    struct str set;
    struct dataset_item *item; /* conversation is the new id; the rest is filled in */

    struct event *events; /* filled in */
    size_t n, messages, calls;
};

/* Errors: ERR_INVALID names the field ("events[3].kind is unknown"). */
MUST_USE int journal_line_read(struct journal_line *j, const struct json *line, struct str source_sha, struct err *e);

/* What stands for a customer in one export: equal customers stay equal under the same secret. "" for "". */
struct str journal_pseudonym(struct arena *a, struct str customer, struct str secret);
/* Replaces the customer's id wherever it is a whole value below v; words are left as they were said. */
void journal_hide(struct json *v, struct str customer, struct str stands_for);

/* Appends the line without its newline, the customer behind a pseudonym. Errors: ERR_INVALID (a body or the note is no
 * JSON), ERR_LIMIT. */
MUST_USE int journal_line_write(struct arena *a, const struct dataset_item *item, const struct event *events, size_t n,
                                struct str secret, struct buf *out, struct err *e);

#endif
