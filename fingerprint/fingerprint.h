/* The fingerprint of one recording: landmarks for lookup and peaks for verification, and its compact byte form,
 * which the store keeps. */
#ifndef UT_FINGERPRINT_FINGERPRINT_H
#define UT_FINGERPRINT_FINGERPRINT_H

#include <stdint.h>

#include "core/status.h"
#include "fingerprint/params.h"

typedef struct ut_fingerprint ut_fingerprint;

/* Makes a fingerprint from audio at UT_RATE_HZ (resampled inside for p1). Streaming: memory does not grow with the
 * samples, only with the landmarks. One thread. */
typedef struct ut_fingerprinter ut_fingerprinter;
UT_CHECK ut_status ut_fingerprinter_open(const ut_params *params, ut_fingerprinter **out, ut_err *err);
void ut_fingerprinter_close(ut_fingerprinter **fingerprinter);
UT_CHECK ut_status ut_fingerprinter_push(ut_fingerprinter *fingerprinter, const float *mono, size_t frames,
                                         ut_err *err);
/* Ends the recording; the caller owns *out. */
UT_CHECK ut_status ut_fingerprinter_finish(ut_fingerprinter *fingerprinter, ut_fingerprint **out, ut_err *err);

void ut_fingerprint_close(ut_fingerprint **fingerprint);
const ut_params *ut_fingerprint_params(const ut_fingerprint *fingerprint);
size_t ut_fingerprint_landmarks(const ut_fingerprint *fingerprint); /* count */
double ut_fingerprint_seconds(const ut_fingerprint *fingerprint);

/* Byte form: delta-coded, checksummed, little endian. *data is malloc'd. */
UT_CHECK ut_status ut_fingerprint_encode(const ut_fingerprint *fingerprint, uint8_t **data, size_t *size, ut_err *err);
/* Never trusts its input. UT_E_CORRUPT if it does not fit. */
UT_CHECK ut_status ut_fingerprint_decode(const uint8_t *data, size_t size, ut_fingerprint **out, ut_err *err);

#endif
