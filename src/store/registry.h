/* registry: published versions of modules and agents. A version is written once and never changed.
 *
 * What a body, a lock or a bundle says is the engine's business (engine/module.h, engine/composition.h); here they are
 * texts. Facts of their own, not derived from events. */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include "store/store.h"

struct module_row {
    struct str kind, name, version; /* "tools", "reissue_card", "1.4.0" */
    struct sha256 sha;              /* of body */
    struct str body, change;
    struct str published_by;
    int64_t published_us;
};

struct agent_row {
    struct str name, version;
    struct sha256 sha; /* of the bundle: the agent version's identity */
    struct str lock;   /* JSON: [{"kind","name","version","sha256"}...] in the order of the bundle */
    struct str change;
    struct str published_by;
    int64_t published_us;
};

struct registry_entry {
    struct agent_row row; /* sha is worked out */
    struct str bundle;
};

/* All or nothing, in one transaction, together with the agents' bundles as blobs. What is there already with the same
 * hash stays as it is. Errors: ERR_CONFLICT with a sentence (a version is there with another hash), ERR_FULL, ERR_IO. */
MUST_USE int registry_publish(struct store *s, const struct module_row *modules, size_t modules_n,
                              const struct registry_entry *agents, size_t agents_n, struct err *e);

/* All versions of a module or an agent, in the order of publishing. An empty list is no error. */
MUST_USE int registry_modules(struct store *s, struct arena *a, struct str kind, struct str name,
                              struct module_row **rows, size_t *n, struct err *e);
MUST_USE int registry_agents(struct store *s, struct arena *a, struct str name, struct agent_row **rows, size_t *n,
                             struct err *e);

#endif
