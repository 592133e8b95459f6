#include "store_fixture.h"

#include <sqlite3.h>

static int gather(void *arg, const struct event *ev, struct err *e)
{
    int64_t **next = arg;
    *(*next)++ = ev->conversation * 100 + ev->seq;
    return 0;
}

static int stop_at_third(void *arg, const struct event *ev, struct err *e)
{
    return ++*(int *)arg == 3 ? 33 : 0;
}

TEST(events_are_read_in_order_from_where_one_asks)
{
    struct place p = place_new();
    put_everything(&p, 7, "web");
    struct event *events;
    size_t n;
    CHECK(journal_read(p.s, p.a, 7, 3, 4, &events, &n, NULL) == 0);
    CHECK_INT(n, 4);
    for (size_t i = 0; i < n; i++)
        CHECK(events[i].conversation == 7 && events[i].seq == 4 + (int64_t)i);
    CHECK(journal_read(p.s, p.a, 7, 14, 100, &events, &n, NULL) == 0 && n == 0);
    CHECK(journal_read(p.s, p.a, 99, 0, SIZE_MAX, &events, &n, NULL) == 0 && n == 0);
    place_free(&p);
}

TEST(the_whole_journal_is_read_in_the_order_of_writing)
{
    struct place p = place_new();
    for (int64_t id = 60; id > 0; id--)
        put_everything(&p, id, "web"); /* 840 events: more than three pages */
    static int64_t seen[1000], *next = seen;
    CHECK(journal_each(p.s, gather, &next, NULL) == 0);
    CHECK_INT(next - seen, 840);
    for (int i = 0; i < 840; i++)
        CHECK_INT(seen[i], (60 - i / 14) * 100 + i % 14 + 1);
    int calls = 0;
    CHECK(journal_each(p.s, stop_at_third, &calls, NULL) == 33);
    CHECK_INT(calls, 3);
    place_free(&p);
}

TEST(what_is_derived_is_the_same_bytes_after_refolding)
{
    struct place p = place_new();
    for (int64_t id = 1; id <= 20; id++)
        put_everything(&p, id, id % 2 ? "web" : "push:sms");
    CHECK(put(&p, 1, 15, EVENT_OWNER_CHANGED, "{\"owner\":\"human\",\"epoch\":1,\"by\":\"eva\"}") == 0);
    CHECK(put(&p, 2, 15, EVENT_CLOSED, "{\"by\":\"customer\"}") == 0);
    CHECK(put(&p, 3, 15, EVENT_TURN_ENDED, "{\"outcome\":\"replied\"}") == 0);
    struct sha256 before, after;
    CHECK(journal_derived_sha(p.s, &before, NULL) == 0);
    CHECK(journal_refold(p.s, NULL) == 0);
    CHECK(journal_derived_sha(p.s, &after, NULL) == 0);
    CHECK(sha256_eq(&before, &after));
    /* and the journal goes on as before */
    CHECK(put(&p, 1, 16, EVENT_HUMAN_MESSAGE, "{\"mid\":\"h\",\"text\":\"Hello\",\"expert\":\"eva\"}") == 0);
    CHECK(journal_derived_sha(p.s, &after, NULL) == 0);
    CHECK(!sha256_eq(&before, &after));
    place_free(&p);
}

static int damage(void *arg, struct sqlite3 *db, struct err *e)
{
    const char *drop = "DROP TRIGGER event_is_never_changed; DROP TRIGGER event_is_never_deleted";
    if (sqlite3_exec(db, drop, 0, 0, 0) != SQLITE_OK || sqlite3_exec(db, arg, 0, 0, 0) != SQLITE_OK)
        return err_set(e, ERR_IO, "%s", sqlite3_errmsg(db));
    return 0;
}

TEST(a_chain_that_was_tampered_with_names_the_place)
{
    const char *damages[][2] = {
        {"UPDATE event SET body = replace(body, 'Shall', 'shall') WHERE conversation = 2 AND seq = 5", "event 5"},
        {"UPDATE event SET at_us = at_us + 1 WHERE conversation = 2 AND seq = 6", "event 6"},
        {"UPDATE event SET kind = 13 WHERE conversation = 2 AND seq = 7", "event 7"},
        {"DELETE FROM event WHERE conversation = 2 AND seq = 8", "event 9"},
        {"DELETE FROM event WHERE conversation = 2 AND seq > 9", "event 9"},
        {"UPDATE event SET sha = zeroblob(32) WHERE conversation = 2 AND seq = 14", "event 14"},
        {"DELETE FROM event WHERE conversation = 2", NULL},
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct place p = place_new();
        struct err e;
        int64_t checked;
        for (int64_t id = 1; id <= 3; id++)
            put_everything(&p, id, "web");
        CHECK(journal_verify(p.s, &checked, &e) == 0);
        CHECK_INT(checked, 42);
        CHECK(store_write(p.s, damage, (void *)(intptr_t)damages[i][0], &e) == 0);
        CHECK(journal_verify(p.s, &checked, &e) == ERR_INVALID);
        CHECK(strstr(e.text, "conversation 2") && (!damages[i][1] || strstr(e.text, damages[i][1])));
        place_free(&p);
    }
}

