#include "engine/fold.h"

void fold_model_asked(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->model_calls++;
    c->asked_us = ev->at_us;
    if (c->course.walked &&
        c->calls_n) { /* what the walk looked up is not looked up again because words came in between */
        c->course.made = c->calls;
        c->course.made_n = c->calls_n;
    }
    c->calls_n = 0; /* the last answer is past: its words belong to no later hand-off */
    c->answer_has_text = false;
    c->answer_text = STR("");
    c->turn.model_calls++;
    c->turn.at = TURN_MODEL;
}

/* What the model was asked for by a routine's step, it gave; a condition that it did not judge does not hold. */
static void hear_model(struct conversation *c)
{
    struct course *k = &c->course;
    k->unread = k->walked = false;
    k->judging = k->judge.n > 0;
    if (k->phrase.n) {
        struct str words = str_trim(c->answer_text);
        if (!words.n)
            words = k->draft;
        if (words.n)
            k->words = str_f(c->arena, "%.*s%s%.*s", STR_ARG(k->words), k->words.n ? " " : "", STR_ARG(words));
        k->phrase = k->draft = STR("");
        k->phrased = true;
    }
    if (k->judging) {
        struct course_judgement *j = ARENA_NEW(c->arena, struct course_judgement);
        *j = (struct course_judgement){.older = k->judgements, .row = k->judge};
        k->judgements = j;
        k->judge = STR("");
    }
}

void fold_model_answered(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *text = json_get(b, "text");
    c->answer_has_text = json_is(text, JSON_STRING);
    c->answer_text = fold_keep(c, text);
    c->answer_seq = ev->seq;
    c->turn.tokens_in += json_int(json_get(b, "in"), 0);
    c->turn.tokens_out += json_int(json_get(b, "out"), 0);
    c->turn.at = TURN_ANSWERED;
    hear_model(c);
    fold_take_calls(c, json_get(b, "calls"), c->answer_has_text ? &c->answer_text : NULL);
}

/* The routine ended: what it asked does not count for the next one. */
static void forget_questions(struct conversation *c, struct str routine)
{
    const struct routine *r = routine_find(&c->agent->book, routine);
    for (struct counter *k = c->asked; r && k; k = k->next)
        if (routine_asks(r, k->name))
            k->n = 0;
}

/* The runtime's own walk is an answer like a model's: words, calls, or what is to be done instead. */
void fold_walked(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *asking = json_get(b, "asking"), *gone = json_get(b, "forget"), *ended = json_get(b, "ended");
    for (const struct json *r = ended ? ended->child : NULL; r; r = r->next)
        forget_questions(c, json_str(json_at(r, 0)));
    for (const struct json *s = gone ? gone->child : NULL; s; s = s->next)
        fold_forget(c, s->text);
    for (const struct json *s = asking ? asking->child : NULL; s; s = s->next)
        fold_count(c, &c->asked, s->text);
    course_take_walk(&c->course, c->arena, b);
    c->course.walk_seq = ev->seq;
    c->course.made_n = 0;
    c->turn.walks++;
    c->answer_text = c->course.words;
    c->answer_has_text = c->course.words.n > 0;
    c->answer_seq = ev->seq;
    fold_take_calls(c, json_get(b, "calls"), NULL);
    c->turn.at = c->course.phrase.n || c->course.judge.n ? TURN_ASK : TURN_ANSWERED;
    if (json_get(b, "reason")) {
        c->turn.why = fold_keep(c, json_get(b, "reason"));
        c->turn.note = fold_keep(c, json_get(b, "note"));
        c->turn.priority = fold_keep(c, json_get(b, "priority"));
        c->turn.at = TURN_HANDOFF;
    } else if (!c->answer_has_text && !c->calls_n) {
        c->turn.at = TURN_ASK; /* nothing to say here: the model goes on */
    }
}

void fold_model_failed(struct conversation *c, const struct event *ev, const struct json *b)
{
    c->turn.why = STR("model_unavailable");
    c->turn.at = TURN_HANDOFF;
}

/* The newest answer of a tool stands first; older ones stay when they were about other arguments, so that a second look at the
 * same thing needs no second call. */
