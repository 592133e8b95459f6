/* journal: reading what was written, and rebuilding what is derived from it. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/store.h"

/* Events of one conversation with seq > after, at most `max`, in order. n 0 when there are none. */
MUST_USE int journal_read(struct store *s, struct arena *a, int64_t conversation, int64_t after, size_t max,
                          struct event **events, size_t *n, struct err *e);

/* Calls fn for every event of the store in the order of writing; stops when fn returns non-zero and
 * returns that. */
MUST_USE int journal_each(struct store *s, int (*fn)(void *arg, const struct event *ev, struct err *e), void *arg,
                          struct err *e);

/* Recomputes the hash chain. Errors: ERR_INVALID names the first conversation and seq that does not hold. */
MUST_USE int journal_verify(struct store *s, int64_t *checked, struct err *e);

/* Drops every derived table and makes it again from the events. */
MUST_USE int journal_refold(struct store *s, struct err *e);
/* SHA-256 over the contents of all derived tables, in key order: equal before and after a refold. */
MUST_USE int journal_derived_sha(struct store *s, struct sha256 *sha, struct err *e);

/* --- derived tables, read only --- */

struct conversation_row {
    int64_t id;
    struct str agent;     /* name */
    struct str agent_sha; /* hex: the agent version's identity */
    struct str customer;
    struct str channel; /* "web", "cli", "import", ... */
    struct str label;   /* the outside world's name for it (an imported id); may be "" */
    struct str owner;   /* "bot", "pending_human", "human" */
    struct str status;  /* "open", "closed" */
    struct str set;     /* the set it was imported into; "" for own conversations */
    int64_t seq_next, opened_us, changed_us;
    bool turn_open; /* a message waits for its reply */
};

MUST_USE int conversation_find(struct store *s, struct arena *a, int64_t id, struct conversation_row *row,
                               struct err *e); /* ERR_NOT_FOUND */
/* Filters: NULL or "" means any. Ordered by id. */
MUST_USE int conversation_list(struct store *s, struct arena *a, const char *agent, const char *set,
                               const char *customer, struct conversation_row **rows, size_t *n, struct err *e);
/* The newest `max`, newest first; of any customer where `customer` is "". */
MUST_USE int conversation_newest(struct store *s, struct arena *a, struct str customer, size_t max,
                                 struct conversation_row **rows, size_t *n, struct err *e);
/* Errors: ERR_LIMIT: `max` of the customer's own conversations are open, and none was opened under `key`. */
MUST_USE int conversation_may_open(struct store *s, struct str customer, struct str key, int64_t max, struct err *e);
/* Conversations whose turn is open: what a new process must take up. */
MUST_USE int conversation_unfinished(struct store *s, struct arena *a, int64_t **ids, size_t *n, struct err *e);

/* The action ledger: one row an idempotency key, its first result for ever. */
struct ledger_row {
    struct str key, tool, state; /* state: "started" | "ok" | "refused" | "already_done" | "unknown" */
    int64_t conversation, proposal_seq, started_us, done_us;
    struct str result; /* JSON; "" until done */
};
MUST_USE int ledger_find(struct store *s, struct arena *a, struct str key, struct ledger_row *row, struct err *e);
MUST_USE int ledger_list(struct store *s, struct arena *a, int64_t conversation, struct ledger_row **rows, size_t *n,
                         struct err *e);

/* Messages for push channels that are not delivered yet, by their position: at most `max` of those behind `after_pos`,
 * in order. Positions grow with every append. */
struct outbox_place {
    int64_t pos, conversation;
};
MUST_USE int outbox_list(struct store *s, struct arena *a, int64_t after_pos, size_t max, struct outbox_place **places,
                         size_t *n, struct err *e);
/* The first such message of a conversation: the one whose turn it is. Errors: ERR_NOT_FOUND. */
struct outbox_row {
    int64_t conversation, seq;
    struct str mid; /* `<conversation>-<seq>`: sent as Idempotency-Key, no other message has it */
    struct str channel;
    struct str text;
};
MUST_USE int outbox_first(struct store *s, struct arena *a, int64_t conversation, struct outbox_row *row,
                          struct err *e);

struct timer_row {
    int64_t conversation, seq, due_us; /* seq of the timer.set event: its id */
    struct str kind;
};
MUST_USE int timer_list(struct store *s, struct arena *a, int64_t due_before_us, struct timer_row **rows, size_t *n,
                        struct err *e);

#endif
