/* A spectrogram as an image: time to the right, frequency upwards on a logarithmic axis, louder is darker. */
#ifndef UT_APPS_EXPLAIN_SPECTROGRAM_H
#define UT_APPS_EXPLAIN_SPECTROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define UT_SPECTROGRAM_LOW_HZ 60.0
#define UT_SPECTROGRAM_HIGH_HZ 7000.0

/* Of `frames` samples, mono at UT_RATE_HZ; non-finite ones count as silence. *grey: rows × columns, malloc'd. */
UT_CHECK ut_status ut_spectrogram(const float *samples, size_t frames, size_t columns, size_t rows, uint8_t **grey,
                                  ut_err *err);

#endif
