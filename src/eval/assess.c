#include "eval/assess.h"

#include "base/clock.h"

enum { EVENTS_MAX = 1 << 20, ARENA_BYTES = 1 << 18 };

static int assess_one(struct store *s, struct arena *a, struct arena *conversation, const struct judge *judges,
                      size_t judges_n, const struct dataset_item *item, struct assessment *out, struct err *e)
{
    struct event *events;
    struct transcript t;
    size_t n;
    int r = journal_read(s, conversation, item->conversation, 0, EVENTS_MAX, &events, &n, e);
    if (r == 0)
        r = transcript_read(conversation, events, n, &t, e);
    for (size_t i = 0; i < judges_n && r == 0; i++) {
        struct verdict v;
        r = judge_run(&judges[i], &t, item, conversation, &v, e);
        if (r || !v.applies)
            continue;
        out->rows[out->n++] = (struct verdict_row){.conversation = item->conversation,
                                                   .judge = judges[i].name,
                                                   .version = judges[i].version,
                                                   .score = v.score,
                                                   .analysis = str_copy(a, v.analysis),
                                                   .evidence_seq = v.evidence_seq,
                                                   .at_us = clock_now_us()};
    }
    return r;
}

int assess_set(struct store *s, struct arena *a, const struct judge *judges, size_t judges_n,
               const struct dataset_item *items, size_t n, bool (*go_on)(size_t done, size_t n), struct assessment *out,
               struct err *e)
{
    struct arena *conversation = arena_new("conversation", ARENA_BYTES);
    *out = (struct assessment){.rows = ARENA_ARRAY(a, struct verdict_row, judges_n * n)};
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        r = assess_one(s, a, conversation, judges, judges_n, &items[i], out, e);
        if (r)
            err_in(e, "%.*s", STR_ARG(items[i].label));
        arena_reset(conversation);
        if (go_on && !go_on(i + 1, n))
            break;
    }
    arena_free(conversation);
    return r;
}
