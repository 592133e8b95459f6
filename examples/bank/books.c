#include "books.h"

#include "base/clock.h"
#include "domain.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DAY_S = 86400, DAYS_ABSOLUTE = 10000, STATEMENTS_MAX = 200, ROW_BYTES_MAX = 64 * 1024, SHAPE = 3 };

struct statement {
    const char *sql; /* compared as a pointer: the text is a constant */
    sqlite3_stmt *q;
};

struct books {
    sqlite3 *db;
    struct statement kept[STATEMENTS_MAX];
    size_t kept_n;
    bool in_transaction;
    bool failed; /* a write of this transaction failed: all of it must go */
};

static int64_t today(void)
{
    return clock_now_us() / 1000000 / DAY_S;
}

static int64_t day_of(int64_t n)
{
    return n >= DAYS_ABSOLUTE ? n : today() + n;
}

static int books_err(const struct books *b, struct err *e)
{
    bool full = sqlite3_errcode(b->db) == SQLITE_FULL;
    return err_set(e, full ? ERR_FULL : ERR_IO, "the bank's books: %s", sqlite3_errmsg(b->db));
}

/* --- statements ------------------------------------------------------------------------------- */

static void bind(sqlite3_stmt *q, int at, const struct json *v)
{
    if (json_is(v, JSON_STRING))
        sqlite3_bind_text(q, at, v->text.n ? v->text.p : "", (int)v->text.n, SQLITE_TRANSIENT);
    else if (json_is(v, JSON_NUMBER) && json_whole(v))
        sqlite3_bind_int64(q, at, json_int(v, 0));
    else if (json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE))
        sqlite3_bind_int(q, at, json_is(v, JSON_TRUE));
    else
        sqlite3_bind_null(q, at);
}

static sqlite3_stmt *prepared(struct books *b, const char *sql)
{
    for (size_t i = 0; i < b->kept_n; i++)
        if (b->kept[i].sql == sql)
            return b->kept[i].q;
    sqlite3_stmt *q;
    if (b->kept_n == STATEMENTS_MAX ||
        sqlite3_prepare_v3(b->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK) {
        fprintf(stderr, "bank: %s in: %s\n", sqlite3_errmsg(b->db), sql);
        abort(); /* our own mistake: SQL is part of the program */
    }
    b->kept[b->kept_n++] = (struct statement){sql, q};
    return q;
}

/* A statement with its values. Statements are used again: end with query_end. */
static sqlite3_stmt *query_of(struct books *b, const char *sql, const struct json *values)
{
    sqlite3_stmt *q = prepared(b, sql);
    for (int i = 1; i <= sqlite3_bind_parameter_count(q); i++) {
        const char *name = sqlite3_bind_parameter_name(q, i) + 1;
        if (strcmp(name, "today") == 0)
            sqlite3_bind_int64(q, i, today());
        else
            bind(q, i, json_get(values, name));
    }
    return q;
}

static void query_end(sqlite3_stmt *q)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

static void sql_day(sqlite3_context *c, int n, sqlite3_value **v)
{
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        sqlite3_result_null(c);
    else
        sqlite3_result_int64(c, day_of(sqlite3_value_int64(v[0])));
}

/* --- rows as JSON ----------------------------------------------------------------------------- */

static struct str column_str(sqlite3_stmt *q, int i)
{
    const char *p = (const char *)sqlite3_column_text(q, i);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, i) : 0};
}

static void put_cents(struct json_writer *w, int64_t cents)
{
    long long n = cents < 0 ? -cents : cents;
    json_put_raw(w, str_f(w->out->arena, "%s%lld.%02lld", cents < 0 ? "-" : "", n / 100, n % 100));
}

static void put_column(struct json_writer *w, sqlite3_stmt *q, int i, struct str name)
{
    bool is_bool = str_ends(name, STR("?")), is_money = str_ends(name, STR("$"));
    json_key_str(w, is_bool || is_money ? str_head(name, name.n - 1) : name);
    if (sqlite3_column_type(q, i) == SQLITE_NULL)
        json_put_null(w);
    else if (str_ends(name, STR("_on")) || str_ends(name, STR("_date")))
        json_put_str(w, clock_date_of_days(w->out->arena, day_of(sqlite3_column_int64(q, i))));
    else if (is_bool)
        json_put_bool(w, sqlite3_column_int(q, i));
    else if (is_money)
        put_cents(w, sqlite3_column_int64(q, i));
    else if (sqlite3_column_type(q, i) == SQLITE_INTEGER)
        json_put_int(w, sqlite3_column_int64(q, i));
    else
        json_put_str(w, column_str(q, i));
}

