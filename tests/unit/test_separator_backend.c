/* onednn against ref: exact on integers op by op, close on random networks; bf16 by its signal-to-noise ratio; a batch
 * is the same blocks one by one. */
#include <math.h>
#include <pthread.h>
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
#include "separator/onednn_program.h"
#include "tests/unit/model_maker.h"

static bool have_bf16(void)
{
    ut_precision precision = UT_PRECISION_BF16;
    return ut_backend_onednn.precision(&precision, NULL) == UT_OK;
}

/* Runs `x` through the graph; the result is malloc'd. */
static float *run(const ut_backend *backend, ut_precision precision, const ut_graph *graph, const float *x)
{
    void *self = NULL;
    ut_err err = {0};
    float *y = ut_alloc_floats(ut_shape_count(graph->values[graph->node_count].shape));
    if (backend->open(graph, precision, 1, &self, &err) != UT_OK || backend->run(self, &x, &y, 1, &err) != UT_OK)
        fail_msg("%s: %s", backend->name, err.text);
    backend->close(self);
    return y;
}

typedef struct {
    const char *what;
    void (*nodes)(maker *m); /* from "x" (rows × columns × 1) to a value "t" of any shape with those rows and columns */
    size_t rows, columns;
} op_case;

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

static const op_case op_cases[] = {
    {"conv 15", conv15, 1, 64},
    {"conv 15 wide", conv15_wide, 1, 128},
    {"conv, deconv stride 2", conv_strided, 8, 16},
    {"deconv uneven", deconv_uneven, 4, 16},
    {"deconv in a row", deconv_row, 1, 32},
    {"depth_to_space", shuffle, 8, 16},
    {"pool, upsample", pool_and_upsample, 1, 32},
    {"bands", bands, 8, 16},
};

/* The graph is opened on its own, so its input may have any shape. */
static void check_op(const op_case *c, ut_precision precision)
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
    float *truth = run(&ut_backend_ref, UT_PRECISION_F32, model->graph, x);
    float *ours = run(&ut_backend_onednn, precision, model->graph, x);
    double level = 0;
    for (size_t i = 0; i < count; i++) {
        level += fabs((double)truth[i]);
        if (!(truth[i] == ours[i]))
            fail_msg("%s: y[%zu] is %g, should be %g", c->what, i, (double)ours[i], (double)truth[i]);
    }
    assert_true(level > 0);
    free(x);
    free(truth);
    free(ours);
    ut_model_close(&model);
}

static void test_integers_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof op_cases / sizeof *op_cases; i++)
        check_op(&op_cases[i], UT_PRECISION_F32);
}

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

static void test_bf16_integers_exact(void **state)
{
    (void)state;
    if (!have_bf16())
        skip();
    check_op(&(op_case){"bf16", small_sums, 1, 64}, UT_PRECISION_BF16);
}

static double snr_db(const float *truth, const float *got, size_t count)
{
    double signal = 0, noise = 1e-30;
    for (size_t i = 0; i < count; i++) {
        signal += (double)truth[i] * (double)truth[i];
        noise += ((double)truth[i] - (double)got[i]) * ((double)truth[i] - (double)got[i]);
    }
    return 10 * log10(signal / noise);
}

static void test_wave_unet(void **state)
{
    (void)state;
    const size_t block = 1024;
    ut_model *model = maker_wave_unet(block, 6, 12, 5);
    uint32_t seed = 11;
    float *x = ut_alloc_floats(block);
    for (size_t i = 0; i < block; i++)
        x[i] = 0.3F * maker_uniform(&seed);
    float *truth = run(&ut_backend_ref, UT_PRECISION_F32, model->graph, x);
    float *f32 = run(&ut_backend_onednn, UT_PRECISION_F32, model->graph, x);
    for (size_t i = 0; i < block; i++)
        assert_true(fabs((double)truth[i] - (double)f32[i]) <= 1e-5);
    if (have_bf16()) {
        float *bf16 = run(&ut_backend_onednn, UT_PRECISION_BF16, model->graph, x);
        print_message("bf16: %.1f dB\n", snr_db(f32, bf16, block));
        assert_true(snr_db(f32, bf16, block) >= 35);
        free(bf16);
    }
    free(x);
    free(truth);
    free(f32);
    ut_model_close(&model);
}

