/* Events once more: from what the store knows of a range of air, with the ids they had. */
#ifndef UT_PIPELINE_REPUBLISH_H
#define UT_PIPELINE_REPUBLISH_H

#include "db/store.h"

typedef struct {
    size_t airplays, gaps;
    size_t added; /* to the outbox; the others wait there already */
} ut_republished;

/* Puts the events of the airplays, with all their revisions, and gaps that overlap [from_ns, to_ns) into the outbox.
 * channel NULL: all. Values are made anew: a title that was corrected since is the corrected one. */
UT_CHECK ut_status ut_republish(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                ut_republished *out, ut_err *err);

#endif
