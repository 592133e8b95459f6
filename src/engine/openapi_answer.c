/* What an operation answers, as a tool's projection and error classes; and its example. */
#include "engine/openapi_parts.h"

#include "base/expr.h"
#include "base/regex.h"
#include "base/schema.h"

enum { FIELDS_MAX = 24, DEPTH_MAX = 4 };

struct answer {
    struct tool_draft *d;
    struct json *project; /* field -> path */
    struct json *result;  /* field -> the example of its schema */
};

/* --- the projection --- */

static struct str type_of(const struct json *schema)
{
    const struct json *type = json_get(schema, "type");
    if (json_is(type, JSON_ARRAY))
        for (const struct json *t = type->child; t; t = t->next)
            if (!str_is(json_str(t), "null"))
                return json_str(t);
    if (!type && json_get(schema, "properties"))
        return STR("object");
    return json_str(type);
}

static void put_field(struct answer *x, struct str path, struct str key, const struct json *schema)
{
    struct arena *a = x->d->arena;
    struct str name = key;
    if (x->project->n == FIELDS_MAX) {
        tool_draft_todo(x->d, "project", "more than %d fields; choose those that the model needs", FIELDS_MAX);
        return;
    }
    if (json_get(x->project, str_c(a, name))) { /* two of the same name: by their whole paths */
        struct buf whole = buf_new(a, 200);
        for (size_t i = 0; i < path.n; i++)
            buf_addc(&whole, path.p[i] == '.' ? '_' : path.p[i]);
        name = buf_str(&whole);
    }
    json_set(x->project, name, json_new_str(a, path));
    const struct json *example = openapi_example(x->d, schema);
    if (example)
        json_set(x->result, name, json_copy(a, example));
}

static void read_fields(struct answer *x, const struct json *schema, struct str path, unsigned depth);

static void read_field(struct answer *x, const struct json *property, struct str path, unsigned depth)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    const struct json *schema = openapi_follow(d, property);
    struct str key = property->key, below = path.n ? str_f(a, "%.*s.%.*s", STR_ARG(path), STR_ARG(key)) : key;
    struct str shown = openapi_line(a, below, 80), type = type_of(schema);
    struct err why;
    if (!schema || json_bool(json_get(schema, "writeOnly"), false))
        return;
    bool word = regex_match(STR("^[A-Za-z_][A-Za-z0-9_]*$"), key) && (path.n || openapi_path_word(key)) &&
                below.n < 200 && expr_check(below, &why) == 0;
    const struct json *items = str_is(type, "array") ? openapi_follow(d, json_get(schema, "items")) : NULL;
    if (!word)
        tool_draft_todo(d, "project", "%.*s cannot stand in an expression and is left out", STR_ARG(shown));
    else if (str_is(type, "object") || json_get(schema, "allOf"))
        read_fields(x, schema, below, depth + 1);
    else
        put_field(x, below, key, schema);
    if (word && items && (str_is(type_of(items), "object") || json_get(items, "allOf")))
        tool_draft_todo(d, "project", "%.*s is a list of objects and goes to the model as a whole", STR_ARG(shown));
}

static void read_fields(struct answer *x, const struct json *schema, struct str path, unsigned depth)
{
    const struct json *own = json_get(schema, "properties"), *all = json_get(schema, "allOf");
    if (depth > DEPTH_MAX) {
        tool_draft_todo(x->d, "project", "%.*s goes deeper than %d and is left out",
                        STR_ARG(openapi_line(x->d->arena, path, 80)), DEPTH_MAX);
        return;
    }
    for (const struct json *p = json_is(own, JSON_OBJECT) ? own->child : NULL; p; p = p->next)
        read_field(x, p, path, depth);
    for (const struct json *s = json_is(all, JSON_ARRAY) ? all->child : NULL; s; s = s->next)
        read_fields(x, openapi_follow(x->d, s), path, depth + 1);
}

/* --- error classes --- */

