#include "engine/check.h"

#include "base/nearest.h"
#include "engine/check_parts.h"

#include <string.h>

enum { NAMES_MAX = 64 };

bool check_of_session(const struct json *property)
{
    const struct json *source = json_get(property, "x-source");
    return str_is(json_str(json_is(source, JSON_ARRAY) ? source->child : source), "session");
}

static unsigned kinds_of_word(struct str word, const struct json *schema)
{
    struct str format = json_str(json_get(schema, "format"));
    if (str_is(word, "string"))
        return str_is(format, "date") || str_is(format, "date-time") ? EXPR_DATE : EXPR_STRING;
    if (str_is(word, "number") || str_is(word, "integer"))
        return EXPR_NUMBER;
    if (str_is(word, "boolean"))
        return EXPR_BOOLEAN;
    if (str_is(word, "array"))
        return EXPR_LIST;
    if (str_is(word, "object"))
        return EXPR_OBJECT;
    return str_is(word, "null") ? EXPR_NULL : EXPR_ANY;
}

struct expr_type check_type_of_schema(const struct json *schema)
{
    const struct json *type = json_get(schema, "type"), *values = json_get(schema, "enum");
    unsigned kinds = 0;
    for (const struct json *t = json_is(type, JSON_ARRAY) ? type->child : NULL; t; t = t->next)
        kinds |= kinds_of_word(json_str(t), schema);
    if (json_is(type, JSON_STRING))
        kinds = kinds_of_word(type->text, schema);
    return (struct expr_type){kinds ? kinds : EXPR_ANY, json_is(values, JSON_ARRAY) ? values : NULL};
}

static struct expr_type type_of_slot(struct arena *a, const struct json *slot)
{
    struct str type = json_str(json_get(slot, "type"));
    const struct json *values = json_get(slot, "values");
    if (str_is(type, "enum") && json_is(values, JSON_OBJECT)) {
        struct json *list = json_new(a, JSON_ARRAY);
        for (const struct json *v = values->child; v; v = v->next)
            json_push(list, json_new_str(a, v->key));
        return (struct expr_type){EXPR_TEXT | EXPR_NULL, list};
    }
    if (str_is(type, "text"))
        return (struct expr_type){EXPR_STRING | EXPR_NULL, NULL};
    if (str_is(type, "integer") || str_is(type, "number") || str_is(type, "money"))
        return (struct expr_type){EXPR_NUMBER | EXPR_NULL, NULL};
    if (str_is(type, "date"))
        return (struct expr_type){EXPR_DATE | EXPR_NULL, NULL};
    return (struct expr_type){EXPR_ANY, NULL};
}

/* --- paths --- */

/* What is read, and the words for what is wrong with it. */
struct reading {
    struct check_agent *ag;
    const char *file;
    const struct json *at;
};

static struct str nearest_of(struct arena *a, struct str wrong, const char *const *names)
{
    const char *nearest = nearest_word(wrong, names);
    return nearest ? str_f(a, "; did you mean %s?", nearest) : STR("");
}

static struct str slot_of(const struct reading *r, struct str name, struct expr_type *type)
{
    struct arena *a = r->ag->k->arena;
    const struct json *slot = agent_slot(r->ag, name);
    if (slot)
        *type = type_of_slot(a, slot);
    if (slot || r->ag->holes[CHECKED_SCRATCHPAD])
        return STR_NONE;
    const char *names[NAMES_MAX + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < r->ag->n; i++) {
        const struct json *slots =
            r->ag->modules[i]->kind == CHECKED_SCRATCHPAD ? json_get(r->ag->modules[i]->body, "slots") : NULL;
        for (const struct json *s = slots ? slots->child : NULL; s && n < NAMES_MAX; s = s->next)
            names[n++] = str_c(a, json_str(json_get(s, "slot")));
    }
    return str_f(a, "the agent has no slot %.*s%.*s", STR_ARG(name), STR_ARG(nearest_of(a, name, names)));
}

