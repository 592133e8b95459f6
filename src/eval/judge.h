/* judge: a verdict on a conversation by rules that a support manager can read. Pure and repeatable: the same journal
 * and the same rules give the same verdict, anywhere.
 *
 * A judge is one file judges/<name>.yaml of a workspace:
 *
 *   judge: unconfirmed_reissue          # letters, digits, _
 *   version: 1.0.0                      # for people
 *   catches: A card that was ordered although the customer had not agreed to it.     # one sentence
 *   applies_to: {tools: [reissue_card], agents: [card-delivery]}                     # optional; see below
 *   rule: {confirmed: {}}               # one rule; the kinds are listed in eval/rule.h
 *
 * applies_to.tools: conversations in which one of these tools was called; applies_to.agents: conversations held by one of
 * these agents. Conversations that a judge does not apply to have no verdict by it and do not count in its rate.
 *
 * A judge's identity is the first 12 hex digits of the SHA-256 of the file's canonical JSON: comments and layout do not
 * change it, everything else does. */
#ifndef EVAL_JUDGE_H
#define EVAL_JUDGE_H

#include "eval/transcript.h"
#include "store/dataset.h"

enum { JUDGE_VERSION_HEX = 12, JUDGES_MAX = 256, JUDGE_FILE_BYTES_MAX = 1 << 18 };

enum verdict_score { VERDICT_PASS = 0, VERDICT_FAIL = 1, VERDICT_UNJUDGED = -1 };

struct verdict {
    bool applies;         /* false: the judge says nothing of this conversation; the rest is empty */
    int score;            /* enum verdict_score */
    struct str analysis;  /* one or two sentences */
    int64_t evidence_seq; /* the event that decided it; 0 for none */
};

struct rule;

struct judge {
    struct str name, catches;
    struct str label;           /* `version` of the file */
    struct str version;         /* the identity: 12 hex digits */
    struct str *tools, *agents; /* applies_to */
    size_t tools_n, agents_n;
    struct rule *rule;
};

/* Reads one judge. `name` is the file's for messages. Lives in `a`. Errors: ERR_INVALID "judges/x.yaml:7: ...". */
MUST_USE int judge_read(struct arena *a, struct str yaml, const char *name, struct judge *out, struct err *e);

/* Reads all judges/<name>.yaml below `workspace`, ordered by file name. Errors: ERR_NOT_FOUND (no judge is there),
 * ERR_INVALID (also: a file whose judge has another name), ERR_IO. */
MUST_USE int judge_load(struct arena *a, const char *workspace, struct judge **out, size_t *n, struct err *e);

/* Judges one conversation. `item` says what was expected of it (expected may be "{}"). Not from two threads at once with
 * the same judge. Errors: ERR_INVALID (an expectation that is no JSON object). What a rule cannot decide is a verdict
 * with the score -1 and the reason, not an error. */
MUST_USE int judge_run(const struct judge *j, const struct transcript *t, const struct dataset_item *item,
                       struct arena *a, struct verdict *out, struct err *e);

#endif
