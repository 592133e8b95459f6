#include "cue.h"

#include "llm/llm_answer.h"
#include "llm/llm_offline.h"
#include "net/loop.h"

#include <stdlib.h>

enum { CALLS_MAX = 130, PROMPT_BYTES_MAX = 8 << 20 };

enum cue_kind { CUE_ANSWER, CUE_FAILS, CUE_WAITS };

struct cue {
    struct cue *next;
    enum cue_kind kind;
    bool always; /* stays in the queue */
    struct str text;
    bool has_text;
    struct llm_tool_call *calls;
    size_t calls_n;
};

struct cues {
    struct arena *arena;
    struct cue *first, **last;
    struct llm_attempt *waiting;
    int asked;
    struct buf prompt;
};

struct player {
    struct llm_provider provider;
    struct cues *cues;
    struct loop *loop;
    struct llm_provider *offline;
};

struct llm_attempt {
    struct player *p;
    struct llm_question q;
    int total_ms;
    struct llm_attempt_hooks hooks;
    void *arg;
    struct loop_timer *timer;   /* the answer is due */
    struct llm_attempt *inside; /* the offline provider's; its type is its own */
    const struct cue *cue;
};

struct cues *cues_new(void)
{
    struct arena *a = arena_new("cues", 0);
    struct cues *c = ARENA_NEW(a, struct cues);
    *c = (struct cues){.arena = a, .last = &c->first, .prompt = buf_new(NULL, PROMPT_BYTES_MAX)};
    return c;
}

void cues_free(struct cues *c)
{
    buf_free(&c->prompt);
    arena_free(c->arena);
}

bool cues_waiting(const struct cues *c)
{
    return c->waiting != NULL;
}

size_t cues_left(const struct cues *c)
{
    size_t n = 0;
    for (const struct cue *q = c->first; q; q = q->next)
        n += !q->always;
    return n;
}

int cues_asked(const struct cues *c)
{
    return c->asked;
}

struct str cues_prompt(const struct cues *c)
{
    return buf_str(&c->prompt);
}

/* --- playing --- */

static const struct cue *take(struct cues *c)
{
    struct cue *q = c->first;
    if (!q || q->always)
        return q;
    c->first = q->next;
    if (!c->first)
        c->last = &c->first;
    return q;
}

static void answer_now(void *arg)
{
    struct llm_attempt *t = arg;
    struct llm_end end = {.retry_after_ms = -1};
    if (t->cue->kind == CUE_FAILS)
        llm_answer_failed(&end, ERR_IO, false, "the script lets the model fail");
    else
        end.answer = (struct llm_answer){.text = t->cue->text,
                                         .has_text = t->cue->has_text,
                                         .calls = t->cue->calls,
                                         .calls_n = t->cue->calls_n,
                                         .finish = t->cue->calls_n ? STR("tool_calls") : STR("stop")};
    t->hooks.on_end(t->arg, &end);
    free(t);
}

static void offline_delta(void *arg, struct str text)
{
    struct llm_attempt *t = arg;
    t->hooks.on_delta(t->arg, text);
}

static void offline_end(void *arg, const struct llm_end *end)
{
    struct llm_attempt *t = arg;
    t->hooks.on_end(t->arg, end);
    free(t);
}

static void begin(struct llm_attempt *t)
{
    struct player *p = t->p;
    t->cue = take(p->cues);
    if (!t->cue) {
        struct llm_attempt_hooks hooks = {.on_delta = t->hooks.on_delta ? offline_delta : NULL, .on_end = offline_end};
        t->inside = p->offline->ask(p->offline, &t->q, t->total_ms, &hooks, t);
    } else if (t->cue->kind == CUE_WAITS) {
        p->cues->waiting = t;
    } else {
        t->timer = loop_after(p->loop, 0, answer_now, t);
    }
}

static struct llm_attempt *player_ask(struct llm_provider *provider, const struct llm_question *q, int total_ms,
                                      const struct llm_attempt_hooks *hooks, void *arg)
{
    struct player *p = (struct player *)provider;
    struct llm_attempt *t = mem_get(sizeof *t);
    *t = (struct llm_attempt){.p = p, .q = *q, .total_ms = total_ms, .hooks = *hooks, .arg = arg};
    p->cues->asked++;
    buf_clear(&p->cues->prompt);
    buf_addc(&p->cues->prompt, '[');
    buf_add(&p->cues->prompt, q->shared);
    buf_add(&p->cues->prompt, q->transcript);
    buf_add(&p->cues->prompt, q->state);
    buf_addc(&p->cues->prompt, ']');
    begin(t);
    return t;
}

