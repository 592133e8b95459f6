/* assess: all judges on all conversations of a set. */
#ifndef EVAL_ASSESS_H
#define EVAL_ASSESS_H

#include "eval/judge.h"

struct assessment {
    struct verdict_row *rows; /* by conversation, then by judge; none where a judge does not apply */
    size_t n;
};

/* Reads each conversation once and runs the judges on it; writes nothing. `go_on` (may be NULL) is called after each
 * conversation; once it says no, that was the last. Errors: those of the store and of judge_run, with the conversation's
 * label. */
MUST_USE int assess_set(struct store *s, struct arena *a, const struct judge *judges, size_t judges_n,
                        const struct dataset_item *items, size_t n, bool (*go_on)(size_t done, size_t n),
                        struct assessment *out, struct err *e);

#endif
