/* tool: specifications of tools out of what services say about themselves; a call of one tool. */
#include "app/command.h"
#include "app/tool_try.h"
#include "base/nearest.h"
#include "base/yaml.h"
#include "engine/openapi.h"
#include "routine/draft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DOCUMENT_BYTES_MAX = 16 << 20, TOLD_BYTES_MAX = 1 << 20 };

/* --- import --- */

static int document_read(struct command_context *c, const char *path, struct json **out)
{
    struct buf text = buf_new(c->arena, DOCUMENT_BYTES_MAX);
    char chunk[65536];
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(c->err, ERR_IO, "%s: %s", path, strerror(errno));
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&text, (struct str){chunk, n});
    int why = ferror(f) ? errno : 0;
    fclose(f);
    if (why)
        return err_set(c->err, ERR_IO, "%s: %s", path, strerror(why));
    if (text.cut)
        return err_set(c->err, ERR_LIMIT, "%s: larger than %d MiB", path, DOCUMENT_BYTES_MAX >> 20);
    struct str name = str_of(path);
    if (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")))
        return yaml_parse(c->arena, buf_str(&text), path, out, c->err);
    return json_parse(c->arena, buf_str(&text), out, c->err) < 0 ? err_in(c->err, "%s", path) : 0;
}

static int make_folder(struct command_context *c, const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : err_set(c->err, ERR_IO, "%s: %s", path, strerror(errno));
}

/* tools/ of -o, else of the workspace. */
static int import_folder(struct command_context *c, const char **out)
{
    struct stat st;
    const char *in = c->output ? c->output : c->workspace;
    if (!c->output && stat(str_f(c->arena, "%s/candor.yaml", in).p, &st) < 0)
        return err_set(c->err, ERR_NOT_FOUND,
                       "%s is no workspace: it has no candor.yaml; name one with --workspace, or a folder with -o", in);
    *out = str_f(c->arena, "%s/tools", in).p;
    int r = make_folder(c, in);
    return r ? r : make_folder(c, *out);
}

static const char *draft_path(struct command_context *c, const char *folder, const struct openapi_draft *d)
{
    return str_f(c->arena, "%s/%.*s.yaml", folder, STR_ARG(d->name)).p;
}

/* All or none: what is there already is somebody's work. */
static int import_clear(struct command_context *c, const char *folder, const struct openapi_draft *drafts, size_t n)
{
    struct stat st;
    for (size_t i = 0; i < n && !command_option(c, "--force", NULL); i++) {
        const char *path = draft_path(c, folder, &drafts[i]);
        if (lstat(path, &st) == 0)
            return err_set(
                c->err, ERR_CONFLICT,
                "%s is there already, nothing was written; --force replaces it, --operation=ID imports others alone",
                path);
    }
    return 0;
}

static int import_write(struct command_context *c, const char *path, struct str text)
{
    struct sink s;
    int r = sink_open(c->arena, path, &s, c->err);
    return r ? r : sink_close(&s, sink_write(&s, text, c->err), c->err);
}

static int import_tell(struct command_context *c, const char *folder, const struct openapi_draft *drafts, size_t n)
{
    struct buf told = buf_new(c->arena, TOLD_BYTES_MAX);
    struct json_writer w = {.out = &told};
    if (c->json)
        json_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        const struct openapi_draft *d = &drafts[i];
        if (!c->json) {
            buf_addf(&told, "%s: %.*s, %u times " DRAFT_MARK "\n", draft_path(c, folder, d), STR_ARG(d->operation),
                     d->todos);
            continue;
        }
        json_open(&w, '{');
        json_pair_str(&w, "file", str_of(draft_path(c, folder, d)));
        json_pair_str(&w, "operation", d->operation);
        json_pair_int(&w, "todos", d->todos);
        json_close(&w, '}');
    }
    if (c->json) {
        json_close(&w, ']');
        buf_addc(&told, '\n');
    }
    c->output = NULL; /* that was the folder */
    return command_tell(c, buf_str(&told));
}

static bool service_name_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
            return false;
    return s.n > 0 && s.n <= 40;
}

static int tool_import(struct command_context *c)
{
    const char *wishes[COMMAND_OPTIONS_MAX], *folder = NULL;
    struct openapi_wish wish = {.operations = wishes, .service = str_of(command_option(c, "--service", "api"))};
    struct openapi_draft *drafts;
    struct json *document;
    size_t n = 0;
    if (!service_name_ok(wish.service))
        return command_usage(c, "--service is a name of letters a-z, digits and _, as under `services` in candor.yaml");
    for (size_t i = 0; i < c->options_n; i++)
        if (strcmp(c->options[i].name, "--operation") == 0)
            wishes[wish.operations_n++] = c->options[i].value;
    int r = document_read(c, c->argv[1], &document);
    if (r == 0 && (r = openapi_drafts(c->arena, document, &wish, &drafts, &n, c->err)) < 0)
        return err_in(c->err, "%s", c->argv[1]);
    if (r == 0)
        r = import_folder(c, &folder);
    if (r == 0)
        r = import_clear(c, folder, drafts, n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = import_write(c, draft_path(c, folder, &drafts[i]), drafts[i].text);
    return r ? r : import_tell(c, folder, drafts, n);
}

/* --- the subcommands --- */

static const struct {
    const char *name;
    int (*run)(struct command_context *c);
} subcommands[] = {
    {"import", tool_import},
    {"try", tool_try},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

int cmd_tool(struct command_context *c)
{
    const char *names[SUBCOMMANDS + 1] = {0};
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        names[i] = subcommands[i].name;
        if (strcmp(c->argv[0], names[i]) == 0)
            return subcommands[i].run(c);
    }
    const char *nearest = nearest_word(str_of(c->argv[0]), names);
    return command_usage(c, "there is no `tool %s`%s%s%s", c->argv[0], nearest ? "; did you mean " : "",
                         nearest ? nearest : "", nearest ? "?" : "");
}
