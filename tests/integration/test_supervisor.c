/* The supervisor itself: devices that are not there, slow readers, silence, files as channels. */
#include "tests/integration/capture_support.h"

#include <math.h>

#include "core/clock.h"

static void bad_uris_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"gopher://a",
                                      "udp://127.0.0.1",
                                      "udp://somewhere:99999",
                                      "udp://host.name:5000",
                                      "rtp://239.0.0.1:5000?ttl=3",
                                      "test:loud",
                                      ""};
    for (size_t i = 0; i < COUNT(bad); i++) {
        ut_supervisor_options options = quick_options(bad[i]);
        ut_supervisor *supervisor = NULL;
        ut_err err = {0};
        assert_int_equal(ut_supervisor_open(&options, &supervisor, &err), UT_E_ARG);
        assert_null(supervisor);
        assert_true(err.text[0] && !strchr(err.text, '\n'));
    }
}

static void an_absent_device_is_told_and_recorded(void **state)
{
    (void)state;
    ut_supervisor_options options = quick_options("alsa:hw:77,7");
    heard *h = listen_to(&options);
    assert_false(hear(h, 1, 0, 1.5));
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_false(status.up);
    assert_true(status.rebuilds >= 2);
    assert_non_null(strstr(status.problem, "alsa:hw:77,7"));
    hear_out(h);
    assert_int_equal(h->segments, 0);
    assert_int_equal(h->gaps, 1);
    assert_true(h->gap[0].end_ns - h->gap[0].start_ns > UT_NS_PER_S);
    heard_close(&h);
}

static void a_slow_reader_costs_audio_and_it_is_recorded(void **state)
{
    (void)state;
    ut_supervisor_options options = quick_options("test:440");
    options.ring_s = 1.5;
    heard *h = listen_to(&options);
    assert_true(hear(h, 1, 0.5, 10));
    g_usleep(4500000); /* asleep for longer than the ring holds */
    assert_true(hear(h, 2, 1, 10));
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.dropped_samples > UT_RATE_HZ);
    hear_out(h);
    bool found = false;
    for (size_t i = 0; i < h->gaps; i++)
        if (strcmp(h->gap[i].reason, "overrun") == 0) {
            double gap_s = (double)(h->gap[i].end_ns - h->gap[i].start_ns) / UT_NS_PER_S;
            found = gap_s > 1 && gap_s < 6;
        }
    assert_true(found);
    heard_close(&h);
}

static void silence_is_reported_and_rebuilt_only_if_asked(void **state)
{
    (void)state;
    ut_supervisor_options options = quick_options("test:silence");
    options.silence_s = 1;
    heard *h = listen_to(&options);
    assert_true(hear(h, 1, 2.5, 10));
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.up && status.silent);
    assert_true(isinf(status.level_dbfs));
    assert_int_equal(status.rebuilds, 0);
    hear_out(h);
    assert_int_equal(h->segments, 1);
    heard_close(&h);
    options.rebuild_when_silent = true;
    h = listen_to(&options);
    (void)hear(h, 2, 0, 10);
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.rebuilds >= 1);
    hear_out(h);
    heard_close(&h);
}

static void the_level_is_that_of_the_tone(void **state)
{
    (void)state;
    ut_supervisor_options options = quick_options("test:440");
    heard *h = listen_to(&options);
    assert_true(hear(h, 1, 2, 10));
    ut_capture_status status;
    ut_supervisor_status(h->supervisor, &status);
    assert_true(status.up && !status.silent);
    assert_true(fabs(status.level_dbfs - 20 * log10(0.8 / sqrt(2))) < 1); /* audiotestsrc's volume is 0.8 */
    hear_out(h);
    heard_close(&h);
}

static void a_file_plays_once_at_the_speed_of_the_clock(void **state)
{
    (void)state;
    gchar *path = g_strdup(scratch_path("tone.wav"));
    make_media(path, "audiotestsrc num-buffers=100 samplesperbuffer=480 freq=440 ! "
                     "audio/x-raw,rate=16000,channels=1 ! wavenc");
    ut_supervisor_options options = quick_options(path);
    options.once = true;
    heard *h = listen_to(&options);
    (void)hear(h, HEARD_MAX, 0, 20);
    assert_true(h->ended); /* by itself */
    assert_int_equal(h->segments, 1);
    assert_int_equal(h->segment[0].frames, 48000);
    assert_true(fabs(tone_of(h->segment[0].samples, 48000) - 440) < 2);
    heard_close(&h);
    options.once = false; /* a channel that ends is opened again */
    h = listen_to(&options);
    assert_true(hear(h, 2, 0.5, 20));
    bool eos = false;
    hear_out(h);
    for (size_t i = 0; i < h->gaps; i++)
        eos |= strcmp(h->gap[i].reason, "eos") == 0;
    assert_true(eos);
    heard_close(&h);
    g_free(path);
}

static void stopping_is_prompt_even_while_it_waits(void **state)
{
    (void)state;
    ut_supervisor_options options = quick_options("srt://127.0.0.1:1");
    options.retry_min_s = options.retry_max_s = 3600;
    heard *h = listen_to(&options);
    g_usleep(300000);
    hear_out(h); /* gives up after 15 s itself */
    heard_close(&h);
}

static void eight_channels_do_not_disturb_each_other(void **state)
{
    (void)state;
    heard *channels[8];
    char uris[8][32];
    for (int i = 0; i < 8; i++) {
        snprintf(uris[i], sizeof uris[i], "test:%d", 300 + 100 * i);
        ut_supervisor_options options = quick_options(uris[i]);
        channels[i] = listen_to(&options);
    }
    for (int i = 0; i < 8; i++) {
        assert_true(hear(channels[i], 1, 2, 15));
        hear_out(channels[i]);
        assert_int_equal(channels[i]->segments, 1);
        assert_true(fabs(tone_of(channels[i]->segment[0].samples, 32000) - (300 + 100 * i)) < 5);
        heard_close(&channels[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_uris_are_refused),
        cmocka_unit_test(an_absent_device_is_told_and_recorded),
        cmocka_unit_test(a_slow_reader_costs_audio_and_it_is_recorded),
        cmocka_unit_test(silence_is_reported_and_rebuilt_only_if_asked),
        cmocka_unit_test(the_level_is_that_of_the_tone),
        cmocka_unit_test(a_file_plays_once_at_the_speed_of_the_clock),
        cmocka_unit_test(stopping_is_prompt_even_while_it_waits),
        cmocka_unit_test(eight_channels_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
