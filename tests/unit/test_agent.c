/* An agent from its files: what is whole compiles to the same bytes, what is broken is refused with one sentence that names
 * the file. */
#include "test.h"

#include "engine/agent.h"

#include <unistd.h>

static char dir[256];
static struct arena *a;

static void shell(const char *command)
{
    assert_int_equal(system(command), 0);
}

static int group_start(void **state)
{
    (void)state;
    a = arena_new("test", 0);
    snprintf(dir, sizeof dir, "%s/candor-agent-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    return mkdtemp(dir) ? 0 : 1;
}

static int group_end(void **state)
{
    (void)state;
    shell(str_f(a, "rm -r '%s'", dir).p);
    arena_free(a);
    return 0;
}

static struct str file_read(const char *path)
{
    static char text[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is not here; tests run in the project's root", path);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_copy(a, (struct str){text, n});
}

static void file_write(const char *path, struct str text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(text.p, 1, text.n, f);
    fclose(f);
}

/* A fresh copy of the example with `from` written as `to` in one file (from NULL: the whole file is `to`; to NULL too: gone). */
static void broken(const char *file, const char *from, const char *to)
{
    shell(str_f(a, "rm -rf '%s/w' && cp -r examples/card-delivery '%s/w'", dir, dir).p);
    const char *path = str_f(a, "%s/w/%s", dir, file).p;
    if (!from && !to) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    struct str text = from ? file_read(path) : STR("");
    ptrdiff_t at = from ? str_find(text, str_of(from)) : 0;
    if (at < 0)
        fail_msg("%s does not hold %s", file, from);
    file_write(path, from ? str_f(a, "%.*s%s%s", (int)at, text.p, to, text.p + at + strlen(from)) : str_of(to));
}

static struct str load(void)
{
    struct str bundle;
    struct agent *agent;
    struct err e = {0};
    if (agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", &bundle, &e) < 0 ||
        agent_new(bundle, &agent, &e) < 0) {
        assert_true(e.code < 0);
        return str_f(a, "%s", e.text);
    }
    agent_free(agent);
    return STR("");
}

/* A file, what stands in it, what is written instead; the file and the words that the refusal must name. */
static const struct {
    const char *file, *from, *to, *names, *says;
} cases[] = {
    {"agents/card-delivery.yaml", NULL, NULL, "agents/card-delivery.yaml", "No such file"},
    {"agents/card-delivery.yaml", "agent: card-delivery", "agent: [", "agents/card-delivery.yaml", ""},
    {"agents/card-delivery.yaml", "agent: card-delivery", "name: x", "agents/card-delivery.yaml", "agent"},
    {"agents/card-delivery.yaml", "compose:", "made_of:", "agents/card-delivery.yaml", "compose"},
    {"agents/card-delivery.yaml", "tools: [get", "tool: [get", "agents/card-delivery.yaml:8", "no kind of module"},
    {"agents/card-delivery.yaml", "[voice, card", "[../voice, card", "agents/card-delivery.yaml:5", "no module name"},
    {"agents/card-delivery.yaml", "[voice, card", "[loud, card", "instructions/loud.md", "No such file"},
    {"agents/card-delivery.yaml", "macros: [cards, runtime]", "macros: [cards]", "agents/card-delivery.yaml",
     "runtime.handoff"},
    {"agents/card-delivery.yaml", "reissue_card]", "no_such]", "tools/no_such.yaml", "No such file"},
    {"agents/card-delivery.yaml", "model_calls: 8", "model_calls: 0", "agents/card-delivery.yaml", "model_calls"},
    {"agents/card-delivery.yaml", "tool_calls: 12", "tool_calls: many", "agents/card-delivery.yaml", "tool_calls"},
    {"instructions/voice.md", "---\nmodule: voice", "module: voice", "instructions/voice.md:1", "begins with ---"},
    {"instructions/voice.md", "module: voice", "module: noise", "instructions/voice.md:1", "must be the file's name"},
    {"instructions/voice.md", NULL, "---\nmodule: voice\n", "instructions/voice.md:1", "---"},
    {"instructions/voice.md", NULL, "", "instructions/voice.md:1", "---"},
    {"routines/card_delivery_investigation.yaml", "routine: card", "routine: cart",
     "routines/card_delivery_investigation.yaml:1", "must be the file's name"},
    {"routines/card_delivery_investigation.yaml", "to: say_late}", "to: say_later}",
     "routines/card_delivery_investigation.yaml", "not there"},
    {"routines/card_delivery_investigation.yaml", "say: cards.frame_case", "say: cards.frame",
     "routines/card_delivery_investigation.yaml", "cards.frame, which is no macro"},
    {"routines/card_delivery_investigation.yaml", "call: [get_customer_profile,", "call: [get_profile,",
     "routines/card_delivery_investigation.yaml", "get_profile, which the agent has not"},
    {"routines/card_delivery_investigation.yaml", "confirm: {tool: reissue_card",
     "confirm: {tool: get_customer_profile", "routines/card_delivery_investigation.yaml", "no action"},
    {"routines/card_delivery_investigation.yaml", "next: offer_reissue", "next: nowhere",
     "routines/card_delivery_investigation.yaml", "nowhere, which is no step"},
    {"routines/card_delivery_investigation.yaml", "days_late > 0\"", "days_late > > 0\"",
     "routines/card_delivery_investigation.yaml", "judge_timeline"},
    {"routines/card_delivery_investigation.yaml", "transient: handoff_data", "transient: handoff_dat",
     "routines/card_delivery_investigation.yaml", "on_error"},
    {"routines/card_delivery_investigation.yaml", "  - {id: greet,", "  - {name: greet,",
     "routines/card_delivery_investigation.yaml", "no id"},
    {"routines/card_delivery_investigation.yaml", "question: cards.q_household}", "question: cards.q_house}",
     "routines/card_delivery_investigation.yaml", "cards.q_house"},
    {"routines/card_delivery_investigation.yaml", "{slot: looked_there, question:", "{slot: looked, question:",
     "routines/card_delivery_investigation.yaml", "looked"},
    {"routines/card_delivery_investigation.yaml", "address: tool.get", "address: tool..get",
     "routines/card_delivery_investigation.yaml", "offer_reissue"},
    {"routines/card_delivery_investigation.yaml", "{id: handoff_data, handoff: data_unavailable}",
     "{id: handoff_data, handoff: because}", "routines/card_delivery_investigation.yaml", "because"},
    {"macros/cards.yaml", "macros: cards", "macros: kards", "macros/cards.yaml:1", "must be the file's name"},
    {"macros/cards.yaml", "{tool.get_customer_profile.first_name}, your", "{tool.get_customer_profile.first_name, your",
     "macros/cards.yaml", "on_time"},
    {"macros/runtime.yaml", "handoff_unknown:", "handoff_unsure:", "agents/card-delivery.yaml",
     "runtime.handoff_unknown"},
    {"tools/reissue_card.yaml", "effect: action", "effect: acton", "tools/reissue_card.yaml:1: ", "read or action"},
    {"tools/reissue_card.yaml", "text: cards.propose_reissue", "text: cards.propose", "tools/reissue_card.yaml",
     "cards.propose, which is no macro"},
    {"tools/reissue_card.yaml", "minLength: 5", "minLength: five", "tools/reissue_card.yaml:12: ", "minLength"},
    {"tools/reissue_card.yaml", "per_conversation: 1", "per_conversatoin: 1", "tools/reissue_card.yaml:33",
     "limits has no `per_conversatoin`; it has: per_conversation"},
    {"tools/reissue_card.yaml", "timeout_ms", "timeout_mss", "tools/reissue_card.yaml:34",
     "a tool has no `timeout_mss`"},
    {"tools/reissue_card.yaml", "idempotency: {mode: key}\n", "", "tools/reissue_card.yaml:1",
     "how a repeat is recognised"},
    {"tools/reissue_card.yaml", "maxLength: 200, x-show: true", "maxLength: 200", "tools/reissue_card.yaml:16",
     "confirms without seeing `address`"},
    {"tools/reissue_card.yaml", "tool: reissue_card", "tool: reissue", "tools/reissue_card.yaml:1",
     "must be the file's name"},
    {"tools/reissue_card.yaml", "5xx: unknown", "5xx: unnown", "tools/reissue_card.yaml", "unnown"},
    {"tools/get_customer_profile.yaml", "first_name: data", "first_name: data..", "tools/get_customer_profile.yaml",
     "first_name"},
    {"scratchpads/card_case.yaml", "scratchpad: card_case", "scratchpad: case", "scratchpads/card_case.yaml:1",
     "must be the file's name"},
    {"scratchpads/card_case.yaml", "type: enum", "type: enumeration", "scratchpads/card_case.yaml", "enumeration"},
    {"scratchpads/card_case.yaml", "default: not_received", "default: not_recieved", "scratchpads/card_case.yaml",
     "not_recieved"},
};

TEST(every_broken_workspace_is_refused_with_a_sentence_that_names_the_file)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        broken(cases[i].file, cases[i].from, cases[i].to);
        struct str why = load();
        if (!str_has(why, str_of(cases[i].names)) || !str_has(why, str_of(cases[i].says))) {
            print_error("%s -> %s\n    wanted %s ... %s\n    said   \"%.*s\"\n", cases[i].file, cases[i].to,
                        cases[i].names, cases[i].says, STR_ARG(why));
            wrong++;
        }
    }
    CHECK_INT(wrong, 0);
}

