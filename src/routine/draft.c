#include "routine/draft.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* --- making --- */

static bool name_taken(const struct drafts *ds, struct str name)
{
    for (const struct draft *d = ds->first; d; d = d->next)
        if (str_eq(d->name, name))
            return true;
    return false;
}

struct draft *draft_add(struct drafts *ds, struct str name, struct str summary)
{
    struct draft *d = ARENA_NEW(ds->a, struct draft);
    d->name = name;
    for (int i = 2; name_taken(ds, d->name); i++)
        d->name = str_f(ds->a, "%.*s_%d", STR_ARG(name), i);
    d->summary = summary;
    if (ds->last)
        ds->last->next = d;
    else
        ds->first = d;
    ds->last = d;
    ds->n++;
    return d;
}

static bool id_taken(const struct draft *d, struct str id)
{
    for (const struct draft_step *s = d->steps; s; s = s->next)
        if (str_eq(s->id, id))
            return true;
    return false;
}

struct draft_step *draft_step(struct drafts *ds, struct draft *d, struct str id, enum routine_verb verb)
{
    struct draft_step *s = ARENA_NEW(ds->a, struct draft_step);
    s->id = id;
    for (int i = 2; id_taken(d, s->id); i++)
        s->id = str_f(ds->a, "%.*s_%d", STR_ARG(id), i);
    s->verb = verb;
    s->about = d->ahead;
    d->ahead = (struct draft_lines){0};
    for (struct draft_label *l = d->pending; l; l = l->pending)
        l->id = s->id;
    d->pending = NULL;
    if (d->last)
        d->last->next = s;
    else
        d->steps = s;
    d->last = s;
    d->steps_n++;
    ds->steps_n++;
    return s;
}

struct draft_step *draft_action(struct drafts *ds, struct draft *d, struct str id, struct str tool)
{
    struct draft_step *offer = draft_step(ds, d, id, ROUTINE_CONFIRM);
    offer->name = tool;
    draft_say_todo(ds, &offer->about, "the arguments of %.*s", STR_ARG(tool));
    draft_step(ds, d, str_f(ds->a, "%.*s_done", STR_ARG(offer->id)), ROUTINE_ACT);
    return offer;
}

struct draft_row *draft_row(struct drafts *ds, struct draft_step *s, struct str text, struct draft_label *to)
{
    struct draft_row *row = ARENA_NEW(ds->a, struct draft_row);
    row->text = text;
    row->to = to;
    if (s->rows_last)
        s->rows_last->next = row;
    else
        s->rows = row;
    s->rows_last = row;
    return row;
}

struct draft_label *draft_label(struct drafts *ds)
{
    return ARENA_NEW(ds->a, struct draft_label);
}

void draft_place(struct draft *d, struct draft_label *l)
{
    l->pending = d->pending;
    d->pending = l;
}

/* Does the next step of the file follow it? */
static bool open_ended(const struct draft_step *s)
{
    bool said_last = s->verb == ROUTINE_SAY && s->name.n;
    return !s->to && !said_last && s->verb != ROUTINE_DECIDE && s->verb != ROUTINE_GOTO && s->verb != ROUTINE_HANDOFF &&
           s->verb != ROUTINE_EXIT;
}

void draft_branch_end(struct draft *d, const struct draft_step *last, struct draft_label *l)
{
    for (struct draft_label *p = d->pending; p; p = p->pending)
        p->same = l;
    d->pending = NULL;
    if (d->last != last && open_ended(d->last))
        d->last->to = l;
}

static struct str label_id(const struct draft_label *l)
{
    while (l && !l->id.p && l->same)
        l = l->same;
    return l && l->id.p ? l->id : STR("done");
}

static bool leads_to_end(const struct draft *d)
{
    if (!d->last || open_ended(d->last))
        return true;
    for (const struct draft_step *s = d->steps; s; s = s->next) {
        if (s->to && str_is(label_id(s->to), "done"))
            return true;
        for (const struct draft_row *row = s->rows; row; row = row->next)
            if (row->to && str_is(label_id(row->to), "done"))
                return true;
    }
    return false;
}

void draft_end(struct drafts *ds, struct draft *d)
{
    if (!leads_to_end(d))
        return;
    struct draft_step *s = draft_step(ds, d, STR("done"), ROUTINE_EXIT);
    s->name = STR("resolved");
    draft_say_todo(ds, &s->about, "is everything that ends here resolved?");
}

static void add_line(struct drafts *ds, struct draft_lines *to, struct str text, bool todo)
{
    struct draft_line *line = ARENA_NEW(ds->a, struct draft_line);
    line->text = text;
    line->todo = todo;
    if (to->last)
        to->last->next = line;
    else
        to->first = line;
    to->last = line;
    ds->todos_n += todo;
}

void draft_say_todo(struct drafts *ds, struct draft_lines *to, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_line(ds, to, str_copy(ds->a, str_whole(str_of(text), sizeof text - 4)), true);
}

void draft_comment(struct drafts *ds, struct draft_lines *to, struct str text)
{
    if (text.n)
        add_line(ds, to, text, false);
}

