/* scratchpad: the typed working memory, and the built-in tool that writes it.
 *
 * A value the model writes down is checked against the slot's type and looked for (or one of its phrases) in the customer's
 * words and the tools' results: found, it is `stated` with that evidence; not found, it is `inferred`. */
#ifndef ENGINE_SCRATCHPAD_H
#define ENGINE_SCRATCHPAD_H

#include "engine/conversation.h"

/* Turns the arguments of update_scratchpad into the body of scratchpad.updated.
 * Errors: ERR_INVALID with a sentence for the model; ERR_DENIED: the routine may not be started now, *reason says why. */
MUST_USE int scratchpad_update(struct arena *a, const struct conversation *c, struct str call_id, struct str arguments,
                               struct str *body, const char **reason, struct err *e);

/* The arguments of an action that nobody supplied who may: not found in the customer's words or the tools' results where the tool
 * wants them from there (x-source), or known only as an `inferred` slot. A list of their names, empty when all is well.
 * `args` with the session's values. */
struct json *scratchpad_unbacked(struct arena *a, const struct conversation *c, const struct tool *t,
                                 const struct json *args);

#endif