TEST(the_example_loads_and_its_bundle_does_not_depend_on_the_layout_of_its_files)
{
    struct str one, two;
    struct err e;
    broken("candor.yaml", "workspace:", "workspace:");
    CHECK_STR(load(), "");
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", &one, &e), 0);
    broken("agents/card-delivery.yaml", "version: 1.0.0\n", "# a comment\nversion:   1.0.0\n");
    CHECK_INT(agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", &two, &e), 0);
    CHECK(str_eq(one, two));
    broken("macros/cards.yaml", "Let me look", "Let us look");
    CHECK_INT(agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", &two, &e), 0);
    CHECK(!str_eq(one, two));
}

TEST(an_agent_is_known_by_the_hash_of_its_bundle_and_made_again_from_it)
{
    struct str bundle;
    struct agent *one, *two;
    struct err e;
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &one, &e), 0);
    CHECK_INT(agent_new(one->bundle, &two, &e), 0);
    struct sha256 sha = sha256_of(bundle);
    CHECK(sha256_eq(&sha, &one->sha) && str_eq(one->sha_hex, two->sha_hex));
    CHECK(str_eq(one->shared, two->shared) && str_eq(one->tools_json, two->tools_json));
    CHECK_STR(one->name, "card-delivery");
    CHECK_INT(one->budgets.model_calls, 8);
    CHECK_INT(one->budgets.resumes, 5);
    agent_free(one);
    agent_free(two);
}

