#include "store/dataset.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/store_sqlite.h"

/* The members of ?1: of the set of that name or, when there is none, of the agent of that name. */
#define MEMBERS \
    "WITH member (conversation, place) AS (" \
    " SELECT conversation, n FROM item WHERE dataset = ?1" \
    " UNION ALL SELECT id, id FROM conversation WHERE agent = ?1 AND dataset = ''" \
    " AND NOT EXISTS (SELECT 1 FROM dataset WHERE name = ?1)) "

struct put {
    struct str set, source;
    const struct dataset_item *items;
    const struct verdict_row *verdicts;
    size_t n;
};

static int set_run(struct connection *c, const struct put *put, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c, "INSERT INTO dataset (name, source, at_us) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, put->set);
    query_text(q, 2, put->source);
    query_int(q, 3, clock_now_us());
    return query_run(q, e);
}

static int item_run(struct connection *c, struct str set, const struct dataset_item *item, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c,
                       "INSERT INTO item (dataset, conversation, label, task, trial, reward, expected, note)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, set);
    query_int(q, 2, item->conversation);
    query_text(q, 3, item->label);
    query_text(q, 4, item->task);
    query_int(q, 5, item->trial);
    if (item->has_reward)
        query_num(q, 6, item->reward);
    query_text(q, 7, item->expected.n ? item->expected : STR("{}"));
    query_text(q, 8, item->note.n ? item->note : STR("{}"));
    r = query_run(q, e);
    if (r == ERR_CONFLICT)
        return err_set(e, ERR_CONFLICT, "the set %.*s has an item %.*s already; nothing was added", STR_ARG(set),
                       STR_ARG(item->label));
    return r;
}

static int items_run(void *arg, struct connection *c, struct err *e)
{
    const struct put *put = arg;
    int r = set_run(c, put, e);
    for (size_t i = 0; r == 0 && i < put->n; i++)
        r = item_run(c, put->set, &put->items[i], e);
    return r;
}

int dataset_put(struct store *s, const char *set, const char *source, const struct dataset_item *items, size_t n,
                struct err *e)
{
    struct put put = {.set = str_of(set), .source = str_of(source), .items = items, .n = n};
    return store_change(s, items_run, &put, e);
}

static void item_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    struct dataset_item *item = element;
    *item = (struct dataset_item){
        .conversation = sqlite3_column_int64(q, 0),
        .label = query_copy_at(a, q, 1),
        .task = query_copy_at(a, q, 2),
        .trial = sqlite3_column_int64(q, 3),
        .has_reward = sqlite3_column_type(q, 4) != SQLITE_NULL,
        .reward = sqlite3_column_double(q, 4),
        .expected = query_copy_at(a, q, 5),
        .note = query_copy_at(a, q, 6),
    };
    if (item->label.n == 0)
        item->label = id_public(a, item->conversation);
}

/* Does a set, or an agent with conversations of its own, have this name? */
static int set_exists(struct store *s, const char *set, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT 1 FROM dataset WHERE name = ?1 UNION ALL"
                      " SELECT 1 FROM conversation WHERE agent = ?1 AND dataset = '' LIMIT 1",
                      &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, str_of(set));
    r = query_step(q, e);
    query_close(q);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no set %s, and no conversation of an agent %s", set, set) : r;
}

int dataset_items(struct store *s, struct arena *a, const char *set, struct dataset_item **items, size_t *n,
                  struct err *e)
{
    sqlite3_stmt *q;
    int r = set_exists(s, set, e);
    if (r < 0)
        return r;
    r = store_ask(s,
                  MEMBERS "SELECT m.conversation, coalesce(i.label, ''), coalesce(i.task, ''), coalesce(i.trial, 0),"
                          " i.reward, coalesce(i.expected, '{}'), coalesce(i.note, '{}') FROM member m"
                          " LEFT JOIN item i ON i.n = m.place AND i.dataset = ?1 ORDER BY m.place",
                  &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, str_of(set));
    return query_gather(q, a, sizeof **items, item_row, (void **)items, n, e);
}

static int verdict_run(struct connection *c, const struct verdict_row *row, struct err *e)
{
    sqlite3_stmt *q;
    /* Replaced, not updated: the row's number says which verdict is the newest within one microsecond. */
    int r = query_open(c,
                       "INSERT OR REPLACE INTO verdict (conversation, judge, version, score, analysis, evidence_seq,"
                       " at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, row->conversation);
    query_text(q, 2, row->judge);
    query_text(q, 3, row->version);
    query_int(q, 4, row->score);
    query_text(q, 5, row->analysis);
    query_int(q, 6, row->evidence_seq);
    query_int(q, 7, row->at_us);
    return query_run(q, e);
}

static int verdicts_run(void *arg, struct connection *c, struct err *e)
{
    const struct put *put = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < put->n; i++)
        r = verdict_run(c, &put->verdicts[i], e);
    return r;
}

int verdict_put(struct store *s, const struct verdict_row *rows, size_t n, struct err *e)
{
    return store_change(s, verdicts_run, &(struct put){.verdicts = rows, .n = n}, e);
}

static void verdict_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct verdict_row *)element = (struct verdict_row){
        .conversation = sqlite3_column_int64(q, 0),
        .judge = query_copy_at(a, q, 1),
        .version = query_copy_at(a, q, 2),
        .score = sqlite3_column_int(q, 3),
        .analysis = query_copy_at(a, q, 4),
        .evidence_seq = sqlite3_column_int64(q, 5),
        .at_us = sqlite3_column_int64(q, 6),
    };
}

int verdict_list(struct store *s, struct arena *a, const char *set, struct verdict_row **rows, size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    int r = set_exists(s, set, e);
    if (r < 0)
        return r;
    /* One version of each judge: rates over two versions would be a number about neither. */
    r = store_ask(s,
                  MEMBERS ", given AS (SELECT v.*, m.place, row_number() OVER"
                          " (PARTITION BY v.judge ORDER BY v.at_us DESC, v.n DESC) AS age"
                          " FROM member m JOIN verdict v ON v.conversation = m.conversation)"
                          " SELECT g.conversation, g.judge, g.version, g.score, g.analysis, g.evidence_seq, g.at_us"
                          " FROM given g JOIN given newest ON newest.judge = g.judge"
                          " AND newest.version = g.version AND newest.age = 1 ORDER BY g.place, g.judge",
                  &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, str_of(set));
    return query_gather(q, a, sizeof **rows, verdict_row, (void **)rows, n, e);
}
