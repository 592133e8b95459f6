/* versions: the agent versions that this process knows, by their hash. A conversation keeps the version it was opened with;
 * one that an older deploy used is compiled again from the bundle in the store. */
#ifndef ENGINE_VERSIONS_H
#define ENGINE_VERSIONS_H

#include "engine/agent.h"
#include "store/store.h"

struct version {
    struct version *next;
    struct agent *agent;
};

struct versions {
    struct store *store;
    struct version *first;
};

/* Stores the agent's bundle and owns the agent from then on. Errors: as store_blob_put; the agent stays the caller's. */
MUST_USE int versions_add(struct versions *v, struct agent *agent, struct err *e);
/* The version with this hash (hex). Errors: ERR_NOT_FOUND (its bundle is not in the store), ERR_INVALID. */
MUST_USE int versions_recall(struct versions *v, struct str sha_hex, const struct agent **out, struct err *e);
void versions_free(struct versions *v);

#endif
