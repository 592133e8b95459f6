/* publish: drafts become versions that never change. */
#include "app/command.h"
#include "engine/release.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESULT_BYTES_MAX = 4 << 20, AGENTS_MAX = 1000 };

struct publishing {
    struct command_context *c;
    struct settings settings;
    struct published published;
    const char **names; /* of agents */
    size_t names_n;
    struct composition *agents;
    struct release release;
    bool dry, bumps; /* bumps: versions that moved too little are moved on */
};

/* --- which agents --- */

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* All files of agents/. */
static int all_agents(struct publishing *p)
{
    struct arena *a = p->c->arena;
    const char *folder = str_f(a, "%s/agents", p->c->workspace).p;
    DIR *dir = opendir(folder);
    if (!dir)
        return err_set(p->c->err, ERR_NOT_FOUND, "%s: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir)) && p->names_n < AGENTS_MAX;) {
        struct str name = str_of(entry->d_name);
        if (str_ends(name, STR(".yaml")) && module_name_ok(str_head(name, name.n - 5)))
            p->names[p->names_n++] = str_c(a, str_copy(a, str_head(name, name.n - 5)));
    }
    closedir(dir);
    qsort(p->names, p->names_n, sizeof *p->names, by_text);
    return p->names_n ? 0 : err_set(p->c->err, ERR_NOT_FOUND, "%s: there is no agent here", folder);
}

static int choose_agents(struct publishing *p)
{
    struct command_context *c = p->c;
    bool all = command_option(c, "--all", NULL);
    p->names = ARENA_ARRAY(c->arena, const char *, AGENTS_MAX);
    if (all && c->argc)
        return command_usage(c, "--all publishes every agent; leave %s out", c->argv[0]);
    if (all)
        return all_agents(p);
    if (!c->argc && !p->settings.agent.n)
        return command_usage(c, "candor.yaml names no agent; say which one to publish, or --all");
    p->names[p->names_n++] = c->argc ? c->argv[0] : str_c(c->arena, p->settings.agent);
    return strchr(p->names[0], '@')
               ? command_usage(c, "%s: name the draft's file; its version stands in it", p->names[0])
               : 0;
}

/* --- reading and looking --- */

static int plan(struct publishing *p)
{
    struct command_context *c = p->c;
    struct module_source source = published_source(&p->published);
    p->agents = ARENA_ARRAY(c->arena, struct composition, p->names_n);
    for (size_t i = 0; i < p->names_n; i++) {
        int r = composition_read(c->arena, c->workspace, p->names[i], &source, &p->agents[i], c->err);
        if (r < 0)
            return r;
    }
    return release_plan(c->arena, &p->published, p->agents, p->names_n, &p->release, c->err);
}

static int bump(struct publishing *p, const struct release_item *item)
{
    struct command_context *c = p->c;
    struct module now;
    struct str text, bumped;
    struct sink s;
    const char *path = module_path(c->arena, c->workspace, item->draft->kind, item->draft->name);
    int r = module_draft(c->arena, c->workspace, item->draft->kind, item->draft->name, &now, &text, c->err);
    if (r == 0)
        r = module_file_bump(c->arena, text, path, item->smallest, &bumped, c->err);
    if (r == 0)
        r = sink_open(c->arena, path, &s, c->err);
    return r ? r : sink_close(&s, sink_write(&s, bumped, c->err), c->err);
}

/* Moves the versions of what is refused on. An agent's smallest version depends on those of its modules, so they go
 * first, and everything is read again in between. */
static int bump_all(struct publishing *p)
{
    for (int agents = 0; agents < 2; agents++) {
        size_t from = agents ? p->release.modules_n : 0, to = agents ? p->release.n : p->release.modules_n;
        int r = 0;
        bool any = false;
        for (size_t i = from; r == 0 && i < to; i++)
            if (p->release.items[i].state == RELEASE_REFUSED) {
                r = bump(p, &p->release.items[i]);
                any = true;
            }
        if (r == 0 && any)
            r = plan(p);
        if (r)
            return r;
    }
    return 0;
}

/* --- telling --- */

static const char *state_word(const struct publishing *p, const struct release_item *item)
{
    if (item->state == RELEASE_ALREADY)
        return "already published";
    if (item->state == RELEASE_REFUSED)
        return p->dry && p->bumps ? "would be moved on" : "refused";
    return p->dry ? "would be published" : p->release.refused ? "not published" : "published";
}

static void tell_refusal(struct arena *a, const struct release_item *item, struct buf *out)
{
    if (!item->changes.n) {
        buf_addf(out, ": nothing changed since %.*s, which is published, and a number does not go back\n",
                 STR_ARG(semver_text(a, item->before)));
        return;
    }
    buf_addf(out, ": the smallest allowed version is %.*s; since %.*s this changed (%s):\n",
             STR_ARG(semver_text(a, item->smallest)), STR_ARG(semver_text(a, item->before)),
             semver_step_name(item->needed));
    for (size_t i = 0; i < item->changes.n; i++)
        if (item->changes.items[i].step == item->needed)
            buf_addf(out, "    %.*s\n", STR_ARG(item->changes.items[i].sentence));
}

