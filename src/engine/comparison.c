#include "engine/comparison.h"

#include "base/text.h"
#include "base/yaml.h"
#include "engine/agent.h"

#include <string.h>

enum { PART_BYTES_MAX = 4 << 20 };

/* --- what the model sees of one module --- */

static const struct json *definition(struct arena *a, const struct json *spec)
{
    struct tool t;
    struct json *v;
    struct buf b = buf_new(a, PART_BYTES_MAX);
    struct json_writer w = {.out = &b};
    if (tool_read(a, spec, "", &t, NULL) < 0)
        return spec;
    tool_write_definition(&t, &w);
    return json_parse(a, buf_str(&b), &v, NULL) < 0 ? spec : v;
}

static const struct json *part(struct arena *a, const struct module_kind *kind, const struct json *body)
{
    if (strcmp(kind->folder, "tools") == 0)
        return definition(a, body);
    if (strcmp(kind->folder, "macros") == 0)
        return json_get(body, "texts");
    if (strcmp(kind->folder, "scratchpads") == 0)
        return json_get(body, "slots");
    if (strcmp(kind->folder, "policies") == 0)
        return json_get(body, "rules");
    return body;
}

/* From the canonical body: its order is the one that the model sees, whatever the file's was. */
static void see(struct arena *a, const struct module *m, struct str *seen, size_t *tokens)
{
    struct json *body;
    if (!m || m->kind == module_agents || json_parse(a, m->body, &body, NULL) < 0)
        return;
    if (m->kind->text) {
        *seen = json_str(json_get(body, "text"));
        *tokens = text_tokens(*seen);
        return;
    }
    const struct json *v = part(a, m->kind, body);
    struct buf b = buf_new(a, PART_BYTES_MAX);
    if (v)
        yaml_write(&b, v);
    *seen = buf_str(&b);
    *tokens = v ? text_tokens(json_text(a, v)) : 0;
}

/* --- two of them --- */

static struct compared compare(struct arena *a, const struct module *old, const struct module *now)
{
    struct compared c = {.old = old, .now = now};
    if (old && now)
        c.changes = differences_of(a, now->kind, old->data, now->data);
    see(a, old, &c.seen_old, &c.tokens_old);
    see(a, now, &c.seen_now, &c.tokens_now);
    return c;
}

struct comparison comparison_of_modules(struct arena *a, const struct module *old, const struct module *now)
{
    struct compared *one = ARENA_NEW(a, struct compared);
    *one = compare(a, old, now);
    return (struct comparison){.items = one,
                               .n = one->changes.n > 0,
                               .tokens_old = one->tokens_old,
                               .tokens_now = one->tokens_now,
                               .needed = one->changes.needed};
}

static const struct module *same_module(const struct composition *c, const struct module *m)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->modules[i].kind == m->kind && str_eq(c->modules[i].name, m->name))
            return &c->modules[i];
    return NULL;
}

static int prompt_tokens(const struct composition *c, size_t *tokens, struct err *e)
{
    struct agent *agent;
    int r = agent_new(c->bundle, &agent, e);
    if (r < 0)
        return r;
    *tokens = text_tokens(agent->tools_json) + text_tokens(agent->shared);
    agent_free(agent);
    return 0;
}

int comparison_of_agents(struct arena *a, const struct composition *old, const struct composition *now,
                         struct comparison *out, struct err *e)
{
    struct compared *items = ARENA_ARRAY(a, struct compared, old->n + now->n + 2);
    size_t n = 0;
    struct compared self = compare(a, &old->self, &now->self);
    if (self.changes.n)
        items[n++] = self;
    for (size_t i = 0; i < old->n; i++)
        if (!same_module(now, &old->modules[i]))
            items[n++] = compare(a, &old->modules[i], NULL);
    for (size_t i = 0; i < now->n; i++) {
        const struct module *before = same_module(old, &now->modules[i]);
        struct compared c = compare(a, before, &now->modules[i]);
        if (!before || c.changes.n)
            items[n++] = c;
    }
    *out = (struct comparison){.items = items, .n = n, .needed = self.changes.needed};
    for (size_t i = 0; i < n; i++) /* a draft's version may not be moved on yet */
        if (items[i].changes.needed > out->needed)
            out->needed = items[i].changes.needed;
    int r = prompt_tokens(old, &out->tokens_old, e);
    return r < 0 ? r : prompt_tokens(now, &out->tokens_now, e);
}
