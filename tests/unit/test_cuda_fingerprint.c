/* Peaks and landmarks of cuda/ against fingerprint/: from the same spectra exactly the same, for every parameter set,
 * at the reference's density and the query's; from its own spectra, whose last bits differ, nearly all. */
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
#include "fingerprint/landmark.h"
#include "separator/cuda_library.h"
#include "tests/unit/model_maker.h"

static utc_fingerprint_options to_options(const ut_params *p, ut_density density)
{
    int span = 2 * UT_PEAKS_RANK_FRAMES + 1;
    return (utc_fingerprint_options){
        .fft = p->fft,
        .hop = p->hop,
        .low_bin = p->low_bin,
        .high_bin = p->high_bin,
        .rank_limit = (int)lround((double)density.peaks_per_s * span * p->hop / p->rate_hz),
        .pair_frames_min = p->pair_frames_min,
        .pair_frames_max = p->pair_frames_max,
        .pair_bins_max = p->pair_bins_max,
        .frames_bits = p->frames_bits,
        .bins_bits = p->bins_bits,
        .hash_bits = p->hash_bits,
        .fan_out = density.fan_out,
    };
}

/* Tones that come and go over noise, with a stretch of silence. */
static float *make_audio(size_t samples, uint32_t seed)
{
    float *audio = ut_alloc_floats(samples);
    double phase[5] = {0};
    for (size_t i = 0; i < samples; i++) {
        double v = 0.02 * (double)maker_uniform(&seed);
        for (size_t k = 0; k < 5; k++) {
            phase[k] += 2 * M_PI * (300 + 437 * (double)k + 40 * (double)(i / 4000 * (k + 1) % 11)) / 16000;
            v += 0.1 * sin(phase[k]) * (double)((i / (1500 + 311 * k)) % 2);
        }
        audio[i] = i > samples / 2 && i < samples / 2 + 9000 ? 0 : (float)v;
    }
    if (samples > 700)
        audio[700] = NAN;
    return audio;
}

/* (frames, fft/2 + 1) as the CPU has them. */
static float *make_spectra(const ut_params *p, const float *audio, size_t frames)
{
    size_t fft = (size_t)p->fft, bins = fft / 2 + 1;
    ut_fft *plan = NULL;
    float *window = ut_alloc_floats(fft), *frame = ut_alloc_floats(fft), *half = ut_alloc_floats(fft + 2);
    float *spectra = ut_alloc_floats(2 * bins * frames + 2);
    assert_int_equal(ut_fft_open(fft, &plan, NULL), UT_OK);
    ut_window_hann(window, fft);
    for (size_t f = 0; f < frames; f++) {
        for (size_t i = 0; i < fft; i++) {
            float v = audio[f * (size_t)p->hop + i];
            frame[i] = (isfinite(v) ? v : 0) * window[i];
        }
        ut_fft_forward(plan, frame, half);
        memcpy(spectra + 2 * bins * f, half, 2 * bins * sizeof *half);
    }
    ut_fft_close(&plan);
    free(window);
    free(frame);
    free(half);
    return spectra;
}

typedef struct {
    utc_peak *peaks;
    utc_landmark *landmarks;
    size_t peak_count, landmark_count;
} device_result;

static device_result run_device(const utc_fingerprint_options *o, const float *audio, size_t samples,
                                const float *spectra)
{
    const ut_cuda *cuda;
    ut_err err = {0};
    utc_error problem = {0};
    device_result r = {0};
    assert_int_equal(ut_cuda_get(&cuda, &err), UT_OK);
    if (cuda->api->fingerprint(cuda->context, o, audio, samples, spectra, &r.peaks, &r.peak_count, &r.landmarks,
                               &r.landmark_count, &problem) != UTC_OK)
        fail_msg("%s", problem.text);
    return r;
}

static void release(device_result *r)
{
    const ut_cuda *cuda;
    assert_int_equal(ut_cuda_get(&cuda, NULL), UT_OK);
    cuda->api->release(r->peaks);
    cuda->api->release(r->landmarks);
}

