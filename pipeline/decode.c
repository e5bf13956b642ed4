#include "pipeline/decode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <gst/pbutils/pbutils.h>
#include <gst/tag/tag.h>

#include "pipeline/gst.h"
#include "pipeline/ts_watch.h"

#define WAIT_BUFFERS 100 /* about three seconds of AAC */

typedef struct {
    GstPad *pad; /* owned */
    char *id;    /* GStreamer's stream id; owned */
    ut_stream stream;
    bool seen;       /* it had a buffer: its caps and tags are complete */
    bool silent;     /* it ended without one */
    unsigned waited; /* buffers in which it waited for a better one */
} candidate;

struct ut_decode {
    GstBin *pipeline;
    GstElement *parsebin, *convert, *sink;
    ut_choice choice;
    char language[8];

    pthread_mutex_t lock; /* guards what follows: written by the streaming thread */
    candidate candidates[UT_STREAMS_MAX];
    size_t candidate_count;
    bool exposed; /* the container is open and its streams are known */
    bool flowing; /* and data comes out */
    bool chosen, linked, video;
    char container[64];
    char unknown[96];
    ut_programs programs;
    size_t damage;
    double tolerance_s; /* of jumps */
    ut_ts_watch watch;  /* pid 0: it does not watch */
    bool jumped;
};

/* --- what a stream is -------------------------------------------------------------------------------------- */

static const char *caps_name(const GstCaps *caps)
{
    return caps && gst_caps_get_size(caps) ? gst_structure_get_name(gst_caps_get_structure(caps, 0)) : "";
}

static bool factory_takes(GstElementFactoryListType type, GstCaps *caps)
{
    GList *all = gst_element_factory_list_get_elements(type, GST_RANK_MARGINAL);
    GList *fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
    bool takes = fit != NULL;
    gst_plugin_feature_list_free(fit);
    gst_plugin_feature_list_free(all);
    return takes;
}

/* An elementary stream of pictures, as opposed to a container whose name also starts with "video/". */
static bool is_picture(GstCaps *caps)
{
    const char *name = caps_name(caps);
    if (g_str_has_prefix(name, "image/"))
        return true;
    GstElementFactoryListType video = GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO;
    return g_str_has_prefix(name, "video/") && !factory_takes(GST_ELEMENT_FACTORY_TYPE_DEMUXER, caps) &&
           (factory_takes(GST_ELEMENT_FACTORY_TYPE_PARSER | video, caps) ||
            factory_takes(GST_ELEMENT_FACTORY_TYPE_DECODER | video, caps));
}

static void describe_codec(const GstCaps *caps, char *text, size_t size)
{
    gchar *description = gst_pb_utils_get_codec_description(caps);
    g_strlcpy(text, description ? description : caps_name(caps), size);
    g_free(description);
}

/* A PID is the last part of the stream id that tsdemux makes: eight hexadecimal digits. */
static int pid_of(const char *id)
{
    const char *tail = strrchr(id, '/');
    tail = tail ? tail + 1 : id;
    size_t size = strlen(tail);
    if (size < 8)
        return 0;
    char *end;
    unsigned long pid = strtoul(tail + size - 8, &end, 16);
    return *end == '\0' && pid <= 0x1fff ? (int)pid : 0;
}

static void read_language(GstPad *pad, char *language, size_t size)
{
    GstEvent *event;
    for (guint i = 0; (event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, i)); i++) {
        GstTagList *tags;
        gst_event_parse_tag(event, &tags);
        gchar *code = NULL;
        if (gst_tag_list_get_string(tags, GST_TAG_LANGUAGE_CODE, &code))
            g_strlcpy(language, code, size);
        g_free(code);
        gst_event_unref(event);
    }
}

static void read_caps(candidate *c)
{
    GstCaps *caps = gst_pad_get_current_caps(c->pad);
    if (!caps)
        return;
    describe_codec(caps, c->stream.codec, sizeof c->stream.codec);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &c->stream.rate_hz);
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "channels", &c->stream.channels);
    gst_caps_unref(caps);
}

