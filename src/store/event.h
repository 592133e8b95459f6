/* event: what can stand in a conversation's journal. The table of kinds and the format of every body
 * is docs/JOURNAL.md; the rows below are its index.
 *
 * A body is a compact JSON object. Bodies are never changed once written. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "base/hash.h"
#include "base/json.h"

/* The numbers are on disk: add at the end, never renumber. */
enum event_kind {
    EVENT_NONE = 0,
    EVENT_OPENED = 1,             /* conversation.opened */
    EVENT_MESSAGE_RECEIVED = 2,   /* message.received: the customer's words */
    EVENT_MODEL_ASKED = 3,        /* model.asked: one question to the model, by prompt hash */
    EVENT_MODEL_ANSWERED = 4,     /* model.answered: text and tool calls as the model gave them */
    EVENT_MODEL_FAILED = 5,       /* model.failed: no answer after the retries */
    EVENT_TOOL_ANSWERED = 6,      /* tool.answered: projected result, error or refusal of one call */
    EVENT_SCRATCHPAD_UPDATED = 7, /* scratchpad.updated: slots and step, with provenance */
    EVENT_ACTION_PROPOSED = 8,    /* action.proposed: tool, exact arguments, digest */
    EVENT_CONFIRMATION_GIVEN = 9, /* confirmation.given: yes, no or void, for one digest */
    EVENT_ACTION_STARTED = 10,    /* action.started: the key under which it runs; before the request */
    EVENT_ACTION_DONE = 11,       /* action.done: ok, refused, already_done or unknown */
    EVENT_REPLY_SENT = 12,        /* reply.sent: words for the customer, with a message id */
    EVENT_HANDOFF_REQUESTED = 13, /* handoff.requested: reason, priority, package */
    EVENT_OWNER_CHANGED = 14,     /* owner.changed: bot, pending_human or human; epoch */
    EVENT_HUMAN_MESSAGE = 15,     /* human.message: an expert's words for the customer */
    EVENT_RATING_GIVEN = 16,      /* rating.given */
    EVENT_TIMER_SET = 17,         /* timer.set */
    EVENT_TIMER_FIRED = 18,       /* timer.fired */
    EVENT_TURN_RESUMED = 19,      /* turn.resumed: a process died in this turn; counted */
    EVENT_TURN_ENDED = 20,        /* turn.ended: outcome and what it cost */
    EVENT_MESSAGE_DELIVERED = 21, /* message.delivered: a push channel took the message */
    EVENT_CLOSED = 22,            /* conversation.closed */
    EVENT_AGENT_SWITCHED = 23,    /* agent.switched: from the next turn border on another version, or people */
    EVENT_ROUTINE_WALKED = 24,    /* routine.walked: how far the runtime led a routine, and what it wants */
    EVENT_MEMORY_WRITTEN = 25,    /* memory.written: what is remembered of the customer beyond the conversation */
    EVENT_KINDS
};

struct event {
    int64_t conversation;
    int64_t seq; /* 1, 2, 3, ... within the conversation, without holes */
    int64_t at_us;
    enum event_kind kind;
    struct str body;   /* a JSON object */
    struct sha256 sha; /* of the event before it and of this one: the chain of docs/JOURNAL.md */
};

const char *event_name(enum event_kind kind);   /* "message.received" */
enum event_kind event_kind_of(struct str name); /* EVENT_NONE when unknown */

/* The chain: sha = SHA-256(previous sha (32 zero bytes before seq 1) || "conversation|seq|at_us|kind|" in
 * decimal || body). */
struct sha256 event_sha(const struct sha256 *previous, const struct event *ev);

#endif