static void check_exact(const device_result *r, const ut_peaks *peaks, const ut_landmarks *pairs)
{
    assert_int_equal(r->peak_count, peaks->count);
    for (size_t i = 0; i < peaks->count; i++) {
        assert_int_equal(r->peaks[i].frame, peaks->items[i].frame);
        assert_int_equal(r->peaks[i].bin, peaks->items[i].bin);
    }
    assert_int_equal(r->landmark_count, pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        assert_int_equal(r->landmarks[i].hash, pairs->items[i].hash);
        assert_int_equal(r->landmarks[i].anchor, pairs->items[i].anchor);
    }
}

static void check_near(const device_result *r, const ut_peaks *peaks)
{
    size_t both = 0, at = 0;
    for (size_t i = 0; i < peaks->count; i++) {
        ut_peak p = peaks->items[i];
        while (at < r->peak_count &&
               (r->peaks[at].frame < p.frame || (r->peaks[at].frame == p.frame && r->peaks[at].bin < p.bin)))
            at++;
        both += at < r->peak_count && r->peaks[at].frame == p.frame && r->peaks[at].bin == p.bin;
    }
    size_t either = peaks->count + r->peak_count - both;
    if (either == 0)
        return;
    print_message("own spectra: %zu peaks, %zu of them as on the CPU\n", r->peak_count, both);
    assert_true((double)both >= 0.98 * (double)either);
}

static void check(const char *name, bool query, size_t samples)
{
    const ut_params *p = ut_params_find(name);
    ut_density density = query ? p->query : p->reference;
    density.fine = false; /* those stay with the CPU */
    utc_fingerprint_options o = to_options(p, density);
    size_t frames = samples < (size_t)p->fft ? 0 : (samples - (size_t)p->fft) / (size_t)p->hop + 1;
    float *audio = make_audio(samples, 5), *spectra = make_spectra(p, audio, frames);
    ut_peak_finder *finder = NULL;
    ut_peaks peaks = {0};
    ut_landmarks pairs = {0};
    ut_err err = {0};
    assert_int_equal(ut_peak_finder_open(p, &density, 0, &finder, &err), UT_OK);
    assert_int_equal(ut_peak_finder_push(finder, audio, samples, &peaks, &err), UT_OK);
    assert_int_equal(ut_peak_finder_finish(finder, &peaks, &err), UT_OK);
    assert_int_equal(ut_landmarks_pair(p, density.fan_out, &peaks, 0, peaks.count, &pairs, &err), UT_OK);
    device_result exact = run_device(&o, audio, samples, spectra), near = run_device(&o, audio, samples, NULL);
    print_message("%s, %zu frames: %zu peaks, %zu landmarks\n", name, frames, peaks.count, pairs.count);
    assert_true(peaks.count > 0 || frames < 8);
    check_exact(&exact, &peaks, &pairs);
    check_near(&near, &peaks);
    release(&exact);
    release(&near);
    ut_peaks_clear(&peaks);
    ut_landmarks_clear(&pairs);
    ut_peak_finder_close(&finder);
    free(audio);
    free(spectra);
}

static void test_sets(void **state)
{
    (void)state;
    static const char *const names[] = {"p1", "p2", "p3"};
    for (size_t i = 0; i < 3; i++)
        for (int query = 0; query < 2; query++) {
            check(names[i], query, 90001);
            check(names[i], query, 5000);
            check(names[i], query, 1024);
            check(names[i], query, 100);
        }
}

static void test_refused(void **state)
{
    (void)state;
    const ut_cuda *cuda;
    utc_error problem = {0};
    device_result r = {0};
    utc_fingerprint_options o = to_options(ut_params_find("p3"), ut_params_find("p3")->query);
    o.fft = 1000;
    assert_int_equal(ut_cuda_get(&cuda, NULL), UT_OK);
    assert_int_equal(cuda->api->fingerprint(cuda->context, &o, NULL, 0, NULL, &r.peaks, &r.peak_count, &r.landmarks,
                                            &r.landmark_count, &problem),
                     UTC_E_ARG);
    assert_non_null(strstr(problem.text, "1000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_refused),
    };
    const char *given = getenv("UT_CUDA_LIBRARY");
    if (!given || !strcmp(given, "none"))
        setenv("UT_CUDA_LIBRARY", UT_CUDA_HOST, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
