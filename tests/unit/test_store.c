#include "store_fixture.h"

#include "base/clock.h"
#include "store/store_sqlite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

TEST(an_append_is_there_after_closing_and_opening)
{
    struct place p = place_new();
    struct appended done;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put_fenced(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}", 0, &done) == 0);
    CHECK_INT(done.seq_next, 3);
    store_close(p.s);
    place_open(&p);
    struct event *events;
    size_t n;
    CHECK(journal_read(p.s, p.a, 7, 0, 100, &events, &n, NULL) == 0);
    CHECK_INT(n, 2);
    CHECK(events[1].seq == 2 && events[1].kind == EVENT_MESSAGE_RECEIVED && events[1].at_us == 1767225600000000);
    CHECK_STR(events[1].body, "{\"text\":\"hi\"}");
    CHECK(sha256_eq(&events[1].sha, &done.sha));
    place_free(&p);
}

TEST(an_append_that_is_not_next_is_refused_and_writes_nothing)
{
    struct place p = place_new();
    struct appended done;
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}") == ERR_CONFLICT);
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put_fenced(&p, 7, 3, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}", 0, &done) == ERR_CONFLICT);
    CHECK_INT(done.seq_next, 2);
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == ERR_CONFLICT);
    struct event *events;
    size_t n;
    CHECK(journal_read(p.s, p.a, 7, 0, 100, &events, &n, NULL) == 0);
    CHECK_INT(n, 1);
    place_free(&p);
}

TEST(bodies_that_say_too_little_are_refused)
{
    struct place p = place_new();
    CHECK(put(&p, 7, 1, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}") == ERR_INVALID);
    CHECK(put(&p, 7, 1, EVENT_OPENED, "{\"customer\":\"ana\"}") == ERR_INVALID);
    CHECK(put(&p, 0, 1, EVENT_OPENED, OPENED_BY("ana", "")) == ERR_INVALID);
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put(&p, 7, 2, EVENT_OPENED, OPENED_BY("ana", "")) == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_KINDS, "{}") == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_MODEL_ASKED, "[]") == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_MODEL_ASKED, "") == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_ACTION_STARTED, "{\"proposal\":1}") == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_OWNER_CHANGED, "{\"owner\":\"cat\"}") == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"a\",\"text\":\"b\"}") == ERR_INVALID);
    CHECK(store_append_wait(p.s, &(struct append){.conversation = 7, .seq = 2}, NULL) == ERR_INVALID);
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}") == 0);
    place_free(&p);
}

TEST(the_same_message_twice_is_one_message)
{
    struct place p = place_new();
    struct appended done;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    const char *body = "{\"text\":\"hi\",\"client_id\":\"m1\",\"payload_sha\":\"aa\"}";
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, body) == 0);
    /* whatever seq it comes with: the client repeats what it said, not where it stood */
    for (int64_t seq = 2; seq <= 4; seq++) {
        CHECK(put_fenced(&p, 7, seq, EVENT_MESSAGE_RECEIVED, body, 0, &done) == ERR_DUPLICATE);
        CHECK(done.duplicate_of == 2 && !done.duplicate_differs && done.seq_next == 3);
    }
    const char *other = "{\"text\":\"ho\",\"client_id\":\"m1\",\"payload_sha\":\"bb\"}";
    CHECK(put_fenced(&p, 7, 3, EVENT_MESSAGE_RECEIVED, other, 0, &done) == ERR_DUPLICATE);
    CHECK(done.duplicate_differs);
    /* the key is the conversation's own */
    CHECK(put(&p, 8, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(put(&p, 8, 2, EVENT_MESSAGE_RECEIVED, body) == 0);
    place_free(&p);
}

TEST(the_same_opening_twice_is_one_conversation_of_this_customer)
{
    struct place p = place_new();
    struct appended done;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", ",\"key\":\"k\",\"payload_sha\":\"aa\"")) == 0);
    CHECK(put_fenced(&p, 8, 1, EVENT_OPENED, OPENED_BY("ana", ",\"key\":\"k\",\"payload_sha\":\"aa\""), 0, &done) ==
          ERR_DUPLICATE);
    CHECK(done.duplicate_of == 7 && !done.duplicate_differs);
    CHECK(put_fenced(&p, 8, 1, EVENT_OPENED, OPENED_BY("ana", ",\"key\":\"k\",\"payload_sha\":\"bb\""), 0, &done) ==
          ERR_DUPLICATE);
    CHECK(done.duplicate_differs);
    CHECK(put(&p, 8, 1, EVENT_OPENED, OPENED_BY("ben", ",\"key\":\"k\"")) == 0);
    CHECK(put(&p, 9, 1, EVENT_OPENED, OPENED_BY("ana", ",\"key\":\"l\"")) == 0);
    place_free(&p);
}

