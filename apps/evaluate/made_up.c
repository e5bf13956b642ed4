#include "apps/evaluate/made_up.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/random.h"
#include "fingerprint/params_fields.h"

enum { NOTES_MAX = 400, CLASSES = 28, GAPS = 20, CHORD = 16, NOISES = 3 };
#define NOTES_MIN 8.0
#define FADE 0.5  /* the n-th note of a track is so likely as n to the power of -FADE */
#define HOLD 0.2  /* of peaks at a note that sounded just before */
#define HEARD 0.6 /* of the track's peaks that a query has */
#define NOISE_KEPT 0.82

/* Measured on the p3 reference fingerprints of 240 tracks of music of all kinds (22,088 s): in which 28th of the band a
 * peak lies, and how many frames after the last one. */
static const double BAND[CLASSES] = {.0990, .0641, .0504, .0526, .0433, .0441, .0349, .0471, .0320, .0289,
                                     .0269, .0294, .0238, .0234, .0304, .0258, .0266, .0232, .0280, .0271,
                                     .0244, .0292, .0290, .0331, .0323, .0327, .0280, .0303};
/* Peaks too near to another are dropped below, which the first number makes good. */
static const double GAP[GAPS] = {.382, .196, .095, .065, .057, .044, .034, .026, .020, .015,
                                 .011, .010, .008, .006, .005, .005, .004, .003, .002, .002};

typedef struct {
    const ut_params *params;
    ut_random random;
    int notes[NOTES_MAX];
    double sums[NOTES_MAX]; /* of the likelihoods of the notes up to this one */
    int count;
    int now[CHORD], before[CHORD]; /* notes of this frame and of the last one with notes */
    int now_count, before_count;
} maker;

static double unit(maker *m)
{
    return ut_random_between(&m->random, 0, 1);
}

static int draw(maker *m, const double *shares, int count)
{
    double u = unit(m);
    int i = 0;
    while (i < count - 1 && (u -= shares[i]) > 0)
        i++;
    return i;
}

static int draw_bin(maker *m)
{
    double width = (double)(m->params->high_bin - m->params->low_bin) / CLASSES;
    int bin = m->params->low_bin + (int)((draw(m, BAND, CLASSES) + unit(m)) * width);
    return bin < m->params->high_bin ? bin : m->params->high_bin - 1;
}

static maker begin(const ut_params *params, uint64_t seed, uint64_t stream)
{
    maker m = {.params = params, .random = ut_random_init(seed, stream)};
    double sum = 0;
    m.count = (int)(NOTES_MIN * pow(NOTES_MAX / NOTES_MIN, unit(&m)));
    for (int i = 0; i < m.count; i++) {
        m.notes[i] = draw_bin(&m);
        m.sums[i] = sum += pow(i + 1, -FADE);
    }
    return m;
}

static int next_bin(maker *m)
{
    if (m->before_count > 0 && unit(m) < HOLD)
        return m->before[ut_random_below(&m->random, (size_t)m->before_count)];
    double u = unit(m) * m->sums[m->count - 1];
    int low = 0, high = m->count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (m->sums[middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    return m->notes[low];
}

/* Whether a peak of this frame forbids one at `bin`. */
static bool masked(const maker *m, int bin)
{
    for (int i = 0; i < m->now_count; i++)
        if (abs(m->now[i] - bin) <= UT_PEAKS_MAX_BINS)
            return true;
    return m->now_count == CHORD;
}

/* Frames until the next peak. */
static int32_t next_gap(maker *m)
{
    int gap = draw(m, GAP, GAPS);
    return gap < GAPS - 1 ? gap : gap + (int)ut_random_below(&m->random, 40);
}

static int by_place(const void *a, const void *b)
{
    const ut_peak *x = a, *y = b;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1) : (int)x->bin - (int)y->bin;
}

static ut_status fill(maker *m, int32_t frames, ut_peaks *peaks, ut_err *err)
{
    ut_status rc = UT_OK;
    peaks->count = 0;
    for (int32_t frame = 0; rc == UT_OK;) {
        int32_t gap = next_gap(m);
        if (gap > 0) {
            m->before_count = m->now_count;
            memcpy(m->before, m->now, sizeof m->now);
            m->now_count = 0;
        }
        if ((frame += gap) >= frames)
            break;
        int bin = next_bin(m);
        if (masked(m, bin))
            continue;
        m->now[m->now_count++] = bin;
        rc = ut_peaks_add(peaks, (ut_peak){.frame = frame, .bin = (uint16_t)bin}, err);
    }
    if (peaks->count > 0)
        qsort(peaks->items, peaks->count, sizeof *peaks->items, by_place);
    return rc;
}

static int32_t frames_of(const ut_params *params, int seconds)
{
    return (int32_t)((int64_t)seconds * params->rate_hz / params->hop);
}

ut_status ut_made_up_track(const ut_params *params, uint64_t seed, int seconds, ut_fingerprint **out, ut_err *err)
{
    maker m = begin(params, seed, 0);
    ut_peaks peaks = {0};
    ut_status rc = fill(&m, frames_of(params, seconds), &peaks, err);
    if (rc == UT_OK)
        rc = ut_fingerprint_from_peaks(params, frames_of(params, seconds), &peaks, out, err);
    ut_peaks_clear(&peaks);
    return rc;
}

/* Adds those of `from` in [first, first + frames) that chance keeps. */
static ut_status mix_in(maker *m, const ut_peaks *from, int32_t first, int32_t frames, double kept, ut_peaks *peaks,
                        ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < from->count && rc == UT_OK; i++) {
        ut_peak peak = {.frame = from->items[i].frame - first, .bin = from->items[i].bin};
        if (peak.frame >= 0 && peak.frame < frames && unit(m) < kept)
            rc = ut_peaks_add(peaks, peak, err);
    }
    return rc;
}

ut_status ut_made_up_query(const ut_params *params, uint64_t seed, int seconds, int32_t first, int32_t frames,
                           ut_peaks *peaks, ut_err *err)
{
    maker m = begin(params, seed, 0);
    ut_peaks part = {0};
    peaks->count = 0;
    ut_status rc = fill(&m, frames_of(params, seconds), &part, err);
    if (rc == UT_OK)
        rc = mix_in(&m, &part, first, frames, HEARD, peaks, err);
    for (uint64_t i = 0; i < NOISES && rc == UT_OK; i++) {
        maker noise = begin(params, seed, i + 1);
        if ((rc = fill(&noise, frames, &part, err)) == UT_OK)
            rc = mix_in(&noise, &part, 0, frames, NOISE_KEPT, peaks, err);
    }
    ut_peaks_clear(&part);
    if (peaks->count > 0)
        qsort(peaks->items, peaks->count, sizeof *peaks->items, by_place);
    size_t kept = 0; /* one peak at one place */
    for (size_t i = 0; i < peaks->count; i++)
        if (kept == 0 || by_place(&peaks->items[kept - 1], &peaks->items[i]) != 0)
            peaks->items[kept++] = peaks->items[i];
    peaks->count = kept;
    return rc;
}
