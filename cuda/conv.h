/* Convolution and transposed convolution of any shape, a thread for up to WIDE channels of an output position: for
 * layers too narrow for tensor cores, and for f32. */
#ifndef UTC_CONV_H
#define UTC_CONV_H

#include "cuda/source.h"

namespace utc
{

/* A position along one axis: where tap `tap` of output `at` reads, or -1. */
UTC_HD inline int conv_position(int at, int tap, int stride, int before, int length, int transposed)
{
    int position;
    if (!transposed) {
        position = at * stride + tap - before;
    } else {
        position = at + before - tap;
        if (position < 0 || position % stride)
            return -1;
        position /= stride;
    }
    return position >= 0 && position < length ? position : -1;
}

struct Conv {
    enum { THREADS = 128, WIDE = 8 };
    typedef NoShared Shared;

    Input in;
    Numbers out; /* (batch, rows, columns, channels) */
    int out_rows, out_columns, out_channels;
    int kernel[2], stride[2], pad[2]; /* pad: before; transposed: the crop */
    int transposed;
    int act;
    float alpha;
    const float *weights; /* (taps, in channels, out channels) */
    const float *bias;    /* NULL: none */
    size_t count;         /* output positions of the batch */

    UTC_HD void block(Shared &, int x, int, int) const
    {
        UTC_THREADS(t)
        {
            size_t i = (size_t)x * THREADS + t, groups = (out_channels + WIDE - 1) / WIDE;
            if (i < count * groups)
                position(i / groups, (int)(i % groups) * WIDE);
        }
    }

    UTC_HD void position(size_t cell, int first) const
    {
        int column = (int)(cell % out_columns), row = (int)(cell / out_columns % out_rows);
        int wide = out_channels - first < WIDE ? out_channels - first : WIDE;
        size_t batch = cell / out_columns / out_rows;
        float sums[WIDE];
        for (int o = 0; o < WIDE; o++)
            sums[o] = bias && o < wide ? bias[first + o] : 0;
        for (int kr = 0; kr < kernel[0]; kr++) {
            int r = conv_position(row, kr, stride[0], pad[0], in.rows, transposed);
            for (int kc = 0; r >= 0 && kc < kernel[1]; kc++) {
                int c = conv_position(column, kc, stride[1], pad[1], in.columns, transposed);
                if (c >= 0)
                    add_tap(sums, kr * kernel[1] + kc, batch, r, c, first, wide);
            }
        }
        for (int o = 0; o < WIDE; o++)
            if (o < wide)
                out.set(cell * out_channels + first + o, activate(act, alpha, sums[o]));
    }

    UTC_HD void add_tap(float *sums, int index, size_t batch, int row, int column, int first, int wide) const
    {
        const float *w = weights + (size_t)index * in.channels * out_channels + first;
        for (int p = 0; p < in.count; p++)
            for (int k = 0; k < in.parts[p].channels; k++, w += out_channels) {
                float v = fetch(in.parts[p], batch, row, column, k);
                for (int o = 0; o < WIDE; o++)
                    if (o < wide)
                        sums[o] = fmaf(v, w[o], sums[o]);
            }
    }
};

} // namespace utc

#endif
