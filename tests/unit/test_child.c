/* Programs as children: how they end, and what they are kept from. Small ones for /bin/sh stand in argv, as data. */
#include "net_fixture.h"

#include "net/child.h"

#include <dirent.h>
#include <signal.h>

static struct children *children;

static struct outcome {
    int done;
    enum child_end end;
    int status;
    char output[100000];
    char why[400];
    int64_t ms;
} got;

static void on_done(void *arg, const struct child_answer *answer)
{
    struct outcome *out = arg;
    out->done++;
    out->end = answer->end;
    out->status = answer->status;
    snprintf(out->output, sizeof out->output, "%.*s", STR_ARG(answer->output));
    snprintf(out->why, sizeof out->why, "%s", answer->err.text);
}

static struct child_request asked = {.dir = "/tmp", .timeout_ms = 5000, .answer_bytes_max = 50000};

static void run(const char *const *argv, const char *input)
{
    struct child_request q = asked;
    int64_t began_us = clock_mono_us();
    q.argv = argv;
    q.input = str_of(input);
    if (!q.memory_bytes_max)
        q.memory_bytes_max = 1 << 30;
    got = (struct outcome){0};
    child_run(children, &q, on_done, &got);
    assert_int_equal(got.done, 0); /* never before the loop goes on */
    assert_true(pump_until(is_positive, &got.done, 9000));
    got.ms = (clock_mono_us() - began_us) / 1000;
    pump(20);
    assert_int_equal(got.done, 1);
}

#define SH(script, input) run((const char *const[]){"sh", "-c", script, NULL}, input)

static int begin(void **state)
{
    (void)state;
    loop_up();
    children = children_new(loop);
    return 0;
}

static int end(void **state)
{
    (void)state;
    children_free(children);
    loop_free(loop);
    return 0;
}

TEST(a_program_reads_its_question_and_gives_its_answer)
{
    run((const char *const[]){"cat", NULL}, "{\"a\":1}");
    CHECK_INT(got.end, CHILD_ENDED);
    CHECK_INT(got.status, 0);
    CHECK_STR(str_of(got.output), "{\"a\":1}");
    SH("exit 3", "never read");
    CHECK(got.end == CHILD_ENDED && got.status == 3 && !*got.output);
    SH("echo one; sleep 0.1; echo two", "");
    CHECK_STR(str_of(got.output), "one\ntwo\n");
}

TEST(a_question_larger_than_a_pipe_goes_through_in_pieces)
{
    char *large = calloc(1, 300001);
    memset(large, 'x', 300000);
    run((const char *const[]){"wc", "-c", NULL}, large);
    free(large);
    CHECK(got.end == CHILD_ENDED && atoi(got.output) == 300000);
}

TEST(words_are_given_as_they_are_and_to_no_shell)
{
    run((const char *const[]){"printf", "%s|%s", "$HOME; echo `id`", "a b", NULL}, "");
    CHECK_STR(str_of(got.output), "$HOME; echo `id`|a b");
}

TEST(the_environment_is_path_and_lang_alone)
{
    setenv("CANDOR_SECRET", "hunter2", 1);
    run((const char *const[]){"env", NULL}, "");
    CHECK_STR(str_of(got.output), "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\n");
}

TEST(no_descriptor_but_the_first_three_is_open_and_no_signal_is_ignored)
{
    int fd = open("/dev/null", O_RDONLY), copy = dup(fd); /* not closed on exec */
    SH("ls /proc/self/fd; grep SigIgn /proc/self/status", "");
    close(fd);
    close(copy);
    CHECK_STR(str_of(got.output), "0\n1\n2\n3\nSigIgn:\t0000000000000000\n"); /* 3: the folder that ls reads */
}

static bool is_there(const char *mark)
{
    char path[300], line[300];
    struct dirent *d;
    DIR *all = opendir("/proc");
    bool found = false;
    while (!found && (d = readdir(all))) {
        snprintf(path, sizeof path, "/proc/%s/cmdline", d->d_name);
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f)
            fclose(f);
        line[n] = '\0';
        for (size_t i = 0; i < n && !found; i += strlen(line + i) + 1)
            found = strcmp(line + i, mark) == 0;
    }
    closedir(all);
    return found;
}

static bool is_gone(void *mark)
{
    return !is_there(mark);
}

TEST(what_does_not_end_is_killed_with_its_children)
{
    asked.timeout_ms = 300;
    SH("sleep 98.7 & sleep 98.6 & while :; do :; done", "");
    asked.timeout_ms = 5000;
    CHECK_INT(got.end, CHILD_TIMEOUT);
    CHECK(got.ms >= 300 && got.ms < 3000);
    CHECK(pump_until(is_gone, (char[]){"98.7"}, 2000) && pump_until(is_gone, (char[]){"98.6"}, 2000));
}

TEST(what_a_program_leaves_running_ends_with_it)
{
    SH("sleep 97.5 & echo done", "");
    CHECK(got.end == CHILD_ENDED && got.ms < 3000);
    CHECK_STR(str_of(got.output), "done\n");
    CHECK(pump_until(is_gone, (char[]){"97.5"}, 2000));
}

TEST(an_answer_beyond_its_bound_ends_the_program)
{
    run((const char *const[]){"yes", NULL}, "");
    CHECK(got.end == CHILD_TOO_LARGE && got.ms < 3000 && strstr(got.why, "too long"));
}

