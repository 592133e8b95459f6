#include "engine/scratchpad.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "base/text.h"
#include "engine/lead.h"

enum { NAME_BYTES_MAX = 100 };

static const struct json *slot_named(const struct conversation *c, struct str name)
{
    for (const struct json *s = c->agent->slots->child; s; s = s->next)
        if (str_eq(json_str(json_get(s, "slot")), name))
            return s;
    return NULL;
}

static int check_type(struct arena *a, const struct json *slot, struct str name, struct str value, struct err *e)
{
    const struct json *values = json_get(slot, "values");
    struct str type = json_str_or(json_get(slot, "type"), STR("text"));
    int64_t number;
    if (str_is(type, "enum") && !json_get(values, str_c(a, value))) {
        struct buf all = buf_new(a, 200);
        for (const struct json *v = values ? values->child : NULL; v; v = v->next)
            buf_addf(&all, " %.*s", STR_ARG(v->key));
        return err_set(e, ERR_INVALID, "%.*s is one of:%.*s", STR_ARG(name), STR_ARG(buf_str(&all)));
    }
    if (str_is(type, "integer") && str_int(value, &number) < 0)
        return err_set(e, ERR_INVALID, "%.*s is a whole number", STR_ARG(name));
    if ((str_is(type, "money") || str_is(type, "number")) && !json_number_ok(value))
        return err_set(e, ERR_INVALID, "%.*s is a number such as 1200.50", STR_ARG(name));
    if (str_is(type, "date") && (value.n != 10 || clock_days(value, &number) < 0))
        return err_set(e, ERR_INVALID, "%.*s is a date such as 2026-03-31", STR_ARG(name));
    if (value.n > 500)
        return err_set(e, ERR_INVALID, "%.*s is longer than 500 bytes", STR_ARG(name));
    return 0;
}

static bool is_counted(const struct json *slot)
{
    struct str type = json_str(json_get(slot, "type"));
    return str_is(type, "integer") || str_is(type, "number") || str_is(type, "money") || str_is(type, "date");
}

/* "10 March" said without a year is the one before and the one to come. */
static bool same_day_of_a_year(const struct quantity *q, struct str value)
{
    return value.n == q->value.n && str_eq(str_from(value, 4), str_from(q->value, 4)) &&
           !str_has(q->text, str_head(q->value, 4));
}

/* "050.00" as 50, the way that quantity.h writes numbers; a date stays. */
static struct str shortest(struct str value)
{
    ptrdiff_t point = str_find(value, STR("."));
    while (point > 0 && value.p[value.n - 1] == '0')
        value.n--;
    if (point > 0 && value.p[value.n - 1] == '.')
        value.n--;
    while (value.n > 1 && value.p[0] == '0' && value.p[1] != '.')
        value = str_from(value, 1);
    return value;
}

/* Does the text write that number, amount or date, in whatever form? A percentage is no amount. */
static bool writes(struct arena *a, const struct conversation *c, struct str text, struct str language,
                   const struct json *slot, struct str value)
{
    struct quantity q;
    struct str today = clock_date(a, c->at_us), wanted = shortest(value);
    bool money = str_is(json_str(json_get(slot, "type")), "money");
    for (size_t at = 0; quantity_next(a, text, &at, language, today, &q);)
        if ((str_eq(q.value, wanted) && !(money && q.kind == QUANTITY_PERCENT)) ||
            (q.kind == QUANTITY_DATE && same_day_of_a_year(&q, value)))
            return true;
    return false;
}

/* Does the text hold the value itself, or one of the phrases the slot declares for it? */
static bool holds(struct arena *a, const struct conversation *c, struct str text, const struct json *slot,
                  struct str value)
{
    if (is_counted(slot) && (writes(a, c, text, c->language, slot, value) ||
                             writes(a, c, text, STR("en"), slot, value))) /* as JSON writes numbers, too */
        return true;
    struct str folded = text_fold(a, text);
    struct str plain = str_trim(text_fold(a, value));
    if (!is_counted(slot) && plain.n && text_has_phrase(folded, plain)) /* "1.50" does not write 50 */
        return true;
    const struct json *languages = json_get(json_get(slot, "values"), str_c(a, value));
    for (const struct json *l = languages ? languages->child : NULL; l; l = l->next)
        for (const struct json *p = l->child; p; p = p->next)
            if (text_has_phrase(folded, str_trim(text_fold(a, p->text)))) /* a phrase may be written as it is said */
                return true;
    return false;
}

