#include "engine/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "engine/audit.h"
#include "engine/entry.h"
#include "engine/memory.h"
#include "store/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1000, RETRY_MS_MAX = 60000, EVENTS_MAX = 100000 };
/* Past these a conversation takes no more words: whoever loads it waits for all of it, and no model reads so much. */
enum { LONG_EVENTS = EVENTS_MAX / 2, LONG_BYTES = 4 << 20 };

static void pump(struct entry *en);

/* --- entries --- */

struct entry *entry_find(const struct runner *r, int64_t id)
{
    return (struct entry *)roster_find(&r->roster, id); /* the seat is an entry's first member */
}

static struct entry *entry_get(struct runner *r, int64_t id)
{
    struct entry *en = entry_find(r, id);
    if (en)
        return en;
    en = mem_get(sizeof *en);
    *en = (struct entry){.seat = {.id = id}, .runner = r, .id = id};
    en->last = &en->first;
    roster_add(&r->roster, &en->seat);
    return en;
}

/* Forgets the folded state: it is loaded again when needed. */
static void drop(struct entry *en)
{
    roster_busy(&en->runner->roster, &en->seat);
    effect_stop_asking(en);
    conversation_free(en->c);
    en->c = NULL;
    en->generation++;
    en->tools_for = en->acting_for = en->timer_for = 0;
}

static void entry_free(struct entry *en)
{
    drop(en);
    roster_remove(&en->runner->roster, &en->seat);
    free(en);
}

/* Nothing happens here: keep it while there is room. */
static void rest(struct entry *en)
{
    struct runner *r = en->runner;
    if (!en->c) {
        entry_free(en);
        return;
    }
    roster_idle(&r->roster, &en->seat, conversation_bytes(en->c));
    while (r->roster.idle_bytes > r->config.cache_bytes)
        entry_free((struct entry *)r->roster.oldest);
}

/* --- agents and loading --- */

int runner_agent(struct runner *r, struct agent *agent, struct err *e)
{
    return versions_add(&r->versions, agent, e);
}

static int load(struct entry *en, struct err *e)
{
    struct runner *r = en->runner;
    struct arena *a = arena_new("load", 16384);
    struct event *events;
    size_t n = 0;
    int result = journal_read(r->config.store, a, en->id, 0, EVENTS_MAX, &events, &n, e);
    if (result == 0 && n == 0)
        result = err_set(e, ERR_NOT_FOUND, "no such conversation");
    if (result == 0)
        result = conversation_unfold(versions_source(&r->versions), events, n, &en->c, e);
    for (size_t i = 0; result == 0 && i < n; i++)
        result = conversation_fold(en->c, &events[i], e);
    arena_free(a);
    if (result == 0)
        return 0;
    drop(en);
    if (n == 0 && result == ERR_NOT_FOUND)
        return result;
    log_write(LOG_ERROR, "conversation.unreadable", LOG_ID("conversation", en->id), LOG_STR("why", str_of(e->text)),
              LOG_END);
    return err_set(e, ERR_IO, "the conversation cannot be read now");
}

/* --- inputs --- */

struct input *entry_input(enum input_kind kind, runner_done_fn *done, void *arg)
{
    struct arena *a = arena_new("input", 4096);
    struct input *in = ARENA_NEW(a, struct input);
    *in = (struct input){.arena = a, .kind = kind, .done = done, .done_arg = arg};
    return in;
}

void entry_push(struct entry *en, struct input *in)
{
    roster_busy(&en->runner->roster, &en->seat);
    *en->last = in;
    en->last = &in->next;
    pump(en);
}

static void finish(struct input *in, int64_t conversation, int result, int64_t seq, bool differs, const struct err *e)
{
    if (in->done) {
        struct runner_done done = {
            .result = result, .conversation = conversation, .seq = seq, .duplicate_differs = differs};
        if (e)
            done.err = *e;
        in->done(in->done_arg, &done);
    }
    arena_free(in->arena);
}

