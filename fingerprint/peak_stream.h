/* Peaks of audio at UT_RATE_HZ, whatever rate the parameter set wants. */
#ifndef UT_FINGERPRINT_PEAK_STREAM_H
#define UT_FINGERPRINT_PEAK_STREAM_H

#include "fingerprint/peaks.h"

/* One thread. */
typedef struct ut_peak_stream ut_peak_stream;

/* density: one of the set's. The first sample pushed is the first of frame `first_frame`. */
UT_CHECK ut_status ut_peak_stream_open(const ut_params *params, const ut_density *density, int32_t first_frame,
                                       ut_peak_stream **out, ut_err *err);
void ut_peak_stream_close(ut_peak_stream **stream);
/* Appends to *peaks those that became certain. The result does not depend on how the audio is cut into pushes. */
UT_CHECK ut_status ut_peak_stream_push(ut_peak_stream *stream, const float *mono, size_t frames, ut_peaks *peaks,
                                       ut_err *err);
UT_CHECK ut_status ut_peak_stream_finish(ut_peak_stream *stream, ut_peaks *peaks, ut_err *err);
/* Peaks before this frame are all out. */
int32_t ut_peak_stream_settled(const ut_peak_stream *stream);

#endif
