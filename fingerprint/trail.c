#include <stdlib.h>

#include "core/types.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/trail_fields.h"

ut_status ut_trail_new(const ut_params *params, int witnesses, int32_t first, int32_t end, ut_trail **out, ut_err *err)
{
    ut_trail *trail = calloc(1, sizeof *trail);
    if (!trail)
        return ut_fail(err, UT_E_NOMEM, "trail");
    *trail = (ut_trail){.params = params, .witnesses = witnesses, .first = first, .end = end, .from = first, .to = end};
    *out = trail;
    return UT_OK;
}

void ut_trail_close(ut_trail **trail)
{
    if (!*trail)
        return;
    for (int w = 0; w < UT_QUERY_WITNESSES; w++)
        ut_peaks_clear(&(*trail)->peaks[w]);
    free(*trail);
    *trail = NULL;
}

ut_status ut_trail_add(ut_trail *trail, int witness, const ut_peaks *peaks, ut_err *err)
{
    ut_status rc = UT_OK;
    for (size_t i = 0; i < peaks->count && rc == UT_OK; i++)
        if (peaks->items[i].grade <= UT_PEAK_DENSE && peaks->items[i].frame >= trail->first &&
            peaks->items[i].frame < trail->end)
            rc = ut_peaks_add(&trail->peaks[witness], peaks->items[i], err);
    return rc;
}

static int64_t frame_to_sample(const ut_params *p, int64_t frame)
{
    return frame * p->hop * UT_RATE_HZ / p->rate_hz;
}

ut_trail_info ut_trail_describe(const ut_trail *trail)
{
    return (ut_trail_info){
        .params = trail->params,
        .witnesses = trail->witnesses,
        .start_sample = frame_to_sample(trail->params, trail->from),
        .end_sample = frame_to_sample(trail->params, trail->to),
        .peaks = trail->peaks[0].count + trail->peaks[1].count,
    };
}

/* Within the trail. */
static int32_t sample_to_frame(const ut_trail *trail, int64_t sample)
{
    int64_t frame = sample * trail->params->rate_hz / UT_RATE_HZ / trail->params->hop;
    frame = frame < trail->first ? trail->first : frame;
    return (int32_t)(frame > trail->end ? trail->end : frame);
}

ut_status ut_trail_part(const ut_trail *trail, int64_t from_sample, int64_t to_sample, ut_trail **out, ut_err *err)
{
    enum { AROUND_S = 12 };
    int64_t around = (int64_t)AROUND_S * UT_RATE_HZ;
    ut_trail *part = NULL;
    ut_status rc = ut_trail_new(trail->params, trail->witnesses, sample_to_frame(trail, from_sample - around),
                                sample_to_frame(trail, to_sample + around), &part, err);
    if (rc != UT_OK)
        return rc;
    part->from = sample_to_frame(trail, from_sample);
    part->to = sample_to_frame(trail, to_sample);
    for (int w = 0; w < trail->witnesses && rc == UT_OK; w++)
        rc = ut_trail_add(part, w, &trail->peaks[w], err);
    if (rc != UT_OK)
        ut_trail_close(&part);
    else
        *out = part;
    return rc;
}

ut_status ut_trail_fingerprint(const ut_trail *trail, int64_t from_sample, int64_t to_sample, ut_fingerprint **out,
                               ut_err *err)
{
    const ut_params *p = trail->params;
    const ut_peaks *heard = &trail->peaks[trail->witnesses - 1];
    int32_t from = sample_to_frame(trail, from_sample), to = sample_to_frame(trail, to_sample);
    ut_peaks peaks = {0};
    ut_status rc = UT_OK;
    for (size_t i = 0; i < heard->count && rc == UT_OK; i++) {
        ut_peak peak = heard->items[i];
        if (peak.grade != UT_PEAK_STRONG || peak.frame < from || peak.frame >= to)
            continue;
        peak.frame -= from;
        rc = ut_peaks_add(&peaks, peak, err);
    }
    if (rc == UT_OK)
        rc = ut_fingerprint_from_peaks(p, to > from ? to - from : 0, &peaks, out, err);
    ut_peaks_clear(&peaks);
    return rc;
}
