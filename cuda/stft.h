/* Short-time spectra: a real FFT of a power of two up to FFT_LIMIT in shared memory (Stockham, radix 2, two reals to a
 * complex number), one block a frame. */
#ifndef UTC_STFT_H
#define UTC_STFT_H

#include "cuda/kernel.h"

namespace utc
{

enum { FFT_MIN = 16, FFT_LIMIT = 4096, FFT_THREADS = 256 };

/* Host tables: periodic Hann; exp(-2πi k / size) for k < size / 2, as cos, sin pairs (model.cu). */
void fill_hann(float *window, size_t size);
void fill_twiddles(float *twiddles, size_t size);

struct FftShared {
    float re[2][FFT_LIMIT / 2], im[2][FFT_LIMIT / 2];
};

/* Complex FFT of re[0], im[0], `size` long; gives the half (0 or 1) that holds the result. twiddles: (size) of
 * exp(-2πi k / 2 size), as cos, sin pairs. */
template <int THREADS> UTC_HD inline int fft_complex(FftShared &s, const float *twiddles, int size)
{
    int from = 0;
    for (int step = 1; step < size; step *= 2, from = !from) {
        UTC_SYNC();
        UTC_THREADS(t)
        {
            for (int i = t; i < size / 2; i += THREADS) {
                int p = i / step, to = i + p * step;
                float ar = s.re[from][i], ai = s.im[from][i];
                float br = s.re[from][i + size / 2], bi = s.im[from][i + size / 2];
                float wr = twiddles[4 * p * step], wi = twiddles[4 * p * step + 1];
                s.re[!from][to] = ar + br;
                s.im[!from][to] = ai + bi;
                s.re[!from][to + step] = (ar - br) * wr - (ai - bi) * wi;
                s.im[!from][to + step] = (ar - br) * wi + (ai - bi) * wr;
            }
        }
    }
    UTC_SYNC();
    return from;
}

/* Spectrum of every frame, and what a network reads of it. Grid: frames, batch. */
struct Stft {
    enum { THREADS = FFT_THREADS };
    typedef FftShared Shared;

    const float *audio;    /* (batch, samples) */
    const float *window;   /* (fft) */
    const float *twiddles; /* (fft/2) cos, sin pairs of exp(-2πi k / fft) */
    float *spectra;        /* (batch, frames, bins) complex */
    float *x;              /* (batch, frames, fft/2) log1p of the magnitudes; or NULL */
    int fft, hop, frames, bins;
    size_t samples;

    UTC_HD void block(Shared &s, int frame, int batch, int) const
    {
        int half = fft / 2;
        const float *in = audio + batch * samples + (size_t)frame * hop;
        UTC_THREADS(t)
        {
            for (int i = t; i < half; i += THREADS) {
                s.re[0][i] = in[2 * i] * window[2 * i];
                s.im[0][i] = in[2 * i + 1] * window[2 * i + 1];
            }
        }
        int side = fft_complex<THREADS>(s, twiddles, half);
        size_t at = (size_t)batch * frames + frame;
        UTC_THREADS(t)
        {
            for (int k = t; k < bins; k += THREADS)
                untangle(s.re[side], s.im[side], k, spectra + 2 * (at * bins + k), x ? x + at * half + k : NULL);
        }
    }

    /* Bin k of the real spectrum from the complex one of half the length. */
    UTC_HD void untangle(const float *re, const float *im, int k, float *out, float *magnitude) const
    {
        int half = fft / 2, low = k % half, mirror = (half - k) % half;
        float er = (re[low] + re[mirror]) / 2, ei = (im[low] - im[mirror]) / 2;
        float dr = (im[low] + im[mirror]) / 2, di = (re[mirror] - re[low]) / 2;
        float wr = k == half ? -1 : twiddles[2 * k], wi = k == half ? 0 : twiddles[2 * k + 1];
        out[0] = er + dr * wr - di * wi;
        out[1] = ei + dr * wi + di * wr;
        if (magnitude)
            *magnitude = log1pf(sqrtf(out[0] * out[0] + out[1] * out[1]));
    }
};

/* Masked spectra back to windowed frames. Grid: frames, batch. */
struct MaskedFrames {
    enum { THREADS = FFT_THREADS };
    typedef FftShared Shared;

    const float *spectra; /* (batch, frames, fft/2) complex; the last bin is 0 */
    const float *mask;    /* (batch, frames, fft/2) */
    const float *window, *twiddles;
    float *out; /* (batch, frames, fft) */
    int fft, frames;

    UTC_HD void block(Shared &s, int frame, int batch, int) const
    {
        int half = fft / 2;
        size_t at = ((size_t)batch * frames + frame) * half;
        UTC_THREADS(t)
        {
            for (int k = t; k < half; k += THREADS)
                tangle(s, k, spectra + 2 * at, mask + at);
        }
        int side = fft_complex<THREADS>(s, twiddles, half);
        UTC_THREADS(t)
        {
            for (int i = t; i < half; i += THREADS) {
                out[2 * (at + i)] = s.im[side][i] * window[2 * i];
                out[2 * (at + i) + 1] = s.re[side][i] * window[2 * i + 1];
            }
        }
    }

    /* Real and imaginary parts change places, there and back: so a forward transform is an inverse one. */
    UTC_HD void tangle(Shared &s, int k, const float *spectrum, const float *gain) const
    {
        int half = fft / 2, mirror = half - k;
        float ar = spectrum[2 * k] * gain[k], ai = k ? spectrum[2 * k + 1] * gain[k] : 0;
        float br = k ? spectrum[2 * mirror] * gain[mirror] : 0, bi = k ? -spectrum[2 * mirror + 1] * gain[mirror] : 0;
        float dr = ar - br, di = ai - bi, wr = twiddles[2 * k], wi = -twiddles[2 * k + 1];
        s.im[0][k] = ar + br - (dr * wi + di * wr);
        s.re[0][k] = ai + bi + (dr * wr - di * wi);
    }
};

/* Sums the frames that reach a sample, in their order. */
struct OverlapAdd {
    enum { THREADS = 256 };
    typedef NoShared Shared;

    const float *windowed; /* (batch, frames, fft) */
    const float *inverse;  /* (block) */
    float *out;            /* (batch, block) */
    int fft, hop, frames;
    size_t samples, count;

    UTC_HD void block(Shared &, int x, int, int) const
    {
        UTC_THREADS(t)
        {
            size_t i = (size_t)x * THREADS + t;
            if (i < count) {
                int at = (int)(i % samples);
                size_t batch = i / samples;
                int last = at / hop < frames ? at / hop : frames - 1;
                float sum = 0;
                for (int f = at < fft ? 0 : (at - fft) / hop + 1; f <= last; f++)
                    sum += windowed[(batch * frames + f) * fft + (at - f * hop)];
                out[i] = sum * inverse[at];
            }
        }
    }
};

} // namespace utc

#endif
