#include "eval/recall_table.h"

#include "base/rng.h"
#include "store/knowledge.h"

#include <string.h>

enum { ROWS_MAX = 48, RANKED = 50, PARTS = 7, REPEATS = 2 };

struct table {
    struct arena *a;
    const struct retrieval_document *documents;
    size_t documents_n;
    const struct recall_task *tasks;
    size_t n;
    struct recall_table *out;
    struct err *e;
};

static struct recall_row *row(struct table *t, const char *method)
{
    struct recall_row *r = &t->out->rows[t->out->n++];
    r->method = method;
    return r;
}

/* --- plain BM25 --- */

static int plain_rank(struct knowledge_index *ix, struct str query, size_t *ranked, size_t max, struct err *e)
{
    struct knowledge_hit hits[RANKED];
    int n = knowledge_bm25(ix, query, hits, max, e);
    for (int i = 0; i < n; i++)
        ranked[i] = hits[i].i;
    return n;
}

static int plain_index(const struct table *t, struct knowledge_index **out)
{
    struct knowledge_text *texts = ARENA_ARRAY(t->a, struct knowledge_text, t->documents_n + 1);
    for (size_t i = 0; i < t->documents_n; i++)
        texts[i] = (struct knowledge_text){t->documents[i].title, t->documents[i].body};
    return knowledge_index_new(texts, t->documents_n, out, t->e);
}

static int plain_row(struct table *t, struct knowledge_index *ix)
{
    struct recall sums = {0};
    for (size_t i = 0; i < t->n; i++) {
        size_t ranked[RANKED];
        int n = plain_rank(ix, t->tasks[i].query, ranked, RANKED, t->e);
        if (n < 0)
            return n;
        recall_add(&sums, &t->tasks[i], ranked, (size_t)n);
    }
    row(t, "plain BM25 (SQLite FTS5)")->recall = recall_mean(&sums);
    return 0;
}

/* --- fixed weights --- */

static int weights_rank(struct retrieval *r, struct str query, const struct retrieval_weights *w, size_t *ranked,
                        size_t max, struct err *e)
{
    struct retrieval_hit hits[RANKED];
    int n = retrieval_search(r, query, w, hits, max, e);
    for (int i = 0; i < n; i++)
        ranked[i] = hits[i].i;
    return n;
}

static int weights_row(struct table *t, struct retrieval *r, const char *method, const struct retrieval_weights *w)
{
    struct recall sums = {0};
    for (size_t i = 0; i < t->n; i++) {
        size_t ranked[RANKED];
        int n = weights_rank(r, t->tasks[i].query, w, ranked, RANKED, t->e);
        if (n < 0)
            return n;
        recall_add(&sums, &t->tasks[i], ranked, (size_t)n);
    }
    struct recall_row *out = row(t, method);
    out->recall = recall_mean(&sums);
    out->weights = *w;
    return 0;
}

static int hear_all(const struct table *t, struct retrieval *r)
{
    int got = 0;
    for (size_t i = 0; got == 0 && i < t->n; i++)
        got = retrieval_hear(r, t->tasks[i].query, t->e);
    return got;
}

static const struct retrieval_weights words_alone = {.of = {[RETRIEVAL_WORDS] = 1}};

/* Each step keeps the ones before it. */
static int form_rows(struct table *t)
{
    static const struct {
        const char *method;
        struct retrieval_form form;
        bool heard;
    } steps[] = {
        {"BM25 of our own, no stems, k1 = 1.2", {false, false, 1, 1.2, 0.75}, false},
        {"+ stop words left out", {false, true, 1, 1.2, 0.75}, false},
        {"+ title counts three times", {false, true, 3, 1.2, 0.75}, false},
        {"+ stems", {true, true, 3, 1.2, 0.75}, false},
        {"+ k1 = 4", {true, true, 3, 4, 0.75}, false},
        {"+ what stands in most queries weighs less", {true, true, 3, 4, 0.75}, true},
    };
    int got = 0;
    for (size_t i = 0; got == 0 && i < sizeof steps / sizeof *steps; i++) {
        struct retrieval *r;
        got = retrieval_new(t->documents, t->documents_n, &steps[i].form, &r, t->e);
        if (got < 0)
            return got;
        if (steps[i].heard)
            got = hear_all(t, r);
        if (got == 0)
            got = weights_row(t, r, steps[i].method, &words_alone);
        retrieval_free(r);
    }
    return got;
}

/* Every feature by itself. */
static int feature_rows(struct table *t, struct retrieval *r)
{
    static const char *const names[RETRIEVAL_FEATURES] = {
        "  alone: words",    "  alone: pairs of words", "  alone: both",  "  alone: clauses fused",
        "  alone: passages", "  alone: feedback",       "  alone: topic", "  alone: opening",
        "  alone: tools",    "  alone: place"};
    int got = 0;
    for (int f = 0; got == 0 && f < RETRIEVAL_FEATURES; f++) {
        struct retrieval_weights w = {{0}};
        w.of[f] = 1;
        got = weights_row(t, r, names[f], &w);
    }
    return got;
}

