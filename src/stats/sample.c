#include "stats/sample.h"

#include <math.h>
#include <stdlib.h>

double sample_mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

double sample_sd(const double *x, size_t n)
{
    double mean = sample_mean(x, n), squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

double sample_quantile(const double *sorted, size_t n, double p)
{
    double at = p * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Where the value at `at` belongs in the heap x[0..n). */
static void heap_sink(double *x, size_t at, size_t n)
{
    double v = x[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && x[child + 1] > x[child])
            child++;
        if (x[child] <= v)
            break;
        x[at] = x[child];
    }
    x[at] = v;
}

void sample_sort(double *x, size_t n) /* heapsort: qsort() may take memory */
{
    for (size_t i = n / 2; i-- > 0;)
        heap_sink(x, i, n);
    for (size_t end = n; end-- > 1;) {
        double largest = x[0];
        x[0] = x[end];
        x[end] = largest;
        heap_sink(x, 0, end);
    }
}

int sample_pass_k(size_t successes, size_t trials, size_t k, double *p, struct err *e)
{
    if (k < 1 || successes > trials)
        return err_set(e, ERR_INVALID,
                       "pass^k needs k of at least 1 and no more successes than trials, got k=%zu %zu/%zu", k,
                       successes, trials);
    if (k > trials)
        return err_set(e, ERR_UNDEFINED, "pass^%zu needs %zu trials of a task, there are %zu", k, k, trials);
    double v = 1;
    for (size_t i = 0; i < k && v > 0; i++) /* C(c,k)/C(n,k) as a product: no factorial overflows */
        v *= successes > i ? (double)(successes - i) / (double)(trials - i) : 0;
    *p = v;
    return 0;
}