/* The row as an object: columns named "address.line", "address.city" stand together in one member. */
static void put_row(struct json_writer *w, sqlite3_stmt *q)
{
    struct str group = STR_NONE;
    json_open(w, '{');
    for (int i = 0; i < sqlite3_column_count(q); i++) {
        struct str name = str_of(sqlite3_column_name(q, i)), rest = name, head;
        str_split(&rest, '.', &head);
        if (group.n && !(rest.p && str_eq(group, head))) {
            json_close(w, '}');
            group = STR_NONE;
        }
        if (rest.p && !group.n) {
            json_key_str(w, head);
            json_open(w, '{');
            group = head;
        }
        put_column(w, q, i, rest.p ? rest : name);
    }
    if (group.n)
        json_close(w, '}');
    json_close(w, '}');
}

int books_read(struct books *b, const char *sql, const struct json *values, bool many, struct json_writer *w)
{
    sqlite3_stmt *q = query_of(b, sql, values);
    bool found = many;
    if (many)
        json_open(w, '[');
    while (sqlite3_step(q) == SQLITE_ROW && (many || !found)) {
        put_row(w, q);
        found = true;
    }
    if (many)
        json_close(w, ']');
    query_end(q);
    return found ? 0 : ERR_NOT_FOUND;
}

const struct json *books_row(struct books *b, struct arena *a, const char *sql, const struct json *values)
{
    struct buf out = buf_new(a, ROW_BYTES_MAX);
    struct json_writer w = {.out = &out};
    struct json *row;
    if (books_read(b, sql, values, false, &w) < 0 || json_parse(a, buf_str(&out), &row, NULL) < 0)
        return NULL;
    return row;
}

/* --- writing ---------------------------------------------------------------------------------- */

int books_write(struct books *b, const char *sql, const struct json *values, struct err *e)
{
    sqlite3_stmt *q = query_of(b, sql, values);
    int result = sqlite3_step(q) == SQLITE_DONE ? 0 : books_err(b, e);
    b->failed |= result < 0;
    query_end(q);
    return result;
}

int books_begin(struct books *b, struct err *e)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    if (b->failed)
        return err_set(e, ERR_IO, "the bank's books: an order before this one could not be written");
    if (b->in_transaction)
        return 0;
    int result = books_write(b, sql, NULL, e);
    b->in_transaction = result == 0;
    return result;
}

int books_commit(struct books *b, struct err *e)
{
    static const char sql[] = "COMMIT";
    int result = b->failed ? err_set(e, ERR_IO, "the bank's books: an order could not be written") : 0;
    if (b->in_transaction && !b->failed)
        result = books_write(b, sql, NULL, e);
    if (!sqlite3_get_autocommit(b->db)) /* SQLite itself rolls back after some errors, not after all */
        sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
    b->in_transaction = b->failed = false;
    return result;
}

static struct json *key_value(struct arena *a, struct str key)
{
    struct json *values = json_new(a, JSON_OBJECT);
    json_set(values, STR("key"), json_new_str(a, key));
    return values;
}

bool books_answer_find(struct books *b, struct str key, struct arena *a, struct books_answer *out)
{
    static const char sql[] = "SELECT request, status, body FROM idempotency WHERE key = :key";
    sqlite3_stmt *q = query_of(b, sql, key_value(a, key));
    bool found = sqlite3_step(q) == SQLITE_ROW;
    if (found) {
        out->request = str_copy(a, column_str(q, 0));
        out->status = sqlite3_column_int(q, 1);
        out->body = str_copy(a, column_str(q, 2));
    }
    query_end(q);
    return found;
}

