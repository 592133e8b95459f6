/* cmd_eval: import, export, judge and report: conversations in, verdicts and figures out. */
#include "app/command.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/rng.h"
#include "engine/audit.h"
#include "eval/assess.h"
#include "eval/export.h"
#include "eval/fields.h"
#include "eval/import.h"
#include "eval/summary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVENTS_MAX = 1 << 20, REPORT_BYTES_MAX = 1 << 26, SECRET_BYTES = 32, PROGRESS_EVERY = 200 };

/* --- what these commands share --- */

/* How far it is, for those who wait at a terminal; says no when they want it to stop. */
static bool judging(size_t done, size_t n)
{
    bool last = done == n || command_stop_asked();
    if (isatty(STDERR_FILENO) && n > PROGRESS_EVERY && (done % PROGRESS_EVERY == 0 || last))
        fprintf(stderr, "\rjudged %zu of %zu%s", done, n, last ? "\n" : "");
    return !last;
}

/* Opens the store for the set that argv[0] names. */
static int open_set(struct command_context *c, struct store_config *config, struct store **s,
                    struct dataset_item **items, size_t *n)
{
    int r = command_set_there(c, config->path);
    if (r == 0)
        r = store_open(config, s, c->err);
    if (r)
        return r;
    r = dataset_items(*s, c->arena, c->argv[0], items, n, c->err);
    if (r)
        store_close(*s);
    return r == ERR_NOT_FOUND ? command_no_set(c) : r;
}

/* --- import --- */

static int file_read(struct command_context *c, const char *path, struct str *out)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    if (!f || fstat(fileno(f), &st) != 0) {
        int why = errno;
        if (f)
            fclose(f);
        return err_set(c->err, ERR_IO, "%s: %s", path, strerror(why));
    }
    int r = 0;
    if (!S_ISREG(st.st_mode))
        r = err_set(c->err, ERR_INVALID, "%s is not a file", path);
    else if (st.st_size > IMPORT_BYTES_MAX)
        r = err_set(c->err, ERR_LIMIT, "%s is larger than %d MiB; import it in parts", path, IMPORT_BYTES_MAX >> 20);
    if (r == 0) {
        char *p = arena_alloc(c->arena, (size_t)st.st_size + 1);
        *out = (struct str){p, fread(p, 1, (size_t)st.st_size, f)};
        if (ferror(f))
            r = err_set(c->err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    fclose(f);
    return r;
}

static int import_told(struct command_context *c, const struct import_batch *b)
{
    struct buf out = buf_new(c->arena, REPORT_BYTES_MAX);
    if (c->json) {
        struct json_writer w = {.out = &out};
        json_open(&w, '{');
        json_pair_str(&w, "set", b->set);
        json_pair_int(&w, "conversations", (int64_t)b->n);
        json_pair_int(&w, "messages", (int64_t)b->messages);
        json_pair_int(&w, "calls", (int64_t)b->calls);
        json_pair_int(&w, "calls_unanswered", (int64_t)b->calls_unanswered);
        json_pair_int(&w, "there_already", (int64_t)b->already);
        json_key(&w, "left_out");
        json_open(&w, '{');
        for (size_t i = 0; i < b->ignored_n; i++) {
            json_key_str(&w, b->ignored[i].field);
            json_put_int(&w, (int64_t)b->ignored[i].n);
        }
        json_close(&w, '}');
        json_close(&w, '}');
        buf_addc(&out, '\n');
        return command_tell(c, buf_str(&out));
    }
    buf_addf(&out, "%.*s: %zu conversations, %zu messages, %zu calls\n", STR_ARG(b->set), b->n, b->messages, b->calls);
    if (b->already)
        buf_addf(&out, "%zu of them stood there from an import that was not finished\n", b->already);
    if (b->calls_unanswered)
        buf_addf(&out, "%zu calls have no answer: their conversations were cut off\n", b->calls_unanswered);
    for (size_t i = 0; i < b->ignored_n; i++)
        buf_addf(&out, "left out: %.*s, %zu times\n", STR_ARG(b->ignored[i].field), b->ignored[i].n);
    return command_tell(c, buf_str(&out));
}

int cmd_import(struct command_context *c)
{
    const char *set = command_option(c, "--set", NULL), *slash = strrchr(c->argv[1], '/');
    struct settings settings;
    struct import_batch batch;
    struct store *s;
    struct str bytes;
    if (!set)
        return command_usage(c, "--set NAME says what the set is called");
    command_catch_stop("candor import: stopped; the set is not there yet, the same command again goes on from here\n");
    int r = command_settings(c, &settings);
    if (r == 0)
        r = file_read(c, c->argv[1], &bytes);
    if (r)
        return r;
    r = import_read(c->arena, c->argv[0], slash ? slash + 1 : c->argv[1], bytes, set, clock_now_us(), &batch, c->err);
    if (r == ERR_NOT_FOUND) /* of the format: a word of the command line */
        return command_usage(c, "%s", c->err->text);
    if (r == 0)
        r = settings_data_dir(&settings, c->err);
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store)};
    r = store_open(&config, &s, c->err);
    if (r)
        return r;
    r = import_store(s, c->arena, &batch, c->err);
    command_catch_stop(NULL); /* what it would say is over */
    store_close(s);
    return r ? r : import_told(c, &batch);
}

