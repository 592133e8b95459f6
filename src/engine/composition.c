#include "engine/composition.h"

#include "base/yaml.h"
#include "engine/agent.h"
#include "engine/keys.h"
#include "engine/knowledge.h"
#include "engine/variant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

static int read_file(struct arena *a, const char *path, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "%s: %s", path, strerror(errno));
    struct buf b = buf_new(a, FILE_BYTES_MAX);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s: cannot be read", path);
    if (b.cut)
        return err_set(e, ERR_LIMIT, "%s: larger than 1 MiB", path);
    *out = buf_str(&b);
    return 0;
}

const char *module_path(struct arena *a, const char *dir, const struct module_kind *kind, struct str name)
{
    return str_f(a, "%s/%s/%.*s.%s", dir, kind->folder, STR_ARG(name), kind->text ? "md" : "yaml").p;
}

/* What an agent can look up belongs to its version: the body of a tool with `knowledge` holds the hash of its documents. */
static int pin_documents(struct arena *a, const char *dir, const char *path, struct module *m, struct err *e)
{
    const struct json *how = json_get(m->data, "knowledge"), *collection = json_get(how, "collection");
    struct knowledge *k;
    struct err why;
    if (!str_is(str_of(m->kind->folder), "tools") || !how)
        return 0;
    if (!module_name_ok(json_str(collection)))
        return yaml_refuse(e, path, how, "a collection is a folder of knowledge/: small letters, digits, _ and -");
    const char *documents = str_f(a, "%s/knowledge/%.*s", dir, STR_ARG(json_str(collection))).p;
    if (knowledge_open(documents, json_str(collection), &k, &why) < 0)
        return why.code == ERR_NOT_FOUND ? yaml_refuse(e, path, collection, "%s", why.text)
                                         : err_set(e, why.code, "%s", why.text);
    struct sha256 sha = knowledge_sha(k);
    knowledge_close(k);
    json_set((struct json *)(uintptr_t)how, STR("sha256"), json_new_str(a, hash_hex(a, sha.b, SHA256_BYTES)));
    m->body = json_canonical(a, m->data);
    m->sha = sha256_of(m->body);
    return 0;
}

int module_draft(struct arena *a, const char *dir, const struct module_kind *kind, struct str name, struct module *out,
                 struct str *text, struct err *e)
{
    const char *path = module_path(a, dir, kind, name);
    struct str bytes;
    int r = read_file(a, path, &bytes, e);
    if (r < 0)
        return r;
    if (text)
        *text = bytes;
    r = module_read(a, kind, name, bytes, path, out, e);
    return r < 0 ? r : pin_documents(a, dir, path, out, e);
}

/* --- what an agent names --- */

enum { MODULES_MAX = 1000 };

struct reading {
    struct arena *a;
    const char *dir, *path; /* the workspace, the agent's file */
    const struct module_source *published;
    struct module *modules;
    size_t n;
};

/* The working tree has another version than the agent asks for, or none. */
static int find_published(const struct reading *rd, const struct module_kind *kind, const struct json *named,
                          const struct module_reference *ref, const struct module *draft, struct module *out,
                          struct err *e)
{
    int r = rd->published ? rd->published->find(rd->published->arg, rd->a, kind, ref->name, &ref->range, out, e)
                          : ERR_NOT_FOUND;
    if (r != ERR_NOT_FOUND)
        return r;
    struct str version = draft ? semver_text(rd->a, draft->version) : STR("not there");
    return yaml_refuse(e, rd->path, named, "no published version of %s/%.*s fits %.*s, and the draft is %.*s",
                       kind->folder, STR_ARG(ref->name), STR_ARG(str_from(named->text, ref->name.n + 1)),
                       STR_ARG(version));
}

