/* Peaks and pairs, in integers, as fingerprint/peaks.c and landmark.c define them: a block a frame. The numbers below
 * are theirs, and the tests hold the two together. */
#ifndef UTC_PEAKS_H
#define UTC_PEAKS_H

#include "cuda/kernel.h"
#include "cuda/undertone_cuda.h"

namespace utc
{

enum {
    BINS_LIMIT = 2049,
    MAX_FRAMES = 3,
    MAX_BINS = 8,
    MEAN_FRAMES = 31,
    MEAN_BINS = 32,
    RANK_FRAMES = 32,
    LEVEL_MIN = -16384,
    LEVEL_MAX = 16383,
    LEVEL_ZERO = (127 - 24) << 8,
    RANGE = 26 << 8,
};

UTC_HD inline int least(int a, int b)
{
    return a < b ? a : b;
}

UTC_HD inline int most(int a, int b)
{
    return a > b ? a : b;
}

/* Rounded twice, as the CPU does: not a fused multiply-add. */
UTC_HD inline float power_of(float re, float im)
{
#ifdef __CUDA_ARCH__
    return __fadd_rn(__fmul_rn(re, re), __fmul_rn(im, im));
#else
    return re * re + im * im;
#endif
}

/* The clip's levels, and of each the maximum and the sum around it in its frame. */
struct Levels {
    enum { THREADS = 256 };
    struct Shared {
        int16_t level[BINS_LIMIT];
        int loudest[THREADS];
    };

    const float *spectra; /* (frames, fft_bins) complex */
    int fft_bins, low_bin, bins;
    int16_t *level, *highest; /* (frames, bins) */
    int32_t *sum;
    int16_t *loudest; /* (frames) */

    UTC_HD int level_of(float power) const
    {
        int v = ((int)bits_of(power) >> 15) - LEVEL_ZERO;
        return most(least(v, LEVEL_MAX), LEVEL_MIN);
    }

    UTC_HD void block(Shared &s, int frame, int, int) const
    {
        size_t at = (size_t)frame * bins;
        const float *in = spectra + 2 * ((size_t)frame * fft_bins + low_bin);
        UTC_THREADS(t)
        {
            s.loudest[t] = LEVEL_MIN;
            for (int b = t; b < bins; b += THREADS) {
                s.level[b] = (int16_t)level_of(power_of(in[2 * b], in[2 * b + 1]));
                level[at + b] = s.level[b];
                s.loudest[t] = most(s.loudest[t], s.level[b]);
            }
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            for (int b = t; b < bins; b += THREADS) {
                int top = LEVEL_MIN, total = 0;
                for (int i = most(b - MAX_BINS, 0); i <= least(b + MAX_BINS, bins - 1); i++)
                    top = most(top, s.level[i]);
                for (int i = most(b - MEAN_BINS, 0); i <= least(b + MEAN_BINS, bins - 1); i++)
                    total += s.level[i];
                highest[at + b] = (int16_t)top;
                sum[at + b] = total;
            }
            if (t == 0) {
                int top = LEVEL_MIN;
                for (int i = 0; i < THREADS; i++)
                    top = most(top, s.loudest[i]);
                loudest[frame] = (int16_t)top;
            }
        }
    }
};

/* A list of each frame, in order of bins: at most `capacity` entries. */
struct FrameLists {
    int *count; /* (frames) */
    int *bin;   /* (frames, capacity); from the clip's first bin */
    int *prominence;
    int capacity;
};

/* Where the entries of each thread begin, if every thread's are counted in `starts`. One thread does it. */
template <int THREADS> UTC_HD inline int begin_of_each(int *starts)
{
    int total = 0;
    for (int i = 0; i < THREADS; i++) {
        int own = starts[i];
        starts[i] = total;
        total += own;
    }
    return total;
}

/* Candidates: strict local maxima that are loud enough, with their prominence. */
struct Search {
    enum { THREADS = 256 };
    struct Shared {
        int starts[THREADS];
        int lowest;
    };

    const int16_t *level, *highest;
    const int32_t *sum;
    const int16_t *loudest;
    int frames, bins;
    FrameLists out;

    UTC_HD int is_peak(int frame, int bin, int lowest) const
    {
        int own = level[(size_t)frame * bins + bin], equal = 0;
        int from = most(frame - MAX_FRAMES, 0), to = least(frame + MAX_FRAMES, frames - 1);
        if (own < lowest || own == LEVEL_MAX)
            return 0;
        for (int f = from; f <= to; f++)
            if (highest[(size_t)f * bins + bin] > own)
                return 0;
        for (int f = from; f <= to; f++)
            for (int b = most(bin - MAX_BINS, 0); b <= least(bin + MAX_BINS, bins - 1); b++)
                equal += level[(size_t)f * bins + b] == own;
        return equal == 1;
    }

    UTC_HD int prominence(int frame, int bin) const
    {
        int from = most(frame - MEAN_FRAMES, 0), to = least(frame + MEAN_FRAMES, frames - 1);
        int cells = (to - from + 1) * (least(bin + MEAN_BINS, bins - 1) - most(bin - MEAN_BINS, 0) + 1);
        int64_t total = 0;
        for (int f = from; f <= to; f++)
            total += sum[(size_t)f * bins + bin];
        int64_t mean = total >= 0 ? total / cells : -((cells - 1 - total) / cells);
        return level[(size_t)frame * bins + bin] - (int)mean;
    }

