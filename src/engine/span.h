/* span: who wrote which bytes of a prompt.
 *
 * The spans of a prompt stand one behind the other without gaps, so every byte belongs to exactly one. Offsets count the
 * prompt as it is hashed (docs/PROMPT.md): tools, a newline, shared, transcript, state. */
#ifndef ENGINE_SPAN_H
#define ENGINE_SPAN_H

#include "base/str.h"

enum prompt_part { PROMPT_TOOLS, PROMPT_SHARED, PROMPT_TRANSCRIPT, PROMPT_STATE };
const char *prompt_part_name(enum prompt_part p); /* "tools", ... */

/* Who: a module version, an event of the conversation, or the runtime. */
struct label {
    struct str kind;         /* a module's ("instructions", "tools", ...), "event" or "runtime" */
    struct str name;         /* the module; of an event its kind, "reply.sent"; of the runtime what it writes, or "" */
    struct str version, sha; /* of the module version, the sha in hex; else "" */
    struct str anchor;       /* where in it: "M1", a step, a macro, a slot; of an event its seq; or "" */
};

struct span {
    enum prompt_part part;
    size_t from, to;
    struct label label;
};

/* A list under construction; starts with its arena and part, else zeroed. */
struct spans {
    struct arena *arena;
    enum prompt_part part; /* of what comes next */
    struct span *list;
    size_t n, size;
    size_t end; /* where the last span ends */
};

/* The bytes from the last span's end up to `end` are of `label` (NULL: the runtime's glue). None: nothing happens. The same
 * label again in the same part makes that span longer. Borrows the label's texts. */
void spans_to(struct spans *s, size_t end, const struct label *label);

#endif
