#include "cuesheet/loudness.h"

#include <ebur128.h>
#include <math.h>
#include <stdlib.h>

#include "core/types.h"

enum { STEP = UT_RATE_HZ / 10, GATE_STEPS = 4 };
#define ABSOLUTE_GATE_LUFS (-70.0)
#define RELATIVE_GATE_LU (-10.0)
#define MAX_KEEP_S (24 * 3600.0)

struct ut_meter {
    ebur128_state *state;
    float *energy; /* ring of mean squares, step n at n % capacity */
    int64_t capacity;
    int64_t first_step; /* of the first whole step pushed */
    int64_t next_step;
    size_t skip;   /* samples before the grid */
    size_t filled; /* samples of the step in progress */
};

static double lufs_of(double energy)
{
    return -0.691 + 10.0 * log10(energy);
}

static double energy_of(double lufs)
{
    return pow(10.0, (lufs + 0.691) / 10.0);
}

ut_status ut_meter_open(int64_t first_sample, double keep_s, ut_meter **out, ut_err *err)
{
    if (first_sample < 0 || !(keep_s >= 1.0 && keep_s <= MAX_KEEP_S))
        return ut_fail(err, UT_E_ARG, "loudness: first sample %lld, %g s", (long long)first_sample, keep_s);
    ut_meter *m = calloc(1, sizeof *m);
    if (!m)
        return ut_fail(err, UT_E_NOMEM, "loudness: meter");
    m->first_step = m->next_step = (first_sample + STEP - 1) / STEP;
    m->skip = (size_t)(m->first_step * STEP - first_sample);
    m->capacity = (int64_t)ceil(keep_s * 10.0) + GATE_STEPS;
    m->energy = calloc((size_t)m->capacity, sizeof *m->energy);
    m->state = ebur128_init(1, UT_RATE_HZ, EBUR128_MODE_M);
    if (!m->energy || !m->state || ebur128_set_channel(m->state, 0, EBUR128_DUAL_MONO) != EBUR128_SUCCESS) {
        ut_meter_close(&m);
        return ut_fail(err, UT_E_NOMEM, "loudness: %g s of energies", keep_s);
    }
    *out = m;
    return UT_OK;
}

void ut_meter_close(ut_meter **meter)
{
    if (!meter || !*meter)
        return;
    if ((*meter)->state)
        ebur128_destroy(&(*meter)->state);
    free((*meter)->energy);
    free(*meter);
    *meter = NULL;
}

static ut_status step_end(ut_meter *m, ut_err *err)
{
    double lufs = 0;
    if (ebur128_loudness_window(m->state, 100, &lufs) != EBUR128_SUCCESS)
        return ut_fail(err, UT_E_NOMEM, "loudness: window");
    m->energy[m->next_step % m->capacity] = isfinite(lufs) ? (float)energy_of(lufs) : 0.0f;
    m->next_step++;
    m->filled = 0;
    return UT_OK;
}

ut_status ut_meter_push(ut_meter *meter, const float *mono, size_t frames, ut_err *err)
{
    while (frames > 0) {
        size_t room = meter->skip ? meter->skip : STEP - meter->filled;
        size_t n = frames < room ? frames : room;
        if (ebur128_add_frames_float(meter->state, mono, n) != EBUR128_SUCCESS)
            return ut_fail(err, UT_E_NOMEM, "loudness: %zu frames", n);
        if (meter->skip) {
            meter->skip -= n;
        } else {
            meter->filled += n;
            if (meter->filled == STEP) {
                ut_status rc = step_end(meter, err);
                if (rc != UT_OK)
                    return rc;
            }
        }
        mono += n;
        frames -= n;
    }
    return UT_OK;
}

/* Mean square of the gating block of `steps` steps that starts at step n. */
static double block_energy(const ut_meter *m, int64_t n, int64_t steps)
{
    double sum = 0;
    for (int64_t i = n; i < n + steps; i++)
        sum += m->energy[i % m->capacity];
    return sum / (double)steps;
}

/* Mean over the blocks at or above `gate`; 0 if there is none. */
static double gated_mean(const ut_meter *m, int64_t from, int64_t to, int64_t steps, double gate)
{
    double sum = 0;
    int64_t count = 0;
    for (int64_t n = from; n + steps <= to; n++) {
        double energy = block_energy(m, n, steps);
        if (energy >= gate) {
            sum += energy;
            count++;
        }
    }
    return count ? sum / (double)count : 0.0;
}

/* The whole steps of a stretch that the ring holds; false if there is none. */
static bool steps_of(const ut_meter *meter, int64_t start_sample, int64_t end_sample, int64_t *from, int64_t *to)
{
    int64_t oldest = meter->next_step - meter->capacity;
    *from = start_sample > 0 ? (start_sample + STEP - 1) / STEP : 0;
    *to = end_sample / STEP;
    if (*from < meter->first_step)
        *from = meter->first_step;
    if (*from < oldest)
        *from = oldest;
    if (*to > meter->next_step)
        *to = meter->next_step;
    return *from < *to;
}

double ut_meter_lufs(const ut_meter *meter, int64_t start_sample, int64_t end_sample)
{
    int64_t from, to;
    if (!steps_of(meter, start_sample, end_sample, &from, &to))
        return NAN;
    int64_t steps = to - from < GATE_STEPS ? to - from : GATE_STEPS;
    double absolute = energy_of(ABSOLUTE_GATE_LUFS);
    double ungated = gated_mean(meter, from, to, steps, absolute);
    if (ungated <= 0)
        return ABSOLUTE_GATE_LUFS;
    double relative = energy_of(lufs_of(ungated) + RELATIVE_GATE_LU);
    double energy = gated_mean(meter, from, to, steps, relative > absolute ? relative : absolute);
    return round(lufs_of(energy) * 100.0) / 100.0;
}

/* Each step is judged by the 400 ms around it, as far as they lie within the stretch. */
double ut_meter_speech_share(const ut_meter *speech, const ut_meter *music, int64_t start_sample, int64_t end_sample)
{
    int64_t from, to, from_music, to_music, spoken = 0;
    if (!steps_of(speech, start_sample, end_sample, &from, &to) ||
        !steps_of(music, start_sample, end_sample, &from_music, &to_music) || from != from_music || to != to_music)
        return NAN;
    double floor_energy = energy_of(UT_SPEECH_FLOOR_LUFS), below = pow(10.0, -UT_SPEECH_BELOW_LU / 10.0);
    for (int64_t n = from; n < to; n++) {
        int64_t first = n - 1 > from ? n - 1 : from, last = n + 3 < to ? n + 3 : to;
        double energy = block_energy(speech, first, last - first);
        spoken += energy >= floor_energy && energy >= below * block_energy(music, first, last - first);
    }
    return round(1000.0 * (double)spoken / (double)(to - from)) / 1000.0;
}
