/* decimal: exact arithmetic on the numbers of JSON, as far as 64 bits reach.
 *
 * Sums of money must not pass through a double. A number such as 12.30 is 1230 / 10^2 here; what
 * does not fit (an exponent, more than 18 digits) is left to the caller's doubles. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/json.h"

struct decimal {
    int64_t n;
    unsigned scale; /* the value is n / 10^scale */
};

/* Each gives false where the result does not fit; the operands are spoilt then. */
bool decimal_of(const struct json *number, struct decimal *out); /* false also for other kinds */
bool decimal_align(struct decimal *a, struct decimal *b);        /* to the larger scale of both */
bool decimal_add(struct decimal *a, struct decimal b);
bool decimal_subtract(struct decimal *a, struct decimal b);
bool decimal_multiply(struct decimal *a, struct decimal b);
/* The quotient to 12 decimals, halves away from zero; also false when b is 0. */
bool decimal_divide(struct decimal *a, struct decimal b);
/* To at most `places` decimals, halves away from zero, as amounts of money are. */
void decimal_round(struct decimal *d, unsigned places);

/* As a JSON number without zeros at its end. */
struct json *decimal_json(struct arena *a, struct decimal d);

/* -1, 0 or 1 for two JSON numbers of any length: exact, from their digits. */
int decimal_order(const struct json *a, const struct json *b);

/* Is `number`, of any length, a whole multiple of `step`? False where decimal_step_ok is. */
bool decimal_divides(const struct json *step, const struct json *number);
/* Is it a number but 0 with at most DECIMAL_STEP_DIGITS_MAX digits between its outer zeros? */
enum { DECIMAL_STEP_DIGITS_MAX = 18 };
bool decimal_step_ok(const struct json *step);

#endif