struct str draft_slug(struct arena *a, struct str text, size_t words_max)
{
    struct buf b = buf_new(a, 60);
    bool gap = false;
    for (size_t i = 0, words = 1; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            gap = b.n > 0;
            continue;
        }
        if (gap && ++words > words_max)
            break;
        if (gap)
            buf_addc(&b, '_');
        gap = false;
        buf_addc(&b, upper ? (char)(c - 'A' + 'a') : (char)c);
    }
    struct str slug = buf_str(&b);
    if (str_is(slug, "true") || str_is(slug, "false") || str_is(slug, "null")) /* words that YAML takes for values */
        return str_f(a, "%.*s_", STR_ARG(slug));
    return slug.n == 0 ? STR("x") : slug.p[0] >= '0' && slug.p[0] <= '9' ? str_f(a, "n%.*s", STR_ARG(slug)) : slug;
}

/* --- writing --- */

enum { WIDTH = 118, FILE_BYTES_MAX = 1 << 20 };

/* On one line, without what YAML does not allow: controls, a byte order mark, U+FFFE and U+FFFF. */
static struct str clean(struct arena *a, struct str text)
{
    bool changed;
    struct str s = text_visible(a, text_repair(a, text, &changed), &changed);
    struct buf b = buf_new(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        bool last_two = s.n - i >= 3 && memcmp(s.p + i, "\xEF\xBF", 2) == 0 && (unsigned char)s.p[i + 2] >= 0xBE;
        buf_addc(&b, last_two || s.p[i] == '\n' || s.p[i] == '\t' ? ' ' : s.p[i]);
        i += last_two ? 2 : 0;
    }
    return buf_str(&b);
}

static void quoted(struct buf *out, struct str text)
{
    buf_addc(out, '"');
    json_escape(out, clean(out->arena, text));
    buf_addc(out, '"');
}

/* A comment, wrapped at word borders. */
static void comment(struct buf *out, const char *indent, const char *begin, struct str text)
{
    size_t at = 0;
    text = clean(out->arena, text);
    buf_addf(out, "%s# %s", indent, begin);
    for (struct str word; str_split(&text, ' ', &word);) {
        if (!word.n)
            continue;
        if (at && at + word.n + strlen(indent) > WIDTH) {
            buf_addf(out, "\n%s#  ", indent);
            at = 0;
        }
        buf_addf(out, "%s%.*s", at ? " " : *begin ? " " : "", STR_ARG(word));
        at += word.n + 1;
    }
    buf_addc(out, '\n');
}

static void comments(struct buf *out, const char *indent, const struct draft_lines *lines)
{
    for (const struct draft_line *l = lines->first; l; l = l->next)
        comment(out, indent, l->todo ? DRAFT_MARK ":" : "", l->text);
}

static struct str question_name(const struct drafts *ds, const struct draft *d, const struct draft_step *s,
                                const struct draft_row *row)
{
    return s->rows->next ? str_f(ds->a, "%.*s_%.*s_%.*s", STR_ARG(d->name), STR_ARG(s->id), STR_ARG(row->name))
                         : str_f(ds->a, "%.*s_%.*s", STR_ARG(d->name), STR_ARG(s->id));
}

static void write_rows(struct buf *out, const struct drafts *ds, const struct draft *d, const struct draft_step *s)
{
    for (const struct draft_row *row = s->rows; row; row = row->next) {
        if (s->verb == ROUTINE_ASK) {
            struct str name = question_name(ds, d, s, row);
            buf_addf(out, "      - {slot: %.*s, question: %.*s.%.*s%s}\n", STR_ARG(row->name), STR_ARG(ds->pack),
                     STR_ARG(name), row->fresh ? ", fresh: true" : "");
        } else if (row->text.n) {
            buf_adds(out, "      - {if_text: ");
            quoted(out, row->text);
            buf_addf(out, ", to: %.*s}\n", STR_ARG(label_id(row->to)));
        } else {
            buf_addf(out, "      - {else: %.*s}\n", STR_ARG(label_id(row->to)));
        }
    }
}

static void write_verb(struct buf *out, const struct drafts *ds, const struct draft *d, const struct draft_step *s)
{
    const char *on = "next";
    switch (s->verb) {
    case ROUTINE_SAY:
    case ROUTINE_NOTE:
        buf_addf(out, s->verb == ROUTINE_SAY ? "    say: {text: " : "    note: ");
        quoted(out, s->text);
        buf_adds(out, s->verb == ROUTINE_SAY ? "}\n" : "\n");
        if (s->name.n)
            buf_addf(out, "    exit: %.*s\n", STR_ARG(s->name));
        break;
    case ROUTINE_CALL: buf_addf(out, "    call: {tool: %.*s, args: {}}\n", STR_ARG(s->name)); break;
    case ROUTINE_ASK:
    case ROUTINE_DECIDE:
        buf_addf(out, "    %s:\n", routine_verb_name(s->verb));
        write_rows(out, ds, d, s);
        break;
    case ROUTINE_CONFIRM:
        buf_addf(out,
                 "    confirm: {proposal: {tool: %.*s, args: {}}}\n    no: {exit: declined}\n"
                 "    unclear: {handoff: unclear_answer}\n",
                 STR_ARG(s->name));
        on = "yes";
        break;
    case ROUTINE_ACT:
        buf_adds(
            out,
            "    act: $proposal\n    refused: {handoff: action_refused}\n    unknown: {handoff: outcome_unknown}\n");
        on = "ok";
        break;
    case ROUTINE_GOTO: buf_addf(out, "    goto: %.*s\n", STR_ARG(label_id(s->to))); return;
    default: buf_addf(out, "    %s: %.*s\n", routine_verb_name(s->verb), STR_ARG(s->name)); break;
    }
    if (s->to)
        buf_addf(out, "    %s: %.*s\n", on, STR_ARG(label_id(s->to)));
}

