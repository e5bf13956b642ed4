/* A small reproducible generator (SplitMix64): the same seed and stream give the same numbers on
 * every machine, whatever the threads do. */
#ifndef UT_APPS_EVALUATE_RANDOM_H
#define UT_APPS_EVALUATE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} ut_random;

/* Streams of one seed do not depend on each other: one per query. */
ut_random ut_random_init(uint64_t seed, uint64_t stream);
uint64_t ut_random_next(ut_random *random);
size_t ut_random_below(ut_random *random, size_t limit); /* 0 … limit-1; limit > 0 */
double ut_random_between(ut_random *random, double low, double high);

#endif
