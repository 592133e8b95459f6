/* prompt: what of an agent version stands in every prompt, and which module wrote each byte of it (docs/PROMPT.md, 1, 2). */
#ifndef ENGINE_PROMPT_H
#define ENGINE_PROMPT_H

#include "engine/agent.h"

/* Writes ag->tools_json, ag->shared, ag->prefix and ag->spans from its modules, tools, macros and slots. Errors: ERR_LIMIT (over
 * 4 MiB). */
MUST_USE int prompt_compile(struct agent *ag, struct err *e);

#endif
