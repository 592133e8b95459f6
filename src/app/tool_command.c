#include "app/tool_command.h"

struct program {
    struct arena *arena;
    const struct tool *tool;
    void (*done)(void *, const struct plan_outcome *);
    void *done_arg;
};

static enum tool_class class_of(const struct tool *t, const struct child_answer *answer, const struct json *body)
{
    bool busy = answer->err.code == ERR_BUSY || answer->err.code == ERR_IO;
    switch (answer->end) {
    case CHILD_ENDED: return tool_classify_exit(t, answer->status, body);
    case CHILD_NOT_RUN: return busy ? TOOL_TRANSIENT : TOOL_INVALID; /* a program that is not there stays so */
    case CHILD_TIMEOUT: return tool_classify_silence(t);
    case CHILD_KILLED:
    case CHILD_TOO_LARGE: break;
    }
    return TOOL_UNKNOWN;
}

static void on_answer(void *arg, const struct child_answer *answer)
{
    struct program *p = arg;
    struct str text = str_copy(p->arena, answer->output);
    bool ended = answer->end == CHILD_ENDED;
    struct json *body = NULL;
    if (!ended || json_parse(p->arena, text, &body, NULL) < 0)
        body = NULL;
    const char *why = !ended           ? str_c(p->arena, str_of(answer->err.text))
                      : answer->status ? str_f(p->arena, "the program ended with status %d", answer->status).p
                                       : "the answer is no JSON";
    struct plan_outcome outcome = {.class = class_of(p->tool, answer, body),
                                   .status = ended ? answer->status : 0,
                                   .value = body,
                                   .text = text,
                                   .why = why};
    p->done(p->done_arg, &outcome);
}

void tool_command_run(struct tool_port *port, struct arena *a, const struct tool_request *rq,
                      const struct plan_task *task, void (*done)(void *, const struct plan_outcome *), void *arg)
{
    struct program *p = ARENA_NEW(a, struct program);
    const char **argv = ARENA_ARRAY(a, const char *, task->command->n + 1);
    size_t n = 0;
    *p = (struct program){a, rq->tool, done, arg};
    for (const struct json *word = task->command->child; word; word = word->next)
        argv[n++] = str_c(a, json_str(word));
    argv[n] = NULL;
    struct child_request q = {.argv = argv,
                              .dir = str_c(a, port->world.dir),
                              .input = task->input,
                              .timeout_ms = rq->tool->timeout_ms,
                              .answer_bytes_max = rq->tool->answer_bytes_max,
                              .memory_bytes_max = rq->tool->memory_bytes_max,
                              .shows_errors = port->shows_errors};
    child_run(port->children, &q, on_answer, p);
}