    UTC_HD void block(Shared &s, int frame, int, int) const
    {
        int each = (bins + THREADS - 1) / THREADS;
        UTC_THREADS(t)
        {
            if (t == 0) {
                int top = LEVEL_MIN;
                for (int f = most(frame - MEAN_FRAMES, 0); f <= least(frame + MEAN_FRAMES, frames - 1); f++)
                    top = most(top, loudest[f]);
                s.lowest = most(top - RANGE, LEVEL_MIN + 1);
            }
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            s.starts[t] = 0;
            for (int b = t * each; b < least((t + 1) * each, bins); b++)
                s.starts[t] += is_peak(frame, b, s.lowest);
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            if (t == 0)
                out.count[frame] = begin_of_each<THREADS>(s.starts);
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            size_t to = (size_t)frame * out.capacity + s.starts[t];
            for (int b = t * each; b < least((t + 1) * each, bins); b++)
                if (is_peak(frame, b, s.lowest)) {
                    out.bin[to] = b;
                    out.prominence[to++] = prominence(frame, b);
                }
        }
    }
};

/* Keeps the candidates that fewer than `limit` around them surpass. */
struct Rank {
    enum { THREADS = 256 };
    struct Shared {
        int starts[THREADS];
    };

    FrameLists in, out; /* out.prominence is not used */
    int frames, limit;

    UTC_HD int keep(int frame, int i) const
    {
        int own = in.prominence[(size_t)frame * in.capacity + i], higher = 0;
        for (int f = most(frame - RANK_FRAMES, 0); f <= least(frame + RANK_FRAMES, frames - 1); f++)
            for (int k = 0; k < in.count[f]; k++)
                higher += in.prominence[(size_t)f * in.capacity + k] > own;
        return higher < limit;
    }

    UTC_HD void block(Shared &s, int frame, int, int) const
    {
        /* capacity ≤ THREADS: a thread has one candidate at most */
        UTC_THREADS(t)
        {
            s.starts[t] = t < in.count[frame] ? keep(frame, t) : 0;
        }
        UTC_SYNC();
        PerThread<int, THREADS> kept;
        UTC_THREADS(t)
        {
            kept[t] = s.starts[t];
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            if (t == 0)
                out.count[frame] = begin_of_each<THREADS>(s.starts);
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            if (kept[t])
                out.bin[(size_t)frame * out.capacity + s.starts[t]] = in.bin[(size_t)frame * in.capacity + t];
        }
    }
};

/* first[f]: peaks before frame f; first[frames]: all. One block. */
struct Offsets {
    enum { THREADS = 256 };
    struct Shared {
        int starts[THREADS];
    };

    const int *count;
    int *first; /* (frames + 1) */
    int frames;

    UTC_HD void block(Shared &s, int, int, int) const
    {
        int each = (frames + THREADS - 1) / THREADS;
        UTC_THREADS(t)
        {
            s.starts[t] = 0;
            for (int f = t * each; f < least((t + 1) * each, frames); f++)
                s.starts[t] += count[f];
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            if (t == 0)
                first[frames] = begin_of_each<THREADS>(s.starts);
        }
        UTC_SYNC();
        UTC_THREADS(t)
        {
            int before = s.starts[t];
            for (int f = t * each; f < least((t + 1) * each, frames); f++) {
                first[f] = before;
                before += count[f];
            }
        }
    }
};

/* The peaks in one list, and the hashes of the pairs that begin at each. */
struct Pairs {
    enum { THREADS = 256 };
    typedef NoShared Shared;

    FrameLists in;
    const int *first;
    int frames;
    utc_fingerprint_options options;
    utc_peak *peaks;  /* (peaks) */
    uint32_t *hashes; /* (peaks, fan_out) */
    int *hash_count;  /* (peaks) */

    UTC_HD uint32_t hash(int bin, int other, int frames_apart) const
    {
        uint32_t bins = (uint32_t)(other - bin) & ((1U << options.bins_bits) - 1);
        uint32_t v = ((uint32_t)bin << options.bins_bits | bins) << options.frames_bits | (uint32_t)frames_apart;
        return v & ((1U << options.hash_bits) - 1);
    }

    UTC_HD void pair(int frame, int i) const
    {
        int bin = in.bin[(size_t)frame * in.capacity + i] + options.low_bin, paired = 0;
        size_t peak = (size_t)first[frame] + i;
        peaks[peak].frame = frame;
        peaks[peak].bin = (uint32_t)bin;
        int last = least(frame + options.pair_frames_max, frames - 1);
        for (int f = frame + options.pair_frames_min; f <= last; f++)
            for (int k = 0; k < in.count[f] && paired < options.fan_out; k++) {
                int other = in.bin[(size_t)f * in.capacity + k] + options.low_bin;
                if (other - bin <= options.pair_bins_max && bin - other <= options.pair_bins_max)
                    hashes[peak * options.fan_out + paired++] = hash(bin, other, f - frame);
            }
        hash_count[peak] = paired;
    }

    UTC_HD void block(Shared &, int frame, int, int) const
    {
        UTC_THREADS(t)
        {
            if (t < in.count[frame])
                pair(frame, t);
        }
    }
};

} // namespace utc

#endif
