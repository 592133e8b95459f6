/* The prompt: made from the journal alone, byte for byte, and growing only at its end. */
#include "test.h"
#include "world.h"

#include "base/regex.h"

static struct world w;

static void begin(void)
{
    world_begin(&w, world_agent(NULL, NULL));
    assert_true(world_open(&w, "ana", "en"));
}

static void hold(void)
{
    assert_true(world_say(&w, "hello") && world_say(&w, "my card never came") && world_say(&w, "and my points?") &&
                world_say(&w, "yes") && world_say(&w, "thanks"));
}

static struct str whole(const struct context *x)
{
    return str_f(w.arena, "%.*s\n%.*s%.*s%.*s", STR_ARG(x->tools), STR_ARG(x->shared), STR_ARG(x->transcript),
                 STR_ARG(x->state));
}

TEST(the_same_journal_and_time_give_the_same_bytes)
{
    begin();
    hold();
    struct context one = context_make(w.arena, w.c, 5000000), two = context_make(w.arena, w.c, 5000000);
    CHECK(str_eq(whole(&one), whole(&two)) && sha256_eq(&one.sha, &two.sha));
    struct conversation *c = world_folded(&w, w.log_n);
    struct context again = context_make(w.arena, c, 5000000);
    CHECK(str_eq(whole(&one), whole(&again)) && sha256_eq(&one.sha, &again.sha));
    conversation_free(c);
    world_end(&w);
}

TEST(the_hash_is_over_the_bytes_that_are_sent)
{
    begin();
    hold();
    struct context x = context_make(w.arena, w.c, 5000000);
    struct str bytes = whole(&x);
    struct sha256 sha = sha256_of(bytes);
    CHECK(sha256_eq(&sha, &x.sha));
    CHECK_INT(x.bytes, bytes.n);
    world_end(&w);
}

TEST(a_prompt_is_two_json_arrays_as_documented)
{
    begin();
    hold();
    struct context x = context_make(w.arena, w.c, 1773133200000000);
    struct json *tools, *messages, *kept;
    CHECK_INT(json_parse(w.arena, str_f(w.arena, "[%.*s]", STR_ARG(x.tools)), &tools, &w.err), 0);
    CHECK_INT(
        json_parse(w.arena, str_f(w.arena, "[%.*s]", STR_ARG(str_from(whole(&x), x.tools.n + 1))), &messages, &w.err),
        0);
    CHECK_INT(tools->n, 5);
    CHECK_STR(json_str(json_path(tools->child, STR("function.name"))), "check_card_delivery");
    CHECK_STR(json_str(json_get(messages->child, "role")), "system");
    CHECK(str_starts(json_str(json_get(messages->child->next, "content")), STR("Conversation {\"channel\":\"web\"")));
    struct str last = json_str(json_get(messages->last, "content"));
    CHECK(str_starts(last, STR("State of this conversation, kept by the runtime:\n{")));
    CHECK_INT(json_parse(w.arena, str_from(last, (size_t)str_find(last, STR("{"))), &kept, &w.err), 0);
    CHECK_STR(json_str(json_get(kept, "time")), "2026-03-10T09:00:00Z");
    CHECK_STR(json_str(json_path(kept, STR("session.customer"))), "ana");
    CHECK_STR(json_str(json_path(kept, STR("proposal.state"))), "ok");
    CHECK_INT(json_int(json_path(kept, STR("proposal.times")), 0), 2);
    CHECK_INT(json_int(json_path(kept, STR("tool.check_card_delivery.days_late")), 0), 9);
    world_end(&w);
}

TEST(without_its_state_a_prompt_is_the_beginning_of_the_next_one)
{
    begin();
    hold();
    struct conversation *c = conversation_new(w.id, w.agent);
    struct str before = STR("");
    int prompts = 0;
    for (size_t i = 0; i < w.log_n; i++) {
        if (w.log[i].kind == EVENT_MODEL_ASKED) {
            struct context x = context_make(w.arena, c, w.log[i].at_us);
            struct str bytes = whole(&x);
            CHECK(str_starts(bytes, before));
            before = str_copy(w.arena, str_head(bytes, bytes.n - x.state.n));
            prompts++;
        }
        CHECK_INT(conversation_fold(c, &w.log[i], &w.err), 0);
    }
    CHECK(prompts >= 6);
    conversation_free(c);
    world_end(&w);
}

