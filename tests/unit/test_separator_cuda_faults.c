/* No library, a wrong one, no driver, and a device that is lost in the middle of a run. What is loaded is loaded once a
 * process, so each case is a process of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/log.h"
#include "separator/separator.h"
#include "tests/unit/model_maker.h"

enum { BLOCK = 64, BLOCKS = 12, LOST_AT = 5 };

#define NEED(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

/* Runs `body` in a child with the library, and with variable = value where one is given; its stderr is in *log. */
static void in_child_with(const char *library, const char *variable, const char *value, void (*body)(void), char *log,
                          size_t size)
{
    int ends[2], status;
    size_t held = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        setenv("UT_CUDA_LIBRARY", library, 1);
        if (variable)
            setenv(variable, value, 1);
        body();
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; held + 1 < size && (n = read(ends[0], log + held, size - 1 - held)) > 0;)
        held += (size_t)n;
    log[held] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    if (status != 0)
        fail_msg("%s", log);
}

static void in_child(const char *library, const char *fail_at, void (*body)(void), char *log, size_t size)
{
    in_child_with(library, fail_at ? "UTC_FAIL_AT_RUN" : NULL, fail_at, body, log, size);
}

static size_t lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* cuda fails, auto takes the CPU, and each says why on the log at most once. */
static void refuse(void)
{
    ut_model *model = maker_wave_unet(BLOCK, 2, 4, 2);
    ut_separator *separator = NULL;
    ut_err err = {0};
    for (int i = 0; i < 2; i++) {
        NEED(ut_separator_open(model, "cuda", UT_PRECISION_AUTO, 1, &separator, &err) == UT_E_UNSUPPORTED);
        NEED(!separator && strncmp(err.text, "cuda: ", 6) == 0);
        NEED(ut_separator_open(model, "auto", UT_PRECISION_F32, 1, &separator, &err) == UT_OK);
        NEED(!strcmp(ut_separator_backend(separator), "onednn-f32"));
        ut_separator_close(&separator);
    }
    NEED(!ut_separator_gathers("auto") && !ut_separator_gathers("cuda"));
    char text[64];
    NEED(ut_separator_device(text, sizeof text, &err) != UT_OK);
    fprintf(stderr, "%s\n", err.text);
    ut_model_close(&model);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *library, *reason;
    } cases[] = {
        {FAULT_NO_SYMBOL, "no undertone_cuda in it"},
        {FAULT_OTHER_ABI, "has interface"},
        {FAULT_OLD_DRIVER, "too old"},
        {"/nowhere/libundertone_cuda.so", "no such file"},
        {UT_TEST_DATA "/CMakeLists.txt", "invalid ELF header"},
    };
    char log[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        in_child(cases[i].library, NULL, refuse, log, sizeof log);
        if (!strstr(log, cases[i].reason) || !strstr(log, "event=cuda-unusable") || lines(log) != 2)
            fail_msg("%s: %s", cases[i].library, log);
    }
}

static void fill(float *mix)
{
    uint32_t seed = 9;
    for (size_t i = 0; i < BLOCKS * BLOCK; i++)
        mix[i] = 0.5F * maker_uniform(&seed);
}

