#include "offline_fixture.h"

#include "llm/llm_offline.h"
#include "llm/llm_offline_prompt.h"
#include "net/loop.h"

#define READS(step) \
    "update_scratchpad {\"routine\":\"" ROUTINE "\",\"step\":\"" step \
    "\"} | get_customer_profile {} | check_card_delivery {}"
#define REISSUE "reissue_card {\"address\":\"12 Elm Street\",\"reason\":\"not_received\"}"

TEST(the_first_question_fetches_both_facts_at_once_and_says_nothing_yet)
{
    CHECK_STR(said("where is my card?", "en", ""), READS("greet"));
    CHECK_STR(said("cadê meu cartão?", "pt", ""), READS("greet"));
    CHECK_STR(said("¿dónde está mi tarjeta?", "es", ""), READS("greet"));
}

TEST(calls_have_ids_and_the_notes_come_first)
{
    struct llm_answer answer = answer_of(plan, after_words("where is my card?"), state_of("en", ""));
    CHECK_INT(answer.calls_n, 3);
    CHECK_STR(answer.calls[0].id, "o1");
    CHECK_STR(answer.calls[2].id, "o3");
    CHECK_STR(answer.finish, "tool_calls");
    CHECK(!answer.has_text);
}

TEST(a_card_in_time_is_explained_and_the_routine_ends)
{
    CHECK_STR(went_on("en", AT("greet") "," ON_TIME),
              "Let me look into your card delivery. Lia, your card ending in 4417 is on its way with Correios and is "
              "expected by November 10. You can follow it with the code BR1. | update_scratchpad {\"routine\":\"\"}");
}

TEST(a_late_card_leads_to_a_proposal_with_the_words_before_it)
{
    CHECK_STR(
        went_on("en", AT("greet") "," LATE),
        "Let me look into your card delivery. I am sorry, Lia: your card ending in 4417 was due on November 10 and "
        "has not arrived. I can order a new one for you. | update_scratchpad {\"step\":\"offer_reissue\"} | " REISSUE);
}

TEST(a_delivered_card_leads_to_the_question_for_that_kind_of_address)
{
    struct str line = went_on("en", AT("greet") "," APARTMENT);
    CHECK(str_has(line, STR("was delivered on November 9. Parcels for apartments are often left with the concierge.")));
    CHECK(str_ends(line, STR(" | update_scratchpad {\"step\":\"investigate\",\"asking\":[\"looked_there\"]}")));
    const char *kinds[][2] = {{"business", "mailroom"}, {"po_box", "PO box"}, {"house", "letter box"}};
    for (int i = 0; i < 3; i++) {
        struct str more =
            str_f(a,
                  AT("greet") ",\"tool_class\":{\"get_customer_profile\":\"ok\",\"check_card_delivery\":\"ok\"},"
                              "\"tool\":{\"get_customer_profile\":{\"first_name\":\"Lia\",\"address_type\":"
                              "\"%s\"}," DELIVERY("delivered", "12") "}",
                  kinds[i][0]);
        CHECK(str_has(went_on("en", more.p), str_of(kinds[i][1])));
    }
}

TEST(each_language_gets_its_own_words)
{
    CHECK(str_starts(went_on("pt", AT("greet") "," APARTMENT),
                     STR("Vou verificar a entrega do seu cartão. Lia, Correios ")));
    CHECK(str_has(went_on("pt", AT("greet") "," APARTMENT), STR("entregue em 9 de novembro.")));
    CHECK(str_has(went_on("es", AT("greet") "," LATE), STR("debía llegar el 10 de noviembre y no ha llegado.")));
    CHECK(str_starts(went_on("fr", AT("greet") "," LATE), STR("Let me look into")));
}

TEST(an_answer_that_it_is_not_there_leads_to_the_proposal)
{
    CHECK_STR(said("já perguntei, não está", "pt", AT("investigate") ",\"asked\":{\"looked_there\":1}," APARTMENT),
              "update_scratchpad "
              "{\"set\":[{\"slot\":\"looked_there\",\"value\":\"not_there\"}],\"step\":\"offer_reissue\"} | " REISSUE);
}

