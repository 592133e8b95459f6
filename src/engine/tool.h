/* tool: what the agent can look up or do, as a module of the workspace says it.
 *
 * This module is pure: it reads a tool's specification (tool_read.c, tool_link.c), shows it to the model (tool_describe.c),
 * checks arguments (tool_args.c), makes requests of them (tool_fill.c), and turns what a backend answered into a class and
 * a projected result (tool.c). In what order a call's requests are made is engine/plan.h; whoever makes them is
 * src/app/tool_run.c. The format of the file is docs/WORKSPACE.md. */
#ifndef ENGINE_TOOL_H
#define ENGINE_TOOL_H

#include "base/hash.h"
#include "base/json.h"

enum tool_gate { TOOL_GATE_NONE, TOOL_GATE_CUSTOMER };
/* How a repeated request is recognised by the backend. ATTEMPT sends a new key each time: it is what naive clients
 * do and exists as the negative control of the kill test. */
enum tool_idempotency { TOOL_KEY, TOOL_NO_KEY, TOOL_KEY_PER_ATTEMPT };

/* The classes of an answer, as they stand in the journal. */
enum tool_class { TOOL_OK, TOOL_REFUSED, TOOL_ALREADY_DONE, TOOL_TRANSIENT, TOOL_UNKNOWN, TOOL_INVALID };
const char *tool_class_name(enum tool_class c);
enum tool_class tool_class_of(struct str name); /* TOOL_UNKNOWN for an unknown name */

/* Who may supply an argument's value. SESSION stands alone: the runtime sets it and the model never sees it. */
enum tool_source { TOOL_SESSION = 1, TOOL_CUSTOMER = 2, TOOL_TOOL = 4, TOOL_MODEL = 8 };
enum { TOOL_ANY_SOURCE = TOOL_CUSTOMER | TOOL_TOOL | TOOL_MODEL }; /* where the file says nothing */

/* When a read is tried again. Actions are tried again by the engine only, under their key. */
enum { TOOL_BACKOFFS_MAX = 8 };
struct tool_retry {
    unsigned on; /* 1 << class, of those that are tried again */
    int max;     /* tries after the first */
    int backoff_ms[TOOL_BACKOFFS_MAX];
    int backoffs; /* after the last of them, the last again */
};

enum { TOOL_STEPS_MAX = 16, TOOL_EACH_MAX = 50, TOOL_DEPTH_MAX = 3 /* tools within tools */ };

struct tool {
    struct str name, version, summary;
    bool action;                    /* changes something: runs only through the action protocol */
    bool irrevocable;               /* no agent runs it: a person is asked */
    const struct json *spec;        /* the whole file */
    const struct json *input;       /* JSON Schema of all arguments, the session's included */
    const struct json *model_input; /* the same without what the session supplies and without x- keys */
    const struct json *steps;       /* of a composite; NULL: the tool itself is its one step */
    const struct tool *others;      /* the agent's tools, which steps may call; set by tool_link */
    size_t others_n;
    const struct tool
        *does;        /* of an action that is a composite: the action that it calls; NULL: a request of its own */
    bool best_effort; /* a step that fails leaves a hole instead of failing the whole */
    enum tool_gate gate;
    enum tool_idempotency idempotency;
    struct str confirm_macro;                   /* "cards.propose_reissue" */
    int64_t expires_us;                         /* how long a proposal stands */
    int64_t fresh_us;                           /* a read's result is used again without a call for so long; 0: never */
    int timeout_ms;                             /* for each request */
    int identity_min;                           /* the session's identity must be this or more */
    int limit_per_conversation, limit_per_turn; /* actions that succeeded, reads that were made; 0: no limit */
    size_t answer_bytes_max;
    size_t memory_bytes_max; /* of a program */
    struct tool_retry retry;
};

/* Reads a specification; `file` is its file's name for messages. Errors: ERR_INVALID with "file:line: ...". The tool borrows
 * from spec. */
MUST_USE int tool_read(struct arena *a, const struct json *spec, const char *file, struct tool *out, struct err *e);

/* Lets the tools of one agent know each other, for the steps that call one. `dir` is the workspace, for messages.
 * Errors: ERR_INVALID (a step names no tool of the agent, a circle, an action where only reads may be). */
MUST_USE int tool_link(struct arena *a, struct tool *tools, size_t n, const char *dir, struct err *e);

/* The definition the model sees: {"type":"function","function":{...}}. */
void tool_write_definition(const struct tool *t, struct json_writer *w);

/* Whose conversation it is: what `x-source: session` arguments are set from. */
struct tool_session {
    struct str customer, locale;
    int identity;
};

