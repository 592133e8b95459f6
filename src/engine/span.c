#include "engine/span.h"

#include <string.h>

const char *prompt_part_name(enum prompt_part p)
{
    static const char *const names[] = {"tools", "shared", "transcript", "state"};
    return names[p];
}

static bool same(const struct label *a, const struct label *b)
{
    return str_eq(a->kind, b->kind) && str_eq(a->name, b->name) && str_eq(a->sha, b->sha) &&
           str_eq(a->anchor, b->anchor);
}

void spans_to(struct spans *s, size_t end, const struct label *label)
{
    static const struct label glue = {{"runtime", 7}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
    struct span *last = s->n ? &s->list[s->n - 1] : NULL;
    if (!label)
        label = &glue;
    if (end <= s->end)
        return;
    if (last && last->part == s->part && same(&last->label, label)) {
        last->to = s->end = end;
        return;
    }
    if (s->n == s->size) {
        size_t size = s->size ? 2 * s->size : 64;
        struct span *list = ARENA_ARRAY(s->arena, struct span, size);
        if (s->n)
            memcpy(list, s->list, s->n * sizeof *list);
        s->list = list;
        s->size = size;
    }
    s->list[s->n++] = (struct span){.part = s->part, .from = s->end, .to = end, .label = *label};
    s->end = end;
}
