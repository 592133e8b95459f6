/* expect: the lines of a script that can be false, and the rules that hold in every script. */
#ifndef TESTS_TALK_EXPECT_H
#define TESTS_TALK_EXPECT_H

#include "stage.h"

/* One or more expectations, "; " between them; README.md has their forms. `refused`: what the last act was answered, 0 when
 * it was taken. Errors: ERR_UNDEFINED with what was expected and what is there; ERR_INVALID: no such expectation. */
MUST_USE int expect_check(struct stage *s, struct str line, int refused, struct err *e);

/* What holds at the end of every script, whatever it is about. */
MUST_USE int expect_house_rules(struct stage *s, struct err *e);

/* The conversation in a few words an event, for whoever has to find out why an expectation failed. */
void expect_tell(struct stage *s);

#endif
