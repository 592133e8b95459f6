/* keys: what the files of a workspace may and must say.
 *
 * A key that nobody reads is an error: a misspelt limit would be none. Files are looked at when they are read from a
 * workspace; versions that are stored already are recalled as they are, so a stricter rule strands no conversation. */
#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "engine/finding.h"

/* `self`: the key that holds the name of such a file: "agent", "module" (the front matter of an instruction),
 * "policy", "routine", "macros", "tool" or "scratchpad". `name` is the file's, for messages; borrowed. */
void keys_find(const struct json *file, const char *self, const char *name, struct findings *found);
/* The first of them: ERR_INVALID, "name:line: ..." with the nearest known key. */
MUST_USE int keys_check(const struct json *file, const char *self, const char *name, struct err *e);

/* One step of a routine, also one that stands in a target's place. */
void keys_find_step(const struct json *step, const char *name, struct findings *found);

#endif
