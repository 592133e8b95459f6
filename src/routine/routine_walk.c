#include "routine/routine_walk.h"

#include "base/expr.h"
#include "base/template.h"
#include "routine/routine_outcome.h"

enum { STEPS_MAX = 200, WORDS_BYTES_MAX = 16384, ARGS_BYTES_MAX = 65536 };

/* --- the state --- */

static const struct json *member(const struct json *object, struct str key)
{
    for (const struct json *m = json_is(object, JSON_OBJECT) ? object->child : NULL; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

static const struct json *state_in(const struct routine_walk *w, const char *object, struct str key)
{
    return member(json_get(w->state, object), key);
}

void routine_state_set(struct arena *a, struct json *state, const char *object, struct str key, struct json *value)
{
    struct json *o = NULL;
    for (struct json *m = state->child; m; m = m->next)
        if (str_is(m->key, object) && m->kind == JSON_OBJECT)
            o = m;
    if (!o) {
        o = json_new(a, JSON_OBJECT);
        json_set(state, str_of(object), o);
    }
    json_set(o, key, value);
}

static int asked(const struct routine_walk *w, struct str what)
{
    return (int)json_int(state_in(w, "asked", what), 0);
}

/* What was known or asked counts no more. */
static void forget(struct routine_walk *w, struct str what)
{
    if (w->forget_n < WALK_SLOTS_MAX)
        w->forget[w->forget_n++] = what;
    routine_state_set(w->a, w->state, "slot", what, json_new(w->a, JSON_NULL));
    routine_state_set(w->a, w->state, "slot_status", what, json_new(w->a, JSON_NULL));
    routine_state_set(w->a, w->state, "asked", what, json_new_int(w->a, 0));
}

static void take_result(struct routine_walk *w, const struct json *result)
{
    if (result)
        json_set(w->state, STR("result"), json_copy(w->a, result));
}

/* --- ends --- */

static struct routine_frame *top(struct routine_walk *w)
{
    return &w->frames[w->frames_n - 1];
}

static void end(struct routine_walk *w, enum walk_end how, const struct routine_step *at)
{
    w->end = how;
    w->over = true;
    if (at)
        top(w)->step = at->id;
}

static void hand_over(struct routine_walk *w, struct str reason, struct str note)
{
    w->reason = reason;
    w->note = note;
    end(w, WALK_HANDS_OVER, NULL);
}

void routine_give_up(struct routine_walk *w, const char *reason, struct str note)
{
    buf_clear(&w->words);
    w->calls_n = w->asking_n = 0;
    hand_over(w, str_of(reason), note);
}

static void add_pair(struct arena *a, struct json *list, struct str x, struct str y)
{
    struct json *pair = json_new(a, JSON_ARRAY);
    json_push(pair, json_new_str(a, x));
    json_push(pair, json_new_str(a, y));
    json_push(list, pair);
}

/* --- words --- */

static bool has_macro(const struct routine_walk *w, struct str name)
{
    return member(w->book->macros, name) != NULL;
}

static void say_text(struct routine_walk *w, struct str words)
{
    if (w->words.n && words.n)
        buf_addc(&w->words, ' ');
    buf_add(&w->words, words);
}

/* false: it cannot be filled, and the walk has ended. */
static bool fill(struct routine_walk *w, struct str name, struct str *words)
{
    const struct json *macro = member(w->book->macros, name);
    const struct json *text = member(macro, w->language), *english = json_get(macro, "en");
    struct err e = {0};
    if (!text)
        text = english ? english : macro ? macro->child : NULL;
    if (!json_is(text, JSON_STRING)) {
        routine_give_up(w, "low_confidence", str_f(w->a, "there is no macro %.*s", STR_ARG(name)));
        return false;
    }
    if (template_render(w->a, text->text, text->key, w->state, words, &e) < 0) {
        routine_give_up(w, "data_unavailable", str_f(w->a, "macro %.*s: %s", STR_ARG(name), e.text));
        return false;
    }
    return true;
}

void routine_say(struct routine_walk *w, struct str macro)
{
    struct str words;
    if (fill(w, macro, &words))
        say_text(w, words);
}

/* --- values --- */

/* A text is an expression, anything else is itself. NULL when it does not evaluate; the walk has ended then. */
static struct json *value_of(struct routine_walk *w, const struct json *v)
{
    struct json *value;
    struct err e = {0};
    if (!json_is(v, JSON_STRING))
        return json_copy(w->a, v);
    if (expr_eval(w->a, routine_expr(w->a, v->text), w->state, &value, &e) == 0)
        return value;
    routine_give_up(w, "low_confidence", str_f(w->a, "%.*s: %s", STR_ARG(v->key), e.text));
    return NULL;
}

static bool holds(struct routine_walk *w, struct str condition)
{
    struct json *value;
    struct err e = {0};
    if (expr_eval(w->a, routine_expr(w->a, condition), w->state, &value, &e) == 0)
        return expr_true(value);
    routine_give_up(w, "low_confidence", str_f(w->a, "%s", e.text));
    return false;
}

/* The arguments as JSON. What has no value is left out; `all`: it ends the walk, and false is given. */
static bool arguments(struct routine_walk *w, const struct json *args, bool all, struct str *out)
{
    struct buf b = buf_new(w->a, ARGS_BYTES_MAX);
    struct json_writer j = {.out = &b};
    json_open(&j, '{');
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next) {
        struct json *value = value_of(w, arg);
        if (!value)
            return false;
        if (value->kind == JSON_NULL && all) {
            routine_give_up(w, "data_unavailable", str_f(w->a, "the argument %.*s has no value", STR_ARG(arg->key)));
            return false;
        }
        if (value->kind == JSON_NULL)
            continue;
        json_key_str(&j, arg->key);
        json_put(&j, value);
    }
    json_close(&j, '}');
    *out = buf_str(&b);
    return true;
}

static void add_call(struct routine_walk *w, struct str tool, struct str args)
{
    if (w->calls_n < WALK_CALLS_MAX)
        w->calls[w->calls_n++] = (struct walk_call){tool, args};
}

static bool called(const struct routine_walk *w, struct str tool)
{
    for (size_t i = 0; i < w->called_n; i++)
        if (str_eq(w->called[i], tool))
            return true;
    return false;
}

/* --- the verbs. Each gives the number of the step to go to; ROUTINE_NOWHERE: behind the last one. --- */

static const struct routine *routine_of(const struct routine_walk *w)
{
    return routine_find(w->book, w->frames[w->frames_n - 1].routine);
}

static bool stood_here(const struct routine_walk *w, const struct routine_step *s)
{
    return w->began.p && str_eq(w->began, s->id);
}

/* Where `on` leads; else, for steps of the file, the next one. */
static int following(const struct routine_walk *w, const struct routine_step *s, const char *on)
{
    const struct routine *r = routine_of(w);
    int to = routine_branch(s, on), number = (int)(s - r->steps);
    if (to != ROUTINE_NOWHERE)
        return to;
    return number + 1 < (int)r->top_n ? number + 1 : ROUTINE_NOWHERE;
}

/* The routine on top ended: what it asked does not count for the next one. */
static void forget_questions(struct routine_walk *w)
{
    const struct json *counts = json_get(w->state, "asked");
    const struct routine *r = routine_of(w);
    for (const struct json *k = w->script && r && json_is(counts, JSON_OBJECT) ? counts->child : NULL; k; k = k->next)
        if (routine_asks(r, k->key))
            routine_state_set(w->a, w->state, "asked", k->key, json_new_int(w->a, 0));
}

static int ended_with(struct routine_walk *w, struct str outcome)
{
    struct str routine = top(w)->routine;
    add_pair(w->a, w->ended, routine, outcome);
    forget_questions(w);
    w->began = STR_NONE;
    w->called_n = 0;
    w->phrased = w->heard = false;
    if (--w->frames_n == 0) {
        end(w, WALK_ENDED, NULL);
        return ROUTINE_NOWHERE;
    }
    const struct routine *r = routine_of(w);
    const struct routine_step *s = r ? routine_step(r, top(w)->step) : NULL;
    if (!r || r->steps_n == 0) {
        routine_give_up(w, "low_confidence", str_f(w->a, "there is no routine %.*s", STR_ARG(top(w)->routine)));
        return ROUTINE_NOWHERE;
    }
    if (s && s->verb == ROUTINE_CALL_ROUTINE && str_eq(s->name, routine)) {
        int to = routine_branch(s, str_c(w->a, outcome));
        return to != ROUTINE_NOWHERE ? to : following(w, s, "next");
    }
    if (s && has_macro(w, STR("runtime.back"))) /* one that was only held begins */
        routine_say(w, STR("runtime.back"));
    return s ? (int)(s - r->steps) : 0;
}

static int step_say(struct routine_walk *w, const struct routine_step *s)
{
    const struct json *fields = json_get(s->arg, "fields");
    struct json *values = json_new(w->a, JSON_OBJECT);
    for (const struct json *f = json_is(s->arg, JSON_OBJECT) && fields ? fields->child : NULL; f; f = f->next) {
        struct json *v = value_of(w, f);
        if (!v)
            return ROUTINE_NOWHERE;
        json_set(values, f->key, v);
    }
    json_set(w->state, STR("field"), values);
    bool phrase = s->text.n && w->script;
    if (phrase && !(stood_here(w, s) && w->phrased)) {
        w->phrase = s->text;
        if (!s->macro.n || fill(w, s->macro, &w->draft))
            end(w, WALK_PHRASES, s);
        return ROUTINE_NOWHERE;
    }
    if (!phrase && s->macro.n)
        routine_say(w, s->macro);
    else if (!phrase)
        routine_give_up(w, "low_confidence", str_f(w->a, "step %.*s needs a model's words", STR_ARG(s->id)));
    if (w->over)
        return ROUTINE_NOWHERE;
    return s->ends ? ended_with(w, s->name) : following(w, s, "next");
}

size_t routine_questions(struct routine_walk *w, const struct routine_step *s, const struct json **out, size_t max)
{
    size_t n = 0;
    for (const struct json *q = s->arg->child; q && n < max && !w->over; q = q->next) {
        struct str slot = json_str(json_get(q, "slot")), when = json_str(json_get(q, "when"));
        bool first = true;
        for (size_t i = 0; i < n; i++)
            first &= !str_eq(json_str(json_get(out[i], "slot")), slot);
        if (first && (!when.n || holds(w, when)))
            out[n++] = q;
    }
    return n;
}

static int step_ask(struct routine_walk *w, const struct routine_step *s)
{
    const struct json *questions[WALK_SLOTS_MAX], *open[WALK_SLOTS_MAX];
    size_t n = routine_questions(w, s, questions, WALK_SLOTS_MAX), open_n = 0;
    add_pair(w->a, w->trail, top(w)->routine, s->id);
    bool too_often = false;
    for (size_t i = 0; i < n; i++) {
        struct str slot = json_str(json_get(questions[i], "slot"));
        if (w->script && !stood_here(w, s) && json_bool(json_get(questions[i], "fresh"), false))
            forget(w, slot);
        if (str_is(json_str(state_in(w, "slot_status", slot)), "stated"))
            continue;
        too_often |= asked(w, slot) >= s->max_asks;
        open[open_n++] = questions[i];
    }
    if (w->over)
        return ROUTINE_NOWHERE;
    if (!open_n)
        return following(w, s, "next");
    struct str first = json_str(json_get(open[0], "slot"));
    if (too_often) {
        int to = routine_branch(s, "on_max");
        if (to == ROUTINE_NOWHERE)
            routine_give_up(w, "missing_information", str_f(w->a, "no answer about %.*s", STR_ARG(first)));
        return to;
    }
    if (stood_here(w, s) && w->heard && asked(w, first) > 0 && has_macro(w, STR("runtime.not_understood")))
        routine_say(w, STR("runtime.not_understood"));
    for (size_t i = 0; i < open_n && !w->over; i++) {
        routine_say(w, json_str(json_get(open[i], "question")));
        w->asking[w->asking_n++] = json_str(json_get(open[i], "slot"));
    }
    if (!w->over)
        end(w, WALK_WAITS, s);
    return ROUTINE_NOWHERE;
}

/* The class of the answer to the step's i-th call; "" when it has to be made. */
static struct str class_of(const struct routine_walk *w, const struct routine_step *s, size_t i)
{
    struct str class = json_str(state_in(w, "tool_class", s->calls[i].tool));
    if (!w->script)
        return class;
    return stood_here(w, s) && called(w, s->calls[i].tool) ? (class.n ? class : STR("refused")) : STR("");
}

static int call_failed(struct routine_walk *w, const struct routine_step *s, struct str tool, struct str class)
{
    struct str once = str_f(w->a, "retry:%.*s", STR_ARG(s->id));
    int to = routine_branch(s, str_c(w->a, class));
    if (to == ROUTINE_RETRY && w->script && !asked(w, once)) {
        struct str args;
        for (size_t i = 0; i < s->calls_n; i++)
            if (arguments(w, s->calls[i].args, false, &args))
                add_call(w, s->calls[i].tool, args);
        w->asking[w->asking_n++] = once;
        end(w, WALK_CALLS, s);
        return ROUTINE_NOWHERE;
    }
    if (to < 0)
        routine_give_up(w, "data_unavailable", str_f(w->a, "%.*s: %.*s", STR_ARG(tool), STR_ARG(class)));
    return to < 0 ? ROUTINE_NOWHERE : to;
}

static int step_call(struct routine_walk *w, const struct routine_step *s)
{
    struct str failed = STR(""), of = STR(""), once = str_f(w->a, "retry:%.*s", STR_ARG(s->id));
    if (w->script && !stood_here(w, s) && asked(w, once))
        forget(w, once);
    for (size_t i = 0; i < s->calls_n; i++) {
        struct str class = class_of(w, s, i), args;
        if (!class.n && arguments(w, s->calls[i].args, false, &args))
            add_call(w, s->calls[i].tool, args);
        if (class.n && !str_is(class, "ok") && !failed.n) {
            failed = class;
            of = s->calls[i].tool;
        }
    }
    if (w->over)
        return ROUTINE_NOWHERE;
    if (w->calls_n) {
        end(w, WALK_CALLS, s);
        if (!w->script && w->from.p && w->ended->n == 0) { /* the words are made again when the answers are there */
            buf_clear(&w->words);
            top(w)->step = w->from;
        }
        return ROUTINE_NOWHERE;
    }
    if (failed.n)
        return call_failed(w, s, of, failed);
    take_result(w, state_in(w, "tool", s->calls[s->calls_n - 1].tool));
    return following(w, s, "next");
}

static int step_decide(struct routine_walk *w, const struct routine_step *s)
{
    int i = 0;
    for (const struct json *row = s->arg->child; row && !w->over; row = row->next, i++) {
        struct str on = str_f(w->a, "row%d", i), words = json_str(json_get(row, "if_text"));
        if (json_get(row, "else"))
            return routine_branch(s, "else");
        if (words.n) {
            struct str key = str_f(w->a, "%.*s.%.*s", STR_ARG(s->id), STR_ARG(on));
            const struct json *judged = !w->script || stood_here(w, s) ? state_in(w, "judged", key) : NULL;
            if (!judged && w->script) {
                w->phrase = words;
                w->judged = key;
                end(w, WALK_JUDGES, s);
            } else if (json_bool(judged, false)) {
                return routine_branch(s, on.p);
            }
        } else if (holds(w, json_str(json_get(row, "if"))) && !w->over) {
            return routine_branch(s, on.p);
        }
    }
    return following(w, s, "next");
}

/* --- confirm and act --- */

static int step_confirm(struct routine_walk *w, const struct routine_step *s)
{
    struct str tool = s->calls[0].tool, counter = str_f(w->a, "confirm:%.*s", STR_ARG(s->id)), args;
    const char *became = routine_outcome(w, s, stood_here(w, s));
    if (!became) {
        if (!arguments(w, s->calls[0].args, true, &args))
            return ROUTINE_NOWHERE;
        if (w->script && !stood_here(w, s))
            forget(w, counter);
        if (w->script)
            w->asking[w->asking_n++] = counter;
        add_call(w, tool, args);
        end(w, WALK_PROPOSES, s);
        return ROUTINE_NOWHERE;
    }
    struct str what = str_of(became);
    if (str_is(what, "no") || str_is(what, "unclear")) {
        int to = routine_branch(s, became);
        if (to == ROUTINE_NOWHERE)
            routine_give_up(w, "unclear_answer", str_f(w->a, "%.*s: %s", STR_ARG(tool), became));
        return to;
    }
    w->became = became;
    take_result(w, json_get(json_get(w->state, "proposal"), "result"));
    return following(w, s, "yes");
}

static int step_act(struct routine_walk *w, const struct routine_step *s)
{
    const char *became =
        w->became ? w->became : routine_outcome_final(w, json_str(json_path(w->state, STR("proposal.tool"))));
    if (!became)
        became = "refused";
    int to = routine_branch(s, became);
    if (to == ROUTINE_NOWHERE && (str_is(str_of(became), "ok") || str_is(str_of(became), "already_done")))
        return following(w, s, "ok");
    if (to == ROUTINE_NOWHERE)
        routine_give_up(w, str_is(str_of(became), "unknown") ? "outcome_unknown" : "action_refused", STR(""));
    return to;
}

/* --- the other verbs --- */

static int step_note(struct routine_walk *w, const struct routine_step *s)
{
    struct str text;
    if (template_render(w->a, s->text, w->language, w->state, &text, NULL) < 0)
        text = s->text; /* a colleague reads a hole, too */
    json_push(w->notes, json_new_str(w->a, text));
    return following(w, s, "next");
}

static int step_goto(struct routine_walk *w, const struct routine_step *s)
{
    return routine_branch(s, "next");
}

static int step_call_routine(struct routine_walk *w, const struct routine_step *s)
{
    if (w->frames_n == ROUTINE_FRAMES || !routine_find(w->book, s->name)) {
        routine_give_up(w, "low_confidence", str_f(w->a, "routine %.*s cannot be called", STR_ARG(s->name)));
        return ROUTINE_NOWHERE;
    }
    top(w)->step = s->id;
    w->from = STR_NONE;
    w->frames[w->frames_n++] = (struct routine_frame){.routine = s->name, .step = STR("")};
    w->began = STR_NONE;
    return 0;
}

static int step_handoff(struct routine_walk *w, const struct routine_step *s)
{
    w->priority = json_is(s->arg, JSON_OBJECT) ? json_str(json_get(s->arg, "priority")) : STR("");
    hand_over(w, s->name, s->text); /* it stands where it stood: that tells a colleague more */
    return ROUTINE_NOWHERE;
}

static int step_exit(struct routine_walk *w, const struct routine_step *s)
{
    return ended_with(w, s->name);
}

static int (*const verbs[ROUTINE_VERBS])(struct routine_walk *, const struct routine_step *) = {
    [ROUTINE_SAY] = step_say,         [ROUTINE_ASK] = step_ask,         [ROUTINE_CALL] = step_call,
    [ROUTINE_DECIDE] = step_decide,   [ROUTINE_CONFIRM] = step_confirm, [ROUTINE_ACT] = step_act,
    [ROUTINE_NOTE] = step_note,       [ROUTINE_GOTO] = step_goto,       [ROUTINE_CALL_ROUTINE] = step_call_routine,
    [ROUTINE_HANDOFF] = step_handoff, [ROUTINE_EXIT] = step_exit,
};

/* --- the walk --- */

/* Is what the step requires true? Else the walk has ended. */
static bool required(struct routine_walk *w, const struct routine_step *s)
{
    int64_t identity = json_int(json_path(w->state, STR("session.identity")), 0);
    if (identity < s->identity) {
        routine_give_up(w, "compliance", str_f(w->a, "step %.*s needs identity %d", STR_ARG(s->id), s->identity));
        return false;
    }
    for (const struct json *slot = s->requires_slots ? s->requires_slots->child : NULL; slot; slot = slot->next)
        if (!state_in(w, "slot", slot->text) || json_is(state_in(w, "slot", slot->text), JSON_NULL)) {
            routine_give_up(w, "missing_information", str_f(w->a, "%.*s is not known", STR_ARG(slot->text)));
            return false;
        }
    if (s->requires_if.n && !holds(w, s->requires_if)) {
        if (!w->over)
            routine_give_up(w, "missing_information", str_f(w->a, "%.*s is not so", STR_ARG(s->requires_if)));
        return false;
    }
    return true;
}

struct routine_walk routine_walk_new(struct arena *a, const struct routine_book *book, struct json *state)
{
    return (struct routine_walk){.a = a,
                                 .book = book,
                                 .state = state,
                                 .words = buf_new(a, WORDS_BYTES_MAX),
                                 .trail = json_new(a, JSON_ARRAY),
                                 .ended = json_new(a, JSON_ARRAY),
                                 .notes = json_new(a, JSON_ARRAY)};
}

const struct routine_step *routine_walk_stands(const struct routine_walk *w)
{
    const struct routine *r = w->frames_n ? routine_of(w) : NULL;
    const struct routine_step *s = r ? routine_step(r, w->frames[w->frames_n - 1].step) : NULL;
    return s ? s : r ? r->steps : NULL;
}

void routine_walk_on(struct routine_walk *w)
{
    const struct routine_step *s = routine_walk_stands(w);
    if (!s) {
        end(w, WALK_ENDED, NULL);
        return;
    }
    w->began = top(w)->step.n ? s->id : STR_NONE;
    w->from = s->id;
    take_result(w, json_get(json_get(w->state, "proposal"), "result"));
    for (int n = 0; !w->over; n++) {
        if (n == STEPS_MAX) {
            routine_give_up(w, "low_confidence", STR("the routine goes round in circles"));
            return;
        }
        if (w->script != (s->mode == ROUTINE_SCRIPT)) {
            end(w, WALK_LEADS_OUT, s);
            return;
        }
        if (!required(w, s))
            return;
        int to = verbs[s->verb](w, s);
        if (w->over)
            return;
        w->began = STR_NONE; /* from here on steps are come to */
        if (to == ROUTINE_NOWHERE)
            to = ended_with(w, STR("ended"));
        if (!w->over)
            s = &routine_of(w)->steps[to];
    }
}
