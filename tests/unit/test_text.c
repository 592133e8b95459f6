#include "test.h"

#include "base/json.h"
#include "base/nearest.h"
#include "base/text.h"

#include <utf8proc.h>

static struct arena *a;

static int make_arena(void **state)
{
    a = arena_new("test", 0);
    return 0;
}

static int free_arena(void **state)
{
    arena_free(a);
    return 0;
}

static struct str repair(struct str s)
{
    bool changed;
    return text_repair(a, s, &changed);
}

static struct str visible(const char *s)
{
    bool changed;
    struct str out = text_visible(a, str_of(s), &changed);
    assert_int_equal(changed, !str_is(out, s));
    return out;
}

TEST(bytes_that_are_not_utf8_are_found_where_they_begin)
{
    CHECK_INT(text_invalid_at(STR("")), -1);
    CHECK_INT(text_invalid_at(STR("plain ASCII of more than eight bytes")), -1);
    CHECK_INT(text_invalid_at(STR("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf \xee\x80\x80")), -1);
    CHECK_INT(text_invalid_at(STR("12345678\xff")), 8);
    CHECK_INT(text_invalid_at(STR("NUL\0inside")), 3);
    CHECK_INT(text_invalid_at(STR("\xc0\xaf")), 0);         /* overlong / */
    CHECK_INT(text_invalid_at(STR("a\xe0\x80\x80")), 1);    /* overlong */
    CHECK_INT(text_invalid_at(STR("a\xed\xa0\x80")), 1);    /* a surrogate */
    CHECK_INT(text_invalid_at(STR("\xf4\x90\x80\x80")), 0); /* past U+10FFFF */
    CHECK_INT(text_invalid_at(STR("cut \xf0\x9f\x98")), 4);
    CHECK_INT(text_invalid_at(STR("\x80")), 0);
}

TEST(every_code_point_but_nul_and_surrogates_is_valid)
{
    for (utf8proc_int32_t c = 1; c <= 0x10ffff; c++) {
        utf8proc_uint8_t p[4];
        size_t n = (size_t)utf8proc_encode_char(c, p);
        CHECK((text_invalid_at((struct str){(char *)p, n}) < 0) == (c < 0xd800 || c > 0xdfff));
    }
}

