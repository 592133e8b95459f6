#include "test.h"

#include "eval/import.h"
#include "eval/judge.h"

enum { EVENTS_MAX = 40, FILE_BYTES_MAX = 1 << 23 };

/* A conversation being written down, event by event. */
struct talk {
    struct arena *a;
    struct event events[EVENTS_MAX];
    size_t n;
};

static void add(struct talk *t, enum event_kind kind, const char *body)
{
    t->events[t->n] = (struct event){.seq = (int64_t)t->n + 1, .kind = kind, .body = str_of(body)};
    t->n++;
}

static struct talk talk_new(const char *opened)
{
    struct talk t = {.a = arena_new("talk", 0)};
    add(&t, EVENT_OPENED, opened);
    return t;
}

static struct talk own(void)
{
    return talk_new("{\"agent\":\"cards\",\"channel\":\"web\"}");
}

static struct talk recorded(void)
{
    return talk_new("{\"agent\":\"set\",\"channel\":\"import\",\"source\":\"tau-bench\"}");
}

static void customer(struct talk *t, const char *text)
{
    add(t, EVENT_MESSAGE_RECEIVED, str_f(t->a, "{\"text\":\"%s\"}", text).p);
}

static void agent(struct talk *t, const char *text)
{
    add(t, EVENT_REPLY_SENT, str_f(t->a, "{\"mid\":\"m\",\"text\":\"%s\"}", text).p);
}

/* A call and, unless class is NULL, its answer. */
static void call(struct talk *t, const char *name, const char *args, const char *class, const char *result)
{
    struct buf quoted = buf_new(t->a, 4096);
    size_t seq = t->n + 1;
    json_escape(&quoted, str_of(args));
    add(t, EVENT_MODEL_ANSWERED,
        str_f(t->a, "{\"calls\":[{\"id\":\"c%zu_0\",\"pid\":\"same\",\"name\":\"%s\",\"args\":\"%.*s\"}]}", seq, name,
              STR_ARG(buf_str(&quoted)))
            .p);
    if (class)
        add(t, EVENT_TOOL_ANSWERED,
            str_f(t->a, "{\"call\":\"c%zu_0\",\"tool\":\"%s\",\"class\":\"%s\",\"result\":%s}", seq, name, class,
                  result)
                .p);
}

static void reissue(struct talk *t, const char *digest_agreed_to, const char *class)
{
    size_t proposal = t->n + 2;
    call(t, "reissue_card", "{\"reason\":\"lost\"}", NULL, NULL);
    add(t, EVENT_ACTION_PROPOSED,
        str_f(t->a,
              "{\"call\":\"c%zu_0\",\"tool\":\"reissue_card\",\"args\":{\"customer\":\"lia\",\"reason\":\"lost\"},"
              "\"digest\":\"d1\",\"gate\":\"customer\"}",
              proposal - 1)
            .p);
    add(t, EVENT_TOOL_ANSWERED,
        str_f(t->a, "{\"call\":\"c%zu_0\",\"tool\":\"reissue_card\",\"class\":\"refused\",\"result\":{}}", proposal - 1)
            .p);
    if (digest_agreed_to)
        add(t, EVENT_CONFIRMATION_GIVEN,
            str_f(t->a, "{\"proposal\":%zu,\"digest\":\"%s\",\"answer\":\"yes\",\"by\":\"text\"}", proposal,
                  digest_agreed_to)
                .p);
    add(t, EVENT_ACTION_STARTED, str_f(t->a, "{\"proposal\":%zu,\"key\":\"k%zu\"}", proposal, proposal).p);
    add(t, EVENT_ACTION_DONE,
        str_f(t->a, "{\"proposal\":%zu,\"key\":\"k%zu\",\"class\":\"%s\",\"result\":{\"eta\":\"2026-03-09\"}}",
              proposal, proposal, class)
            .p);
}

