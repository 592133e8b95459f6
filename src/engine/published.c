#include "engine/published.h"

#include "engine/agent.h"
#include "engine/composition.h"

#include <stdlib.h>
#include <unistd.h>

/* 1: there is a store; 0: nothing is published yet. */
static int opened(struct published *p, struct err *e)
{
    if (p->store)
        return 1;
    if (!p->path || access(p->path, F_OK) != 0)
        return 0;
    int r = store_open(&(struct store_config){.path = p->path, .read_only = true}, &p->store, e);
    p->own = r == 0;
    return r < 0 ? r : 1;
}

void published_close(struct published *p)
{
    if (p->own)
        store_close(p->store);
    if (p->own)
        p->store = NULL;
    p->own = false;
}

static int by_version(const void *x, const void *y)
{
    return semver_cmp(((const struct module *)x)->version, ((const struct module *)y)->version);
}

int published_modules(struct published *p, struct arena *a, const struct module_kind *kind, struct str name,
                      struct module **out, size_t *n, struct err *e)
{
    struct module_row *rows;
    size_t rows_n = 0;
    *n = 0;
    int r = opened(p, e);
    if (r > 0)
        r = registry_modules(p->store, a, str_of(kind->folder), name, &rows, &rows_n, e);
    *out = ARENA_ARRAY(a, struct module, rows_n + 1);
    for (size_t i = 0; r == 0 && i < rows_n; i++) {
        struct semver version;
        r = semver_parse(rows[i].version, &version, e);
        if (r == 0)
            r = module_recall(a, kind, rows[i].name, version, rows[i].change, rows[i].body, &(*out)[i], e);
        if (r == 0 && !sha256_eq(&(*out)[i].sha, &rows[i].sha))
            r = err_set(e, ERR_INVALID, "%s/%.*s@%.*s is not what was published: its body has another hash",
                        kind->folder, STR_ARG(name), STR_ARG(rows[i].version));
    }
    if (r < 0)
        return r;
    qsort(*out, rows_n, sizeof **out, by_version);
    *n = rows_n;
    return 0;
}

static int find(void *arg, struct arena *a, const struct module_kind *kind, struct str name,
                const struct semver_range *range, struct module *out, struct err *e)
{
    return published_module(arg, a, kind, &(struct module_reference){.name = name, .range = *range}, out, e);
}

struct module_source published_source(struct published *p)
{
    return (struct module_source){.find = find, .arg = p};
}

/* --- agents --- */

static int by_agent_version(const void *x, const void *y)
{
    return semver_cmp(((const struct published_agent *)x)->self.version,
                      ((const struct published_agent *)y)->self.version);
}

/* The agent's own part of its bundle, as a module. */
static int agent_recall(struct published *p, struct arena *a, const struct agent_row *row, struct published_agent *out,
                        struct err *e)
{
    struct json *all;
    struct semver version;
    out->sha = row->sha;
    out->lock = row->lock;
    if (store_blob_get(p->store, a, &row->sha, &out->bundle, e) < 0 || json_parse(a, out->bundle, &all, e) < 0 ||
        semver_parse(row->version, &version, e) < 0)
        return e ? e->code : ERR_INVALID;
    struct json *self = json_new(a, JSON_OBJECT);
    const struct json *whole = json_get(all, "agent");
    for (const struct json *m = whole ? whole->child : NULL; m; m = m->next)
        if (!str_is(m->key, "version"))
            json_set(self, m->key, json_copy(a, m));
    return module_recall(a, module_agents, row->name, version, row->change, json_canonical(a, self), &out->self, e);
}

int published_agents(struct published *p, struct arena *a, struct str name, struct published_agent **out, size_t *n,
                     struct err *e)
{
    struct agent_row *rows;
    size_t rows_n = 0;
    *n = 0;
    int r = opened(p, e);
    if (r > 0)
        r = registry_agents(p->store, a, name, &rows, &rows_n, e);
    *out = ARENA_ARRAY(a, struct published_agent, rows_n + 1);
    for (size_t i = 0; r == 0 && i < rows_n; i++)
        r = agent_recall(p, a, &rows[i], &(*out)[i], e);
    if (r < 0)
        return r;
    qsort(*out, rows_n, sizeof **out, by_agent_version);
    *n = rows_n;
    return 0;
}

