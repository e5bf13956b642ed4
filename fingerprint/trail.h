/* A trail: what the recogniser had of a stretch of music instead of the audio, which are the dense peaks of mixture and
 * separated music, with a window's length of them on either side. It matches again as the audio would, when the
 * catalogue has grown; it can serve as a reference itself; and it is 1/200 of the audio. */
#ifndef UT_FINGERPRINT_TRAIL_H
#define UT_FINGERPRINT_TRAIL_H

#include <stdint.h>

#include "core/status.h"
#include "fingerprint/fingerprint.h"

typedef struct ut_trail ut_trail;
void ut_trail_close(ut_trail **trail);

typedef struct {
    const ut_params *params;
    int witnesses;        /* 1: the mixture; 2: the separated music too */
    int64_t start_sample; /* of the stretch, without what lies around it */
    int64_t end_sample;
    size_t peaks; /* of both witnesses */
} ut_trail_info;
ut_trail_info ut_trail_describe(const ut_trail *trail);

/* The part of it that is of [from_sample, to_sample), as if only that had been kept: with what there is around it. */
UT_CHECK ut_status ut_trail_part(const ut_trail *trail, int64_t from_sample, int64_t to_sample, ut_trail **out,
                                 ut_err *err);

/* Byte form: delta coded, compressed, checksummed. *data is malloc'd. */
UT_CHECK ut_status ut_trail_encode(const ut_trail *trail, uint8_t **data, size_t *size, ut_err *err);
/* Never trusts its input. UT_E_CORRUPT if it does not fit. */
UT_CHECK ut_status ut_trail_decode(const uint8_t *data, size_t size, ut_trail **out, ut_err *err);

/* [from_sample, to_sample) as a reference: the strong peaks of the separated music, else of the mixture. */
UT_CHECK ut_status ut_trail_fingerprint(const ut_trail *trail, int64_t from_sample, int64_t to_sample,
                                        ut_fingerprint **out, ut_err *err);

#endif
