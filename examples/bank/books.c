#include "books.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DAY_S = 86400 };

enum query {
    Q_CUSTOMERS,
    Q_CUSTOMER,
    Q_CARD_ORDER,
    Q_SHIPMENT,
    Q_REISSUES,
    Q_REISSUE,
    Q_REISSUE_BY_KEY,
    Q_STANDING,
    Q_REISSUE_NEW,
    Q_ANSWER,
    Q_ANSWER_NEW,
    Q_BEGIN,
    Q_COMMIT,
    Q_ROLLBACK,
    QUERIES
};

/* What a reissue looks like to the outside. ?2 is today. */
#define REISSUE_COLUMNS \
    "'RC-'||r.id AS id, r.customer, printf('%04d', r.id * 7919 % 10000) AS card_last4, r.address, r.reason," \
    " r.day - CASE r.day_is_relative WHEN 1 THEN 0 ELSE ?2 END AS made_on," \
    " r.day - CASE r.day_is_relative WHEN 1 THEN 0 ELSE ?2 END + 7 AS \"shipping.eta_date\"," \
    " (SELECT name FROM carriers WHERE code = r.carrier) AS \"shipping.carrier\"," \
    " 'standard' AS \"shipping.service_level\", 'queued' AS \"production.status\", 1 AS \"production.priority\"," \
    " 'PB-'||(r.id / 50) AS \"production.batch_id\", r.key AS idempotency_key"

static const char *const queries[QUERIES] = {
    [Q_CUSTOMERS] = "SELECT id, name, locale, story FROM customers ORDER BY id",
    [Q_CUSTOMER] =
        "SELECT c.id, c.name, c.first_name, c.locale, c.email, c.phone, c.document_masked, 'AD-'||c.id AS "
        "\"address.id\","
        " a.type AS \"address.type\", a.line AS \"address.line\", a.city AS \"address.city\","
        " a.postcode AS \"address.postcode\", a.country AS \"address.country\","
        " a.line||', '||a.city||', '||a.postcode AS \"address.text\", 'file' AS \"address.source\","
        " 1 AS \"address.verified?\", c.segment, c.since_on, 'full' AS \"kyc.level\", c.since_on AS \"kyc.checked_on\","
        " 'low' AS \"risk.band\", 12 AS \"risk.score\", 0 AS \"risk.watchlisted?\", 0 AS \"marketing.email?\","
        " 0 AS \"marketing.push?\", 'CRM-'||upper(c.id) AS \"internal.crm_id\", 4 AS \"internal.shard\","
        " 'retail-eu-2' AS \"internal.cost_centre\", NULL AS \"internal.notes\", 17 AS \"internal.row_version\""
        " FROM customers c JOIN addresses a ON a.customer = c.id WHERE c.id = ?1",
    [Q_CARD_ORDER] =
        "SELECT o.id, d.last4 AS card_last4, d.kind AS card_kind, o.reason, o.status, o.ordered_on, o.promised_on,"
        " r.code AS \"carrier.code\", r.name AS \"carrier.name\", r.phone AS \"carrier.phone\","
        " r.sla_days AS \"carrier.sla_days\", o.tracking_code, a.type AS address_type, d.status AS card_status,"
        " c.reissues_n, 2 AS \"print.site\","
        " 'PB-'||abs(o.ordered_on * 31 % 997) AS \"print.batch_id\", 'PVC-R' AS \"print.plastic\","
        " o.ordered_on + 1 AS \"print.done_on\", 1 AS \"print.pin_mailer?\", 'CC-7710' AS \"internal.cost_centre\","
        " 3 AS \"internal.priority\", 'card-ops' AS \"internal.queue\", 0 AS \"internal.manual?\","
        " 9 AS \"internal.row_version\" FROM orders o JOIN cards d ON d.customer = o.customer JOIN customers c ON c.id "
        "= o.customer"
        " JOIN addresses a ON a.customer = o.customer JOIN carriers r ON r.code = o.carrier WHERE o.customer = ?1",
    [Q_SHIPMENT] =
        "SELECT s.tracking_code, s.status, s.last_event, s.last_event_on, s.delivered_on, s.estimated_on,"
        " s.delivered_to, o.carrier AS carrier_code, o.ordered_on + 2 AS handed_over_on, 38 AS weight_g,"
        " 'letter' AS service_level, CASE s.status WHEN 'returned' THEN 3 WHEN 'delivered' THEN 1 ELSE 0 END AS "
        "attempts,"
        " 1 AS \"signature.required?\", NULL AS \"signature.image\", 4 AS \"route.scans\", 'D-114' AS \"route.depot\","
        " 'T-20' AS \"route.tour\", 0 AS \"route.exception?\", 'EDI' AS \"internal.feed\", 5 AS "
        "\"internal.row_version\""
        " FROM shipments s JOIN orders o ON o.tracking_code = s.tracking_code WHERE s.tracking_code = ?1",
    [Q_REISSUES] = "SELECT " REISSUE_COLUMNS " FROM reissues r WHERE r.customer = ?1 ORDER BY r.id",
    [Q_REISSUE] = "SELECT " REISSUE_COLUMNS " FROM reissues r WHERE r.id = ?1",
    [Q_REISSUE_BY_KEY] = "SELECT " REISSUE_COLUMNS " FROM reissues r"
                         " WHERE r.id = (SELECT reissue FROM idempotency WHERE key = ?1)",
    [Q_STANDING] = "SELECT (SELECT count(*) FROM orders WHERE customer = ?1), reissues_n, reissues_max FROM customers "
                   "WHERE id = ?1",
    [Q_REISSUE_NEW] = "INSERT INTO reissues(customer, address, reason, key, carrier, day, day_is_relative)"
                      " SELECT ?1, ?3, ?4, ?5, carrier, ?2, 0 FROM orders WHERE customer = ?1",
    [Q_ANSWER] = "SELECT request, status, body FROM idempotency WHERE key = ?1",
    [Q_ANSWER_NEW] = "INSERT INTO idempotency(key, request, status, body, reissue) VALUES(?1, ?2, ?3, ?4, ?5)",
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
};

