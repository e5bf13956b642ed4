/* Convolution and transposed convolution of any shape, one thread an output number: for layers too narrow for tensor
 * cores, for f32, and as what the others are compared with. */
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
    enum { THREADS = 128 };
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
    size_t count;         /* output numbers of the batch */

    UTC_HD void block(Shared &, int x, int, int) const
    {
        UTC_THREADS(t)
        {
            size_t i = (size_t)x * THREADS + t;
            if (i < count)
                out.set(i, activate(act, alpha, sum(i)));
        }
    }

    UTC_HD float sum(size_t i) const
    {
        int o = (int)(i % out_channels);
        size_t cell = i / out_channels;
        int column = (int)(cell % out_columns);
        cell /= out_columns;
        int row = (int)(cell % out_rows);
        size_t batch = cell / out_rows;
        float v = bias ? bias[o] : 0;
        for (int kr = 0; kr < kernel[0]; kr++) {
            int r = conv_position(row, kr, stride[0], pad[0], in.rows, transposed);
            for (int kc = 0; r >= 0 && kc < kernel[1]; kc++) {
                int c = conv_position(column, kc, stride[1], pad[1], in.columns, transposed);
                if (c >= 0)
                    v = tap(v, kr * kernel[1] + kc, batch, r, c, o);
            }
        }
        return v;
    }

    UTC_HD float tap(float v, int index, size_t batch, int row, int column, int o) const
    {
        const float *w = weights + (size_t)index * in.channels * out_channels + o;
        for (int p = 0; p < in.count; p++)
            for (int k = 0; k < in.parts[p].channels; k++, w += out_channels)
                v = fmaf(fetch(in.parts[p], batch, row, column, k), *w, v);
        return v;
    }
};

} // namespace utc

#endif
