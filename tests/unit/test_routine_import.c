#include "test.h"

#include "base/yaml.h"
#include "routine/import.h"

static struct arena *a;
static struct err e;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    e = (struct err){0};
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

static struct drafts read_sop(const char *text)
{
    struct drafts ds = {0};
    if (routine_import(a, "sop.md", str_of(text), &ds, &e) < 0)
        print_error("%s\n", e.text);
    return ds;
}

/* The routine as the runtime reads it; its file must be right. */
static struct routine routine_of(const struct drafts *ds, const char *name)
{
    struct routine r = {0};
    for (const struct draft *d = ds->first; d; d = d->next) {
        struct json *spec = NULL;
        if (!str_is(d->name, name))
            continue;
        if (yaml_parse(a, draft_yaml(ds, d), "draft.yaml", &spec, &e) < 0 ||
            routine_read(a, spec, "draft.yaml", &r, &e) < 0)
            print_error("%s\n%.*s\n", e.text, STR_ARG(draft_yaml(ds, d)));
    }
    assert_true(r.steps_n > 0);
    return r;
}

/* "verb id -> targets" of each step of the file. */
static struct str outline(const struct routine *r)
{
    struct buf b = buf_new(a, 10000);
    for (size_t i = 0; i < r->top_n; i++) {
        const struct routine_step *s = &r->steps[i];
        buf_addf(&b, "%s%s %.*s", i ? "; " : "", routine_verb_name(s->verb), STR_ARG(s->id));
        for (size_t k = 0; k < s->branches_n; k++)
            if (s->branches[k].to >= 0 && (size_t)s->branches[k].to < r->top_n)
                buf_addf(&b, " %.*s:%.*s", STR_ARG(s->branches[k].on), STR_ARG(r->steps[s->branches[k].to].id));
    }
    return buf_str(&b);
}

static bool file_has(const struct drafts *ds, const char *words)
{
    return str_has(draft_yaml(ds, ds->first), str_of(words));
}

TEST(numbered_steps_become_one_routine_with_branches_that_lead_where_the_text_says)
{
    struct drafts ds = read_sop("# Parcels\n"
                                "## Path 1: Lost parcels\n"
                                "### Step 1.0: Look\n"
                                "- Ask the customer for the order number.\n"
                                "\n"
                                "**If the parcel is LOST:**\n"
                                "- Tell the customer that it is lost.\n"
                                "- Proceed to Step 1.2\n"
                                "\n"
                                "**If the parcel is late:**\n"
                                "- Proceed to Step 1.1\n"
                                "### Step 1.1: Wait\n"
                                "Ask the customer to wait.\n"
                                "### Step 1.2: A person\n"
                                "Transfer the customer to a human agent.\n");
    CHECK(ds.n == 1);
    struct routine r = routine_of(&ds, "lost_parcels");
    CHECK(str_has(outline(&r), STR("decide step_1_0_2")));
    CHECK(str_has(outline(&r), STR("ask step_1_1")));
    CHECK(str_has(outline(&r), STR("handoff step_1_2")));
    int lost = r.steps[1].branches[0].to, late = r.steps[1].branches[1].to;
    CHECK(r.steps[lost].verb == ROUTINE_SAY && r.steps[late].verb == ROUTINE_GOTO);
    CHECK(str_is(r.steps[r.steps[late].branches[0].to].id, "step_1_1"));
}

TEST(a_path_that_another_one_names_is_called_and_an_unknown_place_is_a_todo)
{
    struct drafts ds = read_sop("## Path 1: First\n"
                                "### Step 1.0: Look\n"
                                "- Follow Path 2 first.\n"
                                "- Proceed to Step 7\n"
                                "## Path 2: Second\n"
                                "### Step 2.0: Ask\n"
                                "Ask them to restart the device.\n");
    CHECK(ds.n == 2);
    struct routine r = routine_of(&ds, "first");
    CHECK(r.steps[0].verb == ROUTINE_CALL_ROUTINE);
    CHECK_STR(r.steps[0].name, "second");
    CHECK(file_has(&ds, "# " DRAFT_MARK ": the document has no step 7"));
}

