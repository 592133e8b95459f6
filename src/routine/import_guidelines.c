/* Guidelines become drafts; the rules stand in import.h. */
#include "routine/import.h"

#include "routine/sentence.h"

/* One step of a subflow. Its texts are `text` and then `subtext`. */
struct guide_step {
    const struct json *spec;
    struct str type, button; /* button "": none */
    struct draft_label *label;
};

struct guide {
    struct drafts *ds;
    const struct json *flow, *root;
    struct draft *d;
    const struct guide_step *step;
    struct draft_label *after, *skip; /* the next step's beginning, and that of the one behind it */
    bool done;                        /* the step's own button was placed */
};

/* --- buttons --- */

static bool is_button(struct str s)
{
    return s.n && !str_is(s, "N/A") && !str_is(s, "End Conversation");
}

static bool same_button(struct arena *a, struct str x, struct str y)
{
    return str_eq(draft_slug(a, x, 8), draft_slug(a, y, 8));
}

/* Is it the button of some step of the document? */
static bool known_button(const struct guide *g, struct str name)
{
    for (const struct json *f = g->root->child; f; f = f->next)
        for (const struct json *s = json_get(f, "subflows") ? json_get(f, "subflows")->child : NULL; s; s = s->next)
            for (const struct json *t = json_get(s, "actions") ? json_get(s, "actions")->child : NULL; t; t = t->next)
                if (is_button(json_str(json_get(t, "button"))) &&
                    same_button(g->ds->a, json_str(json_get(t, "button")), name))
                    return true;
    return false;
}

/* The next [name] of a text; false when there is none. */
static bool next_bracket(struct str *rest, struct str *name)
{
    ptrdiff_t open = str_find(*rest, STR("["));
    if (open < 0)
        return false;
    struct str from = str_from(*rest, (size_t)open + 1);
    ptrdiff_t close = str_find(from, STR("]"));
    if (close < 0)
        return false;
    *name = str_head(from, (size_t)close);
    *rest = str_from(from, (size_t)close + 1);
    return true;
}

static bool names_button(const struct guide *g, struct str text, struct str button)
{
    struct str name;
    while (next_bracket(&text, &name))
        if (same_button(g->ds->a, name, button))
            return true;
    return false;
}

/* The first button that a text names and that is not the step's own; "" for none. */
static struct str other_button(const struct guide *g, struct str text)
{
    struct str name;
    while (next_bracket(&text, &name))
        if (!same_button(g->ds->a, name, g->step->button) && known_button(g, name))
            return name;
    return STR_NONE;
}

static bool looks_up(struct str type, struct str button)
{
    static const char *const verbs[] = {"pull up", "verify", "validate", "ask",  "search",
                                        "check",   "look",   "get",      "find", NULL};
    if (str_is(type, "kb query") || str_is(type, "faq/policy") || str_ends(button, STR(" Status")))
        return true;
    for (const char *const *v = verbs; *v; v++)
        if (sentence_starts(button, *v))
            return true;
    return false;
}

static void place_button(struct guide *g, struct str button, struct str about)
{
    struct str tool = draft_slug(g->ds->a, button, 8);
    struct draft_step *s;
    if (looks_up(same_button(g->ds->a, button, g->step->button) ? g->step->type : STR_NONE, button)) {
        s = draft_step(g->ds, g->d, tool, ROUTINE_CALL);
        s->name = tool;
        draft_say_todo(g->ds, &s->about, "the arguments of %.*s", STR_ARG(tool));
    } else {
        s = draft_action(g->ds, g->d, tool, tool);
    }
    draft_comment(g->ds, &s->about, about);
}

/* --- what is asked first --- */

static void ask_for(struct guide *g, struct draft_step **ask, struct str what, struct str question)
{
    if (!*ask)
        *ask = draft_step(g->ds, g->d, str_f(g->ds->a, "ask_%.*s", STR_ARG(draft_slug(g->ds->a, g->step->button, 4))),
                          ROUTINE_ASK);
    struct str slot = draft_slug(g->ds->a, what, 4);
    for (const struct draft_row *row = (*ask)->rows; row; row = row->next)
        if (str_eq(row->name, slot))
            return;
    draft_row(g->ds, *ask, question, NULL)->name = slot;
}