/* What is refused on sight disturbs nothing that is under way. */
static int refused(struct entry *en, struct input *in, struct err *e)
{
    if (in->too_large)
        return err_set(e, ERR_LIMIT, "a message of more than 256 KiB is no message");
    if (in->kind == IN_RECORD && in->event == EVENT_MESSAGE_RECEIVED && en->c->closed)
        return err_set(e, ERR_CONFLICT, "the conversation is closed; open a new one");
    bool words = in->kind == IN_RECORD && (in->event == EVENT_MESSAGE_RECEIVED || in->event == EVENT_HUMAN_MESSAGE);
    if (words && (en->c->seq > LONG_EVENTS || conversation_bytes(en->c) > LONG_BYTES))
        return err_set(e, ERR_LIMIT, "the conversation is too long to go on; open a new one");
    if (in->kind == IN_TAKE_OVER && strcmp(in->owner, owner_name(en->c->owner)) == 0)
        return err_set(e, ERR_CONFLICT, "the conversation is with %s already", in->owner);
    return in->check ? in->check(en->c, e) : 0;
}

static int apply_timer(struct entry *en, struct input *in, struct err *e)
{
    if (en->c->timer != in->number)
        return 0;
    return turn_add(en->c, &en->events, EVENT_TIMER_FIRED, str_f(in->arena, "{\"timer\":%lld}", (long long)in->number),
                    e);
}

static int apply_record(struct entry *en, struct input *in, struct err *e)
{
    bool closes = in->event == EVENT_CLOSED && !en->c->closed;
    int r = turn_add(en->c, &en->events, in->event, in->body, e);
    return r == 0 && closes ? memory_write(en->c, &en->events, e) : r;
}

static int apply_resume(struct entry *en, struct err *e)
{
    enum turn_at at = en->c->turn.at;
    bool busy = en->asking || en->tools_for || en->acting_for;
    if (at == TURN_IDLE || at == TURN_TIMER || busy)
        return 0;
    en->runner->stats.resumes++;
    return turn_resumed(en->c, &en->events, e);
}

static int apply_switch(struct entry *en, struct input *in, struct err *e)
{
    const struct agent *to = NULL;
    if (in->from.n && !str_eq(in->from, en->c->agent->sha_hex))
        return err_set(e, ERR_CONFLICT, "the conversation is at agent version %.*s", STR_ARG(en->c->agent->sha_hex));
    if (!str_is(in->to, "human") && versions_recall(&en->runner->versions, in->to, &to, e) < 0)
        return e->code;
    return turn_switch(en->c, &en->events, to, in->by, in->reason, e);
}

static int apply(struct entry *en, struct input *in, struct err *e)
{
    struct conversation *c = en->c;
    if (refused(en, in, e) < 0)
        return e->code;
    /* The transcript must not move under a question that is being sent. A decision moves nothing while one is. */
    bool moves = in->kind == IN_HAND_OFF || in->kind == IN_TAKE_OVER ||
                 (in->kind == IN_RECORD && in->event != EVENT_RATING_GIVEN && in->event != EVENT_MESSAGE_DELIVERED);
    if (moves && en->asking)
        effect_stop_asking(en);
    switch (in->kind) {
    case IN_OPEN: return turn_add(c, &en->events, in->event, in->body, e);
    case IN_RECORD: return apply_record(en, in, e);
    case IN_DECIDE: return action_decided(c, &en->events, in->number, in->digest, in->yes, e);
    case IN_HAND_OFF: return turn_hand_off(c, &en->events, "asked_human", e);
    case IN_TAKE_OVER: return turn_take_over(c, &en->events, in->owner, in->by, e);
    case IN_SWITCH: return apply_switch(en, in, e);
    case IN_MODEL: return turn_model_answered(c, &en->events, (int)in->number, &in->answer, e);
    case IN_TOOL: return turn_tool_answered(c, &en->events, in->call_id, &in->result, e);
    case IN_ACTION: return action_answered(c, &en->events, &in->result, e);
    case IN_TIMER: return apply_timer(en, in, e);
    case IN_RESUME: return apply_resume(en, e);
    }
    return 0;
}

