#include "llm/llm_offline_walk.h"

#include "llm/llm_offline_prompt.h"
#include "llm/llm_offline_read.h"
#include "routine/routine_walk.h"

enum { CALLS_MAX = 32, TEXT_BYTES_MAX = 16384 };

/* An answer in the making. */
struct answer {
    const struct offline_plan *plan;
    struct arena *a;
    struct offline_prompt prompt;
    struct str language;
    struct routine_walk walk;                        /* its words are the answer's */
    struct routine_frame before[ROUTINE_FRAMES + 1]; /* the stack that the runtime has */
    size_t before_n;
    bool leads; /* the runtime walks (mode script): the words are all that is read here */
    struct json *set;
    struct str asking; /* p NULL: nothing is */
    struct llm_tool_call calls[CALLS_MAX];
    size_t calls_n;
};

static const struct json *state_of(const struct answer *w, const char *key)
{
    return json_get(w->prompt.state, key);
}

static const struct json *state_in(const struct answer *w, const char *object, struct str key)
{
    const struct json *o = state_of(w, object);
    for (const struct json *m = json_is(o, JSON_OBJECT) ? o->child : NULL; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

static bool has_macro(const struct answer *w, const char *name)
{
    return json_get(w->plan->book.macros, name) != NULL;
}

/* --- what an answer can hold --- */

static void call(struct answer *w, struct str name, struct str arguments)
{
    if (w->calls_n < CALLS_MAX)
        w->calls[w->calls_n++] = (struct llm_tool_call){.name = name, .arguments = arguments};
}

static void hand_off(struct answer *w, struct str reason, struct str note)
{
    struct buf b = buf_new(w->a, TEXT_BYTES_MAX);
    struct json_writer j = {.out = &b};
    json_open(&j, '{');
    json_pair_str(&j, "reason", reason);
    if (note.n)
        json_pair_str(&j, "note", note);
    json_close(&j, '}');
    call(w, STR("transfer_to_human"), buf_str(&b));
}

/* As it will stand in the state block: what counts is a number there. */
static struct json *slot_value(struct answer *w, const struct offline_slot *slot, struct str value)
{
    bool counts = str_is(slot->type, "integer") || str_is(slot->type, "number") || str_is(slot->type, "money");
    struct json *number;
    return counts && json_parse(w->a, value, &number, NULL) == 0 ? number : json_new_str(w->a, value);
}

/* A value learnt from the customer's words. */
static void learn(struct answer *w, const struct offline_slot *slot, struct str value)
{
    struct json *is = slot_value(w, slot, value);
    bool known = str_is(json_str(state_in(w, "slot_status", slot->name)), "stated") &&
                 json_same(state_in(w, "slot", slot->name), is);
    if (known)
        return;
    struct json *entry = json_new(w->a, JSON_OBJECT);
    json_set(entry, STR("slot"), json_new_str(w->a, slot->name));
    json_set(entry, STR("value"), json_new_str(w->a, value));
    json_push(w->set, entry);
    routine_state_set(w->a, w->prompt.state, "slot", slot->name, is);
    routine_state_set(w->a, w->prompt.state, "slot_status", slot->name, json_new_str(w->a, STR("stated")));
}

/* --- the routine --- */

static bool under_way(const struct answer *w)
{
    return w->walk.frames_n > 0;
}

static void start(struct answer *w, const struct routine *r)
{
    w->walk.frames[w->walk.frames_n++] = (struct routine_frame){.routine = r->name, .step = STR("")};
    w->walk.heard = false;
    w->leads = r->steps->mode == ROUTINE_SCRIPT;
}

/* Walks, unless the runtime does. */
static void walk(struct answer *w)
{
    if (w->leads)
        return;
    routine_walk_on(&w->walk);
    for (size_t i = 0; i < w->walk.calls_n; i++)
        call(w, w->walk.calls[i].tool, w->walk.calls[i].args);
    if (w->walk.end == WALK_HANDS_OVER)
        hand_off(w, w->walk.reason, w->walk.note);
    if (w->walk.asking_n)
        w->asking = w->walk.asking[0];
}

static void say(struct answer *w, const char *macro)
{
    routine_say(&w->walk, str_of(macro));
    if (w->walk.over)
        hand_off(w, w->walk.reason, w->walk.note);
}

/* --- the customer's words --- */

static bool being_asked(const struct answer *w, const struct json *const *questions, size_t n, struct str slot)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(json_str(json_get(questions[i], "slot")), slot))
            return true;
    return false;
}

/* Reads every slot; gives the last read one that a routine asks for, or NULL. */
static const struct offline_slot *read_slots(struct answer *w, struct str folded)
{
    const struct routine_step *s = routine_walk_stands(&w->walk);
    const struct json *questions[WALK_SLOTS_MAX];
    size_t n = 0;
    if (s && s->verb == ROUTINE_ASK)
        n = routine_questions(&w->walk, s, questions, WALK_SLOTS_MAX);
    const struct offline_slot *answered = NULL;
    for (size_t i = 0; i < w->plan->slots_n; i++) {
        const struct offline_slot *slot = &w->plan->slots[i];
        bool asked = being_asked(w, questions, n, slot->name);
        struct str value = slot->phrases.n ? offline_read_slot(slot, folded, w->language, asked)
                                           : offline_read_typed(w->a, slot, w->prompt.words, w->language,
                                                                json_str(state_of(w, "date")), asked);
        if (!value.n)
            continue;
        learn(w, slot, value);
        if (slot->has_question)
            answered = slot;
    }
    return answered;
}

