/* llm_offline: the embedded provider. It is not a language model.
 *
 * It follows the structured steps of the agent's routine and reads the customer's words with phrases and closed
 * vocabularies in English, Portuguese and Spanish; what it says are the agent's macros, filled. So an agent can be
 * run, tested, killed and measured without a key, a server or a network, and gives the same answer every time. It
 * understands nothing that no routine and no phrase foresees: then it asks once what is meant, and hands over to a
 * person. How it reads, and what it cannot read: docs/OFFLINE.md.
 *
 * The prompt is its only input (docs/PROMPT.md); of the agent it knows what the shared part says, and reads that
 * once. An answer never fails for the customer's words; it fails for a prompt that does not read (ERR_INVALID, not
 * retryable). The words come as several deltas, a few words each, on the loop. Tokens are estimates. */
#ifndef LLM_LLM_OFFLINE_H
#define LLM_LLM_OFFLINE_H

#include "llm/llm_provider.h"

/* Nothing in config matters here. Errors: none today. */
MUST_USE int llm_offline_new(struct loop *l, const struct llm_config *config, struct llm_provider **out, struct err *e);

#endif
