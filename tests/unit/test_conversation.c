/* state = fold(events): whoever reads the journal from its beginning knows what the program knew. */
#include "test.h"
#include "world.h"

#include "engine/action.h"

static struct world w;

static void begin(void)
{
    world_begin(&w, world_agent(NULL, NULL));
    assert_true(world_open(&w, "ana", "en"));
}

static void dies_behind(int appends)
{
    w.points = 0;
    w.dies_at = 2 * appends;
}

static void lives(void)
{
    w.dead = false;
    w.dies_at = 0;
}

static bool take_over(const char *owner)
{
    struct turn_events out = world_events(&w);
    return turn_take_over(w.c, &out, owner, STR("maria"), &w.err) == 0 && world_append(&w, &out);
}

static void put_counters(struct buf *b, const char *what, const struct counter *list)
{
    for (; list; list = list->next)
        buf_addf(b, "%s %.*s %d\n", what, STR_ARG(list->name), list->n);
}

/* Everything that a fold leaves behind, as text. The place of the turn is apart: see place_of. */
static struct str everything(struct arena *a, const struct conversation *c)
{
    struct buf b = buf_new(a, 1 << 22);
    struct context x = context_make(a, c, 1773133200000000);
    buf_add(&b, x.transcript);
    buf_add(&b, x.state);
    buf_add(&b, hash_hex(a, x.sha.b, SHA256_BYTES));
    const struct proposal *p = &c->proposal;
    buf_addf(&b, "\nseq %lld at %lld owner %d epoch %lld closed %d rated %d timer %lld due %lld\n", (long long)c->seq,
             (long long)c->at_us, (int)c->owner, (long long)c->owner_epoch, c->closed, c->rated, (long long)c->timer,
             (long long)c->timer_due_us);
    buf_addf(&b, "proposal %lld state %d gated %d attempt %d waits %d key %.*s args %.*s shown %.*s result %.*s\n",
             (long long)p->seq, (int)p->state, p->gated, p->attempt, p->waits, STR_ARG(p->key), STR_ARG(p->args),
             STR_ARG(p->shown), STR_ARG(p->result));
    const struct turn *t = &c->turn;
    buf_addf(&b, "turn cause %lld clock %lld calls %d %d bad %d resumes %d tokens %lld %lld why %.*s note %.*s\n",
             (long long)t->cause, (long long)t->clock_us, t->model_calls, t->tool_calls, t->bad_answers, t->resumes,
             (long long)t->tokens_in, (long long)t->tokens_out, STR_ARG(t->why), STR_ARG(t->note));
    buf_addf(&b, "model calls %d asked %lld calls %zu open %zu\n", c->model_calls, (long long)c->asked_us, c->calls_n,
             c->calls_open);
    put_counters(&b, "repeats", t->repeats);
    put_counters(&b, "asked", c->asked);
    put_counters(&b, "proposed", c->proposed);
    put_counters(&b, "succeeded", c->succeeded);
    for (const struct said *s = c->said; s; s = s->older)
        buf_addf(&b, "said %lld %.*s\n", (long long)s->seq, STR_ARG(s->text));
    for (const struct said *s = c->held; s; s = s->older)
        buf_addf(&b, "held %lld %.*s\n", (long long)s->seq, STR_ARG(s->text));
    assert_false(b.cut);
    return buf_str(&b);
}

/* A resting turn whose model's answer led to look-ups stands there before the steps were run again. */
static enum turn_at place_of(const struct conversation *c)
{
    return c->turn.at == TURN_ANSWERED && c->calls_open ? TURN_TOOLS : c->turn.at;
}

static void same_as_from_the_journal(struct world *x)
{
    struct arena *a = arena_new("compare", 0);
    struct conversation *fresh = world_folded(x, x->log_n);
    struct str lived = everything(a, x->c), folded = everything(a, fresh);
    if (!str_eq(lived, folded))
        fail_msg("after %zu events lived\n%.*s\nfolded\n%.*s", x->log_n, STR_ARG(lived), STR_ARG(folded));
    assert_int_equal(place_of(x->c), place_of(fresh));
    conversation_free(fresh);
    arena_free(a);
}