/* Nothing fits: which versions are there? */
static int none_fits(struct arena *a, const char *what, const struct module_reference *ref, const struct semver *there,
                     size_t n, struct err *e)
{
    struct buf list = buf_new(a, 200);
    if (n == 0)
        return err_set(e, ERR_NOT_FOUND, "nothing of %s/%.*s is published; do: candor publish", what,
                       STR_ARG(ref->name));
    for (size_t i = n; i > 0; i--)
        buf_addf(&list, "%s%.*s", i == n ? "" : ", ", STR_ARG(semver_text(a, there[i - 1])));
    return err_set(e, ERR_NOT_FOUND, "that version of %s/%.*s is not published; published are: %.*s", what,
                   STR_ARG(ref->name), STR_ARG(buf_str(&list)));
}

static bool is_meant(const struct module_reference *ref, struct semver v)
{
    return ref->any || semver_in(v, ref->range);
}

int published_module(struct published *p, struct arena *a, const struct module_kind *kind,
                     const struct module_reference *ref, struct module *out, struct err *e)
{
    struct module *all;
    size_t n;
    int r = published_modules(p, a, kind, ref->name, &all, &n, e);
    if (r < 0)
        return r;
    struct semver *there = ARENA_ARRAY(a, struct semver, n + 1);
    for (size_t i = n; i > 0; i--) {
        there[i - 1] = all[i - 1].version;
        if (is_meant(ref, there[i - 1])) {
            *out = all[i - 1];
            return 0;
        }
    }
    return none_fits(a, kind->folder, ref, there, n, e);
}

int published_agent(struct published *p, struct arena *a, const struct module_reference *ref,
                    struct published_agent *out, struct err *e)
{
    struct published_agent *all;
    size_t n;
    int r = published_agents(p, a, ref->name, &all, &n, e);
    if (r < 0)
        return r;
    struct semver *there = ARENA_ARRAY(a, struct semver, n + 1);
    for (size_t i = n; i > 0; i--) {
        there[i - 1] = all[i - 1].self.version;
        if (is_meant(ref, there[i - 1])) {
            *out = all[i - 1];
            return 0;
        }
    }
    return none_fits(a, "agents", ref, there, n, e);
}

int published_composition(struct published *p, struct arena *a, const struct published_agent *agent,
                          struct composition *out, struct err *e)
{
    struct json *lock;
    int r = json_parse(a, agent->lock, &lock, e);
    if (r < 0)
        return r;
    struct module *modules = ARENA_ARRAY(a, struct module, lock->n + 1);
    size_t n = 0;
    for (const struct json *m = lock->child; m && r == 0; m = m->next) {
        const struct module_kind *kind = module_kind_of_folder(json_str(json_get(m, "kind")));
        struct semver_range exact;
        if (!kind)
            return err_set(e, ERR_UNSUPPORTED,
                           "the agent has a module of the kind %.*s, which this program does not know",
                           STR_ARG(json_str(json_get(m, "kind"))));
        r = semver_range_parse(json_str(json_get(m, "version")), &exact, e);
        if (r == 0)
            r = find(p, a, kind, json_str(json_get(m, "name")), &exact, &modules[n++], e);
    }
    *out = (struct composition){.self = agent->self, .modules = modules, .n = n, .bundle = agent->bundle};
    return r;
}

int published_bundle(struct published *p, struct arena *a, const char *dir, struct str reference, struct str *bundle,
                     struct err *e)
{
    if (!str_has(reference, STR("@"))) {
        struct module_source source = published_source(p);
        return agent_bundle(a, dir, str_c(a, reference), &source, bundle, e);
    }
    struct published_agent version;
    struct module_reference ref;
    int r = module_reference_parse(reference, &ref, e);
    if (r == 0)
        r = published_agent(p, a, &ref, &version, e);
    if (r == 0)
        *bundle = version.bundle;
    return r;
}
