#include "engine/versions.h"

#include <stdlib.h>

static void keep(struct versions *v, struct agent *agent, bool served)
{
    struct version *k = mem_get(sizeof *k);
    *k = (struct version){.next = v->first, .agent = agent, .served = served};
    v->first = k;
}

int versions_add(struct versions *v, struct agent *agent, struct err *e)
{
    struct sha256 sha;
    int r = store_blob_put(v->store, agent->bundle, &sha, e);
    if (r == 0)
        keep(v, agent, true);
    return r;
}

int versions_recall(struct versions *v, struct str sha_hex, const struct agent **out, struct err *e)
{
    for (const struct version *k = v->first; k; k = k->next)
        if (str_eq(k->agent->sha_hex, sha_hex)) {
            *out = k->agent;
            return 0;
        }
    struct arena *a = arena_new("recall", 0);
    struct sha256 sha;
    struct str bundle;
    struct agent *agent;
    int r = hash_unhex(sha_hex, sha.b, SHA256_BYTES);
    if (r < 0)
        err_set(e, r, "\"%.*s\" is no agent version", STR_ARG(str_head(sha_hex, 80)));
    if (r == 0)
        r = store_blob_get(v->store, a, &sha, &bundle, e);
    if (r == 0)
        r = agent_new(bundle, &agent, e);
    if (r == 0) {
        keep(v, agent, false);
        *out = agent;
    }
    arena_free(a);
    return r;
}

const struct agent *versions_in_force(const struct versions *v, struct str name)
{
    for (const struct version *k = v->first; k; k = k->next)
        if (k->served && str_eq(k->agent->name, name))
            return k->agent;
    return NULL;
}

static int find(void *arg, struct str sha_hex, const struct agent **out, struct err *e)
{
    return versions_recall(arg, sha_hex, out, e);
}

struct agent_source versions_source(struct versions *v)
{
    return (struct agent_source){.find = find, .arg = v};
}

void versions_free(struct versions *v)
{
    for (struct version *k = v->first, *next; k; k = next) {
        next = k->next;
        agent_free(k->agent);
        free(k);
    }
    v->first = NULL;
}
