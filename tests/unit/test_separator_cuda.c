/* The kernels of cuda/ against ref, through the real backend, on the library built for the CPU. With UT_CUDA_LIBRARY
 * set (tools/gpu-verify), the same on a device. */
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
#include "separator/cuda_library.h"
#include "tests/unit/op_cases.h"

static void test_integers_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_case_count; i++)
        op_case_check(&op_cases[i], &ut_backend_cuda, UT_PRECISION_F32);
    op_case_check(&op_case_bf16, &ut_backend_cuda, UT_PRECISION_BF16);
}

/* Decimation, upsampling and concatenation read through by convolutions, of odd lengths, and a skip read by both. */
static void test_wave_unet(void **state)
{
    (void)state;
    static const size_t blocks[] = {1024, 192, 64};
    for (size_t k = 0; k < 3; k++) {
        size_t block = blocks[k];
        ut_model *model = maker_wave_unet(block, 6, 12 + 4 * k, 5);
        uint32_t seed = 11;
        float *x = ut_alloc_floats(block);
        for (size_t i = 0; i < block; i++)
            x[i] = 0.3F * maker_uniform(&seed);
        float *truth = backend_run(&ut_backend_ref, UT_PRECISION_F32, model->graph, x);
        float *f32 = backend_run(&ut_backend_cuda, UT_PRECISION_F32, model->graph, x);
        float *bf16 = backend_run(&ut_backend_cuda, UT_PRECISION_BF16, model->graph, x);
        for (size_t i = 0; i < block; i++)
            assert_true(fabs((double)truth[i] - (double)f32[i]) <= 1e-5);
        print_message("block %zu: bf16 %.1f dB\n", block, snr_db(f32, bf16, block));
        assert_true(snr_db(f32, bf16, block) >= 35);
        free(x);
        free(truth);
        free(f32);
        free(bf16);
        ut_model_close(&model);
    }
}

/* One block through a backend; the result is malloc'd. */
static float *separated(const ut_model *model, const char *backend, ut_precision precision, const float *mix)
{
    ut_separator *separator = NULL;
    ut_err err = {0};
    float *music = ut_alloc_floats(ut_model_describe(model)->block);
    assert_int_equal(ut_separator_open(model, backend, precision, 1, &separator, &err), UT_OK);
    assert_int_equal(ut_separator_run(separator, &mix, &music, 1, &err), UT_OK);
    ut_separator_close(&separator);
    return music;
}

/* Audio in, audio out: the transforms on the device against those of domain.c. bf16 means what it means in ref: their
 * sums differ, and so, now and then, what a sum is rounded to. */
static void check_golden(const char *name, double tolerance)
{
    char path[512];
    ut_model *model = NULL;
    ut_err err = {0};
    snprintf(path, sizeof path, UT_TEST_DATA "/golden/separator/%s.safetensors", name);
    assert_int_equal(ut_model_load(path, &model, &err), UT_OK);
    size_t block = ut_model_describe(model)->block;
    uint32_t seed = 3;
    float *mix = ut_alloc_floats(block);
    for (size_t i = 0; i < block; i++)
        mix[i] = 0.5F * maker_uniform(&seed);
    mix[1] = NAN;
    mix[2] = 1e30F;
    float *truth = separated(model, "ref", UT_PRECISION_F32, mix),
          *half = separated(model, "ref", UT_PRECISION_BF16, mix);
    float *got = separated(model, "cuda", UT_PRECISION_F32, mix),
          *device = separated(model, "cuda", UT_PRECISION_BF16, mix);
    double worst = 0;
    for (size_t i = 0; i < block; i++)
        worst = fmax(worst, fabs((double)truth[i] - (double)got[i]));
    print_message("%s: f32 %.2g; bf16 to f32 %.1f dB in ref, %.1f dB on the device, %.1f dB apart\n", name, worst,
                  snr_db(truth, half, block), snr_db(truth, device, block), snr_db(half, device, block));
    assert_true(worst <= tolerance);
    assert_true(snr_db(truth, half, block) >= 35 && snr_db(truth, device, block) >= 35);
    free(half);
    free(device);
    free(mix);
    free(truth);
    free(got);
    ut_model_close(&model);
}

static void test_golden(void **state)
{
    (void)state;
    check_golden("tiny-wave", 2e-5);
    check_golden("tiny-unet", 2e-4); /* 16 passes through a normalised overlap-add */
    check_golden("tiny-jansson", 2e-4);
    check_golden("tiny-ops", 2e-4);
    check_golden("tiny-wave-densenet", 2e-5);
    check_golden("tiny-mmdensenet", 2e-4);
}

enum { COUNT = 21 };

