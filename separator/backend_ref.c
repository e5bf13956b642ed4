/* The reference: scalar C that says what every op means. Sums run in double; each value is rounded to float once. In
 * bf16 it says what the fast backends mean by that: values between nodes, and the weights of convolutions that read
 * them, are rounded to bf16; what is made of the input alone without a convolution, and y, stay float. */
#include "separator/backend.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/fft.h"
#include "separator/move.h"
#include "separator/plan.h"

typedef struct {
    const ut_graph *graph;
    float **packed; /* per node: weights as (out, kernel rows, kernel columns, in), or NULL */
    bool *half;     /* per value: whether it is rounded to bf16 */
    float **values; /* per value; first and last point at the caller's x and y during a run */
    float *arena;
} ref;

/* To the nearest bf16, ties to even. */
static float round_bf16(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000U;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double activate(const ut_node *node, double v)
{
    switch (node->act) {
    case UT_ACT_RELU:
        return v > 0 ? v : 0;
    case UT_ACT_SIGMOID:
        return 1 / (1 + exp(-v));
    case UT_ACT_TANH:
        return tanh(v);
    case UT_ACT_LEAKY_RELU:
        return v > 0 ? v : v * (double)node->alpha;
    default:
        return v;
    }
}

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The input position that tap `tap` of output position `at` reads, or SIZE_MAX for none. */
static size_t source(const ut_node *node, int axis, size_t at, size_t tap, size_t length)
{
    size_t stride = node->stride[axis], before = node->pad[2 * axis], position;
    if (node->op == UT_OP_CONV) {
        position = at * stride + tap;
        position = position < before ? SIZE_MAX : position - before;
    } else {
        position = at + before;
        position = position < tap || (position - tap) % stride ? SIZE_MAX : (position - tap) / stride;
    }
    return position < length ? position : SIZE_MAX;
}

/* Convolution, and transposed convolution as a gather: one output number at a time. */
static void convolve(const ut_node *node, const float *w, const float *in, ut_shape from, float *out, ut_shape to)
{
    size_t taps = node->kernel[0] * node->kernel[1];
    for (size_t r = 0; r < to.rows; r++)
        for (size_t c = 0; c < to.columns; c++)
            for (size_t o = 0; o < to.channels; o++) {
                double sum = node->b ? (double)node->b[o] : 0;
                for (size_t tap = 0; tap < taps; tap++) {
                    size_t row = source(node, 0, r, tap / node->kernel[1], from.rows);
                    size_t column = source(node, 1, c, tap % node->kernel[1], from.columns);
                    if (row != SIZE_MAX && column != SIZE_MAX)
                        sum += dot(in + (row * from.columns + column) * from.channels,
                                   w + (o * taps + tap) * from.channels, from.channels);
                }
                *out++ = (float)activate(node, sum);
            }
}

static void average(const ut_node *node, const float *in, ut_shape from, float *out, ut_shape to)
{
    for (size_t r = 0; r < to.rows; r++)
        for (size_t c = 0; c < to.columns; c++)
            for (size_t k = 0; k < to.channels; k++) {
                double sum = 0;
                for (size_t i = 0; i < node->stride[0]; i++)
                    for (size_t j = 0; j < node->stride[1]; j++) {
                        size_t row = r * node->stride[0] + i, column = c * node->stride[1] + j;
                        sum += (double)in[(row * from.columns + column) * from.channels + k];
                    }
                *out++ = (float)(sum / (double)(node->stride[0] * node->stride[1]));
            }
}

static void upsample(const float *in, ut_shape from, float *out)
{
    for (size_t r = 0; r < from.rows; r++, in += from.columns * from.channels)
        for (size_t c = 0; c < 2 * from.columns; c++) {
            const float *a = in + c / 2 * from.channels;
            const float *b = c % 2 && c / 2 + 1 < from.columns ? a + from.channels : a;
            for (size_t k = 0; k < from.channels; k++)
                *out++ = (float)(((double)a[k] + (double)b[k]) / 2);
        }
}

static void elementwise(const ut_node *node, const float *a, const float *b, float *out, ut_shape to)
{
    for (size_t i = 0; i < ut_shape_count(to); i++) {
        size_t k = i % to.channels;
        double v = (double)a[i];
        if (node->op == UT_OP_ADD)
            v += (double)b[i];
        else if (node->op == UT_OP_MUL)
            v *= (double)b[i];
        else if (node->op == UT_OP_AFFINE)
            v = activate(node, v * (double)node->w[k] + (node->b ? (double)node->b[k] : 0));
        else
            v = activate(node, v);
        out[i] = (float)v;
    }
}

static void run_node(const ref *s, size_t i)
{
    const ut_graph *g = s->graph;
    const ut_node *node = &g->nodes[i];
    const void *in[UT_NODE_INPUTS];
    const float *first = s->values[node->in[0]];
    float *out = s->values[i + 1];
    ut_shape from = g->values[node->in[0]].shape, to = g->values[i + 1].shape;
    for (size_t k = 0; k < node->in_count; k++)
        in[k] = s->values[node->in[k]];
    if (ut_move_can(node->op))
        ut_move(g, node, in, out, sizeof(float));
    else if (node->op == UT_OP_CONV || node->op == UT_OP_DECONV)
        convolve(node, s->packed[i], first, from, out, to);
    else if (node->op == UT_OP_AVGPOOL)
        average(node, first, from, out, to);
    else if (node->op == UT_OP_UPSAMPLE_LINEAR)
        upsample(first, from, out);
    else
        elementwise(node, first, node->in_count > 1 ? in[1] : NULL, out, to);
    for (size_t k = 0; s->half[i + 1] && k < ut_shape_count(to); k++)
        out[k] = round_bf16(out[k]);
}

static ut_status ref_run(void *self, const float *const *x, float *const *y, size_t count, ut_err *err)
{
    ref *s = self;
    (void)err;
    for (size_t b = 0; b < count; b++) {
        s->values[0] = (float *)x[b]; /* nodes only read it */
        s->values[s->graph->node_count] = y[b];
        for (size_t i = 0; i < s->graph->node_count; i++)
            run_node(s, i);
    }
    return UT_OK;
}

static void ref_close(void *self)
{
    ref *s = self;
    if (!s)
        return;
    for (size_t i = 0; s->packed && i < s->graph->node_count; i++)
        free(s->packed[i]);
    free(s->packed);
    free(s->half);
    free(s->values);
    free(s->arena);
    free(s);
}

/* conv (out, in, taps) and deconv (in, out, taps) both become (out, taps, in). */
static ut_status pack(const ut_graph *g, size_t i, bool half, float **packed, ut_err *err)
{
    const ut_node *node = &g->nodes[i];
    size_t in = g->values[node->in[0]].shape.channels, out = g->values[i + 1].shape.channels;
    size_t taps = node->kernel[0] * node->kernel[1];
    float *to = *packed = ut_alloc_floats(in * out * taps);
    if (!to)
        return ut_fail(err, UT_E_NOMEM, "ref: weights of \"%s\"", g->values[i + 1].name);
    for (size_t o = 0; o < out; o++)
        for (size_t t = 0; t < taps; t++)
            for (size_t k = 0; k < in; k++, to++) {
                *to = node->w[(node->op == UT_OP_CONV ? o * in + k : k * out + o) * taps + t];
                *to = half ? round_bf16(*to) : *to;
            }
    return UT_OK;
}

static void settle_precision(ref *s)
{
    const ut_graph *g = s->graph;
    for (size_t i = 0; i + 1 < g->node_count; i++) {
        const ut_node *node = &g->nodes[i];
        bool half = true;
        for (size_t k = 0; k < node->in_count; k++)
            half = half && s->half[node->in[k]];
        s->half[i + 1] = half || node->op == UT_OP_CONV || node->op == UT_OP_DECONV || node->op == UT_OP_AFFINE;
    }
}

static ut_status assign_memory(ref *s, ut_err *err)
{
    const ut_graph *g = s->graph;
    size_t total = 0;
    ut_span *spans = calloc(g->node_count + 1, sizeof *spans);
    if (!spans)
        return ut_fail(err, UT_E_NOMEM, "ref: plan");
    for (size_t v = 1; v < g->node_count; v++) /* x and y are the caller's */
        spans[v] = (ut_span){.bytes = ut_shape_count(g->values[v].shape) * sizeof(float),
                             .first = v - 1,
                             .last = g->values[v].last_use > v - 1 ? g->values[v].last_use : v - 1};
    ut_status rc = ut_plan_assign(spans, g->node_count + 1, UT_BLOCK_MEMORY, &total, err);
    if (rc == UT_OK && !(s->arena = ut_alloc_floats(total / sizeof(float) + 1)))
        rc = ut_fail(err, UT_E_NOMEM, "ref: %zu bytes", total);
    for (size_t v = 1; rc == UT_OK && v < g->node_count; v++)
        s->values[v] = s->arena + spans[v].offset / sizeof(float);
    free(spans);
    return rc;
}

static ut_status ref_open(const ut_graph *graph, const ut_domain *domain, ut_precision precision, size_t max_batch,
                          void **self, ut_err *err)
{
    ut_status rc = UT_OK;
    ref *s = calloc(1, sizeof *s);
    (void)domain;
    (void)max_batch;
    if (!s)
        return ut_fail(err, UT_E_NOMEM, "ref");
    s->graph = graph;
    if (!(s->packed = calloc(graph->node_count, sizeof *s->packed)) ||
        !(s->half = calloc(graph->node_count + 1, sizeof *s->half)) ||
        !(s->values = calloc(graph->node_count + 1, sizeof *s->values))) {
        rc = ut_fail(err, UT_E_NOMEM, "ref: %zu nodes", graph->node_count);
        goto fail;
    }
    if (precision == UT_PRECISION_BF16)
        settle_precision(s);
    for (size_t i = 0; i < graph->node_count && rc == UT_OK; i++)
        if (graph->nodes[i].op == UT_OP_CONV || graph->nodes[i].op == UT_OP_DECONV)
            rc = pack(graph, i, s->half[graph->nodes[i].in[0]], &s->packed[i], err);
    if (rc != UT_OK || (rc = assign_memory(s, err)) != UT_OK)
        goto fail;
    *self = s;
    return UT_OK;
fail:
    ref_close(s);
    return rc;
}

static ut_status ref_precision(ut_precision *precision, ut_err *err)
{
    (void)err;
    if (*precision == UT_PRECISION_AUTO)
        *precision = UT_PRECISION_F32;
    return UT_OK;
}

const ut_backend ut_backend_ref = {
    .name = "ref", .precision = ref_precision, .open = ref_open, .close = ref_close, .run = ref_run};