static void check_batch(const ut_model *model, const char *backend, ut_precision precision)
{
    enum { COUNT = 5 };
    size_t block = ut_model_describe(model)->block;
    uint32_t seed = 1;
    ut_separator *separator = NULL;
    ut_err err = {0};
    float *samples = ut_alloc_floats(3 * COUNT * block), *mix[COUNT], *together[COUNT], *alone[COUNT];
    for (size_t i = 0; i < COUNT * block; i++)
        samples[i] = 0.5F * maker_uniform(&seed);
    for (size_t i = 0; i < COUNT; i++) {
        mix[i] = samples + i * block;
        together[i] = samples + (COUNT + i) * block;
        alone[i] = samples + (2 * COUNT + i) * block;
    }
    assert_int_equal(ut_separator_open(model, backend, precision, COUNT, &separator, &err), UT_OK);
    assert_int_equal(ut_separator_run(separator, (const float *const *)mix, together, COUNT, &err), UT_OK);
    for (size_t i = COUNT; i-- > 0;)
        assert_int_equal(ut_separator_run(separator, (const float *const *)&mix[i], &alone[i], 1, &err), UT_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_memory_equal(together[i], alone[i], block * sizeof(float));
    assert_int_equal(ut_separator_run(separator, (const float *const *)mix, together, COUNT + 1, &err), UT_E_ARG);
    ut_separator_close(&separator);
    free(samples);
}

static void test_batch_invariance(void **state)
{
    (void)state;
    ut_model *model = maker_wave_unet(512, 4, 8, 2);
    check_batch(model, "ref", UT_PRECISION_AUTO);
    check_batch(model, "onednn", UT_PRECISION_F32);
    if (have_bf16())
        check_batch(model, "onednn", UT_PRECISION_BF16);
    ut_model_close(&model);
}

typedef struct {
    const ut_model *model;
    float mix[512], music[512];
    ut_status rc;
} thread_case;

static void *separate_alone(void *arg)
{
    thread_case *t = arg;
    ut_separator *separator = NULL;
    const float *mix = t->mix;
    float *music = t->music;
    t->rc = ut_separator_open(t->model, "onednn", UT_PRECISION_F32, 1, &separator, NULL);
    for (int i = 0; i < 3 && t->rc == UT_OK; i++)
        t->rc = ut_separator_run(separator, &mix, &music, 1, NULL);
    ut_separator_close(&separator);
    return NULL;
}

/* One model, a separator per thread. */
static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    static thread_case cases[THREADS];
    pthread_t threads[THREADS];
    uint32_t seed = 4;
    ut_model *model = maker_wave_unet(512, 4, 8, 2);
    for (size_t i = 0; i < 512; i++)
        cases[0].mix[i] = maker_uniform(&seed);
    for (size_t t = 0; t < THREADS; t++) {
        cases[t].model = model;
        memcpy(cases[t].mix, cases[0].mix, sizeof cases[0].mix);
        assert_int_equal(pthread_create(&threads[t], NULL, separate_alone, &cases[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        assert_int_equal(cases[t].rc, UT_OK);
        assert_memory_equal(cases[t].music, cases[0].music, sizeof cases[0].music);
    }
    ut_model_close(&model);
}

/* Wave-U-Net M1 in full: 15 taps with padding must not fall back to oneDNN's scalar code. */
static void test_fast_kernels(void **state)
{
    (void)state;
    ut_model *model = maker_wave_unet(16384, 12, 24, 1);
    assert_int_equal(ut_model_describe(model)->parameters, 10263002);
    for (int bf16 = 0; bf16 <= have_bf16(); bf16++) {
        ut_dnn dnn = {0};
        ut_program program;
        assert_int_equal(ut_dnn_open(&dnn, NULL), UT_OK);
        assert_int_equal(ut_program_open(model->graph, bf16, &dnn, &program, NULL), UT_OK);
        assert_int_equal(program.slow_convs, 0);
        ut_program_close(&program);
        ut_dnn_close(&dnn);
    }
    ut_model_close(&model);
}

static void test_choice(void **state)
{
    (void)state;
    ut_model *model = maker_wave_unet(64, 2, 4, 2);
    ut_separator *separator = NULL;
    ut_err err = {0};
    assert_int_equal(ut_separator_open(model, "auto", UT_PRECISION_F32, 1, &separator, &err), UT_OK);
    assert_string_equal(ut_separator_backend(separator), "onednn-f32");
    ut_separator_close(&separator);
    assert_int_equal(ut_separator_open(model, "cuda", UT_PRECISION_AUTO, 1, &separator, &err), UT_E_UNSUPPORTED);
    assert_int_equal(ut_separator_open(model, "ref", UT_PRECISION_BF16, 1, &separator, &err), UT_E_UNSUPPORTED);
    assert_int_equal(ut_separator_open(model, "tpu", UT_PRECISION_AUTO, 1, &separator, &err), UT_E_ARG);
    assert_non_null(strstr(err.text, "tpu"));
    assert_int_equal(ut_separator_open(model, "ref", UT_PRECISION_AUTO, 0, &separator, &err), UT_E_ARG);
    assert_null(separator);
    ut_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_exact), cmocka_unit_test(test_bf16_integers_exact),
        cmocka_unit_test(test_wave_unet),      cmocka_unit_test(test_batch_invariance),
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_fast_kernels),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
