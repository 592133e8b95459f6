/* Parameters and bodies of an operation as a tool's arguments, and how its request is put together from them. */
#include "engine/openapi_parts.h"

#include <string.h>

enum { ARGUMENTS_MAX = 60 };

/* One argument and where it came from. */
struct argument {
    struct str raw, name;
    enum { IN_PATH, IN_QUERY, IN_BODY, IN_WHOLE } in;
    bool required;
};

struct input {
    struct tool_draft *d;
    struct argument of[ARGUMENTS_MAX];
    size_t n;
    struct str whole; /* the argument that is the whole body, where that is no object; "" otherwise */
};

/* A name that expressions can hold, and that no other argument has. */
static struct str argument_name(struct input *x, struct str raw)
{
    struct arena *a = x->d->arena;
    struct buf b = buf_new(a, 60);
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        bool first = b.n == 0 && ((c >= '0' && c <= '9') || !fine);
        if (!first)
            buf_addc(&b, fine ? c : '_');
        else if (fine)
            buf_addf(&b, "n%c", c);
    }
    struct str base = b.n ? buf_str(&b) : STR("value"), name = base;
    if (!openapi_path_word(base))
        name = base = str_f(a, "%.*s_value", STR_ARG(base));
    for (int i = 2; json_get(x->d->properties, str_c(a, name)); i++)
        name = str_f(a, "%.*s_%d", STR_ARG(base), i);
    return name;
}

/* "cardId" as "Card id" */
static struct str label(struct arena *a, struct str name)
{
    struct buf b = buf_new(a, 120);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool upper = c >= 'A' && c <= 'Z', after_lower = i && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z';
        if (upper && after_lower)
            buf_addc(&b, ' ');
        if (i == 0 && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (i && upper)
            c = (char)(c - 'A' + 'a');
        buf_addc(&b, c == '_' ? ' ' : c);
    }
    return buf_str(&b);
}

static struct json *one_text(struct arena *a, struct str key, struct str text)
{
    struct json *o = json_new(a, JSON_OBJECT);
    json_set(o, key, json_new_str(a, text));
    return o;
}

/* NULL when there are too many. */
static struct argument *add(struct input *x, struct argument one, struct json *schema, const struct json *description,
                            const struct json *example)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    if (x->n == ARGUMENTS_MAX) {
        tool_draft_todo(d, "input", "more than %d arguments; %.*s is left out", ARGUMENTS_MAX,
                        STR_ARG(openapi_line(a, one.raw, 60)));
        return NULL;
    }
    one.name = argument_name(x, one.raw);
    if (!json_is(schema, JSON_OBJECT))
        schema = json_new(a, JSON_OBJECT);
    if (json_str(description).n && !json_get(schema, "description"))
        json_set(schema, STR("description"),
                 json_new_str(a, openapi_line(a, json_str(description), OPENAPI_WORDS_MAX)));
    if (d->action) {
        json_set(schema, STR("x-show"), json_new_bool(true, a));
        json_set(schema, STR("x-label"), one_text(a, STR("en"), label(a, one.name)));
    }
    json_set(d->properties, one.name, schema);
    if (one.required)
        json_push(d->required, json_new_str(a, one.name));
    if (example)
        json_set(d->args, one.name, json_copy(a, example));
    x->of[x->n] = one;
    return &x->of[x->n++];
}

/* --- parameters --- */

static bool same_parameter(const struct json *p, const struct json *q)
{
    return str_eq(json_str(json_get(p, "name")), json_str(json_get(q, "name"))) &&
           str_eq(json_str(json_get(p, "in")), json_str(json_get(q, "in")));
}

/* Those of the path, which the operation's own may replace. */
static bool replaced(const struct tool_draft *d, const struct json *p)
{
    const struct json *own = json_get(d->operation, "parameters");
    for (const struct json *q = own ? own->child : NULL; q; q = q->next)
        if (same_parameter(openapi_follow(d, q), p))
            return true;
    return false;
}

static void take_header(struct tool_draft *d, struct str name)
{
    if (d->action && (str_is(name, "Idempotency-Key") || str_is(name, "idempotency-key")))
        json_set(d->spec, STR("idempotency"), one_text(d->arena, STR("mode"), STR("key")));
    else
        tool_draft_todo(d, "http", "the header %.*s is not sent", STR_ARG(name));
}

static bool is_list_or_object(const struct json *schema)
{
    const struct json *type = json_get(schema, "type");
    return str_is(json_str(type), "array") || str_is(json_str(type), "object");
}

