/* Trails: the byte form and its damage, and that a trail matches again as its audio does. */
#include "tests/unit/support.h"

#include "core/digest.h"
#include "core/types.h"
#include "fingerprint/match.h"
#include "fingerprint/scout.h"
#include "fingerprint/track.h"
#include "fingerprint/trail_fields.h"
#include "tests/unit/synth.h"

enum { RATE = UT_RATE_HZ, SECONDS = 60, FRAMES = SECONDS * RATE, FOUND_MAX = 16 };

/* Pieces 1 and 2 are in the small index, 5 in the large one only. */
static ut_index *small, *large, *fresh;
static ut_trail *trail; /* of piece 5 under speech, from 20 s to 50 s, unidentified by the small index */

typedef struct {
    ut_identification items[FOUND_MAX];
    size_t count;
    uint8_t *bytes; /* of the last trail */
    size_t size;
} found;

static ut_status note(void *arg, const ut_identification *what)
{
    found *f = arg;
    assert_true(f->count < FOUND_MAX);
    f->items[f->count++] = *what;
    return UT_OK;
}

static ut_status keep(void *arg, const ut_trail *kept)
{
    found *f = arg;
    free(f->bytes);
    return ut_trail_encode(kept, &f->bytes, &f->size, NULL);
}

static void index_add(ut_index_builder *builder, int piece)
{
    ut_fingerprinter *maker = NULL;
    ut_fingerprint *print = NULL;
    float *audio = calloc(FRAMES, sizeof *audio);
    assert_non_null(audio);
    synth_music((uint64_t)piece, 0, 1, audio, FRAMES);
    assert_int_equal(ut_fingerprinter_open(ut_params_find("p3"), &maker, NULL), UT_OK);
    assert_int_equal(ut_fingerprinter_push(maker, audio, FRAMES, NULL), UT_OK);
    assert_int_equal(ut_fingerprinter_finish(maker, &print, NULL), UT_OK);
    assert_int_equal(ut_index_builder_add(builder, piece, print, NULL), UT_OK);
    ut_fingerprint_close(&print);
    ut_fingerprinter_close(&maker);
    free(audio);
}

static ut_index *index_of(int from, int to, bool with_new)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    for (int piece = from; piece <= to; piece++)
        index_add(builder, piece);
    if (with_new)
        index_add(builder, 5);
    assert_int_equal(ut_index_builder_finish(builder, 1, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return index;
}

static void track(const ut_index *index, found *out)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.unidentified = true, .keep = keep};
    float *music = calloc(FRAMES, sizeof *music), *mix = calloc(FRAMES, sizeof *mix);
    assert_non_null(music);
    assert_non_null(mix);
    *out = (found){0};
    synth_music(5, 3, 0.2, music + 20 * RATE, 30 * RATE);
    memcpy(mix, music, FRAMES * sizeof *mix);
    synth_speech(7, 0.3, mix, FRAMES);
    synth_speech(7, 0.02, music, FRAMES);
    assert_int_equal(ut_tracker_open(index, &options, note, out, &tracker, NULL), UT_OK);
    assert_int_equal(ut_tracker_push(tracker, mix, music, FRAMES, NULL), UT_OK);
    assert_int_equal(ut_tracker_finish(tracker, NULL), UT_OK);
    ut_tracker_close(&tracker);
    free(music);
    free(mix);
}

static int set_up(void **state)
{
    found f;
    (void)state;
    small = index_of(1, 2, false);
    large = index_of(1, 2, true);
    fresh = index_of(1, 0, true);
    track(small, &f);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.items[0].outcome, UT_UNIDENTIFIED);
    assert_int_equal(ut_trail_decode(f.bytes, f.size, &trail, NULL), UT_OK);
    free(f.bytes);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ut_index_close(&small);
    ut_index_close(&large);
    ut_index_close(&fresh);
    ut_trail_close(&trail);
    return 0;
}

static void test_holds_the_stretch(void **state)
{
    (void)state;
    ut_trail_info info = ut_trail_describe(trail);
    assert_string_equal(ut_params_name(info.params), "p3");
    assert_int_equal(info.witnesses, 2);
    assert_in_range(info.start_sample, 8 * RATE, 27 * RATE);
    assert_in_range(info.end_sample, 45 * RATE, 60 * RATE);
    double seconds = (double)(info.end_sample - info.start_sample) / RATE;
    assert_true((double)info.peaks > 60 * seconds && (double)info.peaks < 2 * 70 * (seconds + 24));
    assert_true(trail->first <= trail->from && trail->to <= trail->end);
    size_t strong = 0;
    for (size_t i = 0; i < trail->peaks[1].count; i++)
        strong += trail->peaks[1].items[i].grade == UT_PEAK_STRONG;
    assert_true(strong > 0 && strong < trail->peaks[1].count * 2 / 3);
}

