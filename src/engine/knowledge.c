#include "engine/knowledge.h"

#include "engine/retrieval.h"

#include <errno.h>
#include <fts.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FUSED_K = 60, FUSED_MAX = 100 /* of either list */ };
/* A document in another language than the customer's keeps so much of its score: it is found when nothing else fits. */
static const double foreign_share = 0.6;

struct knowledge {
    struct arena *arena;
    struct str name;
    const char *path;
    struct knowledge_document *documents;
    size_t n, size, bytes;
    struct retrieval *retrieval;
    const struct knowledge_embedder *embedder;
    float *vectors;
};

/* --- reading --- */

static int take(void *arg, const struct knowledge_document *d, const char *name, uint32_t line, struct err *e)
{
    struct knowledge *k = arg;
    if (k->n == KNOWLEDGE_DOCUMENTS_MAX)
        return err_set(e, ERR_LIMIT, "%s:%u: a collection has %d documents at most", name, line,
                       KNOWLEDGE_DOCUMENTS_MAX);
    if (k->n == k->size) {
        k->size = k->size ? k->size * 2 : 64;
        struct knowledge_document *more = ARENA_ARRAY(k->arena, struct knowledge_document, k->size);
        if (k->n)
            memcpy(more, k->documents, k->n * sizeof *more);
        k->documents = more;
    }
    k->documents[k->n++] = *d;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct knowledge_document *const *x = a, *const *y = b;
    return str_cmp((*x)->id, (*y)->id);
}

/* All documents in the order of their ids. */
static const struct knowledge_document **sorted(struct arena *a, const struct knowledge *k)
{
    const struct knowledge_document **out = ARENA_ARRAY(a, const struct knowledge_document *, k->n + 1);
    for (size_t i = 0; i < k->n; i++)
        out[i] = &k->documents[i];
    qsort(out, k->n, sizeof(const struct knowledge_document *), by_id);
    return out;
}

static int refuse_twice(const struct knowledge *k, struct err *e)
{
    struct arena *a = arena_new("knowledge", 0);
    const struct knowledge_document **in_order = sorted(a, k);
    int r = 0;
    for (size_t i = 1; r == 0 && i < k->n; i++)
        if (str_eq(in_order[i - 1]->id, in_order[i]->id))
            r = err_set(e, ERR_INVALID, "%.*s: two documents have the id %.*s", STR_ARG(k->name),
                        STR_ARG(in_order[i]->id));
    arena_free(a);
    return r;
}

static int read_file(struct knowledge *k, const char *path, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, strerror(errno));
    struct buf b = buf_new(k->arena, KNOWLEDGE_FILE_BYTES_MAX);
    char piece[1 << 14];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s: cannot be read", path);
    k->bytes += b.n;
    if (b.cut || k->bytes > KNOWLEDGE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%s: a file has up to %d MiB, a collection %d MiB", path,
                       KNOWLEDGE_FILE_BYTES_MAX >> 20, KNOWLEDGE_BYTES_MAX >> 20);
    *out = buf_str(&b);
    return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_document(const FTSENT *f)
{
    struct str name = str_of(f->fts_name);
    return f->fts_info == FTS_F && f->fts_name[0] != '.' &&
           (str_ends(name, STR(".md")) || str_ends(name, STR(".jsonl")));
}

/* What people asked before; it weighs the words of a query. */
static const char asked_name[] = "asked.txt";

/* The folders between the collection and the file. */
static struct str folder_of(const FTSENT *f, size_t root)
{
    struct str path = {f->fts_path, f->fts_pathlen};
    if (path.n < root + f->fts_namelen + 2)
        return STR_NONE;
    return (struct str){path.p + root + 1, path.n - root - f->fts_namelen - 2};
}

/* Calls fn for each document file, in the order of the paths. */
static int each_file(const char *path, int (*fn)(void *arg, const FTSENT *f, size_t root, struct err *e), void *arg,
                     struct err *e)
{
    char *paths[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name);
    int r = walk ? 0 : err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    size_t root = strlen(path);
    for (FTSENT *f; r == 0 && (f = fts_read(walk));) {
        if (f->fts_level == 0 && f->fts_info == FTS_NS)
            r = err_set(e, ERR_NOT_FOUND, "%s: %s", path, strerror(f->fts_errno));
        else if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR)
            r = err_set(e, ERR_IO, "%s: %s", f->fts_path, strerror(f->fts_errno));
        else if (is_document(f) || (f->fts_level == 1 && strcmp(f->fts_name, asked_name) == 0))
            r = fn(arg, f, root, e);
    }
    if (walk)
        fts_close(walk);
    return r;
}

