#include "engine/lead.h"

#include "base/clock.h"

#include <string.h>

enum { CALLED_MAX = 64 };

static const struct routine *routine_on_top(const struct conversation *c)
{
    return routine_find(&c->agent->book, course_routine(&c->course));
}

static const struct routine_step *step_on_top(const struct conversation *c)
{
    const struct routine *r = routine_on_top(c);
    const struct routine_step *s = r ? routine_step(r, course_place(&c->course)) : NULL;
    return s ? s : r ? r->steps : NULL;
}

int lead_mode(const struct conversation *c)
{
    const struct routine_step *s = step_on_top(c);
    return s ? (int)s->mode : -1;
}

bool lead_walks(const struct conversation *c)
{
    return lead_mode(c) == ROUTINE_SCRIPT && !c->course.unread && !c->course.phrase.n && !c->course.judge.n;
}

struct str lead_question(const struct conversation *c, struct str tool)
{
    const struct routine *r = routine_on_top(c);
    for (size_t i = 0; r && i < r->steps_n; i++) {
        const struct routine_step *s = &r->steps[i];
        if (s->verb == ROUTINE_CONFIRM && str_eq(s->calls[0].tool, tool) && s->macro.n)
            return s->macro;
    }
    return STR("");
}

/* --- what a walk sees --- */

static struct json *parsed(struct arena *a, struct str text)
{
    struct json *v;
    return text.n && json_parse(a, text, &v, NULL) == 0 ? v : json_new(a, JSON_NULL);
}

/* Is it the last good answer of its tool? Older ones, about other arguments, are no part of the state. */
static bool is_last_good(const struct conversation *c, const struct fact *f)
{
    for (const struct fact *newer = c->facts; newer != f; newer = newer->next)
        if (newer->result.n && str_eq(newer->tool, f->tool))
            return false;
    return f->result.n > 0;
}

struct json *lead_state(struct arena *a, const struct conversation *c, int64_t now_us)
{
    struct json *root = context_state(a, c, now_us), *of = json_new(a, JSON_OBJECT);
    for (const struct fact *f = c->facts; f; f = f->next)
        if (is_last_good(c, f))
            routine_state_set(a, root, "tool", f->tool, parsed(a, f->result));
    json_set(of, STR("channel"), json_new_str(a, c->channel));
    json_set(of, STR("locale"), json_new_str(a, c->locale));
    json_set(of, STR("opened"), json_new_str(a, c->opened_date));
    json_set(root, STR("conversation"), of);
    json_set(root, STR("now"), json_new_str(a, clock_iso(a, now_us)));
    for (const struct counter *k = c->became; k; k = k->next)
        routine_state_set(a, root, "became", k->name, json_new_str(a, str_of(proposal_state_name(k->n))));
    for (const struct course_judgement *j = c->course.judgements; j; j = j->older)
        routine_state_set(a, root, "judged", j->row, json_new_bool(j->yes, a));
    return root;
}

/* --- walking --- */

/* The first ask step on the trail that asks for a slot which was corrected: the walk goes on from there. */
static const struct course_step *step_back(const struct conversation *c, const struct routine *r)
{
    const struct course_step *found = NULL;
    for (const struct course_step *t = c->course.trail; t && r; t = t->older) {
        const struct routine_step *s = str_eq(t->routine, r->name) ? routine_step(r, t->step) : NULL;
        if (!s || s->verb != ROUTINE_ASK)
            continue;
        for (const struct json *q = s->arg->child; q; q = q->next)
            for (size_t i = 0; i < c->course.corrected_n; i++)
                if (str_eq(json_str(json_get(q, "slot")), c->course.corrected[i]))
                    found = t;
    }
    return found;
}

static const struct routine_step *step_of(const struct conversation *c, struct routine_frame f)
{
    const struct routine *r = routine_find(&c->agent->book, f.routine);
    return r ? routine_step(r, f.step) : NULL;
}

