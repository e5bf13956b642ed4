#include "fingerprint/peaks.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/fft.h"

enum {
    ROWS = 64, /* of history: ±31 frames around the centre, and a power of two */
    LEVEL_MIN = -16384,
    LEVEL_MAX = 16383,
    LEVEL_ZERO = (127 - 24) << 8, /* so that LEVEL_MIN … LEVEL_MAX is 2^-88 … 2^40 in power */
    PAD = 2 * UT_PEAKS_MAX_BINS,
    RANGE = 26 << 8, /* peaks further than 78 dB under the loudest nearby are dither and rounding */
};

typedef struct {
    ut_peak peak;
    int32_t prominence;
} candidate;

struct ut_peak_finder {
    const ut_params *params;
    int rank_limit;
    int strong_limit; /* the same for a reference */
    bool fine;
    size_t bins;
    ut_fft *fft;
    float *window;
    float *audio; /* fft samples from the start of the next frame on, `held` of them there */
    size_t held;
    float *frame;          /* fft */
    float *spectrum;       /* fft/2 + 1 re, im pairs */
    int16_t *level;        /* (ROWS, bins) log2 power in 1/256 */
    int16_t *highest;      /* (ROWS, bins) maximum of level over ±8 bins */
    int16_t *near;         /* (ROWS, bins) and over ±2 */
    int32_t *sum;          /* (ROWS, bins) sum of level over ±32 bins */
    int16_t loudest[ROWS]; /* of each row */
    int16_t *scratch;      /* bins + 2 PAD */
    int32_t first;         /* frame the stream began with */
    int32_t next;          /* frame to be transformed next */
    int32_t centre;        /* frame to be searched next */
    int32_t settled;
    candidate *candidates; /* searched, not yet settled or still needed to rank others; sorted */
    size_t candidate_count;
    size_t candidate_capacity;
};

ut_status ut_peaks_add(ut_peaks *peaks, ut_peak peak, ut_err *err)
{
    if (peaks->count == peaks->capacity) {
        size_t capacity = peaks->capacity ? 2 * peaks->capacity : 256;
        ut_peak *items = realloc(peaks->items, capacity * sizeof *items);
        if (!items)
            return ut_fail(err, UT_E_NOMEM, "peaks: %zu", capacity);
        peaks->items = items;
        peaks->capacity = capacity;
    }
    peaks->items[peaks->count++] = peak;
    return UT_OK;
}

void ut_peaks_drop(ut_peaks *peaks, int32_t frame)
{
    size_t gone = 0;
    while (gone < peaks->count && peaks->items[gone].frame < frame)
        gone++;
    peaks->count -= gone;
    if (gone)
        memmove(peaks->items, peaks->items + gone, peaks->count * sizeof *peaks->items);
}

void ut_peaks_clear(ut_peaks *peaks)
{
    free(peaks->items);
    *peaks = (ut_peaks){0};
}

ut_status ut_peak_finder_open(const ut_params *params, const ut_density *density, int32_t first_frame,
                              ut_peak_finder **out, ut_err *err)
{
    ut_status rc = UT_OK;
    size_t bins = (size_t)(params->high_bin - params->low_bin);
    size_t fft = (size_t)params->fft;
    int span = 2 * UT_PEAKS_RANK_FRAMES + 1;
    ut_peak_finder *f = calloc(1, sizeof *f);
    if (!f)
        return ut_fail(err, UT_E_NOMEM, "peak finder");
    f->params = params;
    f->rank_limit = (int)lround((double)density->peaks_per_s * span * params->hop / params->rate_hz);
    f->strong_limit = (int)lround((double)params->reference.peaks_per_s * span * params->hop / params->rate_hz);
    f->fine = density->fine;
    f->bins = bins;
    f->first = f->next = f->centre = f->settled = first_frame;
    int apart = f->fine ? UT_PEAKS_FINE_BINS + 1 : UT_PEAKS_MAX_BINS + 1; /* bins between strict maxima of a frame */
    f->candidate_capacity = (size_t)(span + UT_PEAKS_MAX_FRAMES + 1) * (bins / (size_t)apart + 1);
    f->candidates = malloc(f->candidate_capacity * sizeof *f->candidates);
    f->window = ut_alloc_floats(fft);
    f->audio = ut_alloc_floats(fft);
    f->frame = ut_alloc_floats(fft);
    f->spectrum = ut_alloc_floats(fft + 2);
    f->level = calloc(ROWS * bins, sizeof *f->level);
    f->highest = calloc(ROWS * bins, sizeof *f->highest);
    f->near = calloc(ROWS * bins, sizeof *f->near);
    f->sum = calloc(ROWS * bins, sizeof *f->sum);
    f->scratch = calloc(bins + 2 * PAD, sizeof *f->scratch);
    if (!f->candidates || !f->window || !f->audio || !f->frame || !f->spectrum || !f->level || !f->highest ||
        !f->near || !f->sum || !f->scratch) {
        rc = ut_fail(err, UT_E_NOMEM, "peak finder");
        goto fail;
    }
    if ((rc = ut_fft_open(fft, &f->fft, err)) != UT_OK)
        goto fail;
    ut_window_hann(f->window, fft);
    *out = f;
    return UT_OK;
fail:
    ut_peak_finder_close(&f);
    return rc;
}

