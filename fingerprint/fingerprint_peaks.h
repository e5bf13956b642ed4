/* The inside of a fingerprint, for the index and for tests. */
#ifndef UT_FINGERPRINT_FINGERPRINT_PEAKS_H
#define UT_FINGERPRINT_FINGERPRINT_PEAKS_H

#include "fingerprint/fingerprint.h"
#include "fingerprint/peaks.h"

/* Takes the list over (*peaks is empty afterwards) on success. `frames` is the recording's length in hops; the peaks
 * are sorted, their frames in [0, frames) and their bins in the set's band. UT_E_CORRUPT if they are not. */
UT_CHECK ut_status ut_fingerprint_from_peaks(const ut_params *params, int32_t frames, ut_peaks *peaks,
                                             ut_fingerprint **out, ut_err *err);
const ut_peaks *ut_fingerprint_peaks(const ut_fingerprint *fingerprint);
int32_t ut_fingerprint_frames(const ut_fingerprint *fingerprint);

#endif
