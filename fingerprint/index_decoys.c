#include <stdlib.h>

#include "fingerprint/index_fields.h"

typedef struct {
    uint64_t key;
    size_t track;
} draw;

/* Sebastiano Vigna's splitmix64 as a hash. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* The recordings that get decoys, lowest hash of the id first. */
static size_t draw_recordings(const ut_index *x, draw drawn[UT_INDEX_DECOYS_MAX])
{
    size_t count = 0;
    for (size_t t = 0; t < x->track_count; t++) {
        draw d = {mix((uint64_t)x->tracks[t].recording_id), t};
        if (x->tracks[t].gone || x->tracks[t].recording_id == 0)
            continue;
        if (count == UT_INDEX_DECOYS_MAX && d.key >= drawn[count - 1].key)
            continue;
        if (count < UT_INDEX_DECOYS_MAX)
            count++;
        size_t at = count - 1;
        for (; at > 0 && drawn[at - 1].key > d.key; at--)
            drawn[at] = drawn[at - 1];
        drawn[at] = d;
    }
    return count;
}

static int by_place(const void *a, const void *b)
{
    const ut_peak *x = a, *y = b;
    return x->frame != y->frame ? (x->frame < y->frame ? -1 : 1) : (int)x->bin - (int)y->bin;
}

/* A recording run backwards: the same notes, density and tempo, and never on air. */
static ut_status add_backwards(const ut_index *x, size_t track, ut_segment_builder *b, ut_peaks *peaks, ut_err *err)
{
    size_t p = x->part_count - 1;
    while (x->parts[p].first_track > track)
        p--;
    const ut_index_segment *s = x->parts[p].segment;
    const ut_segment_track *k = &s->tracks[track - x->parts[p].first_track];
    ut_status rc = ut_segment_peaks(s, k, peaks, err);
    if (rc != UT_OK)
        return rc;
    for (size_t i = 0; i < peaks->count; i++)
        peaks->items[i].frame = (int32_t)k->frames - 1 - peaks->items[i].frame;
    qsort(peaks->items, peaks->count, sizeof *peaks->items, by_place);
    return ut_segment_builder_add(b, 0, k->recording_id, (int32_t)k->frames, peaks, err);
}

/* Whether the old index has the decoys drawn. */
static bool same_decoys(const ut_index *old, const ut_index *x, const draw *drawn, size_t count)
{
    if (!old || old->decoys != count)
        return false;
    const ut_index_track *decoys = old->tracks + old->parts[old->part_count - 1].first_track;
    for (size_t i = 0; i < count; i++)
        if (decoys[i].stamp != x->tracks[drawn[i].track].recording_id)
            return false;
    return true;
}

ut_status ut_index_add_decoys(ut_index *index, const ut_index *old, ut_err *err)
{
    draw drawn[UT_INDEX_DECOYS_MAX];
    size_t count = draw_recordings(index, drawn);
    if (count == 0)
        return UT_OK;
    ut_index_segment *segment = NULL;
    if (same_decoys(old, index, drawn, count)) {
        segment = ut_segment_ref(old->parts[old->part_count - 1].segment);
        return ut_index_append(index, &segment, err);
    }
    ut_segment_builder *builder = NULL;
    ut_peaks peaks = {0};
    ut_status rc = ut_segment_builder_open(index->params, &builder, err);
    for (size_t i = 0; i < count && rc == UT_OK; i++)
        rc = add_backwards(index, drawn[i].track, builder, &peaks, err);
    if (rc == UT_OK)
        rc = ut_segment_builder_finish(builder, &segment, err);
    if (rc == UT_OK)
        rc = ut_index_append(index, &segment, err);
    ut_segment_builder_close(&builder);
    ut_peaks_clear(&peaks);
    return rc;
}
