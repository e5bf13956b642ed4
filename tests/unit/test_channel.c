/* A channel under way: segments, gaps, changes of the catalogue, failures of the recogniser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/log.h"
#include "cuesheet/cue.h"
#include "pipeline/channel.h"
#include "tests/unit/fake_recognition.h"
#include "tests/unit/fake_store.h"

typedef struct {
    ut_catalogue *catalogue;
    ut_journal *journal;
    ut_channel *channel;
    int64_t samples; /* of the segment so far */
} fixture;

static int setup(void **state)
{
    static fixture f;
    f = (fixture){0};
    fake_store_reset();
    fake_catalogue_set(1);
    ut_log_set_level(UT_LOG_OFF);
    ut_channel_options options = {.params = "p3", .unidentified = true};
    assert_int_equal(ut_catalogue_open(NULL, "p3", &f.catalogue, NULL), UT_OK);
    assert_int_equal(ut_journal_start("fake:", NULL, NULL, &f.journal, NULL), UT_OK);
    options.catalogue = f.catalogue;
    options.journal = f.journal;
    assert_int_equal(ut_channel_open(&options, "one", &f.channel, NULL), UT_OK);
    *state = &f;
    return 0;
}

/* Closes the channel and gives what got into the store. */
static fake_store_state conclude(fixture *f)
{
    size_t lost = 1;
    if (f->channel)
        assert_int_equal(ut_channel_finish(f->channel, NULL), UT_OK);
    ut_channel_close(&f->channel);
    ut_journal_stop(&f->journal, 60, &lost);
    assert_int_equal(lost, 0);
    ut_catalogue_close(&f->catalogue);
    assert_int_equal(fake_snapshots(), 0);
    return fake_store();
}

static void begin(fixture *f, int64_t start_s)
{
    ut_segment segment = {
        .channel = "one", .source = "test", .start_ns = start_s * UT_NS_PER_S, .time_source = "given"};
    ut_capture_item item = {.kind = UT_CAPTURE_SEGMENT, .segment = &segment};
    assert_int_equal(ut_channel_take(f->channel, &item, NULL), UT_OK);
    f->samples = 0;
}

/* Plays `level` for so many seconds in chunks of a size of its own. */
static ut_status play(fixture *f, int level, double seconds)
{
    static float chunk[777];
    ut_status rc = UT_OK;
    for (size_t i = 0; i < 777; i++)
        chunk[i] = (float)level / 1000;
    for (int64_t left = (int64_t)(seconds * UT_RATE_HZ); left > 0;) {
        size_t n = left < 777 ? (size_t)left : 777;
        ut_capture_item item = {.kind = UT_CAPTURE_AUDIO, .samples = chunk, .frames = n, .first_sample = f->samples};
        rc = ut_channel_take(f->channel, &item, NULL);
        f->samples += (int64_t)n;
        left -= (int64_t)n;
    }
    return rc;
}

static void gap(fixture *f, int64_t start_s, int64_t end_s)
{
    ut_gap lost = {
        .channel = "one", .start_ns = start_s * UT_NS_PER_S, .end_ns = end_s * UT_NS_PER_S, .reason = "no-data"};
    ut_capture_item item = {.kind = UT_CAPTURE_GAP, .gap = &lost};
    assert_int_equal(ut_channel_take(f->channel, &item, NULL), UT_OK);
}

static void segments_and_gaps_are_recorded(void **state)
{
    fixture *f = *state;
    gap(f, 90, 100);
    begin(f, 100);
    play(f, 0, 2);
    play(f, 7, 5);
    play(f, 0, 2);
    play(f, 8, 3); /* on to the end of the segment */
    gap(f, 112, 120);
    begin(f, 120);
    play(f, 150, 4); /* not in the catalogue */
    fake_store_state in = conclude(f);
    assert_int_equal(in.segments, 2);
    assert_int_equal(in.ended, 2);
    assert_int_equal(in.gaps, 2);
    assert_int_equal(in.airplays, 3);
    assert_int_equal(in.events, 5);
    assert_int_equal(in.recording_ids[0], 7);
    assert_int_equal(in.starts[0], 102 * UT_NS_PER_S);
    assert_int_equal(in.recording_ids[1], 8);
    assert_int_equal(in.starts[1], 109 * UT_NS_PER_S);
    assert_int_equal(in.recording_ids[2], 0);
    assert_int_equal(in.starts[2], 120 * UT_NS_PER_S);
    assert_true(in.done);
}

