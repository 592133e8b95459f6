#include "engine/check.h"

#include "base/yaml.h"
#include "engine/check_parts.h"
#include "engine/keys.h"
#include "engine/module.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reads a workspace's folders for looking at them; and looks at what an agent is about to be made of. */

enum { FILE_BYTES_MAX = 1 << 20, NAME_BYTES_MAX = 100 };

static int read_file(struct arena *a, const char *path, struct str *out, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    struct stat s;
    size_t size = fstat(fileno(f), &s) == 0 && s.st_size > 0 ? (size_t)s.st_size : 0;
    char *p = arena_alloc(a, (size < FILE_BYTES_MAX ? size : FILE_BYTES_MAX) + 2);
    size_t n = fread(p, 1, size < FILE_BYTES_MAX ? size + 1 : FILE_BYTES_MAX + 1, f);
    int why = errno;
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return err_set(e, ERR_IO, "%s: cannot be read: %s", path, strerror(why));
    *out = (struct str){p, n};
    return 0;
}

/* --- folders --- */

static int by_name(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The names in a folder but those with a dot at their front, sorted. A folder that is not there is empty. */
static int list_folder(struct arena *a, const char *path, struct str **names, size_t *n, struct err *e)
{
    DIR *d = opendir(path);
    size_t size = 64;
    *n = 0;
    *names = ARENA_ARRAY(a, struct str, size);
    if (!d)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        if (*n == size) {
            struct str *more = ARENA_ARRAY(a, struct str, 2 * size);
            memcpy(more, *names, size * sizeof *more);
            *names = more;
            size *= 2;
        }
        (*names)[(*n)++] = str_copy(a, str_of(entry->d_name));
    }
    closedir(d);
    qsort(*names, *n, sizeof **names, by_name);
    return 0;
}

/* What cannot be read as a map is found and left out; else the file's own words about itself are looked at. */
static const struct json *read_module(struct check *k, const struct module_kind *kind, struct str name, const char *dir,
                                      const char *file, struct str text)
{
    struct json *body;
    struct err why;
    const char *path = str_f(k->arena, "%s/%s", dir, file).p; /* programs are looked for beside it */
    if (text.n > FILE_BYTES_MAX) {
        finding_add(k->found, RULE_UNREADABLE, file, NULL, "larger than 1 MiB");
        return NULL;
    }
    if (module_parse(k->arena, kind, text, path, &body, &why) < 0) {
        if (str_starts(str_of(why.text), str_of(path))) /* findings name files within the workspace */
            err_set(&why, why.code, "%s", str_f(k->arena, "%s", why.text + strlen(dir) + 1).p);
        finding_add_err(k->found, RULE_UNREADABLE, file, &why);
        return NULL;
    }
    const struct json *self = json_get(body, kind->self), *version = json_get(body, "version");
    if (!str_eq(json_str(self), name))
        finding_add(k->found, RULE_WRONG_NAME, file, self ? self : body,
                    "says `%s: %.*s`; it must be the file's name, %.*s", kind->self, STR_ARG(json_str(self)),
                    STR_ARG(name));
    keys_find(body, kind->self, file, k->found);
    struct semver number;
    if (json_is(version, JSON_STRING) && semver_parse(version->text, &number, &why) < 0)
        finding_add(k->found, RULE_WRONG_VALUE, file, version, "version: %s", why.text);
    if (memchr(json_str(json_get(body, "change")).n ? json_str(json_get(body, "change")).p : "", '\n',
               json_str(json_get(body, "change")).n))
        finding_add(k->found, RULE_WRONG_VALUE, file, json_get(body, "change"),
                    "change: it is one line, for the list of versions");
    return body;
}