TEST(tools_are_sorted_and_the_built_in_ones_stand_among_them)
{
    struct str bundle;
    struct agent *agent;
    struct json *tools;
    struct err e;
    struct buf names = buf_new(a, 1000);
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &agent, &e), 0);
    CHECK_INT(json_parse(a, str_f(a, "[%.*s]", STR_ARG(agent->tools_json)), &tools, &e), 0);
    for (const struct json *t = tools->child; t; t = t->next)
        buf_addf(&names, "%.*s ", STR_ARG(json_str(json_path(t, STR("function.name")))));
    CHECK_STR(buf_str(&names),
              "check_card_delivery get_customer_profile reissue_card transfer_to_human update_scratchpad ");
    CHECK(agent_tool(agent, STR("reissue_card"))->action && !agent_tool(agent, STR("transfer_to_human")));
    agent_free(agent);
}

TEST(a_macro_is_given_in_the_language_else_in_english_else_in_any)
{
    struct str bundle;
    struct agent *agent;
    struct err e;
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &agent, &e), 0);
    CHECK(str_starts(agent_macro(agent, "cards.found", STR("pt")), STR("Que bom")));
    CHECK(str_starts(agent_macro(agent, "cards.found", STR("fr")), STR("I am glad")));
    CHECK(!agent_macro(agent, "cards.none", STR("en")).p);
    agent_free(agent);
}

TEST(a_bundle_that_is_none_is_refused)
{
    struct agent *agent;
    struct err e;
    CHECK_INT(agent_new(STR(""), &agent, &e), ERR_INVALID);
    CHECK_INT(agent_new(STR("{}"), &agent, &e), ERR_INVALID);
    CHECK_INT(agent_new(STR("{\"agent\":{\"agent\":\"x\"},\"modules\":[]}"), &agent, &e), ERR_INVALID);
    CHECK_INT(agent_new(STR("[1]"), &agent, &e), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_workspace_is_refused_with_a_sentence_that_names_the_file),
        cmocka_unit_test(the_example_loads_and_its_bundle_does_not_depend_on_the_layout_of_its_files),
        cmocka_unit_test(an_agent_is_known_by_the_hash_of_its_bundle_and_made_again_from_it),
        cmocka_unit_test(tools_are_sorted_and_the_built_in_ones_stand_among_them),
        cmocka_unit_test(a_macro_is_given_in_the_language_else_in_english_else_in_any),
        cmocka_unit_test(a_bundle_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
