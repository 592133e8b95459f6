/* call: one HTTP request on its way, as curl's callbacks see it. Private to net: client.c owns the calls
 * and curl's multi handle, call.c knows what one call needs. */
#ifndef NET_CALL_H
#define NET_CALL_H

#include "net/client.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

/* How far a call came. Between the second and the third lies the doubt: the request left. */
enum phase { CONNECTING, WAITING, READING };

/* How a call ends that our own side ends. */
enum verdict { RUNNING, CANCELLED, LARGE, WOULD_REPEAT, FORBIDDEN };

/* A call and its curl handle stay together when the call is over and are used again. */
struct client_call {
    struct client *client;
    CURL *easy;
    TAILQ_ENTRY(client_call) link; /* in client.open or client.spare */
    STAILQ_ENTRY(client_call) queued;
    struct event timer;
    int64_t started_ms, since_ms, due_ms; /* of the call, of its phase or last byte; when the timer fires */
    int connect_ms, first_byte_ms, idle_ms, total_ms;
    struct client_hooks hooks;
    void *arg;
    struct str parts[CLIENT_PARTS_MAX];
    int parts_n, part;         /* the one being sent */
    size_t part_offset, whole; /* whole: bytes of all parts */
    char *joined;              /* the parts as one text, while they are sent */
    struct curl_slist *headers;
    struct buf body;
    size_t received_bytes, answer_bytes_max;
    int status, retry_after_ms;
    uint8_t phase, verdict, attempts;
    const struct address_range *ranges; /* of a public_only call */
    size_t ranges_n;
    bool public_only, is_safe, is_queued, added, sent_all, has_retry_ms;
};

/* Options that never change, once for each curl handle. */
void call_set_up(struct client_call *call);
/* What this request asks for. The call's parts are set already. */
void call_ask(struct client_call *call, const struct client_request *q);
/* The request is out and will not be repeated: what was needed for sending it alone is given back, since
 * the answer may take a minute. */
void call_trim(struct client_call *call);
/* Nothing of the request left: it may be sent again without a doubt. */
bool call_nothing_sent(const struct client_call *call);
/* The call came this far now; its timer is set for the limit that comes first. */
void call_progress(struct client_call *call, enum phase phase);
int64_t call_due_ms(const struct client_call *call);
int64_t call_now_ms(void);
/* Scheme, host and port: as far as the operator needs the address. No path, query or user. */
struct str call_origin(const struct client_call *call);

#endif
