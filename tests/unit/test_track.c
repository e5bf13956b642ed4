/* The tracker on made-up programmes: what is there, from where to where; and nothing else. */
#include "tests/unit/support.h"

#include <math.h>

#include "core/types.h"
#include "fingerprint/track.h"
#include "tests/unit/synth.h"

enum { RATE = UT_RATE_HZ, RECORDINGS = 8, RECORDING_S = 50, FOUND_MAX = 32 };

typedef struct {
    ut_identification items[FOUND_MAX];
    size_t count;
} found;

static ut_index *catalogue;

static ut_status note(void *arg, const ut_identification *what)
{
    found *f = arg;
    assert_true(f->count < FOUND_MAX);
    assert_true(what->start_sample < what->end_sample);
    assert_true(f->count == 0 || f->items[f->count - 1].end_sample <= what->end_sample);
    f->items[f->count++] = *what;
    if (getenv("UT_TEST_VERBOSE"))
        print_message("%s %lld: %.2f to %.2f s, log10 E %.1f, %s\n", ut_outcome_name(what->outcome),
                      (long long)what->recording_id, (double)what->start_sample / RATE, (double)what->end_sample / RATE,
                      what->log10_e, ut_witness_name(what->witness));
    return UT_OK;
}

static int make_catalogue(void **state)
{
    (void)state;
    ut_index_builder *builder = NULL;
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    float *audio = malloc(RECORDING_S * RATE * sizeof *audio);
    for (int i = 1; i <= RECORDINGS; i++) {
        ut_fingerprinter *maker = NULL;
        ut_fingerprint *print = NULL;
        memset(audio, 0, RECORDING_S * RATE * sizeof *audio);
        synth_music((uint64_t)i, 0, 1, audio, RECORDING_S * RATE);
        assert_int_equal(ut_fingerprinter_open(ut_params_find("p3"), &maker, NULL), UT_OK);
        assert_int_equal(ut_fingerprinter_push(maker, audio, RECORDING_S * RATE, NULL), UT_OK);
        assert_int_equal(ut_fingerprinter_finish(maker, &print, NULL), UT_OK);
        assert_int_equal(ut_index_builder_add(builder, i, print, NULL), UT_OK);
        ut_fingerprint_close(&print);
        ut_fingerprinter_close(&maker);
    }
    free(audio);
    assert_int_equal(ut_index_builder_finish(builder, 1, &catalogue, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return 0;
}

static int drop_catalogue(void **state)
{
    (void)state;
    ut_index_close(&catalogue);
    return 0;
}

static float *programme(double seconds, double speech)
{
    float *audio = calloc((size_t)(seconds * RATE), sizeof *audio);
    if (speech > 0)
        synth_speech(77, speech, audio, (size_t)(seconds * RATE));
    return audio;
}

/* Recording `id` from its second `from`, on air from `start` to `end`. */
static void play(float *audio, uint64_t id, double from, double start, double end, double gain)
{
    synth_music(id, from, gain, audio + (size_t)(start * RATE), (size_t)((end - start) * RATE));
}

static void track(const float *mix, const float *music, double seconds, int64_t first, uint64_t seed, found *out)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.unidentified = true, .first_sample = first};
    int64_t total = (int64_t)(seconds * RATE), resume = first;
    out->count = 0;
    assert_int_equal(ut_tracker_open(catalogue, &options, note, out, &tracker, NULL), UT_OK);
    for (int64_t at = first; at < total;) {
        int64_t step = seed ? 1 + (int64_t)(synth_random(&seed) * 40000) : 16000;
        step = step < total - at ? step : total - at;
        assert_int_equal(ut_tracker_push(tracker, mix + at, music ? music + at : NULL, (size_t)step, NULL), UT_OK);
        at += step;
        assert_true(ut_tracker_resume_sample(tracker) >= resume && ut_tracker_resume_sample(tracker) <= at);
        resume = ut_tracker_resume_sample(tracker);
    }
    assert_int_equal(ut_tracker_finish(tracker, NULL), UT_OK);
    ut_tracker_close(&tracker);
}

