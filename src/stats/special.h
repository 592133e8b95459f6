/* special: the special functions that intervals are made of.
 *
 * Arithmetic only. Arguments outside a function's domain are our own mistake (assert). Relative
 * precision is about 1e-13 for the counts of a support organisation (up to some millions). */
#ifndef STATS_SPECIAL_H
#define STATS_SPECIAL_H

/* The standard normal distribution and its quantile, 0 < p < 1.
 * source  Acklam's rational start, then two Halley steps */
double special_normal_cdf(double x);
double special_normal_quantile(double p);

/* Regularised incomplete beta I_x(a, b), a and b > 0, 0 <= x <= 1; and its inverse in x.
 * source  Lentz's continued fraction: Numerical Recipes, 3rd ed., 6.4; inverse by bisection */
double special_beta_cdf(double x, double a, double b);
double special_beta_quantile(double p, double a, double b);

/* Student's t with df > 0 degrees of freedom: the quantile of p, 0 < p < 1. */
double special_t_quantile(double p, double df);

#endif