static struct judge judge_of(struct arena *a, const char *rule)
{
    struct judge j;
    struct err e = {0};
    struct str yaml = str_f(a, "judge: x\nversion: 1.0.0\ncatches: It.\nrule:\n  %s\n", rule);
    if (judge_read(a, yaml, "judges/x.yaml", &j, &e))
        fail_msg("%s", e.text);
    return j;
}

static struct verdict verdict_expecting(struct talk *t, const char *rule, const char *expected)
{
    struct transcript tr;
    struct verdict v;
    struct err e = {0};
    struct judge j = judge_of(t->a, rule);
    struct dataset_item item = {.label = STR("x"), .expected = str_of(expected)};
    if (transcript_read(t->a, t->events, t->n, &tr, &e) || judge_run(&j, &tr, &item, t->a, &v, &e))
        fail_msg("%s", e.text);
    return v;
}

static int score(struct talk *t, const char *rule)
{
    return verdict_expecting(t, rule, "{}").score;
}

static const char *refusal(struct arena *a, const char *yaml)
{
    struct judge j;
    struct err e = {0};
    return judge_read(a, str_of(yaml), "judges/x.yaml", &j, &e) ? str_f(a, "%s", e.text).p : "";
}

static const char *rule_refusal(struct arena *a, const char *rule)
{
    return refusal(a, str_f(a, "judge: x\nversion: 1.0.0\ncatches: It.\nrule: {%s}\n", rule).p);
}

TEST(a_wrong_judge_is_refused_with_its_line_and_what_was_meant)
{
    struct arena *a = arena_new("test", 0);
    assert_string_equal(refusal(a, "judge: x\nversion: \"1\"\ncatch: It.\n"),
                        "judges/x.yaml:3: unknown key \"catch\"; did you mean \"catches\"?");
    assert_string_equal(refusal(a, "judge: x-y\nversion: a\ncatches: b\n"),
                        "judges/x.yaml:1: a judge's name has letters, digits and _");
    assert_string_equal(refusal(a, "judge: x\nversion: a\ncatches: b\n"), "judges/x.yaml:1: rule is missing");
    assert_string_equal(refusal(a, "judge: x\nversion: a\ncatches: b\nrule:\n  caled: {tools: [a]}\n"),
                        "judges/x.yaml:5: unknown key \"caled\"; did you mean \"called\"?");
    assert_string_equal(refusal(a, "judge: x\nversion: a\ncatches: b\nrule:\n  called: {tols: [a]}\n"),
                        "judges/x.yaml:5: unknown key \"tols\"; did you mean \"tools\"?");
    assert_string_equal(refusal(a, "judge: x\nversion: a\ncatches: b\nrule:\n  replies:\n    must_not:\n      - '('\n"),
                        "judges/x.yaml:7: the pattern is wrong at byte 1: missing closing parenthesis");
    CHECK(strstr(refusal(a, "judge: x\nversion: a\ncatches: b\nrule: {called: {where: 'a =='}}\n"), ":4: where"));
    CHECK(strstr(refusal(a, "- 1\n"), "judges/x.yaml:1: a map is expected here"));
    CHECK(strstr(rule_refusal(a, "called: {}, replies: {}"), "a rule has one kind, here are 2"));
    CHECK(strstr(rule_refusal(a, "at_most: {tools: a}"), "at_most needs n"));
    CHECK(
        strstr(rule_refusal(a, "order: {first: {tools: a}}"), "order needs first, and one of before and before_reply"));
    CHECK(strstr(rule_refusal(a, "reply_length: {chars: few}"), "chars is not a whole number from 1"));
    CHECK(strstr(rule_refusal(a, "each: {event: handoff, that: 'true'}"), "no event is called handoff"));
    CHECK(strstr(rule_refusal(a, "all: []"), "all holds a list of 1 to 64 rules"));
    CHECK(strstr(rule_refusal(a, "called: {outcome: maybe}"), "outcome is ok or failed"));
    CHECK(strstr(rule_refusal(a, "claims: {say: [{patterns: [a]}]}"), "a claim needs patterns and tools"));
    arena_free(a);
}

