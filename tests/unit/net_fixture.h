/* net_fixture: a loop, a server and raw sockets for the tests of net, all on one thread. */
#ifndef TESTS_UNIT_NET_FIXTURE_H
#define TESTS_UNIT_NET_FIXTURE_H

#include "test.h"

#include "base/clock.h"
#include "net/client.h"
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;

static inline void loop_up(void)
{
    struct err e;
    if (loop_new(&loop, &e) < 0)
        fail_msg("%s", e.text);
}

/* Runs the loop until `done` says so; false when that takes longer than wait_ms. */
static inline bool pump_until(bool (*done)(void *arg), void *arg, int wait_ms)
{
    int64_t end_us = clock_mono_us() + (int64_t)wait_ms * 1000;
    while (!done(arg)) {
        if (clock_mono_us() > end_us)
            return false;
        loop_once(loop, 10);
    }
    return true;
}

static inline bool never(void *arg)
{
    return false;
}

static inline void pump(int wait_ms)
{
    pump_until(never, NULL, wait_ms);
}

static inline bool is_positive(void *arg)
{
    return *(int *)arg > 0;
}

static inline int raw_connect(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail_msg("connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static inline void raw_send(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* the server closed already: what it said can still be read */
        if (n > 0)
            bytes = str_from(bytes, (size_t)n);
        else
            loop_once(loop, 5);
    }
}

/* What came so far. */
struct raw {
    int fd;
    struct buf in;
    bool closed;
};

static inline struct raw raw_open(int port)
{
    return (struct raw){.fd = raw_connect(port), .in = buf_new(NULL, 64 << 20)};
}

static inline void raw_read(struct raw *r)
{
    char bytes[65536];
    ssize_t n;
    while (!r->closed && (n = recv(r->fd, bytes, sizeof bytes, 0)) != -1) {
        if (n == 0)
            r->closed = true;
        buf_add(&r->in, (struct str){bytes, (size_t)n});
    }
    if (!r->closed && errno != EAGAIN)
        r->closed = true;
}

static inline void raw_end(struct raw *r)
{
    close(r->fd);
    buf_free(&r->in);
}

#endif
