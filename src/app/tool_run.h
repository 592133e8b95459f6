/* tool_run: runs calls of tools: the thin shell around engine/plan.h.
 *
 * One function for reads and actions. A read is tried again as its `retry` says. An action is tried again only by the engine,
 * under its key. Answers always come later, from the loop. */
#ifndef APP_TOOL_RUN_H
#define APP_TOOL_RUN_H

#include "app/library.h"
#include "engine/plan.h"
#include "net/child.h"
#include "net/client.h"

struct tool_port {
    struct loop *loop;
    struct client *client;
    struct children *children; /* for tools with `command` */
    bool shows_errors;         /* what programs write on stderr is shown, not thrown away */
    struct tool_world world;   /* borrowed */
    struct library *documents; /* for tools with `knowledge` */
    /* Sees what came of each request, also of those that are made again and of tools within the tool; may be NULL. */
    void (*saw)(void *arg, const struct tool_request *rq, const struct plan_task *task,
                const struct plan_outcome *outcome);
    void *saw_arg;
};

/* Has the form of runner_ports.tool; `arg` is a struct tool_port. */
void tool_run(void *arg, const struct tool_request *rq, void (*done)(void *done_arg, const struct tool_answer *answer),
              void *done_arg);

#endif