static void tally(struct entry *en)
{
    struct runner_stats *s = &en->runner->stats;
    for (size_t i = 0; i < en->events.n; i++)
        switch (en->events.list[i].kind) {
        case EVENT_MESSAGE_RECEIVED: s->messages++; break;
        case EVENT_MODEL_ASKED: s->model_calls++; break;
        case EVENT_TOOL_ANSWERED: s->tool_calls++; break;
        case EVENT_ACTION_STARTED: s->actions++; break;
        case EVENT_HANDOFF_REQUESTED: s->handoffs++; break;
        case EVENT_TURN_ENDED: {
            int64_t us = clock_mono_us() - en->turn_began_us - en->waited_us;
            int i_us = us > 1 ? (int)ceil(log((double)us) / log(1.2)) : 0;
            s->overhead[i_us < RUNNER_BUCKETS ? i_us : RUNNER_BUCKETS - 1]++;
            s->overhead_us_sum += us;
            s->turns++;
            break;
        }
        default: break;
        }
    s->appends++;
    s->events += (int64_t)en->events.n;
}

static void retry(void *x)
{
    struct effect *ef = x;
    struct entry *en = entry_get(ef->runner, ef->conversation);
    en->retrying = false;
    effect_free(ef);
    entry_push(en, entry_input(IN_RESUME, NULL, NULL));
}

/* An open turn is taken up again later, each time later. */
static void retry_later(struct entry *en)
{
    if (en->retrying || en->runner->closing)
        return;
    en->retrying = true;
    en->retry_ms = en->retry_ms ? 2 * en->retry_ms : RETRY_MS;
    if (en->retry_ms > RETRY_MS_MAX)
        en->retry_ms = RETRY_MS_MAX;
    en->runner->config.ports.after(en->runner->config.ports.arg, en->retry_ms, retry, effect_new(en, IN_RESUME));
}

/* The store refused or failed. Whatever was folded ahead of it is forgotten. Another holder of the lease goes on without
 * us. */
static void undo(struct entry *en, int result, bool opening)
{
    drop(en);
    en->runner->stats.failed_appends++;
    if (result != ERR_DUPLICATE && result != ERR_DENIED && !opening)
        retry_later(en);
}

static struct input *next_input(struct entry *en)
{
    struct input *in = en->first;
    en->first = in->next;
    if (!en->first)
        en->last = &en->first;
    in->next = NULL;
    return in;
}

/* The conversation could not be taken up: what waits would only load it and fail in the same way. */
static void refuse_waiting(struct entry *en, int result, const struct err *e)
{
    while (en->first)
        finish(next_input(en), en->id, result, 0, false, e);
}

static void appended(void *arg, const struct appended *done)
{
    struct entry *en = arg;
    struct runner *r = en->runner;
    struct input *in = en->current;
    r->appending--;
    en->current = NULL;
    en->pumping = true; /* callbacks may push more */
    if (done->result == 0) {
        en->retry_ms = 0;
        tally(en);
        if (r->config.ports.notify)
            r->config.ports.notify(r->config.ports.arg, en->c, en->events.list, en->events.n);
        effect_draft_replaced(en);
        if (en->events.state.n)
            effect_keep_question(en, en->events.state);
        finish(in, en->id, 0, en->events.list[0].seq, false, NULL);
    } else {
        bool opening = in->kind == IN_OPEN;
        undo(en, done->result, opening);
        if (in->kind == IN_RESUME)
            refuse_waiting(en, done->result, &done->err);
        int64_t first = done->result == ERR_DUPLICATE ? done->duplicate_of : 0;
        finish(in, opening && first ? first : en->id, done->result, first, done->duplicate_differs, &done->err);
        if (done->result == ERR_DUPLICATE && !opening) /* a turn may be open and has no effect under way now */
            entry_push(en, entry_input(IN_RESUME, NULL, NULL));
    }
    en->pumping = false;
    pump(en);
}

