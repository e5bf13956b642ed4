/* Convolutions of every shape on tensor cores against ref, on integers, whose sums are exact: kernels, strides, pads,
 * odd sizes, channels that fill no tile, transposed ones, several sources, batches. On the library built for the CPU,
 * or with UT_CUDA_LIBRARY on a device. UT_CUDA_SHAPES: how many random shapes (default 60). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fft.h"
#include "separator/backend.h"
#include "separator/cuda_model.h"
#include "tests/unit/op_cases.h"

enum { BATCH = 3 };

/* A graph, its input's shape, and what it was read from. */
typedef struct {
    ut_graph *graph;
    ut_tensors *tensors;
    char *bytes;
} network;

static network network_open(maker *m, ut_shape input)
{
    network n = {0};
    size_t size;
    ut_err err = {0};
    n.bytes = maker_bytes(&m, "{}", false, &size);
    if (ut_tensors_parse(n.bytes, size, &n.tensors, &err) != UT_OK ||
        ut_graph_open(ut_tensors_text(n.tensors, "graph"), input, n.tensors, &n.graph, &err) != UT_OK)
        fail_msg("%s", err.text);
    return n;
}

static void network_close(network *n)
{
    ut_graph_close(&n->graph);
    ut_tensors_close(&n->tensors);
    free(n->bytes);
}

/* Runs BATCH random blocks of integers on the device and on ref; both must agree exactly. */
static void check(const network *n, size_t tensor_convs, const char *what)
{
    size_t in = ut_shape_count(n->graph->values[0].shape), batch = BATCH, bytes, tensor, plain;
    size_t out = ut_shape_count(n->graph->values[n->graph->node_count].shape);
    const ut_cuda *cuda;
    utc_model *model = NULL;
    utc_error problem = {0};
    ut_err err = {0};
    uint32_t seed = 3;
    float *samples = ut_alloc_floats(BATCH * in), *results = ut_alloc_floats(BATCH * out);
    const float *x[BATCH];
    float *y[BATCH];
    for (size_t i = 0; i < BATCH * in; i++)
        samples[i] = roundf(2 * maker_uniform(&seed));
    for (size_t i = 0; i < BATCH * out; i++)
        results[i] = NAN;
    for (size_t b = 0; b < BATCH; b++) {
        x[b] = samples + b * in;
        y[b] = results + b * out;
    }
    assert_int_equal(ut_cuda_get(&cuda, &err), UT_OK);
    if (ut_cuda_model_open(cuda, n->graph, NULL, true, &batch, &model, &err) != UT_OK)
        fail_msg("%s: %s", what, err.text);
    cuda->api->model_info(model, &bytes, &tensor, &plain);
    if (cuda->info.tensor_bf16 && tensor != tensor_convs)
        fail_msg("%s: %zu convolutions on tensor cores, not %zu", what, tensor, tensor_convs);
    if (cuda->api->run(model, x, y, BATCH, &problem) != UTC_OK)
        fail_msg("%s: %s", what, problem.text);
    cuda->api->model_close(model);
    for (size_t b = 0; b < BATCH; b++) {
        float *truth = backend_run(&ut_backend_ref, UT_PRECISION_F32, n->graph, x[b]);
        for (size_t i = 0; i < out; i++)
            if (!(truth[i] == y[b][i]))
                fail_msg("%s: block %zu, number %zu is %g, should be %g", what, b, i, (double)y[b][i],
                         (double)truth[i]);
        free(truth);
    }
    free(samples);
    free(results);
}

static size_t pick(uint32_t *seed, const size_t *from, size_t count)
{
    float u = (maker_uniform(seed) + 1) / 2;
    size_t i = (size_t)(u * (float)count);
    return from[i < count ? i : count - 1];
}

#define PICK(...) pick(seed, (const size_t[]){__VA_ARGS__}, sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

