#include "tests/unit/synth.h"

#include <math.h>

enum { RATE = 16000, NOTES = 4, PARTIALS = 4 };

static const double TAU = 6.283185307179586;

double synth_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)(z >> 11 ^ z >> 43) / 9007199254740992.0;
}

/* Adds a decaying tone that begins at sample `start` (perhaps before 0). */
static void tone(double hz, double gain, double start, double seconds, float *out, size_t frames)
{
    long first = lround(start), last = first + lround(seconds * RATE);
    for (long i = first < 0 ? 0 : first; i < last && i < (long)frames; i++) {
        double t = (double)(i - first) / RATE;
        double attack = t < 0.01 ? t / 0.01 : 1.0;
        out[i] += (float)(gain * attack * exp(-4 * t / seconds) * sin(TAU * hz * t));
    }
}

void synth_music(uint64_t seed, double from, double gain, float *out, size_t frames)
{
    uint64_t piece = seed;
    double beat_s = 0.18 + 0.14 * synth_random(&piece), root = 80 + 60 * synth_random(&piece);
    long first = (long)(from / beat_s) - 8, last = (long)((from + (double)frames / RATE) / beat_s) + 1;
    for (long beat = first < 0 ? 0 : first; beat <= last; beat++) {
        uint64_t state = seed * 1000003u + (uint64_t)beat;
        for (int n = 0; n < NOTES; n++) {
            double hz = root * pow(2, floor(36 * synth_random(&state)) / 12);
            double start = (beat * beat_s - from) * RATE, length = beat_s * (1 + 5 * synth_random(&state));
            double loud = gain * 0.1 * (0.3 + synth_random(&state));
            for (int k = 1; k <= PARTIALS && k * hz < 7000; k++)
                tone(k * hz, loud / k, start, length, out, frames);
        }
    }
}

void synth_speech(uint64_t seed, double gain, float *out, size_t frames)
{
    uint64_t state = seed;
    double phase = 0, hz = 120, target = 120, left = 0, loud = 0, centre = 700, tilt = 0.5;
    for (size_t i = 0; i < frames; i++) {
        if (left <= 0) {
            left = (0.08 + 0.15 * synth_random(&state)) * RATE;
            target = 85 + 140 * synth_random(&state);
            loud = synth_random(&state) < 0.15 ? 0 : 0.3 + 0.7 * synth_random(&state);
            centre = 400 + 1800 * synth_random(&state);
            tilt = synth_random(&state);
        }
        left--;
        hz += (target - hz) * 0.0015;
        phase += hz / RATE;
        double voiced = 0;
        for (int k = 1; k <= 20; k++)
            voiced += sin(TAU * k * phase) / (1 + pow((k * hz - centre) / 350, 2));
        double breath = 2 * synth_random(&state) - 1;
        out[i] += (float)(gain * 0.15 * loud * (voiced + tilt * breath));
    }
}
