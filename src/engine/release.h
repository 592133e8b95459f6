/* release: may these drafts be published, and as which versions?
 *
 * Decisions are functions of a draft and of what was published of the same module. What was published never changes: the
 * same version with another body is refused, and so is a version that is nearer to the published one before it than what
 * changed demands (engine/difference.h). */
#ifndef ENGINE_RELEASE_H
#define ENGINE_RELEASE_H

#include "engine/composition.h"
#include "engine/difference.h"
#include "engine/published.h"

enum release_state {
    RELEASE_NEW,     /* will be published */
    RELEASE_ALREADY, /* this very body has this version */
    RELEASE_REFUSED
};

struct release_item {
    const struct module *draft;
    enum release_state state;
    bool first;                 /* nothing of it was published */
    struct semver before;       /* the published version that it follows; unless `first` */
    enum semver_step needed;    /* from `before` */
    struct differences changes; /* from `before` */
    struct semver smallest;     /* the smallest version that may be published, when it is refused */
    struct sha256 sha;          /* of the body; of an agent: of the bundle */
};

/* `published`: all versions of the draft's module, the lowest first. */
struct release_item release_look(struct arena *a, const struct module *draft, const struct module *published, size_t n);

/* One or several agents with all drafts that they are composed of, each once. */
struct release {
    struct release_item *items; /* modules first, then agents */
    size_t n, modules_n;
    const struct composition **agents; /* of items[modules_n + i] */
    bool refused;
};

/* Looks at every draft of the compositions; modules that come from the store are published already. Errors: of the
 * store. */
MUST_USE int release_plan(struct arena *a, struct published *published, const struct composition *agents, size_t n,
                          struct release *out, struct err *e);
/* Writes all of it or nothing. It must not be refused. Errors: as registry_publish. */
MUST_USE int release_write(struct arena *a, struct store *store, const struct release *release, struct str by,
                           struct err *e);

#endif
