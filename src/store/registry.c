#include "store/registry.h"

#include "base/fault.h"
#include "store/store_sqlite.h"

struct release {
    const struct module_row *modules;
    size_t modules_n;
    const struct registry_entry *agents;
    size_t agents_n;
};

/* ERR_CONFLICT unless the one row that q gives has this hash; 1: it has it; 0: there is none. Closes q. */
static int same_version(sqlite3_stmt *q, const struct sha256 *sha, const char *what, struct str name,
                        struct str version, struct err *e)
{
    int r = query_step(q, e);
    struct sha256 there = r > 0 ? query_sha_at(q, 0) : (struct sha256){0};
    query_close(q);
    return r > 0 && !sha256_eq(&there, sha)
               ? err_set(e, ERR_CONFLICT,
                         "%s/%.*s@%.*s was published with other content; a published version never changes", what,
                         STR_ARG(name), STR_ARG(version))
               : r;
}

static int module_run(struct connection *c, const struct module_row *m, struct err *e)
{
    sqlite3_stmt *q;
    if (query_open(c, "SELECT sha FROM module_version WHERE kind = ?1 AND name = ?2 AND version = ?3", &q, e) < 0)
        return e->code;
    query_text(q, 1, m->kind);
    query_text(q, 2, m->name);
    query_text(q, 3, m->version);
    char kind[40];
    snprintf(kind, sizeof kind, "%.*s", STR_ARG(m->kind));
    int r = same_version(q, &m->sha, kind, m->name, m->version, e);
    if (r)
        return r < 0 ? r : 0;
    r = query_open(c,
                   "INSERT INTO module_version (kind, name, version, sha, body, change, published_by, published_us)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, m->kind);
    query_text(q, 2, m->name);
    query_text(q, 3, m->version);
    query_sha(q, 4, &m->sha);
    query_text(q, 5, m->body);
    query_text(q, 6, m->change);
    query_text(q, 7, m->published_by);
    query_int(q, 8, m->published_us);
    r = query_run(q, e);
    fault_point("store.publish.module");
    return r;
}

static int agent_run(struct connection *c, const struct registry_entry *entry, struct err *e)
{
    const struct agent_row *row = &entry->row;
    struct sha256 sha = sha256_of(entry->bundle);
    sqlite3_stmt *q;
    if (query_open(c, "SELECT sha FROM agent_version WHERE name = ?1 AND version = ?2", &q, e) < 0)
        return e->code;
    query_text(q, 1, row->name);
    query_text(q, 2, row->version);
    int r = same_version(q, &sha, "agents", row->name, row->version, e);
    if (r)
        return r < 0 ? r : 0;
    r = store_blob_run(c, entry->bundle, &sha, e);
    if (r == 0)
        r = query_open(c,
                       "INSERT INTO agent_version (name, version, sha, lock, change, published_by, published_us)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, row->name);
    query_text(q, 2, row->version);
    query_sha(q, 3, &sha);
    query_text(q, 4, row->lock);
    query_text(q, 5, row->change);
    query_text(q, 6, row->published_by);
    query_int(q, 7, row->published_us);
    r = query_run(q, e);
    fault_point("store.publish.agent");
    return r;
}

static int release_run(void *arg, struct connection *c, struct err *e)
{
    const struct release *release = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < release->modules_n; i++)
        r = module_run(c, &release->modules[i], e);
    for (size_t i = 0; r == 0 && i < release->agents_n; i++)
        r = agent_run(c, &release->agents[i], e);
    return r;
}

int registry_publish(struct store *s, const struct module_row *modules, size_t modules_n,
                     const struct registry_entry *agents, size_t agents_n, struct err *e)
{
    struct release release = {modules, modules_n, agents, agents_n};
    return store_change(s, release_run, &release, e);
}

static void module_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct module_row *)element = (struct module_row){
        .kind = query_copy_at(a, q, 0),
        .name = query_copy_at(a, q, 1),
        .version = query_copy_at(a, q, 2),
        .sha = query_sha_at(q, 3),
        .body = query_copy_at(a, q, 4),
        .change = query_copy_at(a, q, 5),
        .published_by = query_copy_at(a, q, 6),
        .published_us = sqlite3_column_int64(q, 7),
    };
}

int registry_modules(struct store *s, struct arena *a, struct str kind, struct str name, struct module_row **rows,
                     size_t *n, struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT kind, name, version, sha, body, change, published_by, published_us FROM module_version"
                      " WHERE kind = ?1 AND name = ?2 ORDER BY rowid",
                      &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, kind);
    query_text(q, 2, name);
    return query_gather(q, a, sizeof **rows, module_row, (void **)rows, n, e);
}

static void agent_row(struct arena *a, sqlite3_stmt *q, void *element)
{
    *(struct agent_row *)element = (struct agent_row){
        .name = query_copy_at(a, q, 0),
        .version = query_copy_at(a, q, 1),
        .sha = query_sha_at(q, 2),
        .lock = query_copy_at(a, q, 3),
        .change = query_copy_at(a, q, 4),
        .published_by = query_copy_at(a, q, 5),
        .published_us = sqlite3_column_int64(q, 6),
    };
}

int registry_agents(struct store *s, struct arena *a, struct str name, struct agent_row **rows, size_t *n,
                    struct err *e)
{
    sqlite3_stmt *q;
    int r = store_ask(s,
                      "SELECT name, version, sha, lock, change, published_by, published_us FROM agent_version"
                      " WHERE name = ?1 ORDER BY rowid",
                      &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, name);
    return query_gather(q, a, sizeof **rows, agent_row, (void **)rows, n, e);
}
