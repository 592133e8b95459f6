#include "store/project.h"

#include "store/memory.h"

#include <stdio.h>
#include <string.h>

struct consequence {
    struct connection *c;
    struct fold *f;
    const struct event *ev;
    int64_t pos;
    const struct json *body;
};

static void turn_set(struct fold *f, bool open)
{
    f->moved |= f->turn_open != open;
    f->turn_open = open;
}

static struct str field(const struct consequence *x, const char *name)
{
    return json_str(json_get(x->body, name));
}

static int on_opened(const struct consequence *x, struct err *e)
{
    struct fold *f = x->f;
    snprintf(f->owner, sizeof f->owner, "bot");
    f->push = str_starts(field(x, "channel"), STR("push:"));
    sqlite3_stmt *q;
    int r = query_open(x->c,
                       "INSERT INTO conversation (id, agent, agent_sha, customer, channel, label, dataset, opened_us,"
                       " changed_us, seq_next, sha, owner, status, turn_open)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 2, ?9, 'bot', 'open', 0)",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    query_text(q, 2, field(x, "agent"));
    query_text(q, 3, field(x, "agent_sha"));
    query_text(q, 4, field(x, "customer"));
    query_text(q, 5, field(x, "channel"));
    query_text(q, 6, field(x, "label"));
    query_text(q, 7, field(x, "set"));
    query_int(q, 8, x->ev->at_us);
    query_sha(q, 9, &x->ev->sha);
    r = query_run(q, e);
    if (r < 0 || field(x, "key").n == 0)
        return r;
    r = query_open(x->c, "INSERT OR IGNORE INTO opening (customer, key, conversation) VALUES (?1, ?2, ?3)", &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, field(x, "customer"));
    query_text(q, 2, field(x, "key"));
    query_int(q, 3, x->ev->conversation);
    return query_run(q, e);
}

/* What tells a repeated message from a new one. */
static int inbox_add(const struct consequence *x, struct err *e)
{
    if (field(x, "client_id").n == 0)
        return 0;
    sqlite3_stmt *q;
    int r = query_open(x->c, "INSERT OR IGNORE INTO inbox (conversation, client_id, seq) VALUES (?1, ?2, ?3)", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    query_text(q, 2, field(x, "client_id"));
    query_int(q, 3, x->ev->seq);
    return query_run(q, e);
}

static int on_message_received(const struct consequence *x, struct err *e)
{
    /* While a person has the conversation, or is to have it, nobody waits for the agent. */
    if (strcmp(x->f->owner, "bot") == 0 && !x->f->closed)
        turn_set(x->f, true);
    return inbox_add(x, e);
}

static int on_confirmation_given(const struct consequence *x, struct err *e)
{
    /* A "yes" in words came with a message.received, which opened the turn already. */
    if (str_is(field(x, "by"), "button"))
        turn_set(x->f, true);
    return 0;
}

static int on_action_started(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(x->c,
                       "INSERT INTO ledger (key, conversation, proposal_seq, tool, state, attempts, started_us,"
                       " done_us, done_seq) VALUES (?1, ?2, ?3, ?4, 'started', 1, ?5, 0, 0)"
                       " ON CONFLICT (key) DO UPDATE SET attempts = attempts + 1",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, field(x, "key"));
    query_int(q, 2, x->ev->conversation);
    query_int(q, 3, json_int(json_get(x->body, "proposal"), 0));
    query_text(q, 4, field(x, "tool"));
    query_int(q, 5, x->ev->at_us);
    return query_run(q, e);
}

static int on_action_done(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    /* The first result stands for ever: a second "done" under the same key finds the state moved on. */
    int r = query_open(x->c,
                       "INSERT INTO ledger (key, conversation, proposal_seq, tool, state, attempts, started_us,"
                       " done_us, done_seq) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?6, ?7) ON CONFLICT (key) DO UPDATE SET"
                       " state = excluded.state, tool = excluded.tool, done_us = excluded.done_us,"
                       " done_seq = excluded.done_seq WHERE ledger.state = 'started'",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, field(x, "key"));
    query_int(q, 2, x->ev->conversation);
    query_int(q, 3, json_int(json_get(x->body, "proposal"), 0));
    query_text(q, 4, field(x, "tool"));
    query_text(q, 5, field(x, "class"));
    query_int(q, 6, x->ev->at_us);
    query_int(q, 7, x->ev->seq);
    return query_run(q, e);
}

/* A message for the customer of a push channel stays in the outbox until the channel took it. */
static int on_message_for_customer(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    if (!x->f->push)
        return 0;
    int r = query_open(x->c, "INSERT INTO outbox (pos, conversation, seq, mid) VALUES (?1, ?2, ?3, ?4)", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->pos);
    query_int(q, 2, x->ev->conversation);
    query_int(q, 3, x->ev->seq);
    query_text(q, 4, field(x, "mid"));
    return query_run(q, e);
}

static int on_human_message(const struct consequence *x, struct err *e)
{
    int r = inbox_add(x, e);
    return r < 0 ? r : on_message_for_customer(x, e);
}

static int on_message_delivered(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    const struct json *of = json_get(x->body, "of");
    int r;
    if (!x->f->push)
        return 0;
    if (of)
        r = query_open(x->c, "DELETE FROM outbox WHERE conversation = ?1 AND seq = ?2", &q, e);
    else /* as it was written before the event had `of` */
        r = query_open(x->c, "DELETE FROM outbox WHERE conversation = ?1 AND mid = ?2", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    if (of)
        query_int(q, 2, json_int(of, 0));
    else
        query_text(q, 2, field(x, "mid"));
    return query_run(q, e);
}

/* The agent has nothing more to say, unless an action is under way: that is seen through, and turn.ended comes
 * after its result. */
static int turn_leave(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(x->c, "SELECT 1 FROM ledger WHERE conversation = ?1 AND state = 'started' LIMIT 1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    r = query_step(q, e);
    query_close(q);
    if (r == 0)
        turn_set(x->f, false);
    return r < 0 ? r : 0;
}

static int on_owner_changed(const struct consequence *x, struct err *e)
{
    struct str owner = field(x, "owner");
    snprintf(x->f->owner, sizeof x->f->owner, "%.*s", STR_ARG(owner));
    x->f->moved = true;
    return str_is(owner, "human") ? turn_leave(x, e) : 0;
}

static int on_timer_set(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(x->c, "INSERT INTO timer (conversation, seq, due_us, what) VALUES (?1, ?2, ?3, ?4)", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    query_int(q, 2, x->ev->seq);
    query_int(q, 3, json_int(json_get(x->body, "due_us"), 0));
    query_text(q, 4, field(x, "what"));
    return query_run(q, e);
}

static int on_timer_fired(const struct consequence *x, struct err *e)
{
    turn_set(x->f, true);
    sqlite3_stmt *q;
    int r = query_open(x->c, "DELETE FROM timer WHERE conversation = ?1 AND seq = ?2", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    query_int(q, 2, json_int(json_get(x->body, "timer"), 0));
    return query_run(q, e);
}

static int on_turn_ended(const struct consequence *x, struct err *e)
{
    turn_set(x->f, false);
    return 0;
}

static int on_closed(const struct consequence *x, struct err *e)
{
    x->f->moved |= !x->f->closed;
    x->f->closed = true;
    return turn_leave(x, e);
}

/* From here on the conversation counts among those of its new version. */
static int on_agent_switched(const struct consequence *x, struct err *e)
{
    sqlite3_stmt *q;
    if (!field(x, "agent").n) /* to people */
        return 0;
    int r = query_open(x->c, "UPDATE conversation SET agent = ?2, agent_sha = ?3 WHERE id = ?1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, x->ev->conversation);
    query_text(q, 2, field(x, "agent"));
    query_text(q, 3, field(x, "to"));
    return query_run(q, e);
}

/* The newest value of a key wins, whichever conversation is folded last; what was erased since stays away. */
static int remember(const struct consequence *x, const struct json *set, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(x->c,
                       "INSERT INTO customer_memory (customer, key, value, conversation, seq, at_us, expires_us)"
                       " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7"
                       " WHERE NOT EXISTS (SELECT 1 FROM memory_erasure WHERE customer = ?1 AND before_us >= ?6)"
                       " ON CONFLICT (customer, key) DO UPDATE SET value = excluded.value,"
                       " conversation = excluded.conversation, seq = excluded.seq, at_us = excluded.at_us,"
                       " expires_us = excluded.expires_us WHERE excluded.at_us >= customer_memory.at_us",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, field(x, "customer"));
    query_text(q, 2, json_str(json_get(set, "key")));
    query_text(q, 3, json_str(json_get(set, "value")));
    query_int(q, 4, x->ev->conversation);
    query_int(q, 5, json_int(json_get(set, "seq"), 0));
    query_int(q, 6, x->ev->at_us);
    query_int(q, 7, json_int(json_get(set, "expires_us"), 0));
    return query_run(q, e);
}

static int on_memory_written(const struct consequence *x, struct err *e)
{
    int r = 0;
    for (const struct json *set = json_get(x->body, "set")->child; set && r == 0; set = set->next)
        r = remember(x, set, e);
    sqlite3_stmt *q;
    if (r == 0)
        r = query_open(x->c,
                       "DELETE FROM customer_memory WHERE customer = ?1 AND key NOT IN"
                       " (SELECT key FROM customer_memory WHERE customer = ?1 ORDER BY at_us DESC, key LIMIT ?2)",
                       &q, e);
    if (r < 0)
        return r;
    query_text(q, 1, field(x, "customer"));
    query_int(q, 2, MEMORY_KEYS_MAX);
    return query_run(q, e);
}

/* Kinds that are not here move the conversation's head and nothing else; their bodies are not read. */
static const struct {
    int (*run)(const struct consequence *x, struct err *e);
    const char *needs; /* a member that must be there */
    enum json_kind needs_kind;
} consequences[EVENT_KINDS] = {
    [EVENT_OPENED] = {on_opened, "agent", JSON_STRING},
    [EVENT_MESSAGE_RECEIVED] = {on_message_received, "text", JSON_STRING},
    [EVENT_CONFIRMATION_GIVEN] = {on_confirmation_given, "proposal", JSON_NUMBER},
    [EVENT_ACTION_STARTED] = {on_action_started, "key", JSON_STRING},
    [EVENT_ACTION_DONE] = {on_action_done, "key", JSON_STRING},
    [EVENT_REPLY_SENT] = {on_message_for_customer, "mid", JSON_STRING},
    [EVENT_OWNER_CHANGED] = {on_owner_changed, "owner", JSON_STRING},
    [EVENT_HUMAN_MESSAGE] = {on_human_message, "mid", JSON_STRING},
    [EVENT_TIMER_SET] = {on_timer_set, "due_us", JSON_NUMBER},
    [EVENT_TIMER_FIRED] = {on_timer_fired, "timer", JSON_NUMBER},
    [EVENT_TURN_ENDED] = {on_turn_ended, "outcome", JSON_STRING},
    [EVENT_MESSAGE_DELIVERED] = {on_message_delivered, "mid", JSON_STRING},
    [EVENT_CLOSED] = {on_closed, NULL, JSON_NULL},
    [EVENT_AGENT_SWITCHED] = {on_agent_switched, "to", JSON_STRING},
    [EVENT_MEMORY_WRITTEN] = {on_memory_written, "set", JSON_ARRAY},
};

int store_body(struct arena *a, const struct event *ev, struct json **parsed, struct err *e)
{
    *parsed = NULL;
    if (ev->kind <= EVENT_NONE || ev->kind >= EVENT_KINDS)
        return err_set(e, ERR_INVALID, "there is no event of kind %d", (int)ev->kind);
    if (ev->body.n < 2 || ev->body.p[0] != '{' || ev->body.p[ev->body.n - 1] != '}')
        return err_set(e, ERR_INVALID, "the body of %s is not a JSON object", event_name(ev->kind));
    if (!consequences[ev->kind].run)
        return 0;
    struct json *body;
    int r = json_parse(a, ev->body, &body, e);
    if (r < 0) {
        err_in(e, "the body of %s", event_name(ev->kind));
        return r;
    }
    const char *needs = consequences[ev->kind].needs;
    if (needs && !json_is(json_get(body, needs), consequences[ev->kind].needs_kind))
        return err_set(e, ERR_INVALID, "%s has no \"%s\"", event_name(ev->kind), needs);
    struct str owner = json_str(json_get(body, "owner"));
    if (ev->kind == EVENT_OWNER_CHANGED && !str_is(owner, "bot") && !str_is(owner, "human") &&
        !str_is(owner, "pending_human"))
        return err_set(e, ERR_INVALID, "an owner is bot, pending_human or human, not \"%.*s\"", STR_ARG(owner));
    *parsed = body;
    return 0;
}

int store_project(struct connection *c, struct fold *f, const struct event *ev, int64_t pos, const struct json *body,
                  struct err *e)
{
    f->seq_next = ev->seq + 1;
    f->sha = ev->sha;
    f->changed_us = ev->at_us;
    if (!consequences[ev->kind].run)
        return 0;
    return consequences[ev->kind].run(&(struct consequence){.c = c, .f = f, .ev = ev, .pos = pos, .body = body}, e);
}

int store_project_row(struct connection *c, struct fold *f, struct err *e)
{
    sqlite3_stmt *q;
    int r;
    if (f->moved)
        r = query_open(c,
                       "UPDATE conversation SET seq_next = ?2, sha = ?3, changed_us = ?4, owner = ?5, status = ?6,"
                       " turn_open = ?7 WHERE id = ?1",
                       &q, e);
    else /* most appends: no index is touched */
        r = query_open(c, "UPDATE conversation SET seq_next = ?2, sha = ?3, changed_us = ?4 WHERE id = ?1", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, f->conversation);
    query_int(q, 2, f->seq_next);
    query_sha(q, 3, &f->sha);
    query_int(q, 4, f->changed_us);
    if (f->moved) {
        query_text(q, 5, str_of(f->owner));
        query_text(q, 6, f->closed ? STR("closed") : STR("open"));
        query_int(q, 7, f->turn_open);
    }
    f->moved = false;
    return query_run(q, e);
}

int fold_load(struct connection *c, int64_t conversation, struct fold *f, struct err *e)
{
    *f = (struct fold){.conversation = conversation, .seq_next = 1};
    sqlite3_stmt *q;
    int r = query_open(
        c,
        "SELECT seq_next, sha, changed_us, owner, status = 'closed', turn_open, substr(channel, 1, 5) = 'push:',"
        " (SELECT fence FROM lease WHERE lease.conversation = id) FROM conversation WHERE id = ?1",
        &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, conversation);
    r = query_step(q, e);
    if (r > 0) {
        f->seq_next = sqlite3_column_int64(q, 0);
        f->sha = query_sha_at(q, 1);
        f->changed_us = sqlite3_column_int64(q, 2);
        snprintf(f->owner, sizeof f->owner, "%.*s", STR_ARG(query_text_at(q, 3)));
        f->closed = sqlite3_column_int(q, 4);
        f->turn_open = sqlite3_column_int(q, 5);
        f->push = sqlite3_column_int(q, 6);
        f->fence = sqlite3_column_int64(q, 7);
    }
    query_close(q);
    return r < 0 ? r : 0;
}
