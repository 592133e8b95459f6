/* The names in a schema document, and where references lead. URIs are RFC 3986's; nothing is ever fetched. */
#include "base/schema_words.h"

#include <string.h>

enum { URI_BYTES_MAX = 8192 };

/* --- URIs --- */

/* The parts of a URI without its fragment; p is NULL where a part is not there. */
struct uri {
    struct str scheme, authority, path, query;
};

static bool scheme_byte(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

static struct uri uri_of(struct str s)
{
    struct uri u = {0};
    size_t n = 0;
    while (n < s.n && scheme_byte(s.p[n], n == 0))
        n++;
    if (n && n < s.n && s.p[n] == ':') {
        u.scheme = str_head(s, n);
        s = str_from(s, n + 1);
    }
    if (str_starts(s, STR("//"))) {
        s = str_from(s, 2);
        for (n = 0; n < s.n && s.p[n] != '/' && s.p[n] != '?';)
            n++;
        u.authority = n ? str_head(s, n) : STR("");
        s = str_from(s, n);
    }
    ptrdiff_t question = str_find(s, STR("?"));
    u.path = question < 0 ? s : str_head(s, (size_t)question);
    if (question >= 0)
        u.query = (struct str){s.p + question + 1, s.n - (size_t)question - 1};
    return u;
}

/* Appends a path without its "." and ".." (RFC 3986, 5.2.4). */
static void add_path(struct buf *out, struct str path)
{
    size_t begin = out->n;
    struct str rest = path, segment;
    bool absolute = str_starts(path, STR("/"));
    if (absolute) {
        buf_addc(out, '/');
        begin++;
        rest = str_from(path, 1);
    }
    while (str_split(&rest, '/', &segment)) {
        bool up = str_is(segment, ".."), last = !rest.p;
        if (up && out->n > begin)
            for (out->n--; out->n > begin && out->p[out->n - 1] != '/';)
                out->n--;
        if (up || str_is(segment, "."))
            continue;
        buf_add(out, segment);
        if (!last)
            buf_addc(out, '/');
    }
}

/* RFC 3986, 5.2.2, for a reference without a fragment. */
static struct str uri_resolve(struct arena *a, struct str base, struct str ref)
{
    struct uri b = uri_of(base), u = uri_of(ref);
    struct buf out = buf_new(a, URI_BYTES_MAX);
    bool same_authority = !u.scheme.p && !u.authority.p;
    if (!u.scheme.p)
        u.scheme = b.scheme;
    if (same_authority)
        u.authority = b.authority;
    if (same_authority && !u.path.n && !u.query.p)
        u.query = b.query;
    if (u.scheme.p)
        buf_addf(&out, "%.*s:", STR_ARG(u.scheme));
    if (u.authority.p)
        buf_addf(&out, "//%.*s", STR_ARG(u.authority));
    if (same_authority && !u.path.n) {
        buf_add(&out, b.path);
    } else if (same_authority && !str_starts(u.path, STR("/"))) {
        size_t folder = b.path.n;
        while (folder && b.path.p[folder - 1] != '/')
            folder--;
        add_path(&out, str_f(a, "%s%.*s%.*s", b.authority.p && !b.path.n ? "/" : "", (int)folder,
                             b.path.p ? b.path.p : "", STR_ARG(u.path)));
    } else if (u.scheme.p && !u.authority.p && !str_starts(u.path, STR("/"))) {
        buf_add(&out, u.path); /* urn:..., which is no path of folders */
    } else {
        add_path(&out, u.path);
    }
    if (u.query.p)
        buf_addf(&out, "?%.*s", STR_ARG(u.query));
    return buf_str(&out);
}

/* --- names --- */

static void add_name(struct refs *x, struct named name)
{
    if (x->n == x->size) {
        struct named *grown = ARENA_ARRAY(x->arena, struct named, x->size = x->size ? 2 * x->size : 8);
        if (x->n)
            memcpy(grown, x->names, x->n * sizeof *grown);
        x->names = grown;
    }
    x->names[x->n++] = name;
}

static void read_names(struct refs *x, const struct json *schema, struct named in)
{
    struct str id = json_str(json_get(schema, "$id"));
    if (schema == x->root || id.n) {
        if (str_ends(id, STR("#")))
            id = str_head(id, id.n - 1);
        in = (struct named){.uri = uri_resolve(x->arena, in.uri, id), .schema = schema, .resource = schema};
        add_name(x, in);
    }
    for (const struct json *arg = json_is(schema, JSON_OBJECT) ? schema->child : NULL; arg; arg = arg->next) {
        const struct word *word = word_find(arg->key);
        if (!word)
            continue;
        if (word->shape == SHAPE_ANCHOR && json_str(arg).n)
            add_name(x, (struct named){.anchor = arg->text,
                                       .dynamic = str_is(arg->key, "$dynamicAnchor"),
                                       .schema = schema,
                                       .resource = in.resource});
        if (word->shape == SHAPE_SCHEMA)
            read_names(x, arg, in);
        bool several = (word->shape == SHAPE_SCHEMAS && json_is(arg, JSON_ARRAY)) ||
                       ((word->shape == SHAPE_MEMBERS || word->shape == SHAPE_PATTERNS) && json_is(arg, JSON_OBJECT));
        for (const struct json *s = several ? arg->child : NULL; s; s = s->next)
            read_names(x, s, in);
    }
}

void refs_read(struct refs *x)
{
    if (x->arena)
        return;
    x->arena = arena_new("schema names", 0);
    read_names(x, x->root, (struct named){.uri = STR("")});
}

void refs_free(struct refs *x)
{
    arena_free(x->arena);
    *x = (struct refs){.root = x->root};
}

const struct named *refs_twice(struct refs *x)
{
    refs_read(x);
    for (size_t i = 0; i < x->n; i++)
        for (size_t j = i + 1; j < x->n; j++) {
            const struct named *a = &x->names[i], *b = &x->names[j];
            if (a->anchor.n ? b->anchor.n && a->resource == b->resource && a->schema != b->schema &&
                                  str_eq(a->anchor, b->anchor)
                            : !b->anchor.n && str_eq(a->uri, b->uri))
                return b;
        }
    return NULL;
}

bool refs_has(struct refs *x, const struct json *schema)
{
    refs_read(x);
    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].schema == schema && !x->names[i].anchor.n)
            return true;
    return false;
}

