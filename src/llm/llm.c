#include "llm/llm.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"
#include "llm/llm_offline.h"
#include "llm/llm_openai.h"
#include "llm/llm_record.h"
#include "net/loop.h"

#include <stdlib.h>

enum { WORTH_MS = 10 }; /* with less time than that, no model is asked again */

struct llm {
    struct arena *arena;
    struct loop *loop;
    struct llm_config config;
    struct llm_provider *provider;
    struct llm_recorder *recorder; /* NULL: nothing is written down */
    struct llm_call *calls;        /* all open ones */
    int retries_left;
    struct llm_stats stats;
};

struct llm_call {
    struct llm *m;
    struct llm_call *next, **link; /* *link == this */
    struct llm_question q;
    struct llm_hooks hooks;
    void *arg;
    struct llm_attempt *attempt; /* one of attempt and timer is set until the call ends */
    struct loop_timer *timer;
    int64_t deadline_us;
    int attempts, unreadable, broken; /* how often asked; how often unreadable, cut after its first words */
};

static int make_offline(struct loop *l, struct client *c, const struct llm_config *config, struct llm_provider **out,
                        struct err *e)
{
    return llm_offline_new(l, config, out, e);
}

static int make_recorded(struct loop *l, struct client *c, const struct llm_config *config, struct llm_provider **out,
                         struct err *e)
{
    return llm_record_new(l, config, out, e);
}

/* One row a kind of provider. */
static const struct maker {
    const char *kind, *model; /* the label for the journal when the configuration names none */
    int (*make)(struct loop *l, struct client *c, const struct llm_config *config, struct llm_provider **out,
                struct err *e);
} makers[] = {
    {"offline", "offline-1", make_offline},
    {"openai", "", llm_openai_new},
    {"recorded", "recorded", make_recorded},
};

static const struct maker *maker_find(struct str kind)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (str_is(kind, makers[i].kind))
            return &makers[i];
    return NULL;
}

static int value_or(int v, int otherwise)
{
    return v > 0 ? v : otherwise;
}

static struct llm_config config_copy(struct arena *a, const struct llm_config *c, const char *label)
{
    struct llm_config copy = *c;
    copy.kind = str_copy(a, c->kind);
    copy.base_url = str_copy(a, c->base_url);
    copy.model = c->model.n ? str_copy(a, c->model) : str_of(label);
    copy.key_file = str_copy(a, c->key_file);
    copy.recording = str_copy(a, c->recording);
    copy.record_to = str_copy(a, c->record_to);
    copy.attempts = value_or(c->attempts, 3);
    copy.connect_ms = value_or(c->connect_ms, 5000);
    copy.first_token_ms = value_or(c->first_token_ms, 20000);
    copy.idle_ms = value_or(c->idle_ms, 15000);
    copy.total_ms = value_or(c->total_ms, 60000);
    copy.retry_ms_base = value_or(c->retry_ms_base, 250);
    copy.retry_ms_max = value_or(c->retry_ms_max, 8000);
    return copy;
}

static struct llm *plain(struct loop *l, const struct llm_config *config, const char *label)
{
    struct arena *a = arena_new("llm", 0);
    struct llm *m = ARENA_NEW(a, struct llm);
    *m = (struct llm){.arena = a, .loop = l, .config = config_copy(a, config, label), .retries_left = LLM_RETRIES_MAX};
    return m;
}

/* `made`: how making the provider went. */
static int complete(struct llm *m, int made, struct llm **out, struct err *e)
{
    int r = made;
    if (r == 0 && m->config.record_to.n)
        r = llm_recorder_new(m->config.record_to, &m->recorder, e);
    if (r < 0) {
        llm_free(m);
        return r;
    }
    *out = m;
    return 0;
}

int llm_new(struct loop *l, struct client *c, const struct llm_config *config, struct llm **out, struct err *e)
{
    const struct maker *maker = maker_find(config->kind);
    if (!maker)
        return err_set(e, ERR_INVALID, "no such kind of model: \"%.*s\" (offline, openai, recorded)",
                       STR_ARG(config->kind));

    struct llm *m = plain(l, config, maker->model);
    return complete(m, maker->make(l, c, &m->config, &m->provider, e), out, e);
}

int llm_new_with(struct loop *l, struct llm_provider *provider, const struct llm_config *config, struct llm **out,
                 struct err *e)
{
    struct llm *m = plain(l, config, "");
    m->provider = provider;
    return complete(m, 0, out, e);
}

void llm_free(struct llm *m)
{
    if (!m)
        return;
    while (m->calls)
        llm_cancel(m->calls);
    if (m->provider)
        m->provider->free(m->provider);
    llm_recorder_free(m->recorder);
    arena_free(m->arena);
}

struct str llm_model(const struct llm *m)
{
    return m->config.model;
}

void llm_stats(const struct llm *m, struct llm_stats *out)
{
    *out = m->stats;
}

static void call_free(struct llm_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    call->m->stats.open--;
    free(call);
}

/* For providers that do not count: about what the prompt and the answer are made of. */
static void estimate(const struct llm_question *q, struct llm_answer *answer)
{
    if (!answer->tokens_estimated || answer->tokens_in || answer->tokens_out)
        return;
    answer->tokens_in =
        (int64_t)(text_tokens(q->tools) + text_tokens(q->shared) + text_tokens(q->transcript) + text_tokens(q->state));
    answer->tokens_out = (int64_t)text_tokens(answer->text);
    for (size_t i = 0; i < answer->calls_n; i++)
        answer->tokens_out += (int64_t)(text_tokens(answer->calls[i].name) + text_tokens(answer->calls[i].arguments));
}