struct books {
    sqlite3 *db;
    sqlite3_stmt *query[QUERIES];
    bool in_transaction;
    bool failed; /* a write of this transaction failed: all of it must go */
};

static int64_t today(void)
{
    return clock_now_us() / 1000000 / DAY_S;
}

static int books_err(const struct books *b, struct err *e)
{
    bool full = sqlite3_errcode(b->db) == SQLITE_FULL;
    return err_set(e, full ? ERR_FULL : ERR_IO, "the bank's books: %s", sqlite3_errmsg(b->db));
}

static void bind_str(sqlite3_stmt *q, int at, struct str s)
{
    sqlite3_bind_text(q, at, s.p ? s.p : "", (int)s.n, SQLITE_STATIC);
}

/* A query with ?1 bound to a text and ?2, where it has one, to today. Statements are used again: end with query_end. */
static sqlite3_stmt *query_of(struct books *b, enum query which, struct str first)
{
    sqlite3_stmt *q = b->query[which];
    bind_str(q, 1, first);
    if (sqlite3_bind_parameter_count(q) >= 2)
        sqlite3_bind_int64(q, 2, today());
    return q;
}

static void query_end(sqlite3_stmt *q)
{
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

static struct str column_str(sqlite3_stmt *q, int i)
{
    const char *p = (const char *)sqlite3_column_text(q, i);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, i) : 0};
}

static void put_column(struct json_writer *w, sqlite3_stmt *q, int i, struct str name)
{
    json_key_str(w, str_ends(name, STR("?")) ? str_head(name, name.n - 1) : name);
    if (sqlite3_column_type(q, i) == SQLITE_NULL)
        json_put_null(w);
    else if (str_ends(name, STR("_on")) || str_ends(name, STR("_date")))
        json_put_str(w, clock_date_of_days(w->out->arena, today() + sqlite3_column_int64(q, i)));
    else if (str_ends(name, STR("?")))
        json_put_bool(w, sqlite3_column_int(q, i));
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

static int put_one(struct books *b, enum query which, struct str id, struct json_writer *w)
{
    sqlite3_stmt *q = query_of(b, which, id);
    bool found = sqlite3_step(q) == SQLITE_ROW;
    if (found)
        put_row(w, q);
    query_end(q);
    return found ? 0 : ERR_NOT_FOUND;
}

static void put_rows(sqlite3_stmt *q, struct json_writer *w)
{
    json_open(w, '[');
    while (sqlite3_step(q) == SQLITE_ROW)
        put_row(w, q);
    json_close(w, ']');
    query_end(q);
}

int books_customers(struct books *b, struct json_writer *w)
{
    put_rows(b->query[Q_CUSTOMERS], w);
    return 0;
}

int books_customer(struct books *b, struct str id, struct json_writer *w)
{
    return put_one(b, Q_CUSTOMER, id, w);
}

int books_card_order(struct books *b, struct str customer, struct json_writer *w)
{
    return put_one(b, Q_CARD_ORDER, customer, w);
}

int books_shipment(struct books *b, struct str tracking, struct json_writer *w)
{
    return put_one(b, Q_SHIPMENT, tracking, w);
}

int books_reissues(struct books *b, struct str customer, struct json_writer *w)
{
    put_rows(query_of(b, Q_REISSUES, customer), w);
    return 0;
}

int books_reissue_by_key(struct books *b, struct str key, struct json_writer *w)
{
    return put_one(b, Q_REISSUE_BY_KEY, key, w);
}

static int step_once(struct books *b, sqlite3_stmt *q, struct err *e)
{
    int done = sqlite3_step(q);
    int result = done == SQLITE_DONE ? 0 : books_err(b, e);
    b->failed |= result < 0;
    query_end(q);
    return result;
}

int books_begin(struct books *b, struct err *e)
{
    if (b->failed)
        return err_set(e, ERR_IO, "the bank's books: an order before this one could not be written");
    if (b->in_transaction)
        return 0;
    int result = step_once(b, b->query[Q_BEGIN], e);
    b->in_transaction = result == 0;
    return result;
}

int books_commit(struct books *b, struct err *e)
{
    int result = b->failed ? err_set(e, ERR_IO, "the bank's books: an order could not be written") : 0;
    if (b->in_transaction && !b->failed)
        result = step_once(b, b->query[Q_COMMIT], e);
    if (!sqlite3_get_autocommit(b->db)) { /* SQLite itself rolls back after some errors, not after all */
        sqlite3_step(b->query[Q_ROLLBACK]);
        query_end(b->query[Q_ROLLBACK]);
    }
    b->in_transaction = b->failed = false;
    return result;
}

void books_standing(struct books *b, struct str customer, struct books_standing *out)
{
    sqlite3_stmt *q = query_of(b, Q_STANDING, customer);
    *out = (struct books_standing){.known = sqlite3_step(q) == SQLITE_ROW};
    if (out->known) {
        out->has_order = sqlite3_column_int(q, 0) > 0;
        out->reissues_n = sqlite3_column_int64(q, 1);
        out->reissues_max = sqlite3_column_type(q, 2) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, 2);
    }
    query_end(q);
}

