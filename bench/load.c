/* Customers of a running candor: holds conversations over HTTP and says how many turns a second came back.
 *
 *   load speed URL TOKEN_FILE TALKS SECONDS    TALKS conversations at once, one after the other, for SECONDS
 *   load hold URL TOKEN_FILE TALKS             TALKS conversations whose streams all stay open
 *
 * Customers ask where their card is, give a detail, and say yes to a new one: three turns. bench/run starts the processes
 * around it, reads their processor time and memory, and talks to it by lines: `speed` prints "begin" when it is warm,
 * "end" and a JSON object when the time is over, and "drained" with the number of conversations once all of them are
 * finished. `hold` prints "idle" when every conversation has had a turn, waits for a line, says one more thing in each of
 * them, prints "said" when all are acknowledged or waiting, and ends with the next line. */
#include "talk.h"

#include "base/clock.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP_MS = 1000, TURNS_MAX = 1 << 20, OPENING_AT_ONCE = 64 };

static const char *const words[] = {"Where is my card?", "I asked at the desk, it is not there", "Yes please", NULL};
static const char *const customers[] = {"emma", "bruno",
                                        "grace"}; /* the offline provider's routine asks each for a detail */
enum { LINES = 3, CUSTOMERS = 3 };

struct load {
    struct loop *loop;
    struct talk_world world;
    struct talk **talks;
    int talks_n, started_n, over_n; /* over_n: talks that have come to rest */
    int64_t conversations, acted;
    uint32_t *took_us; /* of the turns inside the measured time */
    size_t turns, conversations_measured;
    int64_t began_us;
    int seconds;
    bool holding, measuring, draining;
};

static void die(void *arg, const char *why)
{
    (void)arg;
    fprintf(stderr, "load: %s\n", why);
    exit(1);
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void wait_for_line(void)
{
    char line[16];
    if (!fgets(line, sizeof line, stdin))
        exit(0);
}

/* --- speed --- */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double share_ms(struct load *l, double p)
{
    return l->turns ? l->took_us[(size_t)(p * (double)(l->turns - 1))] / 1000.0 : 0;
}

static void time_over(void *arg)
{
    struct load *l = arg;
    double seconds = (double)(clock_mono_us() - l->began_us) / 1e6;
    l->measuring = false;
    l->draining = true;
    say("end");
    qsort(l->took_us, l->turns, sizeof *l->took_us, by_size);
    printf("{\"seconds\":%.3f,\"turns\":%zu,\"conversations\":%zu,\"turn_p50_ms\":%.3f,\"turn_p99_ms\":%.3f}\n",
           seconds, l->turns, l->conversations_measured, share_ms(l, 0.5), share_ms(l, 0.99));
    fflush(stdout);
}

static void warm(void *arg)
{
    struct load *l = arg;
    say("begin");
    l->measuring = true;
    l->began_us = clock_mono_us();
    loop_after(l->loop, (int64_t)l->seconds * 1000, time_over, l);
}

static void on_turn(void *arg, struct talk *t, int turn, int64_t took_us)
{
    struct load *l = arg;
    (void)t, (void)turn;
    if (l->measuring && l->turns < TURNS_MAX)
        l->took_us[l->turns++] = (uint32_t)took_us;
}

static void speed_end(struct load *l, struct talk *t, bool acted)
{
    l->conversations++;
    l->acted += acted;
    l->conversations_measured += l->measuring;
    talk_stop(t);
    if (!l->draining) {
        talk_start(t, LINES);
    } else if (++l->over_n == l->talks_n) {
        printf("drained {\"conversations\":%lld,\"acted\":%lld}\n", (long long)l->conversations, (long long)l->acted);
        loop_stop(l->loop);
    }
}

/* --- hold --- */

static void hold_end(struct load *l)
{
    if (l->started_n < l->talks_n)
        talk_start(l->talks[l->started_n++], 1);
    if (++l->over_n == l->talks_n)
        loop_stop(l->loop);
}

static void stop_soon(void *arg)
{
    loop_stop(arg);
}

static void hold(struct load *l)
{
    loop_run(l->loop, NULL, NULL);
    say("idle");
    wait_for_line();
    for (int i = 0; i < l->talks_n; i++) {
        talk_say(l->talks[i], words[1]);
        if (i % OPENING_AT_ONCE == 0)
            loop_once(l->loop, 5);
    }
    loop_after(l->loop, 3000, stop_soon, l->loop);
    loop_run(l->loop, NULL, NULL);
    say("said");
    wait_for_line();
}

static void on_end(void *arg, struct talk *t, bool acted)
{
    struct load *l = arg;
    if (l->holding)
        hold_end(l);
    else
        speed_end(l, t, acted);
}

static const char *authorization(const char *token_file)
{
    static char line[512];
    char token[400] = "";
    FILE *f = fopen(token_file, "r");
    if (!f || !fgets(token, sizeof token, f))
        die(NULL, "the token cannot be read");
    fclose(f);
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    return line;
}

int main(int argc, char **argv)
{
    bool speed = argc == 6 && strcmp(argv[1], "speed") == 0;
    struct load l = {.holding = argc == 5 && strcmp(argv[1], "hold") == 0};
    if (!speed && !l.holding)
        die(NULL, "say: load speed URL TOKEN_FILE TALKS SECONDS, or load hold URL TOKEN_FILE TALKS");
    char run[40];
    struct err e = {0};
    snprintf(run, sizeof run, "%016llx", (unsigned long long)rng_u64());
    l.world = (struct talk_world){.base_url = argv[2],
                                  .authorization = authorization(argv[3]),
                                  .run = run,
                                  .words = words,
                                  .on_turn = on_turn,
                                  .on_end = on_end,
                                  .on_error = die,
                                  .arg = &l};
    l.talks_n = atoi(argv[4]);
    l.seconds = speed ? atoi(argv[5]) : 0;
    l.talks = mem_get((size_t)l.talks_n * sizeof *l.talks);
    l.took_us = mem_get(TURNS_MAX * sizeof *l.took_us);
    if (l.talks_n < 1 || loop_new(&l.loop, &e) < 0 || client_new(l.loop, &l.world.client, &e) < 0)
        die(NULL, e.text);
    for (int i = 0; i < l.talks_n; i++)
        l.talks[i] = talk_new(&l.world, customers[i % CUSTOMERS]);
    int first = speed || l.talks_n < OPENING_AT_ONCE ? l.talks_n : OPENING_AT_ONCE;
    for (; l.started_n < first; l.started_n++)
        talk_start(l.talks[l.started_n], speed ? LINES : 1);
    if (speed) {
        loop_after(l.loop, WARM_UP_MS, warm, &l);
        loop_run(l.loop, NULL, NULL);
    } else {
        hold(&l);
    }
    for (int i = 0; i < l.talks_n; i++)
        talk_free(l.talks[i]);
    client_free(l.world.client);
    loop_free(l.loop);
    free(l.talks);
    free(l.took_us);
    return 0;
}
