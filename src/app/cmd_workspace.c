/* check and audit: is what is written right, and is what was written still true? */
#include "app/command.h"
#include "engine/context.h"
#include "engine/versions.h"
#include "eval/judge.h"
#include "store/journal.h"

#include <stdio.h>
#include <string.h>

int cmd_check(struct command_context *c)
{
    struct settings s;
    struct str bundle;
    struct agent *agent;
    struct judge *judges;
    size_t n = 0;
    if (command_settings(c, &s) < 0)
        return c->err->code;
    if (s.agent.n) {
        if (agent_bundle(c->arena, c->workspace, str_c(c->arena, s.agent), &bundle, c->err) < 0 ||
            agent_new(bundle, &agent, c->err) < 0) {
            fprintf(stderr, "%s\n", c->err->text);
            return 1;
        }
        printf("agent %.*s %.*s: %zu tools, prompt of %zu bytes, sha256 %.*s\n", STR_ARG(agent->name),
               STR_ARG(agent->version), agent->tools_n, agent->tools_json.n + agent->shared.n, STR_ARG(agent->sha_hex));
        agent_free(agent);
    }
    int r = judge_load(c->arena, c->workspace, &judges, &n, c->err);
    if (r < 0 && r != ERR_NOT_FOUND) {
        fprintf(stderr, "%s\n", c->err->text);
        return 1;
    }
    for (size_t i = 0; r == 0 && i < n; i++)
        printf("judge %.*s %.*s: %.*s\n", STR_ARG(judges[i].name), STR_ARG(judges[i].version),
               STR_ARG(judges[i].catches));
    return 0;
}

static int check_prompts(struct command_context *c, struct store *s, struct context_check *check)
{
    struct conversation_row *rows;
    struct versions known = {.store = s};
    size_t n = 0;
    int r = conversation_list(s, c->arena, NULL, NULL, NULL, &rows, &n, c->err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct agent *agent = NULL; /* an imported conversation has no agent of ours */
        if (rows[i].agent_sha.n && (r = versions_recall(&known, rows[i].agent_sha, &agent, c->err)) < 0)
            break;
        struct arena *a = arena_new("audit", 1 << 16);
        struct event *events;
        size_t events_n = 0;
        if (agent && (r = journal_read(s, a, rows[i].id, 0, 100000, &events, &events_n, c->err)) == 0)
            r = context_verify(agent, events, events_n, check, c->err);
        arena_free(a);
    }
    versions_free(&known);
    return r;
}

int cmd_audit(struct command_context *c)
{
    struct settings settings;
    struct store *s = NULL;
    struct sha256 before, after;
    struct context_check check = {0};
    int64_t events = 0;
    if (c->argc && strcmp(c->argv[0], "verify") != 0)
        return err_set(c->err, ERR_INVALID, "audit knows only `verify`, not \"%s\"", c->argv[0]);
    if (command_settings(c, &settings) < 0)
        return c->err->code;
    struct store_config config = {.path = str_c(c->arena, settings.store)};
    int r = store_open(&config, &s, c->err);
    if (r == 0)
        r = journal_verify(s, &events, c->err);
    if (r == 0)
        r = check_prompts(c, s, &check);
    if (r == 0)
        r = journal_derived_sha(s, &before, c->err);
    if (r == 0)
        r = journal_refold(s, c->err);
    if (r == 0)
        r = journal_derived_sha(s, &after, c->err);
    if (s)
        store_close(s);
    if (r == ERR_INVALID) {
        fprintf(stderr, "%s\n", c->err->text);
        return 1;
    }
    if (r < 0)
        return r;
    bool same = sha256_eq(&before, &after), prompts = check.reproduced == check.prompts;
    if (c->json)
        printf("{\"events\":%lld,\"prompts\":%lld,\"prompts_reproduced\":%lld,\"derived_same\":%s}\n",
               (long long)events, (long long)check.prompts, (long long)check.reproduced, same ? "true" : "false");
    else
        printf("hash chain holds over %lld events\nprompts made again: %lld, of them with the same hash: %lld\n"
               "derived tables after a refold: %s\n",
               (long long)events, (long long)check.prompts, (long long)check.reproduced,
               same ? "the same bytes" : "DIFFERENT");
    return same && prompts ? 0 : 1;
}
