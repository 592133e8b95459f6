#include "serve.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTROL_BYTES_MAX = 16 * 1024 };

static void help_print(const struct serve_program *p)
{
    printf("usage: %s [flags]\n%s\n\n", p->name, p->about);
    for (size_t i = 0; i < p->options_n; i++) {
        const struct serve_option *o = &p->options[i];
        char flag[64];
        snprintf(flag, sizeof flag, "%s %s", o->name, o->arg ? o->arg : "");
        for (char *c = flag; *c && *c != ' '; c++)
            if (*c == '_')
                *c = '-';
        printf("  --%-26s %s\n", flag, o->what);
    }
    printf("  --%-26s %s\n", "help", "this list");
}

/* "--slow-ms" names the option "slow_ms". */
static bool flag_is(const char *flag, const char *name)
{
    if (strncmp(flag, "--", 2) != 0)
        return false;
    for (flag += 2; *flag && *name; flag++, name++)
        if (*flag != *name && !(*flag == '-' && *name == '_'))
            return false;
    return *flag == *name;
}

static int option_set(const struct serve_option *o, const char *value, struct err *e)
{
    int64_t n;
    switch (o->kind) {
    case SERVE_BOOL: *(bool *)o->to = true; return 0;
    case SERVE_TEXT: *(const char **)o->to = value; return 0;
    case SERVE_PARSED: return o->accept(o->to, str_of(value), e);
    case SERVE_INT: break;
    }
    if (str_int(str_of(value), &n) < 0 || n < 0 || n > INT_MAX)
        return err_set(e, ERR_INVALID, "%s wants a number from 0 on", o->name);
    *(int *)o->to = (int)n;
    return 0;
}

static const struct serve_option *option_of_flag(const struct serve_program *p, const char *flag)
{
    for (size_t i = 0; i < p->options_n; i++)
        if (flag_is(flag, p->options[i].name))
            return &p->options[i];
    return NULL;
}

int serve_flags(const struct serve_program *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help_print(p);
            return 0;
        }
        const struct serve_option *o = option_of_flag(p, argv[i]);
        struct err e = {0};
        if (!o)
            err_set(&e, ERR_INVALID, "there is no flag \"%s\"; --help lists them", argv[i]);
        else if (o->kind != SERVE_BOOL && i + 1 == argc)
            err_set(&e, ERR_INVALID, "%s wants a value", argv[i]);
        else if (option_set(o, o->kind == SERVE_BOOL ? NULL : argv[++i], &e) == 0)
            continue;
        fprintf(stderr, "%s: %s\n", p->name, e.text);
        return 2;
    }
    return -1;
}

static void signal_stops(void *arg, int signal)
{
    (void)signal;
    loop_stop(arg);
}

int serve_run(const struct serve_program *p, struct loop *l, int port, size_t body_bytes_max, server_fn *handle,
              void *arg)
{
    struct err e = {0};
    struct server *server;
    struct server_config config = {
        .address = "127.0.0.1", .port = port, .body_bytes_max = body_bytes_max, .idle_s = 3600};
    if (server_new(l, &config, handle, arg, &server, &e) < 0) {
        fprintf(stderr, "%s: %s\n", p->name, e.text);
        return 3;
    }
    printf("listening on http://127.0.0.1:%d\n", server_port(server));
    fflush(stdout);
    loop_run(l, signal_stops, l);
    server_free(server);
    return 0;
}

int serve_file(struct arena *a, const char *path, size_t bytes_max, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, ERR_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    struct buf text = buf_new(a, bytes_max);
    char piece[65536];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0 && !text.cut;)
        buf_add(&text, (struct str){piece, n});
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "cannot read %s", path);
    if (text.cut)
        return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, bytes_max);
    *out = buf_str(&text);
    return 0;
}

bool serve_path_fits(struct str path, const char *pattern, struct str *parts)
{
    struct str rest = path, want = str_of(pattern), part, piece;
    size_t n = 0;
    while (str_split(&want, '/', &piece)) {
        if (!str_split(&rest, '/', &part))
            return false;
        if (str_is(piece, "@")) {
            if (part.n == 0 || n == SERVE_PARTS_MAX)
                return false;
            parts[n++] = part;
        } else if (!str_eq(piece, part)) {
            return false;
        }
    }
    return rest.p == NULL;
}

