/* tool_try: `candor tool try`: one call of a tool, as an agent would make it, shown in four forms.
 *
 * raw: what the backends answered, request by request; projected: what the model sees; masked: arguments and result for
 * those who need not know all (audit.mask); audited: what the journal keeps. Secrets stand in none of them. Nothing is
 * written to the store. An action is run only with --yes, under a key of its own. */
#ifndef APP_TOOL_TRY_H
#define APP_TOOL_TRY_H

#include "app/command.h"

/* argv[1] is the tool's name. Exit status 0: ok or already_done; 1: another class; 3: no answer came. */
int tool_try(struct command_context *c);

#endif
