/* check: can the agents of a workspace do what its files say? Everything that is wrong is found, not the first thing alone.
 *
 * Each module is read and looked at once; then each agent: do the names that its modules use mean something among the
 * modules that it composes? The rules are in engine/finding.h. An agent with an error is refused when it is served, since
 * it would come to a hole in the middle of a conversation.
 *
 * What is in the store already was looked at by the rules of its day: a version that is recalled is not looked at again,
 * since a rule that became stricter would strand the conversations that it leads. */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include "engine/finding.h"
#include "engine/module.h"

/* The agents of a workspace that were looked at, in the order of their names. */
struct check_agents {
    struct checked_agent {
        struct str name;
        const char *file;
        const struct json *self; /* the file, with lines; NULL when it could not be read */
    } * list;
    size_t n;
};

/* What modules have to agree with in candor.yaml. */
struct check_settings {
    const struct json *locales; /* the languages in which every macro has to have its text; NULL: those of the pack */
    const struct json *services, *secrets; /* name -> anything; NULL: there are none */
};

/* Looks at all modules and agents below `dir`. Findings name files relative to `dir`. `settings`: NULL where candor.yaml could not
 * be read: then nothing is said that depends on it. `published`: versions that agents name and the
 * working tree has not; may be NULL. Errors: ERR_IO (a folder or a file cannot be read), what `published` says. What was
 * found lives in found->arena, sorted. */
MUST_USE int check_workspace(const char *dir, const struct check_settings *settings,
                             const struct module_source *published, struct findings *found, struct check_agents *agents,
                             struct err *e);

/* One agent about to be served. `all`: agent and modules as a bundle has them, but read from the files, with lines; `dir` is
 * the workspace. Errors: ERR_INVALID with "dir/file:line: ...", of the first error. */
MUST_USE int check_composed(const struct json *all, const char *dir, struct err *e);

/* The agent's fixed part of the prompt against budgets.prompt_tokens, at four bytes for a token. */
void check_prompt(const struct json *agent_file, const char *file, size_t prompt_bytes, struct findings *found);

#endif
