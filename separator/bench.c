#include "separator/bench.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/clock.h"
#include "core/fft.h"

static void fill_noise(float *out, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525U + 1013904223U;
        out[i] = (float)(int32_t)state / 8589934592.0F; /* a quarter of full scale */
    }
}

/* CPU seconds of this thread: all the work is on it, and what others do on the machine counts less. */
static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Runs until `seconds` have passed, three times at least; seconds of the best run and of the mean. */
static ut_status time_runs(ut_separator *separator, const float *const *mix, float *const *music, size_t batch,
                           double seconds, double *best, double *mean, ut_err *err)
{
    size_t runs = 0;
    double until = ut_monotonic_s() + seconds, start, last;
    ut_status rc = ut_separator_run(separator, mix, music, batch, err); /* caches warm */
    *best = INFINITY;
    for (start = last = cpu_s(); rc == UT_OK && (runs < 3 || ut_monotonic_s() < until); runs++) {
        rc = ut_separator_run(separator, mix, music, batch, err);
        double now = cpu_s();
        *best = now - last < *best ? now - last : *best;
        last = now;
    }
    *mean = (last - start) / (double)runs;
    return rc;
}

ut_status ut_separator_measure(const ut_model *model, const char *backend, ut_precision precision, size_t batch,
                               double seconds, ut_separator_speed *out, ut_err *err)
{
    const ut_model_info *info = ut_model_describe(model);
    ut_separator *separator = NULL;
    double best = 1, mean = 1, audio = (double)(info->block * batch) / info->rate_hz;
    ut_status rc = ut_separator_open(model, backend, precision, batch, &separator, err);
    if (rc != UT_OK)
        return rc;
    float *samples = ut_alloc_floats(2 * batch * info->block);
    float **rows = calloc(2 * batch, sizeof *rows);
    if (!samples || !rows) {
        rc = ut_fail(err, UT_E_NOMEM, "bench: %zu blocks", batch);
    } else {
        fill_noise(samples, batch * info->block);
        for (size_t i = 0; i < 2 * batch; i++)
            rows[i] = samples + i * info->block;
        rc = time_runs(separator, (const float *const *)rows, rows + batch, batch, seconds, &best, &mean, err);
    }
    if (rc == UT_OK) {
        *out = (ut_separator_speed){.realtime = audio / best,
                                    .realtime_mean = audio / mean,
                                    .gmacs = info->macs_per_block * (double)batch / best / 1e9,
                                    .batch = batch};
        snprintf(out->backend, sizeof out->backend, "%s", ut_separator_backend(separator));
    }
    free(rows);
    free(samples);
    ut_separator_close(&separator);
    return rc;
}
