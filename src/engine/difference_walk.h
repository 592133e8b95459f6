/* difference_walk: what the files behind difference.h share: where the comparison stands and what it found. */
#ifndef ENGINE_DIFFERENCE_WALK_H
#define ENGINE_DIFFERENCE_WALK_H

#include "engine/difference.h"

enum { WALK_DEPTH_MAX = 2 * JSON_DEPTH_MAX };

struct walk {
    struct arena *a;
    const struct module_kind *kind;
    struct str at[WALK_DEPTH_MAX]; /* the path's names, outermost first */
    size_t depth;
    struct difference *items;
    size_t n, size;
};

/* Goes into the member `name`, and out of it again. False when it is too deep to go on. */
bool walk_in(struct walk *w, struct str name);
void walk_out(struct walk *w);

/* Notes a difference at the place where the walk stands; the sentence is "PATH" and the words. */
void PRINTF_LIKE(4, 5)
    walk_found(struct walk *w, enum difference_kind what, enum semver_step step, const char *format, ...);
/* "changed from X to Y" where both are short. */
void walk_changed(struct walk *w, enum semver_step step, const struct json *old, const struct json *now);

/* Arguments: a JSON Schema. Narrower is major, wider is minor. */
void walk_schema(struct walk *w, const struct json *old, const struct json *now);
/* The text of instructions, by its headings. */
void walk_sections(struct walk *w, struct str old, struct str now);
/* A list as a set of scalars. */
void walk_set(struct walk *w, const struct json *old, const struct json *now, enum semver_step added,
              enum semver_step removed);
/* Is one of the list's values this one? NULL has none. */
bool walk_has(const struct json *list, const struct json *value);

#endif
