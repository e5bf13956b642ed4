#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/fft.h"
#include "tests/unit/op_cases.h"

float *backend_run(const ut_backend *backend, ut_precision precision, const ut_graph *graph, const float *x)
{
    void *self = NULL;
    ut_err err = {0};
    size_t count = ut_shape_count(graph->values[graph->node_count].shape);
    float *y = ut_alloc_floats(count);
    for (size_t i = 0; i < count; i++)
        y[i] = NAN; /* what is not written shows */
    if (backend->open(graph, NULL, precision, 1, &self, &err) != UT_OK || backend->run(self, &x, &y, 1, &err) != UT_OK)
        fail_msg("%s: %s", backend->name, err.text);
    backend->close(self);
    return y;
}

/* Most ops need channels, so "a" is made from x by a convolution of 1 tap. */
static void spread(maker *m, size_t channels)
{
    maker_conv(m, "conv", "a", "x", 1, channels, 1, 1, "");
}

static void conv15(maker *m)
{
    maker_conv(m, "conv", "y", "x", 1, 1, 1, 15, ",\"pad\":[0,0,7,7]");
}

static void conv15_wide(maker *m)
{
    spread(m, 24);
    maker_conv(m, "conv", "t", "a", 24, 40, 1, 15, ",\"pad\":[0,0,7,7],\"act\":\"relu\"");
    maker_conv(m, "conv", "y", "t", 40, 1, 1, 5, ",\"pad\":[0,0,4,0]");
}

static void conv_strided(maker *m)
{
    spread(m, 3);
    maker_conv(m, "conv", "b", "a", 3, 16, 5, 5, ",\"stride\":[2,2],\"pad\":[2,2,2,2]");
    maker_conv(m, "deconv", "y", "b", 16, 1, 5, 5, ",\"stride\":[2,2],\"crop\":[2,1,2,1]");
}

static void deconv_uneven(maker *m)
{
    spread(m, 5);
    maker_conv(m, "conv", "b", "a", 5, 7, 2, 3, ",\"stride\":[2,3]");
    maker_conv(m, "deconv", "y", "b", 7, 1, 6, 9, ",\"stride\":[2,3],\"crop\":[3,1,4,1],\"act\":\"relu\"");
}

static void deconv_row(maker *m)
{
    spread(m, 4);
    maker_conv(m, "conv", "b", "a", 4, 6, 1, 4, ",\"stride\":[1,2],\"pad\":[0,0,1,1]");
    maker_conv(m, "deconv", "y", "b", 6, 1, 1, 15, ",\"stride\":[1,2],\"crop\":[0,0,7,6]");
}

static void shuffle(maker *m)
{
    spread(m, 4);
    maker_conv(m, "conv", "b", "a", 4, 24, 2, 2, ",\"stride\":[2,2]");
    maker_node(m, "{\"op\":\"depth_to_space\",\"in\":\"b\",\"out\":\"t\",\"block\":[2,2]}");
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"t\",\"a\",\"x\"],\"out\":\"c\"}");
    maker_conv(m, "conv", "y", "c", 11, 1, 3, 3, ",\"pad\":[1,1,1,1]");
}

static void pool_and_upsample(maker *m)
{
    spread(m, 8);
    maker_node(m, "{\"op\":\"avgpool\",\"in\":\"a\",\"out\":\"p\",\"stride\":[1,2]}");
    maker_node(m, "{\"op\":\"decimate\",\"in\":\"a\",\"out\":\"d\",\"stride\":[1,2]}");
    maker_node(m, "{\"op\":\"add\",\"in\":[\"p\",\"d\"],\"out\":\"s\"}");
    maker_node(m, "{\"op\":\"upsample_linear\",\"in\":\"s\",\"out\":\"u\"}");
    maker_node(m, "{\"op\":\"mul\",\"in\":[\"u\",\"a\"],\"out\":\"t\"}");
    maker_conv(m, "conv", "y", "t", 8, 1, 1, 1, "");
}

