#include "net_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static char order[64];
static int order_n;

static void note(void *arg)
{
    order[order_n++] = *(const char *)arg;
    order[order_n] = 0;
}

static int group_up(void **state)
{
    order_n = 0;
    order[0] = 0;
    loop_up();
    return 0;
}

static int group_down(void **state)
{
    loop_free(loop);
    return 0;
}

TEST(functions_run_in_the_order_they_were_posted)
{
    loop_post(loop, note, "a");
    loop_post(loop, note, "b");
    loop_post(loop, note, "c");
    CHECK_INT(order_n, 0); /* never inside the post */
    loop_once(loop, 100);
    CHECK_STR(str_of(order), "abc");
}

static void post_again(void *arg)
{
    note("1");
    loop_post(loop, note, "2");
}

TEST(what_a_posted_function_posts_comes_after_its_burst)
{
    loop_post(loop, post_again, NULL);
    loop_post(loop, note, "x");
    pump(20);
    CHECK_STR(str_of(order), "1x2");
}

enum { THREADS_N = 4, POSTS_N = 20000 };

static int counts[THREADS_N], posted_sum;
static bool in_order = true;

struct ticket {
    int thread, number;
};

static void take(void *arg)
{
    struct ticket *t = arg;
    in_order &= counts[t->thread]++ == t->number;
    posted_sum++;
    free(t);
}

static void *poster(void *arg)
{
    for (int i = 0; i < POSTS_N; i++) {
        struct ticket *t = malloc(sizeof *t);
        *t = (struct ticket){(int)(intptr_t)arg, i};
        loop_post(loop, take, t);
    }
    return NULL;
}

static bool all_taken(void *arg)
{
    return posted_sum == THREADS_N * POSTS_N;
}

TEST(no_post_of_any_thread_is_lost_or_overtaken)
{
    pthread_t threads[THREADS_N];
    for (int i = 0; i < THREADS_N; i++)
        pthread_create(&threads[i], NULL, poster, (void *)(intptr_t)i);
    CHECK(pump_until(all_taken, NULL, 20000));
    for (int i = 0; i < THREADS_N; i++)
        pthread_join(threads[i], NULL);
    CHECK(in_order);
}

TEST(timers_fire_by_their_time_and_not_before)
{
    int64_t start_us = clock_mono_us();
    loop_after(loop, 60, note, "c");
    loop_after(loop, 20, note, "b");
    loop_after(loop, 0, note, "a");
    struct loop_timer *never_fires = loop_after(loop, 30, note, "x");
    loop_cancel(never_fires);
    while (order_n < 3)
        loop_once(loop, 10);
    CHECK(clock_mono_us() - start_us >= 59000);
    CHECK_STR(str_of(order), "abc");
}

TEST(a_delay_counts_from_the_call_also_after_a_slow_function)
{
    struct timespec slow = {.tv_nsec = 40000000};
    loop_once(loop, 0);
    nanosleep(&slow, NULL);
    int64_t start_us = clock_mono_us();
    loop_after(loop, 30, note, "a");
    while (order_n == 0)
        loop_once(loop, 5);
    CHECK(clock_mono_us() - start_us >= 29000);
}

static void stop(void *arg)
{
    note("s");
    loop_stop(loop);
}

static void signalled(void *arg, int signal)
{
    note(signal == SIGTERM ? "T" : "I");
    if (signal == SIGTERM)
        loop_stop(loop);
}

static void raise_it(void *arg)
{
    raise(*(int *)arg);
}

TEST(it_runs_until_it_is_stopped_and_can_run_again)
{
    loop_after(loop, 1, stop, NULL);
    loop_run(loop, NULL, NULL);
    loop_after(loop, 1, stop, NULL);
    loop_run(loop, NULL, NULL);
    CHECK_STR(str_of(order), "ss");
}

TEST(interrupt_and_termination_come_as_calls_on_the_loop)
{
    int interrupt = SIGINT, terminate = SIGTERM;
    loop_post(loop, raise_it, &interrupt);
    loop_after(loop, 20, raise_it, &terminate);
    loop_run(loop, signalled, NULL);
    CHECK_STR(str_of(order), "IT");
}

TEST(the_process_may_open_as_many_files_as_the_system_lets_it)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    CHECK(files.rlim_cur == files.rlim_max);
}

TEST(what_was_not_run_is_given_back_with_the_loop)
{
    loop_after(loop, 100000, note, "x");
    loop_post(loop, note, "x");
    CHECK_INT(order_n, 0);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, group_up, group_down)

RUN(ROW(functions_run_in_the_order_they_were_posted), ROW(what_a_posted_function_posts_comes_after_its_burst),
    ROW(no_post_of_any_thread_is_lost_or_overtaken), ROW(timers_fire_by_their_time_and_not_before),
    ROW(a_delay_counts_from_the_call_also_after_a_slow_function), ROW(it_runs_until_it_is_stopped_and_can_run_again),
    ROW(interrupt_and_termination_come_as_calls_on_the_loop),
    ROW(the_process_may_open_as_many_files_as_the_system_lets_it), ROW(what_was_not_run_is_given_back_with_the_loop))
