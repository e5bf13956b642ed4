/* Peak-level evidence on made-up peaks, whose chance is known. */
#include "tests/unit/support.h"

#include <math.h>

#include "fingerprint/evidence.h"
#include "fingerprint/fingerprint_peaks.h"
#include "tests/unit/synth.h"

enum { FRAMES = 750, REFERENCE_PEAKS = 240, QUERY_PEAKS = 720, LOW = 4, HIGH = 448, GRID_FRAMES = 25 };

static uint64_t seed;

static int by_place(const void *a, const void *b)
{
    const ut_peak *x = a, *y = b;
    return x->frame != y->frame ? x->frame - y->frame : x->bin - y->bin;
}

static void sort(ut_peaks *peaks)
{
    size_t kept = 0;
    qsort(peaks->items, peaks->count, sizeof *peaks->items, by_place);
    for (size_t i = 0; i < peaks->count; i++)
        if (kept == 0 || by_place(&peaks->items[kept - 1], &peaks->items[i]) != 0)
            peaks->items[kept++] = peaks->items[i];
    peaks->count = kept;
}

static void add(ut_peaks *peaks, int32_t frame, int bin)
{
    assert_int_equal(ut_peaks_add(peaks, (ut_peak){.frame = frame, .bin = (uint16_t)bin}, NULL), UT_OK);
}

static void add_random(ut_peaks *peaks, int count)
{
    for (int i = 0; i < count; i++)
        add(peaks, (int32_t)(synth_random(&seed) * FRAMES), LOW + (int)(synth_random(&seed) * (HIGH - LOW)));
    sort(peaks);
}

/* Adds a part of the other list that lies in [begin, end). */
static void add_part(ut_peaks *peaks, const ut_peaks *of, double part, int32_t begin, int32_t end)
{
    for (size_t i = 0; i < of->count; i++)
        if (of->items[i].frame >= begin && of->items[i].frame < end && synth_random(&seed) < part)
            add(peaks, of->items[i].frame, of->items[i].bin);
    sort(peaks);
}

/* Of `count` recordings, in this order. */
static ut_index *index_of(const ut_peaks *references, int count)
{
    ut_index_builder *builder = NULL;
    ut_index *index = NULL;
    assert_int_equal(ut_index_builder_open(ut_params_find("p3"), &builder, NULL), UT_OK);
    for (int i = 0; i < count; i++) {
        ut_fingerprint *print = NULL;
        ut_peaks copy = {0};
        for (size_t k = 0; k < references[i].count; k++)
            add(&copy, references[i].items[k].frame, references[i].items[k].bin);
        assert_int_equal(ut_fingerprint_from_peaks(ut_params_find("p3"), FRAMES, &copy, &print, NULL), UT_OK);
        assert_int_equal(ut_index_builder_add(builder, i + 1, print, NULL), UT_OK);
        ut_fingerprint_close(&print);
    }
    assert_int_equal(ut_index_builder_finish(builder, 1, &index, NULL), UT_OK);
    ut_index_builder_close(&builder);
    return index;
}

typedef struct {
    ut_evidence evidence;
    double elsewhere;
    double spread;
} weighed;

/* Recording `at` of the index. */
static weighed weigh_at(const ut_index *index, int at, const ut_peaks *mix, const ut_peaks *music, bool look_elsewhere)
{
    weighed w = {.elsewhere = NAN};
    ut_evidence_scratch *scratch = NULL;
    ut_query query;
    assert_int_equal(ut_evidence_open(&scratch, NULL), UT_OK);
    assert_int_equal(ut_query_init(&query, ut_params_find("p3"), NULL), UT_OK);
    assert_int_equal(ut_query_set(&query, 0, FRAMES, mix, music, NULL), UT_OK);
    assert_true(ut_evidence_weigh(scratch, index, &query, index->tracks[at].origin, &w.evidence));
    if (look_elsewhere) /* takes a hundred times as long as the rest */
        w.elsewhere = ut_evidence_elsewhere(scratch);
    w.spread = ut_evidence_spread(scratch);
    ut_query_clear(&query);
    ut_evidence_close(&scratch);
    return w;
}

static weighed weigh(const ut_index *index, const ut_peaks *mix, const ut_peaks *music, bool look_elsewhere)
{
    return weigh_at(index, 0, mix, music, look_elsewhere);
}

/* The bound on which every E-value rests: over wrong hypotheses the mean of e^nats is at most 1, of what is left of the
 * nats without a spike. Three places are tried for one hypothesis, so 3 here. */
