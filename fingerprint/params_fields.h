/* What a parameter set holds. Inside fingerprint/ only; elsewhere a set is opaque (params.h). */
#ifndef UT_FINGERPRINT_PARAMS_FIELDS_H
#define UT_FINGERPRINT_PARAMS_FIELDS_H

#include <stdbool.h>

#include "fingerprint/params.h"

/* How densely audio is described. References are sparse, because the catalogue keeps them; queries are dense, because
 * speech peaks outnumber those of the music under it: with as few peaks and pairs as the reference has, speech would
 * use them up. Every sparse peak and pair is among the dense ones, so density costs no storage. */
typedef struct {
    int peaks_per_s;
    int fan_out; /* most pairs that start at one peak */
    bool fine;   /* broad and fine peaks too: see peaks.h */
} ut_density;

struct ut_params {
    const char *name;
    int rate_hz;
    int fft;
    int hop;
    int low_bin; /* peaks are looked for in [low_bin, high_bin) */
    int high_bin;
    int pair_frames_min; /* of the second peak of a pair, after the first */
    int pair_frames_max;
    int pair_bins_max;
    int frames_bits; /* of the hash: first bin (the high bits), bin distance, frame distance */
    int bins_bits;
    int hash_bits; /* all three together */
    ut_density reference;
    ut_density query;
};

#endif
