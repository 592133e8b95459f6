/* routine import: a written procedure becomes draft routines, with a pack of their questions and a scratchpad of their slots. */
#include "app/command.h"
#include "routine/import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_BYTES_MAX = 1 << 20 };

static int read_document(struct command_context *c, const char *path, struct str *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(c->err, ERR_IO, "%s: %s", path, strerror(errno));
    char *p = arena_alloc(c->arena, IMPORT_TEXT_BYTES_MAX + 1);
    size_t n = fread(p, 1, IMPORT_TEXT_BYTES_MAX + 1, f); /* a byte too many is refused by the reader */
    int why = ferror(f) ? errno : 0;
    fclose(f);
    *out = (struct str){p, n};
    return why ? err_set(c->err, ERR_IO, "%s: %s", path, strerror(why)) : 0;
}

static int make_folder(struct command_context *c, const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : err_set(c->err, ERR_IO, "%s: %s", path, strerror(errno));
}

struct file {
    const char *path;
    struct str text;
};

static const char *in_folder(struct command_context *c, const char *folder, const char *kind, struct str name)
{
    return str_f(c->arena, "%s/%s/%.*s.yaml", folder, kind, STR_ARG(name)).p;
}

/* The files to write; `n` of them. */
static struct file *files_of(struct command_context *c, const struct drafts *ds, const char *folder, size_t *n)
{
    struct file *files = ARENA_ARRAY(c->arena, struct file, ds->n + 2);
    struct str macros = draft_macros_yaml(ds), slots = draft_scratchpad_yaml(ds);
    *n = 0;
    for (const struct draft *d = ds->first; d; d = d->next)
        files[(*n)++] = (struct file){in_folder(c, folder, "routines", d->name), draft_yaml(ds, d)};
    if (macros.n)
        files[(*n)++] = (struct file){in_folder(c, folder, "macros", ds->pack), macros};
    if (slots.n)
        files[(*n)++] = (struct file){in_folder(c, folder, "scratchpads", ds->pack), slots};
    return files;
}

static int write_files(struct command_context *c, const char *folder, const struct file *files, size_t n)
{
    bool force = command_option(c, "--force", NULL) != NULL;
    for (size_t i = 0; !force && i < n; i++)
        if (access(files[i].path, F_OK) == 0)
            return err_set(c->err, ERR_CONFLICT, "%s is there already; nothing was written (--force writes over it)",
                           files[i].path);
    int r = make_folder(c, folder);
    static const char *const kinds[] = {"routines", "macros", "scratchpads"};
    for (size_t i = 0; r == 0 && i < sizeof kinds / sizeof *kinds; i++)
        r = make_folder(c, str_f(c->arena, "%s/%s", folder, kinds[i]).p);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct sink s;
        r = sink_open(c->arena, files[i].path, &s, c->err);
        if (r == 0)
            r = sink_close(&s, sink_write(&s, files[i].text, c->err), c->err);
    }
    return r;
}

static struct str report_json(struct command_context *c, const struct drafts *ds)
{
    struct buf b = buf_new(c->arena, REPORT_BYTES_MAX);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_key(&w, "routines");
    json_open(&w, '[');
    for (const struct draft *d = ds->first; d; d = d->next) {
        json_open(&w, '{');
        json_pair_str(&w, "routine", d->name);
        json_pair_int(&w, "steps", (int64_t)d->steps_n);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_pair_int(&w, "todos", (int64_t)ds->todos_n);
    json_key(&w, "left_out");
    json_open(&w, '[');
    for (const struct draft_line *l = ds->left.first; l; l = l->next)
        json_put_str(&w, l->text);
    json_close(&w, ']');
    json_close(&w, '}');
    buf_addc(&b, '\n');
    return buf_str(&b);
}

static struct str report_text(struct command_context *c, const struct drafts *ds, const char *folder)
{
    struct buf b = buf_new(c->arena, REPORT_BYTES_MAX);
    for (const struct draft *d = ds->first; d; d = d->next)
        buf_addf(&b, "%s/routines/%.*s.yaml: %zu steps\n", folder, STR_ARG(d->name), d->steps_n);
    for (const struct draft_line *l = ds->left.first; l; l = l->next)
        buf_addf(&b, "no routine: %.*s\n", STR_ARG(l->text));
    buf_addf(&b, "%zu routines, %zu steps; %zu places are marked " DRAFT_MARK "\n", ds->n, ds->steps_n, ds->todos_n);
    return buf_str(&b);
}

int cmd_routine(struct command_context *c)
{
    struct str text;
    struct drafts ds;
    size_t n = 0;
    const char *folder = c->output ? c->output : "drafts";
    if (strcmp(c->argv[0], "import") != 0)
        return command_usage(c, "routine knows only `import`, not \"%s\"", c->argv[0]);
    int r = read_document(c, c->argv[1], &text);
    if (r == 0)
        r = routine_import(c->arena, c->argv[1], text, &ds, c->err);
    if (r)
        return r;
    const struct file *files = files_of(c, &ds, folder, &n);
    r = write_files(c, folder, files, n);
    if (r)
        return r;
    c->output = NULL; /* -o was the folder */
    return command_tell(c, c->json ? report_json(c, &ds) : report_text(c, &ds, folder));
}