TEST(what_the_customer_volunteers_goes_into_the_proposal)
{
    CHECK(
        str_has(said("not there, it was stolen", "en", AT("investigate") "," APARTMENT), STR("\"reason\":\"stolen\"")));
    CHECK(str_has(said("it was not stolen, just not there", "en", AT("investigate") "," APARTMENT),
                  STR("\"reason\":\"not_received\"")));
}

TEST(found_and_not_yet_end_the_routine_with_the_right_words)
{
    CHECK(
        str_has(said("yes it was there", "en", AT("investigate") "," APARTMENT), STR("I am glad that it turned up.")));
    CHECK(str_has(said("not yet", "en", AT("investigate") "," APARTMENT), STR("Please look there first.")));
    CHECK(str_has(said("aún no", "es", AT("investigate") "," APARTMENT), STR("\"routine\":\"\"")));
}

TEST(an_unclear_answer_is_asked_again_and_then_goes_to_a_person)
{
    CHECK_STR(
        said("blue", "en", AT("investigate") ",\"asked\":{\"looked_there\":1}," APARTMENT),
        "I did not understand that. Parcels for apartments are often left with the concierge. Was your card there when "
        "you asked? If you have not asked yet, just tell me. | update_scratchpad {\"asking\":[\"looked_there\"]}");
    CHECK_STR(said("blue", "en", AT("investigate") ",\"asked\":{\"looked_there\":2}," APARTMENT),
              "transfer_to_human {\"reason\":\"missing_information\"}");
}

TEST(what_became_of_the_proposal_decides_how_it_goes_on)
{
    const char *step = AT("offer_reissue");
    struct str more = str_f(a, "%s," LATE "," PROPOSAL("declined", "1"), step);
    CHECK_STR(said("no", "en", more.p),
              "Very well, I did not order a new card. Write to me again if you change your mind. | "
              "update_scratchpad {\"routine\":\"\"}");
    more = str_f(a,
                 "%s," LATE ",\"proposal\":{\"id\":9,\"tool\":\"reissue_card\",\"state\":\"ok\",\"times\":1,"
                 "\"result\":{\"reissue_id\":\"RC-1\",\"eta\":\"2027-01-02\"}}",
                 step);
    CHECK_STR(went_on("en", more.p),
              "Done: your new card is ordered under RC-1 and should arrive by January 2, 2027. The old "
              "card is blocked. | update_scratchpad {\"routine\":\"\"}");
    more = str_f(a, "%s," LATE "," PROPOSAL("refused", "1"), step);
    CHECK_STR(went_on("en", more.p), "transfer_to_human {\"reason\":\"action_refused\"}");
    more = str_f(a, "%s," LATE "," PROPOSAL("unknown", "1"), step);
    CHECK_STR(went_on("en", more.p), "transfer_to_human {\"reason\":\"outcome_unknown\"}");
}

TEST(a_digression_voids_the_proposal_and_it_is_made_once_more)
{
    CHECK_STR(said("what address is that?", "en", AT("offer_reissue") "," LATE "," PROPOSAL("void", "1")), REISSUE);
    CHECK_STR(said("yes", "en", AT("offer_reissue") "," LATE "," PROPOSAL("expired", "1")), REISSUE);
    CHECK_STR(said("hmm", "en", AT("offer_reissue") "," LATE "," PROPOSAL("void", "2")),
              "transfer_to_human {\"reason\":\"unclear_answer\"}");
}

TEST(a_proposal_that_the_runtime_refuses_is_not_made_again)
{
    struct str transcript = STR(OPENING CALLED("reissue_card"));
    struct llm_answer answer =
        answer_of(plan, transcript, state_of("en", AT("offer_reissue") "," LATE ",\"proposal\":null"));
    CHECK_STR(line_of(&answer), "transfer_to_human {\"reason\":\"action_refused\"}");
    CHECK_STR(went_on("en", AT("offer_reissue") ",\"tool_class\":{\"get_customer_profile\":\"ok\",\"reissue_card\":"
                                                "\"refused\"},\"tool\":{" PROFILE("house") "}"),
              "transfer_to_human {\"reason\":\"action_refused\"}");
}