/* A recording that cannot be written costs no customer an answer: it ends, and the operator is told. */
static void write_down(struct llm *m, const struct llm_question *q, const struct llm_answer *answer)
{
    struct err e;
    if (!m->recorder || llm_recorder_add(m->recorder, q, answer, &e) == 0)
        return;
    log_write(LOG_ERROR, "llm.recording_ended", LOG_STR("why", str_of(e.text)), LOG_END);
    llm_recorder_free(m->recorder);
    m->recorder = NULL;
}

static void call_end(struct llm_call *call, struct llm_answer *answer)
{
    struct llm *m = call->m;
    answer->attempts = call->attempts;
    if (answer->result == 0) {
        estimate(&call->q, answer);
        write_down(m, &call->q, answer);
        m->stats.answers++;
        m->stats.tokens_in += answer->tokens_in;
        m->stats.tokens_out += answer->tokens_out;
        m->retries_left += m->retries_left < LLM_RETRIES_MAX;
    } else {
        m->stats.failed[-answer->result]++;
    }
    struct llm_hooks hooks = call->hooks;
    void *arg = call->arg;
    call_free(call); /* first: on_done may ask the next question */
    hooks.on_done(arg, answer);
}

/* How long to wait before asking again, in ms; -1: this failure is final. */
static int64_t retry_in_ms(struct llm_call *call, const struct llm_end *end)
{
    const struct llm_config *c = &call->m->config;
    if (!end->retryable || call->attempts >= c->attempts || call->m->retries_left == 0)
        return -1;
    if (end->answer.result == ERR_INVALID && call->unreadable++ > 0)
        return -1;
    if (end->delivered && call->broken++ > 0)
        return -1;

    int64_t ceiling_ms = c->retry_ms_base;
    for (int i = 1; i < call->attempts && ceiling_ms < c->retry_ms_max; i++)
        ceiling_ms *= 2;
    if (ceiling_ms > c->retry_ms_max)
        ceiling_ms = c->retry_ms_max;
    int64_t delay_ms = (int64_t)(rng_unit() * (double)ceiling_ms);
    /* Jitter comes on top of the provider's wish: it has told everybody the same. */
    if (end->retry_after_ms > 0)
        delay_ms += end->retry_after_ms;
    return clock_mono_us() + (delay_ms + WORTH_MS) * 1000 < call->deadline_us ? delay_ms : -1;
}

static void ask_again(void *arg);

/* A server's complaint may repeat what a customer said: the journal has it, the log has not. */
static void failure_note(const struct llm_call *call, const struct llm_end *end)
{
    log_write(
        LOG_WARN, "llm.failed", LOG_STR("class", str_of(err_name(end->answer.result))), LOG_INT("status", end->status),
        LOG_STR("why", end->quotes ? STR("the model's server says why in the journal") : str_of(end->answer.err.text)),
        LOG_INT("attempts", call->attempts), LOG_END);
}

static void on_end(void *arg, const struct llm_end *end)
{
    struct llm_call *call = arg;
    struct llm *m = call->m;
    call->attempt = NULL;
    if (end->answer.result != 0) {
        int64_t delay_ms = retry_in_ms(call, end);
        if (delay_ms >= 0) {
            m->stats.retries++;
            m->retries_left--;
            call->timer = loop_after(m->loop, delay_ms, ask_again, call);
            if (!end->delivered)
                return;
            m->stats.restarts++;
            if (call->hooks.on_restart)
                call->hooks.on_restart(call->arg); /* last: it may cancel the call */
            return;
        }
    }
    struct llm_answer answer = end->answer;
    if (answer.result != 0) { /* nothing of what failed is handed out */
        failure_note(call, end);
        answer = (struct llm_answer){.result = end->answer.result, .err = end->answer.err};
    }
    call_end(call, &answer);
}

static void on_delta(void *arg, struct str text)
{
    struct llm_call *call = arg;
    call->hooks.on_delta(call->arg, text);
}

static void attempt(struct llm_call *call)
{
    struct llm *m = call->m;
    int64_t left_ms = (call->deadline_us - clock_mono_us()) / 1000;
    struct llm_attempt_hooks hooks = {.on_delta = call->hooks.on_delta ? on_delta : NULL, .on_end = on_end};
    call->attempts++;
    m->stats.attempts++;
    call->attempt = m->provider->ask(m->provider, &call->q, left_ms > 1 ? (int)left_ms : 1, &hooks, call);
}

static void ask_again(void *arg)
{
    struct llm_call *call = arg;
    call->timer = NULL;
    attempt(call);
}

struct llm_call *llm_ask(struct llm *m, const struct llm_question *q, const struct llm_hooks *hooks, void *arg)
{
    struct llm_call *call = mem_get(sizeof *call);
    *call = (struct llm_call){.m = m,
                              .next = m->calls,
                              .link = &m->calls,
                              .q = *q,
                              .hooks = *hooks,
                              .arg = arg,
                              .deadline_us = clock_mono_us() + (int64_t)m->config.total_ms * 1000};
    if (m->calls)
        m->calls->link = &call->next;
    m->calls = call;
    m->stats.questions++;
    m->stats.open++;
    attempt(call);
    return call;
}

void llm_cancel(struct llm_call *call)
{
    struct llm *m = call->m;
    if (call->attempt)
        m->provider->cancel(m->provider, call->attempt);
    if (call->timer)
        loop_cancel(call->timer);
    m->stats.cancelled++;
    call_free(call);
}
