/* Looking something up: the documents of examples/product-explainer, and queries that mean harm. */
#include "test.h"

#include "base/text.h"
#include "engine/knowledge.h"
#include "engine/retrieval.h"
#include "store/knowledge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char products_path[] = "examples/product-explainer/knowledge/products";

static struct knowledge *products(void)
{
    struct knowledge *k = NULL;
    struct err e;
    if (knowledge_open(products_path, STR("products"), &k, &e) < 0)
        fail_msg("%s", e.text);
    return k;
}

/* The id of the best answer, or "". */
static const char *first(struct arena *a, struct knowledge *k, const char *text, const char *locale, const char *date)
{
    struct knowledge_query q = {
        .text = str_of(text), .results = 1, .locale = str_of(locale), .date = str_of(date), .passage_chars = 300};
    struct knowledge_found found[1];
    struct err e;
    int n = knowledge_search(k, a, &q, found, &e);
    if (n < 0)
        fail_msg("%s", e.text);
    return n ? str_c(a, found[0].document->id) : "";
}

TEST(a_question_finds_the_document_that_answers_it)
{
    static const struct {
        const char *question, *locale, *id;
    } cases[] = {
        {"Are winter sports covered by the Reef Card?", "en", "reef-card-002"},
        {"what happens to a fixed deposit when I take money out early", "en", "mooring-deposit-001"},
        {"may I repay the Compass Loan early", "en", "compass-loan-002"},
        {"closing a Harbour Account", "en", "harbour-account-003"},
        {"o Tide Card tem anuidade?", "pt", "pt-tide-card-001"},
        {"juros da poupança", "pt", "pt-anchor-savings-001"},
        {"¿qué pasa si retiro el depósito antes del plazo?", "es", "es-mooring-deposit-001"},
    };
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(str_of(first(a, k, cases[i].question, cases[i].locale, "")), cases[i].id);
    knowledge_close(k);
    arena_free(a);
}

TEST(what_is_not_valid_on_the_day_is_not_found)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    CHECK_STR(str_of(first(a, k, "fee of a paper statement", "en", "2026-06-01")), "fees-001");
    CHECK_STR(str_of(first(a, k, "fee of a paper statement", "en", "2025-12-31")), "fees-002");
    CHECK_STR(str_of(first(a, k, "bonus interest on new money", "en", "2026-02-28")), "anchor-savings-001");
    CHECK_STR(str_of(first(a, k, "bonus interest on new money", "en", "2026-03-01")), "anchor-savings-002");
    knowledge_close(k);
    arena_free(a);
}

TEST(a_passage_is_the_part_that_answers_and_keeps_its_bound)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    struct knowledge_query q = {.text = STR("refused direct debit"), .results = 1, .passage_chars = 40};
    struct knowledge_found found[1];
    struct err e;
    CHECK_INT(knowledge_search(k, a, &q, found, &e), 1);
    CHECK(str_has(found[0].passage, STR("Refused direct debit")));
    CHECK(text_length(found[0].passage) <= 40);
    CHECK(text_invalid_at(found[0].passage) < 0);
    knowledge_close(k);
    arena_free(a);
}

TEST(no_query_is_syntax_and_none_is_too_much)
{
    static const char *const hostile[] = {"\"",           "AND",  "OR NOT", "NEAR(card fee, 2)", "title:fee", "fee*",
                                          "^fee",         "-fee", "(((",    "{title body}:x",    "';--",      "%s%n",
                                          "the of and a", "",     " ",      "\xff\xfe",          "e\xcc\x81"};
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    struct knowledge_text text = {STR("Fees"), STR("the fee of a card")};
    struct knowledge_index *ix;
    struct knowledge_hit hit;
    struct knowledge_found found[5];
    struct err e;
    CHECK_INT(knowledge_index_new(&text, 1, &ix, &e), 0);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct knowledge_query q = {.text = str_of(hostile[i]), .results = 5, .passage_chars = 100};
        CHECK(knowledge_search(k, a, &q, found, &e) >= 0);
        CHECK(knowledge_bm25(ix, q.text, &hit, 1, &e) >= 0);
    }
    struct knowledge_query nul = {.text = STR("fee\0card"), .results = 5};
    CHECK(knowledge_search(k, a, &nul, found, &e) >= 0);
    CHECK(knowledge_bm25(ix, nul.text, &hit, 1, &e) >= 0);
    struct buf large = buf_new(a, 100000);
    for (int i = 0; !large.cut; i++)
        buf_addf(&large, "fee%d card ", i);
    struct knowledge_query huge = {.text = buf_str(&large), .results = 5, .passage_chars = 100};
    CHECK_INT(knowledge_search(k, a, &huge, found, &e), 5);
    CHECK_INT(knowledge_bm25(ix, huge.text, &hit, 1, &e), 1);
    struct knowledge_query stops = {.text = STR("what is the of and o que é"), .results = 5};
    CHECK_INT(knowledge_search(k, a, &stops, found, &e), 0);
    knowledge_index_free(ix);
    knowledge_close(k);
    arena_free(a);
}

