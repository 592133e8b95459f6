/* knowledge: looking something up in a collection of documents, and measuring how well that works. */
#include "app/command.h"
#include "base/clock.h"
#include "eval/recall_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES_MAX = 1 << 24, TASKS_BYTES_MAX = 64 << 20, RESULTS = 5, PASSAGE_CHARS = 600 };

/* --- search --- */

static void found_told(struct command_context *c, const struct knowledge_found *found, size_t n, struct buf *out)
{
    if (c->json) {
        struct json_writer w = {.out = out};
        knowledge_write(found, n, &w);
        buf_addc(out, '\n');
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct knowledge_document *d = found[i].document;
        buf_addf(out, "%s[%.*s] %.*s (%.2f)\n", i ? "\n" : "", STR_ARG(d->id), STR_ARG(d->title), found[i].score);
        if (d->source.n)
            buf_addf(out, "%.*s\n", STR_ARG(d->source));
        struct str rest = found[i].passage, line;
        while (str_split(&rest, '\n', &line))
            buf_addf(out, "    %.*s\n", STR_ARG(line));
    }
}

static int search(struct command_context *c)
{
    struct knowledge *k;
    struct str name = str_of(c->argv[1]);
    int64_t results = RESULTS;
    if (str_int(str_of(command_option(c, "--results", "5")), &results) < 0 || results < 1 ||
        results > KNOWLEDGE_RESULTS_MAX)
        return command_usage(c, "--results is a number from 1 to %d", KNOWLEDGE_RESULTS_MAX);
    if (strchr(c->argv[1], '/') || c->argv[1][0] == '.')
        return command_usage(c, "a collection is a folder in knowledge/, named without a path");
    int r = knowledge_open(str_f(c->arena, "%s/knowledge/%s", c->workspace, c->argv[1]).p, name, &k, c->err);
    if (r < 0)
        return r;
    struct knowledge_query q = {.text = str_of(c->argv[2]),
                                .results = (size_t)results,
                                .passage_chars = PASSAGE_CHARS,
                                .locale = str_of(command_option(c, "--locale", "")),
                                .date = clock_date(c->arena, clock_now_us())};
    struct knowledge_found found[KNOWLEDGE_RESULTS_MAX];
    int n = knowledge_search(k, c->arena, &q, found, c->err);
    struct buf out = buf_new(c->arena, OUT_BYTES_MAX);
    if (n >= 0)
        found_told(c, found, (size_t)n, &out);
    r = n < 0 ? n : command_tell(c, buf_str(&out));
    if (n == 0 && r == 0 && !c->json)
        fprintf(stderr, "candor knowledge: no document of %s has a word of it\n", c->argv[1]);
    knowledge_close(k);
    return r == 0 && n == 0 ? 1 : r;
}

/* --- measure --- */

/* How long searches take that give five passages, in microseconds. */
struct speed {
    int64_t build_us;
    size_t n;
    int64_t questions_p50, questions_p99; /* each document's title as a question */
    int64_t situations_p50, situations_p99;
};

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int time_one(struct command_context *c, struct knowledge *k, struct str text, int64_t *us)
{
    struct arena *a = arena_new("search", 0);
    struct knowledge_query q = {.text = text, .results = RESULTS, .passage_chars = PASSAGE_CHARS};
    struct knowledge_found found[KNOWLEDGE_RESULTS_MAX];
    int64_t began = clock_mono_us();
    int n = knowledge_search(k, a, &q, found, c->err);
    *us = clock_mono_us() - began;
    arena_free(a);
    return n < 0 ? n : 0;
}

static int time_searches(struct command_context *c, struct knowledge *k, const struct recall_task *tasks, size_t n,
                         struct speed *out)
{
    size_t titles = knowledge_count(k);
    int64_t *us = ARENA_ARRAY(c->arena, int64_t, titles + n + 1);
    int r = 0;
    for (size_t i = 0; r == 0 && i < titles; i++)
        r = time_one(c, k, knowledge_at(k, i)->title, &us[i]);
    qsort(us, titles, sizeof *us, by_time);
    out->questions_p50 = us[titles / 2];
    out->questions_p99 = us[titles * 99 / 100];
    for (size_t i = 0; r == 0 && i < n; i++)
        r = time_one(c, k, tasks[i].query, &us[i]);
    qsort(us, n, sizeof *us, by_time);
    out->situations_p50 = us[n / 2];
    out->situations_p99 = us[n * 99 / 100];
    return r;
}

static void recall_json(struct json_writer *w, const char *key, const struct recall *r)
{
    json_key(w, key);
    json_open(w, '{');
    for (size_t i = 0; i < RECALL_CUTS; i++) {
        char name[8];
        snprintf(name, sizeof name, "%zu", recall_cuts[i]);
        json_key(w, name);
        json_put_num(w, r->at[i]);
    }
    json_close(w, '}');
}

static void weights_json(struct json_writer *w, const struct retrieval_weights *weights)
{
    json_key(w, "weights");
    json_open(w, '{');
    for (int f = 0; f < RETRIEVAL_FEATURES; f++)
        if (weights->of[f] != 0) {
            json_key(w, retrieval_feature_name((enum retrieval_feature)f));
            json_put_num(w, weights->of[f]);
        }
    json_close(w, '}');
}

