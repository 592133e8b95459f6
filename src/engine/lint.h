/* lint: can an agent do what its files say? What names something names something that is there; what is a condition
 * parses; every text of a macro can be filled. An agent that would come to a hole in the middle of a conversation is
 * refused when its workspace is read.
 *
 * What is in the store already was looked at by the rules of its day: a version that is recalled is not looked at
 * again, since a rule that became stricter would strand the conversations that it leads. */
#ifndef ENGINE_LINT_H
#define ENGINE_LINT_H

#include "engine/agent.h"

/* `all`: agent and modules as a bundle has them, but read from the files, with lines; `ag` is compiled from it. `dir`
 * is the workspace. Errors: ERR_INVALID with "dir/file:line: ...". */
MUST_USE int lint_agent(const struct agent *ag, const struct json *all, const char *dir, struct err *e);

#endif
