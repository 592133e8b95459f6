/* loop: the one thread that does all network I/O and all waiting. libevent underneath. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/str.h"

struct loop;
struct event_base;

MUST_USE int loop_new(struct loop **out, struct err *e);
void loop_free(struct loop *l);

/* Runs until loop_stop. SIGINT and SIGTERM call `on_signal` on the loop (NULL: not caught). */
void loop_run(struct loop *l, void (*on_signal)(void *arg, int signal), void *arg);
void loop_stop(struct loop *l);
/* Runs what is ready and returns; waits up to wait_ms for something. For tests and commands. */
void loop_once(struct loop *l, int wait_ms);

/* Calls fn(arg) on the loop thread soon. The only function that any thread may call. Functions are
 * called in the order they were posted; a burst of posts wakes the loop once. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* Calls fn(arg) once, after delay_ms on the monotonic clock. The timer is gone when fn runs. */
struct loop_timer;
struct loop_timer *loop_after(struct loop *l, int64_t delay_ms, void (*fn)(void *arg), void *arg);
void loop_cancel(struct loop_timer *t); /* before it fired only */

struct event_base *loop_base(struct loop *l); /* for the other modules of net */

#endif