static void test_wrong_hypotheses_stay_under_the_bound(void **state)
{
    (void)state;
    enum { TRIALS = 300 };
    ut_peaks reference[TRIALS] = {0}, mix[TRIALS] = {0}, music[TRIALS] = {0};
    double sum = 0;
    int above = 0;
    for (int i = 0; i < TRIALS; i++) {
        seed = (uint64_t)i + 1;
        add_random(&reference[i], REFERENCE_PEAKS);
        add_random(&mix[i], QUERY_PEAKS);
        add_part(&music[i], &mix[i], 0.5, 0, FRAMES);
        add_random(&music[i], QUERY_PEAKS / 2);
    }
    ut_index *index = index_of(reference, TRIALS);
    for (int i = 0; i < TRIALS; i++) {
        double nats = weigh_at(index, i, &mix[i], &music[i], false).spread;
        sum += exp(nats);
        above += nats > 5;
        ut_peaks_clear(&reference[i]);
        ut_peaks_clear(&mix[i]);
        ut_peaks_clear(&music[i]);
    }
    ut_index_close(&index);
    assert_true(sum / TRIALS < 3);
    assert_true(above <= TRIALS * 3 * exp(-5) + 3);
}

static void test_music_under_speech_is_found_and_placed(void **state)
{
    (void)state;
    seed = 7;
    ut_peaks reference = {0}, mix = {0}, music = {0};
    add_random(&reference, REFERENCE_PEAKS);
    add_random(&mix, QUERY_PEAKS);
    add_part(&music, &reference, 0.25, 0, FRAMES); /* nothing of it in the mixture */
    add_random(&music, QUERY_PEAKS);
    ut_index *index = index_of(&reference, 1);
    weighed w = weigh(index, &mix, &music, true);
    assert_true(w.evidence.nats > 50);
    assert_true(w.spread > 0.7 * w.evidence.nats && w.spread <= w.evidence.nats);
    assert_true(w.elsewhere < 8);
    assert_true(llabs(w.evidence.begin - (int64_t)index->tracks[0].origin) <= 1);
    assert_int_equal(w.evidence.witness, UT_WITNESS_MUSIC);
    assert_true(w.evidence.found > 0.2 && w.evidence.found < 0.35 && w.evidence.chance < 0.1);
    assert_true(weigh(index, &music, NULL, false).evidence.nats > 30); /* one witness alone */
    ut_index_close(&index);
    ut_peaks_clear(&reference);
    ut_peaks_clear(&mix);
    ut_peaks_clear(&music);
}

/* One chord in common is many peaks, but one coincidence. */
static void test_a_burst_does_not_count(void **state)
{
    (void)state;
    seed = 9;
    ut_peaks reference = {0}, mix = {0};
    add_random(&reference, REFERENCE_PEAKS);
    for (int i = 0; i < 20; i++)
        add(&reference, 322, LOW + 21 * i);
    sort(&reference);
    add_random(&mix, QUERY_PEAKS);
    add_part(&mix, &reference, 1, 322, 323);
    ut_index *index = index_of(&reference, 1);
    weighed w = weigh(index, &mix, NULL, true);
    assert_true(w.evidence.nats > 25);
    assert_true(w.spread < 5);
    ut_index_close(&index);
    ut_peaks_clear(&reference);
    ut_peaks_clear(&mix);
}

/* The same chord again and again fits at every beat. */
static void test_repetition_shows_elsewhere(void **state)
{
    (void)state;
    seed = 11;
    ut_peaks reference = {0}, mix = {0};
    for (int beat = 0; beat < FRAMES / GRID_FRAMES; beat++)
        for (int note = 0; note < 8; note++)
            if (synth_random(&seed) < 0.6)
                add(&reference, beat * GRID_FRAMES, LOW + 40 * note);
    sort(&reference);
    add_part(&mix, &reference, 1, 0, FRAMES);
    add_random(&mix, QUERY_PEAKS / 2);
    ut_index *index = index_of(&reference, 1);
    weighed w = weigh(index, &mix, NULL, true);
    assert_true(w.elsewhere > 0.3 * w.evidence.nats);
    ut_index_close(&index);
    ut_peaks_clear(&reference);
    ut_peaks_clear(&mix);
}

static void test_nothing_there(void **state)
{
    (void)state;
    seed = 13;
    ut_peaks reference = {0}, mix = {0};
    add_random(&reference, REFERENCE_PEAKS);
    add_random(&mix, QUERY_PEAKS);
    ut_index *index = index_of(&reference, 1);
    ut_evidence_scratch *scratch = NULL;
    ut_evidence evidence = {.nats = 123};
    ut_query query;
    assert_int_equal(ut_evidence_open(&scratch, NULL), UT_OK);
    assert_int_equal(ut_query_init(&query, ut_params_find("p3"), NULL), UT_OK);
    assert_int_equal(ut_query_set(&query, 0, FRAMES, &mix, NULL, NULL), UT_OK);
    assert_false(ut_evidence_weigh(scratch, index, &query, (int64_t)index->tracks[0].origin - FRAMES, &evidence));
    assert_true(evidence.nats == 123);
    ut_query_clear(&query);
    ut_evidence_close(&scratch);
    ut_index_close(&index);
    ut_peaks_clear(&reference);
    ut_peaks_clear(&mix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_hypotheses_stay_under_the_bound),
        cmocka_unit_test(test_music_under_speech_is_found_and_placed),
        cmocka_unit_test(test_a_burst_does_not_count),
        cmocka_unit_test(test_repetition_shows_elsewhere),
        cmocka_unit_test(test_nothing_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
