/* store: the durable side of everything. SQLite underneath (WAL, synchronous=FULL).
 *
 * One writer thread owns the writing connection. It takes what waits in its queue (up to 512 appends),
 * runs it as one transaction and calls everybody back after the commit: a group shares one fsync.
 * Every table but `event`, `blob`, `lease`, the registry and the evaluation tables is derived from events by one
 * function (store_project in project.c); dropping them and refolding gives the same bytes.
 * Reading uses connections of its own and never waits for the writer.
 *
 * A second process that opens the same file for writing is refused (ERR_BUSY names its pid). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/event.h"

struct store;

struct store_config {
    const char *path; /* the database file; its folder must exist */
    bool read_only;   /* no lock, no writer: for reports beside a running server */
    /* How the writer thread hands its answers back (loop_post bound to a loop). NULL: the callback
     * runs on the writer thread itself. */
    void (*post)(void *post_arg, void (*fn)(void *), void *arg);
    void *post_arg;
    const char *address;    /* noted in the lock file for others to find the server; may be NULL */
    int64_t bytes_free_min; /* below this the disk counts as full for new messages; 0: 16 MiB */
};

/* Opens or creates, migrates, checks the newest migration is one it knows. Errors: ERR_BUSY (another
 * process has it), ERR_UNSUPPORTED (made by a newer version), ERR_IO, ERR_FULL. */
MUST_USE int store_open(const struct store_config *config, struct store **out, struct err *e);
void store_close(struct store *s); /* answers what is queued first; then empties the log into the file */
/* The address that the process which holds the lock on `path` noted, or "" (nobody runs). */
struct str store_holder(struct arena *a, const char *path);
void store_address_set(struct store *s, const char *address);

/* One atomic group of events of one conversation. */
struct append {
    int64_t conversation;
    int64_t seq;                /* of the first event; must be the journal's next (1 opens it) */
    const struct event *events; /* kind, at_us, body; the rest is filled in. Borrowed until the callback. */
    size_t n;
    int64_t fence; /* from store_fence; 0: no lease is asked for (commands, imports) */
};

struct appended {
    int result;             /* 0 or a code of err */
    int64_t seq_next;       /* the journal's next seq after this */
    struct sha256 sha;      /* of the last event */
    int64_t duplicate_of;   /* ERR_DUPLICATE: seq (or conversation, for opening) of the first */
    bool duplicate_differs; /* ERR_DUPLICATE: the same key came with another payload */
    struct err err;
};

typedef void store_done(void *arg, const struct appended *done);

/* Queues the append; `done` is called once it is durable, or is refused:
 *   ERR_CONFLICT   seq is not the journal's next; nothing was written
 *   ERR_DENIED     the lease was lost to another holder
 *   ERR_DUPLICATE  a message.received or human.message with this "client_id" is in this conversation already, or a
 *                  conversation.opened with this "key" exists; nothing was written
 *   ERR_INVALID    a body is not what its kind needs; nothing was written
 *   ERR_FULL       nothing of the whole group was written; later appends are tried again
 *   ERR_IO         the group is not acknowledged; whether it is there shows when the file is opened again.
 *                  Until then every append is answered ERR_IO: after a failed fsync a second one proves nothing
 * Without `post` the callback runs on the writer thread and must not wait for the store. */
void store_append(struct store *s, const struct append *append, store_done *done, void *arg);
/* The same and waits; for commands and tests. Returns appended.result. */
int store_append_wait(struct store *s, const struct append *append, struct appended *done);

/* The right to write a conversation, with fencing: every store_open is a holder with a higher number than all
 * before it, and a conversation belongs to the highest holder that ever wrote it. The first append with a
 * fence takes it, inside the writer's transaction; a lower fence is refused from then on (ERR_DENIED). No clock
 * is asked: the lock on the file ends with its process, so a living holder is the only one. */
int64_t store_fence(struct store *s); /* this process's holder number, unique per store_open */
/* For tests: pretend that `conversation` now belongs to another, newer holder. */
MUST_USE int store_lease_steal(struct store *s, int64_t conversation, struct err *e);

/* Is the disk below the low-water mark, or did the last write fail? For /readyz and new messages. */
MUST_USE int store_healthy(struct store *s, struct err *e);

/* Content-addressed bytes (agent versions). Put waits for the commit. Errors: ERR_NOT_FOUND. */
MUST_USE int store_blob_put(struct store *s, struct str bytes, struct sha256 *sha, struct err *e);
MUST_USE int store_blob_get(struct store *s, struct arena *a, const struct sha256 *sha, struct str *bytes,
                            struct err *e);

/* Runs fn(arg, connection) on the writer thread inside a transaction of its own and waits. The other modules
 * of this folder write through it. */
struct sqlite3;
MUST_USE int store_write(struct store *s, int (*fn)(void *arg, struct sqlite3 *db, struct err *e), void *arg,
                         struct err *e);
struct sqlite3 *store_reader(struct store *s); /* the calling thread's own reading connection */

#endif