/* --- export --- */

static int export_one(struct command_context *c, struct store *s, struct versions *versions, const char *format,
                      const struct dataset_item *item, struct str secret, struct sink *sink)
{
    struct arena *conversation = arena_new("conversation", 1 << 16);
    struct buf line = buf_new(conversation, EXPORT_LINE_BYTES_MAX);
    struct event *events;
    size_t n;
    int r = journal_read(s, conversation, item->conversation, 0, EVENTS_MAX, &events, &n, c->err);
    if (r == 0) {
        audit_mask(conversation, versions, events, n);
        r = export_line(conversation, format, item, events, n, secret, &line, c->err);
        if (r == ERR_NOT_FOUND) /* of the format: a word of the command line */
            r = command_usage(c, "%s", c->err->text);
    }
    if (r == 0)
        r = sink_write(sink, buf_str(&line), c->err);
    arena_free(conversation);
    return r;
}

int cmd_export(struct command_context *c)
{
    const char *format = command_option(c, "--format", "openai-jsonl");
    struct settings settings;
    struct dataset_item *items;
    struct store *s;
    struct sink sink;
    char secret[SECRET_BYTES];
    size_t n = 0;
    int r = command_settings(c, &settings);
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store), .read_only = true};
    r = open_set(c, &config, &s, &items, &n);
    if (r)
        return r;
    struct versions versions = {.store = s};
    command_catch_stop(NULL);
    rng_bytes(secret, sizeof secret);
    r = sink_open(c->arena, c->output, &sink, c->err);
    if (r == 0) {
        for (size_t i = 0; i < n && r == 0; i++)
            r = command_stop_asked()
                    ? command_stopped(c, "after %zu of %zu conversations; the same command begins anew", i, n)
                    : export_one(c, s, &versions, format, &items[i], (struct str){secret, sizeof secret}, &sink);
        r = sink_close(&sink, r, c->err);
    }
    versions_free(&versions);
    store_close(s);
    return r;
}

/* --- judge --- */

/* Keeps those of `judges` that --judge names; all when it names none. */
static int choose(struct command_context *c, struct judge *judges, size_t *n)
{
    const char **names = ARENA_ARRAY(c->arena, const char *, *n + 1);
    bool *wanted = ARENA_ARRAY(c->arena, bool, *n), any = false;
    for (size_t i = 0; i < *n; i++)
        names[i] = str_c(c->arena, judges[i].name);
    for (size_t o = 0; o < c->options_n; o++) {
        size_t i = 0;
        if (strcmp(c->options[o].name, "--judge") != 0)
            continue;
        while (i < *n && strcmp(names[i], c->options[o].value) != 0)
            i++;
        const char *near = i == *n ? nearest_word(str_of(c->options[o].value), names) : NULL;
        if (i == *n)
            return err_set(c->err, ERR_NOT_FOUND, "no judge is called %s%s%s", c->options[o].value,
                           near ? "; did you mean " : "", near ? near : "");
        wanted[i] = any = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (wanted[i] || !any)
            judges[kept++] = judges[i];
    *n = kept;
    return 0;
}

static int judge_told(struct command_context *c, const struct summary *s, struct str note)
{
    struct buf out = buf_new(c->arena, REPORT_BYTES_MAX);
    if (c->json) {
        struct json_writer w = {.out = &out};
        summary_json(c->arena, s, note, &w);
        buf_addc(&out, '\n');
        return command_tell(c, buf_str(&out));
    }
    buf_addf(&out, "%.*s: %zu conversation%s judged\n", STR_ARG(s->set), s->conversations,
             s->conversations == 1 ? "" : "s");
    for (size_t i = 0; i < s->judges_n; i++) {
        const struct summary_judge *j = &s->judges[i];
        buf_addf(&out, "  %.*s %.*s: %zu of %zu failed", STR_ARG(j->name), STR_ARG(j->version), j->failed, j->judged);
        if (j->unjudged)
            buf_addf(&out, ", %zu undecided", j->unjudged);
        buf_adds(&out, "\n");
    }
    if (note.n)
        buf_addf(&out, "%.*s\n", STR_ARG(note));
    return command_tell(c, buf_str(&out));
}

/* Figures over a part of a set would not be about the set, so there are none. */
static int judging_stopped(const struct command_context *c)
{
    return command_stopped(c,
                           "before the end; no verdict of this run is kept, as it would be about a part of %s only. "
                           "The same command begins anew",
                           c->argv[0]);
}

static struct str busy_note(struct command_context *c)
{
    return str_f(c->arena,
                 "These verdicts are not kept, because the store is in use (%s). candor report judges anew then.",
                 c->err->text);
}

int cmd_judge(struct command_context *c)
{
    struct settings settings;
    struct judge *judges;
    struct dataset_item *items;
    struct assessment found;
    struct summary summary;
    struct store *s;
    struct str note = STR("");
    size_t judges_n = 0, n = 0;
    int r = command_settings(c, &settings);
    if (r == 0)
        r = judge_load(c->arena, str_c(c->arena, settings.dir), &judges, &judges_n, c->err);
    if (r == 0)
        r = choose(c, judges, &judges_n);
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store)};
    r = open_set(c, &config, &s, &items, &n);
    if (r == ERR_BUSY) {
        note = busy_note(c);
        config.read_only = true;
        r = open_set(c, &config, &s, &items, &n);
    }
    if (r)
        return r;
    command_catch_stop(NULL);
    r = assess_set(s, c->arena, judges, judges_n, items, n, judging, &found, c->err);
    if (r == 0 && command_stop_asked())
        r = judging_stopped(c);
    if (r == 0 && !config.read_only)
        r = verdict_put(s, found.rows, found.n, c->err);
    store_close(s);
    if (r)
        return r;
    summary_make(c->arena, str_of(c->argv[0]), items, n, found.rows, found.n, judges, judges_n, &summary);
    return judge_told(c, &summary, note);
}

