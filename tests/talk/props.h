/* props: the tools of a script: the real ones over HTTP, unless a line says what comes back instead. */
#ifndef TESTS_TALK_PROPS_H
#define TESTS_TALK_PROPS_H

#include "app/tool_run.h"
#include "net/loop.h"

struct props;

struct props *props_new(void);
void props_free(struct props *p);

/* Where requests are made from now on. Everything that was under way is forgotten: the program died. */
void props_connect(struct props *p, struct loop *l, const struct tool_port *http);

/* Where tools with `knowledge` look: the documents of this workspace. The path is borrowed. */
void props_documents(struct props *p, const char *workspace);

/* Has the form of runner_ports.tool; `arg` is a struct props. */
void props_call(void *arg, const struct tool_request *rq,
                void (*done)(void *done_arg, const struct tool_answer *answer), void *done_arg);

/* "NAME answers {...}" and the others of README.md. Errors: ERR_INVALID, ERR_NOT_FOUND (nothing waits). */
MUST_USE int props_line(struct props *p, struct str line, struct err *e);

int props_under_way(const struct props *p); /* requests without an answer, those that wait included */
int props_waiting(const struct props *p);
size_t props_left(const struct props *p); /* lines that no request met */
/* Requests that left for `tool`; distinct: those of one call or proposal count once. */
int props_requests(const struct props *p, struct str tool, bool distinct);

#endif
