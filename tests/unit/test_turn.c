/* A turn's decisions, with the world around them made of memory (world.h). */
#include "test.h"
#include "world.h"

#include "base/hash.h"
#include "engine/action.h"

static struct world w;

static void begin(const char *from, const char *to)
{
    world_begin(&w, world_agent(from, to));
}

static bool hold(void)
{
    return world_open(&w, "ana", "en") && world_say(&w, "my card never came") && world_say(&w, "yes please");
}

static struct str reason(void)
{
    return json_str(json_get(world_body(&w, EVENT_HANDOFF_REQUESTED, -1), "reason"));
}

/* --- the road of an action --- */

TEST(a_late_card_a_question_a_yes_and_one_new_card)
{
    begin(NULL, NULL);
    CHECK(hold());
    CHECK_INT(w.bank->effects, 1);
    CHECK_INT(world_count(&w, EVENT_ACTION_STARTED), 1);
    CHECK(str_has(world_replies(&w), STR("Done: your new card is ordered under RC-1")));
    CHECK(w.c->proposal.state == PROPOSAL_OK && w.c->turn.at == TURN_IDLE);
    world_end(&w);
}

TEST(a_routine_may_ask_for_the_yes_in_words_of_its_own)
{
    begin("\"confirm\":{\"proposal\"", "\"confirm\":{\"text\":\"runtime.not_understood\",\"proposal\"");
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    CHECK(w.c->proposal.state == PROPOSAL_ASKED);
    CHECK(str_has(world_replies(&w), STR("I did not understand that.")));
    world_end(&w);
}

/* What the bank sees must stand in the journal before. */
static struct tool_answer only_announced(struct world *x, const struct tool_request *rq)
{
    bool announced = !rq->tool->action;
    for (int i = 1; i <= world_count(x, EVENT_ACTION_STARTED); i++)
        announced |= str_eq(json_str(json_get(world_body(x, EVENT_ACTION_STARTED, i), "key")), rq->key);
    assert_true(announced);
    return bank_answer(x->bank, x->arena, rq);
}

TEST(no_card_is_ordered_that_the_journal_did_not_announce)
{
    bool whole = false;
    for (int at = 1; !whole; at++) { /* it dies at its first place, at its second, ... */
        begin(NULL, NULL);
        w.dies_at = at;
        w.tool = only_announced;
        whole = hold();
        CHECK(w.bank->effects == 0 || world_count(&w, EVENT_ACTION_STARTED) > 0);
        CHECK(w.bank->effects == 0 || json_int(json_get(world_body(&w, EVENT_ACTION_STARTED, 1), "attempt"), 0) == 1);
        world_end(&w);
    }
}

/* From where it died to its end. What was not written the customer writes again. */
static void live_on(void)
{
    bool alive;
    if (w.log_n) {
        alive = world_restart(&w);
    } else {
        conversation_free(w.c);
        w.dead = false;
        alive = world_open(&w, "ana", "en");
    }
    if (world_count(&w, EVENT_MESSAGE_RECEIVED) < 1)
        alive = alive && world_say(&w, "my card never came");
    if (world_count(&w, EVENT_MESSAGE_RECEIVED) < 2)
        alive = alive && world_say(&w, "yes please");
    assert_true(alive);
}

/* Dies at every place, and at every two places one after the other. */
static void sweep(const char *from, const char *to, int (*effects_of)(const struct bank *b), struct str replies,
                  int *deaths)
{
    bool whole = false;
    *deaths = 0;
    for (int at = 1; !whole; at++)
        for (int again = 0; again <= 12; again++) {
            begin(from, to);
            w.dies_at = at;
            whole = hold();
            *deaths += !whole;
            if (!whole && again) {
                w.points = 0;
                w.dies_at = again;
                if (w.log_n && !world_restart(&w))
                    ++*deaths;
            }
            w.dies_at = 0;
            live_on();
            assert_int_equal(effects_of(w.bank), 1);
            if (!str_eq(world_replies(&w), replies))
                fail_msg("died at %d and %d: %.*s", at, again, STR_ARG(world_replies(&w)));
            world_end(&w);
            if (whole)
                break;
        }
}

