#include "llm/llm_offline_plan.h"

#include <string.h>

static size_t children(const struct json *list)
{
    return list ? list->n : 0;
}

static const struct json *first(const struct json *list)
{
    return list ? list->child : NULL;
}

/* {"en":["..."],"pt":[...]}: appends to `out`, which has room. */
static void add_phrases(struct arena *a, const struct json *by_language, struct str value, struct offline_phrases *out)
{
    for (const struct json *l = first(by_language); l; l = l->next)
        for (const struct json *t = first(l); t; t = t->next)
            if (t->kind == JSON_STRING)
                out->p[out->n++] = words_phrase_of(a, t->text, l->key, value);
}

static size_t count_phrases(const struct json *by_language)
{
    size_t n = 0;
    for (const struct json *l = first(by_language); l; l = l->next)
        n += children(l);
    return n;
}

static struct offline_phrases phrases_of(struct arena *a, const struct json *by_language)
{
    struct offline_phrases out = {.p = ARENA_ARRAY(a, struct words_phrase, count_phrases(by_language) + 1)};
    add_phrases(a, by_language, STR(""), &out);
    return out;
}

static struct offline_slot slot_of(struct arena *a, const struct json *slot)
{
    const struct json *values = json_get(slot, "values");
    size_t n = 1;
    for (const struct json *v = first(values); v; v = v->next)
        n += count_phrases(v);
    struct offline_slot out = {.name = json_str(json_get(slot, "slot")),
                               .type = json_str_or(json_get(slot, "type"), STR("text")),
                               .patterns = json_get(slot, "patterns"),
                               .past = str_is(json_str(json_get(slot, "prefer")), "past"),
                               .phrases.p = ARENA_ARRAY(a, struct words_phrase, n)};
    for (const struct json *v = first(values); v; v = v->next)
        add_phrases(a, v, v->key, &out.phrases);
    return out;
}

static void read_slots(struct offline_plan *p, const struct json *scratchpad)
{
    const struct json *slots = json_get(scratchpad, "slots");
    p->slots = ARENA_ARRAY(p->arena, struct offline_slot, children(slots) + 1);
    for (const struct json *s = first(slots); s; s = s->next) {
        struct offline_slot *slot = &p->slots[p->slots_n++];
        *slot = slot_of(p->arena, s);
        slot->alone = true;
        for (struct offline_slot *o = p->slots; o < slot; o++)
            if (str_eq(o->type, slot->type))
                o->alone = slot->alone = false;
        for (size_t i = 0; i < p->book.n; i++)
            slot->has_question |= routine_asks(&p->book.routines[i], slot->name);
    }
}

/* A heading line and the one line of JSON behind it; false for any other line. */
static bool take_section(struct arena *a, struct str heading, struct str *rest, struct json **value)
{
    struct str line, peek = *rest;
    if (!str_starts(heading, STR("## ")) || !str_split(&peek, '\n', &line) || !str_starts(line, STR("{")))
        return false;
    if (json_parse(a, line, value, NULL) < 0)
        return false;
    *rest = peek;
    return true;
}

/* A routine that does not read is left out: the agent then does less. */
static void read_routine(struct offline_plan *p, struct routine *routines, const struct json *spec)
{
    struct routine *r = &routines[p->book.n];
    if (routine_read(p->arena, spec, "", r, NULL) < 0)
        return;
    const struct json *start = json_get(spec, "start_when"), *never = json_get(spec, "not_when");
    p->routines[p->book.n++] = (struct offline_routine){.routine = r,
                                                        .start = phrases_of(p->arena, json_get(start, "phrases")),
                                                        .never = phrases_of(p->arena, json_get(never, "phrases"))};
}

static void read_content(struct offline_plan *p, struct str content)
{
    struct str rest = content, line;
    struct json *value, *scratchpad = NULL;
    size_t most = 1;
    for (size_t i = 0; i + 3 < content.n; i++)
        most += str_starts(str_from(content, i), STR("\n## "));
    struct routine *routines = ARENA_ARRAY(p->arena, struct routine, most + 1);
    p->routines = ARENA_ARRAY(p->arena, struct offline_routine, most + 1);
    p->book.routines = routines;

    while (str_split(&rest, '\n', &line)) {
        if (!take_section(p->arena, line, &rest, &value))
            continue;
        struct str name = str_from(line, 3);
        if (str_is(name, "macros"))
            p->book.macros = value;
        else if (str_is(name, "scratchpad"))
            scratchpad = value;
        else if (str_starts(name, STR("routine ")))
            read_routine(p, routines, value);
    }
    read_slots(p, scratchpad);
}

int offline_plan_new(struct str shared, struct offline_plan **out, struct err *e)
{
    struct arena *a = arena_new("offline plan", 1 << 16);
    struct offline_plan *p = ARENA_NEW(a, struct offline_plan);
    struct json *message;
    p->arena = a;
    p->shared = str_copy(a, shared);
    if (json_parse(a, p->shared, &message, e) < 0 || !json_is(json_get(message, "content"), JSON_STRING)) {
        arena_free(a);
        return err_set(e, ERR_INVALID, "the prompt's shared part is not one system message");
    }
    read_content(p, json_str(json_get(message, "content")));
    *out = p;
    return 0;
}

void offline_plan_free(struct offline_plan *p)
{
    if (p)
        arena_free(p->arena);
}

int offline_plans_get(struct offline_plans *plans, struct str shared, struct offline_plan **out, struct err *e)
{
    struct offline_plan **kept = plans->kept;
    size_t i = 0;
    while (i < OFFLINE_PLANS_MAX - 1 && kept[i] && !str_eq(kept[i]->shared, shared))
        i++;
    struct offline_plan *p = kept[i];
    if (!p || !str_eq(p->shared, shared)) {
        if (offline_plan_new(shared, &p, e) < 0)
            return ERR_INVALID;
        offline_plan_free(kept[i]);
    }
    memmove(kept + 1, kept, i * sizeof *kept);
    kept[0] = *out = p;
    return 0;
}

void offline_plans_free(struct offline_plans *plans)
{
    for (size_t i = 0; i < OFFLINE_PLANS_MAX; i++)
        offline_plan_free(plans->kept[i]);
    *plans = (struct offline_plans){0};
}
