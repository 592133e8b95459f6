/* Whoever dies anywhere in the card-delivery conversation leaves one new card and the same words behind.
 *
 * The program is a process of its own: engine, runner and store on a file, the bank in memory that outlives it. It ends at
 * its first place, at its second, ..., once at each and then at each pair of neighbours: after every append that became
 * durable, before every request leaves, and after every request was made and nobody heard the answer. Another process goes
 * on with the file. */
#include "../unit/test.h"

#include "shop.h"

#include "base/clock.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIED = 42, WORDS_MAX = 8192 };

/* What outlives the processes. */
struct outside {
    struct bank bank;
    int places, dies_at;
    int64_t conversation, now_us;
    char words[WORDS_MAX];
    int starts, keys, dones;
};

static struct outside *out;
static char dir[256];

static void die_here(struct shop *s, enum shop_place place)
{
    out->now_us = clock_now_us();
    if (++out->places == out->dies_at)
        _exit(DIED);
}

static int messages(struct shop *s)
{
    return s->conversation ? shop_count(s, EVENT_MESSAGE_RECEIVED) : 0;
}

/* How many different keys the journal started the action under. */
static void count_keys(struct shop *s)
{
    struct event *events;
    struct json *body;
    struct str keys[16];
    size_t n = shop_events(s, &events);
    out->starts = out->keys = out->dones = 0;
    for (size_t i = 0; i < n; i++) {
        out->dones += events[i].kind == EVENT_ACTION_DONE;
        if (events[i].kind != EVENT_ACTION_STARTED || json_parse(s->arena, events[i].body, &body, NULL) < 0)
            continue;
        struct str key = json_str(json_get(body, "key"));
        int k = 0;
        while (k < out->keys && !str_eq(keys[k], key))
            k++;
        if (k == out->keys && k < 16)
            keys[out->keys++] = key;
        out->starts++;
    }
}

/* One process: takes up what is there, then says what the customer has not said yet. */
static void process(const char *path)
{
    struct shop s = {.arena = arena_new("process", 0), .bank = &out->bank, .place = die_here};
    struct err e = {0};
    size_t taken_up;
    clock_set(out->now_us);
    shop_lives(&s, path, 0);
    s.conversation = out->conversation;
    if (runner_resume(s.runner, &taken_up, &e) < 0)
        _exit(1);
    shop_rest(&s);
    if (!out->conversation) /* the customer asks again until there is a conversation */
        out->conversation = shop_open(&s);
    if (messages(&s) < 1)
        shop_say(&s, "my card never came", "m1");
    if (messages(&s) < 2)
        shop_say(&s, "yes please", "m2");
    snprintf(out->words, sizeof out->words, "%.*s", STR_ARG(shop_replies(&s)));
    count_keys(&s);
    out->now_us = clock_now_us();
    _exit(0);
}

/* Runs a process that ends at the given place; true: it came to its end. */
static bool run(const char *path, int dies_at)
{
    int status;
    out->places = 0;
    out->dies_at = dies_at;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        process(path);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
    return WEXITSTATUS(status) == 0;
}

/* A conversation whose first process dies at `first`, the second at `second` (0: not at all). */
static bool lived(int first, int second, bool forgets_keys)
{
    char path[300];
    struct arena *a = arena_new("path", 0);
    snprintf(path, sizeof path, "%s/store.db", dir);
    assert_int_equal(system(str_f(a, "rm -f '%s'*", path).p), 0);
    memset(out, 0, sizeof *out);
    out->now_us = 1773133200000000;
    out->bank.days_late = 9;
    out->bank.forgets_keys = forgets_keys;
    bool whole = run(path, first);
    if (!whole && (!second || !run(path, second)))
        assert_true(run(path, 0));
    arena_free(a);
    return whole;
}

TEST(whoever_dies_anywhere_leaves_one_card_and_the_same_words_behind)
{
    char words[WORDS_MAX];
    int deaths = 0;
    CHECK(lived(0, 0, false));
    int places = out->places;
    CHECK(places >= 14 && out->bank.effects == 1);
    snprintf(words, sizeof words, "%s", out->words);
    CHECK(strstr(words, "Shall I order a new card") && strstr(words, "Done: your new card is ordered under RC-1"));
    for (int first = 1; first <= places; first++)
        for (int second = 0; second <= 5; second++) {
            CHECK(!lived(first, second, false));
            deaths++;
            if (out->bank.effects != 1 || strcmp(out->words, words) != 0)
                fail_msg("died at %d and %d: %d cards\n%s", first, second, out->bank.effects, out->words);
            CHECK(out->keys == 1 && out->dones == 1);
        }
    print_message("%d places, %d conversations that died: 1 card and the same words in each\n", places, deaths);
}

/* The sweep would notice: a bank that knows no keys gives two cards to somebody who dies at the wrong place. */
TEST(the_sweep_notices_a_bank_that_forgets_keys)
{
    int most = 0;
    CHECK(lived(0, 0, false));
    int places = out->places;
    for (int first = 1; first <= places; first++) {
        lived(first, 0, true);
        most = out->bank.effects > most ? out->bank.effects : most;
    }
    CHECK_INT(most, 2);
}

static int group_start(void **state)
{
    (void)state;
    out = mmap(NULL, sizeof *out, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(dir, sizeof dir, "%s/candor-sweep-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    return out == MAP_FAILED || !mkdtemp(dir);
}

static int group_end(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    munmap(out, sizeof *out);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_dies_anywhere_leaves_one_card_and_the_same_words_behind),
        cmocka_unit_test(the_sweep_notices_a_bank_that_forgets_keys),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