TEST(nothing_but_the_state_depends_on_the_clock_or_on_a_counter)
{
    begin();
    hold();
    struct context one = context_make(w.arena, w.c, 1773133200000000),
                   two = context_make(w.arena, w.c, 1893456000000000);
    CHECK(str_eq(one.tools, two.tools) && str_eq(one.shared, two.shared) && str_eq(one.transcript, two.transcript));
    CHECK(!str_eq(one.state, two.state));
    CHECK(!regex_match(STR("\\d\\d:\\d\\d:\\d\\d"), one.transcript)); /* no time of day in what was said */
    CHECK(!str_has(one.transcript, STR("\"ms\"")) && !str_has(one.transcript, STR("left")));
    CHECK(!str_has(one.transcript, STR("4711"))); /* nor the conversation's number */
    world_end(&w);
}

TEST(two_conversations_of_an_agent_share_their_beginning)
{
    begin();
    hold();
    struct context one = context_make(w.arena, w.c, 5000000);
    struct conversation *c = conversation_new(99, w.agent);
    struct context other = context_make(w.arena, c, 5000000);
    CHECK(one.tools.p == other.tools.p && one.shared.p == other.shared.p);
    CHECK(one.tools.n + one.shared.n > 15000);
    conversation_free(c);
    world_end(&w);
}

TEST(every_prompt_of_a_journal_can_be_made_again_and_a_changed_one_is_found)
{
    begin();
    hold();
    struct context_check check = {0};
    CHECK_INT(context_verify(world_agents(&w), w.log, w.log_n, &check, &w.err), 0);
    CHECK(check.prompts >= 6 && check.reproduced == check.prompts && check.seq_bad == 0);
    CHECK(check.prefix_bytes * 100 > check.bytes * 88);

    for (size_t i = 0; i < w.log_n; i++) { /* one word of the customer's, changed afterwards */
        if (w.log[i].kind != EVENT_MESSAGE_RECEIVED)
            continue;
        struct str body = w.log[i].body;
        w.log[i].body = STR("{\"text\":\"Hello\"}");
        check = (struct context_check){0};
        CHECK_INT(context_verify(world_agents(&w), w.log, w.log_n, &check, &w.err), 0);
        CHECK(check.reproduced < check.prompts && check.seq_bad > w.log[i].seq);
        w.log[i].body = body;
    }
    world_end(&w);
}

TEST(prompts_reproduce_also_behind_crashes_and_messages_in_between)
{
    for (int at = 1; at < 40; at++) {
        begin();
        w.points = 0;
        w.dies_at = at;
        bool whole_way = world_say(&w, "my card never came") && world_say(&w, "yes");
        w.dies_at = 0;
        if (!whole_way)
            CHECK(world_restart(&w));
        CHECK(world_say(&w, "where is my card?"));
        struct context_check check = {0};
        CHECK_INT(context_verify(world_agents(&w), w.log, w.log_n, &check, &w.err), 0);
        CHECK(check.prompts > 0 && check.reproduced == check.prompts);
        world_end(&w);
    }
}

TEST(results_that_are_no_working_memory_stand_in_the_transcript_only)
{
    world_begin(&w, world_agent("\"fresh_s\":21600", "\"fresh_s\":0"));
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "where is my card?"));
    struct context x = context_make(w.arena, w.c, 5000000);
    CHECK(str_has(x.transcript, STR("12 Elm Street")) && !str_has(x.state, STR("12 Elm Street")));
    CHECK(str_has(x.state, STR("\\\"tool_class\\\":{")));
    world_end(&w);
}

RUN(cmocka_unit_test(the_same_journal_and_time_give_the_same_bytes),
    cmocka_unit_test(the_hash_is_over_the_bytes_that_are_sent),
    cmocka_unit_test(a_prompt_is_two_json_arrays_as_documented),
    cmocka_unit_test(without_its_state_a_prompt_is_the_beginning_of_the_next_one),
    cmocka_unit_test(nothing_but_the_state_depends_on_the_clock_or_on_a_counter),
    cmocka_unit_test(two_conversations_of_an_agent_share_their_beginning),
    cmocka_unit_test(every_prompt_of_a_journal_can_be_made_again_and_a_changed_one_is_found),
    cmocka_unit_test(prompts_reproduce_also_behind_crashes_and_messages_in_between),
    cmocka_unit_test(results_that_are_no_working_memory_stand_in_the_transcript_only))
