/* confirm: did the customer say yes? Patterns only, in English, Portuguese and Spanish; a model's reading never counts.
 *
 * "yes" needs every word to be one of agreement ("sim, pode pedir por favor"); anything else that comes with it ("yes but
 * to my office") is other, and voids the proposal. So does a symbol that is
 * not one of the few that agree: "ok 👎". */
#ifndef ENGINE_CONFIRM_H
#define ENGINE_CONFIRM_H

#include "base/str.h"

enum confirm_answer { CONFIRM_YES, CONFIRM_NO, CONFIRM_OTHER };

enum confirm_answer confirm_read(struct str text);

#endif
