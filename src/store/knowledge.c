#include "store/knowledge.h"

#include "store/query.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES_MAX = 200 };

/* A tokenizer of FTS5 that was made. */
struct words_of {
    fts5_tokenizer api;
    Fts5Tokenizer *made;
};

struct knowledge_index {
    struct connection c;
    struct words_of plain, stems;
    size_t n; /* documents */
};

static const char *const plain_arguments[] = {"remove_diacritics", "2"};
static const char *const stem_arguments[] = {"unicode61", "remove_diacritics", "2"};

/* --- making --- */

static int find_api(struct connection *c, fts5_api **api, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c, "SELECT fts5(?1)", &q, e);
    if (r < 0)
        return err_set(e, ERR_UNSUPPORTED, "this SQLite was built without FTS5, which searches documents");
    *api = NULL;
    sqlite3_bind_pointer(q, 1, api, "fts5_api_ptr", NULL);
    r = query_run(q, e);
    if (r == 0 && !*api)
        return err_set(e, ERR_UNSUPPORTED, "this SQLite was built without FTS5, which searches documents");
    return r;
}

static int make(fts5_api *api, const char *name, const char *const *arguments, int n, struct words_of *out,
                struct err *e)
{
    void *context;
    if (api->xFindTokenizer(api, name, &context, &out->api) != SQLITE_OK ||
        out->api.xCreate(context, (const char **)(uintptr_t)arguments, n, &out->made) != SQLITE_OK)
        return err_set(e, ERR_UNSUPPORTED, "this SQLite has no tokenizer %s for FTS5", name);
    return 0;
}

static int insert(struct connection *c, size_t i, const struct knowledge_text *text, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(c, "INSERT INTO document (rowid, title, body) VALUES (?1, ?2, ?3)", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, (int64_t)i + 1);
    query_text(q, 2, text->title);
    query_text(q, 3, text->body);
    return query_run(q, e);
}