TEST(a_turn_is_open_from_the_message_to_its_end)
{
    struct place p = place_new();
    int64_t *ids, seq = 2;
    size_t n;
    const struct {
        enum event_kind kind;
        const char *body;
        size_t open;
    } steps[] = {
        {EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}", 1},
        {EVENT_MODEL_ASKED, "{}", 1},
        {EVENT_TURN_ENDED, "{\"outcome\":\"replied\"}", 0},
        {EVENT_CONFIRMATION_GIVEN, "{\"proposal\":3,\"by\":\"policy\"}", 0},
        {EVENT_CONFIRMATION_GIVEN, "{\"proposal\":3,\"by\":\"button\"}", 1},
        {EVENT_TURN_RESUMED, "{\"n\":1}", 1},
        {EVENT_OWNER_CHANGED, "{\"owner\":\"pending_human\",\"epoch\":1,\"by\":\"bot\"}", 1},
        {EVENT_OWNER_CHANGED, "{\"owner\":\"human\",\"epoch\":2,\"by\":\"eva\"}", 0},
        {EVENT_MESSAGE_RECEIVED, "{\"text\":\"for the person\"}", 0},
        {EVENT_OWNER_CHANGED, "{\"owner\":\"bot\",\"epoch\":3,\"by\":\"eva\"}", 0},
        {EVENT_TIMER_SET, "{\"due_us\":5,\"what\":\"x\"}", 0},
        {EVENT_TIMER_FIRED, "{\"timer\":12}", 1},
        {EVENT_CLOSED, "{\"by\":\"customer\"}", 0},
    };
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        CHECK(put(&p, 7, seq++, steps[i].kind, steps[i].body) == 0);
        CHECK(conversation_unfinished(p.s, p.a, &ids, &n, NULL) == 0);
        CHECK_INT(n, steps[i].open);
        CHECK(n == 0 || ids[0] == 7);
    }
    place_free(&p);
}

TEST(an_action_under_way_keeps_the_turn_open_whoever_takes_the_conversation)
{
    struct place p = place_new();
    int64_t *ids;
    size_t n;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"yes\"}") == 0);
    CHECK(put(&p, 7, 3, EVENT_ACTION_STARTED, "{\"proposal\":1,\"tool\":\"t\",\"key\":\"k\",\"attempt\":1}") == 0);
    CHECK(put(&p, 7, 4, EVENT_OWNER_CHANGED, "{\"owner\":\"human\",\"epoch\":1,\"by\":\"eva\"}") == 0);
    CHECK(put(&p, 7, 5, EVENT_CLOSED, "{\"by\":\"customer\"}") == 0);
    CHECK(conversation_unfinished(p.s, p.a, &ids, &n, NULL) == 0);
    CHECK(n == 1 && ids[0] == 7);
    CHECK(put(&p, 7, 6, EVENT_ACTION_DONE, "{\"proposal\":1,\"key\":\"k\",\"tool\":\"t\",\"class\":\"ok\"}") == 0);
    CHECK(put(&p, 7, 7, EVENT_TURN_ENDED, "{\"outcome\":\"handed_off\"}") == 0);
    CHECK(conversation_unfinished(p.s, p.a, &ids, &n, NULL) == 0 && n == 0);
    place_free(&p);
}

TEST(a_recorded_conversation_is_never_taken_up)
{
    struct place p = place_new();
    int64_t *ids;
    size_t n;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", ",\"set\":\"airline\"")) == 0);
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}") == 0);
    CHECK(conversation_unfinished(p.s, p.a, &ids, &n, NULL) == 0 && n == 0);
    place_free(&p);
}

