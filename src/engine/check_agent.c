#include "engine/check.h"

#include "base/template.h"
#include "base/text.h"
#include "engine/check_parts.h"

#include <string.h>

enum { TOOLS_MAX = 15, REPLY_CHARS = 900, TOKEN_BYTES = 4 };

/* --- finding modules and what they hold --- */

struct checked *agent_module(const struct check_agent *ag, enum checked_kind kind, struct str name)
{
    for (size_t i = 0; i < ag->n; i++)
        if (ag->modules[i]->kind == kind && str_eq(ag->modules[i]->name, name))
            return ag->modules[i];
    return NULL;
}

const struct json *agent_tool_spec(const struct check_agent *ag, struct str name)
{
    const struct checked *m = agent_module(ag, CHECKED_TOOL, name);
    return m ? m->body : NULL;
}

const struct json *agent_slot(const struct check_agent *ag, struct str name)
{
    for (size_t i = 0; i < ag->n; i++) {
        const struct json *slots =
            ag->modules[i]->kind == CHECKED_SCRATCHPAD ? json_get(ag->modules[i]->body, "slots") : NULL;
        for (const struct json *s = slots ? slots->child : NULL; s; s = s->next)
            if (str_eq(json_str(json_get(s, "slot")), name))
                return s;
    }
    return NULL;
}

const struct json *agent_texts(const struct check_agent *ag, struct str name)
{
    struct str rest = name, pack;
    str_split(&rest, '.', &pack);
    struct checked *m = rest.p ? agent_module(ag, CHECKED_MACROS, pack) : NULL;
    const struct json *texts = m ? json_get(m->body, "texts") : NULL;
    size_t i = 0;
    for (const struct json *t = texts ? texts->child : NULL; t; t = t->next, i++)
        if (str_eq(t->key, rest)) {
            if (m->mentioned)
                m->mentioned[i] = true;
            return t;
        }
    return NULL;
}

void agent_reads_slot(struct check_agent *ag, struct str name, const char *file, const struct json *at)
{
    for (const struct use *u = ag->read; u; u = u->next)
        if (str_eq(u->name, name))
            return;
    struct use *u = ARENA_NEW(ag->k->arena, struct use);
    *u = (struct use){str_copy(ag->k->arena, name), file, at, ag->read};
    ag->read = u;
}

/* --- texts --- */

struct text_check {
    struct check_agent *ag;
    const struct checked *m;
    const struct json *text, *at;
};

static void check_field(void *arg, struct str path)
{
    const struct text_check *x = arg;
    struct expr_type type;
    struct str wrong = check_path(x->ag, x->m->file, x->at, path, &type);
    if (wrong.n)
        finding_add(x->ag->k->found, RULE_FIELD, x->m->file, x->at, "%.*s.%.*s: %.*s", STR_ARG(x->text->key),
                    STR_ARG(x->at->key), STR_ARG(wrong));
}

/* Characters outside the braces: what it has at least. */
static size_t letters(struct str text)
{
    size_t n = 0;
    int depth = 0;
    for (size_t i = 0; i < text.n; i++) {
        depth += text.p[i] == '{' ? 1 : text.p[i] == '}' ? -1 : 0;
        n += depth == 0 && ((unsigned char)text.p[i] & 0xc0) != 0x80;
    }
    return n;
}

static void check_macros_in(struct check_agent *ag, const struct checked *m)
{
    const struct json *texts = json_get(m->body, "texts"), *budgets = json_get(ag->self, "budgets");
    int64_t most = json_int(json_get(budgets, "reply_chars"), REPLY_CHARS);
    for (const struct json *t = json_is(texts, JSON_OBJECT) ? texts->child : NULL; t; t = t->next)
        for (const struct json *v = json_is(t, JSON_OBJECT) ? t->child : NULL; v; v = v->next) {
            struct text_check x = {ag, m, t, v};
            struct err why;
            if (v->kind != JSON_STRING || template_check(v->text, check_field, &x, &why) < 0)
                continue; /* told when the pack was looked at */
            if ((int64_t)letters(v->text) > most)
                finding_add(ag->k->found, RULE_LONG_TEXT, m->file, v,
                            "%.*s.%.*s has %zu characters, and a reply of %s %lld", STR_ARG(t->key), STR_ARG(v->key),
                            letters(v->text), ag->file, (long long)most);
        }
}

