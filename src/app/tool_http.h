/* tool_http: the HTTP adapter of tools: one request of a call, through net/client. Redirects are not followed: a 3xx is an
 * unknown outcome unless the tool's `errors` say otherwise. */
#ifndef APP_TOOL_HTTP_H
#define APP_TOOL_HTTP_H

#include "app/tool_run.h"

/* Sends task->http. `done` is called once, from the loop; the outcome lives in the arena. */
void tool_http_send(struct tool_port *port, struct arena *a, const struct tool_request *rq,
                    const struct plan_task *task, void (*done)(void *arg, const struct plan_outcome *outcome),
                    void *arg);

#endif
