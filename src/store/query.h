/* query: SQLite statements, prepared once and kept with their connection. For the files of this folder.
 *
 * A statement is found by the address of its SQL, so the SQL must be a literal of static lifetime.
 *
 *     sqlite3_stmt *q;
 *     if (query_open(c, "SELECT seq FROM inbox WHERE conversation = ?1", &q, e) < 0)
 *         return e->code;
 *     query_int(q, 1, conversation);
 *     int r = query_step(q, e);
 *     ... sqlite3_column_int64(q, 0) ...
 *     query_close(q);
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "base/hash.h"

#include <sqlite3.h>

enum { QUERIES_MAX = 64 }; /* per connection: more than there are literals in this folder */

struct connection {
    sqlite3 *db;
    size_t kept_n;
    struct {
        const char *sql;
        sqlite3_stmt *q;
    } kept[QUERIES_MAX];
};

/* Writers create the file when it is missing. */
MUST_USE int connection_open(struct connection *c, const char *path, bool read_only, struct err *e);
void connection_close(struct connection *c); /* NULL db is allowed */

/* ERR_FULL, ERR_BUSY (locked), ERR_CONFLICT (a constraint), ERR_LIMIT (memory, size), else ERR_IO, which
 * means that the file can no longer be trusted to keep what is written. */
int query_err(sqlite3 *db, struct err *e, const char *doing);

/* Runs statements that give no rows and are not worth keeping. */
MUST_USE int query_exec(sqlite3 *db, const char *sql, struct err *e);

MUST_USE int query_open(struct connection *c, const char *sql, sqlite3_stmt **q, struct err *e);
MUST_USE int query_step(sqlite3_stmt *q, struct err *e); /* 1 a row, 0 the end, or a code of query_err */
MUST_USE int query_run(sqlite3_stmt *q, struct err *e);  /* steps to the end and closes */
void query_close(sqlite3_stmt *q);                       /* what it gave by reference is gone */

/* Values are borrowed until query_close. */
void query_int(sqlite3_stmt *q, int i, int64_t v);
void query_num(sqlite3_stmt *q, int i, double v);
void query_text(sqlite3_stmt *q, int i, struct str v);
void query_sha(sqlite3_stmt *q, int i, const struct sha256 *sha);

struct str query_text_at(sqlite3_stmt *q, int column); /* borrowed until the next step; "" for NULL */
struct str query_copy_at(struct arena *a, sqlite3_stmt *q, int column);
struct sha256 query_sha_at(sqlite3_stmt *q, int column); /* zeros unless 32 bytes are there */

/* Runs q to its end and gathers what `row` makes of each row: an array of `size`-byte elements in `a`.
 * Closes q. */
MUST_USE int query_gather(sqlite3_stmt *q, struct arena *a, size_t size,
                          void (*row)(struct arena *a, sqlite3_stmt *q, void *element), void **elements, size_t *n,
                          struct err *e);

#endif