/* "Get Full Name or Account ID for [Pull up Account]", "... for their Full name or Account ID with [...]": the things. */
static struct str things_of(struct str text)
{
    static const char *const begins[] = {"Get ", "for their ", "for the ", NULL};
    static const char *const ends[] = {" for [", " with [", " using [", " to [", NULL};
    for (const char *const *b = begins; *b; b++) {
        ptrdiff_t from = str_find(text, str_of(*b));
        if (from < 0)
            continue;
        struct str rest = str_from(text, (size_t)from + str_of(*b).n);
        for (const char *const *e = ends; *e; e++) {
            ptrdiff_t to = str_find(rest, str_of(*e));
            if (to > 0 && to < 60)
                return str_head(rest, (size_t)to);
        }
    }
    return STR_NONE;
}

/* "Order ID - last item": a field's name of at most four words, each of which may be a word of a form. */
static struct str field_of(struct str item)
{
    ptrdiff_t dash = str_find(item, STR(" - "));
    struct str name = str_trim(dash > 0 ? str_head(item, (size_t)dash) : item), rest = name, word;
    size_t words = 0;
    while (str_split(&rest, ' ', &word))
        words++;
    bool plain = name.n && name.p[0] >= 'A' && name.p[0] <= 'Z' && words <= 4 && !str_has(name, STR("[")) &&
                 !str_has(name, STR(":")) && !str_has(name, STR(".")) && sentence_kind(name) == SENTENCE_OTHER &&
                 !sentence_starts(name, "if");
    return plain ? name : STR_NONE;
}

static void ask_first(struct guide *g)
{
    struct draft_step *ask = NULL;
    struct str text = json_str(json_get(g->step->spec, "text")), things = things_of(text);
    while (things.n) {
        ptrdiff_t cut = str_find(things, STR(" or "));
        struct str one = cut < 0 ? things : str_head(things, (size_t)cut);
        ask_for(g, &ask, one, one);
        things = cut < 0 ? STR_NONE : str_from(things, (size_t)cut + 4);
        if (things.n)
            draft_say_todo(g->ds, &ask->about, "is one of these enough?");
    }
    const struct json *items = json_get(g->step->spec, "subtext");
    for (const struct json *i = items ? items->child : NULL; i && str_is(g->step->type, "kb query"); i = i->next) {
        struct str field = field_of(json_str(i));
        if (field.n)
            ask_for(g, &ask, field, json_str(i));
    }
    bool asks = sentence_kind(text) == SENTENCE_ASK || sentence_starts(text, "get");
    if (!ask && asks)
        ask_for(g, &ask, str_f(g->ds->a, "%.*s answer", STR_ARG(g->step->button)), text);
}

/* --- texts of a step --- */

/* "If ...", "Gold members: > ...", "(Option A) ..." */
static bool conditional(struct str text, struct str *when, struct str *then)
{
    ptrdiff_t arrow = str_find(text, STR(": > "));
    if (sentence_condition(text, when, then)) {
        if (str_starts(*then, STR("> ")))
            *then = str_from(*then, 2);
        return true;
    }
    if (arrow <= 0 || arrow > 60)
        return false;
    *when = str_head(text, (size_t)arrow);
    *then = str_from(text, (size_t)arrow + 4);
    return true;
}

static struct draft_label *goes_on(const struct guide *g, struct str text)
{
    return str_has(text, STR("skip the next step")) || str_has(text, STR("skip the following step")) ? g->skip
                                                                                                     : g->after;
}

/* What a branch of a step does. */
static void consequence(struct guide *g, struct str whole, struct str then, struct draft_label *join)
{
    const struct draft_step *before = g->d->last;
    struct str other = is_button(g->step->button) ? other_button(g, whole) : STR_NONE;
    bool ends = str_has(whole, STR("[End Conversation]")) || str_has(whole, STR("end the conversation"));
    if (is_button(g->step->button) && !g->done && names_button(g, whole, g->step->button)) {
        place_button(g, g->step->button, then);
        g->done = true;
    } else if (other.n) {
        place_button(g, other, then);
    } else {
        struct draft_step *s =
            draft_step(g->ds, g->d, str_f(g->ds->a, "say_%.*s", STR_ARG(sentence_name(g->ds->a, then))), ROUTINE_SAY);
        s->text = then.n ? then : whole;
        s->name = ends ? STR("informed") : STR_NONE;
        if (ends)
            return;
    }
    struct draft_label *to = goes_on(g, whole);
    draft_branch_end(g->d, before, to == g->skip && to ? to : join);
}