int books_answer_keep(struct books *b, struct arena *a, struct str key, const struct books_answer *answer,
                      struct err *e)
{
    static const char sql[] = "INSERT INTO idempotency VALUES(:key, :request, :status, :body)";
    struct json *values = key_value(a, key);
    json_set(values, STR("request"), json_new_str(a, answer->request));
    json_set(values, STR("status"), json_new_int(a, answer->status));
    json_set(values, STR("body"), json_new_str(a, answer->body));
    return books_write(b, sql, values, e);
}

/* --- the file --------------------------------------------------------------------------------- */

static int books_run(struct books *b, const char *sql, struct err *e)
{
    return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : books_err(b, e);
}

static int one_int(struct books *b, const char *sql)
{
    sqlite3_stmt *q;
    int n = 0;
    if (sqlite3_prepare_v2(b->db, sql, -1, &q, NULL) != SQLITE_OK)
        return 0;
    if (sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* Empties every table; what refers to what does not matter until the commit. */
static int empty_tables(struct books *b, struct err *e)
{
    sqlite3_stmt *q;
    static const char sql[] = "SELECT name FROM sqlite_master WHERE type = 'table'";
    int result = books_run(b, "PRAGMA defer_foreign_keys=ON", e);
    if (result == 0 && sqlite3_prepare_v2(b->db, sql, -1, &q, NULL) != SQLITE_OK)
        result = books_err(b, e);
    if (result < 0)
        return result;
    while (result == 0 && sqlite3_step(q) == SQLITE_ROW) {
        char text[200];
        snprintf(text, sizeof text, "DELETE FROM %s", (const char *)sqlite3_column_text(q, 0));
        result = books_run(b, text, e);
    }
    sqlite3_finalize(q);
    return result;
}

static int make_tables(struct books *b, struct err *e)
{
    int result = books_run(b,
                           "CREATE TABLE idempotency(key TEXT PRIMARY KEY, request TEXT NOT NULL,"
                           " status INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
                           e);
    for (size_t i = 0; result == 0 && domains[i]; i++)
        result = books_run(b, domains[i]->schema, e);
    char version[64];
    snprintf(version, sizeof version, "PRAGMA user_version=%d", SHAPE);
    return result == 0 ? books_run(b, version, e) : result;
}

/* Tables and customers, or nothing. */
static int books_fill(struct books *b, int (*first)(struct books *b, struct err *e), struct err *e)
{
    int result = books_run(b, "BEGIN IMMEDIATE", e);
    if (result == 0)
        result = first(b, e);
    for (size_t i = 0; result == 0 && domains[i]; i++)
        result = books_run(b, domains[i]->seed, e);
    if (result == 0)
        result = books_run(b, "COMMIT", e);
    if (result < 0 && !sqlite3_get_autocommit(b->db))
        sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

/* What an older program wrote has other tables: it goes. */
static int forget_older(struct books *b, struct err *e)
{
    fprintf(stderr, "bank: the books have an older shape and are made anew\n");
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, 0);
    int result = books_run(b, "VACUUM", e);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, 0);
    return result;
}

static int books_start(struct books *b, const char *dir, struct err *e)
{
    char path[4096];
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "cannot make the folder %s: %s", dir, strerror(errno));
    snprintf(path, sizeof path, "%s/bank.db", dir);
    if (sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return books_err(b, e);
    sqlite3_busy_timeout(b->db, 5000);
    sqlite3_create_function(b->db, "day", 1, SQLITE_UTF8, NULL, sql_day, NULL, NULL);
    int shape = one_int(b, "PRAGMA user_version");
    int result = shape && shape != SHAPE ? forget_older(b, e) : 0;
    if (result == 0)
        result = books_run(b, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", e);
    if (result == 0 && shape != SHAPE)
        result = books_fill(b, make_tables, e);
    return result;
}

int books_open(const char *dir, struct books **out, struct err *e)
{
    struct books *b = mem_get(sizeof *b);
    *b = (struct books){0};
    int result = books_start(b, dir, e);
    if (result < 0) {
        books_close(b);
        return result;
    }
    *out = b;
    return 0;
}

void books_close(struct books *b)
{
    for (size_t i = 0; i < b->kept_n; i++)
        sqlite3_finalize(b->kept[i].q);
    sqlite3_close(b->db);
    free(b);
}

int books_reset(struct books *b, struct err *e)
{
    return books_fill(b, empty_tables, e);
}