TEST(a_judge_is_the_same_version_however_it_is_laid_out)
{
    struct arena *a = arena_new("test", 0);
    struct judge one, two, other;
    CHECK_INT(judge_read(a, STR("judge: x\nversion: '1'\ncatches: b\nrule: {called: {tools: [a]}}\n"), "f", &one, NULL),
              0);
    CHECK_INT(judge_read(a, STR("# why\nrule:\n  called:\n    tools:\n    - a\ncatches: b\nversion: '1'\njudge: x\n"),
                         "f", &two, NULL),
              0);
    CHECK_INT(
        judge_read(a, STR("judge: x\nversion: '1'\ncatches: b\nrule: {called: {tools: [b]}}\n"), "f", &other, NULL), 0);
    CHECK(one.version.n == JUDGE_VERSION_HEX && str_eq(one.version, two.version) &&
          !str_eq(one.version, other.version));
    arena_free(a);
}

TEST(calls_are_found_by_tool_part_of_their_arguments_expression_and_outcome)
{
    struct talk t = recorded();
    call(&t, "find", "{\"city\":\"Rio\",\"days\":{\"from\":1,\"to\":2.0}}", "ok", "{\"text\":\"{\\\"n\\\": 3}\"}");
    call(&t, "book", "not json", "refused", "{\"text\":\"Error: no\"}");
    CHECK_INT(score(&t, "called: {tools: [find]}"), VERDICT_PASS);
    CHECK_INT(score(&t, "called: {tools: find, args: {days: {to: 2}}}"), VERDICT_PASS);
    CHECK_INT(score(&t, "called: {tools: find, args: {days: {to: 3}}}"), VERDICT_FAIL);
    CHECK_INT(score(&t, "called: {where: \"args.city == 'Rio' and result.n > 2 and tool == 'find'\"}"), VERDICT_PASS);
    CHECK_INT(score(&t, "called: {tools: book, outcome: ok}"), VERDICT_FAIL);
    CHECK_INT(score(&t, "called: {tools: book, outcome: failed}"), VERDICT_PASS);
    CHECK_INT(score(&t, "called: {tools: book, args: {}}"), VERDICT_FAIL); /* its arguments cannot be read */
    CHECK_INT(score(&t, "not_called: {tools: [book, cancel]}"), VERDICT_FAIL);
    CHECK_INT(score(&t, "not_called: {tools: cancel}"), VERDICT_PASS);
    struct verdict v = verdict_expecting(&t, "called: {tools: cancel}", "{}");
    CHECK(v.applies && v.score == VERDICT_FAIL);
    CHECK_STR(v.analysis, "cancel was never called.");
    arena_free(t.a);
}

TEST(calls_that_the_runtime_makes_in_a_script_are_calls)
{
    struct talk t = recorded();
    add(&t, EVENT_ROUTINE_WALKED,
        "{\"stack\":[],\"calls\":[{\"id\":\"r9_0\",\"name\":\"find\",\"args\":\"{\\\"city\\\":\\\"Rio\\\"}\"}]}");
    add(&t, EVENT_TOOL_ANSWERED, "{\"call\":\"r9_0\",\"tool\":\"find\",\"class\":\"ok\",\"result\":{\"n\":3}}");
    CHECK_INT(score(&t, "called: {tools: find, args: {city: Rio}, outcome: ok}"), VERDICT_PASS);
    CHECK_INT(score(&t, "not_called: {tools: find}"), VERDICT_FAIL);
    arena_free(t.a);
}

