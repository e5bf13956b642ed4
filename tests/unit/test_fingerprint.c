/* Fingerprint: streaming, byte form; damage is found and refused. What an index refuses. */
#include "tests/unit/support.h"

#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/fingerprint_peaks.h"
#include "fingerprint/index_fields.h"
#include "tests/unit/synth.h"

enum { SECONDS = 20, FRAMES = SECONDS * 16000 };

static ut_fingerprint *take(const char *params, uint64_t seed, size_t step)
{
    float *audio = calloc(FRAMES, sizeof *audio);
    ut_fingerprinter *maker = NULL;
    ut_fingerprint *print = NULL;
    synth_music(seed, 0, 1, audio, FRAMES);
    assert_int_equal(ut_fingerprinter_open(ut_params_find(params), &maker, NULL), UT_OK);
    for (size_t at = 0; at < FRAMES; at += step)
        assert_int_equal(ut_fingerprinter_push(maker, audio + at, FRAMES - at < step ? FRAMES - at : step, NULL),
                         UT_OK);
    assert_int_equal(ut_fingerprinter_finish(maker, &print, NULL), UT_OK);
    ut_fingerprinter_close(&maker);
    free(audio);
    return print;
}

static void same(const ut_fingerprint *a, const ut_fingerprint *b)
{
    const ut_peaks *p = ut_fingerprint_peaks(a), *q = ut_fingerprint_peaks(b);
    assert_ptr_equal(ut_fingerprint_params(a), ut_fingerprint_params(b));
    assert_int_equal(ut_fingerprint_frames(a), ut_fingerprint_frames(b));
    assert_int_equal(ut_fingerprint_landmarks(a), ut_fingerprint_landmarks(b));
    assert_int_equal(p->count, q->count);
    for (size_t i = 0; i < p->count; i++) {
        assert_int_equal(p->items[i].frame, q->items[i].frame);
        assert_int_equal(p->items[i].bin, q->items[i].bin);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"p1", "p2", "p3"};
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        ut_fingerprint *print = take(NAMES[i], 3, 16000), *pieces = take(NAMES[i], 3, 777), *back = NULL;
        uint8_t *bytes = NULL;
        size_t size = 0;
        same(print, pieces);
        assert_true(ut_fingerprint_landmarks(print) > 20 * SECONDS);
        assert_true(ut_fingerprint_seconds(print) > SECONDS - 0.2 && ut_fingerprint_seconds(print) <= SECONDS);
        assert_int_equal(ut_fingerprint_encode(print, &bytes, &size, NULL), UT_OK);
        assert_true(size < 36 * SECONDS); /* 36 B/s is 8.6 kB for 4 minutes */
        assert_int_equal(ut_fingerprint_decode(bytes, size, &back, NULL), UT_OK);
        same(print, back);
        ut_fingerprint_close(&print);
        ut_fingerprint_close(&pieces);
        ut_fingerprint_close(&back);
        free(bytes);
    }
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    ut_fingerprint *print = take("p3", 4, 16000), *back = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    ut_err err = {0};
    assert_int_equal(ut_fingerprint_encode(print, &bytes, &size, NULL), UT_OK);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(ut_fingerprint_decode(bytes, size, &back, &err), UT_E_CORRUPT);
        assert_null(back);
        bytes[i] ^= 0x10;
    }
    for (size_t shorter = 0; shorter < size; shorter += 1 + size / 50)
        assert_int_equal(ut_fingerprint_decode(bytes, shorter, &back, &err), UT_E_CORRUPT);
    /* A right checksum does not excuse what it covers. */
    bytes[12] ^= 0xff;
    uint32_t crc = ut_crc32c(0, bytes, size - 4);
    for (int i = 0; i < 4; i++)
        bytes[size - 4 + (size_t)i] = (uint8_t)(crc >> 8 * i);
    assert_int_equal(ut_fingerprint_decode(bytes, size, &back, &err), UT_E_CORRUPT);
    assert_non_null(strstr(err.text, "fingerprint"));
    free(bytes);
    ut_fingerprint_close(&print);
}

static void test_bad_peaks(void **state)
{
    (void)state;
    ut_fingerprint *print = NULL;
    ut_peaks peaks = {0};
    assert_int_equal(ut_peaks_add(&peaks, (ut_peak){.frame = 5, .bin = 100}, NULL), UT_OK);
    assert_int_equal(ut_peaks_add(&peaks, (ut_peak){.frame = 4, .bin = 100}, NULL), UT_OK);
    assert_int_equal(ut_fingerprint_from_peaks(ut_params_find("p3"), 10, &peaks, &print, NULL), UT_E_CORRUPT);
    peaks.items[1].frame = 10;
    assert_int_equal(ut_fingerprint_from_peaks(ut_params_find("p3"), 10, &peaks, &print, NULL), UT_E_CORRUPT);
    peaks.items[1] = (ut_peak){.frame = 5, .bin = 500};
    assert_int_equal(ut_fingerprint_from_peaks(ut_params_find("p3"), 10, &peaks, &print, NULL), UT_E_CORRUPT);
    assert_int_equal(peaks.count, 2);
    ut_peaks_clear(&peaks);
}

static void test_empty(void **state)
{
    (void)state;
    ut_fingerprinter *maker = NULL;
    ut_fingerprint *print = NULL, *back = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_int_equal(ut_fingerprinter_open(ut_params_find("p3"), &maker, NULL), UT_OK);
    assert_int_equal(ut_fingerprinter_finish(maker, &print, NULL), UT_OK);
    assert_int_equal(ut_fingerprint_landmarks(print), 0);
    assert_int_equal(ut_fingerprint_encode(print, &bytes, &size, NULL), UT_OK);
    assert_int_equal(ut_fingerprint_decode(bytes, size, &back, NULL), UT_OK);
    same(print, back);
    free(bytes);
    ut_fingerprint_close(&print);
    ut_fingerprint_close(&back);
    ut_fingerprinter_close(&maker);
}

static ut_index *build(size_t count)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    for (size_t i = 0; i < count; i++) {
        ut_fingerprint *print = take("p3", 100 + i, 16000);
        assert_int_equal(ut_index_builder_add(builder, (int64_t)(1000 + i), print, NULL), UT_OK);
        ut_fingerprint_close(&print);
    }
    assert_int_equal(ut_index_builder_finish(builder, 42, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return index;
}

static void test_builder_refuses(void **state)
{
    (void)state;
    ut_index_builder *builder = NULL;
    ut_fingerprint *print = take("p2", 1, 16000);
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    assert_int_equal(ut_index_builder_add(builder, 1, print, NULL), UT_E_ARG);
    ut_fingerprint_close(&print);
    print = take("p3", 1, 16000);
    assert_int_equal(ut_index_builder_add(builder, 0, print, NULL), UT_E_ARG);
    ut_fingerprint_close(&print);
    ut_index_builder_close(&builder);
}

static void test_empty_index(void **state)
{
    (void)state;
    ut_index *index = build(0);
    assert_int_equal(ut_index_describe(index).recordings, 0);
    assert_int_equal(ut_index_describe(index).postings, 0);
    ut_index_close(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage_is_refused), cmocka_unit_test(test_bad_peaks),
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_builder_refuses),   cmocka_unit_test(test_empty_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
