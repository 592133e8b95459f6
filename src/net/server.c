#include "net/server.h"

#include "base/clock.h"
#include "net/connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LINGER_MS = 2000, /* how long a refused client may take to read why */
    LINGER_BYTES_MAX = 4 << 20,
    SWEEP_MS = 500,
    LIBEVENT_READ_BYTES = 4096, /* EVBUFFER_MAX_READ: so much came where more may be there */
    BODY_READ_BYTES = 64 * 1024,
    FILES_SPARE = 256 /* descriptors for everything that is not a client */
};

static int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

static struct timeval of_ms(int64_t ms)
{
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* ---- one connection ---------------------------------------------------------------------------- */

static void connection_close(struct connection *c)
{
    evhttp_connection_free(c->evcon); /* comes back in on_close */
}

/* Something is to happen to the connection as soon as nobody is in the middle of using it. */
void connection_doom(struct connection *c, enum fate fate)
{
    if (c->fate != FATE_LIVE)
        return;
    struct server *s = c->server;
    c->fate = fate;
    TAILQ_INSERT_TAIL(&s->fated, c, queued);
    event_active(&s->fated_event, EV_TIMEOUT, 0);
}

static void on_linger_read(struct bufferevent *bev, void *arg)
{
    struct connection *c = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    c->dropped_bytes += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (c->dropped_bytes > LINGER_BYTES_MAX)
        connection_close(c);
}

static void on_linger_event(struct bufferevent *bev, short what, void *arg)
{
    connection_close(arg);
}

/* Says why and closes. A close with unread bytes would reset the connection and could take the answer
 * away from the client, so what still comes is read and dropped for a moment. */
static void connection_refuse(struct connection *c, int status, const char *why)
{
    const struct server_config *config = &c->server->config;
    struct buf *answer = &c->server->scratch, body = buf_new(NULL, 1024);
    size_t most = status == 413 ? config->body_bytes_max : status == 431 ? config->header_bytes_max : 0;
    char limited[160];
    snprintf(limited, sizeof limited, "%s At most %zu bytes.", why, most);
    problem_add(&body, status, most ? limited : why);
    buf_clear(answer);
    buf_addf(answer,
             "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/problem+json\r\n"
             "Content-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n"
             "X-Content-Type-Options: nosniff\r\n\r\n",
             status, status_reason(status), server_date(c->server), body.n);
    buf_add(answer, buf_str(&body));
    buf_free(&body);

    int fd = bufferevent_getfd(c->bev);
    ssize_t sent = send(fd, answer->p, answer->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 || shutdown(fd, SHUT_WR) < 0) {
        connection_close(c);
        return;
    }
    c->lingering = true;
    c->phase_since_ms = now_ms();
    struct timeval patience = of_ms(LINGER_MS);
    bufferevent_setcb(c->bev, on_linger_read, NULL, on_linger_event, c);
    bufferevent_set_timeouts(c->bev, &patience, NULL);
    struct evbuffer *input = bufferevent_get_input(c->bev);
    evbuffer_drain(input, evbuffer_get_length(input));
    bufferevent_enable(c->bev, EV_READ);
}

/* What was already written to a stream that ends without its end goes out if it can at once. */
static void flush(struct connection *c)
{
    struct evbuffer *output = bufferevent_get_output(c->bev);
    if (evbuffer_get_length(output) == 0)
        return;
    evbuffer_unfreeze(output, 1);
    evbuffer_write(output, bufferevent_getfd(c->bev));
    evbuffer_freeze(output, 1);
}

static void on_fated(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct connection *c;
    while ((c = TAILQ_FIRST(&s->fated))) {
        TAILQ_REMOVE(&s->fated, c, queued);
        enum fate fate = c->fate;
        c->fate = FATE_LIVE;
        if (fate == FATE_REFUSE) {
            connection_refuse(c, c->framing.status, c->framing.why);
        } else {
            flush(c);
            connection_close(c);
        }
    }
}

/* The wrong bytes are the next ones to be handled: evhttp must not see them. */
static bool refusal_is_due(const struct connection *c)
{
    return c->framing.status && !c->req && !c->lingering && c->handled == c->framing.messages;
}

/* libevent reads 4 KiB a round, each with a system call that asks how much there is. Of a body whose length is known the
 * rest is read at once; what is added here comes back in on_input. */
static void body_read(struct connection *c, struct evbuffer *input)
{
    uint64_t left = framing_body_left(&c->framing);
    struct evbuffer_iovec room;
    size_t n = left < BODY_READ_BYTES ? (size_t)left : BODY_READ_BYTES;
    if (n == 0 || c->req || evbuffer_reserve_space(input, (ev_ssize_t)n, &room, 1) < 1)
        return;
    ssize_t got = recv(bufferevent_getfd(c->bev), room.iov_base, n < room.iov_len ? n : room.iov_len, MSG_DONTWAIT);
    room.iov_len = got > 0 ? (size_t)got : 0; /* an end or an error is libevent's to see */
    evbuffer_commit_space(input, &room, 1);
}

/* Called inside the read, before evhttp's own callback. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *c = arg;
    if (info->n_added == 0 || c->lingering || c->framing.status)
        return;

    uint64_t messages = c->framing.messages;
    enum framing_phase phase = framing_phase(&c->framing);
    struct evbuffer_iovec pieces[16];
    struct evbuffer_ptr at;
    evbuffer_ptr_set(input, &at, info->orig_size - info->n_deleted, EVBUFFER_PTR_SET);
    for (size_t left = info->n_added; left > 0;) {
        int n = evbuffer_peek(input, (ev_ssize_t)left, &at, pieces, 16);
        size_t seen = 0;
        for (int i = 0; i < n && i < 16 && seen < left; i++) {
            size_t take = pieces[i].iov_len < left - seen ? pieces[i].iov_len : left - seen;
            framing_feed(&c->framing, pieces[i].iov_base, take);
            seen += take;
        }
        left -= seen;
        if (seen == 0 || (left && evbuffer_ptr_set(input, &at, seen, EVBUFFER_PTR_ADD) < 0))
            break;
    }
    if (messages != c->framing.messages || phase != framing_phase(&c->framing))
        c->phase_since_ms = now_ms();
    if (refusal_is_due(c)) {
        bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
        connection_doom(c, FATE_REFUSE);
    } else if (!c->framing.status && info->n_added >= LIBEVENT_READ_BYTES) {
        body_read(c, input);
    }
}

/* evhttp frees the connection after this, whatever the reason. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
    struct connection *c = arg;
    struct server *s = c->server;
    s->by_fd[bufferevent_getfd(c->bev)] = NULL;
    LIST_REMOVE(c, all);
    s->connections_n--;
    if (c->fate != FATE_LIVE)
        TAILQ_REMOVE(&s->fated, c, queued);
    evbuffer_remove_cb(bufferevent_get_input(c->bev), on_input, c);

    struct evhttp_request *req = c->req;
    if (req)
        s->open_n--;
    /* Where the client left while we had the word, evhttp has taken the request off its list: ours to free. */
    bool is_ours = req && !evhttp_request_get_connection(req);
    bool tell = !s->freeing && !c->cut_by_us;
    if (c->request && tell)
        request_gone(c->request);
    if (c->request)
        request_free(c->request);
    if (is_ours)
        evhttp_request_free(req);
    if (c->streaming && c->stream.on_gone && tell)
        c->stream.on_gone(c->stream.arg);
    free(c);
}

