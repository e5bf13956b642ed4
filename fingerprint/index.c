#include "fingerprint/index.h"

#include <stdlib.h>

#include "fingerprint/index_fields.h"
#include "fingerprint/peak_block.h"

/* --- laying out --------------------------------------------------------------------------------------------- */

ut_status ut_index_new(const ut_params *params, int64_t catalogue_version, ut_index **out, ut_err *err)
{
    ut_index *x = calloc(1, sizeof *x);
    if (!x)
        return ut_fail(err, UT_E_NOMEM, "index");
    *x = (ut_index){.params = params, .catalogue_version = catalogue_version};
    *out = x;
    return UT_OK;
}

/* Makes room for `more` items in *items, which may move. */
static bool grow(void *items, size_t count, size_t *capacity, size_t more, size_t size)
{
    void **array = items;
    size_t wanted = *capacity ? *capacity : 8, bytes;
    while (wanted < count + more)
        wanted *= 2;
    void *grown = wanted == *capacity ? *array : ut_mul_ok(wanted, size, &bytes) ? realloc(*array, bytes) : NULL;
    if (!grown)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

ut_status ut_index_append(ut_index *index, ut_index_segment **segment, ut_err *err)
{
    ut_index *x = index;
    const ut_index_segment *s = *segment;
    if (!grow(&x->parts, x->part_count, &x->part_capacity, 1, sizeof *x->parts) ||
        !grow(&x->tracks, x->track_count, &x->track_capacity, s->track_count, sizeof *x->tracks)) {
        ut_segment_unref(segment);
        return ut_fail(err, UT_E_NOMEM, "index: %zu recordings", x->track_count);
    }
    x->parts[x->part_count++] = (ut_index_part){.segment = *segment, .base = x->frames, .first_track = x->track_count};
    *segment = NULL;
    for (uint32_t i = 0; i < s->track_count; i++) {
        const ut_segment_track *k = &s->tracks[i];
        x->tracks[x->track_count++] = (ut_index_track){
            .recording_id = k->recording_id, .stamp = k->stamp, .origin = x->frames + k->origin, .frames = k->frames};
        x->recordings += k->recording_id > 0;
        x->places += k->recording_id > 0 ? k->frames + UT_INDEX_PAD_FRAMES : 0;
        x->decoys += k->recording_id == 0;
    }
    x->frames += (int64_t)s->block_count * UT_INDEX_BLOCK_FRAMES;
    return UT_OK;
}

void ut_index_drop(ut_index *index, size_t track)
{
    ut_index_track *t = &index->tracks[track];
    if (t->gone || t->recording_id == 0)
        return;
    t->gone = true;
    index->gone_count++;
    index->recordings--;
    index->places -= t->frames + UT_INDEX_PAD_FRAMES;
}

size_t ut_index_recording_parts(const ut_index *index)
{
    return index->decoys > 0 ? index->part_count - 1 : index->part_count;
}

bool ut_index_recording(const ut_index *index, size_t at, int64_t *recording_id, int64_t *stamp)
{
    if (at >= index->track_count)
        return false;
    const ut_index_track *t = &index->tracks[at];
    *recording_id = t->gone ? 0 : t->recording_id;
    *stamp = t->stamp;
    return true;
}

void ut_index_close(ut_index **index)
{
    ut_index *x = *index;
    if (!x)
        return;
    for (size_t i = 0; i < x->part_count; i++)
        ut_segment_unref(&x->parts[i].segment);
    free(x->parts);
    free(x->tracks);
    free(x);
    *index = NULL;
}

ut_index_info ut_index_describe(const ut_index *index)
{
    ut_index_info info = {
        .params = index->params,
        .catalogue_version = index->catalogue_version,
        .recordings = index->recordings,
        .decoys = index->decoys,
        .gone = index->gone_count,
        .segments = index->part_count,
        .lost = index->lost,
        .bytes = sizeof *index + index->track_count * sizeof *index->tracks + index->part_count * sizeof *index->parts,
    };
    for (size_t i = 0; i < index->part_count; i++) {
        info.postings += index->parts[i].segment->posting_count;
        info.bytes += index->parts[i].segment->memory_bytes;
    }
    return info;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

const ut_index_track *ut_index_track_at(const ut_index *index, int64_t begin)
{
    size_t low = 0, high = index->track_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const ut_index_track *t = &index->tracks[middle];
        if (t->origin + t->frames <= begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low < index->track_count && !index->tracks[low].gone ? &index->tracks[low] : NULL;
}

/* The part that holds a frame of the timeline. */
static const ut_index_part *part_at(const ut_index *x, int64_t frame)
{
    size_t low = 0, high = x->part_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (x->parts[middle].base <= frame)
            low = middle;
        else
            high = middle;
    }
    return &x->parts[low];
}

size_t ut_index_peaks(const ut_index *index, int64_t begin, int32_t frames, ut_peak *out, size_t capacity)
{
    int64_t at = begin < 0 ? 0 : begin, end = begin + frames;
    size_t count = 0;
    if (end > index->frames)
        end = index->frames;
    for (at -= at % UT_INDEX_BLOCK_FRAMES; at < end; at += UT_INDEX_BLOCK_FRAMES) {
        const ut_index_part *part = part_at(index, at);
        const ut_index_segment *s = part->segment;
        uint32_t block = (uint32_t)((at - part->base) / UT_INDEX_BLOCK_FRAMES), frame, bin;
        ut_peak_cursor cursor = {.bytes = s->peaks + s->blocks[block],
                                 .bits = (size_t)(s->blocks[block + 1] - s->blocks[block]) * 8};
        while (ut_peak_block_next(&cursor, &frame, &bin)) {
            int64_t place = at + frame - begin;
            if (place < 0)
                continue;
            if (place >= frames || count == capacity)
                break;
            out[count++] = (ut_peak){.frame = (int32_t)place, .bin = (uint16_t)bin};
        }
    }
    return count;
}
