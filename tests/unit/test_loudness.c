/* Loudness: the meter against libebur128's own integrated loudness, the gates, the grid, the ring.
 */
#include <ebur128.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/types.h"
#include "cuesheet/loudness.h"

enum { SECONDS = 12, FRAMES = SECONDS * UT_RATE_HZ };

/* Bursts of tone and noise at changing level: enough for both gates to matter. */
static float *signal_new(void)
{
    float *x = malloc(FRAMES * sizeof *x);
    assert_non_null(x);
    uint32_t seed = 1;
    for (int i = 0; i < FRAMES; i++) {
        seed = seed * 1664525u + 1013904223u;
        double level = (i / UT_RATE_HZ) % 3 == 0 ? 0.2 : (i / UT_RATE_HZ) % 3 == 1 ? 0.02 : 0.0001;
        x[i] = (float)(level * (sin(i * 0.19634954) + ((double)seed / 4294967296.0 - 0.5)));
    }
    return x;
}

static double reference(const float *x, size_t frames)
{
    ebur128_state *st = ebur128_init(1, UT_RATE_HZ, EBUR128_MODE_I);
    ebur128_set_channel(st, 0, EBUR128_DUAL_MONO);
    ebur128_add_frames_float(st, x, frames);
    double lufs = 0;
    ebur128_loudness_global(st, &lufs);
    ebur128_destroy(&st);
    return lufs;
}

static ut_meter *meter_of(const float *x, int64_t first, int64_t end, size_t push)
{
    ut_meter *m = NULL;
    assert_int_equal(ut_meter_open(first, 60, &m, NULL), UT_OK);
    for (int64_t at = first; at < end; at += (int64_t)push) {
        size_t n = end - at < (int64_t)push ? (size_t)(end - at) : push;
        assert_int_equal(ut_meter_push(m, x + at, n, NULL), UT_OK);
    }
    return m;
}

static void test_equals_libebur128(void **state)
{
    (void)state;
    float *x = signal_new();
    ut_meter *m = meter_of(x, 0, FRAMES, 777);
    assert_float_equal(ut_meter_lufs(m, 0, FRAMES), reference(x, FRAMES), 0.006);
    ut_meter_close(&m);
    free(x);
}

static void test_full_scale_sine(void **state)
{
    (void)state;
    float *x = malloc(FRAMES * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < FRAMES; i++)
        x[i] = (float)sin(2 * M_PI * 1000.0 * i / UT_RATE_HZ);
    ut_meter *m = meter_of(x, 0, FRAMES, FRAMES);
    assert_float_equal(ut_meter_lufs(m, UT_RATE_HZ, FRAMES), 0.0, 0.05); /* dual mono: 3 LU above one channel */
    ut_meter_close(&m);
    free(x);
}

static void test_stretch_does_not_depend_on_pushes_or_start(void **state)
{
    (void)state;
    float *x = signal_new();
    ut_meter *all = meter_of(x, 0, FRAMES, 4096);
    ut_meter *odd = meter_of(x, 0, FRAMES, 13);
    ut_meter *late = meter_of(x, 3 * UT_RATE_HZ + 123, FRAMES, 999);
    int64_t start = 5 * UT_RATE_HZ + 17, end = 11 * UT_RATE_HZ + 1;
    double lufs = ut_meter_lufs(all, start, end);
    assert_true(lufs < -5 && lufs > -40);
    assert_true(lufs == ut_meter_lufs(odd, start, end));
    assert_true(lufs == ut_meter_lufs(late, start, end));
    ut_meter_close(&all);
    ut_meter_close(&odd);
    ut_meter_close(&late);
    free(x);
}

static void test_silence_short_and_forgotten(void **state)
{
    (void)state;
    float *x = calloc(FRAMES, sizeof *x);
    assert_non_null(x);
    ut_meter *m = NULL;
    assert_int_equal(ut_meter_open(0, 2, &m, NULL), UT_OK);
    assert_true(isnan(ut_meter_lufs(m, 0, UT_RATE_HZ)));
    assert_int_equal(ut_meter_push(m, x, FRAMES, NULL), UT_OK);
    assert_true(ut_meter_lufs(m, 0, FRAMES) == -70.0);
    assert_true(isnan(ut_meter_lufs(m, FRAMES - 1000, FRAMES))); /* less than a step */
    assert_true(isnan(ut_meter_lufs(m, 0, UT_RATE_HZ)));         /* left the ring */
    ut_meter_close(&m);
    assert_null(m);
    ut_meter_close(&m);
    assert_int_equal(ut_meter_open(-1, 2, &m, NULL), UT_E_ARG);
    assert_int_equal(ut_meter_open(0, 1e9, &m, NULL), UT_E_ARG);
    free(x);
}

static void test_speech_share(void **state)
{
    (void)state;
    float *music = signal_new(), *speech = calloc(FRAMES, sizeof *speech);
    assert_non_null(speech);
    for (int i = 4 * UT_RATE_HZ; i < 7 * UT_RATE_HZ; i++)
        speech[i] = (float)(0.1 * sin(2 * M_PI * 300.0 * i / UT_RATE_HZ));
    for (int i = 7 * UT_RATE_HZ; i < FRAMES; i++)
        speech[i] = 0.02f * music[i]; /* what a separator leaves: 34 dB below the music */
    ut_meter *m = meter_of(music, 0, FRAMES, 4096), *s = meter_of(speech, 0, FRAMES, 999);
    assert_float_equal(ut_meter_speech_share(s, m, 2 * UT_RATE_HZ, 8 * UT_RATE_HZ), 0.5, 0.07);
    assert_float_equal(ut_meter_speech_share(s, m, 4 * UT_RATE_HZ, 7 * UT_RATE_HZ), 1.0, 0);
    assert_float_equal(ut_meter_speech_share(s, m, 0, 3 * UT_RATE_HZ), 0.0, 0);
    assert_float_equal(ut_meter_speech_share(s, m, 8 * UT_RATE_HZ, 11 * UT_RATE_HZ), 0.0, 0);
    assert_true(isnan(ut_meter_speech_share(s, m, 0, 100)));
    ut_meter_close(&m);
    ut_meter_close(&s);
    free(music);
    free(speech);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_libebur128),
        cmocka_unit_test(test_full_scale_sine),
        cmocka_unit_test(test_stretch_does_not_depend_on_pushes_or_start),
        cmocka_unit_test(test_silence_short_and_forgotten),
        cmocka_unit_test(test_speech_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
