#include "base/fault.h"

#include "base/rng.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fault_armed;

static _Atomic long passed;
static long die_at;  /* 0: by probability */
static double die_p; /* 0: never */
static uint64_t die_seed;

static void report(void)
{
    fprintf(stderr, "fault points passed: %ld\n", atomic_load(&passed));
}

void fault_init(void)
{
    const char *spec = getenv("CANDOR_FAULT");
    if (!spec)
        return;
    unsigned long long seed = 1;
    if (strcmp(spec, "count") == 0) {
        atexit(report);
    } else if (sscanf(spec, "kill:p=%lf:seed=%llu", &die_p, &seed) >= 1) {
        die_seed = seed;
    } else if (sscanf(spec, "kill:%ld", &die_at) != 1 || die_at < 1) {
        fprintf(stderr, "CANDOR_FAULT=%s is not kill:N, kill:p=X:seed=S or count\n", spec);
        exit(2);
    }
    fault_armed = 1;
}

void fault_hit(const char *name)
{
    long n = atomic_fetch_add(&passed, 1) + 1;
    uint64_t state = die_seed + (uint64_t)n;
    double x = (double)(rng_next(&state) >> 11) * 0x1p-53;
    if (n != die_at && !(die_p > 0 && x < die_p))
        return;
    fprintf(stderr, "dying at fault point %ld (%s)\n", n, name);
    raise(SIGKILL);
}
