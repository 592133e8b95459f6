/* nearest: the known word that a misspelt one was meant to be, for "did you mean". */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/str.h"

/* The nearest of `known` (NULL-terminated), at most two letters to change, add or drop away (Levenshtein 1966); the first
 * of several; NULL when none is near. */
const char *nearest_word(struct str word, const char *const *known);

#endif
