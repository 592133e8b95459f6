#include "engine/tool_parts.h"

#include "base/expr.h"
#include "base/lua.h"
#include "base/schema.h"
#include "base/yaml.h"

enum { ANSWER_BYTES_MAX = 1 << 20, MEMORY_MIB = 512, WORDS_MAX = 32, COSTLY_IDENTITY_MIN = 2 };

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

/* What the class asks for by itself: costly ones a step-up, irrevocable ones a person. */
static int read_class(const struct json *spec, const char *file, struct tool *t, struct err *e)
{
    const struct json *class = json_get(spec, "class");
    struct str name = json_str_or(class, STR("reversible"));
    bool costly = str_is(name, "costly");
    t->irrevocable = str_is(name, "irrevocable");
    if (!costly && !t->irrevocable && !str_is(name, "reversible"))
        return yaml_refuse(e, file, class, "class is \"%.*s\"; write reversible, costly or irrevocable", STR_ARG(name));
    t->identity_min = (int)json_int(json_get(json_get(spec, "requires"), "identity"), costly ? COSTLY_IDENTITY_MIN : 0);
    return 0;
}

static int read_retry(const struct json *spec, const char *file, struct tool *t, struct err *e)
{
    const struct json *retry = json_get(spec, "retry"), *on = json_get(retry, "on"),
                      *waits = json_get(retry, "backoff_ms");
    t->retry = (struct tool_retry){.on = 1U << TOOL_TRANSIENT,
                                   .max = (int)json_int(json_get(retry, "max"), 2),
                                   .backoff_ms = {150, 300},
                                   .backoffs = 2};
    if (on)
        t->retry.on = 0;
    for (const struct json *c = on ? on->child : NULL; c; c = c->next) {
        enum tool_class class = tool_class_of(json_str(c));
        if (class != TOOL_TRANSIENT && !(class == TOOL_UNKNOWN && str_is(json_str(c), "unknown")))
            return yaml_refuse(e, file, c, "retry.on has %.*s; only transient and unknown can be tried again",
                               STR_ARG(json_str(c)));
        t->retry.on |= 1U << class;
    }
    if (waits && (waits->n == 0 || waits->n > TOOL_BACKOFFS_MAX))
        return yaml_refuse(e, file, waits, "retry.backoff_ms has 1 to %d numbers", TOOL_BACKOFFS_MAX);
    for (int i = 0; waits && i < (int)waits->n; i++) {
        t->retry.backoff_ms[i] = (int)json_int(json_at(waits, (size_t)i), 0);
        t->retry.backoffs = i + 1;
    }
    return 0;
}

static const char *first_key(const struct json *map, const char *const *keys)
{
    for (; *keys; keys++)
        if (json_get(map, *keys))
            return *keys;
    return NULL;
}

const char *tool_verb(const struct json *step)
{
    static const char *const verbs[] = {"http", "command", "let", "lua", "tool", NULL};
    return first_key(step, verbs);
}

const char *tool_adapter(const struct json *spec)
{
    static const char *const adapters[] = {"http", "command", "knowledge", "lua", "recorded", NULL};
    return first_key(spec, adapters);
}

static int read_expression(const struct json *v, const char *file, const char *what, struct err *e)
{
    struct err why;
    if (expr_check(json_str(v), &why) < 0)
        return yaml_refuse(e, file, v, "%s: %s", what, why.text);
    return 0;
}

/* The program of a tool or step, if it is one. */
static int read_lua(const struct json *step, const char *file, struct err *e)
{
    const struct json *text = json_get(step, "lua");
    struct err why;
    if (text && lua_script_check(json_str(text), &why) < 0)
        return yaml_refuse(e, file, text, "the program: %s", why.text);
    return 0;
}

/* The program and its words, if there is one: of a tool, a step or `reconcile`. */
static int read_command(const struct json *of, const char *file, struct err *e)
{
    const struct json *words = json_get(of, "command");
    if (words && (words->n == 0 || words->n > WORDS_MAX || !json_str(words->child).n))
        return yaml_refuse(e, file, words, "command is a list of 1 to %d words, the program first: [python3, quote.py]",
                           WORDS_MAX);
    for (const struct json *v = words ? words->child : NULL; v; v = v->next)
        if (!json_is(v, JSON_STRING) || str_has(v->text, (struct str){"", 1}))
            return yaml_refuse(e, file, v, "command is a list of texts; put numbers in quotes");
    return 0;
}