TEST(a_second_question_after_a_reissue_names_the_card_on_its_way)
{
    struct str line = said("where is my card?", "en",
                           LATE ",\"proposal\":{\"id\":9,\"tool\":\"reissue_card\",\"state\":\"ok\","
                                "\"times\":1,\"result\":{\"reissue_id\":\"RC-1\",\"eta\":"
                                "\"2026-12-02\"}}");
    CHECK(str_has(line, STR("A new card is already on its way to you: it is ordered under RC-1")));
    CHECK(!str_has(line, STR("reissue_card {")));
}

TEST(a_no_of_an_earlier_run_does_not_answer_a_new_proposal)
{
    struct str line = said("I want a new card, it never came", "en", LATE "," PROPOSAL("declined", "1"));
    CHECK(str_has(line, STR("reissue_card {")));
}

TEST(data_that_cannot_be_had_goes_to_a_person)
{
    const char *none =
        AT("greet") ",\"tool_class\":{\"get_customer_profile\":\"ok\",\"check_card_delivery\":\"refused\"}";
    CHECK_STR(went_on("en", none), "Let me look into your card delivery. I cannot find a card order for you. | "
                                   "transfer_to_human {\"reason\":\"data_unavailable\"}");
    CHECK(str_has(went_on("en", AT("greet") ",\"tool_class\":{\"get_customer_profile\":\"transient\","
                                            "\"check_card_delivery\":\"ok\"}"),
                  STR("data_unavailable")));
}

TEST(a_text_with_a_hole_is_not_said)
{
    struct str line =
        went_on("en", AT("greet") ",\"tool_class\":{\"get_customer_profile\":\"ok\",\"check_card_delivery\":"
                                  "\"ok\"},\"tool\":{\"check_card_delivery\":{\"status\":\"returned\"}}");
    CHECK(str_starts(
        line, STR("transfer_to_human {\"reason\":\"data_unavailable\",\"note\":\"macro cards.returned: the field")));
}

TEST(a_person_is_one_word_away_at_every_place)
{
    const char *places[] = {"", AT("investigate") "," APARTMENT,
                            AT("offer_reissue") "," LATE "," PROPOSAL("void", "1")};
    const char *words[][2] = {{"en", "let me talk to a human"},
                              {"pt", "quero falar com um atendente"},
                              {"es", "quiero hablar con una persona"}};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            CHECK_STR(said(words[k][1], words[k][0], places[i]), "transfer_to_human {\"reason\":\"asked_human\"}");
}

TEST(what_is_not_understood_is_asked_once_and_then_handed_over)
{
    CHECK_STR(said("what is the weather", "en", ""),
              "I can help with the delivery of your card. What would you like to know about it? | "
              "update_scratchpad {\"asking\":[\"_clarify\"]}");
    CHECK_STR(said("and the news", "en", "\"asked\":{\"_clarify\":1}"),
              "transfer_to_human {\"reason\":\"out_of_scope\"}");
    CHECK_STR(said("olá", "pt", "\"asked\":{\"_clarify\":1}"),
              "Posso ajudar com a entrega do seu cartão. O que você gostaria de saber?");
}

TEST(several_messages_at_once_are_read_together)
{
    struct str transcript =
        str_f(a, OPENING ",%.*s,%.*s,%.*s", STR_ARG(message("user", STR("hi"))),
              STR_ARG(message("user", STR("it is about my card"))), STR_ARG(message("user", STR("it was stolen"))));
    struct llm_answer answer = answer_of(plan, transcript, state_of("en", ""));
    CHECK(str_has(line_of(&answer), STR("\"value\":\"stolen\"")));
    CHECK(str_has(line_of(&answer), STR("check_card_delivery {}")));
}

TEST(buttons_are_no_words)
{
    struct llm_answer answer = answer_of(plan,
                                         str_f(a, OPENING ",%.*s",
                                               STR_ARG(message("user", STR("[The customer pressed "
                                                                           "Cancel.]")))),
                                         state_of("pt", AT("offer_reissue") "," LATE "," PROPOSAL("declined", "1")));
    CHECK(str_starts(line_of(&answer), STR("Tudo bem, não pedi um novo cartão.")));
}

