#include "engine/tool.h"

static void add_lines(struct buf *b, const char *head, const struct json *v)
{
    if (json_is(v, JSON_STRING))
        buf_addf(b, "\n%s: %.*s.", head, STR_ARG(v->text));
    if (!json_is(v, JSON_ARRAY))
        return;
    buf_addf(b, "\n%s:", head);
    for (const struct json *i = v->child; i; i = i->next)
        buf_addf(b, "%s %.*s", i == v->child ? "" : ";", STR_ARG(i->text));
    buf_addc(b, '.');
}

/* Tool documentation is a prompt: made in a fixed order from the specification (the paper, section 4.3.2). */
void tool_write_definition(const struct tool *t, struct json_writer *w)
{
    struct arena *a = arena_new("tool definition", 0);
    struct buf text = buf_new(a, 16384);
    buf_add(&text, t->summary);
    add_lines(&text, "Call it", json_get(t->spec, "when"));
    add_lines(&text, "Do not call it when", json_get(t->spec, "when_not"));
    if (t->action)
        buf_adds(&text,
                 "\nAn action: the runtime shows the customer these arguments and asks for a yes before it runs.");
    const struct json *project = json_get(t->spec, "project");
    if (project && project->child) {
        buf_adds(&text, "\nReturns:");
        for (const struct json *p = project->child; p; p = p->next)
            buf_addf(&text, "%s %.*s", p == project->child ? "" : ",", STR_ARG(p->key));
        buf_addc(&text, '.');
    }
    const struct json *examples = json_get(t->spec, "examples");
    for (const struct json *x = examples ? examples->child : NULL; x; x = x->next)
        buf_addf(&text, "\nExample: %.*s gives %.*s", STR_ARG(json_text(a, json_get(x, "args"))),
                 STR_ARG(json_text(a, json_get(x, "result"))));
    json_open(w, '{');
    json_pair_str(w, "type", STR("function"));
    json_key(w, "function");
    json_open(w, '{');
    json_pair_str(w, "name", t->name);
    json_pair_str(w, "description", buf_str(&text));
    json_key(w, "parameters");
    json_put(w, t->model_input);
    json_close(w, '}');
    json_close(w, '}');
    arena_free(a);
}
