/* Landmarks: pairs of peaks near each other in time and frequency, as hashes. */
#ifndef UT_FINGERPRINT_LANDMARK_H
#define UT_FINGERPRINT_LANDMARK_H

#include "fingerprint/peaks.h"

typedef struct {
    uint32_t hash;   /* params->hash_bits wide: first bin, bin distance, frame distance */
    uint32_t anchor; /* index of the first peak in the list */
} ut_landmark;

typedef struct {
    ut_landmark *items;
    size_t count;
    size_t capacity;
} ut_landmarks;
void ut_landmarks_clear(ut_landmarks *landmarks);

/* Appends the pairs whose first peak is one of peaks[begin … end); each takes its first `fan_out` partners in time.
 * The list may go on after `end`, and must where partners are to be found. */
UT_CHECK ut_status ut_landmarks_pair(const ut_params *params, int fan_out, const ut_peaks *peaks, size_t begin,
                                     size_t end, ut_landmarks *landmarks, ut_err *err);

/* The second peak of a pair, from the first and the hash. */
ut_peak ut_landmark_partner(const ut_params *params, ut_peak anchor, uint32_t hash);

#endif
