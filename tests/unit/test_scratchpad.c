/* What a model writes down is checked, and its source is looked for. */
#include "test.h"
#include "world.h"

#include "engine/memory.h"
#include "engine/scratchpad.h"

static struct world w;

static void begin(const char *from, const char *to)
{
    world_begin(&w, world_agent(from, to));
    assert_true(world_open(&w, "ana", "en"));
}

/* The body that the arguments lead to, or the sentence that refuses them. */
static struct str update(const char *arguments)
{
    struct str body;
    const char *reason;
    struct err e = {0};
    if (scratchpad_update(w.arena, w.c, STR("c1_0"), str_of(arguments), &body, &reason, &e) < 0)
        return str_f(w.arena, "no: %s", e.text);
    return body;
}

static const struct json *first_set(const char *arguments)
{
    struct json *body;
    struct str text = update(arguments);
    if (json_parse(w.arena, text, &body, NULL) < 0)
        fail_msg("%.*s", STR_ARG(text));
    return json_at(json_get(body, "set"), 0);
}

#define SET(slot, value) "{\"set\":[{\"slot\":\"" slot "\",\"value\":\"" value "\"}]}"

TEST(a_value_that_the_customer_said_is_stated_with_that_message_as_evidence)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "my card was stolen") && world_say(&w, "hello?"));
    const struct json *s = first_set(SET("reissue_reason", "stolen"));
    CHECK_STR(json_str(json_get(s, "status")), "stated");
    CHECK_STR(json_str(json_get(s, "source")), "customer");
    CHECK_INT(json_int(json_at(json_get(s, "evidence"), 0), 0), 2);
    world_end(&w);
}

TEST(of_several_messages_the_newest_is_the_evidence)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "it was stolen") && world_say(&w, "yes, stolen I say"));
    int64_t newest = w.c->said->seq;
    CHECK(newest > 2);
    CHECK_INT(json_int(json_at(json_get(first_set(SET("reissue_reason", "stolen")), "evidence"), 0), 0), newest);
    world_end(&w);
}

TEST(a_value_that_nobody_said_is_inferred_and_has_no_evidence)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "hello"));
    const struct json *s = first_set(SET("reissue_reason", "damaged"));
    CHECK_STR(json_str(json_get(s, "status")), "inferred");
    CHECK_STR(json_str(json_get(s, "source")), "model");
    CHECK_INT(json_get(s, "evidence")->n, 0);
    world_end(&w);
}

TEST(a_value_that_a_tool_gave_is_stated_by_the_tool)
{
    begin("\"type\":\"enum\"", "\"type\":\"text\"");
    CHECK(world_say(&w, "where is my card?"));
    const struct json *s = first_set(SET("looked_there", "12 Elm Street, Springfield"));
    CHECK_STR(json_str(json_get(s, "source")), "tool");
    CHECK(json_int(json_at(json_get(s, "evidence"), 0), 0) > 2);
    world_end(&w);
}

TEST(a_phrase_counts_in_any_of_the_languages)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "foi roubado"));
    CHECK_STR(json_str(json_get(first_set(SET("reissue_reason", "stolen")), "status")), "stated");
    world_end(&w);
}

TEST(a_value_that_does_not_fit_is_refused_with_a_sentence_for_the_model)
{
    begin(NULL, NULL);
    CHECK_STR(update(SET("colour", "red")), "no: there is no slot \"colour\"");
    CHECK_STR(update(SET("reissue_reason", "boredom")),
              "no: reissue_reason is one of: damaged lost not_received stolen");
    CHECK_STR(update("[1]"), "no: the arguments of update_scratchpad must be one JSON object");
    CHECK_STR(update("{\"set\":"), "no: the arguments of update_scratchpad must be one JSON object");
    CHECK_STR(update("{\"set\":[{}]}"), "no: there is no slot \"\"");
    world_end(&w);
    begin("\"type\":\"enum\"", "\"type\":\"integer\"");
    CHECK_STR(update(SET("looked_there", "many")), "no: looked_there is a whole number");
    CHECK(str_has(update(SET("looked_there", "12")), STR("\"value\":\"12\"")));
    world_end(&w);
    begin("\"type\":\"enum\"", "\"type\":\"text\"");
    char text[700];
    memset(text, 'x', 501);
    text[501] = 0;
    CHECK_STR(update(str_f(w.arena, SET("looked_there", "%s"), text).p), "no: looked_there is longer than 500 bytes");
    world_end(&w);
}

TEST(nothing_at_all_is_written_as_nothing)
{
    begin(NULL, NULL);
    CHECK_STR(update(""), "{\"by\":\"model\",\"call\":\"c1_0\",\"set\":[]}");
    CHECK_STR(update("{}"), "{\"by\":\"model\",\"call\":\"c1_0\",\"set\":[]}");
    CHECK_STR(update("{\"routine\":7,\"asking\":\"x\",\"set\":{\"slot\":\"looked_there\"}}"),
              "{\"by\":\"model\",\"call\":\"c1_0\",\"set\":[]}");
    world_end(&w);
}

