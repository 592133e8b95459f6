/* The runner: inputs in order, a store that refuses, conversations that are forgotten and taken up again. */
#include "shop.h"
#include "test.h"

#include "base/clock.h"
#include "engine/versions.h"
#include "net/loop.h"

static struct shop s;

/* --- a store that refuses on demand: the linker puts these between the runner and the store --- */

static int say_in;                 /* with the say_in-th append from now on the customer says ok */
static int refuse_with, refuse_in; /* the refuse_in-th append from now on is refused with that code */

void __real_store_append(struct store *store, const struct append *append, store_done *done, void *arg);
void __wrap_store_append(struct store *store, const struct append *append, store_done *done, void *arg);

static bool holds_append;  /* the next one is not given to the store before give_held */
static struct append held; /* its events live in the runner */
static store_done *held_done;
static void *held_arg;

static void give_held(void)
{
    __real_store_append(s.store, &held, held_done, held_arg);
}

struct refusal {
    store_done *done;
    void *arg;
    struct appended answer;
};

static void refuse(void *x)
{
    struct refusal *r = x;
    s.activity++;
    r->done(r->arg, &r->answer);
    free(r);
}

void __wrap_store_append(struct store *store, const struct append *append, store_done *done, void *arg)
{
    if (say_in && --say_in == 0) {
        shop_input(&s);
        runner_message(s.runner, s.conversation, STR("ok"), STR("early"), shop_done, &s);
    }
    if (holds_append) {
        holds_append = false;
        held = *append;
        held_done = done;
        held_arg = arg;
        return;
    }
    if (refuse_in == 0 || --refuse_in > 0) {
        __real_store_append(store, append, done, arg);
        return;
    }
    struct refusal *r = mem_get(sizeof *r);
    *r = (struct refusal){.done = done, .arg = arg, .answer = {.result = refuse_with}};
    err_set(&r->answer.err, refuse_with, "the test says no");
    loop_post(s.loop, refuse, r);
}

static int reads_fail; /* so many reads from now on */

int __real_journal_read(struct store *store, struct arena *a, int64_t conversation, int64_t after, size_t max,
                        struct event **events, size_t *n, struct err *e);
int __wrap_journal_read(struct store *store, struct arena *a, int64_t conversation, int64_t after, size_t max,
                        struct event **events, size_t *n, struct err *e);

int __wrap_journal_read(struct store *store, struct arena *a, int64_t conversation, int64_t after, size_t max,
                        struct event **events, size_t *n, struct err *e)
{
    if (reads_fail && reads_fail--)
        return err_set(e, ERR_IO, "the test says no");
    return __real_journal_read(store, a, conversation, after, max, events, n, e);
}

/* --- */

static void begin(void)
{
    refuse_in = 0;
    shop_begin(&s, 0);
    assert_true(shop_open(&s) > 0);
}

static void message(const char *text, const char *client_id)
{
    shop_input(&s);
    runner_message(s.runner, s.conversation, str_of(text), str_of(client_id), shop_done, &s);
}

