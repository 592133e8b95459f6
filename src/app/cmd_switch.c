/* switch: the operator's kill switch: running conversations go on with another agent version, or with people. */
#include "app/command.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/id.h"
#include "engine/turn.h"
#include "engine/versions.h"
#include "net/client.h"
#include "store/journal.h"

#include <string.h>

enum { BODY_BYTES_MAX = 4096, EVENTS_MAX = 1 << 20 };

/* What the command line asks for. */
struct wish {
    struct command_context *c;
    const struct settings *s;
    struct str agent, from, to, conversation, reason; /* "" where nothing is said */
    int64_t moved, refused;
};

static int told(const struct wish *w)
{
    long long moved = w->moved, refused = w->refused;
    struct arena *a = w->c->arena;
    int r = command_tell(w->c, w->c->json ? str_f(a, "{\"moved\":%lld,\"refused\":%lld}\n", moved, refused)
                                          : str_f(a, "moved %lld, refused %lld\n", moved, refused));
    return r ? r : w->moved && !w->refused ? 0 : 1;
}

/* --- by the server that has the store --- */

struct asking {
    struct client_answer answer;
    struct str body;
    struct arena *arena;
    bool done;
};

static void on_done(void *arg, const struct client_answer *answer)
{
    struct asking *k = arg;
    k->answer = *answer;
    k->body = str_copy(k->arena, answer->body);
    k->done = true;
}

static struct str request_body(const struct wish *w)
{
    struct buf b = buf_new(w->c->arena, BODY_BYTES_MAX);
    struct json_writer out = {.out = &b};
    json_open(&out, '{');
    if (w->from.n && !w->conversation.n)
        json_pair_str(&out, "from", w->from);
    json_pair_str(&out, "to", w->to);
    json_pair_str(&out, "reason", w->reason);
    json_close(&out, '}');
    return buf_str(&b);
}

static int read_answer(struct wish *w, const struct asking *k)
{
    struct json *v;
    struct err *e = w->c->err;
    if (k->answer.end != CLIENT_DONE)
        return err_set(e, ERR_IO, "the server does not answer: %s", k->answer.err.text);
    if (json_parse(w->c->arena, k->body, &v, NULL) < 0)
        return err_set(e, ERR_IO, "the server answered %d and no JSON", k->answer.status);
    if (k->answer.status >= 300)
        return err_set(e, k->answer.status >= 500 ? ERR_IO : ERR_CONFLICT, "%.*s",
                       STR_ARG(json_str(json_get(v, "detail"))));
    w->moved = json_int(json_get(v, "moved"), 1);
    w->refused = json_int(json_get(v, "refused"), 0);
    return 0;
}

static int by_server(struct wish *w, struct str address)
{
    struct arena *a = w->c->arena;
    struct loop *loop = NULL;
    struct client *client = NULL;
    struct sessions keys;
    struct asking k = {.arena = a};
    int r = sessions_load(a, str_f(a, "%.*s/data", STR_ARG(w->s->dir)).p, &keys, w->c->err);
    if (r == 0)
        r = loop_new(&loop, w->c->err);
    if (r == 0)
        r = client_new(loop, &client, w->c->err);
    if (r == 0) {
        struct str where = w->conversation.n ? str_f(a, "conversations/%.*s", STR_ARG(w->conversation))
                                             : str_f(a, "agents/%.*s", STR_ARG(w->agent));
        struct client_request q = {.method = "POST",
                                   .url = str_f(a, "%.*s/v1/%.*s/switch", STR_ARG(address), STR_ARG(where)).p,
                                   .headers = {"Content-Type: application/json",
                                               str_f(a, "Authorization: Bearer %.*s", STR_ARG(keys.operator_token)).p},
                                   .parts = {request_body(w)}};
        static const struct client_hooks hooks = {.on_done = on_done};
        client_send(client, &q, &hooks, &k);
        while (!k.done)
            loop_once(loop, 100);
        r = read_answer(w, &k);
    }
    if (client)
        client_free(client);
    if (loop)
        loop_free(loop);
    return r;
}

/* --- in a store that nobody serves --- */

/* The event, and the hand-off behind it where no turn is open; a turn that is open is taken up by the next server. */
static int decide(struct conversation *talk, struct turn_events *out, const struct agent *to, struct str reason,
                  struct err *e)
{
    int r = turn_switch(talk, out, to, STR("operator"), reason, e);
    return r == 0 && talk->turn.at == TURN_HANDOFF ? turn_run(talk, out, e) : r;
}