static void take_fact(struct conversation *c, const struct event *ev, const struct tool *t, struct str class,
                      const struct json *b)
{
    bool ok = str_is(class, "ok"), memory = json_bool(json_get(b, "memory"), false);
    const struct json *args = json_get(b, "args");
    struct str about = args ? fold_keep_json(c, json_canonical, args) : STR("");
    struct fact **at = &c->facts, *f;
    while (*at && !(str_eq((*at)->tool, t->name) && (!about.n || str_eq((*at)->args, about))))
        at = &(*at)->next;
    if ((f = *at)) {
        *at = f->next;
    } else {
        f = ARENA_NEW(c->arena, struct fact);
        *f = (struct fact){.tool = t->name};
    }
    f->next = c->facts;
    c->facts = f;
    f->class = str_copy(c->arena, class);
    if (!ok || memory)
        return;
    f->args = about;
    f->result = fold_keep_json(c, json_text, json_get(b, "result"));
    f->at_us = ev->at_us;
    f->seq = ev->seq;
}

/* A step-up: `grants: {identity: 2, when: verified}` of a tool that says so. */
static void raise_identity(struct conversation *c, const struct tool *t, const struct json *result)
{
    const struct json *grants = json_get(t->spec, "grants");
    struct str when = json_str(json_get(grants, "when"));
    int identity = (int)json_int(json_get(grants, "identity"), 0);
    if (identity > c->identity && (!when.n || json_bool(json_path(result, when), false)))
        c->identity = identity;
}

void fold_tool_answered(struct conversation *c, const struct event *ev, const struct json *b)
{
    struct str tool = json_str(json_get(b, "tool")), class = json_str(json_get(b, "class")),
               id = json_str(json_get(b, "call"));
    const struct json *result = json_get(b, "result");
    c->turn.tool_calls++;
    if (str_is(class, "invalid") && c->turn.bad_answer != c->answer_seq) {
        c->turn.bad_answers++;
        c->turn.bad_answer = c->answer_seq;
    }
    if (str_is(tool, "transfer_to_human") && str_is(class, "ok")) {
        c->turn.why = fold_keep(c, json_get(result, "reason"));
        c->turn.note = fold_keep(c, json_get(result, "note"));
    }
    const struct tool *t = agent_tool(c->agent, tool);
    if (t && t->irrevocable && str_is(json_str(json_get(result, "reason")), "approval_needed"))
        c->turn.why = STR("approval_needed");
    if (t)
        take_fact(c, ev, t, class, b);
    if (t && str_is(class, "ok"))
        raise_identity(c, t, result);
    fold_call_answered(c, id, class, result);
}

static void set_slot(struct conversation *c, const struct json *s)
{
    struct str name = json_str(json_get(s, "slot"));
    struct slot_value *v = c->slots;
    while (v && !str_eq(v->slot, name))
        v = v->next;
    if (!v) {
        v = ARENA_NEW(c->arena, struct slot_value);
        v->next = c->slots;
        v->slot = str_copy(c->arena, name);
        c->slots = v;
    } else if (v->value.n && !str_eq(v->value, json_str(json_get(s, "value")))) {
        struct course *k = &c->course;
        if (k->corrected_n < sizeof k->corrected / sizeof *k->corrected)
            k->corrected[k->corrected_n++] = v->slot;
    }
    v->value = fold_keep(c, json_get(s, "value"));
    v->status = fold_keep(c, json_get(s, "status"));
    v->source = fold_keep(c, json_get(s, "source"));
    v->evidence = json_int(json_at(json_get(s, "evidence"), 0), 0);
}

void fold_scratchpad(struct conversation *c, const struct event *ev, const struct json *b)
{
    const struct json *set = json_get(b, "set"), *asking = json_get(b, "asking"), *routine = json_get(b, "routine"),
                      *step = json_get(b, "step");
    for (const struct json *s = set ? set->child : NULL; s; s = s->next)
        set_slot(c, s);
    for (const struct json *s = asking ? asking->child : NULL; s; s = s->next)
        fold_count(c, &c->asked, s->text);
    if (routine || step || json_get(b, "stack"))
        c->course.made_n = 0;
    if (json_get(b, "stack"))
        course_take_stack(&c->course, c->arena, json_get(b, "stack"));
    else
        course_take_place(&c->course, c->arena, routine, step);
    if (routine && !routine->text.n) /* the routine ended: what it asked does not count for the next one */
        c->asked = NULL;
    if (json_get(b, "judged") && c->course.judging)
        c->course.judgements->yes = json_bool(json_get(b, "judged"), false);
    const struct json *call = json_get(b, "call");
    if (call) {
        struct json ok = {.kind = JSON_OBJECT};
        fold_call_answered(c, call->text, STR("ok"), &ok);
    }
}