TEST(routine_step_and_question_are_taken_over_and_a_routines_end_forgets_its_questions)
{
    begin(NULL, NULL);
    struct str body =
        update("{\"routine\":\"card_delivery_investigation\",\"step\":\"greet\",\"asking\":[\"looked_there\"]}");
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED, body));
    CHECK_STR(course_routine(&w.c->course), "card_delivery_investigation");
    CHECK_STR(course_place(&w.c->course), "greet");
    CHECK_INT(counter_get(w.c->asked, STR("looked_there")), 1);
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED, update("{\"asking\":[\"looked_there\"]}")));
    CHECK_INT(counter_get(w.c->asked, STR("looked_there")), 2);
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED, update("{\"routine\":\"\"}")));
    CHECK(!course_routine(&w.c->course).n && !course_place(&w.c->course).n);
    CHECK_INT(counter_get(w.c->asked, STR("looked_there")), 0);
    world_end(&w);
}

TEST(a_model_counts_no_questions_for_the_runtime)
{
    begin(NULL, NULL);
    CHECK(str_has(update("{\"asking\":[\"looked_there\",\"confirm:offer\",7,\"retry:fetch\"]}"),
                  STR("\"asking\":[\"looked_there\"]")));
    world_end(&w);
}

TEST(a_correction_replaces_the_value_and_the_journal_keeps_both)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "hello"));
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED, update(SET("looked_there", "found"))));
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED, update(SET("looked_there", "not_there"))));
    CHECK_STR(w.c->slots->value, "not_there");
    CHECK(w.c->slots->next == NULL);
    CHECK_INT(world_count(&w, EVENT_SCRATCHPAD_UPDATED), 2);
    world_end(&w);
}

static struct str unbacked(const char *args)
{
    struct json *v;
    if (json_parse(w.arena, str_of(args), &v, NULL) < 0)
        fail_msg("%s", args);
    return json_text(w.arena, scratchpad_unbacked(w.arena, w.c, agent_tool(w.agent, STR("reissue_card")), v));
}

#define INFERRED \
    "{\"by\":\"model\",\"set\":[{\"slot\":\"reissue_reason\",\"value\":\"stolen\",\"source\":\"model\",\"status\":" \
    "\"inferred\"}]}"

TEST(what_is_only_inferred_may_not_act)
{
    begin(NULL, NULL);
    CHECK(world_say(&w, "my card never came") && world_add(&w, EVENT_SCRATCHPAD_UPDATED, STR(INFERRED)));
    CHECK_STR(unbacked("{\"customer\":\"ana\",\"reason\":\"stolen\"}"), "[\"reason\"]");
    CHECK_STR(unbacked("{\"customer\":\"ana\",\"reason\":\"lost\"}"), "[]"); /* the model's own choice */
    CHECK(world_say(&w, "no, I am sure it was stolen"));
    CHECK_STR(unbacked("{\"customer\":\"ana\",\"reason\":\"stolen\"}"), "[]");
    world_end(&w);
}

TEST(an_argument_that_must_come_from_somebody_is_looked_for_there)
{
    begin("\"address\":{\"maxLength\"", "\"address\":{\"x-source\":[\"customer\",\"tool\"],\"maxLength\"");
    CHECK(world_say(&w, "my card never came"));
    CHECK_STR(unbacked("{\"address\":\"Evil Street 1\",\"reason\":\"lost\"}"), "[\"address\"]");
    CHECK_STR(unbacked("{\"address\":\"12 Elm Street, Springfield\",\"reason\":\"lost\"}"), "[]"); /* a tool said so */
    CHECK(world_say(&w, "send it to evil street, 1 please"));
    CHECK_STR(unbacked("{\"address\":\"Evil Street 1\",\"reason\":\"lost\"}"), "[]");
    world_end(&w);
}

TEST(an_amount_is_stated_where_that_amount_is_written_and_nowhere_else)
{
    begin("\"slot\":\"looked_there\"", "\"slot\":\"sum\",\"type\":\"money\"},{\"slot\":\"looked_there\"");
    CHECK(world_say(&w, "it was 1.50, at 10-50, 75% of it, code A-30 and 1,200.00"));
    CHECK_STR(json_str(json_get(first_set(SET("sum", "50")), "status")), "inferred");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "75")), "status")), "inferred");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "30")), "status")), "inferred");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "200")), "status")), "inferred");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "1.5")), "status")), "stated");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "1.50")), "status")), "stated");
    CHECK_STR(json_str(json_get(first_set(SET("sum", "1200")), "status")), "stated");
    world_end(&w);
}