static int effects(const struct bank *b)
{
    return b->effects;
}

static struct str undisturbed(struct arena *a)
{
    begin(NULL, NULL);
    assert_true(hold());
    struct str replies = str_copy(a, world_replies(&w));
    world_end(&w);
    return replies;
}

TEST(wherever_it_dies_there_is_one_card_and_the_same_words)
{
    struct arena *a = arena_new("test", 0);
    int deaths;
    sweep(NULL, NULL, effects, undisturbed(a), &deaths);
    CHECK(deaths > 100);
    arena_free(a);
}

TEST(every_attempt_at_a_proposal_has_one_and_the_same_key)
{
    bool whole = false;
    for (int at = 1; !whole; at++) {
        begin(NULL, NULL);
        w.dies_at = at;
        whole = hold();
        w.dies_at = 0;
        live_on();
        struct str first = json_str(json_get(world_body(&w, EVENT_ACTION_STARTED, 1), "key"));
        for (int i = 1; i <= world_count(&w, EVENT_ACTION_STARTED); i++) {
            const struct json *started = world_body(&w, EVENT_ACTION_STARTED, i);
            CHECK(str_eq(json_str(json_get(started, "key")), first));
            CHECK_INT(json_int(json_get(started, "attempt"), 0), i);
        }
        CHECK_INT(world_count(&w, EVENT_ACTION_DONE), 1);
        world_end(&w);
    }
}

/* The negative controls: the same sweep must notice what our keys are for. */
static int worst(const char *from, const char *to, bool forgets_keys)
{
    bool whole = false;
    int most = 0;
    for (int at = 1; !whole; at++) {
        begin(from, to);
        w.bank->forgets_keys = forgets_keys;
        w.dies_at = at;
        whole = hold();
        w.dies_at = 0;
        live_on();
        most = w.bank->effects > most ? w.bank->effects : most;
        world_end(&w);
    }
    return most;
}

#define MODE(m) "\"idempotency\":{\"mode\":\"" m "\"}"

TEST(the_sweep_notices_a_new_key_for_each_attempt_and_a_bank_that_forgets_keys)
{
    CHECK_INT(worst(NULL, NULL, false), 1);
    CHECK_INT(worst(MODE("key"), MODE("key_per_attempt"), false), 2);
    CHECK_INT(worst(NULL, NULL, true), 2);
}

/* --- outcomes that are not known --- */

static struct tool_answer lost(struct world *x, const struct tool_request *rq)
{
    struct tool_answer answer = bank_answer(x->bank, x->arena, rq);
    return rq->tool->action ? (struct tool_answer){.class = TOOL_UNKNOWN, .result = STR("{}")} : answer;
}

TEST(an_outcome_that_stays_unknown_is_asked_for_four_more_times_and_handed_over)
{
    begin(NULL, NULL);
    w.tool = lost;
    int64_t began_us = w.now_us;
    CHECK(hold());
    CHECK_STR(reason(), "outcome_unknown");
    CHECK_INT(world_count(&w, EVENT_ACTION_STARTED), 1 + ACTION_WAITS_MAX);
    CHECK_INT(w.bank->effects, 1);
    CHECK(w.now_us - began_us >= 14300000 && w.now_us - began_us < 16000000); /* 0.3 + 1 + 3 + 10 s */
    CHECK(!str_has(world_replies(&w), STR("is ordered under")));
    CHECK_INT(w.c->owner, OWNER_PENDING_HUMAN);
    world_end(&w);
}

/* Without a key, and without a way to ask, a second request would be a second card. */
static const char *const no_key[] = {MODE("key"), MODE("none")};
static const char *const no_key_no_question[] = {"\"reconcile\":{", "\"was_reconcile\":{"};

