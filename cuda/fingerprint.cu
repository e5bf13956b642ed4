#include "cuda/fingerprint.h"

#include <float.h>
#include <stdlib.h>

#include "cuda/launch.h"
#include "cuda/model.h"
#include "cuda/peaks.h"
#include "cuda/plain.h"
#include "cuda/stft.h"

namespace utc
{

enum { BUFFERS = 24 };

/* A clip's memory on the device; all of it goes together. */
struct Clip {
    const utc_fingerprint_options *options;
    size_t samples, frames;
    int fft_bins, bins, capacity;
    void *buffers[BUFFERS];
    int buffer_count;
    rt_error problem; /* the first */
    bool memory;      /* it was memory */
    float *audio, *spectra, *window, *twiddles;
    Levels levels;
    Search search;
    Rank rank;
    int *first;
};

static void *take(Clip *c, size_t bytes)
{
    void *memory = NULL;
    if (c->problem)
        return NULL;
    c->problem = rt_alloc(&memory, bytes);
    c->memory = c->problem != NULL;
    if (!c->problem)
        c->buffers[c->buffer_count++] = memory;
    return memory;
}

static void release(Clip *c)
{
    while (c->buffer_count > 0)
        rt_free(c->buffers[--c->buffer_count]);
}

static FrameLists take_lists(Clip *c)
{
    size_t cells = c->frames * c->capacity;
    FrameLists l = {};
    l.count = (int *)take(c, c->frames * sizeof *l.count);
    l.bin = (int *)take(c, cells * sizeof *l.bin);
    l.prominence = (int *)take(c, cells * sizeof *l.prominence);
    l.capacity = c->capacity;
    return l;
}

static void take_memory(Clip *c)
{
    size_t fft = c->options->fft, cells = c->frames * c->bins;
    c->audio = (float *)take(c, c->samples * sizeof *c->audio);
    c->window = (float *)take(c, fft * sizeof *c->window);
    c->twiddles = (float *)take(c, fft * sizeof *c->twiddles);
    c->spectra = (float *)take(c, 2 * c->frames * c->fft_bins * sizeof *c->spectra);
    c->levels.spectra = c->spectra;
    c->levels.fft_bins = c->fft_bins;
    c->levels.low_bin = c->options->low_bin;
    c->levels.bins = c->search.bins = c->bins;
    c->search.level = c->levels.level = (int16_t *)take(c, cells * sizeof *c->levels.level);
    c->search.highest = c->levels.highest = (int16_t *)take(c, cells * sizeof *c->levels.highest);
    c->search.sum = c->levels.sum = (int32_t *)take(c, cells * sizeof *c->levels.sum);
    c->search.loudest = c->levels.loudest = (int16_t *)take(c, c->frames * sizeof *c->levels.loudest);
    c->search.out = c->rank.in = take_lists(c);
    c->rank.out = take_lists(c);
    c->search.frames = c->rank.frames = (int)c->frames;
    c->rank.limit = c->options->rank_limit;
    c->first = (int *)take(c, (c->frames + 1) * sizeof *c->first);
}

static rt_error transform(Clip *c, const float *audio)
{
    const utc_fingerprint_options *o = c->options;
    size_t fft = o->fft;
    float *tables = (float *)malloc(2 * fft * sizeof *tables);
    if (!tables)
        return "out of memory";
    fill_hann(tables, fft);
    fill_twiddles(tables + fft, fft);
    rt_error problem = rt_copy_in(NULL, c->window, tables, fft * sizeof *tables);
    if (!problem)
        problem = rt_copy_in(NULL, c->twiddles, tables + fft, fft * sizeof *tables);
    if (!problem)
        problem = rt_copy_in(NULL, c->audio, audio, c->samples * sizeof *audio);
    if (!problem)
        problem = rt_wait(NULL);
    free(tables);
    Ingest clean = {c->audio, 0, FLT_MAX, c->audio, c->samples};
    Grid all = {blocks_of(c->samples, Ingest::THREADS), 1, 1};
    if (!problem)
        problem = launch(clean, all, NULL);
    Stft stft = {c->audio, c->window, c->twiddles,    c->spectra,  NULL,
                 o->fft,   o->hop,    (int)c->frames, c->fft_bins, c->samples};
    Grid frames = {(unsigned)c->frames, 1, 1};
    return problem ? problem : launch(stft, frames, NULL);
}

static rt_error find_peaks(Clip *c)
{
    Grid frames = {(unsigned)c->frames, 1, 1}, one = {1, 1, 1};
    rt_error problem = launch(c->levels, frames, NULL);
    if (!problem)
        problem = launch(c->search, frames, NULL);
    if (!problem)
        problem = launch(c->rank, frames, NULL);
    Offsets offsets = {c->rank.out.count, c->first, (int)c->frames};
    return problem ? problem : launch(offsets, one, NULL);
}

/* What came back of the pairs becomes lists. */
static int gather(const int *counts, const uint32_t *hashes, size_t peaks, int fan_out, utc_landmark **out,
                  size_t *out_count, utc_error *err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < peaks; i++)
        total += counts[i];
    utc_landmark *landmarks = (utc_landmark *)malloc((total + 1) * sizeof *landmarks);
    if (!landmarks)
        return fail(err, UTC_E_MEMORY, "%zu landmarks", total);
    for (size_t i = 0; i < peaks; i++)
        for (int k = 0; k < counts[i]; k++) {
            landmarks[at].hash = hashes[i * fan_out + k];
            landmarks[at++].anchor = (uint32_t)i;
        }
    *out = landmarks;
    *out_count = total;
    return UTC_OK;
}

