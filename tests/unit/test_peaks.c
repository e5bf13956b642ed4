/* Peaks and landmarks: exact where they must be, and moved by nothing but the sound. */
#include "tests/unit/support.h"

#include <math.h>

#include "fingerprint/landmark.h"
#include "fingerprint/peaks.h"
#include "tests/unit/synth.h"

static const ut_density DENSITY = {.peaks_per_s = 60};

static ut_peaks find(const ut_params *params, int32_t first, const float *audio, size_t frames, size_t step)
{
    ut_peaks peaks = {0};
    ut_peak_finder *finder = NULL;
    assert_int_equal(ut_peak_finder_open(params, &DENSITY, first, &finder, NULL), UT_OK);
    for (size_t at = 0; at < frames; at += step)
        assert_int_equal(ut_peak_finder_push(finder, audio + at, frames - at < step ? frames - at : step, &peaks, NULL),
                         UT_OK);
    assert_int_equal(ut_peak_finder_finish(finder, &peaks, NULL), UT_OK);
    ut_peak_finder_close(&finder);
    return peaks;
}

static void same(const ut_peaks *a, const ut_peaks *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].frame, b->items[i].frame);
        assert_int_equal(a->items[i].bin, b->items[i].bin);
    }
}

/* A tone burst in the shape of the window peaks at one frame and one bin, whatever the FFT's rounding. */
static void burst(const ut_params *p, int frame, int bin, float *audio)
{
    int fft = ut_params_fft(p);
    for (int i = 0; i < fft; i++)
        audio[frame * ut_params_hop(p) + i] +=
            (float)(0.1 * (1 - cos(2 * M_PI * i / fft)) * cos(2 * M_PI * bin * (i + 0.25) / fft));
}

static const ut_peak BURSTS[] = {{.frame = 10, .bin = 40},
                                 {.frame = 19, .bin = 80},
                                 {.frame = 30, .bin = 60},
                                 {.frame = 30, .bin = 100},
                                 {.frame = 47, .bin = 70}};

static void check_golden(const char *name, const uint32_t *hashes, size_t count)
{
    const ut_params *p = ut_params_find(name);
    size_t frames = (size_t)(80 * ut_params_hop(p) + ut_params_fft(p));
    float *audio = calloc(frames, sizeof *audio);
    for (size_t i = 0; i < COUNT(BURSTS); i++)
        burst(p, BURSTS[i].frame, BURSTS[i].bin, audio);
    ut_peaks peaks = find(p, 0, audio, frames, 1000), planned = {0};
    for (size_t i = 0; i < COUNT(BURSTS); i++) {
        bool there = false;
        for (size_t k = 0; k < peaks.count; k++)
            there |= peaks.items[k].frame == BURSTS[i].frame && peaks.items[k].bin == BURSTS[i].bin;
        assert_true(there);
        assert_int_equal(ut_peaks_add(&planned, BURSTS[i], NULL), UT_OK);
    }
    ut_landmarks pairs = {0};
    assert_int_equal(ut_landmarks_pair(p, 3, &planned, 0, planned.count, &pairs, NULL), UT_OK);
    assert_int_equal(pairs.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pairs.items[i].hash, hashes[i]);
    ut_landmarks_clear(&pairs);
    ut_peaks_clear(&planned);
    ut_peaks_clear(&peaks);
    free(audio);
}

/* Hash: first bin, bin distance, frame distance. p3: 9 + 7 + 6 bits. */
#define P3(bin, bins, frames) ((uint32_t)(bin) << 13 | ((uint32_t)(bins)&127) << 6 | (frames))
#define P12(bin, bins, frames) ((uint32_t)(bin) << 12 | ((uint32_t)(bins)&63) << 6 | (frames))

static void test_golden_p3(void **state)
{
    (void)state;
    static const uint32_t HASHES[] = {P3(40, 40, 9),  P3(40, 20, 20),  P3(40, 60, 20), P3(80, -20, 11),
                                      P3(80, 20, 11), P3(80, -10, 28), P3(60, 10, 17), P3(100, -30, 17)};
    check_golden("p3", HASHES, COUNT(HASHES));
    assert_int_equal(P3(40, 40, 9), 330249);
}

static void test_golden_p1_p2(void **state)
{
    (void)state;
    static const uint32_t HASHES[] = {P12(40, 20, 20),  P12(40, 30, 37), P12(80, -20, 11), P12(80, 20, 11),
                                      P12(80, -10, 28), P12(60, 10, 17), P12(100, -30, 17)};
    check_golden("p1", HASHES, COUNT(HASHES));
    check_golden("p2", HASHES, COUNT(HASHES));
    assert_int_equal(P12(40, 20, 20), 165140);
}

static void test_partner(void **state)
{
    (void)state;
    const ut_params *p = ut_params_find("p3");
    ut_peak a = {.frame = 100, .bin = 200}, b = ut_landmark_partner(p, a, P3(200, -63, 63));
    assert_int_equal(b.frame, 163);
    assert_int_equal(b.bin, 137);
}

enum { SECONDS = 6, FRAMES = SECONDS * 16000 };

