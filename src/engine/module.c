#include "engine/module.h"

#include "base/text.h"
#include "base/yaml.h"
#include "engine/keys.h"
#include "engine/tool_files.h"

#include <string.h>

const struct module_kind module_kinds[MODULE_KINDS] = {
    {"instructions", "instructions", "module", true},
    {"policies", "policies", "policy", false},
    {"routines", "routines", "routine", false},
    {"macros", "macros", "macros", false},
    {"tools", "tools", "tool", false},
    {"scratchpads", "scratchpad", "scratchpad", false},
    {"agents", NULL, "agent", false},
};
const struct module_kind *const module_agents = &module_kinds[MODULE_KINDS - 1];

const struct module_kind *module_kind_of_folder(struct str folder)
{
    for (size_t i = 0; i < MODULE_KINDS; i++)
        if (str_is(folder, module_kinds[i].folder))
            return &module_kinds[i];
    return NULL;
}

const struct module_kind *module_kind_of_compose(struct str key)
{
    for (size_t i = 0; i < MODULE_KINDS; i++)
        if (module_kinds[i].compose && str_is(key, module_kinds[i].compose))
            return &module_kinds[i];
    return NULL;
}

bool module_name_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", name.p[i]))
            return false;
    return name.n > 0;
}

/* --- reading --- */

/* Splits "---\nfront matter\n---\nbody". */
static int front_matter(struct str text, const char *path, struct str *front, struct str *body, struct err *e)
{
    struct str rest = str_from(text, 3); /* with the line's end, so that lines count as in the file */
    ptrdiff_t end = str_find(rest, STR("\n---\n"));
    if (!str_starts(text, STR("---\n")) || end < 0)
        return err_set(e, ERR_INVALID,
                       "%s:1: an instruction file begins with --- lines that hold module, version and summary", path);
    *front = str_head(rest, (size_t)end + 1);
    *body = str_from(rest, (size_t)end + 5);
    return 0;
}

