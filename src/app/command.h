/* command: the table of subcommands. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

/* Runs the row that argv[1] names. Returns the exit status. */
int command_run(int argc, char **argv);

#endif
