/* connection: what server.c and request.c share about one accepted socket. Private to net.
 *
 * libevent's evhttp owns the socket, the buffers and the parsed request; a connection is our watch over
 * it. Three rules keep it safe:
 *
 *  - Every byte passes the framing reader (framing.h) before evhttp parses it. What that refuses is
 *    answered here and never reaches evhttp, which would be lenient and answer in HTML.
 *  - While a request waits for its answer, evhttp's own callbacks are off: it ends the process
 *    (event_errx) when bytes arrive in that state. Ours notice that the client left.
 *  - A connection is closed from the event loop only, never inside a call of the handler. What happens
 *    inside is noted in `fate` and done at the end of the round. */
#ifndef NET_CONNECTION_H
#define NET_CONNECTION_H

#include "net/framing.h"
#include "net/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <sys/queue.h>

enum {
    STREAM_UNREAD_BYTES_MAX = 256 * 1024,
    PIPELINED_BYTES_MAX = 32 * 1024, /* read ahead while a request waits for its answer */
    ARENAS_KEPT = 64
};

enum fate { FATE_LIVE, FATE_REFUSE, FATE_CLOSE };

struct stream {
    void (*on_gone)(void *arg);
    void *arg;
};

struct connection {
    struct server *server;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL until evhttp has made it */
    LIST_ENTRY(connection) all;
    TAILQ_ENTRY(connection) queued; /* in server.newborn or server.fated */
    struct framing framing;
    uint64_t handled;           /* requests that evhttp gave us */
    uint64_t dropped_bytes;     /* that came after the refusal */
    int64_t phase_since_ms;     /* since when a head or body is being received, or the client is let go */
    struct evhttp_request *req; /* not yet answered in full */
    struct request *request;    /* not yet answered by the handler */
    struct stream stream;
    enum fate fate;
    bool streaming, chunked, lingering;
    bool cut_by_us; /* nobody waits to be told */
};

TAILQ_HEAD(connection_queue, connection);

struct server {
    struct loop *loop;
    struct event_base *base;
    struct evhttp *http;
    struct evhttp_bound_socket *bound; /* NULL once draining */
    struct server_config config;
    char address[64];
    server_fn *handle;
    void *arg;
    int port;
    bool draining, freeing;
    int connections_n, open_n;
    LIST_HEAD(, connection) connections;
    struct connection_queue newborn, fated;
    struct event newborn_event, fated_event, sweep_event;
    struct connection **by_fd;
    size_t by_fd_n;
    struct arena *arenas[ARENAS_KEPT]; /* of answered requests, to be used again */
    int arenas_n;
    struct buf scratch;
    char date[40];
    int64_t date_s;
};

/* request.c */
struct request *request_new(struct connection *c, struct evhttp_request *req);
void request_free(struct request *r);
void request_run(struct request *r); /* checks the target and calls the handler */
void request_gone(struct request *r);
void stream_bye(struct connection *c);
const char *status_reason(int status);
void problem_add(struct buf *out, int status, const char *detail);

/* server.c */
void connection_doom(struct connection *c, enum fate fate);
void connection_answering(struct connection *c);
void connection_await(struct connection *c);
void connection_push(struct connection *c);
const char *server_date(struct server *s);

#endif