TEST(calls_are_counted_and_equal_ones_apart)
{
    struct talk t = recorded();
    call(&t, "find", "{\"a\":1,\"b\":2}", "ok", "{}");
    call(&t, "find", "{\"b\":2.0,\"a\":1}", "ok", "{}");
    call(&t, "find", "{\"a\":2}", "ok", "{}");
    CHECK_INT(score(&t, "at_most: {n: 3, tools: find}"), VERDICT_PASS);
    struct verdict v = verdict_expecting(&t, "at_most: {n: 2, tools: find}", "{}");
    CHECK(v.score == VERDICT_FAIL && v.evidence_seq == 6);
    CHECK_INT(score(&t, "at_most: {n: 2, identical: true}"), VERDICT_PASS);
    v = verdict_expecting(&t, "at_most: {n: 1, identical: true}", "{}");
    CHECK(v.score == VERDICT_FAIL && v.evidence_seq == 4);
    arena_free(t.a);
}

TEST(what_must_come_first_has_to_be_answered_first)
{
    struct talk t = recorded();
    agent(&t, "Shall I look whether it is due on May 3?");
    agent(&t, "It is due on May 3.");
    call(&t, "check", "{}", "ok", "{}");
    call(&t, "act", "{}", "ok", "{}");
    CHECK_INT(score(&t, "order: {first: {tools: check}, before: {tools: act}}"), VERDICT_PASS);
    CHECK_INT(score(&t, "order: {first: {tools: act}, before: {tools: check}}"), VERDICT_FAIL);
    CHECK_INT(score(&t, "order: {first: {tools: check}, before: {tools: never}}"), VERDICT_PASS);
    struct verdict v =
        verdict_expecting(&t, "order: {first: {tools: check}, before_reply: 'due on \\w+ \\d', unless: '\\?$'}", "{}");
    CHECK(v.score == VERDICT_FAIL && v.evidence_seq == 3);
    arena_free(t.a);
}

TEST(an_own_action_needs_a_yes_to_its_own_digest)
{
    struct talk good = own(), none = own(), other = own(), outside = own();
    reissue(&good, "d1", "ok");
    reissue(&none, NULL, "ok");
    reissue(&other, "d2", "ok");
    call(&outside, "reissue_card", "{}", "ok", "{}");
    CHECK_INT(score(&good, "confirmed: {}"), VERDICT_PASS);
    CHECK_INT(score(&none, "confirmed: {}"), VERDICT_FAIL);
    CHECK_INT(score(&other, "confirmed: {tools: reissue_card}"), VERDICT_FAIL);
    CHECK_INT(score(&other, "confirmed: {tools: another}"), VERDICT_PASS);
    CHECK_INT(score(&outside, "confirmed: {tools: reissue_card}"), VERDICT_FAIL);
    arena_free(good.a), arena_free(none.a), arena_free(other.a), arena_free(outside.a);
}

TEST(a_recorded_action_needs_a_question_and_a_yes_before_it)
{
    const char *rule = "confirmed: {tools: book, asks: '\\bconfirm', agrees: '^yes'}";
    struct talk t = recorded();
    agent(&t, "Please confirm.");
    customer(&t, "Yes, please.");
    call(&t, "book", "{}", "ok", "{}");
    CHECK_INT(score(&t, rule), VERDICT_PASS);
    agent(&t, "Done.");
    customer(&t, "yes and another one");
    call(&t, "book", "{}", "refused", "{}"); /* it changed nothing */
    CHECK_INT(score(&t, rule), VERDICT_PASS);
    call(&t, "book", "{}", "ok", "{}");
    struct verdict v = verdict_expecting(&t, rule, "{}");
    CHECK(v.score == VERDICT_FAIL && v.evidence_seq == 10);
    CHECK_STR(v.analysis, "1 of 2 changes were made without a yes: at book nobody had asked for it.");
    CHECK_INT(score(&t, "confirmed: {}"), VERDICT_UNJUDGED);
    arena_free(t.a);
}

