/* Audio for tests, from a seed: music (notes and beats), speech-like sound (gliding voiced syllables), and helpers. The
 * same seed always gives the same audio. */
#ifndef UT_TESTS_SYNTH_H
#define UT_TESTS_SYNTH_H

#include <stddef.h>
#include <stdint.h>

/* Uniform in [0, 1); advances *state. */
double synth_random(uint64_t *state);
/* Adds `gain` × music at 16 kHz, from second `from` of the piece that the seed stands for. */
void synth_music(uint64_t seed, double from, double gain, float *out, size_t frames);
/* Adds `gain` × speech-like sound. */
void synth_speech(uint64_t seed, double gain, float *out, size_t frames);

#endif
