/* The evaluation's own arithmetic: mixing at a level, pauses, dynamics, the broadcast chain,
 * bounds, quantiles, random numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/evaluate/chain.h"
#include "apps/evaluate/judge.h"
#include "apps/evaluate/random.h"
#include "apps/evaluate/signal.h"
#include "apps/evaluate/statistics.h"
#include "core/types.h"

static float *noise(size_t frames, double level, uint64_t stream)
{
    ut_random random = ut_random_init(7, stream);
    float *x = malloc(frames * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < frames; i++)
        x[i] = (float)ut_random_between(&random, -level, level);
    return x;
}

static void test_level_is_exact(void **state)
{
    (void)state;
    enum { N = 12 * UT_RATE_HZ };
    float *music = noise(N, 0.9, 1), *speech = noise(N, 0.02, 2), *mix = calloc(N, sizeof *mix);
    assert_non_null(mix);
    double speech_rms = pow(10, -23.0 / 20);
    ut_add_at(speech, N, speech_rms, mix);
    assert_float_equal(20 * log10(ut_rms(mix, N)), -23, 1e-4);
    memset(mix, 0, N * sizeof *mix);
    ut_add_at(music, N, speech_rms * pow(10, -30.0 / 20), mix);
    assert_float_equal(20 * log10(ut_rms(mix, N) / speech_rms), -30, 1e-4);
    float silence[100] = {0}, sum[100] = {1};
    ut_add_at(silence, 100, 1, sum);
    assert_true(sum[0] == 1 && sum[1] == 0);
    free(music);
    free(speech);
    free(mix);
}

/* One second of speech level, one of noise 30 dB below, one of speech again: the pause shrinks to
 * 60 ms. */
static void test_pauses_are_cut(void **state)
{
    (void)state;
    enum { S = UT_RATE_HZ };
    float *x = noise(3 * S, 0.5, 3);
    for (size_t i = S; i < 2 * S; i++)
        x[i] *= 0.0316f;
    float first = x[0], last = x[3 * S - 1];
    size_t kept = 0;
    assert_int_equal(ut_pauses_cut(x, 3 * S, &kept, NULL), UT_OK);
    assert_int_equal(kept, 2 * S + S * 60 / 1000);
    assert_true(x[0] == first && x[kept - 1] == last);
    size_t again = 0;
    assert_int_equal(ut_pauses_cut(x, kept, &again, NULL), UT_OK);
    assert_int_equal(again, kept);
    memset(x, 0, S * sizeof *x);
    assert_int_equal(ut_pauses_cut(x, S, &kept, NULL), UT_OK);
    assert_int_equal(kept, 0);
    free(x);
}

static void test_quieter_than_the_threshold_stays(void **state)
{
    (void)state;
    enum { S = UT_RATE_HZ };
    float *x = noise(2 * S, 0.5, 4);
    for (size_t i = S; i < 2 * S; i++)
        x[i] *= 0.2f; /* 14 dB down: still speech */
    size_t kept = 0;
    assert_int_equal(ut_pauses_cut(x, 2 * S, &kept, NULL), UT_OK);
    assert_int_equal(kept, 2 * S);
    free(x);
}

static void test_dynamics(void **state)
{
    (void)state;
    enum { S = UT_RATE_HZ };
    float *x = noise(2 * S, 0.9, 5);
    for (size_t i = S; i < 2 * S; i++)
        x[i] *= 0.01f;
    double before = ut_rms(x, S) / ut_rms(x + 3 * S / 2, S / 2);
    ut_compress(x, 2 * S);
    double after = ut_rms(x, S) / ut_rms(x + 3 * S / 2, S / 2);
    assert_true(20 * log10(before / after) > 8);
    for (size_t i = 0; i < 2 * S; i++)
        assert_true(fabs((double)x[i]) <= 0.7080);
    free(x);
}

/* The chain keeps a programme recognisable: same length, level of the compressed input, high
 * correlation at the delay. */