TEST(the_end_state_is_the_expected_actions_in_any_order_and_no_other)
{
    const char *expected =
        "{\"actions\":[{\"tool\":\"book\",\"args\":{\"a\":1,\"b\":[1,2]}},{\"tool\":\"look\",\"args\":{}},"
        "{\"tool\":\"book\",\"args\":{\"a\":2}}],\"outputs\":[\"1,250\"]}";
    const char *rule = "end_state: {tools: [book, cancel]}";
    struct talk t = recorded();
    CHECK_INT(score(&t, rule), VERDICT_UNJUDGED);
    call(&t, "book", "{\"a\":2}", "ok", "{}");
    CHECK_INT(verdict_expecting(&t, rule, expected).score, VERDICT_FAIL);
    call(&t, "book", "{\"b\":[1,2],\"a\":1.0}", "ok", "{}");
    CHECK_INT(verdict_expecting(&t, rule, expected).score, VERDICT_PASS);
    CHECK_INT(verdict_expecting(&t, "end_state: {tools: book, outputs: true}", expected).score, VERDICT_FAIL);
    agent(&t, "That is $1250 in all.");
    CHECK_INT(verdict_expecting(&t, "end_state: {tools: book, outputs: true}", expected).score, VERDICT_PASS);
    call(&t, "cancel", "{}", "ok", "{}");
    CHECK_INT(verdict_expecting(&t, rule, expected).score, VERDICT_FAIL);
    arena_free(t.a);
}

TEST(the_end_state_of_an_own_conversation_is_what_its_actions_did)
{
    const char *expected = "{\"actions\":[{\"tool\":\"reissue_card\",\"args\":{\"reason\":\"lost\"}}]}";
    struct talk done = own(), refused = own();
    reissue(&done, "d1", "ok");
    reissue(&refused, "d1", "refused");
    CHECK_INT(verdict_expecting(&done, "end_state: {match: subset}", expected).score, VERDICT_PASS);
    CHECK_INT(verdict_expecting(&done, "end_state: {match: same}", expected).score,
              VERDICT_FAIL); /* the session's customer */
    CHECK_INT(verdict_expecting(&refused, "end_state: {match: subset}", expected).score, VERDICT_FAIL);
    arena_free(done.a), arena_free(refused.a);
}

TEST(replies_have_a_length_in_characters)
{
    struct talk t = own();
    customer(&t, "a very long message of the customer");
    agent(&t, "ação é só");
    CHECK_INT(score(&t, "reply_length: {chars: 9}"), VERDICT_PASS);
    CHECK_INT(score(&t, "reply_length: {chars: 8}"), VERDICT_FAIL);
    arena_free(t.a);
}

TEST(replies_must_and_must_not_say_things)
{
    struct talk t = own();
    customer(&t, "4111 1111 1111 1111");
    agent(&t, "Hello! Your card ends in 1111. We never ask for your PIN.");
    CHECK_INT(score(&t, "replies: {must_not: '\\d{4} \\d{4}'}"), VERDICT_PASS);
    CHECK_INT(score(&t, "replies: {must_not: '\\bpin\\b'}"), VERDICT_FAIL);
    CHECK_INT(score(&t, "replies: {must_not: '\\bpin\\b', unless: never}"), VERDICT_PASS);
    CHECK_INT(score(&t, "replies: {must: [hello, ends in]}"), VERDICT_PASS);
    CHECK_INT(score(&t, "replies: {must: [hello, goodbye]}"), VERDICT_FAIL);
    arena_free(t.a);
}

TEST(a_claim_of_success_needs_the_success_before_it)
{
    const char *rule = "claims: {unless: ['\\?$', '\\bnot\\b', '\\bonce\\b'], "
                       "say: [{patterns: 'card (is|has been) ordered', tools: reissue_card}]}";
    struct talk t = own();
    agent(&t,
          "Shall I say the card is ordered? It is not so that the card is ordered. Once the card is ordered, wait.");
    CHECK_INT(score(&t, rule), VERDICT_PASS);
    agent(&t, "Good news. Your card has been ordered!");
    struct verdict v = verdict_expecting(&t, rule, "{}");
    CHECK(v.score == VERDICT_FAIL && v.evidence_seq == 3);
    struct talk done = own(), failed = own();
    reissue(&done, "d1", "already_done");
    agent(&done, "Your card has been ordered!");
    reissue(&failed, "d1", "unknown");
    agent(&failed, "Your card has been ordered!");
    CHECK_INT(score(&done, rule), VERDICT_PASS);
    CHECK_INT(score(&failed, rule), VERDICT_FAIL);
    arena_free(t.a), arena_free(done.a), arena_free(failed.a);
}