/* Conditions that follow each other: one decision. Gives the item behind them. */
static const struct json *cases(struct guide *g, const struct json *item, struct draft_label *join)
{
    struct draft_step *decide = draft_step(
        g->ds, g->d, str_f(g->ds->a, "cases_%.*s", STR_ARG(draft_slug(g->ds->a, g->step->button, 4))), ROUTINE_DECIDE);
    struct str when, then;
    draft_say_todo(g->ds, &decide->about, "conditions as expressions");
    for (; item && conditional(json_str(item), &when, &then); item = item->next) {
        struct draft_label *to = draft_label(g->ds);
        draft_row(g->ds, decide, when, to);
        draft_place(g->d, to);
        consequence(g, json_str(item), then, join);
    }
    draft_row(g->ds, decide, STR_NONE, join);
    return item;
}

/* Is it only below the step's text that the button is named? It stands there, else at the step's beginning. */
static bool button_waits(const struct guide *g)
{
    const struct json *items = json_get(g->step->spec, "subtext");
    if (names_button(g, json_str(json_get(g->step->spec, "text")), g->step->button))
        return false;
    for (const struct json *i = items ? items->child : NULL; i; i = i->next)
        if (names_button(g, json_str(i), g->step->button))
            return true;
    return false;
}

static void plain_item(struct guide *g, struct str text)
{
    struct str other = is_button(g->step->button) ? other_button(g, text) : STR_NONE;
    bool own = !g->done && names_button(g, text, g->step->button);
    if (own) {
        place_button(g, g->step->button, text);
        g->done = true;
        return;
    }
    struct draft_lines *about = g->done && g->d->last ? &g->d->last->about : &g->d->ahead;
    draft_comment(g->ds, about, text);
    if (other.n)
        draft_say_todo(g->ds, about, "the text names [%.*s] too: a step of its own?", STR_ARG(other));
}

static void texts_of(struct guide *g)
{
    const struct json *items = json_get(g->step->spec, "subtext");
    struct str when, then;
    for (const struct json *i = items ? items->child : NULL; i;) {
        if (str_is(g->step->type, "kb query") && field_of(json_str(i)).n) {
            i = i->next;
        } else if (conditional(json_str(i), &when, &then)) {
            struct draft_label *join = draft_label(g->ds);
            i = cases(g, i, join);
            draft_place(g->d, join);
        } else {
            plain_item(g, json_str(i));
            i = i->next;
        }
    }
}

static void communication(struct guide *g)
{
    const struct json *items = json_get(g->step->spec, "subtext");
    struct str text = json_str(json_get(g->step->spec, "text")), when, then;
    if (!str_is(text, "Communication")) {
        struct draft_step *s =
            draft_step(g->ds, g->d, str_f(g->ds->a, "say_%.*s", STR_ARG(sentence_name(g->ds->a, text))), ROUTINE_SAY);
        s->text = text;
        for (const struct json *i = items ? items->child : NULL; i; i = i->next)
            if (!conditional(json_str(i), &when, &then))
                s->text = str_f(g->ds->a, "%.*s %.*s", STR_ARG(s->text), STR_ARG(json_str(i)));
    }
    for (const struct json *i = items ? items->child : NULL; i;) {
        if (!conditional(json_str(i), &when, &then)) {
            i = i->next;
            continue;
        }
        struct draft_label *join = draft_label(g->ds);
        i = cases(g, i, join);
        draft_place(g->d, join);
    }
}

static void read_step(struct guide *g)
{
    struct str text = json_str(json_get(g->step->spec, "text")), when, then;
    draft_place(g->d, g->step->label);
    if (sentence_condition(text, &when, &then)) { /* the whole step is a case */
        struct draft_label *here = draft_label(g->ds);
        struct draft_step *decide =
            draft_step(g->ds, g->d, str_f(g->ds->a, "need_%.*s", STR_ARG(draft_slug(g->ds->a, g->step->button, 4))),
                       ROUTINE_DECIDE);
        draft_row(g->ds, decide, when, here);
        draft_row(g->ds, decide, STR_NONE, g->after);
        draft_place(g->d, here);
    }
    g->done = false;
    if (!is_button(g->step->button)) {
        communication(g);
        return;
    }
    ask_first(g);
    if (!button_waits(g)) {
        place_button(g, g->step->button, text);
        g->done = true;
    } else {
        draft_comment(g->ds, &g->d->ahead, text);
    }
    texts_of(g);
}

/* --- subflows --- */

