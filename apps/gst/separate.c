#include "apps/gst/separate.h"

#include <gst/audio/audio.h>
#include <string.h>

#include "separator/unmix.h"

GST_DEBUG_CATEGORY_STATIC(separate_debug);
#define GST_CAT_DEFAULT separate_debug

/* Time stamps that are off by more begin a new run; rounding and clocks' drift between buffers are less. */
#define TOLERANCE (40 * GST_MSECOND)

typedef enum { OUTPUT_MUSIC, OUTPUT_SPEECH } output_kind;
enum { PROP_0, PROP_MODEL, PROP_BACKEND, PROP_PRECISION, PROP_OUTPUT };

typedef struct {
    GstElement parent;
    GstPad *sink, *src;
    char *model_name, *backend; /* the object's lock guards these and the next three */
    ut_precision precision;
    output_kind output;
    GstClockTime latency;
    /* Of the streaming thread, and of state changes while there is none. */
    ut_model *model;
    ut_unmix *unmix;
    GstAudioInfo info;
    output_kind stem;              /* `output` as of the last caps */
    GstClockTime start;            /* of the run's first frame; NONE: none came yet, or it has no time */
    guint64 frames_in, frames_out; /* of the run */
    gboolean discont;              /* the next buffer begins a run */
    GstFlowReturn flow;            /* of the last push */
} UtGstSeparate;

typedef struct {
    GstElementClass parent_class;
} UtGstSeparateClass;

G_DEFINE_TYPE(UtGstSeparate, ut_gst_separate, GST_TYPE_ELEMENT)

#define CAPS                                                                                                           \
    "audio/x-raw, format = (string) " GST_AUDIO_NE(F32) ", layout = (string) interleaved, rate = (int) [ 1000, "       \
                                                        "384000 ], channels = (int) [ 1, 32 ]"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(CAPS));

static GType output_type(void)
{
    static const GEnumValue values[] = {{OUTPUT_MUSIC, "Music: what the network finds", "music"},
                                        {OUTPUT_SPEECH, "Speech: the input less the music", "speech"},
                                        {0, NULL, NULL}};
    static gsize type;
    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("UndertoneSeparateOutput", values));
    return type;
}

static GType precision_type(void)
{
    static const GEnumValue values[] = {{UT_PRECISION_AUTO, "What is fastest here", "auto"},
                                        {UT_PRECISION_F32, "32-bit float", "f32"},
                                        {UT_PRECISION_BF16, "bfloat16", "bf16"},
                                        {0, NULL, NULL}};
    static gsize type;
    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("UndertoneSeparatePrecision", values));
    return type;
}

/* --- audio ----------------------------------------------------------------------------------- */

static GstClockTime time_of(const UtGstSeparate *s, guint64 frame)
{
    return s->start + gst_util_uint64_scale(frame, GST_SECOND, (guint64)GST_AUDIO_INFO_RATE(&s->info));
}

static ut_status emit(void *arg, float *original, float *music, size_t frames, ut_err *err)
{
    UtGstSeparate *s = arg;
    size_t samples = frames * (size_t)GST_AUDIO_INFO_CHANNELS(&s->info), bytes = samples * sizeof *music;
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, bytes, NULL);
    if (!buffer)
        return ut_fail(err, UT_E_NOMEM, "%zu frames", frames);
    if (s->stem == OUTPUT_SPEECH) {
        for (size_t i = 0; i < samples; i++)
            original[i] -= music[i];
        gst_buffer_fill(buffer, 0, original, bytes);
    } else {
        gst_buffer_fill(buffer, 0, music, bytes);
    }
    if (GST_CLOCK_TIME_IS_VALID(s->start)) {
        GST_BUFFER_PTS(buffer) = time_of(s, s->frames_out);
        GST_BUFFER_DURATION(buffer) = time_of(s, s->frames_out + frames) - GST_BUFFER_PTS(buffer);
    }
    GST_BUFFER_OFFSET(buffer) = s->frames_out;
    GST_BUFFER_OFFSET_END(buffer) = s->frames_out + frames;
    if (s->discont)
        GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
    s->discont = FALSE;
    s->frames_out += frames;
    s->flow = gst_pad_push(s->src, buffer);
    return s->flow == GST_FLOW_OK ? UT_OK : ut_fail(err, UT_E_STOPPED, "%s", gst_flow_get_name(s->flow));
}

