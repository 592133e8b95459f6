/* keys: what the file of a tool may and must say, when it is read from a workspace.
 *
 * A key that nobody reads is an error: a misspelt limit would be none. Versions that are stored already are recalled as they
 * are, so a stricter rule strands no conversation. */
#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "base/json.h"

/* Errors: ERR_INVALID; the sentence begins with "path:line". */
MUST_USE int keys_check_tool(const struct json *spec, const char *path, struct err *e);

#endif
