/* What a trail holds. Inside fingerprint/ and for tests. */
#ifndef UT_FINGERPRINT_TRAIL_FIELDS_H
#define UT_FINGERPRINT_TRAIL_FIELDS_H

#include "fingerprint/query.h"
#include "fingerprint/trail.h"

struct ut_trail {
    const ut_params *params;
    int witnesses;
    int32_t first, end; /* frames that the peaks are from */
    int32_t from, to;   /* frames of the stretch itself */
    ut_peaks peaks[UT_QUERY_WITNESSES];
};

UT_CHECK ut_status ut_trail_new(const ut_params *params, int witnesses, int32_t first, int32_t end, ut_trail **out,
                                ut_err *err);
/* Appends those of the list in [first, end). */
UT_CHECK ut_status ut_trail_add(ut_trail *trail, int witness, const ut_peaks *peaks, ut_err *err);

#endif
