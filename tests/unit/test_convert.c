#include "tests/unit/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/convert.h"
#include "pipeline/gst.h"

#define SECONDS 2
#define MAX_CHANNELS 6

static const GstAudioChannelPosition surround[6] = {
    GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT,   GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER, GST_AUDIO_CHANNEL_POSITION_LFE1,
    GST_AUDIO_CHANNEL_POSITION_REAR_LEFT,    GST_AUDIO_CHANNEL_POSITION_REAR_RIGHT};

/* Noise in channel `only`, silence in the others; -1: noise in all. */
static float *noise(size_t frames, int channels, int only)
{
    float *samples = calloc(frames * (size_t)channels, sizeof *samples);
    uint32_t seed = 1;
    for (size_t i = 0; i < frames * (size_t)channels; i++) {
        seed = seed * 1664525 + 1013904223;
        if (only < 0 || i % (size_t)channels == (size_t)only)
            samples[i] = (float)(seed >> 8) / (1 << 24) - 0.5F;
    }
    return samples;
}

/* Converts in pieces of at most `piece` frames (0: of changing size); gives the count of frames. */
static size_t convert(int rate_hz, int channels, int only, bool drop_centre, size_t piece, float *out)
{
    GstAudioInfo info;
    gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_F32, rate_hz, channels, channels == 6 ? surround : NULL);
    ut_convert *c;
    assert_int_equal(ut_convert_open(&info, 16000, 1, drop_centre, &c, NULL), UT_OK);
    assert_int_equal(ut_convert_centre_dropped(c), drop_centre && channels == 6);
    size_t frames = (size_t)rate_hz * SECONDS, done = 0, total = 0, got;
    float *in = noise(frames, channels, only);
    const float *piece_out;
    for (size_t n = 0; done < frames; n++) {
        size_t want = piece ? piece : 1 + n * 7919 % 3000, take = frames - done < want ? frames - done : want;
        assert_int_equal(ut_convert_push(c, in + done * (size_t)channels, take, &piece_out, &got, NULL), UT_OK);
        if (got)
            memcpy(out + total, piece_out, got * sizeof *out);
        total += got;
        done += take;
    }
    assert_int_equal(ut_convert_push(c, NULL, 0, &piece_out, &got, NULL), UT_OK);
    if (got)
        memcpy(out + total, piece_out, got * sizeof *out);
    ut_convert_close(&c);
    free(in);
    return total + got;
}

static double rms(const float *samples, size_t frames)
{
    double sum = 0;
    for (size_t i = 0; i < frames; i++)
        sum += (double)samples[i] * samples[i];
    return sqrt(sum / (double)frames);
}

static float first[20000 * SECONDS], second[20000 * SECONDS];

static void cutting_changes_no_bit(void **state)
{
    (void)state;
    static const int rates[] = {48000, 44100, 32000, 16000, 8000};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++)
        for (int channels = 1; channels <= MAX_CHANNELS; channels += channels == 2 ? 4 : 1) {
            size_t count = convert(rates[r], channels, -1, false, 1024, first);
            assert_in_range(count, 16000 * SECONDS - 50, 16000 * SECONDS + 50);
            assert_int_equal(convert(rates[r], channels, -1, false, 0, second), count);
            assert_memory_equal(first, second, count * sizeof *first);
            assert_int_equal(convert(rates[r], channels, -1, false, 1, second), count);
            assert_memory_equal(first, second, count * sizeof *first);
        }
}

static void the_centre_is_left_out_when_asked(void **state)
{
    (void)state;
    size_t count = convert(48000, 6, 2, false, 1024, first);
    assert_true(rms(first, count) > 0.01); /* the usual downmix has it */
    count = convert(48000, 6, 2, true, 1024, first);
    assert_true(rms(first, count) == 0.0);
    static const int others[] = {0, 1, 4, 5};
    for (size_t i = 0; i < 4; i++) {
        count = convert(48000, 6, others[i], true, 1024, first);
        assert_true(rms(first, count) > 0.01);
    }
}

static void stereo_has_no_centre_to_drop(void **state)
{
    (void)state;
    size_t count = convert(48000, 2, -1, false, 1024, first);
    assert_int_equal(convert(48000, 2, -1, true, 1024, second), count);
    assert_memory_equal(first, second, count * sizeof *first);
}

static void stereo_to_mono_is_the_mean(void **state)
{
    (void)state;
    float in[8] = {0.5F, 0.25F, -1, 1, 0.125F, 0.125F, 1, 0};
    GstAudioInfo info;
    gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_F32, 16000, 2, NULL);
    ut_convert *c;
    const float *out;
    size_t got;
    assert_int_equal(ut_convert_open(&info, 0, 1, false, &c, NULL), UT_OK);
    assert_int_equal(ut_convert_rate_hz(c), 16000);
    assert_int_equal(ut_convert_push(c, in, 4, &out, &got, NULL), UT_OK);
    assert_int_equal(got, 4);
    static const float expected[] = {0.375F, 0, 0.125F, 0.5F};
    for (size_t i = 0; i < 4; i++)
        assert_float_equal(out[i], expected[i], 1e-6);
    ut_convert_close(&c);
}

int main(void)
{
    assert_int_equal(ut_gst_init(NULL), UT_OK);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting_changes_no_bit),
        cmocka_unit_test(the_centre_is_left_out_when_asked),
        cmocka_unit_test(stereo_has_no_centre_to_drop),
        cmocka_unit_test(stereo_to_mono_is_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
