#include "test.h"

#include "base/json.h"
#include "stats/interval.h"
#include "stats/sample.h"
#include "stats/special.h"

#include <math.h>

enum { FIXTURE_BYTES_MAX = 1 << 20, VALUES_MAX = 64 };

/* Reference values made by statsmodels, scipy and plain combinatorics; NULL where they are absent. */
static const struct json *fixture(struct arena *a, const char *name)
{
    const char *path = test_shared(str_f(a, "fixtures/stats/%s.json", name).p);
    if (!path)
        return NULL;
    FILE *f = fopen(path, "r");
    char *text = arena_alloc(a, FIXTURE_BYTES_MAX);
    size_t n = f ? fread(text, 1, FIXTURE_BYTES_MAX, f) : 0;
    if (f)
        fclose(f);
    struct json *v = NULL;
    struct err e = {0};
    if (json_parse(a, (struct str){text, n}, &v, &e))
        fail_msg("%s: %s", path, e.text);
    return v;
}

#define EACH_CASE(c, file) for (const struct json *c = file ? json_get(file, "cases")->child : NULL; c; c = c->next)

/* As the fixtures mean it: relative above 1. */
static bool near(double got, double want, double tolerance)
{
    if (fabs(got - want) <= tolerance * fmax(1, fabs(want)))
        return true;
    print_error("got %.17g, want %.17g\n", got, want);
    return false;
}

static size_t values(const struct json *list, double *x)
{
    size_t n = 0;
    for (const struct json *v = list->child; v && n < VALUES_MAX; v = v->next)
        x[n++] = json_num(v, NAN);
    return n;
}

TEST(shares_have_the_intervals_of_statsmodels)
{
    struct arena *a = arena_new("test", 0);
    const struct json *file = fixture(a, "proportion_ci");
    double tolerance = json_num(json_get(file, "default_tolerance"), 0);
    int seen = 0;
    EACH_CASE(c, file)
    {
        const struct json *in = json_get(c, "input"), *want = json_get(c, "expected");
        struct str method = json_str(json_get(in, "method"));
        bool wilson = str_is(method, "wilson");
        if (!wilson && !str_is(method, "beta"))
            continue;
        size_t k = (size_t)json_int(json_get(in, "k"), -1), n = (size_t)json_int(json_get(in, "n"), -1);
        double confidence_p = 1 - json_num(json_get(in, "alpha"), 0);
        struct interval got;
        CHECK_INT((wilson ? interval_wilson : interval_clopper_pearson)(k, n, confidence_p, &got, NULL), 0);
        CHECK(near(got.low, json_num(json_get(want, "low"), NAN), tolerance));
        CHECK(near(got.high, json_num(json_get(want, "high"), NAN), tolerance));
        seen++;
    }
    CHECK(!file || seen == 22);
    arena_free(a);
}

TEST(pass_k_counts_the_draws_that_all_succeed)
{
    struct arena *a = arena_new("test", 0);
    const struct json *file = fixture(a, "pass_k");
    EACH_CASE(c, file)
    {
        const struct json *in = json_get(c, "input"), *want = json_get(c, "expected");
        size_t n = (size_t)json_int(json_get(in, "n"), -1), k = (size_t)json_int(json_get(in, "k"), -1);
        double p = NAN;
        int r = sample_pass_k((size_t)json_int(json_get(in, "c"), -1), n, k, &p, NULL);
        if (json_get(want, "policy"))
            CHECK_INT(r, ERR_UNDEFINED);
        else
            CHECK(r == 0 && near(p, json_num(json_get(want, "pass_hat_k"), NAN), 1e-9));
    }
    arena_free(a);
}

