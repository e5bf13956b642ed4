/* A segment: some recordings of an index on a timeline of their own, one after another with silence between them.
 * Immutable once made; counted, so that several indexes share one. In memory, or mapped from its file, whose form is
 * the memory:
 *
 *     tracks     where each recording lies on the timeline; recording_id 0: a decoy
 *     shelves    of 8 hashes each: where their postings begin, in bytes
 *     blocks     of 256 frames each: where their peaks begin, in bytes
 *     peaks      as bits, see peak_block.h
 *     postings   of each hash, frames of the timeline where such a landmark begins, ascending, as gaps: see
 *                posting_code.h
 *
 * Tables (all but peaks and postings) are checked when a segment is opened; what is read from peaks and postings does
 * no harm even if damaged. Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_SEGMENT_H
#define UT_FINGERPRINT_SEGMENT_H

#include <string.h>

#include "fingerprint/fingerprint.h"
#include "fingerprint/peaks.h"
#include "fingerprint/posting_code.h"

enum {
    UT_INDEX_BLOCK_FRAMES = 256,
    UT_INDEX_BIN_BITS = 9,
    UT_INDEX_PAD_FRAMES = 1024, /* between recordings, so that (recording, offset) is one number: the longest window */
    UT_SEGMENT_HEADER_CRC_AT = 60, /* in the file form */
};
/* Of one segment: 33,000 recordings of four minutes. Postings of a segment stay under 4 GiB. */
#define UT_SEGMENT_FRAMES_MAX (UINT32_C(1) << 29)

typedef struct {
    int64_t recording_id;
    int64_t stamp;   /* the caller's, to know one state of a recording from another */
    uint32_t origin; /* a multiple of UT_INDEX_BLOCK_FRAMES */
    uint32_t frames;
} ut_segment_track;

typedef struct {
    const ut_params *params;
    uint32_t track_count;
    uint32_t block_count;
    uint32_t shelf_count; /* follows from the parameter set */
    uint32_t peak_bytes;
    uint32_t posting_bytes;
    uint64_t peak_count;
    uint64_t posting_count;
    const ut_segment_track *tracks;
    const uint32_t *shelves; /* shelf_count + 1 */
    const uint32_t *blocks;  /* block_count + 1 */
    const uint8_t *peaks;
    const uint8_t *postings;
    uint8_t *memory; /* holds all of them, the header of the file form first; owned */
    size_t memory_bytes;
    bool mapped;
    uint32_t number; /* of its file; 0: in memory only */
    int refs;        /* changed atomically; owned by all who hold it */
} ut_index_segment;

ut_index_segment *ut_segment_ref(ut_index_segment *segment);
void ut_segment_unref(ut_index_segment **segment);

/* --- making ----------------------------------------------------------------------------------------------- */

typedef struct ut_segment_builder ut_segment_builder;
UT_CHECK ut_status ut_segment_builder_open(const ut_params *params, ut_segment_builder **out, ut_err *err);
void ut_segment_builder_close(ut_segment_builder **builder);
uint32_t ut_segment_builder_count(const ut_segment_builder *builder);
/* UT_E_FULL: the segment holds no more; it is as before. */
UT_CHECK ut_status ut_segment_builder_add(ut_segment_builder *builder, int64_t recording_id, int64_t stamp,
                                          int32_t frames, const ut_peaks *peaks, ut_err *err);
UT_CHECK ut_status ut_segment_builder_finish(ut_segment_builder *builder, ut_index_segment **out, ut_err *err);

/* --- file ------------------------------------------------------------------------------------------------- */

/* Sizes from the counts; the place of each section if memory is set. */
size_t ut_segment_layout(ut_index_segment *segment);
/* Writes the header of the file form, checksums and all. */
void ut_segment_seal(ut_index_segment *segment);
UT_CHECK ut_status ut_segment_save(const ut_index_segment *segment, const char *path, ut_err *err);
/* Maps a file. UT_E_CORRUPT names what does not fit: header and tables; the rest, with its checksum, if `whole`. */
UT_CHECK ut_status ut_segment_map(const char *path, bool whole, ut_index_segment **out, ut_err *err);

/* --- reading ---------------------------------------------------------------------------------------------- */

/* All peaks of a track, its own frames; *peaks is emptied first. */
UT_CHECK ut_status ut_segment_peaks(const ut_index_segment *segment, const ut_segment_track *track, ut_peaks *peaks,
                                    ut_err *err);

/* The list of a hash; false: there is none. */
static inline bool ut_segment_find(const ut_index_segment *s, uint32_t hash, ut_posting_place *out)
{
    uint32_t shelf = hash >> UT_POSTING_SHELF_BITS;
    return ut_posting_find(s->postings, s->shelves[shelf], s->shelves[shelf + 1], hash % UT_POSTING_SHELF, out);
}

#endif