/* A turn that was under way when the conversation was forgotten is taken up before anything else happens to it: only the
 * journal's turn.resumed says that what was started may have had its effect. */
static void resume_first(struct entry *en)
{
    struct input *in = entry_input(IN_RESUME, NULL, NULL);
    in->next = en->first;
    if (!en->first)
        en->last = &in->next;
    en->first = in;
}

/* The same message again: the first one counts. Nothing that is under way is disturbed. */
static bool repeated(struct entry *en, struct input *in)
{
    const struct said *first = conversation_said(en->c, in->client_id);
    struct err e = {0};
    if (!first)
        return false;
    err_set(&e, ERR_DUPLICATE, "this message is here already");
    finish(in, en->id, ERR_DUPLICATE, first->seq, !str_eq(first->payload_sha, in->payload_sha), &e);
    return true;
}

/* Takes the next input and appends what it leads to. */
static void take(struct entry *en)
{
    struct runner *r = en->runner;
    struct err e = {0};
    bool forgotten = !en->c;
    if (forgotten && load(en, &e) < 0) {
        if (en->first->kind == IN_RESUME && e.code != ERR_NOT_FOUND)
            retry_later(en); /* what was acknowledged is not given up */
        finish(next_input(en), en->id, e.code, 0, false, &e);
        return;
    }
    if (forgotten && en->c->turn.at != TURN_IDLE && en->first->kind != IN_RESUME)
        resume_first(en);
    struct input *in = next_input(en);
    if (repeated(en, in))
        return;
    if (!en->asking)
        effect_forget_question(en); /* what comes may change it */
    bool begins = en->c->turn.at == TURN_IDLE;
    en->events = (struct turn_events){
        .arena = in->arena, .now_us = clock_now_us(), .in_force = versions_in_force(&r->versions, en->c->agent->name)};
    if (begins) {
        en->turn_began_us = clock_mono_us();
        en->waited_us = en->wait_began_us = 0;
    }
    int result = apply(en, in, &e);
    if (result == 0)
        result = turn_run(en->c, &en->events, &e);
    if (result < 0 && en->events.n) { /* our own mistake or a damaged journal: nothing half-done stays */
        log_write(LOG_ERROR, "turn.broken", LOG_ID("conversation", en->id), LOG_STR("why", str_of(e.text)), LOG_END);
        drop(en);
        retry_later(en);
        if (in->kind == IN_RESUME)
            refuse_waiting(en, result, &e);
    }
    if (result < 0 || !en->events.n) {
        finish(in, en->id, result < 0 ? result : 0, en->c ? en->c->seq : 0, false, &e);
        return;
    }
    en->current = in;
    struct append ap = {.conversation = en->id,
                        .seq = en->events.list[0].seq,
                        .events = en->events.list,
                        .n = en->events.n,
                        .fence = r->config.leased ? store_fence(r->config.store) : 0};
    r->appending++;
    store_append(r->config.store, &ap, appended, en);
}

/* Afterwards the entry may be gone. */
static void pump(struct entry *en)
{
    if (en->pumping || en->runner->closing)
        return; /* the call further up goes on with what was pushed */
    en->pumping = true;
    while (!en->current && en->first)
        take(en);
    en->pumping = false;
    if (en->current || en->seat.idle)
        return;
    if (en->c)
        effect_perform(en);
    bool busy = en->first || en->asking || en->retrying || (en->c && en->c->turn.at != TURN_IDLE);
    if (!busy && !en->current)
        rest(en);
}

/* --- outside --- */

