/* Explanations of made-up programmes: they say what the tracker says, show no support for what is not there, and add
 * up. */
#include "tests/unit/support.h"

#include <math.h>

#include "fingerprint/explain.h"
#include "fingerprint/track.h"
#include "tests/unit/synth.h"

enum { RATE = UT_RATE_HZ, RECORDINGS = 4, RECORDING_S = 50, PROGRAMME_S = 60 };

static ut_index *catalogue;
static float *programme; /* recording 3 from its second 5 on air from 15 to 40 s, under speech */

static int set_up(void **state)
{
    (void)state;
    ut_index_builder *builder = NULL;
    const ut_params *params = ut_params_find("p3");
    assert_int_equal(ut_index_builder_open(params, &builder, NULL), UT_OK);
    float *audio = malloc((size_t)RECORDING_S * RATE * sizeof *audio);
    for (int i = 1; i <= RECORDINGS; i++) {
        ut_fingerprinter *maker = NULL;
        ut_fingerprint *print = NULL;
        memset(audio, 0, (size_t)RECORDING_S * RATE * sizeof *audio);
        synth_music((uint64_t)i, 0, 1, audio, (size_t)RECORDING_S * RATE);
        assert_int_equal(ut_fingerprinter_open(params, &maker, NULL), UT_OK);
        assert_int_equal(ut_fingerprinter_push(maker, audio, (size_t)RECORDING_S * RATE, NULL), UT_OK);
        assert_int_equal(ut_fingerprinter_finish(maker, &print, NULL), UT_OK);
        assert_int_equal(ut_index_builder_add(builder, i, print, NULL), UT_OK);
        ut_fingerprint_close(&print);
        ut_fingerprinter_close(&maker);
    }
    free(audio);
    assert_int_equal(ut_index_builder_finish(builder, 1, &catalogue, NULL), UT_OK);
    ut_index_builder_close(&builder);
    programme = calloc((size_t)PROGRAMME_S * RATE, sizeof *programme);
    synth_speech(77, 0.3, programme, (size_t)PROGRAMME_S * RATE);
    synth_music(3, 5, 0.3, programme + (size_t)15 * RATE, (size_t)25 * RATE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ut_index_close(&catalogue);
    free(programme);
    return 0;
}

static ut_status note(void *arg, const ut_identification *what)
{
    ut_identification *found = arg;
    assert_int_equal(found->recording_id, 0);
    *found = *what;
    return UT_OK;
}

static ut_identification tracked(const float *music)
{
    ut_tracker *tracker = NULL;
    ut_tracker_options options = {.max_log10_e = 0};
    ut_identification found = {.recording_id = 0};
    assert_int_equal(ut_tracker_open(catalogue, &options, note, &found, &tracker, NULL), UT_OK);
    assert_int_equal(ut_tracker_push(tracker, programme, music, (size_t)PROGRAMME_S * RATE, NULL), UT_OK);
    assert_int_equal(ut_tracker_finish(tracker, NULL), UT_OK);
    ut_tracker_close(&tracker);
    return found;
}

static ut_explanation explained(const float *music, int64_t recording_id, double context_s)
{
    ut_explanation x;
    ut_explain_audio audio = {.mix = programme, .music = music, .frames = (size_t)PROGRAMME_S * RATE};
    ut_explain_options options = {.recording_id = recording_id, .context_s = context_s};
    assert_int_equal(ut_explain(catalogue, &audio, &options, &x, NULL), UT_OK);
    return x;
}

static void check_sums(const ut_explanation *x)
{
    size_t peaks = 0, found = 0, matched = 0;
    for (size_t i = 0; i < x->step_count; i++) {
        peaks += (size_t)x->steps[i].peaks;
        found += (size_t)x->steps[i].found;
        assert_true(x->steps[i].expected >= 0 && x->steps[i].expected <= x->steps[i].peaks);
    }
    for (size_t i = 0; i < x->reference.count; i++) {
        matched += x->reference.items[i].matched != 0;
        assert_true(x->reference.items[i].time_s >= x->from_s && x->reference.items[i].time_s <= x->to_s);
    }
    assert_int_equal(peaks, x->reference.count);
    assert_int_equal(found, matched);
    assert_true(x->found_count <= x->reference_count && x->reference_count <= peaks);
}

static void test_as_the_tracker_says(void **state)
{
    (void)state;
    ut_identification what = tracked(NULL);
    ut_explanation x = explained(NULL, 0, 5);
    assert_int_equal(x.recording_id, 3);
    assert_true(x.accepted && x.heard);
    assert_float_equal(x.log10_e, what.log10_e, 1e-9);
    assert_float_equal(x.start_s, (double)what.start_sample / RATE, 1e-9);
    assert_float_equal(x.end_s, (double)what.end_sample / RATE, 1e-9);
    assert_float_equal(x.begin_s, 10, 0.05);
    assert_float_equal(x.from_s, x.start_s - 5, 0.05);
    assert_float_equal(x.to_s, x.end_s + 5, 0.05);
    assert_true((double)x.found_count > 4 * x.expected_count);
    assert_true(x.found_count > x.reference_count / 4);
    check_sums(&x);
    ut_explanation_clear(&x);
}

/* The top of the histogram is the offset. */
static void test_votes(void **state)
{
    (void)state;
    ut_explanation x = explained(NULL, 3, -1);
    size_t top = 0;
    for (size_t i = 0; i < x.vote_count; i++)
        top = x.votes[i] > x.votes[top] ? i : top;
    assert_float_equal(x.votes_first_s + (double)top * x.vote_step_s, x.begin_s, 0.02);
    assert_true(x.votes[top] > 50);
    assert_float_equal(x.from_s, 0, 0.1);
    assert_float_equal(x.to_s, PROGRAMME_S, 0.1);
    check_sums(&x);
    ut_explanation_clear(&x);
}

static void test_a_wrong_recording_has_no_support(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= RECORDINGS; id++) {
        if (id == 3)
            continue;
        ut_explanation x = explained(NULL, id, 5);
        assert_int_equal(x.recording_id, id);
        assert_false(x.accepted);
        assert_false(x.heard);
        assert_true((double)x.found_count < 3 * x.expected_count + 20);
        assert_true(x.found_count < x.reference_count / 4);
        check_sums(&x);
        ut_explanation_clear(&x);
    }
}

