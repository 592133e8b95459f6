/* What the bank starts with: its tables, and ten invented customers who cover what can happen to a
 * card on its way. A column `..._on` holds days from today; a name like "print.site" becomes a member
 * of an object, a name that ends in "?" true or false. */
#include "books.h"

#include <stdarg.h>

const char books_schema[] =
    "CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT NOT NULL, first_name TEXT NOT NULL, locale TEXT NOT NULL,"
    " email TEXT NOT NULL, phone TEXT NOT NULL, document_masked TEXT NOT NULL, story TEXT NOT NULL,"
    " segment TEXT NOT NULL, since_on INTEGER NOT NULL, reissues_max INTEGER) WITHOUT ROWID;"
    "CREATE TABLE addresses(customer TEXT PRIMARY KEY REFERENCES customers, id TEXT NOT NULL, type TEXT NOT NULL,"
    " line TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL, country TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE cards(customer TEXT PRIMARY KEY REFERENCES customers, last4 TEXT NOT NULL, kind TEXT NOT NULL,"
    " status TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE carriers(code TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT NOT NULL, sla_days INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE orders(customer TEXT PRIMARY KEY REFERENCES customers, id TEXT NOT NULL, reason TEXT NOT NULL,"
    " status TEXT NOT NULL, ordered_on INTEGER NOT NULL, promised_on INTEGER NOT NULL,"
    " carrier TEXT NOT NULL REFERENCES carriers, tracking_code TEXT NOT NULL UNIQUE) WITHOUT ROWID;"
    "CREATE TABLE shipments(tracking_code TEXT PRIMARY KEY, status TEXT NOT NULL, last_event TEXT NOT NULL,"
    " last_event_on INTEGER NOT NULL, delivered_on INTEGER, estimated_on INTEGER NOT NULL, delivered_to TEXT)"
    " WITHOUT ROWID;"
    /* A reissue made while the bank runs has a day since 1970; the one that the bank starts with, days from today. */
    "CREATE TABLE reissues(id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL REFERENCES customers,"
    " address TEXT NOT NULL, reason TEXT NOT NULL, key TEXT, carrier TEXT NOT NULL, day INTEGER NOT NULL,"
    " day_is_relative INTEGER NOT NULL);"
    "CREATE INDEX reissues_customer ON reissues(customer);"
    "CREATE TABLE idempotency(key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL,"
    " body TEXT NOT NULL, reissue INTEGER REFERENCES reissues) WITHOUT ROWID;"
    "PRAGMA user_version=1;";

struct seed_carrier {
    const char *code, *name, *phone;
    int sla_days;
};

static const struct seed_carrier carriers[] = {
    {"CORREIOS", "Correios", "+55 3003 0100", 8},
    {"JADLOG", "Jadlog", "+55 3003 0200", 6},
    {"ESTAFETA", "Estafeta", "+52 55 5550 0300", 7},
    {"ROYALMAIL", "Royal Mail", "+44 20 7946 0400", 5},
};

struct seed_customer {
    const char *id, *name, *first_name, *locale, *email, *phone, *document, *story, *segment;
    int since;        /* this and every other day: from today */
    int reissues_max; /* -1: the bank's own limit */
    const char *address_type, *line, *city, *postcode, *country;
    const char *last4, *kind, *reason; /* last4 NULL: no card was ordered */
    int ordered, promised;
    const char *carrier, *tracking, *status, *event;
    int event_day;
    const char *delivered_to; /* NULL unless delivered, which was then on event_day */
};