TEST(means_have_the_t_intervals_of_scipy)
{
    struct arena *a = arena_new("test", 0);
    const struct json *file = fixture(a, "mean_ci");
    EACH_CASE(c, file)
    {
        const struct json *in = json_get(c, "input"), *want = json_get(c, "expected");
        double x[VALUES_MAX];
        size_t n = values(json_get(in, "x"), x);
        struct interval got;
        int r = interval_mean(x, n, 1 - json_num(json_get(in, "alpha"), 0), &got, NULL);
        if (json_get(want, "policy")) {
            CHECK_INT(r, ERR_UNDEFINED);
            continue;
        }
        CHECK(r == 0 && near(got.value, json_num(json_get(want, "mean"), NAN), 1e-9));
        CHECK(near(got.low, json_num(json_at(json_get(want, "t_ci"), 0), NAN), 1e-9));
        CHECK(near(got.high, json_num(json_at(json_get(want, "t_ci"), 1), NAN), 1e-9));
    }
    arena_free(a);
}

TEST(clustered_means_are_wider_as_their_clusters_agree)
{
    struct arena *a = arena_new("test", 0);
    const struct json *file = fixture(a, "clustered_mean_ci");
    double tolerance = json_num(json_get(file, "default_tolerance"), 0);
    EACH_CASE(c, file)
    {
        const struct json *in = json_get(c, "input"), *want = json_get(c, "expected");
        double x[VALUES_MAX], number[VALUES_MAX], sums[VALUES_MAX];
        size_t n = values(json_get(in, "x"), x), cluster[VALUES_MAX];
        values(json_get(in, "cluster"), number);
        for (size_t i = 0; i < n; i++)
            cluster[i] = (size_t)number[i];
        struct interval got;
        CHECK_INT(interval_clustered(x, cluster, n, sums, VALUES_MAX, 0.95, &got, NULL), 0);
        CHECK_INT(got.n, json_int(json_get(want, "clusters"), -1));
        CHECK(near(got.low, json_num(json_at(json_get(want, "ci"), 0), NAN), tolerance));
        CHECK(near(got.high, json_num(json_at(json_get(want, "ci"), 1), NAN), tolerance));
    }
    arena_free(a);
}

TEST(what_has_no_answer_says_why)
{
    struct interval i;
    struct err e = {0};
    double x[] = {1}, scratch[8];
    size_t one_cluster[] = {0};
    CHECK_INT(interval_wilson(0, 0, 0.95, &i, &e), ERR_UNDEFINED);
    CHECK_STR(str_of(e.text), "no items: a share of nothing has no value");
    CHECK_INT(interval_clopper_pearson(2, 1, 0.95, &i, &e), ERR_INVALID);
    CHECK_INT(interval_mean(x, 0, 0.95, &i, &e), ERR_UNDEFINED);
    CHECK_INT(interval_clustered(x, one_cluster, 0, scratch, 1, 0.95, &i, &e), ERR_UNDEFINED);
    CHECK_INT(interval_clustered(x, one_cluster, 1, scratch, 1, 0.95, &i, &e), ERR_UNDEFINED);
    CHECK_INT(interval_bootstrap(x, 1, scratch, 8, 1, 0.95, &i, &e), ERR_UNDEFINED);
    CHECK_INT(interval_wilson(1, 2, 1, &i, &e), ERR_INVALID);
}

TEST(quantiles_lie_on_the_line_between_neighbours)
{
    /* R: quantile(c(1, 2, 4, 8, 16), c(0, .1, .5, .9, 1), type = 7) */
    double x[] = {16, 2, 8, 1, 4};
    sample_sort(x, 5);
    CHECK(sample_quantile(x, 5, 0) == 1 && sample_quantile(x, 5, 0.5) == 4 && sample_quantile(x, 5, 1) == 16);
    CHECK(near(sample_quantile(x, 5, 0.1), 1.4, 1e-12) && near(sample_quantile(x, 5, 0.9), 12.8, 1e-12));
}

TEST(sorting_puts_any_order_right)
{
    double x[257];
    for (size_t i = 0; i < 257; i++)
        x[i] = (double)((i * 101) % 257 / 2); /* every number twice, scattered */
    sample_sort(x, 257);
    for (size_t i = 1; i < 257; i++)
        CHECK(x[i - 1] <= x[i]);
    sample_sort(x, 0);
}

