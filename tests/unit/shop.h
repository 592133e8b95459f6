/* shop: the engine's runner with a real store and loop; the model is directed by cues (tests/talk), the bank is the one of
 * world.h, and time is a list of timers that fire as soon as nothing else is left to do.
 *
 * It ends like a process: shop_dies forgets everything but the file. */
#ifndef TESTS_UNIT_SHOP_H
#define TESTS_UNIT_SHOP_H

#include "../talk/cue.h"
#include "engine/runner.h"
#include "world.h"

enum shop_place { SHOP_APPENDED, SHOP_REQUEST_LEAVES, SHOP_REQUEST_WAS_MADE };

struct shop_timer {
    int64_t at_us;
    void (*fn)(void *x);
    void *x;
};

struct shop {
    struct arena *arena;
    const char *path; /* of the store; its folder is a fresh one */
    struct loop *loop;
    struct store *store;
    struct llm *llm;
    struct runner *runner;
    struct cues *cues;
    struct bank own, *bank;
    const struct agent *agent;
    struct shop_timer timers[256];
    size_t timers_n;

    int64_t conversation; /* the one of shop_open */
    int inputs_open, tools_open;
    unsigned activity;
    struct runner_done last; /* the newest answer to an input */
    int64_t seq_seen;        /* of the last event that was shown */
    bool out_of_order;       /* an event was shown before one of a lower seq */
    struct buf draft;        /* what is shown of a reply that is being written */
    bool draft_differs;      /* a reply was shown in the place of other words than its own */
    bool holds_tools;        /* requests wait until it is false again */
    struct shop_request *held;
    /* Called at every place where a process could end; NULL: not. */
    void (*place)(struct shop *s, enum shop_place place);
};

/* Makes the folder and begins to live. cache_bytes 0: the runner's own. */
void shop_begin(struct shop *s, size_t cache_bytes);
void shop_end(struct shop *s); /* removes the folder */

/* The same without the folder: on `path`, which may hold something. */
void shop_lives(struct shop *s, const char *path, size_t cache_bytes);
void shop_dies(struct shop *s);

/* Runs until nothing is under way and no timer is left, or all wait for what is held. Fails the test after 20 s. */
void shop_rest(struct shop *s);

int64_t shop_open(struct shop *s); /* and rests; gives the conversation, or the code of the refusal */
int shop_say(struct shop *s, const char *text, const char *client_id); /* and rests; gives the answer to the input */
runner_done_fn shop_done;        /* for inputs that tests give themselves; arg is the shop */
void shop_input(struct shop *s); /* before each of those */

/* What is on disk. */
size_t shop_events(struct shop *s, struct event **events);
int shop_count(struct shop *s, enum event_kind kind);
struct str shop_replies(struct shop *s);

#endif
