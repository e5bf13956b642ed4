#include "apps/evaluate/statistics.h"

#include <math.h>
#include <stdlib.h>

/* P(X <= hits) for X ~ Binomial(trials, rate). */
static double binomial_cdf(size_t hits, size_t trials, double rate)
{
    if (hits >= trials || rate <= 0)
        return 1;
    if (rate >= 1)
        return 0;
    double n = (double)trials, sum = 0;
    for (size_t k = 0; k <= hits; k++) {
        double x = (double)k;
        sum += exp(lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1) + x * log(rate) + (n - x) * log1p(-rate));
    }
    return sum < 1 ? sum : 1;
}

double ut_rate_upper(size_t hits, size_t trials, double alpha)
{
    if (hits >= trials)
        return 1;
    double low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);
        if (binomial_cdf(hits, trials, middle) > alpha)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double ut_rate_lower(size_t hits, size_t trials, double alpha)
{
    /* `hits` or more successes are trials - hits or fewer failures. */
    return hits == 0 ? 0 : 1 - ut_rate_upper(trials - hits, trials, alpha);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ut_quantile(double *values, size_t count, double q)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, compare);
    double at = q * (double)(count - 1);
    size_t i = (size_t)at;
    double next = i + 1 < count ? values[i + 1] : values[i];
    return values[i] + (at - (double)i) * (next - values[i]);
}
