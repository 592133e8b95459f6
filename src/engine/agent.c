#include "engine/agent.h"

#include "engine/check.h"
#include "engine/prompt.h"

#include <stdlib.h>

static bool of_kind(const struct json *module, const char *kind)
{
    return str_is(json_str(json_get(module, "kind")), kind);
}

static int by_name(const void *x, const void *y)
{
    return str_cmp(((const struct tool *)x)->name, ((const struct tool *)y)->name);
}

static int compile_tools(struct agent *ag, const struct json *modules, const char *dir, struct err *e)
{
    struct tool *tools = ARENA_ARRAY(ag->arena, struct tool, modules->n + 1);
    for (const struct json *m = modules->child; m; m = m->next) {
        if (!of_kind(m, "tools"))
            continue;
        const char *file =
            str_f(ag->arena, "%s%stools/%.*s.yaml", dir, *dir ? "/" : "", STR_ARG(json_str(json_get(m, "name")))).p;
        if (tool_read(ag->arena, json_get(m, "body"), file, &tools[ag->tools_n], e) < 0)
            return ERR_INVALID;
        tools[ag->tools_n].version = json_str(json_get(m, "version"));
        ag->tools_n++;
    }
    qsort(tools, ag->tools_n, sizeof *tools, by_name);
    if (tool_link(ag->arena, tools, ag->tools_n, dir, e) < 0)
        return ERR_INVALID;
    ag->tools = tools;
    return 0;
}

static void compile_macros(struct agent *ag, const struct json *modules)
{
    struct json *all = json_new(ag->arena, JSON_OBJECT);
    for (const struct json *m = modules->child; m; m = m->next) {
        const struct json *texts = of_kind(m, "macros") ? json_get(json_get(m, "body"), "texts") : NULL;
        for (const struct json *t = texts ? texts->child : NULL; t; t = t->next) {
            struct str name = str_f(ag->arena, "%.*s.%.*s", STR_ARG(json_str(json_get(m, "name"))), STR_ARG(t->key));
            json_set(all, name, json_copy(ag->arena, t));
        }
    }
    ag->macros = all;
}

/* A stored version's routine that no longer reads is left to the model, which still sees it: no conversation is stranded. */
static int compile_routines(struct agent *ag, const struct json *modules, const char *dir, struct err *e)
{
    struct routine *routines = ARENA_ARRAY(ag->arena, struct routine, modules->n + 1);
    ag->book = (struct routine_book){.routines = routines, .macros = ag->macros};
    for (const struct json *m = modules->child; m; m = m->next) {
        if (!of_kind(m, "routines"))
            continue;
        const char *file = str_f(ag->arena, "%s/routines/%.*s.yaml", dir, STR_ARG(json_str(json_get(m, "name")))).p;
        if (routine_read(ag->arena, json_get(m, "body"), file, &routines[ag->book.n], e) == 0)
            ag->book.n++;
        else if (*dir)
            return ERR_INVALID;
    }
    return 0;
}

static void compile_slots(struct agent *ag, const struct json *modules)
{
    struct json *slots = json_new(ag->arena, JSON_ARRAY);
    for (const struct json *m = modules->child; m; m = m->next) {
        const struct json *list = of_kind(m, "scratchpad") ? json_get(json_get(m, "body"), "slots") : NULL;
        for (const struct json *s = list ? list->child : NULL; s; s = s->next)
            json_push(slots, json_copy(ag->arena, s));
    }
    ag->slots = slots;
}

/* `dir` is the workspace, for messages; of a bundle "". */
static int compile(struct agent *ag, const struct json *all, const char *dir, struct err *e)
{
    const struct json *self = json_get(all, "agent"), *budgets = json_get(self, "budgets"),
                      *modules = json_get(all, "modules");
    ag->name = json_str(json_get(self, "agent"));
    ag->version = json_str(json_get(self, "version"));
    ag->modules = modules;
    ag->variant_of = json_str(json_get(self, "variant_of"));
    struct str family = json_str(json_get(self, "model_family"));
    ag->plain = family.n && !str_is(family, "offline");
    ag->pin_turn = str_is(json_str(json_get(self, "pin")), "turn");
    if (!ag->name.n || !modules)
        return err_set(e, ERR_INVALID, "an agent file needs `agent` (its name) and `compose`");
    ag->budgets = (struct budgets){.model_calls = (int)json_int(json_get(budgets, "model_calls"), 8),
                                   .tool_calls = (int)json_int(json_get(budgets, "tool_calls"), 12),
                                   .identical_calls = (int)json_int(json_get(budgets, "identical_calls"), 2),
                                   .turn_ms = (int)json_int(json_get(budgets, "turn_ms"), 30000),
                                   .resumes = (int)json_int(json_get(budgets, "resumes"), 5),
                                   .reply_chars = (int)json_int(json_get(budgets, "reply_chars"), 900)};
    if (compile_tools(ag, modules, dir, e) < 0)
        return ERR_INVALID;
    compile_macros(ag, modules);
    if (compile_routines(ag, modules, dir, e) < 0)
        return ERR_INVALID;
    compile_slots(ag, modules);
    return prompt_compile(ag, e);
}

int agent_check(const struct json *all, const char *dir, struct err *e)
{
    struct agent ag = {.arena = arena_new("agent's check", 65536)};
    int r = compile(&ag, all, dir, e);
    if (r == 0)
        r = check_composed(all, dir, e);
    arena_free(ag.arena);
    return r;
}

int agent_new(struct str bundle, struct agent **out, struct err *e)
{
    struct arena *arena = arena_new("agent", 65536);
    struct agent *ag = ARENA_NEW(arena, struct agent);
    ag->arena = arena;
    ag->bundle = str_copy(arena, bundle);
    ag->sha = sha256_of(ag->bundle);
    ag->sha_hex = hash_hex(arena, ag->sha.b, SHA256_BYTES);
    struct json *all;
    if (json_parse(arena, ag->bundle, &all, e) < 0 || compile(ag, all, "", e) < 0) {
        arena_free(arena);
        return e ? e->code : ERR_INVALID;
    }
    *out = ag;
    return 0;
}

void agent_free(struct agent *ag)
{
    if (ag)
        arena_free(ag->arena);
}

const struct tool *agent_tool(const struct agent *ag, struct str name)
{
    for (size_t i = 0; i < ag->tools_n; i++)
        if (str_eq(ag->tools[i].name, name))
            return &ag->tools[i];
    return NULL;
}

struct str agent_macro(const struct agent *ag, const char *name, struct str language)
{
    const struct json *texts = json_get(ag->macros, name);
    for (const struct json *t = texts ? texts->child : NULL; t; t = t->next)
        if (str_eq(t->key, language))
            return t->text;
    const struct json *english = json_get(texts, "en");
    if (english)
        return english->text;
    return texts && texts->child ? texts->child->text : STR_NONE;
}