/* tool.NAME.FIELD: the projection says which fields there are. */
static struct str field_of_tool(const struct reading *r, struct str name, struct str rest, struct expr_type *type)
{
    struct arena *a = r->ag->k->arena;
    const struct json *spec = agent_tool_spec(r->ag, name), *project = json_get(spec, "project");
    struct str field;
    if (!spec && !r->ag->holes[CHECKED_TOOL])
        return str_f(a, "the agent has no tool %.*s", STR_ARG(name));
    if (!rest.p || !json_is(project, JSON_OBJECT) || !str_split(&rest, '.', &field))
        return STR_NONE;
    const char *names[NAMES_MAX + 1] = {0};
    size_t n = 0;
    for (const struct json *p = project->child; p; p = p->next) {
        if (str_eq(p->key, field)) {
            const struct json *output = json_get(spec, "output");
            const struct json *schema = json_get(output, str_c(a, field));
            if (schema && !rest.n)
                *type = check_type_of_schema(schema);
            type->kinds |= EXPR_NULL;
            return STR_NONE;
        }
        if (n < NAMES_MAX)
            names[n++] = str_c(a, p->key);
    }
    return str_f(a, "%.*s gives no %.*s%.*s", STR_ARG(name), STR_ARG(field), STR_ARG(nearest_of(a, field, names)));
}

static const struct root {
    const char *path; /* ending in a dot: with anything behind it */
    unsigned kinds;
} roots[] = {
    {"now", EXPR_DATE},
    {"date", EXPR_DATE},
    {"time", EXPR_DATE},
    {"language", EXPR_STRING},
    {"routine", EXPR_STRING | EXPR_NULL},
    {"step", EXPR_STRING | EXPR_NULL},
    {"result.", EXPR_ANY},
    {"proposal.", EXPR_ANY},
    {"args.", EXPR_ANY},
    {"field.", EXPR_ANY},
    {"asked.", EXPR_NUMBER | EXPR_NULL},
    {"left.", EXPR_ANY},
    {"session.customer", EXPR_STRING},
    {"session.identity", EXPR_NUMBER},
    {"session.", EXPR_ANY},
    {"customer.", EXPR_ANY},
    {"memory.", EXPR_ANY},
    {"conversation.", EXPR_STRING | EXPR_NULL},
};

static struct str classes(struct arena *a, struct expr_type *type)
{
    static const char *const words[] = {"ok", "refused", "already_done", "transient", "unknown", "invalid"};
    struct json *list = json_new(a, JSON_ARRAY);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        json_push(list, json_new_str(a, str_of(words[i])));
    *type = (struct expr_type){EXPR_TEXT | EXPR_NULL, list};
    return STR_NONE;
}

struct str check_path(struct check_agent *ag, const char *file, const struct json *at, struct str path,
                      struct expr_type *type)
{
    struct reading r = {ag, file, at};
    struct str rest = path, root, name = STR_NONE;
    *type = (struct expr_type){EXPR_ANY, NULL};
    str_split(&rest, '.', &root);
    bool deeper = rest.p && str_split(&rest, '.', &name);
    if (str_is(root, "slot") && deeper) {
        agent_reads_slot(ag, name, file, at);
        return slot_of(&r, name, type);
    }
    if (str_is(root, "slot_status") && deeper) {
        struct expr_type none;
        *type = (struct expr_type){EXPR_TEXT | EXPR_NULL, NULL};
        return slot_of(&r, name, &none);
    }
    if (str_is(root, "tool") && deeper)
        return field_of_tool(&r, name, rest, type);
    if (str_is(root, "tool_class") && deeper)
        return agent_tool_spec(ag, name) || ag->holes[CHECKED_TOOL]
                   ? classes(ag->k->arena, type)
                   : str_f(ag->k->arena, "the agent has no tool %.*s", STR_ARG(name));
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        struct str known = str_of(roots[i].path);
        bool open = str_ends(known, STR("."));
        if (open ? str_starts(path, known) || str_eq(path, str_head(known, known.n - 1)) : str_eq(path, known)) {
            type->kinds = roots[i].kinds;
            return STR_NONE;
        }
    }
    return str_f(
        ag->k->arena,
        "nothing supplies %.*s; a path begins with slot, tool, result, proposal, session or conversation, or is "
        "date, now or language",
        STR_ARG(path));
}

/* --- expressions --- */

struct expression {
    struct check_agent *ag;
    const char *file, *what;
    const struct json *at;
    bool no_path; /* the problem that comes next is about a path */
};