static void clarify(struct answer *w, struct str folded)
{
    bool again = json_int(state_in(w, "asked", STR("_clarify")), 0) > 0 && !words_greet(folded);
    if (again || !has_macro(w, "runtime.clarify")) {
        hand_off(w, STR("out_of_scope"), STR(""));
        return;
    }
    say(w, "runtime.clarify");
    if (!words_greet(folded))
        w->asking = STR("_clarify");
}

/* No routine is under way: the words start one, end the conversation, or need a question. */
static void open_routine(struct answer *w, struct str folded, const struct offline_slot *answered)
{
    bool single, question = str_has(folded, STR(" ? "));
    bool farewell = words_thank(folded) || (w->prompt.begun && words_close(folded));
    const struct offline_routine *chosen = offline_choose(w->plan, folded, answered, &single);
    if (farewell && !question && (!chosen || single) && has_macro(w, "runtime.welcome")) {
        say(w, "runtime.welcome");
        return;
    }
    if (!chosen) {
        clarify(w, folded);
        return;
    }
    start(w, chosen->routine);
    walk(w);
}

/* Does a routine under way ask for it? */
static bool is_asked_for(const struct answer *w, struct str slot)
{
    for (size_t i = 0; i < w->walk.frames_n; i++) {
        const struct routine *r = routine_find(&w->plan->book, w->walk.frames[i].routine);
        if (r && routine_asks(r, slot))
            return true;
    }
    return false;
}

/* Another matter than the one under way: words that start another routine and answer no question of this one. */
static const struct routine *other_matter(struct answer *w, struct str folded, const struct offline_slot *answered)
{
    bool single;
    if (answered && is_asked_for(w, answered->name))
        return NULL;
    const struct offline_routine *chosen = offline_choose(w->plan, folded, NULL, &single);
    for (size_t i = 0; chosen && i < w->walk.frames_n; i++)
        if (str_eq(w->walk.frames[i].routine, chosen->routine->name))
            return NULL;
    return chosen && !single && w->walk.frames_n < ROUTINE_FRAMES ? chosen->routine : NULL;
}

static void hear(struct answer *w)
{
    struct str folded = words_fold(w->a, w->prompt.words);
    if (words_ask_person(w->a, folded)) {
        hand_off(w, STR("asked_human"), STR(""));
        return;
    }
    const struct offline_slot *answered = read_slots(w, folded);
    if (!under_way(w)) {
        open_routine(w, folded, answered);
        return;
    }
    const struct routine *other = other_matter(w, folded, answered);
    if (other)
        start(w, other);
    walk(w);
}

/* The routine's step that proposes the tool: where the outcome of an action belongs that ran after the routine was left. */
static void find_proposer(struct answer *w)
{
    struct str tool = json_str(json_get(state_of(w, "proposal"), "tool"));
    const struct routine_book *book = &w->plan->book;
    for (size_t i = 0; i < book->n && tool.n && !under_way(w); i++)
        for (size_t k = 0; k < book->routines[i].steps_n && !under_way(w); k++) {
            const struct routine_step *s = &book->routines[i].steps[k];
            if (s->verb != ROUTINE_CONFIRM || s->mode == ROUTINE_SCRIPT || !str_eq(s->calls[0].tool, tool))
                continue; /* a script tells its outcomes itself; to start it anew would propose the action again */
            w->walk.frames[w->walk.frames_n++] =
                (struct routine_frame){.routine = book->routines[i].name, .step = s->id};
        }
}

/* Tools answered, or a button was pressed: nobody said anything that could be read. */
static void go_on(struct answer *w)
{
    if (!under_way(w))
        find_proposer(w);
    if (under_way(w))
        walk(w);
    else
        clarify(w, STR(" "));
}

/* --- the answer --- */

/* One update_scratchpad call in the making. */
struct update {
    struct buf b;
    struct json_writer j;
};

static struct update update_begin(struct answer *w)
{
    struct update u = {.b = buf_new(w->a, TEXT_BYTES_MAX)};
    buf_addc(&u.b, '{');
    return u;
}

static void update_end(struct answer *w, struct update *u, struct llm_tool_call *calls, size_t *n)
{
    buf_addc(&u->b, '}');
    if (u->b.n > 2)
        calls[(*n)++] = (struct llm_tool_call){.name = STR("update_scratchpad"), .arguments = buf_str(&u->b)};
}

static void update_place(struct update *u, const char *routine, struct str name, struct str step)
{
    u->j.out = &u->b;
    if (routine)
        json_pair_str(&u->j, routine, name);
    if (step.n)
        json_pair_str(&u->j, "step", step);
}

