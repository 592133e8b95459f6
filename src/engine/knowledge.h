/* knowledge: a collection of documents in a workspace, and how an agent looks something up in it.
 *
 *     knowledge/<collection>/(any folders)/NAME.md    one document: front matter, then Markdown
 *     knowledge/<collection>/(any folders)/NAME.jsonl a document a line: the same keys, and `content`
 *     knowledge/<collection>/asked.txt                what people asked before, a question a line; may be missing
 *
 * docs/KNOWLEDGE.md describes them. A collection is read whole and kept in memory; its hash tells whether the files have
 * changed since. Not thread-safe. */
#ifndef ENGINE_KNOWLEDGE_H
#define ENGINE_KNOWLEDGE_H

#include "base/hash.h"
#include "base/json.h"

struct knowledge_document {
    struct str id; /* what an answer cites: [id] */
    struct str title, body;
    struct str source;               /* where people can read it: a URL, or "" */
    struct str topic;                /* "": the folder it lies in, else the id without a number at its end */
    struct str locale;               /* "en", or "" */
    struct str valid_from, valid_to; /* YYYY-MM-DD, both included; "" for no limit */
};

enum { KNOWLEDGE_DOCUMENTS_MAX = 20000, KNOWLEDGE_BYTES_MAX = 64 << 20, KNOWLEDGE_FILE_BYTES_MAX = 16 << 20 };

/* Reads the text of one file, `name` for messages ("knowledge/products/card.md"); `folder` is what it lies in below the
 * collection ("" for none). Calls fn for each document. Errors: ERR_INVALID with "name:line: ..."; what fn gives. */
typedef int knowledge_take(void *arg, const struct knowledge_document *d, const char *name, uint32_t line,
                           struct err *e);
MUST_USE int knowledge_read(struct arena *a, struct str text, const char *name, struct str folder, knowledge_take *fn,
                            void *arg, struct err *e);

struct knowledge;

/* Reads every file of a folder, or one file, in the order of their paths; `name` is what the collection is called. Errors:
 * ERR_NOT_FOUND (no such folder), ERR_INVALID ("file:line: ..."; also an id that is there twice), ERR_LIMIT, ERR_IO. */
MUST_USE int knowledge_open(const char *path, struct str name, struct knowledge **out, struct err *e);
void knowledge_close(struct knowledge *k); /* NULL is allowed */
/* Makes ready for searching; the first search does it else. Errors: as retrieval_new. */
MUST_USE int knowledge_index(struct knowledge *k, struct err *e);

size_t knowledge_count(const struct knowledge *k);
const struct knowledge_document *knowledge_at(const struct knowledge *k, size_t i);
/* {"<id>": "<sha256 of the document>", ...}, by id; and the SHA-256 of that text: which documents an answer was made of. */
struct str knowledge_manifest(struct arena *a, const struct knowledge *k);
struct sha256 knowledge_sha(const struct knowledge *k);
/* A hash of names, sizes and times of the files, without reading them: has anything changed since? Zeros when there is none. */
struct sha256 knowledge_stamp(const char *path);

/* Where embeddings would come from. None is shipped: without it (NULL) documents are found by their words alone. With it,
 * both lists are fused by reciprocal rank (docs/KNOWLEDGE.md says how to connect a provider). */
struct knowledge_embedder {
    void *arg;
    size_t dimensions;
    /* n texts into n * dimensions numbers. Waits; so it is for commands and building, and for queries only where it answers
     * in a few milliseconds. */
    int (*embed)(void *arg, const struct str *texts, size_t n, float *vectors, struct err *e);
};
/* Embeds every document; from then on searches use it. Borrows the embedder. */
MUST_USE int knowledge_embed(struct knowledge *k, const struct knowledge_embedder *by, struct err *e);

struct knowledge_query {
    struct str text;
    size_t results;       /* at most */
    size_t passage_chars; /* of each; 0: the whole document */
    struct str locale;    /* documents in another language count less; "": all alike */
    struct str date;      /* YYYY-MM-DD: what is not valid then is left out; "": nothing is */
};
struct knowledge_found {
    const struct knowledge_document *document;
    struct str passage;
    double score; /* to compare within one answer; no probability */
};
enum { KNOWLEDGE_RESULTS_MAX = 50 };
/* Best first; returns how many. */
MUST_USE int knowledge_search(struct knowledge *k, struct arena *a, const struct knowledge_query *q,
                              struct knowledge_found *found, struct err *e);
/* [{"id","title","passage","score"[,"source"]}, ...] */
void knowledge_write(const struct knowledge_found *found, size_t n, struct json_writer *w);

#endif