TEST(an_outcome_that_comes_after_the_routine_ended_is_still_told)
{
    struct str line =
        went_on("en", LATE ",\"proposal\":{\"id\":9,\"tool\":\"reissue_card\",\"state\":\"ok\",\"times\":1,"
                           "\"result\":{\"reissue_id\":\"RC-1\",\"eta\":\"2026-12-02\"}}");
    CHECK(str_starts(line, STR("Done: your new card is ordered under RC-1")));
}

TEST(the_same_prompt_gives_the_same_answer)
{
    struct str one = said("where is my card?", "en", LATE), two = said("where is my card?", "en", LATE);
    CHECK(one.n && str_eq(one, two));
}

TEST(a_prompt_that_does_not_read_is_an_error_and_no_answer)
{
    struct llm_answer answer;
    struct err e;
    struct str good = state_of("en", ""), words = after_words("hi");
    struct llm_question bad[] = {
        {.transcript = words, .state = STR("")},
        {.transcript = words, .state = STR(",{\"role\":\"system\",\"content\":\"no line\"}")},
        {.transcript = words, .state = STR(",{\"role\":\"system\",\"content\":\"x\\n[]\"}")},
        {.transcript = STR(",{\"role\":\"user\",\"content\":\"hi}"), .state = good},
        {.transcript = STR("}"), .state = good},
        {.transcript = STR("{{}"), .state = good},
    };
    for (size_t i = 0; i + 1 < sizeof bad / sizeof *bad; i++)
        CHECK_INT(offline_answer(plan, a, &bad[i], &answer, &e), ERR_INVALID);
    struct offline_plan *none;
    CHECK_INT(offline_plan_new(STR("not JSON"), &none, &e), ERR_INVALID);
    CHECK_INT(offline_plan_new(STR(""), &none, &e), ERR_INVALID);
}

TEST(the_transcript_is_read_from_its_end)
{
    struct str list = STR(",{\"a\":\"}{\\\"\"},{\"b\":\"\\\\\"} , {\"c\":{\"d\":[{}]}},"), object;
    struct err e;
    CHECK(offline_take_last(&list, &object, &e) == 1);
    CHECK_STR(object, "{\"c\":{\"d\":[{}]}}");
    CHECK(offline_take_last(&list, &object, &e) == 1);
    CHECK_STR(object, "{\"b\":\"\\\\\"}");
    CHECK(offline_take_last(&list, &object, &e) == 1);
    CHECK_STR(object, "{\"a\":\"}{\\\"\"}");
    CHECK(offline_take_last(&list, &object, &e) == 0);
}

/* --- other routines --- */

static struct str with_steps(const char *steps, const char *more)
{
    struct json *routine;
    struct err e;
    struct offline_plan *p;
    struct str text =
        str_f(a, "{\"routine\":\"" ROUTINE "\",\"start_when\":{\"phrases\":{\"en\":[\"go\"]}},\"steps\":%s}", steps);
    if (json_parse(a, text, &routine, &e) < 0 || offline_plan_new(shared_of(routine), &p, &e) < 0)
        fail_msg("%s", e.text);
    struct llm_answer answer = answer_of(p, after_words("go"), state_of("en", more));
    struct str line = line_of(&answer);
    line = str_copy(a, line);
    offline_plan_free(p);
    return line;
}

TEST(a_routine_that_turns_in_circles_or_is_broken_goes_to_a_person)
{
    const char *broken[] = {
        "[{\"id\":\"a\",\"say\":\"runtime.welcome\",\"next\":\"a\"}]",
        "[{\"id\":\"a\",\"decide\":[{\"else\":\"b\"}]},{\"id\":\"b\",\"decide\":[{\"else\":\"a\"}]}]",
        "[{\"id\":\"a\",\"decide\":[{\"if\":\"((\",\"to\":\"a\"}]}]",
        "[{\"id\":\"a\",\"say\":\"no.such\"}]",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct str line = with_steps(broken[i], "");
        if (!str_has(line, STR("transfer_to_human {\"reason\":\"low_confidence\",\"note\":\"")))
            print_error("%s: %.*s\n", broken[i], STR_ARG(line));
        CHECK(str_has(line, STR("transfer_to_human {\"reason\":\"low_confidence\",\"note\":\"")));
    }
}

