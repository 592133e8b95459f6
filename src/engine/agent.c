#include "engine/agent.h"

#include "engine/lint.h"

#include <stdlib.h>

enum { SHARED_BYTES_MAX = 1 << 22 };

static const char update_scratchpad[] = "{\"type\":\"function\",\"function\":{\"name\":\"update_scratchpad\","
                                        "\"description\":\"Write down what was learnt: slots, the "
                                        "routine and its step, which slot is being asked for. The runtime checks each "
                                        "value against the customer's words and the "
                                        "tools' "
                                        "results.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"set\":{"
                                        "\"type\":\"array\",\"items\":{\"type\":\"object\","
                                        "\"properties\":{\"slot\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"}"
                                        "},\"required\":[\"slot\",\"value\"]}},"
                                        "\"routine\":{\"type\":\"string\"},\"step\":{\"type\":\"string\"},\"asking\":{"
                                        "\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"judged\":{\"type\":\"boolean\"}}}}}";

static const char transfer_to_human[] =
    "{\"type\":\"function\",\"function\":{\"name\":\"transfer_to_human\",\"description\":\"Hand the conversation over "
    "to a person, "
    "with everything that is "
    "known.\",\"parameters\":{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\",\"enum\":["
    "\"asked_human\",\"out_of_scope\",\"data_unavailable\",\"action_refused\",\"outcome_unknown\",\"low_confidence\","
    "\"frustration\","
    "\"compliance\",\"budget\",\"approval_needed\",\"missing_information\",\"unclear_answer\",\"model_unavailable\"]},"
    "\"note\":{\"type\":\"string\"}},\"required\":[\"reason\"]}}}";

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
    struct buf b = buf_new(ag->arena, SHARED_BYTES_MAX);
    struct json_writer w = {.out = &b};
    bool transfer = false, update = false; /* the built-in ones take their places in the order of names */
    for (size_t i = 0; i <= ag->tools_n; i++) {
        struct str next = i < ag->tools_n ? tools[i].name : STR("\xff");
        if (!transfer && str_cmp(STR("transfer_to_human"), next) < 0)
            json_put_raw(&w, str_of(transfer_to_human)), transfer = true;
        if (!update && str_cmp(STR("update_scratchpad"), next) < 0)
            json_put_raw(&w, str_of(update_scratchpad)), update = true;
        if (i < ag->tools_n)
            tool_write_definition(&tools[i], &w);
    }
    ag->tools_json = buf_str(&b);
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

static void compile_policies(struct buf *text, const struct json *modules)
{
    for (const struct json *m = modules->child; m; m = m->next) {
        const struct json *rules = of_kind(m, "policies") ? json_get(json_get(m, "body"), "rules") : NULL;
        if (rules)
            buf_addf(text, "## policy %.*s\n", STR_ARG(json_str(json_get(m, "name"))));
        for (const struct json *r = rules ? rules->child : NULL; r; r = r->next)
            buf_addf(text, "- %.*s: %.*s\n", STR_ARG(json_str(json_get(r, "id"))),
                     STR_ARG(json_str(json_get(r, "text"))));
        if (rules)
            buf_addc(text, '\n');
    }
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

/* One system message: instructions and policies, then each routine, the macros and the slots as one line of JSON. */
static int compile_shared(struct agent *ag, const struct json *modules, struct err *e)
{
    struct buf text = buf_new(ag->arena, SHARED_BYTES_MAX);
    for (const struct json *m = modules->child; m; m = m->next)
        if (of_kind(m, "instructions"))
            buf_addf(&text, "# %.*s\n%.*s\n\n", STR_ARG(json_str(json_get(m, "name"))),
                     STR_ARG(json_str(json_get(m, "body"))));
    compile_policies(&text, modules);
    struct json_writer w = {.out = &text};
    struct json *slots = json_new(ag->arena, JSON_ARRAY);
    for (const struct json *m = modules->child; m; m = m->next) {
        const struct json *body = json_get(m, "body"), *list = json_get(body, "slots");
        if (of_kind(m, "routines")) {
            struct str name = json_str(json_get(m, "name"));
            buf_addf(&text, "## routine %.*s\n", STR_ARG(name));
            w.comma = false;
            json_put(&w, body);
            buf_addc(&text, '\n');
        }
        for (const struct json *s = of_kind(m, "scratchpad") && list ? list->child : NULL; s; s = s->next)
            json_push(slots, json_copy(ag->arena, s));
    }
    ag->slots = slots;
    buf_adds(&text, "## macros\n");
    w.comma = false;
    json_put(&w, ag->macros);
    buf_adds(&text, "\n## scratchpad\n{\"slots\":");
    w.comma = false;
    json_put(&w, slots);
    buf_adds(&text, "}\n");
    struct buf b = buf_new(ag->arena, SHARED_BYTES_MAX);
    buf_adds(&b, "{\"role\":\"system\",\"content\":\"");
    json_escape(&b, buf_str(&text));
    buf_adds(&b, "\"}");
    if (text.cut || b.cut)
        return err_set(e, ERR_LIMIT, "the agent's modules make a prompt over 4 MiB");
    ag->shared = buf_str(&b);
    sha256_begin(&ag->prefix);
    sha256_add(&ag->prefix, ag->tools_json);
    sha256_add(&ag->prefix, STR("\n"));
    sha256_add(&ag->prefix, ag->shared);
    return 0;
}

/* `dir` is the workspace, for messages; of a bundle "". */
static int compile(struct agent *ag, const struct json *all, const char *dir, struct err *e)
{
    const struct json *self = json_get(all, "agent"), *budgets = json_get(self, "budgets"),
                      *modules = json_get(all, "modules");
    ag->name = json_str(json_get(self, "agent"));
    ag->version = json_str(json_get(self, "version"));
    ag->modules = modules;
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
    return compile_shared(ag, modules, e);
}

int agent_check(const struct json *all, const char *dir, struct err *e)
{
    struct agent ag = {.arena = arena_new("agent's check", 65536)};
    int r = compile(&ag, all, dir, e);
    if (r == 0)
        r = lint_agent(&ag, all, dir, e);
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
