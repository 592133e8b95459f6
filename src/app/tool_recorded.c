#include "app/tool_recorded.h"

#include <stdio.h>

enum { FILE_BYTES_MAX = 16 << 20 };

static struct plan_outcome none(const char *why)
{
    return (struct plan_outcome){.class = TOOL_INVALID, .why = why};
}

static bool read_file(struct arena *a, struct str path, struct str *out)
{
    struct buf b = buf_new(a, FILE_BYTES_MAX);
    char piece[4096];
    FILE *f = fopen(str_c(a, path), "rb");
    if (!f)
        return false;
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !b.cut;)
        buf_add(&b, (struct str){piece, n});
    fclose(f);
    *out = buf_str(&b);
    return !b.cut;
}

struct plan_outcome tool_recorded(struct arena *a, const struct tool_port *port, const struct tool_request *rq,
                                  const struct plan_task *task)
{
    struct str rest, line;
    if (!read_file(a, str_f(a, "%.*s/%.*s", STR_ARG(port->world.dir), STR_ARG(task->file)), &rest))
        return none("the file of recorded answers cannot be read");
    while (str_split(&rest, '\n', &line)) {
        struct json *v;
        if (!str_trim(line).n)
            continue;
        if (json_parse(a, line, &v, NULL) < 0)
            return none("a line of the recorded answers is no JSON");
        const struct json *args = json_get(v, "args"), *class = json_get(v, "class");
        if (str_eq(json_str(json_get(v, "tool")), rq->tool->name) && args &&
            str_eq(json_canonical(a, args), task->args))
            return (struct plan_outcome){.class = class ? tool_class_of(json_str(class)) : TOOL_OK,
                                         .value = json_get(v, "answer"),
                                         .why = "it was recorded so"};
    }
    return none("no recorded answer has these arguments");
}
