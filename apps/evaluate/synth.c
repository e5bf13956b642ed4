#include "apps/evaluate/synth.h"

#include <math.h>
#include <string.h>

#include "apps/evaluate/random.h"
#include "apps/evaluate/signal.h"
#include "core/types.h"

enum { HARMONICS = 6 };

/* Adds one decaying note. */
static void add_note(float *out, size_t frames, size_t at, double hz, double seconds, double level, double bright)
{
    size_t end = at + (size_t)(seconds * UT_RATE_HZ);
    for (int h = 1; h <= HARMONICS && h * hz < 0.45 * UT_RATE_HZ; h++) {
        double amplitude = level * pow(bright, h - 1);
        double step = 2 * M_PI * h * hz / UT_RATE_HZ;
        for (size_t i = at; i < end && i < frames; i++) {
            double t = (double)(i - at) / UT_RATE_HZ;
            double envelope = fmin(1.0, t / 0.01) * exp(-3.0 * t / seconds);
            out[i] += (float)(amplitude * envelope * sin(step * (double)(i - at)));
        }
    }
}

static void add_drum(float *out, size_t frames, size_t at, double level, ut_random *random)
{
    for (size_t i = at; i < at + UT_RATE_HZ / 20 && i < frames; i++)
        out[i] += (float)(level * exp(-(double)(i - at) / 160.0) * ut_random_between(random, -1, 1));
}

static void level(float *x, size_t frames)
{
    double rms = ut_rms(x, frames);
    for (size_t i = 0; rms > 0 && i < frames; i++)
        x[i] = (float)(0.1 / rms * x[i]);
}

void ut_synth_music(uint64_t seed, float *out, size_t frames)
{
    static const int scale[] = {0, 2, 4, 5, 7, 9, 11};
    ut_random random = ut_random_init(seed, 1);
    double beat_s = ut_random_between(&random, 0.25, 0.55), bright = ut_random_between(&random, 0.3, 0.75);
    double tonic = 110 * pow(2, ut_random_between(&random, 0, 1)), drums = ut_random_between(&random, 0, 0.4);
    size_t beat = (size_t)(beat_s * UT_RATE_HZ), chord = 0;
    memset(out, 0, frames * sizeof *out);
    for (size_t at = 0, n = 0; at < frames; at += beat, n++) {
        if (n % 4 == 0)
            chord = ut_random_below(&random, 7);
        for (size_t voice = 0; voice < 3 && n % 4 == 0; voice++) {
            size_t degree = chord + 2 * voice;
            size_t octave = degree / 7;
            double semitones = scale[degree % 7] + 12.0 * (double)octave;
            add_note(out, frames, at, tonic * pow(2, semitones / 12), 4 * beat_s, 0.3, bright);
        }
        size_t notes = 1 + ut_random_below(&random, 2);
        for (size_t k = 0; k < notes; k++) {
            double semitones = scale[ut_random_below(&random, 7)] + 12 * (1 + (double)ut_random_below(&random, 2));
            add_note(out, frames, at + k * beat / notes, tonic * pow(2, semitones / 12), beat_s, 0.5, bright);
        }
        add_drum(out, frames, at, drums, &random);
    }
    level(out, frames);
}

/* A resonance of `hz`, as wide as a formant. */
typedef struct {
    double a, b, y1, y2;
} resonator;

static void tune(resonator *r, double hz)
{
    double radius = exp(-M_PI * 90 / UT_RATE_HZ);
    r->a = 2 * radius * cos(2 * M_PI * hz / UT_RATE_HZ);
    r->b = -radius * radius;
}

static double ring(resonator *r, double x)
{
    double y = x + r->a * r->y1 + r->b * r->y2;
    r->y2 = r->y1;
    r->y1 = y;
    return y;
}

void ut_synth_speech(uint64_t seed, float *out, size_t frames)
{
    ut_random random = ut_random_init(seed, 2);
    resonator formants[3] = {0};
    double voice_hz = ut_random_between(&random, 90, 220), phase = 0;
    size_t left = 0, length = 1;
    double pitch = voice_hz, hiss = 0;
    for (size_t i = 0; i < frames; i++) {
        if (left == 0) { /* the next syllable */
            left = length = (size_t)ut_random_between(&random, 0.08 * UT_RATE_HZ, 0.25 * UT_RATE_HZ);
            pitch = voice_hz * ut_random_between(&random, 0.85, 1.2);
            hiss = ut_random_below(&random, 4) == 0 ? 0.5 : 0.01;
            tune(&formants[0], ut_random_between(&random, 280, 800));
            tune(&formants[1], ut_random_between(&random, 900, 2300));
            tune(&formants[2], ut_random_between(&random, 2400, 3300));
        }
        phase += pitch * (1.0 - 0.15 * (double)(length - left) / (double)length) / UT_RATE_HZ;
        double pulse = phase >= 1 ? 1.0 : 0.0;
        phase -= pulse;
        double source = (hiss < 0.1 ? pulse : 0.0) + hiss * ut_random_between(&random, -0.1, 0.1);
        double envelope = 0.3 + 0.7 * sin(M_PI * (double)(length - left) / (double)length);
        double y = 0;
        for (int k = 0; k < 3; k++)
            y += ring(&formants[k], source) / (k + 1);
        out[i] = (float)(envelope * y);
        left--;
    }
    level(out, frames);
}
