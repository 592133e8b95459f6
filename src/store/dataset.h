/* dataset: named sets of conversations with what was expected of them, and verdicts on them.
 * Evaluation tables are facts of their own, not derived from events. */
#ifndef STORE_DATASET_H
#define STORE_DATASET_H

#include "store/journal.h"

struct dataset_item {
    int64_t conversation;
    struct str label; /* the source's id: "airline-00-0" */
    struct str task;  /* items of one task are trials of the same thing; "" when there is none */
    int64_t trial;
    bool has_reward;
    double reward;       /* the source's own outcome: 1 success, 0 failure */
    struct str expected; /* JSON: what the source expected (actions, outputs), "{}" when nothing */
    struct str note;     /* JSON: whatever else the source said that a round trip needs */
};

/* Creates the set or adds to it. Errors: ERR_CONFLICT (a label is there already; nothing is added). */
MUST_USE int dataset_put(struct store *s, const char *set, const char *source, const struct dataset_item *items,
                         size_t n, struct err *e);
/* The items of an imported set in the order of import. ERR_NOT_FOUND. When no set has this name but an agent
 * has, the conversations held with that agent (label = public id, no reward). */
MUST_USE int dataset_items(struct store *s, struct arena *a, const char *set, struct dataset_item **items, size_t *n,
                           struct err *e);

struct verdict_row {
    int64_t conversation;
    struct str judge, version; /* the judge's name and the sha256 hex (first 12) of its text */
    int score;                 /* 0 pass, 1 fail, -1 could not be judged */
    struct str analysis;       /* one or two sentences */
    int64_t evidence_seq;      /* the event that decided it, 0 for none */
    int64_t at_us;
};
/* Replaces the verdicts of the same (conversation, judge, version). */
MUST_USE int verdict_put(struct store *s, const struct verdict_row *rows, size_t n, struct err *e);
/* The verdicts of each judge over the conversations of a set (or agent, as above), by the version of it that gave
 * the newest of them: no two versions are mixed. In the set's order, then by judge. ERR_NOT_FOUND. */
MUST_USE int verdict_list(struct store *s, struct arena *a, const char *set, struct verdict_row **rows, size_t *n,
                          struct err *e);

#endif
