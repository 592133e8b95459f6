/* client: HTTP/1.1 requests from the loop. libcurl's multi interface underneath.
 *
 * http and https only, no redirects, no proxy from the environment, certificates checked.
 * Nothing is retried here: the caller is told how far the request came and decides. One exception, since
 * it is no second attempt for the other side: where a kept connection turns out to be closed before a
 * single byte was sent on it, or the method is GET or HEAD, another connection is tried.
 * All functions belong to the loop thread; client_free must not be called from a callback. */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "net/address.h"
#include "net/loop.h"

struct client;
struct client_call;

MUST_USE int client_new(struct loop *l, struct client **out, struct err *e);
void client_free(struct client *c); /* cancels what is open, without callbacks */

/* Ranges that public_only requests may go to beside the public Internet; borrowed. */
void client_allow(struct client *c, const struct address_range *ranges, size_t n);

enum { CLIENT_PARTS_MAX = 8, CLIENT_HEADERS_MAX = 16 };

struct client_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;
    const char *headers[CLIENT_HEADERS_MAX]; /* "Name: value"; copied; NULL ends the list */
    /* The body's pieces, sent one after the other. Borrowed until on_done or client_cancel, so that
     * ten thousand waiting prompts share their common beginning. */
    struct str parts[CLIENT_PARTS_MAX];
    int connect_ms, first_byte_ms, idle_ms, total_ms; /* 0: 5,000 / 30,000 / 30,000 / 120,000 */
    size_t answer_bytes_max;                          /* 0: 8 MiB */
    /* Only to public addresses and those of client_allow, whatever the URL's name leads to. */
    bool public_only;
};

enum client_end {
    CLIENT_DONE,     /* a whole answer came, whatever its status */
    CLIENT_NOT_SENT, /* nothing of the request reached the other side (no connection, or err ERR_DENIED: an address that
                        a public_only request may not go to) */
    CLIENT_LOST,     /* the connection broke after the request left: its effect is unknown */
    CLIENT_TIMEOUT,  /* time ran out after the request left: its effect is unknown */
    CLIENT_TOO_LARGE /* the answer passed answer_bytes_max */
};

struct client_answer {
    enum client_end end;
    int status;         /* 0 unless a status line came */
    int retry_after_ms; /* from Retry-After or retry-after-ms; -1 when absent */
    struct str body;    /* what came so far; empty when on_data took it. Valid during the callback. */
    struct err err;     /* a sentence unless CLIENT_DONE */
};

struct client_hooks {
    /* Pieces of the body as they come; NULL: gathered into answer.body. Only 2xx bodies are streamed;
     * others are gathered. May call client_cancel. */
    void (*on_data)(void *arg, struct str bytes);
    void (*on_done)(void *arg, const struct client_answer *answer); /* once, last; never from client_send */
};

struct client_call *client_send(struct client *c, const struct client_request *request,
                                const struct client_hooks *hooks, void *arg);
/* No callback comes after this. */
void client_cancel(struct client_call *call);

#endif
