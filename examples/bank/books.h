/* books: the example bank's records, in a SQLite file of its own (WAL, synchronous=FULL).
 *
 * What stands in the books is each domain's own (domain.h); here is how they are read and written. SQL names its values
 * as :customer; they come from a JSON object's members of that name (what is missing is NULL), and :today is the day
 * since 1970. A column's name says how it is shown:
 *
 *   "address.line", "address.city"   stand together in one member that is an object
 *   made_on, eta_date                a day, shown as a date; below 10,000 it counts from today, so that the example never
 *                                    grows old, from there on from 1970. day(x) gives the day since 1970 in SQL
 *   total$                           cents, shown as "total" with two decimals
 *   online?                          true or false
 *
 * Writes gather between books_begin and books_commit; commit returns when they are on disk. One thread. */
#ifndef BANK_BOOKS_H
#define BANK_BOOKS_H

#include "base/json.h"

struct books;

/* Opens DIR/bank.db; makes the folder, the tables and the customers where they are missing, and makes the books anew where
 * they have an older shape. */
MUST_USE int books_open(const char *dir, struct books **out, struct err *e);
void books_close(struct books *b);
/* Forgets everything but the customers as they were at first. */
MUST_USE int books_reset(struct books *b, struct err *e);

/* Writes the row, or with `many` all rows as a list, as one value; w writes into a buf of an arena. ERR_NOT_FOUND where
 * there is no row (nothing is written then; a list may be empty). `sql` is a constant: its statement is kept. */
MUST_USE int books_read(struct books *b, const char *sql, const struct json *values, bool many, struct json_writer *w);
/* The row as a value, or NULL. */
const struct json *books_row(struct books *b, struct arena *a, const char *sql, const struct json *values);

/* Opens a transaction unless one is open. A write that fails afterwards dooms all of it. */
MUST_USE int books_begin(struct books *b, struct err *e);
MUST_USE int books_write(struct books *b, const char *sql, const struct json *values, struct err *e);
/* Puts it on disk; on an error nothing of it happened. */
MUST_USE int books_commit(struct books *b, struct err *e);

/* The first answer that was given under a key. Texts live in the arena. */
struct books_answer {
    struct str request; /* the route, and canonical JSON of what was asked */
    int status;
    struct str body;
};
bool books_answer_find(struct books *b, struct str key, struct arena *a, struct books_answer *out);
MUST_USE int books_answer_keep(struct books *b, struct arena *a, struct str key, const struct books_answer *answer,
                               struct err *e);

#endif
