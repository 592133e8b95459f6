#include "net/client.h"

#include "base/fault.h"
#include "net/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPARE_CALLS_MAX = 256,
    CONNECTIONS_KEPT_MIN = 64,
    /* curl's receive buffer, one for each open call: what comes at once is handed on at once, unless many wait. */
    FEW_CALLS = 256,
    BUFFER_BYTES_FEW = 8 * 1024,
    BUFFER_BYTES_MANY = 1024,
};

STAILQ_HEAD(call_queue, client_call);
TAILQ_HEAD(call_list, client_call);

struct watched {
    struct event event;
    struct client *client;
    struct watched *next_dead;
};

struct client {
    struct event_base *base;
    CURLM *multi;
    struct event timer;
    struct call_list open, spare;
    struct call_queue later; /* to be added, removed or trimmed once curl has returned */
    struct watched *dead;
    const struct address_range *ranges; /* of client_allow */
    size_t ranges_n;
    int open_n, spare_n, connections_kept;
    bool inside; /* in a call of curl, which must not be entered twice */
};

/* Does with the call, once curl has returned, what its fields ask for. */
static void queue(struct client_call *call)
{
    if (call->is_queued)
        return;
    call->is_queued = true;
    STAILQ_INSERT_TAIL(&call->client->later, call, queued);
}

/* ---- sockets and the loop ----------------------------------------------------------------------- */

static void settle(struct client *c);

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct watched *w = arg;
    struct client *c = w->client;
    int ready = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;
    c->inside = true;
    curl_multi_socket_action(c->multi, fd, ready, &running);
    c->inside = false;
    settle(c);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    int running;
    c->inside = true;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    c->inside = false;
    settle(c);
}

/* curl wants a socket watched, otherwise watched or no longer watched. */
static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct client *c = arg;
    struct watched *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (!w)
            return 0;
        event_del(&w->event);
        w->next_dead = c->dead; /* on_socket may be running for it */
        c->dead = w;
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = mem_get(sizeof *w);
        *w = (struct watched){.client = c};
        curl_multi_assign(c->multi, fd, w);
    } else {
        event_del(&w->event);
    }
    short kind = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    event_assign(&w->event, c->base, fd, kind, on_socket, w);
    event_add(&w->event, NULL);

    struct client_call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    if (call && what == CURL_POLL_IN && call->phase == WAITING && !call->sent_all) {
        call->sent_all = true;
        queue(call);
    }
    return 0;
}

static int on_timer_wish(CURLM *multi, long wait_ms, void *arg)
{
    struct client *c = arg;
    if (wait_ms < 0) {
        evtimer_del(&c->timer);
        return 0;
    }
    struct timeval tv = {wait_ms / 1000, wait_ms % 1000 * 1000};
    evtimer_add(&c->timer, &tv);
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static void on_due(evutil_socket_t fd, short what, void *arg);

static struct client_call *call_new(struct client *c)
{
    struct client_call *call = TAILQ_FIRST(&c->spare);
    if (call) {
        TAILQ_REMOVE(&c->spare, call, link);
        c->spare_n--;
        return call;
    }
    call = mem_get(sizeof *call);
    *call = (struct client_call){.client = c, .easy = curl_easy_init()};
    call_set_up(call);
    return call;
}

/* Gives back what the call alone needed; never while curl is running. */
static void call_free(struct client_call *call)
{
    struct client *c = call->client;
    if (call->added)
        curl_multi_remove_handle(c->multi, call->easy);
    evtimer_del(&call->timer);
    TAILQ_REMOVE(&c->open, call, link);
    c->open_n--;
    curl_slist_free_all(call->headers);
    free(call->joined);
    buf_free(&call->body);
    if (c->spare_n == SPARE_CALLS_MAX) {
        curl_easy_cleanup(call->easy);
        free(call);
        return;
    }
    TAILQ_INSERT_HEAD(&c->spare, call, link);
    c->spare_n++;
}

static void call_end(struct client_call *call, enum client_end end, const char *why)
{
    struct client_answer answer = {
        .end = end, .status = call->status, .retry_after_ms = call->retry_after_ms, .body = buf_str(&call->body)};
    if (end != CLIENT_DONE) {
        int code = call->verdict == FORBIDDEN ? ERR_DENIED
                   : end == CLIENT_TIMEOUT    ? ERR_TIMEOUT
                   : end == CLIENT_TOO_LARGE  ? ERR_LIMIT
                                              : ERR_IO;
        struct str origin = call_origin(call);
        err_set(&answer.err, code, "%.*s: %s", STR_ARG(origin), why);
    }
    if (call->added)
        curl_multi_remove_handle(call->client->multi, call->easy);
    call->added = false;
    evtimer_del(&call->timer);
    call->verdict = CANCELLED; /* a client_cancel from the callback comes too late and does nothing */
    if (end == CLIENT_DONE)
        fault_point("net.client.done");
    call->hooks.on_done(call->arg, &answer);
    call_free(call);
}

static void call_done(struct client_call *call, CURLcode code)
{
    if (call->verdict == CANCELLED) {
        call_free(call);
        return;
    }
    if (code == CURLE_OK) {
        call_end(call, CLIENT_DONE, NULL);
        return;
    }
    char why[200];
    long error = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
    snprintf(why, sizeof why, "%s%s%s", curl_easy_strerror(code), error ? ": " : "", error ? strerror((int)error) : "");
    if (call->verdict == FORBIDDEN)
        call_end(call, CLIENT_NOT_SENT, "its address is not public, and neither a service nor net.allow names it");
    else if (call->verdict == LARGE)
        call_end(call, CLIENT_TOO_LARGE, "the answer is larger than allowed");
    else if (call->verdict == WOULD_REPEAT)
        call_end(call, CLIENT_LOST, "the kept connection was closed while the request was on its way");
    else
        call_end(call, call_nothing_sent(call) ? CLIENT_NOT_SENT : CLIENT_LOST, why);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct client_call *call = arg;
    int64_t now = call_now_ms(), due = call_due_ms(call);
    if (due > now) {
        call->due_ms = due;
        struct timeval tv = {(due - now) / 1000, (due - now) % 1000 * 1000};
        evtimer_add(&call->timer, &tv);
        return;
    }
    char why[100];
    bool total = now - call->started_ms >= call->total_ms;
    snprintf(why, sizeof why, "%s within %d ms",
             total                       ? "no whole answer"
             : call->phase == CONNECTING ? "no connection"
             : call->phase == WAITING    ? "no answer"
                                         : "no further byte",
             total                       ? call->total_ms
             : call->phase == CONNECTING ? call->connect_ms
             : call->phase == WAITING    ? call->first_byte_ms
                                         : call->idle_ms);
    struct client *c = call->client;
    call_end(call, call->phase == CONNECTING ? CLIENT_NOT_SENT : CLIENT_TIMEOUT, why);
    settle(c);
}

static void call_add(struct client_call *call)
{
    struct client *c = call->client;
    if (c->open_n > c->connections_kept) {
        c->connections_kept = c->open_n * 2;
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->connections_kept);
    }
    fault_point("net.client.send");
    call->added = true;
    curl_multi_add_handle(c->multi, call->easy);
}

