/* What the simulated model makes of a prompt, without a network. */
#include "../unit/test.h"

#include "reply.h"
#include "skim.h"

#define STATE  "{\"role\":\"system\",\"content\":\"State, kept by the runtime:\\n{\\\"slot\\\":{\\\"n\\\":7}}\"}"
#define SHARED "{\"role\":\"system\",\"content\":\"You are \\\\\\\"kind\\\\\\\" {[\"}"
#define BODY(messages) \
    "{\"model\":\"m\",\"stream\":true,\"tools\":[{\"role\":1}],\"messages\":[" SHARED "," messages "]}"
#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define CALLS \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{" \
    "\"name\":" \
    "\"get_customer_profile\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":" \
    "\"check_card_delivery\",\"arguments\":\"{}\"}}]}"
#define RESULT(id, text) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"
#define PROFILE \
    RESULT("c1", \
           "{\\\"class\\\":\\\"ok\\\",\\\"result\\\":{\\\"address\\\":\\\"1 Elm\\\",\\\"first_name\\\":\\\"Lia\\\"}}")
#define DELIVERY \
    RESULT("c2", "{\\\"class\\\":\\\"ok\\\",\\\"result\\\":{\\\"card_last4\\\":\\\"4417\\\",\\\"days_late\\\":6}}")

static struct prompt prompt_of(const char *body)
{
    struct prompt p;
    struct err e = {0};
    if (prompt_read(str_of(body), &p, &e) < 0)
        fail_msg("%s", e.text);
    return p;
}

static struct script_answer answer_of(struct arena *a, const char *source, const char *body)
{
    struct script *s;
    struct script_answer out;
    struct err e = {0};
    struct prompt p = prompt_of(body);
    if (script_read(a, str_of(source), &s, &e) < 0)
        fail_msg("%s", e.text);
    script_run(s, &p, a, &out);
    return out;
}

TEST(an_array_is_walked_from_its_end_past_quotes_and_brackets_in_strings)
{
    struct str rest = STR("1, \"a\\\\\", {\"x\":\"]}\\\"\"} ,[2,[]]"), v;
    CHECK(skim_last(&rest, &v));
    CHECK_STR(v, "[2,[]]");
    CHECK(skim_last(&rest, &v));
    CHECK_STR(v, "{\"x\":\"]}\\\"\"}");
    CHECK(skim_last(&rest, &v));
    CHECK_STR(v, "\"a\\\\\"");
    CHECK(skim_last(&rest, &v));
    CHECK_STR(v, "1");
    CHECK(!skim_last(&rest, &v));
}

TEST(the_last_message_is_the_one_before_the_state_block)
{
    struct prompt p = prompt_of(BODY(USER("hi") "," STATE));
    CHECK_STR(p.last.role, "user");
    CHECK_STR(p.state.role, "system");
    CHECK(p.stream && !p.usage);
    p = prompt_of(BODY(USER("hi")));
    CHECK_STR(p.last.role, "user");
    CHECK(p.state.raw.n == 0);
}

