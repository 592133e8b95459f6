/* Customers of a running candor: holds conversations over HTTP and says how many turns a second came back.
 *
 *   load speed PORT TOKEN_FILE TALKS SECONDS    TALKS conversations at once, one after the other, for SECONDS
 *   load hold PORT TOKEN_FILE TALKS             TALKS conversations whose streams all stay open
 *
 * Customers ask where their card is, give a detail, and say yes to a new one: three turns. bench/run starts the processes
 * around it, reads their processor time and memory, and talks to it by lines: `speed` prints "begin" when it is warm,
 * "end" and a JSON object when the time is over, and "drained" with the number of conversations once all of them are
 * finished. `hold` prints "idle" when every conversation has had a turn, waits for a line, says one more thing in each of
 * them, prints "said", and ends with the next line. */
#include "talk.h"

#include "base/clock.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARM_UP_US = 1500000, TURNS_MAX = 1 << 20, AT_ONCE = 64 };

static const char *const words[] = {"Where is my card?", "I asked at the desk, it is not there", "Yes please", NULL};
static const char *const customers[] = {"emma", "bruno", "grace"}; /* the offline provider asks each for a detail */
enum { LINES = 3, CUSTOMERS = 3 };

struct load {
    struct talk_world world;
    struct talk **talks;
    int talks_n, started_n, over_n;     /* over_n: talks that have come to rest */
    int64_t said, conversations, acted; /* said: lines that were acknowledged */
    uint32_t *took_us;                  /* of the turns inside the measured time */
    size_t turns, conversations_measured;
    bool holding, measuring, draining;
};

static void die(const char *why)
{
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

static void run_for(struct load *l, int64_t us)
{
    int64_t until = clock_mono_us() + us, left;
    while ((left = until - clock_mono_us()) > 0)
        wires_run(l->world.wires, (int)(left / 1000) + 1);
}

static void on_said(void *arg)
{
    struct load *l = arg;
    l->said++;
}

static void on_turn(void *arg, int64_t took_us)
{
    struct load *l = arg;
    if (l->measuring && l->turns < TURNS_MAX)
        l->took_us[l->turns++] = (uint32_t)took_us;
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

static void speed_end(struct load *l, struct talk *t, bool acted)
{
    l->conversations++;
    l->acted += acted;
    l->conversations_measured += l->measuring;
    talk_stop(t);
    if (l->draining)
        l->over_n++;
    else
        talk_start(t, LINES);
}

static void speed(struct load *l, int seconds)
{
    for (int i = 0; i < l->talks_n; i++)
        talk_start(l->talks[i], LINES);
    run_for(l, WARM_UP_US);
    say("begin");
    l->measuring = true;
    int64_t began_us = clock_mono_us();
    run_for(l, (int64_t)seconds * 1000000);
    double took_s = (double)(clock_mono_us() - began_us) / 1e6;
    l->measuring = false;
    l->draining = true;
    say("end");
    qsort(l->took_us, l->turns, sizeof *l->took_us, by_size);
    printf("{\"seconds\":%.3f,\"turns\":%zu,\"conversations\":%zu,\"turn_p50_ms\":%.3f,\"turn_p99_ms\":%.3f}\n", took_s,
           l->turns, l->conversations_measured, share_ms(l, 0.5), share_ms(l, 0.99));
    fflush(stdout);
    while (l->over_n < l->talks_n)
        wires_run(l->world.wires, 1000);
    printf("drained {\"conversations\":%lld,\"acted\":%lld}\n", (long long)l->conversations, (long long)l->acted);
}

/* --- hold --- */

static void hold_end(struct load *l)
{
    l->over_n++;
    if (l->started_n < l->talks_n)
        talk_start(l->talks[l->started_n++], 1);
}

static void hold(struct load *l)
{
    while (l->started_n < l->talks_n && l->started_n < AT_ONCE)
        talk_start(l->talks[l->started_n++], 1);
    while (l->over_n < l->talks_n)
        wires_run(l->world.wires, 1000);
    say("idle");
    wait_for_line();
    int64_t before = l->said;
    for (int i = 0; i < l->talks_n; i++) {
        talk_say(l->talks[i], words[1]);
        while (l->said < before + i - AT_ONCE)
            wires_run(l->world.wires, 1000);
    }
    while (l->said < before + l->talks_n)
        wires_run(l->world.wires, 1000);
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

static const char *token_read(const char *path)
{
    static char token[400];
    FILE *f = fopen(path, "r");
    if (!f || !fgets(token, sizeof token, f))
        die("the token cannot be read");
    fclose(f);
    return token;
}

int main(int argc, char **argv)
{
    bool is_speed = argc == 6 && strcmp(argv[1], "speed") == 0;
    struct load l = {.holding = argc == 5 && strcmp(argv[1], "hold") == 0};
    if (!is_speed && !l.holding)
        die("say: load speed PORT TOKEN_FILE TALKS SECONDS, or load hold PORT TOKEN_FILE TALKS");
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    char run[40];
    snprintf(run, sizeof run, "%016llx", (unsigned long long)rng_u64());
    l.world = (struct talk_world){.wires = wires_new(atoi(argv[2])),
                                  .token = token_read(argv[3]),
                                  .run = run,
                                  .words = words,
                                  .frugal = l.holding,
                                  .on_said = on_said,
                                  .on_turn = on_turn,
                                  .on_end = on_end,
                                  .arg = &l};
    l.talks_n = atoi(argv[4]);
    l.talks = mem_get((size_t)l.talks_n * sizeof *l.talks);
    l.took_us = mem_get(TURNS_MAX * sizeof *l.took_us);
    for (int i = 0; i < l.talks_n; i++)
        l.talks[i] = talk_new(&l.world, customers[i % CUSTOMERS]);
    if (is_speed)
        speed(&l, atoi(argv[5]));
    else
        hold(&l);
    for (int i = 0; i < l.talks_n; i++)
        talk_free(l.talks[i]);
    wires_free(l.world.wires);
    free(l.talks);
    free(l.took_us);
    return 0;
}
