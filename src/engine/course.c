#include "engine/course.h"

struct str course_routine(const struct course *k)
{
    return k->frames_n ? k->frames[k->frames_n - 1].routine : STR("");
}

struct str course_place(const struct course *k)
{
    return k->frames_n ? k->frames[k->frames_n - 1].step : STR("");
}

static struct str keep(struct arena *a, const struct json *v)
{
    return json_str(v).n ? str_copy(a, v->text) : STR("");
}

static bool on_stack(const struct course *k, struct str routine)
{
    for (size_t i = 0; i < k->frames_n; i++)
        if (str_eq(k->frames[i].routine, routine))
            return true;
    return false;
}

void course_take_stack(struct course *k, struct arena *a, const struct json *stack)
{
    size_t n = 0;
    for (const struct json *f = stack->child; f && n < ROUTINE_FRAMES; f = f->next, n++) {
        struct str routine = json_str(json_get(f, "routine")), step = json_str(json_get(f, "step"));
        struct routine_frame *frame = &k->frames[n];
        if (n >= k->frames_n || !str_eq(frame->routine, routine))
            frame->routine = str_copy(a, routine);
        if (n >= k->frames_n || !str_eq(frame->step, step))
            frame->step = step.n ? str_copy(a, step) : STR("");
    }
    k->frames_n = n;
    for (struct course_step **at = &k->trail; *at;) /* what was left is not gone back into */
        if (on_stack(k, (*at)->routine))
            at = &(*at)->older;
        else
            *at = (*at)->older;
}

void course_take_place(struct course *k, struct arena *a, const struct json *routine, const struct json *step)
{
    if (routine && !routine->text.n) {
        k->frames_n = 0;
        return;
    }
    if (!k->frames_n && !routine)
        return;
    if (!k->frames_n)
        k->frames[k->frames_n++] = (struct routine_frame){.step = STR("")};
    struct routine_frame *top = &k->frames[k->frames_n - 1];
    if (routine)
        top->routine = keep(a, routine);
    if (step)
        top->step = keep(a, step);
}

/* A routine that ended is not gone back into. */
static void drop_trail(struct course *k, struct str routine)
{
    for (struct course_step **at = &k->trail; *at;)
        if (str_eq((*at)->routine, routine))
            *at = (*at)->older;
        else
            at = &(*at)->older;
}

static void take_trail(struct course *k, struct arena *a, const struct json *body)
{
    const struct json *trail = json_get(body, "trail"), *ended = json_get(body, "ended");
    for (const struct json *t = trail ? trail->child : NULL; t; t = t->next) {
        struct course_step *s = ARENA_NEW(a, struct course_step);
        *s = (struct course_step){.older = k->trail, .routine = keep(a, json_at(t, 0)), .step = keep(a, json_at(t, 1))};
        k->trail = s;
    }
    for (const struct json *t = ended ? ended->child : NULL; t; t = t->next)
        drop_trail(k, json_str(json_at(t, 0)));
}

void course_take_walk(struct course *k, struct arena *a, const struct json *body)
{
    const struct json *notes = json_get(body, "notes"), *stack = json_get(body, "stack");
    struct str words = json_str(json_get(body, "words"));
    if (stack)
        course_take_stack(k, a, stack);
    take_trail(k, a, body);
    for (const struct json *n = notes ? notes->child : NULL; n; n = n->next) {
        struct course_note *note = ARENA_NEW(a, struct course_note);
        *note = (struct course_note){.older = k->notes, .text = keep(a, n)};
        k->notes = note;
    }
    if (words.n)
        k->words = str_f(a, "%.*s%s%.*s", STR_ARG(k->words), k->words.n ? " " : "", STR_ARG(words));
    k->phrase = keep(a, json_get(body, "phrase"));
    k->draft = keep(a, json_get(body, "draft"));
    k->judge = keep(a, json_get(body, "judge"));
    k->judge_text = keep(a, json_get(body, "judge_text"));
    if (!k->judge.n)
        k->judgements = NULL;
    k->corrected_n = 0;
    k->heard = k->phrased = false;
    k->walked = true;
}

void course_break_off(struct course *k)
{
    k->phrase = k->draft = k->judge = STR("");
    k->judgements = NULL;
    k->phrased = k->judging = false;
}

bool course_fit(struct course *k, const struct routine_book *book)
{
    size_t n = 0;
    for (; n < k->frames_n; n++) {
        const struct routine *r = routine_find(book, k->frames[n].routine);
        if (!r || (k->frames[n].step.n && !routine_step(r, k->frames[n].step)))
            break;
    }
    bool left = n < k->frames_n;
    k->frames_n = n;
    k->made_n = left ? 0 : k->made_n;
    course_break_off(k);
    return left;
}

void course_put_stack(struct json_writer *w, const struct routine_frame *frames, size_t n)
{
    json_key(w, "stack");
    json_open(w, '[');
    for (size_t i = 0; i < n; i++) {
        json_open(w, '{');
        json_pair_str(w, "routine", frames[i].routine);
        json_pair_str(w, "step", frames[i].step);
        json_close(w, '}');
    }
    json_close(w, ']');
}
