/* expr: the small expression language of routines, composite tools and judges.
 *
 * Total: every expression ends and gives a value; a missing path is null and compares unequal to
 * everything but null. No calls, no loops, no assignment.
 *
 *   literals     'text'  "text"  12  3.5  true  false  null  ['a', 'b']
 *   paths        slot.address_type   tool.check_card_delivery.days_late   session.customer
 *                (names from the root object; a path may hold letters, digits, _ and .)
 *   compare      == != < <= > >=   in   contains   matches (PCRE2, no side effects)
 *   is set       slot.x is set     (neither missing nor null)
 *   logic        not a   a and b   a or b   ( )
 *   arithmetic   + - * on numbers; date - date = days; date + n = date n days later
 *                (a date is text "YYYY-MM-DD", a time's date is its first ten bytes)
 * "<" on two dates or two texts is bytewise; on unlike kinds it is false. */
#ifndef BASE_EXPR_H
#define BASE_EXPR_H

#include "base/json.h"

/* Evaluates `source` over the members of `root`. The value lives in the arena.
 * Errors: ERR_INVALID (does not parse; the offset is named). */
MUST_USE int expr_eval(struct arena *a, struct str source, const struct json *root,
                       struct json **out, struct err *e);

/* Parses only: for checking a workspace before it runs. */
MUST_USE int expr_check(struct str source, struct err *e);

/* null, false, 0 and "" are no; everything else is yes. */
bool expr_true(const struct json *v);

#endif
