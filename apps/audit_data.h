/* What an audit and a society's share are computed from, read from the store: the cues of a range and the time in it
 * that nobody observed. */
#ifndef UT_APPS_AUDIT_DATA_H
#define UT_APPS_AUDIT_DATA_H

#include "apps/cue_data.h"
#include "cuesheet/audit.h"

typedef struct {
    ut_cue_data cues;
    ut_span *unobserved; /* not captured or not analysed; joined */
    size_t unobserved_count;
    size_t segments; /* that reach into the range */
} ut_audit_data;

UT_CHECK ut_status ut_audit_data_load(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                      ut_audit_data *out, ut_err *err);
void ut_audit_data_clear(ut_audit_data *data);

#endif