/* Everything that this answer writes down: what was learnt, routines that ended, began or went on, what is asked. */
static size_t scratchpad_updates(struct answer *w, struct llm_tool_call *calls)
{
    const struct routine_frame *now = w->walk.frames;
    size_t n = 0, same = 0, now_n = w->walk.frames_n;
    while (same < now_n && same < w->before_n && str_eq(now[same].routine, w->before[same].routine))
        same++;
    struct update u = update_begin(w);
    u.j.out = &u.b;
    if (w->set->n) {
        json_key(&u.j, "set");
        json_put(&u.j, w->set);
    }
    for (size_t i = w->before_n; i > same; i--) {
        update_place(&u, "routine", STR(""), STR(""));
        if (i > same + 1 || same) {
            update_end(w, &u, calls, &n);
            u = update_begin(w);
        }
    }
    if (same && !str_eq(now[same - 1].step, w->before[same - 1].step))
        update_place(&u, NULL, STR_NONE, now[same - 1].step);
    for (size_t i = same; i < now_n; i++) {
        if (i > 0 || w->before_n > same) {
            update_end(w, &u, calls, &n);
            u = update_begin(w);
        }
        update_place(&u, "routine", now[i].routine, now[i].step);
    }
    if (w->asking.p) {
        u.j.out = &u.b;
        json_key(&u.j, "asking");
        json_open(&u.j, '[');
        json_put_str(&u.j, w->asking);
        json_close(&u.j, ']');
    }
    update_end(w, &u, calls, &n);
    return n;
}

static void finish(struct answer *w, struct llm_answer *out)
{
    struct llm_tool_call *calls = ARENA_ARRAY(w->a, struct llm_tool_call, CALLS_MAX + 2 * ROUTINE_FRAMES + 2);
    size_t n = scratchpad_updates(w, calls);
    for (size_t i = 0; i < w->calls_n; i++)
        calls[n++] = w->calls[i];
    for (size_t i = 0; i < n; i++)
        calls[i].id = str_f(w->a, "o%zu", i + 1);
    *out = (struct llm_answer){
        .text = buf_str(&w->walk.words),
        .has_text = w->walk.words.n > 0,
        .calls = calls,
        .calls_n = n,
        .finish = n ? STR("tool_calls") : STR("stop"),
        .attempts = 1,
    };
}

/* The runtime asks for the words of one step, or about one condition. A macro's words can be given back; no more. */
static bool asked_by_the_runtime(struct answer *w)
{
    const struct json *phrase = state_of(w, "phrase"), *judge = state_of(w, "judge");
    if (phrase && json_str(json_get(phrase, "draft")).n)
        buf_add(&w->walk.words, json_str(json_get(phrase, "draft")));
    else if (phrase)
        hand_off(w, STR("low_confidence"), STR("the offline provider writes no words of its own"));
    if (judge)
        call(w, STR("update_scratchpad"), STR("{\"judged\":false}"));
    return phrase || judge;
}

static void read_stack(struct answer *w)
{
    const struct json *below = state_of(w, "stack");
    for (const struct json *f = below ? below->child : NULL; f && w->before_n < ROUTINE_FRAMES; f = f->next)
        w->before[w->before_n++] =
            (struct routine_frame){.routine = json_str(json_get(f, "routine")), .step = json_str(json_get(f, "step"))};
    struct str routine = json_str(state_of(w, "routine"));
    if (routine.n)
        w->before[w->before_n++] = (struct routine_frame){.routine = routine, .step = json_str(state_of(w, "step"))};
    for (size_t i = 0; i < w->before_n && i < ROUTINE_FRAMES; i++)
        if (routine_find(&w->plan->book, w->before[i].routine))
            w->walk.frames[w->walk.frames_n++] = w->before[i];
    w->before_n = w->walk.frames_n;
    w->leads = str_is(json_str(state_of(w, "mode")), "script");
}

int offline_answer(const struct offline_plan *plan, struct arena *a, const struct llm_question *q,
                   struct llm_answer *out, struct err *e)
{
    struct answer w = {.plan = plan, .a = a, .set = json_new(a, JSON_ARRAY)};
    int r = offline_prompt_read(a, q->transcript, q->state, &w.prompt, e);
    if (r < 0)
        return r;
    w.language = json_str_or(state_of(&w, "language"), STR("en"));
    w.walk = routine_walk_new(a, &plan->book, w.prompt.state);
    w.walk.language = w.language;
    w.walk.heard = w.prompt.customer_spoke && w.prompt.words.n;
    struct str *called = ARENA_ARRAY(a, struct str, (w.prompt.calls ? w.prompt.calls->n : 0) + 1);
    for (const struct json *c = w.prompt.calls ? w.prompt.calls->child : NULL; c; c = c->next)
        called[w.walk.called_n++] = json_str(json_path(c, STR("function.name")));
    w.walk.called = called;
    read_stack(&w);
    if (asked_by_the_runtime(&w))
        w.leads = true;
    else if (w.walk.heard)
        hear(&w);
    else
        go_on(&w);
    finish(&w, out);
    return 0;
}
