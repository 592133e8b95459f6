/* cue: a model that says what a script tells it to say. Where nothing is queued, the offline provider answers.
 *
 * The queue outlives the models that are made from it, so a program that dies in a script goes on with the next cue. */
#ifndef TESTS_TALK_CUE_H
#define TESTS_TALK_CUE_H

#include "llm/llm_provider.h"

struct cues;

struct cues *cues_new(void);
void cues_free(struct cues *c);

/* A provider that plays the queue on `l`; it belongs to the model that is made with it. */
MUST_USE int cues_provider(struct cues *c, struct loop *l, struct llm_provider **out, struct err *e);

/* Queues one answer; README.md has the form of `line`. Errors: ERR_INVALID. */
MUST_USE int cues_add(struct cues *c, struct str line, struct err *e);

bool cues_waiting(const struct cues *c); /* a question was put that gets no answer for now */
/* That question is answered after all, by the next cue. Errors: ERR_NOT_FOUND: none waits. */
MUST_USE int cues_go_on(struct cues *c, struct err *e);

size_t cues_left(const struct cues *c);       /* answers that nobody asked for yet */
int cues_asked(const struct cues *c);         /* questions so far */
struct str cues_prompt(const struct cues *c); /* the messages of the last one, as JSON text */

#endif
