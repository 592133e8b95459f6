#include "engine/release.h"

#include "base/clock.h"

/* The highest version that is not above `v`; NULL when all are. */
static const struct module *before(const struct module *published, size_t n, struct semver v)
{
    for (size_t i = n; i > 0; i--)
        if (semver_cmp(published[i - 1].version, v) <= 0)
            return &published[i - 1];
    return NULL;
}

static struct semver smallest(struct arena *a, const struct module *draft, const struct module *latest)
{
    return semver_next(latest->version, differences_of(a, draft->kind, latest->data, draft->data).needed);
}

struct release_item release_look(struct arena *a, const struct module *draft, const struct module *published, size_t n)
{
    struct release_item item = {.draft = draft, .first = n == 0, .sha = draft->sha};
    if (n == 0)
        return item;
    const struct module *base = before(published, n, draft->version);
    bool older = !base; /* than everything that was published */
    if (older)
        base = &published[0];
    item.before = base->version;
    item.changes = differences_of(a, draft->kind, base->data, draft->data);
    item.needed = item.changes.needed;
    bool same_version = !older && semver_cmp(base->version, draft->version) == 0;
    if (same_version && str_eq(base->body, draft->body))
        item.state = RELEASE_ALREADY;
    else if (older || same_version || semver_between(base->version, draft->version) < item.needed)
        item.state = RELEASE_REFUSED;
    if (item.state == RELEASE_REFUSED)
        item.smallest = smallest(a, draft, &published[n - 1]);
    return item;
}

/* --- all of it --- */

static bool listed(const struct release *r, const struct module *m)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].draft->kind == m->kind && str_eq(r->items[i].draft->name, m->name))
            return true;
    return false;
}

static void add(struct release *r, struct release_item item)
{
    r->items[r->n++] = item;
    r->refused = r->refused || item.state == RELEASE_REFUSED;
}

static int plan_module(struct arena *a, struct published *published, const struct module *m, struct release *r,
                       struct err *e)
{
    struct module *versions;
    size_t n;
    int code = published_modules(published, a, m->kind, m->name, &versions, &n, e);
    if (code == 0)
        add(r, release_look(a, m, versions, n));
    return code;
}

static int plan_agent(struct arena *a, struct published *published, const struct composition *agent, struct release *r,
                      struct err *e)
{
    struct published_agent *versions;
    size_t n;
    int code = published_agents(published, a, agent->self.name, &versions, &n, e);
    if (code < 0)
        return code;
    struct module *selves = ARENA_ARRAY(a, struct module, n + 1);
    for (size_t i = 0; i < n; i++)
        selves[i] = versions[i].self;
    struct release_item item = release_look(a, &agent->self, selves, n);
    item.sha = sha256_of(agent->bundle);
    for (size_t i = 0; i < n; i++)
        if (item.state == RELEASE_ALREADY && semver_cmp(versions[i].self.version, agent->self.version) == 0)
            item.sha = versions[i].sha;
    add(r, item);
    return 0;
}

int release_plan(struct arena *a, struct published *published, const struct composition *agents, size_t n,
                 struct release *out, struct err *e)
{
    size_t most = n;
    int code = 0;
    for (size_t i = 0; i < n; i++)
        most += agents[i].n;
    *out = (struct release){.items = ARENA_ARRAY(a, struct release_item, most + 1),
                            .agents = ARENA_ARRAY(a, const struct composition *, n + 1)};
    for (size_t i = 0; i < n; i++)
        for (size_t m = 0; code == 0 && m < agents[i].n; m++)
            if (!agents[i].modules[m].published && !listed(out, &agents[i].modules[m]))
                code = plan_module(a, published, &agents[i].modules[m], out, e);
    out->modules_n = out->n;
    for (size_t i = 0; code == 0 && i < n; i++) {
        out->agents[i] = &agents[i];
        code = plan_agent(a, published, &agents[i], out, e);
    }
    return code;
}

int release_write(struct arena *a, struct store *store, const struct release *release, struct str by, struct err *e)
{
    struct module_row *modules = ARENA_ARRAY(a, struct module_row, release->n + 1);
    struct registry_entry *agents = ARENA_ARRAY(a, struct registry_entry, release->n + 1);
    size_t modules_n = 0, agents_n = 0;
    int64_t now_us = clock_now_us();
    for (size_t i = 0; i < release->n; i++) {
        const struct module *m = release->items[i].draft;
        if (release->items[i].state != RELEASE_NEW)
            continue;
        if (i < release->modules_n) {
            modules[modules_n++] = (struct module_row){.kind = str_of(m->kind->folder),
                                                       .name = m->name,
                                                       .version = semver_text(a, m->version),
                                                       .sha = m->sha,
                                                       .body = m->body,
                                                       .change = m->change,
                                                       .published_by = by,
                                                       .published_us = now_us};
            continue;
        }
        const struct composition *agent = release->agents[i - release->modules_n];
        agents[agents_n++] = (struct registry_entry){.row = {.name = m->name,
                                                             .version = semver_text(a, m->version),
                                                             .lock = composition_lock(a, agent),
                                                             .change = m->change,
                                                             .published_by = by,
                                                             .published_us = now_us},
                                                     .bundle = agent->bundle};
    }
    return registry_publish(store, modules, modules_n, agents, agents_n, e);
}