static bool order_is_free(const struct json *instructions)
{
    for (const struct json *i = instructions ? instructions->child : NULL; i; i = i->next)
        if (str_has(json_str(i), STR("any order")) || str_has(json_str(i), STR("Shuffle up the order")))
            return true;
    return false;
}

/* Where the flow names the button first. */
static size_t first_place(const struct guide *g, struct str button)
{
    size_t n = 0;
    for (const struct json *s = json_get(g->flow, "subflows")->child; s; s = s->next)
        for (const struct json *t = json_get(s, "actions") ? json_get(s, "actions")->child : NULL; t; t = t->next, n++)
            if (same_button(g->ds->a, json_str(json_get(t, "button")), button))
                return n;
    return n;
}

static void sort_steps(const struct guide *g, struct guide_step *steps, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k && first_place(g, steps[k].button) < first_place(g, steps[k - 1].button); k--) {
            struct guide_step s = steps[k];
            steps[k] = steps[k - 1];
            steps[k - 1] = s;
        }
}

static void read_instructions(struct guide *g, const struct json *instructions, bool at_end)
{
    const struct json *last = NULL;
    for (const struct json *i = instructions ? instructions->child : NULL; i; i = i->next)
        last = i;
    if (!at_end) {
        for (const struct json *i = instructions ? instructions->child : NULL; i && i != last; i = i->next)
            draft_comment(g->ds, &g->d->about, json_str(i));
    } else if (last) {
        struct draft_step *s = draft_step(g->ds, g->d, STR("wrap_up"), ROUTINE_SAY);
        s->text = json_str(last);
        s->name = STR("resolved");
        draft_say_todo(g->ds, &s->about, "is everything that ends here resolved?");
    }
}

static int read_subflow(struct guide *g, const struct json *subflow, const char *file, struct err *e)
{
    const struct json *actions = json_get(subflow, "actions"), *instructions = json_get(subflow, "instructions");
    if (!json_is(actions, JSON_ARRAY) || !actions->n)
        return err_set(e, ERR_INVALID, "%s: subflow %.*s has no list of actions", file, STR_ARG(subflow->key));
    struct guide_step *steps = ARENA_ARRAY(g->ds->a, struct guide_step, actions->n);
    size_t n = 0;
    for (const struct json *t = actions->child; t; t = t->next, n++) {
        if (!json_str(json_get(t, "text")).n || !json_str(json_get(t, "type")).n)
            return err_set(e, ERR_INVALID, "%s: action %zu of %.*s has no text or no type", file, n + 1,
                           STR_ARG(subflow->key));
        steps[n] =
            (struct guide_step){t, json_str(json_get(t, "type")), json_str(json_get(t, "button")), draft_label(g->ds)};
    }
    g->d = draft_add(g->ds, draft_slug(g->ds->a, subflow->key, 8),
                     str_f(g->ds->a, "%.*s: %.*s", STR_ARG(g->flow->key), STR_ARG(subflow->key)));
    read_instructions(g, instructions, false);
    if (order_is_free(instructions)) {
        sort_steps(g, steps, n);
        draft_say_todo(g->ds, &g->d->about,
                       "the order is free; this one is the order in which the flow names the buttons first");
    }
    struct draft_label *end = draft_label(g->ds);
    for (size_t i = 0; i < n; i++) {
        g->step = &steps[i];
        g->after = i + 1 < n ? steps[i + 1].label : end;
        g->skip = i + 2 < n ? steps[i + 2].label : end;
        read_step(g);
    }
    draft_place(g->d, end);
    read_instructions(g, instructions, true);
    draft_end(g->ds, g->d);
    return 0;
}

int import_guidelines(struct drafts *ds, const char *file, struct str text, struct err *e)
{
    struct json *root;
    if (json_parse(ds->a, text, &root, e) < 0)
        return err_in(e, "%s", file);
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "%s: guidelines are an object of flows with subflows", file);
    struct guide g = {.ds = ds, .root = root};
    for (const struct json *f = root->child; f; f = f->next) {
        const struct json *subflows = json_get(f, "subflows");
        g.flow = f;
        if (!json_is(subflows, JSON_OBJECT))
            return err_set(e, ERR_INVALID, "%s: flow %.*s has no subflows", file, STR_ARG(f->key));
        for (const struct json *s = subflows->child; s; s = s->next)
            if (read_subflow(&g, s, file, e) < 0)
                return ERR_INVALID;
    }
    return 0;
}
