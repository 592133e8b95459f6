/* conversation: what a journal says, folded into a state.
 *
 * state = fold(events): nothing else ever changes it. Loading, replaying, recovering from a crash and running are the
 * same code. The state holds the prompt's transcript as text that only grows, so the next prompt begins with the bytes
 * of the last one (docs/PROMPT.md). Event bodies are docs/JOURNAL.md. */
#ifndef ENGINE_CONVERSATION_H
#define ENGINE_CONVERSATION_H

#include "engine/agent.h"
#include "engine/course.h"
#include "engine/messages.h"
#include "store/event.h"

/* Where the turn stands: the row of the table in turn.c that comes next. */
enum turn_at {
    TURN_IDLE,     /* waits for the customer; no turn is open */
    TURN_BEGIN,    /* words came: are they about an open proposal? */
    TURN_ASK,      /* the model is to be asked */
    TURN_MODEL,    /* waits for the model's answer */
    TURN_ANSWERED, /* the model answered: what does it want? */
    TURN_TOOLS,    /* waits for reads */
    TURN_GATHERED, /* every call has its answer: what follows? */
    TURN_ACT,      /* a confirmed action is to start */
    TURN_ACTING,   /* waits for the action's result */
    TURN_UNSURE,   /* the action's outcome is unknown: try to learn it */
    TURN_TIMER,    /* waits for a timer before the next try */
    TURN_HANDOFF,  /* a person is to take over */
    TURN_PLACES
};

enum owner { OWNER_BOT, OWNER_PENDING_HUMAN, OWNER_HUMAN };
/* Names as they stand in the journal and the state block. */
const char *owner_name(enum owner o);

struct slot_value {
    struct slot_value *next;
    struct str slot, value, status, source; /* status: stated, inferred; source: customer, tool, model */
    int64_t evidence;                       /* seq, 0 for none */
};

/* The last answer of a read: working memory that spares a second call. */
struct fact {
    struct fact *next;
    struct str tool, class, args, result; /* args canonical; result JSON of the last answer with class ok, or "" */
    int64_t at_us;
    int64_t seq;
};

struct counter {
    struct counter *next;
    struct str name;
    int n;
};

enum proposal_state {
    PROPOSAL_NONE,
    PROPOSAL_NEW,
    PROPOSAL_ASKED,
    PROPOSAL_CONFIRMED,
    PROPOSAL_DECLINED,
    PROPOSAL_VOID,
    PROPOSAL_OK,
    PROPOSAL_ALREADY_DONE,
    PROPOSAL_REFUSED,
    PROPOSAL_UNKNOWN
};
/* As in the state block. */
const char *proposal_state_name(enum proposal_state s);

struct proposal {
    int64_t seq;                                /* of action.proposed: its id */
    struct str call, tool, args, digest, shown; /* args and shown: JSON text */
    int64_t expires_us;
    enum proposal_state state;
    bool gated;  /* waits for the customer's yes */
    int attempt; /* action.started so far */
    int waits;   /* timers set because its outcome was unknown */
    struct str key, result;
    struct str preface; /* the model's words that came with the call */
};

struct said { /* a customer's message */
    struct said *older;
    int64_t seq;
    struct str text; /* what can be seen of it: without hidden characters */
    struct str client_id, payload_sha;
    int64_t seen; /* what was written later could not be seen when it came; 0: everything could */
};

struct turn {
    enum turn_at at;
    int64_t clock_us; /* what budgets.turn_ms counts from: the beginning, a restart, an action's end */
    int64_t cause;    /* seq of the message or decision that opened it */
    int model_calls, tool_calls, resumes;
    int walks;             /* routine.walked so far */
    int tool_calls_before; /* the last answer of the model */
    int bad_answers;       /* of the model, with a call that cannot be made */
    int64_t bad_answer;    /* seq of the last of them */
    int64_t tokens_in, tokens_out;
    struct counter *repeats;   /* call_signature -> calls in this turn */
    struct counter *called;    /* tool -> calls in this turn */
    struct str why;            /* reason of the hand-off that is due; "" when none is */
    struct str note, priority; /* of that; priority "": the reason's own */
};

/* Where the fold finds the agent versions that agent.switched names. Errors: ERR_NOT_FOUND, ERR_INVALID. */
struct agent_source {
    int (*find)(void *arg, struct str sha_hex, const struct agent **out, struct err *e);
    void *arg;
};

struct conversation {
    int64_t id, seq; /* seq of the last event folded in; 0: nothing yet */
    int64_t at_us;   /* of that event */
    struct arena *arena;
    const struct agent *agent;      /* who answers now */
    struct agent_source agents;     /* set by whoever folds more than one version; else a switch cannot be folded */
    const struct agent *agent_next; /* who answers from the next turn border on; NULL: no change */
    bool people_due;                /* a switch to people waits for the turn border */
    struct str customer, channel, label, locale, language, opened_date;
    int identity;
    enum owner owner;
    int64_t owner_epoch;
    bool closed, rated;

    struct messages messages; /* the prompt's transcript */

    struct course course; /* routines under way */
    struct str memory;    /* JSON: key -> value that earlier conversations left; "" for nothing */
    struct slot_value *slots;
    struct fact *facts; /* the newest first */
    int64_t acted_seq;  /* of the last action.done: what was read before may not be so any more */
    struct counter *asked, *called, *proposed, *succeeded; /* slot -> times; tool -> times */
    struct counter *unsettled; /* tool -> actions whose outcome stayed unknown: not proposed again */
    struct counter *became;    /* tool -> enum proposal_state of its last proposal before the newest one */
    struct proposal proposal;  /* the newest */
    struct said *said, *held;  /* newest first; held: came while calls were open, not in the transcript yet */
    struct said *by_people;    /* ids only: a person's messages, newest first */

    struct turn turn;
    int model_calls;        /* in the whole conversation */
    int64_t asked_us;       /* when model.asked was decided */
    struct str answer_text; /* of the last model answer */
    bool answer_has_text;
    int64_t answer_seq;
    struct call *calls;
    size_t calls_n, calls_open;
    int64_t timer; /* seq of the timer that runs, 0: none */
    int64_t timer_due_us;
};

/* An empty conversation that owns its memory. `agent` is the version of conversation.opened; it and every one that `agents`
 * gives must outlive the conversation. */
struct conversation *conversation_new(int64_t id, const struct agent *agent);
/* The same for a journal that is to be folded: the agent is the one that its first event names.
 * Errors: ERR_INVALID (no journal), as agents.find. */
MUST_USE int conversation_unfold(struct agent_source agents, const struct event *events, size_t n,
                                 struct conversation **out, struct err *e);
void conversation_free(struct conversation *c);
size_t conversation_bytes(const struct conversation *c);

/* Folds the next event in. Errors: ERR_INVALID when seq is not c->seq + 1 or the body does not read: the journal is
 * damaged. On error the conversation must not be used any more. */
MUST_USE int conversation_fold(struct conversation *c, const struct event *ev, struct err *e);

bool conversation_open_proposal(const struct conversation *c); /* one waits for the customer's yes */
struct tool_session conversation_session(const struct conversation *c);
const struct fact *conversation_fact(const struct conversation *c, struct str tool); /* the newest */
/* The one about these arguments (canonical). */
const struct fact *conversation_fact_about(const struct conversation *c, struct str tool, struct str args);
/* The customer's or a person's message with that id; NULL: not yet. */
const struct said *conversation_said(const struct conversation *c, struct str client_id);
struct str call_signature(struct arena *a, const struct call *k); /* "name args": for the guard against loops */
int counter_get(const struct counter *list, struct str name);

#endif
