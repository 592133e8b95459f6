/* An agent from its files: what is whole compiles to the same bytes, what is broken is refused with one sentence that names
 * the file. */
#include "test.h"

#include "engine/versions.h"
#include "store_fixture.h"

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
    if (agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", NULL, &bundle, &e) < 0 ||
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
    {"agents/card-delivery.yaml", "compose:", "made_of:", "agents/card-delivery.yaml:4:",
     "an agent has no `made_of`; it has: agent, version, change, summary, compose, budgets"},
    {"agents/card-delivery.yaml", "tools: [get", "tool: [get",
     "agents/card-delivery.yaml:8:", "compose has no `tool`; did you mean `tools`?"},
    {"agents/card-delivery.yaml", "[voice, card", "[../voice, card", "agents/card-delivery.yaml:5", "no module name"},
    {"agents/card-delivery.yaml", "[voice, card", "[loud, card", "instructions/loud.md", "No such file"},
    {"agents/card-delivery.yaml", "macros: [cards, runtime]", "macros: [cards]", "agents/card-delivery.yaml",
     "runtime.handoff"},
    {"agents/card-delivery.yaml", "reissue_card]", "no_such]", "tools/no_such.yaml", "No such file"},
    {"agents/card-delivery.yaml", "model_calls: 8", "model_calls: 0",
     "agents/card-delivery.yaml:10:", "model_calls must be a whole number from 1 on"},
    {"agents/card-delivery.yaml", "tool_calls: 12", "tool_calls: many",
     "agents/card-delivery.yaml:10:", "tool_calls must be"},
    {"agents/card-delivery.yaml", "[tool_first]", "[tool_last]", "instructions/tool_last.md", "No such file"},
    {"agents/card-delivery.yaml", "{budgets.reply_chars: 500}", "{budgets.reply_words: 500}",
     "agents/card-delivery.yaml:12: for gpt-5:", "budgets has no `reply_words`"},
    {"agents/card-delivery.yaml", "add: {instructions: [tool_first]}", "remove: {macros: [runtime]}",
     "agents/card-delivery.yaml:12: for gpt-5:", "runtime.handoff is missing"},
    {"instructions/voice.md", "---\nmodule: voice", "module: voice", "instructions/voice.md:1", "begins with ---"},
    {"instructions/voice.md", "module: voice", "module: noise", "instructions/voice.md:2:", "must be the file's name"},
    {"instructions/voice.md", NULL, "---\nmodule: voice\n", "instructions/voice.md:1", "---"},
    {"instructions/voice.md", NULL, "", "instructions/voice.md:1", "---"},
    {"routines/card_delivery_investigation.yaml", "routine: card", "routine: cart",
     "routines/card_delivery_investigation.yaml:1", "must be the file's name"},
    {"routines/card_delivery_investigation.yaml", "to: say_late}", "to: say_later}",
     "routines/card_delivery_investigation.yaml:36:", "step judge_timeline: to names say_later, which is no step"},
    {"routines/card_delivery_investigation.yaml", "say: cards.frame_case", "say: cards.frame",
     "routines/card_delivery_investigation.yaml", "cards.frame, which is no macro"},
    {"routines/card_delivery_investigation.yaml", "call: [get_customer_profile,", "call: [get_profile,",
     "routines/card_delivery_investigation.yaml", "get_profile, which the agent has not"},
    {"routines/card_delivery_investigation.yaml", "proposal: {tool: reissue_card",
     "proposal: {tool: get_customer_profile", "routines/card_delivery_investigation.yaml", "no action"},
    {"routines/card_delivery_investigation.yaml", "next: offer_reissue", "next: nowhere",
     "routines/card_delivery_investigation.yaml", "nowhere, which is no step"},
    {"routines/card_delivery_investigation.yaml", "days_late > 0\"", "days_late > > 0\"",
     "routines/card_delivery_investigation.yaml", "judge_timeline"},
    {"routines/card_delivery_investigation.yaml", "transient: handoff_data", "transient: handoff_dat",
     "routines/card_delivery_investigation.yaml:29:", "step fetch: transient names handoff_dat"},
    {"routines/card_delivery_investigation.yaml", "  - {id: greet,", "  - {name: greet,",
     "routines/card_delivery_investigation.yaml:25:", "a step needs an `id`"},
    {"routines/card_delivery_investigation.yaml", "question: cards.q_household}", "question: cards.q_house}",
     "routines/card_delivery_investigation.yaml", "cards.q_house"},
    {"routines/card_delivery_investigation.yaml", "{slot: looked_there, question:", "{slot: looked, question:",
     "routines/card_delivery_investigation.yaml", "looked"},
    {"routines/card_delivery_investigation.yaml", "address: tool.get", "address: tool..get",
     "routines/card_delivery_investigation.yaml:62:", "offer_reissue"},
    {"routines/card_delivery_investigation.yaml", "{id: handoff_data, handoff: data_unavailable}",
     "{id: handoff_data, handoff: because}", "routines/card_delivery_investigation.yaml:", "because"},
    {"macros/cards.yaml", "macros: cards", "macros: kards", "macros/cards.yaml:1", "must be the file's name"},
    {"macros/cards.yaml", "{tool.get_customer_profile.first_name}, your", "{tool.get_customer_profile.first_name, your",
     "macros/cards.yaml:10:", "on_time"},
    {"macros/runtime.yaml", "handoff_unknown:", "handoff_unsure:", "agents/card-delivery.yaml",
     "runtime.handoff_unknown"},
    {"tools/reissue_card.yaml", "effect: action", "effect: acton",
     "tools/reissue_card.yaml:5:", "effect is `acton`; it can be: read, action"},
    {"tools/reissue_card.yaml", "text: cards.propose_reissue", "text: cards.propose",
     "tools/reissue_card.yaml:32:", "cards.propose, which is no macro"},
    {"tools/reissue_card.yaml", "minLength: 5", "minLength: five", "tools/reissue_card.yaml:12: ", "minLength"},
    {"tools/reissue_card.yaml", "per_conversation: 1", "per_conversatoin: 1",
     "tools/reissue_card.yaml:33:", "limits has no `per_conversatoin`; did you mean `per_conversation`?"},
    {"tools/reissue_card.yaml", "timeout_ms", "timeout_mss",
     "tools/reissue_card.yaml:34:", "a tool has no `timeout_mss`; did you mean `timeout_ms`?"},
    {"tools/reissue_card.yaml", "idempotency: {mode: key}\n", "", "tools/reissue_card.yaml:1",
     "how a repeat is recognised"},
    {"tools/reissue_card.yaml", "maxLength: 200, x-show: true", "maxLength: 200", "tools/reissue_card.yaml:16",
     "confirms without seeing `address`"},
    {"tools/reissue_card.yaml", "tool: reissue_card", "tool: reissue", "tools/reissue_card.yaml:1",
     "must be the file's name"},
    {"tools/reissue_card.yaml", "5xx: unknown", "5xx: unnown", "tools/reissue_card.yaml:28:", "unnown"},
    {"tools/get_customer_profile.yaml", "first_name: data", "first_name: data..", "tools/get_customer_profile.yaml",
     "first_name"},
    {"scratchpads/card_case.yaml", "scratchpad: card_case", "scratchpad: case", "scratchpads/card_case.yaml:1",
     "must be the file's name"},
    {"scratchpads/card_case.yaml", "type: enum", "type: enumeration", "scratchpads/card_case.yaml:7:", "enumeration"},
    {"scratchpads/card_case.yaml", "default: not_received", "default: not_recieved", "scratchpads/card_case.yaml",
     "not_recieved"},
    {"tools/reissue_card.yaml", "limits: {per", "limit: {per",
     "tools/reissue_card.yaml:33:", "a tool has no `limit`; did you mean `limits`?"},
    {"tools/reissue_card.yaml", "per_conversation: 1", "per_conversation: \"1\"",
     "tools/reissue_card.yaml:33:", "per_conversation must be a whole number from 0 on"},
    {"tools/reissue_card.yaml", "limits: {per_conversation: 1}", "limits: 1",
     "tools/reissue_card.yaml:33:", "limits must be a map"},
    {"tools/reissue_card.yaml", "limits: {per_conversation: 1}",
     "limits:", "tools/reissue_card.yaml:33:", "limits must be a map"},
    {"tools/reissue_card.yaml", "mode: key", "mode: keys",
     "tools/reissue_card.yaml:30:", "mode is `keys`; it can be: key, none, key_per_attempt"},
    {"tools/reissue_card.yaml", "idempotency: {mode: key}", "idempotency: {}",
     "tools/reissue_card.yaml:30:", "idempotency needs `mode`"},
    {"tools/reissue_card.yaml", "by: customer", "by: the customer",
     "tools/reissue_card.yaml:32:", "by is `the customer`"},
    {"tools/reissue_card.yaml", "expires_s: 900", "expires_s: 0",
     "tools/reissue_card.yaml:32:", "expires_s must be a whole number from 1 on"},
    {"tools/reissue_card.yaml", "\"409\": refused", "\"40\": refused",
     "tools/reissue_card.yaml:28:", "errors has no `40`"},
    {"tools/reissue_card.yaml", "http: {method: POST, ", "http: {methd: POST, ",
     "tools/reissue_card.yaml:23:", "http has no `methd`; did you mean `method`?"},
    {"tools/reissue_card.yaml", "http: {method: POST", "steps: []\nhttp: {method: POST",
     "tools/reissue_card.yaml:23:", "a tool has `http` or `steps`, not both"},
    {"tools/reissue_card.yaml", "x-source: session", "x-source: sesion",
     "tools/reissue_card.yaml:15:", "x-source is `sesion`"},
    {"tools/reissue_card.yaml", "x-source: session", "x-sorce: session",
     "tools/reissue_card.yaml:15:", "customer has no `x-sorce`; did you mean `x-source`?"},
    {"tools/reissue_card.yaml", "version: 1.0.0", "version: 1.0",
     "tools/reissue_card.yaml:2:", "version must be a text; put it in quotes"},
    {"tools/reissue_card.yaml", "pt: Pedir um novo cartão", "pt: 7", "tools/reissue_card.yaml:4:", "pt must be a text"},
    {"tools/get_customer_profile.yaml", "timeout_ms: 5000", "confirm: {by: none}",
     "tools/get_customer_profile.yaml:21:", "only an action has `confirm`"},
    {"tools/check_card_delivery.yaml", "{id: order, http:", "{name: order, http:", "tools/check_card_delivery.yaml:18:",
     "a step with `http` has no `name`; it has: id, when, each, http"},
    {"routines/card_delivery_investigation.yaml",
     "start_when:", "when_start:", "routines/card_delivery_investigation.yaml:4:", "a routine has no `when_start`"},
    {"routines/card_delivery_investigation.yaml", "    max_asks: 2", "    asks_max: 2",
     "routines/card_delivery_investigation.yaml:50:", "a step with `ask` has no `asks_max`"},
    {"routines/card_delivery_investigation.yaml", "max_asks: 2", "max_asks: two",
     "routines/card_delivery_investigation.yaml:50:", "max_asks must be a whole number from 1 on"},
    {"routines/card_delivery_investigation.yaml", "    unclear: {handoff", "    uncler: {handoff",
     "routines/card_delivery_investigation.yaml:65:", "did you mean `unclear`?"},
    {"routines/card_delivery_investigation.yaml", "- {else: still_on_time}", "- {otherwise: still_on_time}",
     "routines/card_delivery_investigation.yaml:37:", "a row of decide has `if` and `to`, or `else`"},
    {"routines/card_delivery_investigation.yaml", "say: cards.found, exit", "tell: cards.found, exit",
     "routines/card_delivery_investigation.yaml:57:", "a step with `exit` has no `tell`"},
    {"routines/card_delivery_investigation.yaml", "invalid: handoff_data", "invald: handoff_data",
     "routines/card_delivery_investigation.yaml:29:", "on_error has no `invald`; did you mean `invalid`?"},
    {"routines/card_delivery_investigation.yaml", "exit: informed}", "exit: informed, ok: found}",
     "routines/card_delivery_investigation.yaml:38:", "a step with `say` has no `ok`"},
    {"macros/cards.yaml",
     "texts:", "text:", "macros/cards.yaml:4:", "a pack of macros has no `text`; did you mean `texts`?"},
    {"macros/cards.yaml", "en: \"Let me look into your card delivery.\"", "en: 12",
     "macros/cards.yaml:6:", "en must be a text"},
    {"scratchpads/card_case.yaml", "default: not_received", "defualt: not_received",
     "scratchpads/card_case.yaml:64:", "a slot has no `defualt`; did you mean `default`?"},
    {"instructions/voice.md",
     "summary:", "sumary:", "instructions/voice.md:4:", "an instruction has no `sumary`; did you mean `summary`?"},
    {"agents/card-delivery.yaml", "reply_chars: 900", "reply_words: 900",
     "agents/card-delivery.yaml:10:", "budgets has no `reply_words`"},
    {"agents/card-delivery.yaml", "[voice, card", "[voice@latest, card",
     "agents/card-delivery.yaml:5:", "\"latest\" is no version or range; write 1.4.2, ^1.4 or ~1.4.2"},
    {"agents/card-delivery.yaml", "[voice, card", "[voice@^2.1, card",
     "agents/card-delivery.yaml:5:", "no published version of instructions/voice fits ^2.1, and the draft is 1.0.0"},
    {"agents/card-delivery.yaml", "version: 1.0.0", "version: one",
     "agents/card-delivery.yaml:", "\"one\" is no version"},
    {"instructions/voice.md", "version: 1.0.0\n", "", "instructions/voice.md", "an instruction needs `version`"},
    {"tools/reissue_card.yaml", "version: 1.0.0", "version: 1.0.0\nchange: \"two\\nlines\"",
     "tools/reissue_card.yaml:3:", "it is one line"},
    {"agents/card-delivery.yaml", "scratchpad: card_case", "scratchpad: 7",
     "agents/card-delivery.yaml:9:", "scratchpad must be a text or a list of texts"},
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
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &one, &e), 0);
    broken("agents/card-delivery.yaml", "version: 1.0.0\n", "# a comment\nversion:   1.0.0\n");
    CHECK_INT(agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", NULL, &two, &e), 0);
    CHECK(str_eq(one, two));
    broken("macros/cards.yaml", "Let me look", "Let us look");
    CHECK_INT(agent_bundle(a, str_f(a, "%s/w", dir).p, "card-delivery", NULL, &two, &e), 0);
    CHECK(!str_eq(one, two));
}

