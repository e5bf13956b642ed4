/* Bounds of rates, and quantiles. */
#ifndef UT_APPS_EVALUATE_STATISTICS_H
#define UT_APPS_EVALUATE_STATISTICS_H

#include <stddef.h>

/* Clopper-Pearson, one-sided: the largest rate at which `hits` or fewer of `trials` still has
 * probability alpha. 1 if trials is 0. With no hits and alpha 0.05 it is about 3 / trials (the rule
 * of three). */
double ut_rate_upper(size_t hits, size_t trials, double alpha);
/* The smallest rate at which `hits` or more of `trials` still has probability alpha; 0 without
 * hits. */
double ut_rate_lower(size_t hits, size_t trials, double alpha);

/* Quantile q in 0 … 1 by linear interpolation; sorts `values`; NAN if count is 0. */
double ut_quantile(double *values, size_t count, double q);

#endif
