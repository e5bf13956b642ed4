#include "music.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAU 6.283185307179586
#define BEATS_PER_BAR 4
#define SLOTS_PER_BAR 8 /* melody in eighths */

typedef struct {
    float attack_s;
    float decay_s;
    float brightness; /* level ratio from one harmonic to the next */
    int harmonics;
} voice;

typedef struct {
    double rate_hz;
    double beat_s;
    int root; /* MIDI note of the key */
    const int *scale;
    int chords[4];              /* scale degrees of a four-bar phrase */
    int tune[4][SLOTS_PER_BAR]; /* scale degrees, -99 = rest */
    voice lead, pad, bass;
    int drums;
} piece;

static const int major[7] = {0, 2, 4, 5, 7, 9, 11};
static const int minor[7] = {0, 2, 3, 5, 7, 8, 10};
static const int progressions[6][4] = {
    {0, 4, 5, 3}, {0, 5, 3, 4}, {0, 3, 0, 4}, {5, 3, 0, 4}, {0, 2, 3, 4}, {3, 4, 2, 5},
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(next_random(state) >> 11) * 0x1p-53;
}

static int pick(uint64_t *state, int n)
{
    return (int)(next_random(state) % (uint64_t)n);
}

static voice pick_voice(uint64_t *state, double decay_low, double decay_high)
{
    return (voice){.attack_s = (float)uniform(state, 0.004, 0.03),
                   .decay_s = (float)uniform(state, decay_low, decay_high),
                   .brightness = (float)uniform(state, 0.35, 0.75),
                   .harmonics = 4 + pick(state, 6)};
}

static void write_tune(piece *p, uint64_t *state)
{
    int degree = pick(state, 7);
    for (int bar = 0; bar < 4; bar++) {
        for (int slot = 0; slot < SLOTS_PER_BAR; slot++) {
            degree += pick(state, 5) - 2;
            if (degree < -2 || degree > 11)
                degree = pick(state, 7);
            p->tune[bar][slot] = pick(state, 4) == 0 ? -99 : degree;
        }
    }
}

static piece write_piece(uint64_t *state, int rate_hz)
{
    piece p = {.rate_hz = rate_hz,
               .beat_s = 60.0 / uniform(state, 76, 144),
               .root = 48 + pick(state, 12),
               .scale = pick(state, 2) ? major : minor,
               .lead = pick_voice(state, 0.15, 0.5),
               .pad = pick_voice(state, 0.9, 2.0),
               .bass = pick_voice(state, 0.3, 0.8),
               .drums = pick(state, 4) != 0};
    memcpy(p.chords, progressions[pick(state, 6)], sizeof p.chords);
    write_tune(&p, state);
    return p;
}

/* Frequency of a scale degree, which may lie outside one octave. */
static double pitch_hz(const piece *p, int degree, int octave)
{
    int wrapped = ((degree % 7) + 7) % 7;
    int octaves = (degree - wrapped) / 7 + octave;
    return 440.0 * pow(2.0, (p->root + p->scale[wrapped] + 12 * octaves - 69) / 12.0);
}

/* Harmonics are phasors turned by a fixed angle, envelopes shrink by a fixed ratio: no sin or exp per sample. */
static void add_note(const piece *p, const voice *v, double start_s, double hz, double gain, float *out, size_t frames)
{
    size_t first = (size_t)(start_s * p->rate_hz);
    size_t count = (size_t)(4 * v->decay_s * p->rate_hz);
    if (first >= frames)
        return;
    count = count < frames - first ? count : frames - first;
    for (int h = 1; h <= v->harmonics && h * hz < 0.45 * p->rate_hz; h++) {
        double angle = TAU * h * hz / p->rate_hz, turn_re = cos(angle), turn_im = sin(angle);
        double re = gain * pow(v->brightness, h - 1), im = 0;
        double shrink = exp(-(1 + 0.3 * h) / (v->decay_s * p->rate_hz));
        turn_re *= shrink;
        turn_im *= shrink;
        for (size_t i = 0; i < count; i++) {
            double attack = fmin(1.0, (double)i / (v->attack_s * p->rate_hz)), was = re;
            out[first + i] += (float)(attack * im);
            re = was * turn_re - im * turn_im;
            im = was * turn_im + im * turn_re;
        }
    }
}

static void add_drum(const piece *p, double start_s, double decay_s, double gain, uint64_t *state, float *out,
                     size_t frames)
{
    size_t first = (size_t)(start_s * p->rate_hz), count = (size_t)(5 * decay_s * p->rate_hz);
    double shrink = exp(-1 / (decay_s * p->rate_hz));
    for (size_t i = 0; i < count && first + i < frames; i++, gain *= shrink)
        out[first + i] += (float)(gain * uniform(state, -1, 1));
}

/* One bar; every second phrase varies the tune by a third, so that a piece does not repeat exactly. */
static void add_bar(const piece *p, int bar, uint64_t *state, float *out, size_t frames)
{
    double start_s = bar * BEATS_PER_BAR * p->beat_s, slot_s = BEATS_PER_BAR * p->beat_s / SLOTS_PER_BAR;
    int chord = p->chords[bar % 4], lift = bar / 4 % 2 ? 2 : 0;
    for (int third = 0; third < 3; third++)
        add_note(p, &p->pad, start_s, pitch_hz(p, chord + 2 * third, 0), 0.16, out, frames);
    for (int beat = 0; beat < BEATS_PER_BAR; beat++) {
        double beat_s = start_s + beat * p->beat_s;
        add_note(p, &p->bass, beat_s, pitch_hz(p, chord + (beat == 2 ? 4 : 0), -1), 0.25, out, frames);
        if (p->drums)
            add_drum(p, beat_s, beat % 2 ? 0.06 : 0.02, 0.15, state, out, frames);
    }
    for (int slot = 0; slot < SLOTS_PER_BAR; slot++) {
        int degree = p->tune[bar % 4][slot];
        if (degree == -99 || pick(state, 8) == 0)
            continue;
        add_note(p, &p->lead, start_s + slot * slot_s, pitch_hz(p, degree + lift, 1), 0.3, out, frames);
    }
}

void demo_music_render(uint64_t seed, int rate_hz, float *out, size_t frames)
{
    uint64_t state = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    piece p = write_piece(&state, rate_hz);
    memset(out, 0, frames * sizeof *out);
    int bars = (int)((double)frames / rate_hz / (BEATS_PER_BAR * p.beat_s)) + 1;
    for (int bar = 0; bar < bars; bar++)
        add_bar(&p, bar, &state, out, frames);

    float peak = 1e-9f;
    for (size_t i = 0; i < frames; i++)
        peak = fmaxf(peak, fabsf(out[i]));
    for (size_t i = 0; i < frames; i++)
        out[i] *= 0.5f / peak;
}