TEST(each_event_of_a_kind_can_be_held_to_an_expression)
{
    struct talk t = own();
    CHECK_INT(score(&t, "each: {event: handoff.requested, that: \"reason != ''\"}"), VERDICT_PASS);
    add(&t, EVENT_HANDOFF_REQUESTED, "{\"reason\":\"asked_human\"}");
    CHECK_INT(score(&t, "each: {event: handoff.requested, that: \"reason != ''\"}"), VERDICT_PASS);
    CHECK_INT(score(&t, "each: {event: handoff.requested, that: priority is set}"), VERDICT_FAIL);
    arena_free(t.a);
}

TEST(rules_join_and_what_cannot_be_judged_stays_open)
{
    struct talk t = recorded();
    call(&t, "a", "{}", "ok", "{}");
    const char *open = "end_state: {tools: a}";
    CHECK_INT(score(&t, "all: [{called: {tools: a}}, {not_called: {tools: b}}]"), VERDICT_PASS);
    CHECK_INT(score(&t, "all: [{called: {tools: a}}, {called: {tools: b}}]"), VERDICT_FAIL);
    CHECK_INT(score(&t, "any: [{called: {tools: b}}, {called: {tools: a}}]"), VERDICT_PASS);
    CHECK_INT(score(&t, "not: {called: {tools: b}}"), VERDICT_PASS);
    CHECK_INT(score(&t, str_f(t.a, "all: [{%s}, {called: {tools: a}}]", open).p), VERDICT_UNJUDGED);
    CHECK_INT(score(&t, str_f(t.a, "all: [{%s}, {called: {tools: b}}]", open).p), VERDICT_FAIL);
    CHECK_INT(score(&t, str_f(t.a, "any: [{%s}, {called: {tools: b}}]", open).p), VERDICT_UNJUDGED);
    CHECK_INT(score(&t, str_f(t.a, "not: {%s}", open).p), VERDICT_UNJUDGED);
    arena_free(t.a);
}

