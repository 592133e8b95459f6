#include "llm/llm_offline.h"

#include "llm/llm_answer.h"
#include "llm/llm_offline_walk.h"
#include "net/loop.h"

#include <stdlib.h>

enum { SCRATCH_BYTES = 64 << 10, DELTA_WORDS = 3, BYTES_PER_TOKEN = 4 };

struct offline {
    struct llm_provider provider;
    struct loop *loop;
    struct arena *scratch; /* one answer at a time: it is given where it is made */
    struct offline_plans plans;
};

struct llm_attempt {
    struct offline *p;
    struct loop_timer *timer; /* until the answer is given */
    struct llm_question q;
    struct llm_attempt_hooks hooks;
    void *arg;
    bool speaking, cancelled; /* a delta's reader may cancel */
};

/* Bytes of the next few words of s. */
static size_t few_words(struct str s)
{
    size_t n = 0;
    for (int words = 0; n < s.n && words < DELTA_WORDS; n++)
        words += s.p[n] == ' ' || s.p[n] == '\n';
    return n;
}

/* Hands the words on. False: the reader wants no more. */
static bool speak(struct llm_attempt *t, struct str text)
{
    if (!t->hooks.on_delta)
        return true;
    t->speaking = true;
    while (text.n && !t->cancelled) {
        size_t n = few_words(text);
        t->hooks.on_delta(t->arg, str_head(text, n));
        text = str_from(text, n);
    }
    t->speaking = false;
    return !t->cancelled;
}

static void estimate_tokens(const struct llm_question *q, struct llm_answer *answer)
{
    size_t in = q->tools.n + q->shared.n + q->transcript.n + q->state.n, out = answer->text.n;
    for (size_t i = 0; i < answer->calls_n; i++)
        out += answer->calls[i].name.n + answer->calls[i].arguments.n;
    answer->tokens_in = (int64_t)(in / BYTES_PER_TOKEN);
    answer->tokens_out = (int64_t)(out / BYTES_PER_TOKEN);
    answer->tokens_estimated = true;
}

static void answer_now(void *arg)
{
    struct llm_attempt *t = arg;
    struct offline *p = t->p;
    struct llm_end end = {.retry_after_ms = -1};
    struct offline_plan *plan;
    struct err e = {0};
    t->timer = NULL;
    arena_reset(p->scratch);
    int r = offline_plans_get(&p->plans, t->q.shared, &plan, &e);
    if (r == 0)
        r = offline_answer(plan, p->scratch, &t->q, &end.answer, &e);
    if (r < 0)
        llm_answer_failed(&end, r, false, "%s", e.text);
    else
        estimate_tokens(&t->q, &end.answer);
    if (r < 0 || speak(t, end.answer.text)) {
        end.delivered = r == 0 && t->hooks.on_delta && end.answer.text.n;
        t->hooks.on_end(t->arg, &end);
    }
    free(t);
}

static struct llm_attempt *offline_ask(struct llm_provider *provider, const struct llm_question *q, int total_ms,
                                       const struct llm_attempt_hooks *hooks, void *arg)
{
    struct offline *p = (struct offline *)provider;
    struct llm_attempt *t = mem_get(sizeof *t);
    *t = (struct llm_attempt){.p = p, .q = *q, .hooks = *hooks, .arg = arg};
    t->timer = loop_after(p->loop, 0, answer_now, t);
    return t;
}

static void offline_cancel(struct llm_provider *provider, struct llm_attempt *t)
{
    if (t->speaking) {
        t->cancelled = true; /* answer_now is below us on the stack and frees it */
        return;
    }
    loop_cancel(t->timer);
    free(t);
}

static void offline_free(struct llm_provider *provider)
{
    struct offline *p = (struct offline *)provider;
    offline_plans_free(&p->plans);
    arena_free(p->scratch);
    free(p);
}

int llm_offline_new(struct loop *l, const struct llm_config *config, struct llm_provider **out, struct err *e)
{
    struct offline *p = mem_get(sizeof *p);
    *p = (struct offline){.provider = {.ask = offline_ask, .cancel = offline_cancel, .free = offline_free},
                          .loop = l,
                          .scratch = arena_new("llm_offline", SCRATCH_BYTES)};
    *out = &p->provider;
    return 0;
}