/* --- groups --- */

struct counted {
    pthread_mutex_t mutex;
    pthread_cond_t all;
    int n, results[2000];
};

static void count(void *arg, const struct appended *done)
{
    struct counted *c = arg;
    pthread_mutex_lock(&c->mutex);
    c->results[c->n++] = done->result;
    pthread_cond_signal(&c->all);
    pthread_mutex_unlock(&c->mutex);
}

static void counted_wait(struct counted *c, int n)
{
    pthread_mutex_lock(&c->mutex);
    while (c->n < n)
        pthread_cond_wait(&c->all, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

static int nap(void *arg, struct sqlite3 *db, struct err *e)
{
    usleep(20000);
    return 0;
}

static void *nap_on_the_writer(void *arg)
{
    struct err e;
    if (store_write(arg, nap, NULL, &e) < 0)
        abort();
    return NULL;
}

TEST(appends_of_one_group_see_each_other_and_a_refused_one_disturbs_none)
{
    struct place p = place_new();
    static struct counted c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    /* While the writer naps the queue fills, so that what follows is one group. */
    pthread_t napper;
    pthread_create(&napper, NULL, nap_on_the_writer, p.s);
    usleep(5000);
    const struct event events[] = {
        event_of(EVENT_OPENED, OPENED_BY("ana", "")),
        event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"one\",\"client_id\":\"1\"}"),
        event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"one\",\"client_id\":\"1\"}"),
        event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"late\"}"),
        event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"two\"}"),
    };
    const int64_t seqs[] = {1, 2, 3, 2, 3};
    for (int i = 0; i < 5; i++)
        store_append(p.s, &(struct append){.conversation = 7, .seq = seqs[i], .events = &events[i], .n = 1}, count, &c);
    counted_wait(&c, 5);
    pthread_join(napper, NULL);
    const int want[] = {0, 0, ERR_DUPLICATE, ERR_CONFLICT, 0};
    for (int i = 0; i < 5; i++)
        CHECK_INT(c.results[i], want[i]);
    int64_t checked;
    CHECK(journal_verify(p.s, &checked, NULL) == 0);
    CHECK_INT(checked, 3);
    place_free(&p);
}

static int posts;

static void post_here(void *arg, void (*fn)(void *), void *x)
{
    posts++;
    fn(x);
}

TEST(a_group_is_answered_by_one_post_in_its_order)
{
    struct place p = place_new();
    store_close(p.s);
    CHECK(store_open(&(struct store_config){.path = p.path, .post = post_here, .bytes_free_min = 1}, &p.s, NULL) == 0);
    static struct counted c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    static struct event events[1000];
    posts = 0;
    pthread_t napper;
    pthread_create(&napper, NULL, nap_on_the_writer, p.s);
    usleep(5000);
    for (int i = 0; i < 1000; i++) {
        events[i] = event_of(EVENT_OPENED, OPENED_BY("ana", ""));
        store_append(p.s, &(struct append){.conversation = i + 1, .seq = 1 + i % 2, .events = &events[i], .n = 1},
                     count, &c);
    }
    counted_wait(&c, 1000);
    pthread_join(napper, NULL);
    CHECK(posts == 2); /* groups have at most 512 */
    for (int i = 0; i < 1000; i++)
        CHECK_INT(c.results[i], i % 2 ? ERR_INVALID : 0);
    place_free(&p);
}

