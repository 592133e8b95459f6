#include "store_fixture.h"

#include "base/id.h"
#include "store/dataset.h"

static struct dataset_item item(int64_t conversation, const char *label)
{
    return (struct dataset_item){.conversation = conversation,
                                 .label = str_of(label),
                                 .task = STR("t1"),
                                 .trial = 2,
                                 .has_reward = true,
                                 .reward = 0.5,
                                 .expected = STR("{\"a\":1}")};
}

TEST(a_set_gives_its_items_back_in_the_order_of_import)
{
    struct place p = place_new();
    struct dataset_item in[] = {item(9, "z"), item(8, "a"), item(7, "m")}, *out;
    size_t n;
    in[2].has_reward = false;
    CHECK(dataset_put(p.s, "airline", "tau-bench", in, 2, NULL) == 0);
    CHECK(dataset_put(p.s, "airline", "tau-bench", in + 2, 1, NULL) == 0);
    CHECK(dataset_put(p.s, "other", "tau-bench", in, 1, NULL) == 0);
    CHECK(dataset_items(p.s, p.a, "airline", &out, &n, NULL) == 0);
    CHECK_INT(n, 3);
    for (size_t i = 0; i < n; i++) {
        CHECK(out[i].conversation == in[i].conversation && out[i].trial == 2);
        CHECK(str_eq(out[i].label, in[i].label) && str_is(out[i].task, "t1"));
        CHECK_STR(out[i].expected, "{\"a\":1}");
        CHECK_STR(out[i].note, "{}");
        CHECK(out[i].has_reward == (i < 2) && (i == 2 || out[i].reward == 0.5));
    }
    CHECK(dataset_items(p.s, p.a, "none", &out, &n, NULL) == ERR_NOT_FOUND);
    place_free(&p);
}

TEST(a_label_that_is_there_already_adds_nothing)
{
    struct place p = place_new();
    struct dataset_item in[] = {item(9, "z"), item(8, "a"), item(7, "z")}, *out;
    struct err e;
    size_t n;
    CHECK(dataset_put(p.s, "airline", "x", in, 3, &e) == ERR_CONFLICT);
    CHECK(strstr(e.text, "airline") && strstr(e.text, "z"));
    CHECK(dataset_items(p.s, p.a, "airline", &out, &n, NULL) == ERR_NOT_FOUND);
    CHECK(dataset_put(p.s, "airline", "x", in, 2, NULL) == 0);
    CHECK(dataset_put(p.s, "airline", "x", in + 1, 2, NULL) == ERR_CONFLICT);
    CHECK(dataset_items(p.s, p.a, "airline", &out, &n, NULL) == 0 && n == 2);
    place_free(&p);
}

TEST(the_conversations_of_an_agent_are_a_set_by_its_name)
{
    struct place p = place_new();
    struct dataset_item *out, in = item(9, "x");
    size_t n;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put(&p, 8, 1, EVENT_OPENED, OPENED_BY("ben", "")) == 0);
    CHECK(put(&p, 9, 1, EVENT_OPENED, OPENED_BY("ben", ",\"set\":\"airline\"")) == 0);
    CHECK(dataset_items(p.s, p.a, "card-delivery", &out, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK(out[0].conversation == 7 && str_eq(out[0].label, id_public(p.a, 7)) && !out[0].has_reward);
    CHECK(dataset_put(p.s, "card-delivery", "x", &in, 1, NULL) == 0);
    CHECK(dataset_items(p.s, p.a, "card-delivery", &out, &n, NULL) == 0);
    CHECK(n == 1 && out[0].conversation == 9);
    place_free(&p);
}

static struct verdict_row verdict(int64_t conversation, const char *judge, const char *version, int score,
                                  int64_t at_us)
{
    return (struct verdict_row){.conversation = conversation,
                                .judge = str_of(judge),
                                .version = str_of(version),
                                .score = score,
                                .analysis = STR("Because."),
                                .evidence_seq = 3,
                                .at_us = at_us};
}

TEST(the_newest_version_of_each_judge_is_listed_and_no_two_are_mixed)
{
    struct place p = place_new();
    struct dataset_item in[] = {item(9, "z"), item(8, "a")};
    struct verdict_row *out;
    size_t n;
    CHECK(dataset_put(p.s, "airline", "x", in, 2, NULL) == 0);
    CHECK(verdict_list(p.s, p.a, "airline", &out, &n, NULL) == 0 && n == 0);
    struct verdict_row first[] = {verdict(9, "polite", "v1", 0, 10), verdict(8, "polite", "v1", 1, 10),
                                  verdict(9, "brief", "v1", 0, 10), verdict(5, "polite", "v9", 1, 99)};
    CHECK(verdict_put(p.s, first, 4, NULL) == 0);
    CHECK(verdict_list(p.s, p.a, "airline", &out, &n, NULL) == 0);
    CHECK_INT(n, 3);
    CHECK(out[0].conversation == 9 && str_is(out[0].judge, "brief"));
    CHECK(out[1].conversation == 9 && str_is(out[1].judge, "polite") && out[1].score == 0);
    CHECK(out[2].conversation == 8 && out[2].score == 1 && out[2].evidence_seq == 3);
    CHECK_STR(out[2].analysis, "Because.");
    /* the same version again replaces, also at the same time */
    struct verdict_row again = verdict(8, "polite", "v1", -1, 10);
    CHECK(verdict_put(p.s, &again, 1, NULL) == 0);
    CHECK(verdict_list(p.s, p.a, "airline", &out, &n, NULL) == 0);
    CHECK(n == 3 && out[2].score == -1);
    /* a newer version that has judged half of the set: its half alone */
    struct verdict_row newer = verdict(8, "polite", "v2", 0, 20);
    CHECK(verdict_put(p.s, &newer, 1, NULL) == 0);
    CHECK(verdict_list(p.s, p.a, "airline", &out, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK(str_is(out[0].judge, "brief") && out[1].conversation == 8 && str_is(out[1].version, "v2"));
    CHECK(verdict_list(p.s, p.a, "none", &out, &n, NULL) == ERR_NOT_FOUND);
    place_free(&p);
}

RUN(cmocka_unit_test(a_set_gives_its_items_back_in_the_order_of_import),
    cmocka_unit_test(a_label_that_is_there_already_adds_nothing),
    cmocka_unit_test(the_conversations_of_an_agent_are_a_set_by_its_name),
    cmocka_unit_test(the_newest_version_of_each_judge_is_listed_and_no_two_are_mixed))
