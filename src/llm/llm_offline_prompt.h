/* llm_offline_prompt: the moving parts of a prompt, read as far as the offline provider needs them: the state,
 * and the transcript's end. The transcript is read backwards, so a long conversation costs no more than a
 * short one. Pure. */
#ifndef LLM_LLM_OFFLINE_PROMPT_H
#define LLM_LLM_OFFLINE_PROMPT_H

#include "base/json.h"

struct offline_prompt {
    struct json *state;       /* the state block's object; may be written to */
    bool customer_spoke;      /* the transcript ends with the customer's messages, not with tools' results */
    struct str words;         /* those messages, oldest first, without pressed buttons; "" for none */
    bool begun;               /* the agent said or did something before */
    const struct json *calls; /* the tool calls whose results end the transcript; NULL for none */
};

/* Takes the last message off a list of JSON objects (commas between, before or behind). 1: there was one;
 * 0: the list is empty. Errors: ERR_INVALID. */
MUST_USE int offline_take_last(struct str *list, struct str *object, struct err *e);

/* Errors: ERR_INVALID: a piece does not read. */
MUST_USE int offline_prompt_read(struct arena *a, struct str transcript, struct str state, struct offline_prompt *out,
                                 struct err *e);

#endif