static struct tool_answer lost_twice(struct world *x, const struct tool_request *rq)
{
    struct tool_answer answer = bank_answer(x->bank, x->arena, rq);
    return rq->tool->action && rq->attempt <= 2 ? (struct tool_answer){.class = TOOL_UNKNOWN, .result = STR("{}")}
                                                : answer;
}

/* A conversation in which every kind of event stands. */
static void eventful(void)
{
    w.tool = lost_twice;
    assert_true(world_say(&w, "hello") && world_say(&w, "my card never came, I lost it"));
    assert_true(world_say(&w, "what would that cost?"));
    dies_behind(1);
    assert_false(world_say(&w, "ok"));
    lives();
    assert_true(world_restart(&w));
    assert_true(world_add(&w, EVENT_MESSAGE_DELIVERED, STR("{\"mid\":\"4711-9\"}")));
    assert_true(world_say(&w, "I want to talk to a human"));
    assert_true(take_over("human"));
    assert_true(world_say(&w, "anybody?"));
    assert_true(world_add(&w, EVENT_HUMAN_MESSAGE,
                          STR("{\"mid\":\"p1\",\"text\":\"Hello, Maria here.\",\"expert\":\"maria\"}")));
    assert_true(take_over("bot"));
    assert_true(world_say(&w, "where is my card?"));
    w.second = world_agent("Done:", "Settled:");
    assert_true(world_switch(&w, w.second) && world_say(&w, "hello"));
    assert_true(world_add(&w, EVENT_RATING_GIVEN, STR("{\"score\":9}")));
    w.model = NULL;
    assert_true(world_add(&w, EVENT_CLOSED, STR("{\"by\":\"customer\"}")));
}

TEST(what_was_lived_and_what_is_folded_are_the_same_after_every_append)
{
    begin();
    w.appended = same_as_from_the_journal;
    eventful();
    CHECK(w.appends > 20);
    for (int kind = EVENT_OPENED; kind < EVENT_KINDS; kind++)
        if (kind != EVENT_MODEL_FAILED && kind != EVENT_ROUTINE_WALKED && kind != EVENT_MEMORY_WRITTEN)
            CHECK_STR(str_of(world_count(&w, (enum event_kind)kind) ? "" : event_name((enum event_kind)kind)), "");
    world_end(&w);
}

TEST(a_journal_cut_anywhere_folds_to_what_was_true_there)
{
    begin();
    eventful();
    struct conversation *c = conversation_new(w.id, w.agent);
    c->agents = world_agents(&w);
    for (size_t n = 1; n <= w.log_n; n++) {
        struct arena *a = arena_new("compare", 0);
        CHECK_INT(conversation_fold(c, &w.log[n - 1], &w.err), 0);
        struct conversation *fresh = world_folded(&w, n);
        CHECK(str_eq(everything(a, c), everything(a, fresh)) && c->turn.at == fresh->turn.at);
        conversation_free(fresh);
        arena_free(a);
    }
    conversation_free(c);
    world_end(&w);
}

TEST(a_transcript_only_grows)
{
    begin();
    eventful();
    struct conversation *c = conversation_new(w.id, w.agent);
    c->agents = world_agents(&w);
    struct str before = STR("");
    for (size_t n = 0; n < w.log_n; n++) {
        CHECK_INT(conversation_fold(c, &w.log[n], &w.err), 0);
        CHECK(str_starts(buf_str(&c->messages.text), before));
        before = str_copy(w.arena, buf_str(&c->messages.text));
    }
    conversation_free(c);
    world_end(&w);
}

