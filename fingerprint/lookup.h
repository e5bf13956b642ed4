/* What a query asks of the index: the posting lists of its landmarks, each once, the rarest first, and without those
 * that are too common to tell anything. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_LOOKUP_H
#define UT_FINGERPRINT_LOOKUP_H

#include "fingerprint/query.h"

/* The postings of one hash in a segment, and how far they have been read. */
typedef struct {
    uint64_t at;  /* bits */
    uint64_t end; /* bits */
    const ut_posting_code *code;
    uint32_t frame;
    uint32_t first; /* of the query's landmarks with this hash, in ut_lookup.backs */
    uint32_t count; /* of them */
} ut_lookup_list;

typedef struct ut_lookup ut_lookup;

UT_CHECK ut_status ut_lookup_open(const ut_index *index, ut_lookup **out, ut_err *err);
void ut_lookup_close(ut_lookup **lookup);

/* Takes up a query. No allocation. */
void ut_lookup_set(ut_lookup *lookup, const ut_query *query);
/* Its lists in a segment, valid until the next call. */
size_t ut_lookup_find(ut_lookup *lookup, const ut_index_segment *segment, ut_lookup_list **lists);
/* By landmark: frames from where it begins back to where the window begins, counted down from UT_QUERY_FRAMES_MAX so
 * that they are positive. */
const uint32_t *ut_lookup_backs(const ut_lookup *lookup);

#endif