void serve_route(const struct serve_route *routes, size_t n, struct request *r, void *arg)
{
    struct str path = request_path(r), parts[SERVE_PARTS_MAX] = {0};
    bool there = false;
    for (size_t i = 0; i < n; i++) {
        if (!serve_path_fits(path, routes[i].path, parts))
            continue;
        there = true;
        if (strcmp(routes[i].method, request_method(r)) == 0) {
            routes[i].run(arg, r, parts);
            return;
        }
    }
    if (there)
        serve_error(r, 405, "METHOD_NOT_ALLOWED", "this path has no such method");
    else
        serve_error(r, 404, "NOT_FOUND", "there is nothing under this path");
}

void serve_json(struct request *r, int status, struct str body)
{
    request_reply(r, status, "application/json", body);
}

struct str serve_error_text(struct arena *a, const char *code, const char *message)
{
    struct buf out = buf_new(a, 4096);
    struct json_writer w = {.out = &out};
    json_open(&w, '{');
    json_key(&w, "error");
    json_open(&w, '{');
    json_pair_str(&w, "code", str_of(code));
    json_pair_str(&w, "message", str_of(message));
    json_close(&w, '}');
    json_close(&w, '}');
    return buf_str(&out);
}

void serve_error(struct request *r, int status, const char *code, const char *message)
{
    serve_json(r, status, serve_error_text(request_arena(r), code, message));
}

void serve_control_write(const struct serve_program *p, struct json_writer *w)
{
    for (size_t i = 0; i < p->options_n; i++) {
        const struct serve_option *o = &p->options[i];
        if (!o->live)
            continue;
        json_key(w, o->name);
        if (o->kind == SERVE_INT)
            json_put_int(w, *(int *)o->to);
        else if (o->kind == SERVE_BOOL)
            json_put_bool(w, *(bool *)o->to);
        else
            o->write(o->to, w);
    }
}

static const struct serve_option *option_of_member(const struct serve_program *p, const struct json *member)
{
    for (size_t i = 0; i < p->options_n; i++)
        if (p->options[i].live && str_is(member->key, p->options[i].name))
            return &p->options[i];
    return NULL;
}

static bool member_fits(const struct serve_option *o, const struct json *v)
{
    int64_t n = json_int(v, -1);
    switch (o->kind) {
    case SERVE_INT: return n >= 0 && n <= INT_MAX;
    case SERVE_BOOL: return json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE);
    case SERVE_PARSED: return json_is(v, JSON_STRING);
    case SERVE_TEXT: break;
    }
    return false;
}

int serve_control_read(const struct serve_program *p, struct request *r, struct err *e)
{
    struct json *body;
    if (request_body(r).n > CONTROL_BYTES_MAX)
        return err_set(e, ERR_INVALID, "the body is larger than %d bytes", CONTROL_BYTES_MAX);
    int result = json_parse(request_arena(r), request_body(r), &body, e);
    if (result < 0)
        return result;
    if (!json_is(body, JSON_OBJECT))
        return err_set(e, ERR_INVALID, "the body must be a JSON object");
    for (const struct json *m = body->child; m; m = m->next) {
        const struct serve_option *o = option_of_member(p, m);
        if (!o)
            return err_set(e, ERR_INVALID, "there is no setting \"%.*s\"", STR_ARG(m->key));
        if (!member_fits(o, m))
            return err_set(e, ERR_INVALID, "%s wants %s", o->name,
                           o->kind == SERVE_INT    ? "a number from 0 on"
                           : o->kind == SERVE_BOOL ? "true or false"
                                                   : "a text");
    }
    for (const struct json *m = body->child; m; m = m->next) {
        const struct serve_option *o = option_of_member(p, m);
        if (o->kind == SERVE_INT)
            *(int *)o->to = (int)json_int(m, 0);
        else if (o->kind == SERVE_BOOL)
            *(bool *)o->to = json_is(m, JSON_TRUE);
        else if (o->accept(o->to, m->text, e) < 0)
            return e->code;
    }
    return 0;
}
