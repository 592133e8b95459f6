#include "engine/check.h"

#include "base/regex.h"
#include "base/template.h"
#include "engine/check_parts.h"
#include "engine/keys.h"
#include "engine/module.h"

#include <string.h>

/* What can be said of one module without the others. */

/* --- macros --- */

static bool named(const char *const *list, size_t n, struct str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(word, list[i]))
            return true;
    return false;
}

enum { LOCALES_MAX = 20 };

/* The languages of the workspace, else those in which the pack has any text. */
static size_t locales_of(struct check *k, const struct json *texts, const char **out)
{
    size_t n = 0;
    for (const struct json *l = k->locales ? k->locales->child : NULL; l && n < LOCALES_MAX; l = l->next)
        out[n++] = str_c(k->arena, json_str(l));
    for (const struct json *t = k->locales ? NULL : texts->child; t; t = t->next)
        for (const struct json *v = json_is(t, JSON_OBJECT) ? t->child : NULL; v && n < LOCALES_MAX; v = v->next)
            if (!named(out, n, v->key))
                out[n++] = str_c(k->arena, v->key);
    return n;
}

static void check_macros(struct check *k, struct checked *m)
{
    const struct json *texts = json_get(m->body, "texts");
    const char *locales[LOCALES_MAX];
    struct err why;
    if (!json_is(texts, JSON_OBJECT))
        return;
    m->mentioned = ARENA_ARRAY(k->arena, bool, texts->n + 1);
    size_t n = locales_of(k, texts, locales);
    for (const struct json *t = texts->child; t; t = t->next) {
        if (!json_is(t, JSON_OBJECT))
            continue;
        for (size_t i = 0; i < n; i++)
            if (!json_get(t, locales[i]))
                finding_add(k->found, RULE_LOCALE, m->file, t, "%.*s has no text in %s", STR_ARG(t->key), locales[i]);
        for (const struct json *v = t->child; v; v = v->next)
            if (v->kind == JSON_STRING && template_check(v->text, NULL, NULL, &why) < 0)
                finding_add(k->found, strstr(why.text, "filter") ? RULE_FILTER : RULE_TEMPLATE, m->file, v,
                            "%.*s.%.*s: %s", STR_ARG(t->key), STR_ARG(v->key), why.text);
    }
}

/* --- scratchpads and policies --- */

static void check_patterns(struct check *k, const struct checked *m, struct str slot, const struct json *patterns)
{
    struct err why;
    for (const struct json *l = json_is(patterns, JSON_OBJECT) ? patterns->child : NULL; l; l = l->next)
        for (const struct json *p = json_is(l, JSON_ARRAY) ? l->child : NULL; p; p = p->next)
            if (json_is(p, JSON_STRING) && regex_check(p->text, &why) < 0)
                finding_add(k->found, RULE_SLOT_PATTERN, m->file, p, "slot %.*s: %s", STR_ARG(slot), why.text);
}

static void check_slots(struct check *k, struct checked *m)
{
    const struct json *slots = json_get(m->body, "slots");
    for (const struct json *s = json_is(slots, JSON_ARRAY) ? slots->child : NULL; s; s = s->next) {
        const struct json *values = json_get(s, "values"), *otherwise = json_get(s, "default");
        struct str name = json_str(json_get(s, "slot"));
        check_patterns(k, m, name, json_get(s, "patterns"));
        if (!str_is(json_str(json_get(s, "type")), "enum"))
            continue;
        if (!json_is(values, JSON_OBJECT) || !values->n)
            finding_add(k->found, RULE_ENUM_VALUES, m->file, s, "slot %.*s: an enum needs `values`", STR_ARG(name));
        else if (otherwise && !json_get(values, str_c(k->arena, json_str(otherwise))))
            finding_add(k->found, RULE_SLOT_DEFAULT, m->file, otherwise,
                        "slot %.*s: default is %.*s, which is none of its values", STR_ARG(name),
                        STR_ARG(json_str(otherwise)));
    }
}

static void check_policy(struct check *k, struct checked *m)
{
    const struct json *rules = json_get(m->body, "rules");
    for (const struct json *r = json_is(rules, JSON_ARRAY) ? rules->child : NULL; r; r = r->next)
        for (const struct json *before = rules->child; before != r; before = before->next)
            if (json_get(r, "id") && str_eq(json_str(json_get(r, "id")), json_str(json_get(before, "id"))))
                finding_add(k->found, RULE_POLICY_TWICE, m->file, r, "another rule has the id %.*s",
                            STR_ARG(json_str(json_get(r, "id"))));
}

void check_module(struct check *k, struct checked *m)
{
    static void (*const by_kind[CHECKED_KINDS])(struct check *, struct checked *) = {
        [CHECKED_INSTRUCTION] = check_instruction, [CHECKED_POLICY] = check_policy, [CHECKED_ROUTINE] = check_routine,
        [CHECKED_MACROS] = check_macros,           [CHECKED_TOOL] = check_tool,     [CHECKED_SCRATCHPAD] = check_slots};
    if (m->body)
        by_kind[m->kind](k, m);
}
