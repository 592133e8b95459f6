/* tool_command: the adapter of tools that are programs of the operator: one JSON object in, one JSON value out, through
 * net/child. What is told to the program and how its exit status is read is in docs/WORKSPACE.md. */
#ifndef APP_TOOL_COMMAND_H
#define APP_TOOL_COMMAND_H

#include "app/tool_run.h"

/* Runs task->command. `done` is called once, from the loop; the outcome lives in the arena. */
void tool_command_run(struct tool_port *port, struct arena *a, const struct tool_request *rq,
                      const struct plan_task *task, void (*done)(void *arg, const struct plan_outcome *outcome),
                      void *arg);

#endif
