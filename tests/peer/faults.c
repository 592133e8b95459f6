#include "faults.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULTS] = {
    [FAULT_NONE] = "none",       [FAULT_429] = "429",       [FAULT_500] = "500",         [FAULT_HANG] = "hang",
    [FAULT_CUT] = "cut",         [FAULT_BADSSE] = "badsse", [FAULT_BADJSON] = "badjson", [FAULT_BADTOOL] = "badtool",
    [FAULT_BADARGS] = "badargs", [FAULT_LOOP] = "loop",     [FAULT_SLOW] = "slow",       [FAULT_EMPTY] = "empty",
};

const char *fault_name(enum fault f)
{
    return names[f];
}

static enum fault fault_of(struct str name)
{
    for (int f = 1; f < FAULTS; f++)
        if (str_is(name, names[f]))
            return (enum fault)f;
    return FAULT_NONE;
}

static int read_one(struct faults *f, struct str part, struct err *e)
{
    bool fixed = str_has(part, STR("@"));
    struct str rest = part, name;
    str_split(&rest, fixed ? '@' : '=', &name);
    enum fault fault = fault_of(name);
    if (fault == FAULT_NONE || rest.n == 0 || rest.n > 20)
        return err_set(e, ERR_INVALID, "faults wants name=probability or name@number, got \"%.*s\"", STR_ARG(part));
    if (fixed) {
        int64_t at;
        if (f->fixed_n == FAULTS_FIXED_MAX || str_int(rest, &at) < 0)
            return err_set(e, ERR_INVALID, "\"%.*s\" names no request, or there are too many", STR_ARG(part));
        f->fixed[f->fixed_n].fault = fault;
        f->fixed[f->fixed_n++].at = at;
        return 0;
    }
    char number[24], *end;
    snprintf(number, sizeof number, "%.*s", STR_ARG(rest));
    f->p[fault] = strtod(number, &end);
    if (*end || !(f->p[fault] >= 0 && f->p[fault] <= 1))
        return err_set(e, ERR_INVALID, "\"%.*s\" is no probability", STR_ARG(part));
    return 0;
}

int faults_read(struct faults *f, struct str text, struct err *e)
{
    struct faults fresh = {.fixed_n = 0};
    struct str rest = str_trim(text), part;
    if (text.n >= sizeof fresh.text)
        return err_set(e, ERR_INVALID, "faults has up to %zu bytes", sizeof fresh.text - 1);
    while (rest.n && str_split(&rest, ',', &part))
        if (read_one(&fresh, str_trim(part), e) < 0)
            return e->code;
    double sum = 0;
    for (int i = 0; i < FAULTS; i++)
        sum += fresh.p[i];
    if (sum > 1 + 1e-9)
        return err_set(e, ERR_INVALID, "the faults' probabilities are more than 1 together");
    snprintf(fresh.text, sizeof fresh.text, "%.*s", STR_ARG(text));
    *f = fresh;
    return 0;
}

enum fault faults_draw(const struct faults *f, uint64_t seed, int64_t n, uint64_t *dice)
{
    uint64_t state = seed ^ ((uint64_t)n * 0x9e3779b97f4a7c15u);
    double x = (double)(rng_next(&state) >> 11) / 9007199254740992.0; /* 53 bits: 0 <= x < 1 */
    *dice = rng_next(&state);
    for (size_t i = 0; i < f->fixed_n; i++)
        if (f->fixed[i].at == n)
            return f->fixed[i].fault;
    for (int i = 1; i < FAULTS; i++) {
        if (x < f->p[i])
            return (enum fault)i;
        x -= f->p[i];
    }
    return FAULT_NONE;
}
