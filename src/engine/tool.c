#include "engine/tool.h"

#include "base/expr.h"
#include "base/schema.h"
#include "base/template.h"
#include "base/yaml.h"

#include <string.h>

enum { URL_BYTES_MAX = 4096 };

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

static bool from_session(const struct json *property)
{
    return str_is(json_str(json_get(property, "x-source")), "session");
}

/* A schema without x- keys; `top` also loses the properties that the session supplies. */
static struct json *for_the_model(struct arena *a, const struct json *schema, bool top)
{
    if (!json_is(schema, JSON_OBJECT))
        return json_copy(a, schema);
    struct json *out = json_new(a, JSON_OBJECT);
    const struct json *properties = json_get(schema, "properties");
    for (const struct json *m = schema->child; m; m = m->next) {
        if (str_starts(m->key, STR("x-")))
            continue;
        if (top && str_is(m->key, "required")) {
            struct json *required = json_new(a, JSON_ARRAY);
            for (const struct json *r = m->child; r; r = r->next)
                if (!from_session(json_get(properties, str_c(a, r->text))))
                    json_push(required, json_copy(a, r));
            json_set(out, m->key, required);
        } else if (str_is(m->key, "properties")) {
            struct json *kept = json_new(a, JSON_OBJECT);
            for (const struct json *p = m->child; p; p = p->next)
                if (!(top && from_session(p)))
                    json_set(kept, p->key, for_the_model(a, p, false));
            json_set(out, m->key, kept);
        } else {
            json_set(out, m->key, json_copy(a, m));
        }
    }
    return out;
}

static int read_idempotency(const struct json *spec, const char *file, struct tool *t, struct err *e)
{
    const struct json *v = json_get(json_get(spec, "idempotency"), "mode");
    struct str mode = json_str_or(v, STR("none"));
    if (str_is(mode, "key"))
        t->idempotency = TOOL_KEY;
    else if (str_is(mode, "none"))
        t->idempotency = TOOL_NO_KEY;
    else if (str_is(mode, "key_per_attempt"))
        t->idempotency = TOOL_KEY_PER_ATTEMPT;
    else
        return yaml_refuse(e, file, v, "idempotency.mode is \"%.*s\"; write key, none or key_per_attempt",
                           STR_ARG(mode));
    return 0;
}

static int read_gate(const struct json *spec, const char *file, struct tool *t, struct err *e)
{
    const struct json *confirm = json_get(spec, "confirm");
    struct str by = json_str_or(json_get(confirm, "by"), STR("customer"));
    t->gate = str_is(by, "none") ? TOOL_GATE_NONE : TOOL_GATE_CUSTOMER;
    t->confirm_macro = json_str(json_get(confirm, "text"));
    t->expires_us = json_int(json_get(confirm, "expires_s"), 900) * 1000000;
    if (t->gate == TOOL_GATE_CUSTOMER && !str_is(by, "customer"))
        return yaml_refuse(e, file, json_get(confirm, "by"), "confirm.by is \"%.*s\"; write customer or none",
                           STR_ARG(by));
    if (t->gate == TOOL_GATE_CUSTOMER && !t->confirm_macro.n)
        return yaml_refuse(e, file, confirm ? confirm : spec,
                           "the action %.*s needs confirm.text, the macro that asks the customer", STR_ARG(t->name));
    return 0;
}

int tool_read(struct arena *a, const struct json *spec, const char *file, struct tool *out, struct err *e)
{
    struct tool t = {.spec = spec,
                     .name = json_str(json_get(spec, "tool")),
                     .version = json_str(json_get(spec, "version")),
                     .summary = json_str(json_get(spec, "summary")),
                     .input = json_get(spec, "input"),
                     .timeout_ms = (int)json_int(json_get(spec, "timeout_ms"), 5000),
                     .fresh_us = json_int(json_get(spec, "fresh_s"), 0) * 1000000,
                     .limit_per_conversation =
                         (int)json_int(json_get(json_get(spec, "limits"), "per_conversation"), 0)};
    struct err why;
    if (!t.name.n || !t.summary.n)
        return yaml_refuse(e, file, spec, "a tool needs `tool` (its name) and `summary`");
    struct str effect = json_str(json_get(spec, "effect"));
    if (!str_is(effect, "read") && !str_is(effect, "action"))
        return yaml_refuse(e, file, json_get(spec, "effect") ? json_get(spec, "effect") : spec,
                           "the tool %.*s needs `effect`: read or action", STR_ARG(t.name));
    t.action = str_is(effect, "action");
    if (!t.input)
        return yaml_refuse(e, file, spec, "the tool %.*s needs `input`, a JSON Schema", STR_ARG(t.name));
    if (schema_check_formats(t.input, &why) < 0)
        return yaml_refuse(e, file, t.input, "input of %.*s: %s", STR_ARG(t.name), why.text);
    if (!json_get(spec, "http") && !json_get(spec, "steps"))
        return yaml_refuse(e, file, spec, "the tool %.*s needs `http` or `steps`", STR_ARG(t.name));
    if (t.action && (read_gate(spec, file, &t, e) < 0 || read_idempotency(spec, file, &t, e) < 0))
        return e ? e->code : ERR_INVALID;
    const struct json *errors = json_get(spec, "errors"), *project = json_get(spec, "project");
    for (const struct json *v = errors ? errors->child : NULL; v; v = v->next)
        if (!str_is(json_str(v), tool_class_name(tool_class_of(json_str(v)))))
            return yaml_refuse(e, file, v, "errors.%.*s is %.*s; write refused, transient, unknown, invalid or ok",
                               STR_ARG(v->key), STR_ARG(json_str(v)));
    for (const struct json *p = project ? project->child : NULL; p; p = p->next)
        if (expr_check(json_str(p), &why) < 0)
            return yaml_refuse(e, file, p, "project.%.*s: %s", STR_ARG(p->key), why.text);
    t.model_input = for_the_model(a, t.input, true);
    *out = t;
    return 0;
}

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