static void check(const ut_identification *what, int64_t id, double start, double end, double from)
{
    assert_int_equal(what->outcome, UT_IDENTIFIED);
    assert_int_equal(what->recording_id, id);
    assert_float_equal((double)what->start_sample / RATE, start, 0.7);
    assert_float_equal((double)what->end_sample / RATE, end, 0.7);
    double offset = what->ref_start_s - (double)what->start_sample / RATE;
    assert_float_equal(offset, from - start, 0.05);
    assert_float_equal(what->ref_end_s - what->ref_start_s, (double)(what->end_sample - what->start_sample) / RATE,
                       0.01);
    assert_true(what->log10_e < -6 && what->score > 20);
}

static void test_start_and_end(void **state)
{
    (void)state;
    found f;
    float *audio = programme(60, 0.3);
    play(audio, 3, 5, 15, 40, 0.3);
    track(audio, NULL, 60, 0, 0, &f);
    assert_int_equal(f.count, 1);
    check(&f.items[0], 3, 15, 40, 5);
    assert_int_equal(f.items[0].witness, UT_WITNESS_MIX);
    free(audio);
}

static void test_two_witnesses(void **state)
{
    (void)state;
    found f;
    float *audio = programme(50, 0.5), *music = programme(50, 0);
    play(music, 2, 10, 12, 38, 0.05);
    for (size_t i = 0; i < 50 * RATE; i++)
        audio[i] += music[i];
    track(audio, music, 50, 0, 0, &f);
    assert_int_equal(f.count, 1);
    check(&f.items[0], 2, 12, 38, 10);
    assert_true(f.items[0].witness & UT_WITNESS_MUSIC);
    free(audio);
    free(music);
}

static void test_absent_and_speech(void **state)
{
    (void)state;
    found f;
    float *audio = programme(60, 0.3);
    track(audio, NULL, 60, 0, 0, &f);
    assert_int_equal(f.count, 0);
    track(audio, audio, 60, 0, 0, &f); /* a separator that lets all speech through */
    assert_int_equal(f.count, 0);
    play(audio, 9999, 0, 0, 60, 1); /* in no catalogue */
    track(audio, NULL, 60, 0, 0, &f);
    for (size_t i = 0; i < f.count; i++)
        assert_int_equal(f.items[i].outcome, UT_UNIDENTIFIED);
    free(audio);
}

static void test_unidentified(void **state)
{
    (void)state;
    found f;
    float *audio = programme(60, 0), *speech = programme(60, 0.2);
    play(audio, 9999, 0, 0, 60, 1);
    for (size_t i = 0; i < 60 * RATE; i++)
        speech[i] += audio[i];
    track(speech, audio, 60, 0, 0, &f);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.items[0].outcome, UT_UNIDENTIFIED);
    assert_int_equal(f.items[0].recording_id, 0);
    assert_true(isnan(f.items[0].log10_e));
    assert_true(f.items[0].end_sample - f.items[0].start_sample > 50 * RATE);
    free(audio);
    free(speech);
}

static void test_two_at_once(void **state)
{
    (void)state;
    found f;
    float *audio = programme(50, 0);
    play(audio, 1, 0, 5, 45, 0.3);
    play(audio, 6, 10, 15, 40, 0.3);
    track(audio, NULL, 50, 0, 0, &f);
    assert_int_equal(f.count, 2);
    check(&f.items[0], 6, 15, 40, 10);
    check(&f.items[1], 1, 5, 45, 0);
    free(audio);
}

static void test_one_after_the_other_and_a_jump(void **state)
{
    (void)state;
    found f;
    float *audio = programme(90, 0.1);
    play(audio, 4, 0, 5, 25, 0.5);
    play(audio, 5, 20, 25, 45, 0.5);
    play(audio, 5, 0, 45, 75, 0.5); /* jumps back to its start */
    track(audio, NULL, 90, 0, 0, &f);
    assert_int_equal(f.count, 3);
    check(&f.items[0], 4, 5, 25, 0);
    check(&f.items[1], 5, 25, 45, 20);
    check(&f.items[2], 5, 45, 75, 0);
    free(audio);
}