static void begin_without_key(void)
{
    struct agent *with = world_agent(no_key[0], no_key[1]);
    struct agent *agent;
    struct err e;
    struct buf b = buf_new(with->arena, 1 << 22);
    ptrdiff_t at = str_find(with->bundle, str_of(no_key_no_question[0]));
    assert_true(at > 0);
    buf_add(&b, str_head(with->bundle, (size_t)at));
    buf_adds(&b, no_key_no_question[1]);
    buf_add(&b, str_from(with->bundle, (size_t)at + strlen(no_key_no_question[0])));
    assert_int_equal(agent_new(buf_str(&b), &agent, &e), 0);
    agent_free(with);
    world_begin(&w, agent);
}

TEST(an_action_without_a_key_is_never_sent_twice)
{
    begin_without_key();
    w.tool = lost;
    CHECK(hold());
    CHECK_STR(reason(), "outcome_unknown");
    CHECK_INT(world_count(&w, EVENT_ACTION_STARTED), 1);
    world_end(&w);

    bool whole = false;
    for (int at = 1; !whole; at++) {
        begin_without_key();
        w.dies_at = at;
        whole = hold();
        w.dies_at = 0;
        live_on();
        CHECK(w.bank->effects <= 1); /* it may not have left; a person finds out */
        CHECK(w.bank->effects == 1 || str_is(reason(), "outcome_unknown"));
        CHECK_INT(world_count(&w, EVENT_ACTION_STARTED), 1);
        world_end(&w);
    }
}

TEST(an_outcome_learnt_late_is_still_told)
{
    begin(NULL, NULL);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    w.points = 0;
    w.dies_at = 2; /* the yes is written, nothing was done yet */
    CHECK(!world_say(&w, "yes"));
    CHECK_INT(w.bank->effects, 0);
    w.now_us += 9LL * 3600 * 1000000; /* the machine was off for a night */
    CHECK(world_restart(&w));
    CHECK(str_has(world_replies(&w), STR("Done: your new card")));
    CHECK_INT(world_count(&w, EVENT_HANDOFF_REQUESTED), 0);
    world_end(&w);
}

/* --- what a confirmation is bound to --- */

TEST(arguments_that_are_not_those_that_were_confirmed_are_not_sent)
{
    begin(NULL, NULL);
    struct err e = {0};
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    struct turn_events out = world_events(&w);
    CHECK_INT(action_decided(w.c, &out, w.c->proposal.seq, w.c->proposal.digest, true, &e), 0);
    struct str good = w.c->proposal.args;
    w.c->proposal.args = STR("{\"address\":\"Evil Street 1\",\"customer\":\"ana\",\"reason\":\"lost\"}");
    CHECK_INT(turn_run(w.c, &out, &e), ERR_DENIED);
    CHECK_INT(world_count(&w, EVENT_ACTION_STARTED), 0);
    w.c->proposal.args = good;
    world_end(&w);
}

TEST(a_decision_needs_the_open_proposals_seq_and_digest_in_time)
{
    begin(NULL, NULL);
    struct err e = {0};
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    struct turn_events out = world_events(&w);
    int64_t seq = w.c->proposal.seq;
    struct str digest = w.c->proposal.digest;
    CHECK_INT(action_decided(w.c, &out, seq + 1, digest, true, &e), ERR_CONFLICT);
    CHECK_INT(action_decided(w.c, &out, seq, STR("00"), true, &e), ERR_CONFLICT);
    out.now_us = w.c->proposal.expires_us + 1;
    CHECK_INT(action_decided(w.c, &out, seq, digest, true, &e), ERR_CONFLICT);
    out.now_us = w.c->proposal.expires_us;
    CHECK_INT(action_decided(w.c, &out, seq, digest, true, &e), 0);
    CHECK_INT(action_decided(w.c, &out, seq, digest, true, &e), ERR_CONFLICT);
    world_end(&w);
}

