#include "eval/summary.h"

#include "base/hash.h"
#include "stats/sample.h"

#include <math.h>
#include <stdlib.h>

static const double CONFIDENCE_P = 0.95;

struct maker {
    struct arena *a;
    struct str set;
    const struct dataset_item *items;
    size_t n;
    size_t *task; /* items' task number */
    size_t tasks;
    struct {
        size_t trials, wins; /* of rewarded items */
    } * by_task;
};

/* --- grouping --- */

struct key {
    struct str text;
    size_t at;
};

static int by_text(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = str_cmp(x->text, y->text);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Numbers the tasks. An item without a task is a task of its own: nothing says that it resembles another. */
static void number_tasks(struct maker *m)
{
    struct key *keys = ARENA_ARRAY(m->a, struct key, m->n);
    for (size_t i = 0; i < m->n; i++)
        keys[i] = (struct key){m->items[i].task, i};
    qsort(keys, m->n, sizeof *keys, by_text);
    m->task = ARENA_ARRAY(m->a, size_t, m->n);
    m->by_task = arena_alloc(m->a, m->n * sizeof *m->by_task);
    for (size_t i = 0; i < m->n; i++) {
        bool same = i && keys[i].text.n && str_eq(keys[i].text, keys[i - 1].text);
        m->tasks += !same;
        size_t task = m->tasks - 1;
        const struct dataset_item *item = &m->items[keys[i].at];
        m->task[keys[i].at] = task;
        m->by_task[task].trials += item->has_reward;
        m->by_task[task].wins += item->has_reward && item->reward >= 1;
    }
}

/* --- pass^k --- */

static uint64_t seed_of(const struct maker *m, size_t k)
{
    struct sha256 sha = sha256_of(str_f(m->a, "%.*s|pass^%zu", STR_ARG(m->set), k));
    uint64_t seed = 0;
    for (int i = 0; i < 8; i++)
        seed = seed << 8 | sha.b[i];
    return seed;
}

static struct figure undefined(struct str why)
{
    return (struct figure){.why = why};
}

/* A task with fewer rewarded trials than k says nothing about k of them: it is left out, and counted. */
static struct figure pass_k(const struct maker *m, size_t k, size_t *left_out)
{
    double *x = ARENA_ARRAY(m->a, double, m->tasks), *means = ARENA_ARRAY(m->a, double, SUMMARY_RESAMPLES);
    size_t n = 0, rewarded = 0;
    struct err e = {0};
    for (size_t task = 0; task < m->tasks; task++) {
        rewarded += m->by_task[task].trials;
        if (sample_pass_k(m->by_task[task].wins, m->by_task[task].trials, k, &x[n], &e) == 0)
            n++;
    }
    *left_out = m->tasks - n;
    if (n == 0)
        return undefined(rewarded ? str_f(m->a, "no task has %zu rewarded trial%s", k, k > 1 ? "s" : "")
                                  : STR("no reward is recorded"));
    struct figure f = {.defined = true, .i = {.value = sample_mean(x, n), .n = n}};
    double sum = f.i.value * (double)n;
    /* Where all tasks agree, resampling would pretend to be certain. */
    bool all_equal = sum == 0 || sum == (double)n;
    int r = all_equal ? interval_wilson((size_t)sum, n, CONFIDENCE_P, &f.i, &e)
                      : interval_bootstrap(x, n, means, SUMMARY_RESAMPLES, seed_of(m, k), CONFIDENCE_P, &f.i, &e);
    f.bounded = r == 0;
    f.why = r ? str_f(m->a, "%s", e.text) : STR("");
    return f;
}

/* --- judges --- */

static struct figure over_tasks(const struct maker *m, const double *x, const size_t *task, size_t n)
{
    struct figure f = {0};
    struct err e = {0};
    if (m->tasks == m->n)
        return undefined(STR("no task has two conversations"));
    double sum = n ? sample_mean(x, n) * (double)n : 0;
    if (sum == 0 || sum == (double)n) /* t would pretend to be certain */
        return undefined(STR("no variation"));
    double *sums = ARENA_ARRAY(m->a, double, m->tasks);
    if (interval_clustered(x, task, n, sums, m->tasks, CONFIDENCE_P, &f.i, &e))
        return undefined(str_f(m->a, "%s", e.text));
    f.defined = f.bounded = true;
    f.i.low = fmax(f.i.low, 0);
    f.i.high = fmin(f.i.high, 1);
    return f;
}

/* The items by conversation, to find a verdict's. */
struct place {
    int64_t conversation;
    size_t at;
};

static int by_conversation(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->conversation > y->conversation) - (x->conversation < y->conversation);
}

static int by_judge(const void *a, const void *b)
{
    const struct verdict_row *const *x = a, *const *y = b;
    int order = str_cmp((*x)->judge, (*y)->judge);
    return order ? order : ((*x) > (*y)) - ((*x) < (*y)); /* all rows stand in one array: keeps their order */
}

static size_t item_of(const struct maker *m, const struct place *places, int64_t conversation)
{
    struct place key = {.conversation = conversation};
    const struct place *found = bsearch(&key, places, m->n, sizeof key, by_conversation);
    return found ? found->at : m->n;
}