void ut_peak_finder_close(ut_peak_finder **finder)
{
    ut_peak_finder *f = *finder;
    if (!f)
        return;
    ut_fft_close(&f->fft);
    free(f->window);
    free(f->audio);
    free(f->frame);
    free(f->spectrum);
    free(f->level);
    free(f->highest);
    free(f->near);
    free(f->sum);
    free(f->scratch);
    free(f->candidates);
    free(f);
    *finder = NULL;
}

/* A float's bits, read as an integer, are its logarithm: monotone, within 0.26 dB, and the same on every machine. */
static void take_levels(const float *spectrum, size_t bins, int16_t *level)
{
    for (size_t i = 0; i < bins; i++) {
        float power = spectrum[2 * i] * spectrum[2 * i] + spectrum[2 * i + 1] * spectrum[2 * i + 1];
        int32_t bits;
        memcpy(&bits, &power, sizeof bits);
        bits = (bits >> 15) - LEVEL_ZERO;
        bits = bits > LEVEL_MAX ? LEVEL_MAX : bits;
        level[i] = (int16_t)(bits < LEVEL_MIN ? LEVEL_MIN : bits);
    }
}

/* Maximum over ±8 bins, by doubling: of 2, of 4, of 8, of 16, of 17. */
static void take_highest(const int16_t *level, size_t bins, int16_t *scratch, int16_t *highest)
{
    size_t padded = bins + UT_PEAKS_MAX_BINS + PAD;
    for (size_t i = 0; i < UT_PEAKS_MAX_BINS; i++)
        scratch[i] = INT16_MIN;
    memcpy(scratch + UT_PEAKS_MAX_BINS, level, bins * sizeof *level);
    for (size_t i = bins + UT_PEAKS_MAX_BINS; i < padded; i++)
        scratch[i] = INT16_MIN;
    for (size_t step = 1; step <= UT_PEAKS_MAX_BINS; step *= 2)
        for (size_t i = 0; i + step < padded; i++)
            scratch[i] = scratch[i] > scratch[i + step] ? scratch[i] : scratch[i + step];
    for (size_t i = 0; i < bins; i++)
        highest[i] = scratch[i] > scratch[i + 1] ? scratch[i] : scratch[i + 1];
}

/* Maximum over ±2 bins. */
static void take_near(const int16_t *level, size_t bins, int16_t *near)
{
    enum { REACH = UT_PEAKS_FINE_BINS };
    for (size_t i = 0; i < bins; i++) {
        size_t from = i > REACH ? i - REACH : 0, to = i + REACH < bins ? i + REACH : bins - 1;
        near[i] = level[from];
        for (size_t b = from + 1; b <= to; b++)
            near[i] = near[i] > level[b] ? near[i] : level[b];
    }
}

static void take_sums(const int16_t *level, size_t bins, int32_t *sum)
{
    int32_t running = 0;
    for (size_t i = 0; i < UT_PEAKS_MEAN_BINS && i < bins; i++)
        running += level[i];
    for (size_t i = 0; i < bins; i++) {
        if (i + UT_PEAKS_MEAN_BINS < bins)
            running += level[i + UT_PEAKS_MEAN_BINS];
        if (i > UT_PEAKS_MEAN_BINS)
            running -= level[i - UT_PEAKS_MEAN_BINS - 1];
        sum[i] = running;
    }
}

static int16_t maximum(const int16_t *level, size_t bins)
{
    int16_t highest = LEVEL_MIN;
    for (size_t i = 0; i < bins; i++)
        highest = highest > level[i] ? highest : level[i];
    return highest;
}

static size_t row(const ut_peak_finder *f, int32_t frame)
{
    return (size_t)((uint32_t)frame % ROWS) * f->bins;
}

