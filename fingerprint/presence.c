#include "fingerprint/presence.h"

#include <math.h>

enum { AGAIN_MIN = 4, AGAIN_MAX = 16, PEAKS_MIN = 64, QUIET = 32 };
#define PERSISTENCE_MIX 0.17   /* the mixture, without a separator */
#define PERSISTENCE_MUSIC 0.27 /* the separated music, however quiet */
#define PERSISTENCE_LOUD 0.13  /* the separated music, if it is LOUD of the mixture */
#define LOUD 0.04              /* energy; -14 dB */
#define CLEAR 10.0             /* how much more likely a change must be than none, natural logarithm, */
#define BARE 3                 /* and how many times rarer peaks come again outside the music than in it */
#define AUDIBLE 1e-6           /* mean square; -60 dBFS */

ut_presence ut_presence_start(int64_t block_samples, int64_t first_sample)
{
    return (ut_presence){.block_samples = block_samples, .block = first_sample / block_samples};
}

void ut_presence_push(ut_presence *presence, int64_t sample, const float *mix, const float *music, size_t frames)
{
    for (size_t i = 0; i < frames; i++, sample++) {
        int64_t block = sample / presence->block_samples;
        double *energy = presence->energy[block % UT_PRESENCE_BLOCKS];
        if (block != presence->block) {
            presence->block = block;
            energy[0] = energy[1] = 0;
        }
        if (isfinite(mix[i]))
            energy[0] += (double)mix[i] * mix[i];
        if (music && isfinite(music[i]))
            energy[1] += (double)music[i] * music[i];
    }
}

/* Whether the same note is there later, or, seen from its end, was there before. */
static bool comes_again(const ut_peaks *peaks, size_t i)
{
    for (size_t j = i + 1; j < peaks->count; j++) {
        int32_t later = peaks->items[j].frame - peaks->items[i].frame;
        if (later > AGAIN_MAX)
            break;
        if (later >= AGAIN_MIN && peaks->items[j].bin == peaks->items[i].bin)
            return true;
    }
    return false;
}

static bool came_before(const ut_peaks *peaks, size_t i)
{
    for (size_t j = i; j-- > 0;) {
        int32_t before = peaks->items[i].frame - peaks->items[j].frame;
        if (before > AGAIN_MAX)
            break;
        if (before >= AGAIN_MIN && peaks->items[j].bin == peaks->items[i].bin)
            return true;
    }
    return false;
}

static double persistence(const ut_peaks *peaks)
{
    size_t again = 0;
    for (size_t i = 0; i < peaks->count; i++)
        again += comes_again(peaks, i);
    return peaks->count < PEAKS_MIN ? 0.0 : (double)again / (double)peaks->count;
}

bool ut_presence_music(const ut_presence *presence, const ut_query *query, int64_t from, int64_t to)
{
    double energy[UT_QUERY_WITNESSES] = {0};
    for (int64_t block = from / presence->block_samples; block <= (to - 1) / presence->block_samples; block++)
        for (int w = 0; w < UT_QUERY_WITNESSES; w++)
            energy[w] += presence->energy[block % UT_PRESENCE_BLOCKS][w];
    int heard = query->witnesses - 1;
    if (energy[heard] < AUDIBLE * (double)(to - from))
        return false;
    double p = persistence(&query->peaks[heard]);
    if (query->witnesses == 1)
        return p >= PERSISTENCE_MIX;
    return p >= PERSISTENCE_MUSIC || (p >= PERSISTENCE_LOUD && energy[1] >= LOUD * energy[0]);
}

/* Log-likelihood of so many hits of so many trials at their own rate. */
static double likelihood(size_t hits, size_t trials)
{
    if (hits == 0 || hits == trials)
        return 0.0;
    double p = (double)hits / (double)trials;
    return (double)hits * log(p) + (double)(trials - hits) * log1p(-p);
}

/* The peak with which the music begins, or, backwards, ends: what lies outside has fewer peaks that come again. */
static size_t change(const ut_peaks *peaks, bool backwards)
{
    size_t total = 0, hits = 0, at = 0;
    for (size_t i = 0; i < peaks->count; i++)
        total += backwards ? came_before(peaks, i) : comes_again(peaks, i);
    double best = likelihood(total, peaks->count) + CLEAR;
    for (size_t k = 0; k + 1 < peaks->count; k++) {
        size_t i = backwards ? peaks->count - 1 - k : k;
        hits += backwards ? came_before(peaks, i) : comes_again(peaks, i);
        size_t trials = k + 1, rest = peaks->count - trials;
        double both = likelihood(hits, trials) + likelihood(total - hits, rest);
        if (both > best && BARE * hits * rest < (total - hits) * trials) {
            best = both;
            at = trials;
        }
    }
    return backwards ? peaks->count - 1 - at : at;
}

void ut_presence_edges(const ut_query *query, int32_t *from, int32_t *to)
{
    const ut_peaks *peaks = &query->peaks[query->witnesses - 1];
    size_t first = change(peaks, false), last = change(peaks, true);
    *from = query->first;
    *to = query->first + query->frames;
    if (peaks->count == 0)
        return;
    if (first > 0 || peaks->items[0].frame > QUIET)
        *from = query->first + peaks->items[first].frame;
    if (last + 1 < peaks->count || peaks->items[last].frame < query->frames - QUIET)
        *to = query->first + peaks->items[last].frame + 1;
}