/* --- tools and slots --- */

static void check_tool_in(struct check_agent *ag, const struct checked *m)
{
    const struct json *confirm = json_get(m->body, "confirm"), *text = json_get(confirm, "text");
    if (str_is(json_str(json_get(m->body, "effect")), "action") &&
        str_is(json_str(json_get(confirm, "by")), "customer") && !agent_texts(ag, json_str(text)) &&
        !ag->holes[CHECKED_MACROS])
        finding_add(ag->k->found, RULE_CONFIRM_TEXT, m->file, text ? text : confirm,
                    "confirm.text names %.*s, which is no macro of the agent", STR_ARG(json_str(text)));
}

static void check_slots_in(struct check_agent *ag, const struct checked *m)
{
    const struct json *slots = json_get(m->body, "slots");
    for (const struct json *s = slots ? slots->child : NULL; s; s = s->next) {
        struct str name = json_str(json_get(s, "slot"));
        if (name.n && agent_slot(ag, name) != s)
            finding_add(ag->k->found, RULE_SLOT_TWICE, m->file, s, "the agent has another slot %.*s", STR_ARG(name));
    }
}

static const struct use *use_of(const struct use *list, struct str name)
{
    while (list && !str_eq(list->name, name))
        list = list->next;
    return list;
}

/* A slot has to be both written and read. */
static void check_slot_uses(struct check_agent *ag)
{
    if (ag->holes[CHECKED_ROUTINE])
        return;
    for (const struct use *u = ag->asked; u; u = u->next)
        if (agent_slot(ag, u->name) && !use_of(ag->read, u->name))
            finding_add(ag->k->found, RULE_SLOT_UNREAD, u->file, u->at, "%.*s is asked for, and nothing reads it",
                        STR_ARG(u->name));
    for (const struct use *u = ag->read; u; u = u->next) {
        const struct json *slot = agent_slot(ag, u->name);
        if (slot && !use_of(ag->asked, u->name) && !json_get(slot, "default") && !json_get(slot, "patterns"))
            finding_add(ag->k->found, RULE_SLOT_UNSET, u->file, u->at,
                        "slot.%.*s is read, and no routine of the agent asks for it", STR_ARG(u->name));
    }
}

/* --- the agent --- */

static void check_self(struct check_agent *ag)
{
    static const char *const needed[] = {"runtime.handoff", "runtime.handoff_unknown", "runtime.handoff_model"};
    const struct json *compose = json_get(ag->self, "compose");
    size_t tools = 0;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!agent_texts(ag, str_of(needed[i])) && !ag->holes[CHECKED_MACROS])
            finding_add(ag->k->found, RULE_RUNTIME_MACROS, ag->file, compose,
                        "the macro %s is missing: what the runtime says by itself", needed[i]);
    for (size_t i = 0; i < ag->n; i++)
        tools += ag->modules[i]->kind == CHECKED_TOOL;
    if (tools > TOOLS_MAX)
        finding_add(ag->k->found, RULE_MANY_TOOLS, ag->file, json_get(compose, "tools"), "the agent has %zu tools",
                    tools);
}

void check_agent_whole(struct check_agent *ag)
{
    check_self(ag);
    for (size_t i = 0; i < ag->n; i++) {
        struct checked *m = ag->modules[i];
        if (m->kind == CHECKED_ROUTINE && m->walkable)
            check_routine_in(ag, m);
        if (m->kind == CHECKED_MACROS)
            check_macros_in(ag, m);
        if (m->kind == CHECKED_TOOL)
            check_tool_in(ag, m);
        if (m->kind == CHECKED_SCRATCHPAD)
            check_slots_in(ag, m);
        if (m->kind == CHECKED_INSTRUCTION)
            check_mentions(ag, m->text);
    }
    check_slot_uses(ag);
    check_calls(ag);
    check_contradictions(ag->k, ag->modules, ag->n);
}

void check_prompt(const struct json *agent_file, const char *file, size_t prompt_bytes, struct findings *found)
{
    const struct json *most = json_path(agent_file, STR("budgets.prompt_tokens"));
    size_t tokens = prompt_bytes / TOKEN_BYTES;
    if (most && (int64_t)tokens > json_int(most, INT64_MAX))
        finding_add(found, RULE_PROMPT_BUDGET, file, most, "the fixed part of the prompt has about %zu tokens", tokens);
}
