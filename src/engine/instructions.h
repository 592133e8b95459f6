/* instructions: the text of an instructions module in pieces that have names.
 *
 * A line of # or ## and a word begins a section; a list item or a paragraph is a piece of it. Those under Must are M1, M2,
 * ..., those under Must not N1, N2, ...; others are named by section and place: role.p1. A heading is named as its section.
 * Pure; the pieces put one after the other are the text. */
#ifndef ENGINE_INSTRUCTIONS_H
#define ENGINE_INSTRUCTIONS_H

#include "base/str.h"

struct instructions {
    struct str rest;    /* the text, of which pieces are taken */
    struct str section; /* "must_not"; "" before the first heading */
    int must, must_not, places;
};

struct instruction {
    struct str text;   /* lines with their ends, empty lines behind it too */
    struct str anchor; /* in the arena */
    bool heading;
};

/* The next piece; false at the end. `in` starts with its rest, else zeroed. */
bool instructions_next(struct arena *a, struct instructions *in, struct instruction *out);

/* The words that a heading may have, and NULL. */
extern const char *const instruction_sections[];
/* Is the line a heading, and what does it say? */
bool instruction_heading(struct str line, struct str *words);

#endif