/* Every call stands directly before its result: no provider takes anything else. */
TEST(a_call_and_its_result_stand_side_by_side_whatever_comes_in_between)
{
    begin();
    eventful();
    struct json *all;
    struct str text = str_f(w.arena, "[%.*s]", STR_ARG(str_from(buf_str(&w.c->messages.text), 1)));
    CHECK_INT(json_parse(w.arena, text, &all, &w.err), 0);
    int pairs = 0;
    for (const struct json *m = all->child; m; m = m->next) {
        const struct json *calls = json_get(m, "tool_calls"), *result = m->next;
        for (const struct json *k = calls ? calls->child : NULL; k; k = k->next, result = result->next, pairs++) {
            CHECK(result && str_eq(json_str(json_get(result, "tool_call_id")), json_str(json_get(k, "id"))));
        }
        CHECK(calls || !json_get(m, "tool_calls"));
    }
    CHECK(pairs > 8);
    world_end(&w);
}

TEST(a_message_that_comes_while_calls_are_open_waits_for_their_results)
{
    begin();
    dies_behind(2); /* asked, answered: the look-ups are due */
    CHECK(!world_say(&w, "where is my card?"));
    lives();
    size_t before = w.c->messages.text.n;
    CHECK(world_add(&w, EVENT_MESSAGE_RECEIVED, STR("{\"text\":\"first\"}")));
    CHECK(world_add(&w, EVENT_MESSAGE_RECEIVED, STR("{\"text\":\"second\",\"client_id\":\"m2\"}")));
    CHECK(w.c->messages.text.n == before && w.c->held && w.c->turn.at == TURN_TOOLS);
    CHECK(conversation_said(w.c, STR("m2")) && !conversation_said(w.c, STR("m1")) && !conversation_said(w.c, STR("")));
    CHECK(world_go(&w));
    struct str transcript = buf_str(&w.c->messages.text);
    ptrdiff_t result = str_find(transcript, STR("check_card_delivery")), first = str_find(transcript, STR("\"first\"")),
              second = str_find(transcript, STR("\"second\""));
    CHECK(!w.c->held && result > 0 && first > result && second > first);
    CHECK_STR(w.c->said->text, "second");
    CHECK_INT(world_count(&w, EVENT_TURN_ENDED), 1);
    world_end(&w);
}

TEST(a_message_that_comes_while_the_model_is_asked_starts_the_question_over)
{
    begin();
    dies_behind(1);
    CHECK(!world_say(&w, "hello"));
    lives();
    CHECK(w.c->turn.at == TURN_MODEL);
    CHECK(world_say(&w, "where is my card?"));
    CHECK_INT(world_count(&w, EVENT_TURN_ENDED), 1);
    CHECK_INT(world_count(&w, EVENT_REPLY_SENT), 1);
    CHECK(w.c->proposal.state == PROPOSAL_ASKED);
    world_end(&w);
}

TEST(while_a_person_has_the_conversation_messages_are_kept_and_open_no_turn)
{
    begin();
    CHECK(take_over("human"));
    CHECK_INT(w.c->owner, OWNER_HUMAN);
    CHECK_INT(w.c->owner_epoch, 1);
    size_t before = w.c->messages.text.n;
    CHECK(world_say(&w, "where is my card?"));
    CHECK(w.c->turn.at == TURN_IDLE && w.c->messages.text.n > before && w.asked == 0);
    struct turn_events out = world_events(&w);
    CHECK_INT(turn_take_over(w.c, &out, "human", STR("otto"), &w.err), ERR_CONFLICT);
    CHECK(take_over("bot"));
    CHECK_INT(w.c->owner_epoch, 2);
    CHECK(world_say(&w, "hello?") && w.asked > 0);
    world_end(&w);
}

TEST(a_closed_conversation_opens_no_turn_and_its_question_is_void)
{
    begin();
    CHECK(world_say(&w, "my card never came") && w.c->proposal.state == PROPOSAL_ASKED);
    CHECK(world_add(&w, EVENT_CLOSED, STR("{\"by\":\"operator\"}")));
    CHECK(w.c->proposal.state == PROPOSAL_VOID);
    int asked = w.asked;
    CHECK(world_say(&w, "yes") && w.asked == asked);
    struct turn_events out = world_events(&w);
    CHECK_INT(action_decided(w.c, &out, w.c->proposal.seq, w.c->proposal.digest, true, &w.err), ERR_CONFLICT);
    CHECK_INT(turn_hand_off(w.c, &out, "asked_human", &w.err), ERR_CONFLICT);
    CHECK_INT(turn_take_over(w.c, &out, "human", STR("maria"), &w.err), ERR_CONFLICT);
    world_end(&w);
}

