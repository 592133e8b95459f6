/* recorded_tools: the tools and the outgoing channel of recorded conversations, in a process that lives on
 * when the program under test is killed.
 *
 *   POST /tools/LABEL/TOOL   the arguments object, with Idempotency-Key for writes -> {"output":"..."}
 *   POST /send               {"label","mid","text"} -> {"duplicate":false}
 *   GET  /state, /state/LABEL
 *   POST /reset */
#include "recorded.h"
#include "serve.h"

#include <stdio.h>
#include <string.h>

enum { BODY_BYTES_MAX = 4 << 20, FILE_BYTES_MAX = 256 << 20, STATE_BYTES_MAX = 64 << 20 };

struct toolbox {
    const struct serve_program *program;
    struct recorded *world;
    const char *conversations;
    int port;
    bool ignore_key;
};

static void refuse(struct request *r, const struct err *e)
{
    switch (e->code) {
    case ERR_NOT_FOUND: serve_error(r, 404, "NOT_RECORDED", e->text); return;
    case ERR_CONFLICT: serve_error(r, 422, "KEY_REUSED", e->text); return;
    default: serve_error(r, 400, "BODY_INVALID", e->text); return;
    }
}

static void post_tool(void *arg, struct request *r, const struct str *parts)
{
    struct toolbox *t = arg;
    struct err e = {0};
    struct str output;
    if (recorded_call(t->world, parts[0], parts[1], request_body(r), request_header(r, "Idempotency-Key"), &output,
                      &e) < 0) {
        refuse(r, &e);
        return;
    }
    struct buf out = buf_new(request_arena(r), STATE_BYTES_MAX);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_pair_str(&w, "output", output);
    json_close(&w, '}');
    serve_json(r, 200, buf_str(&out));
}

static void post_send(void *arg, struct request *r, const struct str *parts)
{
    struct toolbox *t = arg;
    struct err e = {0};
    struct json *body;
    bool duplicate;
    (void)parts;
    if (json_parse(request_arena(r), request_body(r), &body, &e) < 0) {
        refuse(r, &e);
        return;
    }
    struct str label = json_str(json_get(body, "label")), mid = json_str(json_get(body, "mid"));
    if (mid.n == 0)
        serve_error(r, 400, "BODY_INVALID", "a message needs a mid");
    else if (recorded_send(t->world, label, mid, json_str(json_get(body, "text")), &duplicate) < 0)
        serve_error(r, 404, "NOT_RECORDED", "there is no such conversation");
    else
        serve_json(r, 200, duplicate ? STR("{\"duplicate\":true}") : STR("{\"duplicate\":false}"));
}

static void get_states(void *arg, struct request *r, const struct str *parts)
{
    struct toolbox *t = arg;
    (void)parts;
    struct buf out = buf_new(request_arena(r), STATE_BYTES_MAX);
    struct json_writer w = {.out = &out};
    recorded_states(t->world, &w);
    serve_json(r, 200, buf_str(&out));
}

static void get_state(void *arg, struct request *r, const struct str *parts)
{
    struct toolbox *t = arg;
    struct buf out = buf_new(request_arena(r), STATE_BYTES_MAX);
    struct json_writer w = {.out = &out};
    if (recorded_state(t->world, parts[0], &w) < 0)
        serve_error(r, 404, "NOT_RECORDED", "there is no such conversation");
    else
        serve_json(r, 200, buf_str(&out));
}

static void post_reset(void *arg, struct request *r, const struct str *parts)
{
    struct toolbox *t = arg;
    (void)parts;
    recorded_reset(t->world);
    serve_json(r, 200, STR("{}"));
}

static const struct serve_route routes[] = {
    {"POST", "/tools/@/@", post_tool}, {"POST", "/send", post_send},   {"GET", "/state", get_states},
    {"GET", "/state/@", get_state},    {"POST", "/reset", post_reset},
};

static void handle(struct request *r, void *arg)
{
    serve_route(routes, sizeof routes / sizeof *routes, r, arg);
}

static int toolbox_open(struct toolbox *t, struct arena *program, struct err *e)
{
    struct str text;
    if (!t->conversations)
        return err_set(e, ERR_INVALID, "--conversations FILE is missing");
    if (serve_file(program, t->conversations, FILE_BYTES_MAX, &text, e) < 0)
        return e->code;
    if (recorded_new(text, t->ignore_key, &t->world, e) < 0)
        return err_in(e, "%s", t->conversations);
    return 0;
}

static int toolbox_serve(struct toolbox *t)
{
    struct err e = {0};
    struct arena *program = arena_new("program", 0);
    struct loop *loop;
    int status = 3;
    if (toolbox_open(t, program, &e) == 0 && loop_new(&loop, &e) == 0) {
        status = serve_run(t->program, loop, t->port, BODY_BYTES_MAX, handle, t);
        loop_free(loop);
    } else {
        fprintf(stderr, "recorded_tools: %s\n", e.text);
    }
    if (t->world)
        recorded_free(t->world);
    arena_free(program);
    return status;
}

int main(int argc, char **argv)
{
    struct toolbox t = {0};
    const struct serve_option options[] = {
        {"port", SERVE_INT, &t.port, false, "N", "where to listen; 0: any free port (default)"},
        {"conversations", SERVE_TEXT, &t.conversations, false, "FILE", "the recording, one conversation a line"},
        {"ignore_key", SERVE_BOOL, &t.ignore_key, false, NULL, "carry out every request, also a repeated one"},
    };
    const struct serve_program program = {"recorded_tools",
                                          "Plays the tools of recorded conversations and counts effects.", options,
                                          sizeof options / sizeof *options};
    int status = serve_flags(&program, argc, argv);
    if (status >= 0)
        return status;
    t.program = &program;
    return toolbox_serve(&t);
}
