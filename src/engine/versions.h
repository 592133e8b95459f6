/* versions: the agent versions that this process knows, by their hash. A conversation keeps the version it was opened with;
 * one that an older deploy used is compiled again from the bundle in the store. */
#ifndef ENGINE_VERSIONS_H
#define ENGINE_VERSIONS_H

#include "engine/conversation.h"
#include "store/store.h"

struct version {
    struct version *next;
    struct agent *agent;
    bool served; /* conversations are, or were, opened with it here */
};

struct versions {
    struct store *store;
    struct version *first;
};

/* Stores the agent's bundle and owns the agent from then on; it is in force under its name. Errors: as store_blob_put; the agent stays the caller's. */
MUST_USE int versions_add(struct versions *v, struct agent *agent, struct err *e);
/* The version with this hash (hex). Errors: ERR_NOT_FOUND (its bundle is not in the store), ERR_INVALID. */
MUST_USE int versions_recall(struct versions *v, struct str sha_hex, const struct agent **out, struct err *e);
/* The hash of the agent's version that `named` means: a hash that the store has, or a number such as 1.4.0 of a published
 * version or of one that conversations have. Errors: ERR_NOT_FOUND, ERR_CONFLICT (several versions have that number). */
MUST_USE int versions_named(struct versions *v, struct arena *a, struct str agent, struct str named,
                            struct str *sha_hex, struct err *e);
/* The version added last under this name; NULL: none was. */
const struct agent *versions_in_force(const struct versions *v, struct str name);
/* The same versions for a fold, which recalls those that a journal names. */
struct agent_source versions_source(struct versions *v);
void versions_free(struct versions *v);

#endif