/* ISO 639-1 and both forms of 639-2 name the same language: "de", "ger", "deu". */
static bool same_language(const char *a, const char *b)
{
    const gchar *code_a = gst_tag_get_language_code_iso_639_2T(a);
    const gchar *code_b = gst_tag_get_language_code_iso_639_2T(b);
    return g_ascii_strcasecmp(code_a ? code_a : a, code_b ? code_b : b) == 0;
}

/* --- selection, in the streaming thread --------------------------------------------------------------------- */

static void on_element(GstBin *bin, GstBin *sub_bin, GstElement *element, ut_decode *decode)
{
    (void)bin;
    (void)sub_bin;
    GstElementFactory *factory = gst_element_get_factory(element);
    pthread_mutex_lock(&decode->lock);
    int program = decode->choice.program;
    pthread_mutex_unlock(&decode->lock);
    if (factory && strcmp(GST_OBJECT_NAME(factory), "tsdemux") == 0 && program > 0)
        g_object_set(element, "program-number", program, NULL);
}

static gboolean on_continue(GstElement *parsebin, GstPad *pad, GstCaps *caps, ut_decode *decode)
{
    (void)parsebin;
    (void)pad;
    bool picture = is_picture(caps);
    pthread_mutex_lock(&decode->lock);
    if (!decode->container[0])
        g_strlcpy(decode->container, caps_name(caps), sizeof decode->container);
    decode->video |= picture;
    pthread_mutex_unlock(&decode->lock);
    return !picture;
}

static void on_unknown(GstElement *parsebin, GstPad *pad, GstCaps *caps, ut_decode *decode)
{
    (void)parsebin;
    (void)pad;
    pthread_mutex_lock(&decode->lock);
    if (g_str_has_prefix(caps_name(caps), "audio/"))
        describe_codec(caps, decode->unknown, sizeof decode->unknown);
    pthread_mutex_unlock(&decode->lock);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(candidate *const *)a)->id, (*(candidate *const *)b)->id);
}

static bool fits(const ut_decode *decode, const candidate *c)
{
    const char *language = decode->choice.language;
    return !c->silent && (!decode->choice.pid || decode->choice.pid == c->stream.pid) &&
           (!language || (!c->seen && !c->stream.language[0]) || same_language(language, c->stream.language));
}

static bool is_description(const ut_decode *decode, const candidate *c)
{
    const ut_program_stream *stream = c->stream.pid ? ut_programs_find(&decode->programs, c->stream.pid) : NULL;
    return stream && stream->description;
}

/* Is `c`, which has a buffer, the one? The first that fits in the order of the ids: the order in which pads appear
 * depends on the order of the packets, theirs does not. One that is announced but silent is waited for, but not for
 * ever. */
static bool decide(ut_decode *decode, candidate *c)
{
    candidate *order[UT_STREAMS_MAX];
    size_t count = decode->candidate_count;
    for (size_t i = 0; i < count; i++)
        order[i] = &decode->candidates[i];
    qsort(order, count, sizeof order[0], by_id);
    /* Audio description only if nothing else fits, or it is asked for by its PID. */
    candidate *best = NULL;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count && !best; i++)
            best = fits(decode, order[i]) && (pass || !is_description(decode, order[i])) ? order[i] : NULL;
    if (best && best != c && fits(decode, c) && ++c->waited > WAIT_BUFFERS)
        best = c;
    if (best == c)
        c->stream.chosen = decode->chosen = true;
    return best != NULL;
}

static bool link_through(ut_decode *decode, GstPad *pad, GstElementFactory *factory)
{
    GstElement *decoder = gst_element_factory_create(factory, NULL);
    if (!decoder || !gst_bin_add(decode->pipeline, decoder))
        return false;
    GstPad *sink = gst_element_get_static_pad(decoder, "sink");
    bool ok = sink && gst_element_link(decoder, decode->convert) && gst_element_sync_state_with_parent(decoder) &&
              gst_pad_link(pad, sink) == GST_PAD_LINK_OK;
    if (sink)
        gst_object_unref(sink);
    if (!ok) {
        gst_element_set_state(decoder, GST_STATE_NULL);
        gst_bin_remove(decode->pipeline, decoder);
    }
    return ok;
}

