#include "store/schema.h"

#include "base/clock.h"
#include "base/fault.h"
#include "store/query.h"

#include <stdio.h>
#include <string.h>

/* Facts. An event's row is written once: the triggers keep everybody, us included, from changing it.
 * `pos` is the order of writing over all conversations; the table only grows at its end, so its pages are
 * full and a group of appends touches few of them. */
static const char *const journal[] = {
    "CREATE TABLE event ("
    " pos INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, body TEXT NOT NULL, sha BLOB NOT NULL)",
    "CREATE UNIQUE INDEX event_seq ON event (conversation, seq)",
    "CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END",
    "CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END",
    /* Who may write: every opening of the file is a holder with a number; a conversation belongs to the
     * holder that wrote it last, and never goes back to one with a lower number. */
    "CREATE TABLE holder (fence INTEGER PRIMARY KEY, pid INTEGER NOT NULL, opened_us INTEGER NOT NULL)",
    "CREATE TABLE lease (conversation INTEGER PRIMARY KEY, fence INTEGER NOT NULL)",
    "CREATE TABLE blob (sha BLOB PRIMARY KEY, bytes BLOB NOT NULL)",
    NULL,
};

static const char *const evaluation[] = {
    "CREATE TABLE dataset (name TEXT PRIMARY KEY, source TEXT NOT NULL, at_us INTEGER NOT NULL)",
    "CREATE TABLE item ("
    " n INTEGER PRIMARY KEY, dataset TEXT NOT NULL, conversation INTEGER NOT NULL, label TEXT NOT NULL,"
    " task TEXT NOT NULL, trial INTEGER NOT NULL, reward DOUBLE PRECISION, expected TEXT NOT NULL,"
    " note TEXT NOT NULL)",
    "CREATE UNIQUE INDEX item_label ON item (dataset, label)",
    "CREATE TABLE verdict ("
    " n INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, judge TEXT NOT NULL, version TEXT NOT NULL,"
    " score INTEGER NOT NULL, analysis TEXT NOT NULL, evidence_seq INTEGER NOT NULL, at_us INTEGER NOT NULL)",
    "CREATE UNIQUE INDEX verdict_of ON verdict (conversation, judge, version)",
    NULL,
};

/* A customer's open conversations are counted whenever another is opened; there may be very many closed ones. */
#define OPEN_INDEX \
    "CREATE INDEX IF NOT EXISTS conversation_open ON conversation (customer) WHERE status = 'open' AND dataset = ''"
static const char *const open_index[] = {OPEN_INDEX, NULL};

/* What was published is never changed. An agent's modules and its bundle (a blob) are what `lock` and `sha` name. */
static const char *const registry[] = {
    "CREATE TABLE module_version ("
    " kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, sha BLOB NOT NULL, body TEXT NOT NULL,"
    " change TEXT NOT NULL, published_by TEXT NOT NULL, published_us INTEGER NOT NULL,"
    " PRIMARY KEY (kind, name, version))",
    "CREATE TABLE agent_version ("
    " name TEXT NOT NULL, version TEXT NOT NULL, sha BLOB NOT NULL, lock TEXT NOT NULL, change TEXT NOT NULL,"
    " published_by TEXT NOT NULL, published_us INTEGER NOT NULL, PRIMARY KEY (name, version))",
    "CREATE TRIGGER module_version_is_never_changed BEFORE UPDATE ON module_version"
    " BEGIN SELECT RAISE(ABORT, 'a published version is never changed'); END",
    "CREATE TRIGGER module_version_is_never_deleted BEFORE DELETE ON module_version"
    " BEGIN SELECT RAISE(ABORT, 'a published version is never deleted'); END",
    "CREATE TRIGGER agent_version_is_never_changed BEFORE UPDATE ON agent_version"
    " BEGIN SELECT RAISE(ABORT, 'a published version is never changed'); END",
    "CREATE TRIGGER agent_version_is_never_deleted BEFORE DELETE ON agent_version"
    " BEGIN SELECT RAISE(ABORT, 'a published version is never deleted'); END",
    NULL,
};

/* What is remembered of customers is derived; that it was erased is not. */
#define MEMORY_TABLE \
    "CREATE TABLE IF NOT EXISTS customer_memory (" \
    " customer TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, conversation INTEGER NOT NULL," \
    " seq INTEGER NOT NULL, at_us INTEGER NOT NULL, expires_us INTEGER NOT NULL," \
    " PRIMARY KEY (customer, key)) WITHOUT ROWID"
#define ERASURE_TABLE \
    "CREATE TABLE IF NOT EXISTS memory_erasure (customer TEXT PRIMARY KEY, before_us INTEGER NOT NULL) WITHOUT ROWID"
static const char *const memory[] = {MEMORY_TABLE, ERASURE_TABLE, NULL};

