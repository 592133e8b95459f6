#include "store/store_sqlite.h"

#include "base/clock.h"
#include "store/lock.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { BYTES_FREE_MIN = 16 << 20 };

struct store_tuning store_tuning = {.synchronous = "FULL", .checkpoint_pages = 4000};

static int log_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct store *s = arg;
    s->log_pages = pages;
    return SQLITE_OK;
}

/* WAL with FULL: a commit returns when its frames are on the disk. secure_delete: what is deleted is
 * overwritten, so that an erased person is gone from the file. Memory-mapped reading is off because a
 * failing disk would then be a signal instead of an error. */
static int writing_settings(struct store *s, struct err *e)
{
    char synchronous[64];
    snprintf(synchronous, sizeof synchronous, "PRAGMA synchronous = %s", store_tuning.synchronous);
    const char *const settings[] = {
        "PRAGMA page_size = 4096",
        "PRAGMA journal_mode = WAL",
        synchronous,
        "PRAGMA secure_delete = ON",
        "PRAGMA mmap_size = 0",
        "PRAGMA cache_size = -16000",
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA temp_store = MEMORY",
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof settings / sizeof *settings; i++)
        r = query_exec(s->writing.db, settings[i], e);
    s->checkpoint_at = store_tuning.checkpoint_pages;
    sqlite3_wal_hook(s->writing.db, log_grew, s); /* in the place of the automatic checkpoint */
    return r;
}

static int holder_add(struct store *s, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(&s->writing, "INSERT INTO holder (pid, opened_us) VALUES (?1, ?2)", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, getpid());
    query_int(q, 2, clock_now_us());
    r = query_run(q, e);
    s->fence = sqlite3_last_insert_rowid(s->writing.db);
    return r;
}

static int in_file(const struct store *s, int code, struct err *e)
{
    err_in(e, "%s", s->path);
    return code;
}

/* A file is found after a power cut only if its folder was told to keep the name. */
static int folder_sync(const struct store *s, struct err *e)
{
    int fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        int r = err_set(e, ERR_IO, "%s: %s", s->folder, strerror(errno));
        if (fd >= 0)
            close(fd);
        return r;
    }
    close(fd);
    return 0;
}

static int writer_start(struct store *s, const char *address, struct err *e)
{
    int r = lock_take(s->path, &s->lock_fd, e);
    if (r < 0)
        return r;
    lock_note(s->lock_fd, address ? address : "");
    int64_t version;
    r = connection_open(&s->writing, s->path, false, e);
    if (r == 0)
        r = schema_version(s->writing.db, &version, e); /* before anything is changed in a file that is not ours */
    if (r == 0)
        r = writing_settings(s, e);
    if (r == 0)
        r = schema_migrate(s->writing.db, SCHEMA_NEWEST, e);
    if (r == 0)
        r = holder_add(s, e);
    if (r == 0)
        r = folder_sync(s, e);
    if (r < 0)
        return in_file(s, r, e);
    s->folds = calloc((size_t)FOLDS_SETS * FOLDS_WAYS, sizeof *s->folds);
    s->group = arena_new("group", 64 << 10);
    if (!s->folds || pthread_create(&s->thread, NULL, store_writer_run, s) != 0)
        return err_set(e, ERR_LIMIT, "%s: no memory or no thread for the writer", s->path);
    s->thread_runs = true;
    return 0;
}

static int reader_check(struct store *s, struct err *e)
{
    if (access(s->path, F_OK) != 0)
        return err_set(e, ERR_NOT_FOUND, "%s: %s", s->path, strerror(errno));
    struct connection *c;
    int64_t version;
    int r = store_reading(s, &c, e);
    if (r == 0)
        r = schema_version(c->db, &version, e);
    if (r == 0 && version < SCHEMA_NEWEST)
        r = err_set(e, ERR_UNSUPPORTED, "schema %lld is older than %d; start candor serve once to bring it up",
                    (long long)version, SCHEMA_NEWEST);
    return r < 0 ? in_file(s, r, e) : 0;
}

int store_open(const struct store_config *config, struct store **out, struct err *e)
{
    struct store *s = mem_get(sizeof *s);
    *s = (struct store){.read_only = config->read_only,
                        .lock_fd = -1,
                        .bytes_free_min = config->bytes_free_min ? config->bytes_free_min : BYTES_FREE_MIN,
                        .post = config->post,
                        .post_arg = config->post_arg,
                        .path = strdup(config->path)};
    s->last = &s->first;
    const char *slash = strrchr(s->path, '/');
    s->folder = !slash ? strdup(".") : strndup(s->path, slash == s->path ? 1 : (size_t)(slash - s->path));
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->wake, NULL);
    int r = s->read_only ? reader_check(s, e) : writer_start(s, config->address, e);
    if (r < 0)
        store_close(s);
    else
        *out = s;
    return r;
}

static void writer_stop(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
}

/* The log is copied into the file and emptied, unless the disk failed: then the log stays as it is, and the
 * next opening reads it. */