static bool link_decoder(ut_decode *decode, GstPad *pad)
{
    GstCaps *caps = gst_pad_get_current_caps(pad);
    bool ok = false;
    if (caps && strcmp(caps_name(caps), "audio/x-raw") == 0) {
        GstPad *sink = gst_element_get_static_pad(decode->convert, "sink");
        ok = gst_pad_link(pad, sink) == GST_PAD_LINK_OK;
        gst_object_unref(sink);
    } else if (caps) {
        GList *all = gst_element_factory_list_get_elements(
            GST_ELEMENT_FACTORY_TYPE_DECODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_AUDIO, GST_RANK_MARGINAL);
        GList *fit = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, TRUE);
        fit = g_list_sort(fit, gst_plugin_feature_rank_compare_func);
        for (GList *i = fit; i && !ok; i = i->next)
            ok = link_through(decode, pad, i->data);
        gst_plugin_feature_list_free(fit);
        gst_plugin_feature_list_free(all);
    }
    g_clear_pointer(&caps, gst_caps_unref);
    return ok;
}

static candidate *find(ut_decode *decode, const GstPad *pad)
{
    for (size_t i = 0; i < decode->candidate_count; i++)
        if (decode->candidates[i].pad == pad)
            return &decode->candidates[i];
    return NULL;
}

/* parsebin shows all pads of a group before the first buffer of any, and does not say when it has: the first buffer
 * does. */
static GstPadProbeReturn on_first_data(GstPad *pad, GstPadProbeInfo *info, gpointer arg)
{
    ut_decode *decode = arg;
    bool is_event = (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) != 0;
    if (is_event && GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
        return GST_PAD_PROBE_OK;
    pthread_mutex_lock(&decode->lock);
    decode->flowing = true;
    candidate *c = find(decode, pad);
    if (!c) { /* pictures */
        pthread_mutex_unlock(&decode->lock);
        return GST_PAD_PROBE_REMOVE;
    }
    if (!c->seen) {
        c->seen = true;
        read_caps(c);
        read_language(c->pad, c->stream.language, sizeof c->stream.language);
    }
    c->silent |= is_event;
    bool wait = !decode->chosen && decide(decode, c);
    bool chosen = c->stream.chosen;
    pthread_mutex_unlock(&decode->lock);
    if (is_event)
        return GST_PAD_PROBE_OK;
    if (!chosen)
        return wait ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_REMOVE;
    bool linked = link_decoder(decode, pad);
    pthread_mutex_lock(&decode->lock);
    decode->linked = linked;
    if (linked && decode->tolerance_s > 0)
        ut_ts_watch_init(&decode->watch, c->stream.pid, decode->tolerance_s);
    if (!linked)
        g_strlcpy(decode->unknown, c->stream.codec, sizeof decode->unknown);
    pthread_mutex_unlock(&decode->lock);
    return GST_PAD_PROBE_REMOVE;
}

static void on_pad(GstElement *parsebin, GstPad *pad, ut_decode *decode)
{
    (void)parsebin;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    if (!caps)
        caps = gst_pad_query_caps(pad, NULL);
    gchar *id = gst_pad_get_stream_id(pad);
    pthread_mutex_lock(&decode->lock);
    decode->exposed = true;
    decode->video |= g_str_has_prefix(caps_name(caps), "video/");
    if (g_str_has_prefix(caps_name(caps), "audio/") && decode->candidate_count < UT_STREAMS_MAX) {
        candidate *c = &decode->candidates[decode->candidate_count++];
        *c = (candidate){.pad = gst_object_ref(pad), .id = g_strdup(id ? id : "")};
        if (strcmp(decode->container, "video/mpegts") == 0)
            c->stream.pid = pid_of(c->id);
        read_caps(c);
        read_language(pad, c->stream.language, sizeof c->stream.language);
    }
    pthread_mutex_unlock(&decode->lock);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, on_first_data, decode, NULL);
    g_free(id);
    gst_caps_unref(caps);
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer arg);