TEST(a_routine_that_does_not_read_is_none)
{
    CHECK(str_starts(with_steps("[{\"id\":\"a\",\"decide\":[{\"else\":\"nowhere\"}]}]", ""), STR("I can help with")));
    CHECK(str_starts(with_steps("[{\"id\":\"a\",\"dance\":true}]", ""), STR("I can help with")));
}

TEST(a_routine_that_runs_off_its_last_step_has_ended)
{
    CHECK_STR(with_steps("[{\"id\":\"a\",\"say\":\"runtime.welcome\"}]", ""),
              "You are welcome. Write to me whenever you need something.");
    CHECK_STR(with_steps("[{\"id\":\"a\",\"say\":\"runtime.welcome\"}]", AT("a")),
              "You are welcome. Write to me whenever you need something. | update_scratchpad {\"routine\":\"\"}");
}

TEST(an_argument_without_a_value_is_never_proposed)
{
    struct str line = with_steps(
        "[{\"id\":\"a\",\"confirm\":{\"proposal\":{\"tool\":\"reissue_card\",\"args\":{\"address\":\"slot.none\"}}}}]",
        "");
    CHECK(str_has(line, STR("transfer_to_human {\"reason\":\"data_unavailable\"")));
}

TEST(plans_are_kept_for_the_agents_used_last)
{
    struct offline_plans plans = {0};
    struct offline_plan *one, *other;
    struct err e;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < OFFLINE_PLANS_MAX + 3; i++) {
            struct str text = str_f(a, "{\"role\":\"system\",\"content\":\"agent %d\"}", i);
            CHECK_INT(offline_plans_get(&plans, text, &one, &e), 0);
            CHECK(str_eq(one->shared, text));
            CHECK_INT(offline_plans_get(&plans, str_copy(a, text), &other, &e), 0);
            CHECK(one == other);
        }
    CHECK_INT(offline_plans_get(&plans, STR("?"), &one, &e), ERR_INVALID);
    offline_plans_free(&plans);
}

/* --- the provider --- */

struct heard {
    struct buf text;
    int deltas, ends;
    struct llm_end end;
    struct llm_provider *cancel_in_delta;
    struct llm_attempt *attempt;
};

static void on_delta(void *arg, struct str text)
{
    struct heard *h = arg;
    h->deltas++;
    buf_add(&h->text, text);
    if (h->cancel_in_delta)
        h->cancel_in_delta->cancel(h->cancel_in_delta, h->attempt);
}

static void on_end(void *arg, const struct llm_end *end)
{
    struct heard *h = arg;
    h->ends++;
    h->end = *end;
    h->end.answer.text = str_copy(a, end->answer.text);
}

static const struct llm_attempt_hooks listen = {on_delta, on_end};

static void wait_for(struct loop *l, const struct heard *h)
{
    for (int i = 0; i < 100 && !h->ends; i++)
        loop_once(l, 10);
}

TEST(the_words_come_in_several_pieces_and_later_than_the_question)
{
    struct loop *l;
    struct llm_provider *p;
    struct err e;
    struct llm_config config = {0};
    CHECK(loop_new(&l, &e) == 0 && llm_offline_new(l, &config, &p, &e) == 0);
    struct heard h = {.text = buf_new(a, 10000)};
    struct llm_question q = {
        .shared = shared, .transcript = after_results, .state = state_of("en", AT("greet") "," LATE)};
    p->ask(p, &q, 1000, &listen, &h);
    CHECK_INT(h.deltas + h.ends, 0);
    wait_for(l, &h);
    CHECK(h.ends == 1 && h.end.answer.result == 0 && h.end.delivered);
    CHECK(h.deltas > 5 && str_eq(buf_str(&h.text), h.end.answer.text));
    CHECK(h.end.answer.tokens_estimated && h.end.answer.tokens_in > 1000 && h.end.answer.tokens_out > 10);

    struct heard bad = {.text = buf_new(a, 10000)};
    q.state = STR("");
    p->ask(p, &q, 1000, &listen, &bad);
    wait_for(l, &bad);
    CHECK(bad.ends == 1 && bad.end.answer.result == ERR_INVALID && !bad.end.retryable && !bad.end.delivered);
    p->free(p);
    loop_free(l);
}