static void log_finish(struct store *s)
{
    if (s->broken) {
        sqlite3_db_config(s->writing.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return;
    }
    sqlite3_busy_timeout(s->writing.db, 200); /* another process that reads just then keeps it from emptying */
    sqlite3_wal_checkpoint_v2(s->writing.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->thread_runs)
        writer_stop(s);
    for (struct reading *r = s->readings, *next; r; r = next) {
        next = r->next;
        connection_close(&r->connection);
        free(r);
    }
    if (s->thread_runs)
        log_finish(s);
    connection_close(&s->writing);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    arena_free(s->group);
    free(s->folds);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s->folder);
    free(s->path);
    free(s);
}

struct str store_holder(struct arena *a, const char *path)
{
    return lock_holder(a, path);
}

void store_address_set(struct store *s, const char *address)
{
    lock_note(s->lock_fd, address);
}

int64_t store_fence(struct store *s)
{
    return s->fence;
}

/* --- reading connections: one for each thread that reads, kept until the store is closed --- */

int store_reading(struct store *s, struct connection **c, struct err *e)
{
    pthread_t self = pthread_self();
    pthread_mutex_lock(&s->mutex);
    struct reading *r = s->readings;
    while (r && !pthread_equal(r->thread, self))
        r = r->next;
    pthread_mutex_unlock(&s->mutex);
    if (!r) {
        r = mem_get(sizeof *r);
        *r = (struct reading){.thread = self};
        int bad = connection_open(&r->connection, s->path, true, e);
        if (bad == 0)
            bad = query_exec(r->connection.db, "PRAGMA mmap_size = 0; PRAGMA cache_size = -4000", e);
        if (bad < 0) {
            connection_close(&r->connection);
            free(r);
            return bad;
        }
        pthread_mutex_lock(&s->mutex);
        r->next = s->readings;
        s->readings = r;
        pthread_mutex_unlock(&s->mutex);
    }
    *c = &r->connection;
    return 0;
}

int store_ask(struct store *s, const char *sql, sqlite3_stmt **q, struct err *e)
{
    struct connection *c;
    int r = store_reading(s, &c, e);
    return r < 0 ? r : query_open(c, sql, q, e);
}

struct sqlite3 *store_reader(struct store *s)
{
    struct connection *c;
    return store_reading(s, &c, NULL) < 0 ? NULL : c->db;
}

/* --- health --- */

int store_healthy(struct store *s, struct err *e)
{
    struct statvfs fs;
    if (s->broken)
        return err_set(e, ERR_IO, "%s: the disk failed; repair it and start again", s->path);
    if (statvfs(s->folder, &fs) != 0)
        return err_set(e, ERR_IO, "%s: %s", s->folder, strerror(errno));
    int64_t bytes_free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (bytes_free < s->bytes_free_min)
        return err_set(e, ERR_FULL, "%s: %lld bytes are free, less than %lld", s->folder, (long long)bytes_free,
                       (long long)s->bytes_free_min);
    /* A quota can be full while the disk is not: after a while the next message may try again. */
    int64_t full_at_us = s->full_at_us;
    if (full_at_us && clock_mono_us() - full_at_us < FULL_RETRY_US)
        return err_set(e, ERR_FULL, "%s: the last write did not fit", s->path);
    return 0;
}

/* --- leases and blobs --- */

struct steal {
    struct store *store;
    int64_t conversation;
};

static int steal_run(void *arg, struct connection *c, struct err *e)
{
    struct steal *steal = arg;
    sqlite3_stmt *q;
    int r = query_open(c,
                       "INSERT INTO lease (conversation, fence) VALUES (?1, ?2)"
                       " ON CONFLICT (conversation) DO UPDATE SET fence = excluded.fence",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, steal->conversation);
    query_int(q, 2, steal->store->fence + 1);
    store_forget(steal->store);
    return query_run(q, e);
}

int store_lease_steal(struct store *s, int64_t conversation, struct err *e)
{
    return store_change(s, steal_run, &(struct steal){s, conversation}, e);
}

struct blob {
    struct str bytes;
    struct sha256 sha;
};

int store_blob_run(struct connection *c, struct str bytes, const struct sha256 *sha, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c, "INSERT OR IGNORE INTO blob (sha, bytes) VALUES (?1, ?2)", &q, e);
    if (r < 0)
        return r;
    query_sha(q, 1, sha);
    sqlite3_bind_blob64(q, 2, bytes.p ? bytes.p : "", bytes.n, SQLITE_STATIC);
    return query_run(q, e);
}

static int blob_run(void *arg, struct connection *c, struct err *e)
{
    struct blob *blob = arg;
    return store_blob_run(c, blob->bytes, &blob->sha, e);
}

int store_blob_put(struct store *s, struct str bytes, struct sha256 *sha, struct err *e)
{
    struct blob blob = {.bytes = bytes, .sha = sha256_of(bytes)};
    int r = store_change(s, blob_run, &blob, e);
    if (r == 0)
        *sha = blob.sha;
    return r;
}

int store_blob_get(struct store *s, struct arena *a, const struct sha256 *sha, struct str *bytes, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s, "SELECT bytes FROM blob WHERE sha = ?1", &q, e);
    if (r < 0)
        return r;
    query_sha(q, 1, sha);
    r = query_step(q, e);
    if (r > 0)
        *bytes = query_copy_at(a, q, 0);
    query_close(q);
    if (r == 0)
        return err_set(e, ERR_NOT_FOUND, "no bytes with the hash %.*s", STR_ARG(hash_hex(a, sha->b, SHA256_BYTES)));
    return r < 0 ? r : 0;
}