/* --- life ----------------------------------------------------------------------------------------------------- */

ut_status ut_decode_open(GstBin *pipeline, const ut_choice *choice, ut_decode **out, GstElement **sink, ut_err *err)
{
    ut_decode *decode = calloc(1, sizeof *decode);
    if (!decode)
        return ut_fail(err, UT_E_NOMEM, "decoder");
    pthread_mutex_init(&decode->lock, NULL);
    decode->pipeline = pipeline;
    decode->choice = *choice;
    if (choice->language) {
        g_strlcpy(decode->language, choice->language, sizeof decode->language);
        decode->choice.language = decode->language;
    }
    ut_status rc;
    if ((rc = ut_gst_make(pipeline, "parsebin", &decode->parsebin, err)) != UT_OK ||
        (rc = ut_gst_make(pipeline, "audioconvert", &decode->convert, err)) != UT_OK ||
        (rc = ut_gst_make(pipeline, "appsink", &decode->sink, err)) != UT_OK)
        goto fail;
    gst_util_set_object_arg(G_OBJECT(decode->convert), "dithering", "none");
    GstCaps *caps = gst_caps_from_string("audio/x-raw,format=" GST_AUDIO_NE(F32) ",layout=interleaved");
    g_object_set(decode->sink, "caps", caps, "sync", FALSE, NULL);
    gst_caps_unref(caps);
    if (!gst_element_link(decode->convert, decode->sink)) {
        rc = ut_fail(err, UT_E_UNSUPPORTED, "decoder: audioconvert does not link to appsink");
        goto fail;
    }
    g_signal_connect(decode->parsebin, "deep-element-added", G_CALLBACK(on_element), decode);
    g_signal_connect(decode->parsebin, "autoplug-continue", G_CALLBACK(on_continue), decode);
    g_signal_connect(decode->parsebin, "unknown-type", G_CALLBACK(on_unknown), decode);
    g_signal_connect(decode->parsebin, "pad-added", G_CALLBACK(on_pad), decode);
    GstBus *bus = gst_element_get_bus(GST_ELEMENT(pipeline));
    gst_bus_set_sync_handler(bus, on_message, decode, NULL);
    gst_object_unref(bus);
    *out = decode;
    *sink = decode->sink;
    return UT_OK;
fail:
    ut_decode_close(&decode);
    return rc;
}

void ut_decode_close(ut_decode **decode)
{
    if (!*decode)
        return;
    pthread_mutex_lock(&(*decode)->lock); /* the streaming thread is gone; this is where its work is seen */
    pthread_mutex_unlock(&(*decode)->lock);
    GstBus *bus = gst_element_get_bus(GST_ELEMENT((*decode)->pipeline));
    gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
    gst_object_unref(bus);
    for (size_t i = 0; i < (*decode)->candidate_count; i++) {
        gst_object_unref((*decode)->candidates[i].pad);
        g_free((*decode)->candidates[i].id);
    }
    pthread_mutex_destroy(&(*decode)->lock);
    free(*decode);
    *decode = NULL;
}

ut_status ut_decode_feed(ut_decode *decode, GstPad *pad, const char *known, ut_err *err)
{
    GstPad *sink = gst_element_get_static_pad(decode->parsebin, "sink");
    if (known) {
        GstCaps *caps = gst_caps_from_string(known);
        g_object_set(decode->parsebin, "sink-caps", caps, NULL);
        pthread_mutex_lock(&decode->lock);
        g_strlcpy(decode->container, caps_name(caps), sizeof decode->container);
        pthread_mutex_unlock(&decode->lock);
        gst_caps_unref(caps);
    }
    GstPadLinkReturn linked = gst_pad_link(pad, sink);
    gst_object_unref(sink);
    return linked == GST_PAD_LINK_OK ? UT_OK : ut_fail(err, UT_E_UNSUPPORTED, "decoder: its input does not link");
}

