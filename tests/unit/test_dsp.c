#include "tests/unit/support.h"

#include <math.h>

#include "core/digest.h"
#include "core/fft.h"
#include "core/resample.h"

/* --- FFT
 * --------------------------------------------------------------------------------------------- */

static void fill(float *samples, size_t count)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        samples[i] = (float)(int32_t)seed / 2147483648.0f;
    }
}

static void spectra_match_the_definition(void **state)
{
    (void)state;
    for (size_t size = 16; size <= 4096; size *= 2) {
        ut_fft *fft = NULL;
        assert_int_equal(ut_fft_open(size, &fft, NULL), UT_OK);
        float *in = ut_alloc_floats(size), *kept = ut_alloc_floats(size), *out = ut_alloc_floats(size + 2);
        fill(in, size);
        memcpy(kept, in, size * sizeof *in);
        ut_fft_forward(fft, in, out);
        assert_memory_equal(in, kept, size * sizeof *in);
        size_t step = size > 256 ? size / 32 : 1;
        for (size_t k = 0; k <= size / 2; k += step) {
            double re = 0, im = 0;
            for (size_t i = 0; i < size; i++) {
                double angle = -2 * M_PI * (double)(k * i % size) / (double)size;
                re += in[i] * cos(angle);
                im += in[i] * sin(angle);
            }
            assert_true(fabs(re - (double)out[2 * k]) < 1e-3);
            assert_true(fabs(im - (double)out[2 * k + 1]) < 1e-3);
        }
        ut_fft_inverse(fft, out, in);
        for (size_t i = 0; i < size; i++)
            assert_true(fabsf(in[i] / (float)size - kept[i]) < 1e-5f);
        free(in);
        free(kept);
        free(out);
        ut_fft_close(&fft);
        assert_null(fft);
    }
}

static void odd_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 8, 17, 1000, 131072, SIZE_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        ut_fft *fft = NULL;
        assert_int_equal(ut_fft_open(sizes[i], &fft, NULL), UT_E_ARG);
        assert_null(fft);
    }
}

static void hann_is_periodic(void **state)
{
    (void)state;
    float window[8];
    ut_window_hann(window, 8);
    assert_true(window[0] == 0.0f && window[4] == 1.0f);
    for (size_t i = 1; i < 8; i++)
        assert_true(fabsf(window[i] - window[8 - i]) < 1e-7f);
}

static void float_arrays_are_aligned_and_zero(void **state)
{
    (void)state;
    float *floats = ut_alloc_floats(3);
    assert_non_null(floats);
    assert_int_equal((uintptr_t)floats % 64, 0);
    assert_true(floats[0] == 0 && floats[2] == 0);
    free(floats);
    assert_null(ut_alloc_floats(SIZE_MAX / 2));
    assert_null(ut_alloc_floats(SIZE_MAX / 4));
}

/* --- resampler
 * --------------------------------------------------------------------------------------- */

/* Converts `frames` frames in pushes of `push`; gives the frames made, which the caller frees. */
static float *convert(double from, double to, int channels, const float *in, size_t frames, size_t push, size_t *made)
{
    ut_resampler *resampler = NULL;
    assert_int_equal(ut_resampler_open(from, to, channels, &resampler, NULL), UT_OK);
    size_t room = (size_t)((double)frames * to / from) + 8, width = (size_t)channels;
    float *out = calloc(room * width, sizeof *out);
    float *part = calloc(ut_resampler_bound(resampler, push) * width, sizeof *part);
    *made = 0;
    for (size_t at = 0; at <= frames; at += push) {
        size_t now = at + push < frames ? push : frames - at, got = 0;
        assert_int_equal(ut_resampler_push(resampler, in + at * width, now, part, &got, NULL), UT_OK);
        assert_true(*made + got <= room);
        memcpy(out + *made * width, part, got * width * sizeof *out);
        *made += got;
    }
    size_t got = 0;
    assert_int_equal(ut_resampler_push(resampler, NULL, 0, part, &got, NULL), UT_OK);
    assert_true(*made + got <= room);
    memcpy(out + *made * width, part, got * width * sizeof *out);
    *made += got;
    assert_int_equal(ut_resampler_push(resampler, in, 1, part, &got, NULL), UT_E_ARG);
    ut_resampler_close(&resampler);
    free(part);
    return out;
}

