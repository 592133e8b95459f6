/* Markdown becomes drafts; the rules stand in import.h. */
#include "routine/import.h"

#include "routine/markdown.h"
#include "routine/sentence.h"

enum { LABEL_BYTES_MAX = 16 };

/* A heading and what stands below it. */
struct section {
    struct section *next, *parent;
    struct str title, number; /* "Verify SIM card", "1.2" */
    bool step;
    const struct markdown *at, *end; /* from the block behind the heading */
    struct draft *draft;             /* of a heading that is a routine */
    struct draft_label *label;       /* of a step: its beginning */
};

struct sop {
    struct drafts *ds;
    struct section *sections;
    struct draft *d;
    struct section *in; /* the step that is being read */
};

/* --- sections --- */

/* The number of "Step 1.2: Title", "Path 2.1: ..." or "2.1 Title": its bytes, or 0. */
static size_t number_bytes(struct str s)
{
    size_t n = 0;
    while (n < s.n && n < LABEL_BYTES_MAX && ((s.p[n] >= '0' && s.p[n] <= '9') || (s.p[n] == '.' && n > 0)))
        n++;
    while (n && s.p[n - 1] == '.')
        n--;
    return n && (n == s.n || s.p[n] == ':' || s.p[n] == ' ' || s.p[n] == '.' || s.p[n] == ')' || s.p[n] == ',') ? n : 0;
}

static void read_title(struct section *s, struct str text)
{
    static const char *const words[] = {"step", "path", "part", "section", "phase", "stage", "flow", "procedure", NULL};
    s->title = text;
    for (const char *const *w = words; *w; w++)
        if (sentence_starts(text, *w)) {
            struct str rest = str_trim(str_from(text, str_of(*w).n));
            size_t n = number_bytes(rest);
            if (!n)
                return;
            s->number = str_head(rest, n);
            s->title = str_trim(str_from(rest, n + (n < rest.n)));
            s->step = w == words;
            return;
        }
    size_t n = number_bytes(text);
    if (n && n < text.n) {
        s->number = str_head(text, n);
        s->title = str_trim(str_from(text, n + 1));
        s->step = true; /* unless others stand below it */
    }
}

static struct section *sections_of(struct arena *a, const struct markdown *b)
{
    struct section *first = NULL, **end = &first, *open[7] = {NULL};
    while (b) {
        struct section *s = ARENA_NEW(a, struct section);
        if (b->kind == MARKDOWN_HEADING) {
            read_title(s, b->text);
            for (int i = 1; i < b->level; i++)
                s->parent = open[i] ? open[i] : s->parent;
            open[b->level] = s;
            for (int i = b->level + 1; i <= 6; i++)
                open[i] = NULL;
            if (s->parent && !s->parent->number.n)
                s->parent->step = false;
            b = b->next;
        }
        s->at = b;
        while (b && b->kind != MARKDOWN_HEADING)
            b = b->next;
        s->end = b;
        *end = s;
        end = &s->next;
    }
    for (struct section *s = first; s; s = s->next)
        if (s->parent && s->step && s->parent->step) /* "1. Refunds" over "1.1 Look": the outer one is no step */
            s->parent->step = false;
    return first;
}

/* --- places that a sentence names --- */

static struct section *section_numbered(const struct sop *x, struct str number, bool step)
{
    for (struct section *s = x->sections; s; s = s->next)
        if (s->step == step && str_eq(s->number, number))
            return s;
    return NULL;
}

/* "Step 1.2" or "Path 2.1" in the text. */
static bool find_place(struct str s, struct str *number, bool *step)
{
    for (size_t i = 0; i + 5 < s.n; i++) {
        bool is_step = sentence_starts(str_from(s, i), "step "),
             is_path = sentence_starts(str_from(s, i), "path ") || sentence_starts(str_from(s, i), "part ");
        size_t n = is_step || is_path ? number_bytes(str_from(s, i + 5)) : 0;
        if (!n)
            continue;
        *number = str_head(str_from(s, i + 5), n);
        *step = is_step;
        return true;
    }
    return false;
}

static struct str step_id(struct sop *x, const char *verb, struct str text)
{
    struct arena *a = x->ds->a;
    return x->in && x->in->step ? draft_slug(a, str_f(a, "step %.*s", STR_ARG(x->in->number)), 8)
                                : str_f(a, "%s_%.*s", verb, STR_ARG(sentence_name(a, text)));
}

static struct draft_step *add(struct sop *x, const char *verb_word, enum routine_verb verb, struct str text)
{
    struct draft_step *s = draft_step(x->ds, x->d, step_id(x, verb_word, text), verb);
    draft_comment(x->ds, &s->about, text);
    return s;
}