static bool path_of(void *with, struct str path, struct expr_type *out, struct err *e)
{
    struct expression *x = with;
    struct str wrong = check_path(x->ag, x->file, x->at, path, out);
    if (!wrong.n)
        return true;
    err_set(e, ERR_NOT_FOUND, "%.*s", STR_ARG(wrong));
    x->no_path = true;
    return false;
}

static void problem(void *with, size_t at, const char *sentence)
{
    struct expression *x = with;
    enum check_rule rule = RULE_NEVER_TRUE;
    if (x->no_path)
        rule = strstr(sentence, "has no slot")   ? RULE_NO_SUCH_SLOT
               : strstr(sentence, "has no tool") ? RULE_NO_SUCH_TOOL
                                                 : RULE_NO_SUCH_VALUE;
    x->no_path = false;
    finding_add(x->ag->k->found, rule, x->file, x->at, "%s: %s", x->what, sentence);
    (void)at;
}

struct expr_type check_expr(struct check_agent *ag, const char *file, const struct json *v, const char *what)
{
    struct expression x = {.ag = ag, .file = file, .what = what, .at = v};
    struct expr_scope scope = {&x, path_of, problem};
    const struct expr *tree;
    struct err why;
    if (expr_compile(ag->k->arena, json_str(v), &tree, &why) < 0) {
        finding_add(ag->k->found, RULE_EXPRESSION, file, v, "%s: %s", what, why.text);
        return (struct expr_type){EXPR_ANY, NULL};
    }
    return expr_type(ag->k->arena, tree, &scope);
}

/* --- arguments --- */

static void check_kind(struct check_agent *ag, const char *file, const struct json *arg, const char *what,
                       struct expr_type given, struct expr_type wanted)
{
    struct arena *a = ag->k->arena;
    if (!(given.kinds & wanted.kinds & ~(unsigned)EXPR_NULL)) {
        finding_add(ag->k->found, RULE_ARGUMENT_TYPE, file, arg, "%s is %.*s, and the tool takes %.*s", what,
                    STR_ARG(expr_kinds_in_words(a, given.kinds)), STR_ARG(expr_kinds_in_words(a, wanted.kinds)));
        return;
    }
    for (const struct json *v = given.values && wanted.values ? given.values->child : NULL; v; v = v->next) {
        bool taken = false;
        for (const struct json *w = wanted.values->child; w && !taken; w = w->next)
            taken = json_same(v, w);
        if (!taken)
            finding_add(ag->k->found, RULE_ARGUMENT_TYPE, file, arg, "%s can be %.*s, which the tool does not take",
                        what, STR_ARG(json_text(a, v)));
    }
}

void check_arguments(struct check_agent *ag, const char *file, const struct json *at, struct str step,
                     const struct json *spec, const struct json *args)
{
    struct arena *a = ag->k->arena;
    struct str tool = json_str(json_get(spec, "tool"));
    const struct json *input = json_get(spec, "input"), *properties = json_get(input, "properties"),
                      *required = json_get(input, "required");
    for (const struct json *arg = args ? args->child : NULL; arg; arg = arg->next) {
        const char *name = str_c(a, arg->key);
        const struct json *property = json_get(properties, name);
        const char *what = str_f(a, "step %.*s: %s", STR_ARG(step), name).p;
        struct expr_type given = json_is(arg, JSON_STRING) ? check_expr(ag, file, arg, what) : expr_type_of(a, arg);
        if (!property || check_of_session(property))
            finding_add(ag->k->found, RULE_UNKNOWN_ARGUMENT, file, arg, "step %.*s: %.*s takes no argument %s",
                        STR_ARG(step), STR_ARG(tool), name);
        else if (arg->kind != JSON_ARRAY && arg->kind != JSON_OBJECT)
            check_kind(ag, file, arg, what, given, check_type_of_schema(property));
    }
    for (const struct json *r = required ? required->child : NULL; r; r = r->next) {
        const char *name = str_c(a, json_str(r));
        if (!json_get(args, name) && !check_of_session(json_get(properties, name)))
            finding_add(ag->k->found, RULE_MISSING_ARGUMENT, file, at, "step %.*s: %.*s needs the argument %s",
                        STR_ARG(step), STR_ARG(tool), name);
    }
}