TEST(a_sentence_becomes_the_verb_that_its_first_words_say)
{
    struct drafts ds = read_sop("## Refunds\n"
                                "- Ask the customer for their order number.\n"
                                "- Look up the order.\n"
                                "- If the order is paid, refund it.\n"
                                "- Otherwise, tell the customer that nothing was paid.\n"
                                "- Refunds take five days.\n");
    struct routine r = routine_of(&ds, "refunds");
    CHECK(r.steps[0].verb == ROUTINE_ASK && r.steps[1].verb == ROUTINE_CALL && r.steps[2].verb == ROUTINE_DECIDE);
    CHECK(r.steps[3].verb == ROUTINE_CONFIRM && r.steps[4].verb == ROUTINE_ACT && r.steps[5].verb == ROUTINE_SAY);
    CHECK(file_has(&ds, "  # Refunds take five days."));
    CHECK(file_has(&ds, "{slot: order_number, question: sop.refunds_ask_order_number}"));
    CHECK(str_has(draft_macros_yaml(&ds),
                  STR("refunds_ask_order_number: {en: \"Ask the customer for their order number.\"}")));
    CHECK(str_has(draft_scratchpad_yaml(&ds), STR("- {slot: order_number, type: text")));
}

TEST(prose_that_asks_for_nothing_is_told_as_left_out)
{
    struct drafts ds = read_sop("# Shop\nWe sell boots.\n## Returns\nGather the order number.\n");
    CHECK(ds.n == 1);
    assert_non_null(ds.left.first);
    CHECK_STR(ds.left.first->text, "Shop (line 2)");
}

TEST(a_document_without_a_procedure_is_refused)
{
    struct drafts ds;
    CHECK(routine_import(a, "a/b.md", STR("# Shop\nWe sell boots.\n"), &ds, &e) == ERR_UNDEFINED);
    CHECK(str_has(str_of(e.text), STR("a/b.md: there is no procedure in it")));
    CHECK(routine_import(a, "b.md", (struct str){"\xff", 1}, &ds, &e) == ERR_INVALID);
}

/* --- guidelines --- */

#define ACTION(type, button, text, subtext) \
    "{\"type\": \"" type "\", \"button\": \"" button "\", \"text\": \"" text "\", \"subtext\": [" subtext "]}"

/* The tools in the order of the file. */
static struct str tools_of(const struct routine *r)
{
    struct buf b = buf_new(a, 1000);
    for (size_t i = 0; i < r->top_n; i++)
        if (r->steps[i].verb == ROUTINE_CALL || r->steps[i].verb == ROUTINE_CONFIRM)
            buf_addf(&b, "%s%.*s", b.n ? " " : "", STR_ARG(r->steps[i].calls[0].tool));
    return buf_str(&b);
}

/* A flow whose first subflow has the buttons Send Link and Notify Team, in this order; its second one is given. */
static struct drafts read_guidelines(const char *actions, const char *instruction)
{
    struct drafts ds = {0};
    const char *first =
        ACTION("interaction", "Send Link", "Send", "") "," ACTION("interaction", "Notify Team", "Tell", "");
    struct str text = str_f(a,
                            "{\"Orders\": {\"description\": \"d\", \"subflows\": {"
                            "\"First\": {\"actions\": [%s], \"instructions\": []}, "
                            "\"Second\": {\"actions\": [%s], \"instructions\": [\"%s\", \"Bye\"]}}}}",
                            first, actions, instruction);
    if (routine_import(a, "g.json", text, &ds, &e) < 0)
        print_error("%s\n", e.text);
    return ds;
}

TEST(a_button_stands_where_the_texts_name_it_and_a_conditional_one_is_a_branch)
{
    struct drafts ds = read_guidelines(
        ACTION("interaction", "Send Link", "Find out the address",
               "\"If it is unknown, use [Ask System]\", \"Then click [Send Link]\"") "," ACTION("kb query",
                                                                                                "Ask System", "Look",
                                                                                                ""),
        "Do it");
    struct routine r = routine_of(&ds, "second");
    CHECK_STR(tools_of(&r), "ask_system send_link ask_system");
}

TEST(a_button_that_another_step_only_mentions_is_a_todo_and_no_action)
{
    struct drafts ds = read_guidelines(
        ACTION("interaction", "Send Link", "Click [Send Link]", "\"Then [Notify Team] hears of it\""), "Do it");
    struct routine r = routine_of(&ds, "second");
    CHECK_STR(tools_of(&r), "send_link");
    CHECK(str_has(draft_yaml(&ds, ds.last),
                  STR("# " DRAFT_MARK ": the text names [Notify Team] too: a step of its own?")));
}