/* A sentence that leads elsewhere. False when it names no place. */
static bool follow(struct sop *x, struct str text)
{
    struct str number;
    bool step;
    if (!find_place(text, &number, &step))
        return false;
    struct section *to = section_numbered(x, number, step);
    if (!to || !(step ? to->label != NULL : to->draft != NULL)) {
        struct draft_step *s = add(x, "note", ROUTINE_NOTE, text);
        s->text = text;
        draft_say_todo(x->ds, &s->about, "the document has no %s %.*s", step ? "step" : "path", STR_ARG(number));
        return true;
    }
    const struct draft *home = step && to->parent ? to->parent->draft : to->draft;
    if (step && home == x->d) {
        add(x, "goto", ROUTINE_GOTO, text)->to = to->label;
        return true;
    }
    struct draft_step *s = add(x, "run", ROUTINE_CALL_ROUTINE, text);
    s->name = home ? home->name : STR("x");
    if (step)
        draft_say_todo(x->ds, &s->about, "it begins in the middle, at step %.*s", STR_ARG(number));
    return true;
}

/* --- sentences --- */

static bool slot_asked(const struct draft *d, struct str slot)
{
    for (const struct draft_step *s = d->steps; s; s = s->next)
        for (const struct draft_row *row = s->verb == ROUTINE_ASK ? s->rows : NULL; row; row = row->next)
            if (str_eq(row->name, slot))
                return true;
    return false;
}

/* One sentence that is no condition. False when it is only to be read. */
static bool act_on(struct sop *x, struct str text)
{
    struct arena *a = x->ds->a;
    struct draft_step *s;
    struct str name = sentence_name(a, text);
    switch (sentence_kind(text)) {
    case SENTENCE_FOLLOW: return follow(x, text);
    case SENTENCE_HANDOFF: add(x, "handoff", ROUTINE_HANDOFF, text)->name = STR("out_of_scope"); return true;
    case SENTENCE_SAY: add(x, "say", ROUTINE_SAY, text)->text = text; return true;
    case SENTENCE_ASK: {
        bool again = slot_asked(x->d, name);
        s = add(x, "ask", ROUTINE_ASK, text);
        struct draft_row *row = draft_row(x->ds, s, text, NULL);
        row->name = name;
        row->fresh = again;
        return true;
    }
    case SENTENCE_CHECK:
        s = add(x, "look", ROUTINE_CALL, text);
        s->name = str_f(a, "look_up_%.*s", STR_ARG(name));
        draft_say_todo(x->ds, &s->about, "which read answers this, or is it to be asked?");
        return true;
    case SENTENCE_DO:
        s = draft_action(x->ds, x->d, step_id(x, "do", text), draft_slug(a, text, 3));
        draft_comment(x->ds, &s->about, text);
        return true;
    case SENTENCE_OTHER: break;
    }
    return false;
}

static void only_read(struct sop *x, struct str text)
{
    draft_comment(x->ds, x->d->last ? &x->d->last->about : &x->d->about, text);
}

/* --- blocks --- */

static const struct markdown *body_end(const struct markdown *b, const struct markdown *end)
{
    const struct markdown *e = b->next;
    if (b->kind == MARKDOWN_ITEM)
        for (; e != end && e->kind == MARKDOWN_ITEM && e->level > b->level; e = e->next)
            ;
    else
        for (; e != end && e->kind == MARKDOWN_ITEM; e = e->next)
            ;
    return e;
}

/* A condition that leads to something: words behind it, or blocks below it. */
static bool is_branch(const struct markdown *b, const struct markdown *end, struct str *when, struct str *then)
{
    if (b == end || !sentence_condition(b->text, when, then))
        return false;
    bool lead = b->kind == MARKDOWN_ITEM || str_ends(b->text, STR(":"));
    return then->n || (lead && b->next != end && body_end(b, end) != b->next);
}

static void blocks(struct sop *x, const struct markdown *b, const struct markdown *end, struct draft_label *after);

/* "If A, ask B." within a text: a decision of one row. */
static bool act_if(struct sop *x, struct str text)
{
    struct str when, then;
    if (!sentence_condition(text, &when, &then) || !then.n || sentence_kind(then) == SENTENCE_OTHER)
        return false;
    struct draft_step *decide = draft_step(x->ds, x->d, step_id(x, "decide", text), ROUTINE_DECIDE);
    struct draft_label *to = draft_label(x->ds), *join = draft_label(x->ds);
    draft_say_todo(x->ds, &decide->about, "the condition as an expression");
    draft_row(x->ds, decide, when, to);
    draft_row(x->ds, decide, STR_NONE, join);
    draft_place(x->d, to);
    if (!act_on(x, then))
        only_read(x, then);
    draft_branch_end(x->d, decide, join);
    draft_place(x->d, join);
    return true;
}

static void sentences(struct sop *x, struct str text)
{
    struct str sentence;
    while (sentence_next(&text, &sentence))
        if (!act_if(x, sentence) && !act_on(x, sentence))
            only_read(x, sentence);
}

