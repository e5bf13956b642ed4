/* The inside of an index: segments, one after another on one timeline, on which (recording, offset) is one number.
 *
 * Decoys (recordings run backwards) have a segment of their own, the last. They are of the recordings whose ids hash
 * lowest, so that which ones they are hangs on the catalogue alone and not on how the index came to be.
 *
 * Inside fingerprint/ only. */
#ifndef UT_FINGERPRINT_INDEX_FIELDS_H
#define UT_FINGERPRINT_INDEX_FIELDS_H

#include "fingerprint/index.h"
#include "fingerprint/segment.h"

enum { UT_INDEX_DECOYS_MAX = 64, UT_INDEX_PEAKS_MAX = 1024 /* that are read of a window */ };

typedef struct {
    int64_t recording_id; /* 0: a decoy */
    int64_t stamp;
    int64_t origin; /* on the index's timeline */
    uint32_t frames;
    bool gone; /* no longer in the catalogue */
} ut_index_track;

typedef struct {
    ut_index_segment *segment; /* counted */
    int64_t base;              /* of its timeline, on the index's */
    size_t first_track;        /* in ut_index.tracks */
} ut_index_part;

struct ut_index {
    const ut_params *params;
    int64_t catalogue_version;
    size_t recordings; /* not gone */
    size_t decoys;
    ut_index_part *parts; /* the decoys' last, if there are decoys */
    size_t part_count, part_capacity;
    ut_index_track *tracks; /* by origin */
    size_t track_count, track_capacity;
    size_t gone_count;
    size_t lost;    /* see ut_index_info */
    int64_t places; /* frames of the recordings, with what a window may hang over */
    int64_t frames; /* of the timeline */
};

UT_CHECK ut_status ut_index_new(const ut_params *params, int64_t catalogue_version, ut_index **out, ut_err *err);
/* Takes the segment over (*segment becomes NULL, also on failure) and lays it behind the others. */
UT_CHECK ut_status ut_index_append(ut_index *index, ut_index_segment **segment, ut_err *err);
/* Takes a track out, by its place in `tracks`. */
void ut_index_drop(ut_index *index, size_t track);
/* Parts that hold recordings: all but the decoys'. */
size_t ut_index_recording_parts(const ut_index *index);
/* Appends the segment of decoys: the one of `old` (may be NULL), if that fits. */
UT_CHECK ut_status ut_index_add_decoys(ut_index *index, const ut_index *old, ut_err *err);

/* Writes a segment to the folder under a number that is free, and holds the file instead; on failure it is as before.
 */
UT_CHECK ut_status ut_index_segment_write(const char *folder, ut_index_segment **segment, ut_err *err);

/* Moves what is left of a part of the old index into the new segments. */
UT_CHECK ut_status ut_index_builder_move(ut_index_builder *builder, size_t part, ut_err *err);

/* The one track that a window of at most UT_INDEX_PAD_FRAMES starting at `begin` of the timeline can touch; NULL past
 * the end, or if that is gone. */
const ut_index_track *ut_index_track_at(const ut_index *index, int64_t begin);

/* The peaks of the timeline's [begin, begin + frames), at most `capacity`; their frames count from `begin`. */
size_t ut_index_peaks(const ut_index *index, int64_t begin, int32_t frames, ut_peak *out, size_t capacity);

#endif