static const struct seed_customer customers[] = {
    {"ana",
     "Ana Souza",
     "Ana",
     "pt-BR",
     "ana.souza@example.com",
     "+55 81 95550 0101",
     "***.111.222-**",
     "House in Recife; the card is on its way and 6 days late.",
     "core",
     -812,
     -1,
     "house",
     "Rua das Laranjeiras 120",
     "Recife",
     "50050-120",
     "BR",
     "4417",
     "credit",
     "first_card",
     -16,
     -6,
     "CORREIOS",
     "BR100000001",
     "in_transit",
     "left the sorting centre",
     -5,
     NULL},
    {"bruno",
     "Bruno Carvalho",
     "Bruno",
     "pt-BR",
     "bruno.carvalho@example.com",
     "+55 11 95550 0102",
     "***.333.444-**",
     "Apartment in São Paulo; delivered 2 days ago, says the carrier, but Bruno has no card.",
     "core",
     -301,
     -1,
     "apartment",
     "Rua Augusta 1500, ap 72",
     "São Paulo",
     "01304-001",
     "BR",
     "8820",
     "credit",
     "first_card",
     -9,
     -1,
     "JADLOG",
     "BR100000002",
     "delivered",
     "handed to the concierge",
     -2,
     "Portaria"},
    {"carla",
     "Carla Mendoza",
     "Carla",
     "es-MX",
     "carla.mendoza@example.com",
     "+52 55 5550 0103",
     "ME******C03",
     "House in Puebla; on time, expected in 3 days.",
     "core",
     -45,
     -1,
     "house",
     "Calle 5 de Mayo 214",
     "Puebla",
     "72000",
     "MX",
     "3051",
     "debit",
     "first_card",
     -4,
     3,
     "ESTAFETA",
     "MX100000003",
     "in_transit",
     "arrived at the local depot",
     -1,
     NULL},
    {"diego",
     "Diego Ramírez",
     "Diego",
     "es-MX",
     "diego.ramirez@example.com",
     "+52 33 5550 0104",
     "RA******D04",
     "Office in Guadalajara; delivered yesterday.",
     "business",
     -1530,
     -1,
     "business",
     "Av. Vallarta 3233, piso 4",
     "Guadalajara",
     "44130",
     "MX",
     "7719",
     "credit",
     "renewal",
     -7,
     0,
     "ESTAFETA",
     "MX100000004",
     "delivered",
     "handed to the mailroom",
     -1,
     "Recepción"},
    {"emma",
     "Emma Collins",
     "Emma",
     "en",
     "emma.collins@example.com",
     "+44 20 7946 0105",
     "******05E",
     "Apartment in London; delivered 3 days ago.",
     "core",
     -220,
     -1,
     "apartment",
     "Flat 9, 14 Canal Walk",
     "London",
     "N1 7AA",
     "GB",
     "6604",
     "debit",
     "first_card",
     -8,
     -2,
     "ROYALMAIL",
     "GB100000005",
     "delivered",
     "left with the front desk",
     -3,
     "Front desk"},
    {"frank",
     "Frank Miller",
     "Frank",
     "en",
     "frank.miller@example.com",
     "+44 161 496 0106",
     "******06F",
     "House in Manchester; no card was ever ordered.",
     "core",
     -2,
     -1,
     "house",
     "3 Orchard Row",
     "Manchester",
     "M1 2AB",
     "GB",
     NULL,
     NULL,
     NULL,
     0,
     0,
     NULL,
     NULL,
     NULL,
     NULL,
     0,
     NULL},
    {"grace",
     "Grace Lee",
     "Grace",
     "en",
     "grace.lee@example.com",
     "+44 131 496 0107",
     "******07G",
     "PO box in Edinburgh; delivered 4 days ago.",
     "core",
     -640,
     -1,
     "po_box",
     "PO Box 318",
     "Edinburgh",
     "EH1 1YZ",
     "GB",
     "2298",
     "credit",
     "replacement",
     -10,
     -3,
     "ROYALMAIL",
     "GB100000007",
     "delivered",
     "put into the box",
     -4,
     "PO box"},
    {"henry",
     "Henry Brooks",
     "Henry",
     "en",
     "henry.brooks@example.com",
     "+44 117 496 0108",
     "******08H",
     "House in Bristol; 9 days late, and a new card was ordered already.",
     "core",
     -977,
     1,
     "house",
     "27 Quay Lane",
     "Bristol",
     "BS1 4DJ",
     "GB",
     "5143",
     "credit",
     "first_card",
     -18,
     -9,
     "ROYALMAIL",
     "GB100000008",
     "in_transit",
     "no scan since the depot",
     -11,
     NULL},
    {"ines",
     "Inés Torres",
     "Inés",
     "es-MX",
     "ines.torres@example.com",
     "+52 81 5550 0109",
     "TO******I09",
     "Apartment in Monterrey; the card is on its way and 4 days late.",
     "core",
     -130,
     -1,
     "apartment",
     "Av. Constitución 400, depto 12",
     "Monterrey",
     "64000",
     "MX",
     "9076",
     "credit",
     "first_card",
     -13,
     -4,
     "ESTAFETA",
     "MX100000009",
     "in_transit",
     "delayed on the road",
     -3,
     NULL},
    {"joao",
     "João Pereira",
     "João",
     "pt-BR",
     "joao.pereira@example.com",
     "+55 31 95550 0110",
     "***.555.666-**",
     "House in Belo Horizonte; the card went back to the bank.",
     "core",
     -415,
     -1,
     "house",
     "Rua da Bahia 905",
     "Belo Horizonte",
     "30160-011",
     "BR",
     "1385",
     "debit",
     "first_card",
     -14,
     -5,
     "CORREIOS",
     "BR100000010",
     "returned",
     "nobody at home three times; sent back",
     -2,
     NULL},
};

