/* entry: what runner.c and effect.c share; nobody else includes it.
 *
 * runner.c takes inputs one after the other, appends what they lead to and says when effects may begin; effect.c starts
 * them and turns their answers into inputs. */
#ifndef ENGINE_ENTRY_H
#define ENGINE_ENTRY_H

#include "engine/action.h"
#include "engine/roster.h"
#include "engine/runner.h"
#include "engine/versions.h"

enum input_kind {
    IN_OPEN,
    IN_RECORD,
    IN_DECIDE,
    IN_HAND_OFF,
    IN_TAKE_OVER,
    IN_SWITCH,
    IN_MODEL,
    IN_TOOL,
    IN_ACTION,
    IN_TIMER,
    IN_RESUME
};

/* Something that happened to a conversation and waits for its turn. Its arena also holds the events it leads to. */
struct input {
    struct input *next;
    struct arena *arena;
    enum input_kind kind;
    enum event_kind event; /* IN_RECORD, IN_OPEN */
    struct str body;
    int (*check)(const struct conversation *c, struct err *e);
    struct str call_id, digest, by;
    struct str from, to, reason;       /* of a switch */
    struct str client_id, payload_sha; /* of a message */
    const char *owner;
    int64_t number; /* proposal, timer, or the model call that was answered */
    bool yes, too_large;
    struct llm_answer answer;
    struct tool_answer result;
    runner_done_fn *done;
    void *done_arg;
};

/* A conversation that is in memory or about to be. */
struct entry {
    struct seat seat; /* first */
    struct runner *runner;
    int64_t id;
    struct conversation *c;      /* NULL: to be loaded */
    struct input *first, **last; /* waiting */
    struct input *current;       /* being appended */
    struct turn_events events;
    struct llm_call *asking;
    struct str question; /* the state block of the question that is asked or comes next, malloced */
    unsigned generation; /* effects started before the conversation was dropped are not answered to */
    int64_t tools_for, acting_for, timer_for; /* seq and attempt whose effect is under way */
    int asked;                                /* the model call that is asked: conversation.model_calls */
    int retry_ms;                             /* how long the last retry waited; 0 when an append succeeded since */
    bool drafted;                             /* words are shown that no durable reply has replaced yet */
    bool retrying, pumping;
    int64_t turn_began_us, waited_us, wait_began_us; /* monotonic */
};

/* One effect under way. */
struct effect {
    struct effect *next, **link; /* of all of the runner; *link == this */
    struct runner *runner;
    int64_t conversation;
    unsigned generation;
    enum input_kind kind;
    int64_t number;
    struct arena *arena; /* its own memory, with the request's texts */
    struct tool_request request;
};

struct runner {
    struct runner_config config;
    struct versions versions;
    struct roster roster;
    struct effect *effects;
    struct runner_stats stats;
    size_t appending; /* groups that the store has not answered */
    bool closing;
};

/* --- runner.c --- */

/* The conversation's entry when it is in memory, else NULL. */
struct entry *entry_find(const struct runner *r, int64_t id);
struct input *entry_input(enum input_kind kind, runner_done_fn *done, void *arg);
/* Gives the entry an input. Afterwards the entry may be gone. */
void entry_push(struct entry *en, struct input *in);

/* --- effect.c --- */

/* Starts what the turn waits for, unless it is under way already. */
void effect_perform(struct entry *en);
/* Cancels the question that is asked, and the draft of its answer. */
void effect_stop_asking(struct entry *en);
/* After the events are shown: a reply among them stands in the draft's place. */
void effect_draft_replaced(struct entry *en);
/* The state block of the next question, copied: it outlives the arena that it was made in. */
void effect_keep_question(struct entry *en, struct str state);
void effect_forget_question(struct entry *en);
/* An effect of this entry, on the runner's list until effect_free. */
struct effect *effect_new(const struct entry *en, enum input_kind kind);
void effect_free(struct effect *ef);

#endif
