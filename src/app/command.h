/* command: the table of subcommands, and what each of them is given.
 *
 * Exit status: 0 yes, 1 the answer is no (a check found errors), 2 usage, 3 the world failed (disk, network, provider,
 * another process has the store), 4 bad input data. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "app/settings.h"

enum { COMMAND_SETS_MAX = 32, COMMAND_OPTIONS_MAX = 16 };

struct command_context {
    const char *workspace; /* folder that holds candor.yaml */
    bool json;             /* --json: for machines */
    const char *output;    /* -o FILE; NULL: stdout */
    int argc;              /* positional arguments */
    char **argv;
    const char *sets[COMMAND_SETS_MAX]; /* --set KEY=VALUE of candor.yaml */
    size_t sets_n;
    struct {
        const char *name, *value; /* "--as", "ana" */
    } options[COMMAND_OPTIONS_MAX];
    size_t options_n;
    struct arena *arena;
    struct err *err; /* filled by a command that fails; command_run prints it */
};

/* The value of an option of the row, or `otherwise`. */
const char *command_option(const struct command_context *c, const char *name, const char *otherwise);

/* The workspace's settings. */
MUST_USE int command_settings(struct command_context *c, struct settings *out);

/* 0, or the exit status that fits the error's code. */
int command_status(int code);

/* Runs the row that argv[1] names. Returns the exit status. */
int command_run(int argc, char **argv);

/* The commands. Each returns 0 or an error code (its sentence in c->err), or a positive exit status. */
int cmd_serve(struct command_context *c);
int cmd_chat(struct command_context *c);
int cmd_check(struct command_context *c);
int cmd_audit(struct command_context *c);
int cmd_import(struct command_context *c);
int cmd_export(struct command_context *c);
int cmd_judge(struct command_context *c);
int cmd_report(struct command_context *c);
int cmd_replay(struct command_context *c);

#endif