/* Where the value comes from; the newest of the customer's words first. */
static int64_t evidence(struct arena *a, const struct conversation *c, const struct json *slot, struct str value,
                        const char **source)
{
    *source = "customer";
    for (const struct said *s = c->said; s; s = s->older)
        if (holds(a, c, s->text, slot, value))
            return s->seq;
    *source = "tool";
    for (const struct fact *f = c->facts; f; f = f->next)
        if (f->result.n && holds(a, c, f->result, slot, value))
            return f->seq;
    *source = "model";
    return 0;
}

/* What the model says it asks. Names with a colon are the runtime's own counters. */
static void put_asking(struct json_writer *w, const struct json *asking)
{
    json_key(w, "asking");
    json_open(w, '[');
    for (const struct json *s = asking->child; s; s = s->next)
        if (json_str(s).n && json_str(s).n <= NAME_BYTES_MAX && !str_has(s->text, STR(":")))
            json_put_str(w, s->text);
    json_close(w, ']');
}

int scratchpad_update(struct arena *a, const struct conversation *c, struct str call_id, struct str arguments,
                      struct str *body, const char **reason, struct err *e)
{
    struct json *args;
    if (json_parse(a, str_trim(arguments).n ? arguments : STR("{}"), &args, e) < 0 || !json_is(args, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the arguments of update_scratchpad must be one JSON object");
    const struct json *set = json_get(args, "set"), *routine = json_get(args, "routine"),
                      *step = json_get(args, "step"), *asking = json_get(args, "asking");
    if (!json_is(routine, JSON_STRING))
        routine = NULL;
    if (!json_is(step, JSON_STRING))
        step = NULL;
    struct routine_frame frames[ROUTINE_FRAMES];
    size_t frames_n;
    int r = lead_turn_to(c, routine, step, frames, &frames_n, reason, e);
    if (r < 0)
        return r;
    struct buf b = buf_new(a, 65536);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "by", STR("model"));
    json_pair_str(&w, "call", call_id);
    json_key(&w, "set");
    json_open(&w, '[');
    for (const struct json *s = json_is(set, JSON_ARRAY) ? set->child : NULL; s; s = s->next) {
        struct str name = json_str(json_get(s, "slot")), value = json_str(json_get(s, "value"));
        const struct json *slot = slot_named(c, name);
        if (!slot)
            return err_set(e, ERR_INVALID, "there is no slot \"%.*s\"", STR_ARG(str_whole(name, 60)));
        if (check_type(a, slot, name, value, e) < 0)
            return ERR_INVALID;
        const char *source;
        int64_t seq = evidence(a, c, slot, value, &source);
        json_open(&w, '{');
        json_pair_str(&w, "slot", name);
        json_pair_str(&w, "value", value);
        json_pair_str(&w, "source", str_of(source));
        json_pair_str(&w, "status", seq ? STR("stated") : STR("inferred"));
        json_key(&w, "evidence");
        json_open(&w, '[');
        if (seq)
            json_put_int(&w, seq);
        json_close(&w, ']');
        json_close(&w, '}');
    }
    json_close(&w, ']');
    if (routine)
        json_pair_str(&w, "routine", str_whole(routine->text, 100));
    if (step)
        json_pair_str(&w, "step", str_whole(step->text, 100));
    if (routine || step)
        course_put_stack(&w, frames, frames_n);
    if (json_get(args, "judged"))
        json_pair_bool(&w, "judged", json_bool(json_get(args, "judged"), false));
    if (json_is(asking, JSON_ARRAY) && lead_mode(c) != ROUTINE_SCRIPT) /* there the walk counts its questions itself */
        put_asking(&w, asking);
    json_close(&w, '}');
    *body = buf_str(&b);
    return b.cut ? err_set(e, ERR_INVALID, "update_scratchpad writes too much at once") : 0;
}

/* --- what an action may be done with --- */

static bool counted(const struct json *v)
{
    return v->kind == JSON_NUMBER;
}

/* Do the customer's words (of: TOOL_CUSTOMER) or the tools' results (TOOL_TOOL) say this value? `words` has the phrases that may
 * stand for it in a schema (x-values), or NULL. */
static bool said_by(struct arena *a, const struct conversation *c, unsigned of, const struct json *v,
                    const struct json *words)
{
    struct json values = {.kind = JSON_OBJECT}, slot = {.kind = JSON_OBJECT};
    struct json *type = json_new_str(a, counted(v) ? STR("number") : STR("text"));
    json_set(&slot, STR("type"), type);
    struct json *phrases = json_new(a, JSON_ARRAY), *any = json_new(a, JSON_OBJECT);
    for (const struct json *l = words ? words->child : NULL; l; l = l->next)
        json_push(phrases, json_new_str(a, str_trim(text_fold(a, json_str(l)))));
    json_set(any, STR("any"), phrases);
    if (words) {
        json_set(&values, v->text, any);
        json_set(&slot, STR("values"), &values);
    }
    struct str value = counted(v) ? json_canonical(a, v) : v->text;
    for (const struct said *s = c->said; s && (of & TOOL_CUSTOMER); s = s->older)
        if (holds(a, c, s->text, &slot, value))
            return true;
    for (const struct fact *f = c->facts; f && (of & TOOL_TOOL); f = f->next)
        if (f->result.n && holds(a, c, f->result, &slot, value))
            return true;
    return false;
}

static bool comes_from(unsigned sources, struct str source)
{
    return (sources & TOOL_MODEL) || (str_is(source, "customer") && (sources & TOOL_CUSTOMER)) ||
           (str_is(source, "tool") && (sources & TOOL_TOOL));
}

/* Slots that hold this value: is one of them stated by somebody who may give it (*stated), is one only inferred (*inferred)? */
static void in_slots(struct arena *a, const struct conversation *c, unsigned sources, const struct json *v,
                     bool *stated, bool *inferred)
{
    struct str value = counted(v) ? json_canonical(a, v) : v->text;
    for (const struct slot_value *s = c->slots; s; s = s->next)
        if (str_eq(s->value, value)) {
            *stated |= str_is(s->status, "stated") && comes_from(sources, s->source);
            *inferred |= str_is(s->status, "inferred");
        }
}

static bool backed(struct arena *a, const struct conversation *c, unsigned sources, const struct json *v,
                   const struct json *property)
{
    bool stated = false, inferred = false;
    if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) {
        for (const struct json *m = v->child; m; m = m->next)
            if (!backed(a, c, sources, m, NULL))
                return false;
        return true;
    }
    if (v->kind != JSON_STRING && v->kind != JSON_NUMBER)
        return true;
    in_slots(a, c, sources, v, &stated, &inferred);
    if (stated || (!inferred && (sources & TOOL_MODEL)))
        return true;
    const struct json *texts = json_get(property, "x-values");
    const struct json *words = texts && v->kind == JSON_STRING ? json_get(texts, str_c(a, v->text)) : NULL;
    return said_by(a, c, sources | (sources & TOOL_MODEL ? TOOL_CUSTOMER | TOOL_TOOL : 0), v, words);
}

struct json *scratchpad_unbacked(struct arena *a, const struct conversation *c, const struct tool *t,
                                 const struct json *args)
{
    struct json *names = json_new(a, JSON_ARRAY);
    const struct json *properties = json_get(t->input, "properties");
    for (const struct json *v = args->child; v; v = v->next) {
        unsigned sources = tool_argument_sources(t, v->key);
        if (!sources || (sources & TOOL_SESSION))
            continue;
        if (!backed(a, c, sources, v, json_get(properties, str_c(a, v->key))))
            json_push(names, json_new_str(a, v->key));
    }
    return names;
}
