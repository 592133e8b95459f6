/* Another agent version in the middle of a conversation: at a turn border and never before it, once, and without a prompt
 * that cannot be made again. */
#include "test.h"
#include "world.h"

static struct world w;

/* The second version says "Settled:" where the first one says "Done:". */
static void begin(const char *pin)
{
    world_begin(&w, pin ? world_agent("\"agent\":{", pin) : world_agent(NULL, NULL));
    w.second = world_agent("Done:", "Settled:");
    assert_true(world_open(&w, "ana", "en"));
}

static struct str last_shared(void)
{
    return context_make(w.arena, w.c, w.now_us).shared;
}

/* Every prompt comes out again, and what goes on is what a reader of the journal would find. */
static void check_journal(void)
{
    struct context_check check = {0};
    assert_int_equal(context_verify(world_agents(&w), w.log, w.log_n, &check, &w.err), 0);
    assert_true(check.prompts > 0 && check.reproduced == check.prompts);
    struct conversation *c = world_folded(&w, w.log_n);
    struct context now = context_make(w.arena, w.c, w.now_us), again = context_make(w.arena, c, w.now_us);
    assert_true(sha256_eq(&now.sha, &again.sha) && c->agent == w.c->agent);
    conversation_free(c);
}

TEST(between_two_turns_a_switch_is_there_at_once)
{
    begin(NULL);
    CHECK(world_say(&w, "hello"));
    CHECK(world_switch(&w, w.second));
    CHECK(w.c->agent == w.second && str_has(last_shared(), STR("Settled:")));
    CHECK(world_say(&w, "my card never came") && world_say(&w, "yes"));
    CHECK(str_has(world_replies(&w), STR("Settled: your new card")));
    check_journal();
    world_end(&w);
}

static struct world *switches_at; /* told of each append: asks for the switch when the n-th one stands */
static int switch_at;

static void switch_now(struct world *x)
{
    if (x->appends != switch_at)
        return;
    x->appended = NULL;
    struct turn_events out = world_events(x);
    if (turn_switch(x->c, &out, switches_at ? x->second : NULL, STR("operator"), STR("a test"), &x->err) == 0)
        world_append(x, &out);
}

TEST(a_switch_in_a_turn_waits_for_its_end_and_that_turn_is_the_old_versions)
{
    for (int at = 3; at < 9; at++) {
        begin(NULL);
        switches_at = &w;
        switch_at = at;
        w.appended = switch_now;
        CHECK(world_say(&w, "my card never came") && world_say(&w, "yes"));
        CHECK(world_count(&w, EVENT_AGENT_SWITCHED) == 1 && w.c->agent == w.second);
        const struct agent *now = w.agent;
        for (size_t i = 0, due = 0; i < w.log_n; i++) { /* who answered, as the journal has it */
            struct conversation *c = world_folded(&w, i + 1);
            due |= w.log[i].kind == EVENT_AGENT_SWITCHED;
            if (due && c->turn.at == TURN_IDLE)
                now = w.second;
            CHECK(c->agent == now);
            conversation_free(c);
        }
        CHECK(w.bank->effects <= 1);
        check_journal();
        world_end(&w);
    }
}

TEST(a_question_of_the_old_version_is_void_and_nothing_is_done_on_a_yes_to_it)
{
    begin(NULL);
    CHECK(world_say(&w, "my card never came"));
    CHECK_INT(w.c->proposal.state, PROPOSAL_ASKED);
    CHECK(world_switch(&w, w.second));
    CHECK_INT(w.c->proposal.state, PROPOSAL_VOID);
    CHECK(world_say(&w, "yes") && w.bank->effects == 0);
    world_end(&w);
}

TEST(people_get_it_at_the_turns_end)
{
    for (int at = 2; at < 9; at++) {
        begin(NULL);
        switches_at = NULL;
        switch_at = at;
        w.appended = switch_now;
        bool gone = world_say(&w, "hello") && world_say(&w, "my card never came") && world_say(&w, "yes");
        CHECK(gone && w.c->owner == OWNER_PENDING_HUMAN);
        CHECK_INT(world_count(&w, EVENT_HANDOFF_REQUESTED), 1);
        CHECK_STR(json_str(json_get(world_body(&w, EVENT_HANDOFF_REQUESTED, 1), "reason")), "agent_withdrawn");
        CHECK(w.c->turn.at == TURN_IDLE && !w.c->people_due);
        check_journal();
        world_end(&w);
    }
}

