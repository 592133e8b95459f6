/* One agent, a variant for each family of models. */
#include "test.h"
#include "world.h"

#include "engine/variant.h"

static struct arena *a;
static struct err e;

static struct str base(void)
{
    struct str bundle;
    if (agent_bundle(a, "examples/card-delivery", "card-delivery", NULL, &bundle, &e) < 0)
        fail_msg("%s", e.text);
    return bundle;
}

static struct agent *for_model(const char *model)
{
    struct agent *ag;
    struct str bundle;
    if (variant_bundle(a, base(), str_of(model), &bundle, &e) < 0 || agent_new(bundle, &ag, &e) < 0)
        fail_msg("%s", e.text);
    return ag;
}

TEST(a_family_is_the_beginning_of_a_models_name_up_to_a_border_without_its_vendor)
{
    CHECK(variant_is_of(STR("gpt-5"), STR("gpt-5")) && variant_is_of(STR("gpt-5-mini"), STR("gpt-5")));
    CHECK(variant_is_of(STR("openai/gpt-5.1"), STR("gpt-5")) && variant_is_of(STR("a/b/gpt-5:free"), STR("gpt-5")));
    CHECK(!variant_is_of(STR("gpt-50"), STR("gpt-5")) && !variant_is_of(STR("gpt-4o"), STR("gpt-5")));
    CHECK(!variant_is_of(STR("gpt"), STR("gpt-5")) && !variant_is_of(STR(""), STR("gpt-5")));
    CHECK(!variant_is_of(STR("gpt-5"), STR("")));
}

TEST(the_offline_provider_gets_the_base_and_a_model_a_short_prompt)
{
    a = arena_new("variant", 0);
    struct agent *offline = for_model("offline"), *nobody = for_model(""), *model = for_model("some-model");
    struct sha256 sha = sha256_of(base());
    CHECK(sha256_eq(&offline->sha, &sha) && sha256_eq(&nobody->sha, &sha) && !sha256_eq(&model->sha, &sha));
    CHECK(str_has(offline->shared, STR("\\\"phrases\\\"")) && !str_has(model->shared, STR("\\\"phrases\\\"")));
    CHECK(str_has(model->shared, STR("\\\"values\\\":[\\\"")));
    CHECK(model->shared.n < offline->shared.n * 3 / 4);
    CHECK(str_eq(model->tools_json, offline->tools_json));
    CHECK(!str_has(offline->shared, STR("tool_first")) && !str_has(model->shared, STR("tool_first")));
    agent_free(offline);
    agent_free(nobody);
    agent_free(model);
    arena_free(a);
}

TEST(an_overlay_adds_and_sets_and_has_an_identity_of_its_own)
{
    a = arena_new("variant", 0);
    struct agent *other = for_model("gpt-4o"), *five = for_model("openai/gpt-5-mini"), *same = for_model("gpt-5");
    CHECK(str_has(five->shared, STR("# tool_first\\n## Must\\n- Call the tools")));
    CHECK_INT(five->budgets.reply_chars, 500);
    CHECK_INT(other->budgets.reply_chars, 900);
    CHECK(!sha256_eq(&five->sha, &other->sha) && sha256_eq(&five->sha, &same->sha));
    CHECK_STR(five->version, str_c(a, other->version));
    agent_free(other);
    agent_free(five);
    agent_free(same);
    arena_free(a);
}

/* Two families, one of which takes a module away and is the beginning of the other. */
TEST(the_longest_family_counts_and_what_it_removes_is_gone)
{
    a = arena_new("variant", 0);
    struct json *all, *variants;
    struct str bundle;
    struct agent *ag;
    CHECK_INT(json_parse(a, base(), &all, &e), 0);
    CHECK_INT(json_parse(a,
                         STR("[{\"when\":{\"model_family\":\"gpt\"},\"set\":{\"budgets.reply_chars\":1}},{\"when\":{"
                             "\"model_family\":\"gpt-5\"},\"remove\":{\"instructions\":[\"voice\"]},\"set\":{\"pin\":"
                             "\"turn\"}}]"),
                         &variants, &e),
              0);
    json_set((struct json *)json_get(all, "agent"), STR("variants"), variants);
    CHECK_INT(variant_bundle(a, json_canonical(a, all), STR("gpt-5-nano"), &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &ag, &e), 0);
    CHECK(ag->pin_turn && ag->budgets.reply_chars == 900 && !str_has(ag->shared, STR("# voice\\n")));
    CHECK(!str_has(bundle, STR("\"variants\"")));
    agent_free(ag);
    CHECK_INT(variant_bundle(a, json_canonical(a, all), STR("gpt-4o"), &bundle, &e), 0);
    CHECK_INT(agent_new(bundle, &ag, &e), 0);
    CHECK(!ag->pin_turn && ag->budgets.reply_chars == 1 && str_has(ag->shared, STR("# voice\\n")));
    agent_free(ag);
    arena_free(a);
}

RUN(cmocka_unit_test(a_family_is_the_beginning_of_a_models_name_up_to_a_border_without_its_vendor),
    cmocka_unit_test(the_offline_provider_gets_the_base_and_a_model_a_short_prompt),
    cmocka_unit_test(an_overlay_adds_and_sets_and_has_an_identity_of_its_own),
    cmocka_unit_test(the_longest_family_counts_and_what_it_removes_is_gone))