static void player_cancel(struct llm_provider *provider, struct llm_attempt *t)
{
    struct player *p = (struct player *)provider;
    if (t->inside)
        p->offline->cancel(p->offline, t->inside);
    if (t->timer)
        loop_cancel(t->timer);
    if (p->cues->waiting == t)
        p->cues->waiting = NULL;
    free(t);
}

static void player_free(struct llm_provider *provider)
{
    struct player *p = (struct player *)provider;
    p->offline->free(p->offline);
    free(p);
}

int cues_provider(struct cues *c, struct loop *l, struct llm_provider **out, struct err *e)
{
    struct player *p = mem_get(sizeof *p);
    *p = (struct player){
        .provider = {.ask = player_ask, .cancel = player_cancel, .free = player_free}, .cues = c, .loop = l};
    struct llm_config plain = {.kind = STR("offline")};
    if (llm_offline_new(l, &plain, &p->offline, e) < 0) {
        free(p);
        return e->code;
    }
    *out = &p->provider;
    return 0;
}

int cues_go_on(struct cues *c, struct err *e)
{
    struct llm_attempt *t = c->waiting;
    if (!t)
        return err_set(e, ERR_NOT_FOUND, "no question waits for the model");
    c->waiting = NULL;
    begin(t);
    return 0;
}

/* --- reading a cue --- */

/* Cuts the arguments off: one JSON object where the braces close, else everything up to the next call. */
static struct str cut_arguments(struct str *rest)
{
    struct str all = *rest;
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < all.n && str_starts(all, STR("{")); i++) {
        char c = all.p[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (depth == 0) {
            *rest = str_from(all, i + 1);
            return str_head(all, i + 1);
        }
    }
    ptrdiff_t next = str_find(all, STR(" and call "));
    *rest = str_from(all, next < 0 ? all.n : (size_t)next);
    return str_head(all, next < 0 ? all.n : (size_t)next);
}

static int read_calls(struct cues *c, struct cue *q, struct str rest, struct err *e)
{
    q->calls = ARENA_ARRAY(c->arena, struct llm_tool_call, CALLS_MAX);
    while (rest.n) {
        if (!str_starts(rest, STR("call ")) || q->calls_n == CALLS_MAX)
            return err_set(e, ERR_INVALID, "\"%.*s\" is no call", STR_ARG(rest));
        rest = str_trim(str_from(rest, 5));
        ptrdiff_t end = str_find(rest, STR(" "));
        struct str name = str_head(rest, end < 0 ? rest.n : (size_t)end);
        rest = str_trim(str_from(rest, name.n));
        struct str args = str_starts(rest, STR("and call ")) ? STR_NONE : cut_arguments(&rest);
        rest = str_trim(rest);
        if (str_starts(rest, STR("and ")))
            rest = str_from(rest, 4);
        q->calls[q->calls_n] = (struct llm_tool_call){.id = str_f(c->arena, "call_%zu", q->calls_n),
                                                      .name = str_copy(c->arena, name),
                                                      .arguments = args.n ? str_copy(c->arena, args) : STR("{}")};
        q->calls_n++;
    }
    return 0;
}

static int read_answer(struct cues *c, struct cue *q, struct str line, struct err *e)
{
    if (str_is(line, "nothing"))
        return 0;
    if (!str_starts(line, STR("say ")))
        return read_calls(c, q, line, e);
    line = str_from(line, 4);
    ptrdiff_t calls = str_find(line, STR(" and call "));
    q->has_text = true;
    q->text = str_copy(c->arena, str_trim(str_head(line, calls < 0 ? line.n : (size_t)calls)));
    return calls < 0 ? 0 : read_calls(c, q, str_from(line, (size_t)calls + 5), e);
}

int cues_add(struct cues *c, struct str line, struct err *e)
{
    struct cue *q = ARENA_NEW(c->arena, struct cue);
    if (str_starts(line, STR("always "))) {
        q->always = true;
        line = str_trim(str_from(line, 7));
    }
    q->kind = str_is(line, "fails") ? CUE_FAILS : str_is(line, "waits") ? CUE_WAITS : CUE_ANSWER;
    if (q->kind == CUE_ANSWER && read_answer(c, q, line, e) < 0)
        return ERR_INVALID;
    *c->last = q;
    c->last = &q->next;
    return 0;
}
