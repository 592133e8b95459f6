#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024, AT_ONCE = 256, PORTS_EACH = 20000 };

struct wires {
    int epoll, port, opened;
    char *scratch; /* READ_BYTES: what is read is mostly done with at once */
};

struct wire {
    struct wires *wires;
    void *arg;
    int fd; /* -1: not connected */
    bool streaming, head_seen;
    void (*on_answer)(void *arg, int status, struct str body);
    void (*on_events)(void *arg, struct str events);
    char *rest; /* what came of an answer or event that is not whole yet; NULL: nothing */
    size_t rest_n;
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct wires *wires_new(int port)
{
    struct wires *w = mem_get(sizeof *w);
    *w = (struct wires){.epoll = epoll_create1(EPOLL_CLOEXEC), .port = port, .scratch = mem_get(READ_BYTES)};
    if (w->epoll < 0)
        die("epoll");
    return w;
}

void wires_free(struct wires *w)
{
    close(w->epoll);
    free(w->scratch);
    free(w);
}

struct wire *wire_new(struct wires *ws, void *arg)
{
    struct wire *w = mem_get(sizeof *w);
    *w = (struct wire){.wires = ws, .arg = arg, .fd = -1};
    return w;
}

void wire_close(struct wire *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    w->streaming = w->head_seen = false;
    free(w->rest);
    w->rest = NULL;
    w->rest_n = 0;
}

void wire_free(struct wire *w)
{
    wire_close(w);
    free(w);
}

/* Blocking, on loopback: the connection is made at once. Every PORTS_EACH connections come from an address of their
 * own, for one address has some 28,000 ports and closed ones rest for a minute. */
static void wire_connect(struct wire *w)
{
    struct wires *ws = w->wires;
    struct sockaddr_in from = {.sin_family = AF_INET},
                       to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ws->port)};
    int on = 1;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(ws->opened++ / PORTS_EACH) % 200);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || setsockopt(w->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(w->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(w->fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        die("connecting");
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = w};
    if (epoll_ctl(ws->epoll, EPOLL_CTL_ADD, w->fd, &interest) < 0)
        die("epoll");
}

/* Requests are a few hundred bytes: they always fit the socket's buffer. */
static void wire_send(struct wire *w, struct str request)
{
    if (w->fd < 0)
        wire_connect(w);
    if (send(w->fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
        die("sending");
}

void wire_ask(struct wire *w, struct str request, void (*on_answer)(void *arg, int status, struct str body))
{
    w->on_answer = on_answer;
    wire_send(w, request);
}

void wire_follow(struct wire *w, struct str request, void (*on_events)(void *arg, struct str events))
{
    w->on_events = on_events;
    w->streaming = true;
    wire_send(w, request);
}

static int64_t content_length(struct str head)
{
    ptrdiff_t at = str_find(head, STR("\r\nContent-Length: "));
    int64_t n = -1;
    struct str value = at < 0 ? STR("") : str_from(head, (size_t)at + 18), line;
    if (!str_split(&value, '\r', &line) || str_int(line, &n) < 0)
        die("an answer without a length");
    return n;
}

/* Takes a whole answer from the front of `bytes`; false when it is not whole. */
static bool answer_take(struct wire *w, struct str *bytes)
{
    ptrdiff_t blank = str_find(*bytes, STR("\r\n\r\n"));
    if (blank < 0)
        return false;
    size_t head_n = (size_t)blank + 4;
    int64_t length = content_length(str_head(*bytes, head_n));
    if (bytes->n < head_n + (size_t)length)
        return false;
    int64_t status = 0;
    if (str_int((struct str){bytes->p + 9, 3}, &status) < 0)
        die("an answer without a status");
    struct str body = str_head(str_from(*bytes, head_n), (size_t)length);
    *bytes = str_from(*bytes, head_n + (size_t)length);
    w->on_answer(w->arg, (int)status, body);
    return true;
}

/* Takes all whole events; chunk headers stand between them and do no harm. */
static void events_take(struct wire *w, struct str *bytes)
{
    size_t n = bytes->n;
    while (n >= 2 && (bytes->p[n - 1] != '\n' || bytes->p[n - 2] != '\n'))
        n--;
    if (n < 2)
        return;
    struct str events = str_head(*bytes, n);
    *bytes = str_from(*bytes, n);
    w->on_events(w->arg, events);
}

/* Keeps what is left for the next read, unless a callback closed the wire. */
static void rest_keep(struct wire *w, struct str bytes)
{
    char *rest = NULL;
    if (w->fd >= 0 && bytes.n) {
        rest = mem_get(bytes.n);
        memcpy(rest, bytes.p, bytes.n);
    }
    free(w->rest);
    w->rest = rest;
    w->rest_n = rest ? bytes.n : 0;
}

static void wire_read(struct wire *w)
{
    char *scratch = w->wires->scratch;
    size_t had = w->rest_n;
    if (had)
        memcpy(scratch, w->rest, had);
    ssize_t n = recv(w->fd, scratch + had, READ_BYTES - had, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the server hung up");
    struct str bytes = {scratch, had + (size_t)n};
    if (w->streaming)
        events_take(w, &bytes);
    else
        answer_take(w, &bytes);
    rest_keep(w, bytes);
}

void wires_run(struct wires *ws, int wait_ms)
{
    struct epoll_event ready[AT_ONCE];
    int n = epoll_wait(ws->epoll, ready, AT_ONCE, wait_ms);
    for (int i = 0; i < n; i++) {
        struct wire *w = ready[i].data.ptr;
        if (w->fd >= 0) /* a callback before it may have closed it */
            wire_read(w);
    }
}
