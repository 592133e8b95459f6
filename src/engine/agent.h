/* agent: a choice of modules, compiled. The hash of its bundle is its identity everywhere.
 *
 * A bundle is one canonical JSON text: {"agent":{...},"modules":[{"kind","name","version","sha256","body"}...]} with the
 * modules in the order in which the agent names them; instructions' bodies are text, all others are what engine/module.h says. It is
 * stored as a blob under its SHA-256, so a conversation keeps its agent when the files change, and every past prompt
 * can be made again. */
#ifndef ENGINE_AGENT_H
#define ENGINE_AGENT_H

#include "engine/span.h"
#include "engine/tool.h"
#include "routine/routine.h"

struct budgets {
    int model_calls, tool_calls, identical_calls; /* for each turn */
    int turn_ms;
    int resumes;     /* a turn that crashed so often goes to a person */
    int reply_chars; /* what judges hold replies to */
};

struct agent {
    struct arena *arena; /* owns everything below */
    struct str name, version;
    struct sha256 sha;
    struct str sha_hex;
    struct str bundle;        /* the canonical text that sha is of */
    struct str variant_of;    /* engine/variant.h: the sha in hex of the bundle that it was made from; else "" */
    const struct tool *tools; /* sorted by name */
    size_t tools_n;
    const struct json *macros;  /* "pack.name" -> {"en":...} */
    const struct json *slots;   /* array of slot definitions */
    struct routine_book book;   /* its routines, and the macros once more */
    const struct json *modules; /* as in the bundle */
    struct budgets budgets;
    bool plain;    /* the prompt is for a model that knows languages: without the phrases of the offline provider */
    bool pin_turn; /* a running conversation moves to the version in force when a turn begins; else it keeps its own */
    /* The parts of every prompt that do not change (docs/PROMPT.md) */
    struct str tools_json;    /* the inside of the tools array */
    struct str shared;        /* the first system message */
    sha256_state prefix;      /* over tools_json, newline, shared */
    const struct span *spans; /* of tools_json, newline, shared */
    size_t spans_n;
};

/* The bundle of the draft agents/<name>.yaml below `dir` (engine/composition.h), which lives in `a`. `published` may be NULL:
 * the working tree alone. Errors: ERR_NOT_FOUND, ERR_INVALID with "file:line: ...". */
struct module_source;
MUST_USE int agent_bundle(struct arena *a, const char *dir, const char *name, const struct module_source *published,
                          struct str *bundle, struct err *e);

/* Compiles for once what was read from the files, while every value still has its line. `all`: the bundle as a value.
 * Errors: ERR_INVALID with "file:line: ...". */
MUST_USE int agent_check(const struct json *all, const char *dir, struct err *e);

/* Compiles a bundle: makes the prompt's fixed parts. Only what could not be compiled is refused, since a bundle of the
 * store was checked by the rules of its day and has conversations to end. The agent is freed with agent_free. */
MUST_USE int agent_new(struct str bundle, struct agent **out, struct err *e);
void agent_free(struct agent *ag);

const struct tool *agent_tool(const struct agent *ag, struct str name); /* NULL when it has none of that name */

/* A macro's text in `language`, else English, else any; p NULL when there is no such macro. */
struct str agent_macro(const struct agent *ag, const char *name, struct str language);

#endif
