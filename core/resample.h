/* Streaming sample-rate conversion (libsoxr, high quality, deterministic), mono or interleaved. One thread. */
#ifndef UT_CORE_RESAMPLE_H
#define UT_CORE_RESAMPLE_H

#include "core/status.h"

typedef struct ut_resampler ut_resampler;
UT_CHECK ut_status ut_resampler_open(double from_hz, double to_hz, int channels, ut_resampler **out, ut_err *err);
void ut_resampler_close(ut_resampler **resampler);
/* Upper bound of frames one push of `frames` (or a flush, frames = 0) can give. */
size_t ut_resampler_bound(const ut_resampler *resampler, size_t frames);
/* Feeds `frames` frames (in = NULL, frames = 0: flush the tail) and writes *got frames to out (room for the bound). */
UT_CHECK ut_status ut_resampler_push(ut_resampler *resampler, const float *in, size_t frames, float *out, size_t *got,
                                     ut_err *err);

#endif
