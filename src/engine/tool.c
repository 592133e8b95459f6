#include "engine/tool.h"

#include "base/expr.h"

#include <stdio.h>
#include <string.h>

enum { RESULT_BYTES_MAX = 1 << 20 };

static const char *const class_names[] = {"ok", "refused", "already_done", "transient", "unknown", "invalid"};

const char *tool_class_name(enum tool_class c)
{
    return class_names[c];
}

enum tool_class tool_class_of(struct str name)
{
    for (size_t i = 0; i < sizeof class_names / sizeof *class_names; i++)
        if (str_is(name, class_names[i]))
            return (enum tool_class)i;
    return TOOL_UNKNOWN;
}

bool tool_reconciles(const struct tool *t)
{
    return json_get(t->spec, "reconcile") || (t->does && tool_reconciles(t->does));
}

static bool named(const struct json *list, struct str code)
{
    for (const struct json *i = list ? list->child : NULL; code.n && i; i = i->next)
        if (str_eq(i->text, code))
            return true;
    return false;
}

/* The class that the file gives to the backend's own code; false when it gives none. */
static bool class_of_code(const struct tool *t, const struct json *body, enum tool_class *out)
{
    struct str code = json_str(json_path(body, STR("error.code")));
    const struct json *errors = json_get(t->spec, "errors");
    if (named(json_get(t->spec, "already_done"), code)) {
        *out = TOOL_ALREADY_DONE;
        return true;
    }
    for (const struct json *m = errors ? errors->child : NULL; code.n && m; m = m->next)
        if (str_eq(m->key, code)) {
            *out = tool_class_of(json_str(m));
            return true;
        }
    return false;
}

/* No answer came in time. Of an action nobody knows what it did, whatever its file says. */
enum tool_class tool_classify_silence(const struct tool *t)
{
    const struct json *v = json_get(json_get(t->spec, "errors"), "timeout");
    return v && !t->action ? tool_class_of(json_str(v)) : TOOL_UNKNOWN;
}

enum tool_class tool_classify(const struct tool *t, int status, bool sent, const struct json *body)
{
    const struct json *errors = json_get(t->spec, "errors");
    enum tool_class class;
    if (status >= 200 && status < 300)
        return body ? TOOL_OK : TOOL_UNKNOWN;
    if (!status)
        return sent ? tool_classify_silence(t) : TOOL_TRANSIENT;
    if (class_of_code(t, body, &class))
        return class;
    char exact[8] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    char family[8] = {exact[0], 'x', 'x'};
    const struct json *v = json_get(errors, exact);
    if (!v)
        v = json_get(errors, family);
    if (v)
        return tool_class_of(json_str(v));
    if (status == 429 || status == 503)
        return TOOL_TRANSIENT;
    return status >= 400 && status < 500 ? TOOL_REFUSED : TOOL_UNKNOWN; /* a redirect is not followed */
}

enum tool_class tool_classify_exit(const struct tool *t, int status, const struct json *body)
{
    enum tool_class class;
    char name[16];
    if (!status)
        return body ? TOOL_OK : TOOL_UNKNOWN;
    if (class_of_code(t, body, &class))
        return class;
    snprintf(name, sizeof name, "exit_%d", status);
    const struct json *v = json_get(json_get(t->spec, "errors"), name);
    if (v)
        return tool_class_of(json_str(v));
    return t->action ? TOOL_UNKNOWN : TOOL_TRANSIENT; /* a mistake in the program may come after what it did */
}

static void write_result(const struct tool_answer *answer, struct json_writer *w)
{
    json_pair_str(w, "class", str_of(tool_class_name(answer->class)));
    json_key(w, "result");
    json_put_raw(w, answer->result.n ? answer->result : STR("{}"));
}

void tool_write_answered(struct str tool, struct str args, const struct tool_answer *answer, struct json_writer *w)
{
    json_pair_str(w, "tool", tool);
    write_result(answer, w);
    if (args.n) {
        json_key(w, "args");
        json_put_raw(w, args);
    }
    json_pair_int(w, "ms", answer->ms);
}

void tool_write_done(struct str tool, struct str key, const struct tool_answer *answer, struct json_writer *w)
{
    json_pair_str(w, "key", key);
    json_pair_str(w, "tool", tool);
    write_result(answer, w);
    json_pair_int(w, "ms", answer->ms);
}

int tool_project(struct arena *a, const struct tool *t, const struct json *root, struct str *out, struct err *e)
{
    struct buf b = buf_new(a, RESULT_BYTES_MAX);
    struct json_writer w = {.out = &b};
    const struct json *project = json_get(t->spec, "project"), *failed = json_get(root, "failed");
    if (!project && json_get(t->spec, "knowledge")) { /* what was found is short already */
        *out = json_text(a, json_get(root, "answer"));
        return 0;
    }
    json_open(&w, '{');
    for (const struct json *p = project ? project->child : NULL; p; p = p->next) {
        struct json *v;
        if (expr_eval(a, json_str(p), root, &v, e) < 0)
            return err_in(e, "the projection of %.*s", STR_ARG(t->name));
        json_key_str(&w, p->key);
        json_put(&w, v);
    }
    if (t->best_effort && failed) {
        json_key(&w, "failed");
        json_put(&w, failed);
    }
    json_close(&w, '}');
    if (b.cut)
        return err_set(e, ERR_LIMIT, "the result of %.*s is larger than 1 MiB", STR_ARG(t->name));
    *out = buf_str(&b);
    return 0;
}