static struct summary_judge one_judge(const struct maker *m, const struct place *places,
                                      const struct verdict_row *const *rows, size_t n, const struct judge *judges,
                                      size_t judges_n)
{
    struct summary_judge j = {.name = rows[0]->judge, .version = rows[0]->version};
    double *x = ARENA_ARRAY(m->a, double, n);
    size_t *task = ARENA_ARRAY(m->a, size_t, n);
    struct err e = {0};
    for (size_t i = 0; i < judges_n; i++)
        if (str_eq(judges[i].name, j.name))
            j.catches = judges[i].catches;
    for (size_t i = 0; i < n; i++) {
        size_t at = item_of(m, places, rows[i]->conversation);
        if (at == m->n)
            continue;
        if (rows[i]->score == VERDICT_UNJUDGED) {
            j.unjudged++;
            continue;
        }
        j.failed += rows[i]->score == VERDICT_FAIL;
        x[j.judged] = rows[i]->score;
        task[j.judged++] = m->task[at];
    }
    j.not_meant = m->n - j.judged - j.unjudged;
    j.rate.defined = j.rate.bounded = interval_wilson(j.failed, j.judged, CONFIDENCE_P, &j.rate.i, &e) == 0;
    j.rate.why = j.rate.defined ? STR("") : str_f(m->a, "%s", e.text);
    j.over_tasks = over_tasks(m, x, task, j.judged);
    return j;
}

static void make_judges(const struct maker *m, const struct place *places, const struct verdict_row *const *rows,
                        size_t n, const struct judge *judges, size_t judges_n, struct summary *out)
{
    out->judges = ARENA_ARRAY(m->a, struct summary_judge, n);
    for (size_t from = 0, to; from < n; from = to) {
        to = from;
        while (to < n && str_eq(rows[to]->judge, rows[from]->judge))
            to++;
        out->judges[out->judges_n++] = one_judge(m, places, rows + from, to - from, judges, judges_n);
    }
}

/* --- the worst --- */

static bool worse(const struct summary_worst *a, const struct summary_worst *b)
{
    if (a->failed != b->failed)
        return a->failed > b->failed;
    double x = a->item->has_reward ? a->item->reward : 1, y = b->item->has_reward ? b->item->reward : 1;
    return x < y; /* else the order of the set stays */
}

static void make_worst(const struct maker *m, const struct place *places, const struct verdict_row *const *rows,
                       size_t n, struct summary *out)
{
    struct summary_worst *all = ARENA_ARRAY(m->a, struct summary_worst, m->n);
    for (size_t i = 0; i < m->n; i++)
        all[i].item = &m->items[i];
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        for (size_t i = 0; i < m->n && pass == 1; i++) {
            all[i].rows = ARENA_ARRAY(m->a, const struct verdict_row *, all[i].failed);
            all[i].failed = 0;
        }
        for (size_t i = 0; i < n; i++) {
            size_t at = rows[i]->score == VERDICT_FAIL ? item_of(m, places, rows[i]->conversation) : m->n;
            if (at < m->n && pass == 1)
                all[at].rows[all[at].failed] = rows[i];
            if (at < m->n)
                all[at].failed++;
        }
    }
    for (size_t i = 0; i < m->n; i++) {
        if (all[i].failed == 0 && !(all[i].item->has_reward && all[i].item->reward < 1))
            continue;
        size_t at = out->worst_n < SUMMARY_WORST_MAX ? out->worst_n++ : SUMMARY_WORST_MAX;
        for (; at > 0 && worse(&all[i], &out->worst[at - 1]); at--)
            if (at < SUMMARY_WORST_MAX)
                out->worst[at] = out->worst[at - 1];
        if (at < SUMMARY_WORST_MAX)
            out->worst[at] = all[i];
    }
}

static void count_trials(const struct maker *m, struct summary *out)
{
    for (size_t i = 0; i < m->n; i++)
        out->rewarded += m->items[i].has_reward;
    size_t *members = ARENA_ARRAY(m->a, size_t, m->tasks);
    for (size_t i = 0; i < m->n; i++)
        members[m->task[i]]++;
    for (size_t task = 0; task < m->tasks; task++) {
        out->trials_min = task == 0 || members[task] < out->trials_min ? members[task] : out->trials_min;
        out->trials_max = members[task] > out->trials_max ? members[task] : out->trials_max;
    }
    out->tasks = m->tasks;
}

void summary_make(struct arena *a, struct str set, const struct dataset_item *items, size_t n,
                  const struct verdict_row *rows, size_t rows_n, const struct judge *judges, size_t judges_n,
                  struct summary *out)
{
    struct maker m = {.a = a, .set = set, .items = items, .n = n};
    struct place *places = ARENA_ARRAY(a, struct place, n);
    const struct verdict_row **sorted = ARENA_ARRAY(a, const struct verdict_row *, rows_n);
    *out = (struct summary){.set = set, .conversations = n};
    number_tasks(&m);
    count_trials(&m, out);
    for (size_t k = 1; k <= SUMMARY_K_MAX; k++)
        out->pass[k - 1] = pass_k(&m, k, &out->pass_left_out[k - 1]);
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){items[i].conversation, i};
    qsort(places, n, sizeof *places, by_conversation);
    for (size_t i = 0; i < rows_n; i++)
        sorted[i] = &rows[i];
    qsort(sorted, rows_n, sizeof *sorted, by_judge);
    make_judges(&m, places, sorted, rows_n, judges, judges_n, out);
    make_worst(&m, places, sorted, rows_n, out);
}
