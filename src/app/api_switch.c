#include "app/api_switch.h"

#include <stdlib.h>

enum { REASON_CHARS_MAX = 500, AT_ONCE = 16 };

/* The hash of a version that the body names; "human" stays what it is. */
static bool version(struct api_call *c, struct str agent, struct str named, struct str *sha)
{
    struct err e = {0};
    *sha = named;
    if (str_is(named, "human") || runner_version(c->config->runner, c->a, agent, named, sha, &e) == 0)
        return true;
    if (e.code == ERR_NOT_FOUND || e.code == ERR_INVALID)
        return api_call_refuse(c, 422, "invalid", e.text);
    reply_error(c->r, &e);
    return false;
}

static bool read_switch(struct api_call *c, struct str agent, struct runner_switch *how)
{
    how->by = STR("operator");
    how->reason = api_call_text(c, "reason");
    if (!api_call_text(c, "to").n || !how->reason.n || how->reason.n > REASON_CHARS_MAX)
        return api_call_refuse(c, 422, "invalid", "`to` is a version, its sha256 or human, and `reason` says why");
    return version(c, agent, api_call_text(c, "to"), &how->to);
}

void api_switch_one(struct api_call *c)
{
    static const struct api_field fields[] = {{"to", JSON_STRING}, {"reason", JSON_STRING}, {0}};
    struct runner_switch how = {.from = STR("")};
    struct conversation_row row;
    struct err e = {0};
    if (!api_call_fields(c, fields))
        return;
    if (conversation_find(c->config->store, c->a, c->conversation, &row, &e) < 0)
        reply_error(c->r, &e);
    else if (read_switch(c, row.agent, &how) && api_call_storable(c))
        runner_switch(c->config->runner, c->conversation, &how, api_call_done, api_call_wait(c));
}

/* --- all of an agent --- */

/* Some are moved at a time, so that the others' customers need not wait for all. */
struct batch {
    struct arena *arena;
    struct api_wait *wait;
    struct runner *runner;
    struct runner_switch how;
    int64_t *ids;
    size_t n, next, under_way;
    int64_t moved, refused;
    bool starting;
};

static void batch_end(struct batch *b)
{
    if (b->wait->r) {
        struct arena *a = request_arena(b->wait->r);
        reply_json(b->wait->r, 200,
                   str_f(a, "{\"moved\":%lld,\"refused\":%lld}", (long long)b->moved, (long long)b->refused));
    }
    free(b->wait);
    arena_free(b->arena);
}

static void batch_go_on(struct batch *b);

static void batch_done(void *arg, const struct runner_done *done)
{
    struct batch *b = arg;
    b->under_way--;
    b->moved += done->result == 0;
    b->refused += done->result != 0;
    if (done->result == ERR_BUSY) /* the server stops: what is left stays where it is */
        b->next = b->n;
    batch_go_on(b);
}

static void batch_go_on(struct batch *b)
{
    if (b->starting)
        return; /* the call further up goes on */
    b->starting = true;
    while (b->next < b->n && b->under_way < AT_ONCE) {
        b->under_way++;
        runner_switch(b->runner, b->ids[b->next++], &b->how, batch_done, b);
    }
    b->starting = false;
    if (!b->under_way)
        batch_end(b);
}

static struct batch *batch_new(struct api_call *c, const struct runner_switch *how, const struct conversation_row *rows,
                               size_t n)
{
    struct arena *a = arena_new("switch", 0);
    struct batch *b = ARENA_NEW(a, struct batch);
    *b = (struct batch){.arena = a, .runner = c->config->runner, .ids = ARENA_ARRAY(a, int64_t, n + 1)};
    b->wait = api_call_wait(c);
    b->how = (struct runner_switch){.from = str_copy(a, how->from),
                                    .to = str_copy(a, how->to),
                                    .by = str_copy(a, how->by),
                                    .reason = str_copy(a, how->reason)};
    for (size_t i = 0; i < n; i++)
        if (str_is(rows[i].status, "open") && !rows[i].set.n && (!how->from.n || str_eq(rows[i].agent_sha, how->from)))
            b->ids[b->n++] = rows[i].id;
    return b;
}

void api_switch_all(struct api_call *c)
{
    static const struct api_field fields[] = {{"from", JSON_STRING}, {"to", JSON_STRING}, {"reason", JSON_STRING}, {0}};
    struct runner_switch how = {.from = STR("")};
    struct conversation_row *rows;
    struct str from = api_call_text(c, "from");
    struct err e = {0};
    size_t n = 0;
    if (!api_call_fields(c, fields) || (from.n && !version(c, c->part, from, &how.from)) ||
        !read_switch(c, c->part, &how) || !api_call_storable(c))
        return;
    if (conversation_list(c->config->store, c->a, str_c(c->a, c->part), NULL, NULL, &rows, &n, &e) < 0)
        reply_error(c->r, &e);
    else
        batch_go_on(batch_new(c, &how, rows, n));
}