static int move_one(struct wish *w, struct store *s, struct versions *known, int64_t id, const struct agent *to)
{
    struct arena *a = arena_new("switch", 1 << 16);
    struct turn_events out = {.arena = a, .now_us = clock_now_us()};
    struct conversation *talk = NULL;
    struct event *events;
    size_t n = 0;
    int r = journal_read(s, a, id, 0, EVENTS_MAX, &events, &n, w->c->err);
    if (r == 0)
        r = conversation_unfold(versions_source(known), events, n, &talk, w->c->err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = conversation_fold(talk, &events[i], w->c->err);
    if (r == 0)
        r = decide(talk, &out, to, w->reason, w->c->err);
    if (r == 0) {
        struct append ap = {.conversation = id, .seq = out.list[0].seq, .events = out.list, .n = out.n};
        struct appended done;
        r = store_append_wait(s, &ap, &done);
        if (r < 0)
            *w->c->err = done.err;
    }
    conversation_free(talk);
    arena_free(a);
    w->moved += r == 0;
    w->refused += r == ERR_CONFLICT;
    return r == ERR_CONFLICT && !w->conversation.n ? 0 : r;
}

static bool wanted(const struct wish *w, const struct conversation_row *row, struct str from)
{
    if (w->conversation.n)
        return str_eq(row->label, w->conversation) || str_eq(id_public(w->c->arena, row->id), w->conversation);
    return str_is(row->status, "open") && !row->set.n && (!from.n || str_eq(row->agent_sha, from));
}

static int in_store(struct wish *w, struct store *s, struct versions *known)
{
    struct arena *a = w->c->arena;
    struct err *e = w->c->err;
    struct str from = STR(""), to;
    const struct agent *agent = NULL;
    struct conversation_row *rows;
    size_t n = 0, found = 0;
    if (w->from.n && versions_named(known, a, w->agent, w->from, &from, e) < 0)
        return e->code;
    if (!str_is(w->to, "human") &&
        (versions_named(known, a, w->agent, w->to, &to, e) < 0 || versions_recall(known, to, &agent, e) < 0))
        return e->code;
    int r = conversation_list(s, a, str_c(a, w->agent), NULL, NULL, &rows, &n, e);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (wanted(w, &rows[i], from)) {
            found++;
            r = move_one(w, s, known, rows[i].id, agent);
        }
    if (r == 0 && w->conversation.n && !found)
        r = err_set(e, ERR_NOT_FOUND, "%.*s has no conversation %.*s", STR_ARG(w->agent), STR_ARG(w->conversation));
    return r;
}

static int by_hand(struct wish *w)
{
    struct store *s;
    struct store_config config = {.path = str_c(w->c->arena, w->s->store)};
    int r = command_set_there(w->c, config.path);
    if (r == 0)
        r = store_open(&config, &s, w->c->err);
    if (r < 0)
        return r;
    struct versions known = {.store = s};
    r = in_store(w, s, &known);
    versions_free(&known);
    store_close(s);
    return r;
}

/* The server knows conversations by their ids alone. */
static int name_by_id(struct wish *w)
{
    struct store *s;
    struct conversation_row *rows;
    size_t n = 0;
    struct store_config config = {.path = str_c(w->c->arena, w->s->store), .read_only = true};
    int r = store_open(&config, &s, w->c->err);
    if (r < 0)
        return r;
    r = conversation_list(s, w->c->arena, str_c(w->c->arena, w->agent), NULL, NULL, &rows, &n, w->c->err);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (str_eq(rows[i].label, w->conversation))
            w->conversation = id_public(w->c->arena, rows[i].id);
    store_close(s);
    return r;
}

int cmd_switch(struct command_context *c)
{
    struct settings s;
    int r = command_settings(c, &s);
    if (r)
        return r;
    struct wish w = {.c = c,
                     .s = &s,
                     .agent = str_of(c->argv[0]),
                     .from = str_of(command_option(c, "--from", "")),
                     .to = str_of(command_option(c, "--to", "")),
                     .conversation = str_of(command_option(c, "--conversation", "")),
                     .reason = str_of(command_option(c, "--reason", ""))};
    if (!w.to.n || !w.reason.n || w.from.n + w.conversation.n == 0)
        return command_usage(
            c, "--to VERSION|human, --reason TEXT, and --from VERSION or --conversation ID say what is meant");
    struct str address = store_holder(c->arena, str_c(c->arena, s.store));
    if (address.n && w.conversation.n)
        r = name_by_id(&w);
    if (r == 0)
        r = address.n ? by_server(&w, address) : by_hand(&w);
    return r ? r : told(&w);
}