static void test_two_witnesses(void **state)
{
    (void)state;
    float *music = calloc((size_t)PROGRAMME_S * RATE, sizeof *music);
    synth_music(3, 5, 0.3, music + (size_t)15 * RATE, (size_t)25 * RATE);
    ut_identification what = tracked(music);
    ut_explanation x = explained(music, 0, 0);
    size_t alone = 0;
    assert_float_equal(x.log10_e, what.log10_e, 1e-9);
    assert_true(x.music.count > 0 && x.mix.count > 0);
    for (size_t i = 0; i < x.reference.count; i++)
        alone += x.reference.items[i].matched == UT_WITNESS_MUSIC;
    assert_true(alone > 0); /* what the speech covers */
    check_sums(&x);
    ut_explanation_clear(&x);
    free(music);
}

static void test_errors(void **state)
{
    (void)state;
    ut_err err;
    ut_explanation x;
    float *silence = calloc((size_t)20 * RATE, sizeof *silence);
    ut_explain_audio audio = {.mix = programme, .frames = (size_t)PROGRAMME_S * RATE};
    ut_explain_options options = {.recording_id = 99};
    assert_int_equal(ut_explain(catalogue, &audio, &options, &x, &err), UT_E_NOTFOUND);
    assert_non_null(strstr(err.text, "99"));
    options.recording_id = 0;
    audio = (ut_explain_audio){.mix = silence, .frames = (size_t)20 * RATE};
    assert_int_equal(ut_explain(catalogue, &audio, &options, &x, &err), UT_E_NOTFOUND);
    audio.frames = 0;
    assert_int_equal(ut_explain(catalogue, &audio, &options, &x, &err), UT_E_ARG);
    audio.frames = 3000; /* shorter than a window, and than a spectrum's surroundings */
    options.recording_id = 2;
    assert_int_equal(ut_explain(catalogue, &audio, &options, &x, &err), UT_OK);
    assert_false(x.accepted);
    ut_explanation_clear(&x);
    free(silence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_tracker_says),
        cmocka_unit_test(test_votes),
        cmocka_unit_test(test_a_wrong_recording_has_no_support),
        cmocka_unit_test(test_two_witnesses),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
