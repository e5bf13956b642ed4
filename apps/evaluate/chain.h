/* A broadcast chain: compressor and limiter, then 48 kHz stereo MP2 at 128 kbit/s, encoded and
 * decoded (GStreamer). */
#ifndef UT_APPS_EVALUATE_CHAIN_H
#define UT_APPS_EVALUATE_CHAIN_H

#include <stddef.h>

#include "core/status.h"

/* in and out: `frames` samples, mono at UT_RATE_HZ; may be the same buffer. The codec's delay (10
 * ms) stays; what it adds at the end is cut. UT_E_UNSUPPORTED names a missing GStreamer element.
 * Any thread. */
UT_CHECK ut_status ut_chain_run(const float *in, size_t frames, float *out, ut_err *err);

#endif