static struct checked *add_module(struct check *k, enum checked_kind kind, struct str name, const char *file,
                                  const struct json *body)
{
    if (k->n == k->size) {
        size_t size = k->size ? 2 * k->size : 64;
        struct checked *more = ARENA_ARRAY(k->arena, struct checked, size);
        if (k->n)
            memcpy(more, k->modules, k->n * sizeof *more);
        k->modules = more;
        k->size = size;
    }
    struct checked *m = &k->modules[k->n++];
    *m = (struct checked){.kind = kind, .name = name, .file = file, .body = body};
    if (kind == CHECKED_INSTRUCTION && body) {
        const struct json *text = json_is(body, JSON_STRING) ? body : json_get(body, "text");
        m->text = json_str(text);
        m->text_line = text ? text->line : 0;
    }
    return m;
}

/* Does a tool's file name this one? Then it is a program of that tool. */
static bool is_named(struct check *k, const char *folder, const struct str *names, size_t n, struct str program)
{
    struct str text;
    for (size_t i = 0; i < n; i++)
        if (str_ends(names[i], STR(".yaml")) &&
            read_file(k->arena, str_f(k->arena, "%s/%.*s", folder, STR_ARG(names[i])).p, &text, NULL) == 0 &&
            str_has(text, str_f(k->arena, "lua: %.*s", STR_ARG(program))))
            return true;
    return false;
}

/* A folder of one kind; `each` gets the name and the value of each file (NULL: it could not be read). */
static int read_folder(struct check *k, const char *dir, const struct module_kind *kind,
                       int (*each)(struct check *k, void *with, struct str name, const char *file,
                                   const struct json *body, struct err *e),
                       void *with, struct err *e)
{
    struct str *names, ending = kind->text ? STR(".md") : STR(".yaml"), text;
    size_t n;
    const char *folder = str_f(k->arena, "%s/%s", dir, kind->folder).p;
    int r = list_folder(k->arena, folder, &names, &n, e);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str name = str_head(names[i], names[i].n > ending.n ? names[i].n - ending.n : 0);
        const char *file = str_f(k->arena, "%s/%.*s", kind->folder, STR_ARG(names[i])).p;
        if (str_is(str_of(kind->self), "tool") && str_ends(names[i], STR(".lua")) &&
            is_named(k, folder, names, n, names[i]))
            continue;
        if (!str_ends(names[i], ending) || name.n > NAME_BYTES_MAX || !module_name_ok(name)) {
            finding_add(k->found, RULE_STRAY_FILE, file, NULL, "nobody reads this file");
            continue;
        }
        r = read_file(k->arena, str_f(k->arena, "%s/%s", dir, file).p, &text, e);
        if (r == 0)
            r = each(k, with, name, file, read_module(k, kind, name, dir, file, text), e);
    }
    return r;
}

static int keep_module(struct check *k, void *with, struct str name, const char *file, const struct json *body,
                       struct err *e)
{
    (void)e;
    add_module(k, *(const enum checked_kind *)with, name, file, body);
    return 0;
}

/* --- agents --- */

static struct checked *module_of(const struct check *k, enum checked_kind kind, struct str name)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->modules[i].kind == kind && str_eq(k->modules[i].name, name))
            return &k->modules[i];
    return NULL;
}

struct agents {
    const struct module_source *published;
    struct check_agents *list;
    size_t size;
};

/* A version that the working tree has not: the store's is taken for what it is, without being looked at again. */
static int take_published(struct check_agent *ag, const struct module_source *published, const struct module_kind *kind,
                          const struct json *named, const struct module_reference *ref, struct checked *draft,
                          struct err *e)
{
    struct check *k = ag->k;
    struct module m;
    struct err why;
    int r =
        published ? published->find(published->arg, k->arena, kind, ref->name, &ref->range, &m, &why) : ERR_NOT_FOUND;
    if (r == 0) {
        struct checked *c = ARENA_NEW(k->arena, struct checked);
        *c = (struct checked){.kind = (enum checked_kind)(kind - module_kinds), .name = m.name, .body = m.data};
        c->file =
            str_f(k->arena, "%s/%.*s@%.*s", kind->folder, STR_ARG(m.name), STR_ARG(semver_text(k->arena, m.version))).p;
        c->text = json_str(json_get(m.data, "text"));
        ag->modules[ag->n++] = c;
        return 0;
    }
    if (r != ERR_NOT_FOUND)
        return err_set(e, r, "%s", why.text);
    ag->holes[kind - module_kinds] = true;
    struct str version = draft ? json_str(json_get(draft->body, "version")) : STR("not there");
    finding_add(k->found, RULE_UNRESOLVED_PIN, ag->file, named,
                "no published version of %s/%.*s fits %.*s, and the draft is %.*s", kind->folder, STR_ARG(ref->name),
                STR_ARG(str_from(named->text, ref->name.n + 1)), STR_ARG(version));
    return 0;
}

