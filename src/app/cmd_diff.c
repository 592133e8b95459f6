/* diff: two versions beside each other. */
#include "app/command.h"
#include "base/line_diff.h"
#include "engine/comparison.h"
#include "engine/published.h"

#include <stdio.h>
#include <string.h>

enum { RESULT_BYTES_MAX = 16 << 20, CONTEXT = 2 };

/* What stands on one side. */
struct side {
    const struct module_kind *kind;
    struct module_reference ref;
    bool draft;           /* the working tree's */
    struct module module; /* of an agent: its own file */
    struct composition agent;
};

struct diff {
    struct command_context *c;
    struct published published;
    struct side old, now;
    struct comparison found;
};

/* --- reading the sides --- */

/* "KIND/NAME", "KIND/NAME@VERSION". */
static int parse(struct diff *d, const char *text, struct side *out)
{
    struct err why;
    if (module_named(str_of(text), &out->kind, &out->ref, &why) < 0)
        return command_usage(d->c, "%s: %s", text, why.text);
    out->draft = out->ref.any;
    return 0;
}

/* A second version may be named alone: "2.3.0" or "@2.3.0". */
static int parse_second(struct diff *d, const char *text)
{
    struct semver_range range;
    if (semver_range_parse(str_of(*text == '@' ? text + 1 : text), &range, NULL) < 0)
        return parse(d, text, &d->now);
    d->now.ref = (struct module_reference){.name = d->old.ref.name, .range = range};
    d->now.draft = false;
    return 0;
}

static int read_draft(struct diff *d, struct side *s)
{
    struct command_context *c = d->c;
    struct module_source source = published_source(&d->published);
    if (s->kind != module_agents)
        return module_draft(c->arena, c->workspace, s->kind, s->ref.name, &s->module, NULL, c->err);
    return composition_read(c->arena, c->workspace, str_c(c->arena, s->ref.name), &source, &s->agent, c->err);
}

static int read_published(struct diff *d, struct side *s)
{
    struct command_context *c = d->c;
    struct published_agent agent;
    if (s->kind != module_agents)
        return published_module(&d->published, c->arena, s->kind, &s->ref, &s->module, c->err);
    int r = published_agent(&d->published, c->arena, &s->ref, &agent, c->err);
    return r ? r : published_composition(&d->published, c->arena, &agent, &s->agent, c->err);
}

static int read_side(struct diff *d, struct side *s)
{
    int r = s->draft ? read_draft(d, s) : read_published(d, s);
    if (r == 0 && s->kind == module_agents)
        s->module = s->agent.self;
    return r;
}

static int read_sides(struct diff *d)
{
    struct command_context *c = d->c;
    int r = parse(d, c->argv[0], &d->old);
    if (r)
        return r;
    d->now = d->old;
    d->now.draft = true;
    if (c->argc > 1)
        r = parse_second(d, c->argv[1]);
    else
        d->old.draft = false; /* without a version: the highest */
    if (r)
        return r;
    if (d->now.kind != d->old.kind)
        return command_usage(c, "%s and %s are of two kinds", c->argv[0], c->argv[1]);
    r = read_side(d, &d->old);
    return r ? r : read_side(d, &d->now);
}

/* --- telling --- */

static struct str side_name(struct arena *a, const struct side *s)
{
    return str_f(a, "%s/%.*s@%.*s%s", s->kind->folder, STR_ARG(s->ref.name), STR_ARG(semver_text(a, s->module.version)),
                 s->draft ? " (draft)" : "");
}

static struct str rendered(struct arena *a, const struct compared *item, const char *indent)
{
    struct buf b = buf_new(a, RESULT_BYTES_MAX);
    struct arena *work = arena_new("line diff", 1 << 20);
    line_diff(work, item->seen_old, item->seen_now, CONTEXT, indent, &b);
    arena_free(work);
    return buf_str(&b);
}