static GstFlowReturn fail(UtGstSeparate *s, const ut_err *err)
{
    GST_ELEMENT_ERROR(s, STREAM, FAILED, ("%s", err->text), (NULL));
    return GST_FLOW_ERROR;
}

static void run_begin(UtGstSeparate *s)
{
    s->start = GST_CLOCK_TIME_NONE;
    s->frames_in = s->frames_out = 0;
    s->discont = TRUE;
}

/* Gives out what is held back, and begins a new run. */
static GstFlowReturn drain(UtGstSeparate *s)
{
    ut_err err = {0};
    if (!s->unmix || s->frames_in == 0)
        return GST_FLOW_OK;
    s->flow = GST_FLOW_OK;
    ut_status rc = ut_unmix_finish(s->unmix, &err);
    GstFlowReturn flow = rc == UT_OK || rc == UT_E_STOPPED ? s->flow : fail(s, &err);
    if (ut_unmix_restart(s->unmix, &err) != UT_OK)
        flow = fail(s, &err);
    run_begin(s);
    return flow;
}

/* Audio that does not follow what came before is another run: it is not separated across the hole. */
static gboolean follows(const UtGstSeparate *s, GstBuffer *buffer)
{
    GstClockTime pts = GST_BUFFER_PTS(buffer);
    if (s->frames_in == 0 || !GST_CLOCK_TIME_IS_VALID(pts) || !GST_CLOCK_TIME_IS_VALID(s->start))
        return TRUE;
    GstClockTimeDiff off = GST_CLOCK_DIFF(time_of(s, s->frames_in), pts);
    return ABS(off) <= (GstClockTimeDiff)TOLERANCE;
}

static GstFlowReturn chain(GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
    UtGstSeparate *s = (UtGstSeparate *)parent;
    GstMapInfo map;
    ut_err err = {0};
    (void)pad;
    if (!s->unmix) {
        gst_buffer_unref(buffer);
        return GST_FLOW_NOT_NEGOTIATED;
    }
    GstFlowReturn flow = follows(s, buffer) ? GST_FLOW_OK : drain(s);
    if (flow != GST_FLOW_OK || !gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        gst_buffer_unref(buffer);
        return flow != GST_FLOW_OK ? flow : GST_FLOW_ERROR;
    }
    size_t frames = map.size / (size_t)GST_AUDIO_INFO_BPF(&s->info);
    if (s->frames_in == 0)
        s->start = GST_BUFFER_PTS(buffer);
    s->frames_in += frames;
    s->flow = GST_FLOW_OK;
    ut_status rc = ut_unmix_push(s->unmix, (const float *)(const void *)map.data, frames, &err);
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    return rc == UT_OK || (rc == UT_E_STOPPED && s->flow != GST_FLOW_OK) ? s->flow : fail(s, &err);
}

/* --- events and queries ---------------------------------------------------------------------- */