static int take_named(struct check_agent *ag, const struct module_source *published, const struct module_kind *kind,
                      const struct json *named, struct err *e)
{
    struct module_reference ref;
    struct semver version;
    struct err why;
    if (!json_is(named, JSON_STRING))
        return 0; /* the keys told it */
    if (module_reference_parse(named->text, &ref, &why) < 0) {
        finding_add(ag->k->found, RULE_NO_MODULE, ag->file, named, "%s", why.text);
        ag->holes[kind - module_kinds] = true;
        return 0;
    }
    struct checked *m = module_of(ag->k, (enum checked_kind)(kind - module_kinds), ref.name);
    if (m)
        m->used = true;
    bool fits = m && (ref.any || (semver_parse(json_str(json_get(m->body, "version")), &version, NULL) == 0 &&
                                  semver_in(version, ref.range)));
    if (!fits && !ref.any)
        return take_published(ag, published, kind, named, &ref, m, e);
    if (fits && m->body)
        ag->modules[ag->n++] = m;
    ag->holes[kind - module_kinds] |= !m || !m->body || (m->kind == CHECKED_ROUTINE && !m->walkable);
    if (!m)
        finding_add(ag->k->found, RULE_NO_MODULE, ag->file, named, "there is no %s/%.*s.%s", kind->folder,
                    STR_ARG(ref.name), kind->text ? "md" : "yaml");
    return 0;
}

/* What a variant adds is used too. How it fits in is looked at when the variant is made (engine/composition.h). */
static void use_variants(struct check_agent *ag)
{
    const struct json *variants = json_get(ag->self, "variants");
    for (const struct json *v = json_is(variants, JSON_ARRAY) ? variants->child : NULL; v; v = v->next) {
        const struct json *add = json_get(v, "add");
        for (const struct json *c = json_is(add, JSON_OBJECT) ? add->child : NULL; c; c = c->next) {
            const struct module_kind *kind = module_kind_of_compose(c->key);
            for (const struct json *n = c->kind == JSON_ARRAY ? c->child : c; kind && n; n = n == c ? NULL : n->next) {
                struct module_reference ref;
                struct checked *m = json_is(n, JSON_STRING) && module_reference_parse(n->text, &ref, NULL) == 0
                                        ? module_of(ag->k, (enum checked_kind)(kind - module_kinds), ref.name)
                                        : NULL;
                if (m)
                    m->used = true;
            }
        }
    }
}

static int look_at_agent(struct check *k, void *with, struct str name, const char *file, const struct json *self,
                         struct err *e)
{
    struct agents *all = with;
    const struct json *compose = json_get(self, "compose");
    struct check_agent ag = {.k = k, .file = file, .self = self};
    size_t names = 0;
    for (const struct json *c = json_is(compose, JSON_OBJECT) ? compose->child : NULL; c; c = c->next)
        names += c->n + 1;
    ag.modules = ARENA_ARRAY(k->arena, struct checked *, names + 1);
    for (const struct json *c = json_is(compose, JSON_OBJECT) ? compose->child : NULL; c; c = c->next) {
        const struct module_kind *kind = module_kind_of_compose(c->key);
        for (const struct json *n = c->kind == JSON_ARRAY ? c->child : c; kind && n; n = n == c ? NULL : n->next) {
            int r = take_named(&ag, all->published, kind, n, e);
            if (r < 0)
                return r;
        }
    }
    use_variants(&ag);
    if (json_is(compose, JSON_OBJECT))
        check_agent_whole(&ag);
    if (all->list->n == all->size) {
        struct checked_agent *more = ARENA_ARRAY(k->arena, struct checked_agent, 2 * all->size + 16);
        if (all->list->n)
            memcpy(more, all->list->list, all->list->n * sizeof *more);
        all->list->list = more;
        all->size = 2 * all->size + 16;
    }
    all->list->list[all->list->n++] = (struct checked_agent){name, file, self};
    return 0;
}

