/* tool_recorded: answers from a file instead of from a backend, for tests: lines of {"tool","args","class","answer"}.
 *
 * The line with the tool's name and the same arguments (as canonical JSON) answers; `class` is ok where it says nothing, and
 * `answer` is what the backend would have said, before the projection. Without such a line the call is invalid. */
#ifndef APP_TOOL_RECORDED_H
#define APP_TOOL_RECORDED_H

#include "app/tool_run.h"

/* The outcome lives in the arena. */
struct plan_outcome tool_recorded(struct arena *a, const struct tool_port *port, const struct tool_request *rq,
                                  const struct plan_task *task);

#endif