/* --- budgets --- */

static struct llm_tool_call many[130];
static struct llm_answer next_answer;
static int answers_left;

static const struct llm_answer *given(struct world *x)
{
    return answers_left-- > 0 ? &next_answer : NULL;
}

static void model_calls(const char *name, const char *arguments, int n, int times)
{
    next_answer = (struct llm_answer){.calls = many, .calls_n = (size_t)n, .finish = STR("tool_calls")};
    for (int i = 0; i < n; i++)
        many[i] = (struct llm_tool_call){.id = STR("x"), .name = str_of(name), .arguments = str_of(arguments)};
    answers_left = times;
    w.model = given;
}

static int answered_with(const char *what)
{
    int n = 0;
    for (size_t i = 0; i < w.log_n; i++)
        n += w.log[i].kind == EVENT_TOOL_ANSWERED && str_has(w.log[i].body, str_of(what));
    return n;
}

TEST(calls_that_come_at_once_share_one_budget)
{
    begin("\"identical_calls\":2", "\"identical_calls\":1000");
    model_calls("check_card_delivery", "{}", 128, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_INT(w.tools_n, 12); /* budgets.tool_calls */
    CHECK_INT(answered_with("\"budget\""), 128 - 12);
    CHECK_INT(w.c->calls_open, 0);
    world_end(&w);
}

TEST(calls_beyond_what_can_be_under_way_at_once_are_refused)
{
    begin("\"tool_calls\":12", "\"tool_calls\":1000");
    model_calls("get_customer_profile", "{}", 128, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_INT(answered_with("\"repeated_call\""), 64 - 2);
    CHECK_INT(answered_with("\"too_many_at_once\""), 64);
    CHECK_INT(w.c->calls_open, 0);
    world_end(&w);
}

TEST(identical_calls_that_come_at_once_are_refused_beyond_their_number)
{
    begin(NULL, NULL);
    model_calls("check_card_delivery", "{}", 5, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_INT(w.tools_n, 2);
    CHECK_INT(answered_with("\"repeated_call\""), 3);
    world_end(&w);
}

TEST(a_session_that_is_not_who_it_must_be_is_refused_and_told_what_is_missing)
{
    begin("\"tool\":\"get_customer_profile\"", "\"requires\":{\"identity\":2},\"tool\":\"get_customer_profile\"");
    model_calls("get_customer_profile", "{}", 1, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello")); /* known by the channel: 1 */
    CHECK_INT(w.tools_n, 0);
    CHECK_INT(answered_with("\"reason\":\"identity_too_low\",\"missing\":[\"session.identity\"]"), 1);
    world_end(&w);
    begin("\"tool\":\"get_customer_profile\"", "\"requires\":{\"identity\":1},\"tool\":\"get_customer_profile\"");
    model_calls("get_customer_profile", "{}", 1, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_INT(w.tools_n, 1);
    world_end(&w);
}

TEST(a_costly_action_needs_a_customer_who_stepped_up)
{
    begin("\"class\":\"reversible\"", "\"class\":\"costly\"");
    hold();
    CHECK_INT(w.bank->effects, 0);
    CHECK(answered_with("\"identity_too_low\"") > 0);
    world_end(&w);
}

TEST(what_cannot_be_taken_back_is_a_persons_to_do)
{
    begin("\"class\":\"reversible\"", "\"class\":\"irrevocable\"");
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    CHECK_INT(answered_with("\"approval_needed\""), 1);
    CHECK_STR(reason(), "approval_needed");
    CHECK_INT(w.bank->effects, 0);
    CHECK_INT(world_count(&w, EVENT_ACTION_PROPOSED), 0);
    world_end(&w);
}

TEST(a_read_is_made_as_often_in_a_turn_as_it_says)
{
    begin("\"tool\":\"check_card_delivery\"", "\"limits\":{\"per_turn\":1},\"tool\":\"check_card_delivery\"");
    model_calls("check_card_delivery", "{}", 2, 1);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_INT(w.tools_n, 1);
    CHECK_INT(answered_with("\"limit_reached\""), 1);
    model_calls("check_card_delivery", "{}", 1, 1);
    CHECK(world_say(&w, "and now?")); /* another turn */
    CHECK_INT(answered_with("\"limit_reached\""), 1);
    world_end(&w);
}

TEST(a_model_that_never_comes_to_an_end_is_stopped_after_its_calls)
{
    begin(NULL, NULL);
    model_calls("update_scratchpad", "{}", 1, 1000);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_STR(reason(), "budget");
    CHECK_INT(w.asked, 8);
    world_end(&w);
}

static struct tool_answer slow(struct world *x, const struct tool_request *rq)
{
    x->now_us += 40LL * 1000000;
    return bank_answer(x->bank, x->arena, rq);
}

TEST(a_turn_that_takes_too_long_goes_to_a_person)
{
    begin(NULL, NULL);
    w.tool = slow;
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "where is my card?"));
    CHECK_STR(reason(), "budget");
    world_end(&w);
}

TEST(a_turn_that_dies_too_often_goes_to_a_person)
{
    begin(NULL, NULL);
    CHECK(world_open(&w, "ana", "en"));
    w.points = 0;
    w.dies_at = 2;
    CHECK(!world_say(&w, "where is my card?"));
    for (int i = 1; i < 5; i++) {
        w.points = 0;
        w.dies_at = 2;
        CHECK(!world_restart(&w));
    }
    CHECK_INT(world_count(&w, EVENT_HANDOFF_REQUESTED), 0);
    w.dies_at = 0;
    CHECK(world_restart(&w));
    CHECK_STR(reason(), "budget");
    CHECK_INT(world_count(&w, EVENT_TURN_RESUMED), 5);
    world_end(&w);
}

/* --- what does not fit --- */

TEST(an_answer_that_no_event_can_hold_counts_as_a_failure_of_the_model)
{
    begin(NULL, NULL);
    size_t n = (1 << 20) - 100;
    char *text = arena_alloc(w.arena, n);
    memset(text, '\n', n); /* twice as long once it is escaped */
    next_answer = (struct llm_answer){.text = {text, n}, .has_text = true, .finish = STR("stop")};
    answers_left = 1;
    w.model = given;
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "hello"));
    CHECK_STR(reason(), "model_unavailable");
    world_end(&w);
}

static size_t result_bytes;

static struct tool_answer huge(struct world *x, const struct tool_request *rq)
{
    char *text = arena_alloc(x->arena, result_bytes);
    memset(text, 'x', result_bytes);
    return (struct tool_answer){.result = str_f(x->arena, "{\"a\":\"%.*s\"}", (int)result_bytes, text)};
}

TEST(a_result_that_no_event_can_hold_is_answered_as_one)
{
    begin(NULL, NULL);
    w.tool = huge;
    result_bytes = (1 << 20) - 20;
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "where is my card?"));
    CHECK(answered_with("\"unreadable\"") == 2 && w.c->turn.at == TURN_IDLE);
    CHECK_STR(reason(), "data_unavailable");
    world_end(&w);
}

