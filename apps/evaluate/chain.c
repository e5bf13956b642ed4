#include "apps/evaluate/chain.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>

#include "apps/evaluate/signal.h"

#define TIMEOUT_S 60

static const char launch[] =
    "appsrc name=in format=time caps=audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved"
    " ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2"
    " ! twolamemp2enc mode=joint bitrate=128 ! mpegaudioparse ! avdec_mp2float ! audio/x-raw,rate=48000,channels=2"
    " ! audioconvert ! audioresample"
    " ! appsink name=out sync=false caps=audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved";

static ut_status bus_failure(GstElement *pipeline, ut_err *err)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    gst_object_unref(bus);
    if (!message)
        return ut_fail(err, UT_E_IO, "broadcast chain: no audio within %d s", TIMEOUT_S);
    GError *error = NULL;
    gst_message_parse_error(message, &error, NULL);
    ut_status rc = ut_fail(err, UT_E_IO, "broadcast chain: %s", error->message);
    g_error_free(error);
    gst_message_unref(message);
    return rc;
}

static void feed(GstAppSrc *source, const float *in, size_t frames)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, frames * sizeof *in, NULL);
    gst_buffer_fill(buffer, 0, in, frames * sizeof *in);
    GST_BUFFER_PTS(buffer) = 0;
    gst_app_src_push_buffer(source, buffer);
    gst_app_src_end_of_stream(source);
}

/* Reads to the end of the stream; what is missing of `frames` becomes silence. */
static ut_status drain(GstElement *pipeline, GstAppSink *sink, float *out, size_t frames, ut_err *err)
{
    size_t have = 0;
    GstSample *sample = NULL;
    while ((sample = gst_app_sink_try_pull_sample(sink, TIMEOUT_S * GST_SECOND))) {
        GstMapInfo map;
        GstBuffer *buffer = gst_sample_get_buffer(sample);
        if (gst_buffer_map(buffer, &map, GST_MAP_READ)) {
            size_t n = map.size / sizeof *out;
            if (n > frames - have)
                n = frames - have;
            memcpy(out + have, map.data, n * sizeof *out);
            have += n;
            gst_buffer_unmap(buffer, &map);
        }
        gst_sample_unref(sample);
    }
    if (!gst_app_sink_is_eos(sink) || have < frames / 2)
        return bus_failure(pipeline, err);
    memset(out + have, 0, (frames - have) * sizeof *out);
    return UT_OK;
}

ut_status ut_chain_run(const float *in, size_t frames, float *out, ut_err *err)
{
    GError *error = NULL;
    gst_init(NULL, NULL);
    float *processed = malloc((frames ? frames : 1) * sizeof *processed);
    if (!processed)
        return ut_fail(err, UT_E_NOMEM, "broadcast chain: %zu frames", frames);
    memcpy(processed, in, frames * sizeof *processed);
    ut_compress(processed, frames);

    GstElement *pipeline = gst_parse_launch(launch, &error);
    if (error) {
        ut_status rc = ut_fail(err, UT_E_UNSUPPORTED, "broadcast chain: %s", error->message);
        g_error_free(error);
        if (pipeline)
            gst_object_unref(pipeline);
        free(processed);
        return rc;
    }
    GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    feed(GST_APP_SRC(source), processed, frames);
    ut_status rc = drain(pipeline, GST_APP_SINK(sink), out, frames, err);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(source);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
    free(processed);
    return rc;
}
