/* What the person who takes over gets. */
#include "test.h"
#include "world.h"

#include "engine/handoff.h"

static struct world w;

static void begin(void)
{
    world_begin(&w, world_agent(NULL, NULL));
    assert_true(world_open(&w, "ana", "pt-BR"));
}

static const struct json *package(const char *reason, const char *note)
{
    struct json *v;
    struct str text = handoff_package(w.arena, w.c, str_of(reason), str_of(note), 1773133200000000);
    if (json_parse(w.arena, text, &v, &w.err) < 0)
        fail_msg("%s: %.*s", w.err.text, STR_ARG(text));
    return v;
}

TEST(the_package_has_every_member_of_the_documentation)
{
    begin();
    CHECK(world_say(&w, "meu cartão não chegou"));
    const struct json *p = package("asked_human", "be kind");
    static const char *const members[] = {"customer",  "identity", "channel", "language", "agent",
                                          "agent_sha", "since",    "summary", "routine",  "note_of_the_model",
                                          "step",      "slots",    "tools",   "proposal", "last_words"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!json_get(p, members[i]))
            fail_msg("no %s", members[i]);
    CHECK_INT(p->n, sizeof members / sizeof *members);
    CHECK_STR(json_str(json_get(p, "customer")), "ana");
    CHECK_STR(json_str(json_get(p, "language")), "pt");
    CHECK_STR(json_str(json_get(p, "since")), "2026-03-10T09:00:00Z");
    CHECK_STR(json_str(json_get(p, "step")), "offer_reissue");
    CHECK_STR(json_str(json_path(p, STR("proposal.state"))), "asked");
    CHECK_STR(json_str(json_path(p, STR("proposal.args.address"))), "12 Elm Street, Springfield");
    CHECK_STR(json_str(json_at(json_get(p, "last_words"), 0)), "meu cartão não chegou");
    CHECK_INT(json_get(p, "tools")->n, 3);
    world_end(&w);
}

TEST(what_tools_mask_is_masked_in_the_package_and_in_the_slots_that_hold_it)
{
    world_begin(&w, world_agent("\"already_done\":[\"DUPLICATE_REQUEST\"]",
                                "\"already_done\":[\"DUPLICATE_REQUEST\"],\"audit\":{\"mask\":[\"address\",\"id\"]}"));
    assert_true(world_open(&w, "ana", "pt-BR"));
    CHECK(world_say(&w, "meu cartão não chegou"));
    CHECK(world_add(
        &w, EVENT_SCRATCHPAD_UPDATED,
        STR("{\"by\":\"model\",\"set\":[{\"slot\":\"reissue_reason\",\"value\":\"12 Elm Street, Springfield\","
            "\"source\":\"customer\",\"status\":\"stated\",\"evidence\":[2]}]}")));
    const struct json *p = package("asked_human", "");
    CHECK_STR(json_str(json_path(p, STR("proposal.args.address"))), "[masked]");
    CHECK_STR(json_str(json_path(p, STR("proposal.args.reason"))), "not_received");
    bool found = false;
    for (const struct json *s = json_get(p, "slots")->child; s; s = s->next)
        found |= str_is(json_str(json_get(s, "value")), "[masked]");
    CHECK(found);
    CHECK(str_has(w.c->proposal.args, STR("12 Elm Street"))); /* what is run is whole */
    world_end(&w);
}

TEST(the_summary_is_facts_in_a_fixed_order_and_no_words_of_a_model)
{
    begin();
    CHECK(world_say(&w, "meu cartão não chegou"));
    struct str summary = json_str(json_get(package("frustration", ""), "summary"));
    CHECK(str_starts(summary, STR("Handed over because frustration. In routine card_delivery_investigation at step "
                                  "offer_reissue.")));
    CHECK(str_has(summary, STR("check_card_delivery answered ok.")));
    CHECK(str_has(summary, STR("Proposal reissue_card is asked.")));
    CHECK(str_ends(summary, STR("The customer's last words: meu cartão não chegou")));
    CHECK(!str_has(summary, STR("Sinto muito"))); /* what the agent said */
    CHECK(!json_get(package("frustration", ""), "note_of_the_model"));
    world_end(&w);
}

TEST(before_anything_happened_there_is_still_a_package)
{
    begin();
    const struct json *p = package("asked_human", "");
    CHECK(!json_get(p, "proposal"));
    CHECK_INT(json_get(p, "last_words")->n, 0);
    CHECK_STR(json_str(json_get(p, "summary")), "Handed over because asked_human.");
    world_end(&w);
}

