/* Peaks and landmarks of a clip (undertone_cuda.h). */
#ifndef UTC_FINGERPRINT_H
#define UTC_FINGERPRINT_H

#include "cuda/undertone_cuda.h"

namespace utc
{

int fingerprint(utc_context *context, const utc_fingerprint_options *options, const float *audio, size_t samples,
                const float *spectra, utc_peak **peaks, size_t *peak_count, utc_landmark **landmarks,
                size_t *landmark_count, utc_error *err);

} // namespace utc

#endif
