/* What a model writes down is checked, and its source is looked for. */
#include "test.h"
#include "world.h"

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
    cmocka_unit_test(a_correction_replaces_the_value_and_the_journal_keeps_both),
    cmocka_unit_test(more_than_an_event_can_hold_is_refused))