static struct conversation *folded(void)
{
    struct event *events;
    struct err e = {0};
    size_t n = shop_events(&s, &events);
    struct conversation *c;
    static struct versions known;
    versions_free(&known);
    known.store = s.store;
    assert_int_equal(conversation_unfold(versions_source(&known), events, n, &c, &e), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(conversation_fold(c, &events[i], &e), 0);
    return c;
}

TEST(a_conversation_goes_from_the_first_word_to_the_new_card)
{
    begin();
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    CHECK_INT(shop_say(&s, "yes", "m2"), 0);
    CHECK_INT(s.bank->effects, 1);
    CHECK(str_has(shop_replies(&s), STR("Done: your new card is ordered under RC-1")));
    struct runner_stats stats;
    runner_stats(s.runner, &stats);
    CHECK(stats.messages == 2 && stats.turns == 2 && stats.actions == 1 && stats.handoffs == 0 &&
          stats.failed_appends == 0);
    shop_end(&s);
}

TEST(what_is_shown_is_shown_in_the_order_of_the_journal)
{
    begin();
    for (int i = 0; i < 20; i++)
        message(i % 2 ? "hello" : "my card never came", "");
    shop_rest(&s);
    CHECK(!s.out_of_order);
    CHECK_INT(shop_count(&s, EVENT_MESSAGE_RECEIVED), 20);
    struct event *events;
    CHECK_INT(s.seq_seen, shop_events(&s, &events));
    shop_end(&s);
}

TEST(two_messages_at_once_are_both_kept_and_answered)
{
    begin();
    message("hello", "m1");
    message("my card never came", "m2");
    shop_rest(&s);
    CHECK_INT(shop_count(&s, EVENT_MESSAGE_RECEIVED), 2);
    CHECK(shop_count(&s, EVENT_TURN_ENDED) <= 2);
    struct conversation *c = folded();
    CHECK(c->proposal.state == PROPOSAL_ASKED && c->turn.at == TURN_IDLE);
    conversation_free(c);
    shop_end(&s);
}

TEST(many_conversations_at_once_do_not_mix)
{
    enum { N = 40 };
    int64_t ids[N];
    begin();
    for (int i = 0; i < N; i++)
        ids[i] = shop_open(&s);
    for (int i = 0; i < N; i++) {
        s.conversation = ids[i];
        message(i % 2 ? "hello" : "my card never came", "");
    }
    s.conversation = 0;
    shop_rest(&s);
    for (int i = 0; i < N; i++) {
        s.conversation = ids[i];
        CHECK(str_has(shop_replies(&s), i % 2 ? STR("I can help") : STR("Shall I order")));
        CHECK_INT(shop_count(&s, EVENT_REPLY_SENT), 1);
    }
    shop_end(&s);
}

TEST(a_yes_that_came_before_the_question_could_be_seen_confirms_nothing)
{
    for (int n = 1; n < 12; n++) {
        begin();
        say_in = n;
        CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
        if (say_in) /* there were fewer appends */
            n = 12;
        say_in = 0;
        CHECK_INT(s.bank->effects, 0);
        struct conversation *c = folded();
        CHECK(c->proposal.state == PROPOSAL_ASKED);
        conversation_free(c);
        CHECK_INT(shop_say(&s, "yes", "m2"), 0);
        CHECK_INT(s.bank->effects, 1);
        shop_end(&s);
    }
}

TEST(a_message_that_is_larger_than_any_is_refused)
{
    begin();
    char *text = arena_alloc(s.arena, 300001);
    memset(text, 'x', 300000);
    CHECK_INT(shop_say(&s, text, "m1"), ERR_LIMIT);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    shop_end(&s);
}

/* --- repeats --- */

TEST(a_repeated_message_is_answered_with_the_first_ones_number_and_does_nothing)
{
    begin();
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    int64_t seq = s.last.seq;
    CHECK_INT(shop_say(&s, "hello", "m1"), ERR_DUPLICATE);
    CHECK(s.last.seq == seq && !s.last.duplicate_differs);
    CHECK_INT(shop_say(&s, "something else", "m1"), ERR_DUPLICATE);
    CHECK(s.last.seq == seq && s.last.duplicate_differs);
    CHECK_INT(shop_count(&s, EVENT_TURN_ENDED), 1);
    shop_end(&s);
}

TEST(repeats_are_known_after_a_restart_too_and_while_one_is_on_its_way)
{
    begin();
    message("hello", "m1");
    message("hello", "m1");
    shop_rest(&s);
    CHECK_INT(s.last.result, ERR_DUPLICATE);
    shop_dies(&s);
    shop_lives(&s, s.path, 0);
    CHECK_INT(shop_say(&s, "hello", "m1"), ERR_DUPLICATE);
    CHECK_INT(shop_count(&s, EVENT_MESSAGE_RECEIVED), 1);
    CHECK_INT(shop_count(&s, EVENT_TURN_RESUMED), 0);
    shop_end(&s);
}

TEST(repeats_while_the_model_thinks_leave_it_alone)
{
    struct err e;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    for (int i = 0; i < 10; i++)
        CHECK_INT(shop_say(&s, "hello", "m1"), ERR_DUPLICATE);
    CHECK_INT(cues_asked(s.cues), 1);
    CHECK_INT(cues_go_on(s.cues, &e), 0);
    shop_rest(&s);
    CHECK_INT(shop_count(&s, EVENT_TURN_RESUMED), 0);
    CHECK(str_has(shop_replies(&s), STR("I can help")));
    shop_end(&s);
}

TEST(an_opening_with_a_key_that_was_used_gives_the_conversation_of_then)
{
    begin();
    struct runner_opening o = {.agent = s.agent,
                               .customer = STR("ana"),
                               .channel = STR("web"),
                               .locale = STR("en"),
                               .key = STR("k1"),
                               .payload_sha = STR("aa")};
    for (int i = 0; i < 2; i++) {
        shop_input(&s);
        runner_open(s.runner, &o, shop_done, &s);
        shop_rest(&s);
        if (i == 0)
            s.conversation = s.last.conversation;
    }
    CHECK_INT(s.last.result, ERR_DUPLICATE);
    CHECK(s.last.conversation == s.conversation && !s.last.duplicate_differs);
    o.payload_sha = STR("bb");
    shop_input(&s);
    runner_open(s.runner, &o, shop_done, &s);
    shop_rest(&s);
    CHECK(s.last.result == ERR_DUPLICATE && s.last.duplicate_differs);
    shop_end(&s);
}

/* --- a store that refuses --- */

/* The conversation with the n-th append refused; gives how many there were. */
static int disturbed(int code, int n)
{
    begin();
    refuse_with = code;
    refuse_in = n;
    const char *const words[] = {"my card never came", "yes"};
    for (int i = 0; i < 2; i++)
        if (shop_say(&s, words[i], i ? "m2" : "m1") < 0) {
            assert_int_equal(s.last.result, code);
            assert_int_equal(shop_say(&s, words[i], i ? "m2" : "m1"), 0); /* the customer sends it again */
        }
    struct runner_stats stats;
    runner_stats(s.runner, &stats);
    return (int)stats.failed_appends;
}

TEST(whichever_append_the_store_refuses_the_customer_gets_one_card_and_the_same_words)
{
    static const int codes[] = {ERR_FULL, ERR_IO, ERR_CONFLICT};
    struct arena *a = arena_new("test", 0);
    CHECK_INT(disturbed(0, 0), 0);
    struct str replies = str_copy(a, shop_replies(&s));
    shop_end(&s);
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
        for (int n = 1, failed = 1; failed; n++) {
            failed = disturbed(codes[k], n);
            CHECK_INT(s.bank->effects, 1);
            CHECK(str_eq(shop_replies(&s), replies));
            CHECK(!s.out_of_order);
            CHECK(failed || n > 8);
            shop_end(&s);
        }
    arena_free(a);
}

TEST(an_input_that_the_store_refuses_is_told_so_and_left_no_trace)
{
    begin();
    refuse_with = ERR_FULL;
    refuse_in = 1;
    CHECK_INT(shop_say(&s, "hello", "m1"), ERR_FULL);
    CHECK_INT(shop_count(&s, EVENT_MESSAGE_RECEIVED), 0);
    CHECK_INT(s.seq_seen, 1);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    shop_end(&s);
}

TEST(a_message_that_is_refused_while_an_action_runs_does_not_run_it_twice)
{
    begin();
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    s.holds_tools = true;
    CHECK_INT(shop_say(&s, "yes", "m2"), 0);
    CHECK_INT(s.bank->effects, 0);
    refuse_with = ERR_FULL;
    refuse_in = 1;
    message("and?", "m3"); /* the disk is full; what was folded is forgotten while the order is under way */
    loop_once(s.loop, 50);
    message("hello?", "m4"); /* before it is taken up by itself */
    s.holds_tools = false;
    shop_rest(&s);
    CHECK_INT(s.bank->effects, 1);
    CHECK(shop_count(&s, EVENT_ACTION_STARTED) == 2 && shop_count(&s, EVENT_TURN_RESUMED) >= 1);
    CHECK_INT(shop_count(&s, EVENT_ACTION_DONE), 1);
    CHECK(str_has(shop_replies(&s), STR("Done: your new card")));
    shop_end(&s);
}

TEST(who_lost_the_conversation_to_another_holder_lets_go_of_it)
{
    struct err e;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    struct event *events;
    size_t before = shop_events(&s, &events);
    CHECK_INT(store_lease_steal(s.store, s.conversation, &e), 0);
    CHECK_INT(cues_go_on(s.cues, &e), 0);
    shop_rest(&s); /* it comes to rest: nothing is tried again for ever */
    CHECK_INT(shop_events(&s, &events), before);
    CHECK_INT(shop_say(&s, "hello?", "m2"), ERR_DENIED);
    CHECK_INT(shop_events(&s, &events), before);
    CHECK_INT(s.seq_seen, before);
    shop_end(&s);
}

/* --- drafts --- */

TEST(the_draft_of_an_answer_that_words_make_void_is_withdrawn)
{
    struct err e;
    struct llm_stats model;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    holds_append = true;
    shop_input(&s);
    runner_record(s.runner, s.conversation, EVENT_RATING_GIVEN, STR("{\"score\":9}"), NULL, shop_done, &s);
    message("hello?", "m2"); /* waits for the rating, and the answer waits for it */
    CHECK_INT(cues_go_on(s.cues, &e), 0);
    do {
        loop_once(s.loop, 5);
        llm_stats(s.llm, &model);
    } while (model.open);
    CHECK(s.draft.n > 0 && cues_asked(s.cues) == 1);
    give_held();
    shop_rest(&s);
    CHECK(cues_asked(s.cues) == 2 && shop_count(&s, EVENT_REPLY_SENT) == 1);
    CHECK(!s.draft_differs && s.draft.n == 0);
    shop_end(&s);
}

TEST(the_draft_of_an_answer_that_the_store_refuses_is_withdrawn)
{
    struct err e;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    refuse_with = ERR_IO;
    refuse_in = 1;
    CHECK_INT(cues_go_on(s.cues, &e), 0);
    shop_rest(&s);
    CHECK(cues_asked(s.cues) == 2 && shop_count(&s, EVENT_REPLY_SENT) == 1);
    CHECK(!s.draft_differs && s.draft.n == 0);
    shop_end(&s);
}

/* --- memory --- */

TEST(conversations_that_are_put_out_of_memory_go_on_from_the_file)
{
    enum { N = 12 };
    int64_t ids[N];
    refuse_in = 0;
    shop_begin(&s, 1); /* nothing idle is kept */
    for (int i = 0; i < N; i++)
        ids[i] = shop_open(&s);
    struct runner_stats stats;
    runner_stats(s.runner, &stats);
    CHECK(stats.cached == 0 && stats.loaded == 0);
    static const char *const words[] = {"my card never came", "yes", "where is my card?"};
    for (int w = 0; w < 3; w++)
        for (int i = 0; i < N; i++) {
            s.conversation = ids[i];
            CHECK_INT(shop_say(&s, words[w], ""), 0);
        }
    CHECK_INT(s.bank->effects, N);
    for (int i = 0; i < N; i++) {
        s.conversation = ids[i];
        CHECK(str_has(shop_replies(&s), STR("A new card is already on its way")));
        CHECK_INT(shop_count(&s, EVENT_TURN_RESUMED), 0);
    }
    shop_end(&s);
}

TEST(a_conversation_that_is_not_there_is_not_found)
{
    begin();
    int64_t there = s.conversation;
    s.conversation = 12345;
    CHECK_INT(shop_say(&s, "hello", "m1"), ERR_NOT_FOUND);
    s.conversation = there;
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    shop_end(&s);
}

TEST(a_person_who_repeats_a_message_disturbs_no_action_under_way)
{
    static const char words[] = "{\"mid\":\"r1\",\"text\":\"x\",\"expert\":\"m\",\"client_id\":\"person:1\","
                                "\"payload_sha\":\"a\"}";
    begin();
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    s.holds_tools = true;
    CHECK_INT(shop_say(&s, "yes", "m2"), 0);
    shop_input(&s);
    runner_take_over(s.runner, s.conversation, "human", STR("maria"), shop_done, &s);
    shop_rest(&s);
    for (int i = 0; i < 2; i++) {
        shop_input(&s);
        runner_record(s.runner, s.conversation, EVENT_HUMAN_MESSAGE, str_of(words), NULL, shop_done, &s);
        shop_rest(&s);
        CHECK_INT(s.last.result, i ? ERR_DUPLICATE : 0);
    }
    s.holds_tools = false;
    shop_rest(&s);
    CHECK(shop_count(&s, EVENT_ACTION_STARTED) == 1 && shop_count(&s, EVENT_ACTION_DONE) == 1);
    CHECK_INT(shop_count(&s, EVENT_HUMAN_MESSAGE), 1);
    shop_end(&s);
}

/* --- restart --- */

TEST(what_was_unfinished_is_taken_up_after_a_restart_and_what_was_not_is_left_alone)
{
    struct err e;
    size_t taken_up;
    begin();
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    int64_t finished = s.conversation;
    CHECK(shop_open(&s) > 0);
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    int64_t unfinished = s.conversation;
    shop_dies(&s);
    shop_lives(&s, s.path, 0);
    s.conversation = 0;
    CHECK_INT(runner_resume(s.runner, &taken_up, &e), 0);
    CHECK_INT(taken_up, 1);
    shop_rest(&s);
    s.conversation = unfinished;
    CHECK(shop_count(&s, EVENT_TURN_RESUMED) == 1 && str_has(shop_replies(&s), STR("Shall I order")));
    s.conversation = finished;
    CHECK_INT(shop_count(&s, EVENT_TURN_RESUMED), 0);
    shop_end(&s);
}

TEST(a_turn_that_cannot_be_read_after_a_restart_is_tried_again_until_it_can)
{
    struct err e;
    size_t taken_up;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    shop_dies(&s);
    shop_lives(&s, s.path, 0);
    reads_fail = 3;
    CHECK_INT(runner_resume(s.runner, &taken_up, &e), 0);
    CHECK_INT(reads_fail, 2);
    CHECK_INT(shop_say(&s, "hello?", "m2"), ERR_IO); /* to be sent again; its sentence names no insides */
    shop_rest(&s);
    CHECK_INT(reads_fail, 0);
    CHECK(shop_count(&s, EVENT_TURN_RESUMED) == 1 && str_has(shop_replies(&s), STR("Shall I order")));
    shop_end(&s);
}

TEST(a_timer_that_was_set_before_the_restart_fires_after_it)
{
    struct err e;
    size_t taken_up;
    begin();
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    struct conversation *c = folded();
    struct str key = tool_key(s.arena, s.conversation, c->proposal.seq, 1, false);
    struct event events[] = {
        {.at_us = 1,
         .kind = EVENT_CONFIRMATION_GIVEN,
         .body = str_f(s.arena, "{\"proposal\":%lld,\"digest\":\"%.*s\",\"answer\":\"yes\",\"by\":\"button\"}",
                       (long long)c->proposal.seq, STR_ARG(c->proposal.digest))},
        {.at_us = 2,
         .kind = EVENT_ACTION_STARTED,
         .body = str_f(s.arena, "{\"proposal\":%lld,\"tool\":\"reissue_card\",\"key\":\"%.*s\",\"attempt\":1}",
                       (long long)c->proposal.seq, STR_ARG(key))},
        {.at_us = 3,
         .kind = EVENT_TIMER_SET,
         .body =
             str_f(s.arena, "{\"due_us\":%lld,\"what\":\"learn_outcome\"}", (long long)(clock_now_us() + 5000000))}};
    struct append append = {
        .conversation = s.conversation, .seq = c->seq + 1, .events = events, .n = 3, .fence = store_fence(s.store)};
    conversation_free(c);
    shop_dies(&s);
    shop_lives(&s, s.path, 0);
    struct appended appended;
    append.fence = store_fence(s.store);
    CHECK_INT(store_append_wait(s.store, &append, &appended), 0);
    int64_t before_us = clock_now_us();
    CHECK_INT(runner_resume(s.runner, &taken_up, &e), 0);
    CHECK_INT(taken_up, 1);
    shop_rest(&s);
    CHECK(clock_now_us() - before_us >= 5000000 && clock_now_us() - before_us < 6000000);
    CHECK_INT(s.bank->effects, 1);
    CHECK(str_has(shop_replies(&s), STR("Done: your new card")));
    shop_end(&s);
}

/* --- people and records --- */

TEST(a_person_who_takes_over_while_the_model_thinks_ends_the_turn_at_once)
{
    struct err e;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "my card never came", "m1"), 0);
    shop_input(&s);
    runner_take_over(s.runner, s.conversation, "human", STR("maria"), shop_done, &s);
    shop_rest(&s);
    CHECK_INT(s.last.result, 0);
    CHECK(!cues_waiting(s.cues));
    shop_input(&s);
    runner_take_over(s.runner, s.conversation, "human", STR("otto"), shop_done, &s);
    shop_rest(&s);
    CHECK_INT(s.last.result, ERR_CONFLICT);
    CHECK_INT(shop_count(&s, EVENT_REPLY_SENT), 0);
    shop_end(&s);
}

