/* Is there music at all? Asked of stretches that nothing identifies, and answered conservatively: speech alone must
 * never pass.
 *
 * Two signs. Persistence: the part of the peaks that come again at the same frequency 4 to 16 frames later; music holds
 * and repeats its notes, speech glides (12 s of speech: mixture at most 0.09, its separated residue 0.22; music alone:
 * median 0.25). Level: the separated music against the mixture (speech alone: at most -15 dB). Inside fingerprint/
 * only. */
#ifndef UT_FINGERPRINT_PRESENCE_H
#define UT_FINGERPRINT_PRESENCE_H

#include "fingerprint/query.h"

enum { UT_PRESENCE_BLOCKS = 16 }; /* that are remembered */

/* Energy of both witnesses in blocks of `block_samples` of the absolute sample grid. */
typedef struct {
    int64_t block_samples;
    int64_t block; /* the one being filled */
    double energy[UT_PRESENCE_BLOCKS][UT_QUERY_WITNESSES];
} ut_presence;

ut_presence ut_presence_start(int64_t block_samples, int64_t first_sample);
/* music may be NULL. `sample` is the index of the first. Non-finite samples count as silence. */
void ut_presence_push(ut_presence *presence, int64_t sample, const float *mix, const float *music, size_t frames);
/* Whether the query's window, [from, to) in samples, holds music. */
bool ut_presence_music(const ut_presence *presence, const ut_query *query, int64_t from, int64_t to);
/* Where in such a window the music begins and ends, in frames of the stream: the changes in how many of its peaks come
 * again that explain them best; an end of the window where there is no clear change. */
void ut_presence_edges(const ut_query *query, int32_t *from, int32_t *to);

#endif
