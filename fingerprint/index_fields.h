/* The inside of an index: one timeline on which the recordings lie one after another, silence between them.
 *
 *     track      where a recording lies on the timeline; decoys have recording_id 0
 *     blocks     of 128 frames each; peaks[blocks[b] … blocks[b+1]) are those of block b
 *     peaks      frame within the block (7 bits), bin (9 bits)
 *     buckets    postings[buckets[h] … buckets[h+1]) are those of hash h
 *     postings   frames of the timeline where a landmark begins, ascending, as gaps (gap_read)
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_INDEX_FIELDS_H
#define UT_FINGERPRINT_INDEX_FIELDS_H

#include <string.h>

#include "fingerprint/index.h"
#include "fingerprint/peaks.h"

enum {
    UT_INDEX_BLOCK_FRAMES = 128,
    UT_INDEX_BIN_BITS = 9,
    UT_INDEX_PAD_FRAMES = 1024, /* between recordings, so that (recording, offset) is one number: the longest window */
    UT_INDEX_GAP_BYTES = 4,     /* at most; as many bytes follow the last posting */
};
#define UT_INDEX_FRAMES_MAX (UINT32_C(1) << 30)

typedef struct {
    int64_t recording_id;
    uint32_t origin; /* a multiple of UT_INDEX_BLOCK_FRAMES */
    uint32_t frames;
} ut_index_track;

struct ut_index {
    const ut_params *params;
    int64_t catalogue_version;
    size_t recordings;
    uint32_t track_count; /* recordings, then decoys, by origin */
    uint32_t block_count;
    uint32_t peak_count;
    uint32_t posting_bytes;
    uint64_t posting_count;
    const ut_index_track *tracks;
    const uint32_t *blocks; /* block_count + 1 */
    const uint16_t *peaks;
    const uint32_t *buckets; /* 2^hash_bits + 1 */
    const uint8_t *postings;
    void *memory; /* holds all of them; owned */
    size_t memory_bytes;
};

/* Section sizes and the place of each in `memory`, which starts with the header of the file form. */
size_t ut_index_layout(ut_index *index);

/* A gap takes 1 to 4 bytes, little endian; the two low bits of the first are the count less one. Reads 4 bytes always.
 */
static inline uint32_t ut_gap_read(const uint8_t **at)
{
    static const uint32_t MASK[4] = {0x3f, 0x3fff, 0x3fffff, 0x3fffffff};
    uint32_t word;
    memcpy(&word, *at, sizeof word);
    uint32_t more = word & 3;
    *at += more + 1;
    return word >> 2 & MASK[more];
}

static inline size_t ut_gap_size(uint32_t gap)
{
    return gap < 0x40 ? 1 : gap < 0x4000 ? 2 : gap < 0x400000 ? 3 : 4;
}

/* Writes the header of the file form, checksums and all. */
void ut_index_seal(ut_index *index);
/* The one track that a window of at most UT_INDEX_PAD_FRAMES starting at `frame` of the timeline can touch; NULL past
 * the end. */
const ut_index_track *ut_index_track_at(const ut_index *index, uint32_t frame);

#endif
