/* check: is what is written in the workspace right? Everything that is not is told, with what to do. */
#include "app/command.h"
#include "engine/agent.h"
#include "engine/check.h"
#include "engine/published.h"
#include "engine/variant.h"
#include "eval/judge.h"

#include <stdio.h>

enum { RESULT_BYTES_MAX = 16 << 20 };

struct check_run {
    struct command_context *c;
    struct settings settings;
    bool readable; /* the settings */
    struct findings found;
    struct buf good; /* a line for each agent and judge that is right */
};

/* What is wrong with a file is found; that a file cannot be read is an error of the world. */
static int found_by(struct check_run *k, enum check_rule rule, const char *file, int r)
{
    if (r == 0 || r == ERR_IO)
        return r;
    struct str text = str_of(k->c->err->text), dir = str_f(k->c->arena, "%s/", k->c->workspace);
    struct err relative = *k->c->err; /* findings name files relative to the workspace */
    if (str_starts(text, dir))
        err_set(&relative, r, "%s", k->c->err->text + dir.n);
    text = str_of(relative.text);
    ptrdiff_t ending = str_find(text, STR(".yaml"));
    if (ending > 0 && !str_has(str_head(text, (size_t)ending), STR(" ")))
        file = str_c(k->c->arena, str_head(text, (size_t)ending + 5));
    finding_add_err(&k->found, rule, file, &relative);
    return 0;
}

static int check_settings(struct check_run *k)
{
    int r = command_settings(k->c, &k->settings);
    k->readable = r == 0;
    return r == ERR_INVALID || r == ERR_LIMIT ? found_by(k, RULE_SETTINGS, "candor.yaml", r) : r;
}

static bool agent_is_wrong(const struct check_run *k)
{
    return findings_count(&k->found, FINDING_ERROR) > 0;
}

/* The same of each of its variants. */
static int measure_variants(struct check_run *k, struct arena *a, const struct agent *base)
{
    struct json *all;
    int r = json_parse(a, base->bundle, &all, k->c->err);
    const struct json *variants = r == 0 ? json_get(json_get(all, "agent"), "variants") : NULL;
    for (const struct json *v = variants ? variants->child : NULL; r == 0 && v; v = v->next) {
        struct str family = json_str(json_get(json_get(v, "when"), "model_family")), bundle;
        struct agent *agent;
        r = variant_bundle(a, base->bundle, family, &bundle, k->c->err);
        if (r == 0)
            r = agent_new(bundle, &agent, k->c->err);
        if (r)
            break;
        buf_addf(&k->good, "  for %.*s: prompt of %zu bytes, sha256 %.*s\n", STR_ARG(family),
                 agent->tools_json.n + agent->shared.n, STR_ARG(agent->sha_hex));
        agent_free(agent);
    }
    return r;
}

/* Makes the agent as it would be served: tells its size and identity, and whether its prompt is within its budget. */
static int measure_agent(struct check_run *k, struct published *published, struct str name, const struct json *self)
{
    struct arena *a = arena_new("agent", 1 << 16);
    struct str bundle;
    struct agent *agent;
    int r = published_bundle(published, a, k->c->workspace, name, &bundle, k->c->err);
    if (r == 0)
        r = agent_new(bundle, &agent, k->c->err);
    const char *file = str_f(k->found.arena, "agents/%.*s.yaml", STR_ARG(name)).p;
    if (r == 0) {
        buf_addf(&k->good, "agent %.*s %.*s: %zu tool%s, prompt of %zu bytes, sha256 %.*s\n", STR_ARG(agent->name),
                 STR_ARG(agent->version), agent->tools_n, agent->tools_n == 1 ? "" : "s",
                 agent->tools_json.n + agent->shared.n, STR_ARG(agent->sha_hex));
        r = measure_variants(k, a, agent);
        check_prompt(self, file, agent->tools_json.n + agent->shared.n, &k->found);
        agent_free(agent);
    }
    arena_free(a);
    return r == ERR_NOT_FOUND ? found_by(k, RULE_NO_AGENT, "candor.yaml", r) : found_by(k, RULE_TOOL_FORM, file, r);
}

