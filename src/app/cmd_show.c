/* show: one thing of the store, as a person reads it. */
#include "app/show_prompt.h"
#include "engine/published.h"

#include <string.h>

/* --- module --- */

static int show_module(struct command_context *c, const struct settings *s)
{
    const struct module_kind *kind;
    struct module_reference ref;
    struct module m;
    struct err why;
    if (module_named(str_of(c->argv[1]), &kind, &ref, &why) < 0)
        return command_usage(c, "%s: %s", c->argv[1], why.text);
    struct published published = {.path = str_c(c->arena, s->store)};
    struct published_agent agent;
    int r = kind == module_agents ? published_agent(&published, c->arena, &ref, &agent, c->err)
                                  : published_module(&published, c->arena, kind, &ref, &m, c->err);
    if (r == 0)
        r = command_tell(c, module_file(c->arena, kind == module_agents ? &agent.self : &m));
    published_close(&published);
    return r;
}

/* --- the table --- */

static const struct subject {
    const char *name;
    int (*show)(struct command_context *c, const struct settings *s);
} subjects[] = {
    {"module", show_module},
    {"prompt", show_prompt},
};

int cmd_show(struct command_context *c)
{
    struct settings s;
    int r = command_settings(c, &s);
    for (size_t i = 0; r == 0 && i < sizeof subjects / sizeof *subjects; i++)
        if (strcmp(c->argv[0], subjects[i].name) == 0)
            return subjects[i].show(c, &s);
    return r ? r : command_usage(c, "there is no %s to show; `candor help show` says what there is", c->argv[0]);
}
