/* Where a convolution reads: up to SOURCES stored values whose channels follow one another, each perhaps decimated or
 * upsampled on the way. So concatenation, decimation and upsampling cost no memory traffic of their own. */
#ifndef UTC_SOURCE_H
#define UTC_SOURCE_H

#include "cuda/kernel.h"

namespace utc
{

enum { SOURCES = 4 };

struct Source {
    Numbers from;                /* (batch, rows, columns, channels) */
    int rows, columns, channels; /* as stored */
    int step[2];                 /* decimated: every so many */
    int up;                      /* columns doubled, by linear interpolation */
};

struct Input {
    Source parts[SOURCES];
    int count;
    int rows, columns, channels; /* as read */
};

/* The number at (row, column) of what the source shows. */
UTC_HD inline float fetch(const Source &s, size_t batch, int row, int column, int channel)
{
    int at = s.up ? column / 2 : column * s.step[1];
    size_t i = ((batch * s.rows + (size_t)row * s.step[0]) * s.columns + at) * s.channels + channel;
    float v = s.from.get(i);
    if (s.up && column % 2 && at + 1 < s.columns)
        v = (v + s.from.get(i + s.channels)) / 2;
    return s.from.half ? from_bf16(to_bf16(v)) : v;
}

} // namespace utc

#endif
