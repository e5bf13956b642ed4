/* A query: the peaks of one window of a stream as its witnesses saw it (the mixture and, with a separator, the music),
 * in the two forms that matching needs: landmarks to look up, and bit columns to test a hypothesis against.
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_QUERY_H
#define UT_FINGERPRINT_QUERY_H

#include "fingerprint/index_fields.h"
#include "fingerprint/landmark.h"

enum {
    UT_QUERY_WITNESSES = 2,                    /* 0 the mixture, 1 the separated music */
    UT_QUERY_FRAMES_MAX = UT_INDEX_PAD_FRAMES, /* of a window */
    UT_QUERY_SHIFTS =
        256, /* a hypothesis is tested at its own offset and, for comparison, up to ±128 frames beside it */
    UT_QUERY_SHIFT_WORDS = UT_QUERY_SHIFTS / 64,
    UT_QUERY_WORDS = (UT_QUERY_FRAMES_MAX + UT_QUERY_SHIFTS) / 64 + 1,
    UT_QUERY_BINS = 1 << UT_INDEX_BIN_BITS,
};

typedef uint64_t ut_query_columns[UT_QUERY_BINS][UT_QUERY_WORDS];

typedef struct {
    const ut_params *params;
    int32_t first; /* the window is [first, first + frames) of the stream */
    int32_t frames;
    int witnesses;
    /* Of the window; frames count from its start: the dense ones, the others, and those that are paired. Of one witness
     * alone the broad ones are paired too: its pairs are fewer, and in a mixture the music needs them. */
    ut_peaks peaks[UT_QUERY_WITNESSES];
    ut_peaks others[UT_QUERY_WITNESSES];
    ut_peaks paired[UT_QUERY_WITNESSES];
    ut_landmarks landmarks[UT_QUERY_WITNESSES]; /* those of the music that the mixture has too are left out */
    /* (witness, bin, word): bit i of a column tells whether frame i - 128 has a peak. Before and after the window, the
     * window repeats itself, so that a wrong shift meets as many peaks as the right one. */
    ut_query_columns *columns; /* of dense peaks */
    ut_query_columns *fine;    /* of broad and fine peaks */
} ut_query;

UT_CHECK ut_status ut_query_init(ut_query *query, const ut_params *params, ut_err *err);
void ut_query_clear(ut_query *query);
/* frames: 1 … UT_QUERY_FRAMES_MAX. music: NULL where there is no such witness. Peaks outside the window are ignored. */
UT_CHECK ut_status ut_query_set(ut_query *query, int32_t first, int32_t frames, const ut_peaks *mix,
                                const ut_peaks *music, ut_err *err);

/* Takes away what a recording explains: the peaks within a frame of where it has one, if the window begins at `begin`
 * of the index's timeline. */
UT_CHECK ut_status ut_query_mask(ut_query *query, const ut_index *index, int64_t begin, ut_err *err);

/* Bits `frame` - 128 … `frame` + 127 of one of a witness's columns; 0 ≤ frame < query->frames. */
static inline void ut_query_read(const ut_query_columns *columns, int bin, int32_t frame,
                                 uint64_t bits[UT_QUERY_SHIFT_WORDS])
{
    const uint64_t *word = (*columns)[bin] + frame / 64;
    int shift = frame % 64;
    for (int i = 0; i < UT_QUERY_SHIFT_WORDS; i++)
        bits[i] = shift ? word[i] >> shift | word[i + 1] << (64 - shift) : word[i];
}

#endif