static void tell_item(struct arena *a, const struct compared *item, struct buf *out)
{
    const struct module *m = item->now ? item->now : item->old;
    buf_addf(out, "\n%s/%.*s", m->kind->folder, STR_ARG(m->name));
    if (item->old && item->now)
        buf_addf(out, " %.*s -> %.*s\n", STR_ARG(semver_text(a, item->old->version)),
                 STR_ARG(semver_text(a, item->now->version)));
    else
        buf_addf(out, " %.*s: %s\n", STR_ARG(semver_text(a, m->version)), item->now ? "added" : "removed");
    for (size_t i = 0; i < item->changes.n; i++)
        buf_addf(out, "  %-5s  %.*s\n", semver_step_name(item->changes.items[i].step),
                 STR_ARG(item->changes.items[i].sentence));
    struct str lines = rendered(a, item, "    ");
    if (lines.n)
        buf_addf(out, "  what the model sees, about %+lld tokens:\n%.*s",
                 (long long)item->tokens_now - (long long)item->tokens_old, STR_ARG(lines));
}

static void tell(const struct diff *d, struct buf *out)
{
    struct arena *a = d->c->arena;
    const struct comparison *f = &d->found;
    buf_addf(out, "%.*s -> %.*s: %s\n", STR_ARG(side_name(a, &d->old)), STR_ARG(side_name(a, &d->now)),
             f->n ? semver_step_name(f->needed) : "the same");
    for (size_t i = 0; i < f->n; i++)
        tell_item(a, &f->items[i], out);
    if (f->n)
        buf_addf(out, "\n%s: about %zu -> %zu tokens (%+lld; an estimate, bytes / 4)\n",
                 d->old.kind == module_agents ? "the prompt's fixed parts" : "its part of the prompt", f->tokens_old,
                 f->tokens_now, (long long)f->tokens_now - (long long)f->tokens_old);
}

static void json_version(struct arena *a, struct json_writer *w, const char *key, const struct module *m)
{
    json_key(w, key);
    if (m)
        json_put_str(w, semver_text(a, m->version));
    else
        json_put_null(w);
}

static void json_tokens(struct json_writer *w, size_t old, size_t now)
{
    json_pair_int(w, "tokens_a", (int64_t)old);
    json_pair_int(w, "tokens_b", (int64_t)now);
}

static void tell_json(const struct diff *d, struct buf *out)
{
    struct arena *a = d->c->arena;
    const struct comparison *f = &d->found;
    struct json_writer w = {.out = out};
    json_open(&w, '{');
    json_pair_str(&w, "a", side_name(a, &d->old));
    json_pair_str(&w, "b", side_name(a, &d->now));
    json_pair_bool(&w, "same", f->n == 0);
    json_pair_str(&w, "needed", str_of(semver_step_name(f->needed)));
    json_key(&w, "modules");
    json_open(&w, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct compared *item = &f->items[i];
        const struct module *m = item->now ? item->now : item->old;
        json_open(&w, '{');
        json_pair_str(&w, "kind", str_of(m->kind->folder));
        json_pair_str(&w, "name", m->name);
        json_version(a, &w, "a", item->old);
        json_version(a, &w, "b", item->now);
        json_key(&w, "differences");
        differences_write(&item->changes, &w);
        json_pair_str(&w, "rendered", rendered(a, item, ""));
        json_tokens(&w, item->tokens_old, item->tokens_now);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_tokens(&w, f->tokens_old, f->tokens_now);
    json_close(&w, '}');
    buf_addc(out, '\n');
}

static int run(struct diff *d)
{
    struct command_context *c = d->c;
    int r = read_sides(d);
    if (r)
        return r;
    if (d->old.kind == module_agents)
        r = comparison_of_agents(c->arena, &d->old.agent, &d->now.agent, &d->found, c->err);
    else
        d->found = comparison_of_modules(c->arena, &d->old.module, &d->now.module);
    if (r < 0)
        return r;
    struct buf b = buf_new(c->arena, RESULT_BYTES_MAX);
    (c->json ? tell_json : tell)(d, &b);
    r = command_tell(c, buf_str(&b));
    return r ? r : d->found.n > 0;
}

int cmd_diff(struct command_context *c)
{
    struct settings settings;
    int r = command_settings(c, &settings);
    if (r)
        return r;
    struct diff d = {.c = c, .published = {.path = str_c(c->arena, settings.store)}};
    r = run(&d);
    published_close(&d.published);
    return r;
}