static gboolean set_caps(UtGstSeparate *s, GstCaps *caps)
{
    GstAudioInfo info;
    ut_err err = {0};
    if (!gst_audio_info_from_caps(&info, caps))
        return FALSE;
    GST_OBJECT_LOCK(s);
    char *backend = g_strdup(s->backend);
    ut_precision precision = s->precision;
    s->stem = s->output;
    GST_OBJECT_UNLOCK(s);
    gboolean same = s->unmix && GST_AUDIO_INFO_RATE(&info) == GST_AUDIO_INFO_RATE(&s->info) &&
                    GST_AUDIO_INFO_CHANNELS(&info) == GST_AUDIO_INFO_CHANNELS(&s->info);
    ut_status rc = UT_OK;
    s->info = info;
    if (!same) {
        ut_unmix_close(&s->unmix);
        run_begin(s);
        rc = ut_unmix_open(s->model, backend, precision, GST_AUDIO_INFO_RATE(&info), GST_AUDIO_INFO_CHANNELS(&info),
                           emit, s, &s->unmix, &err);
    }
    g_free(backend);
    if (rc != UT_OK) {
        fail(s, &err);
        return FALSE;
    }
    GST_OBJECT_LOCK(s);
    s->latency =
        gst_util_uint64_scale_ceil(ut_unmix_latency(s->unmix), GST_SECOND, (guint64)GST_AUDIO_INFO_RATE(&info));
    GST_OBJECT_UNLOCK(s);
    GST_INFO_OBJECT(s, "%s, latency %" GST_TIME_FORMAT, ut_unmix_backend(s->unmix), GST_TIME_ARGS(s->latency));
    if (!same)
        gst_element_post_message(GST_ELEMENT(s), gst_message_new_latency(GST_OBJECT(s)));
    return TRUE;
}

static gboolean sink_event(GstPad *pad, GstObject *parent, GstEvent *event)
{
    UtGstSeparate *s = (UtGstSeparate *)parent;
    GstCaps *caps = NULL;
    ut_err err = {0};
    gboolean ok = TRUE;
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS:
        gst_event_parse_caps(event, &caps);
        drain(s);
        ok = set_caps(s, caps);
        break;
    case GST_EVENT_SEGMENT:
    case GST_EVENT_STREAM_START:
    case GST_EVENT_GAP:
    case GST_EVENT_EOS:
        drain(s);
        break;
    case GST_EVENT_FLUSH_STOP:
        if (s->unmix && ut_unmix_restart(s->unmix, &err) != UT_OK)
            fail(s, &err);
        run_begin(s);
        break;
    default:
        break;
    }
    if (ok)
        return gst_pad_event_default(pad, parent, event);
    gst_event_unref(event);
    return FALSE;
}

static gboolean src_query(GstPad *pad, GstObject *parent, GstQuery *query)
{
    UtGstSeparate *s = (UtGstSeparate *)parent;
    gboolean live;
    GstClockTime min, max;
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
        return gst_pad_query_default(pad, parent, query);
    if (!gst_pad_peer_query(s->sink, query))
        return FALSE;
    gst_query_parse_latency(query, &live, &min, &max);
    GST_OBJECT_LOCK(s);
    min += s->latency;
    if (GST_CLOCK_TIME_IS_VALID(max)) /* what is held back here is a buffer, too */
        max += s->latency;
    GST_OBJECT_UNLOCK(s);
    gst_query_set_latency(query, live, min, max);
    return TRUE;
}

/* --- the element ----------------------------------------------------------------------------- */