/* --- fitted weights --- */

static int by_score(size_t documents, const float *features, const struct retrieval_weights *w, size_t *ranked)
{
    double best[RANKED];
    size_t kept = 0;
    for (size_t i = 0; i < documents; i++) {
        double s = 0;
        for (size_t f = 0; f < RETRIEVAL_FEATURES; f++)
            s += w->of[f] * (double)features[i * RETRIEVAL_FEATURES + f];
        if (kept == RANKED && s <= best[kept - 1])
            continue;
        size_t at = kept < RANKED ? kept++ : kept - 1;
        for (; at > 0 && best[at - 1] < s; at--) {
            best[at] = best[at - 1];
            ranked[at] = ranked[at - 1];
        }
        best[at] = s;
        ranked[at] = i;
    }
    return (int)kept;
}

static void add_part(const struct table *t, const struct recall_features *f, const int *fold, int part,
                     const struct retrieval_weights *w, struct recall *sums)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t ranked[RANKED];
        if (part < 0 || fold[i] == part) {
            int n = by_score(f->documents, f->of[i], w, ranked);
            recall_add(sums, &t->tasks[i], ranked, (size_t)n);
        }
    }
}

/* Tasks shuffled into parts of equal size; the same on every run. */
static void deal(int *fold, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        fold[i] = (int)(i % PARTS);
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(rng_next(&seed) % i);
        int kept = fold[i - 1];
        fold[i - 1] = fold[j];
        fold[j] = kept;
    }
}

static void fit_row(struct table *t, const struct recall_features *f, const char *method,
                    const enum retrieval_feature *features, size_t features_n)
{
    bool used[RETRIEVAL_FEATURES] = {0};
    struct recall sums = {0};
    int *fold = ARENA_ARRAY(t->a, int, t->n + 1);
    struct recall_row *out = row(t, method);
    for (size_t i = 0; i < features_n; i++)
        used[features[i]] = true;
    out->fitted = true;
    out->weights = recall_fit(f, t->tasks, fold, -1, used);
    add_part(t, f, fold, -1, &out->weights, &sums);
    out->recall = recall_mean(&sums);
    sums = (struct recall){0};
    for (uint64_t repeat = 0; repeat < REPEATS; repeat++) {
        deal(fold, t->n, repeat + 1);
        for (int part = 0; part < PARTS; part++) {
            struct retrieval_weights w = recall_fit(f, t->tasks, fold, part, used);
            add_part(t, f, fold, part, &w, &sums);
        }
    }
    out->unseen = recall_mean(&sums);
}

static int all_features(const struct table *t, struct retrieval *r, struct recall_features *f)
{
    *f = (struct recall_features){t->documents_n, t->n, ARENA_ARRAY(t->a, float *, t->n + 1)};
    int got = 0;
    for (size_t i = 0; got == 0 && i < t->n; i++) {
        f->of[i] = ARENA_ARRAY(t->a, float, t->documents_n *RETRIEVAL_FEATURES + 1);
        got = retrieval_features(r, t->tasks[i].query, NULL, f->of[i], t->e);
    }
    return got;
}

static int fit_rows(struct table *t, struct retrieval *r)
{
    static const enum retrieval_feature in_order[] = {RETRIEVAL_BOTH,    RETRIEVAL_FEEDBACK, RETRIEVAL_TOPIC,
                                                      RETRIEVAL_OPENING, RETRIEVAL_TOOLS,    RETRIEVAL_PLACE};
    static const enum retrieval_feature more[] = {RETRIEVAL_BOTH,    RETRIEVAL_FEEDBACK, RETRIEVAL_TOPIC,
                                                  RETRIEVAL_OPENING, RETRIEVAL_TOOLS,    RETRIEVAL_PLACE,
                                                  RETRIEVAL_CLAUSES, RETRIEVAL_PASSAGES};
    static const char *const names[] = {"both",          "both + feedback", "... + topic",
                                        "... + opening", "... + tools",     "... + place"};
    struct recall_features f;
    int got = all_features(t, r, &f);
    if (got < 0)
        return got;
    for (size_t n = 1; n <= sizeof in_order / sizeof *in_order; n++)
        fit_row(t, &f, names[n - 1], in_order, n);
    fit_row(t, &f, "... + clauses + passages", more, sizeof more / sizeof *more);
    return 0;
}

/* --- questions that one document answers --- */

struct asker {
    int (*rank)(const struct asker *by, struct str query, size_t *ranked);
    struct retrieval *r;
    struct knowledge_index *ix;
    struct err *e;
};

static int ask_plain(const struct asker *by, struct str query, size_t *ranked)
{
    return plain_rank(by->ix, query, ranked, 5, by->e);
}

