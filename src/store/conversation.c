#include "store/store_sqlite.h"

#include "store/journal.h"

#define COLUMNS \
    "id, agent, agent_sha, customer, channel, label, owner, status, dataset, seq_next, opened_us, changed_us, " \
    "turn_open"

static void conversation_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct conversation_row *)element = (struct conversation_row){
        .id = sqlite3_column_int64(q, 0),
        .agent = query_copy_at(a, q, 1),
        .agent_sha = query_copy_at(a, q, 2),
        .customer = query_copy_at(a, q, 3),
        .channel = query_copy_at(a, q, 4),
        .label = query_copy_at(a, q, 5),
        .owner = query_copy_at(a, q, 6),
        .status = query_copy_at(a, q, 7),
        .set = query_copy_at(a, q, 8),
        .seq_next = sqlite3_column_int64(q, 9),
        .opened_us = sqlite3_column_int64(q, 10),
        .changed_us = sqlite3_column_int64(q, 11),
        .turn_open = sqlite3_column_int(q, 12),
    };
}

int conversation_find(struct store *s, struct arena *a, int64_t id, struct conversation_row *row, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s, "SELECT " COLUMNS " FROM conversation WHERE id = ?1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, id);
    r = query_step(q, e);
    if (r > 0)
        conversation_row(a, q, row);
    query_close(q);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no conversation %lld", (long long)id) : r < 0 ? r : 0;
}

int conversation_list(struct store *s, struct arena *a, const char *agent, const char *set, const char *customer,
                      struct conversation_row **rows, size_t *n, struct err *e)
{
    struct str by_agent = str_of(agent), by_set = str_of(set), by_customer = str_of(customer);
    sqlite3_stmt *q;
    int r;
    /* The first condition of each is the one that has an index. */
    if (by_customer.n)
        r = store_ask(s,
                      "SELECT " COLUMNS " FROM conversation WHERE customer = ?3 AND (?1 = '' OR agent = ?1)"
                      " AND (?2 = '' OR dataset = ?2) ORDER BY id",
                      &q, e);
    else if (by_set.n)
        r = store_ask(s,
                      "SELECT " COLUMNS " FROM conversation WHERE dataset = ?2 AND dataset <> ''"
                      " AND (?1 = '' OR agent = ?1) ORDER BY id",
                      &q, e);
    else
        r = store_ask(s, "SELECT " COLUMNS " FROM conversation WHERE (?1 = '' OR agent = ?1) ORDER BY id", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, by_agent);
    if (by_set.n || by_customer.n)
        query_text(q, 2, by_set);
    if (by_customer.n)
        query_text(q, 3, by_customer);
    return query_gather(q, a, sizeof **rows, conversation_row, (void **)rows, n, e);
}

static void id_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(int64_t *)element = sqlite3_column_int64(q, 0);
}

int conversation_unfinished(struct store *s, struct arena *a, int64_t **ids, size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    /* Those of a set are recorded: whatever stands at their end, nobody takes them up. */
    int r = store_ask(s, "SELECT id FROM conversation WHERE turn_open = 1 AND dataset = '' ORDER BY id", &q, e);
    return r < 0 ? r : query_gather(q, a, sizeof **ids, id_row, (void **)ids, n, e);
}

int conversation_newest(struct store *s, struct arena *a, struct str customer, size_t max,
                        struct conversation_row **rows, size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    int r =
        customer.n
            ? store_ask(s, "SELECT " COLUMNS " FROM conversation WHERE customer = ?2 ORDER BY id DESC LIMIT ?1", &q, e)
            : store_ask(s, "SELECT " COLUMNS " FROM conversation ORDER BY id DESC LIMIT ?1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, (int64_t)max);
    if (customer.n)
        query_text(q, 2, customer);
    return query_gather(q, a, sizeof **rows, conversation_row, (void **)rows, n, e);
}

int conversation_may_open(struct store *s, struct str customer, struct str key, int64_t max, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT 1 WHERE (SELECT count(*) FROM (SELECT 1 FROM conversation WHERE customer = ?1"
                      " AND status = 'open' AND dataset = '' LIMIT ?3)) < ?3"
                      " OR EXISTS (SELECT 1 FROM opening WHERE customer = ?1 AND key = ?2)",
                      &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, customer);
    query_text(q, 2, key);
    query_int(q, 3, max);
    r = query_step(q, e);
    query_close(q);
    return r == 0  ? err_set(e, ERR_LIMIT, "%lld conversations of this customer are open already", (long long)max)
           : r < 0 ? r
                   : 0;
}
