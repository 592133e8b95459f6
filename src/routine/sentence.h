/* sentence: what a sentence of a procedure asks its reader to do, told by its first words. English. */
#ifndef ROUTINE_SENTENCE_H
#define ROUTINE_SENTENCE_H

#include "base/str.h"

enum sentence_kind {
    SENTENCE_OTHER,
    SENTENCE_ASK,     /* something that the customer is to answer or to do */
    SENTENCE_SAY,     /* something to tell */
    SENTENCE_CHECK,   /* something to look up */
    SENTENCE_DO,      /* something that changes something */
    SENTENCE_HANDOFF, /* a person takes over */
    SENTENCE_FOLLOW   /* go on elsewhere, if a place is named */
};

enum sentence_kind sentence_kind(struct str s);
/* Does it begin with a condition? Cuts it: "If A, B" -> when "A", then "B"; "Otherwise, B" -> when "otherwise". */
bool sentence_condition(struct str s, struct str *when, struct str *then);
/* The next sentence of a text ("... end. Next"); false at the end. */
bool sentence_next(struct str *rest, struct str *sentence);
/* A name of up to three words of content: "Ask the user to turn Airplane Mode OFF" -> "turn_airplane_mode". */
struct str sentence_name(struct arena *a, struct str s);
/* Does the text begin with the words, whatever their case? */
bool sentence_starts(struct str s, const char *words);

#endif