TEST(the_same_switch_twice_is_refused)
{
    begin(NULL);
    struct turn_events out = world_events(&w);
    CHECK_INT(turn_switch(w.c, &out, w.agent, STR("operator"), STR("x"), &w.err), ERR_CONFLICT);
    CHECK(world_switch(&w, NULL));
    out = world_events(&w);
    CHECK_INT(turn_switch(w.c, &out, NULL, STR("operator"), STR("x"), &w.err), ERR_CONFLICT);
    world_end(&w);
}

TEST(without_a_pin_to_turns_a_conversation_keeps_its_version_over_a_deploy)
{
    begin(NULL);
    CHECK(world_say(&w, "hello"));
    w.deployed = true;
    CHECK(world_say(&w, "my card never came") && world_say(&w, "yes"));
    CHECK(w.c->agent == w.agent && world_count(&w, EVENT_AGENT_SWITCHED) == 0);
    CHECK(str_has(world_replies(&w), STR("Done: your new card")));
    check_journal();
    world_end(&w);
}

TEST(pinned_to_turns_it_moves_when_the_next_one_begins_but_not_past_an_open_question)
{
    begin("\"agent\":{\"pin\":\"turn\",");
    CHECK(world_say(&w, "hello"));
    w.deployed = true;
    CHECK(world_say(&w, "where is my card?") && w.c->agent == w.second);
    CHECK_INT(world_count(&w, EVENT_AGENT_SWITCHED), 1);
    CHECK_STR(json_str(json_get(world_body(&w, EVENT_AGENT_SWITCHED, 1), "by")), "runtime");
    check_journal();
    world_end(&w);

    begin("\"agent\":{\"pin\":\"turn\",");
    CHECK(world_say(&w, "my card never came") && w.c->proposal.state == PROPOSAL_ASKED);
    w.deployed = true;
    CHECK(world_say(&w, "yes"));
    CHECK(w.c->agent == w.agent && w.bank->effects == 1);
    CHECK(world_say(&w, "thanks") && w.c->agent == w.second);
    check_journal();
    world_end(&w);
}

TEST(killed_at_every_point_around_a_switch_it_ends_with_one_card_and_the_new_version)
{
    for (int at = 1; at < 60; at++) {
        begin(NULL);
        switches_at = &w;
        switch_at = 1 + at % 7;
        w.appended = switch_now;
        w.points = 0;
        w.dies_at = at;
        bool whole = world_say(&w, "my card never came") && world_say(&w, "yes");
        w.dies_at = 0;
        w.appended = NULL;
        if (!whole)
            CHECK(world_restart(&w));
        if (!world_count(&w, EVENT_AGENT_SWITCHED) && w.c->agent != w.second)
            CHECK(world_switch(&w, w.second));
        CHECK(world_say(&w, "my card never came") && world_say(&w, "yes"));
        CHECK(w.c->agent == w.second && world_count(&w, EVENT_AGENT_SWITCHED) == 1 && w.bank->effects <= 1);
        check_journal();
        world_end(&w);
    }
}

RUN(cmocka_unit_test(between_two_turns_a_switch_is_there_at_once),
    cmocka_unit_test(a_switch_in_a_turn_waits_for_its_end_and_that_turn_is_the_old_versions),
    cmocka_unit_test(a_question_of_the_old_version_is_void_and_nothing_is_done_on_a_yes_to_it),
    cmocka_unit_test(people_get_it_at_the_turns_end), cmocka_unit_test(the_same_switch_twice_is_refused),
    cmocka_unit_test(without_a_pin_to_turns_a_conversation_keeps_its_version_over_a_deploy),
    cmocka_unit_test(pinned_to_turns_it_moves_when_the_next_one_begins_but_not_past_an_open_question),
    cmocka_unit_test(killed_at_every_point_around_a_switch_it_ends_with_one_card_and_the_new_version))
