/* action: the protocol of what changes something: proposal, confirmation of exactly these arguments, one key, one result.
 *
 * An action never runs from the model's call. What the customer agrees to is a digest; what runs is what has that digest;
 * its key names the proposal. An unknown outcome is asked about or sent again under the same key, never repeated under
 * another. docs/ARCHITECTURE.md tells it in order. */
#ifndef ENGINE_ACTION_H
#define ENGINE_ACTION_H

#include "engine/decision.h"
#include "engine/tool.h"

enum { ACTION_WAITS_MAX = 4 }; /* 0.3, 1, 3 and 10 s; then a person learns the outcome */

/* Makes a model's call a proposal; one that policy lets run at once is confirmed by it. */
MUST_USE int action_propose(struct conversation *c, struct turn_events *out, const struct call *k, const struct tool *t,
                            const struct json *args, struct err *e);
/* Is a proposal new, asked or confirmed, so that no other may begin? */
bool action_pending(const struct conversation *c);
/* confirmation.given for the newest proposal: answer "yes", "no" or "void"; by "text", "button" or "policy". */
MUST_USE int action_confirm(struct conversation *c, struct turn_events *out, const char *answer, const char *by,
                            int64_t evidence, struct err *e);
/* The customer decided by button. Errors: ERR_CONFLICT (no open proposal of that seq and digest, or it expired). */
MUST_USE int action_decided(struct conversation *c, struct turn_events *out, int64_t proposal, struct str digest,
                            bool yes, struct err *e);

/* action.started under the proposal's key. Errors: ERR_DENIED (the arguments are not those that were confirmed). */
MUST_USE int action_start(struct conversation *c, struct turn_events *out, struct err *e);
/* The action's result, or the timer for the next try when its outcome is unknown and can still be learnt. */
MUST_USE int action_answered(struct conversation *c, struct turn_events *out, const struct tool_answer *answer,
                             struct err *e);
/* action.done: the first result, kept for ever. */
MUST_USE int action_done(struct conversation *c, struct turn_events *out, enum tool_class class, struct str result,
                         int64_t ms, struct err *e);
/* May the action be tried again under its key, or at least be asked about? */
bool action_can_learn(const struct conversation *c);

#endif