static int never(const struct conversation *c, struct err *e)
{
    return err_set(e, ERR_CONFLICT, "never");
}

TEST(a_record_is_kept_unless_its_check_says_no_and_disturbs_no_question)
{
    struct err e;
    begin();
    CHECK_INT(cues_add(s.cues, STR("waits"), &e), 0);
    CHECK_INT(shop_say(&s, "hello", "m1"), 0);
    shop_input(&s);
    runner_record(s.runner, s.conversation, EVENT_RATING_GIVEN, STR("{\"score\":9}"), NULL, shop_done, &s);
    shop_rest(&s);
    CHECK_INT(s.last.result, 0);
    shop_input(&s);
    runner_record(s.runner, s.conversation, EVENT_MESSAGE_DELIVERED, STR("{\"mid\":\"x\"}"), NULL, shop_done, &s);
    shop_rest(&s);
    shop_input(&s);
    runner_record(s.runner, s.conversation, EVENT_RATING_GIVEN, STR("{\"score\":1}"), never, shop_done, &s);
    shop_rest(&s);
    CHECK_INT(s.last.result, ERR_CONFLICT);
    CHECK(cues_waiting(s.cues) && cues_asked(s.cues) == 1);
    CHECK_INT(cues_go_on(s.cues, &e), 0);
    shop_rest(&s);
    CHECK_INT(shop_count(&s, EVENT_RATING_GIVEN), 1);
    CHECK(str_has(shop_replies(&s), STR("I can help")));
    shop_end(&s);
}

