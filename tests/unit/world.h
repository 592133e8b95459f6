/* world: everything around the engine's decisions, made of memory: a journal in an array, the offline model as a function,
 * a bank that remembers keys, a clock. No store, no loop, no network: what turn.c decides can be looked at step by step.
 *
 * It can die: before an append is written, or after it and before anything is done about it. Those two are all there are: what
 * was done before the next append is not known to anybody afterwards. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "engine/turn.h"
#include "llm/llm.h"
#include "llm/llm_offline_plan.h"

/* Has no pointers: it can outlive the process that talks to it. */
struct bank {
    int requests, effects;
    bool forgets_keys; /* carries every order out: what a bank without idempotency would do */
    char status[24];   /* of the shipment: "in_transit" when empty */
    int days_late;
    int keys_n;
    char keys[32][40];
};

/* A read or an order, answered at once. The result lives in `a` or for ever. */
struct tool_answer bank_answer(struct bank *b, struct arena *a, const struct tool_request *rq);

/* The example's agent; where `from` is not NULL its bundle has `to` there instead. Fails the test when it does not compile. */
struct agent *world_agent(const char *from, const char *to);

enum { WORLD_APPENDS_MAX = 400 };

struct world {
    struct arena *arena;
    struct agent *agent;
    struct agent *second; /* another version, the world's; NULL: there is none */
    bool deployed;        /* the second one is in force now */
    struct offline_plans plans;
    struct bank own, *bank; /* its own, unless the test puts another there */
    int64_t id, now_us;
    struct conversation *c;
    struct event *log;
    size_t log_n, log_size;
    size_t ends[WORLD_APPENDS_MAX]; /* log_n after each append */
    int appends;
    int points, dies_at; /* places where it could die so far; where it does, 0: never */
    bool dead;
    /* What the model says, instead of the offline provider; NULL once it has nothing more to say. */
    const struct llm_answer *(*model)(struct world *w);
    int asked;
    /* What a tool answers, instead of the bank. */
    struct tool_answer (*tool)(struct world *w, const struct tool_request *rq);
    int tools_n;                       /* requests so far */
    void (*appended)(struct world *w); /* told of each append; may be NULL */
    struct err err;
};

void world_begin(struct world *w, struct agent *agent); /* the agent is the world's from now on */
void world_end(struct world *w);

/* Each goes on until the turn waits for the customer. False: it died. An error of the engine fails the test. */
bool world_open(struct world *w, const char *customer, const char *locale);
bool world_say(struct world *w, const char *text);
bool world_press(struct world *w, bool yes);
bool world_go(struct world *w);
bool world_restart(struct world *w); /* the journal is all that is left */

bool world_switch(struct world *w, const struct agent *to); /* NULL: to people */

/* The versions that its journal can name. */
struct agent_source world_agents(struct world *w);

/* One input without going on: adds the event, runs the steps, appends. */
bool world_add(struct world *w, enum event_kind kind, struct str body);
struct turn_events world_events(struct world *w);
bool world_append(struct world *w, struct turn_events *out); /* runs the steps first */

int world_count(const struct world *w, enum event_kind kind);
const struct json *world_body(struct world *w, enum event_kind kind, int nth); /* from 1 on; -1: the last; NULL: none */
struct str world_replies(struct world *w);                    /* all that the agent said, a line each */
struct conversation *world_folded(struct world *w, size_t n); /* the first n events from scratch; free it */

#endif
