/* llm_provider: what stands behind llm.h: one attempt at one question.
 *
 * A provider answers or says how it failed, once. It retries nothing, records nothing and counts nothing:
 * llm.c does that for all of them. An implementation puts `struct llm_provider` first in its own struct
 * and sets every function. Everything runs on the loop thread. */
#ifndef LLM_LLM_PROVIDER_H
#define LLM_LLM_PROVIDER_H

#include "llm/llm.h"

/* How an attempt ended. */
struct llm_end {
    struct llm_answer answer; /* answer.result 0: everything but `attempts` is set. Otherwise only `result` and
                               * `err` mean something. The texts live during on_end. */
    int status;               /* HTTP status, 0 without one */
    int retry_after_ms;       /* the provider's wish; -1 when it has none */
    bool retryable;           /* asking the same again may help */
    bool delivered;           /* on_delta was called in this attempt */
    bool quotes;              /* answer.err repeats the server's own words */
};

struct llm_attempt_hooks {
    void (*on_delta)(void *arg, struct str text);         /* words as they come; NULL: not wanted */
    void (*on_end)(void *arg, const struct llm_end *end); /* once, last; the attempt is gone then */
};

struct llm_attempt; /* opaque here: each provider casts its own struct */

struct llm_provider {
    /* Starts an attempt. No callback comes from inside `ask` (use loop_post or loop_after). The question's
     * texts stay until on_end or cancel; the struct llm_question itself and `hooks` are copied by the provider
     * when it needs them later. total_ms is what is left of the call's whole time. */
    struct llm_attempt *(*ask)(struct llm_provider *p, const struct llm_question *q, int total_ms,
                               const struct llm_attempt_hooks *hooks, void *arg);
    /* No callback comes after this. May be called from on_delta of the very attempt, never from its on_end. */
    void (*cancel)(struct llm_provider *p, struct llm_attempt *attempt);
    void (*free)(struct llm_provider *p); /* every attempt has ended or was cancelled */
};

/* A model with a provider of the caller's own. It belongs to the model from now on, also after an error. The kind in
 * `config` does not matter. Errors: ERR_IO and others of the recording, when one is asked for. */
MUST_USE int llm_new_with(struct loop *l, struct llm_provider *provider, const struct llm_config *config,
                          struct llm **out, struct err *e);

/* Makers copy what they keep of `config`; its zeros have been replaced by the defaults of llm.h. */

#endif