/* --- report --- */

/* Stored verdicts whose judge has changed since, as a sentence; "" when there are none. */
static struct str changed_note(struct command_context *c, const struct verdict_row *rows, size_t n,
                               const struct judge *judges, size_t judges_n)
{
    struct buf names = buf_new(c->arena, 1000);
    for (size_t i = 0; i < judges_n; i++) {
        size_t k = 0;
        while (k < n && !str_eq(rows[k].judge, judges[i].name))
            k++;
        if (k < n && !str_eq(rows[k].version, judges[i].version))
            buf_addf(&names, "%s%.*s", names.n ? ", " : "", STR_ARG(judges[i].name));
    }
    if (names.n == 0)
        return STR("");
    return str_f(c->arena, "Changed since these verdicts: %.*s. Run candor judge %s again.", STR_ARG(buf_str(&names)),
                 c->argv[0]);
}

/* Stored verdicts; fresh ones when there are none, or when a running server may have added conversations since. */
static int verdicts(struct command_context *c, struct store *s, const struct settings *settings,
                    const struct dataset_item *items, size_t n, const struct judge *judges, size_t judges_n,
                    struct assessment *out, struct str *note)
{
    int r = verdict_list(s, c->arena, c->argv[0], &out->rows, &out->n, c->err);
    bool live = store_holder(c->arena, str_c(c->arena, settings->store)).n > 0;
    if (r || judges_n == 0)
        return r;
    if (out->n && !live) {
        *note = changed_note(c, out->rows, out->n, judges, judges_n);
        return 0;
    }
    *note = live ? STR("Judged just now, because a server is adding to these conversations.")
                 : STR("Judged just now; candor judge keeps verdicts.");
    return assess_set(s, c->arena, judges, judges_n, items, n, judging, out, c->err);
}

static int report_told(struct command_context *c, const struct summary *s, struct str note)
{
    struct buf out = buf_new(c->arena, REPORT_BYTES_MAX);
    struct json_writer w = {.out = &out};
    if (c->json) {
        summary_json(c->arena, s, note, &w);
        buf_addc(&out, '\n');
    } else {
        summary_text(c->arena, s, note, &out);
    }
    return command_tell(c, buf_str(&out));
}

int cmd_report(struct command_context *c)
{
    struct settings settings;
    struct judge *judges = NULL;
    struct dataset_item *items;
    struct assessment found = {0};
    struct summary summary;
    struct store *s;
    struct str note = STR("");
    size_t judges_n = 0, n = 0;
    int r = command_settings(c, &settings);
    if (r)
        return r;
    r = judge_load(c->arena, str_c(c->arena, settings.dir), &judges, &judges_n, c->err);
    if (r == ERR_NOT_FOUND) /* figures do not need judges */
        r = 0;
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store), .read_only = true};
    r = open_set(c, &config, &s, &items, &n);
    if (r)
        return r;
    command_catch_stop(NULL);
    r = verdicts(c, s, &settings, items, n, judges, judges_n, &found, &note);
    if (r == 0 && command_stop_asked())
        r = command_stopped(c, "before the end; the same command begins anew");
    store_close(s);
    if (r)
        return r;
    summary_make(c->arena, str_of(c->argv[0]), items, n, found.rows, found.n, judges, judges_n, &summary);
    return report_told(c, &summary, note);
}
