/* check and audit: is what is written right, and is what was written still true? */
#include "app/command.h"
#include "engine/context.h"
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
        printf("agent %.*s %.*s: %zu tools, prompt of %zu bytes, sha256 %.*s\n", STR_ARG(agent->name), STR_ARG(agent->version),
               agent->tools_n, agent->tools_json.n + agent->shared.n, STR_ARG(agent->sha_hex));
        agent_free(agent);
    }
    int r = judge_load(c->arena, c->workspace, &judges, &n, c->err);
    if (r < 0 && r != ERR_NOT_FOUND) {
        fprintf(stderr, "%s\n", c->err->text);
        return 1;
    }
    for (size_t i = 0; r == 0 && i < n; i++)
        printf("judge %.*s %.*s: %.*s\n", STR_ARG(judges[i].name), STR_ARG(judges[i].version), STR_ARG(judges[i].catches));
    return 0;
}

/* Agent versions already compiled, newest first: conversations of one version stand side by side. */
struct versions {
    struct versions *next;
    struct str sha_hex;
    struct agent *agent;
};

static const struct agent *version(struct command_context *c, struct store *s, struct versions **list, struct str sha_hex)
{
    for (struct versions *v = *list; v; v = v->next)
        if (str_eq(v->sha_hex, sha_hex))
            return v->agent;
    struct versions *v = ARENA_NEW(c->arena, struct versions);
    *v = (struct versions){.next = *list, .sha_hex = sha_hex};
    *list = v;
    struct sha256 sha;
    struct str bundle;
    if (hash_unhex(sha_hex, sha.b, SHA256_BYTES) < 0 || store_blob_get(s, c->arena, &sha, &bundle, c->err) < 0 ||
        agent_new(bundle, &v->agent, c->err) < 0)
        v->agent = NULL; /* an imported conversation has no agent of ours */
    return v->agent;
}

static int check_prompts(struct command_context *c, struct store *s, struct context_check *check)
{
    struct conversation_row *rows;
    struct versions *known = NULL;
    size_t n = 0;
    int r = conversation_list(s, c->arena, NULL, NULL, NULL, &rows, &n, c->err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct agent *agent = version(c, s, &known, rows[i].agent_sha);
        struct arena *a = arena_new("audit", 1 << 16);
        struct event *events;
        size_t events_n = 0;
        if (agent && (r = journal_read(s, a, rows[i].id, 0, 100000, &events, &events_n, c->err)) == 0)
            r = context_verify(agent, events, events_n, check, c->err);
        arena_free(a);
    }
    for (; known; known = known->next)
        agent_free(known->agent);
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
    printf(c->json ? "{\"events\":%lld,\"prompts\":%lld,\"prompts_reproduced\":%lld,\"derived_same\":%s}\n"
                   : "hash chain holds over %lld events\nprompts made again: %lld, same hash: %lld\nderived tables after a "
                     "refold: same bytes %s\n",
           (long long)events, (long long)check.prompts, (long long)check.reproduced, same ? "true" : "false");
    return same && prompts ? 0 : 1;
}
