#include "engine/published.h"

#include "engine/agent.h"

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
    struct module *all;
    size_t n;
    int r = published_modules(arg, a, kind, name, &all, &n, e);
    for (size_t i = n; r == 0 && i > 0; i--)
        if (semver_in(all[i - 1].version, *range)) {
            *out = all[i - 1];
            return 0;
        }
    return r < 0 ? r
                 : err_set(e, ERR_NOT_FOUND, "no version of %s/%.*s that fits was published", kind->folder,
                           STR_ARG(name));
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

int published_agent(struct published *p, struct arena *a, struct str reference, struct published_agent *out,
                    struct err *e)
{
    struct module_reference ref;
    struct published_agent *all;
    size_t n;
    int r = module_reference_parse(reference, &ref, e);
    if (r == 0)
        r = published_agents(p, a, ref.name, &all, &n, e);
    if (r < 0)
        return r;
    struct buf there = buf_new(a, 300);
    for (size_t i = n; i > 0; i--) {
        if (ref.any || semver_in(all[i - 1].self.version, ref.range)) {
            *out = all[i - 1];
            return 0;
        }
        buf_addf(&there, "%s%.*s", i == n ? "; published are: " : ", ",
                 STR_ARG(semver_text(a, all[i - 1].self.version)));
    }
    return err_set(e, ERR_NOT_FOUND, "the agent %.*s was not published%.*s", STR_ARG(reference),
                   STR_ARG(n ? buf_str(&there) : STR("; do: candor publish")));
}

int published_bundle(struct published *p, struct arena *a, const char *dir, struct str reference, struct str *bundle,
                     struct err *e)
{
    if (!str_has(reference, STR("@"))) {
        struct module_source source = published_source(p);
        return agent_bundle(a, dir, str_c(a, reference), &source, bundle, e);
    }
    struct published_agent version;
    int r = published_agent(p, a, reference, &version, e);
    if (r == 0)
        *bundle = version.bundle;
    return r;
}
