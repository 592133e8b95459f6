/* recall: how many of the documents that a task needs are found by a method of engine/retrieval.h?
 *
 * Recall at k of a task is the share of its required documents among the first k found; that of a method is the mean over
 * the tasks. A task may need more than k documents, so 1 is often out of reach. */
#ifndef EVAL_RECALL_H
#define EVAL_RECALL_H

#include "engine/knowledge.h"
#include "engine/retrieval.h"

struct recall_task {
    struct str id, query;
    size_t *required; /* places in the collection, each once */
    size_t required_n;
    struct str *tools; /* what a correct solution calls, each once */
    size_t tools_n;
};

/* Reads [{"id", "user_scenario": {"instructions"}, "required_documents": [id], "evaluation_criteria": {"actions":
 * [{"name", "arguments"}]}}]. Tasks that need no document are left out. Errors: ERR_INVALID (the form; an id that no
 * document has). */
MUST_USE int recall_tasks(struct arena *a, const struct knowledge *k, struct str text, struct recall_task **tasks,
                          size_t *n, struct err *e);

enum { RECALL_CUTS = 4 };
extern const size_t recall_cuts[RECALL_CUTS]; /* 5, 10, 20, 50 */
struct recall {
    double at[RECALL_CUTS];
    size_t all_found; /* tasks of which every document is among the first 20 */
    size_t n;         /* tasks */
};
/* Adds one task's ranking; recall_mean at the end. */
void recall_add(struct recall *r, const struct recall_task *t, const size_t *ranked, size_t n);
struct recall recall_mean(const struct recall *sums);

/* Features of all documents for each task, as retrieval_features gives them. */
struct recall_features {
    size_t documents, tasks;
    float **of; /* by task */
};
/* Weights for the features in `used` under which the required documents are likeliest (softmax over all documents, ListNet:
 * Cao et al. 2007, ICML), with a penalty on large ones. Tasks with fold[i] == without are left out; -1 leaves none out. */
struct retrieval_weights recall_fit(const struct recall_features *f, const struct recall_task *tasks, const int *fold,
                                    int without, const bool *used);

#endif