TEST(a_pattern_that_takes_too_long_is_no_verdict)
{
    struct talk t = own();
    agent(&t, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    struct verdict v = verdict_expecting(&t, "replies: {must_not: '(a|aa)+(a|aa)+$(?=b)'}", "{}");
    CHECK_INT(v.score, VERDICT_UNJUDGED);
    CHECK(str_starts(v.analysis, STR("Could not be judged: ")));
    arena_free(t.a);
}

TEST(a_judge_says_nothing_of_conversations_that_it_is_not_for)
{
    struct talk t = own();
    struct judge j;
    struct transcript tr;
    struct verdict v;
    struct dataset_item item = {0};
    call(&t, "find", "{}", "ok", "{}");
    CHECK_INT(transcript_read(t.a, t.events, t.n, &tr, NULL), 0);
    static const struct {
        const char *to;
        bool applies;
    } cases[] = {{"tools: [find]", true},
                 {"tools: [book]", false},
                 {"agents: [cards]", true},
                 {"agents: [set], tools: [find]", false}};
    for (size_t i = 0; i < 4; i++) {
        struct str yaml =
            str_f(t.a, "judge: x\nversion: a\ncatches: b\napplies_to: {%s}\nrule: {called: {}}\n", cases[i].to);
        CHECK_INT(judge_read(t.a, yaml, "f", &j, NULL), 0);
        CHECK_INT(judge_run(&j, &tr, &item, t.a, &v, NULL), 0);
        CHECK(v.applies == cases[i].applies);
    }
    arena_free(t.a);
}

/* --- the judges of the examples --- */

static struct judge *examples(struct arena *a, const char *workspace, size_t *n)
{
    struct judge *judges;
    struct err e = {0};
    if (judge_load(a, workspace, &judges, n, &e))
        fail_msg("%s", e.text);
    return judges;
}

static int judged(struct talk *t, const char *name)
{
    struct transcript tr;
    struct verdict v;
    struct err e = {0};
    struct dataset_item item = {0};
    size_t n;
    struct judge *judges = examples(t->a, "examples/card-delivery", &n);
    for (size_t i = 0; i < n; i++) {
        if (!str_is(judges[i].name, name))
            continue;
        if (transcript_read(t->a, t->events, t->n, &tr, &e) || judge_run(&judges[i], &tr, &item, t->a, &v, &e))
            fail_msg("%s", e.text);
        return v.applies ? v.score : 9;
    }
    fail_msg("no judge is called %s", name);
    return 9;
}

static int judged_saying(const char *text, const char *name)
{
    struct talk t = own();
    agent(&t, text);
    int got = judged(&t, name);
    arena_free(t.a);
    return got;
}

TEST(the_card_judges_know_the_macros_of_three_languages)
{
    CHECK_INT(
        judged_saying("Shall I order a new card to 12 Elm Street? The old card will be blocked.", "success_claim"), 0);
    CHECK_INT(
        judged_saying("Posso pedir um novo cartão para a Rua A? O cartão antigo será bloqueado.", "success_claim"), 0);
    CHECK_INT(judged_saying("¿Pido una tarjeta nueva a Calle 1? La tarjeta anterior se bloqueará.", "success_claim"),
              0);
    CHECK_INT(judged_saying("Very well, I did not order a new card.", "success_claim"), 0);
    CHECK_INT(judged_saying("Tudo bem, não pedi um novo cartão.", "success_claim"), 0);
    CHECK_INT(judged_saying("Está bien, no pedí una tarjeta nueva.", "success_claim"), 0);
    CHECK_INT(judged_saying("Done: your new card is ordered under RC-1 and should arrive by March 9.", "success_claim"),
              1);
    CHECK_INT(judged_saying("Pronto: seu novo cartão foi pedido com o número RC-1.", "success_claim"), 1);
    CHECK_INT(judged_saying("Listo: tu tarjeta nueva se pidió con el número RC-1.", "success_claim"), 1);
    CHECK_INT(judged_saying("La tarjeta anterior quedó bloqueada.", "success_claim"), 1);
    CHECK_INT(judged_saying("Your card was due on March 2 and has not arrived.", "looked_before_answering"), 1);
    CHECK_INT(judged_saying("Ele deve chegar até 2 de março.", "looked_before_answering"), 1);
    CHECK_INT(judged_saying("Se espera a más tardar el 2 de marzo.", "looked_before_answering"), 1);
    CHECK_INT(judged_saying("Let me look into your card delivery.", "looked_before_answering"), 0);
    CHECK_INT(judged_saying("Your card 4111 1111 1111 1111 is here.", "no_card_number"), 1);
    CHECK_INT(judged_saying("Follow it with the code BR123456789012345.", "no_card_number"), 0);
}

TEST(the_card_judges_see_a_second_card_and_one_that_was_not_due)
{
    struct talk t = own();
    call(&t, "check_card_delivery", "{}", "ok", "{\"status\":\"in_transit\",\"days_late\":-3}");
    reissue(&t, "d1", "ok");
    CHECK_INT(judged(&t, "unconfirmed_reissue"), 0);
    CHECK_INT(judged(&t, "at_most_one_reissue"), 0);
    CHECK_INT(judged(&t, "reissue_only_when_due"), 1);
    agent(&t, "Done: your new card is ordered.");
    CHECK_INT(judged(&t, "success_claim"), 0);
    reissue(&t, "d1", "ok");
    CHECK_INT(judged(&t, "at_most_one_reissue"), 1);
    struct talk late = own();
    call(&late, "check_card_delivery", "{}", "ok", "{\"status\":\"in_transit\",\"days_late\":3}");
    reissue(&late, "d1", "ok");
    CHECK_INT(judged(&late, "reissue_only_when_due"), 0);
    CHECK_INT(judged(&late, "handoff_has_reason"), 0);
    arena_free(t.a), arena_free(late.a);
}

/* What the airline judges find in 100 real conversations; each was read by a person when it was counted. */
TEST(the_airline_judges_find_what_is_in_the_recorded_conversations)
{
    struct arena *a = arena_new("test", 1 << 20);
    const char *path = test_shared("data/airline_trajectories/conversations.jsonl");
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f) {
        arena_free(a);
        return;
    }
    char *text = arena_alloc(a, FILE_BYTES_MAX);
    struct import_batch b;
    struct err e = {0};
    if (import_read(a, "tau-bench", "c", (struct str){text, fread(text, 1, FILE_BYTES_MAX, f)}, "airline", 1, &b, &e))
        fail_msg("%s", e.text);
    fclose(f);
    size_t n, agree = 0, fails[JUDGES_MAX] = {0};
    struct judge *judges = examples(a, "examples/airline", &n);
    for (size_t i = 0; i < b.n; i++) {
        const struct import_conversation *c = &b.conversations[i];
        struct arena *conversation = arena_new("conversation", 1 << 16);
        struct transcript t;
        struct verdict v;
        CHECK_INT(transcript_read(conversation, c->events, c->events_n, &t, &e), 0);
        for (size_t k = 0; k < n; k++) {
            CHECK_INT(judge_run(&judges[k], &t, &c->item, conversation, &v, &e), 0);
            CHECK(!v.applies || v.score != VERDICT_UNJUDGED);
            fails[k] += v.applies && v.score == VERDICT_FAIL;
            if (str_is(judges[k].name, "end_state"))
                agree += (v.score == VERDICT_PASS) == (c->item.reward == 1);
        }
        arena_free(conversation);
    }
    CHECK_INT(agree, 99); /* one run reached the same bookings by other calls */
    for (size_t k = 0; k < n; k++) {
        if (str_is(judges[k].name, "success_claim"))
            CHECK_INT(fails[k], 2); /* checked bags that were never added */
        if (str_is(judges[k].name, "unconfirmed_write"))
            CHECK_INT(fails[k], 16);
    }
    arena_free(a);
}

