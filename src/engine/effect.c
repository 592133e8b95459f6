#include "engine/entry.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { REQUESTS_MAX = 64, TIMER_MS_MAX = 10000 };

struct effect *effect_new(const struct entry *en, enum input_kind kind)
{
    struct runner *r = en->runner;
    struct arena *a = arena_new("effect", 512);
    struct effect *ef = ARENA_NEW(a, struct effect);
    *ef = (struct effect){.next = r->effects,
                          .link = &r->effects,
                          .runner = r,
                          .conversation = en->id,
                          .generation = en->generation,
                          .kind = kind,
                          .arena = a};
    if (r->effects)
        r->effects->link = &ef->next;
    r->effects = ef;
    return ef;
}

void effect_free(struct effect *ef)
{
    *ef->link = ef->next;
    if (ef->next)
        ef->next->link = ef->link;
    arena_free(ef->arena);
}

void effect_forget_question(struct entry *en)
{
    free((char *)en->question.p);
    en->question = STR_NONE;
}

void effect_keep_question(struct entry *en, struct str state)
{
    effect_forget_question(en);
    char *copy = mem_get(state.n);
    memcpy(copy, state.p, state.n);
    en->question = (struct str){copy, state.n};
}

static void withdraw_draft(struct entry *en)
{
    if (en->drafted)
        en->runner->config.ports.draft(en->runner->config.ports.arg, en->id, STR_NONE);
    en->drafted = false;
}

void effect_draft_replaced(struct entry *en)
{
    for (size_t i = 0; i < en->events.n; i++)
        if (en->events.list[i].kind == EVENT_REPLY_SENT)
            en->drafted = false;
}

void effect_stop_asking(struct entry *en)
{
    if (en->asking)
        llm_cancel(en->asking);
    en->asking = NULL;
    effect_forget_question(en);
    withdraw_draft(en);
}

static void waiting_begins(struct entry *en)
{
    if (!en->wait_began_us)
        en->wait_began_us = clock_mono_us();
}

static void waiting_ends(struct entry *en)
{
    if (en->wait_began_us)
        en->waited_us += clock_mono_us() - en->wait_began_us;
    en->wait_began_us = 0;
}

static void on_delta(void *arg, struct str words)
{
    struct entry *en = arg;
    en->drafted = true;
    en->runner->config.ports.draft(en->runner->config.ports.arg, en->id, words);
}

static void on_restart(void *arg)
{
    withdraw_draft(arg);
}

static void on_answer(void *arg, const struct llm_answer *answer)
{
    struct entry *en = arg;
    en->asking = NULL;
    effect_forget_question(en);
    if (answer->result < 0 || answer->calls_n)
        withdraw_draft(en); /* else the message that follows replaces it, unless none does */
    waiting_ends(en);
    struct input *in = entry_input(IN_MODEL, NULL, NULL);
    in->number = en->asked;
    struct arena *a = in->arena;
    in->answer = *answer;
    in->answer.text = str_copy(a, answer->text);
    in->answer.finish = str_copy(a, answer->finish);
    struct llm_tool_call *calls = ARENA_ARRAY(a, struct llm_tool_call, answer->calls_n);
    for (size_t i = 0; i < answer->calls_n; i++)
        calls[i] = (struct llm_tool_call){.id = str_copy(a, answer->calls[i].id),
                                          .name = str_copy(a, answer->calls[i].name),
                                          .arguments = str_copy(a, answer->calls[i].arguments)};
    in->answer.calls = calls;
    entry_push(en, in);
}

/* The bytes whose hash model.asked holds, made again from the journal alone. */
static void question_remake(struct entry *en)
{
    struct arena *a = arena_new("question", 16384);
    effect_keep_question(en, context_make(a, en->c, en->c->asked_us).state);
    arena_free(a);
}