static int bring_back(Clip *c, utc_peak **peaks, size_t *peak_count, utc_landmark **landmarks, size_t *landmark_count,
                      utc_error *err)
{
    int total = 0, rc = UTC_OK, fan_out = c->options->fan_out;
    if ((c->problem = rt_copy_out(NULL, &total, c->first + c->frames, sizeof total)) || (c->problem = rt_wait(NULL)))
        return fail(err, UTC_E_DEVICE, "peaks: %s", c->problem);
    size_t n = total, hash_bytes = n * fan_out * sizeof(uint32_t);
    Pairs pairs = {};
    pairs.in = c->rank.out;
    pairs.first = c->first;
    pairs.frames = (int)c->frames;
    pairs.options = *c->options;
    pairs.peaks = (utc_peak *)take(c, n * sizeof *pairs.peaks);
    pairs.hashes = (uint32_t *)take(c, hash_bytes);
    pairs.hash_count = (int *)take(c, n * sizeof *pairs.hash_count);
    if (c->problem)
        return out_of_memory(err, "pairs", hash_bytes, c->problem);
    utc_peak *found = (utc_peak *)malloc((n + 1) * sizeof *found);
    uint32_t *hashes = (uint32_t *)malloc(hash_bytes + 1);
    int *counts = (int *)malloc((n + 1) * sizeof *counts);
    Grid frames = {(unsigned)c->frames, 1, 1};
    if (!found || !hashes || !counts)
        rc = out_of_memory(err, "pairs", hash_bytes, NULL);
    else if ((c->problem = launch(pairs, frames, NULL)) ||
             (c->problem = rt_copy_out(NULL, found, pairs.peaks, n * sizeof *found)) ||
             (c->problem = rt_copy_out(NULL, hashes, pairs.hashes, hash_bytes)) ||
             (c->problem = rt_copy_out(NULL, counts, pairs.hash_count, n * sizeof *counts)) ||
             (c->problem = rt_wait(NULL)))
        rc = fail(err, UTC_E_DEVICE, "pairs: %s", c->problem);
    else
        rc = gather(counts, hashes, n, fan_out, landmarks, landmark_count, err);
    free(hashes);
    free(counts);
    if (rc != UTC_OK) {
        free(found);
        return rc;
    }
    *peaks = found;
    *peak_count = n;
    return rc;
}

static int check(const utc_fingerprint_options *o, size_t samples, utc_error *err)
{
    if (o->fft < FFT_MIN || o->fft > FFT_LIMIT || (o->fft & (o->fft - 1)) || o->hop <= 0)
        return fail(err, UTC_E_ARG, "fft of %d every %d", o->fft, o->hop);
    if (o->low_bin < 0 || o->high_bin <= o->low_bin || o->high_bin > o->fft / 2 + 1 ||
        (o->high_bin - o->low_bin) / (MAX_BINS + 1) + 1 > Rank::THREADS)
        return fail(err, UTC_E_ARG, "bins %d to %d", o->low_bin, o->high_bin);
    if (o->pair_frames_min < 1 || o->fan_out < 1 || o->fan_out > 1024)
        return fail(err, UTC_E_ARG, "pairs from %d frames, %d of a peak", o->pair_frames_min, o->fan_out);
    if (samples > UTC_CLIP_SAMPLES)
        return fail(err, UTC_E_ARG, "a clip of %zu samples (at most %zu)", samples, (size_t)UTC_CLIP_SAMPLES);
    return UTC_OK;
}

int fingerprint(utc_context *context, const utc_fingerprint_options *options, const float *audio, size_t samples,
                const float *spectra, utc_peak **peaks, size_t *peak_count, utc_landmark **landmarks,
                size_t *landmark_count, utc_error *err)
{
    Clip c = {};
    int rc = check(options, samples, err);
    if (rc != UTC_OK)
        return rc;
    if ((c.problem = rt_use(context->device)))
        return fail(err, UTC_E_DEVICE, "%s", c.problem);
    c.options = options;
    c.samples = samples;
    c.frames = samples < (size_t)options->fft ? 0 : (samples - options->fft) / options->hop + 1;
    c.fft_bins = options->fft / 2 + 1;
    c.bins = options->high_bin - options->low_bin;
    c.capacity = c.bins / (MAX_BINS + 1) + 1;
    if (c.frames == 0) {
        *peaks = NULL;
        *landmarks = NULL;
        *peak_count = *landmark_count = 0;
        return UTC_OK;
    }
    take_memory(&c);
    if (c.problem)
        rc = out_of_memory(err, "clip", samples, c.problem);
    if (rc == UTC_OK) {
        if (!spectra)
            c.problem = transform(&c, audio);
        else
            c.problem = rt_copy_in(NULL, c.spectra, spectra, 2 * c.frames * c.fft_bins * sizeof *spectra);
        if (!c.problem)
            c.problem = find_peaks(&c);
        rc = c.problem ? fail(err, UTC_E_DEVICE, "peaks: %s", c.problem)
                       : bring_back(&c, peaks, peak_count, landmarks, landmark_count, err);
    }
    release(&c);
    return rc;
}

} // namespace utc