ut_status ut_decode_feed_raw(ut_decode *decode, GstElement *element, ut_err *err)
{
    /* parsebin would wait for data for ever. */
    gst_bin_remove(decode->pipeline, decode->parsebin);
    decode->parsebin = NULL;
    bool linked = gst_element_link(element, decode->convert);
    pthread_mutex_lock(&decode->lock);
    decode->linked = linked;
    pthread_mutex_unlock(&decode->lock);
    return linked ? UT_OK : ut_fail(err, UT_E_UNSUPPORTED, "decoder: raw audio does not link");
}

static gboolean watch_buffer(GstBuffer **buffer, guint index, gpointer arg)
{
    (void)index;
    ut_decode *decode = arg;
    GstMapInfo map;
    if (gst_buffer_map(*buffer, &map, GST_MAP_READ)) {
        decode->jumped |= ut_ts_watch_push(&decode->watch, map.data, map.size);
        gst_buffer_unmap(*buffer, &map);
    }
    return TRUE;
}

static GstPadProbeReturn on_bytes(GstPad *pad, GstPadProbeInfo *info, gpointer arg)
{
    (void)pad;
    ut_decode *decode = arg;
    pthread_mutex_lock(&decode->lock);
    if (decode->watch.pid && (info->type & GST_PAD_PROBE_TYPE_BUFFER))
        watch_buffer(&(GstBuffer *){GST_PAD_PROBE_INFO_BUFFER(info)}, 0, decode);
    else if (decode->watch.pid)
        gst_buffer_list_foreach(GST_PAD_PROBE_INFO_BUFFER_LIST(info), watch_buffer, decode);
    pthread_mutex_unlock(&decode->lock);
    return GST_PAD_PROBE_OK;
}

void ut_decode_watch_jumps(ut_decode *decode, double tolerance_s)
{
    pthread_mutex_lock(&decode->lock);
    decode->tolerance_s = tolerance_s;
    pthread_mutex_unlock(&decode->lock);
    if (!decode->parsebin)
        return;
    GstPad *pad = gst_element_get_static_pad(decode->parsebin, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_bytes, decode, NULL);
    gst_object_unref(pad);
}

bool ut_decode_take_jump(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool jumped = decode->jumped;
    decode->jumped = false;
    pthread_mutex_unlock(&decode->lock);
    return jumped;
}

/* --- what was found --------------------------------------------------------------------------------------- */

/* In the thread that posts, so before the demuxer goes on. Left alone it takes the programme whose PMT comes first,
 * which of a live stream is a matter of luck: the first is the first of the PAT. */
static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer arg)
{
    (void)bus;
    ut_decode *decode = arg;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
        GError *error = NULL;
        gst_message_parse_warning(message, &error, NULL);
        pthread_mutex_lock(&decode->lock);
        decode->damage += error->domain == GST_STREAM_ERROR;
        pthread_mutex_unlock(&decode->lock);
        g_clear_error(&error);
    }
    pthread_mutex_lock(&decode->lock);
    int learnt = ut_programs_learn(&decode->programs, message);
    bool take_first = learnt == 2 && !decode->choice.program && decode->programs.program_count && !decode->exposed;
    int first = take_first ? decode->programs.programs[0] : 0;
    pthread_mutex_unlock(&decode->lock);
    if (first)
        g_object_set(GST_MESSAGE_SRC(message), "program-number", first, NULL);
    if (!learnt)
        return GST_BUS_PASS;
    gst_message_unref(message);
    return GST_BUS_DROP;
}

int ut_decode_other_program(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool elsewhere = decode->choice.pid && !decode->choice.program && !decode->linked;
    const ut_program_stream *stream = elsewhere ? ut_programs_find(&decode->programs, decode->choice.pid) : NULL;
    int program = stream ? stream->program : 0;
    pthread_mutex_unlock(&decode->lock);
    return program;
}

