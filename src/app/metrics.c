#include "app/metrics.h"

#include <stdlib.h>

static void one(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
    buf_addf(b, "# HELP candor_%s %s\n# TYPE candor_%s %s\ncandor_%s %lld\n", name, help, name, type, name,
             (long long)value);
}

/* Every fourth bucket is enough for a dashboard: 1.2^4 is about a factor of two. */
static void overhead(struct buf *b, const struct runner_stats *s)
{
    int64_t below = 0;
    double bound_us = 1;
    buf_adds(b, "# HELP candor_turn_overhead_seconds Time of turns beyond model, tools and timers.\n"
                "# TYPE candor_turn_overhead_seconds histogram\n");
    for (int i = 0; i < RUNNER_BUCKETS; i++, bound_us *= 1.2) {
        below += s->overhead[i];
        if (i % 4 == 0 && i >= 12)
            buf_addf(b, "candor_turn_overhead_seconds_bucket{le=\"%.6f\"} %lld\n", bound_us / 1e6, (long long)below);
    }
    buf_addf(b, "candor_turn_overhead_seconds_bucket{le=\"+Inf\"} %lld\n", (long long)s->turns);
    buf_addf(b, "candor_turn_overhead_seconds_sum %.6f\n", (double)s->overhead_us_sum / 1e6);
    buf_addf(b, "candor_turn_overhead_seconds_count %lld\n", (long long)s->turns);
}

struct str metrics_text(struct arena *a, const struct runner *r, const struct llm *m, size_t readers_open)
{
    struct runner_stats s;
    struct llm_stats l;
    struct buf b = buf_new(a, 1 << 18);
    runner_stats(r, &s);
    llm_stats(m, &l);
    one(&b, "messages_total", "counter", "Customers' messages taken.", s.messages);
    one(&b, "turns_total", "counter", "Turns ended.", s.turns);
    one(&b, "model_calls_total", "counter", "Questions to the model.", s.model_calls);
    one(&b, "tool_calls_total", "counter", "Tool calls answered.", s.tool_calls);
    one(&b, "actions_started_total", "counter", "Attempts of confirmed actions.", s.actions);
    one(&b, "handoffs_total", "counter", "Conversations handed to a person.", s.handoffs);
    one(&b, "turns_resumed_total", "counter", "Turns taken up after a crash or a failed write.", s.resumes);
    one(&b, "appends_total", "counter", "Groups of events made durable.", s.appends);
    one(&b, "events_total", "counter", "Events made durable.", s.events);
    one(&b, "appends_failed_total", "counter", "Groups of events refused or failed.", s.failed_appends);
    one(&b, "conversations_loaded", "gauge", "Conversations in memory.", s.loaded);
    one(&b, "conversations_idle_bytes", "gauge", "Memory of idle conversations.", (int64_t)s.cached_bytes);
    one(&b, "readers_open", "gauge", "Open event streams and long polls.", (int64_t)readers_open);
    one(&b, "llm_questions_total", "counter", "Questions given to the provider.", l.questions);
    one(&b, "llm_retries_total", "counter", "Attempts beyond the first.", l.retries);
    one(&b, "llm_open", "gauge", "Questions under way.", l.open);
    one(&b, "llm_tokens_in_total", "counter", "Prompt tokens, reported or estimated.", l.tokens_in);
    one(&b, "llm_tokens_out_total", "counter", "Answer tokens, reported or estimated.", l.tokens_out);
    buf_adds(&b, "# HELP candor_llm_failures_total Questions that failed after their retries.\n"
                 "# TYPE candor_llm_failures_total counter\n");
    for (int i = 1; i < LLM_CODES; i++)
        buf_addf(&b, "candor_llm_failures_total{class=\"%s\"} %lld\n", err_name(-i), (long long)l.failed[i]);
    overhead(&b, &s);
    return buf_str(&b);
}