/* With a little noise, so that no part of the spectrum is a matter of rounding. */
static float *song(void)
{
    float *audio = calloc(FRAMES, sizeof *audio);
    uint64_t seed = 1;
    synth_music(5, 3, 1, audio, FRAMES);
    for (size_t i = 0; i < FRAMES; i++)
        audio[i] += (float)(1e-3 * (synth_random(&seed) - 0.5));
    return audio;
}

static size_t common(const ut_peaks *a, const ut_peaks *b, int32_t shift)
{
    size_t both = 0;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            both += a->items[i].frame == b->items[k].frame + shift && a->items[i].bin == b->items[k].bin;
    return both;
}

static void test_pushes_and_place_do_not_matter(void **state)
{
    (void)state;
    const ut_params *p = ut_params_find("p3");
    float *audio = song();
    ut_peaks whole = find(p, 0, audio, FRAMES, FRAMES), pieces = find(p, 0, audio, FRAMES, 7);
    assert_true(whole.count > 40 * SECONDS && whole.count < 80 * SECONDS);
    same(&whole, &pieces);
    /* From frame 100 on: once the context is full, the same peaks. */
    ut_peaks tail = find(p, 100, audio + 100 * 256, FRAMES - 100 * 256, 4096);
    ut_peaks_drop(&tail, 100 + UT_PEAKS_CONTEXT);
    ut_peaks_drop(&whole, 100 + UT_PEAKS_CONTEXT);
    same(&whole, &tail);
    ut_peaks_clear(&whole);
    ut_peaks_clear(&pieces);
    ut_peaks_clear(&tail);
    free(audio);
}

static void test_level_does_not_matter(void **state)
{
    (void)state;
    const ut_params *p = ut_params_find("p3");
    float *audio = song(), *quiet = malloc(FRAMES * sizeof *quiet), *odd = malloc(FRAMES * sizeof *odd);
    for (size_t i = 0; i < FRAMES; i++) {
        quiet[i] = audio[i] / 1024;
        odd[i] = audio[i] * 0.0123f;
    }
    ut_peaks a = find(p, 0, audio, FRAMES, FRAMES), b = find(p, 0, quiet, FRAMES, FRAMES),
             c = find(p, 0, odd, FRAMES, FRAMES);
    same(&a, &b);
    assert_true(common(&a, &c, 0) > a.count * 95 / 100);
    ut_peaks_clear(&a);
    ut_peaks_clear(&b);
    ut_peaks_clear(&c);
    free(audio);
    free(quiet);
    free(odd);
}

static void test_nothing_to_hear(void **state)
{
    (void)state;
    const ut_params *p = ut_params_find("p3");
    float *audio = calloc(FRAMES, sizeof *audio);
    ut_peaks peaks = find(p, 0, audio, FRAMES, 999);
    assert_int_equal(peaks.count, 0);
    for (size_t i = 0; i < FRAMES; i++)
        audio[i] = NAN;
    peaks = find(p, 0, audio, FRAMES, 999);
    assert_int_equal(peaks.count, 0);
    /* A constant reaches no further than the window's main lobe, which is below the band. */
    for (size_t i = 0; i < FRAMES; i++)
        audio[i] = 0.5f;
    peaks = find(p, 0, audio, FRAMES, 999);
    for (size_t i = 0; i < peaks.count; i++)
        assert_in_range(peaks.items[i].bin, p->low_bin, p->high_bin - 1);
    ut_peaks_clear(&peaks);
    free(audio);
}

static void test_hostile_samples(void **state)
{
    (void)state;
    const ut_params *p = ut_params_find("p3");
    float *audio = song(), *clipped = song();
    for (size_t i = 0; i < FRAMES; i++) {
        clipped[i] = fmaxf(-0.05f, fminf(0.05f, clipped[i]));
        if (i % 5000 == 0)
            audio[i] = i % 10000 ? INFINITY : -1e38f;
    }
    ut_peaks wild = find(p, 0, audio, FRAMES, 999), cut = find(p, 0, clipped, FRAMES, 999);
    for (size_t i = 0; i < wild.count; i++)
        assert_in_range(wild.items[i].bin, p->low_bin, p->high_bin - 1);
    assert_true(cut.count > 40 * SECONDS);
    ut_peaks_clear(&wild);
    ut_peaks_clear(&cut);
    free(audio);
    free(clipped);
}

static void test_too_short(void **state)
{
    (void)state;
    float audio[1023] = {0};
    ut_peaks peaks = find(ut_params_find("p3"), 0, audio, 1023, 100);
    assert_int_equal(peaks.count, 0);
    assert_null(ut_params_find("p4"));
    assert_null(ut_params_find(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_p3),
        cmocka_unit_test(test_golden_p1_p2),
        cmocka_unit_test(test_partner),
        cmocka_unit_test(test_pushes_and_place_do_not_matter),
        cmocka_unit_test(test_level_does_not_matter),
        cmocka_unit_test(test_nothing_to_hear),
        cmocka_unit_test(test_hostile_samples),
        cmocka_unit_test(test_too_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
