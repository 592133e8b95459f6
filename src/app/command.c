#include "app/command.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/nearest.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cmd_help(struct command_context *c);
static int cmd_version(struct command_context *c);

/* What most commands take. `PLACE`: those that read a workspace; `TOLD`: those that also tell a result. */
#define PLACE "--workspace= --set="
#define TOLD  PLACE " --json -o="

/* The table. `options` are those of the row alone; a name that ends in = takes a value. `common`: which of TOLD it takes. */
static const struct row {
    const char *name;
    int (*run)(struct command_context *c);
    const char *arguments;
    int arguments_min, arguments_max;
    const char *options, *common;
    const char *what;
} rows[] = {
    {"serve", cmd_serve, "", 0, 0, "--port=", PLACE, "answer customers: HTTP API, chat page, workers"},
    {"chat", cmd_chat, "AGENT", 1, 1, "--as= --locale=", PLACE,
     "talk to an agent in the terminal, as a customer (--as)"},
    {"init", cmd_init, "DIR", 1, 1,
     "--example=", "-o=", "a workspace that runs at once (--example: as an example has it)"},
    {"check", cmd_check, "", 0, 0, "--strict --rules", TOLD, "say what is wrong with the workspace, and what to do"},
    {"publish", cmd_publish, "[AGENT]", 0, 1, "--all --bump --dry-run --by=", TOLD,
     "freeze an agent's modules and the agent itself as versions that never change"},
    {"diff", cmd_diff, "A [B]", 1, 2, "", TOLD,
     "what changed between two versions (KIND/NAME@VERSION; without @VERSION: the files)"},
    {"show", cmd_show, "WHAT NAME", 2, 2, "--call= --raw --spans", TOLD,
     "module KIND/NAME@VERSION: the file of a published version; prompt CONVERSATION --call N: what the model was "
     "asked"},
    {"import", cmd_import, "FORMAT FILE", 2, 2,
     "--set=", "--workspace= --json -o=", "recorded conversations into a set (tau-bench, openai-jsonl, candor-jsonl)"},
    {"export", cmd_export, "SET", 1, 1,
     "--format=", PLACE " -o=", "a set's conversations, a line each: openai-jsonl (default), tau-bench, candor-jsonl"},
    {"judge", cmd_judge, "SET", 1, 1, "--judge=", TOLD,
     "verdicts of the workspace's judges on a set, or on an agent's conversations"},
    {"report", cmd_report, "SET", 1, 1, "", TOLD, "pass^k, failure rates, the worst conversations"},
    {"replay", cmd_replay, "SET", 1, 1, "", TOLD, "run recorded conversations through the engine and compare"},
    {"routine", cmd_routine, "import FILE", 2, 2, "--force",
     "--json -o=", "draft routines of a written procedure (Markdown, guidelines.json), into the folder -o (drafts)"},
    {"memory", cmd_memory, "list|erase CUSTOMER", 2, 2, "", TOLD,
     "what is remembered of a customer beyond one conversation"},
    {"tool", cmd_tool, "import FILE | try NAME", 2, 2,
     "--operation= --service= --force --args= --as= --locale= --identity= --yes", TOLD,
     "draft tools of an OpenAPI document, into tools/ of the workspace or of the folder -o; call a tool once"},
    {"knowledge", cmd_knowledge, "search COLLECTION QUERY | measure", 1, 3,
     "--results= --locale= --documents= --tasks=", TOLD,
     "look something up in a collection of documents; measure how well that works"},
    {"audit", cmd_audit, "[verify]", 0, 1, "", TOLD, "verify hash chain, prompts and derived tables of the store"},
    {"switch", cmd_switch, "AGENT", 1, 1, "--from= --to= --conversation= --reason=", TOLD,
     "move running conversations to another version of the agent, or to people (--to human)"},
    {"help", cmd_help, "[COMMAND]", 0, 1, "", "", "this list"},
    {"version", cmd_version, "", 0, 0, "", "--json", "the program's version"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static int usage(FILE *out, const struct row *row)
{
    fprintf(out, "usage: candor %s%s%s", row->name, *row->arguments ? " " : "", row->arguments);
    char options[240], *rest = options;
    snprintf(options, sizeof options, "%s%s%s", row->options, *row->options && *row->common ? " " : "", row->common);
    for (char *o = strsep(&rest, " "); o && *o; o = strsep(&rest, " "))
        fprintf(out, " [%s%s]", o, o[strlen(o) - 1] == '=' ? "..." : "");
    putc('\n', out);
    return 2;
}

static int row_help(const struct row *row)
{
    usage(stdout, row);
    puts(row->what);
    return 0;
}

static int unknown_command(const char *name)
{
    const char *names[ROWS + 1] = {0};
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    const char *nearest = nearest_word(str_of(name), names);
    fprintf(stderr, "candor: there is no command %s%s%s%s; `candor help` lists them\n", name,
            nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return 2;
}

static int cmd_help(struct command_context *c)
{
    if (c->argc) {
        for (size_t i = 0; i < ROWS; i++)
            if (strcmp(rows[i].name, c->argv[0]) == 0)
                return row_help(&rows[i]);
        return unknown_command(c->argv[0]);
    }
    puts("candor runs customer-support agents and proves how good they are.\n");
    for (size_t i = 0; i < ROWS; i++)
        printf("  candor %-8s %-12s %s\n", rows[i].name, rows[i].arguments, rows[i].what);
    puts("\nMost take --workspace DIR (else $CANDOR_WORKSPACE, the current folder, or the example of the set's name),\n"
         "--json, -o FILE, and --set KEY=VALUE over candor.yaml (`import` takes its set's name there); `candor help\n"
         "COMMAND` says which. Start with: make run\n\n"
         "Exit status: 0 yes, 1 the answer is no, 2 usage, 3 the world failed, 4 bad input data (also a key file that\n"
         "others can read), 130 stopped by Ctrl-C: the work ends in order; a second Ctrl-C ends it at once.");
    return 0;
}

static int cmd_version(struct command_context *c)
{
    puts(c->json ? "{\"version\":\"" CANDOR_VERSION "\"}" : "candor " CANDOR_VERSION);
    return 0;
}

const char *command_option(const struct command_context *c, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < c->options_n; i++)
        if (strcmp(c->options[i].name, name) == 0)
            return c->options[i].value;
    return otherwise;
}

int command_settings(struct command_context *c, struct settings *out)
{
    int r = settings_load(c->arena, c->workspace, c->sets, c->sets_n, out, c->err);
    if (r == ERR_INVALID && c->sets_n && settings_load(c->arena, c->workspace, NULL, 0, out, NULL) == 0)
        return command_usage(c, "%s", c->err->text);
    return r;
}

int command_no_set(struct command_context *c)
{
    return err_set(c->err, ERR_NOT_FOUND,
                   "there is no set %s here, and no conversation of an agent %s; import one first with `candor import`",
                   c->argv[0], c->argv[0]);
}

int command_set_there(struct command_context *c, const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 && errno == ENOENT ? command_no_set(c) : 0;
}

static void say(const struct command_context *c, const char *begin, const char *format, va_list args)
{
    fprintf(stderr, "candor %s: %s", c->name, begin);
    vfprintf(stderr, format, args);
    putc('\n', stderr);
}

int command_usage(const struct command_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, "", format, args);
    va_end(args);
    return COMMAND_USAGE;
}

int command_tell(struct command_context *c, struct str text)
{
    struct sink s;
    int r = sink_open(c->arena, c->output, &s, c->err);
    return r ? r : sink_close(&s, sink_write(&s, text, c->err), c->err);
}

/* --- Ctrl-C --- */

/* Of the process, like the signal. */
static volatile sig_atomic_t stop_asked;
static const char *volatile stop_words;

static void on_stop(int signal)
{
    stop_asked = 1;
    if (!stop_words)
        return;
    if (write(STDERR_FILENO, stop_words, strlen(stop_words)) < 0)
        _exit(3);
    _exit(COMMAND_STOPPED);
}

void command_catch_stop(const char *words)
{
    struct sigaction now, then = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    stop_words = words;
    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler != SIG_IGN) /* one that runs behind a shell's & has none */
        sigaction(SIGINT, &then, NULL);
}