int tool_arguments(struct arena *a, const struct tool *t, struct str text, struct str customer, struct json **args,
                   struct err *e)
{
    struct json *v;
    if (json_parse(a, str_trim(text).n ? text : STR("{}"), &v, e) < 0)
        return err_in(e, "the arguments of %.*s are not JSON", STR_ARG(t->name));
    if (!json_is(v, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the arguments of %.*s must be one JSON object", STR_ARG(t->name));
    const struct json *properties = json_get(t->input, "properties");
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next) {
        if (!from_session(p))
            continue;
        if (json_get(v, str_c(a, p->key)))
            return err_set(e, ERR_INVALID, "%.*s is set by the session; leave it out", STR_ARG(p->key));
        json_set(v, p->key, json_new_str(a, customer));
    }
    if (schema_fits_formats(t->input, v, e) < 0)
        return err_in(e, "the arguments of %.*s", STR_ARG(t->name));
    *args = v;
    return 0;
}

/* {"en":...,"pt":...} in one language, else English, else `otherwise`. */
static struct str in_language(struct arena *a, const struct json *texts, struct str language, struct str otherwise)
{
    return json_str_or(json_get(texts, str_c(a, language)), json_str_or(json_get(texts, "en"), otherwise));
}

void tool_write_shown(struct arena *a, const struct tool *t, const struct json *args, struct str language,
                      struct json_writer *w)
{
    json_open(w, '[');
    const struct json *properties = json_get(t->input, "properties");
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next) {
        const struct json *v = json_get(args, str_c(a, p->key));
        if (!v || !json_bool(json_get(p, "x-show"), false))
            continue;
        struct str value = v->kind == JSON_STRING ? v->text : json_text(a, v);
        json_open(w, '{');
        json_pair_str(w, "name", p->key);
        json_pair_str(w, "label", in_language(a, json_get(p, "x-label"), language, p->key));
        json_pair_str(w, "value", in_language(a, json_get(json_get(p, "x-values"), str_c(a, value)), language, value));
        json_close(w, '}');
    }
    json_close(w, ']');
}

struct sha256 tool_digest(struct arena *a, const struct tool *t, const struct json *args)
{
    struct json *all = json_new(a, JSON_OBJECT);
    json_set(all, STR("tool"), json_new_str(a, t->name));
    json_set(all, STR("version"), json_new_str(a, t->version));
    json_set(all, STR("args"), json_copy(a, args));
    return sha256_of(json_canonical(a, all));
}

struct str tool_key(struct arena *a, int64_t conversation, int64_t proposal_seq, int attempt, bool per_attempt)
{
    struct str name =
        str_f(a, "candor|%lld|%lld|%d", (long long)conversation, (long long)proposal_seq, per_attempt ? attempt : 0);
    struct sha256 h = sha256_of(name);
    return hash_base32(a, h.b, 16);
}

size_t tool_steps(const struct tool *t)
{
    const struct json *steps = json_get(t->spec, "steps");
    return steps ? steps->n : 1;
}

struct str tool_step_id(const struct tool *t, size_t i)
{
    return json_str(json_get(json_at(json_get(t->spec, "steps"), i), "id"));
}

static void escape(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t k = 0; k < text.n; k++) {
        unsigned char c = (unsigned char)text.p[k];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        if (plain && c) {
            buf_addc(out, (char)c);
        } else {
            buf_addc(out, '%');
            buf_addc(out, hex[c >> 4]);
            buf_addc(out, hex[c & 15]);
        }
    }
}

