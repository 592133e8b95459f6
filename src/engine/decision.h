/* decision: what a turn decided, as events that are folded at once and appended later, in one group. */
#ifndef ENGINE_DECISION_H
#define ENGINE_DECISION_H

#include "engine/context.h"

/* Events decided but not yet appended. Bodies live in the arena. */
struct turn_events {
    struct arena *arena;
    struct event *list;
    size_t n, size;
    int64_t now_us;
    const struct agent
        *in_force;    /* the version with which a conversation of this agent is opened now; NULL: the own one */
    struct str state; /* when the last event is model.asked: the state block of its prompt, in the arena; else empty */
};

/* Adds one event and folds it. Errors: as conversation_fold. */
MUST_USE int turn_add(struct conversation *c, struct turn_events *out, enum event_kind kind, struct str body,
                      struct err *e);

/* The body of an event under construction: {"...": ...}, written through `w`. */
struct decision {
    struct buf buf;
    struct json_writer w;
};
void decision_begin(struct decision *b, struct arena *a);
/* Closes the body and adds the event. Errors: ERR_LIMIT (over 1 MiB), as turn_add. */
MUST_USE int decision_add(struct decision *b, struct conversation *c, struct turn_events *out, enum event_kind kind,
                          struct err *e);

/* turn.ended with what the turn cost. */
MUST_USE int decision_end_turn(struct conversation *c, struct turn_events *out, const char *outcome, struct err *e);

/* tool.answered for one of the model's calls; `result` is JSON. */
MUST_USE int decision_answer(struct conversation *c, struct turn_events *out, const struct call *k, const char *class,
                             struct str result, struct err *e);
/* The same with a refusal that the model can act on: {"class","reason","do"}. */
MUST_USE int decision_refuse(struct conversation *c, struct turn_events *out, const struct call *k, const char *class,
                             const char *reason, const char *what_to_do, struct err *e);
/* The same for a call that a routine does not allow yet: {"reason","step","missing","do"}. */
MUST_USE int decision_refuse_verdict(struct conversation *c, struct turn_events *out, const struct call *k,
                                     const struct routine_verdict *v, struct err *e);

/* The same with what is missing, a list: {"class","reason","missing","do"}. */
MUST_USE int decision_refuse_missing(struct conversation *c, struct turn_events *out, const struct call *k,
                                     const char *class, const char *reason, const struct json *missing,
                                     const char *what_to_do, struct err *e);

/* Can an event hold this text of a tool's result? Else this stands in its place. */
bool decision_holdable(struct arena *a, struct str result);
extern const char decision_unholdable[];

#endif