struct str draft_yaml(const struct drafts *ds, const struct draft *d)
{
    struct buf b = buf_new(ds->a, FILE_BYTES_MAX);
    comment(&b, "", "",
            str_f(ds->a,
                  "A draft, made from %.*s by its structure alone. What the document says stands in "
                  "comments; a line with " DRAFT_MARK " wants a person.",
                  STR_ARG(ds->source)));
    comments(&b, "", &d->about);
    buf_addf(&b, "routine: %.*s\nversion: 0.1.0\nsummary: ", STR_ARG(d->name));
    quoted(&b, d->summary);
    buf_adds(&b, "\n# " DRAFT_MARK ": phrases by which customers say it, and not_when\nstart_when: {text: ");
    quoted(&b, d->summary);
    buf_adds(&b, "}\nmode: guide # " DRAFT_MARK ": gate or script, when the conditions are expressions\nsteps:\n");
    for (const struct draft_step *s = d->steps; s; s = s->next) {
        comments(&b, "  ", &s->about);
        buf_addf(&b, "  - id: %.*s\n", STR_ARG(s->id));
        write_verb(&b, ds, d, s);
    }
    return buf_str(&b);
}

struct str draft_macros_yaml(const struct drafts *ds)
{
    struct buf b = buf_new(ds->a, FILE_BYTES_MAX);
    buf_addf(&b,
             "# " DRAFT_MARK
             ": the questions are the document's words to its reader; put them as words to the customer\n"
             "macros: %.*s\nversion: 0.1.0\nsummary: ",
             STR_ARG(ds->pack));
    quoted(&b, str_f(ds->a, "Questions of the drafts made from %.*s.", STR_ARG(ds->source)));
    buf_adds(&b, "\ntexts:\n");
    size_t before = b.n;
    for (const struct draft *d = ds->first; d; d = d->next)
        for (const struct draft_step *s = d->steps; s; s = s->next)
            for (const struct draft_row *row = s->verb == ROUTINE_ASK ? s->rows : NULL; row; row = row->next) {
                struct str text = str_copy(ds->a, row->text);
                for (char *p = (char *)text.p; *p; p++) /* braces mean a field in a macro */
                    *p = *p == '{' ? '(' : *p == '}' ? ')' : *p;
                struct str name = question_name(ds, d, s, row);
                buf_addf(&b, "  %.*s: {en: ", STR_ARG(name));
                quoted(&b, text);
                buf_adds(&b, "}\n");
            }
    return b.n == before ? STR_NONE : buf_str(&b);
}

static bool slot_before(const struct drafts *ds, const struct draft_row *until)
{
    for (const struct draft *d = ds->first; d; d = d->next)
        for (const struct draft_step *s = d->steps; s; s = s->next)
            for (const struct draft_row *row = s->verb == ROUTINE_ASK ? s->rows : NULL; row; row = row->next) {
                if (row == until)
                    return false;
                if (str_eq(row->name, until->name))
                    return true;
            }
    return false;
}

struct str draft_scratchpad_yaml(const struct drafts *ds)
{
    struct buf b = buf_new(ds->a, FILE_BYTES_MAX);
    buf_addf(&b,
             "# " DRAFT_MARK ": types, and for an enum its values with the phrases that say them\n"
             "scratchpad: %.*s\nversion: 0.1.0\nsummary: ",
             STR_ARG(ds->pack));
    quoted(&b, str_f(ds->a, "Slots of the drafts made from %.*s.", STR_ARG(ds->source)));
    buf_adds(&b, "\nslots:\n");
    size_t before = b.n;
    for (const struct draft *d = ds->first; d; d = d->next)
        for (const struct draft_step *s = d->steps; s; s = s->next)
            for (const struct draft_row *row = s->verb == ROUTINE_ASK ? s->rows : NULL; row; row = row->next) {
                if (slot_before(ds, row))
                    continue;
                buf_addf(&b, "  - {slot: %.*s, type: text, summary: ", STR_ARG(row->name));
                quoted(&b, row->text);
                buf_adds(&b, "}\n");
            }
    return b.n == before ? STR_NONE : buf_str(&b);
}
