/* Conversations at random: customers, models, tools, people and crashes do what they like. What must hold whatever they do is
 * looked at after every append. A failure names its seed. */
#include "test.h"
#include "world.h"

#include "base/rng.h"
#include "engine/action.h"

enum { CONVERSATIONS = 400, ACTS_MAX = 25 };

static struct world w;
static uint64_t dice;
static int seed;

static int throw(int sides)
{
    return (int)(rng_next(&dice) % (unsigned)sides);
}

static const char *one_of(const char *const *list, size_t n)
{
    return list[throw((int)n)];
}

#define ONE_OF(list) one_of((list), sizeof(list) / sizeof *(list))

static void must(bool holds, const char *what)
{
    if (!holds)
        fail_msg("seed %d, event %zu: %s", seed, w.log_n, what);
}

/* --- who takes part --- */

static const char *const words[] = {"my card never came",
                                    "my card never came",
                                    "my card never came",
                                    "yes",
                                    "yes",
                                    "ok",
                                    "no",
                                    "yes but to my office",
                                    "hello",
                                    "where is my card?",
                                    "cadê meu cartão?",
                                    "sim",
                                    "found it",
                                    "not there",
                                    "I want to talk to a human",
                                    "thanks",
                                    "asdf",
                                    "stop",
                                    "\u200b"};
static const char *const tools[] = {"reissue_card",         "reissue_card",      "check_card_delivery",
                                    "get_customer_profile", "update_scratchpad", "transfer_to_human",
                                    "cancel_account"};
static const char *const arguments[] = {
    "{}",
    "{\"address\":\"12 Elm Street\",\"reason\":\"lost\"}",
    "{\"address\":\"5 Oak Road\",\"reason\":\"stolen\"}",
    "{\"reason\":\"asked_human\"}",
    "{\"set\":[{\"slot\":\"looked_there\",\"value\":\"found\"}],\"routine\":\"x\",\"step\":\"y\"}",
    "{\"customer\":\"bruno\"}",
    "{\"address\":",
    "[]",
    ""};
static const char *const texts[] = {"Done, I ordered it.", "Shall I?", "", "I cannot help."};

static const struct llm_answer *random_model(struct world *x)
{
    if (throw(7)) /* mostly the offline provider: it comes to proposals */
        return NULL;
    struct llm_answer *a = ARENA_NEW(x->arena, struct llm_answer);
    if (throw(20) == 0) {
        *a = (struct llm_answer){.result = ERR_TIMEOUT};
        return a;
    }
    size_t n = (size_t) throw(4);
    struct llm_tool_call *calls = ARENA_ARRAY(x->arena, struct llm_tool_call, n + 1);
    for (size_t i = 0; i < n; i++)
        calls[i] = (struct llm_tool_call){
            .id = STR("p"), .name = str_of(ONE_OF(tools)), .arguments = str_of(ONE_OF(arguments))};
    *a = (struct llm_answer){
        .text = str_of(ONE_OF(texts)), .has_text = throw(2), .calls = calls, .calls_n = n, .finish = STR("stop")};
    return a;
}

/* Confirmed proposals are the only ones that may reach the bank, each under one key, after its start was written. */
static void check_request(struct world *x, const struct tool_request *rq)
{
    bool started = false;
    for (int i = 1; i <= world_count(x, EVENT_ACTION_STARTED); i++)
        started |= str_eq(json_str(json_get(world_body(x, EVENT_ACTION_STARTED, i), "key")), rq->key);
    must(started, "a request left that was not announced");
    bool yes = false;
    for (int i = 1; i <= world_count(x, EVENT_CONFIRMATION_GIVEN); i++) {
        const struct json *b = world_body(x, EVENT_CONFIRMATION_GIVEN, i);
        yes |= json_int(json_get(b, "proposal"), 0) == x->c->proposal.seq &&
               str_is(json_str(json_get(b, "answer")), "yes") &&
               str_eq(json_str(json_get(b, "digest")), x->c->proposal.digest);
    }
    must(yes, "a request left that nobody confirmed");
    must(str_eq(rq->args, x->c->proposal.args), "other arguments left than were confirmed");
}

