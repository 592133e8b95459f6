/* What an agent's draft names, from the working tree and from the store. */
#include "store_fixture.h"

#include "engine/agent.h"
#include "engine/composition.h"
#include "engine/published.h"

/* The example beside a store that has two versions of its voice. */
struct shop {
    struct place place;
    const char *dir;
    struct published published;
};

static void shell(const char *command)
{
    assert_int_equal(system(command), 0);
}

static void publish_voice(struct shop *s, const char *version, const char *text)
{
    struct module m;
    struct err e;
    struct str file = str_f(s->place.a, "---\nmodule: voice\nversion: %s\n---\n%s\n", version, text);
    if (module_read(s->place.a, module_kind_of_folder(STR("instructions")), STR("voice"), file, "voice", &m, &e) < 0)
        fail_msg("%s", e.text);
    struct module_row row = {.kind = STR("instructions"),
                             .name = STR("voice"),
                             .version = str_of(version),
                             .sha = m.sha,
                             .body = m.body,
                             .change = STR(""),
                             .published_by = STR("ana")};
    if (registry_publish(s->place.s, &row, 1, NULL, 0, &e) < 0)
        fail_msg("%s", e.text);
}

static struct shop shop_new(void)
{
    struct shop s = {.place = place_new()};
    s.dir = str_f(s.place.a, "%s/w", s.place.folder).p;
    shell(str_f(s.place.a, "cp -r examples/card-delivery '%s'", s.dir).p);
    s.published.store = s.place.s;
    publish_voice(&s, "1.10.0", "Newer.");
    publish_voice(&s, "1.9.0", "Older.");
    publish_voice(&s, "0.9.0", "Oldest.");
    return s;
}

static void shop_free(struct shop *s)
{
    shell(str_f(s->place.a, "rm -r '%s'", s->dir).p);
    place_free(&s->place);
}

static struct composition composed(struct shop *s, const char *voice)
{
    struct composition c = {0};
    struct err e;
    struct module_source source = published_source(&s->published);
    shell(str_f(s->place.a, "sed -i 's/\\[voice[^,]*,/[%s,/' '%s/agents/card-delivery.yaml'", voice, s->dir).p);
    if (composition_read(s->place.a, s->dir, "card-delivery", &source, &c, &e) < 0)
        fail_msg("%s", e.text);
    return c;
}

TEST(a_draft_whose_version_fits_goes_before_what_was_published)
{
    struct shop s = shop_new();
    struct composition c = composed(&s, "voice@^1.0"); /* the draft is 1.0.0 */
    CHECK(!c.modules[0].published);
    c = composed(&s, "voice");
    CHECK(!c.modules[0].published);
    shop_free(&s);
}

TEST(of_published_versions_the_highest_that_fits_is_taken)
{
    struct shop s = shop_new();
    struct composition c = composed(&s, "voice@^1.2");
    CHECK(c.modules[0].published);
    CHECK_STR(semver_text(s.place.a, c.modules[0].version), "1.10.0");
    CHECK(str_has(c.bundle, STR("\"Newer.\"")));
    c = composed(&s, "voice@~1.9");
    CHECK(str_has(c.bundle, STR("\"Older.\"")));
    c = composed(&s, "voice@0.9.0");
    CHECK(str_has(c.bundle, STR("\"Oldest.\"")));
    shop_free(&s);
}

TEST(a_bundle_names_the_versions_that_were_taken_however_the_draft_named_them)
{
    struct shop s = shop_new();
    struct composition any = composed(&s, "voice"), range = composed(&s, "voice@^1.0"),
                       exact = composed(&s, "voice@1.0.0");
    CHECK(str_eq(any.bundle, range.bundle));
    CHECK(str_eq(any.bundle, exact.bundle));
    CHECK(str_has(any.bundle, STR("\"voice@1.0.0\"")));
    CHECK(str_has(composition_lock(s.place.a, &any), STR("\"kind\":\"tools\",\"name\":\"reissue_card\"")));
    shop_free(&s);
}

