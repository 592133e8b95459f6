/* retrieval: which documents does a question need? Ranking beyond plain BM25, without a model.
 *
 * Everything is counted from the collection itself: words and pairs of neighbouring words by BM25 (Robertson and Zaragoza
 * 2009, Found. Trends IR 3(4)), feedback from the first documents found (Rocchio 1971), the topic that a document belongs to,
 * and whether it opens its topic. Each is a feature between 0 and 1; a document's score is their weighted sum.
 * docs/KNOWLEDGE.md says what each brings and how the weights were found.
 *
 * A query may be a question of a few words or a whole situation with several needs. Not thread-safe. */
#ifndef ENGINE_RETRIEVAL_H
#define ENGINE_RETRIEVAL_H

#include "base/str.h"

struct retrieval;

struct retrieval_document {
    struct str title, body;
    struct str topic; /* documents about one thing share it: "savings/gold_account"; its words are searched too */
};

/* How texts become words, and BM25's constants. */
struct retrieval_form {
    bool stem,
        stop_words;   /* cut words to their stems; leave out words that say nothing (English, Portuguese, Spanish) */
    int title_weight; /* a title counts so many times */
    double k1, b;
};
extern const struct retrieval_form retrieval_form_best;

enum retrieval_feature {
    RETRIEVAL_WORDS,    /* BM25 over words */
    RETRIEVAL_PAIRS,    /* BM25 over pairs of neighbouring words */
    RETRIEVAL_BOTH,     /* the two added */
    RETRIEVAL_CLAUSES,  /* each clause asked by itself, fused by reciprocal rank (Cormack et al. 2009, SIGIR) */
    RETRIEVAL_PASSAGES, /* the best section of the document by BM25 */
    RETRIEVAL_FEEDBACK, /* likeness to the documents that BOTH puts first */
    RETRIEVAL_TOPIC,    /* BM25 of the document's whole topic, taken as one text */
    RETRIEVAL_OPENING,  /* 1 for the first document of each topic: the one that gives the overview */
    RETRIEVAL_TOOLS,    /* 1 for a document that names a tool (a_word_like_this): a procedure */
    RETRIEVAL_PLACE,    /* BM25 over the topic's own words */
    RETRIEVAL_FEATURES
};
const char *retrieval_feature_name(enum retrieval_feature f);

struct retrieval_weights {
    double of[RETRIEVAL_FEATURES];
};
/* For a question of a few words: what is about this very thing comes first. */
extern const struct retrieval_weights retrieval_question;
/* For a situation with several needs: overviews and procedures of the topics around it come first. */
extern const struct retrieval_weights retrieval_situation;
/* Which of the two fits: a situation has at least six clauses. */
const struct retrieval_weights *retrieval_weights_for(struct str query);

/* Borrows the documents' texts. Errors: as knowledge_index_new. */
MUST_USE int retrieval_new(const struct retrieval_document *documents, size_t n, const struct retrieval_form *form,
                           struct retrieval **out, struct err *e);
void retrieval_free(struct retrieval *r); /* NULL is allowed */

/* Notes what people ask: a word that stands in most questions ("hello", "account") tells little in any of them. Without
 * notes all words of a query count the same. */
MUST_USE int retrieval_hear(struct retrieval *r, struct str query, struct err *e);

/* Each feature of each document, features[i * RETRIEVAL_FEATURES + f]; those without a weight stay 0 (NULL: all are made). */
MUST_USE int retrieval_features(struct retrieval *r, struct str query, const struct retrieval_weights *wanted,
                                float *features, struct err *e);

struct retrieval_hit {
    size_t i; /* of the documents */
    double score;
};
/* The best `max` documents that have anything of the query, best first, equal ones in their order; returns how many. Bytes
 * of the query behind RETRIEVAL_QUERY_BYTES_MAX are not looked at. */
enum { RETRIEVAL_QUERY_BYTES_MAX = 16384 };
MUST_USE int retrieval_search(struct retrieval *r, struct str query, const struct retrieval_weights *weights,
                              struct retrieval_hit *hits, size_t max, struct err *e);

/* The part of `body` that answers best, at most `chars` characters of whole lines or words, with its offset. */
MUST_USE int retrieval_passage(struct retrieval *r, struct str query, struct str body, size_t chars, struct str *out,
                               struct err *e);

#endif
