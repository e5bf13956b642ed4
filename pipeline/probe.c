#include "pipeline/probe.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <gst/audio/audio.h>

#include "core/clock.h"
#include "core/config.h"
#include "pipeline/gst.h"
#include "pipeline/source.h"

/* One pipeline that measures one stream. */
typedef struct {
    GstElement *pipeline;
    GstBus *bus;
    ut_decode *decode;
    pthread_mutex_t lock; /* guards what follows */
    double sum, peak, seconds, first_s;
    uint64_t values;
} probe;

static GstFlowReturn on_sample(GstAppSink *sink, gpointer arg)
{
    probe *p = arg;
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstAudioInfo format;
    GstMapInfo map;
    if (!sample)
        return GST_FLOW_EOS;
    if (gst_sample_get_caps(sample) && gst_audio_info_from_caps(&format, gst_sample_get_caps(sample)) &&
        gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
        const float *values = (const float *)(const void *)map.data;
        size_t count = map.size / sizeof *values;
        pthread_mutex_lock(&p->lock);
        if (!p->values)
            p->first_s = ut_monotonic_s();
        for (size_t i = 0; i < count; i++) {
            p->sum += (double)values[i] * values[i];
            p->peak = fmax(p->peak, fabs((double)values[i]));
        }
        p->values += count;
        p->seconds += (double)map.size / format.bpf / format.rate;
        pthread_mutex_unlock(&p->lock);
        gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    }
    gst_sample_unref(sample);
    return GST_FLOW_OK;
}

static double heard_s(probe *p)
{
    pthread_mutex_lock(&p->lock);
    double seconds = p->seconds;
    pthread_mutex_unlock(&p->lock);
    return seconds;
}

static ut_status start(probe *p, const char *uri, const ut_choice *choice, ut_err *err)
{
    GstElement *sink;
    pthread_mutex_init(&p->lock, NULL);
    p->pipeline = gst_pipeline_new(NULL);
    p->bus = gst_element_get_bus(p->pipeline);
    ut_status rc = ut_decode_open(GST_BIN(p->pipeline), choice, &p->decode, &sink, err);
    if (rc != UT_OK || (rc = ut_source_build(GST_BIN(p->pipeline), uri, p->decode, err)) != UT_OK)
        return rc;
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, p, NULL);
    gst_element_set_state(p->pipeline, GST_STATE_PLAYING); /* why it fails is on the bus */
    return UT_OK;
}

static void stop(probe *p)
{
    gst_element_set_state(p->pipeline, GST_STATE_NULL);
    ut_decode_close(&p->decode);
    gst_object_unref(p->bus);
    gst_object_unref(p->pipeline);
    pthread_mutex_destroy(&p->lock);
}