TEST(conversations_are_found_by_agent_customer_and_set)
{
    struct place p = place_new();
    struct conversation_row row, *rows;
    size_t n;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", ",\"label\":\"airline-00-0\",\"set\":\"airline\"")) == 0);
    CHECK(put(&p, 8, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put(&p, 9, 1, EVENT_OPENED, OPENED_BY("ben", "")) == 0);
    CHECK(conversation_find(p.s, p.a, 7, &row, NULL) == 0);
    CHECK_STR(row.agent, "card-delivery");
    CHECK_STR(row.agent_sha, "00ff");
    CHECK_STR(row.customer, "ana");
    CHECK_STR(row.channel, "web");
    CHECK_STR(row.label, "airline-00-0");
    CHECK_STR(row.set, "airline");
    CHECK_STR(row.owner, "bot");
    CHECK_STR(row.status, "open");
    CHECK(row.seq_next == 2 && row.opened_us == 1767225600000000 && row.changed_us == row.opened_us && !row.turn_open);
    CHECK(conversation_find(p.s, p.a, 10, &row, NULL) == ERR_NOT_FOUND);
    const struct {
        const char *agent, *set, *customer;
        size_t n;
    } lists[] = {
        {NULL, NULL, NULL, 3},       {"card-delivery", "", "", 3},          {"other", NULL, NULL, 0},
        {NULL, "airline", NULL, 1},  {"card-delivery", "airline", NULL, 1}, {NULL, NULL, "ana", 2},
        {NULL, "airline", "ana", 1}, {"card-delivery", NULL, "ben", 1},     {"other", "airline", "ana", 0},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        CHECK(conversation_list(p.s, p.a, lists[i].agent, lists[i].set, lists[i].customer, &rows, &n, NULL) == 0);
        CHECK_INT(n, lists[i].n);
    }
    CHECK(put(&p, 7, 2, EVENT_OWNER_CHANGED, "{\"owner\":\"human\",\"epoch\":1,\"by\":\"eva\"}") == 0);
    CHECK(put(&p, 7, 3, EVENT_CLOSED, "{\"by\":\"eva\"}") == 0);
    CHECK(conversation_find(p.s, p.a, 7, &row, NULL) == 0);
    CHECK_STR(row.owner, "human");
    CHECK_STR(row.status, "closed");
    place_free(&p);
}

