/* recording: the OpenAI chat messages of one recorded conversation become the events of a journal (import.h says
 * which). Pure: texts are borrowed from the parsed messages. */
#ifndef EVAL_RECORDING_H
#define EVAL_RECORDING_H

#include "store/event.h"

struct recording {
    struct arena *arena;
    int64_t at_us;                               /* of every event */
    struct str opened;                           /* body of conversation.opened */
    struct str mid;                              /* message ids are <mid>-<seq> */
    void (*ignore)(void *arg, struct str field); /* a field of a message that is left out */
    void *ignore_arg;

    /* filled in */
    struct event *events;
    size_t n;
    size_t messages, calls, calls_unanswered;
    const struct json *system; /* texts of leading system messages; NULL for none */
};

/* Errors: ERR_INVALID ("messages[3].role is missing; ..."), ERR_LIMIT (a body over 16 MiB). */
MUST_USE int recording_read(struct recording *r, const struct json *messages, struct err *e);

/* The first words of the customer, "" when there are none. */
struct str recording_first_words(const struct json *messages);

#endif