static void transform(ut_peak_finder *f)
{
    size_t fft = (size_t)f->params->fft, at = row(f, f->next);
    for (size_t i = 0; i < fft; i++)
        f->frame[i] = f->audio[i] * f->window[i];
    ut_fft_forward(f->fft, f->frame, f->spectrum);
    take_levels(f->spectrum + 2 * f->params->low_bin, f->bins, f->level + at);
    take_highest(f->level + at, f->bins, f->scratch, f->highest + at);
    if (f->fine)
        take_near(f->level + at, f->bins, f->near + at);
    take_sums(f->level + at, f->bins, f->sum + at);
    f->loudest[(uint32_t)f->next % ROWS] = maximum(f->level + at, f->bins);
    f->next++;
    f->held = fft - (size_t)f->params->hop;
    memmove(f->audio, f->audio + f->params->hop, f->held * sizeof *f->audio);
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* No other cell of the neighbourhood reaches the level of this one, which is its maximum. */
static bool strict(const ut_peak_finder *f, int32_t frames, size_t bins, size_t bin)
{
    int32_t from = larger(f->centre - frames, f->first), to = smaller(f->centre + frames, f->next - 1);
    int16_t level = f->level[row(f, f->centre) + bin];
    size_t low = bin > bins ? bin - bins : 0;
    size_t high = bin + bins < f->bins ? bin + bins : f->bins - 1;
    int equal = 0;
    for (int32_t t = from; t <= to; t++)
        for (size_t b = low; b <= high; b++)
            equal += f->level[row(f, t) + b] == level;
    return equal == 1;
}

/* Level over the local mean, in units of 1/256 of log2 power. */
static int32_t prominence(const ut_peak_finder *f, size_t bin)
{
    int32_t from = larger(f->centre - UT_PEAKS_MEAN_FRAMES, f->first);
    int32_t to = smaller(f->centre + UT_PEAKS_MEAN_FRAMES, f->next - 1);
    size_t low = bin > UT_PEAKS_MEAN_BINS ? bin - UT_PEAKS_MEAN_BINS : 0;
    size_t high = bin + UT_PEAKS_MEAN_BINS < f->bins ? bin + UT_PEAKS_MEAN_BINS : f->bins - 1;
    int32_t cells = (to - from + 1) * (int32_t)(high - low + 1);
    int64_t sum = 0;
    for (int32_t t = from; t <= to; t++)
        sum += f->sum[row(f, t) + bin];
    int64_t mean = sum >= 0 ? sum / cells : -((cells - 1 - sum) / cells); /* rounded down, whatever the sign */
    return f->level[row(f, f->centre) + bin] - (int32_t)mean;
}

/* The lowest level that counts around the centre. */
static int32_t audible(const ut_peak_finder *f)
{
    int32_t from = larger(f->centre - UT_PEAKS_MEAN_FRAMES, f->first);
    int32_t to = smaller(f->centre + UT_PEAKS_MEAN_FRAMES, f->next - 1);
    int32_t loudest = LEVEL_MIN;
    for (int32_t t = from; t <= to; t++)
        loudest = larger(loudest, f->loudest[(uint32_t)t % ROWS]);
    return larger(loudest - RANGE, LEVEL_MIN + 1);
}

/* Into scratch: the maximum of a row of maxima and those of the frames around it. */
static void take_maximum(ut_peak_finder *f, const int16_t *rows, int32_t frames)
{
    int32_t from = larger(f->centre - frames, f->first), to = smaller(f->centre + frames, f->next - 1);
    memcpy(f->scratch, rows + row(f, from), f->bins * sizeof *f->scratch);
    for (int32_t t = from + 1; t <= to; t++) {
        const int16_t *other = rows + row(f, t);
        for (size_t b = 0; b < f->bins; b++)
            f->scratch[b] = f->scratch[b] > other[b] ? f->scratch[b] : other[b];
    }
}

static void add_candidate(ut_peak_finder *f, size_t bin, ut_peak_grade grade, int32_t prominence)
{
    f->candidates[f->candidate_count++] = (candidate){
        .peak = {.frame = f->centre, .bin = (uint16_t)(bin + (size_t)f->params->low_bin), .grade = (uint8_t)grade},
        .prominence = prominence,
    };
}

static int by_bin(const void *a, const void *b)
{
    return (int)((const candidate *)a)->peak.bin - (int)((const candidate *)b)->peak.bin;
}

/* Adds the fine maxima of the centre to the candidates from `first` on, which are its others. */
static void search_fine(ut_peak_finder *f, int32_t lowest, size_t first)
{
    const int16_t *level = f->level + row(f, f->centre);
    size_t others = f->candidate_count, at = first;
    take_maximum(f, f->near, UT_PEAKS_FINE_FRAMES);
    for (size_t b = 0; b < f->bins; b++) {
        if (level[b] != f->scratch[b] || level[b] < lowest || level[b] == LEVEL_MAX)
            continue;
        while (at < others && f->candidates[at].peak.bin < b + (size_t)f->params->low_bin)
            at++;
        bool known = at < others && f->candidates[at].peak.bin == b + (size_t)f->params->low_bin;
        if (known || !strict(f, UT_PEAKS_FINE_FRAMES, UT_PEAKS_FINE_BINS, b))
            continue;
        int32_t over = prominence(f, b);
        if (over >= 0)
            add_candidate(f, b, UT_PEAK_FINE, over);
    }
    qsort(f->candidates + first, f->candidate_count - first, sizeof *f->candidates, by_bin);
}

/* The maxima of the whole neighbourhood, then, if wanted, those of the small one: all in order of bins. */
static void search(ut_peak_finder *f)
{
    int32_t lowest = audible(f);
    const int16_t *level = f->level + row(f, f->centre);
    size_t first = f->candidate_count;
    take_maximum(f, f->highest, UT_PEAKS_MAX_FRAMES);
    for (size_t b = 0; b < f->bins; b++)
        if (level[b] == f->scratch[b] && level[b] >= lowest && level[b] != LEVEL_MAX &&
            strict(f, UT_PEAKS_MAX_FRAMES, UT_PEAKS_MAX_BINS, b))
            add_candidate(f, b, UT_PEAK_BROAD, prominence(f, b));
    if (f->fine)
        search_fine(f, lowest, first);
    f->centre++;
}

/* How many within ±32 frames are more prominent; `begin` is the first candidate of those. */
static int rank(const ut_peak_finder *f, size_t at, size_t begin)
{
    const candidate *all = f->candidates;
    int32_t end = all[at].peak.frame + UT_PEAKS_RANK_FRAMES;
    int higher = 0;
    for (size_t j = begin; j < f->candidate_count && all[j].peak.frame <= end; j++)
        higher += all[j].peak.grade != UT_PEAK_FINE && all[j].prominence > all[at].prominence;
    return higher;
}

/* Gives out the candidates before frame `until`, whose surroundings are all searched, and forgets what no later one
 * needs. */
static ut_status settle(ut_peak_finder *f, int32_t until, ut_peaks *peaks, ut_err *err)
{
    const candidate *all = f->candidates;
    size_t begin = 0;
    for (size_t i = 0; i < f->candidate_count && all[i].peak.frame < until; i++) {
        ut_peak peak = all[i].peak;
        if (peak.frame < f->settled)
            continue;
        while (all[begin].peak.frame < peak.frame - UT_PEAKS_RANK_FRAMES)
            begin++;
        if (peak.grade == UT_PEAK_BROAD) {
            int higher = rank(f, i, begin);
            if (higher < f->rank_limit)
                peak.grade = higher < f->strong_limit ? UT_PEAK_STRONG : UT_PEAK_DENSE;
            else if (!f->fine || all[i].prominence < 0)
                continue;
        }
        ut_status rc = ut_peaks_add(peaks, peak, err);
        if (rc != UT_OK)
            return rc;
    }
    f->settled = larger(f->settled, until);
    size_t gone = 0;
    while (gone < f->candidate_count && all[gone].peak.frame < until - UT_PEAKS_RANK_FRAMES)
        gone++;
    f->candidate_count -= gone;
    memmove(f->candidates, f->candidates + gone, f->candidate_count * sizeof *f->candidates);
    return UT_OK;
}

ut_status ut_peak_finder_push(ut_peak_finder *finder, const float *mono, size_t frames, ut_peaks *peaks, ut_err *err)
{
    ut_peak_finder *f = finder;
    size_t fft = (size_t)f->params->fft;
    while (frames > 0) {
        size_t take = fft - f->held < frames ? fft - f->held : frames;
        for (size_t i = 0; i < take; i++)
            f->audio[f->held + i] = isfinite(mono[i]) ? mono[i] : 0.0f;
        f->held += take;
        mono += take;
        frames -= take;
        if (f->held < fft)
            break;
        transform(f);
        if (f->next - f->centre <= UT_PEAKS_MEAN_FRAMES)
            continue;
        search(f);
        ut_status rc = settle(f, f->centre - UT_PEAKS_RANK_FRAMES, peaks, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_peak_finder_finish(ut_peak_finder *finder, ut_peaks *peaks, ut_err *err)
{
    ut_peak_finder *f = finder;
    while (f->centre < f->next) {
        search(f);
        ut_status rc = settle(f, f->centre - UT_PEAKS_RANK_FRAMES, peaks, err);
        if (rc != UT_OK)
            return rc;
    }
    return settle(f, f->centre, peaks, err);
}

int32_t ut_peak_finder_settled(const ut_peak_finder *finder)
{
    return finder->settled;
}
