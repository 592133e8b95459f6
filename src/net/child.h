/* child: programs of the operator that run once: a text on their stdin, an answer on their stdout.
 *
 * No shell: the words of argv are given to the program as they are. It runs in the folder it is told, in a session and process
 * group of its own, with the descriptors 0 to 2 and no others, no privileges that it could gain, and an environment of PATH
 * (/usr/local/bin:/usr/bin:/bin) and LANG (C.UTF-8) alone. It is bounded in time, processor time, memory (each process),
 * the size of files it writes, open files and the length of its answer. When it ends, or has to, its whole group is killed, and
 * when we die, so does it. docs/decisions/0006-programs-as-tools.md says what that does not keep out.
 *
 * All functions belong to the loop thread; children_free must not be called from a callback. */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include "net/loop.h"

struct children;
struct children *children_new(struct loop *l);
void children_free(struct children *c); /* kills those that run, without callbacks; NULL is allowed */

enum { CHILDREN_MAX = 64 }; /* at once; one more is not run */

struct child_request {
    const char *const
        *argv; /* ends with NULL. argv[0]: with a slash a path, relative to dir; else looked for in PATH */
    const char *dir;
    struct str input; /* borrowed until on_done */
    int timeout_ms;
    size_t answer_bytes_max, memory_bytes_max;
    bool shows_errors; /* its stderr is ours; else nobody sees it */
};

enum child_end {
    CHILD_ENDED,   /* by itself, with a status */
    CHILD_NOT_RUN, /* it never began: err is ERR_NOT_FOUND or ERR_DENIED (no such program, none that may be run), ERR_BUSY
                       (too many run), ERR_IO */
    CHILD_KILLED,   /* by a signal: its own mistake, or a limit of processor time or file size */
    CHILD_TIMEOUT,  /* by us: its time ran out */
    CHILD_TOO_LARGE /* by us: its answer passed answer_bytes_max */
};

struct child_answer {
    enum child_end end;
    int status;        /* of CHILD_ENDED: 0 to 255; 126: the system refused to run the file */
    struct str output; /* what came; valid during the callback */
    struct err err;    /* a sentence unless CHILD_ENDED */
};

/* `on_done` is called once, later, from the loop. */
void child_run(struct children *c, const struct child_request *request,
               void (*on_done)(void *arg, const struct child_answer *answer), void *arg);

#endif
