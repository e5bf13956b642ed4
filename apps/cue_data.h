/* What a cue list is made from, read from the store: cues of a time range with their recordings,
 * and its capture gaps. */
#ifndef UT_APPS_CUE_DATA_H
#define UT_APPS_CUE_DATA_H

#include "cuesheet/cue.h"
#include "db/store.h"

typedef struct {
    ut_cue *cues;
    size_t count;
    const ut_recording **recordings; /* one per cue; NULL: unidentified, or not in the store */
    ut_gap *gaps;
    size_t gap_count;

    ut_airing *airings; /* that the range touches, in order of start and channel */
    size_t airing_count;

    ut_recording *known; /* what `recordings` points to */
    size_t known_count;
} ut_cue_data;

/* channel NULL: all. The rules' programme is the range; an end of 0 means all there is, uncut. */
UT_CHECK ut_status ut_cue_data_load(ut_store *store, const char *channel, const ut_cue_rules *rules, ut_cue_data *out,
                                    ut_err *err);
/* The airing in which a cue begins; NULL: nothing is known of that time. */
const ut_airing *ut_cue_data_airing(const ut_cue_data *data, const ut_cue *cue);
/* The same with those that were rejected. */
UT_CHECK ut_status ut_cue_data_load_all(ut_store *store, const char *channel, const ut_cue_rules *rules,
                                        ut_cue_data *out, ut_err *err);
void ut_cue_data_clear(ut_cue_data *data);

#endif
