/* lead: the runtime leads a routine (mode script) or holds the model to it (mode gate). docs/ROUTINES.md.
 *
 * Decisions as values: the same conversation gives the same walk and the same verdict. */
#ifndef ENGINE_LEAD_H
#define ENGINE_LEAD_H

#include "engine/decision.h"
#include "engine/tool.h"

/* The mode of the step where the conversation stands; -1 when no routine is under way. */
int lead_mode(const struct conversation *c);
/* Does the runtime walk next, instead of asking the model? */
bool lead_walks(const struct conversation *c);
/* Walks and adds routine.walked. */
MUST_USE int lead_walk(struct conversation *c, struct turn_events *out, struct err *e);

/* The macro with which the routine under way asks for a yes to the tool; "" where it leaves that to the tool. */
struct str lead_question(const struct conversation *c, struct str tool);

/* What expressions and macros of a routine see: the state block and all that is known beside it. */
struct json *lead_state(struct arena *a, const struct conversation *c, int64_t now_us);

/* May the model call this tool now? `args` with the session's values. */
struct routine_verdict lead_allows(struct arena *a, const struct conversation *c, const struct tool *t,
                                   const struct json *args, int64_t now_us);

/* What a model's update makes of the stack: `routine` and `step` as it gave them, NULL when it did not. Fills frames and *n.
 * Errors: ERR_INVALID (no such routine or step), ERR_DENIED: *reason says why it may not be started now. */
MUST_USE int lead_turn_to(const struct conversation *c, const struct json *routine, const struct json *step,
                          struct routine_frame frames[ROUTINE_FRAMES], size_t *n, const char **reason, struct err *e);

#endif
