#include "offline_fixture.h"

#include "base/clock.h"
#include "base/rng.h"
#include "llm/llm_offline_read.h"

TEST(words_are_folded_to_one_spelling_and_clauses_stay_apart)
{
    CHECK_STR(words_fold(a, STR("No, ¡ya la tengo!")), " no | ya la tengo | ");
    CHECK_STR(words_fold(a, STR("I haven't; havent, won’t can't?")), " i have not | have not | will not can not ? ");
    CHECK_STR(words_fold(a, STR("n achei, tá na Portaria…")), " nao achei | esta na portaria | ");
    CHECK_STR(words_fold(a, STR("")), " ");
    CHECK_STR(words_fold(a, STR("...!?")), " ? ");
    CHECK_INT(words_count(STR(" no | ya la tengo ? ")), 4);
}

TEST(a_not_before_a_phrase_turns_it_around_within_its_clause)
{
    struct words_phrase found = words_phrase_of(a, STR("found it"), STR("en"), STR("found"));
    CHECK(words_find(words_fold(a, STR("I found it")), &found) == 2);
    CHECK(words_find(words_fold(a, STR("I never really found it")), &found) < 0);
    CHECK(words_find(words_fold(a, STR("No, I found it")), &found) >= 0);
    CHECK(words_find(words_fold(a, STR("refound item")), &found) < 0);
}

static struct str amount_in(const char *words, const char *language)
{
    struct offline_slot slot = {.name = STR("sum"), .type = STR("money")};
    return offline_read_typed(a, &slot, str_of(words), str_of(language), STR("2026-03-10"), true);
}

TEST(of_several_amounts_the_last_one_counts_that_is_not_excluded)
{
    CHECK_STR(amount_in("100... no, 150", "en"), "150");
    CHECK_STR(amount_in("make it 80 instead of 50", "en"), "80");
    CHECK_STR(amount_in("80, not $50", "en"), "80");
    CHECK_STR(amount_in("not 50 but 80", "en"), "80");
    CHECK_STR(amount_in("80 em vez de R$ 50", "pt"), "80");
    CHECK_STR(amount_in("não, 80", "pt"), "80");
    CHECK_STR(amount_in("80 y no 50", "es"), "80");
    CHECK_STR(amount_in("not 50", "en"), "");
}

TEST(a_pattern_that_stops_at_the_digits_gets_the_whole_amount)
{
    struct json *patterns;
    CHECK_INT(json_parse(a, STR("{\"pt\": [\"para (\\\\d[\\\\d.]*(?:,\\\\d{1,2})?)\"]}"), &patterns, NULL), 0);
    struct offline_slot slot = {.name = STR("limit"), .type = STR("money"), .patterns = patterns};
    CHECK_STR(offline_read_typed(a, &slot, STR("aumentar para 8 mil"), STR("pt"), STR("2026-03-10"), false), "8000");
    CHECK_STR(offline_read_typed(a, &slot, STR("para 8 mil reais, por favor"), STR("pt"), STR("2026-03-10"), false),
              "8000");
    CHECK_STR(offline_read_typed(a, &slot, STR("para 8 meses"), STR("pt"), STR("2026-03-10"), false), "8");
    CHECK_STR(offline_read_typed(a, &slot, STR("para 8.000,50, mil vezes"), STR("pt"), STR("2026-03-10"), false),
              "8000.5");
}

TEST(any_words_in_any_order_have_an_answer)
{
    static const char *const pieces[] = {"yes",      "no",     "not",       "'t",      "?",  ".",   ", ",   "not yet",
                                         "found it", "human",  "atendente", "talk to", "já", "não", "nada", "sí",
                                         "nadie",    "card",   "gracias",   "n",       "|",  "…",   "¿",    "robot",
                                         "thanks",   "stolen", "\n",        "\"",      "\\", "é",   "🙂"};
    const char *places[] = {"", AT("investigate") "," APARTMENT,
                            AT("offer_reissue") "," LATE "," PROPOSAL("void", "1")};
    uint64_t seed = 11;
    for (int i = 0; i < 600; i++) {
        struct buf words = buf_new(a, 400);
        for (uint64_t n = 1 + rng_next(&seed) % 8; n > 0; n--)
            buf_addf(&words, "%s%s", words.n ? " " : "", pieces[rng_next(&seed) % (sizeof pieces / sizeof *pieces)]);
        CHECK(said(str_c(a, buf_str(&words)), i % 2 ? "pt" : "en", places[i % 3]).n > 0);
    }
}

/* The reading of an answer in the words of tests/data/offline_answers.tsv. */
static struct str reading_of(struct str line)
{
    struct buf b = buf_new(a, 400);
    if (str_has(line, STR("asked_human")))
        return STR("human");
    if (str_has(line, STR("_clarify")))
        return STR("clarify");
    if (str_starts(line, STR("You are welcome")) || str_starts(line, STR("De nada")))
        return STR("welcome");
    if (!str_has(line, STR("update_scratchpad")) && !str_has(line, STR("reissue_card")))
        return STR("greet");
    if (str_has(line, STR("\"asking\":[\"looked_there\"]")))
        return STR("unclear");
    if (str_has(line, STR("get_customer_profile {}")))
        buf_adds(&b, "start");
    ptrdiff_t at;
    for (struct str rest = line; (at = str_find(rest, STR("\"slot\":\""))) >= 0;) {
        rest = str_from(rest, (size_t)at + 8);
        struct str slot = str_head(rest, (size_t)str_find(rest, STR("\"")));
        rest = str_from(rest, slot.n + 11);
        buf_addf(&b, "%s%.*s=%.*s", b.n ? " " : "", STR_ARG(slot), (int)str_find(rest, STR("\"")), rest.p);
    }
    return buf_str(&b);
}

