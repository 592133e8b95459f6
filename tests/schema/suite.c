/* suite: every case of a folder in the form of the JSON Schema Test Suite, as a table.
 *
 *     schema_suite FOLDER [REMOTES]
 *
 * FOLDER/<file>.json: [{description, schema, tests: [{description, data, valid}]}]. In a folder whose name ends in "format"
 * formats are demands, elsewhere notes. REMOTES/a/b.json is what a reference to http://localhost:1234/a/b.json means: where a
 * schema is refused without them, they are put into it under $defs (the draft's bundling), since nothing is ever fetched.
 *
 * A case is right, refused (schema_check gave ERR_UNSUPPORTED: the schema asks for what is not supported) or wrong (also:
 * another refusal). Exit status 1 when one is wrong or a table would be empty; 0 also where FOLDER is absent, in one line. */
#include "base/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tally {
    unsigned right, refused, wrong;
};

struct suite {
    struct arena *arena;
    const struct json *remotes; /* $defs of the documents that may be referred to; NULL for none */
    const char *name;           /* of the file */
    bool formats;
    struct tally file, all;
    unsigned files;
};

static struct str read_file(struct arena *a, const char *path)
{
    struct buf text = buf_new(a, 16 << 20);
    FILE *f = fopen(path, "r");
    char chunk[65536];
    if (!f)
        return STR_NONE;
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f));)
        buf_add(&text, (struct str){chunk, n});
    fclose(f);
    /* No text of ours may hold a NUL; U+0001 asks the same question. */
    for (char *nul = text.n ? strstr(text.p, "\\u0000") : NULL; nul; nul = strstr(nul, "\\u0000"))
        nul[5] = '1';
    return buf_str(&text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder, sorted; NULL behind the last. NULL when there is no such folder. */
static const char **names_in(struct arena *a, const char *folder)
{
    enum { NAMES_MAX = 500 };
    const char **names = ARENA_ARRAY(a, const char *, NAMES_MAX + 1);
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return NULL;
    for (struct dirent *d; n < NAMES_MAX && (d = readdir(dir));)
        if (d->d_name[0] != '.')
            names[n++] = str_c(a, str_of(d->d_name));
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    return names;
}

/* --- remote documents --- */

static void add_remotes(struct arena *a, struct json *defs, const char *folder, struct str uri)
{
    const char **names = names_in(a, folder);
    struct err e;
    for (; names && *names; names++) {
        const char *path = str_f(a, "%s/%s", folder, *names).p;
        struct str at = str_f(a, "%.*s/%s", STR_ARG(uri), *names);
        struct stat st;
        struct json *document;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            add_remotes(a, defs, path, at);
        } else if (json_parse(a, read_file(a, path), &document, &e) == 0 && document->kind == JSON_OBJECT &&
                   !json_get(document, "$vocabulary")) { /* a dialect of its own is no part of this one */
            if (!json_get(document, "$id"))
                json_set(document, STR("$id"), json_new_str(a, at));
            if (schema_check(document, &e) == 0 || e.code == ERR_UNSUPPORTED)
                json_set(defs, at, document);
        }
    }
}

static struct json *bundled(struct suite *s, const struct json *schema)
{
    struct json *out = json_copy(s->arena, schema), *defs = json_new(s->arena, JSON_OBJECT);
    if (!json_is(out, JSON_OBJECT))
        return out;
    const struct json *own = json_get(schema, "$defs");
    for (const struct json *d = own ? own->child : NULL; d; d = d->next)
        json_set(defs, d->key, json_copy(s->arena, d));
    for (const struct json *d = s->remotes->child; d; d = d->next)
        json_set(defs, d->key, json_copy(s->arena, d));
    json_set(out, STR("$defs"), defs);
    return out;
}

/* --- cases --- */

static int check(const struct suite *s, const struct json *schema, struct err *e)
{
    return s->formats ? schema_check_formats(schema, e) : schema_check(schema, e);
}

static int fits(const struct suite *s, const struct json *schema, const struct json *value, struct err *e)
{
    return s->formats ? schema_fits_formats(schema, value, e) : schema_fits(schema, value, e);
}

