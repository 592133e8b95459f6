/* routine_walk: from where a routine stands to where it has to wait, over what is known. Pure: the same state gives the same
 * walk.
 *
 * The engine walks routines in script mode; the offline provider, which plays the model, walks in the other modes. They
 * differ in one thing. In a script a step is passed when it was done since the routine came to it (`called`, `phrased`); a
 * follower sees only what is known by now (`state.tool_class`), and says the words of its walk again when it goes on. */
#ifndef ROUTINE_ROUTINE_WALK_H
#define ROUTINE_ROUTINE_WALK_H

#include "routine/routine.h"

/* One routine on the stack; step "": before its first. */
struct routine_frame {
    struct str routine, step;
};
enum {
    ROUTINE_FRAMES = 6,  /* the interrupted and the called */
    ROUTINE_OPEN_MAX = 3 /* then no other matter is taken up */
};

enum walk_end {
    WALK_WAITS,     /* for the customer: words were said, `asking` names the slots */
    WALK_CALLS,     /* for the answers of `calls` */
    WALK_PROPOSES,  /* for the customer's yes to the action in `calls` */
    WALK_PHRASES,   /* for the model's words: `phrase` says what about, `draft` is the macro's text */
    WALK_JUDGES,    /* for the model's yes or no to `phrase`, about row `judged` */
    WALK_LEADS_OUT, /* the step is of a mode that another one leads */
    WALK_ENDED,     /* no routine is left on the stack */
    WALK_HANDS_OVER /* `reason`, `note` */
};

enum { WALK_CALLS_MAX = 16, WALK_SLOTS_MAX = 16 };
struct walk_call {
    struct str tool, args; /* args: JSON */
};

struct routine_walk {
    /* given */
    struct arena *a;
    const struct routine_book *book;
    struct json *state;  /* what expressions and macros see (docs/ROUTINES.md); written to */
    struct str language; /* of the customer */
    bool script;
    bool heard;               /* the customer wrote since the routine came to stand where it stands */
    const struct str *called; /* the tools that were called there */
    size_t called_n;
    bool proposed;                               /* state.proposal is of the call that was made there */
    bool phrased;                                /* the model gave the words of the step where it stands */
    struct routine_frame frames[ROUTINE_FRAMES]; /* the last one is under way */
    size_t frames_n;

    /* found; frames too */
    enum walk_end end;
    struct buf words; /* what is said on the way; made by routine_walk_new */
    struct walk_call calls[WALK_CALLS_MAX];
    size_t calls_n;
    struct str asking[WALK_SLOTS_MAX], forget[WALK_SLOTS_MAX];
    size_t asking_n, forget_n;
    struct json *trail; /* [[routine, step]...]: the ask steps on the way, for corrections */
    struct json *ended; /* [[routine, outcome]...] */
    struct json *notes; /* texts for colleagues */
    struct str reason, note, priority, phrase, draft, judged;

    /* on the way */
    struct str from;    /* where the walk began; p NULL when it went into another routine since */
    struct str began;   /* id of the step where the top routine stood; p NULL when it came to the step by walking */
    const char *became; /* the outcome of the action that the last confirm step was about */
    bool over;
};

/* `frames` and what else is given are set by the caller before routine_walk_on. */
struct routine_walk routine_walk_new(struct arena *a, const struct routine_book *book, struct json *state);
void routine_walk_on(struct routine_walk *w);

/* The question of an ask step for each slot, the first whose condition holds; gives how many (at most max). */
size_t routine_questions(struct routine_walk *w, const struct routine_step *s, const struct json **out, size_t max);
/* The step where the routine on top stands; NULL when none does. */
const struct routine_step *routine_walk_stands(const struct routine_walk *w);
/* Writes member `key` of state.`object`, for what was learnt just now. */
void routine_state_set(struct arena *a, struct json *state, const char *object, struct str key, struct json *value);
/* Adds a macro's words in the customer's language, else in English, else in any; one that cannot be filled ends the walk. */
void routine_say(struct routine_walk *w, struct str macro);
/* A person goes on, and nothing half-said leaves. */
void routine_give_up(struct routine_walk *w, const char *reason, struct str note);

/* May this tool be called now, as far as the routine is concerned (mode gate)? */
struct routine_verdict {
    bool allowed;
    const char *reason; /* step_not_reached, arguments_differ, identity_too_low */
    struct str step;
    struct json *missing; /* texts: "slot.address_type", "tool.check_delivery" */
    const char *what_to_do;
};
/* `args` are the model's, without the session's; `action`: only a walk from the routine's beginning that comes to the step lets
 * it through, with just the step's arguments. A tool that the routine does not mention is allowed. */
struct routine_verdict routine_gate(struct arena *a, const struct routine *r, const struct json *state, struct str tool,
                                    const struct json *args, bool action);
/* Does a step of it call or confirm the tool? */
bool routine_mentions(const struct routine *r, struct str tool);

#endif