/* --- people --- */

static bool take_over(const char *owner)
{
    struct turn_events out = world_events(&w);
    return turn_take_over(w.c, &out, owner, STR("maria"), &w.err) == 0 && world_append(&w, &out);
}

TEST(words_that_came_with_an_earlier_hand_off_are_not_said_again)
{
    const struct llm_tool_call transfer = {
        .id = STR("x"), .name = STR("transfer_to_human"), .arguments = STR("{\"reason\":\"asked_human\"}")};
    begin(NULL, NULL);
    next_answer = (struct llm_answer){.text = STR("I cannot do that."),
                                      .has_text = true,
                                      .calls = &transfer,
                                      .calls_n = 1,
                                      .finish = STR("tool_calls")};
    answers_left = 1;
    w.model = given;
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "do a dance"));
    CHECK(str_starts(world_replies(&w), STR("I cannot do that. I am passing you")));
    CHECK(take_over("human") && take_over("bot"));
    next_answer = (struct llm_answer){.result = ERR_TIMEOUT};
    answers_left = 1;
    CHECK(world_say(&w, "and now?"));
    CHECK(str_ends(world_replies(&w),
                   STR("\nI am sorry, I cannot answer right now. I am passing you to a colleague, who will "
                       "see everything we wrote here.\n")));
    world_end(&w);
}

