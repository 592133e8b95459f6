/* fold: what conversation.c and the files of its folds share; nobody else includes it.
 *
 * Each function takes one event's body into the state. conversation.c has the table, and the folds of what people do; fold_answer.c
 * those of what models, walks and tools say; fold_action.c those of actions. */
#ifndef ENGINE_FOLD_H
#define ENGINE_FOLD_H

#include "engine/conversation.h"

/* --- fold.c --- */

/* One more of that name. */
void fold_count(struct conversation *c, struct counter **list, struct str name);
/* A slot, or a counter of what was asked, as if it had never been. */
void fold_forget(struct conversation *c, struct str name);
/* A text of the body, kept for as long as the conversation; "" for none. */
struct str fold_keep(struct conversation *c, const struct json *v);
/* A value of the body as text, canonical or in its own order. */
struct str fold_keep_json(struct conversation *c, struct str (*write)(struct arena *a, const struct json *v),
                          const struct json *v);
/* One call of the last answer has its result; held messages go on when it was the last. */
void fold_call_answered(struct conversation *c, struct str id, struct str class, const struct json *result);
/* A turn begins at that place. */
void fold_turn_open(struct conversation *c, const struct event *ev, enum turn_at at);
/* The calls of an answer, and what stands in the transcript of them; `text`: the words that came with them, or NULL. */
void fold_take_calls(struct conversation *c, const struct json *calls, const struct str *text);
/* Nobody will answer the calls that are open any more: their results say taken_over. */
void fold_refuse_calls(struct conversation *c);
/* An open question to the customer is void. */
void fold_void_question(struct conversation *c);

/* --- fold_answer.c --- */

/* model.asked, model.answered, model.failed, routine.walked, tool.answered, scratchpad.updated */
void fold_model_asked(struct conversation *c, const struct event *ev, const struct json *b);
void fold_model_answered(struct conversation *c, const struct event *ev, const struct json *b);
void fold_model_failed(struct conversation *c, const struct event *ev, const struct json *b);
void fold_walked(struct conversation *c, const struct event *ev, const struct json *b);
void fold_tool_answered(struct conversation *c, const struct event *ev, const struct json *b);
void fold_scratchpad(struct conversation *c, const struct event *ev, const struct json *b);

/* --- fold_action.c --- */

/* action.proposed, confirmation.given, action.started, action.done, timer.set, timer.fired */
void fold_proposed(struct conversation *c, const struct event *ev, const struct json *b);
void fold_confirmation(struct conversation *c, const struct event *ev, const struct json *b);
void fold_started(struct conversation *c, const struct event *ev, const struct json *b);
void fold_done(struct conversation *c, const struct event *ev, const struct json *b);
void fold_timer_set(struct conversation *c, const struct event *ev, const struct json *b);
void fold_timer_fired(struct conversation *c, const struct event *ev, const struct json *b);

#endif
