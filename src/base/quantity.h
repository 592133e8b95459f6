/* quantity: the numbers, amounts of money and dates that people write, brought into one form.
 *
 * "R$ 1.200,50", "1,200.50 dollars" and "1200,5" are all 1200.5; "15 de março", "March 15" and "tomorrow" are dates. For what a
 * customer's message says, and for whether it says a value at all. A vocabulary of English, Portuguese and Spanish, not a
 * model: number words ("fifty") are not read, but "thousand", "million" and their like behind digits are. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include "base/str.h"

enum quantity_kind { QUANTITY_NUMBER, QUANTITY_MONEY, QUANTITY_PERCENT, QUANTITY_DATE };

struct quantity {
    enum quantity_kind kind;
    struct str value; /* a decimal without zeros at its end, or YYYY-MM-DD */
    struct str text;  /* as it was written */
};

/* The next quantity of the text from *at on; moves *at behind it. false: there is none. `language` ("en", "pt", "es") says
 * what "1.200" and "3/4" mean, `today` (YYYY-MM-DD) what "tomorrow" and a date without its year do: the next such day.
 * A number is money when a currency stands beside it. Digits that are part of a word or a code are none. */
bool quantity_next(struct arena *a, struct str text, size_t *at, struct str language, struct str today,
                   struct quantity *out);

#endif