/* Results, replies and fingerprints are not copied out of the events: the rows point at them. */
const struct schema_table schema_derived[] = {
    {"conversation",
     "id",
     {"CREATE TABLE conversation ("
      " id INTEGER PRIMARY KEY, agent TEXT NOT NULL, agent_sha TEXT NOT NULL, customer TEXT NOT NULL,"
      " channel TEXT NOT NULL, label TEXT NOT NULL, dataset TEXT NOT NULL, opened_us INTEGER NOT NULL,"
      " changed_us INTEGER NOT NULL, seq_next INTEGER NOT NULL, sha BLOB NOT NULL, owner TEXT NOT NULL,"
      " status TEXT NOT NULL, turn_open SMALLINT NOT NULL)",
      "CREATE INDEX conversation_customer ON conversation (customer)", OPEN_INDEX,
      "CREATE INDEX conversation_dataset ON conversation (dataset) WHERE dataset <> ''",
      "CREATE INDEX conversation_turn_open ON conversation (id) WHERE turn_open = 1 AND dataset = ''"}},
    {"inbox",
     "conversation, client_id",
     {"CREATE TABLE inbox ("
      " conversation INTEGER NOT NULL, client_id TEXT NOT NULL, seq INTEGER NOT NULL,"
      " PRIMARY KEY (conversation, client_id)) WITHOUT ROWID"}},
    {"opening",
     "customer, key",
     {"CREATE TABLE opening ("
      " customer TEXT NOT NULL, key TEXT NOT NULL, conversation INTEGER NOT NULL,"
      " PRIMARY KEY (customer, key)) WITHOUT ROWID"}},
    {"ledger",
     "key",
     {"CREATE TABLE ledger ("
      " key TEXT PRIMARY KEY, conversation INTEGER NOT NULL, proposal_seq INTEGER NOT NULL, tool TEXT NOT NULL,"
      " state TEXT NOT NULL, attempts INTEGER NOT NULL, started_us INTEGER NOT NULL, done_us INTEGER NOT NULL,"
      " done_seq INTEGER NOT NULL) WITHOUT ROWID",
      "CREATE INDEX ledger_conversation ON ledger (conversation)"}},
    {"outbox",
     "pos",
     {"CREATE TABLE outbox ("
      " pos INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, mid TEXT NOT NULL)",
      "CREATE INDEX outbox_mid ON outbox (mid)", "CREATE INDEX outbox_conversation ON outbox (conversation, pos)"}},
    {"timer",
     "conversation, seq",
     {"CREATE TABLE timer ("
      " conversation INTEGER NOT NULL, seq INTEGER NOT NULL, due_us INTEGER NOT NULL, what TEXT NOT NULL,"
      " PRIMARY KEY (conversation, seq)) WITHOUT ROWID",
      "CREATE INDEX timer_due ON timer (due_us)"}},
    {"customer_memory", "customer, key", {MEMORY_TABLE}},
    {NULL},
};

static const struct migration {
    const char *name;
    const char *const *sql;
    bool derive;
} migrations[SCHEMA_NEWEST] = {
    {"the journal and what is derived from it", journal, true},
    {"sets of conversations and verdicts on them", evaluation, false},
    {"an index of open conversations", open_index, false},
    {"published versions of modules and agents", registry, false},
    {"what is remembered of customers", memory, false},
};

enum { APPLICATION_ID = 0x434e4452 }; /* "CNDR": what file(1) and our own check know us by */

static int number(sqlite3 *db, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        return query_err(db, e, sql);
    int r = query_step(q, e);
    *out = r > 0 ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    return r < 0 ? r : 0;
}

int schema_version(sqlite3 *db, int64_t *n, struct err *e)
{
    int64_t tables = 0, id = 0;
    int r = number(db, "SELECT count(*) FROM sqlite_master", &tables, e);
    if (r == 0)
        r = number(db, "PRAGMA application_id", &id, e);
    *n = 0;
    if (r < 0 || tables == 0)
        return r;
    if (id != APPLICATION_ID)
        return err_set(e, ERR_INVALID, "this SQLite file was not made by candor");
    r = number(db, "SELECT max(n) FROM migration", n, e);
    if (r == 0 && *n > SCHEMA_NEWEST)
        return err_set(e, ERR_UNSUPPORTED, "this file was made by a newer candor (schema %lld, this program knows %d)",
                       (long long)*n, SCHEMA_NEWEST);
    return r;
}

int schema_derive(sqlite3 *db, struct err *e)
{
    for (const struct schema_table *t = schema_derived; t->name; t++) {
        char drop[64];
        snprintf(drop, sizeof drop, "DROP TABLE IF EXISTS %s", t->name);
        int r = query_exec(db, drop, e);
        for (const char *const *sql = t->sql; r == 0 && sql < t->sql + 5 && *sql; sql++)
            r = query_exec(db, *sql, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int step_run(sqlite3 *db, int n, struct err *e)
{
    const struct migration *m = &migrations[n - 1];
    int r = 0;
    if (n == 1) {
        char first[160];
        snprintf(first, sizeof first,
                 "PRAGMA application_id = %d;"
                 "CREATE TABLE migration (n INTEGER PRIMARY KEY, name TEXT NOT NULL, at_us INTEGER NOT NULL)",
                 APPLICATION_ID);
        r = query_exec(db, first, e);
    }
    for (const char *const *sql = m->sql; r == 0 && *sql; sql++)
        r = query_exec(db, *sql, e);
    if (r == 0 && m->derive)
        r = schema_derive(db, e);
    char row[256];
    snprintf(row, sizeof row, "INSERT INTO migration (n, name, at_us) VALUES (%d, '%s', %lld)", n, m->name,
             (long long)clock_now_us());
    return r < 0 ? r : query_exec(db, row, e);
}

int schema_migrate(sqlite3 *db, int newest, struct err *e)
{
    int64_t n;
    int r = schema_version(db, &n, e);
    while (r == 0 && n < newest) {
        r = query_exec(db, "BEGIN IMMEDIATE", e);
        if (r == 0)
            r = step_run(db, (int)++n, e);
        fault_point("store.migrate.before");
        if (r == 0)
            r = query_exec(db, "COMMIT", e);
        fault_point("store.migrate.after");
        if (r < 0)
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return r;
}