static void keep_word(void *arg, struct str word, size_t at)
{
    (void)at;
    buf_addf(arg, "%.*s ", STR_ARG(word));
}

TEST(words_lose_accents_plurals_and_capitals)
{
    struct arena *a = arena_new("test", 0);
    struct buf b = buf_new(a, 500);
    struct knowledge_index *ix;
    struct err e;
    CHECK_INT(knowledge_index_new(NULL, 0, &ix, &e), 0);
    CHECK_INT(knowledge_words(ix, STR("cartão CARTÕES pessoal pessoais comisión comisiones fees fee"), true, keep_word,
                              &b, &e),
              0);
    CHECK_STR(buf_str(&b), "carto carto pessoal pessoal comis comis fee fee ");
    knowledge_index_free(ix);
    arena_free(a);
}

TEST(pairs_of_words_tell_two_products_apart)
{
    static const struct retrieval_document documents[] = {
        {STR("Gold account"), STR("silver card silver card gold account"), STR("x")},
        {STR("Silver account"), STR("gold card gold card silver account"), STR("y")},
    };
    struct retrieval *r;
    struct retrieval_hit hits[2];
    struct err e;
    CHECK_INT(retrieval_new(documents, 2, &retrieval_form_best, &r, &e), 0);
    struct retrieval_weights pairs = {.of = {[RETRIEVAL_PAIRS] = 1}};
    CHECK_INT(retrieval_search(r, STR("gold card"), &pairs, hits, 2, &e), 1);
    CHECK_INT(hits[0].i, 1);
    retrieval_free(r);
}

TEST(a_word_that_everybody_asks_tells_little)
{
    static const struct retrieval_document documents[] = {{STR("One"), STR("hello card"), STR("x")},
                                                          {STR("Two"), STR("lounge card"), STR("y")},
                                                          {STR("Three"), STR("other things"), STR("z")}};
    struct retrieval *r;
    struct retrieval_hit hits[3];
    struct retrieval_weights words = {.of = {[RETRIEVAL_WORDS] = 1}};
    struct err e;
    struct retrieval_form form = {.k1 = 1.2, .b = 0.75, .title_weight = 1};
    CHECK_INT(retrieval_new(documents, 3, &form, &r, &e), 0);
    CHECK_INT(retrieval_search(r, STR("hello lounge"), &words, hits, 3, &e), 2);
    CHECK_INT(hits[0].i, 0); /* both weigh the same */
    for (int i = 0; i < 5; i++)
        CHECK_INT(retrieval_hear(r, STR("hello"), &e), 0);
    CHECK_INT(retrieval_search(r, STR("hello lounge"), &words, hits, 3, &e), 2);
    CHECK_INT(hits[0].i, 1);
    retrieval_free(r);
}

TEST(a_situation_puts_the_overview_of_its_topic_first)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    CHECK_STR(
        str_of(first(a, k,
                     "I travel a lot for work. I want a new credit card for it. It should have travel insurance. I pay "
                     "in foreign currency often. I do not want an annual fee that is never waived. My luggage was lost "
                     "last year. Which card is right for me?",
                     "en", "")),
        "reef-card-001");
    knowledge_close(k);
    arena_free(a);
}

/* --- files --- */

static int take_any(void *arg, const struct knowledge_document *d, const char *name, uint32_t line, struct err *e)
{
    (void)arg;
    (void)name;
    (void)line;
    (void)e;
    return d->id.n ? 0 : 1;
}

static struct str read_as(struct arena *a, const char *name, const char *text)
{
    struct err e = {0};
    if (knowledge_read(a, str_of(text), name, STR_NONE, take_any, a, &e) == 0)
        return STR("");
    return str_f(a, "%s", e.text);
}