static void timeouts_set(struct connection *c, bool reading)
{
    struct timeval idle = {c->server->config.idle_s, 0};
    bufferevent_set_timeouts(c->bev, reading ? &idle : NULL, &idle);
}

/* The answer went out in full; evhttp is about to wait for the next request. */
static void on_complete(struct evhttp_request *req, void *arg)
{
    struct connection *c = arg;
    c->req = NULL;
    c->server->open_n--;
    if (c->streaming) { /* closed by us; evhttp closes the connection now */
        c->streaming = false;
        return;
    }
    c->phase_since_ms = now_ms();
    timeouts_set(c, true);
    bufferevent_setwatermark(c->bev, EV_READ, 0, 0);
    if (refusal_is_due(c))
        connection_doom(c, FATE_REFUSE);
}

static void on_left(struct bufferevent *bev, short what, void *arg)
{
    connection_close(arg);
}

/* From now on the connection belongs to the answer being written. */
void connection_answering(struct connection *c)
{
    bufferevent_disable(c->bev, EV_READ);
}

/* What was written leaves at the end of this round. A socket nearly always has room; to ask epoll first, and to tell it
 * afterwards that all is written, would be two system calls and another round for every answer and event. */
void connection_push(struct connection *c)
{
    struct event *write = &c->bev->ev_write;
    if (c->fate == FATE_LIVE && event_pending(write, EV_WRITE, NULL))
        event_active(write, EV_WRITE, 0);
}

