#include "engine/versions.h"

#include "store/journal.h"
#include "store/registry.h"

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

/* Those of published versions and of conversations; each hash once. */
static int add_known(struct versions *v, struct arena *a, struct str agent, struct str *shas, size_t max, size_t *n,
                     struct err *e)
{
    struct agent_row *published;
    struct conversation_row *rows;
    size_t published_n = 0, rows_n = 0;
    if (registry_agents(v->store, a, agent, &published, &published_n, e) < 0 ||
        conversation_list(v->store, a, str_c(a, agent), NULL, NULL, &rows, &rows_n, e) < 0)
        return e ? e->code : ERR_IO;
    for (size_t i = 0; i < published_n + rows_n && *n < max; i++) {
        struct str sha =
            i < published_n ? hash_hex(a, published[i].sha.b, SHA256_BYTES) : rows[i - published_n].agent_sha;
        size_t k = 0;
        while (k < *n && !str_eq(shas[k], sha))
            k++;
        if (k == *n && sha.n)
            shas[(*n)++] = sha;
    }
    return 0;
}

int versions_named(struct versions *v, struct arena *a, struct str agent, struct str named, struct str *sha_hex,
                   struct err *e)
{
    enum { KNOWN_MAX = 1000 };
    struct str *shas = ARENA_ARRAY(a, struct str, KNOWN_MAX), variant_of = STR("");
    const struct agent *ag;
    size_t n = 0, found = 0;
    if (named.n == 2 * SHA256_BYTES) {
        *sha_hex = str_copy(a, named);
        return versions_recall(v, named, &ag, e);
    }
    for (const struct version *k = v->first; k && n < KNOWN_MAX; k = k->next)
        if (str_eq(k->agent->name, agent))
            shas[n++] = k->agent->sha_hex;
    if (add_known(v, a, agent, shas, KNOWN_MAX, &n, e) < 0)
        return e ? e->code : ERR_IO;
    for (size_t i = 0; i < n; i++) {
        if (versions_recall(v, shas[i], &ag, NULL) < 0 || !str_eq(ag->version, named))
            continue;
        if (found && ag->variant_of.n && str_eq(ag->variant_of, *sha_hex))
            found--; /* what conversations have is the variant of what was published */
        else if (found && str_eq(variant_of, shas[i]))
            continue;
        variant_of = ag->variant_of;
        *sha_hex = shas[i];
        found++;
    }
    if (found > 1)
        return err_set(e, ERR_CONFLICT, "%zu versions of %.*s are called %.*s; name one by its sha256", found,
                       STR_ARG(agent), STR_ARG(named));
    return found ? 0
                 : err_set(e, ERR_NOT_FOUND, "there is no version %.*s of %.*s here", STR_ARG(named), STR_ARG(agent));
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
