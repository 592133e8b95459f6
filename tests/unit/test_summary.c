#include "test.h"

#include "base/id.h"
#include "eval/assess.h"
#include "eval/import.h"
#include "eval/summary.h"
#include "store_fixture.h"

enum { TASKS = 3, TRIALS = 4, ITEMS = TASKS * TRIALS };

/* Three tasks with four trials: 4, 2 and 0 successes. */
static void three_tasks(struct dataset_item *items)
{
    static const char *const tasks[] = {"a", "b", "c"};
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct dataset_item){.conversation = (int64_t)(1000 - i), /* ids need not follow the set's order */
                                         .label = STR("x"),
                                         .task = str_of(tasks[i / TRIALS]),
                                         .trial = (int64_t)(i % TRIALS),
                                         .has_reward = true,
                                         .reward = i < 6};
}

static struct verdict_row row(int64_t conversation, const char *judge, int score)
{
    return (struct verdict_row){.conversation = conversation,
                                .judge = str_of(judge),
                                .version = STR("0123456789ab"),
                                .score = score,
                                .analysis = STR("It was so."),
                                .evidence_seq = 7};
}

static const char *text_of(struct arena *a, const struct summary *s)
{
    struct buf out = buf_new(a, 1 << 20);
    summary_text(a, s, STR("A note."), &out);
    return buf_str(&out).p;
}

TEST(pass_k_is_a_mean_over_tasks_with_an_interval_over_tasks)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct summary s, again;
    three_tasks(items);
    summary_make(a, STR("set"), items, ITEMS, NULL, 0, NULL, 0, &s);
    summary_make(a, STR("set"), items, ITEMS, NULL, 0, NULL, 0, &again);
    static const double want[] = {0.5, (1 + 1.0 / 6) / 3, 1.0 / 3, 1.0 / 3};
    for (size_t k = 0; k < SUMMARY_K_MAX; k++) {
        CHECK(s.pass[k].bounded && s.pass[k].i.n == TASKS);
        CHECK(s.pass[k].i.value > want[k] - 1e-12 && s.pass[k].i.value < want[k] + 1e-12);
        CHECK(s.pass[k].i.low <= want[k] && want[k] <= s.pass[k].i.high && s.pass[k].i.low < s.pass[k].i.high);
        CHECK(s.pass[k].i.low == again.pass[k].i.low && s.pass[k].i.high == again.pass[k].i.high);
    }
    CHECK(s.tasks == TASKS && s.trials_min == TRIALS && s.trials_max == TRIALS && s.worst_n == 6);
    CHECK(strstr(text_of(a, &s), "set: 12 conversations, 3 tasks with 4 trials each\nA note.\n"));
    arena_free(a);
}

TEST(tasks_that_all_agree_are_not_taken_for_certainty)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct verdict_row rows[ITEMS];
    struct summary s;
    three_tasks(items);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i].reward = 1;
        rows[i] = row(items[i].conversation, "never", VERDICT_PASS);
    }
    summary_make(a, STR("set"), items, ITEMS, rows, ITEMS, NULL, 0, &s);
    CHECK(s.pass[0].i.value == 1 && s.pass[0].i.low < 0.5 && s.pass[0].i.high == 1);
    assert_string_equal(s.pass[0].i.method, "Wilson");
    CHECK(s.judges[0].rate.i.low == 0 && s.judges[0].rate.i.high > 0.2);
    CHECK(!s.judges[0].over_tasks.defined);
    CHECK_STR(s.judges[0].over_tasks.why, "no variation");
    CHECK_INT(s.worst_n, 0);
    arena_free(a);
}