/* The request waits. A client that closes is noticed; one that sends more is read to a bound. Whoever
 * only shuts its sending side down counts as gone, as with other servers. */
void connection_await(struct connection *c)
{
    bufferevent_setcb(c->bev, NULL, NULL, on_left, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, PIPELINED_BYTES_MAX);
    timeouts_set(c, false);
    bufferevent_enable(c->bev, EV_READ);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct server *s = arg;
    struct connection *c = s->by_fd[bufferevent_getfd(evhttp_connection_get_bufferevent(req->evcon))];
    c->handled++;
    c->req = req;
    s->open_n++;
    bufferevent_disable(c->bev, EV_READ);
    evhttp_request_set_on_complete_cb(req, on_complete, c);
    c->request = request_new(c, req);
    request_run(c->request);
    if (c->request)
        connection_await(c);
}

/* ---- accepting --------------------------------------------------------------------------------- */

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct server *s = arg;
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
    if (!bev)
        return NULL;
    struct connection *c = mem_get(sizeof *c);
    *c = (struct connection){.server = s, .bev = bev};
    framing_begin(&c->framing, s->config.header_bytes_max, s->config.body_bytes_max);
    evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
    LIST_INSERT_HEAD(&s->connections, c, all);
    TAILQ_INSERT_TAIL(&s->newborn, c, queued);
    s->connections_n++;
    event_active(&s->newborn_event, EV_TIMEOUT, 0);
    return bev;
}

/* evhttp makes its side of the connection right after on_accept, and this runs before the loop looks at
 * the socket for the first time. */
static void on_newborn(evutil_socket_t unused, short what, void *arg)
{
    struct server *s = arg;
    struct connection *c;
    while ((c = TAILQ_FIRST(&s->newborn))) {
        TAILQ_REMOVE(&s->newborn, c, queued);
        void *evcon;
        bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
        c->evcon = evcon;
        evhttp_connection_set_closecb(c->evcon, on_close, c);

        size_t fd = (size_t)bufferevent_getfd(c->bev);
        if (fd >= s->by_fd_n) {
            s->by_fd_n = fd * 2 < 256 ? 256 : fd * 2;
            s->by_fd = mem_resize(s->by_fd, s->by_fd_n * sizeof *s->by_fd);
        }
        s->by_fd[fd] = c;
        if (s->connections_n > s->config.connections_max)
            connection_refuse(c, 503, "Too many connections; try again in a moment.");
    }
}

/* Out of descriptors: asking again at once would spin. on_sweep lets it try again; libevent calls this with evhttp's
 * argument and not with ours. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    evconnlistener_disable(listener);
}

/* Clients that send their request too slowly, and refused ones that do not leave. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    struct connection *c, *next;
    int64_t now = now_ms();
    if (s->bound)
        evconnlistener_enable(evhttp_bound_socket_get_listener(s->bound));
    for (c = LIST_FIRST(&s->connections); c; c = next) {
        next = LIST_NEXT(c, all);
        if (c->req || c->fate != FATE_LIVE || !c->evcon)
            continue;
        int64_t waited_ms = now - c->phase_since_ms;
        enum framing_phase phase = framing_phase(&c->framing);
        if (c->lingering && waited_ms > LINGER_MS)
            connection_close(c);
        else if (!c->lingering && ((phase == FRAMING_HEAD && waited_ms > s->config.head_s * 1000) ||
                                   (phase == FRAMING_BODY && waited_ms > s->config.idle_s * 1000)))
            connection_refuse(c, 408, "The request did not come in time.");
    }
}

/* ---- the server -------------------------------------------------------------------------------- */

const char *server_date(struct server *s)
{
    int64_t now_s = clock_now_us() / 1000000;
    if (now_s != s->date_s) {
        time_t t = (time_t)now_s;
        struct tm utc;
        gmtime_r(&t, &utc);
        strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        s->date_s = now_s;
    }
    return s->date;
}

static int listener_new(struct server *s, struct evconnlistener **out, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE}, *found;
    char port[8];
    snprintf(port, sizeof port, "%d", s->config.port);
    if (getaddrinfo(s->address, port, &hints, &found) != 0)
        return err_set(e, ERR_INVALID, "%s is not an IP address to listen on", s->address);
    unsigned flags = LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE;
    errno = 0;
    *out = evconnlistener_new_bind(s->base, NULL, NULL, flags, 4096, found->ai_addr, (int)found->ai_addrlen);
    int error = errno;
    freeaddrinfo(found);
    if (!*out)
        return err_set(e, error == EADDRINUSE ? ERR_BUSY : ERR_IO, "cannot listen on %s port %d: %s", s->address,
                       s->config.port, strerror(error));

    int fd = evconnlistener_get_fd(*out), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    struct sockaddr_storage bound;
    socklen_t n = sizeof bound;
    getsockname(fd, (struct sockaddr *)&bound, &n);
    s->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                : ((struct sockaddr_in *)&bound)->sin_port);
    return 0;
}

