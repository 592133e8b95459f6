/* Collections that a process has open, and what a tool answers from them. */
#include "test.h"

#include "app/library.h"

TEST(a_tool_answers_with_passages_to_cite)
{
    struct arena *a = arena_new("test", 0);
    struct library *l = library_new("examples/product-explainer");
    struct json *how, *out;
    struct err e;
    CHECK_INT(json_parse(a, STR("{\"collection\":\"products\",\"results\":2,\"passage_chars\":80}"), &how, &e), 0);
    CHECK_INT(
        library_answer(l, a, how, STR("cash from an ATM with the Tide Card"), STR("en"), STR("2026-11-28"), &out, &e),
        0);
    CHECK_STR(json_str(json_path(out, STR("results.0.id"))), "tide-card-003");
    CHECK(json_str(json_path(out, STR("results.0.passage"))).n > 0);
    CHECK_INT(json_get(out, "results")->n, 2);
    CHECK_INT(json_str(json_get(out, "documents_sha256")).n, 64);
    CHECK_INT(library_answer(l, a, how, STR("zzzz"), STR(""), STR(""), &out, &e), 0);
    CHECK_INT(json_get(out, "results")->n, 0);
    library_free(l);
    arena_free(a);
}

TEST(a_collection_that_is_not_there_or_leads_elsewhere_is_refused)
{
    struct library *l = library_new("examples/product-explainer");
    struct knowledge *k;
    struct err e;
    CHECK_INT(library_find(l, STR("nothing"), &k, &e), ERR_NOT_FOUND);
    CHECK_INT(library_find(l, STR("../knowledge"), &k, &e), ERR_INVALID);
    CHECK_INT(library_find(l, STR("products"), &k, &e), 0);
    library_free(l);
}

RUN(cmocka_unit_test(a_tool_answers_with_passages_to_cite),
    cmocka_unit_test(a_collection_that_is_not_there_or_leads_elsewhere_is_refused))
