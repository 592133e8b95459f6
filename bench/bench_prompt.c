/* bench_prompt: how long it takes to assemble a prompt of 30 kB, whose hash goes into the journal.
 *
 *     bench_prompt WORKSPACE AGENT [N]     CSV: prompt_bytes,n,p50_us,p99_us; exit 1 when the median is 100 us or more */
#include "engine/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BYTES = 30000, TIMES = 20000 };

static int by_size(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int fold(struct conversation *c, enum event_kind kind, struct str body, struct err *e)
{
    struct event ev = {.conversation = c->id, .seq = c->seq + 1, .at_us = 1773133200000000, .kind = kind, .body = body};
    return conversation_fold(c, &ev, e);
}

/* Words of both sides until the prompt is long enough. */
static int talk(struct arena *a, struct conversation *c, struct err *e)
{
    int r = fold(c, EVENT_OPENED,
                 STR("{\"agent\":\"x\",\"customer\":\"ana\",\"channel\":\"web\",\"locale\":\"en\",\"identity\":1,"
                     "\"opened_date\":\"2026-03-10\"}"),
                 e);
    while (r == 0 && context_make(a, c, 1773133200000000).bytes < BYTES) {
        r = fold(c, EVENT_MESSAGE_RECEIVED, STR("{\"text\":\"Where is my card? It should have come on Monday.\"}"), e);
        if (r == 0)
            r = fold(c, EVENT_REPLY_SENT,
                     STR("{\"mid\":\"1-1\",\"text\":\"I am sorry, it is late. I can order a new one for you.\"}"), e);
        if (r == 0)
            r = fold(c, EVENT_TURN_ENDED, STR("{\"outcome\":\"replied\"}"), e);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct arena *a = arena_new("bench", 0), *each = arena_new("prompt", 1 << 16);
    struct str bundle;
    struct agent *agent;
    int n = argc > 3 ? atoi(argv[3]) : TIMES;
    if (argc < 3 || n < 1)
        return fprintf(stderr, "usage: bench_prompt WORKSPACE AGENT [N]\n"), 2;
    if (agent_bundle(a, argv[1], argv[2], NULL, &bundle, &e) < 0 || agent_new(bundle, &agent, &e) < 0)
        return fprintf(stderr, "bench_prompt: %s\n", e.text), 3;
    struct conversation *c = conversation_new(1, agent);
    if (talk(a, c, &e) < 0)
        return fprintf(stderr, "bench_prompt: %s\n", e.text), 3;
    int64_t *ns = mem_get((size_t)n * sizeof *ns);
    struct context first = context_make(a, c, 1773133200000000), x;
    for (int i = 0; i < n; i++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        x = context_make(each, c, 1773133200000000);
        clock_gettime(CLOCK_MONOTONIC, &to);
        ns[i] = (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
        if (!sha256_eq(&x.sha, &first.sha))
            return fprintf(stderr, "bench_prompt: the same conversation gave other bytes\n"), 1;
        arena_reset(each);
    }
    qsort(ns, (size_t)n, sizeof *ns, by_size);
    double p50_us = (double)ns[n / 2] / 1000, p99_us = (double)ns[(size_t)n * 99 / 100] / 1000;
    printf("prompt_bytes,n,p50_us,p99_us\n%zu,%d,%.1f,%.1f\n", first.bytes, n, p50_us, p99_us);
    conversation_free(c);
    agent_free(agent);
    arena_free(each);
    arena_free(a);
    free(ns);
    return p50_us < 100 ? 0 : 1;
}