static struct place *racing;

static void *race(void *arg)
{
    /* Everybody appends to the same conversation; whoever was late reads where it stands and tries again. */
    int64_t seq = 2, written = 0;
    while (written < 50) {
        struct appended done;
        int r = put_fenced(racing, 7, seq, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", 0, &done);
        if (r != 0 && r != ERR_CONFLICT)
            abort();
        written += r == 0;
        seq = done.seq_next;
    }
    return NULL;
}

TEST(of_many_who_append_at_once_each_seq_goes_to_one)
{
    struct place p = place_new();
    racing = &p;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, race, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    int64_t checked;
    CHECK(journal_verify(p.s, &checked, NULL) == 0);
    CHECK_INT(checked, 401);
    place_free(&p);
}

TEST(more_conversations_than_are_remembered_go_on_rightly)
{
    struct place p = place_new();
    enum { N = FOLDS_SETS * FOLDS_WAYS + 500 };
    struct event opened = event_of(EVENT_OPENED, OPENED_BY("ana", ""));
    struct event said = event_of(EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}");
    static struct counted c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    for (int64_t from = 1; from <= N; from += 1000) {
        int n = 0;
        c.n = 0;
        for (int64_t id = from; id < from + 1000 && id <= N; id++, n++)
            store_append(p.s, &(struct append){.conversation = id, .seq = 1, .events = &opened, .n = 1}, count, &c);
        counted_wait(&c, n);
    }
    for (int64_t id = 1; id <= 300; id++)
        CHECK(put(&p, id, 2, said.kind, "{\"text\":\"x\"}") == 0);
    int64_t checked;
    CHECK(journal_verify(p.s, &checked, NULL) == 0);
    CHECK_INT(checked, N + 300);
    place_free(&p);
}

/* --- one writer, and leases --- */

TEST(a_second_writer_is_refused_and_told_who_is_there)
{
    struct place p = place_new();
    struct store *second;
    struct err e;
    store_address_set(p.s, "http://127.0.0.1:8080");
    CHECK(store_open(&(struct store_config){.path = p.path}, &second, &e) == ERR_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    CHECK(strstr(e.text, pid) && strstr(e.text, "http://127.0.0.1:8080"));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(store_open(&(struct store_config){.path = p.path}, &second, NULL) == ERR_BUSY ? 0 : 1);
        int status;
        waitpid(child, &status, 0);
        CHECK_INT(status, 0);
    }
    CHECK_STR(store_holder(p.a, p.path), "http://127.0.0.1:8080");
    store_close(p.s);
    CHECK_STR(store_holder(p.a, p.path), "");
    place_open(&p);
    CHECK_STR(store_holder(p.a, p.path), "");
    place_free(&p);
}

TEST(a_lock_ends_with_the_process_that_was_killed)
{
    struct place p = place_new();
    store_close(p.s);
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        place_open(&p);
        CHECK(write(ready[1], "x", 1) == 1);
        pause();
        _exit(0);
    }
    char x;
    CHECK(read(ready[0], &x, 1) == 1);
    struct store *s;
    CHECK(store_open(&(struct store_config){.path = p.path}, &s, NULL) == ERR_BUSY);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    place_open(&p);
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    close(ready[0]);
    close(ready[1]);
    place_free(&p);
}

TEST(a_reader_stands_beside_the_writer_and_sees_what_is_committed)
{
    struct place p = place_new();
    struct place beside = p;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    CHECK(store_open(&(struct store_config){.path = p.path, .read_only = true}, &beside.s, NULL) == 0);
    struct conversation_row row;
    CHECK(conversation_find(beside.s, p.a, 7, &row, NULL) == 0);
    CHECK_INT(row.seq_next, 2);
    CHECK(put(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"hi\"}") == 0);
    CHECK(conversation_find(beside.s, p.a, 7, &row, NULL) == 0);
    CHECK_INT(row.seq_next, 3);
    store_close(beside.s);
    place_free(&p);
    CHECK(store_open(&(struct store_config){.path = p.path, .read_only = true}, &beside.s, NULL) == ERR_NOT_FOUND);
}

