/* The storing half of import.h: a window of appends at a time shares the store's group commits. */
#include "eval/import.h"

#include <pthread.h>
#include <stdlib.h>

enum { WINDOW = 256 };

struct wave {
    pthread_mutex_t lock;
    pthread_cond_t all_back;
    size_t left;
};

struct slot {
    struct wave *wave;
    struct append append;
    struct appended done;
};

static void came_back(void *arg, const struct appended *done)
{
    struct slot *slot = arg;
    slot->done = *done;
    pthread_mutex_lock(&slot->wave->lock);
    if (--slot->wave->left == 0)
        pthread_cond_signal(&slot->wave->all_back);
    pthread_mutex_unlock(&slot->wave->lock);
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Looks before anything is written; dataset_put looks again, atomically. */
static int set_check(struct store *s, struct arena *a, const struct import_batch *b, struct err *e)
{
    const char *set = str_c(a, b->set);
    struct conversation_row *own;
    struct dataset_item *there;
    size_t own_n = 0, there_n = 0;
    int r = conversation_list(s, a, set, NULL, NULL, &own, &own_n, e);
    if (r)
        return r;
    for (size_t i = 0; i < own_n; i++)
        if (own[i].set.n == 0)
            return err_set(e, ERR_CONFLICT, "%s is an agent of this workspace; give the set another name", set);
    r = dataset_items(s, a, set, &there, &there_n, e);
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r)
        return r;
    struct str *labels = ARENA_ARRAY(a, struct str, there_n);
    for (size_t i = 0; i < there_n; i++)
        labels[i] = there[i].label;
    qsort(labels, there_n, sizeof *labels, by_text);
    for (size_t i = 0; i < b->n; i++)
        if (bsearch(&b->conversations[i].item.label, labels, there_n, sizeof *labels, by_text))
            return err_set(e, ERR_CONFLICT, "the set %s has %.*s already; nothing was added", set,
                           STR_ARG(b->conversations[i].item.label));
    return 0;
}

/* An earlier attempt wrote this label. The same line: it is taken as it is. */
static int resume(struct store *s, struct arena *a, struct import_batch *b, struct import_conversation *c, int64_t id,
                  struct err *e)
{
    struct event *opened;
    size_t n;
    int r = journal_read(s, a, id, 0, 1, &opened, &n, e);
    if (r)
        return r;
    struct json *body = NULL;
    if (n == 0 || json_parse(a, opened->body, &body, NULL) ||
        !str_eq(json_str(json_get(body, "source_sha")), c->source_sha))
        return err_set(e, ERR_CONFLICT,
                       "an import of %.*s that was not finished read something else as %.*s; choose another set name",
                       STR_ARG(b->set), STR_ARG(c->item.label));
    c->item.conversation = id;
    b->already++;
    return 0;
}

static int store_window(struct store *s, struct arena *a, struct import_batch *b, size_t first, size_t n,
                        struct slot *slots, struct err *e)
{
    struct wave wave = {.lock = PTHREAD_MUTEX_INITIALIZER, .all_back = PTHREAD_COND_INITIALIZER, .left = n};
    for (size_t i = 0; i < n; i++) {
        const struct import_conversation *c = &b->conversations[first + i];
        slots[i] = (struct slot){.wave = &wave};
        slots[i].append =
            (struct append){.conversation = c->item.conversation, .seq = 1, .events = c->events, .n = c->events_n};
        store_append(s, &slots[i].append, came_back, &slots[i]);
    }
    pthread_mutex_lock(&wave.lock);
    while (wave.left)
        pthread_cond_wait(&wave.all_back, &wave.lock);
    pthread_mutex_unlock(&wave.lock);
    for (size_t i = 0; i < n; i++) {
        struct import_conversation *c = &b->conversations[first + i];
        const struct appended *done = &slots[i].done;
        if (done->result == 0)
            continue;
        if (done->result != ERR_DUPLICATE)
            return err_set(e, done->result, "%.*s (line %zu): %s", STR_ARG(c->item.label), c->line, done->err.text);
        int r = resume(s, a, b, c, done->duplicate_of, e);
        if (r)
            return r;
    }
    return 0;
}

int import_store(struct store *s, struct arena *a, struct import_batch *batch, struct err *e)
{
    int r = set_check(s, a, batch, e);
    struct slot *slots = ARENA_ARRAY(a, struct slot, WINDOW);
    for (size_t first = 0; r == 0 && first < batch->n; first += WINDOW) {
        size_t n = batch->n - first < WINDOW ? batch->n - first : WINDOW;
        r = store_window(s, a, batch, first, n, slots, e);
    }
    if (r)
        return r;
    struct dataset_item *items = ARENA_ARRAY(a, struct dataset_item, batch->n);
    for (size_t i = 0; i < batch->n; i++)
        items[i] = batch->conversations[i].item;
    return dataset_put(s, str_c(a, batch->set), str_c(a, batch->format), items, batch->n, e);
}