/* Every block comes out, on the device or on the CPU, and is the reference's. */
static void lose(void)
{
    static float mix[BLOCKS * BLOCK], got[BLOCKS * BLOCK], truth[BLOCKS * BLOCK];
    ut_model *model = maker_wave_unet(BLOCK, 2, 4, 2);
    ut_separator *separator = NULL, *ref = NULL, *late = NULL;
    ut_err err = {0};
    fill(mix);
    NEED(ut_separator_open(model, "cuda", UT_PRECISION_F32, 1, &separator, &err) == UT_OK);
    NEED(ut_separator_open(model, "ref", UT_PRECISION_F32, 1, &ref, &err) == UT_OK);
    for (size_t i = 0; i < BLOCKS; i++) {
        const float *x = mix + i * BLOCK;
        float *y = got + i * BLOCK, *t = truth + i * BLOCK;
        NEED(ut_separator_run(separator, &x, &y, 1, &err) == UT_OK);
        NEED(ut_separator_run(ref, &x, &t, 1, &err) == UT_OK);
        NEED(!strcmp(ut_separator_backend(separator), i + 1 < LOST_AT ? "cuda-f32" : "onednn-f32"));
    }
    for (size_t i = 0; i < BLOCKS * BLOCK; i++)
        NEED(truth[i] - got[i] < 1e-5F && got[i] - truth[i] < 1e-5F);
    NEED(ut_separator_open(model, "cuda", UT_PRECISION_F32, 1, &late, &err) == UT_E_UNSUPPORTED);
    NEED(strstr(err.text, "the device was lost"));
    NEED(ut_separator_open(model, "auto", UT_PRECISION_F32, 1, &late, &err) == UT_OK);
    ut_separator_close(&late);
    ut_separator_close(&separator);
    ut_separator_close(&ref);
    ut_model_close(&model);
}

static void test_lost(void **state)
{
    (void)state;
    char log[4096], at[8];
    snprintf(at, sizeof at, "%d", LOST_AT);
    in_child(UT_CUDA_HOST, at, lose, log, sizeof log);
    const char *said = strstr(log, "event=cuda-lost");
    assert_non_null(said);
    assert_null(strstr(said + 1, "event=cuda-lost")); /* once */
    assert_non_null(strstr(log, "told to fail"));
}

typedef struct {
    const ut_model *model;
    size_t first;
    bool right;
} channel;

static void *run_channel(void *arg)
{
    channel *c = arg;
    float mix[BLOCKS * BLOCK], got[BLOCK], truth[BLOCK];
    ut_separator *separator = NULL, *ref = NULL;
    fill(mix);
    c->right = ut_separator_open(c->model, "auto", UT_PRECISION_F32, 1, &separator, NULL) == UT_OK &&
               ut_separator_open(c->model, "ref", UT_PRECISION_F32, 1, &ref, NULL) == UT_OK;
    for (size_t i = 0; i < BLOCKS && c->right; i++) {
        const float *x = mix + (i + c->first) % BLOCKS * BLOCK;
        float *y = got, *t = truth;
        c->right =
            ut_separator_run(separator, &x, &y, 1, NULL) == UT_OK && ut_separator_run(ref, &x, &t, 1, NULL) == UT_OK;
        for (size_t k = 0; k < BLOCK; k++)
            c->right = c->right && truth[k] - got[k] < 1e-5F && got[k] - truth[k] < 1e-5F;
    }
    ut_separator_close(&separator);
    ut_separator_close(&ref);
    return NULL;
}

/* Several channels share batches; the device goes under all of them, perhaps before some have begun; none loses a block
 * or gets another's. */
static void lose_together(void)
{
    enum { CHANNELS = 6 };
    channel channels[CHANNELS];
    pthread_t threads[CHANNELS];
    ut_model *model = maker_wave_unet(BLOCK, 2, 4, 2);
    ut_separator *holder = NULL; /* keeps the engine open until the last thread has it */
    NEED(ut_separator_open(model, "cuda", UT_PRECISION_F32, 1, &holder, NULL) == UT_OK);
    for (size_t i = 0; i < CHANNELS; i++) {
        channels[i] = (channel){.model = model, .first = i};
        NEED(pthread_create(&threads[i], NULL, run_channel, &channels[i]) == 0);
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        pthread_join(threads[i], NULL);
        NEED(channels[i].right);
    }
    ut_separator_close(&holder);
    ut_model_close(&model);
}

static void test_channels(void **state)
{
    (void)state;
    char log[4096];
    in_child(UT_CUDA_HOST, NULL, lose_together, log, sizeof log);
    assert_null(strstr(log, "cuda-lost"));
}

