#include "core/fft.h"

#include <assert.h>
#include <libavutil/tx.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ut_fft {
    AVTXContext *forward, *inverse;
    av_tx_fn run_forward, run_inverse;
    size_t size;
};

ut_status ut_fft_open(size_t size, ut_fft **out, ut_err *err)
{
    if (size < 16 || size > 65536 || (size & (size - 1)))
        return ut_fail(err, UT_E_ARG, "fft: size %zu: must be a power of two, 16 to 65536", size);
    ut_fft *fft = calloc(1, sizeof *fft);
    if (!fft)
        return ut_fail(err, UT_E_NOMEM, "fft: size %zu", size);
    fft->size = size;
    const float one = 1.0f;
    int length = (int)size;
    if (av_tx_init(&fft->forward, &fft->run_forward, AV_TX_FLOAT_RDFT, 0, length, &one, 0) < 0 ||
        av_tx_init(&fft->inverse, &fft->run_inverse, AV_TX_FLOAT_RDFT, 1, length, &one, 0) < 0) {
        ut_fft_close(&fft);
        return ut_fail(err, UT_E_UNSUPPORTED, "fft: size %zu: libavutil has no transform", size);
    }
    *out = fft;
    return UT_OK;
}

void ut_fft_close(ut_fft **fft)
{
    if (!*fft)
        return;
    av_tx_uninit(&(*fft)->forward);
    av_tx_uninit(&(*fft)->inverse);
    free(*fft);
    *fft = NULL;
}

void ut_fft_forward(ut_fft *fft, const float *in, float *out)
{
    assert((uintptr_t)in % 32 == 0 && (uintptr_t)out % 32 == 0);
    fft->run_forward(fft->forward, out, (void *)(uintptr_t)in, sizeof(float));
}

void ut_fft_inverse(ut_fft *fft, float *in, float *out)
{
    assert((uintptr_t)in % 32 == 0 && (uintptr_t)out % 32 == 0);
    fft->run_inverse(fft->inverse, out, in, sizeof(float));
}

void ut_window_hann(float *window, size_t size)
{
    for (size_t n = 0; n < size; n++)
        window[n] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * (double)n / (double)size));
}

float *ut_alloc_floats(size_t count)
{
    size_t bytes;
    if (!ut_mul_ok(count, sizeof(float), &bytes) || bytes > SIZE_MAX - 63)
        return NULL;
    bytes = (bytes + 63) / 64 * 64; /* aligned_alloc wants a multiple */
    float *floats = aligned_alloc(64, bytes ? bytes : 64);
    if (floats)
        memset(floats, 0, bytes);
    return floats;
}