TEST(a_module_without_a_file_comes_from_the_store_when_a_version_is_named)
{
    struct shop s = shop_new();
    shell(str_f(s.place.a, "rm '%s/instructions/voice.md'", s.dir).p);
    struct composition c = composed(&s, "voice@^1.9.0");
    CHECK(c.modules[0].published);
    struct module_source source = published_source(&s.published);
    struct err e;
    shell(str_f(s.place.a, "sed -i 's/voice@^1.9.0/voice/' '%s/agents/card-delivery.yaml'", s.dir).p);
    CHECK_INT(composition_read(s.place.a, s.dir, "card-delivery", &source, &c, &e), ERR_NOT_FOUND);
    shell(str_f(s.place.a, "sed -i 's/\\[voice,/[voice@^3.0,/' '%s/agents/card-delivery.yaml'", s.dir).p);
    CHECK_INT(composition_read(s.place.a, s.dir, "card-delivery", &source, &c, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text),
                  STR("no published version of instructions/voice fits ^3.0, and the draft is not there")));
    shop_free(&s);
}

TEST(a_body_that_is_not_what_was_published_is_refused)
{
    struct shop s = shop_new();
    struct module_row row = {.kind = STR("instructions"),
                             .name = STR("voice"),
                             .version = STR("1.11.0"),
                             .sha = sha256_of(STR("{\"module\":\"voice\",\"text\":\"Kind.\"}")),
                             .body = STR("{\"module\":\"voice\",\"text\":\"Rude.\"}"),
                             .change = STR(""),
                             .published_by = STR("ana")};
    struct module m;
    struct module_reference ref = {.name = STR("voice"), .any = true};
    struct err e;
    CHECK_INT(registry_publish(s.place.s, &row, 1, NULL, 0, &e), 0);
    CHECK_INT(published_module(&s.published, s.place.a, module_kind_of_folder(row.kind), &ref, &m, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("instructions/voice@1.11.0 is not what was published")));
    shop_free(&s);
}

TEST(a_published_agent_is_found_by_its_version_and_without_its_files)
{
    struct shop s = shop_new();
    struct composition c = composed(&s, "voice");
    struct registry_entry entry = {.row = {.name = STR("card-delivery"),
                                           .version = STR("1.0.0"),
                                           .lock = composition_lock(s.place.a, &c),
                                           .change = STR(""),
                                           .published_by = STR("ana")},
                                   .bundle = c.bundle};
    struct published_agent found;
    struct err e;
    struct str bundle;
    CHECK_INT(registry_publish(s.place.s, NULL, 0, &entry, 1, &e), 0);
    CHECK_INT(published_bundle(&s.published, s.place.a, "/nowhere", STR("card-delivery@1.0.0"), &bundle, &e), 0);
    CHECK(str_eq(bundle, c.bundle));
    struct module_reference ref = {.name = STR("card-delivery"), .any = true};
    CHECK_INT(published_agent(&s.published, s.place.a, &ref, &found, &e), 0);
    CHECK(str_eq(found.self.body, c.self.body));
    CHECK_INT(published_bundle(&s.published, s.place.a, "/nowhere", STR("card-delivery@2.0.0"), &bundle, &e),
              ERR_NOT_FOUND);
    CHECK(str_has(str_of(e.text), STR("published are: 1.0.0")));
    CHECK_INT(published_bundle(&s.published, s.place.a, "/nowhere", STR("nobody@2.0.0"), &bundle, &e), ERR_NOT_FOUND);
    CHECK(str_has(str_of(e.text), STR("candor publish")));
    CHECK_INT(published_bundle(&s.published, s.place.a, "/nowhere", STR("nobody@two"), &bundle, &e), ERR_INVALID);
    shop_free(&s);
}

RUN(cmocka_unit_test(a_draft_whose_version_fits_goes_before_what_was_published),
    cmocka_unit_test(of_published_versions_the_highest_that_fits_is_taken),
    cmocka_unit_test(a_bundle_names_the_versions_that_were_taken_however_the_draft_named_them),
    cmocka_unit_test(a_module_without_a_file_comes_from_the_store_when_a_version_is_named),
    cmocka_unit_test(a_body_that_is_not_what_was_published_is_refused),
    cmocka_unit_test(a_published_agent_is_found_by_its_version_and_without_its_files))
