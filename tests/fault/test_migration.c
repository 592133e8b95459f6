/* The process is killed at every operation of the disk while the tables are made or changed; the next start
 * finds the old file or the new one, never something between. */
#include "store_fixture.h"
#include "vfs_shim.h"

#include "store/query.h"
#include "store/schema.h"

#include <signal.h>
#include <sys/wait.h>

/* A file as version `newest` of the schema left it. */
static void file_make(const struct place *p, int newest)
{
    struct connection c;
    struct err e = {0};
    if (connection_open(&c, p->path, false, &e) < 0 || query_exec(c.db, "PRAGMA journal_mode = WAL", &e) < 0 ||
        schema_migrate(c.db, newest, &e) < 0)
        fail_msg("%s", e.text);
    connection_close(&c);
}

static int64_t version_of(const struct place *p)
{
    struct connection c;
    struct err e = {0};
    int64_t n;
    if (connection_open(&c, p->path, false, &e) < 0 || schema_version(c.db, &n, &e) < 0)
        fail_msg("%s", e.text);
    connection_close(&c);
    return n;
}

/* Opens the store in a process that dies before its operation number `at`; false when it lived. */
static bool killed_at(const struct place *p, long at)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        shim_reset(SHIM_KILL, at);
        if (store_open(&(struct store_config){.path = p->path, .bytes_free_min = 1}, &s, NULL) < 0)
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

static void kill_everywhere(int from_version)
{
    long at = 1;
    bool killed = true;
    shim_install(); /* also here, where nothing fails: it does not really sync */
    for (; killed; at++) {
        struct place p = place_empty();
        if (from_version > 0)
            file_make(&p, from_version);
        killed = killed_at(&p, at);
        int64_t version = version_of(&p);
        assert_true(version >= from_version && version <= SCHEMA_NEWEST);
        place_open(&p); /* goes on from there */
        assert_int_equal(version_of(&p), SCHEMA_NEWEST);
        assert_int_equal(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")), 0);
        place_free(&p);
    }
    shim_remove();
    print_message("from version %d: killed at %ld places\n", from_version, at - 2);
    assert_true(at > 10);
}

TEST(a_first_start_that_is_killed_anywhere_is_made_good_by_the_next)
{
    kill_everywhere(0);
}

TEST(an_upgrade_that_is_killed_anywhere_is_made_good_by_the_next)
{
    for (int version = 1; version < SCHEMA_NEWEST; version++)
        kill_everywhere(version);
}

RUN(cmocka_unit_test(a_first_start_that_is_killed_anywhere_is_made_good_by_the_next),
    cmocka_unit_test(an_upgrade_that_is_killed_anywhere_is_made_good_by_the_next))
