/* schema_words: what the files of schema.h share: the table of keywords, one run of a schema over a value, places in
 * either, the names that a schema gives to its parts, patterns and formats. Only those files include it.
 *
 *   schema.c         the table, and keywords that put schemas together (allOf, if, $ref, ...)
 *   schema_value.c   keywords about a value as a whole (type, enum, minimum, pattern, ...)
 *   schema_parts.c   keywords about members and items
 *   schema_check.c   is it a schema that can be decided?
 *   schema_refs.c    where references lead
 *   schema_format.c  formats
 *   schema_pattern.c JSON Schema's regular expressions */
#ifndef BASE_SCHEMA_WORDS_H
#define BASE_SCHEMA_WORDS_H

#include "base/schema.h"

/* A way down from the top, for messages; each step lives on the caller's stack. */
struct place {
    const struct place *up; /* NULL: this is a step from the top */
    struct str key;         /* into an object */
    size_t index;           /* into an array, where key.p is NULL */
};

/* Appends the JSON Pointer of a place: nothing for the top, which is NULL. */
void place_pointer(struct buf *out, const struct place *at);

/* --- keywords --- */

/* What the value of a keyword must look like. */
enum shape {
    SHAPE_ANY,
    SHAPE_SCHEMA,
    SHAPE_SCHEMAS,  /* a list of schemas, not empty */
    SHAPE_MEMBERS,  /* an object of schemas */
    SHAPE_PATTERNS, /* the same, its keys are patterns */
    SHAPE_TYPE,     /* the name of a type, or a list of them */
    SHAPE_LIST,
    SHAPE_NAMES,     /* a list of strings */
    SHAPE_DEPENDENT, /* an object of lists of strings */
    SHAPE_NUMBER,
    SHAPE_STEP,  /* a number above 0 */
    SHAPE_COUNT, /* a whole number from 0 */
    SHAPE_BOOL,
    SHAPE_STRING,
    SHAPE_FORMAT,
    SHAPE_PATTERN,
    SHAPE_REF,     /* to what the document has */
    SHAPE_DYNAMIC, /* the same, to be looked up again while a value is tried */
    SHAPE_ID,
    SHAPE_ANCHOR,
    SHAPE_DIALECT /* draft 2020-12's URI */
};

struct run;

struct word {
    const char *name;
    enum shape shape;
    bool in_place; /* its schemas see the same value, not a part of it */
    /* Does the value fit? NULL: a note, or read by the keyword beside it. */
    int (*fits)(struct run *r, const struct json *arg, const struct json *schema, const struct json *value,
                const struct place *at);
};

/* NULL when the keyword is not known. */
const struct word *word_find(struct str name);

/* --- names and references --- */

/* The parts of a document that bear a name: resources ($id, and the top) and anchors. */
struct refs {
    const struct json *root;
    struct arena *arena; /* NULL until the names were read */
    struct named {
        struct str uri;    /* of a resource: absolute as far as the document says */
        struct str anchor; /* of an anchor; "" for a resource */
        bool dynamic;
        const struct json *schema, *resource;
    } * names; /* the top is the first */
    size_t n, size;
    struct link {
        const char *uri; /* in the document: the reference's own bytes */
        const struct json *from, *to;
        struct link *next;
    } * links; /* URIs that were looked up */
};

/* Where a reference leads: a schema and the resource that it belongs to. */
struct target {
    const struct json *schema, *resource;
    struct str dynamic; /* the $dynamicAnchor that it was found by, or "" */
};

enum ref_result { REF_FOUND, REF_NOTHING, REF_OUTSIDE };

/* Reads the names unless that was done. refs_free gives the memory back. */
void refs_read(struct refs *x);
void refs_free(struct refs *x);
/* A part whose name another one has too, or NULL. */
const struct named *refs_twice(struct refs *x);
/* Is the schema, which has an $id, a resource: does it stand where a keyword expects a schema? */
bool refs_has(struct refs *x, const struct json *schema);
bool refs_names(struct refs *x, const struct json *schema); /* or has it an anchor there? */
enum ref_result ref_find(struct refs *x, const struct json *resource, struct str ref, struct target *out);
/* The schema with that $dynamicAnchor in the resource, or NULL. */
const struct json *ref_dynamic(struct refs *x, const struct json *resource, struct str anchor);

/* --- one run --- */

/* The resources entered on the way to a schema, innermost first. */
struct scope {
    const struct scope *up;
    const struct json *resource;
};

struct run {
    struct refs refs;
    struct err *e;
    const struct scope *scope;
    unsigned char
        *seen; /* of the value being tried, for each member or item: did a keyword speak of it? NULL: nobody asks */
    unsigned steps, depth;
    bool formats; /* are formats demands? */
    bool quiet;   /* only trying: a mismatch needs no sentence */
};

/* 0, ERR_INVALID, or ERR_LIMIT. `run_fits` tries the same value in place, `run_part` a member or item of it. */
int run_fits(struct run *r, const struct json *schema, const struct json *value, const struct place *at);
int run_part(struct run *r, const struct json *schema, const struct json *part, const struct place *at);
/* 1: fits, 0: does not, negative: cannot be decided. Of a value in place that does not fit, nothing counts as seen. */
int run_try(struct run *r, const struct json *schema, const struct json *value, const struct place *at);
int run_try_part(struct run *r, const struct json *schema, const struct json *part, const struct place *at);
/* A keyword spoke of the i-th member or item. */
void run_see(struct run *r, size_t i);
int run_mismatch(struct run *r, const struct place *at, const char *format, ...) PRINTF_LIKE(3, 4);
/* 1: matches, 0: does not, negative: cannot be decided, and says so. */
int run_matches(struct run *r, struct str pattern, struct str text);

/* --- keywords in other files --- */

#define FITS(name) \
    int fits_##name(struct run *r, const struct json *arg, const struct json *schema, const struct json *value, \
                    const struct place *at)
FITS(type);
FITS(enum);
FITS(const);
FITS(bound);
FITS(multiple);
FITS(count);
FITS(pattern);
FITS(format);
FITS(prefix);
FITS(items);
FITS(contains);
FITS(unique);
FITS(required);
FITS(properties);
FITS(patterns);
FITS(additional);
FITS(names);
FITS(dependent_required);
FITS(dependent_schemas);
FITS(unevaluated);

/* Is it one of the seven type names? */
bool type_known(struct str name);

/* --- formats and patterns --- */

/* NULL when the text has the format or the format is not one that is checked; else what it must be. */
const char *format_wrong(struct str format, struct str text);
/* Does the draft define the format, while nothing here checks it? */
bool format_missing(struct str format);

/* JSON Schema's patterns are ECMA-262's with its `u` flag. Errors: ERR_INVALID, ERR_UNSUPPORTED. */
int pattern_check(struct str pattern, struct err *e);
int pattern_try(struct str pattern, struct str text); /* as regex_try */

#endif
