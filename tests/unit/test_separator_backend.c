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
#include "tests/unit/op_cases.h"

static bool have_bf16(void)
{
    ut_precision precision = UT_PRECISION_BF16;
    return ut_backend_onednn.precision(&precision, NULL) == UT_OK;
}

static void test_integers_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_case_count; i++)
        op_case_check(&op_cases[i], &ut_backend_onednn, UT_PRECISION_F32);
}

static void test_bf16_integers_exact(void **state)
{
    (void)state;
    op_case_check(&op_case_bf16, &ut_backend_ref, UT_PRECISION_BF16);
    if (!have_bf16())
        skip();
    op_case_check(&op_case_bf16, &ut_backend_onednn, UT_PRECISION_BF16);
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
    float *truth = backend_run(&ut_backend_ref, UT_PRECISION_F32, model->graph, x);
    float *f32 = backend_run(&ut_backend_onednn, UT_PRECISION_F32, model->graph, x);
    for (size_t i = 0; i < block; i++)
        assert_true(fabs((double)truth[i] - (double)f32[i]) <= 1e-5);
    if (have_bf16()) {
        float *bf16 = backend_run(&ut_backend_onednn, UT_PRECISION_BF16, model->graph, x);
        print_message("bf16: %.1f dB\n", snr_db(f32, bf16, block));
        assert_true(snr_db(f32, bf16, block) >= 35);
        free(bf16);
    }
    float *emulated = backend_run(&ut_backend_ref, UT_PRECISION_BF16, model->graph, x);
    print_message("bf16 in ref: %.1f dB\n", snr_db(f32, emulated, block));
    assert_true(snr_db(f32, emulated, block) >= 35 && snr_db(f32, emulated, block) < 80);
    free(emulated);
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
    assert_int_equal(ut_separator_open(model, "ref", UT_PRECISION_BF16, 1, &separator, &err), UT_OK);
    assert_string_equal(ut_separator_backend(separator), "ref-bf16");
    ut_separator_close(&separator);
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
