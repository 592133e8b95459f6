#include "talk.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 24, REQUEST_BYTES = 1024 };

struct talk {
    const struct talk_world *world;
    const char *customer;
    struct wire *stream, *post;
    char id[ID_BYTES];
    int number, turn, lines; /* conversation of this talk, line being said, lines to say */
    int64_t said_us;
    bool acknowledged, done, acted;
};

static void fail(const char *what, int status, struct str body)
{
    fprintf(stderr, "load: %s: %d %.*s\n", what, status, STR_ARG(body));
    exit(1);
}

static void post(struct talk *t, const char *path, const char *key, const char *body,
                 void (*on_answer)(void *arg, int status, struct str body))
{
    char request[REQUEST_BYTES];
    int n = snprintf(request, sizeof request,
                     "POST /v1/conversations%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                     "Idempotency-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     path, t->world->token, key, strlen(body), body);
    wire_ask(t->post, (struct str){request, (size_t)n}, on_answer);
}

static void line_over(struct talk *t)
{
    if (!t->acknowledged || !t->done)
        return;
    t->acknowledged = t->done = false;
    t->world->on_turn(t->world->arg, clock_mono_us() - t->said_us);
    if (++t->turn < t->lines)
        talk_say(t, t->world->words[t->turn]);
    else
        t->world->on_end(t->world->arg, t, t->acted);
}

static void on_events(void *arg, struct str events)
{
    struct talk *t = arg;
    if (str_has(events, STR("event: action\n")) && str_has(events, STR("\"outcome\":\"ok\"")))
        t->acted = true;
    if (str_has(events, STR("\"state\":\"done\"")))
        t->done = true;
    line_over(t);
}

static void follow(struct talk *t)
{
    char request[REQUEST_BYTES];
    int n = snprintf(request, sizeof request,
                     "GET /v1/conversations/%s/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                     "Accept: text/event-stream\r\n\r\n",
                     t->id, t->world->token);
    wire_follow(t->stream, (struct str){request, (size_t)n}, on_events);
}

static void on_opened(void *arg, int status, struct str body)
{
    struct talk *t = arg;
    struct str key = STR("\"id\":\""), rest, id;
    ptrdiff_t at = str_find(body, key);
    if (status != 201 || at < 0)
        fail("opening a conversation", status, body);
    rest = str_from(body, (size_t)at + key.n);
    str_split(&rest, '"', &id);
    snprintf(t->id, sizeof t->id, "%.*s", STR_ARG(id));
    follow(t);
    talk_say(t, t->world->words[0]);
}

static void on_acknowledged(void *arg, int status, struct str body)
{
    struct talk *t = arg;
    if (status != 202)
        fail("saying a line", status, body);
    t->acknowledged = true;
    if (t->world->frugal)
        wire_close(t->post);
    t->world->on_said(t->world->arg);
    line_over(t);
}

void talk_say(struct talk *t, const char *text)
{
    char path[ID_BYTES + 16], key[80], body[256];
    snprintf(body, sizeof body, "{\"text\":\"%s\"}", text);
    snprintf(path, sizeof path, "/%s/messages", t->id);
    snprintf(key, sizeof key, "%s-%d", t->world->run, t->turn);
    t->said_us = clock_mono_us();
    post(t, path, key, body, on_acknowledged);
}

void talk_start(struct talk *t, int lines)
{
    char key[80], body[256];
    t->turn = 0;
    t->lines = lines;
    t->acknowledged = t->done = t->acted = false;
    snprintf(body, sizeof body, "{\"customer\":\"%s\",\"locale\":\"en\"}", t->customer);
    snprintf(key, sizeof key, "%s-%p-%d", t->world->run, (void *)t, ++t->number);
    post(t, "", key, body, on_opened);
}

void talk_stop(struct talk *t)
{
    wire_close(t->stream);
}

struct talk *talk_new(const struct talk_world *world, const char *customer)
{
    struct talk *t = mem_get(sizeof *t);
    *t = (struct talk){.world = world, .customer = customer};
    t->stream = wire_new(world->wires, t);
    t->post = wire_new(world->wires, t);
    return t;
}

void talk_free(struct talk *t)
{
    wire_free(t->stream);
    wire_free(t->post);
    free(t);
}
