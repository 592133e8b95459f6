/* llm_offline_walk: one answer of the offline provider, as a pure function of the prompt.
 *
 * Reads the customer's last words into slots, chooses a routine when none is under way, and walks its steps
 * until one of them needs an answer from outside: the customer's, a tool's or a person's. The same prompt gives
 * the same answer, byte for byte. What it reads and what it cannot: docs/OFFLINE.md. */
#ifndef LLM_LLM_OFFLINE_WALK_H
#define LLM_LLM_OFFLINE_WALK_H

#include "llm/llm.h"
#include "llm/llm_offline_plan.h"

/* Fills `out` (result, text, calls, finish; no tokens). Its texts live in `a` or in the plan; the question's
 * pieces are borrowed for as long.
 * Errors: ERR_INVALID: the transcript or the state does not read. */
MUST_USE int offline_answer(const struct offline_plan *plan, struct arena *a, const struct llm_question *q,
                            struct llm_answer *out, struct err *e);

#endif
