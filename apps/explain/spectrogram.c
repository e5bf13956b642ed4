#include "apps/explain/spectrogram.h"

#include <math.h>
#include <stdlib.h>

#include "core/fft.h"
#include "core/types.h"

enum { SIZE = 1024, BINS = SIZE / 2 + 1 };
#define RANGE_DB 60.0
/* The loudest point in a thousand may be clipped, so that one click does not leave the rest white. */
#define TOP_SHARE 0.001
#define SHADES 32 /* enough for the eye, and half the bytes */

typedef struct {
    float *window, *block, *spectrum;
    ut_fft *fft;
    float *level_db; /* (row, column) */
} painter;

static void take_block(painter *p, const float *samples, size_t frames, double middle)
{
    int64_t at = (int64_t)middle - SIZE / 2;
    for (int i = 0; i < SIZE; i++, at++) {
        float x = at >= 0 && at < (int64_t)frames ? samples[at] : 0.0F;
        p->block[i] = isfinite(x) ? x * p->window[i] : 0.0F;
    }
    ut_fft_forward(p->fft, p->block, p->spectrum);
}

/* Level of a row: of the loudest bin that its band covers. */
static float level_of(const painter *p, size_t row, size_t rows)
{
    double octaves = log2(UT_SPECTROGRAM_HIGH_HZ / UT_SPECTROGRAM_LOW_HZ);
    double high_hz = UT_SPECTROGRAM_HIGH_HZ * exp2(-octaves * (double)row / (double)rows);
    double low_hz = UT_SPECTROGRAM_HIGH_HZ * exp2(-octaves * (double)(row + 1) / (double)rows);
    int low = (int)lround(low_hz * SIZE / UT_RATE_HZ), high = (int)lround(high_hz * SIZE / UT_RATE_HZ);
    double most = 1e-12;
    for (int bin = low; bin <= high && bin < BINS; bin++)
        most = fmax(most, (double)p->spectrum[2 * bin] * p->spectrum[2 * bin] +
                              (double)p->spectrum[2 * bin + 1] * p->spectrum[2 * bin + 1]);
    return (float)(10 * log10(most));
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static ut_status shade(const painter *p, size_t count, uint8_t *grey, ut_err *err)
{
    float *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return ut_fail(err, UT_E_NOMEM, "spectrogram: %zu points", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = p->level_db[i];
    qsort(sorted, count, sizeof *sorted, ascending);
    double top = sorted[(size_t)((double)(count - 1) * (1 - TOP_SHARE))];
    free(sorted);
    for (size_t i = 0; i < count; i++) {
        double dark = fmin(fmax(1 + (p->level_db[i] - top) / RANGE_DB, 0.0), 1.0);
        grey[i] = (uint8_t)(255 - lround(dark * (SHADES - 1)) * (200 / (SHADES - 1)));
    }
    return UT_OK;
}

ut_status ut_spectrogram(const float *samples, size_t frames, size_t columns, size_t rows, uint8_t **grey, ut_err *err)
{
    painter p = {.window = ut_alloc_floats(SIZE),
                 .block = ut_alloc_floats(SIZE),
                 .spectrum = ut_alloc_floats(2 * (size_t)BINS),
                 .level_db = malloc(rows * columns * sizeof(float))};
    uint8_t *out = malloc(rows * columns);
    ut_status rc = p.window && p.block && p.spectrum && p.level_db && out
                       ? ut_fft_open(SIZE, &p.fft, err)
                       : ut_fail(err, UT_E_NOMEM, "spectrogram: %zu x %zu", columns, rows);
    if (rc == UT_OK)
        ut_window_hann(p.window, SIZE);
    for (size_t c = 0; c < columns && rc == UT_OK; c++) {
        take_block(&p, samples, frames, ((double)c + 0.5) * (double)frames / (double)columns);
        for (size_t row = 0; row < rows; row++)
            p.level_db[row * columns + c] = level_of(&p, row, rows);
    }
    if (rc == UT_OK)
        rc = shade(&p, rows * columns, out, err);
    free(p.window);
    free(p.block);
    free(p.spectrum);
    free(p.level_db);
    ut_fft_close(&p.fft);
    if (rc == UT_OK)
        *grey = out;
    else
        free(out);
    return rc;
}
