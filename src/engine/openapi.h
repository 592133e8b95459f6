/* openapi: the operations of an OpenAPI document (3.0, 3.1) as drafts of tools, in the form of docs/WORKSPACE.md.
 *
 * What the document says is put into the specification; what it cannot say (when to call it, who confirms, what a repeat
 * means) and what could not be carried over stands there as a comment with DRAFT_MARK (routine/draft.h). A draft is right
 * as a file: it can be read, has no key that nobody reads, and its schema is one that can be decided. References (#/...)
 * are put in place; what refers to itself is cut there, and says so. Pure: no file is read or written. */
#ifndef ENGINE_OPENAPI_H
#define ENGINE_OPENAPI_H

#include "base/json.h"

struct openapi_wish {
    const char *const *operations; /* operationIds; none: all */
    size_t operations_n;
    struct str service; /* the name under which candor.yaml has the base URL */
};

struct openapi_draft {
    struct str name;      /* of the tool: operationId in lower case with _ between words */
    struct str operation; /* "GET /cards/{id}" */
    struct str text;      /* of the file */
    unsigned todos;
};

/* The drafts in the document's order. They live in the arena. Errors: ERR_INVALID (no such document, two operations that
 * would be one tool), ERR_UNSUPPORTED (another version), ERR_NOT_FOUND (an operation that is not there; none at all). */
MUST_USE int openapi_drafts(struct arena *a, const struct json *document, const struct openapi_wish *wish,
                            struct openapi_draft **out, size_t *n, struct err *e);

#endif