RUN(cmocka_unit_test(a_conversation_goes_from_the_first_word_to_the_new_card),
    cmocka_unit_test(what_is_shown_is_shown_in_the_order_of_the_journal),
    cmocka_unit_test(two_messages_at_once_are_both_kept_and_answered),
    cmocka_unit_test(many_conversations_at_once_do_not_mix),
    cmocka_unit_test(a_yes_that_came_before_the_question_could_be_seen_confirms_nothing),
    cmocka_unit_test(a_message_that_is_larger_than_any_is_refused),
    cmocka_unit_test(a_repeated_message_is_answered_with_the_first_ones_number_and_does_nothing),
    cmocka_unit_test(repeats_are_known_after_a_restart_too_and_while_one_is_on_its_way),
    cmocka_unit_test(repeats_while_the_model_thinks_leave_it_alone),
    cmocka_unit_test(an_opening_with_a_key_that_was_used_gives_the_conversation_of_then),
    cmocka_unit_test(whichever_append_the_store_refuses_the_customer_gets_one_card_and_the_same_words),
    cmocka_unit_test(an_input_that_the_store_refuses_is_told_so_and_left_no_trace),
    cmocka_unit_test(a_message_that_is_refused_while_an_action_runs_does_not_run_it_twice),
    cmocka_unit_test(who_lost_the_conversation_to_another_holder_lets_go_of_it),
    cmocka_unit_test(the_draft_of_an_answer_that_words_make_void_is_withdrawn),
    cmocka_unit_test(the_draft_of_an_answer_that_the_store_refuses_is_withdrawn),
    cmocka_unit_test(conversations_that_are_put_out_of_memory_go_on_from_the_file),
    cmocka_unit_test(a_conversation_that_is_not_there_is_not_found),
    cmocka_unit_test(what_was_unfinished_is_taken_up_after_a_restart_and_what_was_not_is_left_alone),
    cmocka_unit_test(a_turn_that_cannot_be_read_after_a_restart_is_tried_again_until_it_can),
    cmocka_unit_test(a_timer_that_was_set_before_the_restart_fires_after_it),
    cmocka_unit_test(a_person_who_repeats_a_message_disturbs_no_action_under_way),
    cmocka_unit_test(a_person_who_takes_over_while_the_model_thinks_ends_the_turn_at_once),
    cmocka_unit_test(a_record_is_kept_unless_its_check_says_no_and_disturbs_no_question))
