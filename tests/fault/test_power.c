/* The power is cut at random moments: of what was not yet synced, each sector is new, old or torn.
 * Every acknowledged event must be there afterwards, and with synchronous = NORMAL some must not:
 * else this test could not see a store that does not wait for the disk.
 *
 *   fault_power [CUTS [SEED]]      100 cuts unless told otherwise */
#include "store_fixture.h"
#include "vfs_shim.h"

#include "base/rng.h"
#include "store/store_sqlite.h"

#include <sqlite3.h>

enum { CONVERSATIONS = 6, CUTS_PER_SESSION = 10, OPERATIONS_BETWEEN = 25 };

static int cuts_wanted = 100;
static uint64_t seed = 1;

/* What was acknowledged when the power went, and the folder with what was left on the platter. */
struct cut {
    char folder[64];
    int64_t acked[CONVERSATIONS];
};

static struct session {
    struct store *s;
    struct event events[CONVERSATIONS][2];
    int64_t acked[CONVERSATIONS]; /* the writer thread's own until it is idle */
    struct cut cuts[CUTS_PER_SESSION];
    int cuts_n;
    long operations_left;
    uint64_t random;
    pthread_mutex_t mutex;
    pthread_cond_t over;
    int running;
} session = {.mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

/* Ahead of an operation of the disk, on the thread that also acknowledges. */
static void maybe_cut(void *arg)
{
    struct session *x = arg;
    if (x->cuts_n == CUTS_PER_SESSION || x->operations_left-- > 0)
        return;
    x->operations_left = (long)(rng_next(&x->random) % (2 * OPERATIONS_BETWEEN));
    struct cut *cut = &x->cuts[x->cuts_n++];
    folder_new(cut->folder);
    memcpy(cut->acked, x->acked, sizeof cut->acked);
    shim_cut(cut->folder, &x->random);
}

static void append_next(struct session *x, int i);

static void acknowledged(void *arg, const struct appended *done)
{
    int i = (int)(intptr_t)arg;
    struct session *x = &session;
    if (done->result < 0)
        abort();
    x->acked[i] = done->seq_next - 1;
    if (x->cuts_n < CUTS_PER_SESSION) {
        append_next(x, i);
        return;
    }
    pthread_mutex_lock(&x->mutex);
    x->running--;
    pthread_cond_signal(&x->over);
    pthread_mutex_unlock(&x->mutex);
}

static void append_next(struct session *x, int i)
{
    static const char opened[] = "{\"agent\":\"a\",\"customer\":\"ana\",\"channel\":\"web\"}";
    bool first = x->acked[i] == 0;
    x->events[i][0] =
        first ? event_of(EVENT_OPENED, opened) : event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"Hello?\"}");
    x->events[i][1] = event_of(EVENT_REPLY_SENT, "{\"mid\":\"m\",\"text\":\"A person would know the rest of this.\"}");
    store_append(x->s, &(struct append){.conversation = i + 1, .seq = x->acked[i] + 1, .events = x->events[i], .n = 2},
                 acknowledged, (void *)(intptr_t)i);
}

/* Runs one session on a fresh file; its cuts are in session.cuts. */
static void session_run(uint64_t random)
{
    struct place p = place_empty();
    struct session *x = &session;
    memset(x->acked, 0, sizeof x->acked);
    x->cuts_n = 0;
    x->random = random;
    x->operations_left = (long)(rng_next(&x->random) % 80); /* also while the tables are made */
    x->running = CONVERSATIONS;
    shim_install();
    shim_watch(maybe_cut, x);
    place_open(&p);
    x->s = p.s;
    for (int i = 0; i < CONVERSATIONS; i++)
        append_next(x, i);
    pthread_mutex_lock(&x->mutex);
    while (x->running)
        pthread_cond_wait(&x->over, &x->mutex);
    pthread_mutex_unlock(&x->mutex);
    place_free(&p);
    shim_watch(NULL, NULL);
    shim_remove();
}

static bool integrity_ok(struct store *s)
{
    sqlite3_stmt *q;
    bool ok = sqlite3_prepare_v2(store_reader(s), "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    return ok;
}

/* Opens what a cut left. Acknowledged events that are missing; fails the test when the file is damaged. */
static int64_t events_lost(const struct cut *cut)
{
    struct place p = {.a = arena_new("cut", 0)};
    snprintf(p.folder, sizeof p.folder, "%s", cut->folder);
    snprintf(p.path, sizeof p.path, "%s/candor.db", cut->folder);
    place_open(&p);
    int64_t checked, lost = 0;
    struct sha256 before, after;
    struct err e = {0};
    if (journal_verify(p.s, &checked, &e) < 0 || !integrity_ok(p.s))
        fail_msg("damaged: %s", e.text);
    if (journal_derived_sha(p.s, &before, &e) < 0 || journal_refold(p.s, &e) < 0 ||
        journal_derived_sha(p.s, &after, &e) < 0 || !sha256_eq(&before, &after))
        fail_msg("what is derived is not what the events say: %s", e.text);
    for (int i = 0; i < CONVERSATIONS; i++) {
        struct event *events;
        size_t n;
        if (journal_read(p.s, p.a, i + 1, 0, SIZE_MAX, &events, &n, &e) < 0)
            fail_msg("%s", e.text);
        if ((int64_t)n < cut->acked[i])
            lost += cut->acked[i] - (int64_t)n;
    }
    place_free(&p);
    return lost;
}

static int64_t cut_often(const char *synchronous, int64_t *acked)
{
    int64_t lost = 0;
    *acked = 0;
    store_tuning = (struct store_tuning){.synchronous = synchronous, .checkpoint_pages = 30};
    for (int cuts = 0; cuts < cuts_wanted; cuts += CUTS_PER_SESSION) {
        session_run(seed * 1000003 + (uint64_t)cuts);
        for (int i = 0; i < CUTS_PER_SESSION; i++) {
            for (int c = 0; c < CONVERSATIONS; c++)
                *acked += session.cuts[i].acked[c];
            lost += events_lost(&session.cuts[i]);
        }
    }
    store_tuning = (struct store_tuning){.synchronous = "FULL", .checkpoint_pages = 4000};
    print_message("synchronous = %s: %d cuts, %lld events acknowledged before them, %lld lost\n", synchronous,
                  cuts_wanted, (long long)*acked, (long long)lost);
    return lost;
}

TEST(no_acknowledged_event_is_lost_when_the_power_is_cut)
{
    int64_t acked;
    CHECK_INT(cut_often("FULL", &acked), 0);
    CHECK(acked > cuts_wanted);
}

TEST(a_store_that_does_not_wait_for_the_disk_is_caught)
{
    int64_t acked;
    CHECK(cut_often("NORMAL", &acked) > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_acknowledged_event_is_lost_when_the_power_is_cut),
                                       cmocka_unit_test(a_store_that_does_not_wait_for_the_disk_is_caught)};
    cuts_wanted = argc > 1 ? atoi(argv[1]) : cuts_wanted;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : seed;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