/* Runs one statement with its values: s a text (NULL allowed), i an int. */
static int seed_row(sqlite3 *db, struct err *e, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
        return err_set(e, ERR_IO, "the bank's books: %s", sqlite3_errmsg(db));
    va_list values;
    va_start(values, kinds);
    for (int i = 0; kinds[i]; i++) {
        if (kinds[i] == 's')
            sqlite3_bind_text(row, i + 1, va_arg(values, const char *), -1, SQLITE_STATIC);
        else
            sqlite3_bind_int(row, i + 1, va_arg(values, int));
    }
    va_end(values);
    int done = sqlite3_step(row);
    sqlite3_finalize(row);
    return done == SQLITE_DONE ? 0 : err_set(e, ERR_IO, "the bank's books: %s", sqlite3_errmsg(db));
}

static int seed_card(sqlite3 *db, const struct seed_customer *c, struct err *e)
{
    int result = seed_row(db, e, "INSERT INTO cards VALUES(?,?,?,?)", "ssss", c->id, c->last4, c->kind,
                          c->delivered_to ? "delivered" : "sent");
    if (result < 0)
        return result;
    char order[24];
    sqlite3_snprintf(sizeof order, order, "CO-%s", c->tracking + 2);
    result = seed_row(db, e, "INSERT INTO orders VALUES(?,?,?,?,?,?,?,?)", "ssssiiss", c->id, order, c->reason,
                      "shipped", c->ordered, c->promised, c->carrier, c->tracking);
    if (result < 0)
        return result;
    result =
        seed_row(db, e, "INSERT INTO shipments VALUES(?1,?2,?3,?4,CASE WHEN ?5 IS NULL THEN NULL ELSE ?4 END,?6,?5)",
                 "sssisi", c->tracking, c->status, c->event, c->event_day, c->delivered_to, c->promised);
    return result;
}

static int seed_customer(sqlite3 *db, const struct seed_customer *c, struct err *e)
{
    int result = seed_row(db, e, "INSERT INTO customers VALUES(?,?,?,?,?,?,?,?,?,?,nullif(?,-1))", "sssssssssii", c->id,
                          c->name, c->first_name, c->locale, c->email, c->phone, c->document, c->story, c->segment,
                          c->since, c->reissues_max);
    if (result < 0)
        return result;
    result = seed_row(db, e, "INSERT INTO addresses VALUES(?1,'AD-'||?1,?2,?3,?4,?5,?6)", "ssssss", c->id,
                      c->address_type, c->line, c->city, c->postcode, c->country);
    if (result < 0 || !c->last4)
        return result;
    return seed_card(db, c, e);
}

int books_seed(sqlite3 *db, struct err *e)
{
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        const struct seed_carrier *c = &carriers[i];
        int result =
            seed_row(db, e, "INSERT INTO carriers VALUES(?,?,?,?)", "sssi", c->code, c->name, c->phone, c->sla_days);
        if (result < 0)
            return result;
    }
    for (size_t i = 0; i < sizeof customers / sizeof *customers; i++) {
        int result = seed_customer(db, &customers[i], e);
        if (result < 0)
            return result;
    }
    return seed_row(db, e,
                    "INSERT INTO reissues VALUES(20990,'henry','27 Quay Lane, Bristol, BS1 4DJ','not_received',NULL,"
                    "'ROYALMAIL',-2,1)",
                    "");
}
