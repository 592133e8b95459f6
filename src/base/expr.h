/* expr: the small expression language of routines, composite tools and judges.
 *
 * Total: every expression ends and gives a value; a missing path is null and compares unequal to
 * everything but null. No calls, no loops, no assignment.
 *
 *   literals     'text'  "text"  12  3.5  true  false  null  ['a', 'b']
 *                (a text has no escapes: '\d+' is a pattern as it stands)
 *   paths        slot.address_type   tool.check_card_delivery.days_late   session.customer
 *                (names from the root object, places of a list from 0: orders.0.id; letters, digits, _ and .;
 *                a $ before it means nothing)
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
 * number or date gives null, and so does a result beyond a double or the year 9999, and a division by 0.
 *
 * An expression is compiled once into a tree and evaluated often. Before it runs it can be asked which paths it reads
 * and, against what is known of them, whether a comparison in it can hold at all. */
#ifndef BASE_EXPR_H
#define BASE_EXPR_H

#include "base/json.h"

enum { EXPR_BYTES_MAX = 8192 };

/* A compiled expression: lives in the arena it was compiled in and keeps nothing of its source. */
struct expr;

/* Errors: ERR_INVALID (does not parse; the offset is named), ERR_LIMIT (too long or too deep). */
MUST_USE int expr_compile(struct arena *a, struct str source, const struct expr **out, struct err *e);

/* Its value over the members of `root` (NULL: there are none). The value lives in `a` and borrows nothing from `root`. */
struct json *expr_run(struct arena *a, const struct expr *x, const struct json *root);

/* Both at once, for what is evaluated once. */
MUST_USE int expr_eval(struct arena *a, struct str source, const struct json *root, struct json **out, struct err *e);

/* Compiles only: for checking a workspace before it runs. */
MUST_USE int expr_check(struct str source, struct err *e);

/* null, false, 0 and "" are no; everything else is yes. */
bool expr_true(const struct json *v);

/* Each path that it reads, from left to right, as often as it stands there. */
void expr_paths(const struct expr *x, void (*found)(void *with, struct str path), void *with);

/* --- types --- */

/* The kinds that a value may be of, as a set. A text that is known to be a date or time is EXPR_DATE alone, one that is
 * known to be none EXPR_TEXT alone; of one that may be either both bits are set. */
enum expr_kind {
    EXPR_NULL = 1,
    EXPR_BOOLEAN = 2,
    EXPR_NUMBER = 4,
    EXPR_TEXT = 8,
    EXPR_DATE = 16,
    EXPR_LIST = 32,
    EXPR_OBJECT = 64,
    EXPR_STRING = EXPR_TEXT | EXPR_DATE,
    EXPR_ANY = 127
};

struct expr_type {
    unsigned kinds;            /* of enum expr_kind; never 0 */
    const struct json *values; /* NULL, or an array of all values that it can have besides null */
};

/* What is known where an expression stands. Both functions are needed. */
struct expr_scope {
    void *with;
    /* The type of a path. False when there is no such path, with the reason in *e. */
    bool (*path)(void *with, struct str path, struct expr_type *out, struct err *e);
    /* Told of each problem: `at` is the byte in the source. */
    void (*problem)(void *with, size_t at, const char *sentence);
};

/* The type of its value. Problems: a path that is not there; a comparison that comes out the same whatever the values are
 * (an enum and a word that is none of its values, a number < a text, a number that contains something); arithmetic that
 * is always null. What cannot be decided is no problem. `a` holds the values of the result. */
struct expr_type expr_type(struct arena *a, const struct expr *x, const struct expr_scope *scope);

/* "a number or a text": for messages. */
struct str expr_kinds_in_words(struct arena *a, unsigned kinds);

/* The type of a value that is known. */
struct expr_type expr_type_of(struct arena *a, const struct json *value);

#endif