int runner_new(const struct runner_config *config, struct runner **out, struct err *e)
{
    if (!config->store || !config->llm || !config->ports.tool || !config->ports.after)
        return err_set(e, ERR_INVALID, "a runner needs a store, a model, tools and timers");
    struct runner *r = mem_get(sizeof *r);
    *r = (struct runner){.config = *config};
    if (!r->config.cache_bytes)
        r->config.cache_bytes = 8 << 20;
    r->versions.store = config->store;
    *out = r;
    return 0;
}

void runner_stop(struct runner *r)
{
    r->closing = true;
}

bool runner_stopped(const struct runner *r)
{
    return r->appending == 0;
}

void runner_free(struct runner *r)
{
    if (!r)
        return;
    r->closing = true;
    for (struct entry *en; (en = (struct entry *)roster_any(&r->roster));) {
        while (en->first) {
            struct err e;
            err_set(&e, ERR_BUSY, "the server is stopping; send it again in a moment");
            finish(next_input(en), en->id, ERR_BUSY, 0, false, &e);
        }
        if (en->current)
            arena_free(en->current->arena);
        entry_free(en);
    }
    while (r->effects)
        effect_free(r->effects);
    roster_free(&r->roster);
    versions_free(&r->versions);
    free(r);
}

int runner_resume(struct runner *r, size_t *taken_up, struct err *e)
{
    struct arena *a = arena_new("resume", 0);
    int64_t *ids;
    size_t n = 0;
    int result = conversation_unfinished(r->config.store, a, &ids, &n, e);
    for (size_t i = 0; result == 0 && i < n; i++)
        entry_push(entry_get(r, ids[i]), entry_input(IN_RESUME, NULL, NULL));
    *taken_up = result == 0 ? n : 0;
    arena_free(a);
    return result;
}

/* What earlier conversations left; one that cannot be read is not worth refusing a customer for. */
static void put_memory(const struct runner *r, struct arena *a, struct str customer, int64_t now_us,
                       struct json_writer *w)
{
    struct memory_row *rows;
    size_t n = 0;
    if (memory_read(r->config.store, a, customer, now_us, &rows, &n, NULL) < 0 || !n)
        return;
    json_key(w, "memory");
    json_open(w, '{');
    for (size_t i = 0; i < n; i++) {
        json_key_str(w, rows[i].key);
        json_put_str(w, rows[i].value);
    }
    json_close(w, '}');
}

void runner_open(struct runner *r, const struct runner_opening *o, runner_done_fn *done, void *arg)
{
    int64_t now = clock_now_us();
    struct entry *en = entry_get(r, rng_id(now));
    struct input *in = entry_input(IN_OPEN, done, arg);
    struct buf b = buf_new(in->arena, 1 << 16);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "agent", o->agent->name);
    json_pair_str(&w, "agent_sha", o->agent->sha_hex);
    json_pair_str(&w, "customer", o->customer);
    json_pair_str(&w, "channel", o->channel);
    json_pair_str(&w, "locale", o->locale);
    json_pair_int(&w, "identity", o->identity);
    json_pair_str(&w, "opened_date", clock_date(in->arena, now));
    if (o->label.n)
        json_pair_str(&w, "label", o->label);
    if (o->key.n)
        json_pair_str(&w, "key", o->key);
    if (o->payload_sha.n)
        json_pair_str(&w, "payload_sha", o->payload_sha);
    put_memory(r, in->arena, o->customer, now, &w);
    json_close(&w, '}');
    in->event = EVENT_OPENED;
    in->body = buf_str(&b);
    en->c = conversation_new(en->id, o->agent);
    en->c->agents = versions_source(&r->versions);
    entry_push(en, in);
}