static int read_one(void *arg, const FTSENT *f, size_t root, struct err *e)
{
    struct knowledge *k = arg;
    struct str text;
    if (!is_document(f))
        return 0;
    int r = read_file(k, f->fts_path, &text, e);
    if (r < 0)
        return r;
    const char *name = str_c(k->arena, str_of(f->fts_path));
    return knowledge_read(k->arena, text, name, str_copy(k->arena, folder_of(f, root)), take, k, e);
}

int knowledge_open(const char *path, struct str name, struct knowledge **out, struct err *e)
{
    struct arena *a = arena_new("knowledge", 1 << 16);
    struct knowledge *k = ARENA_NEW(a, struct knowledge);
    *k = (struct knowledge){.arena = a, .name = str_copy(a, name), .path = str_c(a, str_of(path))};
    int r = each_file(path, read_one, k, e);
    if (r == 0 && !k->n)
        r = err_set(e, ERR_NOT_FOUND, "%s: there is no document (*.md, *.jsonl) in it", path);
    if (r == 0)
        r = refuse_twice(k, e);
    if (r < 0)
        knowledge_close(k);
    else
        *out = k;
    return r;
}

void knowledge_close(struct knowledge *k)
{
    if (!k)
        return;
    retrieval_free(k->retrieval);
    arena_free(k->arena);
}

size_t knowledge_count(const struct knowledge *k)
{
    return k->n;
}

const struct knowledge_document *knowledge_at(const struct knowledge *k, size_t i)
{
    return &k->documents[i];
}

/* A question a line. That there is none is well. */
static int hear_asked(struct knowledge *k, struct err *e)
{
    struct stat st;
    struct str rest, line;
    const char *file = str_f(k->arena, "%s/%s", k->path, asked_name).p;
    if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    int r = read_file(k, file, &rest, e);
    while (r == 0 && str_split(&rest, '\n', &line))
        if (str_trim(line).n)
            r = retrieval_hear(k->retrieval, line, e);
    return r;
}

int knowledge_index(struct knowledge *k, struct err *e)
{
    if (k->retrieval)
        return 0;
    struct retrieval_document *all = ARENA_ARRAY(k->arena, struct retrieval_document, k->n + 1);
    for (size_t i = 0; i < k->n; i++)
        all[i] = (struct retrieval_document){k->documents[i].title, k->documents[i].body, k->documents[i].topic};
    int r = retrieval_new(all, k->n, &retrieval_form_best, &k->retrieval, e);
    return r < 0 ? r : hear_asked(k, e);
}

/* --- which documents these are --- */

static struct sha256 document_sha(const struct knowledge_document *d)
{
    const struct str parts[] = {d->id, d->title, d->body, d->source, d->topic, d->locale, d->valid_from, d->valid_to};
    sha256_state s;
    sha256_begin(&s);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        sha256_add(&s, parts[i]);
        sha256_add(&s, (struct str){"", 1}); /* no text holds a NUL */
    }
    return sha256_end(&s);
}

struct str knowledge_manifest(struct arena *a, const struct knowledge *k)
{
    struct buf b = buf_new(a, KNOWLEDGE_BYTES_MAX);
    struct json_writer w = {.out = &b};
    const struct knowledge_document **in_order = sorted(a, k);
    json_open(&w, '{');
    for (size_t i = 0; i < k->n; i++) {
        struct sha256 sha = document_sha(in_order[i]);
        json_key_str(&w, in_order[i]->id);
        json_put_str(&w, hash_hex(a, sha.b, SHA256_BYTES));
    }
    json_close(&w, '}');
    return buf_str(&b);
}

struct sha256 knowledge_sha(const struct knowledge *k)
{
    struct arena *a = arena_new("knowledge", 0);
    struct sha256 sha = sha256_of(knowledge_manifest(a, k));
    arena_free(a);
    return sha;
}

