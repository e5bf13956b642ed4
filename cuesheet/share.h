/* A society's share of the music on air, with an interval. Pure functions of their input; docs/AUDIT.md says how. */
#ifndef UT_CUESHEET_SHARE_H
#define UT_CUESHEET_SHARE_H

#include "cuesheet/audit.h"

/* Everything is borrowed. */
typedef struct {
    int64_t start_ns, end_ns;
    const ut_cue *cues; /* of the range, cut to it */
    const ut_recording *const *recordings;
    size_t cue_count;
    const ut_span *unobserved; /* joined */
    size_t unobserved_count;
    int64_t cluster_ns; /* 0: days, or hours where there are fewer than UT_SHARE_DAYS of them */
    double level;       /* of the interval, such as 0.95 */
    size_t rounds;      /* of the bootstrap */
} ut_share_input;

#define UT_SHARE_DAYS 7     /* so many days before days are the clusters */
#define UT_SHARE_CLUSTERS 5 /* with fewer there is no interval */

typedef struct {
    char *society;      /* "": not stated, or nobody's */
    double seconds;     /* of identified music, times the share in the work */
    double share;       /* of identified music; NAN if there is none */
    double low, high;   /* the interval; NAN: too few clusters */
    double least, most; /* share of all music if none, or all, of the music without a name were the society's */
} ut_share;

typedef struct {
    ut_share *items; /* the largest first */
    size_t count;
    double observed_s, identified_s, unidentified_s; /* the last: ambiguous music too */
    int64_t cluster_ns;
    size_t clusters; /* that were observed at all */
} ut_shares;

/* The same input gives the same numbers. */
UT_CHECK ut_status ut_shares_estimate(const ut_share_input *input, ut_shares *out, ut_err *err);
void ut_shares_clear(ut_shares *shares);

/* What one party has of the work; where nobody says, an equal part of what the others leave. */
double ut_party_weight(const ut_party *parties, size_t count, size_t which);

#endif
