/* A difference by lines holds both texts, and marks no more than it must. */
#include "test.h"

#include "base/line_diff.h"
#include "base/rng.h"

static struct str diff(struct arena *a, struct str old, struct str now, size_t context)
{
    struct buf b = buf_new(a, 1 << 22);
    line_diff(a, old, now, context, "", &b);
    return buf_str(&b);
}

TEST(a_changed_line_stands_between_the_lines_around_it)
{
    struct arena *a = arena_new("test", 0);
    CHECK_STR(diff(a, STR("a\nb\nc\nd\ne\nf"), STR("a\nb\nc\nx\ne\nf"), 1), "...\n  c\n- d\n+ x\n  e\n...\n");
    CHECK_STR(diff(a, STR("a\nb\n"), STR("a\nb\n"), 1), "");
    CHECK_STR(diff(a, STR(""), STR("a\n"), 1), "+ a\n");
    CHECK_STR(diff(a, STR("a"), STR(""), 1), "- a\n");
    CHECK_STR(diff(a, STR("a\nb"), STR("b"), 0), "- a\n...\n");
    arena_free(a);
}

/* The lines with this sign or none. */
static struct str side(struct arena *a, struct str all, char sign)
{
    struct buf b = buf_new(a, 1 << 20);
    struct str line;
    while (str_split(&all, '\n', &line))
        if (line.n && (line.p[0] == ' ' || line.p[0] == sign))
            buf_addf(&b, "%.*s\n", STR_ARG(str_from(line, 2)));
    return buf_str(&b);
}

static size_t marked(struct str all)
{
    size_t n = 0;
    struct str line;
    while (str_split(&all, '\n', &line))
        n += line.n && line.p[0] != ' ';
    return n;
}

/* The longest common subsequence of two short texts of one letter a line, by trying every choice of lines. */
static size_t longest(const char *x, const char *y)
{
    size_t best = 0, n = strlen(x);
    for (unsigned chosen = 0; chosen < 1U << n; chosen++) {
        size_t count = 0;
        const char *at = y;
        for (size_t i = 0; i < n && at; i++)
            if (chosen >> i & 1) {
                at = strchr(at, x[i]);
                at = at ? at + 1 : NULL;
                count++;
            }
        best = at && count > best ? count : best;
    }
    return best;
}

TEST(the_signs_give_both_texts_back_and_are_as_few_as_can_be)
{
    uint64_t seed = 5;
    for (int i = 0; i < 2000; i++) {
        struct arena *a = arena_new("test", 0);
        char text[2][20] = {"", ""}, letters[2][10] = {"", ""};
        for (int t = 0; t < 2; t++)
            for (size_t n = rng_next(&seed) % 8, k = 0; k < n; k++) {
                letters[t][k] = (char)('a' + rng_next(&seed) % 3);
                text[t][2 * k] = letters[t][k];
                text[t][2 * k + 1] = '\n';
            }
        struct str all = diff(a, str_of(text[0]), str_of(text[1]), 100);
        if (strcmp(text[0], text[1]) != 0) {
            CHECK_STR(side(a, all, '-'), text[0]);
            CHECK_STR(side(a, all, '+'), text[1]);
            CHECK_INT(marked(all), strlen(letters[0]) + strlen(letters[1]) - 2 * longest(letters[0], letters[1]));
        }
        arena_free(a);
    }
}

TEST(texts_that_differ_over_thousands_of_lines_are_still_told)
{
    struct arena *a = arena_new("test", 0);
    struct buf old = buf_new(a, 1 << 20), now = buf_new(a, 1 << 20);
    for (int i = 0; i < 5000; i++) {
        buf_addf(&old, "old %d\n", i);
        buf_addf(&now, "new %d\n", i);
    }
    struct str all = diff(a, buf_str(&old), buf_str(&now), 2);
    CHECK_INT(marked(all), 10000);
    CHECK(str_eq(side(a, all, '-'), buf_str(&old)));
    arena_free(a);
}

RUN(cmocka_unit_test(a_changed_line_stands_between_the_lines_around_it),
    cmocka_unit_test(the_signs_give_both_texts_back_and_are_as_few_as_can_be),
    cmocka_unit_test(texts_that_differ_over_thousands_of_lines_are_still_told))
