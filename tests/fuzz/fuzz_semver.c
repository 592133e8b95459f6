/* Any text is refused, or is a version or a range that keeps what it promises. */
#include "base/semver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena *a = arena_new("fuzz", 0);
    struct str text = {(const char *)data, n};
    struct semver v, again;
    struct semver_range range;
    struct err e;
    if (semver_range_parse(text, &range, &e) == 0) {
        if (semver_cmp(range.from, range.below) >= 0 || !semver_in(range.from, range) || semver_in(range.below, range))
            abort();
    } else if (e.code != ERR_INVALID) {
        abort();
    }
    if (semver_parse(text, &v, &e) == 0) {
        if (!str_eq(semver_text(a, v), text) || semver_parse(semver_text(a, v), &again, &e) < 0 || semver_cmp(v, again))
            abort();
        for (enum semver_step step = SEMVER_PATCH; step <= SEMVER_MAJOR; step++)
            if (semver_cmp(v, semver_next(v, step)) >= 0 || semver_between(v, semver_next(v, step)) < step)
                abort();
    }
    arena_free(a);
    return 0;
}