/* Does the routine below stand where it calls the one above? */
static bool calls(const struct conversation *c, struct routine_frame below, struct routine_frame above)
{
    const struct routine_step *s = step_of(c, below);
    return s && s->verb == ROUTINE_CALL_ROUTINE && str_eq(s->name, above.routine);
}

/* Every routine under way goes back to what was corrected; what it called on the way is called again. */
static void go_back(const struct conversation *c, struct routine_walk *w)
{
    for (size_t i = w->frames_n; i-- > 0;) {
        struct routine_frame *f = &w->frames[i];
        const struct course_step *back = f->step.n ? step_back(c, routine_find(&c->agent->book, f->routine)) : NULL;
        size_t above = i + 1, n = w->frames_n;
        if (!back || str_eq(back->step, f->step))
            continue;
        while (above < n && calls(c, w->frames[above - 1], w->frames[above]))
            above++;
        f->step = back->step;
        memmove(f + 1, w->frames + above, (n - above) * sizeof *f);
        w->frames_n = i + 1 + n - above;
        if (i + 1 == w->frames_n) {
            w->called_n = 0;
            w->heard = false;
        }
    }
}

static struct routine_walk prepare(struct arena *a, const struct conversation *c, int64_t now_us)
{
    const struct course *k = &c->course;
    struct routine_walk w = routine_walk_new(a, &c->agent->book, lead_state(a, c, now_us));
    struct str *called = ARENA_ARRAY(a, struct str, CALLED_MAX);
    w.language = c->language;
    w.script = true;
    w.heard = k->heard;
    w.phrased = k->phrased;
    const struct call *made = k->walked ? c->calls : k->made;
    for (size_t i = 0, n = k->walked ? c->calls_n : k->made_n; i < n && i < CALLED_MAX; i++)
        called[w.called_n++] = made[i].name;
    w.called = called;
    w.proposed = str_starts(c->proposal.call, str_f(a, "r%lld_", (long long)k->walk_seq));
    memcpy(w.frames, k->frames, sizeof w.frames);
    w.frames_n = k->frames_n;
    go_back(c, &w);
    return w;
}

static void put_texts(struct json_writer *j, const char *key, const struct str *list, size_t n)
{
    if (!n)
        return;
    json_key(j, key);
    json_open(j, '[');
    for (size_t i = 0; i < n; i++)
        json_put_str(j, list[i]);
    json_close(j, ']');
}

static void put_list(struct json_writer *j, const char *key, const struct json *list)
{
    if (!list->n)
        return;
    json_key(j, key);
    json_put(j, list);
}

static void put_pair(struct json_writer *j, const char *key, struct str value)
{
    if (value.n)
        json_pair_str(j, key, value);
}

