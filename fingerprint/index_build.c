#include <stdlib.h>

#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/index_fields.h"

struct ut_index_builder {
    const ut_params *params;
    const ut_index *old;      /* borrowed; NULL: none */
    bool *removed;            /* of its tracks */
    const char *spill;        /* folder; NULL: segments stay in memory */
    bool *moved;              /* of its parts: what is left of them is in the new segments */
    ut_segment_builder *open; /* the segment being filled */
    ut_index_segment **done;
    size_t done_count, done_capacity;
};

static ut_status open_on(const ut_params *params, const ut_index *old, ut_index_builder **out, ut_err *err)
{
    ut_index_builder *b = calloc(1, sizeof *b);
    if (!b)
        return ut_fail(err, UT_E_NOMEM, "index builder");
    b->params = params;
    b->old = old;
    b->removed = calloc(old ? old->track_count + 1 : 1, sizeof *b->removed);
    b->moved = calloc(old ? old->part_count + 1 : 1, sizeof *b->moved);
    ut_status rc = b->removed && b->moved ? ut_segment_builder_open(params, &b->open, err)
                                          : ut_fail(err, UT_E_NOMEM, "index builder");
    if (rc != UT_OK)
        ut_index_builder_close(&b);
    else
        *out = b;
    return rc;
}

ut_status ut_index_builder_open(const ut_params *params, ut_index_builder **out, ut_err *err)
{
    return open_on(params, NULL, out, err);
}

ut_status ut_index_builder_reopen(const ut_index *old, ut_index_builder **out, ut_err *err)
{
    return open_on(old->params, old, out, err);
}

void ut_index_builder_close(ut_index_builder **builder)
{
    ut_index_builder *b = *builder;
    if (!b)
        return;
    ut_segment_builder_close(&b->open);
    for (size_t i = 0; i < b->done_count; i++)
        ut_segment_unref(&b->done[i]);
    free(b->done);
    free(b->removed);
    free(b->moved);
    free(b);
    *builder = NULL;
}

void ut_index_builder_spill(ut_index_builder *builder, const char *path)
{
    builder->spill = path;
}

/* Room for one more finished segment. */
static ut_status reserve(ut_index_builder *b, ut_err *err)
{
    if (b->done_count < b->done_capacity)
        return UT_OK;
    size_t capacity = b->done_capacity ? 2 * b->done_capacity : 8;
    void *grown = realloc(b->done, capacity * sizeof *b->done);
    if (!grown)
        return ut_fail(err, UT_E_NOMEM, "index: %zu segments", capacity);
    b->done = grown;
    b->done_capacity = capacity;
    return UT_OK;
}

/* Finishes the open segment, if anything is in it, and opens another. */
static ut_status turn_over(ut_index_builder *b, ut_err *err)
{
    if (ut_segment_builder_count(b->open) == 0)
        return UT_OK;
    ut_index_segment *segment = NULL;
    ut_status rc = reserve(b, err);
    if (rc == UT_OK)
        rc = ut_segment_builder_finish(b->open, &segment, err);
    if (rc == UT_OK && b->spill)
        rc = ut_index_segment_write(b->spill, &segment, err);
    if (rc != UT_OK) {
        ut_segment_unref(&segment);
        return rc;
    }
    b->done[b->done_count++] = segment;
    ut_segment_builder_close(&b->open);
    return ut_segment_builder_open(b->params, &b->open, err);
}

/* Into the open segment, or, if that is full, the next. */
static ut_status add_peaks(ut_index_builder *b, int64_t recording_id, int64_t stamp, int32_t frames,
                           const ut_peaks *peaks, ut_err *err)
{
    ut_status rc = ut_segment_builder_add(b->open, recording_id, stamp, frames, peaks, err);
    if (rc == UT_E_FULL && ut_segment_builder_count(b->open) > 0 && (rc = turn_over(b, err)) == UT_OK)
        rc = ut_segment_builder_add(b->open, recording_id, stamp, frames, peaks, err);
    return rc;
}

ut_status ut_index_builder_put(ut_index_builder *builder, int64_t recording_id, int64_t stamp,
                               const ut_fingerprint *fingerprint, ut_err *err)
{
    if (recording_id <= 0)
        return ut_fail(err, UT_E_ARG, "index: recording id %lld", (long long)recording_id);
    if (ut_fingerprint_params(fingerprint) != builder->params)
        return ut_fail(err, UT_E_ARG, "index: recording %lld: fingerprint of %s in an index of %s",
                       (long long)recording_id, ut_params_name(ut_fingerprint_params(fingerprint)),
                       ut_params_name(builder->params));
    return add_peaks(builder, recording_id, stamp, ut_fingerprint_frames(fingerprint),
                     ut_fingerprint_peaks(fingerprint), err);
}

ut_status ut_index_builder_add(ut_index_builder *builder, int64_t recording_id, const ut_fingerprint *fingerprint,
                               ut_err *err)
{
    return ut_index_builder_put(builder, recording_id, 0, fingerprint, err);
}

void ut_index_builder_remove(ut_index_builder *builder, size_t at)
{
    builder->removed[at] = true;
}

ut_status ut_index_builder_move(ut_index_builder *builder, size_t part, ut_err *err)
{
    const ut_index_part *p = &builder->old->parts[part];
    ut_status rc = UT_OK;
    ut_peaks peaks = {0};
    for (uint32_t i = 0; i < p->segment->track_count && rc == UT_OK; i++) {
        const ut_segment_track *k = &p->segment->tracks[i];
        if (builder->old->tracks[p->first_track + i].gone || builder->removed[p->first_track + i])
            continue;
        if ((rc = ut_segment_peaks(p->segment, k, &peaks, err)) == UT_OK)
            rc = add_peaks(builder, k->recording_id, k->stamp, (int32_t)k->frames, &peaks, err);
    }
    ut_peaks_clear(&peaks);
    builder->moved[part] = true;
    return rc;
}

/* The segments of the old index that hold recordings and were not moved. */
static ut_status take_old(const ut_index_builder *b, ut_index *index, ut_err *err)
{
    const ut_index *old = b->old;
    ut_status rc = UT_OK;
    for (size_t i = 0; old && i < ut_index_recording_parts(old) && rc == UT_OK; i++) {
        size_t to = index->track_count, from = old->parts[i].first_track;
        if (b->moved[i])
            continue;
        ut_index_segment *shared = ut_segment_ref(old->parts[i].segment);
        if ((rc = ut_index_append(index, &shared, err)) != UT_OK)
            return rc;
        for (; to < index->track_count; to++, from++)
            if (old->tracks[from].gone || b->removed[from])
                ut_index_drop(index, to);
    }
    return rc;
}

ut_status ut_index_builder_finish(ut_index_builder *builder, int64_t catalogue_version, ut_index **out, ut_err *err)
{
    ut_index_builder *b = builder;
    ut_index *index = NULL;
    ut_status rc = turn_over(b, err);
    if (rc == UT_OK)
        rc = ut_index_new(b->params, catalogue_version, &index, err);
    if (rc == UT_OK)
        rc = take_old(b, index, err);
    for (size_t i = 0; i < b->done_count && rc == UT_OK; i++)
        rc = ut_index_append(index, &b->done[i], err);
    if (rc == UT_OK)
        rc = ut_index_add_decoys(index, b->old, err);
    if (rc != UT_OK)
        ut_index_close(&index);
    else
        *out = index;
    return rc;
}
