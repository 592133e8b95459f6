/* The writer thread: takes what waits, runs it as one transaction, answers after the commit. */
#include "store/store_sqlite.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- what is remembered of conversations, so that most appends read nothing --- */

static struct fold *fold_slot(struct store *s, int64_t conversation)
{
    uint64_t state = (uint64_t)conversation;
    struct fold *set = s->folds + (size_t)FOLDS_WAYS * (((state * 0x9e3779b97f4a7c15u) >> 40) % FOLDS_SETS);
    for (int i = 0; i < FOLDS_WAYS; i++)
        if (set[i].conversation == conversation)
            return &set[i];
    struct fold *slot = &set[s->folds_next++ % FOLDS_WAYS];
    *slot = (struct fold){0};
    return slot;
}

void store_forget(struct store *s)
{
    memset(s->folds, 0, sizeof *s->folds * FOLDS_SETS * FOLDS_WAYS);
}

static int fold_of(struct store *s, int64_t conversation, struct fold **f, struct err *e)
{
    *f = fold_slot(s, conversation);
    if ((*f)->conversation == conversation)
        return 0;
    int r = fold_load(&s->writing, conversation, *f, e);
    if (r < 0)
        **f = (struct fold){0};
    return r;
}

/* --- may this append be written? Nothing is changed before all of it was asked --- */

/* The payload's fingerprint that stands in the event at (conversation, seq). */
static int payload_differs(struct store *s, int64_t conversation, int64_t seq, const struct json *body, bool *differs,
                           struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(&s->writing, "SELECT body FROM event WHERE conversation = ?1 AND seq = ?2", &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, conversation);
    query_int(q, 2, seq);
    struct json *first = NULL;
    r = query_step(q, e);
    if (r > 0)
        r = json_parse(s->group, query_copy_at(s->group, q, 0), &first, e);
    query_close(q);
    *differs = !str_eq(json_str(json_get(first, "payload_sha")), json_str(json_get(body, "payload_sha")));
    return r;
}

/* 1: a message of this conversation, or an opening of this customer, came with the same key before. */
static int duplicate(struct store *s, const struct event *ev, int64_t conversation, const struct json *body,
                     struct appended *answer, struct err *e)
{
    bool opening = ev->kind == EVENT_OPENED;
    struct str key = json_str(json_get(body, opening ? "key" : "client_id"));
    if (key.n == 0)
        return 0;
    sqlite3_stmt *q;
    int r = opening
                ? query_open(&s->writing, "SELECT conversation FROM opening WHERE customer = ?1 AND key = ?2", &q, e)
                : query_open(&s->writing, "SELECT seq FROM inbox WHERE conversation = ?1 AND client_id = ?2", &q, e);
    if (r < 0)
        return r;
    if (opening)
        query_text(q, 1, json_str(json_get(body, "customer")));
    else
        query_int(q, 1, conversation);
    query_text(q, 2, key);
    int found = query_step(q, e);
    int64_t of = found > 0 ? sqlite3_column_int64(q, 0) : 0;
    query_close(q);
    if (found <= 0)
        return found;
    answer->duplicate_of = of;
    r = payload_differs(s, opening ? of : conversation, opening ? 1 : of, body, &answer->duplicate_differs, e);
    if (r < 0)
        return r;
    answer->result = err_set(&answer->err, ERR_DUPLICATE, "%s with the key %.*s is recorded already (%lld)",
                             event_name(ev->kind), STR_ARG(key), (long long)of);
    return 1;
}

/* The bodies that will be projected, parsed; or the refusal in answer. */
static void bodies_check(struct store *s, const struct append *ap, struct json **bodies, struct appended *answer)
{
    if (ap->n == 0 || ap->conversation <= 0) {
        answer->result = err_set(&answer->err, ERR_INVALID, "an append names a conversation and has events");
        return;
    }
    for (size_t i = 0; i < ap->n && answer->result == 0; i++) {
        answer->result = store_body(s->group, &ap->events[i], &bodies[i], &answer->err);
        if (answer->result == 0 && (ap->events[i].kind == EVENT_OPENED) != (ap->seq + (int64_t)i == 1))
            answer->result = err_set(&answer->err, ERR_INVALID, "%s cannot be event %lld of a conversation",
                                     event_name(ap->events[i].kind), (long long)(ap->seq + (int64_t)i));
    }
}

