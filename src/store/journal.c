#include "store/journal.h"

#include "store/schema.h"
#include "store/store_sqlite.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_ROWS = 256 }; /* long readers keep the log from starting over, so the journal is read in pages */

static void event_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct event *)element = (struct event){
        .conversation = sqlite3_column_int64(q, 0),
        .seq = sqlite3_column_int64(q, 1),
        .at_us = sqlite3_column_int64(q, 2),
        .kind = (enum event_kind)sqlite3_column_int(q, 3),
        .body = query_copy_at(a, q, 4),
        .sha = query_sha_at(q, 5),
    };
}

int journal_read(struct store *s, struct arena *a, int64_t conversation, int64_t after, size_t max,
                 struct event **events, size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT conversation, seq, at_us, kind, body, sha FROM event"
                      " WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
                      &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, conversation);
    query_int(q, 2, after);
    query_int(q, 3, max < INT64_MAX ? (int64_t)max : INT64_MAX);
    return query_gather(q, a, sizeof **events, event_row, (void **)events, n, e);
}

/* --- every event, page by page, in the order of writing --- */

struct placed {
    struct event ev;
    int64_t pos;
};

static void placed_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    struct placed *p = element;
    event_row(a, q, &p->ev);
    p->pos = sqlite3_column_int64(q, 6);
}

static int placed_page(struct connection *c, struct arena *a, int64_t after, struct placed **page, size_t *n,
                       struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c,
                       "SELECT conversation, seq, at_us, kind, body, sha, pos FROM event WHERE pos > ?1"
                       " ORDER BY pos LIMIT ?2",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, after);
    query_int(q, 2, PAGE_ROWS);
    return query_gather(q, a, sizeof **page, placed_row, (void **)page, n, e);
}

static int placed_each(struct connection *c, int (*fn)(void *arg, const struct placed *p, struct err *e), void *arg,
                       struct err *e)
{
    struct arena *a = arena_new("journal page", 64 << 10);
    struct placed *page;
    size_t n = PAGE_ROWS;
    int64_t after = 0;
    int r = 0;
    while (r == 0 && n == PAGE_ROWS) {
        arena_reset(a);
        r = placed_page(c, a, after, &page, &n, e);
        for (size_t i = 0; r == 0 && i < n; i++) {
            after = page[i].pos;
            r = fn(arg, &page[i], e);
        }
    }
    arena_free(a);
    return r;
}

struct each {
    int (*fn)(void *arg, const struct event *ev, struct err *e);
    void *arg;
};

static int each_run(void *arg, const struct placed *p, struct err *e)
{
    struct each *each = arg;
    return each->fn(each->arg, &p->ev, e);
}

int journal_each(struct store *s, int (*fn)(void *arg, const struct event *ev, struct err *e), void *arg, struct err *e)
{
    struct connection *c;
    int r = store_reading(s, &c, e);
    return r < 0 ? r : placed_each(c, each_run, &(struct each){fn, arg}, e);
}

/* --- the chain --- */

struct chain {
    int64_t conversation, seq;
    struct sha256 sha;
    int64_t checked;
};

/* The conversation's row remembers its last event: a tail that was cut off is missed there. */
static int chain_end(struct store *s, const struct chain *chain, struct err *e)
{
    sqlite3_stmt *q;
    if (chain->conversation == 0)
        return 0;
    int r = store_ask(s, "SELECT seq_next, sha FROM conversation WHERE id = ?1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, chain->conversation);
    r = query_step(q, e);
    int64_t seq_last = r > 0 ? sqlite3_column_int64(q, 0) - 1 : 0;
    struct sha256 sha = query_sha_at(q, 1);
    query_close(q);
    if (r < 0)
        return r;
    /* The conversation may have gone on while we read: then its row is ahead of us, and that is all right
     * as long as the event it names is there. */
    if (seq_last == chain->seq && sha256_eq(&sha, &chain->sha))
        return 0;
    r = store_ask(s, "SELECT sha FROM event WHERE conversation = ?1 AND seq = ?2", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, chain->conversation);
    query_int(q, 2, seq_last);
    r = query_step(q, e);
    struct sha256 found = r > 0 ? query_sha_at(q, 0) : (struct sha256){0};
    query_close(q);
    if (r < 0 || (r > 0 && seq_last > chain->seq && sha256_eq(&sha, &found)))
        return r < 0 ? r : 0;
    return err_set(e, ERR_INVALID, "conversation %lld, event %lld: its end is not the one that was written",
                   (long long)chain->conversation, (long long)chain->seq);
}

static int chain_link(struct store *s, struct chain *chain, const struct event *ev, struct err *e)
{
    if (ev->conversation != chain->conversation) {
        int r = chain_end(s, chain, e);
        if (r < 0)
            return r;
        *chain = (struct chain){.conversation = ev->conversation, .checked = chain->checked};
    }
    struct sha256 sha = event_sha(&chain->sha, ev);
    if (ev->seq != chain->seq + 1 || !sha256_eq(&sha, &ev->sha))
        return err_set(e, ERR_INVALID, "conversation %lld, event %lld: the chain does not hold",
                       (long long)ev->conversation, (long long)ev->seq);
    chain->seq = ev->seq;
    chain->sha = sha;
    chain->checked++;
    return 0;
}

static int chain_page(struct store *s, struct arena *a, const struct chain *chain, struct event **page, size_t *n,
                      struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT conversation, seq, at_us, kind, body, sha FROM event"
                      " WHERE (conversation, seq) > (?1, ?2) ORDER BY conversation, seq LIMIT ?3",
                      &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, chain->conversation);
    query_int(q, 2, chain->seq);
    query_int(q, 3, PAGE_ROWS);
    return query_gather(q, a, sizeof **page, event_row, (void **)page, n, e);
}

