/* difference: what changed between two bodies of a module, and how far its version has to move for that.
 *
 * Pure. A version promises something to whoever names it by a range: other modules, judges, people. So
 *   major  what others may rely on is gone, narrower or less safe: a step, slot, outcome, macro, language, argument, field or
 *          rule removed (a new name is one removed and one added); a required argument more, a value of an enum less, a
 *          shorter maxLength, another type; a higher effect or class; a confirmation, a mode, an idempotency or a limit
 *          that holds less; a blank more in a macro's text
 *   minor  something is added, or goes another way
 *   patch  words and tuning: texts, summaries, when, when_not, examples, phrases, time-outs, budgets
 * An agent moves as far as the farthest of the modules that it is composed of; a module it no longer has is major, one more
 * is minor. What nobody thought of (an unknown key) is minor when it is added or changed and major when it is removed. */
#ifndef ENGINE_DIFFERENCE_H
#define ENGINE_DIFFERENCE_H

#include "engine/module.h"

enum difference_kind { DIFFERENCE_ADDED, DIFFERENCE_REMOVED, DIFFERENCE_CHANGED, DIFFERENCE_MOVED };

struct difference {
    enum difference_kind what;
    enum semver_step step; /* how far this one alone moves the version; never SEMVER_NONE */
    struct str path;       /* "steps.fetch.on_error.refused" */
    struct str sentence;   /* "steps.fetch was removed" */
};

struct differences {
    const struct difference *items; /* in the order of the new body */
    size_t n;
    enum semver_step needed; /* the farthest; SEMVER_NONE: the bodies are the same */
};

/* `old` and `now` are the data of two modules of the kind. The texts live in `a`. */
struct differences differences_of(struct arena *a, const struct module_kind *kind, const struct json *old,
                                  const struct json *now);

/* [{"what","step","path","sentence"}...] */
void differences_write(const struct differences *d, struct json_writer *w);

const char *difference_name(enum difference_kind what); /* "added", ... */

#endif
