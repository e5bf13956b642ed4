/* Times and durations as people write them on cue sheets. Private to this folder. */
#ifndef UT_CUESHEET_CLAIM_TIME_H
#define UT_CUESHEET_CLAIM_TIME_H

#include "cuesheet/claim.h"

/* A point of time: RFC 3339; a date and time without offset; "1:02:03", "02:03.5", "01:02:03:12" (frames are left
 * out), "83.5" (seconds). `date` (may be "") is that of the row and wins over rules->date. */
UT_CHECK ut_status ut_claim_time(const char *text, const char *date, const ut_claim_rules *rules, int64_t *utc_ns,
                                 ut_err *err);
/* "83.5", "1:23", "0:01:23.5", "PT1M23S". */
UT_CHECK ut_status ut_claim_duration(const char *text, int64_t *ns, ut_err *err);

#endif
