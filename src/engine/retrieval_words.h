/* retrieval_words: the parts that engine/retrieval.h is made of: dictionaries, and fields that are scored by BM25. For its
 * files alone. */
#ifndef ENGINE_RETRIEVAL_WORDS_H
#define ENGINE_RETRIEVAL_WORDS_H

#include "base/str.h"

enum { WORD_NONE = UINT32_MAX }; /* the id of a word that is in no document */

/* Texts, or pairs of ids, to ids from 0. */
struct dictionary {
    struct arena *arena;
    uint32_t n, size; /* size: slots, a power of two */
    struct dictionary_slot {
        uint64_t hash;  /* of the text, or of the pair */
        struct str key; /* a pair's is "" */
        uint64_t pair;
        uint32_t id;
    } * slots;
};
struct dictionary dictionary_new(struct arena *a);
/* With `add` an unknown one gets the next id, else WORD_NONE. Texts are copied. */
uint32_t dictionary_word(struct dictionary *d, struct str word, bool add);
uint32_t dictionary_pair(struct dictionary *d, uint32_t first, uint32_t second, bool add);

/* A growing list of ids. */
struct ids {
    struct arena *arena;
    uint32_t *p;
    size_t n, size;
};
void ids_add(struct ids *l, uint32_t id);

/* A text of the query with how often it stands there, and its weight. */
struct term {
    uint32_t id;
    double weight;
};

/* Documents (or topics, or sections) as bags of ids, then as lists of documents by id. */
struct field {
    struct arena *arena;
    size_t n; /* documents */
    struct ids from, id, count;
    /* By id, after field_close: */
    uint32_t vocabulary;
    uint32_t *first; /* of an id's entries; vocabulary + 1 of them */
    uint32_t *document;
    float *bm25;
    double *idf;
    /* By document, beside id and count: log(1 + count) * idf, each document of length 1. */
    float *cosine;
    float *cosine_by_id; /* the same in the order of `document` */
};
struct field field_new(struct arena *a);
/* Adds the next document; sorts `ids`, leaves WORD_NONE out. */
void field_add(struct field *f, uint32_t *ids, size_t n);
void field_close(struct field *f, uint32_t vocabulary, double k1, double b);
/* scores[document] += weight * BM25, for each term. */
void field_score(const struct field *f, const struct term *terms, size_t n, double *scores);

/* All divided by the largest; left as they are when that is not above 0. */
void scores_norm(double *scores, size_t n);
/* The places of the `max` largest above 0, largest first, equal ones in their order; returns how many. */
size_t scores_top(const double *scores, size_t n, uint32_t *places, size_t max);

#endif