TEST(repair_replaces_what_is_broken_and_keeps_the_rest)
{
    bool changed;
    CHECK_STR(text_repair(a, STR("fine \xf0\x9f\x98\x80\ttab\n"), &changed), "fine \xf0\x9f\x98\x80\ttab\n");
    CHECK(!changed);
    CHECK_STR(text_repair(a,
                          STR("a\xff"
                              "b\xe2\x82"
                              "c"),
                          &changed),
              "a\xef\xbf\xbd"
              "b\xef\xbf\xbd"
              "c");
    CHECK(changed);
    CHECK_STR(text_repair(a, STR("1\r\n2\r3\n\r4\u20285"), &changed), "1\n2\n3\n\n4\n5");
    CHECK(changed);
    CHECK_STR(repair(STR("\x1b[31m\0\x7f")), "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
    CHECK_STR(repair(STR("\xc2\x85")), "\xef\xbf\xbd"); /* a C1 control */
    CHECK_STR(repair(STR("\xed\xa0\x80")), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(what_was_repaired_is_valid_and_stays_as_it_is)
{
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        unsigned char noise[24];
        static const unsigned char often[] = {0xc3, 0xe2, 0xf0, 0xed, 0xf4, 0x80, 0x9f, 0xbf, '\r', '\n', 0, 'a'};
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            noise[i] = seed >> 63 ? (unsigned char)(seed >> 40) : often[(seed >> 33) % sizeof often];
        }
        struct str once = repair((struct str){(char *)noise, sizeof noise});
        CHECK(text_invalid_at(once) < 0);
        bool changed;
        CHECK(str_eq(text_repair(a, once, &changed), once) && !changed);
        arena_reset(a);
    }
}

TEST(what_a_reader_cannot_see_is_taken_out)
{
    CHECK_STR(visible("ig\u200bno\u2060re\ufeff this"), "ignore this");
    CHECK_STR(visible("abc\u202edcba\u2066x\u2069"), "abcdcbax");
    CHECK_STR(visible("hello\U000e0041\U000e0042\U000e007f"), "hello");
    CHECK_STR(visible("a\ufe0f\U000e0100z"), "az"); /* selectors can carry hidden bytes */
    CHECK_STR(visible("caf\u00e9 ma\u00f1ana n\u00e3o"), "caf\u00e9 ma\u00f1ana n\u00e3o");
}

TEST(emoji_stay_whole)
{
    CHECK_STR(visible("\U0001F468\u200d\U0001F469\u200d\U0001F467"), "\U0001F468\u200d\U0001F469\u200d\U0001F467");
    CHECK_STR(visible("\u2764\ufe0f\u200d\U0001F525 1\ufe0f\u20e3"), "\u2764\ufe0f\u200d\U0001F525 1\ufe0f\u20e3");
    CHECK_STR(visible("\U0001F44D\U0001F3FD\u200d\U0001F4BB"), "\U0001F44D\U0001F3FD\u200d\U0001F4BB");
    CHECK_STR(visible("\U0001F600\u200dabc \U0001F600\ufe0f\ufe0f"), "\U0001F600"
                                                                     "abc \U0001F600\ufe0f");
}

TEST(composed_and_decomposed_accents_are_one_text)
{
    CHECK_STR(text_nfc(a, STR("cafe\u0301")), "caf\u00e9");
    CHECK_STR(text_nfc(a, STR("caf\u00e9")), "caf\u00e9");
    CHECK_STR(text_nfc(a, STR("ascii")), "ascii");
    CHECK_STR(text_nfc(a, STR("\uac00\u1100\u1161")), "\uac00\uac00");
}

TEST(folding_leaves_words_between_single_spaces)
{
    CHECK_STR(text_fold(a, STR("N\u00e3o, \u00e9 12-B!")), " nao e 12 b ");
    CHECK_STR(text_fold(a, STR("Where's my CARD?!  Now")), " where s my card now ");
    CHECK_STR(text_fold(a, STR("")), " ");
    CHECK_STR(text_fold(a, STR(" ...\t\n")), " ");
    CHECK_STR(text_fold(a, STR("\u00bfD\u00f3nde est\u00e1 mi tarjeta? \U0001F600")), " donde esta mi tarjeta ");
    CHECK_STR(text_fold(a, STR("\uff21\uff22\uff23 \ufb01m stra\u00dfe e\u0301")), " abc fim strasse e ");
    CHECK_STR(text_fold(a, STR("ca\u200brd")), " card ");
}

TEST(a_phrase_is_found_only_at_word_borders)
{
    struct str t = text_fold(a, STR("I lost my card, the card holder"));
    CHECK(text_has_phrase(t, STR("my card")) && text_has_phrase(t, STR(" card holder ")));
    CHECK(text_has_phrase(t, text_fold(a, STR("Card"))));
    CHECK(!text_has_phrase(t, STR("car")) && !text_has_phrase(t, STR("older")) && !text_has_phrase(t, STR("y card")));
    CHECK(!text_has_phrase(t, STR("")) && !text_has_phrase(t, STR(" ")) && !text_has_phrase(STR(""), STR("a")));
}

TEST(the_language_of_a_chat_message_is_told_by_its_common_words)
{
    static const struct {
        const char *text, *language;
    } cases[] = {
        {"where is my card", "en"},
        {"My card never arrived. Can you send another one?", "en"},
        {"hi, I moved last month", "en"},
        {"thanks", "en"},
        {"I'd like to talk to a person", "en"},
        {"cad\u00ea meu cart\u00e3o", "pt"},
        {"Oi, meu cart\u00e3o ainda n\u00e3o chegou", "pt"},
        {"quero falar com um atendente", "pt"},
        {"Voc\u00eas entregaram no endere\u00e7o errado", "pt"},
        {"sim, pode enviar", "pt"},
        {"obrigada!", "pt"},
        {"mudei de casa, moro na rua das Flores", "pt"},
        {"d\u00f3nde est\u00e1 mi tarjeta", "es"},
        {"Hola, todav\u00eda no me lleg\u00f3 la tarjeta", "es"},
        {"quiero hablar con una persona", "es"},
        {"s\u00ed, por favor, env\u00eda otra a mi casa", "es"},
        {"me mud\u00e9 el mes pasado", "es"},
        {"gracias", "es"},
        {"\u00bfPor qu\u00e9 me cobraron dos veces?", "es"}, /* two, not a plural of Portuguese "do" */
        {"no", "xx"},                                        /* a word of all three */
        {"ok 123", "xx"} /* said in all three */,
        {"12345", "xx"},
        {"", "xx"},
        {"asdf qwer", "xx"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(text_language(text_fold(a, str_of(cases[i].text)), STR("xx")), cases[i].language);
}

/* Real customers' questions: nearly all are told, almost none wrongly. */
TEST(the_language_of_ten_thousand_english_questions_is_english)
{
    const char *path = test_shared("data/banking77/train.tsv");
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f)
        return;
    size_t n = 0, english = 0, other = 0;
    char line[4096];
    while (fgets(line, sizeof line, f)) {
        struct str l = text_language(text_fold(a, str_of(line)), STR(""));
        n++;
        english += str_is(l, "en");
        other += l.n && !str_is(l, "en");
        arena_reset(a);
    }
    fclose(f);
    print_message("banking77: %zu lines, %zu en, %zu another language\n", n, english, other);
    CHECK(n > 9000 && english * 100 >= n * 99 && other * 1000 <= n);
}

TEST(a_text_without_anything_to_read_is_blank)
{
    CHECK(text_blank(STR("")));
    CHECK(text_blank(STR(" \t\n")));
    CHECK(text_blank(STR("\xc2\xa0 \xe2\x80\x83\xe3\x80\x80")));        /* no-break, em and ideographic space */
    CHECK(text_blank(STR("\xe2\x80\x8b\xe2\x81\xa0\xf3\xa0\x81\x81"))); /* zero width, joiner, tag */
    CHECK(!text_blank(STR("\xe2\x80\x8b?")));
    CHECK(!text_blank(STR("\xf0\x9f\x91\x8d")));
}

TEST(lengths_and_cuts_count_characters_not_bytes)
{
    CHECK_INT(text_length(STR("n\u00e3o \U0001F600")), 5);
    CHECK_STR(text_head(STR("n\u00e3o \U0001F600!"), 2), "n\u00e3");
    CHECK_STR(text_head(STR("n\u00e3o"), 9), "n\u00e3o");
    CHECK_STR(text_head(STR("abc"), 0), "");
    CHECK_INT(text_tokens(STR("")), 0);
    CHECK_INT(text_tokens(STR("a b c d")), 4);
    CHECK_INT(text_tokens(STR("abcdefgh ijklmnop")), 5);
}

TEST(naughty_strings_pass_through_every_function_unharmed)
{
    const char *path = test_shared("data/naughty_strings/blns.json");
    FILE *f = path ? fopen(path, "r") : NULL;
    if (!f)
        return;
    static char text[1 << 20];
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    struct json *list;
    CHECK(json_parse(a, (struct str){text, n}, &list, NULL) == 0);
    CHECK(list->n > 500);
    for (const struct json *c = list->child; c; c = c->next) {
        struct str s = repair(json_str(c));
        bool changed;
        CHECK(text_invalid_at(s) < 0);
        CHECK(text_invalid_at(text_nfc(a, s)) < 0);
        struct str seen = text_visible(a, s, &changed);
        CHECK(text_invalid_at(seen) < 0);
        CHECK(str_eq(text_visible(a, seen, &changed), seen));
        struct str folded = text_fold(a, s);
        CHECK(text_invalid_at(folded) < 0);
        CHECK(str_eq(text_fold(a, folded), folded));
        CHECK(text_length(text_head(s, 3)) <= 3);
        text_language(folded, STR(""));
    }
}

TEST(a_misspelt_word_is_at_most_two_letters_away_from_the_one_that_was_meant)
{
    static const char *const known[] = {"per_conversation", "timeout_ms", "mode", "no", "ok", NULL};
    static const struct {
        const char *word, *meant;
    } cases[] = {
        {"per_conversatoin", "per_conversation"}, /* two letters changed places */
        {"timeout_mss", "timeout_ms"},
        {"timeout", NULL}, /* three letters away */
        {"Mode", "mode"},
        {"mode", "mode"},
        {"oks", "ok"},
        {"nk", "no"}, /* the first of two that are equally near */
        {"x", NULL},  /* not "ok": nothing of it would be left */
        {"", NULL},
        {"per_conversation_per_conversation_per_conversation", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *best = nearest_word(str_of(cases[i].word), known);
        if ((best != NULL) != (cases[i].meant != NULL) || (best && strcmp(best, cases[i].meant) != 0))
            fail_msg("%s: %s", cases[i].word, best ? best : "nothing");
    }
}

#define ROW(t) cmocka_unit_test_setup_teardown(t, make_arena, free_arena)
RUN(ROW(bytes_that_are_not_utf8_are_found_where_they_begin), ROW(every_code_point_but_nul_and_surrogates_is_valid),
    ROW(repair_replaces_what_is_broken_and_keeps_the_rest), ROW(what_was_repaired_is_valid_and_stays_as_it_is),
    ROW(what_a_reader_cannot_see_is_taken_out), ROW(emoji_stay_whole), ROW(a_text_without_anything_to_read_is_blank),
    ROW(composed_and_decomposed_accents_are_one_text), ROW(folding_leaves_words_between_single_spaces),
    ROW(a_phrase_is_found_only_at_word_borders), ROW(the_language_of_a_chat_message_is_told_by_its_common_words),
    ROW(the_language_of_ten_thousand_english_questions_is_english), ROW(lengths_and_cuts_count_characters_not_bytes),
    ROW(naughty_strings_pass_through_every_function_unharmed),
    ROW(a_misspelt_word_is_at_most_two_letters_away_from_the_one_that_was_meant))
