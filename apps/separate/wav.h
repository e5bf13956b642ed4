/* A sound file being written (libsndfile): WAV, and RF64 above 4 GiB. It appears under its name only when it is
 * complete. */
#ifndef UT_APPS_SEPARATE_WAV_H
#define UT_APPS_SEPARATE_WAV_H

#include "core/status.h"

typedef struct ut_wav ut_wav;

typedef struct {
    int rate_hz, channels;
    bool floats;       /* 32-bit float samples; else 16-bit, clipped at full scale */
    double duration_s; /* about; NAN if unknown. Room for more than 4 GiB is kept unless this says it is not needed */
} ut_wav_format;

UT_CHECK ut_status ut_wav_open(const char *path, const ut_wav_format *format, ut_wav **out, ut_err *err);
UT_CHECK ut_status ut_wav_write(ut_wav *wav, const float *interleaved, size_t frames, ut_err *err);
/* Moves the file to its name and closes *wav. */
UT_CHECK ut_status ut_wav_finish(ut_wav **wav, ut_err *err);
/* Discards what is not finished. */
void ut_wav_close(ut_wav **wav);

#endif
