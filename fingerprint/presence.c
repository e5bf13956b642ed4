#include "fingerprint/presence.h"

#include <math.h>

enum { AGAIN_MIN = 4, AGAIN_MAX = 16, PEAKS_MIN = 64 };
#define PERSISTENCE_MIX 0.17   /* the mixture, without a separator */
#define PERSISTENCE_MUSIC 0.27 /* the separated music, however quiet */
#define PERSISTENCE_LOUD 0.13  /* the separated music, if it is LOUD of the mixture */
#define LOUD 0.04              /* energy; -14 dB */
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

static double persistence(const ut_peaks *peaks)
{
    size_t again = 0;
    for (size_t i = 0; i < peaks->count; i++)
        for (size_t j = i + 1; j < peaks->count; j++) {
            int32_t later = peaks->items[j].frame - peaks->items[i].frame;
            if (later > AGAIN_MAX)
                break;
            if (later >= AGAIN_MIN && peaks->items[j].bin == peaks->items[i].bin) {
                again++;
                break;
            }
        }
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
