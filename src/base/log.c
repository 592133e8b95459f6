#include "base/log.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

/* A line fits into what a pipe takes in one piece (PIPE_BUF), so that two programs that share a log
 * do not mix their lines. */
enum { LINE_BYTES_MAX = 4096, TEXT_CHARS_MAX = 500 };

static _Atomic int level_least = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*sink)(void *arg, struct str line);
static void *sink_arg;

void log_level_set(enum log_level least)
{
    atomic_store(&level_least, (int)least);
}

void log_sink_set(void (*fn)(void *arg, struct str line), void *arg)
{
    pthread_mutex_lock(&sink_lock);
    sink = fn;
    sink_arg = arg;
    pthread_mutex_unlock(&sink_lock);
}

/* "2026-11-22T07:45:00.123456Z" */
static struct str time_text(struct arena *a)
{
    int64_t now_us = clock_now_us(), rest_us = now_us % 1000000;
    struct str seconds = str_head(clock_iso(a, now_us), 19);
    return str_f(a, "%.*s.%06dZ", STR_ARG(seconds), (int)(rest_us < 0 ? rest_us + 1000000 : rest_us));
}

/* What may stand in a log: bounded, valid, and without characters that act on a terminal. */
static struct str shown(struct arena *a, struct str text)
{
    bool changed;
    return text_visible(a, text_repair(a, text_head(text, TEXT_CHARS_MAX), &changed), &changed);
}

static struct str masked(struct arena *a, struct str secret)
{
    struct sha256 h = sha256_of(secret);
    struct str hex = hash_hex(a, h.b, 2);
    return str_f(a, "%zu bytes, sha256 %.*s...", secret.n, STR_ARG(hex));
}

static void put_field(struct json_writer *w, struct arena *a, const struct log_field *f)
{
    json_key(w, f->name);
    switch (f->kind) {
    case LOG_KIND_INT: json_put_int(w, f->number); return;
    case LOG_KIND_STR: json_put_str(w, shown(a, f->text)); return;
    case LOG_KIND_SECRET: json_put_str(w, masked(a, f->text)); return;
    case LOG_KIND_ID: json_put_str(w, id_public(a, f->number)); return;
    case LOG_KIND_END: return;
    }
}

static void line_out(struct str line)
{
    pthread_mutex_lock(&sink_lock);
    if (sink) {
        sink(sink_arg, line);
    } else {
        while (write(STDERR_FILENO, line.p, line.n) < 0 && errno == EINTR)
            ; /* any other failure: there is nobody left to tell */
    }
    pthread_mutex_unlock(&sink_lock);
}

void log_write(enum log_level level, const char *event, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int)level < atomic_load(&level_least))
        return;
    struct arena *a = arena_new("log", 0);
    struct buf line = buf_new(a, LINE_BYTES_MAX);
    struct json_writer w = {.out = &line};
    json_open(&w, '{');
    json_pair_str(&w, "at", time_text(a));
    json_pair_str(&w, "level", str_of(names[level]));
    json_pair_str(&w, "event", shown(a, str_of(event)));

    va_list ap;
    va_start(ap, event);
    bool cut = false;
    for (struct log_field f = va_arg(ap, struct log_field); f.kind != LOG_KIND_END; f = va_arg(ap, struct log_field)) {
        struct buf field = buf_new(a, LINE_BYTES_MAX);
        put_field(&(struct json_writer){.out = &field}, a, &f);
        if (field.cut || line.n + field.n + sizeof ",,\"cut\":true}\n" > LINE_BYTES_MAX)
            cut = true; /* a field is whole or not there */
        else
            json_put_raw(&w, buf_str(&field));
    }
    va_end(ap);
    if (cut)
        json_pair_bool(&w, "cut", true);
    json_close(&w, '}');
    buf_addc(&line, '\n');
    line_out(buf_str(&line));
    arena_free(a);
}
