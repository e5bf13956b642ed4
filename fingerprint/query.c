#include "fingerprint/query.h"

#include <stdlib.h>

ut_status ut_query_init(ut_query *query, const ut_params *params, ut_err *err)
{
    *query = (ut_query){.params = params};
    query->columns = calloc(UT_QUERY_WITNESSES, sizeof *query->columns);
    return query->columns ? UT_OK : ut_fail(err, UT_E_NOMEM, "query");
}

void ut_query_clear(ut_query *query)
{
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        ut_peaks_clear(&query->peaks[w]);
        ut_landmarks_clear(&query->landmarks[w]);
    }
    free(query->columns);
    *query = (ut_query){0};
}

static ut_status take_peaks(ut_query *q, int witness, const ut_peaks *peaks, ut_err *err)
{
    size_t low = 0, high = peaks->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (peaks->items[middle].frame < q->first)
            low = middle + 1;
        else
            high = middle;
    }
    q->peaks[witness].count = 0;
    for (; low < peaks->count && peaks->items[low].frame < q->first + q->frames; low++) {
        ut_peak peak = {.frame = peaks->items[low].frame - q->first, .bin = peaks->items[low].bin};
        ut_status rc = ut_peaks_add(&q->peaks[witness], peak, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

static void mark(uint64_t *column, int32_t bit)
{
    column[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void fill_columns(ut_query *q, int witness)
{
    enum { HALF = UT_QUERY_SHIFTS / 2 };
    memset(q->columns[witness], 0, sizeof q->columns[witness]);
    for (size_t i = 0; i < q->peaks[witness].count; i++) {
        ut_peak peak = q->peaks[witness].items[i];
        uint64_t *column = q->columns[witness][peak.bin];
        int32_t bit = peak.frame + HALF;
        mark(column, bit);
        if (bit >= q->frames)
            mark(column, bit - q->frames);
        if (peak.frame < HALF)
            mark(column, bit + q->frames);
    }
}

static bool seen(const ut_query *q, int witness, ut_peak peak)
{
    int32_t bit = peak.frame + UT_QUERY_SHIFTS / 2;
    return q->columns[witness][peak.bin][bit / 64] >> bit % 64 & 1;
}

/* Pairs whose two peaks the mixture has as well are among the mixture's pairs already. */
static void drop_shared_pairs(ut_query *q)
{
    ut_landmarks *pairs = &q->landmarks[1];
    const ut_peaks *peaks = &q->peaks[1];
    const ut_params *p = q->params;
    size_t kept = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        ut_peak a = peaks->items[pairs->items[i].anchor];
        ut_peak b = ut_landmark_partner(p, a, pairs->items[i].hash);
        if (!seen(q, 0, a) || !seen(q, 0, b))
            pairs->items[kept++] = pairs->items[i];
    }
    pairs->count = kept;
}

/* Landmarks and columns, from the peaks. */
static ut_status derive(ut_query *q, ut_err *err)
{
    for (int w = 0; w < q->witnesses; w++) {
        fill_columns(q, w);
        q->landmarks[w].count = 0;
        ut_status rc = ut_landmarks_pair(q->params, q->params->query.fan_out, &q->peaks[w], 0, q->peaks[w].count,
                                         &q->landmarks[w], err);
        if (rc != UT_OK)
            return rc;
    }
    if (q->witnesses > 1)
        drop_shared_pairs(q);
    return UT_OK;
}

ut_status ut_query_set(ut_query *query, int32_t first, int32_t frames, const ut_peaks *mix, const ut_peaks *music,
                       ut_err *err)
{
    query->first = first;
    query->frames = frames;
    query->witnesses = music ? 2 : 1;
    ut_status rc = take_peaks(query, 0, mix, err);
    if (rc == UT_OK && music)
        rc = take_peaks(query, 1, music, err);
    return rc == UT_OK ? derive(query, err) : rc;
}

ut_status ut_query_mask(ut_query *query, const ut_index *index, int64_t begin, ut_err *err)
{
    ut_peak known[UT_INDEX_PEAKS_MAX];
    size_t count = ut_index_peaks(index, begin, query->frames, known, UT_INDEX_PEAKS_MAX);
    uint64_t(*columns)[UT_QUERY_WORDS] = query->columns[0]; /* made anew below */
    memset(columns, 0, sizeof query->columns[0]);
    for (size_t i = 0; i < count; i++)
        for (int32_t bit = known[i].frame; bit <= known[i].frame + 2; bit++)
            mark(columns[known[i].bin], bit);
    for (int w = 0; w < query->witnesses; w++) {
        ut_peaks *peaks = &query->peaks[w];
        size_t kept = 0;
        for (size_t i = 0; i < peaks->count; i++) {
            int32_t bit = peaks->items[i].frame + 1;
            if (!(columns[peaks->items[i].bin][bit / 64] >> bit % 64 & 1))
                peaks->items[kept++] = peaks->items[i];
        }
        peaks->count = kept;
    }
    return derive(query, err);
}
