/* openapi_parts: what the files of openapi.h share: one draft while it is made. Only those files include it. */
#ifndef ENGINE_OPENAPI_PARTS_H
#define ENGINE_OPENAPI_PARTS_H

#include "engine/openapi.h"

enum { OPENAPI_WORDS_MAX = 300 }; /* characters of a description that are kept */

struct tool_draft {
    struct arena *arena;
    const struct json *document, *item, *operation; /* item: the path's object */
    struct str method, path, service;
    bool action;
    bool old; /* OpenAPI 3.0: nullable, and exclusiveMinimum as a yes or no */

    struct json *spec;
    struct json *properties, *required; /* of the input */
    struct json *args;                  /* the document's examples, by argument */
    struct note {
        const char *key; /* of the specification, above which it stands */
        struct str text;
        struct note *next;
    } * notes, *last;
    unsigned notes_n;
};

/* One line for whoever finishes the draft. */
void tool_draft_todo(struct tool_draft *d, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* The value, or what its $ref leads to; NULL where that is not in the document. */
const struct json *openapi_follow(const struct tool_draft *d, const struct json *v);
/* Text of the document as one line without control characters, cut at n characters. */
struct str openapi_line(struct arena *a, struct str text, size_t n);
/* The media type that is JSON, of a request or response; NULL when there is none. */
const struct json *openapi_json(const struct tool_draft *d, const struct json *body);
/* The example that a parameter, media type or schema has, or NULL. */
const struct json *openapi_example(const struct tool_draft *d, const struct json *of);
/* Can the word begin a path of an expression over a call's arguments and its answer? */
bool openapi_path_word(struct str word);

/* A schema of the document as one of ours, with its references in place. `what` names it in notes. */
struct json *openapi_schema(struct tool_draft *d, const struct json *schema, struct str what);

void tool_draft_read_input(struct tool_draft *d);  /* input, http */
void tool_draft_read_answer(struct tool_draft *d); /* project, errors, examples */
/* The file's text. */
struct str tool_draft_text(const struct tool_draft *d);

#endif
