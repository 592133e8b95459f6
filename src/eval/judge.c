#include "eval/judge.h"

#include "base/yaml.h"
#include "eval/fields.h"
#include "eval/rule.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool name_good(struct str name)
{
    bool good = name.n > 0 && name.n <= 64;
    for (size_t i = 0; i < name.n && good; i++) {
        char c = name.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    return good;
}

static int applies_read(struct arena *a, const struct json *v, struct judge *j, struct err *e)
{
    static const char *const known[] = {"tools", "agents", NULL};
    if (!v)
        return 0;
    int r = fields_check(v, known, e);
    if (r == 0)
        r = fields_texts(a, v, "tools", &j->tools, &j->tools_n, e);
    return r ? r : fields_texts(a, v, "agents", &j->agents, &j->agents_n, e);
}

static int fields_read(struct arena *a, const struct json *file, struct judge *j, struct err *e)
{
    static const char *const known[] = {"judge", "version", "catches", "applies_to", "rule", NULL};
    int r = fields_check(file, known, e);
    if (r == 0)
        r = fields_text(file, "judge", &j->name, e);
    if (r == 0 && !name_good(j->name))
        r = err_set(e, ERR_INVALID, "line %u: a judge's name has letters, digits and _", json_get(file, "judge")->line);
    if (r == 0)
        r = fields_text(file, "version", &j->label, e);
    if (r == 0)
        r = fields_text(file, "catches", &j->catches, e);
    if (r == 0)
        r = applies_read(a, json_get(file, "applies_to"), j, e);
    if (r)
        return r;
    if (!json_get(file, "rule"))
        return err_set(e, ERR_INVALID, "line %u: rule is missing", file->line);
    j->rule = ARENA_NEW(a, struct rule);
    return rule_read(a, json_get(file, "rule"), j->rule, e);
}

/* "line 7: why" of the readers becomes "judges/x.yaml:7: why". */
static int at_line(const char *name, const struct err *why, struct err *e)
{
    unsigned line = 1;
    int skip = 0;
    if (sscanf(why->text, "line %u: %n", &line, &skip) != 1)
        skip = 0;
    return err_set(e, why->code, "%s:%u: %s", name, line, why->text + skip);
}

int judge_read(struct arena *a, struct str yaml, const char *name, struct judge *out, struct err *e)
{
    struct json *file;
    struct judge j = {0};
    struct err why = {0};
    int r = yaml_parse(a, yaml, name, &file, e);
    if (r)
        return r;
    r = fields_read(a, file, &j, &why);
    if (r)
        return at_line(name, &why, e);
    struct sha256 sha = sha256_of(json_canonical(a, file));
    j.version = hash_hex(a, sha.b, JUDGE_VERSION_HEX / 2);
    *out = j;
    return 0;
}

/* --- files --- */

static int is_judge(const struct dirent *entry)
{
    struct str name = str_of(entry->d_name);
    return name.p[0] != '.' && str_ends(name, STR(".yaml"));
}

static int file_read(struct arena *a, const char *path, const char *name, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, ERR_IO, "%s: %s", name, strerror(errno));
    char *p = arena_alloc(a, JUDGE_FILE_BYTES_MAX + 1);
    size_t n = fread(p, 1, JUDGE_FILE_BYTES_MAX + 1, f);
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s cannot be read", name);
    if (n > JUDGE_FILE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "%s is longer than %d bytes", name, JUDGE_FILE_BYTES_MAX);
    *out = (struct str){p, n};
    return 0;
}

static int load_one(struct arena *a, const char *workspace, const char *file, struct judge *out, struct err *e)
{
    struct str name = str_f(a, "judges/%s", file), text;
    int r = file_read(a, str_f(a, "%s/%s", workspace, name.p).p, name.p, &text, e);
    if (r == 0)
        r = judge_read(a, text, name.p, out, e);
    if (r)
        return r;
    struct str stem = str_head(str_of(file), strlen(file) - strlen(".yaml"));
    if (!str_eq(stem, out->name))
        return err_set(e, ERR_INVALID, "%s:1: the judge %.*s belongs into %.*s.yaml", name.p, STR_ARG(out->name),
                       STR_ARG(out->name));
    return 0;
}

int judge_load(struct arena *a, const char *workspace, struct judge **out, size_t *n, struct err *e)
{
    struct dirent **entries;
    int found = scandir(str_f(a, "%s/judges", workspace).p, &entries, is_judge, alphasort);
    if (found < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, "%s/judges: %s", workspace, strerror(errno));
    int r = 0;
    if (found <= 0)
        r = err_set(e, ERR_NOT_FOUND, "no judge: there is no file %s/judges/*.yaml", workspace);
    else if (found > JUDGES_MAX)
        r = err_set(e, ERR_LIMIT, "%s/judges has %d judges, %d are allowed", workspace, found, JUDGES_MAX);
    struct judge *judges = r == 0 ? ARENA_ARRAY(a, struct judge, (size_t)found) : NULL;
    for (int i = 0; i < found && r == 0; i++)
        r = load_one(a, workspace, entries[i]->d_name, &judges[i], e);
    for (int i = 0; i < found; i++)
        free(entries[i]);
    if (found >= 0)
        free(entries);
    if (r)
        return r;
    *out = judges;
    *n = (size_t)found;
    return 0;
}

/* --- judging --- */

static bool applies(const struct judge *j, const struct transcript *t)
{
    if (!rule_tool_listed(j->agents, j->agents_n, t->agent))
        return false;
    if (j->tools_n == 0)
        return true;
    for (size_t i = 0; i < t->calls_n; i++)
        if (rule_tool_listed(j->tools, j->tools_n, t->calls[i].name))
            return true;
    return false;
}

int judge_run(const struct judge *j, const struct transcript *t, const struct dataset_item *item, struct arena *a,
              struct verdict *out, struct err *e)
{
    struct trial x = {.arena = a, .t = t, .item = item};
    struct verdict v = {0};
    struct err why = {0};
    bool meant = applies(j, t);
    int r = meant ? rule_run(j->rule, &x, &v, &why) : 0;
    v.applies = meant;
    if (r == ERR_LIMIT) /* a pattern or an expression that cannot be decided is no verdict */
        r = rule_unjudged(&v, &x, "Could not be judged: %s.", why.text);
    if (r)
        return err_set(e, r, "judge %.*s: %s", STR_ARG(j->name), why.text);
    *out = v;
    return 0;
}