static int fill(struct knowledge_index *ix, const struct knowledge_text *texts, size_t n, struct err *e)
{
    fts5_api *api;
    if (sqlite3_open_v2(":memory:", &ix->c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return err_set(e, ERR_LIMIT, "there is no memory for an index of documents");
    int r = find_api(&ix->c, &api, e);
    if (r < 0)
        return r;
    r = make(api, "unicode61", plain_arguments, 2, &ix->plain, e);
    if (r == 0)
        r = make(api, "porter", stem_arguments, 3, &ix->stems, e);
    if (r == 0)
        r = query_exec(ix->c.db,
                       "BEGIN; CREATE VIRTUAL TABLE document USING"
                       " fts5 (title, body, content = '', tokenize = 'unicode61 remove_diacritics 2')",
                       e);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = insert(&ix->c, i, &texts[i], e);
    return r < 0 ? r : query_exec(ix->c.db, "COMMIT", e);
}

int knowledge_index_new(const struct knowledge_text *texts, size_t n, struct knowledge_index **out, struct err *e)
{
    struct knowledge_index *ix = mem_get(sizeof *ix);
    *ix = (struct knowledge_index){.n = n};
    int r = fill(ix, texts, n, e);
    if (r < 0)
        knowledge_index_free(ix);
    else
        *out = ix;
    return r;
}

void knowledge_index_free(struct knowledge_index *ix)
{
    if (!ix)
        return;
    if (ix->plain.made)
        ix->plain.api.xDelete(ix->plain.made);
    if (ix->stems.made)
        ix->stems.api.xDelete(ix->stems.made);
    connection_close(&ix->c);
    free(ix);
}

/* --- words --- */

struct walk {
    void (*fn)(void *arg, struct str word, size_t at);
    void *arg;
    bool stem;
};

/* What Porter's rules leave of Portuguese and Spanish plurals becomes what they leave of the singular: "cartões" is "carto"
 * by now and "cartão" is "cartao"; "pessoais" is "pessoai", "móveis" is "movei"; "comisiones" is "comision" and "comisión" is
 * "comis". */
static struct str romance(char *word, size_t n)
{
    bool is_ao = n > 3 && memcmp(word + n - 2, "ao", 2) == 0;
    bool is_il = n > 4 && (memcmp(word + n - 2, "ai", 2) == 0 || memcmp(word + n - 2, "ei", 2) == 0);
    bool is_sion = n > 6 && memcmp(word + n - 4, "sion", 4) == 0;
    if (is_ao)
        word[n - 2] = 'o';
    if (is_il)
        word[n - 1] = 'l';
    return (struct str){word, n - is_ao - (is_sion ? 3 : 0)};
}

static int on_word(void *context, int flags, const char *token, int n, int begin, int end)
{
    struct walk *w = context;
    char word[WORD_BYTES_MAX];
    (void)flags;
    (void)end;
    if (n <= 0 || n > WORD_BYTES_MAX)
        return SQLITE_OK;
    memcpy(word, token, (size_t)n);
    w->fn(w->arg, w->stem ? romance(word, (size_t)n) : (struct str){word, (size_t)n}, (size_t)begin);
    return SQLITE_OK;
}

int knowledge_words(struct knowledge_index *ix, struct str text, bool stem,
                    void (*fn)(void *arg, struct str word, size_t at), void *arg, struct err *e)
{
    struct walk w = {fn, arg, stem};
    struct words_of *of = stem ? &ix->stems : &ix->plain;
    if (text.n > INT32_MAX)
        return err_set(e, ERR_LIMIT, "a text of %zu bytes is too long to be searched", text.n);
    if (of->api.xTokenize(of->made, &w, FTS5_TOKENIZE_DOCUMENT, text.p ? text.p : "", (int)text.n, on_word) !=
        SQLITE_OK)
        return err_set(e, ERR_LIMIT, "there is no memory to take a text apart into words");
    return 0;
}

/* --- plain BM25 --- */

struct query_words {
    struct arena *arena;
    struct str words[KNOWLEDGE_WORDS_MAX];
    size_t n;
};

static void add_word(void *arg, struct str word, size_t at)
{
    struct query_words *q = arg;
    (void)at;
    if (q->n < KNOWLEDGE_WORDS_MAX)
        q->words[q->n++] = str_copy(q->arena, word);
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Adds what one word is worth that stands `times` in the query. The tokenizers give letters and digits alone, so a quoted
 * word holds no quote. */
static int add_scores(struct knowledge_index *ix, struct arena *a, struct str word, size_t times, double *scores,
                      struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(&ix->c, "SELECT rowid, rank FROM document WHERE document MATCH ?1", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, str_f(a, "\"%.*s\"", STR_ARG(word)));
    while ((r = query_step(q, e)) == 1)
        scores[sqlite3_column_int64(q, 0) - 1] -= (double)times * sqlite3_column_double(q, 1);
    query_close(q);
    return r;
}

static size_t best_of(const double *scores, size_t n, struct knowledge_hit *hits, size_t max)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (scores[i] <= 0 || !max || (kept == max && scores[i] <= hits[kept - 1].score))
            continue;
        size_t at = kept < max ? kept++ : kept - 1;
        for (; at > 0 && hits[at - 1].score < scores[i]; at--)
            hits[at] = hits[at - 1];
        hits[at] = (struct knowledge_hit){i, scores[i]};
    }
    return kept;
}

/* BM25 of a query is the sum of its words'. FTS5 would sum them itself for "a OR b OR ...", but its time grows with the
 * square of their number: seconds for a long text instead of milliseconds. */
int knowledge_bm25(struct knowledge_index *ix, struct str query, struct knowledge_hit *hits, size_t max, struct err *e)
{
    struct arena *a = arena_new("knowledge query", 0);
    struct query_words *q = ARENA_NEW(a, struct query_words);
    double *scores = ARENA_ARRAY(a, double, ix->n + 1);
    q->arena = a;
    int r = knowledge_words(ix, query, false, add_word, q, e);
    qsort(q->words, q->n, sizeof *q->words, by_text);
    for (size_t i = 0, end; r == 0 && i < q->n; i = end) {
        for (end = i + 1; end < q->n && str_eq(q->words[end], q->words[i]);)
            end++;
        r = add_scores(ix, a, q->words[i], end - i, scores, e);
    }
    int n = r < 0 ? r : (int)best_of(scores, ix->n, hits, max);
    arena_free(a);
    return n;
}