static void bands(maker *m)
{
    spread(m, 6);
    maker_node(m, "{\"op\":\"slice_columns\",\"in\":\"a\",\"out\":\"l\",\"from\":0,\"to\":5}");
    maker_node(m, "{\"op\":\"slice_columns\",\"in\":\"a\",\"out\":\"h\",\"from\":5,\"to\":16}");
    maker_node(m, "{\"op\":\"concat_columns\",\"in\":[\"h\",\"l\"],\"out\":\"j\"}");
    maker_node(m, "{\"op\":\"slice_channels\",\"in\":\"j\",\"out\":\"k\",\"from\":1,\"to\":4}");
    maker_tensor(m, "s.w", 3, 0, 0, 0);
    maker_tensor(m, "s.b", 3, 0, 0, 0);
    maker_node(m, "{\"op\":\"affine\",\"in\":\"k\",\"out\":\"s\",\"w\":\"s.w\",\"b\":\"s.b\",\"act\":\"relu\"}");
    maker_node(m, "{\"op\":\"act\",\"in\":\"s\",\"out\":\"t\",\"act\":\"leaky_relu\",\"alpha\":0.5}");
    maker_conv(m, "conv", "y", "t", 3, 1, 3, 3, ",\"pad\":[2,0,0,2]");
}

const op_case op_cases[] = {
    {"conv 15", conv15, 1, 64},
    {"conv 15 wide", conv15_wide, 1, 128},
    {"conv, deconv stride 2", conv_strided, 8, 16},
    {"deconv uneven", deconv_uneven, 4, 16},
    {"deconv in a row", deconv_row, 1, 32},
    {"depth_to_space", shuffle, 8, 16},
    {"pool, upsample", pool_and_upsample, 1, 32},
    {"bands", bands, 8, 16},
};
const size_t op_case_count = sizeof op_cases / sizeof *op_cases;

/* Integers up to 256 are exact in bf16 too; one convolution of three small integers stays below. */
static void small_sums(maker *m)
{
    maker_conv(m, "conv", "t", "x", 1, 16, 1, 3, ",\"pad\":[0,0,1,1],\"act\":\"relu\"");
    maker_node(m, "{\"op\":\"decimate\",\"in\":\"t\",\"out\":\"d\",\"stride\":[1,2]}");
    maker_node(m, "{\"op\":\"add\",\"in\":[\"d\",\"d\"],\"out\":\"s\"}");
    maker_node(m, "{\"op\":\"upsample_linear\",\"in\":\"s\",\"out\":\"u\"}");
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"u\",\"x\",\"t\"],\"out\":\"c\"}");
    maker_conv(m, "conv", "y", "c", 33, 1, 1, 1, "");
}

const op_case op_case_bf16 = {"bf16", small_sums, 1, 64};

/* The graph is opened on its own, so its input may have any shape. */
void op_case_check(const op_case *c, const ut_backend *backend, ut_precision precision)
{
    maker *m = maker_open(MAKER_INTEGERS, 7);
    uint32_t state = 3;
    char domain[96];
    size_t frames = c->rows, count = c->rows * c->columns;
    c->nodes(m);
    if (c->rows == 1)
        snprintf(domain, sizeof domain, "{\"kind\":\"wave\",\"block\":%zu}", c->columns);
    else
        snprintf(domain, sizeof domain, "{\"kind\":\"mask\",\"fft\":%zu,\"hop\":8,\"frames\":%zu,\"input\":\"log1p\"}",
                 2 * c->columns, frames);
    ut_model *model = maker_model(&m, domain);
    float *x = ut_alloc_floats(count);
    for (size_t i = 0; i < count; i++)
        x[i] = roundf(2 * maker_uniform(&state));
    float *truth = backend_run(&ut_backend_ref, UT_PRECISION_F32, model->graph, x);
    float *ours = backend_run(backend, precision, model->graph, x);
    double level = 0;
    for (size_t i = 0; i < count; i++) {
        level += fabs((double)truth[i]);
        if (!(truth[i] == ours[i]))
            fail_msg("%s, %s: y[%zu] is %g, should be %g", backend->name, c->what, i, (double)ours[i],
                     (double)truth[i]);
    }
    assert_true(level > 0);
    free(x);
    free(truth);
    free(ours);
    ut_model_close(&model);
}

double snr_db(const float *truth, const float *got, size_t count)
{
    double signal = 0, noise = 1e-30;
    for (size_t i = 0; i < count; i++) {
        signal += (double)truth[i] * (double)truth[i];
        noise += ((double)truth[i] - (double)got[i]) * ((double)truth[i] - (double)got[i]);
    }
    return 10 * log10(signal / noise);
}
