/* rule: what a judge looks for. One row a kind in rule.c; the functions stand in rule_calls.c, rule_actions.c and
 * rule_words.c.
 *
 * Calls are chosen with the same keys everywhere:
 *   tools      one name or a list; absent: any tool
 *   args       a part of the arguments: {reason: lost} fits {"reason":"lost","address":"..."}; lists fit as a whole
 *   where      an expression (base/expr.h) over args, result, tool and class
 *   outcome    ok: it succeeded (an action: its protocol says ok or already_done); failed: it did not; absent: any
 *
 *   called: {<calls>}                 passes when one such call was made
 *   not_called: {<calls>}             passes when none was made
 *   at_most: {n: 1, <calls>, identical: true}
 *                                     passes when no more than n were made; identical: of equal calls
 *   order: {first: {<calls>}, before: {<calls>}}
 *   order: {first: {<calls>}, before_reply: [patterns], unless: [patterns]}
 *                                     passes when the first such call, or the first sentence of a reply that a pattern
 *                                     finds, has an answered call of `first` before it
 *   confirmed: {tools: [...], asks: [patterns], agrees: [patterns]}
 *                                     passes when no action ran without a yes. Own conversations: a confirmation.given
 *                                     with the digest of the action.proposed stands before action.started. Recorded ones
 *                                     (they know no such protocol; needs asks and agrees): before each successful call
 *                                     of the tools, the agent's last reply asks and the customer's last message agrees
 *   end_state: {tools: [...], match: same|subset, outputs: true}
 *                                     passes when the successful calls of these tools are, in any order, those that the
 *                                     item's expectation {"actions": [{"tool", "args"}], "outputs": [text]} lists for
 *                                     them; subset: the expectation's arguments are a part. outputs: each expected output
 *                                     stands in some reply (case and commas do not matter)
 *   reply_length: {chars: 700}        passes when no reply of the agent has more characters
 *   replies: {must: [patterns], must_not: [patterns], unless: [patterns]}
 *                                     passes when each `must` is found in some reply and no sentence matches a `must_not`;
 *                                     `unless` excuses a sentence
 *   claims: {unless: [patterns], say: [{patterns: [...], tools: [...]}, ...]}
 *                                     passes when every sentence of a reply that claims success has a successful call of
 *                                     one of the tools before it. `unless`: what makes a sentence no claim (negation,
 *                                     condition, question)
 *   each: {event: handoff.requested, that: "reason != ''"}
 *                                     passes when the expression holds over the body of every such event
 *   all: [rules]   any: [rules]   not: {rule}
 *
 * Patterns are those of eval/pattern.h. */
#ifndef EVAL_RULE_H
#define EVAL_RULE_H

#include "eval/judge.h"
#include "eval/pattern.h"

enum rule_outcome { OUTCOME_ANY, OUTCOME_OK, OUTCOME_FAILED };

/* Which calls are meant. */
struct call_filter {
    struct str *tools;
    size_t tools_n;
    const struct json *args; /* NULL: any */
    struct str where;        /* "": any */
    enum rule_outcome outcome;
};

struct claim {
    struct pattern_list patterns;
    struct str *tools;
    size_t tools_n;
};

/* A conversation on trial: what every rule gets. */
struct trial {
    struct arena *arena;
    const struct transcript *t;
    const struct dataset_item *item;
};

struct rule_kind;

struct rule {
    const struct rule_kind *kind;
    struct call_filter calls, then; /* then: order.before */
    struct pattern_list ask, agree; /* confirmed */
    struct pattern_list must, must_not, unless;
    struct claim *claims;
    size_t claims_n;
    int64_t n; /* at_most, reply_length */
    bool identical, outputs, subset, by_reply;
    enum event_kind event;
    struct str that;
    struct rule *children;
    size_t children_n;
};

struct rule_kind {
    const char *name;
    int (*read)(struct arena *a, const struct json *v, struct rule *r, struct err *e);
    /* Fills score, analysis and evidence. Errors: ERR_LIMIT (patterns) becomes the score -1. */
    int (*run)(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e);
};

/* A map with one key, the kind. Errors: ERR_INVALID with "line N: ...". */
MUST_USE int rule_read(struct arena *a, const struct json *v, struct rule *out, struct err *e);
MUST_USE int rule_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e);

/* Sentences of verdicts; long texts in them are cut by rule_quote. */
int rule_pass(struct verdict *out, const struct trial *x, int64_t seq, const char *format, ...) PRINTF_LIKE(4, 5);
int rule_fail(struct verdict *out, const struct trial *x, int64_t seq, const char *format, ...) PRINTF_LIKE(4, 5);
int rule_unjudged(struct verdict *out, const struct trial *x, const char *format, ...) PRINTF_LIKE(3, 4);
struct str rule_quote(struct arena *a, struct str text);
struct str rule_list(struct arena *a, const struct str *texts, size_t n); /* "a, b or c" */

/* The kinds' own functions, for the table in rule.c. */
#define RULE(name) \
    int rule_##name##_read(struct arena *a, const struct json *v, struct rule *r, struct err *e); \
    int rule_##name##_run(const struct rule *r, const struct trial *x, struct verdict *out, struct err *e)
RULE(called);
RULE(not_called);
RULE(at_most);
RULE(order);
RULE(confirmed);
RULE(end_state);
RULE(reply_length);
RULE(replies);
RULE(claims);

/* Shared by the files of rules. */
extern const char *const rule_call_keys[]; /* NULL-terminated */
MUST_USE int rule_calls_read(struct arena *a, const struct json *map, struct call_filter *f, struct err *e);
/* 1 the call is meant, 0 it is not. Errors: ERR_INVALID, ERR_LIMIT of the expression. */
MUST_USE int rule_calls_fit(const struct call_filter *f, const struct trial *x, const struct transcript_call *c,
                            struct err *e);
bool rule_tool_listed(const struct str *tools, size_t n, struct str tool); /* an empty list means any */
bool rule_part_of(const struct json *part, const struct json *whole);
MUST_USE int rule_patterns(struct arena *a, const struct json *map, const char *key, struct pattern_list *out,
                           struct err *e); /* an absent key is an empty list */

#endif