static int check_agents(struct check_run *k)
{
    struct published published = {.path = k->readable ? str_c(k->c->arena, k->settings.store) : ""};
    struct module_source source = published_source(&published);
    struct check_agents agents;
    struct str own = k->readable ? k->settings.agent : STR("");
    const struct check_settings settings = {k->settings.locales, k->settings.services, k->settings.secrets};
    int r = check_workspace(k->c->workspace, k->readable ? &settings : NULL, k->readable ? &source : NULL, &k->found,
                            &agents, k->c->err);
    bool own_there = !own.n;
    for (size_t i = 0; r == 0 && i < agents.n; i++)
        own_there |= str_eq(agents.list[i].name, own);
    bool wrong = agent_is_wrong(k);
    for (size_t i = 0; r == 0 && !wrong && i < agents.n; i++)
        r = measure_agent(k, &published, agents.list[i].name, agents.list[i].self);
    if (r == 0 && !own_there && str_has(own, STR("@")))
        r = measure_agent(k, &published, own, NULL);
    else if (r == 0 && !own_there)
        finding_add(&k->found, RULE_NO_AGENT, "candor.yaml", NULL, "there is no agents/%.*s.yaml", STR_ARG(own));
    published_close(&published);
    return r;
}

static int check_judges(struct check_run *k)
{
    struct judge *judges;
    size_t n = 0;
    int r = judge_load(k->c->arena, k->c->workspace, &judges, &n, k->c->err);
    if (r == ERR_NOT_FOUND) /* a workspace need not have any */
        return 0;
    if (r)
        return found_by(k, RULE_JUDGE, "judges", r);
    for (size_t i = 0; i < n; i++)
        buf_addf(&k->good, "judge %.*s %.*s: %.*s\n", STR_ARG(judges[i].name), STR_ARG(judges[i].version),
                 STR_ARG(judges[i].catches));
    return 0;
}

/* "1 error", "0 errors" */
static struct str counted(struct check_run *k, enum severity s)
{
    size_t n = findings_count(&k->found, s);
    return str_f(k->c->arena, "%zu %s%s", n, severity_name(s), n == 1 ? "" : "s");
}

static int tell(struct check_run *k)
{
    struct buf text = buf_new(k->c->arena, RESULT_BYTES_MAX), json = buf_new(k->c->arena, RESULT_BYTES_MAX);
    struct json_writer w = {.out = &json};
    json_open(&w, '[');
    for (size_t i = 0; i < k->found.n; i++) {
        finding_write(&k->found.list[i], &text);
        finding_write_json(&k->found.list[i], &w);
    }
    json_close(&w, ']');
    buf_addc(&json, '\n');
    if (!k->c->json)
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&text)));
    if (k->found.n && !k->c->json)
        fprintf(stderr, "%.*s, %.*s, %.*s\n", STR_ARG(counted(k, FINDING_ERROR)), STR_ARG(counted(k, FINDING_WARNING)),
                STR_ARG(counted(k, FINDING_NOTE)));
    return command_tell(k->c, buf_str(k->c->json ? &json : &k->good));
}

/* The table of docs/CHECK.md. */
static int tell_rules(struct command_context *c)
{
    struct buf text = buf_new(c->arena, RESULT_BYTES_MAX);
    struct json_writer w = {.out = &text};
    if (c->json)
        json_open(&w, '[');
    for (enum check_rule r = 0; r < RULES; r++) {
        const struct check_rule_row *row = check_rule_row(r);
        if (!c->json) {
            buf_addf(&text, "%s %-7s %s\n", row->id, severity_name(row->severity), row->catches);
            continue;
        }
        json_open(&w, '{');
        json_pair_str(&w, "rule", str_of(row->id));
        json_pair_str(&w, "severity", str_of(severity_name(row->severity)));
        json_pair_str(&w, "catches", str_of(row->catches));
        json_pair_str(&w, "repair", str_of(row->repair));
        json_close(&w, '}');
    }
    if (c->json) {
        json_close(&w, ']');
        buf_addc(&text, '\n');
    }
    return command_tell(c, buf_str(&text));
}

int cmd_check(struct command_context *c)
{
    struct check_run k = {.c = c, .found = {.arena = c->arena}, .good = buf_new(c->arena, RESULT_BYTES_MAX)};
    if (command_option(c, "--rules", NULL))
        return tell_rules(c);
    int r = check_settings(&k);
    if (r == 0)
        r = check_agents(&k);
    if (r == 0)
        r = check_judges(&k);
    if (r)
        return r;
    findings_sort(&k.found);
    if (command_option(c, "--strict", NULL))
        findings_strict(&k.found);
    r = tell(&k);
    return r ? r : findings_count(&k.found, FINDING_ERROR) ? 1 : 0;
}
