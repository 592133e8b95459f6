#include "app/house.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/published.h"
#include "engine/variant.h"

#include <string.h>

enum {
    DRAIN_US = 2000000,
    BODY_BYTES_MAX = 160 << 10 /* the longest message is 120 KB when all of it is escaped surrogate pairs */
};

static void post_to_loop(void *loop, void (*fn)(void *), void *arg)
{
    loop_post(loop, fn, arg);
}

static void after(void *arg, int64_t delay_ms, void (*fn)(void *), void *x)
{
    struct house *h = arg;
    loop_after(h->loop, delay_ms, fn, x);
}

static void call_tool(void *arg, const struct tool_request *rq, void (*done)(void *, const struct tool_answer *),
                      void *done_arg)
{
    struct house *h = arg;
    tool_run(&h->tools, rq, done, done_arg);
}

static bool says_something(const struct event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (events[i].kind == EVENT_REPLY_SENT || events[i].kind == EVENT_HUMAN_MESSAGE)
            return true;
    return false;
}

static void notify(void *arg, const struct conversation *c, const struct event *events, size_t n)
{
    struct house *h = arg;
    if (h->feed)
        feed_notify(h->feed, c->id, events, n);
    if (h->outbox && str_starts(c->channel, STR("push:")) && says_something(events, n))
        outbox_wake(h->outbox);
}

static void draft(void *arg, int64_t conversation, struct str words)
{
    struct house *h = arg;
    if (h->feed)
        feed_draft(h->feed, conversation, words);
}

static int open_store(struct house *h, struct err *e)
{
    struct store_config config = {
        .path = str_c(h->arena, h->settings.store), .post = post_to_loop, .post_arg = h->loop};
    if (settings_data_dir(&h->settings, e) < 0)
        return ERR_IO;
    return store_open(&config, &h->store, e);
}

static int open_agent(struct house *h, struct err *e)
{
    struct str bundle;
    struct agent *agent;
    if (!h->settings.agent.n)
        return err_set(e, ERR_INVALID, "candor.yaml names no agent; add `agent: NAME`");
    struct published published = {.store = h->store};
    if (published_bundle(&published, h->arena, str_c(h->arena, h->settings.dir), h->settings.agent, &bundle, e) < 0 ||
        variant_bundle(h->arena, bundle, h->settings.model, &bundle, e) < 0 || agent_new(bundle, &agent, e) < 0)
        return e->code;
    if (runner_agent(h->runner, agent, e) < 0) {
        agent_free(agent);
        return ERR_IO;
    }
    h->agent = agent;
    return library_prepare(h->documents, agent, e);
}

static int open_runner(struct house *h, struct err *e)
{
    struct runner_config config = {
        .store = h->store,
        .llm = h->llm,
        .ports = {.arg = h, .tool = call_tool, .after = after, .notify = notify, .draft = draft},
        .cache_bytes = (size_t)h->settings.cache_bytes,
        .leased = true,
    };
    h->documents = library_new(str_c(h->arena, h->settings.dir));
    h->children = children_new(h->loop);
    h->tools =
        (struct tool_port){.loop = h->loop, .client = h->client, .children = h->children, .documents = h->documents};
    int r = settings_tool_world(h->arena, &h->settings, &h->tools.world, e);
    if (r < 0)
        return r;
    client_allow(h->client, h->settings.ranges, h->settings.ranges_n);
    return runner_new(&config, &h->runner, e);
}

static int open_server(struct house *h, struct err *e)
{
    struct api_config api = {.settings = &h->settings,
                             .loop = h->loop,
                             .client = h->client,
                             .store = h->store,
                             .llm = h->llm,
                             .runner = h->runner,
                             .feed = h->feed,
                             .agent = h->agent};
    if (sessions_load(h->arena, str_f(h->arena, "%.*s/data", STR_ARG(h->settings.dir)).p, &api.sessions, e) < 0)
        return e->code;
    h->api = api_new(&api);
    struct server_config config = {
        .address = str_c(h->arena, h->settings.address), .port = h->settings.port, .body_bytes_max = BODY_BYTES_MAX};
    if (server_new(h->loop, &config, api_handle, h->api, &h->server, e) < 0)
        return e->code == ERR_BUSY ? err_set(e, ERR_BUSY, "port %d of %s is in use; choose another one with --port",
                                             h->settings.port, config.address)
                                   : e->code;
    store_address_set(h->store, house_url(h->arena, h).p);
    return 0;
}

int house_open(struct house *h, struct err *e)
{
    if (loop_new(&h->loop, e) < 0 || client_new(h->loop, &h->client, e) < 0 || open_store(h, e) < 0 ||
        llm_new(h->loop, h->client, &h->settings.llm, &h->llm, e) < 0 || open_runner(h, e) < 0 || open_agent(h, e) < 0)
        return e->code;
    h->feed = feed_new(h->loop, h->store);
    if (h->settings.push_url.n)
        h->outbox = outbox_new(h->loop, h->client, h->store, h->runner, h->settings.push_url);
    if (open_server(h, e) < 0 || runner_resume(h->runner, &h->taken_up, e) < 0)
        return e->code;
    if (h->outbox)
        outbox_wake(h->outbox);
    return 0;
}

void house_close(struct house *h)
{
    if (h->api)
        api_stopping(h->api);
    if (h->feed)
        feed_drain(h->feed);
    if (h->server)
        server_drain(h->server);
    int64_t until_us = clock_mono_us() + DRAIN_US;
    while (h->server && server_open(h->server) && clock_mono_us() < until_us)
        loop_once(h->loop, 50); /* answers that are due go out */
    if (h->runner)
        runner_stop(h->runner);
    while (h->runner && !runner_stopped(h->runner))
        loop_once(h->loop, 50); /* the store always answers */
    if (h->store)
        store_close(h->store);
    runner_free(h->runner);
    outbox_free(h->outbox);
    if (h->feed)
        feed_free(h->feed);
    if (h->server)
        server_free(h->server);
    if (h->api)
        api_free(h->api);
    llm_free(h->llm);
    client_free(h->client);
    children_free(h->children);
    library_free(h->documents);
    loop_free(h->loop);
}

struct str house_url(struct arena *a, const struct house *h)
{
    return str_f(a, "http://%.*s:%d", STR_ARG(h->settings.address), server_port(h->server));
}
