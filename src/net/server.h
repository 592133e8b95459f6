/* server: an HTTP/1.1 server on the loop. libevent's evhttp underneath, made strict.
 *
 * Every byte passes net/framing.h before evhttp parses it. Refused with a problem document (RFC 9457) and
 * a closed connection, before a handler sees anything: what two programs could cut in different places
 * (400; the list is in framing.h), an unknown method (501), another HTTP version (505), a target over 8 KiB
 * (414), headers over header_bytes_max or more than 100 (431), a body over body_bytes_max (413), an
 * expectation other than 100-continue (417), a head that takes longer than head_s or a body that takes
 * longer than idle_s (408). A path with a bad escape, %00, a dot segment or bytes that are not UTF-8 is
 * answered 400. tests/unit/test_server.c holds the table.
 *
 * A handler answers at once or keeps the request and answers later, always on the loop thread. Every
 * request must be answered exactly once: request_reply, request_stream or request_drop. */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/loop.h"

struct server;
struct request;
struct stream;

typedef void server_fn(struct request *r, void *arg);

struct server_config {
    const char *address;     /* "127.0.0.1" */
    int port;                /* 0: any free one; server_port tells */
    size_t header_bytes_max; /* 0: 16 KiB */
    size_t body_bytes_max;   /* 0: 1 MiB */
    int head_s, idle_s;      /* 0: 10 and 60 */
    int connections_max;     /* 0: 20,000; more are answered 503 */
};

/* Listens and calls `handle` for every well-formed request. Errors: ERR_BUSY (port in use),
 * ERR_IO. `config` is copied. */
MUST_USE int server_new(struct loop *l, const struct server_config *config, server_fn *handle, void *arg,
                        struct server **out, struct err *e);
int server_port(const struct server *s);
/* Stops accepting; open requests may still be answered. Open streams get `event: bye` and end: their
 * on_gone is called. */
void server_drain(struct server *s);
int server_open(const struct server *s); /* requests and streams not yet finished */
void server_free(struct server *s);      /* closes what is open and tells nobody; never from a handler */

/* The request. Texts live until it is answered. */
const char *request_method(const struct request *r);                  /* "GET", "POST", "PUT", "DELETE", "HEAD", ... */
struct str request_path(const struct request *r);                     /* decoded, begins with '/', no ".." parts */
struct str request_query(const struct request *r, const char *name);  /* decoded; p NULL when absent */
struct str request_header(const struct request *r, const char *name); /* p NULL when absent */
struct str request_body(const struct request *r);
struct str request_peer(const struct request *r);     /* "127.0.0.1" */
struct arena *request_arena(const struct request *r); /* freed with the request */
/* Told when the client goes away before an answer. The request is then gone: do not answer it. A client
 * that only stops sending counts as gone once its request is kept. */
void request_on_gone(struct request *r, void (*fn)(void *arg), void *arg);

/* Extra answer headers, before request_reply or request_stream. Values with CR or LF are dropped. */
void request_set(struct request *r, const char *name, const char *value);
/* Answers and ends the request. body is copied. Every answer carries X-Content-Type-Options and
 * Cache-Control: no-store unless set. HEAD sends no body. */
void request_reply(struct request *r, int status, const char *content_type, struct str body);
/* Closes the connection without an answer: for servers that pretend to fail (tests). */
void request_drop(struct request *r);

/* Answers with an event stream (text/event-stream) that stays open, and ends the request. on_gone is
 * called once when the client leaves or falls too far behind (more than 256 KiB unread): the stream
 * is gone then. It is not called after stream_close. */
struct stream *request_stream(struct request *r, void (*on_gone)(void *arg), void *arg);
/* One event. id 0 sends none; event NULL sends none; line ends in data are kept. */
void stream_send(struct stream *s, int64_t id, const char *event, struct str data);
void stream_comment(struct stream *s, const char *text); /* a heartbeat */
void stream_close(struct stream *s);
/* For servers that pretend to be something else (tests): raw bytes instead of events, and an end in
 * the middle of the answer. */
void stream_raw(struct stream *s, struct str bytes);
void stream_cut(struct stream *s);

#endif