static void wrong(struct suite *s, const struct json *group, const struct json *one, const char *said)
{
    s->file.wrong++;
    printf("wrong: %s, %.*s, %.*s: %s\n", s->name, STR_ARG(json_str(json_get(group, "description"))),
           STR_ARG(json_str(json_get(one, "description"))), said);
}

static void run_group(struct suite *s, const struct json *group)
{
    const struct json *schema = json_get(group, "schema"), *tests = json_get(group, "tests");
    struct err e = {0}, why;
    int r = check(s, schema, &e);
    if (r == ERR_UNSUPPORTED && s->remotes && check(s, bundled(s, schema), &why) == 0) {
        schema = bundled(s, schema);
        r = 0;
    }
    if (r == ERR_UNSUPPORTED)
        printf("refused: %s, %.*s: %s\n", s->name, STR_ARG(json_str(json_get(group, "description"))), e.text);
    for (const struct json *one = tests ? tests->child : NULL; one; one = one->next) {
        const struct json *value = json_get(one, "data");
        bool valid = json_bool(json_get(one, "valid"), false);
        e.text[0] = 0;
        if (r == ERR_UNSUPPORTED) {
            s->file.refused++;
            continue;
        }
        int answer = r < 0 ? r : fits(s, schema, value, &e);
        if (r == 0 && answer == (valid ? 0 : ERR_INVALID))
            s->file.right++;
        else
            wrong(s, group, one, answer ? e.text : "accepted");
    }
}

static void run_file(struct suite *s, const char *folder)
{
    struct json *groups;
    struct err e;
    struct str text = read_file(s->arena, str_f(s->arena, "%s/%s", folder, s->name).p);
    s->file = (struct tally){0};
    if (json_parse(s->arena, text, &groups, &e) < 0 || !json_is(groups, JSON_ARRAY)) {
        printf("wrong: %s is no list of groups\n", s->name);
        s->file.wrong++;
    } else {
        for (const struct json *g = groups->child; g; g = g->next)
            run_group(s, g);
    }
    s->files++;
    s->all.right += s->file.right;
    s->all.refused += s->file.refused;
    s->all.wrong += s->file.wrong;
}

static void run_folder(struct suite *s, const char *folder)
{
    struct buf table = buf_new(s->arena, 1 << 16);
    s->formats = str_ends(str_of(folder), STR("format"));
    for (const char **names = names_in(s->arena, folder); names && *names; names++) {
        if (!str_ends(str_of(*names), STR(".json")))
            continue;
        s->name = *names;
        run_file(s, folder);
        buf_addf(&table, "| %.*s | %u | %u | %u |\n", (int)strlen(*names) - 5, *names, s->file.right, s->file.refused,
                 s->file.wrong);
    }
    if (table.n)
        printf("\n%s%s\n| file | right | refused | wrong |\n|---|---|---|---|\n%.*s\n", folder,
               s->formats ? " (formats are demands)" : "", STR_ARG(buf_str(&table)));
    for (const char **names = names_in(s->arena, folder); names && *names; names++) {
        const char *below = str_f(s->arena, "%s/%s", folder, *names).p;
        struct stat st;
        if (stat(below, &st) == 0 && S_ISDIR(st.st_mode))
            run_folder(s, below);
    }
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: schema_suite FOLDER [REMOTES]\n");
        return 2;
    }
    if (stat(argv[1], &st) < 0) {
        printf("skipped: %s is not here\n", argv[1]);
        return 77;
    }
    struct suite s = {.arena = arena_new("suite", 1 << 20)};
    struct json *remotes = json_new(s.arena, JSON_OBJECT);
    if (argc > 2) {
        add_remotes(s.arena, remotes, argv[2], STR("http://localhost:1234"));
        s.remotes = remotes;
    }
    run_folder(&s, argv[1]);
    printf("%u files: %u cases right, %u refused, %u wrong\n", s.files, s.all.right, s.all.refused, s.all.wrong);
    bool good = s.files && s.all.right && !s.all.wrong;
    arena_free(s.arena);
    return good ? 0 : 1;
}
