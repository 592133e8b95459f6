/* Did the customer say yes? tests/data/confirm_answers.tsv says what people read in their words. */
#include "test.h"

#include "engine/confirm.h"

static const char *const names[] = {[CONFIRM_YES] = "yes", [CONFIRM_NO] = "no", [CONFIRM_OTHER] = "other"};

TEST(every_answer_of_the_table_is_read_as_people_read_it)
{
    static char line[1024];
    FILE *f = fopen("tests/data/confirm_answers.tsv", "rb");
    int n = 0, wrong = 0;
    CHECK(f);
    while (fgets(line, sizeof line, f)) {
        struct str rest = {line, strcspn(line, "\n")}, label, language;
        if (line[0] == '#')
            continue;
        CHECK(str_split(&rest, '\t', &label) && str_split(&rest, '\t', &language) && rest.n);
        enum confirm_answer read = confirm_read(rest);
        n++;
        if (!str_is(label, names[read])) {
            print_error("%.*s read as %s: %.*s\n", STR_ARG(label), names[read], STR_ARG(rest));
            wrong++;
        }
    }
    fclose(f);
    CHECK(n >= 120);
    CHECK_INT(wrong, 0);
}

TEST(a_yes_that_comes_with_a_question_or_with_many_words_is_none)
{
    static char text[300];
    CHECK(confirm_read(STR("yes?")) == CONFIRM_OTHER);
    CHECK(confirm_read(STR("¿sí?")) == CONFIRM_OTHER);
    memset(text, ' ', sizeof text);
    memcpy(text, "yes", 3);
    CHECK(confirm_read((struct str){text, 200}) == CONFIRM_YES);
    memcpy(text + 197, "yes", 3);
    CHECK(confirm_read((struct str){text, 201}) == CONFIRM_OTHER);
    CHECK(confirm_read(STR("")) == CONFIRM_OTHER);
    CHECK(confirm_read(STR("\xff\xfe")) == CONFIRM_OTHER);
}

/* One word more than agreement, whatever it is, and the yes is void: that is the promise. */
TEST(no_word_that_is_not_known_hides_behind_a_yes)
{
    static const char *const more[] = {"office", "tomorrow", "maybe", "but", "unless", "mas",
                                       "pero",   "se",       "10",    "not", "x"};
    struct arena *a = arena_new("test", 0);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        CHECK(confirm_read(str_f(a, "yes %s", more[i])) == CONFIRM_OTHER);
        CHECK(confirm_read(str_f(a, "%s sim", more[i])) == CONFIRM_OTHER);
        CHECK(confirm_read(str_f(a, "sí, por favor, %s", more[i])) == CONFIRM_OTHER);
    }
    arena_free(a);
}

RUN(cmocka_unit_test(every_answer_of_the_table_is_read_as_people_read_it),
    cmocka_unit_test(a_yes_that_comes_with_a_question_or_with_many_words_is_none),
    cmocka_unit_test(no_word_that_is_not_known_hides_behind_a_yes))