/* The model's argument text becomes the whole argument object: parsed, checked against the schema, the session's
 * values put in (the model cannot set them). Errors: ERR_INVALID with a sentence for the model. */
MUST_USE int tool_arguments(struct arena *a, const struct tool *t, struct str text, const struct tool_session *session,
                            struct json **args, struct err *e);

/* Who may supply the argument `name`: enum tool_source, or-ed; 0 when the tool has no such argument. */
unsigned tool_argument_sources(const struct tool *t, struct str name);

/* What the customer is shown of an action: [{"name","label","value"}] over the arguments with x-show, in `language`. The
 * value is the argument's own, or its words where the schema has some for it (x-values). */
void tool_write_shown(struct arena *a, const struct tool *t, const struct json *args, struct str language,
                      struct json_writer *w);

/* A copy of arguments or of a result in which what audit.mask names is "[masked]": for whoever need not know it. The texts and
 * numbers that were hidden, of 4 bytes or more, are added to the array `hidden`; NULL: nobody asks. */
struct json *tool_masked(struct arena *a, const struct tool *t, const struct json *value, struct json *hidden);

/* What the journal keeps of an answer: the members of a tool.answered behind its call (docs/JOURNAL.md), and those of an
 * action.done behind its proposal. `args` is canonical JSON, or "" where the answer is not used again. */
struct tool_answer;
void tool_write_answered(struct str tool, struct str args, const struct tool_answer *answer, struct json_writer *w);
void tool_write_done(struct str tool, struct str key, const struct tool_answer *answer, struct json_writer *w);

/* SHA-256 over the canonical form of {tool, version, args}: what a confirmation is bound to. */
struct sha256 tool_digest(struct arena *a, const struct tool *t, const struct json *args);

/* The key of an action: names the proposal, not its content. */
struct str tool_key(struct arena *a, int64_t conversation, int64_t proposal_seq, int attempt, bool per_attempt);

/* Has the action, or the one that it calls, a request that asks what became of a key? */
bool tool_reconciles(const struct tool *t);

/* One call that the engine wants made. Texts live until the answer was given. */
struct tool_request {
    const struct tool *tool;
    int64_t conversation;
    struct str label;            /* the conversation's outside name */
    struct str call_id;          /* "c12_0"; for actions "a<proposal>" */
    struct str args;             /* canonical JSON, the session's values included */
    struct str key;              /* idempotency key; "" for reads */
    int attempt;                 /* 1, 2, ...: from 2 on the first one's outcome is unknown */
    struct str date;             /* today, for expressions */
    struct str now;              /* the same to the second: "2026-11-22T07:45:00Z" */
    struct tool_session session; /* for the tools that steps call */
};

struct tool_answer {
    enum tool_class class;
    struct str result; /* JSON: the projection, or {"error":...} */
    int64_t ms;
};

/* --- for whoever makes the requests --- */

/* What the settings give to requests. */
struct tool_world {
    const struct json *services; /* name -> base URL */
    const struct json *secrets;  /* name -> value, for headers; NULL: none */
    struct str dir;              /* the workspace: where recordings are */
};

enum { TOOL_HEADERS_MAX = 12 };
struct tool_http {
    struct str method, url, body;         /* body "" for none */
    struct str headers[TOOL_HEADERS_MAX]; /* "Name: value" */
    size_t headers_n;
    struct str secrets[TOOL_HEADERS_MAX]; /* values that went into headers: not to be shown when they come back */
    size_t secrets_n;
};
/* Fills a request's templates (`http` of a tool or step, or `reconcile`) from the members of `root`. Errors: ERR_INVALID
 * (a field is missing, a header would hold a control character). */
MUST_USE int tool_http_fill(struct arena *a, const struct json *http, const struct tool_world *world,
                            const struct json *root, struct tool_http *out, struct err *e);

/* The class of an HTTP answer; `body` may be NULL (no JSON). status 0: no answer came; then `sent` says whether the
 * request may have reached the backend. */
enum tool_class tool_classify(const struct tool *t, int status, bool sent, const struct json *body);
/* The class of a program that ended by itself; `body` is what it said, NULL where that is no JSON. */
enum tool_class tool_classify_exit(const struct tool *t, int status, const struct json *body);
/* No answer came in time: what that is of this tool. */
enum tool_class tool_classify_silence(const struct tool *t);
/* The projected result as JSON text. `root` holds args' members, the answers of steps by id, `date` and `now`; `failed` in it
 * (the steps that left a hole) is added to the result. */
MUST_USE int tool_project(struct arena *a, const struct tool *t, const struct json *root, struct str *out,
                          struct err *e);

#endif
