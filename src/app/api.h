/* api: the HTTP API and the pages. docs/API.md is its contract; the table of routes in api.c is its code. */
#ifndef APP_API_H
#define APP_API_H

#include "app/feed.h"
#include "app/session.h"
#include "app/settings.h"
#include "engine/runner.h"
#include "net/client.h"

struct api;

struct api_config {
    const struct settings *settings;
    struct sessions sessions;
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct llm *llm;
    struct runner *runner;
    struct feed *feed;
    const struct agent *agent; /* who answers new conversations */
};

struct api *api_new(const struct api_config *config);
void api_free(struct api *api);

/* Has the form of server_fn; `arg` is a struct api. */
void api_handle(struct request *r, void *arg);

/* From now on /readyz answers 503 and new messages are refused: the process is going down. */
void api_stopping(struct api *api);

#endif
