/* wire: the least of an HTTP client that a load needs: requests on kept connections, and event streams.
 *
 * It shares the machine with what it measures, so it does next to nothing: whole answers of a few KiB with a
 * Content-Length, chunked event streams whose events come whole in their chunks, nonblocking IPv4 sockets under epoll.
 * What it does not understand ends the program. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "base/str.h"

struct wires;
struct wire;

struct wires *wires_new(int port); /* of 127.0.0.1 */
/* Waits up to wait_ms and calls back. */
void wires_run(struct wires *w, int wait_ms);
void wires_free(struct wires *w); /* after its wires */

struct wire *wire_new(struct wires *w, void *arg);
void wire_free(struct wire *w);
/* Sends the request and calls on_answer(arg, ...) once; one at a time. */
void wire_ask(struct wire *w, struct str request, void (*on_answer)(void *arg, int status, struct str body));
/* Sends the request and calls on_events(arg, ...) with one or more whole events at a time, until wire_close. */
void wire_follow(struct wire *w, struct str request, void (*on_events)(void *arg, struct str events));
void wire_close(struct wire *w); /* the next request connects anew */

#endif
