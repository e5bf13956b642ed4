/* Votes: which (recording, offset) the landmarks of a query speak for. A recording's place and the offset within it are
 * one number on the index's timeline: where on it the query's window begins.
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_VOTE_H
#define UT_FINGERPRINT_VOTE_H

#include "fingerprint/query.h"

typedef struct {
    int64_t begin; /* frame of the timeline; negative where the window begins before it */
    uint32_t votes;
} ut_candidate;

typedef struct ut_votes ut_votes;

UT_CHECK ut_status ut_votes_open(const ut_index *index, ut_votes **out, ut_err *err);
void ut_votes_close(ut_votes **votes);
/* Writes the places with most votes, most first, at most `capacity`, and returns how many. No allocation. */
size_t ut_votes_count(ut_votes *votes, const ut_query *query, ut_candidate *out, size_t capacity);

#endif
