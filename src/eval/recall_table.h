/* recall_table: what each improvement on plain BM25 brings, measured one after the other on the same tasks. */
#ifndef EVAL_RECALL_TABLE_H
#define EVAL_RECALL_TABLE_H

#include "eval/recall.h"

struct recall_row {
    const char *method;
    struct recall recall;
    bool fitted; /* its weights were fitted to these tasks: `recall` is too good by a little */
    struct recall
        unseen; /* fitted: the mean of two cross-validations in 7 parts; each task ranked by weights that never
                               saw it */
    struct retrieval_weights weights;
};
/* A question that one document answers: the share answered first, and among the first five. */
struct recall_known {
    const char *what;
    double first, five;
    size_t n;
};
struct recall_table {
    struct recall_row *rows;
    size_t n;
    struct recall_known known[4];
    size_t known_n;
};
/* Takes some seconds. Errors: as retrieval_new. */
MUST_USE int recall_table_make(struct arena *a, const struct knowledge *k, const struct recall_task *tasks, size_t n,
                               struct recall_table *out, struct err *e);

/* Its first and its last row alone: plain BM25, and the weights for situations as shipped. Takes half a second. */
MUST_USE int recall_table_plain_and_best(struct arena *a, const struct knowledge *k, const struct recall_task *tasks,
                                         size_t n, struct recall_table *out, struct err *e);

#endif
