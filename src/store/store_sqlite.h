/* store_sqlite: what the files behind store.h share: the open store, its connections and its queue. */
#ifndef STORE_STORE_SQLITE_H
#define STORE_STORE_SQLITE_H

#include "store/project.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    GROUP_MAX = 512,   /* appends of one transaction */
    FOLDS_SETS = 4096, /* remembered conversations: 4 for each set, 16,384 in all, 2 MiB */
    FOLDS_WAYS = 4,
    FULL_RETRY_US = 5000000, /* so long after a full disk the store counts as unhealthy */
};

/* Read by store_open. Tests change it: to meet a checkpoint soon, and to show that they would notice a store
 * that does not wait for the disk. */
extern struct store_tuning {
    const char *synchronous; /* "FULL": a commit returns when its part of the log is on the disk */
    int checkpoint_pages;    /* 4000: with 16 MiB of log, it is copied into the file */
} store_tuning;

/* One thing for the writer to do: an append, or a function to run. */
struct request {
    struct request *next;
    struct append append;
    store_done *done;
    void *arg;
    int (*fn)(void *arg, struct sqlite3 *db, struct err *e); /* not NULL: this instead of the append */
    bool waited; /* answered by the writer thread, because somebody sleeps for it */
    struct appended answer;
};

struct reading {
    struct reading *next;
    pthread_t thread;
    struct connection connection;
};

struct store {
    char *path, *folder;
    bool read_only;
    int lock_fd;
    int64_t fence;
    int64_t bytes_free_min;
    void (*post)(void *post_arg, void (*fn)(void *), void *arg);
    void *post_arg;

    pthread_mutex_t mutex; /* guards the queue and the list of reading connections */
    pthread_cond_t wake;
    struct request *first, **last;
    bool closing;
    struct reading *readings;

    _Atomic bool broken;        /* the file can no longer be trusted to keep what is written */
    _Atomic int64_t full_at_us; /* monotonic; 0: the last write fitted */

    /* The writer thread's own. */
    pthread_t thread;
    bool thread_runs;
    struct connection writing;
    struct fold *folds;
    uint32_t folds_next; /* whom to forget in a full set */
    struct arena *group;
    int checkpoint_at; /* pages of log */
    int log_pages;
};

void *store_writer_run(void *store); /* the writer thread */

/* The calling thread's reading connection, and a statement of it (query_open). */
MUST_USE int store_reading(struct store *s, struct connection **c, struct err *e);
MUST_USE int store_ask(struct store *s, const char *sql, sqlite3_stmt **q, struct err *e);

/* Forgets what the writer remembers; on the writer thread. */
void store_forget(struct store *s);

/* Like store_write, with the connection that keeps statements. */
MUST_USE int store_change(struct store *s, int (*fn)(void *arg, struct connection *c, struct err *e), void *arg,
                          struct err *e);

/* Keeps bytes under their hash; inside the caller's transaction. */
MUST_USE int store_blob_run(struct connection *c, struct str bytes, const struct sha256 *sha, struct err *e);

#endif