/* Puts base URLs for ${name} and percent-encoded values for {path}. */
static int fill_url(struct arena *a, struct str pattern, const struct json *services, const struct json *root,
                    struct str *out, struct err *e)
{
    struct buf b = buf_new(a, URL_BYTES_MAX);
    for (size_t i = 0; i < pattern.n; i++) {
        bool service = pattern.p[i] == '$' && i + 1 < pattern.n && pattern.p[i + 1] == '{';
        if (!service && pattern.p[i] != '{') {
            buf_addc(&b, pattern.p[i]);
            continue;
        }
        size_t from = i + (service ? 2 : 1);
        ptrdiff_t end = str_find(str_from(pattern, from), STR("}"));
        if (end < 0)
            return err_set(e, ERR_INVALID, "the URL %.*s has a { without a }", STR_ARG(pattern));
        struct str name = {pattern.p + from, (size_t)end};
        i = from + (size_t)end;
        const struct json *v = json_path(service ? services : root, name);
        struct str text = v && (v->kind == JSON_STRING || v->kind == JSON_NUMBER) ? v->text : STR_NONE;
        if (!text.n)
            return err_set(e, ERR_INVALID, "the URL %.*s needs %.*s, which is missing", STR_ARG(pattern),
                           STR_ARG(name));
        if (service) {
            buf_add(&b, text);
            continue;
        }
        if (str_is(text, ".") || str_is(text, "..")) /* would be another place of the backend */
            return err_set(e, ERR_INVALID, "%.*s may not be %.*s", STR_ARG(name), STR_ARG(text));
        escape(&b, text);
    }
    if (b.cut)
        return err_set(e, ERR_INVALID, "the URL %.*s becomes longer than %d bytes", STR_ARG(pattern), URL_BYTES_MAX);
    *out = buf_str(&b);
    return 0;
}

static int fill(struct arena *a, const struct json *http, const struct json *services, const struct json *root,
                struct tool_http *out, struct err *e)
{
    *out = (struct tool_http){.method = json_str_or(json_get(http, "method"), STR("GET"))};
    if (fill_url(a, json_str(json_get(http, "url")), services, root, &out->url, e) < 0)
        return ERR_INVALID;
    const struct json *body = json_get(http, "body");
    if (!body)
        return 0;
    struct buf b = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &b};
    if (str_is(json_str(body), "args")) { /* the argument object as it is */
        json_put(&w, json_get(root, "args"));
        out->body = buf_str(&b);
        return 0;
    }
    json_open(&w, '{');
    for (const struct json *m = body->child; m; m = m->next) {
        struct json *v;
        if (expr_eval(a, m->text, root, &v, e) < 0)
            return ERR_INVALID;
        json_key_str(&w, m->key);
        json_put(&w, v);
    }
    json_close(&w, '}');
    out->body = buf_str(&b);
    return 0;
}

int tool_http_step(struct arena *a, const struct tool *t, size_t i, const struct json *services,
                   const struct json *root, struct tool_http *out, struct err *e)
{
    const struct json *steps = json_get(t->spec, "steps");
    const struct json *http = json_get(steps ? json_at(steps, i) : t->spec, "http");
    return fill(a, http, services, root, out, e);
}

int tool_http_reconcile(struct arena *a, const struct tool *t, const struct json *services, struct str key,
                        const struct json *root, struct tool_http *out, struct err *e)
{
    const struct json *how = json_get(t->spec, "reconcile");
    if (!how)
        return ERR_NOT_FOUND;
    struct json *with_key = json_copy(a, root);
    json_set(with_key, STR("key"), json_new_str(a, key));
    return fill(a, how, services, with_key, out, e);
}

static bool named(const struct json *list, struct str code)
{
    for (const struct json *i = list ? list->child : NULL; code.n && i; i = i->next)
        if (str_eq(i->text, code))
            return true;
    return false;
}

enum tool_class tool_classify(const struct tool *t, int status, bool sent, const struct json *body)
{
    const struct json *errors = json_get(t->spec, "errors");
    if (status >= 200 && status < 300)
        return body ? TOOL_OK : TOOL_UNKNOWN;
    if (named(json_get(t->spec, "already_done"), json_str(json_path(body, STR("error.code")))))
        return TOOL_ALREADY_DONE;
    if (!status) {
        if (!sent)
            return TOOL_TRANSIENT;
        const struct json *v = json_get(errors, "timeout");
        return v && !t->action ? tool_class_of(v->text) : TOOL_UNKNOWN;
    }
    char exact[8] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    char family[8] = {exact[0], 'x', 'x'};
    const struct json *v = json_get(errors, exact);
    if (!v)
        v = json_get(errors, family);
    if (v)
        return tool_class_of(v->text);
    if (status == 429 || status == 503)
        return TOOL_TRANSIENT;
    return status >= 500 ? TOOL_UNKNOWN : TOOL_REFUSED;
}

int tool_project(struct arena *a, const struct tool *t, const struct json *root, struct str *out, struct err *e)
{
    struct buf b = buf_new(a, 1 << 20);
    struct json_writer w = {.out = &b};
    const struct json *project = json_get(t->spec, "project");
    json_open(&w, '{');
    for (const struct json *p = project ? project->child : NULL; p; p = p->next) {
        struct json *v;
        if (expr_eval(a, p->text, root, &v, e) < 0)
            return err_in(e, "the projection of %.*s", STR_ARG(t->name));
        json_key_str(&w, p->key);
        json_put(&w, v);
    }
    json_close(&w, '}');
    *out = buf_str(&b);
    return 0;
}