/* Conditions that stand one after the other are the rows of one decision. Gives the block behind them. */
static const struct markdown *branches(struct sop *x, const struct markdown *b, const struct markdown *end,
                                       struct draft_label *after)
{
    struct str when, then;
    const struct markdown *behind = b;
    enum markdown_kind kind = b->kind;
    while (is_branch(behind, end, &when, &then) && behind->kind == kind && behind->level == b->level)
        behind = body_end(behind, end);
    struct draft_label *join = behind == end ? after : draft_label(x->ds);
    struct draft_step *decide = draft_step(x->ds, x->d, step_id(x, "decide", b->text), ROUTINE_DECIDE);
    bool otherwise = false;
    draft_say_todo(x->ds, &decide->about, "conditions as expressions; is it all right when none holds?");
    while (b != behind && is_branch(b, end, &when, &then)) {
        struct draft_label *to = draft_label(x->ds);
        const struct markdown *next = body_end(b, end);
        const struct draft_step *before = x->d->last;
        otherwise = sentence_starts(when, "otherwise") || sentence_starts(when, "else");
        draft_row(x->ds, decide, otherwise ? STR_NONE : when, to);
        draft_place(x->d, to);
        sentences(x, then);
        blocks(x, b->next, next, join);
        draft_branch_end(x->d, before, join);
        b = next;
        if (otherwise)
            break;
    }
    if (!otherwise)
        draft_row(x->ds, decide, STR_NONE, join);
    if (behind != end)
        draft_place(x->d, join);
    return b;
}

static void blocks(struct sop *x, const struct markdown *b, const struct markdown *end, struct draft_label *after)
{
    struct str when, then;
    while (b && b != end) {
        if (is_branch(b, end, &when, &then)) {
            b = branches(x, b, end, after);
            continue;
        }
        sentences(x, b->text);
        b = b->next;
    }
}

/* --- documents --- */

static bool acts(const struct section *s)
{
    for (const struct markdown *b = s->at; b != s->end; b = b->next) {
        struct str rest = b->text, sentence, when, then;
        while (sentence_next(&rest, &sentence)) {
            if (sentence_condition(sentence, &when, &then) && then.n)
                sentence = then;
            bool rule = str_has(sentence, STR(" must ")) || str_has(sentence, STR(" should ")) ||
                        str_has(sentence, STR(" need to "));
            if (rule || (sentence_kind(sentence) != SENTENCE_OTHER && sentence_kind(sentence) != SENTENCE_FOLLOW))
                return true;
        }
    }
    return false;
}

static void left_out(struct sop *x, const struct section *s)
{
    if (s->at != s->end)
        draft_comment(
            x->ds, &x->ds->left,
            str_f(x->ds->a, "%.*s (line %zu)", STR_ARG(s->title.n ? s->title : STR("the beginning")), s->at->line));
}

static struct draft *begin_draft(struct sop *x, struct section *s)
{
    struct arena *a = x->ds->a;
    struct str title = s->title.n ? s->title : x->ds->source;
    struct str name = s->title.n ? draft_slug(a, title, 6) : x->ds->pack;
    s->draft = draft_add(x->ds, name, title);
    return s->draft;
}

/* The routines, and the steps' labels, before anything is read: sentences may name what comes later. */
static bool plan_steps(struct sop *x)
{
    bool any = false;
    for (struct section *s = x->sections; s; s = s->next)
        if (s->step && s->parent) {
            any = true;
            s->label = draft_label(x->ds);
            if (!s->parent->draft)
                begin_draft(x, s->parent);
        }
    return any;
}

static void read_section(struct sop *x, const struct section *s)
{
    size_t before = x->d->steps_n;
    struct draft_label *after = draft_label(x->ds);
    blocks(x, s->at, s->end, after);
    if (x->d->steps_n == before) {
        struct draft_step *note = add(x, "note", ROUTINE_NOTE, STR_NONE);
        note->text = s->title.n ? s->title : x->ds->source;
        draft_say_todo(x->ds, &note->about, "what is to be done here?");
    }
    draft_place(x->d, after);
}

static void read_steps(struct sop *x)
{
    for (struct section *s = x->sections; s; s = s->next) {
        x->d = s->label ? s->parent->draft : s->draft;
        x->in = s;
        if (!x->d) {
            left_out(x, s);
            continue;
        }
        if (!s->label) { /* what stands before the first step */
            for (const struct markdown *b = s->at; b != s->end; b = b->next)
                draft_comment(x->ds, &x->d->about, b->text);
            continue;
        }
        draft_place(x->d, s->label);
        read_section(x, s);
    }
    for (struct draft *d = x->ds->first; d; d = d->next)
        draft_end(x->ds, d);
}

static void read_prose(struct sop *x)
{
    for (struct section *s = x->sections; s; s = s->next) {
        if (!acts(s)) {
            left_out(x, s);
            continue;
        }
        x->in = s;
        x->d = begin_draft(x, s);
        read_section(x, s);
        draft_end(x->ds, x->d);
    }
}

void import_sop(struct drafts *ds, struct str text)
{
    struct sop x = {.ds = ds, .sections = sections_of(ds->a, markdown_read(ds->a, text))};
    if (plan_steps(&x))
        read_steps(&x);
    else
        read_prose(&x);
}