TEST(a_holder_that_lost_a_conversation_can_write_it_no_more)
{
    struct place p = place_new();
    int64_t fence = store_fence(p.s);
    CHECK(put_fenced(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", ""), fence, NULL) == 0);
    CHECK(put_fenced(&p, 7, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", fence, NULL) == 0);
    CHECK(store_lease_steal(p.s, 7, NULL) == 0);
    CHECK(put_fenced(&p, 7, 3, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", fence, NULL) == ERR_DENIED);
    clock_set(clock_now_us() + (int64_t)3600 * 1000000); /* no jump of the clock gives it back */
    CHECK(put_fenced(&p, 7, 3, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", fence, NULL) == ERR_DENIED);
    clock_set(0);
    CHECK(put_fenced(&p, 8, 1, EVENT_OPENED, OPENED_BY("ana", ""), fence, NULL) == 0);
    store_close(p.s);
    place_open(&p);
    CHECK(store_fence(p.s) > fence);
    CHECK(put_fenced(&p, 8, 2, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", store_fence(p.s), NULL) == 0);
    CHECK(put_fenced(&p, 8, 3, EVENT_MESSAGE_RECEIVED, "{\"text\":\"x\"}", fence, NULL) == ERR_DENIED);
    place_free(&p);
}

/* --- files, blobs, health --- */

static int raise_schema(void *arg, struct sqlite3 *db, struct err *e)
{
    return sqlite3_exec(db, "INSERT INTO migration VALUES (999, 'from the future', 0)", 0, 0, 0) ? ERR_IO : 0;
}

TEST(a_file_of_a_newer_version_is_refused)
{
    struct place p = place_new();
    struct err e;
    struct store *s;
    CHECK(store_write(p.s, raise_schema, NULL, NULL) == 0);
    store_close(p.s);
    CHECK(store_open(&(struct store_config){.path = p.path}, &s, &e) == ERR_UNSUPPORTED);
    CHECK(store_open(&(struct store_config){.path = p.path, .read_only = true}, &s, &e) == ERR_UNSUPPORTED);
    p.s = NULL;
    place_free(&p);
}

TEST(a_file_that_is_not_ours_is_left_alone)
{
    struct place p = place_new();
    struct store *s;
    store_close(p.s);
    p.s = NULL;
    unlink(p.path);
    sqlite3 *db;
    CHECK(sqlite3_open(p.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE recipes (soup TEXT)", 0, 0, 0) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(store_open(&(struct store_config){.path = p.path}, &s, NULL) == ERR_INVALID);
    FILE *f = fopen(p.path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("no database at all, ", f);
    fclose(f);
    CHECK(store_open(&(struct store_config){.path = p.path}, &s, NULL) == ERR_IO);
    CHECK(store_open(&(struct store_config){.path = "/nowhere/candor.db"}, &s, NULL) == ERR_IO);
    place_free(&p);
}

TEST(nobody_changes_or_deletes_an_event)
{
    struct place p = place_new();
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    store_close(p.s);
    sqlite3 *db;
    CHECK(sqlite3_open(p.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE event SET body = '{}'", 0, 0, 0) == SQLITE_CONSTRAINT);
    CHECK(sqlite3_exec(db, "DELETE FROM event", 0, 0, 0) == SQLITE_CONSTRAINT);
    sqlite3_close(db);
    place_open(&p);
    place_free(&p);
}

TEST(blobs_are_found_by_their_hash)
{
    struct place p = place_new();
    struct sha256 sha, again, none = {0};
    struct str bytes;
    CHECK(store_blob_put(p.s, STR("abc"), &sha, NULL) == 0);
    CHECK(store_blob_put(p.s, STR("abc"), &again, NULL) == 0);
    CHECK(sha256_eq(&sha, &again));
    CHECK(store_blob_get(p.s, p.a, &sha, &bytes, NULL) == 0);
    CHECK_STR(bytes, "abc");
    CHECK(store_blob_get(p.s, p.a, &none, &bytes, NULL) == ERR_NOT_FOUND);
    place_free(&p);
}

TEST(a_disk_below_its_low_water_mark_is_not_healthy)
{
    struct place p = place_new();
    struct err e;
    CHECK(store_healthy(p.s, &e) == 0);
    store_close(p.s);
    CHECK(store_open(&(struct store_config){.path = p.path, .bytes_free_min = INT64_MAX}, &p.s, NULL) == 0);
    CHECK(store_healthy(p.s, &e) == ERR_FULL);
    /* what must go on (hand-offs, erasure) still can */
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    place_free(&p);
}

static int fail_after_writing(void *arg, struct sqlite3 *db, struct err *e)
{
    sqlite3_exec(db, "INSERT INTO blob VALUES (x'00', x'00')", 0, 0, 0);
    return err_set(e, ERR_LIMIT, "no more");
}

TEST(what_a_failed_function_wrote_is_undone)
{
    struct place p = place_new();
    struct err e;
    CHECK(store_write(p.s, fail_after_writing, NULL, &e) == ERR_LIMIT);
    assert_string_equal(e.text, "no more");
    sqlite3_stmt *q;
    CHECK(sqlite3_prepare_v2(store_reader(p.s), "SELECT count(*) FROM blob", -1, &q, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) == 0);
    sqlite3_finalize(q);
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    place_free(&p);
}

TEST(nobody_else_reads_the_file_and_its_log)
{
    struct place p = place_new();
    struct stat st;
    CHECK(put(&p, 7, 1, EVENT_OPENED, OPENED_BY("ana", "")) == 0);
    for (const char *const *tail = (const char *const[]){"", "-wal", "-shm", NULL}; *tail; tail++) {
        CHECK_INT(stat(str_f(p.a, "%s%s", p.path, *tail).p, &st), 0);
        CHECK_INT(st.st_mode & 0777, 0600);
    }
    place_free(&p);
}

RUN(cmocka_unit_test(an_append_is_there_after_closing_and_opening),
    cmocka_unit_test(an_append_that_is_not_next_is_refused_and_writes_nothing),
    cmocka_unit_test(bodies_that_say_too_little_are_refused), cmocka_unit_test(the_same_message_twice_is_one_message),
    cmocka_unit_test(the_same_opening_twice_is_one_conversation_of_this_customer),
    cmocka_unit_test(appends_of_one_group_see_each_other_and_a_refused_one_disturbs_none),
    cmocka_unit_test(a_group_is_answered_by_one_post_in_its_order),
    cmocka_unit_test(of_many_who_append_at_once_each_seq_goes_to_one),
    cmocka_unit_test(more_conversations_than_are_remembered_go_on_rightly),
    cmocka_unit_test(a_second_writer_is_refused_and_told_who_is_there),
    cmocka_unit_test(a_lock_ends_with_the_process_that_was_killed),
    cmocka_unit_test(a_reader_stands_beside_the_writer_and_sees_what_is_committed),
    cmocka_unit_test(a_holder_that_lost_a_conversation_can_write_it_no_more),
    cmocka_unit_test(a_file_of_a_newer_version_is_refused), cmocka_unit_test(a_file_that_is_not_ours_is_left_alone),
    cmocka_unit_test(nobody_changes_or_deletes_an_event), cmocka_unit_test(blobs_are_found_by_their_hash),
    cmocka_unit_test(a_disk_below_its_low_water_mark_is_not_healthy),
    cmocka_unit_test(what_a_failed_function_wrote_is_undone), cmocka_unit_test(nobody_else_reads_the_file_and_its_log))