static void take_parameter(struct input *x, const struct json *p)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    struct str raw = json_str(json_get(p, "name")), in = json_str(json_get(p, "in"));
    struct str shown = openapi_line(a, raw, 60);
    const struct json *schema = json_get(p, "schema");
    bool required = json_bool(json_get(p, "required"), false), path = str_is(in, "path");
    if (!raw.n)
        tool_draft_todo(d, "input", "a parameter without a name in the document is left out");
    else if (str_is(in, "header"))
        take_header(d, shown);
    else if (!path && !str_is(in, "query"))
        tool_draft_todo(d, "http", "the %s parameter %.*s is not sent", str_is(in, "cookie") ? "cookie" : "other",
                        STR_ARG(shown));
    else if (!schema || is_list_or_object(openapi_follow(d, schema)))
        tool_draft_todo(d, "http", "the parameter %.*s is no plain text or number and is left out", STR_ARG(shown));
    else
        add(x, (struct argument){.raw = raw, .in = path ? IN_PATH : IN_QUERY, .required = path || required},
            openapi_schema(d, schema, shown), json_get(p, "description"), openapi_example(d, p));
}

static void take_parameters(struct input *x)
{
    struct tool_draft *d = x->d;
    const struct json *shared = json_get(d->item, "parameters"), *own = json_get(d->operation, "parameters");
    for (const struct json *p = json_is(shared, JSON_ARRAY) ? shared->child : NULL; p; p = p->next)
        if (openapi_follow(d, p) && !replaced(d, openapi_follow(d, p)))
            take_parameter(x, openapi_follow(d, p));
    for (const struct json *p = json_is(own, JSON_ARRAY) ? own->child : NULL; p; p = p->next)
        if (openapi_follow(d, p))
            take_parameter(x, openapi_follow(d, p));
}

/* --- bodies --- */

/* The members of an object's schema, those of its allOf included. False when it is not only that. */
static bool gather(struct arena *a, const struct json *schema, struct json *properties, struct json *required)
{
    static const char *const known[] = {"type",        "properties", "required",      "additionalProperties",
                                        "description", "allOf",      "minProperties", "maxProperties",
                                        "default",     NULL};
    const struct json *type = json_get(schema, "type"), *all = json_get(schema, "allOf");
    const struct json *own = json_get(schema, "properties"), *names = json_get(schema, "required");
    if (!json_is(schema, JSON_OBJECT) || (type && !str_is(json_str(type), "object")))
        return false;
    for (const struct json *m = schema->child; m; m = m->next) {
        size_t i = 0;
        while (known[i] && !str_is(m->key, known[i]))
            i++;
        if (!known[i])
            return false;
    }
    for (const struct json *p = own ? own->child : NULL; p; p = p->next)
        json_set(properties, p->key, json_copy(a, p));
    for (const struct json *n = names ? names->child : NULL; n; n = n->next)
        json_push(required, json_copy(a, n));
    for (const struct json *s = all ? all->child : NULL; s; s = s->next)
        if (!gather(a, s, properties, required))
            return false;
    return true;
}

static bool names(const struct json *list, struct str name)
{
    for (const struct json *n = list->child; n; n = n->next)
        if (str_eq(json_str(n), name))
            return true;
    return false;
}

static void take_body(struct input *x)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    const struct json *body = openapi_follow(d, json_get(d->operation, "requestBody")), *media = openapi_json(d, body);
    struct json *properties = json_new(a, JSON_OBJECT), *required = json_new(a, JSON_ARRAY);
    if (!body)
        return;
    if (!media) {
        tool_draft_todo(d, "http", "the body is no JSON and is not sent");
        return;
    }
    struct json *schema = openapi_schema(d, json_get(media, "schema"), STR("the body"));
    const struct json *example = openapi_example(d, media);
    if (!gather(a, schema, properties, required) || !properties->n) {
        const struct argument *all =
            add(x, (struct argument){.raw = STR("body"), .in = IN_WHOLE, .required = true}, schema, NULL, example);
        x->whole = all ? all->name : STR("");
        return;
    }
    if (!json_bool(json_get(body, "required"), false))
        tool_draft_todo(d, "http", "the document lets the body be left out; here it is always sent");
    for (const struct json *p = properties->child; p; p = p->next) {
        const struct json *given = json_is(example, JSON_OBJECT) ? json_get(example, str_c(a, p->key)) : NULL;
        add(x, (struct argument){.raw = p->key, .in = IN_BODY, .required = names(required, p->key)}, json_copy(a, p),
            NULL, given);
    }
    const struct json *in_document = json_get(openapi_follow(d, json_get(media, "schema")), "properties");
    for (const struct json *p = in_document ? in_document->child : NULL; p && !example; p = p->next) {
        const struct json *one = openapi_example(d, openapi_follow(d, p));
        for (size_t i = 0; i < x->n && one; i++)
            if (x->of[i].in == IN_BODY && str_eq(x->of[i].raw, p->key))
                json_set(d->args, x->of[i].name, json_copy(a, one));
    }
}

