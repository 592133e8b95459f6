/* What is remembered of a customer: written when the conversation ends, the newest wins, erased for good. */
#include "store_fixture.h"

#include "store/memory.h"

static const int64_t now_us = 1773133200000000; /* 10 March 2026 */

static bool remember(struct place *p, int64_t conversation, int64_t at_us, const char *set)
{
    struct str bodies[] = {STR("{\"agent\":\"a\",\"agent_sha\":\"00\",\"customer\":\"ana\",\"channel\":\"web\"}"),
                           STR("{\"by\":\"customer\"}"), str_f(p->a, "{\"customer\":\"ana\",\"set\":[%s]}", set)};
    static const enum event_kind kinds[] = {EVENT_OPENED, EVENT_CLOSED, EVENT_MEMORY_WRITTEN};
    struct event events[3];
    for (int i = 0; i < 3; i++)
        events[i] = (struct event){
            .conversation = conversation, .seq = i + 1, .at_us = at_us, .kind = kinds[i], .body = bodies[i]};
    struct appended done;
    return store_append_wait(p->s, &(struct append){.conversation = conversation, .seq = 1, .events = events, .n = 3},
                             &done) == 0;
}

#define VALUE(key, value) "{\"key\":\"" key "\",\"value\":\"" value "\",\"seq\":2,\"expires_us\":1999999999000000}"

static struct str recalled(struct place *p, int64_t at_us)
{
    struct memory_row *rows;
    struct buf b = buf_new(p->a, 4096);
    size_t n = 0;
    if (memory_read(p->s, p->a, STR("ana"), at_us, &rows, &n, NULL) < 0)
        return STR("error");
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%.*s=%.*s ", STR_ARG(rows[i].key), STR_ARG(rows[i].value));
    return buf_str(&b);
}

TEST(the_newest_value_of_a_key_wins_whatever_order_they_come_in)
{
    struct place p = place_new();
    CHECK(remember(&p, 2, now_us + 10, VALUE("city", "Recife") "," VALUE("pet", "cat")));
    CHECK(remember(&p, 1, now_us, VALUE("city", "Olinda")));
    CHECK_STR(recalled(&p, now_us), "city=Recife pet=cat ");
    CHECK(remember(&p, 3, now_us + 20, VALUE("city", "Natal")));
    CHECK_STR(recalled(&p, now_us), "city=Natal pet=cat ");
    place_free(&p);
}

TEST(what_expired_is_not_recalled)
{
    struct place p = place_new();
    CHECK(remember(&p, 1, now_us, VALUE("city", "Recife")));
    CHECK_STR(recalled(&p, 1999999999000000), "");
    place_free(&p);
}

TEST(no_more_than_the_newest_keys_are_kept)
{
    struct place p = place_new();
    for (int i = 0; i < MEMORY_KEYS_MAX + 5; i++)
        CHECK(remember(&p, i + 1, now_us + i, str_f(p.a, VALUE("k%02d", "v"), i).p));
    struct memory_row *rows;
    size_t n = 0;
    CHECK(memory_read(p.s, p.a, STR("ana"), now_us, &rows, &n, NULL) == 0);
    CHECK_INT(n, MEMORY_KEYS_MAX);
    CHECK_STR(rows[0].key, "k05");
    place_free(&p);
}

TEST(what_was_erased_stays_away_when_the_journals_are_folded_again)
{
    struct place p = place_new();
    size_t n = 0;
    CHECK(remember(&p, 1, now_us, VALUE("city", "Recife") "," VALUE("pet", "cat")));
    CHECK(memory_erase(p.s, STR("ana"), now_us + 1, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK_STR(recalled(&p, now_us), "");
    CHECK(journal_refold(p.s, NULL) == 0);
    CHECK_STR(recalled(&p, now_us), "");
    CHECK(remember(&p, 2, now_us + 2, VALUE("city", "Natal")));
    CHECK_STR(recalled(&p, now_us), "city=Natal ");
    place_free(&p);
}

RUN(cmocka_unit_test(the_newest_value_of_a_key_wins_whatever_order_they_come_in),
    cmocka_unit_test(what_expired_is_not_recalled), cmocka_unit_test(no_more_than_the_newest_keys_are_kept),
    cmocka_unit_test(what_was_erased_stays_away_when_the_journals_are_folded_again))
