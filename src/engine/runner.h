/* runner: drives conversations: load, fold, step, append, do what the turn waits for, and again.
 *
 * The decisions are turn.c's; this is the thin shell around them. Everything runs on the loop thread. Inputs of one
 * conversation are taken one after the other; an input's events are appended in one group, and only when they are durable
 * are they shown (notify) and acted upon. Waiting and crashing are the same: a conversation that is not in memory is loaded
 * and folded, and goes on from where its journal says. */
#ifndef ENGINE_RUNNER_H
#define ENGINE_RUNNER_H

#include "engine/turn.h"
#include "llm/llm.h"
#include "store/journal.h"

struct runner;

/* What the runner needs done outside: given by src/app, or by a test. */
struct runner_ports {
    void *arg;
    /* Start a read or an action; `done(done_arg, answer)` is called once, later, on the loop, and never after runner_free.
     * The request's texts live until then. */
    void (*tool)(void *arg, const struct tool_request *rq,
                 void (*done)(void *done_arg, const struct tool_answer *answer), void *done_arg);
    /* Call fn(x) after delay_ms; never after runner_free. */
    void (*after)(void *arg, int64_t delay_ms, void (*fn)(void *x), void *x);
    /* These events are durable now. */
    void (*notify)(void *arg, const struct conversation *c, const struct event *events, size_t n);
    /* Words of a reply being written; p NULL: forget them. May be NULL. */
    void (*draft)(void *arg, int64_t conversation, struct str words);
};

struct runner_config {
    struct store *store;
    struct llm *llm;
    struct runner_ports ports;
    size_t cache_bytes; /* idle conversations kept in memory; 0: 8 MiB */
    bool leased;        /* append under this process's fence (servers); false for commands on their own store */
};

MUST_USE int runner_new(const struct runner_config *config, struct runner **out, struct err *e);
/* From now on nothing is taken or started; what is being appended is still answered. Run the loop until runner_stopped. */
void runner_stop(struct runner *r);
bool runner_stopped(const struct runner *r); /* the store has answered every group */
/* What waits is refused with ERR_BUSY. Not before runner_stopped, or after the store is closed. */
void runner_free(struct runner *r); /* what is under way is left to the next process */

/* Makes an agent version known and stores its bundle. The runner owns the agent from then on. */
MUST_USE int runner_agent(struct runner *r, struct agent *agent, struct err *e);

/* Takes up what an earlier process left unfinished. */
MUST_USE int runner_resume(struct runner *r, size_t *taken_up, struct err *e);

/* Called once when the input is durable or refused. seq: of the input's first event.
 * result: 0, or as store_append and the turn_ functions say; ERR_DUPLICATE: seq is the first one's. */
struct runner_done {
    int result;
    int64_t conversation, seq;
    bool duplicate_differs;
    struct err err;
};
typedef void runner_done_fn(void *arg, const struct runner_done *done);

struct runner_opening {
    const struct agent *agent;
    struct str customer, channel, locale, label;
    struct str key, payload_sha; /* idempotency key and fingerprint of the request; "" for none */
    int identity;
};
void runner_open(struct runner *r, const struct runner_opening *opening, runner_done_fn *done, void *arg);

/* A customer's message. client_id "" for none. */
void runner_message(struct runner *r, int64_t conversation, struct str text, struct str client_id, runner_done_fn *done,
                    void *arg);
void runner_decide(struct runner *r, int64_t conversation, int64_t proposal, struct str digest, bool yes,
                   runner_done_fn *done, void *arg);
void runner_hand_off(struct runner *r, int64_t conversation, runner_done_fn *done, void *arg);
void runner_take_over(struct runner *r, int64_t conversation, const char *owner, struct str by, runner_done_fn *done,
                      void *arg);
/* Moves a conversation to another agent version (its hash in hex) or to people ("human"), at once or at the end of the
 * turn that is open. Refused with ERR_CONFLICT where it is not at the version `from`; "": whatever it is at. */
struct runner_switch {
    struct str from, to, by, reason;
};
void runner_switch(struct runner *r, int64_t conversation, const struct runner_switch *how, runner_done_fn *done,
                   void *arg);
/* The hash of the version that people mean: versions_named. */
MUST_USE int runner_version(struct runner *r, struct arena *a, struct str agent, struct str named, struct str *sha_hex,
                            struct err *e);
/* The events of a conversation, from the first one on, for staff: masked as engine/audit.h says, in `a`. */
void runner_mask(struct runner *r, struct arena *a, struct event *events, size_t n);
/* An event that only records: human.message, rating.given, message.delivered, conversation.closed. `check` may refuse on the
 * folded state (NULL: no check). */
void runner_record(struct runner *r, int64_t conversation, enum event_kind kind, struct str body,
                   int (*check)(const struct conversation *c, struct err *e), runner_done_fn *done, void *arg);

enum { RUNNER_BUCKETS = 96 };
struct runner_stats {
    int64_t messages, turns, model_calls, tool_calls, actions, handoffs, resumes, appends, events, failed_appends;
    int64_t loaded, cached; /* conversations in memory, and of them idle */
    size_t cached_bytes;
    /* Overhead of turns: their time less the time waited for the model, tools and timers. Bucket i counts turns below
     * 1.2^i microseconds (the last: all others). */
    int64_t overhead[RUNNER_BUCKETS];
    int64_t overhead_us_sum;
};
void runner_stats(const struct runner *r, struct runner_stats *out);
/* The overhead below which a share p of the turns stayed, in microseconds (bucket's upper bound). */
double runner_overhead_us(const struct runner_stats *s, double p);

#endif
