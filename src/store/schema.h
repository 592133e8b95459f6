/* schema: the tables, as numbered steps that only go forward. For the files of this folder.
 *
 * A step runs once, in one transaction with its row in `migration`, so a crash leaves it wholly done or
 * not begun. Steps are never edited once released; what is derived from events (schema_derived) is
 * changed by a step that drops it and refolds. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/str.h"

#include <sqlite3.h>

enum { SCHEMA_NEWEST = 5 };

/* What journal_refold drops and makes again; in this order, ending with NULL. */
struct schema_table {
    const char *name, *key; /* key: what one row is found by, and sorted by in journal_derived_sha */
    const char *sql[5];     /* the table and its indexes */
};
extern const struct schema_table schema_derived[];

/* The step the file is at, 0 for an empty file. Changes nothing. Errors: ERR_UNSUPPORTED (the file comes
 * from a newer version), ERR_INVALID (not our file at all), ERR_IO. */
MUST_USE int schema_version(sqlite3 *db, int64_t *n, struct err *e);
/* Brings the file up to step `newest` (SCHEMA_NEWEST but in tests). Errors: as above, ERR_FULL. */
MUST_USE int schema_migrate(sqlite3 *db, int newest, struct err *e);
/* Drops the derived tables and makes them empty; inside the caller's transaction. */
MUST_USE int schema_derive(sqlite3 *db, struct err *e);

#endif
