/* What the evaluation does to audio: levels, pauses, mixing, and the studio's dynamics processing.
 * Pure functions. */
#ifndef UT_APPS_EVALUATE_SIGNAL_H
#define UT_APPS_EVALUATE_SIGNAL_H

#include <stddef.h>

#include "core/status.h"

double ut_rms(const float *x, size_t frames);

/* Cuts the pauses out of speech, in place: 20 ms frames 20 dB under its loud frames (their 95th
 * percentile) go, but 60 ms stay after each frame that is kept for its level. Sets *kept, the new
 * length. */
UT_CHECK ut_status ut_pauses_cut(float *speech, size_t frames, size_t *kept, ut_err *err);

/* sum += x, scaled to an RMS of `rms`; a silent x adds nothing. */
void ut_add_at(const float *x, size_t frames, double rms, float *sum);

/* The first `frames` samples of `in` played `speed` times as fast, as tape is; silence behind its end. */
UT_CHECK ut_status ut_play_at(const float *in, size_t in_frames, double speed, float *out, size_t frames, ut_err *err);

/* Broadcast dynamics in place: a compressor (3:1 above -24 dBFS, 5 ms attack, 150 ms release, 6 dB
 * make-up), then a limiter at -3 dBFS with instant attack. */
void ut_compress(float *x, size_t frames);

#endif