TEST(an_agent_is_known_by_the_hash_of_its_bundle_and_made_again_from_it)
{
    struct str bundle;
    struct agent *one, *two;
    struct err e;
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e), 0);
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
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e), 0);
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
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &agent, &e), 0);
    CHECK(str_starts(agent_macro(agent, "cards.found", STR("pt")), STR("Que bom")));
    CHECK(str_starts(agent_macro(agent, "cards.found", STR("fr")), STR("I am glad")));
    CHECK(!agent_macro(agent, "cards.none", STR("en")).p);
    agent_free(agent);
}

/* Rules become stricter; who is in the middle of a conversation is answered all the same. */
TEST(a_stored_version_that_today_s_rules_refuse_is_still_recalled)
{
    static const char *const edits[][2] = {
        {"\"limits\":{\"per_conversation\":1}", "\"limits\":{\"per_conversatoin\":1}"},
        {"\"idempotency\":{\"mode\":\"key\"},", ""},
        {"\"next\":\"offer_reissue\"", "\"next\":\"nowhere\""},
        {"\"handoff_unknown\":{", "\"handoff_unsure\":{"},
        {"\"type\":\"enum\"", "\"type\":\"enumeration\""},
        {"cards.propose_reissue", "cards.propose_replacement"},
        {"{tool.get_customer_profile.first_name}, your", "{tool.get_customer_profile.first_name, your"},
        {"\"model_calls\":8", "\"model_calls\":8,\"model_words\":8"},
    };
    struct place p = place_new();
    struct versions known = {.store = p.s};
    struct str bundle;
    struct err e = {0};
    CHECK_INT(agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e), 0);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const struct agent *agent = NULL;
        struct sha256 sha;
        ptrdiff_t at = str_find(bundle, str_of(edits[i][0]));
        if (at < 0)
            fail_msg("the bundle does not hold %s", edits[i][0]);
        struct str old = str_f(a, "%.*s%s%.*s", (int)at, bundle.p, edits[i][1],
                               STR_ARG(str_from(bundle, (size_t)at + strlen(edits[i][0]))));
        CHECK_INT(store_blob_put(p.s, old, &sha, &e), 0);
        if (versions_recall(&known, hash_hex(a, sha.b, SHA256_BYTES), &agent, &e) < 0)
            fail_msg("%s: %s", edits[i][1], e.text);
        CHECK(str_eq(agent->bundle, old) && agent->tools_n == 3);
    }
    versions_free(&known);
    place_free(&p);
}

TEST(a_bundle_that_is_none_is_refused)
{
    struct agent *agent;
    struct err e;
    CHECK_INT(agent_new(STR(""), &agent, &e), ERR_INVALID);
    CHECK_INT(agent_new(STR("{}"), &agent, &e), ERR_INVALID);
    CHECK_INT(agent_new(STR("{\"agent\":{\"agent\":\"x\"}}"), &agent, &e), ERR_INVALID);
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
        cmocka_unit_test(a_stored_version_that_today_s_rules_refuse_is_still_recalled),
        cmocka_unit_test(a_bundle_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
