/* show_prompt: what the model was asked at one call, made again from the journal, and who wrote which bytes of it. */
#ifndef APP_SHOW_PROMPT_H
#define APP_SHOW_PROMPT_H

#include "app/command.h"

/* `candor show prompt CONVERSATION --call N [--json|--raw|--spans]`. Gives 1 when the bytes are not those that were asked. */
MUST_USE int show_prompt(struct command_context *c, const struct settings *s);

#endif