static void test_bytes_come_back(void **state)
{
    (void)state;
    uint8_t *bytes = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    ut_trail *copy = NULL;
    assert_int_equal(ut_trail_encode(trail, &bytes, &size, NULL), UT_OK);
    assert_true(size < 2 * ut_trail_describe(trail).peaks);
    assert_int_equal(ut_trail_decode(bytes, size, &copy, NULL), UT_OK);
    for (int w = 0; w < 2; w++) {
        assert_int_equal(copy->peaks[w].count, trail->peaks[w].count);
        for (size_t i = 0; i < copy->peaks[w].count; i++) {
            assert_int_equal(copy->peaks[w].items[i].frame, trail->peaks[w].items[i].frame);
            assert_int_equal(copy->peaks[w].items[i].bin, trail->peaks[w].items[i].bin);
            assert_int_equal(copy->peaks[w].items[i].grade, trail->peaks[w].items[i].grade);
        }
    }
    assert_int_equal(ut_trail_encode(copy, &again, &again_size, NULL), UT_OK);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    ut_trail_close(&copy);
    free(again);
    free(bytes);
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t size = 0;
    ut_trail *copy = NULL;
    ut_err err;
    assert_int_equal(ut_trail_encode(trail, &bytes, &size, NULL), UT_OK);
    for (size_t i = 0; i < size; i += 1 + size / 300) {
        bytes[i] ^= 0x10;
        assert_int_equal(ut_trail_decode(bytes, size, &copy, &err), UT_E_CORRUPT);
        bytes[i] ^= 0x10;
        assert_int_equal(ut_trail_decode(bytes, i, &copy, &err), UT_E_CORRUPT);
    }
    /* With its checksum put right, what does not fit is found all the same. */
    static const size_t at[] = {5, 7, 24, 28, 32}; /* params, witnesses, peaks, gaps, a column's size */
    for (size_t i = 0; i < COUNT(at); i++) {
        uint8_t *bad = malloc(size);
        memcpy(bad, bytes, size);
        bad[at[i]] = (uint8_t)(bad[at[i]] + 3);
        uint32_t crc = ut_crc32c(0, bad, size - 4);
        memcpy(bad + size - 4, &crc, 4);
        assert_int_equal(ut_trail_decode(bad, size, &copy, &err), UT_E_CORRUPT);
        free(bad);
    }
    assert_null(copy);
    free(bytes);
}

static void test_matches_nearly_as_the_audio_does(void **state)
{
    (void)state;
    found live, later = {0};
    track(large, &live);
    assert_int_equal(live.count, 1);
    assert_int_equal(live.items[0].recording_id, 5);
    assert_int_equal(ut_tracker_rematch(large, 0, trail, note, &later, NULL), UT_OK);
    assert_int_equal(later.count, 1);
    const ut_identification *a = &live.items[0], *b = &later.items[0];
    assert_int_equal(b->outcome, UT_IDENTIFIED);
    assert_int_equal(b->recording_id, 5);
    /* The audio has fine peaks as well, and windows further off have a say in the averages. */
    assert_true(llabs(b->start_sample - a->start_sample) <= RATE / 2);
    assert_true(llabs(b->end_sample - a->end_sample) <= RATE / 2);
    assert_float_equal(b->ref_start_s, a->ref_start_s, 0.5);
    assert_float_equal(b->ref_start_s - (double)b->start_sample / RATE, a->ref_start_s - (double)a->start_sample / RATE,
                       0.02);
    assert_true(b->log10_e <= UT_MATCH_LOG10_E_DEFAULT);
    later.count = 0;
    assert_int_equal(ut_tracker_rematch(small, 0, trail, note, &later, NULL), UT_OK);
    assert_int_equal(later.count, 0);
    free(live.bytes);
}

static void test_scout(void **state)
{
    (void)state;
    ut_scout *scout = NULL;
    bool maybe = false;
    assert_int_equal(ut_scout_open(fresh, &scout, NULL), UT_OK);
    assert_int_equal(ut_scout_look(scout, trail, &maybe, NULL), UT_OK);
    assert_true(maybe);
    ut_scout_close(&scout);
    assert_int_equal(ut_scout_open(small, &scout, NULL), UT_OK);
    assert_int_equal(ut_scout_look(scout, trail, &maybe, NULL), UT_OK);
    assert_false(maybe);
    ut_scout_close(&scout);
}

static void test_part_and_reference(void **state)
{
    (void)state;
    ut_trail *part = NULL;
    ut_fingerprint *print = NULL;
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    found f = {0};
    assert_int_equal(ut_trail_part(trail, 30 * RATE, 40 * RATE, &part, NULL), UT_OK);
    ut_trail_info info = ut_trail_describe(part);
    assert_in_range(info.start_sample, 30 * RATE - 512, 30 * RATE);
    assert_in_range(info.end_sample, 40 * RATE - 512, 40 * RATE);
    assert_true(part->first >= trail->first && part->first < part->from);
    /* What was heard recognises itself when it is heard again. */
    assert_int_equal(ut_trail_fingerprint(trail, 20 * RATE, 50 * RATE, &print, NULL), UT_OK);
    assert_true(ut_fingerprint_seconds(print) > 29 && ut_fingerprint_seconds(print) < 31);
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    for (int piece = 1; piece <= 2; piece++)
        index_add(builder, piece);
    assert_int_equal(ut_index_builder_add(builder, 9, print, NULL), UT_OK);
    assert_int_equal(ut_index_builder_finish(builder, 1, &index, NULL), UT_OK);
    track(index, &f);
    assert_true(f.count >= 1);
    assert_int_equal(f.items[0].recording_id, 9);
    free(f.bytes);
    ut_index_close(&index);
    ut_index_builder_close(&builder);
    ut_fingerprint_close(&print);
    ut_trail_close(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_the_stretch),
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_matches_nearly_as_the_audio_does),
        cmocka_unit_test(test_scout),
        cmocka_unit_test(test_part_and_reference),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
