#include "engine/agent.h"

#include "base/yaml.h"
#include "engine/keys.h"
#include "engine/lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20, SHARED_BYTES_MAX = 1 << 22 };

static int read_file(struct arena *a, const char *path, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    struct buf b = buf_new(a, FILE_BYTES_MAX);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s: cannot be read", path);
    if (b.cut)
        return err_set(e, ERR_LIMIT, "%s: larger than 1 MiB", path);
    *out = buf_str(&b);
    return 0;
}

/* The kinds of modules: the key in `compose`, the folder, the key that holds the module's name. */
static const struct kind {
    const char *compose, *folder, *self;
    bool text; /* Markdown with front matter instead of YAML */
} kinds[] = {
    {"instructions", "instructions", "module", true},
    {"routines", "routines", "routine", false},
    {"macros", "macros", "macros", false},
    {"tools", "tools", "tool", false},
    {"scratchpad", "scratchpads", "scratchpad", false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Splits "---\nfront matter\n---\nbody". */
static int front_matter(struct str text, const char *path, struct str *front, struct str *body, struct err *e)
{
    struct str rest = str_from(text, 3); /* with the line's end, so that lines count as in the file */
    ptrdiff_t end = str_find(rest, STR("\n---\n"));
    if (!str_starts(text, STR("---\n")) || end < 0)
        return err_set(e, ERR_INVALID,
                       "%s:1: an instruction file begins with --- lines that hold module, version and summary", path);
    *front = str_head(rest, (size_t)end + 1);
    *body = str_trim(str_from(rest, (size_t)end + 5));
    return 0;
}

static int load_module(struct arena *a, const char *dir, const struct kind *k, struct str name, struct json *modules,
                       struct err *e)
{
    const char *path = str_f(a, "%s/%s/%.*s.%s", dir, k->folder, STR_ARG(name), k->text ? "md" : "yaml").p;
    struct str text, front, body = STR("");
    if (read_file(a, path, &text, e) < 0)
        return e ? e->code : ERR_NOT_FOUND;
    front = text;
    if (k->text && front_matter(text, path, &front, &body, e) < 0)
        return ERR_INVALID;
    struct json *file;
    if (yaml_parse(a, front, path, &file, e) < 0)
        return ERR_INVALID;
    const struct json *self = json_get(file, k->self);
    if (!str_eq(json_str(self), name))
        return yaml_refuse(e, path, self ? self : file, "says `%s: %.*s`; it must be the file's name, %.*s", k->self,
                           STR_ARG(json_str(self)), STR_ARG(name));
    if (keys_check(file, k->self, path, e) < 0)
        return ERR_INVALID;
    struct json *m = json_new(a, JSON_OBJECT);
    json_set(m, STR("kind"), json_new_str(a, str_of(k->compose)));
    json_set(m, STR("name"), json_new_str(a, name));
    json_set(m, STR("version"), json_new_str(a, json_str(json_get(file, "version"))));
    json_set(m, STR("body"), k->text ? json_new_str(a, body) : file);
    json_push(modules, m);
    return 0;
}

/* The module that `named` names in the agent's file `path`. */
static int load_named(struct arena *a, const char *dir, const struct kind *k, const char *path,
                      const struct json *named, struct json *modules, struct err *e)
{
    struct str name = named->text;
    for (size_t i = 0; i < name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", name.p[i]))
            return yaml_refuse(e, path, named, "\"%.*s\" is no module name (lower case, digits, _ and -)",
                               STR_ARG(name));
    int r = load_module(a, dir, k, name, modules, e);
    return r == ERR_NOT_FOUND ? err_in(e, "%s:%u", path, named->line) : r;
}

static int compile(struct agent *ag, const struct json *all, const char *dir, struct err *e);

/* Compiles what was read from the files for once, while every value still has its line. */
static int check_whole(const struct json *all, const char *dir, struct err *e)
{
    struct agent ag = {.arena = arena_new("agent's check", 65536)};
    int r = compile(&ag, all, dir, e);
    if (r == 0)
        r = lint_agent(&ag, all, dir, e);
    arena_free(ag.arena);
    return r;
}

int agent_bundle(struct arena *a, const char *dir, const char *name, struct str *bundle, struct err *e)
{
    const char *path = str_f(a, "%s/agents/%s.yaml", dir, name).p;
    struct str text;
    struct json *file;
    if (strchr(name, '/') || strchr(name, '.'))
        return err_set(e, ERR_INVALID, "\"%s\" is no agent name", name);
    if (read_file(a, path, &text, e) < 0 || yaml_parse(a, text, path, &file, e) < 0)
        return e ? e->code : ERR_INVALID;
    struct json *modules = json_new(a, JSON_ARRAY);
    const struct json *self = json_get(file, "agent"), *compose = json_get(file, "compose");
    if (!str_is(json_str(self), name))
        return yaml_refuse(e, path, self ? self : file, "says `agent: %.*s`; it must be the file's name, %s",
                           STR_ARG(json_str(self)), name);
    if (keys_check(file, "agent", path, e) < 0)
        return ERR_INVALID;
    for (const struct json *c = compose->child; c; c = c->next) {
        size_t i = 0;
        while (i < KINDS - 1 && !str_is(c->key, kinds[i].compose))
            i++;
        for (const struct json *n = c->kind == JSON_STRING ? c : c->child; n; n = n == c ? NULL : n->next)
            if (load_named(a, dir, &kinds[i], path, n, modules, e) < 0)
                return e ? e->code : ERR_INVALID;
    }
    struct json *all = json_new(a, JSON_OBJECT);
    json_set(all, STR("agent"), file);
    json_set(all, STR("modules"), modules);
    if (check_whole(all, dir, e) < 0)
        return e ? e->code : ERR_INVALID;
    *bundle = json_canonical(a, all);
    return 0;
}

/* --- compiling --- */

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
                                        "\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}";

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
        ag->tools_n++;
    }
    qsort(tools, ag->tools_n, sizeof *tools, by_name);
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

/* One system message: instructions, then each routine, the macros and the slots as one line of JSON. */
static int compile_shared(struct agent *ag, const struct json *modules, struct err *e)
{
    struct buf text = buf_new(ag->arena, SHARED_BYTES_MAX);
    for (const struct json *m = modules->child; m; m = m->next)
        if (of_kind(m, "instructions"))
            buf_addf(&text, "# %.*s\n%.*s\n\n", STR_ARG(json_str(json_get(m, "name"))),
                     STR_ARG(json_str(json_get(m, "body"))));
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
    return compile_shared(ag, modules, e);
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
