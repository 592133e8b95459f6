/* audit: is what was written still true? */
#include "app/command.h"
#include "engine/context.h"
#include "engine/versions.h"
#include "store/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int check_prompts(struct command_context *c, struct store *s, struct context_check *check)
{
    struct conversation_row *rows;
    struct versions known = {.store = s};
    size_t n = 0;
    int r = conversation_list(s, c->arena, NULL, NULL, NULL, &rows, &n, c->err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!rows[i].agent_sha.n) /* an imported conversation has no agent of ours */
            continue;
        struct arena *a = arena_new("audit", 1 << 16);
        struct event *events;
        size_t events_n = 0;
        r = journal_read(s, a, rows[i].id, 0, 100000, &events, &events_n, c->err);
        if (r == 0)
            r = context_verify(versions_source(&known), events, events_n, check, c->err);
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
        return command_usage(c, "audit knows only `verify`, not \"%s\"", c->argv[0]);
    int r = command_settings(c, &settings);
    if (r)
        return r;
    struct store_config config = {.path = str_c(c->arena, settings.store)};
    if (access(config.path, F_OK) != 0)
        return err_set(c->err, ERR_NOT_FOUND, "%s: %s; there is nothing to verify yet", config.path, strerror(errno));
    r = store_open(&config, &s, c->err);
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
    struct str told =
        str_f(c->arena,
              c->json ? "{\"events\":%lld,\"prompts\":%lld,\"prompts_reproduced\":%lld,\"derived_same\":%s}\n"
                      : "hash chain holds over %lld events\n"
                        "prompts made again: %lld, of them with the same hash: %lld\n"
                        "derived tables after a refold: %s\n",
              (long long)events, (long long)check.prompts, (long long)check.reproduced,
              c->json ? (same ? "true" : "false") : (same ? "the same bytes" : "DIFFERENT"));
    r = command_tell(c, told);
    return r ? r : same && prompts ? 0 : 1;
}