TEST(what_has_no_figure_says_why)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct summary s;
    three_tasks(items);
    for (size_t i = 0; i < ITEMS; i += TRIALS)
        items[i].has_reward = false;
    summary_make(a, STR("set"), items, ITEMS, NULL, 0, NULL, 0, &s);
    CHECK(s.pass[2].defined && !s.pass[3].defined && s.pass_left_out[3] == TASKS);
    CHECK_STR(s.pass[3].why, "no task has 4 rewarded trials");
    CHECK(strstr(text_of(a, &s), "  pass^4  n/a: no task has 4 rewarded trials\n"));
    for (size_t i = 0; i < ITEMS; i++)
        items[i].has_reward = false;
    summary_make(a, STR("set"), items, ITEMS, NULL, 0, NULL, 0, &s);
    CHECK_STR(s.pass[0].why, "no reward is recorded");
    CHECK(strstr(text_of(a, &s), "  n/a: no reward is recorded\n"));
    summary_make(a, STR("set"), NULL, 0, NULL, 0, NULL, 0, &s);
    CHECK(s.conversations == 0 && !s.pass[0].defined && strstr(text_of(a, &s), "no verdicts"));
    arena_free(a);
}

/* Rewards left: all four of task a (1 1 1 1), three of b (1 1 0), none of c. */
TEST(pass_k_speaks_of_the_tasks_with_k_rewarded_trials_and_says_how_many_are_left_out)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct summary s;
    struct json *v;
    three_tasks(items);
    items[7].has_reward = false;
    for (size_t i = 8; i < ITEMS; i++)
        items[i].has_reward = false;
    summary_make(a, STR("set"), items, ITEMS, NULL, 0, NULL, 0, &s);
    static const double want[] = {(1 + 2.0 / 3) / 2, (1 + 1.0 / 3) / 2, 0.5, 1};
    static const size_t left_out[] = {1, 1, 1, 2};
    for (size_t k = 0; k < SUMMARY_K_MAX; k++) {
        CHECK(s.pass[k].i.value > want[k] - 1e-12 && s.pass[k].i.value < want[k] + 1e-12);
        CHECK(s.pass[k].bounded && s.pass[k].i.n == TASKS - left_out[k] && s.pass_left_out[k] == left_out[k]);
    }
    const char *text = text_of(a, &s);
    CHECK(strstr(text, "(percentile bootstrap, 2 of 3 tasks; 1 has no rewarded trial)\n"));
    CHECK(strstr(text, "(percentile bootstrap, 2 of 3 tasks; 1 has fewer than 3 rewarded trials)\n"));
    CHECK(strstr(text, "(Wilson, 1 of 3 tasks; 2 have fewer than 4 rewarded trials)\n"));
    struct buf out = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &out};
    summary_json(a, &s, STR(""), &w);
    CHECK_INT(json_parse(a, buf_str(&out), &v, NULL), 0);
    CHECK_INT(json_int(json_path(v, STR("pass_hat_k.4.n")), -1), 1);
    CHECK_INT(json_int(json_path(v, STR("pass_hat_k.4.left_out")), -1), 2);
    arena_free(a);
}

/* A task of one trial among those of four takes part in pass^1 and in nothing else. */
TEST(a_task_with_one_trial_does_not_take_pass_2_from_the_others)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS], all[ITEMS];
    struct summary s, of_two;
    three_tasks(items);
    three_tasks(all);
    summary_make(a, STR("set"), items, 9, NULL, 0, NULL, 0, &s);
    summary_make(a, STR("set"), all, 8, NULL, 0, NULL, 0, &of_two);
    CHECK(s.pass[0].i.value == 0.5 && s.pass[0].i.n == 3 && s.pass_left_out[0] == 0);
    for (size_t k = 1; k < SUMMARY_K_MAX; k++) {
        CHECK(s.pass[k].i.value == of_two.pass[k].i.value && s.pass[k].i.low == of_two.pass[k].i.low);
        CHECK(s.pass[k].i.n == 2 && s.pass_left_out[k] == 1 && of_two.pass_left_out[k] == 0);
    }
    CHECK(strstr(text_of(a, &s), "(percentile bootstrap, 3 tasks)\n"));
    CHECK(strstr(text_of(a, &s), "(percentile bootstrap, 2 of 3 tasks; 1 has fewer than 2 rewarded trials)\n"));
    arena_free(a);
}