TEST(a_cancelled_question_is_silent)
{
    struct loop *l;
    struct llm_provider *p;
    struct err e;
    struct llm_config config = {0};
    CHECK(loop_new(&l, &e) == 0 && llm_offline_new(l, &config, &p, &e) == 0);
    struct heard h = {.text = buf_new(a, 10000)}, first = {.text = buf_new(a, 10000), .cancel_in_delta = p};
    struct llm_question q = {
        .shared = shared, .transcript = after_results, .state = state_of("en", AT("greet") "," LATE)};
    p->cancel(p, p->ask(p, &q, 1000, &listen, &h));
    first.attempt = p->ask(p, &q, 1000, &listen, &first);
    for (int i = 0; i < 5; i++)
        loop_once(l, 5);
    CHECK_INT(h.deltas + h.ends, 0);
    CHECK(first.deltas == 1 && first.ends == 0);
    p->free(p);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_question_fetches_both_facts_at_once_and_says_nothing_yet),
        cmocka_unit_test(calls_have_ids_and_the_notes_come_first),
        cmocka_unit_test(a_card_in_time_is_explained_and_the_routine_ends),
        cmocka_unit_test(a_late_card_leads_to_a_proposal_with_the_words_before_it),
        cmocka_unit_test(a_delivered_card_leads_to_the_question_for_that_kind_of_address),
        cmocka_unit_test(each_language_gets_its_own_words),
        cmocka_unit_test(an_answer_that_it_is_not_there_leads_to_the_proposal),
        cmocka_unit_test(what_the_customer_volunteers_goes_into_the_proposal),
        cmocka_unit_test(found_and_not_yet_end_the_routine_with_the_right_words),
        cmocka_unit_test(an_unclear_answer_is_asked_again_and_then_goes_to_a_person),
        cmocka_unit_test(what_became_of_the_proposal_decides_how_it_goes_on),
        cmocka_unit_test(a_digression_voids_the_proposal_and_it_is_made_once_more),
        cmocka_unit_test(a_proposal_that_the_runtime_refuses_is_not_made_again),
        cmocka_unit_test(a_second_question_after_a_reissue_names_the_card_on_its_way),
        cmocka_unit_test(a_no_of_an_earlier_run_does_not_answer_a_new_proposal),
        cmocka_unit_test(data_that_cannot_be_had_goes_to_a_person),
        cmocka_unit_test(a_text_with_a_hole_is_not_said),
        cmocka_unit_test(a_person_is_one_word_away_at_every_place),
        cmocka_unit_test(what_is_not_understood_is_asked_once_and_then_handed_over),
        cmocka_unit_test(several_messages_at_once_are_read_together),
        cmocka_unit_test(buttons_are_no_words),
        cmocka_unit_test(an_outcome_that_comes_after_the_routine_ended_is_still_told),
        cmocka_unit_test(the_same_prompt_gives_the_same_answer),
        cmocka_unit_test(a_prompt_that_does_not_read_is_an_error_and_no_answer),
        cmocka_unit_test(the_transcript_is_read_from_its_end),
        cmocka_unit_test(a_routine_that_turns_in_circles_or_is_broken_goes_to_a_person),
        cmocka_unit_test(a_routine_that_does_not_read_is_none),
        cmocka_unit_test(a_routine_that_runs_off_its_last_step_has_ended),
        cmocka_unit_test(an_argument_without_a_value_is_never_proposed),
        cmocka_unit_test(plans_are_kept_for_the_agents_used_last),
        cmocka_unit_test(the_words_come_in_several_pieces_and_later_than_the_question),
        cmocka_unit_test(a_cancelled_question_is_silent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