static gboolean start(UtGstSeparate *s)
{
    char path[1024];
    ut_err err = {0};
    GST_OBJECT_LOCK(s);
    char *name = g_strdup(s->model_name);
    GST_OBJECT_UNLOCK(s);
    ut_status rc = ut_model_find(name, path, sizeof path, &err);
    if (rc == UT_OK)
        rc = ut_model_load(path, &s->model, &err);
    g_free(name);
    if (rc == UT_OK)
        return TRUE;
    if (rc == UT_E_NOTFOUND)
        GST_ELEMENT_ERROR(s, RESOURCE, NOT_FOUND, ("%s", err.text), (NULL));
    else
        GST_ELEMENT_ERROR(s, RESOURCE, OPEN_READ, ("%s", err.text), (NULL));
    return FALSE;
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition)
{
    UtGstSeparate *s = (UtGstSeparate *)element;
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
        run_begin(s);
        if (!start(s))
            return GST_STATE_CHANGE_FAILURE;
    }
    GstStateChangeReturn result = GST_ELEMENT_CLASS(ut_gst_separate_parent_class)->change_state(element, transition);
    if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
        (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE)) {
        ut_unmix_close(&s->unmix);
        ut_model_close(&s->model);
    }
    return result;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    UtGstSeparate *s = (UtGstSeparate *)object;
    GST_OBJECT_LOCK(s);
    if (id == PROP_MODEL) {
        g_free(s->model_name);
        s->model_name = g_value_get_string(value) ? g_value_dup_string(value) : g_strdup("default");
    } else if (id == PROP_BACKEND) {
        g_free(s->backend);
        s->backend = g_value_get_string(value) ? g_value_dup_string(value) : g_strdup("auto");
    } else if (id == PROP_PRECISION) {
        s->precision = (ut_precision)g_value_get_enum(value);
    } else if (id == PROP_OUTPUT) {
        s->output = (output_kind)g_value_get_enum(value);
    } else {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(s);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    UtGstSeparate *s = (UtGstSeparate *)object;
    GST_OBJECT_LOCK(s);
    if (id == PROP_MODEL)
        g_value_set_string(value, s->model_name);
    else if (id == PROP_BACKEND)
        g_value_set_string(value, s->backend);
    else if (id == PROP_PRECISION)
        g_value_set_enum(value, (gint)s->precision);
    else if (id == PROP_OUTPUT)
        g_value_set_enum(value, (gint)s->output);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    GST_OBJECT_UNLOCK(s);
}

static void finalize(GObject *object)
{
    UtGstSeparate *s = (UtGstSeparate *)object;
    ut_unmix_close(&s->unmix);
    ut_model_close(&s->model);
    g_free(s->model_name);
    g_free(s->backend);
    G_OBJECT_CLASS(ut_gst_separate_parent_class)->finalize(object);
}

static void ut_gst_separate_class_init(UtGstSeparateClass *class)
{
    const GParamFlags flags =
        (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | (GParamFlags)GST_PARAM_MUTABLE_READY);
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    element->change_state = change_state;
    g_object_class_install_property(
        object, PROP_MODEL,
        g_param_spec_string("model", "Model", "Name or file of the separation network", "default", flags));
    g_object_class_install_property(
        object, PROP_BACKEND,
        g_param_spec_string("backend", "Backend", "What computes: auto, ref, onednn, cuda", "auto", flags));
    g_object_class_install_property(object, PROP_PRECISION,
                                    g_param_spec_enum("precision", "Precision", "Number format of the computation",
                                                      precision_type(), UT_PRECISION_AUTO, flags));
    g_object_class_install_property(
        object, PROP_OUTPUT,
        g_param_spec_enum("output", "Output", "Which stem goes out", output_type(), OUTPUT_MUSIC, flags));
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    gst_element_class_set_static_metadata(element, "Music from under speech", "Filter/Effect/Audio",
                                          "Takes the speech off broadcast audio, or the music", "undertone");
    gst_type_mark_as_plugin_api(output_type(), 0);
    gst_type_mark_as_plugin_api(precision_type(), 0);
    GST_DEBUG_CATEGORY_INIT(separate_debug, "undertoneseparate", 0, "undertone's separator");
}

static void ut_gst_separate_init(UtGstSeparate *s)
{
    s->model_name = g_strdup("default");
    s->backend = g_strdup("auto");
    s->precision = UT_PRECISION_AUTO;
    s->sink = gst_pad_new_from_static_template(&sink_template, "sink");
    s->src = gst_pad_new_from_static_template(&src_template, "src");
    gst_pad_set_chain_function(s->sink, chain);
    gst_pad_set_event_function(s->sink, sink_event);
    gst_pad_set_query_function(s->src, src_query);
    GST_PAD_SET_PROXY_CAPS(s->sink);
    GST_PAD_SET_PROXY_CAPS(s->src);
    gst_element_add_pad(GST_ELEMENT(s), s->sink);
    gst_element_add_pad(GST_ELEMENT(s), s->src);
}
