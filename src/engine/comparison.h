/* comparison: two versions of an agent or of a module beside each other: what changed in meaning, and what of it the model
 * sees. Pure. */
#ifndef ENGINE_COMPARISON_H
#define ENGINE_COMPARISON_H

#include "engine/composition.h"
#include "engine/difference.h"

/* One module in both versions; NULL where it is not there. */
struct compared {
    const struct module *old, *now;
    struct differences changes;    /* none when one of both is missing */
    struct str seen_old, seen_now; /* its part of the prompt, for people: JSON as YAML, a line for each value */
    size_t tokens_old, tokens_now; /* of the part as the model sees it: an estimate (base/text.h) */
};

struct comparison {
    const struct compared *items; /* what differs; the agent itself first */
    size_t n;
    size_t tokens_old, tokens_now; /* of the whole prompt's fixed parts; of single modules: of their parts */
    enum semver_step needed;
};

/* Two single modules of one kind. */
struct comparison comparison_of_modules(struct arena *a, const struct module *old, const struct module *now);
/* Two versions of agents with all their modules. Errors: ERR_INVALID (a bundle that cannot be compiled). */
MUST_USE int comparison_of_agents(struct arena *a, const struct composition *old, const struct composition *now,
                                  struct comparison *out, struct err *e);

#endif
