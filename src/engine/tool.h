/* tool: what the agent can look up or do, as a module of the workspace says it.
 *
 * This file is pure: it reads a tool's specification, shows it to the model, checks arguments, and turns what a
 * backend answered into a class and a projected result. The requests themselves are made by the caller through
 * struct tool_request (src/app/tool_http.c). The format of the file is docs/WORKSPACE.md. */
#ifndef ENGINE_TOOL_H
#define ENGINE_TOOL_H

#include "base/hash.h"
#include "base/json.h"

enum tool_gate { TOOL_GATE_NONE, TOOL_GATE_CUSTOMER };
/* How a repeated request is recognised by the backend. ATTEMPT sends a new key each time: it is what naive clients
 * do and exists as the negative control of the kill test. */
enum tool_idempotency { TOOL_KEY, TOOL_NO_KEY, TOOL_KEY_PER_ATTEMPT };

struct tool {
    struct str name, version, summary;
    bool action;                    /* changes something: runs only through the action protocol */
    const struct json *spec;        /* the whole file */
    const struct json *input;       /* JSON Schema of all arguments, the session's included */
    const struct json *model_input; /* the same without what the session supplies and without x- keys */
    enum tool_gate gate;
    enum tool_idempotency idempotency;
    struct str confirm_macro; /* "cards.propose_reissue" */
    int64_t expires_us;       /* how long a proposal stands */
    int64_t fresh_us;         /* a read's result is used again without a call for so long; 0: never */
    int timeout_ms;
    int limit_per_conversation; /* actions that succeeded; 0: no limit */
};

/* The classes of an answer, as they stand in the journal. */
enum tool_class { TOOL_OK, TOOL_REFUSED, TOOL_ALREADY_DONE, TOOL_TRANSIENT, TOOL_UNKNOWN, TOOL_INVALID };
const char *tool_class_name(enum tool_class c);
enum tool_class tool_class_of(struct str name); /* TOOL_UNKNOWN for an unknown name */

/* Reads a specification; `file` is its file's name for messages. Errors: ERR_INVALID with "file:line: ...". The tool borrows
 * from spec. */
MUST_USE int tool_read(struct arena *a, const struct json *spec, const char *file, struct tool *out, struct err *e);

/* The definition the model sees: {"type":"function","function":{...}}. */
void tool_write_definition(const struct tool *t, struct json_writer *w);

/* The model's argument text becomes the whole argument object: parsed, checked against the schema, the session's
 * values put in (the model cannot set them). Errors: ERR_INVALID with a sentence for the model. */
MUST_USE int tool_arguments(struct arena *a, const struct tool *t, struct str text, struct str customer,
                            struct json **args, struct err *e);

/* What the customer is shown of an action: [{"name","label","value"}] over the arguments with x-show, in `language`. The
 * value is the argument's own, or its words where the schema has some for it (x-values). */
void tool_write_shown(struct arena *a, const struct tool *t, const struct json *args, struct str language,
                      struct json_writer *w);

/* SHA-256 over the canonical form of {tool, version, args}: what a confirmation is bound to. */
struct sha256 tool_digest(struct arena *a, const struct tool *t, const struct json *args);

/* The key of an action: names the proposal, not its content. */
struct str tool_key(struct arena *a, int64_t conversation, int64_t proposal_seq, int attempt, bool per_attempt);

/* One call that the engine wants made. Texts live until the answer was given. */
struct tool_request {
    const struct tool *tool;
    int64_t conversation;
    struct str label;   /* the conversation's outside name */
    struct str call_id; /* "c12_0"; for actions "a<proposal>" */
    struct str args;    /* canonical JSON, the session's values included */
    struct str key;     /* idempotency key; "" for reads */
    int attempt;        /* 1, 2, ...: from 2 on the first one's outcome is unknown */
    struct str date;    /* today, for composite tools */
};

struct tool_answer {
    enum tool_class class;
    struct str result; /* JSON: the projection, or {"error":...} */
    int64_t ms;
};

/* --- for whoever makes the requests --- */

/* How many HTTP requests the tool makes, one after the other; a plain tool makes one. */
size_t tool_steps(const struct tool *t);
struct tool_http {
    struct str method, url, body; /* body "" for none */
};
/* The i-th request. `root` holds args' members, the answers of earlier steps by id, and `date`; `services` maps names
 * to base URLs. Errors: ERR_INVALID (a field is missing). */
MUST_USE int tool_http_step(struct arena *a, const struct tool *t, size_t i, const struct json *services,
                            const struct json *root, struct tool_http *out, struct err *e);
/* The request that asks what became of `key`; ERR_NOT_FOUND when the tool declares none. */
MUST_USE int tool_http_reconcile(struct arena *a, const struct tool *t, const struct json *services, struct str key,
                                 const struct json *root, struct tool_http *out, struct err *e);
/* The name under which step i's answer stands in `root` ("" for a plain tool: its members stand there directly). */
struct str tool_step_id(const struct tool *t, size_t i);
/* The class of an HTTP answer; `body` may be NULL (no JSON). status 0: no answer came; then `sent` says whether the
 * request may have reached the backend. */
enum tool_class tool_classify(const struct tool *t, int status, bool sent, const struct json *body);
/* The projected result as JSON text. */
MUST_USE int tool_project(struct arena *a, const struct tool *t, const struct json *root, struct str *out,
                          struct err *e);

#endif
