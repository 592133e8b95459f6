/* The disk is full, or fails, at every single operation of a session: what was acknowledged stays. */
#include "store_fixture.h"
#include "vfs_shim.h"

#include "store/store_sqlite.h"

#include <sqlite3.h>

enum { CONVERSATIONS = 3, APPENDS = 6 };

/* A customer writes, the agent acts: one append of one to three events each, conversation by conversation. */
struct session {
    struct place *p;
    int64_t seq_acked[CONVERSATIONS]; /* the last event that was acknowledged */
    int refused[16];                  /* by -code */
};

static struct append next_append(int64_t conversation, int64_t seq, struct event events[3])
{
    static const char *const turn[][2] = {
        {"{\"text\":\"Where is my card?\"}", "{\"call\":1,\"prompt_sha\":\"aa\"}"},
        {"{\"call\":\"c1_0\",\"tool\":\"reissue_card\",\"args\":{}}", "{\"mid\":\"m\",\"text\":\"Shall I?\"}"},
    };
    static char key[64];
    int n = 2;
    if (seq == 1) {
        n = 1;
        events[0] = event_of(EVENT_OPENED, "{\"agent\":\"a\",\"customer\":\"ana\",\"channel\":\"push:sms\"}");
    } else if (seq % 4 == 2) {
        events[0] = event_of(EVENT_MESSAGE_RECEIVED, turn[0][0]);
        events[1] = event_of(EVENT_MODEL_ASKED, turn[0][1]);
    } else {
        n = 2;
        snprintf(key, sizeof key, "{\"proposal\":%d,\"key\":\"k%d-%d\"}", (int)seq, (int)conversation, (int)seq);
        events[0] = event_of(EVENT_ACTION_PROPOSED, turn[1][0]);
        events[1] = event_of(EVENT_ACTION_STARTED, key);
    }
    return (struct append){.conversation = conversation, .seq = seq, .events = events, .n = (size_t)n, .fence = 0};
}

/* Every append until the first refusal; 0 when all are written. */
static int session_go_on(struct session *x)
{
    for (int round = 0; round < APPENDS; round++) {
        for (int i = 0; i < CONVERSATIONS; i++) {
            struct event events[3];
            struct appended done;
            if (x->seq_acked[i] >= 1 + 2 * round)
                continue; /* written before the refusal */
            struct append append = next_append(i + 1, x->seq_acked[i] + 1, events);
            int r = store_append_wait(x->p->s, &append, &done);
            if (r < 0) {
                x->refused[-r]++;
                return r;
            }
            x->seq_acked[i] = done.seq_next - 1;
        }
    }
    return 0;
}

/* After a crash or a reopening: what is there is at least what was acknowledged. */
static void session_take_up(struct session *x)
{
    for (int i = 0; i < CONVERSATIONS; i++) {
        struct event *events;
        size_t n;
        if (journal_read(x->p->s, x->p->a, i + 1, 0, SIZE_MAX, &events, &n, NULL) < 0)
            fail_msg("the journal cannot be read");
        if ((int64_t)n < x->seq_acked[i])
            fail_msg("conversation %d: %lld events acknowledged, %zu there", i + 1, (long long)x->seq_acked[i], n);
        x->seq_acked[i] = (int64_t)n;
    }
}

static bool integrity_ok(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    sqlite3_close(db);
    return ok;
}

static void session_is_whole(struct session *x)
{
    struct sha256 before, after;
    int64_t checked, events = 0;
    session_take_up(x);
    for (int i = 0; i < CONVERSATIONS; i++)
        events += x->seq_acked[i];
    if (journal_verify(x->p->s, &checked, NULL) < 0 || checked != events || events != CONVERSATIONS * (2 * APPENDS - 1))
        fail_msg("the journal is not whole");
    if (journal_derived_sha(x->p->s, &before, NULL) < 0 || journal_refold(x->p->s, NULL) < 0 ||
        journal_derived_sha(x->p->s, &after, NULL) < 0 || !sha256_eq(&before, &after))
        fail_msg("what is derived is not what the events say");
    store_close(x->p->s);
    x->p->s = NULL;
    if (!integrity_ok(x->p->path))
        fail_msg("the file is damaged");
}

static int try_open(struct place *p)
{
    return store_open(&(struct store_config){.path = p->path, .bytes_free_min = 1}, &p->s, NULL);
}

static int nothing(void *arg, struct sqlite3 *db, struct err *e)
{
    return 0;
}

/* The session on a disk that fails at operation `at`; true when it met the fault. */
static bool session_with(enum shim_fault fault, long at)
{
    struct place p = place_empty();
    struct session x = {.p = &p};
    shim_reset(fault, at);
    int r = try_open(&p);
    if (r < 0) {
        /* Nothing was promised; the same file opens once the disk is well. */
        assert_true(r == (fault == SHIM_FULL ? ERR_FULL : ERR_IO));
        shim_reset(SHIM_NONE, 0);
        if (try_open(&p) < 0)
            fail_msg("a file whose opening failed at operation %ld does not open", at);
        assert_int_equal(session_go_on(&x), 0);
        session_is_whole(&x);
        place_free(&p);
        return true;
    }
    r = session_go_on(&x);
    struct err e; /* whatever the answer is: the writer has then done what it does after its last answer */
    int idle = store_write(p.s, nothing, NULL, &e);
    assert_true(idle == 0 || shim_failed());
    bool met = shim_failed();
    if (r < 0 && fault == SHIM_FULL) {
        assert_int_equal(r, ERR_FULL);
        assert_int_equal(store_healthy(p.s, NULL), ERR_FULL);
        assert_int_equal(session_go_on(&x), ERR_FULL);
        shim_reset(SHIM_NONE, 0); /* there is room again: it goes on without a restart */
        assert_int_equal(session_go_on(&x), 0);
        assert_int_equal(store_healthy(p.s, NULL), 0);
    } else if (r < 0) {
        assert_int_equal(r, ERR_IO);
        assert_int_equal(store_healthy(p.s, NULL), ERR_IO);
        assert_int_equal(session_go_on(&x), ERR_IO); /* however well the disk seems now */
        store_close(p.s);
        shim_reset(SHIM_NONE, 0);
        place_open(&p);
        session_take_up(&x);
        assert_int_equal(session_go_on(&x), 0);
    }
    shim_reset(SHIM_NONE, 0);
    if (met && fault == SHIM_EIO && store_healthy(p.s, NULL) < 0) { /* a checkpoint failed: nobody was refused */
        store_close(p.s);
        place_open(&p);
    }
    session_is_whole(&x);
    place_free(&p);
    return met;
}

static void sweep(enum shim_fault fault)
{
    shim_install();
    store_tuning.checkpoint_pages = 30;
    long at = 1;
    while (session_with(fault, at))
        at++;
    shim_remove();
    store_tuning.checkpoint_pages = 4000;
    print_message("%ld operations, each failed once\n", at - 1);
    assert_true(at > 150);
}

TEST(a_disk_that_is_full_at_any_write_loses_nothing_and_works_when_there_is_room)
{
    sweep(SHIM_FULL);
}

TEST(a_disk_that_fails_at_any_operation_stops_the_store_until_it_is_opened_again)
{
    sweep(SHIM_EIO);
}

RUN(cmocka_unit_test(a_disk_that_is_full_at_any_write_loses_nothing_and_works_when_there_is_room),
    cmocka_unit_test(a_disk_that_fails_at_any_operation_stops_the_store_until_it_is_opened_again))
