/* serve: what a small HTTP server program needs around net/server: flags, routes, JSON answers and a
 * control page that changes settings while it runs. Used by the example bank and by the servers that
 * play other people's systems in tests.
 *
 * One table row of options is a flag, a line of --help and, where `live`, a member of GET and PUT
 * /control: {"slow_ms"} is --slow-ms N. */
#ifndef BANK_SERVE_H
#define BANK_SERVE_H

#include "base/json.h"
#include "net/server.h"

enum serve_kind {
    SERVE_INT,   /* to: int *, 0 or more */
    SERVE_BOOL,  /* to: bool *; the flag takes no value */
    SERVE_TEXT,  /* to: const char **; at start only */
    SERVE_PARSED /* accept() reads the text, write() gives it back */
};

struct serve_option {
    const char *name; /* with underscores; the flag has dashes */
    enum serve_kind kind;
    void *to;
    bool live;       /* may be read and set under /control */
    const char *arg; /* the value's name in --help */
    const char *what;
    int (*accept)(void *to, struct str value, struct err *e);
    void (*write)(const void *to, struct json_writer *w);
};

struct serve_program {
    const char *name;
    const char *about; /* one or more sentences for --help */
    const struct serve_option *options;
    size_t options_n;
};

/* Reads the flags into the options. Returns -1 to go on, or the exit status: 0 after --help, 2 after a
 * flag that is not known or a value that does not fit (said on stderr). */
int serve_flags(const struct serve_program *p, int argc, char **argv);

/* Listens on 127.0.0.1, prints "listening on http://127.0.0.1:PORT" as one line, and serves until
 * SIGINT or SIGTERM. Returns the exit status: 0, or 3 when it could not listen. */
int serve_run(const struct serve_program *p, struct loop *l, int port, size_t body_bytes_max, server_fn *handle,
              void *arg);

/* The whole of a file. Errors: ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (larger than bytes_max). */
MUST_USE int serve_file(struct arena *a, const char *path, size_t bytes_max, struct str *out, struct err *e);

enum { SERVE_PARTS_MAX = 2 };

struct serve_route {
    const char *method;
    const char *path; /* "/v1/customers/@/card-order": each @ is one part, given to `run` */
    void (*run)(void *arg, struct request *r, const struct str *parts);
};

/* Does `path` fit the pattern? Its @ parts are put into `parts` (SERVE_PARTS_MAX of them). */
bool serve_path_fits(struct str path, const char *pattern, struct str *parts);

/* Runs the row that fits; otherwise answers 404 or 405. */
void serve_route(const struct serve_route *routes, size_t n, struct request *r, void *arg);

/* Answers `body` as JSON. */
void serve_json(struct request *r, int status, struct str body);
/* Answers {"error":{"code":...,"message":...}}. */
void serve_error(struct request *r, int status, const char *code, const char *message);
struct str serve_error_text(struct arena *a, const char *code, const char *message);

/* The live options as members of the object that is open in `w`. */
void serve_control_write(const struct serve_program *p, struct json_writer *w);
/* Sets what the request's JSON object names. All or nothing, but for what accept() refuses.
 * Errors: ERR_INVALID (no object, a name that is not live, a value that does not fit). */
MUST_USE int serve_control_read(const struct serve_program *p, struct request *r, struct err *e);

#endif
