/* Convolution on tensor cores, as one matrix product that is never laid out: rows are output positions of the whole
 * batch, columns output channels, and k runs over taps and input channels. A tile's rows are gathered from wherever the
 * sources (source.h) say, so that skips are not concatenated, decimated or upsampled values not stored, and short
 * layers of a batch fill tiles together. Products of bf16, sums in f32, in an order that does not depend on the batch.
 *
 * A transposed convolution is one such product for each phase of its stride (grid z): the positions o ≡ phase, which
 * read only the taps that meet an input. */
#ifndef UTC_CONV_MMA_H
#define UTC_CONV_MMA_H

#include "cuda/mma.h"
#include "cuda/source.h"

namespace utc
{

enum { MMA_ROWS = 128, MMA_K = 32 };

/* Of one phase. */
struct MmaPhase {
    int offset[2];         /* output position: offset + stride × index */
    int rows, columns;     /* indices */
    int first_tap, taps;   /* in the table */
    int first_step, steps; /* of MMA_K, in the packed weights */
};

/* TILE: output channels of a tile, in units of 16. */
template <int TILE> struct ConvMma {
    enum {
        THREADS = 256,
        COLUMNS = 16 * TILE,
        PITCH = MMA_K + 8, /* no two of a fragment's rows in the same banks */
        B_VECTORS = (COLUMNS * (MMA_K / 8) + THREADS - 1) / THREADS,
    };

    struct Shared {
        alignas(16) bf16 a[2][MMA_ROWS * PITCH];
        alignas(16) bf16 b[2][COLUMNS * PITCH];
    };

    Input in; /* parts of bf16, of multiples of 8 channels */
    Numbers out;
    int out_rows, out_columns, out_channels;
    int in_stride[2], out_stride[2];
    const MmaPhase *phases;
    const int *taps;     /* (taps, 2): row and column offsets */
    const bf16 *weights; /* (steps, columns, MMA_K); columns padded to tiles */
    int padded_columns;
    const float *bias;
    int act;
    float alpha;
    int count; /* blocks */

    /* One of the two rows that a thread gathers for. */
    struct Place {
        int batch, row, column; /* batch -1: beyond the end */
    };

    struct Mine {
        Place place[2];
        int tap, group; /* of the next step's vector: tap, and channels / 8 */
        Eight a[2], b[B_VECTORS];
    };

    struct Sums {
        FragmentC c[2][TILE];
    };

    UTC_HD Place place_of(const MmaPhase &phase, int m) const
    {
        int each = phase.rows * phase.columns;
        Place at = {m < count * each ? m / each : -1, m % each / phase.columns, m % each % phase.columns};
        return at;
    }

    UTC_HD Eight zeros() const
    {
        Eight v = {{0, 0, 0, 0}};
        return v;
    }

    UTC_HD static uint32_t halved_sum(uint32_t a, uint32_t b)
    {
        float low = (float_of(a << 16) + float_of(b << 16)) / 2;
        float high = (float_of(a & 0xFFFF0000) + float_of(b & 0xFFFF0000)) / 2;
        return (uint32_t)to_bf16(high) << 16 | to_bf16(low);
    }

    /* Eight channels of the input at a place and a tap. */
    UTC_HD Eight gather(const Place &at, int tap, int group) const
    {
        int row = at.row * in_stride[0] + taps[2 * tap], column = at.column * in_stride[1] + taps[2 * tap + 1];
        if (at.batch < 0 || row < 0 || row >= in.rows || column < 0 || column >= in.columns)
            return zeros();
        int k = 8 * group, part = 0;
        while (k >= in.parts[part].channels)
            k -= in.parts[part++].channels;
        const Source &s = in.parts[part];
        int from = s.up ? column / 2 : column * s.step[1];
        const bf16 *p = (const bf16 *)s.from.data +
                        (((size_t)at.batch * s.rows + (size_t)row * s.step[0]) * s.columns + from) * s.channels + k;
        Eight v = eight_at(p);
        if (s.up && column % 2 && from + 1 < s.columns) {
            Eight next = eight_at(p + s.channels);
            UTC_UNROLL
            for (int i = 0; i < 4; i++)
                v.word[i] = halved_sum(v.word[i], next.word[i]);
        }
        return v;
    }

    UTC_HD void fetch_step(const MmaPhase &phase, int step, int first_column, int t, Mine &mine) const
    {
        int groups = in.channels / 8;
        UTC_UNROLL
        for (int i = 0; i < 2; i++)
            mine.a[i] = mine.tap < phase.taps ? gather(mine.place[i], phase.first_tap + mine.tap, mine.group) : zeros();
        mine.group += MMA_K / 8;
        for (; mine.group >= groups; mine.tap++)
            mine.group -= groups;
        const bf16 *from = weights + ((size_t)(phase.first_step + step) * padded_columns + first_column) * MMA_K;
        UTC_UNROLL
        for (int i = 0; i < B_VECTORS; i++)
            if (t + i * THREADS < COLUMNS * (MMA_K / 8))
                mine.b[i] = eight_at(from + 8 * (t + i * THREADS));
    }

    UTC_HD void store_step(Shared &s, int side, int t, const Mine &mine) const
    {
        UTC_UNROLL
        for (int i = 0; i < 2; i++)
            put_eight(&s.a[side][(t / 4 + i * (MMA_ROWS / 2)) * PITCH + t % 4 * 8], mine.a[i]);
        UTC_UNROLL
        for (int i = 0; i < B_VECTORS; i++) {
            int v = t + i * THREADS;
            if (v < COLUMNS * (MMA_K / 8))
                put_eight(&s.b[side][v / 4 * PITCH + v % 4 * 8], mine.b[i]);
        }
    }

    /* Warps lie 4 × 2 over the tile: 32 rows and half of the columns each. */
    UTC_HD void multiply_step(const Shared &s, int side, PerThread<Sums, THREADS> &sums) const
    {
        UTC_WARPS(w, THREADS / 32)
        {
            const bf16 *a = s.a[side] + w / 2 * 32 * PITCH, *b = s.b[side] + w % 2 * (COLUMNS / 2) * PITCH;
            UTC_UNROLL
            for (int k = 0; k < MMA_K; k += 16) {
                PerThread<FragmentA, 32> left[2];
                PerThread<FragmentB, 32> right[TILE];
                UTC_LANES(l)
                {
                    UTC_UNROLL
                    for (int i = 0; i < 2; i++)
                        left[i][l] = load_a(a + i * 16 * PITCH + k, PITCH, l);
                    UTC_UNROLL
                    for (int j = 0; j < TILE; j++)
                        right[j][l] = load_b(b + j * 8 * PITCH + k, PITCH, l);
                }
                UTC_UNROLL
                for (int i = 0; i < 2; i++)
                    UTC_UNROLL
                for (int j = 0; j < TILE; j++) {
#ifdef __CUDA_ARCH__
                    multiply(&sums[0].c[i][j], &left[i][0], &right[j][0]);
#else
                    FragmentC *c[32];
                    for (int l = 0; l < 32; l++)
                        c[l] = &sums[32 * w + l].c[i][j];
                    multiply_warp(c, &left[i][0], &right[j][0]);
#endif
                }
            }
        }
    }

    UTC_HD void put(const MmaPhase &phase, int m, int column, float v0, float v1) const
    {
        Place at = place_of(phase, m);
        if (at.batch < 0 || column >= out_channels)
            return;
        size_t row = (size_t)at.batch * out_rows + phase.offset[0] + (size_t)at.row * out_stride[0];
        size_t i = (row * out_columns + phase.offset[1] + (size_t)at.column * out_stride[1]) * out_channels + column;
        v0 = activate(act, alpha, v0 + (bias ? bias[column] : 0));
        if (column + 1 == out_channels) {
            out.set(i, v0);
            return;
        }
        v1 = activate(act, alpha, v1 + (bias ? bias[column + 1] : 0));
        if (out.half && out_channels % 2 == 0) {
            put_word((bf16 *)out.data + i, (uint32_t)to_bf16(v1) << 16 | to_bf16(v0));
        } else {
            out.set(i, v0);
            out.set(i + 1, v1);
        }
    }

    UTC_HD void finish(const MmaPhase &phase, int first_row, int first_column, int t, const Sums &sums) const
    {
        int w = t / 32, l = t % 32;
        UTC_UNROLL
        for (int i = 0; i < 2; i++)
            UTC_UNROLL
        for (int j = 0; j < TILE; j++)
            UTC_UNROLL
        for (int half = 0; half < 2; half++)
            put(phase, first_row + w / 2 * 32 + i * 16 + half * 8 + l / 4,
                first_column + w % 2 * (COLUMNS / 2) + j * 8 + l % 4 * 2, sums.c[i][j].value[2 * half],
                sums.c[i][j].value[2 * half + 1]);
    }

    UTC_HD void block(Shared &s, int x, int y, int z) const
    {
        const MmaPhase phase = phases[z];
        int first_row = x * MMA_ROWS, first_column = y * COLUMNS;
        PerThread<Mine, THREADS> mine;
        PerThread<Sums, THREADS> sums;
        if (first_row >= count * phase.rows * phase.columns) /* phases differ by a row or a column */
            return;
        UTC_THREADS(t)
        {
            UTC_UNROLL
            for (int i = 0; i < 2; i++)
                mine[t].place[i] = place_of(phase, first_row + t / 4 + i * (MMA_ROWS / 2));
            mine[t].tap = 0;
            mine[t].group = t % 4;
            for (; mine[t].group >= in.channels / 8; mine[t].tap++)
                mine[t].group -= in.channels / 8;
            UTC_UNROLL
            for (int i = 0; i < 2; i++)
                UTC_UNROLL
            for (int j = 0; j < TILE; j++)
                UTC_UNROLL
            for (int k = 0; k < 4; k++)
                sums[t].c[i][j].value[k] = 0;
            if (phase.steps > 0) {
                fetch_step(phase, 0, first_column, t, mine[t]);
                store_step(s, 0, t, mine[t]);
            }
        }
        for (int step = 0; step < phase.steps; step++) {
            UTC_SYNC();
            UTC_THREADS(t)
            {
                if (step + 1 < phase.steps)
                    fetch_step(phase, step + 1, first_column, t, mine[t]);
            }
            multiply_step(s, step % 2, sums);
            UTC_THREADS(t)
            {
                if (step + 1 < phase.steps)
                    store_step(s, (step + 1) % 2, t, mine[t]);
            }
        }
        UTC_THREADS(t)
        {
            finish(phase, first_row, first_column, t, sums[t]);
        }
    }
};

} // namespace utc

#endif
