/* Loudness of stretches of a stream, after ITU-R BS.1770: K-weighted 100 ms energies (libebur128)
 * in a bounded ring, gated over whatever stretch is asked for afterwards. One thread each; memory
 * is fixed at opening.
 *
 * The audio is one channel that stands for a programme of two (dual mono), so a stereo programme's
 * downmix measures like the programme. Values are rounded to 0.01 LU. */
#ifndef UT_CUESHEET_LOUDNESS_H
#define UT_CUESHEET_LOUDNESS_H

#include <stdint.h>

#include "core/status.h"

typedef struct ut_meter ut_meter;

/* Energies lie on the absolute grid of 100 ms, whatever first_sample is. `keep_s`: how far back a
 * stretch may be asked for. */
UT_CHECK ut_status ut_meter_open(int64_t first_sample, double keep_s, ut_meter **out, ut_err *err);
void ut_meter_close(ut_meter **meter);
/* Mono at UT_RATE_HZ. No allocation. */
UT_CHECK ut_status ut_meter_push(ut_meter *meter, const float *mono, size_t frames, ut_err *err);
/* Integrated loudness in LUFS of [start_sample, end_sample), of its latest part if it reaches
 * beyond the ring. Silence is -70, the absolute gate; NAN if no whole 100 ms of it was pushed. */
double ut_meter_lufs(const ut_meter *meter, int64_t start_sample, int64_t end_sample);

/* Where speech is to be heard over music: 400 ms of the speech stem at UT_SPEECH_FLOOR_LUFS or louder, and not more
 * than UT_SPEECH_BELOW_LU below the music stem, under which lies what a separator leaves of one in the other. */
#define UT_SPEECH_FLOOR_LUFS (-50.0)
#define UT_SPEECH_BELOW_LU 15.0
/* The share of a stretch with speech, 0 … 1, rounded to 0.001; of its latest part as above. Both meters were given the
 * same samples. NAN if no whole 100 ms of it was pushed. */
double ut_meter_speech_share(const ut_meter *speech, const ut_meter *music, int64_t start_sample, int64_t end_sample);

#endif
