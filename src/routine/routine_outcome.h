/* routine_outcome: what became of the action that a confirm step is about. Pure.
 *
 * A script asks what happened since the routine came to the step; a follower, who sees only what is known by now, asks that. */
#ifndef ROUTINE_ROUTINE_OUTCOME_H
#define ROUTINE_ROUTINE_OUTCOME_H

#include "routine/routine_walk.h"

/* A branch of the step: "no", "unclear", or what the act step goes by (ok, already_done, refused, unknown); NULL: the action is to
 * be proposed now. `stood`: the routine stands at the step since before this walk. */
const char *routine_outcome(const struct routine_walk *w, const struct routine_step *s, bool stood);

/* The outcome of the newest proposal when it is one of `tool`; NULL: it has none. */
const char *routine_outcome_final(const struct routine_walk *w, struct str tool);

#endif
