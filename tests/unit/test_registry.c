/* Published versions: written once, all of a release or nothing of it. */
#include "store_fixture.h"

#include "base/fault.h"
#include "store/query.h"
#include "store/registry.h"

#include <signal.h>
#include <sys/wait.h>

static struct module_row module_of(const char *name, const char *version, const char *body)
{
    return (struct module_row){.kind = STR("tools"),
                               .name = str_of(name),
                               .version = str_of(version),
                               .sha = sha256_of(str_of(body)),
                               .body = str_of(body),
                               .change = STR("why"),
                               .published_by = STR("ana"),
                               .published_us = 7};
}

static struct registry_entry agent_of(const char *version, const char *bundle)
{
    return (struct registry_entry){.row = {.name = STR("teller"),
                                           .version = str_of(version),
                                           .lock = STR("[]"),
                                           .change = STR(""),
                                           .published_by = STR("ana"),
                                           .published_us = 7},
                                   .bundle = str_of(bundle)};
}

static size_t modules_n(struct place *p, const char *name)
{
    struct module_row *rows;
    size_t n = 0;
    struct err e;
    if (registry_modules(p->s, p->a, STR("tools"), str_of(name), &rows, &n, &e) < 0)
        fail_msg("%s", e.text);
    return n;
}

TEST(what_was_published_is_read_as_it_was_written)
{
    struct place p = place_new();
    struct module_row m = module_of("look", "1.0.0", "{\"a\":1}"), *modules;
    struct registry_entry agent = agent_of("1.2.0", "{\"agent\":{}}");
    struct agent_row *agents;
    size_t n;
    struct err e;
    struct str bundle;
    CHECK_INT(registry_publish(p.s, &m, 1, &agent, 1, &e), 0);
    CHECK_INT(registry_modules(p.s, p.a, STR("tools"), STR("look"), &modules, &n, &e), 0);
    CHECK_INT(n, 1);
    CHECK_STR(modules[0].body, "{\"a\":1}");
    CHECK_STR(modules[0].change, "why");
    CHECK(sha256_eq(&modules[0].sha, &m.sha));
    CHECK_INT(registry_agents(p.s, p.a, STR("teller"), &agents, &n, &e), 0);
    CHECK_INT(n, 1);
    CHECK_STR(agents[0].version, "1.2.0");
    CHECK_STR(agents[0].published_by, "ana");
    CHECK_INT(store_blob_get(p.s, p.a, &agents[0].sha, &bundle, &e), 0);
    CHECK_STR(bundle, "{\"agent\":{}}");
    place_free(&p);
}

TEST(the_same_version_with_other_content_is_refused_and_nothing_of_its_release_is_kept)
{
    struct place p = place_new();
    struct module_row first = module_of("look", "1.0.0", "{}");
    struct module_row second[] = {module_of("other", "1.0.0", "{}"), module_of("look", "1.0.0", "{\"a\":1}")};
    struct registry_entry agents[] = {agent_of("1.0.0", "{}"), agent_of("1.0.0", "{\"b\":1}")};
    struct err e;
    CHECK_INT(registry_publish(p.s, &first, 1, NULL, 0, &e), 0);
    CHECK_INT(registry_publish(p.s, &first, 1, NULL, 0, &e), 0); /* nothing new */
    CHECK_INT(registry_publish(p.s, second, 2, NULL, 0, &e), ERR_CONFLICT);
    CHECK(str_has(str_of(e.text), STR("tools/look@1.0.0")));
    CHECK_INT(modules_n(&p, "other"), 0);
    CHECK_INT(registry_publish(p.s, second, 1, agents, 2, &e), ERR_CONFLICT);
    CHECK_INT(modules_n(&p, "other"), 0);
    CHECK_INT(modules_n(&p, "look"), 1);
    place_free(&p);
}

TEST(nobody_changes_or_deletes_a_published_version)
{
    struct place p = place_new();
    struct module_row m = module_of("look", "1.0.0", "{}");
    struct registry_entry agent = agent_of("1.0.0", "{}");
    struct err e;
    CHECK_INT(registry_publish(p.s, &m, 1, &agent, 1, &e), 0);
    store_close(p.s);
    struct connection c;
    CHECK_INT(connection_open(&c, p.path, false, &e), 0);
    static const char *const attempts[] = {"UPDATE module_version SET body = 'x'", "DELETE FROM module_version",
                                           "UPDATE agent_version SET lock = 'x'", "DELETE FROM agent_version"};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        CHECK(query_exec(c.db, attempts[i], &e) < 0);
        CHECK(str_has(str_of(e.text), STR("never")));
    }
    connection_close(&c);
    place_open(&p);
    place_free(&p);
}

/* Publishes in a process that is killed at its fault point number `at`; false when it lived. */
static bool killed_at(const struct place *p, int at)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        char fault[32];
        snprintf(fault, sizeof fault, "kill:%d", at);
        setenv("CANDOR_FAULT", fault, 1);
        fault_init();
        struct module_row modules[] = {module_of("one", "1.0.0", "{}"), module_of("two", "1.0.0", "{}"),
                                       module_of("three", "1.0.0", "{}")};
        struct registry_entry agents[] = {agent_of("1.0.0", "{}")};
        if (store_open(&(struct store_config){.path = p->path, .bytes_free_min = 1}, &s, NULL) < 0 ||
            registry_publish(s, modules, 3, agents, 1, NULL) < 0)
            _exit(1);
        store_close(s);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

TEST(a_release_that_is_killed_anywhere_is_there_wholly_or_not_at_all)
{
    int nothing = 0, all = 0, at = 1;
    for (bool killed = true; killed; at++) {
        struct place p = place_new();
        store_close(p.s);
        killed = killed_at(&p, at);
        place_open(&p);
        struct agent_row *rows;
        size_t agents = 0;
        CHECK_INT(registry_agents(p.s, p.a, STR("teller"), &rows, &agents, NULL), 0);
        size_t n = modules_n(&p, "one") + modules_n(&p, "two") + modules_n(&p, "three") + agents;
        CHECK(n == 0 || n == 4);
        if (killed)
            *(n ? &all : &nothing) += 1;
        place_free(&p);
    }
    print_message("killed at %d places: %d times nothing was there, %d times all\n", at - 2, nothing, all);
    CHECK(nothing >= 4 && all >= 1);
}

RUN(cmocka_unit_test(what_was_published_is_read_as_it_was_written),
    cmocka_unit_test(the_same_version_with_other_content_is_refused_and_nothing_of_its_release_is_kept),
    cmocka_unit_test(nobody_changes_or_deletes_a_published_version),
    cmocka_unit_test(a_release_that_is_killed_anywhere_is_there_wholly_or_not_at_all))