/* A conversation that is gone as a whole leaves its row, and a hole in the order of writing. */
static int journal_whole(struct store *s, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT (SELECT coalesce(max(pos), 0) - count(*) FROM event), (SELECT min(id) FROM conversation c"
                      " WHERE NOT EXISTS (SELECT 1 FROM event WHERE conversation = c.id AND seq = 1))",
                      &q, e);
    if (r < 0)
        return r;
    r = query_step(q, e);
    int64_t missing = sqlite3_column_int64(q, 0), conversation = sqlite3_column_int64(q, 1);
    query_close(q);
    if (r < 0 || (missing == 0 && conversation == 0))
        return r < 0 ? r : 0;
    if (conversation)
        return err_set(e, ERR_INVALID, "conversation %lld, event 1: it is gone", (long long)conversation);
    return err_set(e, ERR_INVALID, "%lld events are gone", (long long)missing);
}

int journal_verify(struct store *s, int64_t *checked, struct err *e)
{
    struct arena *a = arena_new("journal page", 64 << 10);
    struct chain chain = {0};
    struct event *page;
    size_t n = PAGE_ROWS;
    int r = 0;
    while (r == 0 && n == PAGE_ROWS) {
        arena_reset(a);
        r = chain_page(s, a, &chain, &page, &n, e);
        for (size_t i = 0; r == 0 && i < n; i++)
            r = chain_link(s, &chain, &page[i], e);
    }
    if (r == 0)
        r = chain_end(s, &chain, e);
    if (r == 0)
        r = journal_whole(s, e);
    *checked = chain.checked;
    arena_free(a);
    return r;
}

/* --- refolding --- */

struct refold {
    struct connection *c;
    struct fold f;
    struct arena *a;
};

static int refold_event(void *arg, const struct placed *p, struct err *e)
{
    struct refold *refold = arg;
    struct fold *f = &refold->f;
    struct json *body;
    int r = 0;
    if (f->conversation != p->ev.conversation) {
        r = f->conversation ? store_project_row(refold->c, f, e) : 0;
        if (r == 0)
            r = fold_load(refold->c, p->ev.conversation, f, e);
    }
    arena_reset(refold->a);
    if (r == 0)
        r = store_body(refold->a, &p->ev, &body, e);
    if (r < 0) {
        err_in(e, "conversation %lld, event %lld", (long long)p->ev.conversation, (long long)p->ev.seq);
        return r;
    }
    return store_project(refold->c, f, &p->ev, p->pos, body, e);
}

static int refold_run(void *arg, struct connection *c, struct err *e)
{
    struct refold refold = {.c = c, .a = arena_new("refold", 64 << 10)};
    store_forget(arg);
    int r = schema_derive(c->db, e);
    if (r == 0)
        r = placed_each(c, refold_event, &refold, e);
    if (r == 0 && refold.f.conversation)
        r = store_project_row(c, &refold.f, e);
    arena_free(refold.a);
    return r;
}

int journal_refold(struct store *s, struct err *e)
{
    return store_change(s, refold_run, s, e);
}

/* --- the fingerprint of what is derived --- */

static void value_add(sha256_state *state, sqlite3_stmt *q, int column)
{
    char head[48];
    int type = sqlite3_column_type(q, column);
    struct str bytes = query_text_at(q, column); /* numbers as decimals */
    int n = snprintf(head, sizeof head, "%d:%zu:", type, bytes.n);
    sha256_add(state, (struct str){head, (size_t)n});
    sha256_add(state, bytes);
}

static int table_add(sqlite3 *db, sha256_state *state, const struct schema_table *t, struct err *e)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", t->name, t->key);
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        return query_err(db, e, sql);
    sha256_add(state, str_of(sql));
    int r;
    while ((r = query_step(q, e)) > 0)
        for (int i = 0; i < sqlite3_column_count(q); i++)
            value_add(state, q, i);
    sqlite3_finalize(q);
    return r;
}

int journal_derived_sha(struct store *s, struct sha256 *sha, struct err *e)
{
    struct connection *c;
    sha256_state state;
    sha256_begin(&state);
    int r = store_reading(s, &c, e);
    if (r == 0)
        r = query_exec(c->db, "BEGIN", e); /* all tables as of one moment */
    if (r < 0)
        return r;
    for (const struct schema_table *t = schema_derived; r == 0 && t->name; t++)
        r = table_add(c->db, &state, t, e);
    sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    *sha = sha256_end(&state);
    return r;
}
