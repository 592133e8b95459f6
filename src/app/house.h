/* house: the parts of a running Candor put together: loop, store, model, runner, API.
 *
 * Used by `serve` and by whatever else answers customers. Made and freed in one order; nothing outlives it. */
#ifndef APP_HOUSE_H
#define APP_HOUSE_H

#include "app/api.h"
#include "app/outbox.h"
#include "app/tool_run.h"

struct house {
    struct settings settings;
    struct arena *arena;
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct llm *llm;
    struct runner *runner;
    struct feed *feed;
    struct outbox *outbox; /* NULL without a push channel */
    struct api *api;
    struct server *server;
    struct library *documents;
    struct children *children;
    struct tool_port tools;
    const struct agent *agent;
    size_t taken_up; /* unfinished conversations of an earlier process */
};

/* Opens everything and listens. `h` starts zeroed but for settings and arena; free it also after an error. */
MUST_USE int house_open(struct house *h, struct err *e);
/* Refuses new work, lets the store finish what is queued, closes everything. */
void house_close(struct house *h);

/* The server's base URL: "http://127.0.0.1:8080". */
struct str house_url(struct arena *a, const struct house *h);

#endif