void runner_record(struct runner *r, int64_t conversation, enum event_kind kind, struct str body,
                   int (*check)(const struct conversation *c, struct err *e), runner_done_fn *done, void *arg)
{
    struct input *in = entry_input(IN_RECORD, done, arg);
    struct json *b;
    in->event = kind;
    in->body = str_copy(in->arena, body);
    in->check = check;
    if (kind == EVENT_HUMAN_MESSAGE && json_parse(in->arena, in->body, &b, NULL) == 0) {
        in->client_id = json_str(json_get(b, "client_id"));
        in->payload_sha = json_str(json_get(b, "payload_sha"));
    }
    entry_push(entry_get(r, conversation), in);
}

void runner_message(struct runner *r, int64_t conversation, struct str text, struct str client_id, runner_done_fn *done,
                    void *arg)
{
    struct entry *en = entry_get(r, conversation);
    struct input *in = entry_input(IN_RECORD, done, arg);
    struct buf b = buf_new(in->arena, 1 << 18);
    struct json_writer w = {.out = &b};
    json_open(&w, '{');
    json_pair_str(&w, "text", text);
    if (en->current) /* what is being written may be a question; these words are no answer to it */
        json_pair_int(&w, "seen", en->events.list[0].seq - 1);
    if (client_id.n) {
        struct sha256 sha = sha256_of(text);
        in->client_id = str_copy(in->arena, client_id);
        in->payload_sha = hash_hex(in->arena, sha.b, 8);
        json_pair_str(&w, "client_id", client_id);
        json_pair_str(&w, "payload_sha", in->payload_sha);
    }
    json_close(&w, '}');
    in->event = EVENT_MESSAGE_RECEIVED;
    in->body = buf_str(&b);
    in->too_large = b.cut;
    entry_push(en, in);
}

void runner_decide(struct runner *r, int64_t conversation, int64_t proposal, struct str digest, bool yes,
                   runner_done_fn *done, void *arg)
{
    struct input *in = entry_input(IN_DECIDE, done, arg);
    in->number = proposal;
    in->digest = str_copy(in->arena, digest);
    in->yes = yes;
    entry_push(entry_get(r, conversation), in);
}

void runner_hand_off(struct runner *r, int64_t conversation, runner_done_fn *done, void *arg)
{
    entry_push(entry_get(r, conversation), entry_input(IN_HAND_OFF, done, arg));
}

void runner_take_over(struct runner *r, int64_t conversation, const char *owner, struct str by, runner_done_fn *done,
                      void *arg)
{
    struct input *in = entry_input(IN_TAKE_OVER, done, arg);
    in->owner = owner;
    in->by = str_copy(in->arena, by);
    entry_push(entry_get(r, conversation), in);
}

void runner_switch(struct runner *r, int64_t conversation, const struct runner_switch *how, runner_done_fn *done,
                   void *arg)
{
    struct input *in = entry_input(IN_SWITCH, done, arg);
    in->from = str_copy(in->arena, how->from);
    in->to = str_copy(in->arena, how->to);
    in->by = str_copy(in->arena, how->by);
    in->reason = str_copy(in->arena, how->reason);
    entry_push(entry_get(r, conversation), in);
}

void runner_mask(struct runner *r, struct arena *a, struct event *events, size_t n)
{
    audit_mask(a, &r->versions, events, n);
}

int runner_version(struct runner *r, struct arena *a, struct str agent, struct str named, struct str *sha_hex,
                   struct err *e)
{
    return versions_named(&r->versions, a, agent, named, sha_hex, e);
}

void runner_stats(const struct runner *r, struct runner_stats *out)
{
    *out = r->stats;
    out->loaded = (int64_t)r->roster.n;
    out->cached = (int64_t)r->roster.idle_n;
    out->cached_bytes = r->roster.idle_bytes;
}

double runner_overhead_us(const struct runner_stats *s, double p)
{
    int64_t all = 0, below = 0;
    for (int i = 0; i < RUNNER_BUCKETS; i++)
        all += s->overhead[i];
    for (int i = 0; i < RUNNER_BUCKETS; i++) {
        below += s->overhead[i];
        if (all && (double)below >= p * (double)all)
            return pow(1.2, i);
    }
    return 0;
}
