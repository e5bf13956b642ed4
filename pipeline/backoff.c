#include "pipeline/backoff.h"

ut_backoff ut_backoff_make(double min_s, double max_s, uint64_t seed)
{
    return (ut_backoff){.min_s = min_s, .max_s = max_s, .state = seed | 1};
}

double ut_backoff_next(ut_backoff *backoff)
{
    double wait_s = backoff->min_s;
    for (unsigned i = 0; i < backoff->attempts && wait_s < backoff->max_s; i++)
        wait_s *= 2;
    if (wait_s > backoff->max_s)
        wait_s = backoff->max_s;
    backoff->attempts++;
    /* xorshift64 (Marsaglia): jitter needs no better generator */
    backoff->state ^= backoff->state << 13;
    backoff->state ^= backoff->state >> 7;
    backoff->state ^= backoff->state << 17;
    double uniform = (double)(backoff->state >> 11) / (double)(UINT64_C(1) << 53);
    return wait_s * (0.5 + 0.5 * uniform);
}

void ut_backoff_reset(ut_backoff *backoff)
{
    backoff->attempts = 0;
}