static struct tool_answer random_tool(struct world *x, const struct tool_request *rq)
{
    static const enum tool_class classes[] = {TOOL_REFUSED, TOOL_TRANSIENT, TOOL_UNKNOWN, TOOL_INVALID};
    struct tool_answer none = {.class = classes[throw(4)], .result = STR("{}")};
    if (rq->tool->action)
        check_request(x, rq);
    if (throw(12) == 0)
        return none; /* it never arrived */
    struct tool_answer answer = bank_answer(x->bank, x->arena, rq);
    if (throw(6) == 0)
        return (struct tool_answer){.class = TOOL_UNKNOWN, .result = STR("{}")}; /* its answer was lost */
    return answer;
}

/* --- what must hold after every append --- */

static void check_journal(struct world *x)
{
    struct arena *a = arena_new("walk", 0);
    struct conversation *fresh = world_folded(x, x->log_n);
    struct context lived = context_make(a, x->c, x->now_us), folded = context_make(a, fresh, x->now_us);
    must(sha256_eq(&lived.sha, &folded.sha), "the folded prompt is another");
    must(x->c->owner == fresh->owner && x->c->proposal.state == fresh->proposal.state &&
             x->c->proposal.attempt == fresh->proposal.attempt && x->c->calls_open == fresh->calls_open,
         "the folded state is another");
    const struct course *lives = &x->c->course, *folds = &fresh->course;
    must(lives->unread == folds->unread && lives->walked == folds->walked && lives->phrased == folds->phrased &&
             lives->made_n == folds->made_n && lives->frames_n == folds->frames_n &&
             lives->walk_seq == folds->walk_seq && str_eq(course_place(lives), course_place(folds)) &&
             str_eq(lives->words, folds->words),
         "the folded course is another");
    must(x->c->turn.at != TURN_IDLE || !lives->words.n, "words are left over for another turn");
    must(x->c->turn.at != TURN_MODEL || !x->c->calls_open, "the model was asked while a call had no result");
    must(x->c->turn.at == TURN_IDLE || !x->c->closed || x->c->turn.at == TURN_ACTING || x->c->turn.at == TURN_TIMER,
         "a closed conversation goes on");
    must(x->c->owner == OWNER_BOT || x->c->turn.at == TURN_IDLE || x->c->turn.at == TURN_ACTING ||
             x->c->turn.at == TURN_TIMER,
         "the agent goes on while a person has the conversation");
    conversation_free(fresh);
    arena_free(a);
}

static void check_end(void)
{
    struct context_check check = {0};
    must(context_verify(world_agents(&w), w.log, w.log_n, &check, &w.err) == 0 && check.reproduced == check.prompts,
         "a prompt cannot be made again");
    int yes = 0, succeeded = 0;
    for (int i = 1; i <= world_count(&w, EVENT_CONFIRMATION_GIVEN); i++)
        yes += str_is(json_str(json_get(world_body(&w, EVENT_CONFIRMATION_GIVEN, i), "answer")), "yes");
    for (int i = 1; i <= world_count(&w, EVENT_ACTION_DONE); i++)
        succeeded += str_is(json_str(json_get(world_body(&w, EVENT_ACTION_DONE, i), "class")), "ok");
    must(w.bank->effects <= yes, "more cards than yeses");
    must(succeeded <= w.bank->effects, "more successes than cards");
    must(succeeded <= 1, "more than the limit of one conversation");
    bool bot = true;
    for (size_t i = 0; i < w.log_n; i++) {
        struct json *body;
        must(json_parse(w.arena, w.log[i].body, &body, NULL) == 0, "a body that does not read");
        if (w.log[i].kind == EVENT_OWNER_CHANGED)
            bot = str_is(json_str(json_get(body, "owner")), "bot");
        must(w.log[i].kind != EVENT_REPLY_SENT || bot, "the agent spoke while a person had the conversation");
    }
}

/* --- acts --- */

static void take_over(const char *owner)
{
    struct turn_events out = world_events(&w);
    if (turn_take_over(w.c, &out, owner, STR("maria"), &w.err) == 0)
        world_append(&w, &out);
}

