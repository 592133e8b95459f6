/* lint: can an agent do what its files say? What names something names something that is there; what is a condition parses;
 * what is a number is one. An agent that would come to a hole in the middle of a conversation is refused when it is loaded. */
#ifndef ENGINE_LINT_H
#define ENGINE_LINT_H

#include "engine/agent.h"

/* `bundle`: the parsed bundle that `ag` is being made from; its tools, macros and slots are read already.
 * Errors: ERR_INVALID with "file: ..." as the workspace has it. */
MUST_USE int lint_agent(const struct agent *ag, const struct json *bundle, struct err *e);

#endif