static int load_named(struct reading *rd, const struct module_kind *kind, const struct json *named, struct err *e)
{
    struct module_reference ref;
    struct module draft, *out = &rd->modules[rd->n];
    struct err why;
    if (module_reference_parse(named->text, &ref, &why) < 0)
        return yaml_refuse(e, rd->path, named, "%s", why.text);
    if (rd->n == MODULES_MAX)
        return yaml_refuse(e, rd->path, named, "an agent is composed of %d modules at most", MODULES_MAX);
    int r = module_draft(rd->a, rd->dir, kind, ref.name, &draft, NULL, e);
    if (r == ERR_NOT_FOUND && ref.any)
        return err_in(e, "%s:%u", rd->path, named->line);
    if (r == 0 && (ref.any || semver_in(draft.version, ref.range)))
        *out = draft;
    else if (r == 0 || r == ERR_NOT_FOUND)
        r = find_published(rd, kind, named, &ref, r == 0 ? &draft : NULL, out, e);
    if (r == 0)
        rd->n++;
    return r;
}

/* `named` as the agent's bundle names it. */
static struct json *exact_name(struct arena *a, const struct module *m, const struct json *named)
{
    struct json *v = json_new_str(a, str_f(a, "%.*s@%.*s", STR_ARG(m->name), STR_ARG(semver_text(a, m->version))));
    v->line = named->line;
    return v;
}

/* Loads what a map of kinds names (`compose`); the same map with exact versions, or NULL. */
static struct json *load_map(struct reading *rd, const struct json *compose, struct err *e)
{
    struct json *exact = json_new(rd->a, JSON_OBJECT);
    exact->line = compose->line;
    for (const struct json *c = compose->child; c; c = c->next) {
        const struct module_kind *kind = module_kind_of_compose(c->key); /* engine/keys.h knows no other */
        struct json *list = json_new(rd->a, JSON_ARRAY);
        list->line = c->line;
        for (const struct json *n = c->kind == JSON_STRING ? c : c->child; n; n = n == c ? NULL : n->next) {
            if (load_named(rd, kind, n, e) < 0)
                return NULL;
            json_push(list, exact_name(rd->a, &rd->modules[rd->n - 1], n));
        }
        json_set(exact, c->key, list);
    }
    return exact;
}

/* The same module for two variants stands once. */
static void drop_repeated(struct reading *rd, size_t base_n)
{
    size_t kept = base_n;
    for (size_t i = base_n; i < rd->n; i++) {
        size_t k = base_n;
        while (k < kept &&
               !(rd->modules[k].kind == rd->modules[i].kind && str_eq(rd->modules[k].name, rd->modules[i].name)))
            k++;
        if (k == kept)
            rd->modules[kept++] = rd->modules[i];
    }
    rd->n = kept;
}

/* What the variants of the file add; its list with exact names. */
static int load_variants(struct reading *rd, struct json *data, struct err *e)
{
    const struct json *variants = json_get(data, "variants");
    size_t base_n = rd->n;
    for (struct json *v = variants ? (struct json *)variants->child : NULL; v; v = v->next) {
        const struct json *add = json_get(v, "add");
        struct json *exact = add ? load_map(rd, add, e) : NULL;
        if (add && !exact)
            return e ? e->code : ERR_INVALID;
        if (exact)
            json_set(v, STR("add"), exact);
    }
    drop_repeated(rd, base_n);
    return 0;
}

/* What a variant takes away must be there, and the agent fits together with each of them. */
static int check_variants(struct arena *a, const struct json *all, const char *dir, const char *path, struct err *e)
{
    const struct json *agent = json_get(all, "agent"), *variants = json_get(agent, "variants");
    for (const struct json *v = variants ? variants->child : NULL; v; v = v->next) {
        const struct json *family = json_get(json_get(v, "when"), "model_family");
        struct json *one = variant_apply(a, all, v), *self = json_new(a, JSON_OBJECT);
        for (const struct json *m = json_get(one, "agent")->child; m; m = m->next)
            if (!str_is(m->key, "model_family")) /* what `set` made of the file must be a file */
                json_set(self, m->key, json_copy(a, m));
        if (keys_check(self, "agent", path, e) < 0 || agent_check(one, dir, e) < 0)
            return err_in(e, "%s:%u: for %.*s", path, family->line, STR_ARG(family->text));
    }
    return 0;
}

/* --- the bundle --- */

/* The agent's file with its version and exact names. */
static struct json *agent_of(struct arena *a, const struct module *self)
{
    struct json *agent = json_copy(a, self->data);
    json_set(agent, STR("version"), json_new_str(a, semver_text(a, self->version)));
    return agent;
}

