/* knowledge: a full-text index over documents, for finding those that answer a question.
 *
 * SQLite FTS5 in memory: nothing on the disk has to be kept in step with the files it was made of, and making it again costs
 * some tens of milliseconds for a thousand documents. It gives two things: the words of a text, as FTS5's tokenizers see
 * them, and plain BM25. What ranks better than plain BM25 is engine/retrieval.h, which is made of the same words.
 *
 * Not thread-safe. Query texts are data, never FTS5 syntax: every word is quoted. */
#ifndef STORE_KNOWLEDGE_H
#define STORE_KNOWLEDGE_H

#include "base/str.h"

struct knowledge_index;

struct knowledge_text {
    struct str title, body;
};

enum { KNOWLEDGE_WORDS_MAX = 2000 }; /* of a query; what comes after them is not looked at */

/* Borrows nothing. Errors: ERR_LIMIT (memory), ERR_IO, ERR_UNSUPPORTED (this SQLite has no FTS5). */
MUST_USE int knowledge_index_new(const struct knowledge_text *texts, size_t n, struct knowledge_index **out,
                                 struct err *e);
void knowledge_index_free(struct knowledge_index *ix); /* NULL is allowed */

/* Calls fn with each word of `text` in order: folded to small letters without accents, and with `stem` cut to its stem
 * (Porter 1980, Program 14(3), made for English; Portuguese and Spanish plurals besides). `at` is the offset of the word's
 * first byte in `text`. A word is borrowed for the call. Any bytes are allowed. */
MUST_USE int knowledge_words(struct knowledge_index *ix, struct str text, bool stem,
                             void (*fn)(void *arg, struct str word, size_t at), void *arg, struct err *e);

struct knowledge_hit {
    size_t i; /* of the texts */
    double score;
};
/* Plain BM25 of FTS5 (k1 = 1.2, b = 0.75, title and body alike, words as they are): the best `max` of those that have a word
 * of the query, best first; equal ones in their order. Returns how many, or an error of the store. */
MUST_USE int knowledge_bm25(struct knowledge_index *ix, struct str query, struct knowledge_hit *hits, size_t max,
                            struct err *e);

#endif
