/* draft: a routine that a program wrote and a person has to finish.
 *
 * Whoever reads a procedure adds steps one after the other; where a step goes on is a label, which is placed before or
 * after it is used. The text that comes out is a file of docs/ROUTINES.md with comments: what the document says, and lines
 * with DRAFT_MARK where the structure alone did not tell. Everything lives in the arena of the set. */
#ifndef ROUTINE_DRAFT_H
#define ROUTINE_DRAFT_H

#include "routine/routine.h"

#define DRAFT_MARK \
    "TO" \
    "DO" /* in two parts, since tools/check-words looks for work of ours that is unfinished */

struct draft_label {
    struct str id;            /* the step that it stands before; p NULL: not known yet */
    struct draft_label *same; /* it was found to be the same place as this one */
    struct draft_label *pending;
};

/* A branch of decide (`text`: the condition; "" for else), or a question of ask (`name`: its slot, `text`: the question). */
struct draft_row {
    struct draft_row *next;
    struct str name, text;
    struct draft_label *to;
    bool fresh;
};

struct draft_line {
    struct draft_line *next;
    struct str text;
    bool todo;
};

struct draft_lines {
    struct draft_line *first, *last;
};

struct draft_step {
    struct draft_step *next;
    struct str id;
    enum routine_verb verb;
    struct str name; /* call, confirm: the tool; goto, call_routine, handoff, exit: as in struct routine_step */
    struct str text; /* say: how to phrase it */
    struct draft_row *rows, *rows_last;
    struct draft_label *to; /* NULL: the next step in the file */
    struct draft_lines about;
};

struct draft {
    struct draft *next;
    struct str name, summary;
    struct draft_step *steps, *last;
    struct draft_label *pending; /* placed, waiting for the next step */
    struct draft_lines about;
    struct draft_lines ahead; /* comments that the next step takes */
    size_t steps_n;
};

struct drafts {
    struct arena *a;
    struct str source; /* the document's name */
    struct str pack;   /* the macros' and the scratchpad's name */
    struct draft *first, *last;
    size_t n, steps_n, todos_n;
    struct draft_lines left; /* parts of the document that became no routine: "Introduction (line 3)" */
};

/* A new routine at the end of the set; its name is made unique. */
struct draft *draft_add(struct drafts *ds, struct str name, struct str summary);
/* A new step at the end, with an id made unique; labels that were placed stand before it. */
struct draft_step *draft_step(struct drafts *ds, struct draft *d, struct str id, enum routine_verb verb);
/* An action: a confirm step, and the act step that follows a yes. Gives the first. */
struct draft_step *draft_action(struct drafts *ds, struct draft *d, struct str id, struct str tool);
struct draft_row *draft_row(struct drafts *ds, struct draft_step *s, struct str text, struct draft_label *to);

struct draft_label *draft_label(struct drafts *ds);
void draft_place(struct draft *d, struct draft_label *l);
/* A branch ends here: its last step, unless nothing follows it by its nature, and labels without a step go on at `l`. `last`
 * is the step before the branch began. */
void draft_branch_end(struct draft *d, const struct draft_step *last, struct draft_label *l);
/* The last step of the routine, if anything comes to its end. */
void draft_end(struct drafts *ds, struct draft *d);

void draft_say_todo(struct drafts *ds, struct draft_lines *to, const char *format, ...) PRINTF_LIKE(3, 4);
void draft_comment(struct drafts *ds, struct draft_lines *to, struct str text);
/* Lower case letters, digits and _: at most `words_max` words of the text. "x" where it has none. */
struct str draft_slug(struct arena *a, struct str text, size_t words_max);

/* Texts of files: routines/<name>.yaml; macros/<pack>.yaml with the questions; scratchpads/<pack>.yaml with the slots. */
struct str draft_yaml(const struct drafts *ds, const struct draft *d);
struct str draft_macros_yaml(const struct drafts *ds);
struct str draft_scratchpad_yaml(const struct drafts *ds);

#endif