static struct json *bundle_of(struct arena *a, const struct composition *c)
{
    static const char *const scope[] = {"applies_to", "locale", "priority"}; /* of instructions, whose body is text */
    struct json *all = json_new(a, JSON_OBJECT), *modules = json_new(a, JSON_ARRAY), *more = json_new(a, JSON_ARRAY);
    for (size_t i = 0; i < c->n; i++) {
        const struct module *m = &c->modules[i];
        struct json *one = json_new(a, JSON_OBJECT);
        json_set(one, STR("kind"), json_new_str(a, str_of(m->kind->compose)));
        json_set(one, STR("name"), json_new_str(a, m->name));
        json_set(one, STR("version"), json_new_str(a, semver_text(a, m->version)));
        json_set(one, STR("sha256"), json_new_str(a, hash_hex(a, m->sha.b, SHA256_BYTES)));
        for (size_t k = 0; m->kind->text && k < sizeof scope / sizeof *scope; k++)
            if (json_get(m->data, scope[k]))
                json_set(one, str_of(scope[k]), json_copy(a, json_get(m->data, scope[k])));
        json_set(one, STR("body"), json_copy(a, m->kind->text ? json_get(m->data, "text") : m->data));
        json_push(i < c->base_n ? modules : more, one);
    }
    json_set(all, STR("agent"), agent_of(a, &c->self));
    json_set(all, STR("modules"), modules);
    if (more->n)
        json_set(all, STR("variant_modules"), more);
    return all;
}

struct str composition_lock(struct arena *a, const struct composition *c)
{
    struct json *lock = json_new(a, JSON_ARRAY);
    for (size_t i = 0; i < c->n; i++) {
        const struct module *m = &c->modules[i];
        struct json *one = json_new(a, JSON_OBJECT);
        json_set(one, STR("kind"), json_new_str(a, str_of(m->kind->folder)));
        json_set(one, STR("name"), json_new_str(a, m->name));
        json_set(one, STR("version"), json_new_str(a, semver_text(a, m->version)));
        json_set(one, STR("sha256"), json_new_str(a, hash_hex(a, m->sha.b, SHA256_BYTES)));
        json_push(lock, one);
    }
    return json_canonical(a, lock);
}

int composition_read(struct arena *a, const char *dir, const char *name, const struct module_source *published,
                     struct composition *out, struct err *e)
{
    struct composition c = {0};
    if (!module_name_ok(str_of(name)))
        return err_set(e, ERR_INVALID, "\"%s\" is no agent name", name);
    int r = module_draft(a, dir, module_agents, str_of(name), &c.self, NULL, e);
    if (r < 0)
        return r;
    struct reading rd = {.a = a,
                         .dir = dir,
                         .path = module_path(a, dir, module_agents, c.self.name),
                         .published = published,
                         .modules = ARENA_ARRAY(a, struct module, MODULES_MAX)};
    struct json *data = json_copy(a, c.self.data), *exact = load_map(&rd, json_get(data, "compose"), e);
    if (!exact)
        return e ? e->code : ERR_INVALID;
    json_set(data, STR("compose"), exact);
    size_t base_n = rd.n;
    if ((r = load_variants(&rd, data, e)) < 0)
        return r;
    c.self.data = data;
    c.self.body = json_canonical(a, data);
    c.self.sha = sha256_of(c.self.body);
    c.modules = rd.modules;
    c.n = rd.n;
    c.base_n = base_n;
    struct json *all = bundle_of(a, &c);
    if (agent_check(all, dir, e) < 0)
        return e ? e->code : ERR_INVALID;
    if (check_variants(a, all, dir, rd.path, e) < 0)
        return e ? e->code : ERR_INVALID;
    c.bundle = json_canonical(a, all);
    *out = c;
    return 0;
}

int agent_bundle(struct arena *a, const char *dir, const char *name, const struct module_source *published,
                 struct str *bundle, struct err *e)
{
    struct composition c;
    int r = composition_read(a, dir, name, published, &c, e);
    if (r == 0)
        *bundle = c.bundle;
    return r;
}
