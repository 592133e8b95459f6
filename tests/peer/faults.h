/* faults: what goes wrong with a request to the simulated model, and how often.
 *
 * "429=0.1,cut=0.05,500@3": one request in ten is answered 429, one in twenty is cut; the third request is
 * answered 500 whatever the dice say. What happens to a request depends on the seed and its number alone. */
#ifndef PEER_FAULTS_H
#define PEER_FAULTS_H

#include "base/json.h"

enum fault {
    FAULT_NONE,
    FAULT_429,     /* too many requests, Retry-After: 0 or 1 */
    FAULT_500,     /* the server failed */
    FAULT_HANG,    /* no answer, ever */
    FAULT_CUT,     /* the connection breaks: in the middle of a stream, or before an answer */
    FAULT_BADSSE,  /* a stream whose lines are no event stream; without streaming, a page of HTML */
    FAULT_BADJSON, /* JSON that breaks off */
    FAULT_BADTOOL, /* a call of a tool that does not exist */
    FAULT_BADARGS, /* a call whose arguments are no JSON */
    FAULT_LOOP,    /* a call of the same read once more */
    FAULT_SLOW,    /* the first token comes after slow_ms */
    FAULT_EMPTY,   /* neither words nor calls */
    FAULTS
};

enum { FAULTS_FIXED_MAX = 32 };

struct faults {
    double p[FAULTS]; /* 0..1; together up to 1 */
    struct {
        enum fault fault;
        int64_t at;
    } fixed[FAULTS_FIXED_MAX];
    size_t fixed_n;
    char text[512]; /* as it was given */
};

/* "" is none. On an error nothing is changed. */
MUST_USE int faults_read(struct faults *f, struct str text, struct err *e);

/* The fault of request n (1, 2, ...). `dice` becomes a random number that belongs to the request. */
enum fault faults_draw(const struct faults *f, uint64_t seed, int64_t n, uint64_t *dice);

const char *fault_name(enum fault f);

#endif
