#include "engine/retrieval_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- dictionaries --- */

struct dictionary dictionary_new(struct arena *a)
{
    struct dictionary d = {.arena = a, .size = 1024};
    d.slots = ARENA_ARRAY(a, struct dictionary_slot, d.size);
    return d;
}

/* FNV-1a, 64 bits; 0 marks an empty slot. */
static uint64_t hash_of(const void *p, size_t n)
{
    const unsigned char *b = p;
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3;
    return h ? h : 1;
}

static struct dictionary_slot *slot_of(const struct dictionary *d, uint64_t hash, struct str key, uint64_t pair)
{
    uint32_t i = (uint32_t)(hash ^ hash >> 32) & (d->size - 1);
    while (d->slots[i].hash && !(d->slots[i].hash == hash && d->slots[i].pair == pair && str_eq(d->slots[i].key, key)))
        i = (i + 1) & (d->size - 1);
    return &d->slots[i];
}

static void grow(struct dictionary *d)
{
    struct dictionary larger = {.arena = d->arena, .n = d->n, .size = d->size * 2};
    larger.slots = ARENA_ARRAY(d->arena, struct dictionary_slot, larger.size);
    for (uint32_t i = 0; i < d->size; i++)
        if (d->slots[i].hash)
            *slot_of(&larger, d->slots[i].hash, d->slots[i].key, d->slots[i].pair) = d->slots[i];
    *d = larger;
}

static uint32_t look_up(struct dictionary *d, uint64_t hash, struct str key, uint64_t pair, bool add)
{
    struct dictionary_slot *slot = slot_of(d, hash, key, pair);
    if (slot->hash || !add)
        return slot->hash ? slot->id : WORD_NONE;
    uint32_t id = d->n++;
    *slot = (struct dictionary_slot){hash, key.n ? str_copy(d->arena, key) : STR_NONE, pair, id};
    if (d->n > d->size / 2)
        grow(d);
    return id;
}

uint32_t dictionary_word(struct dictionary *d, struct str word, bool add)
{
    return look_up(d, hash_of(word.p, word.n), word, 0, add);
}

uint32_t dictionary_pair(struct dictionary *d, uint32_t first, uint32_t second, bool add)
{
    if (first == WORD_NONE || second == WORD_NONE)
        return WORD_NONE;
    uint64_t pair = (uint64_t)first << 32 | second;
    return look_up(d, hash_of(&pair, sizeof pair), STR_NONE, pair, add);
}

/* --- fields --- */

void ids_add(struct ids *l, uint32_t id)
{
    if (l->n == l->size) {
        l->size = l->size ? l->size * 2 : 256;
        uint32_t *p = ARENA_ARRAY(l->arena, uint32_t, l->size);
        if (l->n)
            memcpy(p, l->p, l->n * sizeof *p);
        l->p = p;
    }
    l->p[l->n++] = id;
}

struct field field_new(struct arena *a)
{
    struct field f = {.arena = a, .from.arena = a, .id.arena = a, .count.arena = a};
    ids_add(&f.from, 0);
    return f;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void field_add(struct field *f, uint32_t *ids, size_t n)
{
    if (n)
        qsort(ids, n, sizeof *ids, by_id);
    for (size_t i = 0; i < n && ids[i] != WORD_NONE;) { /* which is the largest */
        size_t end = i + 1;
        while (end < n && ids[end] == ids[i])
            end++;
        ids_add(&f->id, ids[i]);
        ids_add(&f->count, (uint32_t)(end - i));
        i = end;
    }
    ids_add(&f->from, (uint32_t)f->id.n);
    f->n++;
}

/* How many documents have each id, as the places of their entries. */
static void count_entries(struct field *f)
{
    f->first = ARENA_ARRAY(f->arena, uint32_t, (size_t)f->vocabulary + 1);
    f->idf = ARENA_ARRAY(f->arena, double, f->vocabulary + 1);
    for (size_t i = 0; i < f->id.n; i++)
        f->first[f->id.p[i] + 1]++;
    for (uint32_t t = 0; t < f->vocabulary; t++) {
        double df = f->first[t + 1], n = (double)f->n;
        f->idf[t] = log((n - df + 0.5) / (df + 0.5) + 1);
        f->first[t + 1] += f->first[t];
    }
}

static double length_of(const struct field *f, size_t d)
{
    double length = 0;
    for (uint32_t i = f->from.p[d]; i < f->from.p[d + 1]; i++)
        length += f->count.p[i];
    return length;
}

static void set_cosines(struct field *f, size_t d)
{
    double sum = 0;
    for (uint32_t i = f->from.p[d]; i < f->from.p[d + 1]; i++) {
        double w = log1p(f->count.p[i]) * f->idf[f->id.p[i]];
        f->cosine[i] = (float)w;
        sum += w * w;
    }
    for (uint32_t i = f->from.p[d]; sum > 0 && i < f->from.p[d + 1]; i++)
        f->cosine[i] /= (float)sqrt(sum);
}

void field_close(struct field *f, uint32_t vocabulary, double k1, double b)
{
    f->vocabulary = vocabulary;
    count_entries(f);
    uint32_t *next = ARENA_ARRAY(f->arena, uint32_t, (size_t)vocabulary + 1);
    memcpy(next, f->first, ((size_t)vocabulary + 1) * sizeof *next);
    f->document = ARENA_ARRAY(f->arena, uint32_t, f->id.n + 1);
    f->bm25 = ARENA_ARRAY(f->arena, float, f->id.n + 1);
    f->cosine = ARENA_ARRAY(f->arena, float, f->id.n + 1);
    f->cosine_by_id = ARENA_ARRAY(f->arena, float, f->id.n + 1);
    double all = 0;
    for (size_t i = 0; i < f->count.n; i++)
        all += f->count.p[i];
    double mean = f->n && all > 0 ? all / (double)f->n : 1;
    for (size_t d = 0; d < f->n; d++) {
        double longer = k1 * (1 - b + b * length_of(f, d) / mean);
        set_cosines(f, d);
        for (uint32_t i = f->from.p[d]; i < f->from.p[d + 1]; i++) {
            uint32_t t = f->id.p[i], at = next[t]++;
            f->document[at] = (uint32_t)d;
            f->bm25[at] = (float)(f->idf[t] * f->count.p[i] * (k1 + 1) / (f->count.p[i] + longer));
            f->cosine_by_id[at] = f->cosine[i];
        }
    }
}

void field_score(const struct field *f, const struct term *terms, size_t n, double *scores)
{
    for (size_t t = 0; t < n; t++) {
        if (terms[t].id >= f->vocabulary)
            continue;
        for (uint32_t i = f->first[terms[t].id]; i < f->first[terms[t].id + 1]; i++)
            scores[f->document[i]] += terms[t].weight * (double)f->bm25[i];
    }
}

/* --- scores --- */

void scores_norm(double *scores, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, scores[i]);
    for (size_t i = 0; most > 0 && i < n; i++)
        scores[i] /= most;
}

size_t scores_top(const double *scores, size_t n, uint32_t *places, size_t max)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (scores[i] <= 0 || (kept == max && (!max || scores[i] <= scores[places[kept - 1]])))
            continue;
        size_t at = kept < max ? kept++ : kept - 1;
        for (; at > 0 && scores[places[at - 1]] < scores[i]; at--)
            places[at] = places[at - 1];
        places[at] = (uint32_t)i;
    }
    return kept;
}