TEST(failure_rates_count_only_what_was_judged)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct verdict_row rows[ITEMS];
    struct summary s;
    three_tasks(items);
    for (size_t i = 0; i < 10; i++)
        rows[i] = row(items[i].conversation, "early", i < 3 ? VERDICT_FAIL : VERDICT_PASS);
    rows[10] = row(items[11].conversation, "early", VERDICT_UNJUDGED);
    rows[11] = row(4711, "early", VERDICT_FAIL); /* of a conversation that is not in the set */
    summary_make(a, STR("set"), items, ITEMS, rows, ITEMS, NULL, 0, &s);
    CHECK_INT(s.judges_n, 1);
    const struct summary_judge *j = &s.judges[0];
    CHECK(j->failed == 3 && j->judged == 10 && j->unjudged == 1 && j->not_meant == 1);
    CHECK(j->rate.i.value == 0.3 && j->rate.i.low > 0.107 && j->rate.i.low < 0.108); /* statsmodels: 0.10779 */
    CHECK(j->over_tasks.bounded && j->over_tasks.i.n == 3 && j->over_tasks.i.low == 0 && j->over_tasks.i.high <= 1);
    arena_free(a);
}

TEST(the_worst_have_most_failed_judges_then_the_lowest_reward)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct verdict_row rows[5];
    struct summary s;
    three_tasks(items);
    rows[0] = row(items[2].conversation, "one", VERDICT_FAIL); /* reward 1 */
    rows[1] = row(items[8].conversation, "one", VERDICT_FAIL); /* reward 0 */
    rows[2] = row(items[4].conversation, "one", VERDICT_FAIL); /* reward 1, two failed */
    rows[3] = row(items[4].conversation, "two", VERDICT_FAIL);
    rows[4] = row(items[9].conversation, "two", VERDICT_PASS);
    items[4].label = STR("worst");
    summary_make(a, STR("set"), items, ITEMS, rows, 5, NULL, 0, &s);
    CHECK_INT(s.worst_n, 8); /* two more with a failed judge, and all six without reward */
    CHECK(s.worst[0].item == &items[4] && s.worst[1].item == &items[8] && s.worst[2].item == &items[2]);
    CHECK(s.worst[3].item == &items[6] && s.worst[3].failed == 0);
    struct str line = str_f(a, " 1. worst  /conversations/%.*s  2 failed, reward 1\n      one: It was so. (event 7)\n",
                            STR_ARG(id_public(a, items[4].conversation)));
    CHECK(strstr(text_of(a, &s), line.p));
    arena_free(a);
}

TEST(more_than_ten_bad_conversations_leave_the_ten_worst)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct verdict_row rows[ITEMS];
    struct summary s;
    three_tasks(items);
    for (size_t i = 0; i < ITEMS; i++)
        rows[i] = row(items[i].conversation, "one", VERDICT_FAIL);
    summary_make(a, STR("set"), items, ITEMS, rows, ITEMS, NULL, 0, &s);
    CHECK_INT(s.worst_n, SUMMARY_WORST_MAX);
    for (size_t i = 0; i < SUMMARY_WORST_MAX; i++)
        CHECK(s.worst[i].item == &items[i < 6 ? i + 6 : i - 6]);
    arena_free(a);
}

