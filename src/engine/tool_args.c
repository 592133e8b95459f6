#include "engine/tool_parts.h"

#include "base/schema.h"

static const struct {
    const char *name;
    enum tool_source source;
} sources[] = {{"session", TOOL_SESSION}, {"customer", TOOL_CUSTOMER}, {"tool", TOOL_TOOL}, {"model", TOOL_MODEL}};

static unsigned source_of(struct str name)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (str_is(name, sources[i].name))
            return sources[i].source;
    return 0;
}

unsigned tool_property_sources(const struct json *property)
{
    const struct json *said = json_get(property, "x-source");
    unsigned all = source_of(json_str(said));
    for (const struct json *one = json_is(said, JSON_ARRAY) ? said->child : NULL; one; one = one->next)
        all |= source_of(json_str(one));
    return all ? all : TOOL_ANY_SOURCE;
}

static bool from_session(const struct json *property)
{
    return tool_property_sources(property) & TOOL_SESSION;
}

unsigned tool_argument_sources(const struct tool *t, struct str name)
{
    const struct json *properties = json_get(t->input, "properties");
    for (const struct json *p = properties ? properties->child : NULL; p; p = p->next)
        if (str_eq(p->key, name))
            return tool_property_sources(p);
    return 0;
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

struct json *tool_model_input(struct arena *a, const struct json *input)
{
    return for_the_model(a, input, true);
}

/* The value that `x-from` names; the customer where it names none. */
static struct json *of_session(struct arena *a, const struct json *property, const struct tool_session *session)
{
    struct str from = json_str_or(json_get(property, "x-from"), STR("session.customer"));
    if (str_is(from, "session.identity"))
        return json_new_int(a, session->identity);
    return json_new_str(a, str_is(from, "session.locale") ? session->locale : session->customer);
}

int tool_arguments(struct arena *a, const struct tool *t, struct str text, const struct tool_session *session,
                   struct json **args, struct err *e)
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
        json_set(v, p->key, of_session(a, p, session));
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

enum { HIDDEN_BYTES_MIN = 4 /* shorter ones are found elsewhere by chance */ };

/* Every text and number below v. */
static void collect(struct arena *a, const struct json *v, struct json *into)
{
    if ((json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER)) && v->text.n >= HIDDEN_BYTES_MIN)
        json_push(into, json_new_str(a, v->text));
    for (const struct json *m = json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY) ? v->child : NULL; m; m = m->next)
        collect(a, m, into);
}

static void mask_at(struct arena *a, struct json *v, struct str path, struct json *hidden)
{
    struct str part;
    if (json_is(v, JSON_ARRAY)) {
        for (struct json *item = v->child; item; item = item->next)
            mask_at(a, item, path, hidden);
        return;
    }
    if (!str_split(&path, '.', &part)) {
        if (hidden)
            collect(a, v, hidden);
        if (v->kind != JSON_NULL)
            *v = (struct json){.kind = JSON_STRING, .key = v->key, .text = STR("[masked]"), .next = v->next};
        return;
    }
    for (struct json *m = json_is(v, JSON_OBJECT) ? v->child : NULL; m; m = m->next)
        if (str_eq(m->key, part))
            mask_at(a, m, path, hidden);
}

struct json *tool_masked(struct arena *a, const struct tool *t, const struct json *value, struct json *hidden)
{
    struct json *copy = json_copy(a, value);
    const struct json *paths = json_get(json_get(t->spec, "audit"), "mask");
    for (const struct json *p = paths ? paths->child : NULL; p; p = p->next)
        mask_at(a, copy, json_str(p), hidden);
    return copy;
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
