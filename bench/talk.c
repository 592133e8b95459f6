#include "talk.h"

#include "base/clock.h"
#include "base/json.h"
#include "net/sse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_BYTES = 24, BODY_BYTES = 256, URL_BYTES = 160, HOUR_MS = 3600 * 1000 };

struct talk {
    const struct talk_world *world;
    const char *customer;
    struct client_call *stream, *post;
    struct sse sse;
    char id[ID_BYTES], body[BODY_BYTES];
    int number, turn, lines; /* conversation of this talk, line being said, lines to say */
    int64_t said_us;
    bool acknowledged, done, acted, reading;
};

static const struct client_hooks on_posted_opening, on_posted_message, on_streamed;

static void fail(struct talk *t, const char *what, const struct client_answer *answer)
{
    char why[800];
    snprintf(why, sizeof why, "%s: status %d, %s%.*s", what, answer->status, answer->err.text,
             answer->body.n < 200 ? (int)answer->body.n : 200, answer->body.p ? answer->body.p : "");
    t->world->on_error(t->world->arg, why);
}

static struct client_call *send_it(struct talk *t, const char *path, const char *key, const struct client_hooks *hooks)
{
    char url[URL_BYTES], key_header[100];
    snprintf(url, sizeof url, "%s/v1/conversations%s", t->world->base_url, path);
    snprintf(key_header, sizeof key_header, "Idempotency-Key: %s", key);
    struct client_request q = {.method = "POST",
                               .url = url,
                               .headers = {t->world->authorization, "Content-Type: application/json", key_header},
                               .parts = {str_of(t->body)},
                               .first_byte_ms = HOUR_MS,
                               .total_ms = HOUR_MS};
    return client_send(t->world->client, &q, hooks, t);
}

/* --- the stream --- */

static void line_over(struct talk *t)
{
    if (!t->acknowledged || !t->done)
        return;
    t->acknowledged = t->done = false;
    t->world->on_turn(t->world->arg, t, t->turn, clock_mono_us() - t->said_us);
    if (++t->turn < t->lines)
        talk_say(t, t->world->words[t->turn]);
    else
        t->world->on_end(t->world->arg, t, t->acted);
}

static bool on_event(void *arg, const struct sse_event *ev)
{
    struct talk *t = arg;
    if (str_is(ev->type, "action") && str_has(ev->data, STR("\"outcome\":\"ok\"")))
        t->acted = true;
    if (str_is(ev->type, "turn") && str_has(ev->data, STR("\"state\":\"done\"")))
        t->done = true;
    return true;
}

static void on_bytes(void *arg, struct str bytes)
{
    struct talk *t = arg;
    struct err e;
    if (sse_feed(&t->sse, bytes, on_event, t, &e) < 0)
        t->world->on_error(t->world->arg, e.text);
    line_over(t);
}

static void on_stream_end(void *arg, const struct client_answer *answer)
{
    struct talk *t = arg;
    t->stream = NULL;
    fail(t, "the stream ended", answer);
}

static void follow(struct talk *t)
{
    char url[URL_BYTES];
    snprintf(url, sizeof url, "%s/v1/conversations/%s/events", t->world->base_url, t->id);
    struct client_request q = {.method = "GET",
                               .url = url,
                               .headers = {t->world->authorization, "Accept: text/event-stream"},
                               .first_byte_ms = HOUR_MS,
                               .idle_ms = HOUR_MS,
                               .total_ms = HOUR_MS,
                               .answer_bytes_max = 64 << 20};
    sse_begin(&t->sse);
    t->reading = true;
    t->stream = client_send(t->world->client, &q, &on_streamed, t);
}

/* --- what is posted --- */

static void on_opened(void *arg, const struct client_answer *answer)
{
    struct talk *t = arg;
    t->post = NULL;
    struct str id = answer->body, key = STR("\"id\":\"");
    ptrdiff_t at = str_find(id, key), end;
    if (answer->end != CLIENT_DONE || answer->status != 201 || at < 0) {
        fail(t, "opening a conversation", answer);
        return;
    }
    id = str_from(id, (size_t)at + key.n);
    end = str_find(id, STR("\""));
    snprintf(t->id, sizeof t->id, "%.*s", (int)end, id.p);
    follow(t);
    talk_say(t, t->world->words[0]);
}

static void on_acknowledged(void *arg, const struct client_answer *answer)
{
    struct talk *t = arg;
    t->post = NULL;
    if (answer->end != CLIENT_DONE || answer->status != 202) {
        fail(t, "saying a line", answer);
        return;
    }
    t->acknowledged = true;
    line_over(t);
}

static const struct client_hooks on_posted_opening = {.on_done = on_opened};
static const struct client_hooks on_posted_message = {.on_done = on_acknowledged};
static const struct client_hooks on_streamed = {.on_data = on_bytes, .on_done = on_stream_end};

void talk_say(struct talk *t, const char *text)
{
    char path[ID_BYTES + 16], key[80];
    snprintf(t->body, sizeof t->body, "{\"text\":\"%s\"}", text);
    snprintf(path, sizeof path, "/%s/messages", t->id);
    snprintf(key, sizeof key, "%s-%d", t->world->run, t->turn);
    t->said_us = clock_mono_us();
    t->post = send_it(t, path, key, &on_posted_message);
}

void talk_start(struct talk *t, int lines)
{
    char key[80];
    t->turn = 0;
    t->lines = lines;
    t->acknowledged = t->done = t->acted = false;
    snprintf(t->body, sizeof t->body, "{\"customer\":\"%s\",\"locale\":\"en\"}", t->customer);
    snprintf(key, sizeof key, "%s-%p-%d", t->world->run, (void *)t, ++t->number);
    t->post = send_it(t, "", key, &on_posted_opening);
}

void talk_stop(struct talk *t)
{
    if (t->stream)
        client_cancel(t->stream);
    if (t->post)
        client_cancel(t->post);
    t->stream = t->post = NULL;
    if (t->reading)
        sse_end(&t->sse);
    t->reading = false;
}

struct talk *talk_new(const struct talk_world *world, const char *customer)
{
    struct talk *t = mem_get(sizeof *t);
    *t = (struct talk){.world = world, .customer = customer};
    return t;
}

void talk_free(struct talk *t)
{
    talk_stop(t);
    free(t);
}
