/* prompt: what the body of POST /v1/chat/completions asks, read from its end as far as is needed.
 *
 * "The conversation" is the messages between the leading system messages and a system message at the end:
 * the state block. Texts point into the body or live in the arena. */
#ifndef PEER_PROMPT_H
#define PEER_PROMPT_H

#include "base/json.h"

enum { PROMPT_CALLS_MAX = 64 }; /* results of one model answer; more are not seen */

struct message {
    struct str role; /* as it was written */
    struct str raw;  /* the object's text */
};

struct prompt {
    struct str messages;  /* what stands between the array's brackets */
    struct str before;    /* the same without the state block */
    struct message last;  /* the conversation's last message; role empty: there is none */
    struct message state; /* the system message at the end; raw empty: there is none */
    bool stream, usage;
};

/* Finds the messages. Errors: ERR_INVALID. */
MUST_USE int prompt_read(struct str body, struct prompt *out, struct err *e);

/* The conversation's messages from the last to the first; begin with rest = p->before. */
bool prompt_back(struct str *rest, struct message *m);

/* A message's words: its content, or the texts of its parts. */
struct str message_text(struct arena *a, const struct message *m);

/* The result of the last call of `tool`, or of any call (the message that stands last) where `tool` is
 * NULL. `name` becomes the tool's name. False: there is none. */
bool prompt_result(const struct prompt *p, struct arena *a, const char *tool, struct str *name, struct str *text);
bool prompt_called(const struct prompt *p, struct arena *a, struct str tool);

int prompt_user_turns(const struct prompt *p);
int prompt_calls_since_user(const struct prompt *p); /* tool results since the customer's last words */

/* Is the body what the OpenAI API would take? In particular: every tool call is answered, once, before
 * anything else is said, and nothing else is answered. Errors: ERR_INVALID with what is wrong. */
MUST_USE int prompt_check(struct arena *a, struct str body, struct err *e);

#endif
