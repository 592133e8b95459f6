/* summary: the figures of `candor report`: how often a set's conversations succeed, how often each judge says no, and
 * which conversations to read first. Pure. Every figure stands beside its n, its method and its interval, or beside the
 * reason why it has none. */
#ifndef EVAL_SUMMARY_H
#define EVAL_SUMMARY_H

#include "eval/judge.h"
#include "stats/interval.h"

enum { SUMMARY_K_MAX = 4, SUMMARY_WORST_MAX = 10, SUMMARY_RESAMPLES = 2000 };

/* A figure that may be undefined. */
struct figure {
    bool defined; /* value holds */
    bool bounded; /* low, high and method hold */
    struct interval i;
    struct str why; /* why it is undefined or has no interval */
};

struct summary_judge {
    struct str name, version, catches;          /* catches: "" when the judge is not in the workspace any more */
    size_t failed, judged, unjudged, not_meant; /* not_meant: conversations it does not apply to */
    struct figure rate;                         /* failed of judged, Wilson: as if conversations were independent */
    struct figure over_tasks; /* the same, t over tasks, cut at 0 and 1: trials of a task resemble each other */
};

struct summary_worst {
    const struct dataset_item *item;
    size_t failed;
    const struct verdict_row **rows; /* the failed ones */
};

struct summary {
    struct str set;
    size_t conversations, tasks, trials_min, trials_max, rewarded;
    struct figure pass[SUMMARY_K_MAX];   /* pass[k-1] = pass^k, over the tasks with k rewarded trials or more */
    size_t pass_left_out[SUMMARY_K_MAX]; /* the other tasks: where there are some, k and k+1 speak of different tasks */
    struct summary_judge *judges;
    size_t judges_n;
    struct summary_worst worst[SUMMARY_WORST_MAX]; /* most failed judges first, then the lowest reward */
    size_t worst_n;
};

/* `rows` are verdicts on the items' conversations, one version of each judge; judges may be NULL. The summary lives in `a`
 * and borrows from its arguments. The intervals that are drawn by chance come from the set's name: the same figures have the
 * same intervals each time. */
void summary_make(struct arena *a, struct str set, const struct dataset_item *items, size_t n,
                  const struct verdict_row *rows, size_t rows_n, const struct judge *judges, size_t judges_n,
                  struct summary *out);

/* For people: aligned plain text. `note` (may be empty) is a sentence about where the verdicts come from. */
void summary_text(struct arena *a, const struct summary *s, struct str note, struct buf *out);
/* For machines: figures as {value, low, high, method, n, status}; value and bounds null where undefined. pass^k has
 * left_out, the tasks that it does not speak of, beside n, those that it does. */
void summary_json(struct arena *a, const struct summary *s, struct str note, struct json_writer *w);

/* Where the web pages show a conversation. */
struct str summary_link(struct arena *a, int64_t conversation);

#endif
