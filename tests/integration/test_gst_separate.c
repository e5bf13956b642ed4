/* The GStreamer element in pipelines: what it gives is what `separate` writes, whatever happens upstream. */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/audio/audio.h>
#include <math.h>
#include <sndfile.h>
#include <unistd.h>

#include "apps/separate/stems.h"
#include "apps/separate/wav.h"
#include "core/file.h"
#include "tests/unit/model_maker.h"
#include "tests/unit/support.h"

static char folder[64], model_path[128], input[128], music[128], speech[128];
static ut_model *model;

/* Passes what is positive: the "music" of these tests. */
static int setup(void **state)
{
    (void)state;
    size_t size;
    maker *m = maker_open(MAKER_INTEGERS, 1);
    maker_node(m, "{\"op\":\"act\",\"in\":\"x\",\"out\":\"y\",\"act\":\"relu\"}");
    char *bytes = maker_bytes(&m, "{\"kind\":\"wave\",\"block\":4096}", false, &size);
    strcpy(folder, "/tmp/ut-gst-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(model_path, sizeof model_path, "%s/model.safetensors", folder);
    snprintf(input, sizeof input, "%s/in.wav", folder);
    snprintf(music, sizeof music, "%s/music.wav", folder);
    snprintf(speech, sizeof speech, "%s/speech.wav", folder);
    ut_status rc = ut_file_write(model_path, bytes, size, NULL);
    free(bytes);
    return rc == UT_OK ? ut_model_load(model_path, &model, NULL) : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    ut_model_close(&model);
    snprintf(command, sizeof command, "rm -r %s", folder);
    gst_deinit();
    return system(command);
}

static float tone(int rate_hz, size_t frame, int channel)
{
    return (float)(0.4 * sin(6.2831853 * (300 + 500 * channel) * (double)frame / rate_hz));
}

static float *tones(int rate_hz, int channels, size_t frames)
{
    float *samples = malloc(frames * (size_t)channels * sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < frames * (size_t)channels; i++)
        samples[i] = tone(rate_hz, i / (size_t)channels, (int)(i % (size_t)channels));
    return samples;
}

static void write_input(int rate_hz, int channels, size_t frames)
{
    ut_wav *wav = NULL;
    ut_wav_format format = {.rate_hz = rate_hz, .channels = channels, .floats = true, .duration_s = 1};
    float *samples = tones(rate_hz, channels, frames);
    unlink(input);
    assert_int_equal(ut_wav_open(input, &format, &wav, NULL), UT_OK);
    assert_int_equal(ut_wav_write(wav, samples, frames, NULL), UT_OK);
    assert_int_equal(ut_wav_finish(&wav, NULL), UT_OK);
    free(samples);
}

/* What came out: samples, and where runs began. */
typedef struct {
    float *samples;
    size_t count, runs;
    GstClockTime run_pts[8], next_pts;
    size_t run_sample[8];
} heard;

static void keep(heard *h, GstSample *sample, int channels, int rate_hz)
{
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)) {
        assert_true(h->runs < 8);
        h->run_sample[h->runs] = h->count;
        h->run_pts[h->runs++] = pts;
    } else {
        assert_true(GST_CLOCK_DIFF(h->next_pts, pts) >= -1 && GST_CLOCK_DIFF(h->next_pts, pts) <= 1);
    }
    h->next_pts = pts + GST_BUFFER_DURATION(buffer);
    h->samples = realloc(h->samples, (h->count * sizeof(float)) + map.size + 1);
    memcpy(h->samples + h->count, map.data, map.size);
    h->count += map.size / sizeof(float);
    assert_int_equal(map.size % (sizeof(float) * (size_t)channels), 0);
    (void)rate_hz;
    gst_buffer_unmap(buffer, &map);
    gst_sample_unref(sample);
}

static GstElement *pipeline_of(const char *source, const char *properties)
{
    char text[1024];
    GError *error = NULL;
    snprintf(text, sizeof text, "%s ! undertoneseparate name=u model=%s backend=ref %s ! appsink name=out sync=false",
             source, model_path, properties);
    GstElement *pipeline = gst_parse_launch(text, &error);
    if (!pipeline)
        fail_msg("%s", error->message);
    return pipeline;
}

static void take_all(GstElement *pipeline, int channels, int rate_hz, heard *h)
{
    GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    for (GstSample *sample; (sample = gst_app_sink_pull_sample(GST_APP_SINK(out))) != NULL;)
        keep(h, sample, channels, rate_hz);
    gst_object_unref(out);
}