/* Played as film is on European television: 25 frames for 24. */
static void test_speed(void **state)
{
    (void)state;
    found f;
    float *audio = programme(50, 0), *faster = programme(40, 0);
    play(audio, 6, 0, 0, 50, 0.3);
    for (size_t i = 5 * RATE; i < 35 * RATE; i++) {
        double at = (double)(i - 5 * RATE) * 25 / 24;
        size_t before = (size_t)at;
        faster[i] = (float)(audio[before] + (at - (double)before) * (audio[before + 1] - audio[before]));
    }
    track(faster, faster, 40, 0, 0, &f);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.items[0].recording_id, 6);
    assert_float_equal(f.items[0].time_scale, 0.96, 1e-6);
    assert_float_equal((double)f.items[0].start_sample / RATE, 5, 0.7);
    assert_float_equal((double)f.items[0].end_sample / RATE, 35, 0.7);
    assert_float_equal(f.items[0].ref_start_s, ((double)f.items[0].start_sample / RATE - 5) / 0.96, 0.1);
    assert_float_equal(f.items[0].ref_end_s, ((double)f.items[0].end_sample / RATE - 5) / 0.96, 0.1);
    free(audio);
    free(faster);
}

static void same(const found *a, const found *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].outcome, b->items[i].outcome);
        assert_int_equal(a->items[i].recording_id, b->items[i].recording_id);
        assert_int_equal(a->items[i].start_sample, b->items[i].start_sample);
        assert_int_equal(a->items[i].end_sample, b->items[i].end_sample);
        assert_true(a->items[i].score == b->items[i].score);
        assert_true(a->items[i].ref_start_s == b->items[i].ref_start_s);
    }
}

static void test_pushes_do_not_matter(void **state)
{
    (void)state;
    found a, b;
    float *audio = programme(60, 0.3);
    play(audio, 7, 2, 10, 33, 0.3);
    play(audio, 8, 2, 40, 60, 0.3);
    track(audio, NULL, 60, 0, 0, &a);
    assert_int_equal(a.count, 2);
    for (uint64_t seed = 1; seed < 4; seed++) {
        track(audio, NULL, 60, 0, seed, &b);
        same(&a, &b);
    }
    free(audio);
}

/* Stops a tracker somewhere, opens another at its resume sample: together they emit what one emits. */
static void test_resume(void **state)
{
    (void)state;
    enum { SECONDS = 200 };
    found whole, before, after;
    float *audio = programme(SECONDS, 0.2);
    play(audio, 1, 0, 20, 50, 0.4);
    play(audio, 2, 0, 90, 120, 0.4);
    play(audio, 9998, 0, 125, 150, 2);
    play(audio, 3, 0, 160, 195, 0.4);
    track(audio, NULL, SECONDS, 0, 0, &whole);
    assert_true(whole.count >= 3);
    for (int stop = 10; stop < SECONDS; stop += 23) {
        ut_tracker *tracker = NULL;
        ut_tracker_options options = {.unidentified = true};
        before.count = 0;
        assert_int_equal(ut_tracker_open(catalogue, &options, note, &before, &tracker, NULL), UT_OK);
        assert_int_equal(ut_tracker_push(tracker, audio, NULL, (size_t)stop * RATE, NULL), UT_OK);
        int64_t resume = ut_tracker_resume_sample(tracker);
        ut_tracker_close(&tracker);
        track(audio, NULL, SECONDS, resume, 0, &after);
        /* Those that came before the stop, then those of the resumed run that were not among them. */
        for (size_t i = 0; i < after.count; i++) {
            bool twice = false;
            for (size_t k = 0; k < before.count; k++)
                twice |= after.items[i].start_sample == before.items[k].start_sample;
            if (!twice)
                before.items[before.count++] = after.items[i];
        }
        same(&whole, &before);
    }
    free(audio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_and_end),
        cmocka_unit_test(test_two_witnesses),
        cmocka_unit_test(test_absent_and_speech),
        cmocka_unit_test(test_unidentified),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_one_after_the_other_and_a_jump),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_pushes_do_not_matter),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests(tests, make_catalogue, drop_catalogue);
}
