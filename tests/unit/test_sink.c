/* Where results go, and what stands there afterwards. */
#include "test.h"

#include "app/sink.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct place {
    struct arena *a;
    char folder[64];
    const char *file, *link;
} p;

static int begin(void **state)
{
    p.a = arena_new("test", 0);
    strcpy(p.folder, "/tmp/candor-sink-XXXXXX");
    assert_non_null(mkdtemp(p.folder));
    p.file = str_f(p.a, "%s/file", p.folder).p;
    p.link = str_f(p.a, "%s/link", p.folder).p;
    return 0;
}

static int end(void **state)
{
    unlink(p.file);
    unlink(p.link);
    assert_int_equal(rmdir(p.folder), 0); /* nothing else was left behind */
    arena_free(p.a);
    return 0;
}

static int put(const char *path, const char *text, int writer)
{
    struct sink s;
    struct err e = {0};
    int r = sink_open(p.a, path, &s, &e);
    if (r < 0)
        return r;
    r = sink_write(&s, str_of(text), &e);
    return sink_close(&s, r == 0 ? writer : r, &e);
}

static const char *text_of(const char *path)
{
    char *text = arena_alloc(p.a, 100);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && read(fd, text, 99) >= 0);
    close(fd);
    return text;
}

TEST(a_file_is_there_when_it_is_whole_and_not_before)
{
    struct stat st;
    CHECK_INT(put(p.file, "half", ERR_IO), ERR_IO);
    CHECK(stat(p.file, &st) < 0);
    CHECK_INT(put(p.file, "one", 0), 0);
    CHECK_STR(str_of(text_of(p.file)), "one");
    CHECK_INT(put(p.file, "half", ERR_IO), ERR_IO);
    CHECK_STR(str_of(text_of(p.file)), "one");
}

TEST(a_link_stays_a_link_and_a_file_keeps_its_mode)
{
    struct stat st;
    CHECK_INT(put(p.file, "one", 0), 0);
    CHECK_INT(chmod(p.file, 0600), 0);
    CHECK_INT(symlink("file", p.link), 0);
    CHECK_INT(put(p.link, "two", 0), 0);
    CHECK(lstat(p.link, &st) == 0 && S_ISLNK(st.st_mode));
    CHECK_STR(str_of(text_of(p.file)), "two");
    CHECK_INT(stat(p.file, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
}

TEST(a_link_to_nothing_yet_makes_the_file)
{
    CHECK_INT(symlink("file", p.link), 0);
    CHECK_INT(put(p.link, "one", 0), 0);
    CHECK_STR(str_of(text_of(p.file)), "one");
}

TEST(a_pipe_is_written_to_and_stays_one)
{
    struct stat st;
    CHECK_INT(mkfifo(p.file, 0600), 0);
    int fd = open(p.file, O_RDONLY | O_NONBLOCK);
    CHECK_INT(put(p.file, "one", 0), 0);
    char got[4] = {0};
    CHECK_INT(read(fd, got, 3), 3);
    CHECK_STR(str_of(got), "one");
    close(fd);
    CHECK(stat(p.file, &st) == 0 && S_ISFIFO(st.st_mode));
}

TEST(a_reader_that_left_is_an_error)
{
    struct sink s;
    struct err e = {0};
    CHECK_INT(mkfifo(p.file, 0600), 0);
    int fd = open(p.file, O_RDONLY | O_NONBLOCK);
    CHECK_INT(sink_open(p.a, p.file, &s, &e), 0);
    close(fd);
    CHECK_INT(sink_close(&s, sink_write(&s, STR("one"), &e), &e), ERR_IO);
}

TEST(a_file_keeps_its_owner)
{
    struct stat st;
    CHECK_INT(put(p.file, "one", 0), 0);
    if (chown(p.file, 1234, 1235) < 0) {
        print_message("skipped: files cannot be given away here\n");
        return;
    }
    CHECK_INT(put(p.file, "two", 0), 0);
    CHECK(stat(p.file, &st) == 0 && st.st_uid == 1234 && st.st_gid == 1235);
}

/* Nodes of our own: 1, 3 is the null device and 1, 7 the full one. */
TEST(a_device_stays_one_and_says_when_it_is_full)
{
    struct stat st;
    for (unsigned kind = 3; kind <= 7; kind += 4) {
        if (mknod(p.file, S_IFCHR | 0600, makedev(1, kind)) < 0) {
            print_message("skipped: no device can be made here\n");
            return;
        }
        int r = put(p.file, "one", 0);
        CHECK(lstat(p.file, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, kind));
        CHECK_INT(r, kind == 3 ? 0 : ERR_IO);
        unlink(p.file);
    }
}

TEST(a_folder_that_is_not_there_is_an_error)
{
    CHECK_INT(put(str_f(p.a, "%s/none/file", p.folder).p, "one", 0), ERR_IO);
}

RUN(cmocka_unit_test_setup_teardown(a_reader_that_left_is_an_error, begin, end),
    cmocka_unit_test_setup_teardown(a_file_keeps_its_owner, begin, end),
    cmocka_unit_test_setup_teardown(a_device_stays_one_and_says_when_it_is_full, begin, end),
    cmocka_unit_test_setup_teardown(a_file_is_there_when_it_is_whole_and_not_before, begin, end),
    cmocka_unit_test_setup_teardown(a_link_stays_a_link_and_a_file_keeps_its_mode, begin, end),
    cmocka_unit_test_setup_teardown(a_link_to_nothing_yet_makes_the_file, begin, end),
    cmocka_unit_test_setup_teardown(a_pipe_is_written_to_and_stays_one, begin, end),
    cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, begin, end))
