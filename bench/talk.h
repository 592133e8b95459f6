/* talk: one customer of a benchmark, who holds conversations over HTTP as a chat page does.
 *
 * A conversation is opened, its event stream is followed, and each line of the script is said when the turn before it
 * is over: the message is acknowledged and the stream says that the turn is done. */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include "wire.h"

struct talk;

struct talk_world {
    struct wires *wires;
    const char *token;
    const char *run;            /* makes idempotency keys of this run its own */
    const char *const *words;   /* what is said, NULL ends */
    bool frugal;                /* a message's connection is closed once it is acknowledged */
    void (*on_said)(void *arg); /* a line is acknowledged */
    /* A turn is over; from the message's leaving to the event that says so. */
    void (*on_turn)(void *arg, int64_t took_us);
    /* All was said. The talk may be stopped, started again or freed. */
    void (*on_end)(void *arg, struct talk *t, bool acted); /* acted: an action was done in this conversation */
    void *arg;
};

struct talk *talk_new(const struct talk_world *world, const char *customer);
void talk_free(struct talk *t);
/* Opens the next conversation and says up to `lines` lines; the stream stays open until talk_stop. */
void talk_start(struct talk *t, int lines);
/* Says one more line, whatever is under way. */
void talk_say(struct talk *t, const char *text);
void talk_stop(struct talk *t);

#endif