static void dead_free(struct client *c)
{
    while (c->dead) {
        struct watched *w = c->dead;
        c->dead = w->next_dead;
        free(w);
    }
}

static void settle(struct client *c)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(c->multi, &left))) {
        struct client_call *call = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (call->is_queued) {
            STAILQ_REMOVE(&c->later, call, client_call, queued);
            call->is_queued = false;
        }
        call_done(call, code);
    }
    struct client_call *call;
    while ((call = STAILQ_FIRST(&c->later))) {
        STAILQ_REMOVE_HEAD(&c->later, queued);
        call->is_queued = false;
        if (call->verdict == CANCELLED)
            call_free(call);
        else if (!call->added)
            call_add(call);
        else
            call_trim(call);
    }
    dead_free(c);
}

/* ---- requests ----------------------------------------------------------------------------------- */

static int or_default(int ms, int otherwise)
{
    return ms ? ms : otherwise;
}

struct client_call *client_send(struct client *c, const struct client_request *q, const struct client_hooks *hooks,
                                void *arg)
{
    struct client_call *call = call_new(c);
    CURL *easy = call->easy;
    *call = (struct client_call){
        .client = c,
        .easy = easy,
        .hooks = *hooks,
        .arg = arg,
        .connect_ms = or_default(q->connect_ms, 5000),
        .first_byte_ms = or_default(q->first_byte_ms, 30000),
        .idle_ms = or_default(q->idle_ms, 30000),
        .total_ms = or_default(q->total_ms, 120000),
        .answer_bytes_max = q->answer_bytes_max ? q->answer_bytes_max : 8 << 20,
        .retry_after_ms = -1,
        .ranges = c->ranges,
        .ranges_n = c->ranges_n,
        .public_only = q->public_only,
    };
    call->body = buf_new(NULL, call->answer_bytes_max);
    for (int i = 0; i < CLIENT_PARTS_MAX; i++)
        if (q->parts[i].n) {
            call->parts[call->parts_n++] = q->parts[i];
            call->whole += q->parts[i].n;
        }
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)(c->open_n < FEW_CALLS ? BUFFER_BYTES_FEW : BUFFER_BYTES_MANY));
    call_ask(call, q);

    TAILQ_INSERT_TAIL(&c->open, call, link);
    c->open_n++;
    evtimer_assign(&call->timer, c->base, on_due, call);
    call->started_ms = call_now_ms();
    call_progress(call, CONNECTING);
    if (c->inside)
        queue(call);
    else
        call_add(call);
    return call;
}

void client_allow(struct client *c, const struct address_range *ranges, size_t n)
{
    c->ranges = ranges;
    c->ranges_n = n;
}

void client_cancel(struct client_call *call)
{
    if (call->verdict == CANCELLED)
        return;
    call->verdict = CANCELLED;
    evtimer_del(&call->timer);
    if (call->client->inside) {
        queue(call);
        return;
    }
    if (call->is_queued)
        STAILQ_REMOVE(&call->client->later, call, client_call, queued);
    call_free(call);
}

int client_new(struct loop *l, struct client **out, struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_IO, "libcurl cannot be started");
    struct client *c = mem_get(sizeof *c);
    *c = (struct client){.base = loop_base(l), .multi = curl_multi_init(), .connections_kept = CONNECTIONS_KEPT_MIN};
    if (!c->multi) {
        free(c);
        return err_set(e, ERR_IO, "libcurl cannot be started");
    }
    TAILQ_INIT(&c->open);
    TAILQ_INIT(&c->spare);
    STAILQ_INIT(&c->later);
    evtimer_assign(&c->timer, c->base, on_time, c);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_watch);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->connections_kept);
    *out = c;
    return 0;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    struct client_call *call;
    while ((call = TAILQ_FIRST(&c->open)))
        call_free(call);
    while ((call = TAILQ_FIRST(&c->spare))) {
        TAILQ_REMOVE(&c->spare, call, link);
        curl_easy_cleanup(call->easy);
        free(call);
    }
    curl_multi_cleanup(c->multi);
    evtimer_del(&c->timer);
    dead_free(c);
    free(c);
    curl_global_cleanup();
}
