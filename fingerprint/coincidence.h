/* Coincidences of a recording's peaks with a programme's, over stretches of any length: which peak comes again, how
 * many would by chance, and the votes for every offset. Nothing is decided here; explain.h shows it. Inside
 * fingerprint/ only. */
#ifndef UT_FINGERPRINT_COINCIDENCE_H
#define UT_FINGERPRINT_COINCIDENCE_H

#include "fingerprint/peaks.h"
#include "fingerprint/query.h"

/* Where a list of peaks has one, within a frame. */
typedef struct {
    int32_t first;
    int32_t frames;
    uint64_t *words; /* (bin, word) */
    size_t row;      /* words of a bin */
} ut_peak_map;

/* Of the peaks in [first, first + frames). */
UT_CHECK ut_status ut_peak_map_fill(const ut_peaks *peaks, int32_t first, int32_t frames, ut_peak_map *out,
                                    ut_err *err);
void ut_peak_map_clear(ut_peak_map *map);

static inline bool ut_peak_map_has(const ut_peak_map *map, int32_t frame, int bin)
{
    int64_t at = (int64_t)frame - map->first;
    if (!map->words || at < 0 || at >= map->frames)
        return false;
    return map->words[(size_t)bin * map->row + (size_t)at / 64] >> at % 64 & 1;
}

/* How likely a peak there comes again by chance, in one map or the other: how often it does where the programme is
 * moved by 6 to 126 frames either way. */
double ut_coincidence_chance(const ut_peak_map *mix, const ut_peak_map *music, ut_peak peak);

/* Counts the landmarks that a reference and the witnesses of a programme have in common, by frame of the reference less
 * frame of the programme: votes[i] for offset first + i. What two witnesses have alike counts once. *votes is malloc'd.
 */
UT_CHECK ut_status ut_coincidence_votes(const ut_params *params, const ut_peaks *reference, const ut_peaks *witnesses,
                                        int witness_count, int32_t first, size_t count, uint32_t **votes, ut_err *err);

#endif
