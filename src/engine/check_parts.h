/* check_parts: what the files of engine/check.h need of each other. Private to them. */
#ifndef ENGINE_CHECK_PARTS_H
#define ENGINE_CHECK_PARTS_H

#include "base/expr.h"
#include "engine/check.h"
#include "routine/routine.h"

/* In the order of module_kinds. */
enum checked_kind {
    CHECKED_INSTRUCTION,
    CHECKED_POLICY,
    CHECKED_ROUTINE,
    CHECKED_MACROS,
    CHECKED_TOOL,
    CHECKED_SCRATCHPAD,
    CHECKED_KINDS
};

/* One module's file. */
struct checked {
    enum checked_kind kind;
    struct str name;
    const char *file;
    const struct json *body; /* of an instruction its front matter; NULL when it could not be read */
    struct str text;         /* of an instruction */
    uint32_t text_line;      /* where that begins in the file */
    struct routine routine;
    bool walkable;   /* the routine was read */
    bool used;       /* by an agent */
    bool *mentioned; /* of macros: each text, by its place */
};

/* What is being looked at. */
struct check {
    struct arena *arena; /* as long as the findings */
    struct findings *found;
    const struct json *locales, *services, *secrets; /* as check_settings has them */
    bool places_known;                               /* the services and secrets: the settings were read */
    struct checked *modules;
    size_t n, size;
};

/* An agent, and what its modules use of each other. */
struct use {
    struct str name;
    const char *file;
    const struct json *at;
    struct use *next;
};
struct check_agent {
    struct check *k;
    const char *file;
    const struct json *self;
    struct checked **modules;
    size_t n;
    struct use *asked, *read; /* slots */
    bool holes
        [CHECKED_KINDS]; /* a module of the kind could not be taken: what is missing may be in it, and is not told */
};

struct checked *agent_module(const struct check_agent *ag, enum checked_kind kind, struct str name);
const struct json *agent_tool_spec(const struct check_agent *ag, struct str name);
const struct json *agent_slot(const struct check_agent *ag, struct str name);
/* The texts by language of "pack.text", which is mentioned now; NULL when there is none. */
const struct json *agent_texts(const struct check_agent *ag, struct str name);
void agent_reads_slot(struct check_agent *ag, struct str name, const char *file, const struct json *at);

/* --- values: check_value.c --- */

/* Looks at an expression of a file where `v` stands (a text) and gives its type. `what` is how messages call it. */
struct expr_type check_expr(struct check_agent *ag, const char *file, const struct json *v, const char *what);
/* Is there such a path? Marks the slot that it reads. NULL, or what is wrong. */
struct str check_path(struct check_agent *ag, const char *file, const struct json *at, struct str path,
                      struct expr_type *type);
struct expr_type check_type_of_schema(const struct json *schema);
/* args of a call or a proposal against the tool's input. */
void check_arguments(struct check_agent *ag, const char *file, const struct json *at, struct str step,
                     const struct json *spec, const struct json *args);
bool check_of_session(const struct json *property);

/* --- one module by itself --- */
void check_module(struct check *k, struct checked *m);
void check_instruction(struct check *k, struct checked *m); /* check_text.c */
void check_contradictions(struct check *k, struct checked *const *modules, size_t n);
void check_routine(struct check *k, struct checked *m);        /* check_flow.c */
void check_tool(struct check *k, struct checked *m);           /* check_tool.c */
void check_requests(struct check *k, const struct checked *m); /* of a tool: check_request.c */

/* --- an agent, and a module in it --- */
void check_agent_whole(struct check_agent *ag);                   /* check_agent.c */
void check_routine_in(struct check_agent *ag, struct checked *m); /* check_routine.c */
void check_calls(struct check_agent *ag);                         /* of routines by routines */

/* Marks the macros that a text mentions. */
void check_mentions(struct check_agent *ag, struct str text);

#endif
