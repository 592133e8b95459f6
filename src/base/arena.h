/* arena: memory that belongs to a lifetime (program, conversation, turn, request).
 *
 * Whoever makes the arena frees it, all at once; everybody else borrows. Memory comes zeroed.
 * When the machine has no memory left the process aborts: the journal makes a crash harmless,
 * and no caller has to test for NULL. Bound what you read before you put it here. Not thread-safe. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/* `name` is for the debugger and is borrowed for ever. `block_bytes` is the first block's size
 * (0: 4 KiB); later blocks double up to 1 MiB. */
struct arena *arena_new(const char *name, size_t block_bytes);

/* Runs the deferred functions, newest first, then gives the memory back. NULL is allowed. */
void arena_free(struct arena *a);

/* Like arena_free followed by arena_new, but keeps the first block. */
void arena_reset(struct arena *a);

/* n zeroed bytes aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t n);
#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* Calls fn(x) when the arena is freed or reset: for what is not memory (a statement, a lock). */
void arena_defer(struct arena *a, void (*fn)(void *x), void *x);

/* Bytes taken from the system so far. */
size_t arena_bytes(const struct arena *a);

/* malloc/realloc that abort the process instead of returning NULL. */
void *mem_get(size_t n);
void *mem_resize(void *p, size_t n);

#endif
