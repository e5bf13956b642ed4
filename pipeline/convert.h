/* Decoded audio to the form that is analysed: mono at 16 kHz, or as asked. Deterministic: what comes out does not
 * depend on how the input was cut. One thread. */
#ifndef UT_PIPELINE_CONVERT_H
#define UT_PIPELINE_CONVERT_H

#include <gst/audio/audio.h>

#include "core/status.h"

typedef struct ut_convert ut_convert;

/* in: interleaved float. rate_hz 0: as it is; channels 1: mono, 0: as they are. drop_centre leaves out the centre and
 * the LFE where the input has a centre beside left and right (5.1); other inputs are mixed as usual. */
UT_CHECK ut_status ut_convert_open(const GstAudioInfo *in, int rate_hz, int channels, bool drop_centre,
                                   ut_convert **out, ut_err *err);
void ut_convert_close(ut_convert **convert);
int ut_convert_rate_hz(const ut_convert *convert);
int ut_convert_channels(const ut_convert *convert);
/* True if a centre was there and is left out. */
bool ut_convert_centre_dropped(const ut_convert *convert);
/* Converts `frames` frames; in = NULL, frames = 0 gives the tail that the resampler still holds. *out is borrowed until
 * the next call. */
UT_CHECK ut_status ut_convert_push(ut_convert *convert, const float *in, size_t frames, const float **out, size_t *got,
                                   ut_err *err);

#endif
