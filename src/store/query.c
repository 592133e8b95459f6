#include "store/query.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What customers say is for this user alone. SQLite gives its log the mode of the file. */
static void file_make(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd); /* whatever is wrong otherwise SQLite says */
}

int connection_open(struct connection *c, const char *path, bool read_only, struct err *e)
{
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    *c = (struct connection){0};
    if (!read_only)
        file_make(path);
    /* One thread at a time uses a connection; which one it is changes only through a mutex. */
    int rc = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        return err_set(e, (rc & 0xff) == SQLITE_FULL ? ERR_FULL : ERR_IO, "%s: cannot open: %s", path,
                       c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
    sqlite3_busy_timeout(c->db, 5000);
    return 0;
}

void connection_close(struct connection *c)
{
    for (size_t i = 0; i < c->kept_n; i++)
        sqlite3_finalize(c->kept[i].q);
    sqlite3_close(c->db);
    *c = (struct connection){0};
}

int query_err(sqlite3 *db, struct err *e, const char *doing)
{
    int rc = sqlite3_extended_errcode(db), code = ERR_IO;
    switch (rc & 0xff) {
    case SQLITE_FULL: code = ERR_FULL; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: code = ERR_BUSY; break;
    case SQLITE_CONSTRAINT: code = ERR_CONFLICT; break;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG: code = ERR_LIMIT; break;
    default: break;
    }
    return err_set(e, code, "store: %s: %s (SQLite %d)", doing, sqlite3_errmsg(db), rc);
}

int query_exec(sqlite3 *db, const char *sql, struct err *e)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : query_err(db, e, sql);
}

int query_open(struct connection *c, const char *sql, sqlite3_stmt **q, struct err *e)
{
    for (size_t i = 0; i < c->kept_n; i++) {
        if (c->kept[i].sql == sql) {
            *q = c->kept[i].q;
            return 0;
        }
    }
    assert(c->kept_n < QUERIES_MAX);
    if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK)
        return query_err(c->db, e, sql);
    c->kept[c->kept_n].sql = sql;
    c->kept[c->kept_n++].q = *q;
    return 0;
}

int query_step(sqlite3_stmt *q, struct err *e)
{
    switch (sqlite3_step(q)) {
    case SQLITE_ROW: return 1;
    case SQLITE_DONE: return 0;
    default: return query_err(sqlite3_db_handle(q), e, sqlite3_sql(q));
    }
}

int query_run(sqlite3_stmt *q, struct err *e)
{
    int r;
    while ((r = query_step(q, e)) > 0)
        ;
    query_close(q);
    return r;
}

void query_close(sqlite3_stmt *q)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

/* Binding fails only for an index that is not in the SQL: our own mistake. */
static void bound(int rc)
{
    assert(rc == SQLITE_OK);
    (void)rc;
}

void query_int(sqlite3_stmt *q, int i, int64_t v)
{
    bound(sqlite3_bind_int64(q, i, v));
}

void query_num(sqlite3_stmt *q, int i, double v)
{
    bound(sqlite3_bind_double(q, i, v));
}

void query_text(sqlite3_stmt *q, int i, struct str v)
{
    bound(sqlite3_bind_text64(q, i, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void query_sha(sqlite3_stmt *q, int i, const struct sha256 *sha)
{
    bound(sqlite3_bind_blob(q, i, sha->b, SHA256_BYTES, SQLITE_STATIC));
}

struct str query_text_at(sqlite3_stmt *q, int column)
{
    const char *p = sqlite3_column_blob(q, column); /* as stored: no conversion, no copy */
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, column) : 0};
}

struct str query_copy_at(struct arena *a, sqlite3_stmt *q, int column)
{
    return str_copy(a, query_text_at(q, column));
}

struct sha256 query_sha_at(sqlite3_stmt *q, int column)
{
    struct sha256 sha = {0};
    struct str bytes = query_text_at(q, column);
    if (bytes.n == SHA256_BYTES)
        memcpy(sha.b, bytes.p, SHA256_BYTES);
    return sha;
}

int query_gather(sqlite3_stmt *q, struct arena *a, size_t size,
                 void (*row)(struct arena *a, sqlite3_stmt *q, void *element), void **elements, size_t *n,
                 struct err *e)
{
    struct buf all = buf_new(NULL, SIZE_MAX);
    size_t count = 0;
    int r;
    while ((r = query_step(q, e)) > 0) {
        void *element = arena_alloc(a, size);
        row(a, q, element);
        buf_add(&all, (struct str){element, size});
        count++;
    }
    query_close(q);
    if (r == 0) {
        *elements = arena_alloc(a, count * size);
        if (count)
            memcpy(*elements, all.p, count * size);
        *n = count;
    }
    buf_free(&all);
    return r;
}
