/* context: the prompt of the next question, made from an agent version and a folded conversation. docs/PROMPT.md.
 *
 * Byte-deterministic: the same journal, agent and time give the same bytes, so every past prompt can be made again
 * and compared with the hash that model.asked recorded. */
#ifndef ENGINE_CONTEXT_H
#define ENGINE_CONTEXT_H

#include "engine/conversation.h"
#include "store/store.h"

struct context {
    struct str tools, shared, transcript, state; /* docs/PROMPT.md; tools and shared belong to the agent, transcript to
                                                  * the conversation, state to the arena */
    struct sha256 sha;
    size_t bytes;
    const struct span *spans; /* of context_label; else NULL */
    size_t spans_n;
};

/* The prompt as it is at `now_us`. */
struct context context_make(struct arena *a, const struct conversation *c, int64_t now_us);

/* The prompt's bytes as they are hashed, in one piece. */
struct str context_bytes(struct arena *a, const struct context *x);
/* Says of every byte of a prompt who wrote it. `c` was folded from `events` with c->messages.marking set since before the
 * first, and `now_us` is the prompt's. The spans live in `a` and borrow from the agent. */
void context_label(struct arena *a, const struct conversation *c, const struct event *events, int64_t now_us,
                   struct context *x);

/* The state block's JSON object alone; also the root that macros are filled from. */
struct json *context_state(struct arena *a, const struct conversation *c, int64_t now_us);

struct context_check {
    int64_t prompts;             /* model.asked events seen */
    int64_t reproduced;          /* whose hash came out the same */
    int64_t bytes, prefix_bytes; /* all prompts after each conversation's first; and how much of them was, byte for
                                  * byte, the beginning of the prompt before (without its state block) */
    int64_t seq_bad;             /* first event whose prompt differs, 0: none */
};
/* Makes every prompt of a conversation again from its events, each with the agent version of its time. Adds to `check`.
 * Errors: ERR_INVALID (the journal does not fold), ERR_NOT_FOUND (of `agents`). */
MUST_USE int context_verify(struct agent_source agents, const struct event *events, size_t n,
                            struct context_check *check, struct err *e);

#endif