TEST(memory_files_and_processor_time_are_bounded)
{
    asked.memory_bytes_max = 64 << 20;
    SH("x=a; while :; do x=$x$x; done", "");
    asked.memory_bytes_max = 0;
    CHECK(got.end == CHILD_KILLED || (got.end == CHILD_ENDED && got.status != 0));
    CHECK(got.ms < 4000);
    SH("rm -f /tmp/candor_large; head -c 20000000 /dev/zero > /tmp/candor_large; wc -c < /tmp/candor_large; rm "
       "/tmp/candor_large",
       "");
    CHECK_INT(atoi(got.output), 16 << 20);
    SH("ulimit -t; ulimit -n; ulimit -c", "");
    CHECK_STR(str_of(got.output), "6\n64\n0\n");
}

TEST(a_signal_that_ends_it_is_told_apart_from_a_status)
{
    SH("kill -SEGV $$", "");
    CHECK(got.end == CHILD_KILLED && strstr(got.why, "signal 11"));
}

TEST(a_program_that_is_not_there_never_began)
{
    run((const char *const[]){"candor-no-such-program", NULL}, "");
    CHECK(got.end == CHILD_NOT_RUN && strstr(got.why, "there is no program candor-no-such-program"));
    run((const char *const[]){"./none", NULL}, "");
    CHECK(got.end == CHILD_NOT_RUN && strstr(got.why, "there is no program"));
    asked.dir = "tests/unit"; /* relative to where we are */
    run((const char *const[]){"./meson.build", NULL}, "");
    CHECK(got.end == CHILD_NOT_RUN && strstr(got.why, "may not be run"));
    run((const char *const[]){"pwd", NULL}, "");
    CHECK(strstr(got.output, "/tests/unit\n"));
    asked.dir = "tools";
    run((const char *const[]){"./words.sh-is-no-file", NULL}, "");
    CHECK_INT(got.end, CHILD_NOT_RUN);
    asked.dir = "/tmp";
}

TEST(a_path_is_relative_to_the_folder)
{
    FILE *f = fopen("/tmp/candor_child.sh", "w");
    fputs("#!/bin/sh\necho here\n", f);
    fclose(f);
    chmod("/tmp/candor_child.sh", 0700);
    run((const char *const[]){"./candor_child.sh", NULL}, "");
    CHECK(got.end == CHILD_ENDED && strcmp(got.output, "here\n") == 0);
    f = fopen("/tmp/candor_child.sh", "w");
    fputs("no program\n", f);
    fclose(f);
    run((const char *const[]){"./candor_child.sh", NULL}, "");
    CHECK(got.end == CHILD_ENDED && got.status == 126);
    unlink("/tmp/candor_child.sh");
}

/* Many at once, one after the other in a thread-less loop: descriptors are used again and again. */
TEST(many_run_at_once_and_none_is_lost)
{
    enum { MANY = 150 };
    static struct outcome all[MANY];
    struct child_request q = asked;
    q.argv = (const char *const[]){"cat", NULL};
    q.input = STR("x");
    q.memory_bytes_max = 1 << 30;
    for (int round = 0; round < MANY / 50; round++) {
        for (int i = 0; i < 50; i++)
            child_run(children, &q, on_done, &all[round * 50 + i]);
        for (int i = 0; i < 50; i++) {
            struct outcome *o = &all[round * 50 + i];
            CHECK(pump_until(is_positive, &o->done, 9000));
            CHECK(o->end == CHILD_ENDED && strcmp(o->output, "x") == 0);
        }
    }
}

TEST(one_too_many_is_not_run)
{
    static struct outcome last, others;
    struct child_request q = asked;
    q.argv = (const char *const[]){"sleep", "96.4", NULL};
    q.memory_bytes_max = 1 << 30;
    for (int i = 0; i < CHILDREN_MAX; i++)
        child_run(children, &q, on_done, &others);
    child_run(children, &q, on_done, &last);
    CHECK(pump_until(is_positive, &last.done, 3000));
    CHECK(last.end == CHILD_NOT_RUN && strstr(last.why, "run already"));
    children_free(children); /* and those that run end without a word */
    CHECK_INT(others.done, 0);
    CHECK(is_gone((char[]){"96.4"}));
    children = children_new(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_reads_its_question_and_gives_its_answer),
        cmocka_unit_test(a_question_larger_than_a_pipe_goes_through_in_pieces),
        cmocka_unit_test(words_are_given_as_they_are_and_to_no_shell),
        cmocka_unit_test(the_environment_is_path_and_lang_alone),
        cmocka_unit_test(no_descriptor_but_the_first_three_is_open_and_no_signal_is_ignored),
        cmocka_unit_test(what_does_not_end_is_killed_with_its_children),
        cmocka_unit_test(what_a_program_leaves_running_ends_with_it),
        cmocka_unit_test(an_answer_beyond_its_bound_ends_the_program),
        cmocka_unit_test(memory_files_and_processor_time_are_bounded),
        cmocka_unit_test(a_signal_that_ends_it_is_told_apart_from_a_status),
        cmocka_unit_test(a_program_that_is_not_there_never_began),
        cmocka_unit_test(a_path_is_relative_to_the_folder),
        cmocka_unit_test(many_run_at_once_and_none_is_lost),
        cmocka_unit_test(one_too_many_is_not_run),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