static void random_conv(uint32_t *seed)
{
    size_t cin = PICK(8, 16, 24, 40, 72), cout = PICK(16, 17, 24, 33, 48, 72, 130);
    size_t kr = PICK(1, 2, 3, 5), kc = PICK(1, 2, 5, 15), sr = PICK(1, 2, 3), sc = PICK(1, 2, 3);
    ut_shape input = {PICK(1, 5, 7, 12), PICK(9, 15, 33, 70), 1};
    bool forward = PICK(0, 1);
    size_t pads[4] = {PICK(0, 1, 2), PICK(0, 1, 2), PICK(0, 1, 2, 7), PICK(0, 1, 2)};
    char more[128], what[256];
    maker *m = maker_open(MAKER_INTEGERS, *seed);
    if (forward && input.rows + pads[0] + pads[1] < kr)
        kr = 1;
    if (forward && input.columns + pads[2] + pads[3] < kc)
        kc = 1;
    for (size_t side = 0; !forward && side < 4; side++) /* crops leave something */
        pads[side] = (side < 2 ? kr : kc) > pads[side] * 2 ? pads[side] : 0;
    snprintf(more, sizeof more, ",\"stride\":[%zu,%zu],\"%s\":[%zu,%zu,%zu,%zu],\"act\":\"leaky_relu\",\"alpha\":0.5",
             sr, sc, forward ? "pad" : "crop", pads[0], pads[1], pads[2], pads[3]);
    snprintf(what, sizeof what, "%zux%zux%zu, %s to %zu, kernel %zux%zu%s", input.rows, input.columns, cin,
             forward ? "conv" : "deconv", cout, kr, kc, more);
    maker_conv(m, "conv", "a", "x", 1, cin, 1, 1, "");
    maker_conv(m, forward ? "conv" : "deconv", "y", "a", cin, cout, kr, kc, more);
    network n = network_open(m, input);
    check(&n, 1, what);
    network_close(&n);
}

static void test_random_convs(void **state)
{
    (void)state;
    const char *count = getenv("UT_CUDA_SHAPES");
    uint32_t seed = 17;
    for (int i = 0; i < (count ? atoi(count) : 60); i++)
        random_conv(&seed);
}

/* A skip, something decimated and something upsampled, read together: 3 sources, none of them stored as read. */
static void test_sources(void **state)
{
    (void)state;
    static const size_t columns[] = {16, 30, 130};
    for (size_t i = 0; i < 3; i++) {
        maker *m = maker_open(MAKER_INTEGERS, 5);
        maker_conv(m, "conv", "a", "x", 1, 24, 1, 1, "");
        maker_node(m, "{\"op\":\"decimate\",\"in\":\"a\",\"out\":\"half\",\"stride\":[1,2]}");
        maker_conv(m, "conv", "b", "half", 24, 16, 1, 1, "");
        maker_node(m, "{\"op\":\"upsample_linear\",\"in\":\"b\",\"out\":\"up\"}");
        maker_conv(m, "conv", "wide", "x", 1, 8, 1, 1, ",\"pad\":[0,0,0,0]");
        maker_node(m, "{\"op\":\"concat\",\"in\":[\"a\",\"up\"],\"out\":\"two\"}");
        maker_node(m, "{\"op\":\"concat\",\"in\":[\"two\",\"wide\"],\"out\":\"three\"}");
        maker_conv(m, "conv", "y", "three", 48, 40, 1, 5, ",\"pad\":[0,0,2,2],\"act\":\"relu\"");
        network n = network_open(m, (ut_shape){2, columns[i], 1});
        check(&n, 2, "sources");
        network_close(&n);
    }
}

/* What does not suit tensor cores runs all the same: few channels out, channels in that are no eights, f32 among them.
 */
static void test_unsuited(void **state)
{
    (void)state;
    maker *m = maker_open(MAKER_INTEGERS, 5);
    maker_conv(m, "conv", "a", "x", 1, 24, 1, 1, "");
    maker_conv(m, "conv", "odd", "x", 1, 7, 1, 1, "");
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"a\",\"odd\"],\"out\":\"c\"}");
    maker_node(m, "{\"op\":\"concat\",\"in\":[\"a\",\"x\"],\"out\":\"d\"}");
    maker_conv(m, "conv", "e", "c", 31, 24, 1, 3, ",\"pad\":[0,0,1,1]");
    maker_conv(m, "conv", "f", "d", 25, 24, 1, 3, ",\"pad\":[0,0,1,1]");
    maker_node(m, "{\"op\":\"slice_columns\",\"in\":\"f\",\"out\":\"g\",\"from\":1,\"to\":18}");
    maker_node(m, "{\"op\":\"slice_columns\",\"in\":\"e\",\"out\":\"h\",\"from\":0,\"to\":17}");
    maker_node(m, "{\"op\":\"slice_channels\",\"in\":\"g\",\"out\":\"k\",\"from\":0,\"to\":12}");
    maker_node(m, "{\"op\":\"slice_channels\",\"in\":\"h\",\"out\":\"l\",\"from\":12,\"to\":24}");
    maker_node(m, "{\"op\":\"concat_columns\",\"in\":[\"k\",\"l\"],\"out\":\"y\"}");
    network n = network_open(m, (ut_shape){1, 19, 1});
    const ut_graph *g = n.graph;
    assert_int_equal(g->values[g->node_count].shape.columns, 34);
    check(&n, 0, "unsuited");
    network_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_convs),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_unsuited),
    };
    const char *given = getenv("UT_CUDA_LIBRARY");
    if (!given || !strcmp(given, "none"))
        setenv("UT_CUDA_LIBRARY", UT_CUDA_HOST, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
