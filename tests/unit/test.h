/* test: a test is a sentence that can be false. TEST(name) { CHECK(...); } and one TESTS list. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEST(name)      static void name(void **state)
#define CHECK(x)        ((void)state, _assert_true((x) ? 1 : 0, #x, __FILE__, __LINE__))
#define CHECK_INT(a, b) ((void)state, assert_int_equal((a), (b)))
#define CHECK_STR(a, b) test_str((a), (b), __FILE__, __LINE__)
#define RUN(...) \
    int main(void) \
    { \
        const struct CMUnitTest tests[] = {__VA_ARGS__}; \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

static inline void test_str(struct str a, const char *b, const char *file, int line)
{
    if (str_is(a, b))
        return;
    print_error("got  \"%.*s\"\nwant \"%s\"\n", STR_ARG(a), b);
    _fail(file, line);
}

/* The path of a file of the shared test material, or NULL (with one clear line) where it is absent:
 * the folder beside the checkout, or $CANDOR_SHARED. */
static inline const char *test_shared(const char *path)
{
    static char full[4096];
    const char *root = getenv("CANDOR_SHARED");
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", root ? root : "../shared", path);
    if (stat(full, &st) == 0)
        return full;
    print_message("skipped: %s is not here\n", full);
    return NULL;
}

#endif