TEST(steps_in_any_order_take_the_order_in_which_the_flow_names_their_buttons)
{
    const char *turned =
        ACTION("interaction", "Notify Team", "Tell", "") "," ACTION("interaction", "Send Link", "Send", "");
    struct drafts free = read_guidelines(turned, "In any order"), fixed = read_guidelines(turned, "Do it");
    struct routine r = routine_of(&free, "second"), s = routine_of(&fixed, "second");
    CHECK_STR(tools_of(&r), "send_link notify_team");
    CHECK_STR(tools_of(&s), "notify_team send_link");
}

/* --- the 55 procedures of ABCD, where they are --- */

static struct json *shared_json(const char *name)
{
    struct buf b = buf_new(a, 1 << 20);
    struct json *v = NULL;
    const char *path = test_shared(str_f(a, "data/abcd/%s", name).p);
    FILE *f = path ? fopen(path, "rb") : NULL;
    char block[4096];
    for (size_t n; f && (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(&b, (struct str){block, n});
    if (f)
        fclose(f);
    return json_parse(a, buf_str(&b), &v, &e) == 0 ? v : NULL;
}

/* The answer key calls some buttons by other names than the guidelines do. */
static struct str key_name(struct str tool)
{
    static const char *const other[][2] = {{"membership_privileges", "membership"},
                                           {"notify_internal_team", "notify-team"},
                                           {"enter_detail", "enter-details"},
                                           {"select_answer", "select-faq"},
                                           {"boots", "search-boots"},
                                           {"shirt", "search-shirt"},
                                           {"jeans", "search-jeans"},
                                           {"jacket", "search-jacket"},
                                           {"pricing", "search-pricing"},
                                           {"membership", "search-membership"},
                                           {"timing", "search-timing"},
                                           {"policy", "search-policy"}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (str_is(tool, other[i][0]))
            return str_of(other[i][1]);
    char *name = (char *)str_copy(a, tool).p;
    for (size_t i = 0; i < tool.n; i++)
        if (name[i] == '_')
            name[i] = '-';
    return (struct str){name, tool.n};
}

static bool same_order(const struct routine *r, const struct json *key)
{
    struct str rest = tools_of(r), tool;
    for (const struct json *k = key->child; k; k = k->next)
        if (!str_split(&rest, ' ', &tool) || !str_eq(key_name(tool), json_str(k)))
            return false;
    return !str_split(&rest, ' ', &tool);
}

TEST(the_actions_of_the_55_abcd_procedures_come_in_the_order_of_the_answer_key)
{
    struct drafts ds;
    if (!test_shared("data/abcd/guidelines.json"))
        skip();
    struct json *guidelines = shared_json("guidelines.json"), *key = shared_json("kb.json"),
                *words = shared_json("ontology.json");
    assert_true(guidelines && key && words);
    assert_int_equal(routine_import(a, "guidelines.json", json_text(a, guidelines), &ds, &e), 0);
    size_t same = 0, n = 0;
    const struct draft *d = ds.first;
    for (const struct json *flow = guidelines->child; flow;
         flow = flow->next) { /* both list a flow's subflows in one order */
        struct str name = draft_slug(a, flow->key, 8);
        const struct json *ids = json_get(json_path(words, STR("intents.subflows")), str_c(a, name));
        for (const struct json *id = ids->child; id; id = id->next, d = d->next, n++) {
            struct routine r = routine_of(&ds, str_c(a, d->name));
            bool right = same_order(&r, json_get(key, str_c(a, json_str(id))));
            same += right;
            if (!right)
                print_error("%.*s: %.*s\n", STR_ARG(d->name), STR_ARG(tools_of(&r)));
        }
    }
    print_message("%zu/%zu action sequences equal kb.json\n", same, n);
    CHECK(n == 55 && same == 55);
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(numbered_steps_become_one_routine_with_branches_that_lead_where_the_text_says),
    ROW(a_path_that_another_one_names_is_called_and_an_unknown_place_is_a_todo),
    ROW(a_sentence_becomes_the_verb_that_its_first_words_say), ROW(prose_that_asks_for_nothing_is_told_as_left_out),
    ROW(a_document_without_a_procedure_is_refused),
    ROW(a_button_stands_where_the_texts_name_it_and_a_conditional_one_is_a_branch),
    ROW(a_button_that_another_step_only_mentions_is_a_todo_and_no_action),
    ROW(steps_in_any_order_take_the_order_in_which_the_flow_names_their_buttons),
    ROW(the_actions_of_the_55_abcd_procedures_come_in_the_order_of_the_answer_key))
