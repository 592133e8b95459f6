/* schema_words: what schema.c (does a value fit?) and schema_check.c (is it a schema?) share: the
 * table of keywords, places in a value or schema, and references. Only those two include it. */
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

/* What the value of a keyword must look like. */
enum shape {
    SHAPE_ANY,
    SHAPE_SCHEMA,
    SHAPE_SCHEMAS,  /* a list of schemas, not empty */
    SHAPE_MEMBERS,  /* an object of schemas */
    SHAPE_PATTERNS, /* the same, its keys are patterns */
    SHAPE_TYPE,     /* the name of a type, or a list of them */
    SHAPE_LIST,
    SHAPE_NAMES, /* a list of strings */
    SHAPE_NUMBER,
    SHAPE_STEP,  /* a number above 0 */
    SHAPE_COUNT, /* a whole number from 0 */
    SHAPE_BOOL,
    SHAPE_STRING,
    SHAPE_PATTERN,
    SHAPE_REF, /* "#" or "#/..." */
    SHAPE_ID   /* a string, at the top only: elsewhere it would move what "#" means */
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

/* Is it one of the seven type names? */
bool type_known(struct str name);

/* Where "#/..." points to within the root, or NULL. */
const struct json *ref_find(const struct json *root, struct str ref);

#endif
