#include "separator/onednn_deconv.h"

#include <stdlib.h>
#include <string.h>

#include "core/fft.h"

/* Along one axis: how many taps a phase has, what to pad, how many positions to compute, how many results to skip. */
typedef struct {
    size_t taps, before, after, length, skip;
} axis_plan;

static axis_plan plan_axis(size_t in, size_t out, size_t kernel, size_t stride, size_t crop)
{
    axis_plan p = {.taps = (kernel + stride - 1) / stride};
    size_t ahead = crop / stride < p.taps - 1 ? crop / stride : p.taps - 1; /* positions cropped as a whole */
    p.before = p.taps - 1 - ahead;
    p.skip = crop - ahead * stride;
    size_t needed = (p.skip + out - 1) / stride + 1 + p.taps - 1; /* columns that the kernels span */
    p.after = needed > in + p.before ? needed - in - p.before : 0;
    p.length = in + p.before + p.after - p.taps + 1;
    return p;
}

/* Phase (pr, pc), tap j from the end: file tap = phase + stride × (taps-1-j), or zero past the kernel. */
static void split_weights(const ut_node *node, ut_deconv *d, size_t in, size_t out)
{
    const size_t *taps = d->conv.kernel, *kernel = node->kernel;
    float *to = d->weights;
    for (size_t phase = 0; phase < d->stride[0] * d->stride[1]; phase++)
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++)
                for (size_t tap = 0; tap < taps[0] * taps[1]; tap++, to++) {
                    size_t r = phase / d->stride[1] + d->stride[0] * (taps[0] - 1 - tap / taps[1]);
                    size_t c = phase % d->stride[1] + d->stride[1] * (taps[1] - 1 - tap % taps[1]);
                    if (r < kernel[0] && c < kernel[1])
                        *to = node->w[((i * out + o) * kernel[0] + r) * kernel[1] + c];
                }
    for (size_t k = 0; node->b && k < d->conv.out.channels; k++)
        d->bias[k] = node->b[k % out];
}

ut_status ut_deconv_open(const ut_node *node, ut_shape in, ut_shape out, ut_deconv *deconv, ut_err *err)
{
    axis_plan rows = plan_axis(in.rows, out.rows, node->kernel[0], node->stride[0], node->pad[0]);
    axis_plan columns = plan_axis(in.columns, out.columns, node->kernel[1], node->stride[1], node->pad[2]);
    size_t phases, channels, count;
    ut_deconv d = {.stride = {node->stride[0], node->stride[1]}, .skip = {rows.skip, columns.skip}};
    if (!ut_mul_ok(node->stride[0], node->stride[1], &phases) || !ut_mul_ok(phases, out.channels, &channels) ||
        !ut_mul_ok(channels, in.channels, &count) || !ut_mul_ok(count, rows.taps * columns.taps, &count) ||
        count > (size_t)1 << 28)
        return ut_fail(err, UT_E_UNSUPPORTED, "onednn: deconv of stride %zux%zu", node->stride[0], node->stride[1]);
    d.conv = (ut_conv_spec){.in = in,
                            .out = {rows.length, columns.length, channels},
                            .kernel = {rows.taps, columns.taps},
                            .stride = {1, 1},
                            .pad = {rows.before, rows.after, columns.before, columns.after},
                            .act = node->act,
                            .alpha = node->alpha};
    if (!(d.weights = ut_alloc_floats(count)) || !(d.bias = ut_alloc_floats(channels))) {
        ut_deconv_close(&d);
        return ut_fail(err, UT_E_NOMEM, "onednn: deconv weights");
    }
    split_weights(node, &d, in.channels, out.channels);
    d.conv.weights = d.weights;
    d.conv.bias = d.bias;
    *deconv = d;
    return UT_OK;
}

void ut_deconv_close(ut_deconv *deconv)
{
    free(deconv->weights);
    free(deconv->bias);
    *deconv = (ut_deconv){0};
}

void ut_deconv_interleave(const ut_deconv *d, const void *phases, void *out, ut_shape to, size_t element)
{
    size_t cell = to.channels * element, row_bytes = d->conv.out.columns * d->conv.out.channels * element;
    char *at = out;
    for (size_t r = 0; r < to.rows; r++) {
        size_t q = r + d->skip[0];
        const char *row = (const char *)phases + q / d->stride[0] * row_bytes;
        size_t phase = q % d->stride[0] * d->stride[1];
        for (size_t c = 0; c < to.columns; c++, at += cell) {
            size_t p = c + d->skip[1];
            memcpy(at, row + (p / d->stride[1] * d->stride[0] * d->stride[1] + phase + p % d->stride[1]) * cell, cell);
        }
    }
}