bool refs_names(struct refs *x, const struct json *schema)
{
    refs_read(x);
    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].schema == schema)
            return true;
    return false;
}

static const struct named *anchor_of(struct refs *x, const struct json *resource, struct str anchor)
{
    refs_read(x);
    const struct named *found = NULL;
    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].resource == resource && x->names[i].anchor.n && str_eq(x->names[i].anchor, anchor) &&
            (!found || x->names[i].dynamic)) /* one schema may have the same name of both kinds */
            found = &x->names[i];
    return found;
}

const struct json *ref_dynamic(struct refs *x, const struct json *resource, struct str anchor)
{
    const struct named *found = anchor_of(x, resource, anchor);
    return found && found->dynamic ? found->schema : NULL;
}

/* --- references --- */

/* Follows "/a/b"; a resource on the way is where the target belongs. */
static void follow(struct refs *x, struct str pointer, struct target *t)
{
    struct str rest = str_from(pointer, 1), segment;
    while (t->schema && str_split(&rest, '/', &segment)) {
        t->schema = json_pointer_step(t->schema, segment);
        if (json_is(json_get(t->schema, "$id"), JSON_STRING) && refs_has(x, t->schema))
            t->resource = t->schema;
    }
}

static const struct json *resource_at(struct refs *x, const struct json *from, struct str uri)
{
    refs_read(x);
    struct str base = STR("");
    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].schema == from && !x->names[i].anchor.n)
            base = x->names[i].uri;
    struct str full = uri_resolve(x->arena, base, uri);
    for (size_t i = 0; i < x->n; i++)
        if (!x->names[i].anchor.n && str_eq(x->names[i].uri, full))
            return x->names[i].schema;
    return NULL;
}

/* The same, found once for each reference. */
static const struct json *resource_by(struct refs *x, const struct json *from, struct str uri)
{
    for (const struct link *l = x->links; l; l = l->next)
        if (l->uri == uri.p && l->from == from)
            return l->to;
    const struct json *to = resource_at(x, from, uri);
    struct link *l = ARENA_NEW(x->arena, struct link);
    *l = (struct link){.uri = uri.p, .from = from, .to = to, .next = x->links};
    x->links = l;
    return to;
}

enum ref_result ref_find(struct refs *x, const struct json *resource, struct str ref, struct target *out)
{
    ptrdiff_t hash = str_find(ref, STR("#"));
    struct str uri = hash < 0 ? ref : str_head(ref, (size_t)hash);
    struct str fragment = hash < 0 ? STR("") : str_from(ref, (size_t)hash + 1);
    const struct json *in = uri.n ? resource_by(x, resource, uri) : resource;
    *out = (struct target){.schema = in, .resource = in};
    if (!in)
        return REF_OUTSIDE;
    if (str_starts(fragment, STR("/"))) {
        follow(x, fragment, out);
    } else if (fragment.n) {
        const struct named *named = anchor_of(x, in, fragment);
        out->schema = named ? named->schema : NULL;
        out->dynamic = named && named->dynamic ? named->anchor : STR("");
    }
    return out->schema ? REF_FOUND : REF_NOTHING;
}
