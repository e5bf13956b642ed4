/* Made-up tracks and queries, straight as peaks, for catalogues larger than there is music at hand. Their landmarks are
 * distributed as those of real music are: what a query costs is how often hashes come again, within a track and between
 * tracks. docs/benchmarks/index.md has the comparison; `undertone evaluate --padding`, `undertone bench` and
 * tests/bench/bench_index use them. */
#ifndef UT_APPS_EVALUATE_MADE_UP_H
#define UT_APPS_EVALUATE_MADE_UP_H

#include "fingerprint/fingerprint_peaks.h"

/* Track number `seed`, `seconds` long. The same on every machine. */
UT_CHECK ut_status ut_made_up_track(const ut_params *params, uint64_t seed, int seconds, ut_fingerprint **out,
                                    ut_err *err);
/* Dense peaks of a window of that track, from frame `first`, under other sound: 6 in 10 of the track's, and others up
 * to the density of a query of music under speech. *peaks is emptied first; its frames count from the window's start.
 */
UT_CHECK ut_status ut_made_up_query(const ut_params *params, uint64_t seed, int seconds, int32_t first, int32_t frames,
                                    ut_peaks *peaks, ut_err *err);

#endif