static void put_calls(struct json_writer *j, struct arena *a, const struct conversation *c,
                      const struct routine_walk *w)
{
    if (!w->calls_n)
        return;
    json_key(j, "calls");
    json_open(j, '[');
    for (size_t i = 0; i < w->calls_n; i++) {
        json_open(j, '{');
        json_pair_str(j, "id", str_f(a, "r%lld_%zu", (long long)(c->seq + 1), i));
        json_pair_str(j, "name", w->calls[i].tool);
        json_pair_str(j, "args", w->calls[i].args);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* A side answer that the model gave while it read stands before what the walk says. */
static struct str words_of(struct arena *a, const struct conversation *c, const struct routine_walk *w)
{
    struct str walk = buf_str(&w->words), aside = STR("");
    if (!c->course.walked && c->answer_has_text && !c->course.phrased && !c->course.judging)
        aside = str_trim(c->answer_text);
    if (w->end == WALK_HANDS_OVER || !aside.n)
        return walk;
    return str_f(a, "%.*s%s%.*s", STR_ARG(aside), walk.n ? " " : "", STR_ARG(walk));
}

int lead_walk(struct conversation *c, struct turn_events *out, struct err *e)
{
    struct arena *a = out->arena;
    struct routine_walk w = prepare(a, c, out->now_us);
    struct decision b;
    routine_walk_on(&w);
    decision_begin(&b, a);
    course_put_stack(&b.w, w.frames, w.frames_n);
    put_pair(&b.w, "words", words_of(a, c, &w));
    put_calls(&b.w, a, c, &w);
    put_texts(&b.w, "asking", w.asking, w.asking_n);
    put_texts(&b.w, "forget", w.forget, w.forget_n);
    put_list(&b.w, "trail", w.trail);
    put_list(&b.w, "ended", w.ended);
    put_list(&b.w, "notes", w.notes);
    if (w.end == WALK_PHRASES) {
        put_pair(&b.w, "phrase", w.phrase);
        put_pair(&b.w, "draft", w.draft);
    }
    if (w.end == WALK_JUDGES) {
        put_pair(&b.w, "judge", w.judged);
        put_pair(&b.w, "judge_text", w.phrase);
    }
    if (w.end == WALK_HANDS_OVER) {
        put_pair(&b.w, "reason", w.reason);
        put_pair(&b.w, "note", w.note);
        put_pair(&b.w, "priority", w.priority);
    }
    return decision_add(&b, c, out, EVENT_ROUTINE_WALKED, e);
}

/* --- holding the model to a routine --- */

/* How high it stands on the stack; 0: it is not under way. */
static size_t under_way(const struct conversation *c, struct str routine)
{
    for (size_t i = c->course.frames_n; i > 0; i--)
        if (str_eq(c->course.frames[i - 1].routine, routine))
            return i;
    return 0;
}

struct routine_verdict lead_allows(struct arena *a, const struct conversation *c, const struct tool *t,
                                   const struct json *args, int64_t now_us)
{
    const struct routine *idle = NULL, *held = NULL;
    struct routine_verdict ok = {.allowed = true}, no = {.missing = json_new(a, JSON_ARRAY)};
    for (size_t i = 0; i < c->agent->book.n; i++) {
        const struct routine *r = &c->agent->book.routines[i];
        if (!routine_mentions(r, t->name))
            continue;
        if (r->mode == ROUTINE_GUIDE)
            return ok; /* who may use it in one routine may use it */
        if (!under_way(c, r->name))
            idle = r;
        else if (!held || under_way(c, r->name) > under_way(c, held->name))
            held = r;
    }
    if (held && t->action && lead_mode(c) == ROUTINE_SCRIPT) {
        no.reason = "step_not_reached";
        no.step = course_place(&c->course);
        no.what_to_do = "nothing: the runtime walks this routine and proposes the action itself";
        return no;
    }
    if (held)
        return routine_gate(a, held, lead_state(a, c, now_us), t->name, args, t->action);
    if (!idle || !t->action)
        return ok;
    no.reason = "no_routine";
    no.step = STR("");
    json_push(no.missing, json_new_str(a, str_f(a, "routine %.*s", STR_ARG(idle->name))));
    no.what_to_do = "start that routine with update_scratchpad, and follow it";
    return no;
}

/* --- the model's own moves on the stack --- */

/* Where the matter on top begins: the routine under way, and those that called it. */
static size_t matter(const struct conversation *c)
{
    const struct course *k = &c->course;
    size_t i = k->frames_n ? k->frames_n - 1 : 0;
    while (i > 0 && calls(c, k->frames[i - 1], k->frames[i]))
        i--;
    return i;
}

/* The strictest word of that matter. */
static enum routine_digress digress(const struct conversation *c)
{
    enum routine_digress most = ROUTINE_ALLOW;
    for (size_t i = matter(c); i < c->course.frames_n; i++) {
        const struct routine *r = routine_find(&c->agent->book, c->course.frames[i].routine);
        most = r && r->digress > most ? r->digress : most;
    }
    return most;
}

static int start(const struct conversation *c, const struct routine *r, struct routine_frame *frames, size_t *n,
                 const char **reason, struct err *e)
{
    const struct routine *top = routine_on_top(c);
    const struct routine_step *at = step_on_top(c);
    bool called = at && at->verb == ROUTINE_CALL_ROUTINE && str_eq(at->name, r->name);
    struct routine_frame frame = {.routine = r->name, .step = STR("")};
    if (r->identity > c->identity) {
        *reason = "identity_too_low";
        return err_set(e, ERR_DENIED, "%.*s needs identity %d; this session has %d", STR_ARG(r->name), r->identity,
                       c->identity);
    }
    if (top && !called && digress(c) == ROUTINE_FORBID) {
        *reason = "digression_forbidden";
        return err_set(e, ERR_DENIED, "finish %.*s first", STR_ARG(top->name));
    }
    if (*n >= (called ? ROUTINE_FRAMES : ROUTINE_OPEN_MAX)) {
        *reason = "too_many_open";
        return err_set(e, ERR_DENIED, "%zu routines are open; finish one first", *n);
    }
    size_t place =
        top && !called && digress(c) == ROUTINE_HOLD ? matter(c) : *n; /* it begins when the one under way ends */
    memmove(frames + place + 1, frames + place, (*n - place) * sizeof frame);
    frames[place] = frame;
    ++*n;
    return 0;
}

/* The caller goes on behind its call. */
static void end_top(const struct conversation *c, struct routine_frame *frames, size_t *n)
{
    struct str ended = frames[--*n].routine;
    const struct routine *r = *n ? routine_find(&c->agent->book, frames[*n - 1].routine) : NULL;
    const struct routine_step *s = r ? routine_step(r, frames[*n - 1].step) : NULL;
    if (!s || s->verb != ROUTINE_CALL_ROUTINE || !str_eq(s->name, ended))
        return;
    int to = routine_branch(s, "next"), number = (int)(s - r->steps);
    if (to < 0 && number + 1 < (int)r->top_n)
        to = number + 1;
    if (to >= 0)
        frames[*n - 1].step = r->steps[to].id;
}

int lead_turn_to(const struct conversation *c, const struct json *routine, const struct json *step,
                 struct routine_frame frames[ROUTINE_FRAMES], size_t *n, const char **reason, struct err *e)
{
    memcpy(frames, c->course.frames, sizeof c->course.frames);
    *n = c->course.frames_n;
    struct str name = json_str(routine), place = json_str(step);
    if (routine && !name.n && *n) {
        end_top(c, frames, n);
    } else if (name.n && !str_eq(name, course_routine(&c->course))) {
        const struct routine *r = routine_find(&c->agent->book, name);
        if (!r)
            return err_set(e, ERR_INVALID, "there is no routine \"%.*s\"", STR_ARG(str_whole(name, 60)));
        size_t below = 0;
        while (below < *n && !str_eq(frames[below].routine, name))
            below++;
        if (below < matter(c) && digress(c) == ROUTINE_FORBID) {
            *reason = "digression_forbidden";
            return err_set(e, ERR_DENIED, "finish the routine under way first");
        }
        if (below < matter(c) && digress(c) == ROUTINE_HOLD)
            return 0; /* it is kept already */
        if (below < *n)
            *n = below + 1; /* back to what was interrupted */
        else if (start(c, r, frames, n, reason, e) < 0)
            return ERR_DENIED;
    }
    const struct routine *top = *n ? routine_find(&c->agent->book, frames[*n - 1].routine) : NULL;
    if (!place.n || !top)
        return 0;
    const struct routine_step *s = routine_step(top, place);
    if (!s)
        return err_set(e, ERR_INVALID, "%.*s has no step \"%.*s\"", STR_ARG(top->name), STR_ARG(str_whole(place, 60)));
    const struct routine_step *at = routine_step(top, frames[*n - 1].step);
    if ((at ? at : top->steps)->mode != ROUTINE_SCRIPT) /* else the runtime says where it stands */
        frames[*n - 1].step = s->id;
    return 0;
}
