/* The engine against PyTorch: models and vectors of tests/golden/separator, written by train/parity.py. Or of
 * other files: test_separator_golden MODEL VECTORS … */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/fft.h"
#include "core/file.h"
#include "separator/backend.h"
#include "separator/model.h"

#define TOLERANCE 1e-5

/* A model and its vectors. */
typedef struct {
    char model[512], io[512];
} golden_case;

enum { CASES_MOST = 16 };
static golden_case cases[CASES_MOST];
static size_t case_count;

static void list_golden(void)
{
    static const char *const names[] = {"tiny-wave", "tiny-wave-bf16",     "tiny-unet",      "tiny-jansson",
                                        "tiny-ops",  "tiny-wave-densenet", "tiny-mmdensenet"};
    case_count = sizeof names / sizeof *names;
    for (size_t i = 0; i < case_count; i++) {
        snprintf(cases[i].model, sizeof cases[i].model, "%s/golden/separator/%s.safetensors", UT_TEST_DATA, names[i]);
        snprintf(cases[i].io, sizeof cases[i].io, "%s/golden/separator/%s.io.safetensors", UT_TEST_DATA, names[i]);
    }
}

static void load(const golden_case *c, ut_model **model, ut_tensors **io)
{
    char *bytes = NULL;
    size_t size = 0;
    ut_err err = {0};
    if (ut_model_load(c->model, model, &err) != UT_OK || ut_file_read(c->io, 1 << 24, &bytes, &size, &err) != UT_OK ||
        ut_tensors_parse(bytes, size, io, &err) != UT_OK)
        fail_msg("%s", err.text);
    free(bytes);
}

static double worst(const float *a, const float *b, size_t from, size_t to)
{
    double most = 0;
    for (size_t i = from; i < to; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

/* The graph alone: x to y. */
static void check_graph(const golden_case *c, const ut_backend *backend)
{
    ut_model *model = NULL;
    ut_tensors *io = NULL;
    void *self = NULL;
    ut_err err = {0};
    load(c, &model, &io);
    const ut_tensor *x = ut_tensors_find(io, "x"), *y = ut_tensors_find(io, "y");
    assert_non_null(x);
    assert_non_null(y);
    float *in = ut_alloc_floats(x->count), *out = ut_alloc_floats(y->count);
    for (size_t i = 0; i < x->count; i++)
        in[i] = x->data[i];
    assert_int_equal(backend->open(model->graph, NULL, UT_PRECISION_F32, 1, &self, &err), UT_OK);
    assert_int_equal(backend->run(self, (const float *const *)&in, &out, 1, &err), UT_OK);
    double error = worst(out, y->data, 0, y->count);
    print_message("%s %s: y within %.1e\n", c->model, backend->name, error);
    assert_true(error <= TOLERANCE);
    backend->close(self);
    free(in);
    free(out);
    ut_tensors_close(&io);
    ut_model_close(&model);
}

/* Samples to x. */
static void test_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count; i++) {
        ut_model *model = NULL;
        ut_tensors *io = NULL;
        ut_transform *transform = NULL;
        load(&cases[i], &model, &io);
        const ut_tensor *in = ut_tensors_find(io, "audio_in"), *x = ut_tensors_find(io, "x");
        float *got = ut_alloc_floats(x->count);
        assert_int_equal(ut_transform_open(&model->domain, 1, &transform, NULL), UT_OK);
        ut_transform_forward(transform, 0, in->data, got);
        double error = worst(got, x->data, 0, x->count);
        print_message("%s: x within %.1e\n", cases[i].model, error);
        assert_true(error <= TOLERANCE);
        ut_transform_close(&transform);
        free(got);
        ut_tensors_close(&io);
        ut_model_close(&model);
    }
}

/* All the way: samples to samples, where the windows cover them. */
static void check_audio(const golden_case *c, const char *backend)
{
    ut_model *model = NULL;
    ut_tensors *io = NULL;
    ut_separator *separator = NULL;
    ut_err err = {0};
    load(c, &model, &io);
    const ut_tensor *in = ut_tensors_find(io, "audio_in"), *out = ut_tensors_find(io, "music_out");
    assert_int_equal(in->count, ut_model_describe(model)->block);
    float *music = ut_alloc_floats(in->count);
    assert_int_equal(ut_separator_open(model, backend, UT_PRECISION_F32, 1, &separator, &err), UT_OK);
    assert_int_equal(ut_separator_run(separator, &in->data, &music, 1, &err), UT_OK);
    size_t from = strtoul(ut_tensors_text(io, "valid_from"), NULL, 10);
    size_t to = strtoul(ut_tensors_text(io, "valid_to"), NULL, 10);
    assert_true(to > from && to <= in->count);
    double error = worst(music, out->data, from, to);
    print_message("%s %s: music within %.1e\n", c->model, backend, error);
    assert_true(error <= TOLERANCE);
    ut_separator_close(&separator);
    free(music);
    ut_tensors_close(&io);
    ut_model_close(&model);
}

static void test_ref_graph(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count; i++)
        check_graph(&cases[i], &ut_backend_ref);
}

static void test_onednn_graph(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count; i++)
        check_graph(&cases[i], &ut_backend_onednn);
}

static void test_audio(void **state)
{
    (void)state;
    for (size_t i = 0; i < case_count; i++) {
        check_audio(&cases[i], "ref");
        check_audio(&cases[i], "onednn");
    }
}

int main(int argc, char **argv)
{
    list_golden();
    if (argc > 1)
        case_count = 0;
    for (int i = 1; i + 1 < argc && case_count < CASES_MOST; i += 2, case_count++) {
        snprintf(cases[case_count].model, sizeof cases[case_count].model, "%s", argv[i]);
        snprintf(cases[case_count].io, sizeof cases[case_count].io, "%s", argv[i + 1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_ref_graph),
        cmocka_unit_test(test_onednn_graph),
        cmocka_unit_test(test_audio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
