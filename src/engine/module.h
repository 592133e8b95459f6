/* module: one part of an agent's context with a version of its own: a text of instructions, a routine, a tool.
 *
 * Pure: bytes in, values out. What a module is lies in its body: canonical JSON (base/json.h) of the file without `version`
 * and `change`, and without layout: line ends, order of keys, comments, blanks behind lines of an instruction's text. The
 * SHA-256 is over the body alone, so a module whose version was moved on and nothing else has the hash it had, and "nothing
 * changed" can be seen. The body of instructions is their front matter with one more key, `text`. */
#ifndef ENGINE_MODULE_H
#define ENGINE_MODULE_H

#include "base/hash.h"
#include "base/json.h"
#include "base/semver.h"

struct module_kind {
    const char *folder;  /* in the workspace; also the kind's name on the command line and in the store */
    const char *compose; /* the key in an agent's `compose`; NULL: an agent */
    const char *self;    /* the key that holds the module's name */
    bool text;           /* Markdown behind front matter instead of YAML */
};
extern const struct module_kind module_kinds[];
enum { MODULE_KINDS = 7 };
extern const struct module_kind *const module_agents; /* the kind of agents */

/* NULL when there is no such kind. */
const struct module_kind *module_kind_of_folder(struct str folder);
const struct module_kind *module_kind_of_compose(struct str key);

struct module {
    const struct module_kind *kind;
    struct str name;
    struct semver version;
    struct str change;       /* one line: why this version; "" for none */
    struct str body;         /* canonical JSON */
    struct sha256 sha;       /* of body */
    const struct json *data; /* the body as a value; with lines when it was read from a file */
    bool published;          /* comes from the store */
};

/* Small letters, digits, _ and -. */
bool module_name_ok(struct str name);

/* The text of a file as a value with lines, not looked at yet; an instruction's words are its member `text`. Errors: ERR_INVALID
 * with "file:line: ...". */
MUST_USE int module_parse(struct arena *a, const struct module_kind *kind, struct str text, const char *path,
                          struct json **out, struct err *e);
/* Reads the text of the file `path` (for messages), which is to hold the module `name`. Checks what such a file may say
 * (engine/keys.h). Errors: ERR_INVALID with "file:line: ...". Borrows from `text`. */
MUST_USE int module_read(struct arena *a, const struct module_kind *kind, struct str name, struct str text,
                         const char *path, struct module *out, struct err *e);
/* Makes a module of a body that was published. Errors: ERR_INVALID. Borrows from its arguments. */
MUST_USE int module_recall(struct arena *a, const struct module_kind *kind, struct str name, struct semver version,
                           struct str change, struct str body, struct module *out, struct err *e);
/* The text of a file that module_read makes the same module of. */
struct str module_file(struct arena *a, const struct module *m);
/* A copy of the file's text with another number in its `version:` line and every other byte as it was. Errors:
 * ERR_INVALID (it has no such line of its own). */
MUST_USE int module_file_bump(struct arena *a, struct str text, const char *path, struct semver version,
                              struct str *out, struct err *e);

/* "voice", "voice@1.4.2", "voice@^1.4": a module as an agent names it. */
struct module_reference {
    struct str name;
    bool any; /* no version is named */
    struct semver_range range;
};
MUST_USE int module_reference_parse(struct str text, struct module_reference *out, struct err *e);
/* "tools/look", "tools/look@1.4.2", "agents/teller@^1.4": a module as a command names it. Errors: ERR_INVALID. */
MUST_USE int module_named(struct str text, const struct module_kind **kind, struct module_reference *out,
                          struct err *e);

/* Published versions, for whoever cannot know where they are kept. */
struct module_source {
    /* The highest published version in the range. Errors: ERR_NOT_FOUND; ERR_IO and others of the store. */
    int (*find)(void *arg, struct arena *a, const struct module_kind *kind, struct str name,
                const struct semver_range *range, struct module *out, struct err *e);
    void *arg;
};

#endif
