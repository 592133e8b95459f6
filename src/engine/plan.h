/* plan: what one call of a tool does, step by step: the pure half of running it.
 *
 * The caller asks for the next task, does it, and gives back what came of it, until the task is the end:
 *
 *     plan_begin(&p, arena, rq, world, &e);
 *     for (;;) {
 *         plan_next(&p, &task);
 *         if (task.what == PLAN_END) break;       task.answer is the call's answer
 *         ... make the request, call the other tool ...
 *         plan_done(&p, &outcome);
 *     }
 *
 * Steps run in order, each once or for each item of a list. `when`, `let` and Lua are decided here. What failed fails the
 * whole with its class, or leaves a hole (`on_partial: best_effort`). An action whose first attempt has an unknown outcome
 * first asks what became of its key, where the tool says how. */
#ifndef ENGINE_PLAN_H
#define ENGINE_PLAN_H

#include "engine/tool.h"

enum plan_what { PLAN_HTTP, PLAN_COMMAND, PLAN_RECORDED, PLAN_CALL, PLAN_KNOWLEDGE, PLAN_END };

struct plan_task {
    enum plan_what what;
    struct str place;             /* "shipment", "offers.2", "reconcile"; "" for a tool without steps */
    struct tool_http http;        /* PLAN_HTTP */
    const struct json *command;   /* PLAN_COMMAND: its words, texts */
    struct str input;             /* PLAN_COMMAND: what it is told, JSON */
    struct str file;              /* PLAN_RECORDED: where the answers are */
    const struct tool *tool;      /* PLAN_CALL */
    struct str args;              /* PLAN_CALL, PLAN_RECORDED: canonical JSON */
    const struct json *knowledge; /* PLAN_KNOWLEDGE: the specification's part: collection, results, passage_chars */
    struct str query;             /* PLAN_KNOWLEDGE */
    bool acts;                    /* the one task of an action that changes something: under the call's key */
    struct tool_answer answer;    /* PLAN_END; ms is the caller's */
};

/* What came of a task. */
struct plan_outcome {
    enum tool_class class;
    int status;               /* of HTTP, or a program's; 0 for none */
    const struct json *value; /* the answer, with its error if it is one; NULL: none. Lives as long as the plan */
    struct str text;          /* what a backend said, byte by byte but for secrets; "" where there is no such text */
    const char *why; /* when the class is neither ok nor already_done and the answer says nothing: a sentence */
};

struct plan {
    struct arena *arena;
    const struct tool_request *rq;
    const struct tool_world *world;
    struct json *root; /* what expressions see */
    size_t step;
    bool entered;             /* the step's `when` and `each` were looked at */
    const struct json *items; /* of `each`; NULL: the step runs once */
    size_t item;
    struct json *results, *failed; /* of the step's items; ids of what left a hole */
    bool asked, reconciling;       /* what became of the key */
    bool calling, acted;           /* the last task was a call; the action's task was given out */
    bool done_before, ended;       /* an answer said that this was done already */
    struct tool_answer answer;
};

/* Errors: ERR_INVALID (the arguments are no JSON object). */
MUST_USE int plan_begin(struct plan *p, struct arena *a, const struct tool_request *rq, const struct tool_world *world,
                        struct err *e);
void plan_next(struct plan *p, struct plan_task *out);
void plan_done(struct plan *p, const struct plan_outcome *outcome);

#endif