static void press(bool yes)
{
    struct turn_events out = world_events(&w);
    if (action_decided(w.c, &out, w.c->proposal.seq, w.c->proposal.digest, yes, &w.err) == 0)
        world_append(&w, &out);
}

static void ask_person(void)
{
    struct turn_events out = world_events(&w);
    if (turn_hand_off(w.c, &out, "asked_human", &w.err) == 0)
        world_append(&w, &out);
}

/* Something happens in the middle of a turn: it dies at a place nearby, and there the next act finds it. */
static void interrupt(void)
{
    w.points = 0;
    w.dies_at = throw(4) ? 0 : 1 + throw(8);
}

static void message(void)
{
    world_add(&w, EVENT_MESSAGE_RECEIVED, str_f(w.arena, "{\"text\":\"%s\"}", ONE_OF(words)));
}

static void act(void)
{
    interrupt();
    int what = throw(20);
    if (w.c->owner != OWNER_BOT && throw(2))
        what = 15;
    if (conversation_open_proposal(w.c) && throw(2))
        what = 11;
    if (what < 11 && !w.c->closed)
        message();
    else if (what < 14)
        press(throw(3));
    else if (what == 14)
        take_over("human");
    else if (what == 15)
        take_over("bot");
    else if (what == 16)
        ask_person();
    else if (what == 17)
        w.now_us += 1000000LL * throw(2000);
    else if (what == 18 && throw(4) == 0)
        world_add(&w, EVENT_CLOSED, STR("{\"by\":\"customer\"}"));
    else if (what == 19 && w.c->owner == OWNER_HUMAN)
        world_add(&w, EVENT_HUMAN_MESSAGE, STR("{\"mid\":\"p\",\"text\":\"Hello.\",\"expert\":\"maria\"}"));
    if (throw(3) && !w.dead)
        world_go(&w);
    /* The process may have died, or only the act have been cut short: both must be able to go on. */
    if (w.dead && throw(2)) {
        w.dies_at = 0;
        world_restart(&w);
    } else if (w.dead) {
        size_t before = w.log_n;
        conversation_free(w.c);
        w.c = world_folded(&w, before);
        w.dead = false;
        w.dies_at = 0;
        struct turn_events out = world_events(&w);
        if (w.c->turn.at != TURN_IDLE && w.c->turn.at != TURN_TIMER)
            must(turn_resumed(w.c, &out, &w.err) == 0 && world_append(&w, &out), "it cannot be taken up");
    }
}

/* `from`, `to`: what the agent's bundle has otherwise. */
static void play(const char *from, const char *to)
{
    int effects = 0, events = 0, handoffs = 0, resumed = 0;
    for (seed = 1; seed <= CONVERSATIONS; seed++) {
        dice = (uint64_t)seed;
        world_begin(&w, world_agent(from, to));
        w.model = random_model;
        w.tool = random_tool;
        w.appended = check_journal;
        assert_true(world_open(&w, "ana", "en"));
        int acts = 1 + throw(ACTS_MAX);
        while (acts-- > 0)
            act();
        w.dies_at = 0;
        assert_true(world_go(&w));
        check_end();
        effects += w.bank->effects;
        events += (int)w.log_n;
        handoffs += world_count(&w, EVENT_HANDOFF_REQUESTED);
        resumed += world_count(&w, EVENT_TURN_RESUMED);
        world_end(&w);
    }
    print_message("%d conversations, %d events, %d cards, %d hand-offs, %d resumed\n", CONVERSATIONS, events, effects,
                  handoffs, resumed);
    assert_true(effects > CONVERSATIONS / 10 && handoffs > CONVERSATIONS / 10 && resumed > CONVERSATIONS / 10);
}

TEST(whatever_they_do_what_must_hold_holds)
{
    play(NULL, NULL);
}

TEST(it_holds_as_well_where_the_runtime_walks_the_routines)
{
    play("\"routine\":\"card_delivery_investigation\"",
         "\"routine\":\"card_delivery_investigation\",\"mode\":\"script\"");
}

RUN(cmocka_unit_test(whatever_they_do_what_must_hold_holds),
    cmocka_unit_test(it_holds_as_well_where_the_runtime_walks_the_routines))
