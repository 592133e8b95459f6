/* replay: recorded conversations run through the engine again, with the recorded model and the recorded tools.
 *
 * The customer says the recorded words, one message after each reply; the model's answers come from a recording made of
 * the set; a tool call is answered with the recorded result if its name and arguments are recorded ones. What comes out
 * is compared with what was recorded: every call, every argument, every reply, every prompt's hash. The replayed
 * journals go to a store of their own. Left out are conversations in which nobody is answered, the agent speaks
 * unasked, the customer twice in a row or while calls run, or an answer is empty or very long: another program held
 * them by other rules. */
#ifndef EVAL_REPLAY_H
#define EVAL_REPLAY_H

#include "engine/runner.h"
#include "eval/transcript.h"
#include "store/dataset.h"

/* Writes the model's answers of a set as a recording (llm/llm_record.h). Errors: ERR_NOT_FOUND, ERR_IO. */
MUST_USE int replay_write_recording(struct store *source, const char *set, const char *path, struct err *e);

struct replay;

/* Loads the set's conversations. They live in the replay. */
MUST_USE int replay_new(struct store *source, const char *set, struct replay **out, struct err *e);
void replay_free(struct replay *p);

/* Ports for the runner that replays: tool and notify (arg is the replay). The caller adds `after`. `post` must call
 * fn(x) on the loop soon. */
struct runner_ports replay_ports(struct replay *p, void (*post)(void *arg, void (*fn)(void *x), void *x),
                                 void *post_arg);

/* Opens all conversations with `agent`. Then run the loop until replay_finished. */
void replay_start(struct replay *p, struct runner *r, const struct agent *agent);
bool replay_finished(const struct replay *p);
uint64_t replay_steps(const struct replay *p); /* grows as long as anything happens */

struct replay_result {
    size_t conversations, equal; /* equal: every call, argument and reply is the recorded one */
    size_t left_out;             /* conversations that this engine cannot hold, and are not among the ones above */
    size_t calls, calls_equal, replies, replies_equal;
    struct context_check prompts;
    struct str first_difference, first_left_out; /* "label: why"; "" when there is none */
};
/* Compares what stands in `target` with the recording. Errors: ERR_INVALID (a journal does not read). */
MUST_USE int replay_compare(struct replay *p, struct store *target, struct arena *a, struct replay_result *out,
                            struct err *e);

#endif