/* --- the request --- */

static const struct argument *in_place(const struct input *x, struct str raw)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->of[i].in == IN_PATH && str_eq(x->of[i].raw, raw))
            return &x->of[i];
    return NULL;
}

static void escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("-._~", c));
        buf_addf(out, plain ? "%c" : "%%%02X", c);
    }
}

/* The path with its arguments; a {part} that the document does not describe is one too. */
static void put_path(struct input *x, struct buf *url)
{
    struct tool_draft *d = x->d;
    for (size_t i = 0; i < d->path.n; i++) {
        ptrdiff_t end = d->path.p[i] == '{' ? str_find(str_from(d->path, i), STR("}")) : -1;
        unsigned char c = (unsigned char)d->path.p[i];
        if (end < 2) {
            if (c > ' ' && c < 127 && c != '{' && c != '}' && c != '$')
                buf_addc(url, (char)c);
            else
                escape(url, (struct str){d->path.p + i, 1});
            continue;
        }
        struct str raw = {d->path.p + i + 1, (size_t)end - 1};
        const struct argument *arg = in_place(x, raw);
        if (!arg) {
            struct json *schema = one_text(d->arena, STR("type"), STR("string"));
            tool_draft_todo(d, "input", "the document does not describe {%.*s}, a part of the path",
                            STR_ARG(openapi_line(d->arena, raw, 60)));
            arg = add(x, (struct argument){.raw = raw, .in = IN_PATH, .required = true}, schema, NULL, NULL);
        }
        if (arg)
            buf_addf(url, "{%.*s}", STR_ARG(arg->name));
        i += (size_t)end;
    }
}

static void put_request(struct input *x)
{
    struct tool_draft *d = x->d;
    struct arena *a = d->arena;
    struct json *http = json_new(a, JSON_OBJECT), *body = json_new(a, JSON_OBJECT), *query = json_new(a, JSON_OBJECT);
    struct buf url = buf_new(a, 4096);
    bool as_it_is = true, optional = false;
    buf_addf(&url, "${%.*s}", STR_ARG(d->service));
    put_path(x, &url);
    for (size_t i = 0; i < x->n; i++) {
        const struct argument *arg = &x->of[i];
        as_it_is = as_it_is && arg->in == IN_BODY && str_eq(arg->raw, arg->name);
        optional = optional || (arg->in == IN_BODY && !arg->required);
        if (arg->in == IN_BODY)
            json_set(body, arg->raw, json_new_str(a, arg->name));
        if (arg->in == IN_QUERY)
            json_set(query, arg->raw, json_new_str(a, arg->name));
    }
    json_set(http, STR("method"), json_new_str(a, d->method));
    json_set(http, STR("url"), json_new_str(a, buf_str(&url)));
    if (query->n)
        json_set(http, STR("query"), query);
    if (x->whole.n)
        json_set(http, STR("body"), json_new_str(a, x->whole));
    else if (body->n)
        json_set(http, STR("body"), as_it_is ? json_new_str(a, STR("args")) : body);
    if (body->n && !as_it_is && optional)
        tool_draft_todo(d, "http", "members of the body that may be missing are sent as null then");
    json_set(d->spec, STR("http"), http);
}

void tool_draft_read_input(struct tool_draft *d)
{
    struct arena *a = d->arena;
    struct input *x = ARENA_NEW(a, struct input);
    x->d = d;
    struct json *input = one_text(a, STR("type"), STR("object"));
    take_parameters(x);
    take_body(x);
    put_request(x);
    json_set(input, STR("properties"), d->properties);
    if (d->required->n)
        json_set(input, STR("required"), d->required);
    json_set(input, STR("additionalProperties"), json_new_bool(false, a));
    json_set(d->spec, STR("input"), input);
}
