/* check and audit: is what is written right, and is what was written still true? */
#include "app/command.h"
#include "engine/context.h"
#include "engine/published.h"
#include "engine/versions.h"
#include "eval/judge.h"
#include "store/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RESULT_BYTES_MAX = 1 << 20 };

/* --- check --- */

struct check {
    struct command_context *c;
    struct buf good;      /* text: a line for each module that is right */
    struct buf findings;  /* text: a line each */
    struct json_writer w; /* the same as JSON, into `json` */
    struct buf json;
    size_t findings_n;
};

/* Takes "agents/x.yaml:7: " or "tools/x.yaml: line 7: " off the sentence. False when it begins with no file. */
static bool take_place(struct str *sentence, struct str *file, int64_t *line)
{
    ptrdiff_t colon = str_find(*sentence, STR(": ")), yaml = str_find(*sentence, STR(".yaml"));
    if (colon < 0 || yaml < 0 || yaml > colon)
        return false;
    *file = str_head(*sentence, (size_t)colon);
    *sentence = str_from(*sentence, (size_t)colon + 2);
    *line = 0;
    size_t name = (size_t)yaml + 5;
    if (name < file->n && str_int(str_from(*file, name + 1), line) == 0)
        *file = str_head(*file, name);
    struct str number = str_starts(*sentence, STR("line ")) ? str_from(*sentence, 5) : STR_NONE;
    colon = str_find(number, STR(": "));
    if (colon > 0 && str_int(str_head(number, (size_t)colon), line) == 0)
        *sentence = str_from(number, (size_t)colon + 2);
    return true;
}

/* {"file", "line", "sentence"}, null where nothing is told. Of a file that names another one, the other one is meant. */
static void found(struct check *k, const char *text)
{
    struct str rest = str_of(text), file = STR_NONE;
    int64_t line = 0;
    while (take_place(&rest, &file, &line))
        ;
    k->findings_n++;
    buf_addf(&k->findings, "%s\n", text);
    json_open(&k->w, '{');
    json_key(&k->w, "file");
    if (file.n)
        json_put_str(&k->w, file);
    else
        json_put_null(&k->w);
    json_key(&k->w, "line");
    if (line)
        json_put_int(&k->w, line);
    else
        json_put_null(&k->w);
    json_pair_str(&k->w, "sentence", rest);
    json_close(&k->w, '}');
}

/* What is wrong with a file is found; that a file cannot be read is an error of the world. */
static int found_by(struct check *k, int r)
{
    if (r == 0 || r == ERR_IO)
        return r;
    found(k, k->c->err->text);
    return 0;
}

static int check_agent(struct check *k, const struct settings *s)
{
    struct arena *a = k->c->arena;
    struct str bundle;
    struct agent *agent;
    struct published published = {.path = str_c(a, s->store)};
    int r = published_bundle(&published, a, k->c->workspace, s->agent, &bundle, k->c->err);
    published_close(&published);
    if (r == 0)
        r = agent_new(bundle, &agent, k->c->err);
    if (r)
        return found_by(k, r);
    buf_addf(&k->good, "agent %.*s %.*s: %zu tools, prompt of %zu bytes, sha256 %.*s\n", STR_ARG(agent->name),
             STR_ARG(agent->version), agent->tools_n, agent->tools_json.n + agent->shared.n, STR_ARG(agent->sha_hex));
    agent_free(agent);
    return 0;
}

static int check_judges(struct check *k)
{
    struct judge *judges;
    size_t n = 0;
    int r = judge_load(k->c->arena, k->c->workspace, &judges, &n, k->c->err);
    if (r == ERR_NOT_FOUND) /* a workspace need not have any */
        return 0;
    if (r)
        return found_by(k, r);
    for (size_t i = 0; i < n; i++)
        buf_addf(&k->good, "judge %.*s %.*s: %.*s\n", STR_ARG(judges[i].name), STR_ARG(judges[i].version),
                 STR_ARG(judges[i].catches));
    return 0;
}

int cmd_check(struct command_context *c)
{
    struct settings s;
    struct check k = {.c = c,
                      .good = buf_new(c->arena, RESULT_BYTES_MAX),
                      .findings = buf_new(c->arena, RESULT_BYTES_MAX),
                      .json = buf_new(c->arena, RESULT_BYTES_MAX)};
    k.w.out = &k.json;
    json_open(&k.w, '[');
    int r = command_settings(c, &s);
    bool readable = r == 0;
    if (r == ERR_INVALID || r == ERR_LIMIT)
        r = found_by(&k, r);
    if (readable && s.agent.n)
        r = check_agent(&k, &s);
    if (r == 0)
        r = check_judges(&k);
    if (r)
        return r;
    json_close(&k.w, ']');
    buf_addc(&k.json, '\n');
    if (!c->json)
        fprintf(stderr, "%.*s", STR_ARG(buf_str(&k.findings)));
    r = command_tell(c, buf_str(c->json ? &k.json : &k.good));
    return r ? r : k.findings_n ? 1 : 0;
}

/* --- audit --- */

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
