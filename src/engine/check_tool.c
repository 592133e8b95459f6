#include "engine/check.h"

#include "base/schema.h"
#include "engine/check_parts.h"
#include "engine/tool.h"

#include <stdio.h>

/* The input as the model has to fill it: without what the session supplies. */
static struct json *model_input(struct arena *a, const struct json *input)
{
    const struct json *properties = json_get(input, "properties"), *required = json_get(input, "required");
    struct json *copy = json_new(a, JSON_OBJECT), *open = json_new(a, JSON_OBJECT), *needed = json_new(a, JSON_ARRAY);
    for (const struct json *m = input->child; m; m = m->next)
        json_set(copy, m->key, json_copy(a, m));
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next)
        if (!check_of_session(p))
            json_set(open, p->key, json_copy(a, p));
    for (const struct json *r = required ? required->child : NULL; r; r = r->next)
        if (!check_of_session(json_get(properties, str_c(a, json_str(r)))))
            json_push(needed, json_copy(a, r));
    json_set(copy, STR("properties"), open);
    json_set(copy, STR("required"), needed);
    return copy;
}

static void check_examples(struct check *k, const struct checked *m)
{
    const struct json *examples = json_get(m->body, "examples"), *project = json_get(m->body, "project");
    const struct json *input = json_get(m->body, "input");
    struct json *schema = json_is(input, JSON_OBJECT) ? model_input(k->arena, input) : NULL;
    struct err why;
    for (const struct json *x = json_is(examples, JSON_ARRAY) ? examples->child : NULL; x; x = x->next) {
        const struct json *args = json_get(x, "args"), *result = json_get(x, "result");
        if (args && schema && schema_check(schema, &why) == 0 && schema_fits(schema, args, &why) < 0)
            finding_add(k->found, RULE_EXAMPLE_ARGS, m->file, args, "the example's args: %s", why.text);
        for (const struct json *f = json_is(result, JSON_OBJECT) && json_is(project, JSON_OBJECT) ? result->child
                                                                                                  : NULL;
             f; f = f->next)
            if (!json_get(project, str_c(k->arena, f->key)))
                finding_add(k->found, RULE_EXAMPLE_RESULT, m->file, f,
                            "the example's result has %.*s, which the projection does not let through",
                            STR_ARG(f->key));
    }
}

void check_tool(struct check *k, struct checked *m)
{
    const struct json *spec = m->body, *when_not = json_get(spec, "when_not"), *examples = json_get(spec, "examples");
    struct tool tool;
    struct err why;
    if (tool_read(k->arena, spec, m->file, &tool, &why) < 0)
        finding_add_err(k->found, RULE_TOOL_FORM, m->file, &why);
    if (!when_not ||
        ((json_is(when_not, JSON_ARRAY) || json_is(when_not, JSON_STRING)) && !when_not->n && !json_str(when_not).n))
        finding_add(k->found, RULE_NO_WHEN_NOT, m->file, spec, "%.*s does not say when it is not for",
                    STR_ARG(m->name));
    if (!json_is(examples, JSON_ARRAY) || !examples->n)
        finding_add(k->found, RULE_NO_EXAMPLE, m->file, spec, "%.*s has no example", STR_ARG(m->name));
    if (!json_get(spec, "project"))
        finding_add(k->found, RULE_NO_PROJECTION, m->file, spec, "the whole answer of %.*s goes to the model",
                    STR_ARG(m->name));
    if (str_is(json_str(json_get(spec, "effect")), "action") && !json_get(json_get(spec, "confirm"), "by"))
        finding_add(k->found, RULE_NO_CONFIRM, m->file, spec, "%.*s does not say who confirms it", STR_ARG(m->name));
    check_examples(k, m);
    check_requests(k, m);
}