TEST(an_action_that_ends_after_a_person_took_over_is_recorded_and_ends_the_turn)
{
    begin(NULL, NULL);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    w.points = 0;
    w.dies_at = 2;
    CHECK(!world_say(&w, "yes"));
    w.dead = false;
    w.dies_at = 0;
    CHECK(w.c->turn.at == TURN_ACTING);
    CHECK(take_over("human"));
    CHECK(w.c->turn.at == TURN_ACTING);
    CHECK(world_go(&w));
    CHECK_INT(world_count(&w, EVENT_ACTION_DONE), 1);
    CHECK(w.log[w.log_n - 1].kind == EVENT_TURN_ENDED && w.c->turn.at == TURN_IDLE);
    CHECK_INT(world_count(&w, EVENT_REPLY_SENT), 1); /* the question; nothing after the person came */
    world_end(&w);
}

TEST(an_action_that_ends_after_the_conversation_was_closed_is_recorded_and_says_nothing)
{
    begin(NULL, NULL);
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    w.points = 0;
    w.dies_at = 2;
    CHECK(!world_say(&w, "yes"));
    w.dead = false;
    w.dies_at = 0;
    CHECK(world_add(&w, EVENT_CLOSED, STR("{\"by\":\"customer\"}")));
    CHECK(world_go(&w));
    CHECK_INT(world_count(&w, EVENT_ACTION_DONE), 1);
    CHECK_STR(json_str(json_get(world_body(&w, EVENT_TURN_ENDED, -1), "outcome")), "no_reply");
    CHECK_INT(world_count(&w, EVENT_REPLY_SENT), 1);
    world_end(&w);
}

TEST(answers_of_tools_that_come_after_a_person_took_over_lead_to_nothing)
{
    begin(NULL, NULL);
    CHECK(world_open(&w, "ana", "en"));
    w.points = 0;
    w.dies_at = 4; /* the model answered: its look-ups are due */
    CHECK(!world_say(&w, "where is my card?"));
    w.dead = false;
    w.dies_at = 0;
    CHECK(w.c->turn.at == TURN_TOOLS);
    struct tool_request rq[4];
    CHECK_INT(turn_requests(w.arena, w.c, w.now_us, rq, 4), 2);
    CHECK(take_over("human"));
    size_t before = w.log_n;
    struct tool_answer answer = bank_answer(w.bank, w.arena, &rq[0]);
    struct turn_events out = world_events(&w);
    CHECK_INT(turn_tool_answered(w.c, &out, rq[0].call_id, &answer, &w.err), 0);
    CHECK(world_append(&w, &out) && w.log_n == before);
    CHECK(take_over("bot"));
    CHECK(world_say(&w, "where is my card?"));
    CHECK(w.c->proposal.state == PROPOSAL_ASKED);
    world_end(&w);
}

/* --- an action without a gate --- */

#define GATE "\"confirm\":{\"by\":\"customer\","

TEST(an_action_without_a_gate_runs_at_once_and_its_result_answers_its_call)
{
    begin(GATE, "\"confirm\":{\"by\":\"none\",");
    CHECK(world_open(&w, "ana", "en") && world_say(&w, "my card never came"));
    CHECK_INT(w.bank->effects, 1);
    CHECK_STR(json_str(json_get(world_body(&w, EVENT_CONFIRMATION_GIVEN, 1), "by")), "policy");
    CHECK(str_has(world_replies(&w), STR("Done: your new card")));
    CHECK_INT(w.c->calls_open, 0);
    world_end(&w);
}

