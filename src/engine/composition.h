/* composition: an agent's file and the modules that it names, each in one version, before they are compiled.
 *
 * An agent's draft names modules as `name`, `name@1.2.3` or by a range, `name@^1.4` (base/semver.h). A module comes from the
 * working tree when its version is in the range, else from the published versions. In the bundle every module is named by
 * the version that was taken, so an agent's hash does not depend on how its draft named it. */
#ifndef ENGINE_COMPOSITION_H
#define ENGINE_COMPOSITION_H

#include "engine/module.h"

struct composition {
    struct module self;           /* the agent's file; its data names exact versions */
    const struct module *modules; /* in the order of the file */
    size_t n, base_n;             /* behind the base stand those that variants add */
    struct str bundle;            /* engine/agent.h */
};

/* Reads agents/<name>.yaml and what it names below `dir` and checks it strictly: what the files may say (engine/keys.h) and
 * whether it fits together (engine/check.h). `published` may be NULL: then the working tree is all there is. Errors:
 * ERR_NOT_FOUND, ERR_INVALID with "file:line: ..."; what `published` says. */
MUST_USE int composition_read(struct arena *a, const char *dir, const char *name, const struct module_source *published,
                              struct composition *out, struct err *e);

/* The draft of one module: the file's text too when `text` is not NULL. Errors: ERR_NOT_FOUND, ERR_INVALID. */
MUST_USE int module_draft(struct arena *a, const char *dir, const struct module_kind *kind, struct str name,
                          struct module *out, struct str *text, struct err *e);
const char *module_path(struct arena *a, const char *dir, const struct module_kind *kind, struct str name);

/* [{"kind","name","version","sha256"}...] as canonical JSON. */
struct str composition_lock(struct arena *a, const struct composition *c);

#endif
