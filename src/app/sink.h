/* sink: where a command's result goes: stdout, or the file of -o. A plain file appears only when it is whole and keeps the
 * mode and owner that it had; a link stays one; a device or a pipe is written to as it is. */
#ifndef APP_SINK_H
#define APP_SINK_H

#include "base/str.h"

#include <stdio.h>

struct sink {
    FILE *f;
    const char *path;          /* NULL: stdout */
    const char *target, *part; /* what `part` is renamed to; NULL: written directly */
};

/* path NULL: stdout; it lives as long as the arena. Errors: ERR_IO. After one the sink is closed. */
MUST_USE int sink_open(struct arena *a, const char *path, struct sink *out, struct err *e);
MUST_USE int sink_write(struct sink *s, struct str text, struct err *e);
/* r: what the writer came to; what is half-written is taken away. Gives r, or ERR_IO. */
MUST_USE int sink_close(struct sink *s, int r, struct err *e);

#endif