TEST(the_first_result_of_an_action_stands_for_ever)
{
    struct place p = place_new();
    struct ledger_row row, *rows;
    size_t n;
    put_everything(&p, 7, "web");
    CHECK(ledger_find(p.s, p.a, STR("act7"), &row, NULL) == 0);
    CHECK_STR(row.tool, "reissue_card");
    CHECK_STR(row.state, "ok");
    CHECK_STR(row.result, "{\"card\":\"new\",\"fee\":1.50}");
    CHECK(row.conversation == 7 && row.proposal_seq == 4);
    CHECK(put(&p, 7, 15, EVENT_ACTION_STARTED, "{\"proposal\":4,\"key\":\"act7\",\"attempt\":2}") == 0);
    CHECK(put(&p, 7, 16, EVENT_ACTION_DONE,
              "{\"proposal\":4,\"key\":\"act7\",\"tool\":\"reissue_card\",\"class\":\"refused\",\"result\":\"no\"}") ==
          0);
    CHECK(ledger_find(p.s, p.a, STR("act7"), &row, NULL) == 0);
    CHECK_STR(row.state, "ok");
    CHECK_STR(row.result, "{\"card\":\"new\",\"fee\":1.50}");
    CHECK(put(&p, 7, 17, EVENT_ACTION_STARTED,
              "{\"proposal\":4,\"tool\":\"reissue_card\",\"key\":\"other\",\"attempt\":1}") == 0);
    CHECK(ledger_find(p.s, p.a, STR("other"), &row, NULL) == 0);
    CHECK_STR(row.tool, "reissue_card");
    CHECK_STR(row.state, "started");
    CHECK_STR(row.result, "");
    CHECK(ledger_list(p.s, p.a, 7, &rows, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK(ledger_find(p.s, p.a, STR("none"), &row, NULL) == ERR_NOT_FOUND);
    place_free(&p);
}

TEST(a_push_channel_s_message_waits_until_it_is_delivered)
{
    struct place p = place_new();
    struct outbox_row row;
    struct outbox_place *places;
    size_t n;
    put_everything(&p, 7, "push:sms");
    put_everything(&p, 8, "web");
    CHECK(outbox_list(p.s, p.a, 0, 10, &places, &n, NULL) == 0);
    CHECK_INT(n, 1); /* m5 was delivered */
    CHECK_INT(places[0].conversation, 7);
    int64_t first = places[0].pos;
    CHECK(outbox_first(p.s, p.a, 8, &row, NULL) == ERR_NOT_FOUND);
    CHECK(outbox_first(p.s, p.a, 7, &row, NULL) == 0);
    CHECK_STR(row.mid, "7-10");
    CHECK_STR(row.text, "Done.");
    CHECK_STR(row.channel, "push:sms");
    CHECK(row.conversation == 7 && row.seq == 10);
    CHECK(put(&p, 7, 15, EVENT_HUMAN_MESSAGE, "{\"mid\":\"h1\",\"text\":\"Hello\",\"expert\":\"eva\"}") == 0);
    CHECK(outbox_list(p.s, p.a, 0, 1, &places, &n, NULL) == 0 && n == 1 && places[0].pos == first);
    CHECK(outbox_list(p.s, p.a, first, SIZE_MAX, &places, &n, NULL) == 0 && n == 1 && places[0].pos > first);
    CHECK(outbox_first(p.s, p.a, 7, &row, NULL) == 0 && row.seq == 10);       /* h1 waits behind it */
    CHECK(put(&p, 7, 16, EVENT_MESSAGE_DELIVERED, "{\"mid\":\"m10\"}") == 0); /* without `of`: an old journal */
    CHECK(outbox_first(p.s, p.a, 7, &row, NULL) == 0 && row.seq == 15);
    CHECK_STR(row.mid, "7-15");
    CHECK(put(&p, 7, 17, EVENT_MESSAGE_DELIVERED, "{\"mid\":\"7-15\",\"of\":15}") == 0);
    CHECK(outbox_first(p.s, p.a, 7, &row, NULL) == ERR_NOT_FOUND);
    CHECK(outbox_list(p.s, p.a, 0, 10, &places, &n, NULL) == 0 && n == 0);
    place_free(&p);
}

TEST(delivering_one_message_takes_no_other_out_of_the_outbox)
{
    struct place p = place_new();
    struct outbox_row row;
    struct sha256 before, after;
    put_everything(&p, 7, "push:sms");
    /* an expert whose program names its message as the agent's is named */
    CHECK(put(&p, 7, 15, EVENT_HUMAN_MESSAGE, "{\"mid\":\"m10\",\"text\":\"Hello\",\"expert\":\"eva\"}") == 0);
    CHECK(put(&p, 7, 16, EVENT_MESSAGE_DELIVERED, "{\"mid\":\"7-10\",\"of\":10}") == 0);
    CHECK(outbox_first(p.s, p.a, 7, &row, NULL) == 0 && row.seq == 15);
    CHECK(journal_derived_sha(p.s, &before, NULL) == 0);
    CHECK(journal_refold(p.s, NULL) == 0);
    CHECK(journal_derived_sha(p.s, &after, NULL) == 0);
    CHECK(sha256_eq(&before, &after));
    place_free(&p);
}

TEST(a_timer_waits_until_it_fires)
{
    struct place p = place_new();
    struct timer_row *rows;
    size_t n;
    put_everything(&p, 8, "web");
    put_everything(&p, 7, "web");
    CHECK(timer_list(p.s, p.a, 1767225800000000, &rows, &n, NULL) == 0 && n == 0);
    CHECK(timer_list(p.s, p.a, INT64_MAX, &rows, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK(rows[0].conversation == 7 && rows[0].seq == 13 && rows[0].due_us == 1767225800000000);
    CHECK_STR(rows[0].kind, "close");
    place_free(&p);
}

RUN(cmocka_unit_test(events_are_read_in_order_from_where_one_asks),
    cmocka_unit_test(the_whole_journal_is_read_in_the_order_of_writing),
    cmocka_unit_test(what_is_derived_is_the_same_bytes_after_refolding),
    cmocka_unit_test(a_chain_that_was_tampered_with_names_the_place),
    cmocka_unit_test(a_turn_is_open_from_the_message_to_its_end),
    cmocka_unit_test(an_action_under_way_keeps_the_turn_open_whoever_takes_the_conversation),
    cmocka_unit_test(a_recorded_conversation_is_never_taken_up),
    cmocka_unit_test(conversations_are_found_by_agent_customer_and_set),
    cmocka_unit_test(the_first_result_of_an_action_stands_for_ever),
    cmocka_unit_test(a_push_channel_s_message_waits_until_it_is_delivered),
    cmocka_unit_test(delivering_one_message_takes_no_other_out_of_the_outbox),
    cmocka_unit_test(a_timer_waits_until_it_fires))