bool command_stop_asked(void)
{
    return stop_asked;
}

int command_stopped(const struct command_context *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(c, "stopped ", format, args);
    va_end(args);
    return COMMAND_STOPPED;
}

/* --- what a command ends with --- */

int command_status(int code)
{
    switch (code) {
    case 0: return 0;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_DUPLICATE:
    case ERR_DENIED: /* a key file that others can read is as bad as one that is empty */
    case ERR_LIMIT:
    case ERR_UNDEFINED: return 4;
    default: return code > 0 ? code : 3;
    }
}

/* $CANDOR_WORKSPACE, else the current folder, else (in a checkout of Candor) the example that bears the name of the set or
 * agent, else card-delivery. */
static const char *default_workspace(const struct command_context *c)
{
    const char *named = getenv("CANDOR_WORKSPACE"), *set = command_option(c, "--set", c->argc ? c->argv[0] : "");
    struct stat st;
    if (named && *named)
        return named;
    if (stat("candor.yaml", &st) == 0 || stat("examples/card-delivery/candor.yaml", &st) < 0)
        return ".";
    const char *example = str_f(c->arena, "examples/%.*s", (int)strcspn(set, "@"), set).p; /* NAME@VERSION */
    bool there = *set && !strchr(set, '/') && stat(str_f(c->arena, "%s/candor.yaml", example).p, &st) == 0;
    return there ? example : "examples/card-delivery";
}