TEST(an_action_without_a_gate_survives_every_death_too)
{
    bool whole = false;
    for (int at = 1; !whole; at++) {
        begin(GATE, "\"confirm\":{\"by\":\"none\",");
        w.dies_at = at;
        whole = world_open(&w, "ana", "en") && world_say(&w, "my card never came");
        w.dies_at = 0;
        if (!whole && !w.log_n) {
            conversation_free(w.c);
            w.dead = false;
            CHECK(world_open(&w, "ana", "en"));
        } else if (!whole) {
            CHECK(world_restart(&w));
        }
        if (!world_count(&w, EVENT_MESSAGE_RECEIVED))
            CHECK(world_say(&w, "my card never came"));
        CHECK_INT(w.bank->effects, 1);
        CHECK(str_has(world_replies(&w), STR("Done: your new card")));
        world_end(&w);
    }
}

RUN(cmocka_unit_test(a_late_card_a_question_a_yes_and_one_new_card),
    cmocka_unit_test(a_routine_may_ask_for_the_yes_in_words_of_its_own),
    cmocka_unit_test(no_card_is_ordered_that_the_journal_did_not_announce),
    cmocka_unit_test(wherever_it_dies_there_is_one_card_and_the_same_words),
    cmocka_unit_test(every_attempt_at_a_proposal_has_one_and_the_same_key),
    cmocka_unit_test(the_sweep_notices_a_new_key_for_each_attempt_and_a_bank_that_forgets_keys),
    cmocka_unit_test(an_outcome_that_stays_unknown_is_asked_for_four_more_times_and_handed_over),
    cmocka_unit_test(an_action_without_a_key_is_never_sent_twice),
    cmocka_unit_test(an_outcome_learnt_late_is_still_told),
    cmocka_unit_test(arguments_that_are_not_those_that_were_confirmed_are_not_sent),
    cmocka_unit_test(a_decision_needs_the_open_proposals_seq_and_digest_in_time),
    cmocka_unit_test(calls_that_come_at_once_share_one_budget),
    cmocka_unit_test(calls_beyond_what_can_be_under_way_at_once_are_refused),
    cmocka_unit_test(identical_calls_that_come_at_once_are_refused_beyond_their_number),
    cmocka_unit_test(a_session_that_is_not_who_it_must_be_is_refused_and_told_what_is_missing),
    cmocka_unit_test(a_costly_action_needs_a_customer_who_stepped_up),
    cmocka_unit_test(what_cannot_be_taken_back_is_a_persons_to_do),
    cmocka_unit_test(a_read_is_made_as_often_in_a_turn_as_it_says),
    cmocka_unit_test(a_model_that_never_comes_to_an_end_is_stopped_after_its_calls),
    cmocka_unit_test(a_turn_that_takes_too_long_goes_to_a_person),
    cmocka_unit_test(a_turn_that_dies_too_often_goes_to_a_person),
    cmocka_unit_test(an_answer_that_no_event_can_hold_counts_as_a_failure_of_the_model),
    cmocka_unit_test(a_result_that_no_event_can_hold_is_answered_as_one),
    cmocka_unit_test(words_that_came_with_an_earlier_hand_off_are_not_said_again),
    cmocka_unit_test(an_action_that_ends_after_a_person_took_over_is_recorded_and_ends_the_turn),
    cmocka_unit_test(an_action_that_ends_after_the_conversation_was_closed_is_recorded_and_says_nothing),
    cmocka_unit_test(answers_of_tools_that_come_after_a_person_took_over_lead_to_nothing),
    cmocka_unit_test(an_action_without_a_gate_runs_at_once_and_its_result_answers_its_call),
    cmocka_unit_test(an_action_without_a_gate_survives_every_death_too))