/* Fills answer->result with the refusal, if there is one. Negative only when the database failed. */
static int append_check(struct store *s, const struct append *ap, struct json **bodies, struct fold **fold,
                        struct appended *answer, struct err *e)
{
    bodies_check(s, ap, bodies, answer);
    if (answer->result < 0)
        return 0;
    int r = fold_of(s, ap->conversation, fold, e);
    if (r < 0)
        return r;
    const struct fold *f = *fold;
    answer->seq_next = f->seq_next;
    answer->sha = f->sha;
    for (size_t i = 0; i < ap->n; i++) {
        enum event_kind kind = ap->events[i].kind;
        if (kind != EVENT_OPENED && kind != EVENT_MESSAGE_RECEIVED && kind != EVENT_HUMAN_MESSAGE)
            continue;
        r = duplicate(s, &ap->events[i], ap->conversation, bodies[i], answer, e);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    if (ap->fence && ap->fence < f->fence)
        answer->result = err_set(&answer->err, ERR_DENIED, "conversation %lld belongs to holder %lld now, not to %lld",
                                 (long long)ap->conversation, (long long)f->fence, (long long)ap->fence);
    else if (ap->seq != f->seq_next)
        answer->result = err_set(&answer->err, ERR_CONFLICT, "conversation %lld goes on with event %lld, not %lld",
                                 (long long)ap->conversation, (long long)f->seq_next, (long long)ap->seq);
    return 0;
}

/* --- writing --- */

static int lease_take(struct store *s, struct fold *f, int64_t fence, struct err *e)
{
    if (fence <= f->fence)
        return 0;
    sqlite3_stmt *q;
    int r = query_open(&s->writing,
                       "INSERT INTO lease (conversation, fence) VALUES (?1, ?2)"
                       " ON CONFLICT (conversation) DO UPDATE SET fence = excluded.fence",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, f->conversation);
    query_int(q, 2, fence);
    f->fence = fence;
    return query_run(q, e);
}

static int event_insert(struct store *s, const struct event *ev, int64_t *pos, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(&s->writing,
                       "INSERT INTO event (conversation, seq, at_us, kind, body, sha) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                       &q, e);
    if (r < 0)
        return r;
    query_int(q, 1, ev->conversation);
    query_int(q, 2, ev->seq);
    query_int(q, 3, ev->at_us);
    query_int(q, 4, ev->kind);
    query_text(q, 5, ev->body);
    query_sha(q, 6, &ev->sha);
    r = query_run(q, e);
    *pos = sqlite3_last_insert_rowid(s->writing.db);
    return r;
}

static int append_write(struct store *s, const struct append *ap, struct json **bodies, struct fold *f, struct err *e)
{
    int r = lease_take(s, f, ap->fence, e);
    for (size_t i = 0; r == 0 && i < ap->n; i++) {
        struct event ev = ap->events[i];
        int64_t pos;
        ev.conversation = ap->conversation;
        ev.seq = f->seq_next;
        ev.sha = event_sha(&f->sha, &ev);
        r = event_insert(s, &ev, &pos, e);
        if (r == 0)
            r = store_project(&s->writing, f, &ev, pos, bodies[i], e);
    }
    return r < 0 ? r : store_project_row(&s->writing, f, e);
}

static int append_run(struct store *s, struct request *request, struct err *e)
{
    const struct append *ap = &request->append;
    struct appended *answer = &request->answer;
    struct fold *f;
    arena_reset(s->group);
    struct json **bodies = ARENA_ARRAY(s->group, struct json *, ap->n);
    int r = append_check(s, ap, bodies, &f, answer, e);
    if (r < 0 || answer->result < 0)
        return r;
    r = append_write(s, ap, bodies, f, e);
    answer->seq_next = f->seq_next;
    answer->sha = f->sha;
    return r;
}

static int group_run(struct store *s, struct request *group, struct err *e)
{
    int r = 0;
    for (struct request *x = group; r == 0 && x; x = x->next)
        r = x->fn ? x->fn(x->arg, s->writing.db, e) : append_run(s, x, e);
    return r;
}

/* --- one group: begin, run, commit, answer --- */

static int statement(struct store *s, const char *sql, struct err *e)
{
    sqlite3_stmt *q;
    int r = query_open(&s->writing, sql, &q, e);
    return r < 0 ? r : query_run(q, e);
}

static int group_commit(struct store *s, struct request *group, struct err *e)
{
    if (s->broken)
        return err_set(e, ERR_IO, "the disk failed earlier; start again once it is repaired");
    int64_t changes = sqlite3_total_changes64(s->writing.db);
    int r = statement(s, "BEGIN IMMEDIATE", e);
    if (r < 0)
        return r;
    r = group_run(s, group, e);
    fault_point("store.commit.before");
    if (r == 0)
        r = statement(s, "COMMIT", e);
    fault_point("store.commit.after");
    if (r == 0) {
        if (sqlite3_total_changes64(s->writing.db) != changes)
            s->full_at_us = 0; /* something was written, so there is room */
        return 0;
    }
    /* A failed COMMIT may have ended the transaction by itself; then this changes nothing. */
    if (!sqlite3_get_autocommit(s->writing.db))
        sqlite3_exec(s->writing.db, "ROLLBACK", NULL, NULL, NULL);
    store_forget(s);
    return r;
}

/* After a failed write or fsync nobody knows what the disk holds, and asking it again may be answered with a
 * false yes (the kernel reports such an error once). So the store stops until it is opened anew and the log is
 * read back from the disk. A full disk is different: nothing was promised, and it can be tried again. */
static void failure_note(struct store *s, int code, const struct err *e)
{
    if (code == ERR_FULL)
        s->full_at_us = clock_mono_us();
    if (code != ERR_IO || s->broken)
        return;
    s->broken = true;
    log_write(LOG_ERROR, "store.broken", LOG_STR("why", str_of(e->text)), LOG_END);
}

static void group_answer(void *first)
{
    for (struct request *x = first, *next; x; x = next) {
        next = x->next;
        x->done(x->arg, &x->answer);
        free(x);
    }
}

/* Those who sleep are woken here; the others are called back in their order, with one post for all. */
static void answers_send(struct store *s, struct request *group)
{
    struct request *posted = NULL, **last = &posted;
    for (struct request *x = group, *next; x; x = next) {
        next = x->next;
        x->next = NULL;
        if (x->waited || !s->post) {
            group_answer(x);
        } else {
            *last = x;
            last = &x->next;
        }
    }
    if (posted)
        s->post(s->post_arg, group_answer, posted);
}

/* The log is copied into the file by the writer itself, when nobody waits for an answer any more. */
static void checkpoint(struct store *s)
{
    if (s->log_pages < s->checkpoint_at || s->broken)
        return;
    int pages = 0, copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->writing.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
    /* A reader that stays keeps the log from starting over; ask again only after as much again. */
    s->checkpoint_at = (pages == copied ? 0 : pages) + store_tuning.checkpoint_pages;
    struct err e;
    if (rc != SQLITE_OK && rc != SQLITE_BUSY)
        failure_note(s, query_err(s->writing.db, &e, "copying the log into the file"), &e);
}

static void group_do(struct store *s, struct request *group)
{
    struct err e = {0};
    int r = group_commit(s, group, &e);
    if (r < 0) {
        failure_note(s, r, &e);
        /* Also those that a check refused: what it saw may have been in this very group. */
        for (struct request *x = group; x; x = x->next) {
            int code = x->fn || r == ERR_FULL ? r : ERR_IO;
            x->answer = (struct appended){.result = code, .err = e};
            x->answer.err.code = code;
        }
    }
    answers_send(s, group);
    checkpoint(s);
}

/* The head of the queue: up to GROUP_MAX appends, or one function. NULL: closing, and all is done. */
static struct request *group_take(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    while (!s->first && !s->closing)
        pthread_cond_wait(&s->wake, &s->mutex);
    struct request *group = s->first, **end = &s->first;
    for (int n = 0; *end && n < GROUP_MAX && (!(*end)->fn || n == 0); n++) {
        bool alone = (*end)->fn;
        end = &(*end)->next;
        if (alone)
            break;
    }
    s->first = group ? *end : NULL;
    if (group)
        *end = NULL;
    if (!s->first)
        s->last = &s->first;
    pthread_mutex_unlock(&s->mutex);
    return group;
}

void *store_writer_run(void *store)
{
    struct store *s = store;
    struct request *group;
    while ((group = group_take(s)))
        group_do(s, group);
    return NULL;
}

/* --- the other threads' side --- */

static void queue(struct store *s, const struct request *request)
{
    assert(!s->read_only);
    struct request *x = mem_get(sizeof *x);
    *x = *request;
    x->next = NULL;
    pthread_mutex_lock(&s->mutex);
    bool idle = !s->first;
    *s->last = x;
    s->last = &x->next;
    pthread_mutex_unlock(&s->mutex);
    if (idle)
        pthread_cond_signal(&s->wake);
}

void store_append(struct store *s, const struct append *append, store_done *done, void *arg)
{
    queue(s, &(struct request){.append = *append, .done = done, .arg = arg});
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    bool done;
    struct appended answer;
    int (*fn)(void *arg, struct sqlite3 *db, struct err *e);
    void *fn_arg;
};

static void waiter_wake(void *arg, const struct appended *answer)
{
    struct waiter *w = arg;
    pthread_mutex_lock(&w->mutex);
    w->answer = *answer;
    w->done = true;
    pthread_cond_signal(&w->answered);
    pthread_mutex_unlock(&w->mutex);
}

static void wait_for(struct store *s, struct request *request, struct waiter *w)
{
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->answered, NULL);
    request->done = waiter_wake;
    request->arg = w;
    request->waited = true;
    queue(s, request);
    pthread_mutex_lock(&w->mutex);
    while (!w->done)
        pthread_cond_wait(&w->answered, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
    pthread_cond_destroy(&w->answered);
    pthread_mutex_destroy(&w->mutex);
}

int store_append_wait(struct store *s, const struct append *append, struct appended *done)
{
    struct waiter w = {0};
    wait_for(s, &(struct request){.append = *append}, &w);
    if (done)
        *done = w.answer;
    return w.answer.result;
}

static int waiter_fn(void *arg, struct sqlite3 *db, struct err *e)
{
    struct waiter *w = arg;
    return w->fn(w->fn_arg, db, e);
}

int store_write(struct store *s, int (*fn)(void *arg, struct sqlite3 *db, struct err *e), void *arg, struct err *e)
{
    struct waiter w = {.fn = fn, .fn_arg = arg};
    wait_for(s, &(struct request){.fn = waiter_fn}, &w);
    if (w.answer.result < 0 && e)
        *e = w.answer.err;
    return w.answer.result;
}

struct change {
    struct store *store;
    int (*fn)(void *arg, struct connection *c, struct err *e);
    void *arg;
};

static int change_run(void *arg, struct sqlite3 *db, struct err *e)
{
    struct change *change = arg;
    return change->fn(change->arg, &change->store->writing, e);
}

int store_change(struct store *s, int (*fn)(void *arg, struct connection *c, struct err *e), void *arg, struct err *e)
{
    return store_write(s, change_run, &(struct change){s, fn, arg}, e);
}
