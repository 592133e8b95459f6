#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES_FIRST = 4096, BLOCK_BYTES_MAX = 1 << 20, ALIGN = alignof(max_align_t) };

struct block {
    struct block *older;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
    struct deferred *older;
    void (*fn)(void *);
    void *x;
};

struct arena {
    const char *name;
    struct block *newest;
    struct deferred *deferred;
    size_t total;
};

void *mem_get(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_resize(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

static struct block *block_new(struct block *older, size_t size)
{
    struct block *b = mem_get(sizeof *b + size);
    *b = (struct block){.older = older, .size = size};
    return b;
}

struct arena *arena_new(const char *name, size_t block_bytes)
{
    struct arena *a = mem_get(sizeof *a);
    size_t size = block_bytes ? block_bytes : BLOCK_BYTES_FIRST;
    *a = (struct arena){.name = name, .newest = block_new(NULL, size), .total = size};
    return a;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need < n)
        abort(); /* a size that wrapped around is our own mistake */
    struct block *b = a->newest;
    if (b->size - b->used < need) {
        size_t size = b->size * 2 < BLOCK_BYTES_MAX ? b->size * 2 : BLOCK_BYTES_MAX;
        if (size < need)
            size = need;
        b = a->newest = block_new(b, size);
        a->total += size;
    }
    void *p = b->bytes + b->used;
    b->used += need;
    memset(p, 0, need);
    return p;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *x)
{
    struct deferred *d = ARENA_NEW(a, struct deferred);
    *d = (struct deferred){.older = a->deferred, .fn = fn, .x = x};
    a->deferred = d;
}

void arena_reset(struct arena *a)
{
    struct deferred *d = a->deferred;
    a->deferred = NULL;
    for (; d; d = d->older)
        d->fn(d->x);
    while (a->newest->older) {
        struct block *b = a->newest;
        a->newest = b->older;
        a->total -= b->size;
        free(b);
    }
    a->newest->used = 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    free(a->newest);
    free(a);
}

size_t arena_bytes(const struct arena *a)
{
    return a->total;
}
