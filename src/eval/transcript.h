/* transcript: a conversation's journal as judges and exports read it: who said what, which calls were made and how
 * they ended, which actions ran and who agreed to them. Pure; borrows from the events. */
#ifndef EVAL_TRANSCRIPT_H
#define EVAL_TRANSCRIPT_H

#include "store/event.h"

enum transcript_speaker { SPEAKER_CUSTOMER, SPEAKER_AGENT, SPEAKER_PERSON };

struct transcript_message {
    enum transcript_speaker from;
    int64_t seq;
    struct str text;
};

/* An action of the protocol: proposed, perhaps confirmed, perhaps run. Seqs are 0 for what did not happen. */
struct transcript_action {
    int64_t proposal, confirmed, started, done; /* confirmed: a yes to this very digest */
    bool gated;                                 /* by the customer's yes; else policy lets it run at once */
    struct str call, tool, digest;
    const struct json *args;
    struct str class; /* "ok", "refused", "already_done", "unknown"; "" until done */
    const struct json *result;
};

struct transcript_call {
    int64_t seq;              /* of the model's answer, or the runtime's walk, that asked for it */
    struct str id, pid, name; /* ours, the provider's, the tool's */
    struct str arguments;     /* as the model wrote them */
    const struct json *args;  /* parsed; NULL when they are not a JSON object */
    int64_t answered;         /* seq of tool.answered; 0: never */
    struct str class;         /* of the answer; "" when there is none */
    const struct json *result;
    const struct transcript_action *action; /* the proposal it became; NULL for reads */
};

struct transcript_event {
    int64_t seq;
    enum event_kind kind;
    const struct json *body;
};

struct transcript {
    struct str agent, label;
    bool recorded; /* another program held this conversation: it knew nothing of our action protocol */
    struct transcript_event *events;
    size_t events_n;
    struct transcript_message *messages; /* what customer and agent said to each other, in order */
    size_t messages_n;
    struct transcript_call *calls;
    size_t calls_n;
    struct transcript_action *actions;
    size_t actions_n;
};

/* Takes all events from seq 1. Errors: ERR_INVALID (a body that is no JSON object, a journal that has holes or does
 * not begin with its opening). */
MUST_USE int transcript_read(struct arena *a, const struct event *events, size_t n, struct transcript *out,
                             struct err *e);

/* Does an event of that kind ask for calls (`calls` in its body)? */
bool transcript_asks(enum event_kind kind);
/* Did the call do what it was made for? For an action: its protocol says so, not the answer to the model. */
bool transcript_call_ok(const struct transcript_call *c);
/* The seq at which it was known how the call ended; 0: never. */
int64_t transcript_call_end(const struct transcript_call *c);

#endif