TEST(members_behind_the_messages_are_found_too)
{
    struct prompt p =
        prompt_of("{\"messages\":[" USER("a ] b") "],\"tools\":[{\"type\":\"function\"}],\"stop\":[\"x\"],"
                                                  "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    CHECK(p.stream && p.usage);
    CHECK_INT(prompt_user_turns(&p), 1);
}

TEST(a_body_that_is_no_prompt_is_refused_wherever_it_breaks)
{
    static const char body[] = BODY(USER("hi") "," CALLS "," PROFILE "," STATE);
    struct arena *a = arena_new("test", 0);
    struct prompt p;
    for (size_t n = 0; n < sizeof body - 1; n++) {
        char *copy = mem_get(n + 1); /* so that a sanitizer sees a read past the end */
        memcpy(copy, body, n);
        CHECK(prompt_read((struct str){copy, n}, &p, NULL) == ERR_INVALID);
        free(copy);
    }
    CHECK(prompt_read(STR("{\"messages\":[]}"), &p, NULL) == ERR_INVALID);
    CHECK(prompt_read(STR("{\"messages\":[{}]}"), &p, NULL) == ERR_INVALID);
    arena_free(a);
}

TEST(the_built_in_agent_first_makes_two_calls_at_once)
{
    struct arena *a = arena_new("test", 0);
    struct script_answer said = answer_of(a, script_card_delivery, BODY(USER("where is my card?") "," STATE));
    CHECK_INT(said.calls_n, 2);
    CHECK_STR(said.calls[0].name, "get_customer_profile");
    CHECK_STR(said.calls[1].name, "check_card_delivery");
    CHECK(!said.has_text);
    arena_free(a);
}

TEST(the_built_in_agent_then_speaks_and_then_asks_for_the_action)
{
    struct arena *a = arena_new("test", 0);
    struct script_answer said =
        answer_of(a, script_card_delivery, BODY(USER("where?") "," CALLS "," PROFILE "," DELIVERY "," STATE));
    CHECK(said.calls_n == 0 && str_starts(said.text, STR("Lia, your card ending in 4417")));
    said = answer_of(a, script_card_delivery,
                     BODY(USER("where?") "," CALLS "," PROFILE "," DELIVERY "," USER("no") "," STATE));
    CHECK_INT(said.calls_n, 1);
    CHECK_STR(said.calls[0].arguments, "{\"address\":\"1 Elm\",\"reason\":\"not_received\"}");
    arena_free(a);
}

TEST(names_in_braces_become_values_or_nothing)
{
    struct arena *a = arena_new("test", 0);
    const char *script =
        "[{\"when\":{\"last_contains\":[\"x\",\"WHERE\"],\"state_contains\":\"slot\"},\"answer\":{\"text\":"
        "\"${state:slot.n}/${tool:check_card_delivery.days_late}/${tool:none.x}\",\"calls\":[{\"name\":"
        "\"t\",\"arguments\":{\"n\":\"${state:slot.n}\",\"s\":\"a${state:slot.n}\"}},"
        "{\"name\":\"broken\",\"arguments\":\"{oops\"}]}}]";
    struct script_answer said =
        answer_of(a, script, BODY(USER("a") "," CALLS "," PROFILE "," DELIVERY "," USER("Where?") "," STATE));
    CHECK_STR(said.text, "7/6/");
    CHECK_STR(said.calls[0].arguments, "{\"n\":7,\"s\":\"a7\"}");
    CHECK_STR(said.calls[1].arguments, "{oops");
    arena_free(a);
}

TEST(rules_count_turns_and_calls_and_their_own_repeats)
{
    struct arena *a = arena_new("test", 0);
    struct script *s;
    struct script_answer said;
    struct prompt p = prompt_of(BODY(USER("a") "," CALLS "," PROFILE "," DELIVERY "," STATE));
    CHECK(script_read(a,
                      STR("[{\"when\":{\"calls_since_user\":2,\"user_turns\":1,\"last_tool\":\"check_card_delivery\","
                          "\"called\":\"get_customer_profile\"},\"answer\":{\"text\":\"once\",\"repeat\":1}},"
                          "{\"when\":{},\"answer\":{\"text\":\"else\"}}]"),
                      &s, NULL) == 0);
    script_run(s, &p, a, &said);
    CHECK_STR(said.text, "once");
    script_run(s, &p, a, &said);
    CHECK_STR(said.text, "else");
    script_again(s);
    script_run(s, &p, a, &said);
    CHECK_STR(said.text, "once");
    CHECK(script_read(a, STR("[{\"when\":{\"lasst_role\":\"user\"},\"answer\":{\"text\":\"\"}}]"), &s, NULL) ==
          ERR_INVALID);
    arena_free(a);
}

TEST(a_strict_provider_refuses_calls_without_results_and_results_without_calls)
{
    struct arena *a = arena_new("test", 0);
    struct err e = {0};
#define CHECKED(messages) prompt_check(a, STR("{\"model\":\"m\",\"messages\":[" messages "]}"), &e)
    CHECK(CHECKED(USER("a") "," CALLS "," DELIVERY "," PROFILE "," USER("b")) == 0);
    CHECK(CHECKED(USER("a") "," CALLS "," PROFILE "," USER("b")) == ERR_INVALID);
    CHECK(CHECKED(USER("a") "," CALLS "," PROFILE) == ERR_INVALID);
    CHECK(CHECKED(USER("a") "," CALLS "," PROFILE "," PROFILE) == ERR_INVALID);
    CHECK(CHECKED(USER("a") "," PROFILE) == ERR_INVALID);
    CHECK(CHECKED("{\"role\":\"boss\",\"content\":\"x\"}") == ERR_INVALID);
    CHECK(CHECKED("{\"role\":\"assistant\",\"content\":null}") == ERR_INVALID);
    arena_free(a);
}

TEST(faults_belong_to_the_seed_and_the_number_of_the_request)
{
    struct faults f;
    struct err e = {0};
    uint64_t dice;
    int seen[FAULTS] = {0};
    CHECK(faults_read(&f, STR("429=0.25, cut=0.25,500@3"), &e) == 0);
    for (int64_t n = 1; n <= 4000; n++) {
        enum fault once = faults_draw(&f, 7, n, &dice);
        CHECK(once == faults_draw(&f, 7, n, &dice));
        seen[once]++;
    }
    CHECK(faults_draw(&f, 7, 3, &dice) == FAULT_500);
    CHECK(seen[FAULT_429] > 900 && seen[FAULT_429] < 1100); /* 1000 +- 27 (one standard deviation) */
    CHECK(seen[FAULT_CUT] > 900 && seen[FAULT_CUT] < 1100);
    CHECK_INT(seen[FAULT_500], 1);
    CHECK(faults_read(&f, STR("429=0.9,500=0.2"), &e) == ERR_INVALID);
    CHECK(faults_read(&f, STR("fire=1"), &e) == ERR_INVALID);
    CHECK(faults_read(&f, STR("429="), &e) == ERR_INVALID);
    CHECK(f.p[FAULT_CUT] == 0.25);
}

/* The words and arguments of a stream, put together again. */
static struct str stream_put_together(struct arena *a, struct str stream, bool arguments)
{
    struct buf out = buf_new(a, 4096);
    struct str line;
    struct json *chunk;
    while (str_split(&stream, '\n', &line)) {
        if (line.n == 0 || str_is(line, "data: [DONE]"))
            continue;
        CHECK_STR(str_head(line, 6), "data: ");
        if (json_parse(a, str_from(line, 6), &chunk, NULL) < 0)
            fail_msg("%.*s", STR_ARG(line));
        const struct json *delta = json_get(json_at(json_get(chunk, "choices"), 0), "delta");
        const struct json *call = json_at(json_get(delta, "tool_calls"), 0);
        buf_add(&out, arguments ? json_str(json_get(json_get(call, "function"), "arguments"))
                                : json_str(json_get(delta, "content")));
    }
    return buf_str(&out);
}

TEST(a_stream_put_together_is_the_answer)
{
    struct arena *a = arena_new("test", 0);
    struct script_answer said = {.text = STR("  Olá,  \"você\" \\ tudo bem?"), .has_text = true, .calls_n = 1};
    said.calls[0].name = STR("reissue_card");
    said.calls[0].arguments = STR("{\"address\":\"Praça da Sé çççççççççççççç\"}");
    struct reply r = {.answer = &said, .model = "m", .number = 1, .usage = true};
    struct buf out = buf_new(NULL, 1 << 16);
    reply_stream(&r, &out);
    CHECK_STR(stream_put_together(a, buf_str(&out), false), "  Olá,  \"você\" \\ tudo bem?");
    CHECK_STR(stream_put_together(a, buf_str(&out), true), "{\"address\":\"Praça da Sé çççççççççççççç\"}");
    CHECK(str_ends(buf_str(&out), STR("data: [DONE]\n\n")));
    CHECK(str_has(buf_str(&out), STR("\"finish_reason\":\"tool_calls\"")));
    CHECK(str_has(buf_str(&out), STR("\"choices\":[],\"usage\":{\"prompt_tokens\":0")));
    buf_free(&out);
    arena_free(a);
}

TEST(a_whole_answer_is_one_json_object)
{
    struct arena *a = arena_new("test", 0);
    struct script_answer said = {.calls_n = 1};
    said.calls[0].name = STR("t");
    said.calls[0].arguments = STR("{}");
    struct reply r = {.answer = &said, .model = "m", .number = 2, .prompt_bytes = 400};
    struct buf out = buf_new(NULL, 1 << 16);
    struct json *v;
    reply_whole(&r, &out);
    CHECK(json_parse(a, buf_str(&out), &v, NULL) == 0);
    const struct json *choice = json_at(json_get(v, "choices"), 0);
    CHECK(json_is(json_path(choice, STR("message.content")), JSON_NULL));
    CHECK_STR(json_str(json_get(choice, "finish_reason")), "tool_calls");
    CHECK_INT(json_int(json_path(v, STR("usage.prompt_tokens")), 0), 100);
    r.fault = FAULT_BADJSON;
    buf_clear(&out);
    reply_whole(&r, &out);
    CHECK(json_parse(a, buf_str(&out), &v, NULL) == ERR_INVALID);
    buf_free(&out);
    arena_free(a);
}

TEST(ids_of_calls_start_anew_with_every_answer_unless_they_shall_be_unique)
{
    struct script_answer said = {.calls_n = 1};
    said.calls[0].name = STR("t");
    said.calls[0].arguments = STR("{}");
    struct reply r = {.answer = &said, .model = "m", .number = 7};
    struct buf out = buf_new(NULL, 1 << 16);
    reply_whole(&r, &out);
    CHECK(str_has(buf_str(&out), STR("\"id\":\"call_1\"")));
    r.unique_ids = true;
    buf_clear(&out);
    reply_whole(&r, &out);
    CHECK(str_has(buf_str(&out), STR("\"id\":\"call_7_1\"")));
    buf_clear(&out);
    reply_stream(&r, &out);
    CHECK(str_has(buf_str(&out), STR("\"id\":\"call_7_1\"")));
    buf_free(&out);
}

RUN(cmocka_unit_test(an_array_is_walked_from_its_end_past_quotes_and_brackets_in_strings),
    cmocka_unit_test(the_last_message_is_the_one_before_the_state_block),
    cmocka_unit_test(members_behind_the_messages_are_found_too),
    cmocka_unit_test(a_body_that_is_no_prompt_is_refused_wherever_it_breaks),
    cmocka_unit_test(the_built_in_agent_first_makes_two_calls_at_once),
    cmocka_unit_test(the_built_in_agent_then_speaks_and_then_asks_for_the_action),
    cmocka_unit_test(names_in_braces_become_values_or_nothing),
    cmocka_unit_test(rules_count_turns_and_calls_and_their_own_repeats),
    cmocka_unit_test(a_strict_provider_refuses_calls_without_results_and_results_without_calls),
    cmocka_unit_test(faults_belong_to_the_seed_and_the_number_of_the_request),
    cmocka_unit_test(a_stream_put_together_is_the_answer), cmocka_unit_test(a_whole_answer_is_one_json_object),
    cmocka_unit_test(ids_of_calls_start_anew_with_every_answer_unless_they_shall_be_unique))
