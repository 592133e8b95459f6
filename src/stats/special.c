#include "stats/special.h"

#include <assert.h>
#include <math.h>

enum {
    FRACTION_STEPS_MAX = 2000, /* about sqrt(max(a, b)) are needed */
    BISECTIONS = 200           /* halves [0, 1] down to the last bit of the smallest answers */
};

static const double TINY = 1e-300; /* stands for a zero denominator in Lentz's method */

double special_normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* The polynomial with n coefficients, highest power first. */
static double polynomial(const double *c, int n, double x)
{
    double v = 0;
    for (int i = 0; i < n; i++)
        v = v * x + c[i];
    return v;
}

static double normal_quantile_start(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                               1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                               6.680131188771972e+01,  -1.328068155288572e+01, 1};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                               -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00, 1};
    const double tail = 0.02425;
    if (p > 1 - tail)
        return -normal_quantile_start(1 - p);
    if (p < tail) {
        double q = sqrt(-2 * log(p));
        return polynomial(c, 6, q) / polynomial(d, 5, q);
    }
    double q = p - 0.5, r = q * q;
    return polynomial(a, 6, r) * q / polynomial(b, 6, r);
}

double special_normal_quantile(double p)
{
    assert(p > 0 && p < 1);
    double x = normal_quantile_start(p);
    for (int i = 0; i < 2; i++) {
        double u = (special_normal_cdf(x) - p) * sqrt(2 * M_PI) * exp(x * x / 2);
        x -= u / (1 + x * u / 2);
    }
    return x;
}

static double not_zero(double v)
{
    return fabs(v) > TINY ? v : TINY;
}

static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m < FRACTION_STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    return h;
}

static double log_gamma(double x)
{
    int sign; /* lgamma() would write the global signgam: threads would share it */
    return lgamma_r(x, &sign);
}

double special_beta_cdf(double x, double a, double b)
{
    assert(a > 0 && b > 0);
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) /* else the mirrored fraction converges faster */
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double special_beta_quantile(double p, double a, double b)
{
    assert(p > 0 && p < 1);
    double low = 0, high = 1;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (middle <= low || middle >= high) /* neighbours: the last bit is reached */
            break;
        if (special_beta_cdf(middle, a, b) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double special_t_quantile(double p, double df)
{
    assert(p > 0 && p < 1 && df > 0);
    if (p == 0.5)
        return 0;
    if (p < 0.5)
        return -special_t_quantile(1 - p, df);
    double x = special_beta_quantile(2 * (1 - p), df / 2, 0.5);
    return sqrt(df * (1 - x) / x);
}
