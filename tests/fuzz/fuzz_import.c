/* The first byte chooses the format. What is read can be judged, and can be written as lines that read again with as many
 * messages and calls. */
#include "eval/export.h"
#include "eval/import.h"
#include "eval/judge.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char RULES[] = "judge: all\nversion: a\ncatches: b\nrule:\n  any:\n"
                            "  - called: {tools: t, args: {a: 1}, where: \"result.b == args.c\"}\n"
                            "  - at_most: {n: 0, identical: true}\n"
                            "  - order: {first: {tools: t, outcome: ok}, before_reply: 'due'}\n"
                            "  - confirmed: {tools: [t, u], asks: 'ok', agrees: 'yes'}\n"
                            "  - end_state: {tools: t, match: subset, outputs: true}\n"
                            "  - reply_length: {chars: 1}\n"
                            "  - replies: {must: 'hello', must_not: '\\d', unless: 'not'}\n"
                            "  - claims: {unless: '\\?$', say: [{patterns: 'done', tools: t}]}\n"
                            "  - each: {event: handoff.requested, that: \"reason != ''\"}\n";

static void judge_it(struct arena *a, const struct import_conversation *c)
{
    static struct arena *program;
    static struct judge j;
    struct transcript t;
    struct verdict v;
    struct err e;
    if (!program) {
        program = arena_new("program", 0);
        if (judge_read(program, str_of(RULES), "rules", &j, &e) < 0)
            abort();
    }
    if (transcript_read(a, c->events, c->events_n, &t, &e) < 0 || judge_run(&j, &t, &c->item, a, &v, &e) < 0)
        abort();
}

static void write_it(struct arena *a, const char *format, const struct import_batch *b)
{
    struct buf out = buf_new(a, EXPORT_LINE_BYTES_MAX);
    struct import_batch again;
    struct err e;
    for (size_t i = 0; i < b->n; i++)
        if (export_line(a, format, &b->conversations[i].item, b->conversations[i].events, b->conversations[i].events_n,
                        STR("secret"), &out, &e) < 0)
            abort();
    if (import_read(a, format, "again", buf_str(&out), "set", 1, &again, &e) < 0 || again.messages != b->messages ||
        again.calls != b->calls)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const formats[] = {"tau-bench", "openai-jsonl", "candor-jsonl"};
    const char *format = formats[n ? data[0] % 3 : 0];
    struct arena *a = arena_new("fuzz", 0);
    struct import_batch b;
    struct err e;
    struct str text = str_from((struct str){(const char *)data, n}, 1);
    if (import_read(a, format, "fuzz", text, "set", 1, &b, &e) == 0) {
        for (size_t i = 0; i < b.n; i++)
            judge_it(a, &b.conversations[i]);
        write_it(a, format, &b);
    }
    arena_free(a);
    return 0;
}
