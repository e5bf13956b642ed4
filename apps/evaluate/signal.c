#include "apps/evaluate/signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/resample.h"
#include "core/types.h"

enum { PAUSE_FRAME = UT_RATE_HZ / 50, PAUSE_HOLD_FRAMES = 3 };

double ut_rms(const float *x, size_t frames)
{
    double sum = 0;
    for (size_t i = 0; i < frames; i++)
        sum += (double)x[i] * x[i];
    return frames ? sqrt(sum / (double)frames) : 0.0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

ut_status ut_pauses_cut(float *speech, size_t frames, size_t *kept, ut_err *err)
{
    size_t count = frames / PAUSE_FRAME;
    if (count == 0) {
        *kept = frames;
        return UT_OK;
    }
    double *level = calloc(2 * count, sizeof *level);
    if (!level)
        return ut_fail(err, UT_E_NOMEM, "pauses of %zu frames", frames);
    for (size_t i = 0; i < count; i++)
        level[i] = ut_rms(speech + i * PAUSE_FRAME, PAUSE_FRAME);
    double *sorted = level + count;
    memcpy(sorted, level, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    double floor = 0.1 * sorted[(count - 1) * 95 / 100];
    size_t out = 0, hold = 0;
    for (size_t i = 0; i < count; i++) {
        bool loud = level[i] > floor;
        if (!loud && hold == 0)
            continue;
        hold = loud ? PAUSE_HOLD_FRAMES : hold - 1;
        memmove(speech + out, speech + i * PAUSE_FRAME, PAUSE_FRAME * sizeof *speech);
        out += PAUSE_FRAME;
    }
    free(level);
    *kept = out;
    return UT_OK;
}

void ut_add_at(const float *x, size_t frames, double rms, float *sum)
{
    double own = ut_rms(x, frames);
    double gain = own > 0 ? rms / own : 0.0;
    for (size_t i = 0; i < frames; i++)
        sum[i] += (float)(gain * x[i]);
}

ut_status ut_play_at(const float *in, size_t in_frames, double speed, float *out, size_t frames, ut_err *err)
{
    ut_resampler *resampler = NULL;
    float *all = NULL;
    size_t body = 0, tail = 0;
    ut_status rc = ut_resampler_open(UT_RATE_HZ * speed, UT_RATE_HZ, 1, &resampler, err);
    if (rc != UT_OK)
        return rc;
    size_t room = ut_resampler_bound(resampler, in_frames) + ut_resampler_bound(resampler, 0);
    if (!(all = calloc(room > frames ? room : frames, sizeof *all)))
        rc = ut_fail(err, UT_E_NOMEM, "%zu frames", room);
    if (rc == UT_OK)
        rc = ut_resampler_push(resampler, in, in_frames, all, &body, err);
    if (rc == UT_OK)
        rc = ut_resampler_push(resampler, NULL, 0, all + body, &tail, err);
    if (rc == UT_OK)
        memcpy(out, all, frames * sizeof *out);
    free(all);
    ut_resampler_close(&resampler);
    return rc;
}

/* Gain computer in dB with smoothed gain reduction, the textbook feed-forward design. */
void ut_compress(float *x, size_t frames)
{
    const double threshold_db = -24, slope = 1.0 - 1.0 / 3.0, make_up = pow(10.0, 6.0 / 20.0);
    const double limit = pow(10.0, -3.0 / 20.0);
    const double attack = exp(-1.0 / (0.005 * UT_RATE_HZ)), release = exp(-1.0 / (0.150 * UT_RATE_HZ));
    double reduction_db = 0, limiter = 1;
    for (size_t i = 0; i < frames; i++) {
        double level_db = 20.0 * log10(fabs((double)x[i]) + 1e-9);
        double wanted = level_db > threshold_db ? slope * (level_db - threshold_db) : 0.0;
        double pace = wanted > reduction_db ? attack : release;
        reduction_db = pace * reduction_db + (1.0 - pace) * wanted;
        double y = x[i] * make_up * pow(10.0, -reduction_db / 20.0);
        double needed = fabs(y) > limit ? limit / fabs(y) : 1.0;
        limiter = needed < limiter ? needed : release * limiter + (1.0 - release) * needed;
        if (limiter > needed)
            limiter = needed;
        x[i] = (float)(y * limiter);
    }
}
