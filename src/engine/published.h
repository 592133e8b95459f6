/* published: the versions that the store keeps, as modules and bundles. */
#ifndef ENGINE_PUBLISHED_H
#define ENGINE_PUBLISHED_H

#include "engine/module.h"
#include "store/registry.h"

/* Where they are. Without an open store the file at `path` is opened for reading when something is asked for; while it is
 * not there, nothing is published. */
struct published {
    struct store *store;
    const char *path;
    bool own; /* opened here */
};

struct module_source published_source(struct published *p); /* borrows p */
void published_close(struct published *p);                  /* a store that was not opened here stays open */

/* All versions of a module, the lowest first. Errors: of the store; ERR_INVALID (a body was changed in the file). */
MUST_USE int published_modules(struct published *p, struct arena *a, const struct module_kind *kind, struct str name,
                               struct module **out, size_t *n, struct err *e);
/* The highest published version that fits. Errors: ERR_NOT_FOUND (with the versions that there are). */
MUST_USE int published_module(struct published *p, struct arena *a, const struct module_kind *kind,
                              const struct module_reference *ref, struct module *out, struct err *e);
/* All versions of an agent, the lowest first; their modules' data names exact versions. */
struct published_agent {
    struct module self;
    struct sha256 sha; /* of the bundle */
    struct str bundle, lock;
};
MUST_USE int published_agents(struct published *p, struct arena *a, struct str name, struct published_agent **out,
                              size_t *n, struct err *e);

/* The same of an agent. */
MUST_USE int published_agent(struct published *p, struct arena *a, const struct module_reference *ref,
                             struct published_agent *out, struct err *e);

/* The agent with its modules, as composition_read gives a draft. */
struct composition;
MUST_USE int published_composition(struct published *p, struct arena *a, const struct published_agent *agent,
                                   struct composition *out, struct err *e);

/* The bundle that an agent's name means: "NAME" the draft below `dir`, "NAME@VERSION" a published version. Errors: as
 * agent_bundle and published_agent. */
MUST_USE int published_bundle(struct published *p, struct arena *a, const char *dir, struct str reference,
                              struct str *bundle, struct err *e);

#endif