static void rates_keep_length_and_tone(void **state)
{
    (void)state;
    static const double rates[][2] = {{48000, 16000}, {44100, 16000}, {16000, 11025}, {8000, 48000}, {16000, 16000}};
    enum { FRAMES = 20000 };
    float *in = calloc(FRAMES, sizeof *in);
    for (size_t r = 0; r < COUNT(rates); r++) {
        double from = rates[r][0], to = rates[r][1], worst = 0;
        for (size_t i = 0; i < FRAMES; i++)
            in[i] = (float)sin(2 * M_PI * 440 * (double)i / from);
        size_t made = 0;
        float *out = convert(from, to, 1, in, FRAMES, 777, &made);
        assert_true(fabs((double)made - FRAMES * to / from) <= 1);
        for (size_t i = made / 4; i < made * 3 / 4; i++)
            worst = fmax(worst, fabs((double)out[i] - sin(2 * M_PI * 440 * (double)i / to)));
        assert_true(worst < 1e-3);
        free(out);
    }
    free(in);
}

static void pushes_do_not_change_the_result(void **state)
{
    (void)state;
    enum { FRAMES = 9000, CHANNELS = 2 };
    float *in = calloc(FRAMES * CHANNELS, sizeof *in);
    fill(in, FRAMES * CHANNELS);
    size_t made = 0;
    float *whole = convert(44100, 16000, CHANNELS, in, FRAMES, FRAMES, &made);
    static const size_t pushes[] = {1, 160, 1024, 4096};
    for (size_t p = 0; p < COUNT(pushes); p++) {
        size_t got = 0;
        float *out = convert(44100, 16000, CHANNELS, in, FRAMES, pushes[p], &got);
        assert_int_equal(got, made);
        assert_memory_equal(out, whole, made * CHANNELS * sizeof *out);
        free(out);
    }
    free(whole);
    free(in);
}

static void bad_rates_are_refused(void **state)
{
    (void)state;
    ut_resampler *resampler = NULL;
    assert_int_equal(ut_resampler_open(0, 16000, 1, &resampler, NULL), UT_E_ARG);
    assert_int_equal(ut_resampler_open((double)NAN, 16000, 1, &resampler, NULL), UT_E_ARG);
    assert_int_equal(ut_resampler_open(16000, 1e9, 1, &resampler, NULL), UT_E_ARG);
    assert_int_equal(ut_resampler_open(16000, 8000, 0, &resampler, NULL), UT_E_ARG);
    assert_null(resampler);
}

/* --- digests
 * ----------------------------------------------------------------------------------------- */

static void sha256_is_that_of_the_standard(void **state)
{
    (void)state;
    char whole[65], parts[65];
    ut_sha256("abc", 3, whole);
    assert_string_equal(whole, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ut_digest *digest = NULL;
    assert_int_equal(ut_digest_open(&digest, NULL), UT_OK);
    ut_digest_update(digest, "a", 1);
    ut_digest_update(digest, "", 0);
    ut_digest_update(digest, "bc", 2);
    ut_digest_finish(&digest, parts);
    assert_null(digest);
    assert_string_equal(parts, whole);
}

static void uuids_are_of_version_8(void **state)
{
    (void)state;
    char a[37], b[37];
    ut_uuid_from_text("abc", a);
    assert_string_equal(a, "ba7816bf-8f01-8fea-8141-40de5dae2223");
    ut_uuid_from_text("abd", b);
    assert_string_not_equal(a, b);
    assert_int_equal(b[14], '8');
}

static void crc32c_is_castagnoli(void **state)
{
    (void)state;
    assert_int_equal(ut_crc32c(0, "123456789", 9), 0xe3069283);
    uint8_t zeros[32] = {0}; /* RFC 3720, B.4 */
    assert_int_equal(ut_crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
    float noise[300];
    fill(noise, COUNT(noise));
    const uint8_t *bytes = (const uint8_t *)noise;
    for (size_t start = 0; start < 9; start++)
        for (size_t size = 0; size < 40; size++)
            assert_int_equal(ut_crc32c(7, bytes + start, size), ut_crc32c_portable(7, bytes + start, size));
    uint32_t half = ut_crc32c(0, bytes, 500);
    assert_int_equal(ut_crc32c(half, bytes + 500, 700), ut_crc32c(0, bytes, 1200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_match_the_definition),
        cmocka_unit_test(odd_sizes_are_refused),
        cmocka_unit_test(hann_is_periodic),
        cmocka_unit_test(float_arrays_are_aligned_and_zero),
        cmocka_unit_test(rates_keep_length_and_tone),
        cmocka_unit_test(pushes_do_not_change_the_result),
        cmocka_unit_test(bad_rates_are_refused),
        cmocka_unit_test(sha256_is_that_of_the_standard),
        cmocka_unit_test(uuids_are_of_version_8),
        cmocka_unit_test(crc32c_is_castagnoli),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
