#include <stdlib.h>

#include "fingerprint/index_fields.h"

/* Segments are of tiers, by powers of TIER of their recordings. Four of a tier are joined with all of lower ones: each
 * recording is then moved once a tier, and few segments are left to look into. */
enum { TIER = 4, TIER_SEGMENTS = 4, TIERS = 32 };

/* Recordings of a part that are not gone. */
static size_t alive(const ut_index *x, size_t part)
{
    size_t count = 0;
    for (uint32_t i = 0; i < x->parts[part].segment->track_count; i++)
        count += !x->tracks[x->parts[part].first_track + i].gone;
    return count;
}

static int tier_of(size_t recordings)
{
    int tier = 0;
    for (; recordings >= TIER; recordings /= TIER)
        tier++;
    return tier;
}

static uint64_t frames_of(const ut_index *x, size_t part)
{
    return (uint64_t)x->parts[part].segment->block_count * UT_INDEX_BLOCK_FRAMES;
}

/* The tier up to which segments are to be joined; -1: none. Segments over half the most stay as they are. */
static int joined_tier(const ut_index *x)
{
    size_t tiers[TIERS] = {0}, total = 0;
    for (size_t i = 0; i < ut_index_recording_parts(x); i++)
        if (frames_of(x, i) <= UT_SEGMENT_FRAMES_MAX / 2)
            tiers[tier_of(alive(x, i))]++;
    for (int t = 0; t < TIERS; t++)
        if ((total += tiers[t]) >= TIER_SEGMENTS)
            return t;
    return -1;
}

/* Marks the segments to be moved, those that are gone by half too, and says whether there are any. */
static bool choose(const ut_index *x, bool *chosen)
{
    size_t parts = ut_index_recording_parts(x), joined = 0;
    uint64_t frames = 0;
    int limit = joined_tier(x);
    for (size_t i = 0; i < parts; i++) {
        uint64_t more = frames_of(x, i);
        chosen[i] =
            tier_of(alive(x, i)) <= limit && more <= UT_SEGMENT_FRAMES_MAX / 2 && frames + more < UT_SEGMENT_FRAMES_MAX;
        frames += chosen[i] ? more : 0;
        joined += chosen[i];
    }
    bool any = false;
    for (size_t i = 0; i < parts; i++) {
        chosen[i] = (chosen[i] && joined > 1) || 2 * alive(x, i) <= x->parts[i].segment->track_count;
        any |= chosen[i];
    }
    return any;
}

ut_status ut_index_merge(const ut_index *index, ut_index **out, ut_err *err)
{
    ut_index_builder *builder = NULL;
    bool *chosen = calloc(index->part_count + 1, sizeof *chosen);
    ut_status rc = chosen ? UT_OK : ut_fail(err, UT_E_NOMEM, "index: merge");
    *out = NULL;
    if (rc == UT_OK && choose(index, chosen)) {
        rc = ut_index_builder_reopen(index, &builder, err);
        for (size_t i = 0; i < ut_index_recording_parts(index) && rc == UT_OK; i++)
            if (chosen[i])
                rc = ut_index_builder_move(builder, i, err);
        if (rc == UT_OK)
            rc = ut_index_builder_finish(builder, index->catalogue_version, out, err);
    }
    ut_index_builder_close(&builder);
    free(chosen);
    return rc;
}
