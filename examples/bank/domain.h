/* domain: one line of the bank's business: its tables, its customers' stories, what can be read and what can be done.
 *
 * A domain is one file pair (debts.c ...) with one `struct domain`, and a row in domains[] (domain.c). Reads are SQL; an
 * action is a function that looks, refuses or writes. Everything around it is the same for all: the key, its first answer
 * in one transaction with the effect, the look-up by key, the faults of /control (bank.c). */
#ifndef BANK_DOMAIN_H
#define BANK_DOMAIN_H

#include "books.h"

/* GET `path`. SQL's :a and :b are the path's @ parts; other names are members of the query. */
struct domain_read {
    const char *path;
    const char *name; /* the member of `data` */
    bool many;        /* all rows, as a list */
    const char *sql;
    const char *missing_code, *missing; /* 404 where there is no row */
    const char *query[4];               /* names of the query's members that SQL uses */
};

/* An order under way: what was asked, and what comes of it. */
struct deed {
    struct books *books;
    struct arena *arena;
    const char *name;        /* the member of `data` */
    const struct json *body; /* what was asked; an object */
    struct json *values;     /* for SQL: the body's members, `key`, and what deed_set adds */
    int reissues_max;        /* the setting of that name */
    int status;              /* the answer */
    struct str answer;
};

/* POST `path`, and GET `path`/by-key/KEY: the first answer, if the key's order was carried out.
 * run: 0 after deed_refuse or deed_done; an error when the books could not be written. */
struct domain_action {
    const char *path;
    const char *name;
    int (*run)(struct deed *d, struct err *e);
};

struct domain {
    const char *schema, *seed;
    const struct domain_read *reads;
    size_t reads_n;
    const struct domain_action *actions;
    size_t actions_n;
};

#define DOMAIN_ROWS(a) (a), sizeof(a) / sizeof *(a)

/* In the order in which their tables are made; ends with NULL. */
extern const struct domain *const domains[];
extern const struct domain customers_domain, cards_domain, deliveries_domain, debts_domain, limits_domain,
    transfers_domain, underwriting_domain;

/* What the books say, for a decision; NULL: no such row. */
const struct json *deed_row(struct deed *d, const char *sql);
struct str deed_text(const struct deed *d, const char *name); /* "" unless the body has a text there */
/* An amount of money as cents; -1 unless it is a number from 0 on with at most two decimals, up to ten million. */
int64_t deed_cents(const struct deed *d, const char *name);
/* A date of the body as days since 1970; -1 when it is none. */
int64_t deed_day(const struct deed *d, const char *name);
void deed_set(struct deed *d, const char *name, int64_t value);
void deed_set_text(struct deed *d, const char *name, struct str value);

int deed_refuse(struct deed *d, int status, const char *code, const char *message);
MUST_USE int deed_write(struct deed *d, const char *sql, struct err *e);
/* 201 with the row as the answer. */
int deed_done(struct deed *d, const char *sql);

#endif