static int stamp_one(void *arg, const FTSENT *f, size_t root, struct err *e)
{
    const struct stat *st = f->fts_statp;
    int64_t numbers[] = {(int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (int64_t)st->st_ino};
    (void)root;
    (void)e;
    sha256_add(arg, (struct str){f->fts_path, f->fts_pathlen + 1u});
    sha256_add(arg, (struct str){(const char *)numbers, sizeof numbers});
    return 0;
}

struct sha256 knowledge_stamp(const char *path)
{
    sha256_state s;
    sha256_begin(&s);
    struct sha256 stamp = {0};
    if (each_file(path, stamp_one, &s, NULL) >= 0)
        stamp = sha256_end(&s);
    return stamp;
}

/* --- embeddings of a provider --- */

int knowledge_embed(struct knowledge *k, const struct knowledge_embedder *by, struct err *e)
{
    struct str *texts = ARENA_ARRAY(k->arena, struct str, k->n + 1);
    for (size_t i = 0; i < k->n; i++)
        texts[i] = str_f(k->arena, "%.*s\n%.*s", STR_ARG(k->documents[i].title), STR_ARG(k->documents[i].body));
    float *vectors = ARENA_ARRAY(k->arena, float, k->n * by->dimensions + 1);
    int r = by->embed(by->arg, texts, k->n, vectors, e);
    if (r < 0)
        return r;
    k->vectors = vectors;
    k->embedder = by;
    return 0;
}

static double likeness(const float *x, const float *y, size_t n)
{
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static int by_score(const void *a, const void *b)
{
    const struct retrieval_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->i > y->i) - (x->i < y->i);
}

/* Puts the reciprocal ranks of both lists in the place of the scores; `hits` has room for all documents. */
static int fuse(struct knowledge *k, struct arena *a, struct str text, struct retrieval_hit *hits, int n, struct err *e)
{
    const struct knowledge_embedder *by = k->embedder;
    float *asked = ARENA_ARRAY(a, float, by->dimensions + 1);
    struct retrieval_hit *near = ARENA_ARRAY(a, struct retrieval_hit, k->n + 1);
    double *sum = ARENA_ARRAY(a, double, k->n + 1);
    int r = by->embed(by->arg, &text, 1, asked, e);
    if (r < 0)
        return r;
    for (size_t i = 0; i < k->n; i++)
        near[i] = (struct retrieval_hit){i, likeness(asked, k->vectors + i * by->dimensions, by->dimensions)};
    qsort(near, k->n, sizeof *near, by_score);
    for (int i = 0; i < n && i < FUSED_MAX; i++)
        sum[hits[i].i] += 1.0 / (FUSED_K + i);
    for (size_t i = 0; i < k->n && i < FUSED_MAX; i++)
        sum[near[i].i] += 1.0 / (double)(FUSED_K + i);
    for (size_t i = 0; i < k->n; i++)
        hits[i] = (struct retrieval_hit){i, sum[i]};
    qsort(hits, k->n, sizeof *hits, by_score);
    for (n = 0; (size_t)n < k->n && hits[n].score > 0;)
        n++;
    return n;
}

/* --- searching --- */

static bool is_valid(const struct knowledge_document *d, struct str date)
{
    return !date.n || ((!d->valid_from.n || str_cmp(d->valid_from, date) <= 0) &&
                       (!d->valid_to.n || str_cmp(date, d->valid_to) <= 0));
}

/* "pt-BR" and "pt" are one language. */
static bool speaks(const struct knowledge_document *d, struct str locale)
{
    return !locale.n || !d->locale.n || str_eq(str_head(d->locale, 2), str_head(locale, 2));
}

int knowledge_search(struct knowledge *k, struct arena *a, const struct knowledge_query *q,
                     struct knowledge_found *found, struct err *e)
{
    struct retrieval_hit *hits = ARENA_ARRAY(a, struct retrieval_hit, k->n + 1);
    int n = knowledge_index(k, e);
    if (n == 0)
        n = retrieval_search(k->retrieval, q->text, retrieval_weights_for(q->text), hits, k->n, e);
    if (n >= 0 && k->embedder)
        n = fuse(k, a, q->text, hits, n, e);
    size_t got = 0, max = q->results < KNOWLEDGE_RESULTS_MAX ? q->results : KNOWLEDGE_RESULTS_MAX;
    for (int i = 0; i < n; i++)
        if (!speaks(&k->documents[hits[i].i], q->locale))
            hits[i].score *= foreign_share;
    if (n > 0)
        qsort(hits, (size_t)n, sizeof *hits, by_score);
    for (int i = 0; i < n && got < max; i++) {
        const struct knowledge_document *d = &k->documents[hits[i].i];
        if (!is_valid(d, q->date))
            continue;
        found[got] = (struct knowledge_found){d, d->body, hits[i].score};
        int r = q->passage_chars
                    ? retrieval_passage(k->retrieval, q->text, d->body, q->passage_chars, &found[got].passage, e)
                    : 0;
        if (r < 0)
            return r;
        got++;
    }
    return n < 0 ? n : (int)got;
}

void knowledge_write(const struct knowledge_found *found, size_t n, struct json_writer *w)
{
    json_open(w, '[');
    for (size_t i = 0; i < n; i++) {
        json_open(w, '{');
        json_pair_str(w, "id", found[i].document->id);
        json_pair_str(w, "title", found[i].document->title);
        json_pair_str(w, "passage", found[i].passage);
        json_key(w, "score");
        json_put_num(w, round(found[i].score * 1000) / 1000);
        if (found[i].document->source.n)
            json_pair_str(w, "source", found[i].document->source);
        json_close(w, '}');
    }
    json_close(w, ']');
}