static void test_channels_lost(void **state)
{
    (void)state;
    char log[4096];
    in_child(UT_CUDA_HOST, "9", lose_together, log, sizeof log);
    assert_non_null(strstr(log, "cuda-lost"));
}

/* 100 blocks, opened for as many; each is the reference's. */
static void run_many(const char *expected)
{
    enum { MANY = 100 };
    static float memory[3][MANY][BLOCK];
    const float *mix[MANY];
    float *got[MANY], *truth[MANY];
    ut_model *model = maker_wave_unet(BLOCK, 2, 4, 2);
    ut_separator *separator = NULL, *ref = NULL;
    uint32_t seed = 9;
    for (size_t i = 0; i < MANY; i++) {
        for (size_t k = 0; k < BLOCK; k++)
            memory[0][i][k] = 0.5F * maker_uniform(&seed);
        mix[i] = memory[0][i];
        got[i] = memory[1][i];
        truth[i] = memory[2][i];
    }
    NEED(ut_separator_open(model, "auto", UT_PRECISION_F32, MANY, &separator, NULL) == UT_OK);
    NEED(ut_separator_open(model, "ref", UT_PRECISION_F32, MANY, &ref, NULL) == UT_OK);
    NEED(!strcmp(ut_separator_backend(separator), expected));
    NEED(ut_separator_run(separator, mix, got, MANY, NULL) == UT_OK);
    NEED(ut_separator_run(ref, mix, truth, MANY, NULL) == UT_OK);
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < BLOCK; k++)
            NEED(truth[i][k] - got[i][k] < 1e-5F && got[i][k] - truth[i][k] < 1e-5F);
    ut_separator_close(&separator);
    ut_separator_close(&ref);
    ut_model_close(&model);
}

static void run_many_on_device(void)
{
    run_many("cuda-f32");
}

static void run_many_on_cpu(void)
{
    run_many("onednn-f32");
}

/* Smaller batches where memory is short; the CPU where there is none. */
static void test_memory(void **state)
{
    (void)state;
    char log[4096];
    in_child_with(UT_CUDA_HOST, "UTC_LARGEST", "60000", run_many_on_device, log, sizeof log);
    assert_int_equal(lines(log), 0);
    in_child_with(UT_CUDA_HOST, "UTC_LARGEST", "1000", run_many_on_cpu, log, sizeof log);
    assert_int_equal(lines(log), 1);
    assert_non_null(strstr(log, "out of memory"));
}

/* An FFT that the kernels cannot hold. */
static void refuse_model(void)
{
    maker *m = maker_open(MAKER_RANDOM, 1);
    maker_node(m, "{\"op\":\"act\",\"in\":\"x\",\"out\":\"y\",\"act\":\"sigmoid\"}");
    ut_model *model = maker_model(&m, "{\"kind\":\"mask\",\"fft\":8192,\"hop\":4096,\"frames\":2,\"input\":\"log1p\"}");
    ut_separator *separator = NULL;
    ut_err err = {0};
    NEED(ut_separator_open(model, "cuda", UT_PRECISION_F32, 1, &separator, &err) == UT_E_UNSUPPORTED);
    NEED(strstr(err.text, "fft of 8192"));
    NEED(ut_separator_open(model, "auto", UT_PRECISION_F32, 1, &separator, &err) == UT_OK);
    NEED(!strcmp(ut_separator_backend(separator), "onednn-f32"));
    ut_separator_close(&separator);
    ut_model_close(&model);
}

static void test_model_refused(void **state)
{
    (void)state;
    char log[4096];
    in_child(UT_CUDA_HOST, NULL, refuse_model, log, sizeof log);
    assert_int_equal(lines(log), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_lost),   cmocka_unit_test(test_channels),
        cmocka_unit_test(test_channels_lost), cmocka_unit_test(test_memory), cmocka_unit_test(test_model_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
