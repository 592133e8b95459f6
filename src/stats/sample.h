/* sample: plain sums over a sample: mean, spread, quantile, and pass^k of repeated trials.
 *
 * Arithmetic only: no I/O, no clock, no allocation. */
#ifndef STATS_SAMPLE_H
#define STATS_SAMPLE_H

#include "base/err.h"

#include <stddef.h>

/* The mean of n > 0 values. Values lie within their own smallest and largest. */
double sample_mean(const double *x, size_t n);
/* Standard deviation with n - 1 in the denominator; n > 1. */
double sample_sd(const double *x, size_t n);
/* Quantile p (0..1) of n > 0 values in ascending order, with linear interpolation.
 *   source  type 7 of Hyndman and Fan 1996, The American Statistician 50(4) */
double sample_quantile(const double *sorted, size_t n, double p);
/* Puts values into ascending order, in place. */
void sample_sort(double *x, size_t n);

/* pass^k of one task: the chance that k trials drawn from these all succeed, C(successes, k) / C(trials, k).
 *
 *   p       written on success only; 0..1. The value of a suite is the mean over its tasks; a pooled
 *           success rate to the power of k is something else (Jensen) and is not offered.
 *   errors  ERR_INVALID: k < 1 or successes > trials
 *           ERR_UNDEFINED: the task has fewer than k trials
 *   source  Yao et al. 2024, arXiv:2406.12045, section 3 */
MUST_USE int sample_pass_k(size_t successes, size_t trials, size_t k, double *p, struct err *e);

#endif
