#include "core/resample.h"

#include <math.h>
#include <soxr.h>
#include <stdlib.h>

/* More than any high-quality filter chain of libsoxr holds back, in frames of the higher rate. */
#define HELD_FRAMES 8192

struct ut_resampler {
    soxr_t soxr;
    double ratio;
    size_t channels;
    bool flushed;
};

ut_status ut_resampler_open(double from_hz, double to_hz, int channels, ut_resampler **out, ut_err *err)
{
    if (!(from_hz >= 1000 && from_hz <= 384000) || !(to_hz >= 1000 && to_hz <= 384000))
        return ut_fail(err, UT_E_ARG, "resample: %g to %g Hz: rates must be 1000 to 384000", from_hz, to_hz);
    if (channels < 1 || channels > 64)
        return ut_fail(err, UT_E_ARG, "resample: %d channels: must be 1 to 64", channels);
    ut_resampler *resampler = calloc(1, sizeof *resampler);
    if (!resampler)
        return ut_fail(err, UT_E_NOMEM, "resample: %g to %g Hz", from_hz, to_hz);
    soxr_error_t failure = NULL;
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1); /* callers parallelise over streams */
    resampler->soxr = soxr_create(from_hz, to_hz, (unsigned)channels, &failure, &io, &quality, &runtime);
    if (failure || !resampler->soxr) {
        ut_resampler_close(&resampler);
        return ut_fail(err, UT_E_UNSUPPORTED, "resample: %g to %g Hz: %s", from_hz, to_hz,
                       failure ? failure : "no converter");
    }
    resampler->ratio = to_hz / from_hz;
    resampler->channels = (size_t)channels;
    *out = resampler;
    return UT_OK;
}

void ut_resampler_close(ut_resampler **resampler)
{
    if (!*resampler)
        return;
    soxr_delete((*resampler)->soxr);
    free(*resampler);
    *resampler = NULL;
}

size_t ut_resampler_bound(const ut_resampler *resampler, size_t frames)
{
    return (size_t)ceil((double)frames * resampler->ratio) + (size_t)ceil(HELD_FRAMES * fmax(resampler->ratio, 1.0));
}

ut_status ut_resampler_push(ut_resampler *resampler, const float *in, size_t frames, float *out, size_t *got,
                            ut_err *err)
{
    if (resampler->flushed)
        return ut_fail(err, UT_E_ARG, "resample: push after the flush");
    bool flush = in == NULL;
    size_t room = ut_resampler_bound(resampler, frames), taken = 0, made = 0, total = 0;
    do {
        const float *from = flush ? NULL : in + taken * resampler->channels;
        size_t used = 0;
        soxr_error_t failure = soxr_process(resampler->soxr, from, frames - taken, &used,
                                            out + total * resampler->channels, room - total, &made);
        if (failure)
            return ut_fail(err, UT_E_NOMEM, "resample: %s", failure);
        taken += used;
        total += made;
    } while (total < room && (flush ? made > 0 : taken < frames));
    if (taken < frames)
        return ut_fail(err, UT_E_FULL, "resample: %zu frames did not fit", frames - taken);
    resampler->flushed = flush;
    *got = total;
    return UT_OK;
}
