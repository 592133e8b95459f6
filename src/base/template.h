/* template: macro texts with fields in braces.
 *
 * "{tool.check_card_delivery.promised_on|date}" is a path of base/expr.h and one optional filter:
 *   date   "2026-11-25" as "November 25", "25 de novembro", "25 de noviembre" (the month is spelled, so
 *          that no reader can take it for another; the year is added when it is not `today`'s year)
 *   money  1234.5 as "1,234.50", "1.234,50" (pt), "1,234.50" (es as in Mexico); no more than two decimals. The sign
 *          of the currency is the text's or another field's
 *   plain  the value's text (the default). Numbers as they are, lists joined by ", ".
 * "{{" and "}}" are braces. A value is never read as a template again. */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include "base/json.h"

/* Fills `text` from the members of `root`. `language` is "en", "pt" or "es"; `root.date` is today.
 * Errors: ERR_INVALID (bad template, an object, a date or amount that is none), ERR_NOT_FOUND (a field is missing,
 * null or empty: the sentence names it; a macro with a hole never leaves), ERR_LIMIT (past 64 KiB). */
MUST_USE int template_render(struct arena *a, struct str text, struct str language, const struct json *root,
                             struct str *out, struct err *e);

/* Parses only. Calls field(arg, path) for each field; `field` may be NULL. Errors: ERR_INVALID. */
MUST_USE int template_check(struct str text, void (*field)(void *arg, struct str path), void *arg, struct err *e);

#endif