/* Is `arg` (up to any '=') one of `options`? 1: alone, 2: takes a value. */
static int option_kind(const char *options, const char *arg)
{
    size_t n = strcspn(arg, "=");
    for (const char *o = options; *o;) {
        size_t length = strcspn(o, " "), name = strcspn(o, "= ");
        if (name == n && strncmp(o, arg, n) == 0)
            return name < length ? 2 : 1;
        o += length + (o[length] == ' ');
    }
    return 0;
}

/* What is behind a '=' may be a secret and is not repeated. */
static int unknown_option(const struct row *row, struct arena *a, const char *arg)
{
    struct str name = {arg, strcspn(arg, "=")}, rest = str_f(a, "--help %s %s", row->options, row->common), option;
    const char *names[32] = {0};
    for (size_t n = 0; n < 31 && str_split(&rest, ' ', &option); n++)
        names[n] = str_c(a, str_ends(option, STR("=")) ? str_head(option, option.n - 1) : option);
    const char *nearest = nearest_word(name, names);
    if (option_kind(TOLD, arg))
        fprintf(stderr, "candor %s: it takes no %.*s\n", row->name, STR_ARG(name));
    else if (settings_is_secret(name))
        fprintf(stderr,
                "candor %s: no option takes a secret, as others can read it there; put it in a file and name that in "
                "candor.yaml: provider.key_file\n",
                row->name);
    else
        fprintf(stderr, "candor %s: there is no option %.*s%s%s%s\n", row->name, STR_ARG(name),
                nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return usage(stderr, row);
}

/* False when there are more of its kind than are kept. */
static bool take_option(struct command_context *c, bool own, const char *name, const char *value)
{
    if (own) {
        if (c->options_n == COMMAND_OPTIONS_MAX)
            return false;
        c->options[c->options_n].name = name;
        c->options[c->options_n++].value = value;
    } else if (strcmp(name, "--json") == 0) {
        c->json = true;
    } else if (strcmp(name, "-o") == 0) {
        c->output = value;
    } else if (strcmp(name, "--workspace") == 0) {
        c->workspace = value;
    } else {
        if (c->sets_n == COMMAND_SETS_MAX)
            return false;
        c->sets[c->sets_n++] = value;
    }
    return true;
}

/* Sorts argv[2..] into options and positional arguments. */
static int read_arguments(const struct row *row, int argc, char **argv, struct command_context *c)
{
    bool only_positional = false;
    for (int i = 2; i < argc; i++) {
        char *arg = argv[i];
        if (only_positional || arg[0] != '-' || !arg[1]) {
            c->argv[c->argc++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_positional = true;
            continue;
        }
        struct str name = {arg, strcspn(arg, "=")};
        if (str_is(name, "-h") || str_is(name, "--help")) {
            row_help(row);
            exit(0);
        }
        int own = option_kind(row->options, arg), kind = own ? own : option_kind(row->common, arg);
        if (!kind)
            return unknown_option(row, c->arena, arg);
        const char *value = arg[name.n] ? arg + name.n + 1 : kind == 1 ? "" : i + 1 < argc ? argv[++i] : NULL;
        if (!value || !take_option(c, own, str_c(c->arena, name), value)) {
            fprintf(stderr, "candor %s: %.*s %s\n", row->name, STR_ARG(name),
                    value ? "is there too often" : "needs a value");
            return usage(stderr, row);
        }
    }
    if (c->argc < row->arguments_min || c->argc > row->arguments_max)
        return usage(stderr, row);
    return 0;
}

static int run(const struct row *row, int argc, char **argv)
{
    struct err e = {0};
    struct command_context c = {.name = row->name, .arena = arena_new("program", 0), .err = &e};
    c.argv = ARENA_ARRAY(c.arena, char *, (size_t)argc + 1);
    int r = read_arguments(row, argc, argv, &c);
    if (!c.workspace)
        c.workspace = default_workspace(&c);
    if (r == 0) {
        r = row->run(&c);
        if (r < 0)
            fprintf(stderr, "candor %s: %s\n", row->name, e.text);
        r = command_status(r);
    }
    if (fflush(stdout) != 0 && r == 0) {
        fprintf(stderr, "candor %s: the output: %s\n", row->name, strerror(errno));
        r = 3;
    }
    arena_free(c.arena);
    return r;
}

int command_run(int argc, char **argv)
{
    fault_init();
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return run(&rows[i], argc, argv);
    return unknown_command(name);
}
