/* llm_offline_read: what folded words (llm_offline_words.h) mean to one agent: a slot's value, a routine. Pure. */
#ifndef LLM_LLM_OFFLINE_READ_H
#define LLM_LLM_OFFLINE_READ_H

#include "llm/llm_offline_plan.h"

/* The value that the words give a slot; "" for none. Phrases in the customer's `language` come first. `asked`: the
 * slot's question is open, so that "yes" or a single word may answer it. */
struct str offline_read_slot(const struct offline_slot *slot, struct str folded, struct str language, bool asked);

/* The value of a slot without phrases, from the words as they were written: by its patterns, by its type (an amount, a number, a
 * date), and when it was asked for, a text is what the customer answered. "" for none. */
struct str offline_read_typed(struct arena *a, const struct offline_slot *slot, struct str words, struct str language,
                              struct str today, bool asked);

/* The routine that the words start: by the longest of all start phrases, or because they answer one of its
 * questions ("I looked, it is not there", after "please look there first"): `answered` is the slot they gave a
 * value, or NULL. A phrase of not_when keeps a routine out. *single: a start phrase of one word decided.
 * NULL when no routine fits. */
const struct offline_routine *offline_choose(const struct offline_plan *plan, struct str folded,
                                             const struct offline_slot *answered, bool *single);

#endif
