/* books: the example bank's records, in a SQLite file of its own (WAL, synchronous=FULL).
 *
 * Dates of orders and shipments are kept as days from today and become dates when they are read, so
 * the example never grows old. Reads write JSON with every column, also those that no agent needs, as
 * real systems do. Writes gather between books_begin and books_commit; commit returns when they are
 * on disk. One thread. */
#ifndef BANK_BOOKS_H
#define BANK_BOOKS_H

#include "base/json.h"

#include <sqlite3.h>

struct books;

/* Opens DIR/bank.db, makes the folder, the tables and the ten customers where they are missing. */
MUST_USE int books_open(const char *dir, struct books **out, struct err *e);
void books_close(struct books *b);
/* Forgets everything but the ten customers as they were at first. */
MUST_USE int books_reset(struct books *b, struct err *e);

/* Each writes one value; w writes into a buf of an arena. ERR_NOT_FOUND where the books hold no such
 * thing (nothing is written then). */
MUST_USE int books_customers(struct books *b, struct json_writer *w);
MUST_USE int books_customer(struct books *b, struct str id, struct json_writer *w);
MUST_USE int books_card_order(struct books *b, struct str customer, struct json_writer *w);
MUST_USE int books_shipment(struct books *b, struct str tracking, struct json_writer *w);
MUST_USE int books_reissues(struct books *b, struct str customer, struct json_writer *w);
MUST_USE int books_reissue_by_key(struct books *b, struct str key, struct json_writer *w);

/* Opens a transaction unless one is open. A write that fails afterwards dooms all of it. */
MUST_USE int books_begin(struct books *b, struct err *e);
/* Puts it on disk; on an error nothing of it happened. */
MUST_USE int books_commit(struct books *b, struct err *e);

struct books_standing {
    bool known;           /* there is such a customer */
    bool has_order;       /* and a card was ordered for them */
    int64_t reissues_n;   /* reissues so far */
    int64_t reissues_max; /* their own limit; -1: the bank's */
};
void books_standing(struct books *b, struct str customer, struct books_standing *out);

struct books_reissue {
    struct str customer, address, reason, key;
};
/* Orders the card, writes the answer's `reissue` value and gives its number. After books_begin only. */
MUST_USE int books_reissue(struct books *b, const struct books_reissue *order, struct json_writer *w, int64_t *id,
                           struct err *e);

/* The first answer that was given under a key. Texts live in the arena. */
struct books_answer {
    struct str request; /* canonical JSON of what was asked */
    int status;
    struct str body;
    int64_t reissue; /* the reissue that was made; 0: none. Not read back. */
};
bool books_answer_find(struct books *b, struct str key, struct arena *a, struct books_answer *out);
MUST_USE int books_answer_keep(struct books *b, struct str key, const struct books_answer *answer, struct err *e);

/* seed.c: the tables and the ten customers. */
extern const char books_schema[], books_seed[];

#endif