/* A batch of any size gives what its blocks give alone; odd sizes, more than one lane. */
static void test_batch_invariance(void **state)
{
    (void)state;
    enum { BLOCK = 256 };
    ut_model *model = maker_wave_unet(BLOCK, 3, 8, 2);
    static const size_t sizes[] = {1, 2, 9, COUNT};
    uint32_t seed = 1;
    for (int precision = UT_PRECISION_F32; precision <= UT_PRECISION_BF16; precision++) {
        ut_separator *separator = NULL;
        ut_err err = {0};
        float *samples = ut_alloc_floats(3 * COUNT * BLOCK), *mix[COUNT], *together[COUNT], *alone[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            mix[i] = samples + i * BLOCK;
            together[i] = samples + (COUNT + i) * BLOCK;
            alone[i] = samples + (2 * COUNT + i) * BLOCK;
        }
        for (size_t i = 0; i < COUNT * BLOCK; i++)
            samples[i] = 0.5F * maker_uniform(&seed);
        assert_int_equal(ut_separator_open(model, "cuda", (ut_precision)precision, COUNT, &separator, &err), UT_OK);
        for (size_t i = COUNT; i-- > 0;)
            assert_int_equal(ut_separator_run(separator, (const float *const *)&mix[i], &alone[i], 1, &err), UT_OK);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t i = 0; i < COUNT * BLOCK; i++)
                together[0][i] = NAN;
            assert_int_equal(ut_separator_run(separator, (const float *const *)mix, together, sizes[s], &err), UT_OK);
            for (size_t i = 0; i < sizes[s]; i++)
                assert_memory_equal(together[i], alone[i], BLOCK * sizeof(float));
        }
        ut_separator_close(&separator);
        free(samples);
    }
    ut_model_close(&model);
}

/* 16-bit samples are the floats they stand for. */
static void test_s16(void **state)
{
    (void)state;
    enum { BLOCK = 64 };
    const ut_cuda *cuda;
    ut_err err = {0};
    utc_error problem;
    utc_model *model = NULL;
    static const float weights[2] = {2, 0.5F};
    utc_node node = {.op = UTC_AFFINE, .in_count = 1, .w = weights, .b = weights + 1, .shape = {1, BLOCK, 1}};
    utc_model_options options = {
        .nodes = &node, .node_count = 1, .input = {1, BLOCK, 1}, .domain = UTC_WAVE, .block = BLOCK, .max_batch = 3};
    int16_t in[3][BLOCK];
    float out[3][BLOCK];
    const int16_t *x[3] = {in[0], in[1], in[2]};
    float *y[3] = {out[0], out[1], out[2]};
    for (size_t b = 0; b < 3; b++)
        for (size_t i = 0; i < BLOCK; i++)
            in[b][i] = (int16_t)((b * BLOCK + i) * 7919 % 65536 - 32768);
    assert_int_equal(ut_cuda_get(&cuda, &err), UT_OK);
    assert_int_equal(cuda->api->model_open(cuda->context, &options, &model, &problem), UTC_OK);
    assert_int_equal(cuda->api->run_s16(model, x, y, 3, &problem), UTC_OK);
    for (size_t b = 0; b < 3; b++)
        for (size_t i = 0; i < BLOCK; i++)
            assert_true(out[b][i] == (float)in[b][i] / 32768 * 2 + 0.5F);
    assert_int_equal(cuda->api->run_s16(model, x, y, 4, &problem), UTC_E_ARG);
    cuda->api->model_close(model);
}

static void test_choice(void **state)
{
    (void)state;
    ut_model *model = maker_wave_unet(64, 2, 4, 2);
    ut_separator *separator = NULL;
    ut_err err = {0};
    assert_int_equal(ut_separator_open(model, "auto", UT_PRECISION_AUTO, 1, &separator, &err), UT_OK);
    assert_memory_equal(ut_separator_backend(separator), "cuda-", 5);
    ut_separator_close(&separator);
    assert_true(ut_separator_gathers("auto") && ut_separator_gathers("cuda"));
    assert_false(ut_separator_gathers("onednn") || ut_separator_gathers("ref"));
    char text[512];
    assert_int_equal(ut_separator_device(text, sizeof text, &err), UT_OK);
    print_message("%s\n", text);
    ut_model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_exact),   cmocka_unit_test(test_wave_unet), cmocka_unit_test(test_golden),
        cmocka_unit_test(test_batch_invariance), cmocka_unit_test(test_s16),       cmocka_unit_test(test_choice),
    };
    const char *given = getenv("UT_CUDA_LIBRARY");
    if (!given || !strcmp(given, "none"))
        setenv("UT_CUDA_LIBRARY", UT_CUDA_HOST, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
