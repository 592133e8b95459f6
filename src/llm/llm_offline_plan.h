/* llm_offline_plan: what the shared part of a prompt says about an agent (docs/PROMPT.md, section 2): its
 * routines, macros and slots, read once and kept. The offline provider knows nothing else of the agent. */
#ifndef LLM_LLM_OFFLINE_PLAN_H
#define LLM_LLM_OFFLINE_PLAN_H

#include "llm/llm_offline_words.h"
#include "routine/routine.h"

struct offline_phrases {
    struct words_phrase *p;
    size_t n;
};

struct offline_slot {
    struct str name, type;       /* type: enum, or what quantity and pattern say (text, integer, number, money, date) */
    const struct json *patterns; /* language -> regular expressions whose first group is the value; NULL for none */
    bool past;                   /* a date without its year is the last such day, not the next */
    bool alone;                  /* no other slot is of that type: a value that nobody asked for is this one's */
    bool has_question;           /* a routine asks for it: single words wait for the question */
    struct offline_phrases phrases;
};

struct offline_routine {
    const struct routine *routine;
    struct offline_phrases start, never; /* start_when.phrases, not_when.phrases */
};

struct offline_plan {
    struct arena *arena; /* owns the plan and everything below */
    struct str shared;   /* what it was read from */
    struct routine_book book;
    struct offline_routine *routines; /* as many as the book has, in its order */
    struct offline_slot *slots;
    size_t slots_n;
};

/* Errors: ERR_INVALID when `shared` is no system message. A section that is missing or does not parse is
 * empty: the agent then says less. */
MUST_USE int offline_plan_new(struct str shared, struct offline_plan **out, struct err *e);
void offline_plan_free(struct offline_plan *p); /* NULL is allowed */

/* The few agents that this process speaks for, by their shared text (compared byte for byte). */
enum { OFFLINE_PLANS_MAX = 8 };
struct offline_plans {
    struct offline_plan *kept[OFFLINE_PLANS_MAX]; /* the last used first */
};
/* The plan is borrowed until the next call. Errors: as offline_plan_new. */
MUST_USE int offline_plans_get(struct offline_plans *plans, struct str shared, struct offline_plan **out,
                               struct err *e);
void offline_plans_free(struct offline_plans *plans);

#endif
