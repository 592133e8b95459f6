/* A module from its file: what it is does not depend on how the file is laid out, nor on its version. */
#include "test.h"

#include "engine/module.h"

static struct arena *a;

static int group_start(void **state)
{
    (void)state;
    a = arena_new("test", 0);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static struct module of(const char *folder, const char *name, const char *text)
{
    struct module m = {0};
    struct err e;
    if (module_read(a, module_kind_of_folder(str_of(folder)), str_of(name), str_of(text), "file", &m, &e) < 0)
        fail_msg("%s", e.text);
    return m;
}

static bool same(const struct module *x, const struct module *y)
{
    return sha256_eq(&x->sha, &y->sha) && str_eq(x->body, y->body);
}

TEST(layout_order_version_and_change_are_no_content)
{
    struct module one =
        of("macros", "cards",
           "macros: cards\nversion: 1.0.0\nsummary: Texts.\ntexts:\n  b: {en: B}\n  a: {en: A, pt: AA}\n");
    struct module two = of("macros", "cards",
                           "# a comment\r\ntexts:\r\n  a:\r\n    pt: \"AA\"\r\n    en: A\r\n  b:\r\n    en: B\r\n"
                           "summary: Texts.\r\nchange: nothing\r\nversion: 2.0.0\r\nmacros: cards\r\n");
    CHECK(same(&one, &two));
    CHECK_STR(two.change, "nothing");
    CHECK_INT(two.version.major, 2);
    CHECK_STR(one.body, "{\"macros\":\"cards\",\"summary\":\"Texts.\",\"texts\":{\"a\":{\"en\":\"A\",\"pt\":\"AA\"},"
                        "\"b\":{\"en\":\"B\"}}}");
    struct module three =
        of("macros", "cards", "macros: cards\nversion: 1.0.0\nsummary: Texts.\ntexts: {b: {en: B}}\n");
    CHECK(!same(&one, &three));
}

TEST(blanks_and_line_ends_of_instructions_are_no_content_and_their_words_are)
{
    struct module one = of("instructions", "voice", "---\nmodule: voice\nversion: 1.0.0\n---\n## Must\n- Be kind.\n");
    struct module two = of("instructions", "voice",
                           "---\r\nversion: 1.0.1\r\nmodule: voice\r\n---\r\n\r\n## Must  \r\n- Be kind.\t\r\n\r\n");
    CHECK(same(&one, &two));
    CHECK_STR(json_str(json_get(one.data, "text")), "## Must\n- Be kind.");
    CHECK_INT(json_get(one.data, "text")->line, 5);
    struct module three =
        of("instructions", "voice", "---\nmodule: voice\nversion: 1.0.0\n---\n## Must\n-  Be kind.\n");
    CHECK(!same(&one, &three));
}

static void reads_back(const char *folder, const char *name, const char *text)
{
    struct module one = of(folder, name, text), two = of(folder, name, module_file(a, &one).p);
    if (!same(&one, &two))
        fail_msg("the file of %s is another module", name);
    assert_int_equal(semver_cmp(one.version, two.version), 0);
    assert_true(str_eq(one.change, two.change));
}

TEST(the_file_of_a_module_reads_back_as_the_same_module)
{
    reads_back(
        "macros", "m",
        "macros: m\nversion: 1.0.0\nchange: \"a: b # c\"\ntexts:\n  a:\n    en: \"line\\nline \\u2028 \\u0085 \\u007f"
        " \\\"quoted\\\" 'x' \\t: # - {[*&!|>%@`\"\n    pt: ' yes '\n    es: \"007\"\n    fr: \"true\"\n"
        "    de: \"\"\n    it: \"- x\"\n    nl: \"\xf0\x9f\x98\x80 \xc3\xa7\"\n    \"1\": x\n");
    reads_back("routines", "r",
               "routine: r\nversion: 0.2.10\nsummary: S.\nsteps:\n  - {id: a, call: [t, u], on_error: {refused: b}}\n"
               "  - {id: b, handoff: data_unavailable}\n");
    reads_back(
        "tools", "t",
        "tool: t\nversion: 1.0.0\nsummary: S\neffect: read\ninput: {type: object, properties: {}, a: [[1, 2.5], []],\n"
        "  b: [[{c: 1, d: [x]}], null, true]}\nhttp: {url: \"${x}/y\"}\nexamples: [{args: {}, result: null}]\n");
    reads_back("instructions", "i", "---\nmodule: i\nversion: 3.0.0\nsummary: S\n---\n# A\n\n- b\n  c\n---\nd\n");
    reads_back("policies", "p", "policy: p\nversion: 1.0.0\nrules:\n  - {id: P1, text: \"Never: this.\"}\n");
}

TEST(a_bump_changes_the_number_and_no_other_byte)
{
    struct str out;
    struct err e;
    static const char text[] =
        "# version: 9.9.9\r\ntool: t  \r\nversion:   \"1.0.9\"   # why\r\nsteps:\r\n  version: 2.0.0";
    CHECK_INT(module_file_bump(a, str_of(text), "f", (struct semver){1, 0, 10}, &out, &e), 0);
    CHECK_STR(out, "# version: 9.9.9\r\ntool: t  \r\nversion:   \"1.0.10\"   # why\r\nsteps:\r\n  version: 2.0.0");
    CHECK_INT(module_file_bump(a, STR("{tool: t, version: 1.0.0}"), "f", (struct semver){1, 1, 0}, &out, &e),
              ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("no line `version: NUMBER`")));
}

TEST(a_name_may_say_which_versions_it_means)
{
    struct module_reference r;
    struct err e;
    CHECK_INT(module_reference_parse(STR("voice_core"), &r, &e), 0);
    CHECK(r.any);
    CHECK_INT(module_reference_parse(STR("voice_core@^1.4"), &r, &e), 0);
    CHECK_STR(r.name, "voice_core");
    CHECK(!r.any && semver_in((struct semver){1, 9, 0}, r.range));
    static const char *const refused[] = {
        "", "@1.0.0", "Voice", "../voice", "voice@", "voice@1", "voice@1.0.0@2.0.0", "voice @1.0.0"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK_INT(module_reference_parse(str_of(refused[i]), &r, &e), ERR_INVALID);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(layout_order_version_and_change_are_no_content),
    cmocka_unit_test(blanks_and_line_ends_of_instructions_are_no_content_and_their_words_are),
    cmocka_unit_test(the_file_of_a_module_reads_back_as_the_same_module),
    cmocka_unit_test(a_bump_changes_the_number_and_no_other_byte),
    cmocka_unit_test(a_name_may_say_which_versions_it_means),
};

int main(void)
{
    return cmocka_run_group_tests(tests, group_start, group_end);
}