int books_reissue(struct books *b, const struct books_reissue *order, struct json_writer *w, int64_t *id, struct err *e)
{
    sqlite3_stmt *q = query_of(b, Q_REISSUE_NEW, order->customer);
    bind_str(q, 3, order->address);
    bind_str(q, 4, order->reason);
    bind_str(q, 5, order->key);
    int result = step_once(b, q, e);
    if (result < 0)
        return result;
    *id = sqlite3_last_insert_rowid(b->db);

    q = b->query[Q_REISSUE];
    sqlite3_bind_int64(q, 1, *id);
    sqlite3_bind_int64(q, 2, today());
    if (sqlite3_step(q) == SQLITE_ROW)
        put_row(w, q);
    query_end(q);
    return 0;
}

bool books_answer_find(struct books *b, struct str key, struct arena *a, struct books_answer *out)
{
    sqlite3_stmt *q = query_of(b, Q_ANSWER, key);
    bool found = sqlite3_step(q) == SQLITE_ROW;
    if (found) {
        out->request = str_copy(a, column_str(q, 0));
        out->status = sqlite3_column_int(q, 1);
        out->body = str_copy(a, column_str(q, 2));
    }
    query_end(q);
    return found;
}

int books_answer_keep(struct books *b, struct str key, const struct books_answer *answer, struct err *e)
{
    sqlite3_stmt *q = query_of(b, Q_ANSWER_NEW, key);
    bind_str(q, 2, answer->request);
    sqlite3_bind_int(q, 3, answer->status);
    bind_str(q, 4, answer->body);
    if (answer->reissue)
        sqlite3_bind_int64(q, 5, answer->reissue);
    return step_once(b, q, e);
}

static int books_run(struct books *b, const char *sql, struct err *e)
{
    return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : books_err(b, e);
}

/* Tables and customers, or nothing. */
static int books_fill(struct books *b, const char *first, struct err *e)
{
    int result = books_run(b, "BEGIN IMMEDIATE", e);
    if (result == 0)
        result = books_run(b, first, e);
    if (result == 0)
        result = books_run(b, books_seed, e);
    if (result == 0)
        result = books_run(b, "COMMIT", e);
    if (result < 0 && !sqlite3_get_autocommit(b->db))
        sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

static bool books_empty(struct books *b)
{
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(b->db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK)
        return true;
    bool empty = sqlite3_step(q) != SQLITE_ROW || sqlite3_column_int(q, 0) == 0;
    sqlite3_finalize(q);
    return empty;
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
    int result = books_run(b, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", e);
    if (result == 0 && books_empty(b))
        result = books_fill(b, books_schema, e);
    for (int i = 0; result == 0 && i < QUERIES; i++)
        if (sqlite3_prepare_v3(b->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &b->query[i], NULL) != SQLITE_OK)
            result = books_err(b, e);
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
    for (int i = 0; i < QUERIES; i++)
        sqlite3_finalize(b->query[i]);
    sqlite3_close(b->db);
    free(b);
}

int books_reset(struct books *b, struct err *e)
{
    return books_fill(b,
                      "DELETE FROM idempotency; DELETE FROM reissues; DELETE FROM shipments; DELETE FROM orders;"
                      "DELETE FROM cards; DELETE FROM addresses; DELETE FROM customers; DELETE FROM carriers;"
                      "DELETE FROM sqlite_sequence",
                      e);
}
