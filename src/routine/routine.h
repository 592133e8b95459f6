/* routine: a standard operating procedure as steps, read once and then walked.
 *
 * The file's form is docs/ROUTINES.md. Reading brings it into one shape: every target is the number of a step, steps that
 * stand in the place of a target have become steps of their own (id "parent.branch"), short forms are written out. This
 * folder is pure; the engine uses it to lead or to hold back, the offline provider to follow. */
#ifndef ROUTINE_ROUTINE_H
#define ROUTINE_ROUTINE_H

#include "base/json.h"

enum routine_mode { ROUTINE_GUIDE, ROUTINE_GATE, ROUTINE_SCRIPT };
enum routine_digress { ROUTINE_ALLOW, ROUTINE_HOLD, ROUTINE_FORBID };
enum routine_verb {
    ROUTINE_SAY,
    ROUTINE_ASK,
    ROUTINE_CALL,
    ROUTINE_DECIDE,
    ROUTINE_CONFIRM,
    ROUTINE_ACT,
    ROUTINE_NOTE,
    ROUTINE_GOTO,
    ROUTINE_CALL_ROUTINE,
    ROUTINE_HANDOFF,
    ROUTINE_EXIT,
    ROUTINE_VERBS
};

enum { ROUTINE_NOWHERE = -1, ROUTINE_RETRY = -2 }; /* in place of a step's number */

/* Where a step can go on: `on` is "next", "ok", "else", "row3", an outcome ... */
struct routine_branch {
    struct str on;
    const struct json *at; /* where the file says so */
    int to;                /* a step's number, ROUTINE_NOWHERE or ROUTINE_RETRY */
};

/* A call of a step, or what it confirms. */
struct routine_call {
    struct str tool;
    const struct json *args; /* an object of expressions and plain values, or NULL */
    const struct json *at;
};

struct routine_step {
    struct str id;
    enum routine_verb verb;
    enum routine_mode mode;
    const struct json *body; /* the step as the file has it */
    const struct json *arg;  /* what stands behind the verb */
    struct routine_branch *branches;
    size_t branches_n, branches_size;
    struct routine_call *calls; /* of call; one of confirm */
    size_t calls_n;
    struct str macro, text; /* of say: the words, and how to phrase them; "" for none */
    struct str
        name;   /* goto's step, call_routine's routine, handoff's reason, exit's outcome; also of a say with exit */
    bool ends;  /* a say that ends the routine */
    int repeat; /* of confirm: how often it is proposed again when the answer is unclear */
    int max_asks;
    int identity; /* what `requires` says: 0 nothing */
    struct str requires_if;
    const struct json *requires_slots;
};

struct routine {
    struct str name;
    enum routine_mode mode;
    enum routine_digress digress;
    int identity; /* the least that the customer's session must have */
    const struct json *spec;
    struct routine_step *steps; /* [0, top_n) as in the file, then those that stood in targets */
    size_t steps_n, top_n;
};

/* Reads a routine's file; `file` is its name for messages. It borrows from spec. Errors: ERR_INVALID with "file:line: ...":
 * a step without or with two verbs, a target that is no step, two steps of one id, an unknown word. */
MUST_USE int routine_read(struct arena *a, const struct json *spec, const char *file, struct routine *out,
                          struct err *e);

const char *routine_verb_name(enum routine_verb v);
const char *routine_mode_name(enum routine_mode m);
/* The step of that id, or NULL. */
const struct routine_step *routine_step(const struct routine *r, struct str id);
/* The number of the step where `on` leads, or ROUTINE_NOWHERE. */
int routine_branch(const struct routine_step *s, const char *on);
/* An expression without the `$` that may stand before paths. */
struct str routine_expr(struct arena *a, struct str source);
bool routine_asks(const struct routine *r, struct str slot);

/* The routines of one agent and what they say. */
struct routine_book {
    const struct routine *routines;
    size_t n;
    const struct json *macros; /* "pack.name" -> {"en": ...} */
};
const struct routine *routine_find(const struct routine_book *b, struct str name);

#endif