static void test_broadcast_chain(void **state)
{
    (void)state;
    enum { N = 4 * UT_RATE_HZ, DELAY = 161 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    assert_non_null(x);
    assert_non_null(y);
    for (size_t i = 0; i < N; i++)
        x[i] = (float)(0.1 * sin(0.05 * (double)i) + 0.1 * sin(0.31 * (double)i * (1 + 1e-5 * (double)i)));
    ut_err err;
    assert_int_equal(ut_chain_run(x, N, y, &err), UT_OK);
    ut_compress(x, N);
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = UT_RATE_HZ; i < N - 2 * DELAY; i++) {
        xy += (double)x[i] * y[i + DELAY];
        xx += (double)x[i] * x[i];
        yy += (double)y[i + DELAY] * y[i + DELAY];
    }
    assert_true(xy / sqrt(xx * yy) > 0.98);
    free(x);
    free(y);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_float_equal(ut_rate_upper(0, 1000, 0.05), 1 - pow(0.05, 1e-3), 1e-9);
    assert_float_equal(ut_rate_upper(0, 1000, 0.05), 0.003, 2e-5); /* rule of three */
    /* Clopper-Pearson 95 % for 15 of 20, from tables: 0.5090 to 0.9134 */
    assert_float_equal(ut_rate_lower(15, 20, 0.025), 0.5090, 1e-4);
    assert_float_equal(ut_rate_upper(15, 20, 0.025), 0.9134, 1e-4);
    assert_float_equal(ut_rate_upper(20, 20, 0.05), 1, 0);
    assert_float_equal(ut_rate_lower(0, 20, 0.05), 0, 0);
    assert_float_equal(ut_rate_upper(0, 0, 0.05), 1, 0);
}

static void test_quantiles(void **state)
{
    (void)state;
    double x[] = {5, 1, 4, 2, 3};
    assert_float_equal(ut_quantile(x, 5, 0.5), 3, 0);
    assert_float_equal(ut_quantile(x, 5, 0.9), 4.6, 1e-12);
    assert_float_equal(ut_quantile(x, 5, 1), 5, 0);
    assert_true(isnan(ut_quantile(x, 0, 0.5)));
}

static void test_random_numbers(void **state)
{
    (void)state;
    ut_random a = ut_random_init(1, 5), b = ut_random_init(1, 5), c = ut_random_init(1, 6);
    size_t equal = 0, counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t x = ut_random_next(&a);
        assert_true(x == ut_random_next(&b));
        equal += x == ut_random_next(&c);
        counts[ut_random_below(&a, 10)]++;
        ut_random_next(&b);
    }
    assert_int_equal(equal, 0);
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 9500, 10500);
    double low = 1, high = 0;
    for (int i = 0; i < 10000; i++) {
        double x = ut_random_between(&a, 0, 1);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    assert_true(low >= 0 && low < 0.001 && high < 1 && high > 0.999);
}

/* The same audio at another place and level, other audio, and a mixture of both. */
static void test_same_audio(void **state)
{
    (void)state;
    enum { N = 8000, SLACK = 400 };
    float *a = noise(N, 0.5, 11), *b = noise(N + 2 * SLACK, 0.5, 12);
    assert_true(ut_eval_correlation(a, N, b, SLACK) < 0.1);
    for (size_t i = 0; i < N; i++)
        b[SLACK + 123 + i] += 0.8F * a[i];
    double half = ut_eval_correlation(a, N - 200, b, SLACK);
    assert_float_equal(half, 0.8 / sqrt(1 + 0.64), 0.02);
    for (size_t i = 0; i < N; i++)
        b[SLACK + 123 + i] = -0.1F * b[i] + 0.8F * a[i];
    assert_true(ut_eval_correlation(a, N - 200, b, SLACK) > 0.95);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_is_exact),
        cmocka_unit_test(test_pauses_are_cut),
        cmocka_unit_test(test_quieter_than_the_threshold_stays),
        cmocka_unit_test(test_dynamics),
        cmocka_unit_test(test_broadcast_chain),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_same_audio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
