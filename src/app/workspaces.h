/* workspaces: the example workspaces, compiled into the program, for `candor init`.
 *
 * tools/embed_workspaces.py writes the table at build time; nothing here is read from disk or ever freed. */
#ifndef APP_WORKSPACES_H
#define APP_WORKSPACES_H

#include <stddef.h>

struct workspace_file {
    const char *workspace; /* "start": the folder in examples/ */
    const char *path;      /* in the workspace: "routines/send_back.yaml" */
    const unsigned char *bytes;
    size_t n;
};

/* All of them, ordered by workspace. */
extern const struct workspace_file workspace_files[];
extern const size_t workspace_files_n;

#endif