/* What no agent uses; of what one uses, the texts that nothing mentions. */
static void check_unused(struct check *k)
{
    bool whole = true; /* what cannot be read may mention anything */
    for (size_t i = 0; i < k->n; i++)
        whole &= k->modules[i].body && (k->modules[i].kind != CHECKED_ROUTINE || k->modules[i].walkable);
    for (size_t i = 0; i < k->n; i++) {
        const struct checked *m = &k->modules[i];
        if (!m->used)
            finding_add(k->found, RULE_UNUSED_MODULE, m->file, NULL, "no agent composes %.*s", STR_ARG(m->name));
        const struct json *texts =
            whole && m->used && m->mentioned && !str_is(m->name, "runtime") ? json_get(m->body, "texts") : NULL;
        size_t at = 0;
        for (const struct json *t = texts ? texts->child : NULL; t; t = t->next, at++)
            if (!m->mentioned[at])
                finding_add(k->found, RULE_UNUSED_MACRO, m->file, t,
                            "no routine, tool or instruction mentions %.*s.%.*s", STR_ARG(m->name), STR_ARG(t->key));
    }
}

int check_workspace(const char *dir, const struct check_settings *settings, const struct module_source *published,
                    struct findings *found, struct check_agents *agents, struct err *e)
{
    struct check k = {.arena = found->arena, .found = found, .places_known = settings != NULL};
    if (settings) {
        k.locales = settings->locales;
        k.services = settings->services;
        k.secrets = settings->secrets;
    }
    struct agents all = {.published = published, .list = agents};
    *agents = (struct check_agents){0};
    for (size_t i = 0; i < CHECKED_KINDS; i++) {
        enum checked_kind kind = (enum checked_kind)i;
        int r = read_folder(&k, dir, &module_kinds[i], keep_module, &kind, e);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < k.n; i++)
        check_module(&k, &k.modules[i]);
    int r = read_folder(&k, dir, module_agents, look_at_agent, &all, e);
    if (r < 0)
        return r;
    check_unused(&k);
    findings_sort(found);
    return 0;
}

/* --- an agent about to be served --- */

int check_composed(const struct json *all, const char *dir, struct err *e)
{
    struct findings found = {.arena = arena_new("agent's check", 1 << 16)};
    struct check k = {.arena = found.arena, .found = &found};
    const struct json *self = json_get(all, "agent"), *modules = json_get(all, "modules");
    struct check_agent ag = {.k = &k, .self = self};
    ag.file = str_f(k.arena, "%s/agents/%.*s.yaml", dir, STR_ARG(json_str(json_get(self, "agent")))).p;
    for (const struct json *m = modules->child; m; m = m->next) {
        const struct module_kind *kind = module_kind_of_compose(json_str(json_get(m, "kind")));
        struct str name = json_str(json_get(m, "name"));
        if (kind)
            add_module(&k, (enum checked_kind)(kind - module_kinds), name,
                       str_f(k.arena, "%s/%s/%.*s.%s", dir, kind->folder, STR_ARG(name), kind->text ? "md" : "yaml").p,
                       json_get(m, "body"));
    }
    ag.modules = ARENA_ARRAY(k.arena, struct checked *, k.n + 1);
    for (size_t i = 0; i < k.n; i++) {
        ag.modules[ag.n++] = &k.modules[i];
        check_module(&k, &k.modules[i]);
        ag.holes[CHECKED_ROUTINE] |= k.modules[i].kind == CHECKED_ROUTINE && !k.modules[i].walkable;
    }
    check_agent_whole(&ag);
    int r = findings_refuse(&found, e);
    arena_free(found.arena);
    return r;
}