/* Every line's end is LF. */
static struct str with_lf(struct arena *a, struct str text)
{
    if (!memchr(text.p ? text.p : "", '\r', text.n))
        return text;
    struct buf b = buf_new(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\r')
            buf_addc(&b, text.p[i]);
        else if (i + 1 == text.n || text.p[i + 1] != '\n')
            buf_addc(&b, '\n');
    return buf_str(&b);
}

/* Without blanks behind the lines and empty lines around the whole. */
static struct str without_blanks(struct arena *a, struct str text)
{
    struct buf b = buf_new(a, text.n + 2);
    struct str rest = text, line;
    while (str_split(&rest, '\n', &line)) {
        while (line.n && strchr(" \t", line.p[line.n - 1]))
            line.n--;
        buf_add(&b, line);
        buf_addc(&b, '\n');
    }
    return str_trim(buf_str(&b));
}

static unsigned line_of(struct str text, const char *at)
{
    unsigned line = 1;
    for (const char *p = text.p; p < at; p++)
        line += *p == '\n';
    return line;
}

/* The file's members but those that say which version this is. The values are the file's own, with their lines. */
static struct json *body_of(struct arena *a, const struct json *file)
{
    struct json *body = json_new(a, JSON_OBJECT);
    body->line = file->line;
    for (const struct json *m = file->child; m; m = m->next) {
        if (str_is(m->key, "version") || str_is(m->key, "change"))
            continue;
        struct json *copy = ARENA_NEW(a, struct json);
        *copy = *m;
        copy->next = NULL;
        json_set(body, m->key, copy);
    }
    return body;
}

static int read_version(const struct json *file, const char *path, struct module *out, struct err *e)
{
    const struct json *version = json_get(file, "version"), *change = json_get(file, "change");
    struct err why;
    if (semver_parse(json_str(version), &out->version, &why) < 0)
        return yaml_refuse(e, path, version, "version: %s", why.text);
    out->change = json_str(change);
    if (memchr(out->change.p ? out->change.p : "", '\n', out->change.n))
        return yaml_refuse(e, path, change, "change: it is one line, for the list of versions");
    return 0;
}

int module_parse(struct arena *a, const struct module_kind *kind, struct str text, const char *path, struct json **out,
                 struct err *e)
{
    struct str front, body = STR_NONE;
    struct json *file;
    text = with_lf(a, str_starts(text, STR("\xef\xbb\xbf")) ? str_from(text, 3) : text);
    front = text;
    if (kind->text && front_matter(text, path, &front, &body, e) < 0)
        return ERR_INVALID;
    if (yaml_parse(a, front, path, &file, e) < 0)
        return e ? e->code : ERR_INVALID;
    if (kind->text && text_invalid_at(body) >= 0)
        return err_set(e, ERR_INVALID, "%s:%u: not valid UTF-8 text", path,
                       line_of(text, body.p + text_invalid_at(body)));
    if (!json_is(file, JSON_OBJECT))
        return yaml_refuse(e, path, file, "a file of %s holds a map of keys", kind->folder);
    if (kind->text && json_get(file, "text"))
        return yaml_refuse(e, path, json_get(file, "text"), "the front matter has no `text`; it stands below");
    if (kind->text) {
        struct json *words = json_new_str(a, without_blanks(a, body));
        size_t blank = 0;
        while (blank < body.n && strchr(" \t\n", body.p[blank]))
            blank++;
        words->line = line_of(text, body.p + blank);
        json_set(file, STR("text"), words);
    }
    if (str_is(str_of(kind->self), "tool") && tool_files_read(a, file, path, e) < 0)
        return ERR_INVALID;
    *out = file;
    return 0;
}

int module_read(struct arena *a, const struct module_kind *kind, struct str name, struct str text, const char *path,
                struct module *out, struct err *e)
{
    struct json *file;
    if (module_parse(a, kind, text, path, &file, e) < 0)
        return e ? e->code : ERR_INVALID;
    const struct json *self = json_get(file, kind->self);
    if (!str_eq(json_str(self), name))
        return yaml_refuse(e, path, self ? self : file, "says `%s: %.*s`; it must be the file's name, %.*s", kind->self,
                           STR_ARG(json_str(self)), STR_ARG(name));
    *out = (struct module){.kind = kind, .name = name};
    if (keys_check(file, kind->self, path, e) < 0 || read_version(file, path, out, e) < 0)
        return ERR_INVALID;
    out->data = body_of(a, file);
    out->body = json_canonical(a, out->data);
    out->sha = sha256_of(out->body);
    return 0;
}

int module_recall(struct arena *a, const struct module_kind *kind, struct str name, struct semver version,
                  struct str change, struct str body, struct module *out, struct err *e)
{
    struct json *data;
    if (json_parse(a, body, &data, e) < 0)
        return e ? e->code : ERR_INVALID;
    *out = (struct module){.kind = kind,
                           .name = name,
                           .version = version,
                           .change = change,
                           .body = body,
                           .sha = sha256_of(body),
                           .data = data,
                           .published = true};
    return 0;
}

/* --- writing --- */

struct str module_file(struct arena *a, const struct module *m)
{
    struct json *file = json_new(a, JSON_OBJECT);
    json_set(file, str_of(m->kind->self), json_new_str(a, m->name));
    json_set(file, STR("version"), json_new_str(a, semver_text(a, m->version)));
    if (m->change.n)
        json_set(file, STR("change"), json_new_str(a, m->change));
    const struct json *summary = json_get(m->data, "summary");
    if (summary)
        json_set(file, STR("summary"), json_copy(a, summary));
    for (const struct json *c = m->data->child; c; c = c->next)
        if (!json_get(file, str_c(a, c->key)) && !(m->kind->text && str_is(c->key, "text")))
            json_set(file, c->key, json_copy(a, c));
    struct buf b = buf_new(a, 4 << 20);
    if (m->kind->text)
        buf_adds(&b, "---\n");
    yaml_write(&b, file);
    if (m->kind->text)
        buf_addf(&b, "---\n%.*s\n", STR_ARG(json_str(json_get(m->data, "text"))));
    return buf_str(&b);
}

int module_file_bump(struct arena *a, struct str text, const char *path, struct semver version, struct str *out,
                     struct err *e)
{
    for (size_t at = 0; at < text.n;) {
        struct str line = str_from(text, at);
        ptrdiff_t end = str_find(line, STR("\n"));
        line = end < 0 ? line : str_head(line, (size_t)end);
        struct str value = str_starts(line, STR("version:")) ? str_from(line, 8) : STR_NONE;
        size_t skip = 0, n = 0;
        while (skip < value.n && strchr(" \t\"'", value.p[skip]))
            skip++;
        while (skip + n < value.n && strchr("0123456789.", value.p[skip + n]))
            n++;
        if (n) {
            struct str number = semver_text(a, version);
            size_t from = at + 8 + skip;
            struct buf b = buf_new(a, text.n + number.n + 1);
            buf_add(&b, str_head(text, from));
            buf_add(&b, number);
            buf_add(&b, str_from(text, from + n));
            *out = buf_str(&b);
            return 0;
        }
        at += line.n + 1;
    }
    return err_set(e, ERR_INVALID, "%s: it has no line `version: NUMBER` of its own that could be moved on", path);
}

int module_reference_parse(struct str text, struct module_reference *out, struct err *e)
{
    struct str rest = text;
    *out = (struct module_reference){.any = true};
    str_split(&rest, '@', &out->name);
    if (!module_name_ok(out->name))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no module name (lower case, digits, _ and -)",
                       STR_ARG(str_head(out->name, 80)));
    out->any = !rest.p;
    return out->any ? 0 : semver_range_parse(rest, &out->range, e);
}

int module_named(struct str text, const struct module_kind **kind, struct module_reference *out, struct err *e)
{
    struct str rest = text, folder;
    str_split(&rest, '/', &folder);
    *kind = module_kind_of_folder(folder);
    if (rest.p && *kind)
        return module_reference_parse(rest, out, e);
    struct buf folders = buf_new(NULL, 200);
    for (size_t i = 0; i < MODULE_KINDS; i++)
        buf_addf(&folders, "%s%s", i ? ", " : "", module_kinds[i].folder);
    int r =
        err_set(e, ERR_INVALID, "write KIND/NAME or KIND/NAME@VERSION; the kinds are %.*s", STR_ARG(buf_str(&folders)));
    buf_free(&folders);
    return r;
}
