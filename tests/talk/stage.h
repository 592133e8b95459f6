/* stage: a whole Candor in one process, with the engine's own runner and store, whose model, tools, clock and end a script
 * directs. The example bank is a real process beside it.
 *
 * Every act returns when everything rests: nobody works, or all wait for the customer, for the clock, or for what the script
 * holds back. The wall clock stands still but for stage_clock; the day is STAGE_DAY, the bank's too. */
#ifndef TESTS_TALK_STAGE_H
#define TESTS_TALK_STAGE_H

#include "cue.h"
#include "engine/runner.h"

#define STAGE_DAY "2026-03-10"

struct stage;

struct stage_setup {
    const char *workspaces; /* the folder of the workspaces: "examples" */
    const char *agent;      /* who answers where the script does not say; the workspace has the same name */
    const char *bank_url;
    const char *dir; /* where the store's files may lie */
};

struct stage *stage_new(const struct stage_setup *setup);
void stage_free(struct stage *s);

/* --- acts. Errors: what the engine answered, or ERR_TIMEOUT when it does not come to rest --- */

MUST_USE int stage_agent(
    struct stage *s, struct str name,
    struct err *
        e); /* "card-delivery", "card-delivery@1", "card-delivery with FROM => TO": that version from now on is in force */
/* Opens a conversation. identity: 1 unless the customer is not known to be who they say. */
MUST_USE int stage_as(struct stage *s, struct str customer, struct str locale, int identity, struct err *e);
MUST_USE int stage_message(struct stage *s, struct str text, struct err *e);
MUST_USE int stage_resend(struct stage *s, struct str other_text, struct err *e); /* the last one's client id again */
MUST_USE int stage_button(struct stage *s, struct str which, struct err *e);
MUST_USE int stage_person(struct stage *s, struct str what, struct err *e);
MUST_USE int stage_operator(struct stage *s, struct str what,
                            struct err *e); /* "switches to the agent", "... people" */
MUST_USE int stage_model(struct stage *s, struct str cue, struct err *e);
MUST_USE int stage_tool(struct stage *s, struct str line, struct err *e);
MUST_USE int stage_bank(struct stage *s, struct str fault, struct str value, struct err *e);
MUST_USE int stage_clock(struct stage *s, struct str by, struct err *e); /* "+20m" */
MUST_USE int stage_closes(struct stage *s, struct err *e);
MUST_USE int stage_dies(struct stage *s, struct err *e); /* and starts again on what is on disk */

/* --- what can be seen --- */

int64_t stage_act_seq(const struct stage *s); /* seq of the last event before the last act */
const struct agent *stage_cast(const struct stage *s);
struct cues *stage_cues(const struct stage *s);
bool stage_opened(const struct stage *s);
enum turn_at stage_turn(const struct stage *s); /* where the running program stands */
/* The journal; the folded conversation (freed with `a`). */
MUST_USE int stage_events(struct stage *s, struct arena *a, struct event **events, size_t *n, struct err *e);
MUST_USE int stage_folded(struct stage *s, struct arena *a, struct conversation **out, struct err *e);
struct agent_source stage_agents(struct stage *s); /* every version that a journal of this stage can name */
struct store *stage_store(const struct stage *s);
int stage_requests(const struct stage *s, struct str tool, bool distinct); /* that left; distinct: repeats count once */
/* What the bank's books say was ordered for the customer under a key: a list. `what` is a word of stage.c's table. */
MUST_USE int stage_books(struct stage *s, struct str what, const struct json **out, struct err *e);
size_t stage_tool_cues_left(const struct stage *s);

#endif
