/* memory: what a conversation that ends leaves behind of its customer.
 *
 * Only slots that a scratchpad declares with `remember`, only values that the customer stated, written once, at the end
 * (the paper keeps working memory and what outlives it apart). Pure; src/store/memory.h keeps it. */
#ifndef ENGINE_MEMORY_H
#define ENGINE_MEMORY_H

#include "engine/decision.h"

/* Adds memory.written when the conversation, which was just closed, has something to remember. */
MUST_USE int memory_write(struct conversation *c, struct turn_events *out, struct err *e);

#endif
