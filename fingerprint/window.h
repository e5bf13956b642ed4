/* The windows in which a stream is looked at, and the grid on which its frames lie. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_WINDOW_H
#define UT_FINGERPRINT_WINDOW_H

#include "core/types.h"
#include "fingerprint/params_fields.h"

enum { UT_WINDOW_MS = 12000, UT_WINDOW_HOPS = 4 /* windows begin so often in one, on the absolute frame grid */ };

static inline int32_t ut_window_frames(const ut_params *p)
{
    return (int32_t)((int64_t)UT_WINDOW_MS * p->rate_hz / 1000 / p->hop);
}

static inline int32_t ut_window_hop(const ut_params *p)
{
    return ut_window_frames(p) / UT_WINDOW_HOPS;
}

/* Samples at UT_RATE_HZ after which frames and samples coincide again. */
static inline int64_t ut_grid_samples(const ut_params *p)
{
    int64_t a = p->rate_hz, whole = (int64_t)UT_RATE_HZ * p->hop, b = whole;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return whole / a;
}

#endif
