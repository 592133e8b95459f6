/* course: where a conversation stands in its routines, as the journal tells it (part of the fold).
 *
 * The stack of routines under way, what the runtime said on its walk but has not sent yet, what it wants of the model, and what
 * a correction goes back to. Decisions about it are engine/lead.h. */
#ifndef ENGINE_COURSE_H
#define ENGINE_COURSE_H

#include "routine/routine_walk.h"

struct call;

struct course_step { /* an ask step that was walked through; newest first */
    struct course_step *older;
    struct str routine, step;
};

struct course_note { /* for colleagues; newest first */
    struct course_note *older;
    struct str text;
};

struct course_judgement { /* what a model said of a row's condition */
    struct course_judgement *older;
    struct str row;
    bool yes;
};

struct course {
    struct routine_frame frames[ROUTINE_FRAMES]; /* the last one is under way */
    size_t frames_n;
    struct course_step *trail;
    struct course_note *notes;
    struct str words;                    /* said on the way since the last reply */
    struct str phrase, draft;            /* what the model is to put into words; "" for nothing */
    struct str judge;                    /* the row whose condition the model is to judge; "" for none */
    struct str judge_text;               /* that condition */
    struct course_judgement *judgements; /* of the step where the routine stands; newest first */
    bool judging;                        /* the last answer was asked for one: the newest */
    int64_t walk_seq;                    /* of the last routine.walked */
    const struct call *made;             /* its calls, also when a model was asked since; NULL: the stack is another */
    size_t made_n;
    struct str corrected[4]; /* slots that got another value since the last walk; more go back to the first */
    size_t corrected_n;
    bool unread;  /* the customer wrote something that no model has read */
    bool heard;   /* the customer wrote since the last walk */
    bool phrased; /* the model gave the words of the step where the routine stands */
    bool walked;  /* the last answer was the runtime's own walk, not a model's */
};

/* The routine under way and its step; "" when there is none. */
struct str course_routine(const struct course *k);
struct str course_place(const struct course *k);

/* {"stack":[{"routine","step"}...]} of a walk or of a model's update, kept in `a`. */
void course_take_stack(struct course *k, struct arena *a, const struct json *stack);
/* A model's update of before there was a stack: one routine and its step, either may be NULL. */
void course_take_place(struct course *k, struct arena *a, const struct json *routine, const struct json *step);
/* routine.walked: all but its calls and counters. */
void course_take_walk(struct course *k, struct arena *a, const struct json *body);
/* What was said, asked and judged on the way counts no more: somebody else goes on, or the customer's words come first. */
void course_break_off(struct course *k);
/* Another agent version leads from here on: routines that it has not, or whose step it has not, are left. true: some were. */
bool course_fit(struct course *k, const struct routine_book *book);
/* Writes the frames: "stack":[...] */
void course_put_stack(struct json_writer *w, const struct routine_frame *frames, size_t n);

#endif