static void table_json(const struct recall_table *t, size_t documents, size_t tasks, const struct speed *speed,
                       struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open(&w, '{');
    json_pair_int(&w, "documents", (int64_t)documents);
    json_pair_int(&w, "tasks", (int64_t)tasks);
    json_pair_int(&w, "build_us", speed->build_us);
    json_pair_int(&w, "question_us_p50", speed->questions_p50);
    json_pair_int(&w, "question_us_p99", speed->questions_p99);
    json_pair_int(&w, "situation_us_p50", speed->situations_p50);
    json_pair_int(&w, "situation_us_p99", speed->situations_p99);
    json_key(&w, "methods");
    json_open(&w, '[');
    for (size_t i = 0; i < t->n; i++) {
        json_open(&w, '{');
        json_pair_str(&w, "method", str_trim(str_of(t->rows[i].method)));
        recall_json(&w, "recall", &t->rows[i].recall);
        json_pair_int(&w, "all_found_at_20", (int64_t)t->rows[i].recall.all_found);
        if (t->rows[i].fitted)
            recall_json(&w, "cross_validated", &t->rows[i].unseen);
        weights_json(&w, &t->rows[i].weights);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, "known");
    json_open(&w, '[');
    for (size_t i = 0; i < t->known_n; i++) {
        json_open(&w, '{');
        json_pair_str(&w, "what", str_of(t->known[i].what));
        json_pair_int(&w, "n", (int64_t)t->known[i].n);
        json_key(&w, "first");
        json_put_num(&w, t->known[i].first);
        json_key(&w, "first_five");
        json_put_num(&w, t->known[i].five);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    buf_addc(out, '\n');
}

static void table_text(const struct recall_table *t, size_t documents, size_t tasks, const struct speed *speed,
                       struct buf *out)
{
    buf_addf(out, "%zu documents, %zu tasks; read and indexed in %.1f ms\n", documents, tasks,
             (double)speed->build_us / 1000);
    buf_addf(out, "a search: questions p50 %.2f ms, p99 %.2f ms; situations p50 %.2f ms, p99 %.2f ms\n\n",
             (double)speed->questions_p50 / 1000, (double)speed->questions_p99 / 1000,
             (double)speed->situations_p50 / 1000, (double)speed->situations_p99 / 1000);
    buf_addf(out, "%-46s %6s %6s %6s %6s %4s   %s\n", "recall at", "5", "10", "20", "50", "all",
             "cross-validated at 5, 10, 20, 50");
    for (size_t i = 0; i < t->n; i++) {
        const struct recall_row *r = &t->rows[i];
        buf_addf(out, "%-46s", r->method);
        for (size_t c = 0; c < RECALL_CUTS; c++)
            buf_addf(out, " %6.3f", r->recall.at[c]);
        buf_addf(out, " %4zu  ", r->recall.all_found);
        for (size_t c = 0; r->fitted && c < RECALL_CUTS; c++)
            buf_addf(out, " %6.3f", r->unseen.at[c]);
        buf_addc(out, '\n');
        for (int f = 0; r->fitted && f < RETRIEVAL_FEATURES; f++)
            if (r->weights.of[f] != 0)
                buf_addf(out, "%s%s %.2f", f == RETRIEVAL_BOTH ? "    " : ", ",
                         retrieval_feature_name((enum retrieval_feature)f), r->weights.of[f]);
        if (r->fitted)
            buf_addc(out, '\n');
    }
    buf_addf(out, "\n`all`: tasks with every document among the first 20.\n\n%-52s %6s %6s %6s\n",
             "questions that one document answers", "n", "first", "in 5");
    for (size_t i = 0; i < t->known_n; i++)
        buf_addf(out, "%-52s %6zu %6.3f %6.3f\n", t->known[i].what, t->known[i].n, t->known[i].first, t->known[i].five);
}

static int read_tasks(struct command_context *c, const char *path, struct str *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(c->err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    struct buf b = buf_new(c->arena, TASKS_BYTES_MAX);
    char piece[1 << 14];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    bool failed = ferror(f);
    fclose(f);
    if (failed || b.cut)
        return err_set(c->err, failed ? ERR_IO : ERR_LIMIT, "%s: %s", path,
                       failed ? "cannot be read" : "is larger than 64 MiB");
    *out = buf_str(&b);
    return 0;
}

static int measure(struct command_context *c)
{
    const char *documents = command_option(c, "--documents", NULL), *path = command_option(c, "--tasks", NULL);
    if (!documents || !path)
        return command_usage(c, "measure needs --documents (a .jsonl file or a folder) and --tasks (a JSON file)");
    struct knowledge *k;
    struct str text;
    struct recall_task *tasks;
    struct recall_table table;
    size_t n;
    int64_t began = clock_mono_us();
    struct speed speed = {0};
    int r = knowledge_open(documents, str_of(documents), &k, c->err);
    if (r < 0)
        return r;
    r = knowledge_index(k, c->err);
    speed.build_us = clock_mono_us() - began;
    struct buf out = buf_new(c->arena, OUT_BYTES_MAX);
    if (r == 0)
        r = read_tasks(c, path, &text);
    if (r == 0 && (r = recall_tasks(c->arena, k, text, &tasks, &n, c->err)) < 0)
        err_in(c->err, "%s", path);
    if (r == 0)
        r = time_searches(c, k, tasks, n, &speed);
    if (r == 0)
        r = recall_table_make(c->arena, k, tasks, n, &table, c->err);
    if (r == 0) {
        (c->json ? table_json : table_text)(&table, knowledge_count(k), n, &speed, &out);
        r = command_tell(c, buf_str(&out));
    }
    knowledge_close(k);
    return r;
}

int cmd_knowledge(struct command_context *c)
{
    if (strcmp(c->argv[0], "search") == 0)
        return c->argc == 3 ? search(c) : command_usage(c, "search needs a COLLECTION and a QUERY");
    if (strcmp(c->argv[0], "measure") == 0)
        return c->argc == 1 ? measure(c) : command_usage(c, "measure takes options alone");
    return command_usage(c, "there is no `knowledge %s`; write search or measure", c->argv[0]);
}
