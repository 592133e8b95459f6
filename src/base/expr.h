/* expr: the small expression language of routines, composite tools and judges.
 *
 * Total: every expression ends and gives a value; a missing path is null and compares unequal to
 * everything but null. No calls, no loops, no assignment.
 *
 *   literals     'text'  "text"  12  3.5  true  false  null  ['a', 'b']
 *                (a text has no escapes: '\d+' is a pattern as it stands)
 *   paths        slot.address_type   tool.check_card_delivery.days_late   session.customer
 *                (names from the root object, places of a list from 0: orders.0.id; letters, digits, _ and .)
 *   compare      == != < <= > >=   in   contains   matches (PCRE2, no side effects)
 *                (a list holds a value, a text holds a text, an object has a member)
 *   is set       slot.x is set   slot.x is not set     (set: neither missing nor null)
 *   logic        not a   a and b   a or b   ( )        (give true or false)
 *   arithmetic   + - * / on numbers, exact on decimals of up to 18 digits (a quotient to 12 decimals);
 *                x round 2: to at most two decimals, halves away from zero, as cents are
 *                date - date = days; date + n = date n days later, date - n = earlier
 *                (a date is text "YYYY-MM-DD", a time's date is its first ten bytes)
 *   hours        time hours_since time = hours, 1.5; time plus_hours n = the time n hours later, in UTC
 *                (a time is text as clock_seconds reads it: without an offset UTC, a date its midnight)
 * From loose to tight: or, and, not, comparisons (they do not chain), round, + - and the hours, * /, unary -.
 * "<" on two dates or two texts is bytewise; on unlike kinds it is false. Arithmetic on what is no
 * number or date gives null, and so does a result beyond a double or the year 9999, and a division by 0. */
#ifndef BASE_EXPR_H
#define BASE_EXPR_H

#include "base/json.h"

enum { EXPR_BYTES_MAX = 8192 };

/* Evaluates `source` over the members of `root`. The value lives in the arena.
 * Errors: ERR_INVALID (does not parse; the offset is named), ERR_LIMIT (too long or too deep). */
MUST_USE int expr_eval(struct arena *a, struct str source, const struct json *root, struct json **out, struct err *e);

/* Parses only: for checking a workspace before it runs. */
MUST_USE int expr_check(struct str source, struct err *e);

/* null, false, 0 and "" are no; everything else is yes. */
bool expr_true(const struct json *v);

#endif
