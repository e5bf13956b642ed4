/* How long to wait before trying again: doubles from min_s to max_s, with jitter, so that a thousand channels of one
 * dead server do not knock at the same moment. Plain value. */
#ifndef UT_PIPELINE_BACKOFF_H
#define UT_PIPELINE_BACKOFF_H

#include <stdint.h>

typedef struct {
    double min_s, max_s;
    unsigned attempts;
    uint64_t state; /* of the jitter */
} ut_backoff;

ut_backoff ut_backoff_make(double min_s, double max_s, uint64_t seed);
/* The next wait: between half and all of min(min_s · 2^attempts, max_s). */
double ut_backoff_next(ut_backoff *backoff);
/* It worked: the next wait is the first again. */
void ut_backoff_reset(ut_backoff *backoff);

#endif
