/* One audio file read for the catalogue: decoded, digested, fingerprinted. Depends on the file
 * alone, so any thread may do it; what is written of it to the store is pipeline/ingest.c's. */
#ifndef UT_PIPELINE_INGEST_FILE_H
#define UT_PIPELINE_INGEST_FILE_H

#include "core/types.h"
#include "db/store.h"
#include "fingerprint/params.h"

#define UT_INGEST_SETS 4

typedef struct {
    ut_recording tags; /* what the file says of itself, with its digest and duration; title NULL if
                          it says none */
    ut_fingerprint_row rows[UT_INGEST_SETS];
    size_t row_count;
    double audio_s;
} ut_reading;

/* A reading may be cleared at any time after it was zeroed. */
void ut_reading_clear(ut_reading *reading);
typedef bool (*ut_stopped_fn)(void *arg);
/* stopped is asked now and then: UT_E_STOPPED. UT_E_UNSUPPORTED: not audio, or nothing in it to
 * recognise; else as ut_media_open and ut_media_read. */
UT_CHECK ut_status ut_reading_make(const char *path, const ut_params *const *params, size_t params_count,
                                   ut_stopped_fn stopped, void *arg, ut_reading *out, ut_err *err);

#endif