TEST(the_words_of_customers_are_read_as_the_table_says)
{
    static char text[1 << 16];
    FILE *f = fopen("tests/data/offline_answers.tsv", "rb");
    CHECK(f != NULL);
    struct str rest = {text, fread(text, 1, sizeof text, f)}, line;
    fclose(f);
    int rows = 0, wrong = 0;
    while (str_split(&rest, '\n', &line)) {
        struct str where, language, words, want;
        if (!line.n || line.p[0] == '#' || !str_split(&line, '\t', &where) || !str_split(&line, '\t', &language) ||
            !str_split(&line, '\t', &words) || !str_split(&line, '\t', &want))
            continue;
        const char *more = str_is(where, "asked") ? AT("investigate") ",\"asked\":{\"looked_there\":1}," APARTMENT : "";
        struct str answer = said(str_c(a, words), str_c(a, language), more);
        rows++;
        if (str_eq(reading_of(answer), want))
            continue;
        wrong++;
        print_error("%.*s: \"%.*s\" is read as \"%.*s\", not \"%.*s\"\n  %.*s\n", STR_ARG(where), STR_ARG(words),
                    STR_ARG(reading_of(answer)), STR_ARG(want), STR_ARG(answer));
    }
    print_message("%d answers of customers, %d misread\n", rows, wrong);
    CHECK(rows >= 60 && wrong == 0);
}

TEST(odd_texts_do_not_break_it)
{
    static const char *const odd[] = {
        " ",
        "\n\n",
        "???",
        "....",
        "\\\\\\\"}{][",
        "{\"role\":\"user\"}",
        "%s%n%d",
        "🙂",
        "👩‍👩‍👧‍👦 card",
        "\xc3\xb1",
        "n t t t t n t",
        "t",
        "'t",
        "n't",
        "can't won't don't",
        "¿¿¿¡¡¡",
        "——",
        "١٢٣",
        "กขค",
        "ﬁnd ﬀ",
        "Ａｇｅｎｔ",
        "\t\t",
        "[The customer pressed ",
        "## macros\n{\"runtime.clarify\":1}",
        "transfer_to_human {\"reason\":\"x\"}",
        "null",
        "yes no yes no yes no",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        CHECK(said(odd[i], "en", "").n > 0);
        CHECK(said(odd[i], "pt", AT("investigate") "," APARTMENT).n > 0);
    }
    char *huge = arena_alloc(a, 200001);
    for (int i = 0; i < 200000; i++)
        huge[i] = "a e, não é "[i % 8];
    for (int i = 0; i < 200000; i++)
        if (huge[i] < 0 || huge[i] == 0)
            huge[i] = 'x';
    CHECK(said(huge, "es", "").n > 0);
}

/* Not a bound, which would depend on the machine: the figure, for whoever changes something here. */
TEST(an_answer_takes_microseconds)
{
    enum { BATCHES = 20, ROUNDS = 100 };
    struct arena *turn = arena_new("turn", 1 << 16);
    struct offline_plans plans = {0};
    struct offline_plan *p;
    struct err e;
    struct llm_answer answer;
    struct buf transcript = buf_new(a, 1 << 20);
    buf_add(&transcript, STR(OPENING));
    for (int i = 0; i < 40; i++)
        buf_add(&transcript, after_results);
    struct llm_question questions[] = {
        {.shared = shared, .state = state_of("en", AT("greet") "," LATE), .transcript = buf_str(&transcript)},
        {.shared = shared,
         .state = state_of("pt", AT("investigate") "," APARTMENT),
         .transcript = after_words("já perguntei na portaria ontem e hoje, ninguém recebeu nada e não está lá")},
        {.shared = shared, .state = state_of("en", ""), .transcript = after_words("Hi, where is my new card please?")},
    };
    static const char *const names[] = {"after results", "an answer", "a first question"};
    for (int k = 0; k < 3; k++) {
        int64_t best_us = INT64_MAX; /* of the batches: the machine has other work to do */
        for (int batch = 0; batch < BATCHES; batch++) {
            int64_t began_us = clock_mono_us();
            for (int i = 0; i < ROUNDS; i++) {
                arena_reset(turn);
                CHECK(offline_plans_get(&plans, shared, &p, &e) == 0);
                CHECK(offline_answer(p, turn, &questions[k], &answer, &e) == 0);
            }
            int64_t took_us = clock_mono_us() - began_us;
            best_us = took_us < best_us ? took_us : best_us;
        }
        print_message("%s: %.1f us (shared part %zu bytes)\n", names[k], (double)best_us / ROUNDS, shared.n);
    }
    offline_plans_free(&plans);
    arena_free(turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_folded_to_one_spelling_and_clauses_stay_apart),
        cmocka_unit_test(a_not_before_a_phrase_turns_it_around_within_its_clause),
        cmocka_unit_test(of_several_amounts_the_last_one_counts_that_is_not_excluded),
        cmocka_unit_test(a_pattern_that_stops_at_the_digits_gets_the_whole_amount),
        cmocka_unit_test(any_words_in_any_order_have_an_answer),
        cmocka_unit_test(the_words_of_customers_are_read_as_the_table_says),
        cmocka_unit_test(odd_texts_do_not_break_it),
        cmocka_unit_test(an_answer_takes_microseconds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