static void config_fill(struct server *s, const struct server_config *config)
{
    struct server_config *c = &s->config;
    *c = *config;
    snprintf(s->address, sizeof s->address, "%s", config->address ? config->address : "127.0.0.1");
    c->address = s->address;
    if (!c->header_bytes_max)
        c->header_bytes_max = 16 * 1024;
    if (!c->body_bytes_max)
        c->body_bytes_max = 1024 * 1024;
    if (!c->head_s)
        c->head_s = 10;
    if (!c->idle_s)
        c->idle_s = 60;
    if (!c->connections_max)
        c->connections_max = 20000;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < (rlim_t)c->connections_max + FILES_SPARE)
        c->connections_max = files.rlim_cur > 2 * FILES_SPARE ? (int)files.rlim_cur - FILES_SPARE : FILES_SPARE;
}

static void http_set_up(struct server *s)
{
    evhttp_set_bevcb(s->http, on_accept, s);
    evhttp_set_gencb(s->http, on_request, s);
    evhttp_set_default_content_type(s->http, NULL);
    evhttp_set_timeout(s->http, s->config.idle_s);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                            EVHTTP_REQ_DELETE | EVHTTP_REQ_HEAD | EVHTTP_REQ_OPTIONS);
    /* The framing reader counts first and says which limit it was; evhttp's limits stand behind it. */
    evhttp_set_max_headers_size(s->http, (ev_ssize_t)s->config.header_bytes_max + 1024);
    evhttp_set_max_body_size(s->http, (ev_ssize_t)s->config.body_bytes_max);
}

int server_new(struct loop *l, const struct server_config *config, server_fn *handle, void *arg, struct server **out,
               struct err *e)
{
    struct server *s = mem_get(sizeof *s);
    *s = (struct server){.loop = l, .base = loop_base(l), .handle = handle, .arg = arg, .date_s = -1};
    s->scratch = buf_new(NULL, SIZE_MAX / 2);
    LIST_INIT(&s->connections);
    TAILQ_INIT(&s->newborn);
    TAILQ_INIT(&s->fated);
    config_fill(s, config);

    struct evconnlistener *listener;
    int r = listener_new(s, &listener, e);
    if (r < 0) {
        free(s);
        return r;
    }
    s->http = evhttp_new(s->base);
    s->bound = s->http ? evhttp_bind_listener(s->http, listener) : NULL;
    if (!s->bound)
        abort(); /* no memory left */
    http_set_up(s);
    evconnlistener_set_error_cb(listener, on_accept_error);

    event_assign(&s->newborn_event, s->base, -1, 0, on_newborn, s);
    event_assign(&s->fated_event, s->base, -1, 0, on_fated, s);
    event_assign(&s->sweep_event, s->base, -1, EV_PERSIST, on_sweep, s);
    struct timeval sweep = of_ms(SWEEP_MS);
    evtimer_add(&s->sweep_event, &sweep);
    *out = s;
    return 0;
}

int server_port(const struct server *s)
{
    return s->port;
}

void server_drain(struct server *s)
{
    if (s->draining)
        return;
    s->draining = true;
    on_newborn(-1, 0, s);
    evhttp_del_accept_socket(s->http, s->bound);
    s->bound = NULL;
    struct connection *c;
    LIST_FOREACH(c, &s->connections, all)
    {
        if (c->streaming)
            stream_bye(c);
        else if (!c->req && framing_phase(&c->framing) == FRAMING_BETWEEN)
            connection_doom(c, FATE_CLOSE);
    }
}

int server_open(const struct server *s)
{
    return s->open_n;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    s->freeing = true;
    on_newborn(-1, 0, s);
    evhttp_free(s->http);
    event_del(&s->newborn_event);
    event_del(&s->fated_event);
    event_del(&s->sweep_event);
    for (int i = 0; i < s->arenas_n; i++)
        arena_free(s->arenas[i]);
    buf_free(&s->scratch);
    free(s->by_fd);
    free(s);
}
