/* clock: the only place that knows what time it is. Tests set it.
 *
 * Times are UTC microseconds since 1970 (`_us`). Waiting is measured on the monotonic clock, so a
 * wall clock that jumps moves no timeout. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

int64_t clock_now_us(void);     /* wall clock, or what clock_set said */
int64_t clock_mono_us(void);    /* never goes back; never set by tests */
void clock_set(int64_t now_us); /* tests: freeze the wall clock here; 0 gives it back */

/* "2026-11-22T07:45:00Z" (seconds; 20 bytes) and "2026-11-22". */
struct str clock_iso(struct arena *a, int64_t at_us);
struct str clock_date(struct arena *a, int64_t at_us);
/* Days since 1970-01-01 of "YYYY-MM-DD..."; ERR_INVALID when the first ten bytes are no date. */
MUST_USE int clock_days(struct str date, int64_t *days);
/* Seconds since 1970 of "YYYY-MM-DDTHH:MM[:SS[.fraction]]" with Z, an offset such as -03:00, or neither (UTC); of a date
 * alone its midnight. Fractions are dropped. ERR_INVALID for anything else. */
MUST_USE int clock_seconds(struct str time, int64_t *seconds);
struct str clock_date_of_days(struct arena *a, int64_t days); /* "" outside the years 0 to 9999 */

#endif
