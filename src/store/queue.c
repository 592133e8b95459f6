/* What waits: actions in the ledger, messages in the outbox, timers. */
#include "store/store_sqlite.h"

#include "store/journal.h"

/* Results and texts stand in the events that the rows point at; those were parsed when they were written. */
static const struct json *body_member(struct arena *a, sqlite3_stmt *q, int column, const char *name)
{
    struct json *body = NULL;
    struct str text = query_copy_at(a, q, column);
    if (text.n == 0 || json_parse(a, text, &body, NULL) < 0)
        return NULL;
    return json_get(body, name);
}

#define LEDGER \
    "SELECT l.key, l.tool, l.state, l.conversation, l.proposal_seq, l.started_us, l.done_us, e.body FROM ledger l" \
    " LEFT JOIN event e ON e.conversation = l.conversation AND e.seq = l.done_seq "

static void ledger_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    const struct json *result = body_member(a, q, 7, "result");
    *(struct ledger_row *)element = (struct ledger_row){
        .key = query_copy_at(a, q, 0),
        .tool = query_copy_at(a, q, 1),
        .state = query_copy_at(a, q, 2),
        .conversation = sqlite3_column_int64(q, 3),
        .proposal_seq = sqlite3_column_int64(q, 4),
        .started_us = sqlite3_column_int64(q, 5),
        .done_us = sqlite3_column_int64(q, 6),
        .result = result ? json_text(a, result) : STR(""),
    };
}

int ledger_find(struct store *s, struct arena *a, struct str key, struct ledger_row *row, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s, LEDGER "WHERE l.key = ?1", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, key);
    r = query_step(q, e);
    if (r > 0)
        ledger_row(a, q, row);
    query_close(q);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "no action has the key %.*s", STR_ARG(key)) : r < 0 ? r : 0;
}

int ledger_list(struct store *s, struct arena *a, int64_t conversation, struct ledger_row **rows, size_t *n,
                struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s, LEDGER "WHERE l.conversation = ?1 ORDER BY l.proposal_seq, l.key", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, conversation);
    return query_gather(q, a, sizeof **rows, ledger_row, (void **)rows, n, e);
}

static void outbox_place(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct outbox_place *)element =
        (struct outbox_place){.pos = sqlite3_column_int64(q, 0), .conversation = sqlite3_column_int64(q, 1)};
}

int outbox_list(struct store *s, struct arena *a, int64_t after_pos, size_t max, struct outbox_place **places,
                size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s, "SELECT pos, conversation FROM outbox WHERE pos > ?1 ORDER BY pos LIMIT ?2", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, after_pos);
    query_int(q, 2, max < INT64_MAX ? (int64_t)max : INT64_MAX);
    return query_gather(q, a, sizeof **places, outbox_place, (void **)places, n, e);
}

/* The row's own mid is what the event calls itself: for an expert's words that is a name of the sender's, which other
 * conversations may use too. */
static void outbox_row(struct arena *a, sqlite3_stmt *q, struct outbox_row *row)
{
    int64_t conversation = sqlite3_column_int64(q, 0), seq = sqlite3_column_int64(q, 1);
    *row = (struct outbox_row){
        .conversation = conversation,
        .seq = seq,
        .mid = str_f(a, "%lld-%lld", (long long)conversation, (long long)seq),
        .channel = query_copy_at(a, q, 2),
        .text = json_str(body_member(a, q, 3, "text")),
    };
}

int outbox_first(struct store *s, struct arena *a, int64_t conversation, struct outbox_row *row, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT o.conversation, o.seq, c.channel, e.body FROM outbox o"
                      " JOIN event e ON e.pos = o.pos JOIN conversation c ON c.id = o.conversation"
                      " WHERE o.conversation = ?1 ORDER BY o.pos LIMIT 1",
                      &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, conversation);
    r = query_step(q, e);
    if (r > 0)
        outbox_row(a, q, row);
    query_close(q);
    if (r == 0)
        return err_set(e, ERR_NOT_FOUND, "nothing waits in conversation %lld", (long long)conversation);
    return r < 0 ? r : 0;
}

static void timer_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct timer_row *)element = (struct timer_row){
        .conversation = sqlite3_column_int64(q, 0),
        .seq = sqlite3_column_int64(q, 1),
        .due_us = sqlite3_column_int64(q, 2),
        .kind = query_copy_at(a, q, 3),
    };
}

int timer_list(struct store *s, struct arena *a, int64_t due_before_us, struct timer_row **rows, size_t *n,
               struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT conversation, seq, due_us, what FROM timer WHERE due_us < ?1"
                      " ORDER BY due_us, conversation, seq",
                      &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, due_before_us);
    return query_gather(q, a, sizeof **rows, timer_row, (void **)rows, n, e);
}
