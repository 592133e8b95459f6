/* interval: how far a figure may lie from the truth.
 *
 * Arithmetic only: no I/O, no clock, no allocation; what is random comes from the caller's seed, so a
 * figure shown twice is shown with the same interval. `confidence_p` is 0.95 for a 95 % interval.
 * A figure is never shown without its n and its method, so both are part of the answer. */
#ifndef STATS_INTERVAL_H
#define STATS_INTERVAL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct interval {
    double value, low, high;
    size_t n;           /* independent units: conversations, or clusters where there are some */
    const char *method; /* static, for people: "Wilson" */
};

/* A share of k among n independent items.
 *
 *   errors  ERR_INVALID: k > n or confidence outside 0..1; ERR_UNDEFINED: n is 0
 *   source  Wilson 1927, JASA 22(158): the default for rates.
 *           Clopper and Pearson 1934, Biometrika 26(4): never below its confidence; for guardrails. */
MUST_USE int interval_wilson(size_t k, size_t n, double confidence_p, struct interval *out, struct err *e);
MUST_USE int interval_clopper_pearson(size_t k, size_t n, double confidence_p, struct interval *out, struct err *e);

/* The mean of n independent values, Student's t with n - 1 degrees of freedom.
 *
 *   errors  ERR_INVALID: confidence outside 0..1; ERR_UNDEFINED: n < 2 (one value has no spread) */
MUST_USE int interval_mean(const double *x, size_t n, double confidence_p, struct interval *out, struct err *e);

/* The mean of n values that come in clusters (trials of a task, conversations of a customer): the values of
 * one cluster tell less than as many independent ones. Weighs every value the same.
 *
 *   x        n values
 *   cluster  the cluster of each value; equal numbers need not stand together
 *   sums     scratch for `clusters` doubles, where every number in `cluster` is below `clusters`
 *   errors   ERR_INVALID: a cluster number out of range; ERR_UNDEFINED: fewer than 2 clusters hold values
 *   source   cluster-robust standard error with C/(C-1), t with C - 1 degrees of freedom:
 *            Liang and Zeger 1986, Biometrika 73(1) */
MUST_USE int interval_clustered(const double *x, const size_t *cluster, size_t n, double *sums, size_t clusters,
                                double confidence_p, struct interval *out, struct err *e);

/* The mean of n independent values (pass^k of each task) by resampling them: for values that are mostly 0
 * or 1, where t would leave 0..1.
 *
 *   means   scratch for `resamples` doubles (2,000 is usual); left sorted
 *   errors  ERR_INVALID: no resamples, or confidence outside 0..1; ERR_UNDEFINED: n < 2
 *   source  the percentile interval of Efron 1979, Annals of Statistics 7(1); quantiles of type 7 */
MUST_USE int interval_bootstrap(const double *x, size_t n, double *means, size_t resamples, uint64_t seed,
                                double confidence_p, struct interval *out, struct err *e);

#endif
