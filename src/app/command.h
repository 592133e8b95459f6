/* command: the table of subcommands, and what each of them is given.
 *
 * Exit status: 0 yes, 1 the answer is no (a check found errors), 2 usage, 3 the world failed (disk, network, provider,
 * another process has the store), 4 bad input data (also: a key file that is missing, empty or readable by others),
 * 130 stopped by Ctrl-C. Commands with long work end it in order then and say how to go on; a second Ctrl-C ends them at
 * once. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "app/settings.h"
#include "app/sink.h"

enum { COMMAND_SETS_MAX = 32, COMMAND_OPTIONS_MAX = 16 };
enum { COMMAND_USAGE = 2, COMMAND_NO_WORLD = 3, COMMAND_STOPPED = 130 }; /* exit statuses that a command gives itself */

struct command_context {
    const char *name;      /* the row's */
    const char *workspace; /* folder that holds candor.yaml */
    bool json;             /* --json: for machines */
    const char *output;    /* -o FILE; NULL: stdout */
    int argc;              /* positional arguments */
    char **argv;
    const char *sets[COMMAND_SETS_MAX + 1]; /* --set KEY=VALUE of candor.yaml; one more for the command's own */
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

/* The workspace's settings. Gives COMMAND_USAGE, and says so, when the file is right and a --set is not. */
MUST_USE int command_settings(struct command_context *c, struct settings *out);

/* Is the store at `path` there, to look for the set argv[0] in? Errors: ERR_NOT_FOUND, as command_no_set. */
MUST_USE int command_set_there(struct command_context *c, const char *path);
/* The sentence of ERR_NOT_FOUND for the set argv[0]; returns that. */
int command_no_set(struct command_context *c);

/* One sentence about a wrong word of the command line, on stderr. Returns COMMAND_USAGE. */
int command_usage(const struct command_context *c, const char *format, ...) PRINTF_LIKE(2, 3);

/* The whole result, to where the user wants it. */
MUST_USE int command_tell(struct command_context *c, struct str text);

/* From here on the first Ctrl-C ends nothing: the command asks between two items whether it came. With `words` (static,
 * a whole line) it prints them and ends the program: for work that may be cut off anywhere. The second ends the program in
 * any case. */
void command_catch_stop(const char *words);
bool command_stop_asked(void);
/* "candor NAME: stopped ..." on stderr: what became of it, how to go on. Returns COMMAND_STOPPED. */
int command_stopped(const struct command_context *c, const char *format, ...) PRINTF_LIKE(2, 3);

/* 0, or the exit status that fits the error's code. */
int command_status(int code);

/* Runs the row that argv[1] names. Returns the exit status. */
int command_run(int argc, char **argv);

/* The commands. Each returns 0 or an error code (its sentence in c->err), or a positive exit status. */
int cmd_serve(struct command_context *c);
int cmd_chat(struct command_context *c);
int cmd_check(struct command_context *c);
int cmd_init(struct command_context *c);
int cmd_publish(struct command_context *c);
int cmd_diff(struct command_context *c);
int cmd_show(struct command_context *c);
int cmd_audit(struct command_context *c);
int cmd_switch(struct command_context *c);
int cmd_memory(struct command_context *c);
int cmd_knowledge(struct command_context *c);
int cmd_import(struct command_context *c);
int cmd_export(struct command_context *c);
int cmd_judge(struct command_context *c);
int cmd_report(struct command_context *c);
int cmd_replay(struct command_context *c);
int cmd_routine(struct command_context *c);
int cmd_tool(struct command_context *c);

#endif
