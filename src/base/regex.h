/* regex: does a text match a pattern? PCRE2 on Unicode, within limits.
 *
 * Patterns come from workspaces and schemas, texts from customers and models: a match may use a
 * bounded number of steps and heap, and one that would need more counts as no match. Searches
 * anywhere in the text; ^ and $ anchor. \d, \w and \s are ASCII's; (?i) ignores case. */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/str.h"

enum { REGEX_BYTES_MAX = 4096 }; /* a longer pattern is refused */

/* Errors: ERR_INVALID: the pattern does not compile; the sentence names the offset. */
MUST_USE int regex_check(struct str pattern, struct err *e);

/* False also where the pattern does not compile or the limits do not suffice. */
bool regex_match(struct str pattern, struct str text);

/* The same where "undecided" must not count as no: 1, 0, or ERR_LIMIT where the limits do not suffice. ERR_INVALID: the
 * pattern does not compile. */
MUST_USE int regex_try(struct str pattern, struct str text);

/* What the first group of the first match holds, which may be empty; false: no match, no group, or none decided. */
bool regex_group(struct str pattern, struct str text, struct str *group);

#endif
