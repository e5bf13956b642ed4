/* The coincidence profile of a hypothesis "this window of the stream is that stretch of a recording".
 *
 * Of the peaks that the reference has in the stretch, how many does the query have too, at the hypothesised offset and,
 * for comparison, at every other offset within ±2 s? The other offsets are the chance of this very pair of sounds: same
 * notes, same density, same tempo, wrong place. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_PROFILE_H
#define UT_FINGERPRINT_PROFILE_H

#include "fingerprint/vote.h"

enum { UT_PROFILE_CENTRE = UT_QUERY_SHIFTS / 2, UT_PROFILE_PEAKS_MAX = 1024 };

/* Index UT_PROFILE_CENTRE + s: with the query s frames later. */
typedef struct {
    uint32_t peaks;                                       /* of the reference, in the stretch */
    uint16_t single[UT_QUERY_WITNESSES][UT_QUERY_SHIFTS]; /* those that the witness has */
    uint16_t paired[UT_QUERY_WITNESSES][UT_QUERY_SHIFTS]; /* those that it has together with one of their partners */
} ut_profile;

/* begin: where on the timeline the query's window begins. */
void ut_profile_take(const ut_index *index, const ut_query *query, int64_t begin, ut_profile *profile);

#endif
