/* Any bytes are refused as a document or searched as one, and any bytes are a query: no answer names what is not there, and
 * no passage leaves its document. The first byte says what the rest is read as. */
#include "engine/knowledge.h"
#include "engine/retrieval.h"
#include "store/knowledge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int count(void *arg, const struct knowledge_document *d, const char *name, uint32_t line, struct err *e)
{
    size_t *documents = arg;
    (void)name;
    (void)line;
    (void)e;
    if (!d->id.n || !d->title.n || !d->topic.n || memchr(d->id.p, ']', d->id.n))
        abort();
    ++*documents;
    return 0;
}

static const struct retrieval_document documents[] = {
    {STR("Tide Card: fees"), STR("# Fees\nNo annual fee.\n\n# Cash\nThree per cent, at least four euros.\n"),
     STR("tide card")},
    {STR("Reef Card: overview"), STR("For travellers; sixty euros a year.\n- luggage\n- trips"), STR("reef card")},
    {STR("Depósito a plazo"), STR("El depósito mínimo es de 1.000 euros."), STR("mooring deposit")},
};
enum { DOCUMENTS = sizeof documents / sizeof *documents };

static void search(struct str query)
{
    struct retrieval *r;
    struct knowledge_index *ix;
    struct err e;
    struct retrieval_hit hits[2];
    struct knowledge_hit plain[2];
    float features[DOCUMENTS * RETRIEVAL_FEATURES];
    struct knowledge_text texts[DOCUMENTS];
    for (size_t i = 0; i < DOCUMENTS; i++)
        texts[i] = (struct knowledge_text){documents[i].title, documents[i].body};
    if (retrieval_new(documents, DOCUMENTS, &retrieval_form_best, &r, &e) < 0 ||
        knowledge_index_new(texts, DOCUMENTS, &ix, &e) < 0)
        abort();
    int found = retrieval_search(r, query, retrieval_weights_for(query), hits, 2, &e);
    if (found < 0 || knowledge_bm25(ix, query, plain, 2, &e) < 0 ||
        retrieval_features(r, query, NULL, features, &e) < 0)
        abort();
    for (int i = 0; i < found; i++) {
        struct str body = documents[hits[i].i].body, passage;
        if (retrieval_passage(r, query, body, 20, &passage, &e) < 0)
            abort();
        if (passage.n && (passage.p < body.p || passage.p + passage.n > body.p + body.n))
            abort();
    }
    retrieval_free(r);
    knowledge_index_free(ix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct str text = {(const char *)data, n};
    struct err e = {0};
    size_t read = 0;
    if (n && data[0] == 'q')
        search(str_from(text, 1));
    else if (n &&
             knowledge_read(a, str_from(text, 1), data[0] == 'l' ? "f.jsonl" : "f.md", STR("folder"), count, &read,
                            &e) < 0 &&
             !e.text[0])
        abort();
    arena_free(a);
    return 0;
}