static void list_streams(const ut_decode *decode, GString *text)
{
    for (size_t i = 0; i < decode->candidate_count; i++) {
        const ut_stream *s = &decode->candidates[i].stream;
        g_string_append(text, i ? ", " : "");
        if (s->pid)
            g_string_append_printf(text, "PID %d ", s->pid);
        if (s->language[0])
            g_string_append_printf(text, "%s ", s->language);
        g_string_append(text, s->codec[0] ? s->codec : "of unknown kind");
    }
}

/* No stream that is there fits, and none can come any more. */
static bool hopeless(const ut_decode *decode)
{
    bool waiting = decode->chosen || !decode->flowing || (decode->choice.pid && ut_programs_awaits(&decode->programs));
    for (size_t i = 0; i < decode->candidate_count; i++)
        waiting |= !decode->candidates[i].seen || fits(decode, &decode->candidates[i]);
    return !waiting || (decode->chosen && decode->unknown[0]);
}

static ut_status explain(const ut_decode *decode, const char *what, bool at_end, ut_err *err)
{
    GString *there = g_string_new(NULL);
    ut_status rc = UT_OK;
    if (decode->choice.program && !ut_programs_has(&decode->programs, decode->choice.program)) {
        for (size_t i = 0; i < decode->programs.program_count; i++)
            g_string_append_printf(there, "%s%d", i ? ", " : "", decode->programs.programs[i]);
        rc = ut_fail(err, UT_E_ARG, "%s: no programme %d (there are: %s)", what, decode->choice.program, there->str);
    } else if (decode->exposed && !decode->linked && (at_end || hopeless(decode))) {
        list_streams(decode, there);
        if (decode->unknown[0])
            rc = ut_fail(err, UT_E_UNSUPPORTED,
                         "%s: no decoder for its audio, %s: install gstreamer1.0-libav or gstreamer1.0-plugins-bad",
                         what, decode->unknown);
        else if (!decode->candidate_count)
            rc = ut_fail(err, UT_E_UNSUPPORTED, "%s: no audio track", what);
        else if (decode->choice.pid)
            rc = ut_fail(err, UT_E_ARG, "%s: no audio of PID %d (there are: %s)", what, decode->choice.pid, there->str);
        else
            rc = ut_fail(err, UT_E_ARG, "%s: no audio in language %s (there are: %s)", what, decode->language,
                         there->str);
    }
    g_string_free(there, TRUE);
    return rc;
}

ut_status ut_decode_problem(ut_decode *decode, const char *what, bool at_end, ut_err *err)
{
    pthread_mutex_lock(&decode->lock);
    ut_status rc = explain(decode, what, at_end, err);
    pthread_mutex_unlock(&decode->lock);
    return rc;
}

size_t ut_decode_damage(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    size_t damage = decode->damage;
    pthread_mutex_unlock(&decode->lock);
    return damage;
}

void ut_decode_container(ut_decode *decode, char *name, size_t size)
{
    pthread_mutex_lock(&decode->lock);
    g_strlcpy(name, decode->container, size);
    pthread_mutex_unlock(&decode->lock);
}

bool ut_decode_has_video(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool video = decode->video;
    pthread_mutex_unlock(&decode->lock);
    return video;
}

size_t ut_decode_streams(ut_decode *decode, ut_stream *streams, size_t capacity)
{
    pthread_mutex_lock(&decode->lock);
    size_t count = decode->candidate_count < capacity ? decode->candidate_count : capacity;
    for (size_t i = 0; i < count; i++)
        streams[i] = decode->candidates[i].stream;
    pthread_mutex_unlock(&decode->lock);
    return count;
}

void ut_decode_programs(ut_decode *decode, ut_programs *programs)
{
    pthread_mutex_lock(&decode->lock);
    *programs = decode->programs;
    pthread_mutex_unlock(&decode->lock);
}