RUN(cmocka_unit_test(a_wrong_judge_is_refused_with_its_line_and_what_was_meant),
    cmocka_unit_test(a_judge_is_the_same_version_however_it_is_laid_out),
    cmocka_unit_test(calls_are_found_by_tool_part_of_their_arguments_expression_and_outcome),
    cmocka_unit_test(calls_that_the_runtime_makes_in_a_script_are_calls),
    cmocka_unit_test(calls_are_counted_and_equal_ones_apart),
    cmocka_unit_test(what_must_come_first_has_to_be_answered_first),
    cmocka_unit_test(an_own_action_needs_a_yes_to_its_own_digest),
    cmocka_unit_test(a_recorded_action_needs_a_question_and_a_yes_before_it),
    cmocka_unit_test(the_end_state_is_the_expected_actions_in_any_order_and_no_other),
    cmocka_unit_test(the_end_state_of_an_own_conversation_is_what_its_actions_did),
    cmocka_unit_test(replies_have_a_length_in_characters), cmocka_unit_test(replies_must_and_must_not_say_things),
    cmocka_unit_test(a_claim_of_success_needs_the_success_before_it),
    cmocka_unit_test(each_event_of_a_kind_can_be_held_to_an_expression),
    cmocka_unit_test(rules_join_and_what_cannot_be_judged_stays_open),
    cmocka_unit_test(a_pattern_that_takes_too_long_is_no_verdict),
    cmocka_unit_test(a_judge_says_nothing_of_conversations_that_it_is_not_for),
    cmocka_unit_test(the_card_judges_know_the_macros_of_three_languages),
    cmocka_unit_test(the_card_judges_see_a_second_card_and_one_that_was_not_due),
    cmocka_unit_test(the_airline_judges_find_what_is_in_the_recorded_conversations))
