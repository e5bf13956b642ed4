#include <stdlib.h>
#include <string.h>

#include <gst/audio/audio.h>

#include "pipeline/decode_state.h"
#include "pipeline/gst.h"

#define WAIT_BUFFERS 100 /* about three seconds of AAC */

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
    bool picture = ut_decode_is_picture(caps);
    pthread_mutex_lock(&decode->lock);
    if (!decode->container[0])
        g_strlcpy(decode->container, ut_decode_caps_name(caps), sizeof decode->container);
    decode->video |= picture;
    pthread_mutex_unlock(&decode->lock);
    return !picture;
}

static void on_unknown(GstElement *parsebin, GstPad *pad, GstCaps *caps, ut_decode *decode)
{
    (void)parsebin;
    (void)pad;
    pthread_mutex_lock(&decode->lock);
    if (g_str_has_prefix(ut_decode_caps_name(caps), "audio/"))
        ut_decode_describe_codec(caps, decode->unknown, sizeof decode->unknown);
    pthread_mutex_unlock(&decode->lock);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(ut_candidate *const *)a)->id, (*(ut_candidate *const *)b)->id);
}

static bool is_description(const ut_decode *decode, const ut_candidate *c)
{
    const ut_program_stream *stream = c->stream.pid ? ut_programs_find(&decode->programs, c->stream.pid) : NULL;
    return stream && stream->description;
}

/* Is `c`, which has a buffer, the one? The first that ut_decode_fits in the order of the ids: the order in which pads
 * appear depends on the order of the packets, theirs does not. One that is announced but silent is waited for, but not
 * for ever. */
static bool decide(ut_decode *decode, ut_candidate *c)
{
    ut_candidate *order[UT_STREAMS_MAX];
    size_t count = decode->candidate_count;
    for (size_t i = 0; i < count; i++)
        order[i] = &decode->candidates[i];
    qsort(order, count, sizeof order[0], by_id);
    /* Audio description only if nothing else ut_decode_fits, or it is asked for by its PID. */
    ut_candidate *best = NULL;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count && !best; i++)
            best = ut_decode_fits(decode, order[i]) && (pass || !is_description(decode, order[i])) ? order[i] : NULL;
    if (best && best != c && ut_decode_fits(decode, c) && ++c->waited > WAIT_BUFFERS)
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
    if (caps && strcmp(ut_decode_caps_name(caps), "audio/x-raw") == 0) {
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

static ut_candidate *find(ut_decode *decode, const GstPad *pad)
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
    ut_candidate *c = find(decode, pad);
    if (!c) { /* pictures */
        pthread_mutex_unlock(&decode->lock);
        return GST_PAD_PROBE_REMOVE;
    }
    if (!c->seen) {
        c->seen = true;
        ut_decode_read_caps(c);
        ut_decode_read_language(c->pad, c->stream.language, sizeof c->stream.language);
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
    decode->video |= g_str_has_prefix(ut_decode_caps_name(caps), "video/");
    if (g_str_has_prefix(ut_decode_caps_name(caps), "audio/") && decode->candidate_count < UT_STREAMS_MAX) {
        ut_candidate *c = &decode->candidates[decode->candidate_count++];
        *c = (ut_candidate){.pad = gst_object_ref(pad), .id = g_strdup(id ? id : "")};
        if (strcmp(decode->container, "video/mpegts") == 0)
            c->stream.pid = ut_decode_pid_of(c->id);
        ut_decode_read_caps(c);
        ut_decode_read_language(pad, c->stream.language, sizeof c->stream.language);
    }
    pthread_mutex_unlock(&decode->lock);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM, on_first_data, decode, NULL);
    g_free(id);
    gst_caps_unref(caps);
}

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
    gst_bus_set_sync_handler(bus, ut_decode_on_message, decode, NULL);
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
    ut_eit_close(&(*decode)->eit);
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
        g_strlcpy(decode->container, ut_decode_caps_name(caps), sizeof decode->container);
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
        if (decode->watch.pid)
            decode->jumped |= ut_ts_watch_push(&decode->watch, map.data, map.size);
        if (decode->eit && decode->programs.program_count &&
            ut_eit_push(decode->eit, map.data, map.size, NULL) != UT_OK)
            ut_eit_close(&decode->eit); /* more events than anybody announces */
        gst_buffer_unmap(*buffer, &map);
    }
    return TRUE;
}

static GstPadProbeReturn on_bytes(GstPad *pad, GstPadProbeInfo *info, gpointer arg)
{
    (void)pad;
    ut_decode *decode = arg;
    pthread_mutex_lock(&decode->lock);
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
        watch_buffer(&(GstBuffer *){GST_PAD_PROBE_INFO_BUFFER(info)}, 0, decode);
    else
        gst_buffer_list_foreach(GST_PAD_PROBE_INFO_BUFFER_LIST(info), watch_buffer, decode);
    pthread_mutex_unlock(&decode->lock);
    return GST_PAD_PROBE_OK;
}

void ut_decode_watch_bytes(ut_decode *decode)
{
    if (!decode->parsebin || decode->watched)
        return;
    GstPad *pad = gst_element_get_static_pad(decode->parsebin, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_bytes, decode, NULL);
    gst_object_unref(pad);
    decode->watched = true;
}

void ut_decode_watch_jumps(ut_decode *decode, double tolerance_s)
{
    pthread_mutex_lock(&decode->lock);
    decode->tolerance_s = tolerance_s;
    pthread_mutex_unlock(&decode->lock);
    ut_decode_watch_bytes(decode);
}

bool ut_decode_take_jump(ut_decode *decode)
{
    pthread_mutex_lock(&decode->lock);
    bool jumped = decode->jumped;
    decode->jumped = false;
    pthread_mutex_unlock(&decode->lock);
    return jumped;
}
