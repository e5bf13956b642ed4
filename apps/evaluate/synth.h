/* Made-up audio for benchmarks and tests: music that differs from seed to seed in melody, chords,
 * tempo and timbre, and noise that moves like speech. Reproducible; nothing to license. */
#ifndef UT_APPS_EVALUATE_SYNTH_H
#define UT_APPS_EVALUATE_SYNTH_H

#include <stddef.h>
#include <stdint.h>

/* Mono at UT_RATE_HZ, about -20 dBFS; every call writes from the piece's beginning. */
void ut_synth_music(uint64_t seed, float *out, size_t frames);
/* Voiced syllables under moving formants, with fricatives between; no pauses. About -20 dBFS. */
void ut_synth_speech(uint64_t seed, float *out, size_t frames);

#endif
