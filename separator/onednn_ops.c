#include "separator/onednn_ops.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Numbers per step through the caches' first level. */
#define CHUNK 512

static size_t width_of(ut_numbers n)
{
    return n.bf16 ? 2 : 4;
}

static ut_numbers advance(ut_numbers n, size_t count)
{
    return (ut_numbers){(char *)n.data + count * width_of(n), n.bf16};
}

static void widen(const uint16_t *restrict in, float *restrict out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)in[i] << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* Values are finite here: the model's weights and the samples are. */
static void narrow(const float *restrict in, uint16_t *restrict out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &in[i], sizeof bits);
        out[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

/* `count` ≤ CHUNK numbers as floats: in place, or widened into `room`. */
static const float *load(ut_numbers n, float *room, size_t count)
{
    if (!n.bf16)
        return n.data;
    widen(n.data, room, count);
    return room;
}

static void store(ut_numbers n, const float *from, size_t count)
{
    if (n.bf16)
        narrow(from, n.data, count);
    else
        memcpy(n.data, from, count * sizeof *from);
}

void ut_ops_cast(ut_numbers in, ut_numbers out, size_t count)
{
    float room[CHUNK];
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t n = count - done < CHUNK ? count - done : CHUNK;
        store(advance(out, done), load(advance(in, done), room, n), n);
    }
}

/* One column of `count` channels: the mean of a and b. */
static void mean_of(ut_numbers a, ut_numbers b, ut_numbers out, size_t count)
{
    float room_a[CHUNK], room_b[CHUNK], sum[CHUNK];
    for (size_t done = 0; done < count; done += CHUNK) {
        size_t n = count - done < CHUNK ? count - done : CHUNK;
        const float *x = load(advance(a, done), room_a, n), *y = load(advance(b, done), room_b, n);
        for (size_t i = 0; i < n; i++)
            sum[i] = (x[i] + y[i]) * 0.5F;
        store(advance(out, done), sum, n);
    }
}

void ut_ops_upsample(ut_numbers in, ut_shape from, ut_numbers out)
{
    size_t channels = from.channels;
    for (size_t r = 0; r < from.rows; r++)
        for (size_t c = 0; c < from.columns; c++) {
            size_t at = (r * from.columns + c) * channels;
            size_t next = c + 1 < from.columns ? at + channels : at;
            ut_numbers to = advance(out, 2 * at);
            ut_ops_cast(advance(in, at), to, channels);
            mean_of(advance(in, at), advance(in, next), advance(to, channels), channels);
        }
}

/* Adds the cells of one output column to `sum`. */
static void sum_cells(const ut_node *node, ut_numbers in, ut_shape from, size_t row, size_t column, size_t channel,
                      float *sum, size_t count)
{
    float room[CHUNK];
    memset(sum, 0, count * sizeof *sum);
    for (size_t i = 0; i < node->stride[0]; i++)
        for (size_t j = 0; j < node->stride[1]; j++) {
            size_t at = ((row * node->stride[0] + i) * from.columns + column * node->stride[1] + j) * from.channels;
            const float *x = load(advance(in, at + channel), room, count);
            for (size_t k = 0; k < count; k++)
                sum[k] += x[k];
        }
}

void ut_ops_average(const ut_node *node, ut_numbers in, ut_shape from, ut_numbers out, ut_shape to)
{
    float sum[CHUNK], scale = 1 / (float)(node->stride[0] * node->stride[1]);
    for (size_t r = 0; r < to.rows; r++)
        for (size_t c = 0; c < to.columns; c++)
            for (size_t k = 0; k < to.channels; k += CHUNK) {
                size_t n = to.channels - k < CHUNK ? to.channels - k : CHUNK;
                sum_cells(node, in, from, r, c, k, sum, n);
                for (size_t i = 0; i < n; i++)
                    sum[i] *= scale;
                store(advance(out, (r * to.columns + c) * to.channels + k), sum, n);
            }
}

static void activate(const ut_node *node, float *v, size_t count)
{
    if (node->act == UT_ACT_RELU || node->act == UT_ACT_LEAKY_RELU) {
        float slope = node->act == UT_ACT_RELU ? 0 : node->alpha;
        for (size_t i = 0; i < count; i++)
            v[i] = v[i] > 0 ? v[i] : v[i] * slope;
    } else if (node->act == UT_ACT_SIGMOID) {
        for (size_t i = 0; i < count; i++)
            v[i] = 1 / (1 + expf(-v[i]));
    } else if (node->act == UT_ACT_TANH) {
        for (size_t i = 0; i < count; i++)
            v[i] = tanhf(v[i]);
    }
}

/* out = w × a + b for channels [channel, channel + count). */
static void scale_channels(const ut_node *node, size_t channel, const float *a, float *out, size_t count)
{
    const float *w = node->w + channel, *b = node->b ? node->b + channel : NULL;
    for (size_t i = 0; i < count; i++)
        out[i] = b ? a[i] * w[i] + b[i] : a[i] * w[i];
}

static void combine(const ut_node *node, const float *a, const float *b, float *out, size_t count)
{
    if (node->op == UT_OP_ADD)
        for (size_t i = 0; i < count; i++)
            out[i] = a[i] + b[i];
    else
        for (size_t i = 0; i < count; i++)
            out[i] = a[i] * b[i];
}

void ut_ops_elementwise(const ut_node *node, ut_numbers a, ut_numbers b, ut_numbers out, ut_shape to)
{
    float room_a[CHUNK], room_b[CHUNK], v[CHUNK];
    bool affine = node->op == UT_OP_AFFINE;
    size_t total = ut_shape_count(to);
    for (size_t done = 0, n; done < total; done += n) {
        size_t channel = affine ? done % to.channels : 0;
        size_t limit = affine ? to.channels - channel : total - done; /* affine: not past the last channel */
        n = limit < CHUNK ? limit : CHUNK;
        const float *x = load(advance(a, done), room_a, n);
        if (affine)
            scale_channels(node, channel, x, v, n);
        else if (node->op == UT_OP_ACT)
            memcpy(v, x, n * sizeof *v);
        else
            combine(node, x, load(advance(b, done), room_b, n), v, n);
        activate(node, v, n);
        store(advance(out, done), v, n);
    }
}