static void tell_item(const struct publishing *p, size_t i, struct buf *out)
{
    const struct release_item *item = &p->release.items[i];
    struct arena *a = p->c->arena;
    buf_addf(out, "%s/%.*s@%.*s: %s", item->draft->kind->folder, STR_ARG(item->draft->name),
             STR_ARG(semver_text(a, item->draft->version)), state_word(p, item));
    if (item->state == RELEASE_REFUSED) {
        tell_refusal(a, item, out);
        return;
    }
    if (item->state == RELEASE_NEW && !item->first)
        buf_addf(out, " (%s after %.*s)", item->needed ? semver_step_name(item->needed) : "nothing changed",
                 STR_ARG(semver_text(a, item->before)));
    if (i >= p->release.modules_n && !p->release.refused)
        buf_addf(out, ", sha256 %.*s", STR_ARG(hash_hex(a, item->sha.b, SHA256_BYTES)));
    buf_addc(out, '\n');
}

static void json_version(struct arena *a, struct json_writer *w, const char *key, bool there, struct semver v)
{
    json_key(w, key);
    if (there)
        json_put_str(w, semver_text(a, v));
    else
        json_put_null(w);
}

static void json_item(const struct publishing *p, size_t i, struct json_writer *w)
{
    const struct release_item *item = &p->release.items[i];
    struct arena *a = p->c->arena;
    json_open(w, '{');
    json_pair_str(w, "kind", str_of(item->draft->kind->folder));
    json_pair_str(w, "name", item->draft->name);
    json_version(a, w, "version", true, item->draft->version);
    json_pair_str(w, "state", str_of(state_word(p, item)));
    json_pair_str(w, "sha256", hash_hex(a, item->sha.b, SHA256_BYTES));
    json_version(a, w, "after", !item->first, item->before);
    json_pair_str(w, "needed", str_of(semver_step_name(item->needed)));
    json_version(a, w, "smallest", item->state == RELEASE_REFUSED, item->smallest);
    json_key(w, "differences");
    differences_write(&item->changes, w);
    json_close(w, '}');
}

static int tell(const struct publishing *p)
{
    struct buf b = buf_new(p->c->arena, RESULT_BYTES_MAX);
    struct json_writer w = {.out = &b};
    if (!p->c->json) {
        for (size_t i = 0; i < p->release.n; i++)
            tell_item(p, i, &b);
        return command_tell(p->c, buf_str(&b));
    }
    json_open(&w, '{');
    json_pair_bool(&w, "published", !p->dry && !p->release.refused);
    json_key(&w, "items");
    json_open(&w, '[');
    for (size_t i = 0; i < p->release.n; i++)
        json_item(p, i, &w);
    json_close(&w, ']');
    json_close(&w, '}');
    buf_addc(&b, '\n');
    return command_tell(p->c, buf_str(&b));
}

/* --- doing --- */

/* Who publishes: what the command line says, else the name of the user whose process this is. */
static struct str publisher(const struct command_context *c)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *by = command_option(c, "--by", NULL);
    return by ? str_of(by) : user ? str_of(user->pw_name) : str_f(c->arena, "uid %ld", (long)geteuid());
}

static int run(struct publishing *p)
{
    struct command_context *c = p->c;
    int r = plan(p);
    if (r == 0 && p->release.refused && p->bumps && !p->dry)
        r = bump_all(p);
    if (r == 0 && !p->dry && !p->release.refused)
        r = release_write(c->arena, p->published.store, &p->release, publisher(c), c->err);
    if (r == 0)
        r = tell(p);
    return r ? r : p->release.refused && !(p->dry && p->bumps) ? 1 : 0;
}

int cmd_publish(struct command_context *c)
{
    struct publishing p = {
        .c = c, .dry = command_option(c, "--dry-run", NULL), .bumps = command_option(c, "--bump", NULL)};
    int r = command_settings(c, &p.settings);
    if (r == 0)
        r = choose_agents(&p);
    if (r)
        return r;
    const char *path = str_c(c->arena, p.settings.store);
    if (p.dry) {
        p.published.path = path;
        r = run(&p);
        published_close(&p.published);
        return r;
    }
    /* Open before anything is looked at: nobody else publishes between looking and writing. */
    if (settings_data_dir(&p.settings, c->err) < 0)
        return ERR_IO;
    r = store_open(&(struct store_config){.path = path}, &p.published.store, c->err);
    if (r < 0)
        return r;
    r = run(&p);
    store_close(p.published.store);
    return r;
}