static void statistics_add_up(void **state)
{
    fixture *f = *state;
    begin(f, 0);
    play(f, 7, 5);
    play(f, 0, 2);
    play(f, 150, 4);
    play(f, 0, 2);
    assert_int_equal(ut_channel_finish(f->channel, NULL), UT_OK);
    ut_channel_stats stats = ut_channel_describe(f->channel);
    assert_true(stats.samples == 13 * UT_RATE_HZ);
    assert_true(stats.music_s[UT_USE_BACKGROUND] == 5);
    assert_true(stats.unidentified_s == 4);
    assert_int_equal(stats.cues[UT_IDENTIFIED], 1);
    assert_int_equal(stats.cues[UT_UNIDENTIFIED], 1);
    conclude(f);
}

static void checkpoints_go_on_without_music(void **state)
{
    fixture *f = *state;
    begin(f, 0);
    play(f, 0, 200);
    for (int i = 0; i < 10000 && fake_store().resume_sample < 180 * UT_RATE_HZ; i++)
        usleep(1000);
    assert_in_range(fake_store().resume_sample, 180 * UT_RATE_HZ, 200 * UT_RATE_HZ);
    assert_false(fake_store().done);
    conclude(f);
}

static void a_new_catalogue_takes_over_without_loss(void **state)
{
    fixture *f = *state;
    begin(f, 0);
    play(f, 0, 30);
    play(f, 7, 5);
    play(f, 0, 2);
    play(f, 150, 4); /* unknown to version 1 … */
    fake_catalogue_set(2);
    play(f, 150, 6); /* … but the stretch is still open when version 2 comes: it is heard again, whole */
    play(f, 0, 3);
    play(f, 160, 5);
    fake_store_state in = conclude(f);
    assert_int_equal(in.airplays, 3);
    assert_int_equal(in.recording_ids[0], 7);
    assert_int_equal(in.catalogue_versions[0], 1);
    assert_int_equal(in.recording_ids[1], 150);
    assert_int_equal(in.starts[1], 37 * UT_NS_PER_S);
    assert_int_equal(in.catalogue_versions[1], 2);
    assert_int_equal(in.recording_ids[2], 160);
}

static void endless_music_is_concluded_in_the_end(void **state)
{
    fixture *f = *state;
    begin(f, 0);
    play(f, 150, 200); /* longer than the history: the new catalogue has to wait … */
    fake_catalogue_set(2);
    play(f, 150, 599);
    assert_int_equal(fake_store().airplays, 0);
    play(f, 150, 10); /* … but not for ever */
    fake_store_state in = conclude(f);
    assert_int_equal(in.airplays, 2);
    assert_int_equal(in.recording_ids[0], 0);
    assert_int_equal(in.recording_ids[1], 150);
    assert_in_range(in.starts[1], 0, 810 * UT_NS_PER_S);
}

static void a_failure_costs_its_time_and_no_more(void **state)
{
    fixture *f = *state;
    begin(f, 1000);
    play(f, 7, 5);
    play(f, 0, 5);
    fake_analyser_fail(1);
    play(f, 0, 3);
    assert_int_equal(ut_channel_describe(f->channel).failures, 1);
    play(f, 0, 17);
    play(f, 8, 5); /* recognised again */
    fake_store_state in = conclude(f);
    assert_int_equal(in.airplays, 2);
    assert_int_equal(in.recording_ids[1], 8);
    assert_int_equal(in.starts[1], 1030 * UT_NS_PER_S); /* the clock did not slip */
    assert_int_equal(in.segments, 2);
    assert_int_equal(in.ended, 2);
    assert_int_equal(in.gaps, 1);
    assert_string_equal(in.gap_list[0].reason, "analysis");
    int64_t lost_ns = in.gap_list[0].end_ns - in.gap_list[0].start_ns;
    assert_in_range(lost_ns, 9 * UT_NS_PER_S, 11 * UT_NS_PER_S);
    assert_in_range(in.gap_list[0].start_ns, 1009 * UT_NS_PER_S, 1011 * UT_NS_PER_S);
}

static void a_failure_at_the_end_is_recorded_too(void **state)
{
    fixture *f = *state;
    begin(f, 1000);
    play(f, 0, 5);
    fake_analyser_fail(1);
    play(f, 0, 3);
    gap(f, 1008, 1010);
    fake_store_state in = conclude(f);
    assert_int_equal(in.gaps, 2);
    assert_string_equal(in.gap_list[0].reason, "analysis");
    assert_string_equal(in.gap_list[1].reason, "no-data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(segments_and_gaps_are_recorded, setup),
        cmocka_unit_test_setup(statistics_add_up, setup),
        cmocka_unit_test_setup(checkpoints_go_on_without_music, setup),
        cmocka_unit_test_setup(a_new_catalogue_takes_over_without_loss, setup),
        cmocka_unit_test_setup(endless_music_is_concluded_in_the_end, setup),
        cmocka_unit_test_setup(a_failure_costs_its_time_and_no_more, setup),
        cmocka_unit_test_setup(a_failure_at_the_end_is_recorded_too, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