/* Until enough was heard, it ended, failed, or took too long. */
static ut_status listen(probe *p, const char *shown, const ut_probe_options *options, ut_err *err)
{
    double until_s = ut_monotonic_s() + options->timeout_s;
    bool ended = false;
    ut_status rc = UT_OK;
    while (rc == UT_OK && !ended && heard_s(p) < options->seconds) {
        GstMessage *message = gst_bus_timed_pop_filtered(p->bus, 50 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        ended = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
        rc = ut_decode_problem(p->decode, shown, message != NULL, err);
        if (rc == UT_OK && message && !ended)
            rc = ut_gst_fail(err, shown, message);
        if (message)
            gst_message_unref(message);
        if (rc == UT_OK && ut_monotonic_s() > until_s)
            break;
    }
    if (rc == UT_OK && heard_s(p) <= 0)
        rc = ut_fail(err, UT_E_IO, ended ? "%s: ended without audio" : "%s: no audio within %.0f s", shown,
                     options->timeout_s);
    return rc;
}

static void measure(probe *p, ut_probe_stream *out)
{
    pthread_mutex_lock(&p->lock);
    out->measured = p->values > 0;
    double power = p->values ? p->sum / (double)p->values : 0;
    out->rms_dbfs = power > 0 ? 10 * log10(power) : -INFINITY;
    out->peak_dbfs = p->peak > 0 ? 20 * log10(p->peak) : -INFINITY;
    pthread_mutex_unlock(&p->lock);
}

/* What the decoder's parsers know of one stream; false if it is not among those of the opened programme. */
static bool fill_in(ut_decode *decode, int pid, ut_probe_stream *out)
{
    ut_stream streams[UT_STREAMS_MAX];
    size_t count = ut_decode_streams(decode, streams, UT_STREAMS_MAX);
    for (size_t i = 0; i < count; i++)
        if (streams[i].pid == pid && (pid || streams[i].chosen)) {
            g_strlcpy(out->codec, streams[i].codec, sizeof out->codec);
            out->rate_hz = streams[i].rate_hz;
            out->channels = streams[i].channels;
            return streams[i].chosen;
        }
    return false;
}

static void list_programs(ut_decode *decode, ut_probe_result *out)
{
    ut_programs programs;
    ut_decode_programs(decode, &programs);
    for (size_t n = 0; n < programs.program_count; n++)
        for (size_t i = 0; i < programs.stream_count && out->count < UT_STREAMS_MAX; i++) {
            const ut_program_stream *s = &programs.streams[i];
            if (!s->audio || s->program != programs.programs[n])
                continue;
            ut_probe_stream *stream = &out->streams[out->count++];
            *stream = (ut_probe_stream){.program = s->program, .pid = s->pid, .description = s->description};
            g_strlcpy(stream->language, s->language, sizeof stream->language);
            g_strlcpy(stream->codec, s->codec, sizeof stream->codec);
            stream->chosen = fill_in(decode, s->pid, stream);
        }
}

/* A container without such tables. */
static void list_streams(ut_decode *decode, ut_probe_result *out)
{
    ut_stream streams[UT_STREAMS_MAX];
    size_t count = ut_decode_streams(decode, streams, UT_STREAMS_MAX);
    for (size_t i = 0; i < count; i++) {
        ut_probe_stream *stream = &out->streams[out->count++];
        *stream = (ut_probe_stream){
            .rate_hz = streams[i].rate_hz, .channels = streams[i].channels, .chosen = streams[i].chosen};
        g_strlcpy(stream->language, streams[i].language, sizeof stream->language);
        g_strlcpy(stream->codec, streams[i].codec, sizeof stream->codec);
    }
    if (!count) { /* a sound card, a test tone */
        out->streams[out->count++] = (ut_probe_stream){.chosen = true};
        g_strlcpy(out->streams[0].codec, "PCM", sizeof out->streams[0].codec);
    }
}

static ut_status look(const char *uri, const char *shown, const ut_probe_options *options, const ut_choice *choice,
                      ut_probe_result *list, ut_probe_stream *one, int *other, ut_err *err)
{
    probe p = {0};
    double start_s = ut_monotonic_s();
    ut_status rc = start(&p, uri, choice, err);
    if (rc == UT_OK)
        rc = listen(&p, shown, options, err);
    if (p.decode && other)
        *other = ut_decode_other_program(p.decode);
    if (rc == UT_OK && list) {
        list->first_audio_s = p.first_s - start_s;
        ut_decode_container(p.decode, list->container, sizeof list->container);
        list_programs(p.decode, list);
        if (!list->count)
            list_streams(p.decode, list);
        for (size_t i = 0; i < list->count; i++)
            if (list->streams[i].chosen)
                measure(&p, &list->streams[i]);
    } else if (rc == UT_OK) {
        (void)fill_in(p.decode, one->pid, one);
        measure(&p, one);
    }
    stop(&p);
    return rc;
}

ut_status ut_probe(const char *uri, const ut_probe_options *options, ut_probe_result *out, ut_err *err)
{
    ut_source_info info;
    ut_status rc;
    if ((rc = ut_gst_init(err)) != UT_OK || (rc = ut_source_describe(uri, &info, err)) != UT_OK)
        return rc;
    char shown[512];
    ut_redact(uri, shown, sizeof shown);
    ut_probe_result found = {.kind = info.name};
    ut_choice choice = options->choice;
    int other = 0;
    rc = look(uri, shown, options, &choice, &found, NULL, &other, err);
    if (rc != UT_OK && other) {
        choice.program = other;
        rc = look(uri, shown, options, &choice, &found, NULL, NULL, err);
    }
    if (rc != UT_OK)
        return rc;
    /* The others one by one: a demuxer gives one programme, and a scrambled or silent stream fails on its own. */
    for (size_t i = 0; i < found.count; i++) {
        ut_probe_stream *stream = &found.streams[i];
        ut_choice own = {.program = stream->program, .pid = stream->pid};
        ut_err ignored;
        if (!stream->chosen && stream->pid)
            stream->measured = look(uri, shown, options, &own, NULL, stream, NULL, &ignored) == UT_OK;
    }
    *out = found;
    return UT_OK;
}
