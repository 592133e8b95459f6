/* lock: one writing process per database file. "<path>.lock" holds the writer's pid and address.
 *
 * The lock belongs to the open file and goes with the process, however it dies; the file itself stays. */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "base/str.h"

/* Errors: ERR_BUSY names the pid that has it, ERR_IO. `fd` keeps the lock until it is closed. */
MUST_USE int lock_take(const char *path, int *fd, struct err *e);
/* Notes where the holder can be reached; "" is allowed. What follows the first line end is cut off. */
void lock_note(int fd, const char *address);
/* What the process that holds the lock noted; "" when nobody holds it. */
struct str lock_holder(struct arena *a, const char *path);

#endif
