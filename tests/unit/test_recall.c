/* Recall and fitted weights: by hand on small numbers, and the promise of docs/KNOWLEDGE.md on the banking tasks. */
#include "test.h"

#include "eval/recall_table.h"

#include <stdio.h>
#include <string.h>

TEST(recall_is_the_share_of_what_is_required_among_the_first)
{
    size_t required[] = {3, 7, 9, 30}, ranked[40];
    struct recall_task t = {.required = required, .required_n = 4};
    struct recall sums = {0};
    for (size_t i = 0; i < 40; i++)
        ranked[i] = i;
    recall_add(&sums, &t, ranked, 40);
    CHECK(sums.at[0] == 0.25 && sums.at[1] == 0.75 && sums.at[2] == 0.75 && sums.at[3] == 1);
    CHECK_INT(sums.all_found, 0);
    recall_add(&sums, &t, ranked, 0); /* nothing was found */
    struct recall mean = recall_mean(&sums);
    CHECK(mean.at[1] == 0.375);
    CHECK_INT(mean.n, 2);
}

TEST(fitted_weights_choose_the_feature_that_tells)
{
    enum { DOCUMENTS = 4, TASKS = 3 };
    static float numbers[TASKS][DOCUMENTS * RETRIEVAL_FEATURES];
    float *of[TASKS];
    size_t required[TASKS][1] = {{0}, {1}, {2}};
    struct recall_task tasks[TASKS];
    int fold[TASKS] = {0, 1, 2};
    bool used[RETRIEVAL_FEATURES] = {[RETRIEVAL_WORDS] = true, [RETRIEVAL_PAIRS] = true};
    for (int t = 0; t < TASKS; t++) {
        of[t] = numbers[t];
        tasks[t] = (struct recall_task){.required = required[t], .required_n = 1};
        numbers[t][required[t][0] * RETRIEVAL_FEATURES + RETRIEVAL_WORDS] = 1;
        numbers[t][3 * RETRIEVAL_FEATURES + RETRIEVAL_PAIRS] = 1; /* always another one */
    }
    struct recall_features f = {DOCUMENTS, TASKS, of};
    struct retrieval_weights w = recall_fit(&f, tasks, fold, -1, used);
    CHECK(w.of[RETRIEVAL_WORDS] > 1);
    CHECK(w.of[RETRIEVAL_PAIRS] < 0);
    CHECK(w.of[RETRIEVAL_TOPIC] == 0);
}

static struct str file_text(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b = buf_new(a, 1 << 24);
    char piece[4096];
    for (size_t n; f && (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&b, (struct str){piece, n});
    if (f)
        fclose(f);
    return buf_str(&b);
}

TEST(the_banking_tasks_find_twice_what_plain_bm25_finds)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k;
    struct recall_task *tasks;
    struct recall_table table;
    struct err e;
    size_t n;
    const char *documents = test_shared("data/banking_knowledge/documents.jsonl");
    if (!documents) {
        arena_free(a);
        skip();
    }
    if (knowledge_open(documents, STR("banking"), &k, &e) < 0)
        fail_msg("%s", e.text);
    struct str text = file_text(a, test_shared("data/banking_knowledge/tasks_open.json"));
    if (recall_tasks(a, k, text, &tasks, &n, &e) < 0 || recall_table_plain_and_best(a, k, tasks, n, &table, &e) < 0)
        fail_msg("%s", e.text);
    CHECK_INT(table.n, 2);
    CHECK(table.rows[0].recall.at[1] > 0.19 && table.rows[0].recall.at[1] < 0.22);
    CHECK(table.rows[1].recall.at[1] > 2.2 * table.rows[0].recall.at[1]);
    knowledge_close(k);
    arena_free(a);
}

TEST(a_task_that_needs_what_is_not_there_is_refused)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k;
    struct recall_task *tasks;
    struct err e;
    size_t n;
    CHECK_INT(knowledge_open("examples/product-explainer/knowledge/products", STR("products"), &k, &e), 0);
    CHECK_INT(recall_tasks(
                  a, k,
                  STR("[{\"id\":\"t\",\"user_scenario\":{\"instructions\":\"x\"},\"required_documents\":[\"none\"]}]"),
                  &tasks, &n, &e),
              ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("the task t needs the document none")));
    CHECK_INT(recall_tasks(a, k, STR("{}"), &tasks, &n, &e), ERR_INVALID);
    CHECK_INT(recall_tasks(a, k, STR("[]"), &tasks, &n, &e), ERR_INVALID);
    knowledge_close(k);
    arena_free(a);
}

RUN(cmocka_unit_test(recall_is_the_share_of_what_is_required_among_the_first),
    cmocka_unit_test(fitted_weights_choose_the_feature_that_tells),
    cmocka_unit_test(the_banking_tasks_find_twice_what_plain_bm25_finds),
    cmocka_unit_test(a_task_that_needs_what_is_not_there_is_refused))