/* Names that a step would hide. */
static bool taken(const struct json *steps, const struct json *step, struct str id)
{
    static const char *const ours[] = {"args", "answer", "date", "now", "label", "key", "item", "index", "failed"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (str_is(id, ours[i]))
            return true;
    for (const struct json *before = steps->child; before != step; before = before->next)
        if (str_eq(json_str(json_get(before, "id")), id))
            return true;
    return false;
}

static int read_step(const struct json *steps, const struct json *s, const char *file, struct err *e)
{
    const struct json *id = json_get(s, "id"), *when = json_get(s, "when"), *each = json_get(s, "each");
    const char *verb = tool_verb(s);
    if (!json_str(id).n || str_has(json_str(id), STR(".")) || taken(steps, s, json_str(id)))
        return yaml_refuse(e, file, id ? id : s,
                           "a step needs an `id` of its own, without a dot; `%.*s` is taken or none",
                           STR_ARG(json_str(id)));
    if (!verb)
        return yaml_refuse(e, file, s, "the step %.*s needs one of: http, tool, command, let, lua",
                           STR_ARG(json_str(id)));
    if (read_lua(s, file, e) < 0 || read_command(s, file, e) < 0 ||
        (when && read_expression(when, file, "when", e) < 0) || (each && read_expression(each, file, "each", e) < 0))
        return ERR_INVALID;
    const struct json *values = json_get(s, str_is(str_of(verb), "let") ? "let" : "args");
    for (const struct json *v = values ? values->child : NULL; v; v = v->next)
        if (read_expression(v, file, str_is(str_of(verb), "let") ? "let" : "args", e) < 0)
            return ERR_INVALID;
    return 0;
}

static int read_steps(const struct json *spec, const char *file, struct tool *t, struct err *e)
{
    t->steps = json_get(spec, "steps");
    if (!t->steps)
        return tool_adapter(spec)
                   ? 0
                   : yaml_refuse(e, file, spec,
                                 "the tool %.*s needs `http`, `command`, `knowledge`, `lua`, `recorded` or `steps`",
                                 STR_ARG(t->name));
    if (t->steps->n == 0 || t->steps->n > TOOL_STEPS_MAX)
        return yaml_refuse(e, file, t->steps, "the tool %.*s has 1 to %d steps", STR_ARG(t->name), TOOL_STEPS_MAX);
    for (const struct json *s = t->steps->child; s; s = s->next)
        if (read_step(t->steps, s, file, e) < 0)
            return ERR_INVALID;
    t->best_effort = str_is(json_str(json_get(spec, "on_partial")), "best_effort");
    return 0;
}

/* A look-up in documents is asked with a text, and changes nothing. */
static int read_knowledge(const struct json *spec, const char *file, const struct tool *t, struct err *e)
{
    const struct json *how = json_get(spec, "knowledge"), *query = json_path(t->input, STR("properties.query"));
    if (!how)
        return 0;
    if (t->action)
        return yaml_refuse(e, file, how, "a tool with `knowledge` reads; write effect: read");
    if (!str_is(json_str(json_get(query, "type")), "string"))
        return yaml_refuse(e, file, t->input,
                           "a tool with `knowledge` is asked by the argument `query`; input needs that property, of "
                           "type string");
    return 0;
}

int tool_read(struct arena *a, const struct json *spec, const char *file, struct tool *out, struct err *e)
{
    const struct json *limits = json_get(spec, "limits");
    struct tool t = {.spec = spec,
                     .name = json_str(json_get(spec, "tool")),
                     .version = json_str(json_get(spec, "version")),
                     .summary = json_str(json_get(spec, "summary")),
                     .input = json_get(spec, "input"),
                     .timeout_ms = (int)json_int(json_get(spec, "timeout_ms"), 5000),
                     .fresh_us = json_int(json_get(spec, "fresh_s"), 0) * 1000000,
                     .answer_bytes_max = (size_t)json_int(json_get(spec, "answer_bytes_max"), ANSWER_BYTES_MAX),
                     .memory_bytes_max = (size_t)json_int(json_get(spec, "memory_mib"), MEMORY_MIB) << 20,
                     .limit_per_conversation = (int)json_int(json_get(limits, "per_conversation"), 0),
                     .limit_per_turn = (int)json_int(json_get(limits, "per_turn"), 0)};
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
    if (t.action && json_get(spec, "lua"))
        return yaml_refuse(e, file, json_get(spec, "lua"), "a program only computes; an action has a request");
    if (read_lua(spec, file, e) < 0 || read_command(spec, file, e) < 0 ||
        read_command(json_get(spec, "reconcile"), file, e) < 0 || read_knowledge(spec, file, &t, e) < 0 ||
        read_steps(spec, file, &t, e) < 0 || read_class(spec, file, &t, e) < 0 || read_retry(spec, file, &t, e) < 0)
        return ERR_INVALID;
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
    t.model_input = tool_model_input(a, t.input);
    *out = t;
    return 0;
}
