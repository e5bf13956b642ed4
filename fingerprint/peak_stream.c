#include "fingerprint/peak_stream.h"

#include <math.h>
#include <stdlib.h>

#include "core/resample.h"
#include "core/types.h"

enum { BLOCK = 6400 }; /* the resampler is always fed this much, so that its output has one form */

struct ut_peak_stream {
    ut_peak_finder *finder;
    ut_resampler *resampler; /* NULL where the rates agree */
    float block[BLOCK];
    size_t held;
    float *resampled;
};

ut_status ut_peak_stream_open(const ut_params *params, const ut_density *density, int32_t first_frame,
                              ut_peak_stream **out, ut_err *err)
{
    ut_peak_stream *s = calloc(1, sizeof *s);
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "peak stream");
    ut_status rc = ut_peak_finder_open(params, density, first_frame, &s->finder, err);
    if (rc == UT_OK && params->rate_hz != UT_RATE_HZ) {
        rc = ut_resampler_open(UT_RATE_HZ, params->rate_hz, 1, &s->resampler, err);
        if (rc == UT_OK && !(s->resampled = malloc(ut_resampler_bound(s->resampler, BLOCK) * sizeof *s->resampled)))
            rc = ut_fail(err, UT_E_NOMEM, "peak stream");
    }
    if (rc != UT_OK) {
        ut_peak_stream_close(&s);
        return rc;
    }
    *out = s;
    return UT_OK;
}

void ut_peak_stream_close(ut_peak_stream **stream)
{
    ut_peak_stream *s = *stream;
    if (!s)
        return;
    ut_peak_finder_close(&s->finder);
    ut_resampler_close(&s->resampler);
    free(s->resampled);
    free(s);
    *stream = NULL;
}

static ut_status resample(ut_peak_stream *s, const float *in, size_t frames, ut_peaks *peaks, ut_err *err)
{
    size_t got = 0;
    ut_status rc = ut_resampler_push(s->resampler, in, frames, s->resampled, &got, err);
    return rc == UT_OK ? ut_peak_finder_push(s->finder, s->resampled, got, peaks, err) : rc;
}

ut_status ut_peak_stream_push(ut_peak_stream *stream, const float *mono, size_t frames, ut_peaks *peaks, ut_err *err)
{
    ut_peak_stream *s = stream;
    if (!s->resampler)
        return ut_peak_finder_push(s->finder, mono, frames, peaks, err);
    for (size_t i = 0; i < frames; i++) {
        s->block[s->held++] = isfinite(mono[i]) ? mono[i] : 0.0f;
        if (s->held < BLOCK)
            continue;
        s->held = 0;
        ut_status rc = resample(s, s->block, BLOCK, peaks, err);
        if (rc != UT_OK)
            return rc;
    }
    return UT_OK;
}

ut_status ut_peak_stream_finish(ut_peak_stream *stream, ut_peaks *peaks, ut_err *err)
{
    ut_peak_stream *s = stream;
    ut_status rc = UT_OK;
    if (s->resampler && s->held)
        rc = resample(s, s->block, s->held, peaks, err);
    if (s->resampler && rc == UT_OK)
        rc = resample(s, NULL, 0, peaks, err);
    s->held = 0;
    return rc == UT_OK ? ut_peak_finder_finish(s->finder, peaks, err) : rc;
}

int32_t ut_peak_stream_settled(const ut_peak_stream *stream)
{
    return ut_peak_finder_settled(stream->finder);
}
