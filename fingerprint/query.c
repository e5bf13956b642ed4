#include "fingerprint/query.h"

#include <stdlib.h>

ut_status ut_query_init(ut_query *query, const ut_params *params, ut_err *err)
{
    *query = (ut_query){.params = params};
    query->columns = calloc(UT_QUERY_WITNESSES, sizeof *query->columns);
    query->fine = calloc(UT_QUERY_WITNESSES, sizeof *query->fine);
    if (query->columns && query->fine)
        return UT_OK;
    ut_query_clear(query);
    return ut_fail(err, UT_E_NOMEM, "query");
}

void ut_query_clear(ut_query *query)
{
    for (int w = 0; w < UT_QUERY_WITNESSES; w++) {
        ut_peaks_clear(&query->peaks[w]);
        ut_peaks_clear(&query->others[w]);
        ut_peaks_clear(&query->paired[w]);
        ut_landmarks_clear(&query->landmarks[w]);
    }
    free(query->columns);
    free(query->fine);
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
    q->peaks[witness].count = q->others[witness].count = 0;
    for (; low < peaks->count && peaks->items[low].frame < q->first + q->frames; low++) {
        ut_peak peak = peaks->items[low];
        peak.frame -= q->first;
        ut_status rc = ut_peaks_add(peak.grade <= UT_PEAK_DENSE ? &q->peaks[witness] : &q->others[witness], peak, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

static void mark(uint64_t *column, int32_t bit)
{
    column[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void fill_columns(const ut_query *q, const ut_peaks *peaks, ut_query_columns *columns)
{
    enum { HALF = UT_QUERY_SHIFTS / 2 };
    memset(columns, 0, sizeof *columns);
    for (size_t i = 0; i < peaks->count; i++) {
        ut_peak peak = peaks->items[i];
        uint64_t *column = (*columns)[peak.bin];
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
    const ut_peaks *peaks = &q->paired[1];
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

/* The dense peaks and the broad ones, in order. */
static ut_status take_paired(ut_query *q, int witness, ut_err *err)
{
    const ut_peaks *peaks = &q->peaks[witness], *others = &q->others[witness];
    size_t i = 0, j = q->witnesses > 1 ? others->count : 0;
    ut_status rc = UT_OK;
    q->paired[witness].count = 0;
    while ((i < peaks->count || j < others->count) && rc == UT_OK) {
        bool other = i == peaks->count || (j < others->count && ut_peak_before(others->items[j], peaks->items[i]));
        ut_peak peak = other ? others->items[j++] : peaks->items[i++];
        if (peak.grade <= UT_PEAK_BROAD)
            rc = ut_peaks_add(&q->paired[witness], peak, err);
    }
    return rc;
}

/* Landmarks and columns, from the peaks. */
static ut_status derive(ut_query *q, ut_err *err)
{
    for (int w = 0; w < q->witnesses; w++) {
        fill_columns(q, &q->peaks[w], &q->columns[w]);
        fill_columns(q, &q->others[w], &q->fine[w]);
        q->landmarks[w].count = 0;
        ut_status rc = take_paired(q, w, err);
        if (rc == UT_OK)
            rc = ut_landmarks_pair(q->params, q->params->query.fan_out, &q->paired[w], 0, q->paired[w].count,
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

/* Of columns whose bit 1 is frame 0. */
static void drop_marked(uint64_t (*columns)[UT_QUERY_WORDS], ut_peaks *peaks)
{
    size_t kept = 0;
    for (size_t i = 0; i < peaks->count; i++) {
        int32_t bit = peaks->items[i].frame + 1;
        if (!(columns[peaks->items[i].bin][bit / 64] >> bit % 64 & 1))
            peaks->items[kept++] = peaks->items[i];
    }
    peaks->count = kept;
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
        drop_marked(columns, &query->peaks[w]);
        drop_marked(columns, &query->others[w]);
    }
    return derive(query, err);
}