TEST(what_a_tool_said_into_a_slot_is_not_the_customers_word)
{
    begin("\"address\":{\"maxLength\"", "\"address\":{\"x-source\":[\"customer\"],\"maxLength\"");
    CHECK(world_say(&w, "my card never came"));
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED,
                    STR("{\"by\":\"model\",\"set\":[{\"slot\":\"new_address\",\"value\":\"Evil Street 1\",\"source\":"
                        "\"tool\",\"status\":\"stated\",\"evidence\":[5]}]}")));
    CHECK_STR(unbacked("{\"address\":\"Evil Street 1\",\"reason\":\"lost\"}"), "[\"address\"]");
    CHECK(world_add(&w, EVENT_SCRATCHPAD_UPDATED,
                    STR("{\"by\":\"model\",\"set\":[{\"slot\":\"new_address\",\"value\":\"Evil Street 1\",\"source\":"
                        "\"customer\",\"status\":\"stated\",\"evidence\":[2]}]}")));
    CHECK_STR(unbacked("{\"address\":\"Evil Street 1\",\"reason\":\"lost\"}"), "[]");
    world_end(&w);
}

TEST(only_what_the_customer_stated_in_a_slot_that_is_to_be_remembered_outlives_the_conversation)
{
    begin("\"slot\":\"reissue_reason\"", "\"remember\":{\"days\":30},\"slot\":\"reissue_reason\"");
    struct turn_events none = world_events(&w);
    CHECK(memory_write(w.c, &none, &w.err) == 0 && none.n == 0);
    CHECK(world_say(&w, "my card was stolen, and I asked: it is not there") &&
          world_add(&w, EVENT_CLOSED, STR("{\"by\":\"customer\"}")));
    struct turn_events out = world_events(&w);
    CHECK(memory_write(w.c, &out, &w.err) == 0);
    CHECK_INT(out.n, 1);
    CHECK_INT(out.list[0].kind, EVENT_MEMORY_WRITTEN);
    CHECK(str_has(out.list[0].body, STR("{\"key\":\"reissue_reason\",\"value\":\"stolen\",\"seq\":2,")));
    CHECK(!str_has(out.list[0].body, STR("looked_there")));
    world_end(&w);
}

TEST(nothing_is_remembered_for_longer_than_a_hundred_years)
{
    begin("\"slot\":\"reissue_reason\"", "\"remember\":{\"days\":999999999999},\"slot\":\"reissue_reason\"");
    CHECK(world_say(&w, "my card was stolen") && world_add(&w, EVENT_CLOSED, STR("{\"by\":\"customer\"}")));
    struct turn_events out = world_events(&w);
    struct json *body;
    CHECK(memory_write(w.c, &out, &w.err) == 0 && json_parse(w.arena, out.list[0].body, &body, NULL) == 0);
    CHECK_INT(json_int(json_get(json_at(json_get(body, "set"), 0), "expires_us"), 0) - out.now_us,
              36500LL * 86400 * 1000000);
    world_end(&w);
}

TEST(more_than_an_event_can_hold_is_refused)
{
    begin("\"type\":\"enum\"", "\"type\":\"text\"");
    struct buf b = buf_new(w.arena, 1 << 20);
    buf_adds(&b, "{\"set\":[");
    for (int i = 0; i < 200; i++)
        buf_addf(&b, "%s{\"slot\":\"looked_there\",\"value\":\"%0400d\"}", i ? "," : "", i);
    buf_adds(&b, "]}");
    CHECK_STR(update(buf_str(&b).p), "no: update_scratchpad writes too much at once");
    world_end(&w);
}

RUN(cmocka_unit_test(a_value_that_the_customer_said_is_stated_with_that_message_as_evidence),
    cmocka_unit_test(of_several_messages_the_newest_is_the_evidence),
    cmocka_unit_test(a_value_that_nobody_said_is_inferred_and_has_no_evidence),
    cmocka_unit_test(a_value_that_a_tool_gave_is_stated_by_the_tool),
    cmocka_unit_test(a_phrase_counts_in_any_of_the_languages),
    cmocka_unit_test(a_value_that_does_not_fit_is_refused_with_a_sentence_for_the_model),
    cmocka_unit_test(nothing_at_all_is_written_as_nothing),
    cmocka_unit_test(routine_step_and_question_are_taken_over_and_a_routines_end_forgets_its_questions),
    cmocka_unit_test(a_model_counts_no_questions_for_the_runtime),
    cmocka_unit_test(a_correction_replaces_the_value_and_the_journal_keeps_both),
    cmocka_unit_test(what_is_only_inferred_may_not_act),
    cmocka_unit_test(an_amount_is_stated_where_that_amount_is_written_and_nowhere_else),
    cmocka_unit_test(what_a_tool_said_into_a_slot_is_not_the_customers_word),
    cmocka_unit_test(an_argument_that_must_come_from_somebody_is_looked_for_there),
    cmocka_unit_test(only_what_the_customer_stated_in_a_slot_that_is_to_be_remembered_outlives_the_conversation),
    cmocka_unit_test(nothing_is_remembered_for_longer_than_a_hundred_years),
    cmocka_unit_test(more_than_an_event_can_hold_is_refused))