TEST(a_document_that_is_wrong_is_refused_with_its_place)
{
    struct arena *a = arena_new("test", 0);
    CHECK(str_starts(read_as(a, "k/a.md", "no front matter"), STR("k/a.md:1: a document begins with ---")));
    CHECK(str_has(read_as(a, "k/a.md", "---\nid: a\ntitel: A\n---\ntext\n"), STR("k/a.md:3: ")));
    CHECK(str_has(read_as(a, "k/a.md", "---\nid: a b\ntitle: A\n---\ntext\n"), STR("without blanks and brackets")));
    CHECK(str_has(read_as(a, "k/a.md", "---\nid: a\ntitle: A\nvalid_from: soon\n---\ntext\n"), STR("dates like")));
    CHECK(str_has(read_as(a, "k/a.md", "---\nid: a\ntitle: A\n---\n \n"), STR("needs `title` and a text")));
    CHECK(str_starts(read_as(a, "k/a.jsonl", "{\"id\":\"a\",\"title\":\"A\",\"content\":\"t\"}\n{\"id\":"),
                     STR("k/a.jsonl:2: ")));
    CHECK(str_has(read_as(a, "k/a.md", "\xff"), STR("is not UTF-8")));
    CHECK_STR(read_as(a, "k/a.md", "---\nid: a\ntitle: A\n---\ntext\n"), "");
    arena_free(a);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        fail_msg("%s cannot be written", path);
}

TEST(the_hash_of_a_collection_changes_with_its_documents_alone)
{
    struct arena *a = arena_new("test", 0);
    char dir[] = "/tmp/candor-knowledge-XXXXXX";
    struct knowledge *k;
    struct err e;
    CHECK(mkdtemp(dir));
    const char *one = str_f(a, "%s/one.md", dir).p, *two = str_f(a, "%s/two.jsonl", dir).p;
    put(one, "---\nid: a\ntitle: A\n---\ntext\n");
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), 0);
    struct sha256 before = knowledge_sha(k), stamp = knowledge_stamp(dir);
    knowledge_close(k);
    put(two, "{\"id\":\"b\",\"title\":\"B\",\"content\":\"more\"}\n");
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), 0);
    struct sha256 after = knowledge_sha(k), stamp_after = knowledge_stamp(dir);
    CHECK(!sha256_eq(&before, &after));
    CHECK(!sha256_eq(&stamp, &stamp_after));
    CHECK(str_starts(knowledge_manifest(a, k), STR("{\"a\":\"")));
    knowledge_close(k);
    put(two, "{\"id\":\"a\",\"title\":\"B\",\"content\":\"more\"}\n");
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), ERR_INVALID);
    CHECK(str_has(str_of(e.text), STR("two documents have the id a")));
    unlink(two);
    put(str_f(a, "%s/asked.txt", dir).p, "a question\nanother one\n");
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), 0);
    after = knowledge_sha(k);
    CHECK(sha256_eq(&before, &after));
    CHECK_INT(knowledge_index(k, &e), 0);
    knowledge_close(k);
    unlink(str_f(a, "%s/asked.txt", dir).p);
    unlink(one);
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), ERR_NOT_FOUND);
    rmdir(dir);
    CHECK_INT(knowledge_open(dir, STR("c"), &k, &e), ERR_NOT_FOUND);
    arena_free(a);
}

/* --- embeddings --- */

/* One number: does the text speak of cold things? Stands for a model that knows what skiing is. */
static int embed(void *arg, const struct str *texts, size_t n, float *vectors, struct err *e)
{
    (void)arg;
    (void)e;
    for (size_t i = 0; i < n; i++) {
        bool cold = str_has(texts[i], STR("winter")) || str_has(texts[i], STR("skiing"));
        vectors[2 * i] = cold;
        vectors[2 * i + 1] = !cold;
    }
    return 0;
}

TEST(an_embedder_finds_what_no_word_finds)
{
    struct arena *a = arena_new("test", 0);
    struct knowledge *k = products();
    struct err e;
    struct knowledge_embedder by = {.dimensions = 2, .embed = embed};
    CHECK_STR(str_of(first(a, k, "skiing", "en", "")), "");
    CHECK_INT(knowledge_embed(k, &by, &e), 0);
    CHECK_STR(str_of(first(a, k, "skiing", "en", "")), "reef-card-002");
    knowledge_close(k);
    arena_free(a);
}

RUN(cmocka_unit_test(a_question_finds_the_document_that_answers_it),
    cmocka_unit_test(what_is_not_valid_on_the_day_is_not_found),
    cmocka_unit_test(a_passage_is_the_part_that_answers_and_keeps_its_bound),
    cmocka_unit_test(no_query_is_syntax_and_none_is_too_much),
    cmocka_unit_test(words_lose_accents_plurals_and_capitals), cmocka_unit_test(pairs_of_words_tell_two_products_apart),
    cmocka_unit_test(a_word_that_everybody_asks_tells_little),
    cmocka_unit_test(a_situation_puts_the_overview_of_its_topic_first),
    cmocka_unit_test(a_document_that_is_wrong_is_refused_with_its_place),
    cmocka_unit_test(the_hash_of_a_collection_changes_with_its_documents_alone),
    cmocka_unit_test(an_embedder_finds_what_no_word_finds))
