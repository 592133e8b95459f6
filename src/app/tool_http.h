/* tool_http: makes the requests of tools, through net/client.
 *
 * One function for reads and actions. A read that failed before anything was sent, or with 429 or 503, is tried again
 * twice. An action is tried again only by the engine, under its key; from the second attempt on it first asks the backend
 * what became of the key where the tool declares how (`reconcile`). */
#ifndef APP_TOOL_HTTP_H
#define APP_TOOL_HTTP_H

#include "engine/tool.h"
#include "net/client.h"

struct tool_http_port {
    struct loop *loop;
    struct client *client;
    const struct json *services; /* name -> base URL; borrowed */
};

/* Has the form of runner_ports.tool; `arg` is a struct tool_http_port. */
void tool_http_call(void *arg, const struct tool_request *rq,
                    void (*done)(void *done_arg, const struct tool_answer *answer), void *done_arg);

#endif
