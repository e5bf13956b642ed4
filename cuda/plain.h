/* All that is not a convolution, one thread an output number. */
#ifndef UTC_PLAIN_H
#define UTC_PLAIN_H

#include "cuda/kernel.h"
#include "cuda/undertone_cuda.h"

namespace utc
{

struct Shape {
    int rows, columns, channels;
};

struct Plain {
    enum { THREADS = 256 };
    typedef NoShared Shared;

    utc_op op;
    int act;
    float alpha;
    Numbers in[UTC_INPUTS];
    Shape from[UTC_INPUTS]; /* of the inputs */
    int in_count;
    Numbers out;
    Shape to;
    int stride[2], offset; /* offset: where a slice begins */
    const float *w, *b;    /* affine */
    size_t count;          /* output numbers of the batch */

    UTC_HD void block(Shared &, int x, int, int) const
    {
        UTC_THREADS(t)
        {
            size_t i = (size_t)x * THREADS + t;
            if (i < count) {
                int k = (int)(i % to.channels);
                size_t cell = i / to.channels;
                int column = (int)(cell % to.columns);
                cell /= to.columns;
                out.set(i, compute(i, cell / to.rows, (int)(cell % to.rows), column, k));
            }
        }
    }

    UTC_HD float at(int which, size_t batch, int row, int column, int k) const
    {
        const Shape &s = from[which];
        return in[which].get(((batch * s.rows + row) * s.columns + column) * s.channels + k);
    }

    UTC_HD float compute(size_t i, size_t batch, int row, int column, int k) const
    {
        switch (op) {
        case UTC_AFFINE:
            return activate(act, alpha, fmaf(in[0].get(i), w[k], b ? b[k] : 0));
        case UTC_ACT:
            return activate(act, alpha, in[0].get(i));
        case UTC_ADD:
            return in[0].get(i) + in[1].get(i);
        case UTC_MUL:
            return in[0].get(i) * in[1].get(i);
        case UTC_AVGPOOL:
            return average(batch, row, column, k);
        case UTC_UPSAMPLE_LINEAR: {
            float v = at(0, batch, row, column / 2, k);
            return column % 2 && column / 2 + 1 < from[0].columns ? (v + at(0, batch, row, column / 2 + 1, k)) / 2 : v;
        }
        default:
            return moved(batch, row, column, k);
        }
    }

    UTC_HD float average(size_t batch, int row, int column, int k) const
    {
        float sum = 0;
        for (int r = 0; r < stride[0]; r++)
            for (int c = 0; c < stride[1]; c++)
                sum += at(0, batch, row * stride[0] + r, column * stride[1] + c, k);
        return sum / (float)(stride[0] * stride[1]);
    }

    UTC_HD float moved(size_t batch, int row, int column, int k) const
    {
        int which = 0;
        switch (op) {
        case UTC_CONCAT:
            while (k >= from[which].channels)
                k -= from[which++].channels;
            return at(which, batch, row, column, k);
        case UTC_CONCAT_COLUMNS:
            while (column >= from[which].columns)
                column -= from[which++].columns;
            return at(which, batch, row, column, k);
        case UTC_SLICE_COLUMNS:
            return at(0, batch, row, column + offset, k);
        case UTC_SLICE_CHANNELS:
            return at(0, batch, row, column, k + offset);
        case UTC_DECIMATE:
            return at(0, batch, row * stride[0], column * stride[1], k);
        default: /* depth_to_space: rows of a block, then columns, then channels */
            return at(0, batch, row / stride[0], column / stride[1],
                      (row % stride[0] * stride[1] + column % stride[1]) * to.channels + k);
        }
    }
};

/* What comes in becomes floats; of audio, finite ones within a limit. */
struct Ingest {
    enum { THREADS = 256 };
    typedef NoShared Shared;

    const void *in; /* float or int16_t */
    int s16;
    float limit; /* 0: as it comes */
    float *out;
    size_t count;

    UTC_HD void block(Shared &, int x, int, int) const
    {
        UTC_THREADS(t)
        {
            size_t i = (size_t)x * THREADS + t;
            if (i < count) {
                float v = s16 ? (float)((const int16_t *)in)[i] / 32768 : ((const float *)in)[i];
                if (limit > 0) {
                    v = (bits_of(v) & 0x7F800000) == 0x7F800000 ? 0 : v;
                    v = v > limit ? limit : v < -limit ? -limit : v;
                }
                out[i] = v;
            }
        }
    }
};

} // namespace utc

#endif
