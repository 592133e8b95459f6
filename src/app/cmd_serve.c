#include "app/command.h"
#include "app/house.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void on_signal(void *arg, int signal)
{
    struct house *h = arg;
    api_stopping(h->api);
    loop_stop(h->loop);
}

/* Run by the loop: who reads this line may send a signal, and by now that is heard. */
static void announce(void *arg)
{
    struct house *h = arg;
    struct str url = house_url(h->arena, h);
    printf("candor serves %.*s at %.*s\n", STR_ARG(h->agent->name), STR_ARG(url));
    fflush(stdout);
    log_write(LOG_INFO, "server.started", LOG_STR("url", url), LOG_STR("agent", h->agent->name),
              LOG_STR("agent_sha", h->agent->sha_hex), LOG_STR("model", llm_model(h->llm)),
              LOG_INT("taken_up", (int64_t)h->taken_up), LOG_END);
}

int cmd_serve(struct command_context *c)
{
    struct house h = {.arena = c->arena};
    int64_t port;
    int r = command_settings(c, &h.settings);
    if (r)
        return r;
    const char *given = command_option(c, "--port", NULL);
    if (given && (str_int(str_of(given), &port) < 0 || port < 0 || port > 65535))
        return command_usage(c, "--port %s: a port is a number from 0 to 65535", given);
    if (given)
        h.settings.port = (int)port;
    r = house_open(&h, c->err);
    if (r == 0) {
        loop_post(h.loop, announce, &h);
        loop_run(h.loop, on_signal, &h);
        log_write(LOG_INFO, "server.stopping", LOG_END);
    }
    house_close(&h);
    return r;
}
