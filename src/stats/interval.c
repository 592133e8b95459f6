#include "stats/interval.h"

#include "base/rng.h"
#include "stats/sample.h"
#include "stats/special.h"

#include <math.h>

static int confidence_check(double confidence_p, struct err *e)
{
    if (!(confidence_p > 0 && confidence_p < 1))
        return err_set(e, ERR_INVALID, "a confidence lies between 0 and 1, got %g", confidence_p);
    return 0;
}

static int share_check(size_t k, size_t n, double confidence_p, struct err *e)
{
    if (k > n)
        return err_set(e, ERR_INVALID, "a share needs k <= n, got %zu of %zu", k, n);
    if (confidence_check(confidence_p, e))
        return ERR_INVALID;
    if (n == 0)
        return err_set(e, ERR_UNDEFINED, "no items: a share of nothing has no value");
    return 0;
}

int interval_wilson(size_t k, size_t n, double confidence_p, struct interval *out, struct err *e)
{
    int r = share_check(k, n, confidence_p, e);
    if (r)
        return r;
    double z = special_normal_quantile(1 - (1 - confidence_p) / 2), items = (double)n, p = (double)k / items;
    double center = (p + z * z / (2 * items)) / (1 + z * z / items);
    double half = z * sqrt(p * (1 - p) / items + z * z / (4 * items * items)) / (1 + z * z / items);
    *out = (struct interval){.value = p, .n = n, .method = "Wilson"};
    out->low = k == 0 ? 0 : center - half; /* exactly 0 and 1 at the ends, where rounding would miss them */
    out->high = k == n ? 1 : center + half;
    return 0;
}

int interval_clopper_pearson(size_t k, size_t n, double confidence_p, struct interval *out, struct err *e)
{
    int r = share_check(k, n, confidence_p, e);
    if (r)
        return r;
    double tail = (1 - confidence_p) / 2, hits = (double)k, misses = (double)(n - k);
    *out = (struct interval){.value = hits / (double)n, .n = n, .method = "Clopper-Pearson"};
    out->low = k == 0 ? 0 : special_beta_quantile(tail, hits, misses + 1);
    out->high = k == n ? 1 : special_beta_quantile(1 - tail, hits + 1, misses);
    return 0;
}

int interval_mean(const double *x, size_t n, double confidence_p, struct interval *out, struct err *e)
{
    if (confidence_check(confidence_p, e))
        return ERR_INVALID;
    if (n < 2)
        return err_set(e, ERR_UNDEFINED, "%zu value(s): an interval for a mean needs at least 2", n);
    double mean = sample_mean(x, n);
    double half = special_t_quantile(1 - (1 - confidence_p) / 2, (double)(n - 1)) * sample_sd(x, n) / sqrt((double)n);
    *out = (struct interval){.value = mean, .low = mean - half, .high = mean + half, .n = n, .method = "t"};
    return 0;
}

/* Leaves in sums[g] the sum of the deviations from the mean of cluster g; NAN where a cluster is empty. */
static int cluster_sums(const double *x, const size_t *cluster, size_t n, double *sums, size_t clusters, struct err *e)
{
    double mean = sample_mean(x, n);
    for (size_t g = 0; g < clusters; g++)
        sums[g] = NAN;
    for (size_t i = 0; i < n; i++) {
        if (cluster[i] >= clusters)
            return err_set(e, ERR_INVALID, "value %zu is in cluster %zu of %zu", i, cluster[i], clusters);
        double *sum = &sums[cluster[i]];
        *sum = (isnan(*sum) ? 0 : *sum) + x[i] - mean;
    }
    return 0;
}

int interval_clustered(const double *x, const size_t *cluster, size_t n, double *sums, size_t clusters,
                       double confidence_p, struct interval *out, struct err *e)
{
    if (confidence_check(confidence_p, e) || (n && cluster_sums(x, cluster, n, sums, clusters, e)))
        return ERR_INVALID;
    double squares = 0, filled = 0;
    for (size_t g = 0; n && g < clusters; g++) {
        if (isnan(sums[g]))
            continue;
        squares += sums[g] * sums[g];
        filled++;
    }
    if (filled < 2)
        return err_set(e, ERR_UNDEFINED, "%.0f cluster(s): an interval over clusters needs at least 2", filled);
    double mean = sample_mean(x, n), se = sqrt(filled / (filled - 1) * squares) / (double)n;
    double half = special_t_quantile(1 - (1 - confidence_p) / 2, filled - 1) * se;
    *out = (struct interval){
        .value = mean, .low = mean - half, .high = mean + half, .n = (size_t)filled, .method = "t over clusters"};
    return 0;
}

/* A whole number below n, every one as likely: the high half of a product (Lemire 2019) without its loop,
 * whose correction is below 1e-12 for any n that fits here. */
static size_t pick(uint64_t *state, size_t n)
{
    return (size_t)(((unsigned __int128)rng_next(state) * n) >> 64);
}

int interval_bootstrap(const double *x, size_t n, double *means, size_t resamples, uint64_t seed, double confidence_p,
                       struct interval *out, struct err *e)
{
    if (confidence_check(confidence_p, e))
        return ERR_INVALID;
    if (resamples == 0)
        return err_set(e, ERR_INVALID, "a bootstrap needs resamples");
    if (n < 2)
        return err_set(e, ERR_UNDEFINED, "%zu value(s): resampling needs at least 2", n);
    uint64_t state = seed;
    for (size_t b = 0; b < resamples; b++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[pick(&state, n)];
        means[b] = sum / (double)n;
    }
    sample_sort(means, resamples);
    double tail = (1 - confidence_p) / 2;
    *out = (struct interval){.value = sample_mean(x, n), .n = n, .method = "percentile bootstrap"};
    out->low = sample_quantile(means, resamples, tail);
    out->high = sample_quantile(means, resamples, 1 - tail);
    return 0;
}