TEST(a_bootstrap_shown_twice_is_the_same_and_stays_within_the_values)
{
    double x[25], means[2000];
    for (size_t i = 0; i < 25; i++)
        x[i] = i < 4;
    struct interval one, two, other;
    CHECK_INT(interval_bootstrap(x, 25, means, 2000, 7, 0.95, &one, NULL), 0);
    CHECK_INT(interval_bootstrap(x, 25, means, 2000, 7, 0.95, &two, NULL), 0);
    CHECK_INT(interval_bootstrap(x, 25, means, 2000, 8, 0.95, &other, NULL), 0);
    CHECK(one.low == two.low && one.high == two.high);
    /* Binomial(25, 0.16)/25: the 2.5 % and 97.5 % points are 1/25 and 8/25, one step of simulation noise allowed */
    CHECK(near(one.low, 0.04, 0.0401) && near(one.high, 0.32, 0.0401));
    CHECK(near(other.low, 0.04, 0.0401) && near(other.high, 0.32, 0.0401));
}

TEST(percentiles_of_given_resamples_are_those_of_scipy)
{
    struct arena *a = arena_new("test", 0);
    const struct json *file = fixture(a, "bootstrap");
    EACH_CASE(c, file)
    {
        const struct json *in = json_get(c, "input"), *want = json_get(json_get(c, "expected"), "percentile");
        double x[VALUES_MAX], means[512];
        size_t b = 0;
        if (!str_is(json_str(json_get(in, "stat")), "mean"))
            continue;
        values(json_get(in, "x"), x);
        for (const struct json *row = json_get(in, "index")->child; row; row = row->next) {
            double sum = 0;
            for (const struct json *i = row->child; i; i = i->next)
                sum += x[json_int(i, 0)];
            means[b++] = sum / row->n;
        }
        sample_sort(means, b);
        CHECK(near(sample_quantile(means, b, 0.025), json_num(json_at(want, 0), NAN), 1e-9));
        CHECK(near(sample_quantile(means, b, 0.975), json_num(json_at(want, 1), NAN), 1e-9));
    }
    arena_free(a);
}

TEST(special_functions_meet_known_values)
{
    CHECK(near(special_normal_quantile(0.975), 1.959963984540054, 1e-14));
    CHECK(near(special_normal_quantile(1e-10), -6.361340902404056, 1e-10)); /* scipy.stats.norm.ppf */
    CHECK(near(special_normal_cdf(0), 0.5, 0));
    CHECK(near(special_t_quantile(0.975, 1), 12.706204736174694, 1e-9));   /* tan(0.475 pi) */
    CHECK(near(special_t_quantile(0.025, 4), -2.7764451051977987, 1e-12)); /* scipy.stats.t.ppf */
    CHECK(special_t_quantile(0.5, 3) == 0);
    CHECK(near(special_beta_cdf(0.3, 1, 1), 0.3, 1e-15)); /* uniform */
    CHECK(special_beta_cdf(0, 2, 3) == 0 && special_beta_cdf(1, 2, 3) == 1);
    CHECK(near(special_beta_cdf(0.5, 3, 3), 0.5, 1e-14)); /* symmetric */
}

RUN(cmocka_unit_test(shares_have_the_intervals_of_statsmodels),
    cmocka_unit_test(pass_k_counts_the_draws_that_all_succeed), cmocka_unit_test(means_have_the_t_intervals_of_scipy),
    cmocka_unit_test(clustered_means_are_wider_as_their_clusters_agree), cmocka_unit_test(what_has_no_answer_says_why),
    cmocka_unit_test(quantiles_lie_on_the_line_between_neighbours), cmocka_unit_test(sorting_puts_any_order_right),
    cmocka_unit_test(a_bootstrap_shown_twice_is_the_same_and_stays_within_the_values),
    cmocka_unit_test(percentiles_of_given_resamples_are_those_of_scipy),
    cmocka_unit_test(special_functions_meet_known_values))
