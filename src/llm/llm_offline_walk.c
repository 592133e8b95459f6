#include "llm/llm_offline_walk.h"

#include "base/expr.h"
#include "base/template.h"
#include "llm/llm_offline_prompt.h"
#include "llm/llm_offline_read.h"

enum { STEPS_MAX = 200, CALLS_MAX = 16, PROPOSALS_MAX = 2, ASKS_MAX = 2, TEXT_BYTES_MAX = 16384 };

/* An answer in the making. */
struct walk {
    const struct offline_plan *plan;
    struct arena *a;
    struct offline_prompt prompt;
    struct str language;
    const struct offline_routine *routine;
    const struct json *began; /* the step at which this walk began */
    struct buf text;
    /* what goes into update_scratchpad; p NULL: nothing */
    struct json *set;
    struct str note_routine, note_step, note_asking;
    struct llm_tool_call calls[CALLS_MAX];
    size_t calls_n;
    bool ended;
};

static const struct json *state_of(const struct walk *w, const char *key)
{
    return json_get(w->prompt.state, key);
}

/* Member `key` of the state's object `object`. */
static const struct json *state_in(const struct walk *w, const char *object, struct str key)
{
    const struct json *o = state_of(w, object);
    for (const struct json *m = json_is(o, JSON_OBJECT) ? o->child : NULL; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

/* Writes into the walk's own copy of the state, so that expressions and macros see it. */
static void state_set(struct walk *w, const char *object, struct str key, struct str value)
{
    struct json *o = NULL;
    for (struct json *m = w->prompt.state->child; m; m = m->next)
        if (str_is(m->key, object) && m->kind == JSON_OBJECT)
            o = m;
    if (!o) {
        o = json_new(w->a, JSON_OBJECT);
        json_set(w->prompt.state, str_of(object), o);
    }
    json_set(o, key, json_new_str(w->a, value));
}

/* --- what an answer can hold --- */

static void call(struct walk *w, struct str name, struct str arguments)
{
    if (w->calls_n < CALLS_MAX)
        w->calls[w->calls_n++] = (struct llm_tool_call){.name = name, .arguments = arguments};
}

static void hand_off(struct walk *w, const char *reason, const char *note)
{
    struct buf b = buf_new(w->a, TEXT_BYTES_MAX);
    struct json_writer j = {.out = &b};
    json_open(&j, '{');
    json_pair_str(&j, "reason", str_of(reason));
    if (note)
        json_pair_str(&j, "note", str_of(note));
    json_close(&j, '}');
    call(w, STR("transfer_to_human"), buf_str(&b));
    w->ended = true;
}

/* The routine cannot go on: a person does, and nothing half-said leaves. */
static void give_up(struct walk *w, const char *reason, const char *note)
{
    buf_clear(&w->text);
    hand_off(w, reason, str_c(w->a, str_of(note)));
}

static bool has_macro(const struct walk *w, const char *name)
{
    return json_get(w->plan->macros, name) != NULL;
}

/* Adds a macro's words in the customer's language, else in English, else in any. A macro that cannot be filled
 * ends the walk. */
static void say(struct walk *w, struct str name)
{
    const struct json *macro = json_get(w->plan->macros, str_c(w->a, name));
    const struct json *text = json_get(macro, str_c(w->a, w->language)), *english = json_get(macro, "en");
    if (!text)
        text = english ? english : macro ? macro->child : NULL;
    struct str words;
    struct err e = {0};
    if (!json_is(text, JSON_STRING))
        return give_up(w, "low_confidence", str_f(w->a, "there is no macro %.*s", STR_ARG(name)).p);
    if (template_render(w->a, text->text, text->key, w->prompt.state, &words, &e) < 0)
        return give_up(w, "data_unavailable", str_f(w->a, "macro %.*s: %s", STR_ARG(name), e.text).p);
    if (w->text.n && words.n)
        buf_addc(&w->text, ' ');
    buf_add(&w->text, words);
}

/* A value learnt from the customer's words. */
static void learn(struct walk *w, struct str slot, struct str value)
{
    bool known = str_is(json_str(state_in(w, "slot_status", slot)), "stated") &&
                 str_eq(json_str(state_in(w, "slot", slot)), value);
    if (known)
        return;
    struct json *entry = json_new(w->a, JSON_OBJECT);
    json_set(entry, STR("slot"), json_new_str(w->a, slot));
    json_set(entry, STR("value"), json_new_str(w->a, value));
    json_push(w->set, entry);
    state_set(w, "slot", slot, value);
    state_set(w, "slot_status", slot, STR("stated"));
}

static void stand_at(struct walk *w, const struct json *step)
{
    w->note_routine = w->routine->name;
    w->note_step = json_str(json_get(step, "id"));
}

static void leave_routine(struct walk *w)
{
    w->note_routine = STR("");
    w->note_step = STR_NONE;
    w->ended = true;
}

/* --- the kinds of steps. Each gives the step to go to; "": the one behind it. --- */

static struct str branch(const struct json *step, const char *key)
{
    return json_str(json_get(step, key));
}

static struct str step_say(struct walk *w, const struct json *step)
{
    say(w, branch(step, "say"));
    if (!w->ended && json_get(step, "exit"))
        leave_routine(w);
    return branch(step, "next");
}

static struct str step_call(struct walk *w, const struct json *step)
{
    const struct json *tools = json_get(step, "call"), *failed = NULL;
    size_t before = w->calls_n;
    for (const struct json *t = tools->child; t; t = t->next) {
        const struct json *class = state_in(w, "tool_class", t->text);
        if (!class)
            call(w, t->text, STR("{}"));
        else if (!str_is(json_str(class), "ok") && !failed)
            failed = class;
    }
    if (w->calls_n > before) { /* the words are made again when the results are there */
        buf_clear(&w->text);
        stand_at(w, w->began);
        w->ended = true;
        return STR_NONE;
    }
    if (!failed)
        return branch(step, "next");
    struct str to = json_str(json_get(json_get(step, "on_error"), str_c(w->a, failed->text)));
    if (!to.n)
        give_up(w, "data_unavailable", str_f(w->a, "%.*s: %.*s", STR_ARG(failed->key), STR_ARG(failed->text)).p);
    return to;
}

/* Is the condition true? One that does not parse ends the walk. */
static bool holds(struct walk *w, const struct json *condition)
{
    struct json *value;
    struct err e = {0};
    if (expr_eval(w->a, json_str(condition), w->prompt.state, &value, &e) == 0)
        return expr_true(value);
    give_up(w, "low_confidence", e.text);
    return false;
}

static struct str step_decide(struct walk *w, const struct json *step)
{
    for (const struct json *d = json_get(step, "decide")->child; d && !w->ended; d = d->next) {
        const struct json *otherwise = json_get(d, "else");
        if (otherwise)
            return json_str(otherwise);
        if (holds(w, json_get(d, "if")))
            return branch(d, "to");
    }
    return branch(step, "next");
}

/* The question of an ask step that fits what is known; NULL when none does. */
static const struct json *question_of(struct walk *w, const struct json *step)
{
    const struct json *ask = json_get(step, "ask");
    for (const struct json *q = ask ? ask->child : NULL; q && !w->ended; q = q->next)
        if (!json_get(q, "when") || holds(w, json_get(q, "when")))
            return q;
    return NULL;
}

static struct str step_ask(struct walk *w, const struct json *step)
{
    const struct json *question = question_of(w, step);
    struct str slot = branch(question, "slot");
    if (w->ended || !question || str_is(json_str(state_in(w, "slot_status", slot)), "stated"))
        return branch(step, "next");

    if (json_int(state_in(w, "asked", slot), 0) >= json_int(json_get(step, "max_asks"), ASKS_MAX)) {
        if (!branch(step, "on_max").n)
            give_up(w, "missing_information", str_f(w->a, "no answer about %.*s", STR_ARG(slot)).p);
        return branch(step, "on_max");
    }
    bool again = step == w->began && w->prompt.customer_spoke && json_int(state_in(w, "asked", slot), 0) > 0;
    if (again && has_macro(w, "runtime.not_understood"))
        say(w, STR("runtime.not_understood"));
    say(w, branch(question, "question"));
    if (w->ended)
        return STR_NONE;
    stand_at(w, step);
    w->note_asking = slot;
    w->ended = true;
    return STR_NONE;
}

/* Did the calls whose results we look at name this tool? */
static bool just_called(const struct walk *w, struct str tool)
{
    const struct json *c = w->prompt.calls ? w->prompt.calls->child : NULL;
    for (; c; c = c->next)
        if (str_eq(json_str(json_path(c, STR("function.name"))), tool))
            return true;
    return false;
}

/* What became of the action: the name of a branch, or NULL when it is to be proposed now. */
static const char *outcome(const struct walk *w, const struct json *step, struct str tool)
{
    const struct json *proposal = state_of(w, "proposal");
    if (!str_eq(json_str(json_get(proposal, "tool")), tool))
        proposal = NULL;
    struct str state = json_str(json_get(proposal, "state"));
    static const char *const final[] = {"ok", "already_done", "refused", "unknown"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (str_is(state, final[i]))
            return final[i];
    /* A no is the answer to this step's question only where the step asked it; one of an earlier run is past. */
    bool declined = str_is(state, "declined");
    if (declined && step == w->began)
        return "no";
    if (just_called(w, tool)) /* and there is no outcome: the runtime did not let it through */
        return "refused";
    const struct json *class = state_in(w, "tool_class", tool);
    if (!proposal && class)
        return str_is(json_str(class), "unknown") ? "unknown" : str_is(json_str(class), "ok") ? "ok" : "refused";
    if (json_int(json_get(proposal, "times"), 0) >= PROPOSALS_MAX)
        return declined ? "no" : "unclear";
    return NULL;
}

/* The action's arguments, each an expression. false: one has no value, and the walk has ended. */
static bool arguments_of(struct walk *w, const struct json *args, struct str *out)
{
    struct buf b = buf_new(w->a, TEXT_BYTES_MAX);
    struct json_writer j = {.out = &b};
    json_open(&j, '{');
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next) {
        struct json *value;
        struct err e = {0};
        if (expr_eval(w->a, json_str(arg), w->prompt.state, &value, &e) < 0 || json_is(value, JSON_NULL)) {
            give_up(w, "data_unavailable", str_f(w->a, "the argument %.*s has no value", STR_ARG(arg->key)).p);
            return false;
        }
        json_key_str(&j, arg->key);
        json_put(&j, value);
    }
    json_close(&j, '}');
    *out = buf_str(&b);
    return true;
}

static struct str step_confirm(struct walk *w, const struct json *step)
{
    const struct json *confirm = json_get(step, "confirm");
    struct str tool = branch(confirm, "tool"), arguments;
    const char *became = outcome(w, step, tool);
    if (!became) {
        if (arguments_of(w, json_get(confirm, "args"), &arguments)) {
            stand_at(w, step);
            call(w, tool, arguments);
            w->ended = true;
        }
        return STR_NONE;
    }
    struct str to = branch(step, became);
    if (!to.n && str_is(str_of(became), "already_done"))
        to = branch(step, "ok");
    if (!to.n && str_is(str_of(became), "refused"))
        give_up(w, "action_refused", "the action was refused");
    else if (!to.n && str_is(str_of(became), "unknown"))
        give_up(w, "outcome_unknown", "the action's outcome is not known");
    else if (!to.n && str_is(str_of(became), "unclear"))
        give_up(w, "unclear_answer", "the customer neither confirmed nor declined");
    return to;
}

static struct str step_handoff(struct walk *w, const struct json *step)
{
    hand_off(w, str_c(w->a, branch(step, "handoff")), NULL);
    return STR_NONE;
}

static const struct step_kind {
    const char *key;
    struct str (*run)(struct walk *w, const struct json *step);
} step_kinds[] = {
    {"say", step_say},       {"call", step_call},       {"ask", step_ask},
    {"decide", step_decide}, {"confirm", step_confirm}, {"handoff", step_handoff},
};

static struct str step_run(struct walk *w, const struct json *step)
{
    for (size_t i = 0; i < sizeof step_kinds / sizeof *step_kinds; i++)
        if (json_get(step, step_kinds[i].key))
            return step_kinds[i].run(w, step);
    give_up(w, "low_confidence", "the routine has a step of an unknown kind");
    return STR_NONE;
}

static void walk(struct walk *w)
{
    const struct json *step = w->began;
    for (int n = 0; step && !w->ended; n++) {
        if (n == STEPS_MAX)
            return give_up(w, "low_confidence", "the routine goes round in circles");
        struct str to = step_run(w, step);
        if (w->ended)
            return;
        step = to.n ? offline_step_find(w->routine, to) : step->next;
        if (to.n && !step)
            return give_up(w, "low_confidence", str_f(w->a, "the routine has no step %.*s", STR_ARG(to)).p);
    }
    if (!w->ended)
        leave_routine(w);
}

/* --- the customer's words --- */

/* Reads every slot; gives the last read one that a routine asks for, or NULL. */
static const struct offline_slot *read_slots(struct walk *w, struct str folded, struct str asked)
{
    const struct offline_slot *answered = NULL;
    for (size_t i = 0; i < w->plan->slots_n; i++) {
        const struct offline_slot *slot = &w->plan->slots[i];
        struct str value = offline_read_slot(slot, folded, w->language, str_eq(slot->name, asked));
        if (!value.n)
            continue;
        learn(w, slot->name, value);
        if (slot->has_question)
            answered = slot;
    }
    return answered;
}

static void clarify(struct walk *w, struct str folded)
{
    if (json_int(state_in(w, "asked", STR("_clarify")), 0) > 0 && !words_greet(folded))
        return hand_off(w, "out_of_scope", NULL);
    if (!has_macro(w, "runtime.clarify"))
        return hand_off(w, "out_of_scope", NULL);
    say(w, STR("runtime.clarify"));
    if (!words_greet(folded))
        w->note_asking = STR("_clarify");
    w->ended = true;
}

/* No routine is under way: the words start one, end the conversation, or need a question. */
static void open_routine(struct walk *w, struct str folded, const struct offline_slot *answered)
{
    bool single, question = str_has(folded, STR(" ? "));
    bool farewell = words_thank(folded) || (w->prompt.begun && words_close(folded));
    w->routine = offline_choose(w->plan, folded, answered, &single);
    if (farewell && !question && (!w->routine || single) && has_macro(w, "runtime.welcome")) {
        say(w, STR("runtime.welcome"));
        w->ended = true;
        return;
    }
    if (!w->routine || !w->routine->steps)
        return clarify(w, folded);
    w->began = w->routine->steps->child;
    walk(w);
}

static void hear(struct walk *w)
{
    struct str folded = words_fold(w->a, w->prompt.words), asked = STR_NONE;
    if (words_ask_person(w->a, folded))
        return hand_off(w, "asked_human", NULL);
    if (w->began && json_get(w->began, "ask"))
        asked = branch(question_of(w, w->began), "slot");
    if (w->ended)
        return;
    const struct offline_slot *answered = read_slots(w, folded, asked);
    if (w->began)
        walk(w);
    else
        open_routine(w, folded, answered);
}

/* The routine's step that proposes the tool: where the outcome of an action belongs that ran after the routine
 * was left. */
static void find_proposer(struct walk *w)
{
    struct str tool = json_str(json_get(state_of(w, "proposal"), "tool"));
    for (size_t i = 0; i < w->plan->routines_n && tool.n && !w->began; i++) {
        const struct json *steps = w->plan->routines[i].steps;
        for (const struct json *s = steps ? steps->child : NULL; s && !w->began; s = s->next)
            if (str_eq(branch(json_get(s, "confirm"), "tool"), tool)) {
                w->routine = &w->plan->routines[i];
                w->began = s;
            }
    }
}

/* Tools answered, or a button was pressed: nobody said anything that could be read. */
static void go_on(struct walk *w)
{
    if (!w->began)
        find_proposer(w);
    if (w->began)
        walk(w);
    else
        clarify(w, STR(" "));
}

/* --- the answer --- */

/* Everything that this answer writes down, in one call; p NULL when it is nothing. */
static struct str scratchpad_update(const struct walk *w)
{
    struct buf b = buf_new(w->a, TEXT_BYTES_MAX);
    struct json_writer j = {.out = &b};
    json_open(&j, '{');
    if (w->set->n) {
        json_key(&j, "set");
        json_put(&j, w->set);
    }
    bool other_routine = w->note_routine.p && !str_eq(w->note_routine, json_str(state_of(w, "routine")));
    if (other_routine)
        json_pair_str(&j, "routine", w->note_routine);
    if (w->note_step.p && (other_routine || !str_eq(w->note_step, json_str(state_of(w, "step")))))
        json_pair_str(&j, "step", w->note_step);
    if (w->note_asking.p) {
        json_key(&j, "asking");
        json_open(&j, '[');
        json_put_str(&j, w->note_asking);
        json_close(&j, ']');
    }
    json_close(&j, '}');
    return b.n > 2 ? buf_str(&b) : STR_NONE;
}

static void finish(struct walk *w, struct llm_answer *out)
{
    struct str update = scratchpad_update(w);
    struct llm_tool_call *calls = ARENA_ARRAY(w->a, struct llm_tool_call, CALLS_MAX + 1);
    size_t n = 0;
    if (update.p)
        calls[n++] = (struct llm_tool_call){.name = STR("update_scratchpad"), .arguments = update};
    for (size_t i = 0; i < w->calls_n; i++)
        calls[n++] = w->calls[i];
    for (size_t i = 0; i < n; i++)
        calls[i].id = str_f(w->a, "o%zu", i + 1);
    *out = (struct llm_answer){
        .text = buf_str(&w->text),
        .has_text = w->text.n > 0,
        .calls = calls,
        .calls_n = n,
        .finish = n ? STR("tool_calls") : STR("stop"),
        .attempts = 1,
    };
}

int offline_answer(const struct offline_plan *plan, struct arena *a, const struct llm_question *q,
                   struct llm_answer *out, struct err *e)
{
    struct walk w = {.plan = plan, .a = a, .set = json_new(a, JSON_ARRAY), .text = buf_new(a, TEXT_BYTES_MAX)};
    int r = offline_prompt_read(a, q->transcript, q->state, &w.prompt, e);
    if (r < 0)
        return r;
    w.language = json_str_or(state_of(&w, "language"), STR("en"));
    w.routine = offline_routine_find(plan, json_str(state_of(&w, "routine")));
    if (w.routine && w.routine->steps) {
        w.began = offline_step_find(w.routine, json_str(state_of(&w, "step")));
        if (!w.began)
            w.began = w.routine->steps->child;
    }
    if (w.prompt.customer_spoke && w.prompt.words.n)
        hear(&w);
    else
        go_on(&w);
    finish(&w, out);
    return 0;
}
