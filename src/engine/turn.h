/* turn: from a customer's message to the reply or the hand-off, as a table of steps.
 *
 * A step looks at the folded conversation, adds the events it decides on (each is folded at once) and says where the turn
 * goes next. turn_run moves from step to step until the world is needed: a model, a tool, a timer or the customer. The
 * caller then appends the events in one group and, once they are durable, does what `c->turn.at` waits for. Nothing here
 * does I/O: the same conversation, time and input give the same events.
 *
 * After a crash the caller loads the journal, folds it, adds turn.resumed and calls turn_run: the same road. */
#ifndef ENGINE_TURN_H
#define ENGINE_TURN_H

#include "engine/decision.h"
#include "engine/tool.h"

/* Runs steps until the turn waits: c->turn.at is TURN_IDLE, _MODEL, _TOOLS, _ACTING or _TIMER. */
MUST_USE int turn_run(struct conversation *c, struct turn_events *out, struct err *e);

/* --- inputs: each adds the event that says what happened; call turn_run afterwards --- */

struct llm_answer;
/* call_n: which model call of the conversation it answers (llm_question.call_n); an answer that nobody waits for any more
 * adds nothing. */
MUST_USE int turn_model_answered(struct conversation *c, struct turn_events *out, int call_n,
                                 const struct llm_answer *answer, struct err *e);
MUST_USE int turn_tool_answered(struct conversation *c, struct turn_events *out, struct str call_id,
                                const struct tool_answer *answer, struct err *e);
/* Hands over outside a turn's own course (the customer's button, an operator). */
MUST_USE int turn_hand_off(struct conversation *c, struct turn_events *out, const char *reason, struct err *e);
/* A person takes the conversation ("human") or gives it back ("bot"). Errors: ERR_CONFLICT (it is there already). */
MUST_USE int turn_take_over(struct conversation *c, struct turn_events *out, const char *owner, struct str by,
                            struct err *e);
/* From the next turn border on another agent version answers, or, where `to` is NULL, people do; now, when no turn is open.
 * Errors: ERR_CONFLICT (it is so already, or the conversation is closed). */
MUST_USE int turn_switch(struct conversation *c, struct turn_events *out, const struct agent *to, struct str by,
                         struct str reason, struct err *e);
/* The process that ran this turn died. After `budgets.resumes` of them a person takes over. */
MUST_USE int turn_resumed(struct conversation *c, struct turn_events *out, struct err *e);

/* What TURN_TOOLS or TURN_ACTING waits for. At most max requests; the texts live in `a`. */
size_t turn_requests(struct arena *a, const struct conversation *c, int64_t now_us, struct tool_request *out,
                     size_t max);

#endif
