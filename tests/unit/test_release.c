/* May this draft be published, beside what was published before? */
#include "test.h"

#include "engine/release.h"

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

/* A pack of macros; `texts` as flow YAML. */
static struct module pack(const char *version, const char *texts)
{
    struct module m = {0};
    struct err e;
    struct str file = str_f(a, "macros: m\nversion: %s\ntexts: %s\n", version, texts);
    if (module_read(a, module_kind_of_folder(STR("macros")), STR("m"), file, "m", &m, &e) < 0)
        fail_msg("%s", e.text);
    return m;
}

#define ONE   "{a: {en: x}}"
#define WORDS "{a: {en: y}}"
#define MORE  "{a: {en: x}, b: {en: x}}"
#define OTHER "{b: {en: x}}"

TEST(a_version_moves_at_least_as_far_as_what_changed_demands)
{
    static const struct {
        const char *published[3][2]; /* version, texts */
        const char *version, *texts;
        enum release_state state;
        const char *smallest;
    } cases[] = {
        {{{NULL}}, "0.3.7", ONE, RELEASE_NEW, NULL},
        {{{"1.0.0", ONE}}, "1.0.0", ONE, RELEASE_ALREADY, NULL},
        {{{"1.0.0", ONE}}, "1.0.0", WORDS, RELEASE_REFUSED, "1.0.1"},
        {{{"1.0.0", ONE}}, "1.0.1", WORDS, RELEASE_NEW, NULL},
        {{{"1.0.0", ONE}}, "2.0.0", WORDS, RELEASE_NEW, NULL}, /* further than it must */
        {{{"1.0.0", ONE}}, "1.0.9", MORE, RELEASE_REFUSED, "1.1.0"},
        {{{"1.0.0", ONE}}, "1.1.0", MORE, RELEASE_NEW, NULL},
        {{{"1.0.0", ONE}}, "1.7.0", OTHER, RELEASE_REFUSED, "2.0.0"},
        {{{"1.0.0", ONE}}, "2.0.0", OTHER, RELEASE_NEW, NULL},
        {{{"1.0.0", ONE}}, "1.0.1", ONE, RELEASE_NEW, NULL}, /* the same under a new number */
        {{{"1.0.0", ONE}}, "0.9.0", WORDS, RELEASE_REFUSED, "1.0.1"},
        {{{"0.1.0", ONE}}, "0.1.1", MORE, RELEASE_NEW, NULL},
        {{{"0.1.0", ONE}}, "0.1.1", OTHER, RELEASE_REFUSED, "0.2.0"},
        /* an old line goes on beside a newer one */
        {{{"1.0.0", ONE}, {"2.0.0", OTHER}}, "1.0.1", WORDS, RELEASE_NEW, NULL},
        {{{"1.0.0", ONE}, {"1.0.1", WORDS}, {"2.0.0", OTHER}}, "1.0.1", MORE, RELEASE_REFUSED, "2.1.0"},
        /* what is there already has its number */
        {{{"1.0.0", ONE}, {"1.0.1", WORDS}}, "1.0.0", WORDS, RELEASE_REFUSED, "1.0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct module published[3], draft = pack(cases[i].version, cases[i].texts);
        size_t n = 0;
        for (; n < 3 && cases[i].published[n][0]; n++)
            published[n] = pack(cases[i].published[n][0], cases[i].published[n][1]);
        struct release_item item = release_look(a, &draft, published, n);
        if (item.state != cases[i].state)
            fail_msg("case %zu: %d", i, item.state);
        if (cases[i].smallest)
            CHECK_STR(semver_text(a, item.smallest), cases[i].smallest);
        CHECK(item.state != RELEASE_REFUSED || item.changes.n > 0 || item.needed == SEMVER_NONE);
    }
}

TEST(what_is_told_to_be_the_smallest_version_is_accepted_and_nothing_below_it)
{
    static const char *const texts[] = {ONE, WORDS, MORE, OTHER};
    for (size_t x = 0; x < 4; x++)
        for (size_t y = 0; y < 4; y++) {
            struct module published = pack("1.4.2", texts[x]), draft = pack("1.4.2", texts[y]);
            struct release_item item = release_look(a, &draft, &published, 1);
            if (item.state != RELEASE_REFUSED)
                continue;
            struct module next = draft;
            next.version = item.smallest;
            CHECK_INT(release_look(a, &next, &published, 1).state, RELEASE_NEW);
            for (enum semver_step step = SEMVER_PATCH; step < item.needed; step++) {
                next.version = semver_next(published.version, step);
                CHECK_INT(release_look(a, &next, &published, 1).state, RELEASE_REFUSED);
            }
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_version_moves_at_least_as_far_as_what_changed_demands),
    cmocka_unit_test(what_is_told_to_be_the_smallest_version_is_accepted_and_nothing_below_it),
};

int main(void)
{
    return cmocka_run_group_tests(tests, group_start, group_end);
}