TEST(an_action_of_unknown_outcome_is_handed_over_with_its_key)
{
    begin();
    CHECK(world_say(&w, "meu cartão não chegou"));
    w.points = 0;
    w.dies_at = 2;
    CHECK(!world_say(&w, "sim"));
    const struct json *p = json_get(package("outcome_unknown", ""), "proposal");
    CHECK(json_str(json_get(p, "key")).n == 26 && str_eq(json_str(json_get(p, "key")), w.c->proposal.key));
    CHECK(json_str(json_get(p, "digest")).n == 64);
    world_end(&w);
}

TEST(long_words_are_cut_and_only_the_last_three_are_there)
{
    begin();
    struct buf b = buf_new(w.arena, 1 << 16);
    for (int i = 0; i < 5000; i++)
        buf_adds(&b, "ã");
    for (int i = 0; i < 5; i++)
        CHECK(world_add(&w, EVENT_MESSAGE_RECEIVED, str_f(w.arena, "{\"text\":\"%d%.*s\"}", i, STR_ARG(buf_str(&b)))));
    const struct json *words = json_get(package("budget", ""), "last_words");
    CHECK_INT(words->n, 3);
    CHECK(str_starts(json_str(json_at(words, 0)), STR("4ã")) && json_str(json_at(words, 0)).n < 1000);
    world_end(&w);
}

TEST(a_package_that_would_be_too_large_says_so_and_is_still_one)
{
    begin();
    for (int i = 0; i < 40; i++) {
        static char big[4000];
        memset(big, 'x', sizeof big - 1);
        CHECK(world_add(
            &w, EVENT_TOOL_ANSWERED,
            str_f(w.arena,
                  "{\"call\":\"c\",\"tool\":\"get_customer_profile\",\"class\":\"ok\",\"args\":{},\"result\":{\"a\":\"%"
                  "s\","
                  "\"b\":\"%s\",\"c\":\"%s\",\"d\":\"%s\",\"e\":\"%s\",\"f\":\"%s\",\"g\":\"%s\",\"h\":\"%s\",\"i\":\"%"
                  "s\",\"j\":"
                  "\"%s\",\"k\":\"%s\",\"l\":\"%s\",\"m\":\"%s\",\"n\":\"%s\",\"o\":\"%s\",\"p\":\"%s\",\"q\":\"%s\"}}",
                  big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big, big)));
    }
    CHECK_STR(json_str(json_get(package("budget", ""), "summary")), "The package is too large; read the conversation.");
    world_end(&w);
}

TEST(the_list_of_reasons_is_closed_and_the_one_that_models_see)
{
    begin();
    struct json *tools;
    CHECK_INT(json_parse(w.arena, str_f(w.arena, "[%.*s]", STR_ARG(w.agent->tools_json)), &tools, &w.err), 0);
    const struct json *t = tools->child;
    while (t && !str_is(json_str(json_path(t, STR("function.name"))), "transfer_to_human"))
        t = t->next;
    const struct json *shown = json_path(t, STR("function.parameters.properties.reason.enum"));
    size_t n = 0;
    for (; handoff_reasons[n]; n++) {
        CHECK(handoff_reason_known(str_of(handoff_reasons[n])));
        CHECK_STR(json_str(json_at(shown, n)), handoff_reasons[n]);
    }
    CHECK_INT(shown->n, n);
    CHECK(!handoff_reason_known(STR("")) && !handoff_reason_known(STR("because")) &&
          !handoff_reason_known(STR("Budget")));
    world_end(&w);
}

TEST(what_may_have_happened_or_hurts_is_read_first)
{
    CHECK_STR(str_of(handoff_priority(STR("outcome_unknown"))), "high");
    CHECK_STR(str_of(handoff_priority(STR("compliance"))), "high");
    CHECK_STR(str_of(handoff_priority(STR("frustration"))), "high");
    CHECK_STR(str_of(handoff_priority(STR("asked_human"))), "normal");
}

RUN(cmocka_unit_test(what_tools_mask_is_masked_in_the_package_and_in_the_slots_that_hold_it),
    cmocka_unit_test(the_package_has_every_member_of_the_documentation),
    cmocka_unit_test(the_summary_is_facts_in_a_fixed_order_and_no_words_of_a_model),
    cmocka_unit_test(before_anything_happened_there_is_still_a_package),
    cmocka_unit_test(an_action_of_unknown_outcome_is_handed_over_with_its_key),
    cmocka_unit_test(long_words_are_cut_and_only_the_last_three_are_there),
    cmocka_unit_test(a_package_that_would_be_too_large_says_so_and_is_still_one),
    cmocka_unit_test(the_list_of_reasons_is_closed_and_the_one_that_models_see),
    cmocka_unit_test(what_may_have_happened_or_hurts_is_read_first))
