/* semver: version numbers "1.4.2" and ranges of them, as the modules of a workspace have.
 *
 * Semantic Versioning 2.0.0 without pre-releases and build names: what is not ready is not published. Below 1.0.0 nothing
 * is promised between two minor versions, so there a minor step stands for a major one. */
#ifndef BASE_SEMVER_H
#define BASE_SEMVER_H

#include "base/str.h"

struct semver {
    uint32_t major, minor, patch;
};

/* Versions from `from` on, below `below`. */
struct semver_range {
    struct semver from, below;
};

/* How far a version has to move, smallest first. */
enum semver_step { SEMVER_NONE, SEMVER_PATCH, SEMVER_MINOR, SEMVER_MAJOR };
const char *semver_step_name(enum semver_step step); /* "none", "patch", ... */

/* Three whole numbers below a thousand million, without leading zeros. Errors: ERR_INVALID. */
MUST_USE int semver_parse(struct str text, struct semver *out, struct err *e);
/* "1.2.3": this one; "^1.4", "^1.4.2": from there to the next major version (below 1.0.0: the next minor one); "~1.4.2",
 * "~1.4": from there to the next minor version; "~1": to the next major one. Errors: ERR_INVALID. */
MUST_USE int semver_range_parse(struct str text, struct semver_range *out, struct err *e);

int semver_cmp(struct semver a, struct semver b);
bool semver_in(struct semver v, struct semver_range range);
/* The smallest version that is `step` further on. */
struct semver semver_next(struct semver v, enum semver_step step);
/* How far it is from `from` to `to`, which must not be smaller. */
enum semver_step semver_between(struct semver from, struct semver to);
struct str semver_text(struct arena *a, struct semver v);

#endif
