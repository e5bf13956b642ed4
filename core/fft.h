/* Real FFT of a fixed power-of-two size (libavutil's av_tx), and windows. Unscaled, both ways.
 * A plan belongs to one thread; buffers must be 32-byte aligned (ut_alloc_aligned). */
#ifndef UT_CORE_FFT_H
#define UT_CORE_FFT_H

#include "core/status.h"

typedef struct ut_fft ut_fft;

/* size: power of two, 16 … 65536. */
UT_CHECK ut_status ut_fft_open(size_t size, ut_fft **out, ut_err *err);
void ut_fft_close(ut_fft **fft);
/* in: size samples (preserved); out: size/2+1 complex values as re, im pairs. */
void ut_fft_forward(ut_fft *fft, const float *in, float *out);
/* in: size/2+1 complex values (destroyed); out: size samples = size × the original of ut_fft_forward. */
void ut_fft_inverse(ut_fft *fft, float *in, float *out);

/* Periodic Hann window, w[n] = 0.5 - 0.5 cos(2πn/size). */
void ut_window_hann(float *window, size_t size);

/* Zeroed, 64-byte aligned floats; free() releases them. NULL if out of memory or count overflows. */
UT_CHECK float *ut_alloc_floats(size_t count);

#endif
