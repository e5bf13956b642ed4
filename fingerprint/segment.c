#include "fingerprint/segment.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "fingerprint/peak_block.h"

ut_index_segment *ut_segment_ref(ut_index_segment *segment)
{
    __atomic_add_fetch(&segment->refs, 1, __ATOMIC_RELAXED);
    return segment;
}

void ut_segment_unref(ut_index_segment **segment)
{
    ut_index_segment *s = *segment;
    *segment = NULL;
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (s->mapped)
        munmap(s->memory, s->memory_bytes);
    else
        free(s->memory);
    free(s);
}

ut_status ut_segment_peaks(const ut_index_segment *segment, const ut_segment_track *track, ut_peaks *peaks, ut_err *err)
{
    uint32_t first = track->origin / UT_INDEX_BLOCK_FRAMES;
    uint32_t last = first + track->frames / UT_INDEX_BLOCK_FRAMES;
    peaks->count = 0;
    for (uint32_t block = first; block <= last; block++) {
        ut_peak_cursor cursor = {.bytes = segment->peaks + segment->blocks[block],
                                 .bits = (size_t)(segment->blocks[block + 1] - segment->blocks[block]) * 8};
        uint32_t frame, bin;
        while (ut_peak_block_next(&cursor, &frame, &bin)) {
            ut_peak peak = {.frame = (int32_t)((block - first) * UT_INDEX_BLOCK_FRAMES + frame), .bin = (uint16_t)bin};
            ut_status rc = ut_peaks_add(peaks, peak, err);
            if (rc != UT_OK)
                return rc;
        }
    }
    return UT_OK;
}