static const char *class_of(const struct tool_draft *d, struct str status)
{
    if (str_is(status, "408") || str_is(status, "429") || str_is(status, "503"))
        return "transient";
    if (status.p[0] == '5')
        return d->action ? "unknown" : "transient";
    return "refused";
}

static void read_errors(struct tool_draft *d, const struct json *responses)
{
    struct arena *a = d->arena;
    struct json *errors = json_new(a, JSON_OBJECT);
    for (const struct json *r = json_is(responses, JSON_OBJECT) ? responses->child : NULL; r; r = r->next)
        if (regex_match(STR("^[45](\\d\\d|XX|xx)$"), r->key)) {
            bool family = (r->key.p[1] | 0x20) == 'x';
            struct str status = family ? str_f(a, "%cxx", r->key.p[0]) : r->key;
            json_set(errors, status, json_new_str(a, str_of(class_of(d, status))));
        }
    if (!json_get(errors, "5xx"))
        json_set(errors, STR("5xx"), json_new_str(a, str_of(class_of(d, STR("500")))));
    json_set(errors, STR("timeout"), json_new_str(a, d->action ? STR("unknown") : STR("transient")));
    json_set(d->spec, STR("errors"), errors);
}

/* --- the example --- */

/* The projection of an answer that the document shows. */
static struct json *shown_result(const struct answer *x, const struct json *answer)
{
    struct arena *a = x->d->arena;
    struct json *result = json_new(a, JSON_OBJECT), *v;
    for (const struct json *p = x->project->child; p; p = p->next)
        if (expr_eval(a, json_str(p), answer, &v, NULL) == 0 && v->kind != JSON_NULL)
            json_set(result, p->key, json_copy(a, v));
    return result;
}

static void read_example(struct answer *x, const struct json *media)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    const struct json *shown = media ? openapi_example(d, media) : NULL;
    struct json *result = json_is(shown, JSON_OBJECT) ? shown_result(x, shown) : x->result;
    if (json_is(shown, JSON_ARRAY))
        json_set(result, STR("items"), json_copy(a, shown));
    struct err why;
    if (schema_fits_formats(json_get(d->spec, "input"), d->args, &why) < 0) {
        tool_draft_todo(d, "examples", "one call with its result; the document's own does not make one (%s)", why.text);
        return;
    }
    if (!result->n) {
        tool_draft_todo(d, "examples", "one call with its result; the document shows no answer");
        return;
    }
    struct json *one = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    json_set(one, STR("args"), d->args);
    json_set(one, STR("result"), result);
    json_push(list, one);
    json_set(d->spec, STR("examples"), list);
}

/* --- */

static const struct json *good_answer(const struct tool_draft *d, const struct json *responses)
{
    static const char *const good[] = {"200", "201", "202", "203", "2XX", "2xx", "default", NULL};
    for (size_t i = 0; good[i]; i++)
        if (json_get(responses, good[i]))
            return openapi_follow(d, json_get(responses, good[i]));
    return NULL;
}

void tool_draft_read_answer(struct tool_draft *d)
{
    struct arena *a = d->arena;
    struct answer x = {.d = d, .project = json_new(a, JSON_OBJECT), .result = json_new(a, JSON_OBJECT)};
    const struct json *responses = json_get(d->operation, "responses");
    const struct json *media = openapi_json(d, good_answer(d, responses));
    const struct json *schema = openapi_follow(d, json_get(media, "schema"));
    read_fields(&x, schema, STR(""), 1);
    if (str_is(type_of(schema), "array")) {
        json_set(x.project, STR("items"), json_new_str(a, STR("answer")));
        tool_draft_todo(d, "project", "the answer is a list and goes to the model as a whole");
    }
    if (x.project->n)
        json_set(d->spec, STR("project"), x.project);
    else
        tool_draft_todo(d, "project", "the document names no field of the answer; nothing reaches the model yet");
    read_errors(d, responses);
    read_example(&x, media);
}