static void stop(GstElement *pipeline)
{
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

static heard play_file(const char *properties, int channels, int rate_hz)
{
    char source[512];
    heard h = {0};
    snprintf(source, sizeof source, "filesrc location=%s blocksize=3000 ! wavparse ! audioconvert", input);
    GstElement *pipeline = pipeline_of(source, properties);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    take_all(pipeline, channels, rate_hz, &h);
    stop(pipeline);
    return h;
}

static void same_as_file(const heard *h, const char *path, int channels)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    assert_non_null(file);
    size_t count = (size_t)info.frames * (size_t)channels;
    float *wanted = malloc(count * sizeof *wanted);
    assert_int_equal(sf_readf_float(file, wanted, info.frames), info.frames);
    sf_close(file);
    assert_int_equal(info.channels, channels);
    assert_int_equal(h->count, count);
    assert_memory_equal(h->samples, wanted, count * sizeof *wanted);
    free(wanted);
}

/* Bit for bit, to the last frame, at rates that the network does not have. */
static void gives_what_separate_writes(void **state)
{
    (void)state;
    static const struct {
        int rate_hz, channels;
        size_t frames;
    } cases[] = {{16000, 1, 40000}, {44100, 2, 100001}, {48000, 6, 30000}, {8000, 1, 9000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        ut_stems_result result;
        const ut_stems_options options = {
            .model = model, .backend = "ref", .floats = true, .music = music, .speech = speech};
        write_input(cases[i].rate_hz, cases[i].channels, cases[i].frames);
        assert_int_equal(ut_stems_write(input, &options, &result, NULL), UT_OK);
        heard h = play_file("", cases[i].channels, cases[i].rate_hz);
        same_as_file(&h, music, cases[i].channels);
        assert_int_equal(h.runs, 1);
        assert_int_equal(h.run_pts[0], 0);
        free(h.samples);
        h = play_file("output=speech", cases[i].channels, cases[i].rate_hz);
        same_as_file(&h, speech, cases[i].channels);
        free(h.samples);
    }
}

static void push(GstElement *source, const float *samples, size_t frames, GstClockTime pts)
{
    GstBuffer *buffer = gst_buffer_new_memdup(samples, frames * sizeof *samples);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(frames, GST_SECOND, 16000);
    assert_int_equal(gst_app_src_push_buffer(GST_APP_SRC(source), buffer), GST_FLOW_OK);
}

#define APP_SOURCE "appsrc name=in format=time caps=audio/x-raw,format=F32LE,layout=interleaved,rate=16000,channels=1"

/* A hole in the time stamps ends a run: its tail comes out, and the next begins at its own time. */
static void a_jump_begins_a_new_run(void **state)
{
    (void)state;
    heard h = {0};
    float *samples = tones(16000, 1, 16000);
    GstElement *pipeline = pipeline_of(APP_SOURCE, "");
    GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    push(in, samples, 10000, GST_SECOND);
    push(in, samples + 10000, 6000, GST_SECOND + 625 * GST_MSECOND + 3 * GST_MSECOND); /* jitter */
    push(in, samples, 12000, 60 * GST_SECOND);
    gst_app_src_end_of_stream(GST_APP_SRC(in));
    take_all(pipeline, 1, 16000, &h);
    assert_int_equal(h.runs, 2);
    assert_int_equal(h.run_pts[0], GST_SECOND);
    assert_int_equal(h.run_sample[1], 16000);
    assert_int_equal(h.run_pts[1], 60 * GST_SECOND);
    assert_int_equal(h.count, 28000);
    for (size_t i = 0; i < h.count; i++) { /* relu, aligned, in both runs */
        float wanted = fmaxf(samples[i < 16000 ? i : i - 16000], 0);
        assert_true(fabsf(h.samples[i] - wanted) < 1e-6F);
    }
    gst_object_unref(in);
    stop(pipeline);
    free(samples);
    free(h.samples);
}

/* What was on its way when the pipeline is flushed does not come out later. */
static void a_flush_forgets(void **state)
{
    (void)state;
    heard h = {0};
    float *samples = tones(16000, 1, 16000);
    GstElement *pipeline = pipeline_of(APP_SOURCE, "");
    GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in"), *u = gst_bin_get_by_name(GST_BIN(pipeline), "u");
    GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GstPad *pad = gst_element_get_static_pad(u, "sink");
    GstSegment segment;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    push(in, samples + 5000, 11000, 0);
    gst_sample_unref(gst_app_sink_pull_sample(GST_APP_SINK(out))); /* it is through, and some of it held back */
    assert_true(gst_pad_send_event(pad, gst_event_new_flush_start()));
    assert_true(gst_pad_send_event(pad, gst_event_new_flush_stop(TRUE)));
    gst_segment_init(&segment, GST_FORMAT_TIME);
    assert_true(gst_pad_send_event(pad, gst_event_new_segment(&segment)));
    push(in, samples, 16000, 7 * GST_SECOND);
    gst_app_src_end_of_stream(GST_APP_SRC(in));
    take_all(pipeline, 1, 16000, &h);
    assert_int_equal(h.runs, 1);
    assert_int_equal(h.run_pts[0], 7 * GST_SECOND);
    assert_int_equal(h.count, 16000);
    for (size_t i = 0; i < h.count; i++)
        assert_true(fabsf(h.samples[i] - fmaxf(samples[i], 0)) < 1e-6F);
    gst_object_unref(pad);
    gst_object_unref(u);
    gst_object_unref(in);
    gst_object_unref(out);
    stop(pipeline);
    free(samples);
    free(h.samples);
}

/* In a live pipeline, on top of the source's own. */
static void a_live_pipeline_hears_of_the_latency(void **state)
{
    (void)state;
    static const int rates[] = {16000, 44100, 8000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        char source[256];
        heard h = {0};
        int rate = rates[i];
        snprintf(source, sizeof source,
                 "audiotestsrc is-live=true num-buffers=100 samplesperbuffer=%d ! "
                 "audio/x-raw,format=F32LE,rate=%d,channels=1",
                 rate / 100, rate);
        GstElement *pipeline = pipeline_of(source, "");
        GstQuery *query = gst_query_new_latency();
        gboolean live;
        GstClockTime least, most, base;
        assert_int_equal(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_ASYNC);
        take_all(pipeline, 1, rate, &h); /* a second, live */
        GstElement *u = gst_bin_get_by_name(GST_BIN(pipeline), "u");
        assert_true(gst_element_query(u, query));
        gst_object_unref(u);
        gst_query_parse_latency(query, &live, &least, &most);
        assert_true(live);
        base = 10 * GST_MSECOND; /* the source's own: a buffer */
        assert_int_equal(h.count, 100 * (size_t)(rate / 100));
        /* The block of 4096, of which the middle half is kept, and no more than 250 ms of two converters on top. */
        assert_true(least - base >= 3072 * GST_SECOND / 16000);
        assert_true(least - base <= 3072 * GST_SECOND / 16000 + 250 * GST_MSECOND);
        gst_query_unref(query);
        stop(pipeline);
        free(h.samples);
    }
}

/* Frames that come out by themselves once `frames` are in. */
static size_t frames_out_after(int rate, size_t frames, GstClockTime *latency)
{
    char caps[256];
    heard h = {0};
    float *samples = tones(rate, 1, frames);
    snprintf(caps, sizeof caps,
             "appsrc name=in format=time caps=audio/x-raw,format=F32LE,layout=interleaved,rate=%d,channels=1", rate);
    GstElement *pipeline = pipeline_of(caps, "");
    GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in"), *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GstElement *u = gst_bin_get_by_name(GST_BIN(pipeline), "u");
    GstQuery *query = gst_query_new_latency();
    gboolean live;
    GstClockTime most;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (size_t at = 0; at < frames; at += (size_t)rate / 100)
        push(in, samples + at, (size_t)rate / 100, gst_util_uint64_scale(at, GST_SECOND, (guint64)rate));
    for (GstSample *sample; (sample = gst_app_sink_try_pull_sample(GST_APP_SINK(out), 2 * GST_SECOND)) != NULL;)
        keep(&h, sample, 1, rate);
    assert_true(gst_element_query(u, query));
    gst_query_parse_latency(query, &live, latency, &most);
    gst_query_unref(query);
    gst_object_unref(in);
    gst_object_unref(out);
    gst_object_unref(u);
    stop(pipeline);
    free(samples);
    free(h.samples);
    return h.count;
}

static void what_is_held_back_is_no_more_than_the_latency(void **state)
{
    (void)state;
    static const int rates[] = {16000, 44100, 48000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        size_t frames = (size_t)rates[i] / 100 * 137;
        GstClockTime latency = 0;
        size_t out = frames_out_after(rates[i], frames, &latency);
        size_t held = (size_t)gst_util_uint64_scale_ceil(latency, (guint64)rates[i], GST_SECOND);
        if (out + held < frames)
            fail_msg("%d Hz: %zu frames in, %zu out, latency %zu", rates[i], frames, out, held);
    }
}

static void a_model_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    GError *error = NULL;
    GstElement *pipeline =
        gst_parse_launch("audiotestsrc num-buffers=1 ! undertoneseparate model=nowhere ! fakesink", &error);
    assert_non_null(pipeline);
    assert_int_equal(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, GST_SECOND, GST_MESSAGE_ERROR);
    assert_non_null(message);
    gst_message_parse_error(message, &error, NULL);
    assert_true(g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
    assert_non_null(strstr(error->message, "model \"nowhere\""));
    g_error_free(error);
    gst_message_unref(message);
    gst_object_unref(bus);
    stop(pipeline);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_separate_writes),
        cmocka_unit_test(a_jump_begins_a_new_run),
        cmocka_unit_test(a_flush_forgets),
        cmocka_unit_test(a_live_pipeline_hears_of_the_latency),
        cmocka_unit_test(what_is_held_back_is_no_more_than_the_latency),
        cmocka_unit_test(a_model_that_is_not_there_is_an_error),
    };
    GError *error = NULL;
    gst_init(&argc, &argv);
    /* By hand: a plugin with a sanitizer in it is none that GStreamer's scanner could look at. */
    if (!gst_plugin_load_file(UT_GST_PLUGIN, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