static void ask(struct entry *en)
{
    struct conversation *c = en->c;
    if (!en->question.n)
        question_remake(en);
    withdraw_draft(en);         /* the last answer came to nothing */
    buf_fit(&c->messages.text); /* ten thousand may wait for their answers at once */
    struct llm_question q = {.tools = c->agent->tools_json,
                             .shared = c->agent->shared,
                             .transcript = buf_str(&c->messages.text),
                             .state = en->question,
                             .label = c->label,
                             .call_n = c->model_calls};
    static const struct llm_hooks with_draft = {.on_delta = on_delta, .on_restart = on_restart, .on_done = on_answer};
    static const struct llm_hooks plain = {.on_done = on_answer};
    en->asked = c->model_calls;
    en->asking = llm_ask(en->runner->config.llm, &q, en->runner->config.ports.draft ? &with_draft : &plain, en);
    waiting_begins(en);
}

static void on_tool(void *arg, const struct tool_answer *answer)
{
    struct effect *ef = arg;
    struct entry *en = entry_find(ef->runner, ef->conversation);
    if (en && en->generation == ef->generation && en->c) {
        struct input *in = entry_input(ef->kind, NULL, NULL);
        in->call_id = str_copy(in->arena, ef->request.call_id);
        in->result = *answer;
        in->result.result = str_copy(in->arena, answer->result);
        waiting_ends(en);
        if (ef->kind == IN_ACTION)
            en->acting_for = 0;
        entry_push(en, in);
    }
    effect_free(ef);
}

static void start_tools(struct entry *en)
{
    struct runner *r = en->runner;
    struct tool_request requests[REQUESTS_MAX];
    struct arena *a = arena_new("requests", 0);
    enum input_kind kind = en->c->turn.at == TURN_ACTING ? IN_ACTION : IN_TOOL;
    size_t n = turn_requests(a, en->c, clock_now_us(), requests, REQUESTS_MAX);
    struct effect *effects[REQUESTS_MAX];
    for (size_t i = 0; i < n; i++) {
        struct effect *ef = effects[i] = effect_new(en, kind);
        struct arena *own = ef->arena;
        ef->request = requests[i];
        ef->request.label = str_copy(own, requests[i].label);
        ef->request.call_id = str_copy(own, requests[i].call_id);
        ef->request.args = str_copy(own, requests[i].args);
        ef->request.key = str_copy(own, requests[i].key);
        ef->request.session.customer = str_copy(own, requests[i].session.customer);
        ef->request.session.locale = str_copy(own, requests[i].session.locale);
        ef->request.now = clock_iso(own, clock_now_us());
        ef->request.date = str_head(ef->request.now, 10);
    }
    arena_free(a);
    waiting_begins(en);
    for (size_t i = 0; i < n; i++)
        r->config.ports.tool(r->config.ports.arg, &effects[i]->request, on_tool, effects[i]);
}

static void on_timer(void *x)
{
    struct effect *ef = x;
    struct entry *en = entry_find(ef->runner, ef->conversation);
    if (en && en->generation == ef->generation && en->c) {
        struct input *in = entry_input(IN_TIMER, NULL, NULL);
        in->number = ef->number;
        waiting_ends(en);
        entry_push(en, in);
    }
    effect_free(ef);
}

static void start_timer(struct entry *en)
{
    struct effect *ef = effect_new(en, IN_TIMER);
    ef->number = en->c->timer;
    int64_t ms = (en->c->timer_due_us - clock_now_us()) / 1000;
    if (ms > TIMER_MS_MAX) /* the wall clock was set back: no timer of ours waits longer */
        ms = TIMER_MS_MAX;
    waiting_begins(en);
    en->runner->config.ports.after(en->runner->config.ports.arg, ms > 0 ? ms : 0, on_timer, ef);
}

void effect_perform(struct entry *en)
{
    struct conversation *c = en->c;
    enum turn_at at = c->turn.at;
    int64_t attempt = c->proposal.seq * 16 + c->proposal.attempt;
    if (at != TURN_MODEL)
        effect_stop_asking(en);
    if (at == TURN_MODEL && !en->asking) {
        ask(en);
    } else if (at == TURN_TOOLS && en->tools_for != c->answer_seq) {
        en->tools_for = c->answer_seq;
        start_tools(en);
    } else if (at == TURN_ACTING && en->acting_for != attempt) {
        en->acting_for = attempt;
        start_tools(en);
    } else if (at == TURN_TIMER && en->timer_for != c->timer) {
        en->timer_for = c->timer;
        start_timer(en);
    }
    if (at == TURN_IDLE || at == TURN_MODEL)
        en->tools_for = 0;
}