TEST(the_language_is_the_customers_last_one_and_before_that_the_channels)
{
    const char *locales[][2] = {{"en-GB", "en"}, {"pt-BR", "pt"}, {"es", "es"}, {"fr", "en"}, {"", "en"}};
    for (int i = 0; i < 5; i++) {
        world_begin(&w, world_agent(NULL, NULL));
        CHECK(world_open(&w, "ana", locales[i][0]));
        CHECK_STR(w.c->language, locales[i][1]);
        world_end(&w);
    }
    begin();
    CHECK(world_say(&w, "onde está o meu cartão que não chegou?"));
    CHECK_STR(w.c->language, "pt");
    CHECK(world_say(&w, "ok"));
    CHECK_STR(w.c->language, "pt");
    world_end(&w);
}

TEST(a_damaged_journal_is_refused)
{
    begin();
    CHECK(world_say(&w, "hello"));
    struct conversation *c = world_folded(&w, 1);
    struct event bad = w.log[1];
    bad.seq = 3;
    CHECK_INT(conversation_fold(c, &bad, &w.err), ERR_INVALID);
    bad = w.log[1];
    bad.kind = EVENT_KINDS;
    CHECK_INT(conversation_fold(c, &bad, &w.err), ERR_INVALID);
    bad.kind = EVENT_OPENED;
    CHECK_INT(conversation_fold(c, &bad, &w.err), ERR_INVALID);
    bad = w.log[1];
    bad.body = STR("{\"text\":");
    CHECK_INT(conversation_fold(c, &bad, &w.err), ERR_INVALID);
    CHECK(str_has(str_of(w.err.text), STR("event 2")));
    conversation_free(c);
    c = conversation_new(w.id, w.agent);
    CHECK_INT(conversation_fold(c, &w.log[1], &w.err), ERR_INVALID); /* without its opening */
    conversation_free(c);
    world_end(&w);
}

/* Bodies that read but hold nothing of what they should: the fold stands, whatever it makes of them. */
TEST(an_empty_body_of_any_kind_breaks_nothing)
{
    begin();
    CHECK(world_say(&w, "my card never came"));
    for (int kind = EVENT_MESSAGE_RECEIVED; kind < EVENT_KINDS; kind++) {
        struct conversation *c = world_folded(&w, w.log_n);
        struct event ev = {.conversation = w.id, .seq = c->seq + 1, .kind = (enum event_kind)kind, .body = STR("{}")};
        CHECK_INT(conversation_fold(c, &ev, &w.err), 0);
        struct arena *a = arena_new("after", 0);
        CHECK(everything(a, c).n > 0);
        arena_free(a);
        conversation_free(c);
    }
    world_end(&w);
}

RUN(cmocka_unit_test(what_was_lived_and_what_is_folded_are_the_same_after_every_append),
    cmocka_unit_test(a_journal_cut_anywhere_folds_to_what_was_true_there), cmocka_unit_test(a_transcript_only_grows),
    cmocka_unit_test(a_call_and_its_result_stand_side_by_side_whatever_comes_in_between),
    cmocka_unit_test(a_message_that_comes_while_calls_are_open_waits_for_their_results),
    cmocka_unit_test(a_message_that_comes_while_the_model_is_asked_starts_the_question_over),
    cmocka_unit_test(while_a_person_has_the_conversation_messages_are_kept_and_open_no_turn),
    cmocka_unit_test(a_closed_conversation_opens_no_turn_and_its_question_is_void),
    cmocka_unit_test(the_language_is_the_customers_last_one_and_before_that_the_channels),
    cmocka_unit_test(a_damaged_journal_is_refused), cmocka_unit_test(an_empty_body_of_any_kind_breaks_nothing))