static int ask_weights(const struct asker *by, struct str query, size_t *ranked)
{
    return weights_rank(by->r, query, &retrieval_question, ranked, 5, by->e);
}

static int known_titles(const struct table *t, const struct asker *by, const char *what)
{
    struct recall_known k = {.what = what, .n = t->documents_n};
    size_t first = 0, five = 0, ranked[5];
    for (size_t i = 0; i < t->documents_n; i++) {
        int n = by->rank(by, t->documents[i].title, ranked);
        if (n < 0)
            return n;
        first += n > 0 && ranked[0] == i;
        for (int j = 0; j < n; j++)
            five += ranked[j] == i;
    }
    k.first = k.n ? (double)first / (double)k.n : 0;
    k.five = k.n ? (double)five / (double)k.n : 0;
    t->out->known[t->out->known_n++] = k;
    return 0;
}

/* From the name of a tool that a task's solution calls to a document the task needs, which names that tool. */
static int known_tools(const struct table *t, const struct asker *by, const char *what)
{
    struct recall_known k = {.what = what};
    size_t first = 0, five = 0, ranked[5];
    for (size_t i = 0; i < t->n; i++)
        for (size_t x = 0; x < t->tasks[i].tools_n; x++) {
            struct str tool = t->tasks[i].tools[x];
            bool named = false, found = false;
            int n = by->rank(by, tool, ranked);
            if (n < 0)
                return n;
            for (size_t d = 0; d < t->tasks[i].required_n; d++) {
                size_t place = t->tasks[i].required[d];
                if (!str_has(t->documents[place].body, tool))
                    continue;
                named = true;
                first += n > 0 && ranked[0] == place;
                for (int j = 0; j < n; j++)
                    found |= ranked[j] == place;
            }
            k.n += named;
            five += found;
        }
    k.first = k.n ? (double)first / (double)k.n : 0;
    k.five = k.n ? (double)five / (double)k.n : 0;
    t->out->known[t->out->known_n++] = k;
    return 0;
}

static int known_rows(struct table *t, struct knowledge_index *ix, struct retrieval *r)
{
    struct asker plain = {ask_plain, NULL, ix, t->e}, ours = {ask_weights, r, NULL, t->e};
    int got = known_titles(t, &plain, "title to its document, plain BM25");
    if (got == 0)
        got = known_titles(t, &ours, "title to its document, weights for questions");
    if (got == 0)
        got = known_tools(t, &plain, "tool's name to a document, plain BM25");
    if (got == 0)
        got = known_tools(t, &ours, "tool's name to a document, weights for questions");
    return got;
}

/* --- all of it --- */

static int best_rows(struct table *t, struct knowledge_index *ix, struct retrieval *r)
{
    int got = known_rows(t, ix, r); /* nothing was heard yet, as with a new agent */
    if (got == 0)
        got = weights_row(t, r, "the weights for situations, nothing heard", &retrieval_situation);
    if (got == 0)
        got = hear_all(t, r);
    if (got == 0)
        got = feature_rows(t, r);
    return got == 0 ? fit_rows(t, r) : got;
}

static int make_rows(struct table *t, bool all)
{
    struct knowledge_index *ix;
    struct retrieval *r = NULL;
    int got = plain_index(t, &ix);
    if (got < 0)
        return got;
    got = plain_row(t, ix);
    if (got == 0 && all)
        got = form_rows(t);
    if (got == 0)
        got = retrieval_new(t->documents, t->documents_n, &retrieval_form_best, &r, t->e);
    if (got == 0)
        got = all ? best_rows(t, ix, r) : hear_all(t, r);
    if (got == 0)
        got = weights_row(t, r, "the weights for situations, as shipped", &retrieval_situation);
    retrieval_free(r);
    knowledge_index_free(ix);
    return got;
}

static int make(struct arena *a, const struct knowledge *k, const struct recall_task *tasks, size_t n, bool all,
                struct recall_table *out, struct err *e)
{
    size_t documents_n = knowledge_count(k);
    struct retrieval_document *documents = ARENA_ARRAY(a, struct retrieval_document, documents_n + 1);
    for (size_t i = 0; i < documents_n; i++) {
        const struct knowledge_document *d = knowledge_at(k, i);
        documents[i] = (struct retrieval_document){d->title, d->body, d->topic};
    }
    struct table t = {a, documents, documents_n, tasks, n, out, e};
    *out = (struct recall_table){.rows = ARENA_ARRAY(a, struct recall_row, ROWS_MAX)};
    return make_rows(&t, all);
}

int recall_table_make(struct arena *a, const struct knowledge *k, const struct recall_task *tasks, size_t n,
                      struct recall_table *out, struct err *e)
{
    return make(a, k, tasks, n, true, out, e);
}

int recall_table_plain_and_best(struct arena *a, const struct knowledge *k, const struct recall_task *tasks, size_t n,
                                struct recall_table *out, struct err *e)
{
    return make(a, k, tasks, n, false, out, e);
}
