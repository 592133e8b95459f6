/* messages: the prompt's transcript: chat messages as JSON text that only grows, hashed as it grows (docs/PROMPT.md, 3).
 *
 * Every message begins with a comma: what all conversations of the agent share stands before it. */
#ifndef ENGINE_MESSAGES_H
#define ENGINE_MESSAGES_H

#include "base/hash.h"
#include "base/json.h"

/* Whose words stand in a piece of the text; what is between two of them is the form that all messages have. */
struct messages_mark {
    size_t from, to;
    int64_t seq;
};

struct messages {
    struct buf text;  /* on the heap */
    sha256_state sha; /* over the prompt up to the text's end */
    int64_t seq;      /* of the event that is written down: what its words are marked with */
    bool marking;     /* marks are kept; set before anything is written. Conversations that run keep none */
    struct messages_mark *marks;
    size_t marks_n, marks_size;
};

/* One call of a model's answer. */
struct call {
    struct str id, name, args; /* our id; args as the model gave them */
    bool answered;
};

struct messages messages_new(const sha256_state *prefix); /* the hash of what stands before; copied */
void messages_free(struct messages *m);

/* Other things stand before the text from now on: `prefix` is their hash. */
void messages_rebase(struct messages *m, const sha256_state *prefix);

/* {"role":role,"content":before + text}; `role` and `before` need no escaping. */
void messages_text(struct messages *m, const char *role, const char *before, struct str text);
/* The assistant's message with calls; text NULL: its content is null. A name that providers would refuse is written with
 * _ for what is wrong in it, arguments that are no JSON object as {}: the journal keeps what the model wrote, the prompt
 * says it in a form that can be sent. */
void messages_calls(struct messages *m, const struct str *text, const struct call *calls, size_t n);
/* The result of one call. {"text":"..."} alone, as recorded tools give it, is passed as that text; everything else as
 * {"class","result"}. result NULL: null. */
void messages_result(struct messages *m, struct str id, struct str class, const struct json *result);

#endif