TEST(machines_get_the_same_figures_with_nulls_for_what_is_undefined)
{
    struct arena *a = arena_new("test", 0);
    struct dataset_item items[ITEMS];
    struct verdict_row rows[1];
    struct judge judge = {.name = STR("one"), .catches = STR("It.")};
    struct summary s;
    struct json *v;
    three_tasks(items);
    for (size_t i = 0; i < 4; i++)
        items[i].has_reward = false;
    items[7].has_reward = items[11].has_reward = false;
    rows[0] = row(items[0].conversation, "one", VERDICT_FAIL);
    summary_make(a, STR("set"), items, ITEMS, rows, 1, &judge, 1, &s);
    struct buf out = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &out};
    summary_json(a, &s, STR(""), &w);
    CHECK_INT(json_parse(a, buf_str(&out), &v, NULL), 0);
    CHECK(json_num(json_path(v, STR("pass_hat_k.3.value")), -1) == 0);
    CHECK(json_is(json_path(v, STR("pass_hat_k.4.value")), JSON_NULL));
    CHECK_STR(json_str(json_path(v, STR("pass_hat_k.4.status"))), "no task has 4 rewarded trials");
    const struct json *j = json_at(json_get(v, "judges"), 0);
    CHECK_STR(json_str(json_get(j, "catches")), "It.");
    CHECK_STR(json_str(json_path(j, STR("rate.method"))), "Wilson");
    CHECK_INT(json_int(json_get(j, "not_applicable"), -1), 11);
    const struct json *worst = json_at(json_get(v, "worst"), 0);
    CHECK(json_is(json_get(worst, "reward"), JSON_NULL));
    CHECK_STR(json_str(json_path(json_at(json_get(worst, "failed"), 0), STR("analysis"))), "It was so.");
    arena_free(a);
}

TEST(verdicts_on_a_stored_set_are_kept_and_read_back)
{
    struct place p = place_new();
    struct err e = {0};
    struct import_batch b;
    struct judge judge;
    struct dataset_item *items;
    struct assessment found;
    struct verdict_row *rows;
    size_t n, rows_n;
    struct str lines = STR("{\"id\":\"a\",\"messages\":[{\"role\":\"assistant\",\"content\":\"long\"}]}\n"
                           "{\"id\":\"b\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\"}]}\n");
    struct str yaml = STR("judge: x\nversion: 1.0.0\ncatches: It.\nrule: {reply_length: {chars: 3}}\n");
    CHECK_INT(import_read(p.a, "openai-jsonl", "f", lines, "set", 1767225600000000, &b, &e), 0);
    CHECK_INT(import_store(p.s, p.a, &b, &e), 0);
    CHECK_INT(judge_read(p.a, yaml, "f", &judge, &e), 0);
    CHECK_INT(dataset_items(p.s, p.a, "set", &items, &n, &e), 0);
    CHECK_INT(assess_set(p.s, p.a, &judge, 1, items, n, NULL, &found, &e), 0);
    CHECK(found.n == 2 && found.rows[0].score == VERDICT_FAIL && found.rows[1].score == VERDICT_PASS);
    CHECK_INT(verdict_put(p.s, found.rows, found.n, &e), 0);
    CHECK_INT(verdict_list(p.s, p.a, "set", &rows, &rows_n, &e), 0);
    CHECK(rows_n == 2 && rows[0].score == VERDICT_FAIL && str_eq(rows[0].version, judge.version));
    place_free(&p);
}

RUN(cmocka_unit_test(pass_k_is_a_mean_over_tasks_with_an_interval_over_tasks),
    cmocka_unit_test(tasks_that_all_agree_are_not_taken_for_certainty), cmocka_unit_test(what_has_no_figure_says_why),
    cmocka_unit_test(pass_k_speaks_of_the_tasks_with_k_rewarded_trials_and_says_how_many_are_left_out),
    cmocka_unit_test(a_task_with_one_trial_does_not_take_pass_2_from_the_others),
    cmocka_unit_test(failure_rates_count_only_what_was_judged),
    cmocka_unit_test(the_worst_have_most_failed_judges_then_the_lowest_reward),
    cmocka_unit_test(more_than_ten_bad_conversations_leave_the_ten_worst),
    cmocka_unit_test(machines_get_the_same_figures_with_nulls_for_what_is_undefined),
    cmocka_unit_test(verdicts_on_a_stored_set_are_kept_and_read_back))
