/* audit: a journal for those who need not know all: what the tools' `audit.mask` names is "[masked]".
 *
 * The journal itself has every value, since actions are run and prompts are made from it. Masked are copies that leave it: the
 * hand-off package, the journal as staff read it, exports. Masked is what tools are told and answer, by path, and what a slot
 * or a question before an action holds of it; the words of people and of models are not. */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "engine/versions.h"

/* Masks the bodies of a conversation's events, which begin with the first one; each by the agent version that answered then.
 * Of a version that is not in the store nothing is masked: that is an imported conversation. New bodies live in `a`. */
void audit_mask(struct arena *a, struct versions *v, struct event *events, size_t n);

/* The result or the arguments of `tool`, as JSON, masked. What was hidden is added to the array `hidden`. Without such a tool, or
 * where it is no JSON, `text` itself. */
struct str audit_mask_text(struct arena *a, const struct agent *ag, struct str tool, struct str text,
                           struct json *hidden);
/* A value that is not itself one of a tool's: "[masked]" where it was hidden elsewhere. */
struct str audit_mask_value(const struct json *hidden, struct str value);

#endif
