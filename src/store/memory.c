#include "store/memory.h"

#include "store/store_sqlite.h"

static void row_of(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct memory_row *)element = (struct memory_row){.key = query_copy_at(a, q, 0),
                                                        .value = query_copy_at(a, q, 1),
                                                        .conversation = sqlite3_column_int64(q, 2),
                                                        .at_us = sqlite3_column_int64(q, 3),
                                                        .expires_us = sqlite3_column_int64(q, 4)};
}

int memory_read(struct store *s, struct arena *a, struct str customer, int64_t now_us, struct memory_row **rows,
                size_t *n, struct err *e)
{
    struct connection *c;
    sqlite3_stmt *q;
    void *elements;
    int r = store_reading(s, &c, e);
    if (r == 0)
        r = query_open(c,
                       "SELECT key, value, conversation, at_us, expires_us FROM customer_memory"
                       " WHERE customer = ?1 AND expires_us > ?2 ORDER BY key",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, customer);
    query_int(q, 2, now_us);
    r = query_gather(q, a, sizeof **rows, row_of, &elements, n, e);
    *rows = elements;
    return r;
}

struct erasure {
    struct str customer;
    int64_t now_us;
    size_t n;
};

static int erase_run(void *arg, struct connection *c, struct err *e)
{
    struct erasure *x = arg;
    sqlite3_stmt *q;
    int r = query_open(c, "SELECT count(*) FROM customer_memory WHERE customer = ?1", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, x->customer);
    r = query_step(q, e);
    x->n = r > 0 ? (size_t)sqlite3_column_int64(q, 0) : 0;
    query_close(q);
    if (r >= 0)
        r = query_open(c, "DELETE FROM customer_memory WHERE customer = ?1", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, x->customer);
    r = query_run(q, e);
    if (r == 0)
        r = query_open(c,
                       "INSERT INTO memory_erasure (customer, before_us) VALUES (?1, ?2)"
                       " ON CONFLICT (customer) DO UPDATE SET before_us = excluded.before_us",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, x->customer);
    query_int(q, 2, x->now_us);
    return query_run(q, e);
}

int memory_erase(struct store *s, struct str customer, int64_t now_us, size_t *n, struct err *e)
{
    struct erasure x = {.customer = customer, .now_us = now_us};
    int r = store_change(s, erase_run, &x, e);
    *n = x.n;
    return r;
}
