#include "eval/recall.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const size_t recall_cuts[RECALL_CUTS] = {5, 10, 20, 50};

/* --- tasks --- */

struct id_place {
    struct str id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    return str_cmp(((const struct id_place *)a)->id, ((const struct id_place *)b)->id);
}

static struct id_place *places_of(struct arena *a, const struct knowledge *k)
{
    size_t n = knowledge_count(k);
    struct id_place *all = ARENA_ARRAY(a, struct id_place, n + 1);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct id_place){knowledge_at(k, i)->id, i};
    qsort(all, n, sizeof *all, by_id);
    return all;
}

static bool has(const size_t *list, size_t n, size_t v)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == v)
            return true;
    return false;
}

static int read_required(struct arena *a, const struct id_place *places, size_t places_n, const struct json *v,
                         struct recall_task *t, struct err *e)
{
    t->required = ARENA_ARRAY(a, size_t, (v ? v->n : 0) + 1);
    for (const struct json *d = v ? v->child : NULL; d; d = d->next) {
        struct id_place key = {json_str(d), 0};
        const struct id_place *found = bsearch(&key, places, places_n, sizeof key, by_id);
        if (!found)
            return err_set(e, ERR_INVALID, "the task %.*s needs the document %.*s, which is not there", STR_ARG(t->id),
                           STR_ARG(key.id));
        if (!has(t->required, t->required_n, found->at))
            t->required[t->required_n++] = found->at;
    }
    return 0;
}

/* An action names its tool, or names it in its arguments where tools are called through another one. */
static void read_tools(struct arena *a, const struct json *actions, struct recall_task *t)
{
    t->tools = ARENA_ARRAY(a, struct str, (actions ? actions->n : 0) + 1);
    for (const struct json *x = actions ? actions->child : NULL; x; x = x->next) {
        const struct json *args = json_get(x, "arguments");
        struct str name = json_str_or(json_get(args, "agent_tool_name"), json_str(json_get(x, "name")));
        name = json_str_or(json_get(args, "discoverable_tool_name"), name);
        bool known = !name.n;
        for (size_t i = 0; i < t->tools_n; i++)
            known |= str_eq(t->tools[i], name);
        if (!known)
            t->tools[t->tools_n++] = name;
    }
}

int recall_tasks(struct arena *a, const struct knowledge *k, struct str text, struct recall_task **tasks, size_t *n,
                 struct err *e)
{
    struct json *all;
    if (json_parse(a, text, &all, e) < 0)
        return e ? e->code : ERR_INVALID;
    if (!json_is(all, JSON_ARRAY))
        return err_set(e, ERR_INVALID, "tasks are one JSON array");
    const struct id_place *places = places_of(a, k);
    *tasks = ARENA_ARRAY(a, struct recall_task, all->n + 1);
    *n = 0;
    for (const struct json *v = all->child; v; v = v->next) {
        struct recall_task t = {.id = json_str(json_get(v, "id")),
                                .query = json_str(json_get(json_get(v, "user_scenario"), "instructions"))};
        if (!t.id.n || !t.query.n)
            return err_set(e, ERR_INVALID, "a task needs id and user_scenario.instructions");
        int r = read_required(a, places, knowledge_count(k), json_get(v, "required_documents"), &t, e);
        if (r < 0)
            return r;
        read_tools(a, json_get(json_get(v, "evaluation_criteria"), "actions"), &t);
        if (t.required_n)
            (*tasks)[(*n)++] = t;
    }
    return *n ? 0 : err_set(e, ERR_INVALID, "no task needs a document");
}

/* --- recall --- */

void recall_add(struct recall *r, const struct recall_task *t, const size_t *ranked, size_t n)
{
    size_t found = 0, cut = 0;
    for (size_t i = 0; cut < RECALL_CUTS; i++) {
        if (i == recall_cuts[cut]) {
            r->at[cut] += (double)found / (double)t->required_n;
            r->all_found += i == 20 && found == t->required_n;
            cut++;
        }
        found += i < n && has(t->required, t->required_n, ranked[i]);
    }
    r->n++;
}

struct recall recall_mean(const struct recall *sums)
{
    struct recall r = *sums;
    for (size_t c = 0; r.n && c < RECALL_CUTS; c++)
        r.at[c] /= (double)r.n;
    return r;
}

/* --- weights --- */

enum { ROUNDS = 150 };
/* Adam (Kingma and Ba 2015): step, decay of the two means; and the penalty on the squared weights. */
static const double step = 0.3, decay_first = 0.9, decay_second = 0.99, penalty = 0.01;

/* What is asked of the numbers again and again: the features in use, side by side. */
struct fitting {
    const struct recall_features *f;
    size_t features[RETRIEVAL_FEATURES], n;
    double weights[RETRIEVAL_FEATURES], gradient[RETRIEVAL_FEATURES];
    double *p; /* by document */
};

/* Adds the gradient of the task's log-likelihood. */
static void add_gradient(struct fitting *g, const struct recall_task *t, size_t task)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < g->f->documents; i++) {
        const float *x = g->f->of[task] + i * RETRIEVAL_FEATURES;
        g->p[i] = 0;
        for (size_t k = 0; k < g->n; k++)
            g->p[i] += g->weights[k] * (double)x[g->features[k]];
        most = fmax(most, g->p[i]);
    }
    for (size_t i = 0; i < g->f->documents; i++)
        sum += g->p[i] = exp(g->p[i] - most);
    for (size_t i = 0; i < g->f->documents; i++)
        g->p[i] /= -sum;
    for (size_t i = 0; i < t->required_n; i++)
        g->p[t->required[i]] += 1.0 / (double)t->required_n;
    for (size_t i = 0; i < g->f->documents; i++)
        for (size_t k = 0; k < g->n; k++)
            g->gradient[k] += g->p[i] * (double)g->f->of[task][i * RETRIEVAL_FEATURES + g->features[k]];
}

struct retrieval_weights recall_fit(const struct recall_features *f, const struct recall_task *tasks, const int *fold,
                                    int without, const bool *used)
{
    struct fitting g = {.f = f, .p = mem_get((f->documents + 1) * sizeof *g.p)};
    double first[RETRIEVAL_FEATURES] = {0}, second[RETRIEVAL_FEATURES] = {0};
    for (size_t k = 0; k < RETRIEVAL_FEATURES; k++)
        if (used[k])
            g.features[g.n++] = k;
    for (int round = 1; round <= ROUNDS; round++) {
        size_t n = 0;
        memset(g.gradient, 0, sizeof g.gradient);
        for (size_t t = 0; t < f->tasks; t++)
            if (fold[t] != without) {
                add_gradient(&g, &tasks[t], t);
                n++;
            }
        for (size_t k = 0; n && k < g.n; k++) {
            double d = g.gradient[k] / (double)n - penalty * g.weights[k];
            first[k] = decay_first * first[k] + (1 - decay_first) * d;
            second[k] = decay_second * second[k] + (1 - decay_second) * d * d;
            g.weights[k] += step * first[k] / (1 - pow(decay_first, round)) /
                            (sqrt(second[k] / (1 - pow(decay_second, round))) + 1e-8);
        }
    }
    free(g.p);
    struct retrieval_weights w = {{0}};
    for (size_t k = 0; k < g.n; k++)
        w.of[g.features[k]] = g.weights[k];
    return w;
}
